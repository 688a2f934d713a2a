/**
 * The algorithm: a deterministic machine that is told events and says what to do about them.
 *
 * <p>Nothing here has a clock, a thread, a lock, a socket, a file, a logger or randomness of its own. {@link
 * io.quorate.raft.core.RaftNode} is the entrance: {@code step} digests events, {@code flush} reports the effects.
 */
@NullMarked
package io.quorate.raft.core;

import org.jspecify.annotations.NullMarked;
