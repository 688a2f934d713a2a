/**
 * Takes the rules of a module away, one at a time, and sees whether its tests notice: the profile {@code mutants}.
 *
 * <p>{@link io.quorate.raft.mutants.Mutants} is the program; what it takes away stands in {@code src/test/mutants} of {@code raft-core} and
 * of {@code raft-storage}.
 */
@NullMarked
package io.quorate.raft.mutants;

import org.jspecify.annotations.NullMarked;
