package io.quorate.raft.core;

/**
 * Everything the algorithm knows of a snapshot: what it covers, and what was in force there.
 *
 * <p>A group begins with the snapshot of nothing: {@link EntryId#ZERO} and the membership of its founding record.
 *
 * @param last       the last entry the snapshot covers
 * @param membership the membership in force after that entry, committed like all that a snapshot holds
 * @param timeNanos  the replicated time after that entry
 */
public record SnapshotId(EntryId last, Membership membership, long timeNanos) {

    public SnapshotId {
        if (timeNanos < 0) {
            throw new IllegalArgumentException("Replicated time is never negative: " + timeNanos);
        }
    }

    /** What a group of these members begins with. */
    public static SnapshotId ofFounding(Membership membership) {
        return new SnapshotId(EntryId.ZERO, membership, 0);
    }

    /** The index of the last entry it covers. */
    public long index() {
        return last.index();
    }
}
