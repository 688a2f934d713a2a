/** A class with a rule or two and the checks of it: what {@link io.quorate.raft.mutants.MutantsTest} makes mutants of. */
@NullMarked
package io.quorate.raft.mutants.subject;

import org.jspecify.annotations.NullMarked;
