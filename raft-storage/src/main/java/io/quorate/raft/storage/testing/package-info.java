/**
 * A disk for tests: {@link io.quorate.raft.storage.testing.SimulatedFiles} keeps a directory in memory, and can fail it, fill it and take
 * its power away at any operation.
 */
@NullMarked
package io.quorate.raft.storage.testing;

import org.jspecify.annotations.NullMarked;
