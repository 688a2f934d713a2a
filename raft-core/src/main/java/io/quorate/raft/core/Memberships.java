package io.quorate.raft.core;

import java.util.ArrayList;
import java.util.List;

/**
 * The memberships that the log holds: one is in force as soon as its entry is appended, and no longer when its entry is cut off (§6).
 *
 * <p>So all are remembered down to the last one that is known to be committed, or that the log stands on: whatever is cut off, there is one
 * to go back to. Whoever counts in any of them may still be needed to lead, for none of the later ones is certain to stay.
 */
final class Memberships {

    private record At(long index, Membership membership) { }

    private final List<At> history = new ArrayList<>();   // never empty; the first is committed, the last in force

    /** Those of a log as recovered. */
    Memberships(SnapshotId snapshot, List<Entry> entries) {
        history.add(new At(snapshot.index(), snapshot.membership()));
        for (Entry entry : entries) {
            append(entry);
        }
    }

    /** The one in force: the last in the log. */
    Membership active() {
        return last().membership;
    }

    /** Where the one in force stands; the end of the snapshot if that holds it. */
    long activeIndex() {
        return last().index;
    }

    /** The last one that is known to be committed. */
    Membership committed() {
        return history.get(0).membership;
    }

    /** Whether the one in force is known to be committed. */
    boolean isActiveCommitted() {
        return history.size() == 1;
    }

    /** A membership entry was appended to the log: from now on it decides. */
    void append(Entry entry) {
        Membership membership;
        try {
            membership = Membership.of(entry);
        } catch (IllegalArgumentException e) {
            throw new InvariantViolation("Entry " + entry.id() + " holds no membership that this version understands: " + e.getMessage());
        }
        if (membership.version() != active().version() + 1) {
            throw new InvariantViolation("Entry " + entry.id() + " holds version " + membership.version()
                + " of the membership, which cannot follow version " + active().version());
        }
        history.add(new At(entry.index(), membership));
    }

    /** The log was cut: what stood from here on never was; whether another membership is in force now. */
    boolean truncate(long firstIndex) {
        return history.removeIf(at -> at.index >= firstIndex);
    }

    /** Everything up to here is committed: what the last membership up to here has replaced is history. */
    void commit(long commitIndex) {
        while (history.size() > 1 && history.get(1).index <= commitIndex) {
            history.remove(0);
        }
    }

    /** The log is what this snapshot covers, and nothing else. */
    void install(SnapshotId snapshot) {
        history.clear();
        history.add(new At(snapshot.index(), snapshot.membership()));
    }

    /** Whether the replica counts in the one in force, or in one that may have to come back. */
    boolean mayCount(ReplicaId id) {
        for (At at : history) {
            if (at.membership.isVoter(id)) {
                return true;
            }
        }
        return false;
    }

    /** Whether nobody else's vote was ever needed, as far as the log tells: then nobody was ever promised one. */
    boolean isAlone(ReplicaId id) {
        for (At at : history) {
            if (!at.membership.isSingleVoter() || !at.membership.isVoter(id)) {
                return false;
            }
        }
        return true;
    }

    private At last() {
        return history.get(history.size() - 1);
    }

    @Override
    public String toString() {
        return "version " + active().version() + " at " + activeIndex() + (isActiveCommitted() ? "" : " (uncommitted)");
    }
}
