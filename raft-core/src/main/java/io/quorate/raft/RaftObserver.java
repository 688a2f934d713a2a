package io.quorate.raft;

import io.quorate.raft.core.Membership;
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

    /**
     * Another membership is in force at this replica: by an entry of its log, which may not be committed yet and may still be replaced, or
     * by a snapshot. A change has come to its end when there is no goal any more. On the raft thread.
     */
    default void onMembership(Membership membership) { }

    /** The replica has become a member of this group. */
    default void onFounded(FoundingRecord record) { }

    /** A snapshot of this replica's own state is durable. On the apply thread. */
    default void onSnapshotTaken(SnapshotInfo snapshot) { }

    /** Another replica's snapshot is whole and durable here, and about to be installed. On the transfer thread. */
    default void onSnapshotFetched(SnapshotInfo snapshot) { }

    /**
     * No snapshot came of it: the state machine failed to write one, or the disk is full, or what another replica has sent is damaged. The
     * log is kept, and the next is tried after a pause. On the apply thread, or the transfer thread.
     */
    default void onSnapshotFailed(Throwable why) { }

    /**
     * This process stood still, or got no processor time: its raft thread came this much later than it had asked for, and that is more than
     * half an election timeout. Others may have elected a leader meanwhile. Long garbage collections and suspended virtual machines do
     * this.
     */
    default void onPause(long nanos) { }

    /**
     * The server has stopped.
     *
     * @param cause why, or null if it was closed
     */
    default void onStopped(@Nullable Throwable cause) { }
}
