/**
 * Calling a group from outside it: {@link io.quorate.raft.client.RaftClient} finds the leader and follows it, {@link
 * io.quorate.raft.client.RaftAdmin} does so for operators.
 */
@NullMarked
package io.quorate.raft.client;

import org.jspecify.annotations.NullMarked;
