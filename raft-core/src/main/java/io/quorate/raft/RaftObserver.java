package io.quorate.raft;

import io.quorate.raft.core.ReplicaId;
import org.jspecify.annotations.Nullable;

/**
 * Is told what a server goes through. Called on the server's threads, mostly the raft thread: return quickly. An exception is logged
 * and has no other effect.
 */
public interface RaftObserver {

    /** Observes nothing. */
    RaftObserver NONE = new RaftObserver() { };

    /** Something that {@link ServerStatus} calls state, term or leader has changed. */
    default void onChange(ServerStatus.State state, long term, @Nullable ReplicaId leader) { }

    /** The replica has become a member of this group. */
    default void onFounded(FoundingRecord record) { }

    /**
     * The server has stopped.
     *
     * @param cause why, or null if it was closed
     */
    default void onStopped(@Nullable Throwable cause) { }
}
