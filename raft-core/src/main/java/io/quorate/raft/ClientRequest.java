package io.quorate.raft;

import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Membership;

/** What a client may ask of a replica. */
public sealed interface ClientRequest {

    /** Replicate this command and answer with its result. */
    record Propose(byte[] command) implements ClientRequest {
        @Override
        public String toString() {
            return "Propose[" + command.length + " bytes]";
        }
    }

    /**
     * Answer this query from a state as fresh as this.
     *
     * @param query     for the state machine
     * @param freshness what the answer must hold
     */
    record Read(byte[] query, Freshness freshness) implements ClientRequest {
        @Override
        public String toString() {
            return "Read[" + query.length + " bytes, " + freshness + "]";
        }
    }

    /**
     * Answer whether this entry was applied, as soon as that is certain. Any replica can.
     *
     * @param entry as an unknown outcome named it
     */
    record AwaitOutcome(EntryId entry) implements ClientRequest { }

    /** How is this replica? */
    record Status() implements ClientRequest { }

    /** What only an administrator may ask: a server can be told to refuse all of it. */
    sealed interface Admin extends ClientRequest { }

    /**
     * To the leader: this shall be the group. Answered with {@link ClientResponse.Members} once it is committed that it shall be, which
     * is before it is.
     *
     * @param expectedVersion of the membership that the caller has seen
     * @param goal            who shall belong to the group in the end
     */
    record ChangeMembership(long expectedVersion, Membership.Goal goal) implements Admin { }

    /**
     * To the leader: hand over. Answered with {@link ClientResponse.Transferred}.
     *
     * @param targetNodeId to whom; 0 for whoever is best placed
     */
    record Transfer(int targetNodeId) implements Admin {

        public Transfer {
            if (targetNodeId < 0) {
                throw new IllegalArgumentException("A node id is 1 or more, not " + targetNodeId);
            }
        }
    }

    /** To any replica: take a snapshot now, whatever the size of the log. Answered with {@link ClientResponse.SnapshotTaken}. */
    record TakeSnapshot() implements Admin { }

    /** To any replica: which is your newest snapshot, and how long? Answered with {@link ClientResponse.Backup}. */
    record Backup() implements Admin { }

    /**
     * To the replica that answered {@link Backup}: a piece of that snapshot. Answered with {@link ClientResponse.BackupPiece}, or, when
     * that snapshot has made room for a newer one, with {@link ClientResponse.Failed}.
     *
     * @param snapshot by the last entry it covers
     * @param offset   where the piece begins
     * @param bytesMax how long it may be, at most {@link SnapshotMessage#PIECE_BYTES_MAX}
     */
    record BackupPiece(EntryId snapshot, long offset, int bytesMax) implements Admin {

        public BackupPiece {
            if (offset < 0 || bytesMax < 1 || bytesMax > SnapshotMessage.PIECE_BYTES_MAX) {
                throw new IllegalArgumentException("Impossible question: " + bytesMax + " bytes from " + offset + " on");
            }
        }
    }

    /** To any replica: what holds you up? Answered with {@link ClientResponse.Explanation}. */
    record Explain() implements Admin { }

    /** To any replica: what have you counted and measured? Answered with {@link ClientResponse.Metrics}. */
    record Metrics() implements Admin { }

    /**
     * Who belongs to the group? Answered with {@link ClientResponse.Members}.
     *
     * @param isOfLeader whether none but the leader is to answer, who alone knows what is newest; else any replica tells what it has
     */
    record Members(boolean isOfLeader) implements Admin { }
}
