package io.quorate.raft.core;

import org.jspecify.annotations.Nullable;

/**
 * Why a request was turned away. Nothing happened: it left no trace in any log.
 *
 * @param reason what stood in the way
 * @param leader who leads, as far as this replica knows, for {@link Reason#NOT_LEADER}; else null
 */
public record Refusal(Reason reason, @Nullable ReplicaId leader) {

    /** What stood in the way. */
    public enum Reason {
        /** This replica does not lead, or no longer. */
        NOT_LEADER,
        /** This replica leads, but has not heard a quorum for an election timeout. */
        NO_QUORUM,
        /** As many uncommitted bytes, or waiting reads, as the configuration allows. */
        OVERLOADED,
        /** The command is larger than an entry may be. */
        TOO_LARGE,
        /** This leader has committed nothing of its own term yet, so it does not know what is committed: try again in a moment. */
        TOO_EARLY,
        /** The membership is no longer the one that the caller has seen. */
        OTHER_VERSION,
        /** The previous change of the membership is not committed yet. */
        CHANGE_PENDING,
        /** A transfer of leadership is under way. */
        TRANSFER_PENDING,
        /** This replica cannot lead: it is no voter of this group, or the leader already. */
        NO_TARGET,
        /**
         * The transfer was given up, and this replica goes on leading: its target did not catch up in time, or nobody could be found. Said of
         * a transfer as a whole by {@code RaftAdmin}: it has led to another leader than it should, or to the same one again.
         */
        TRANSFER_FAILED,
        /** This leader's disk is nearly full, or those of so many other voters that nothing new could be committed. */
        DISK_FULL
    }
}
