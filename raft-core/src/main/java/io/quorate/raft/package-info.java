/**
 * What most users see: {@link io.quorate.raft.RaftServer} runs one replica of a group around your {@link
 * io.quorate.raft.StateMachine}, on a {@link io.quorate.raft.Storage} and a {@link io.quorate.raft.Transport}.
 */
@NullMarked
package io.quorate.raft;

import org.jspecify.annotations.NullMarked;
