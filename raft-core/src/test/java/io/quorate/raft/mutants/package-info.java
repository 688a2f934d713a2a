/**
 * Takes the rules of the core away, one at a time, and sees whether the core's tests notice: the profile {@code mutants}.
 *
 * <p>{@link io.quorate.raft.mutants.Mutants} is the program; what it takes away stands in {@code raft-core/src/test/mutants}.
 */
@NullMarked
package io.quorate.raft.mutants;

import org.jspecify.annotations.NullMarked;
