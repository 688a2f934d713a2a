package io.quorate.raft;

import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.Refusal;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a replica answers a client. {@link NotLeader}, {@link Overloaded}, {@link Refused}, {@link Failed} and {@link Unavailable} say that
 * nothing happened, {@link Unknown} that perhaps it did; all others are what was asked for.
 */
public sealed interface ClientResponse {

    /**
     * The command was applied, or the query answered.
     *
     * @param index of the command's entry, or an index whose effects the answer contains
     */
    record Done(byte[] result, long index) implements ClientResponse {
        @Override
        public String toString() {
            return "Done[" + result.length + " bytes, at " + index + "]";
        }
    }

    /**
     * What has become of an entry; nothing can change it any more.
     *
     * @param isApplied whether it was applied; if not it never will be
     */
    record Settled(boolean isApplied) implements ClientResponse { }

    /** How the replica is. */
    record Status(ServerStatus status) implements ClientResponse { }

    /**
     * Who belongs to the group.
     *
     * @param membership  as far as this replica knows; in an answer to {@link ClientRequest.ChangeMembership}, the one that states the goal
     * @param strangers   who asks to belong to it and does not: disks that were lost and replaced, and new nodes
     * @param isCommitted whether that membership is known to be committed; until then it may be undone, and no other is taken
     */
    record Members(Membership membership, List<Member> strangers, boolean isCommitted) implements ClientResponse {
        public Members {
            strangers = List.copyOf(strangers);
        }

        /** Of a membership that is committed. */
        public Members(Membership membership, List<Member> strangers) {
            this(membership, strangers, true);
        }
    }

    /** Another leads: the transfer has come to its good end. */
    record Transferred() implements ClientResponse { }

    /**
     * A snapshot was taken, and is durable.
     *
     * @param last  the last entry it covers
     * @param bytes how long it is
     */
    record SnapshotTaken(EntryId last, long bytes) implements ClientResponse {
        public SnapshotTaken {
            natural(bytes);
        }
    }

    /**
     * What there is to be copied.
     *
     * @param snapshot   by the last entry it covers
     * @param totalBytes how long it is
     */
    record Backup(EntryId snapshot, long totalBytes) implements ClientResponse {
        public Backup {
            natural(totalBytes);
        }
    }

    /**
     * A piece of a snapshot.
     *
     * @param snapshot by the last entry it covers
     * @param offset   where the piece begins
     * @param bytes    the piece, not changed by anybody; empty only if the offset is the end
     */
    record BackupPiece(EntryId snapshot, long offset, byte[] bytes) implements ClientResponse {

        public BackupPiece {
            if (offset < 0 || bytes.length > SnapshotMessage.PIECE_BYTES_MAX) {
                throw new IllegalArgumentException("Impossible piece: " + bytes.length + " bytes from " + offset + " on");
            }
        }

        @Override
        public String toString() {
            return "BackupPiece[" + snapshot + ", " + offset + " + " + bytes.length + "]";
        }
    }

    /** What holds the replica up, in sentences; none if nothing does. */
    record Explanation(List<String> sentences) implements ClientResponse {
        public Explanation {
            sentences = List.copyOf(sentences);
        }
    }

    /** What the replica has counted and measured, by name; each name tells its unit. */
    record Metrics(SortedMap<String, Long> values) implements ClientResponse {

        public Metrics {
            values = java.util.Collections.unmodifiableSortedMap(new TreeMap<>(values));
        }

        /** The same, of values in any order. */
        public static Metrics of(Map<String, Long> values) {
            return new Metrics(new TreeMap<>(values));
        }
    }

    /**
     * Nothing happened: this replica does not lead.
     *
     * @param leaderNodeId  who does, or 0 if this replica does not know
     * @param leaderAddress where, or null
     */
    record NotLeader(int leaderNodeId, @Nullable String leaderAddress) implements ClientResponse { }

    /** Nothing happened: too much is waiting. Try again after a pause. */
    record Overloaded(String why) implements ClientResponse { }

    /**
     * Nothing happened: the leader cannot do this now, or not any more.
     *
     * @param reason what stands in the way
     * @param why    the same in words
     */
    record Refused(Refusal.Reason reason, String why) implements ClientResponse { }

    /** Nothing happened, and nothing will if it is tried again like this: the request is bad, or the query failed. */
    record Failed(String why) implements ClientResponse { }

    /** Nothing happened: this replica cannot serve now (it stops, or is blank). Another may. */
    record Unavailable(String why) implements ClientResponse { }

    /**
     * Perhaps it happened: the replica cannot tell.
     *
     * @param entry for whose outcome may be {@linkplain ClientRequest.AwaitOutcome waited}, or null if it is not known
     */
    record Unknown(String why, @Nullable EntryId entry) implements ClientResponse { }

    private static void natural(long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("No snapshot has " + bytes + " bytes");
        }
    }
}
