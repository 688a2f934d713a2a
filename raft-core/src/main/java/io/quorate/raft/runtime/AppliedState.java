package io.quorate.raft.runtime;

import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.SnapshotId;
import org.jspecify.annotations.Nullable;

/**
 * How far the state machine is, and what is in force there: everything that a snapshot of it is labelled with. It is kept by the apply
 * thread, entry by entry, so that label and state are always of the same point.
 */
final class AppliedState {

    private long index;
    private long term;
    private long timeNanos;                      // never goes back
    private @Nullable Membership membership;     // null until the log has been recovered
    private long lastToldIndex;                  // at or before the index: of the last entry by which the machine was told anything

    /** The log stands on this snapshot, or the state has just been replaced by it. */
    void reset(SnapshotId snapshot, long theLastToldIndex) {
        index = snapshot.index();
        term = snapshot.last().term();
        timeNanos = snapshot.timeNanos();
        membership = snapshot.membership();
        lastToldIndex = theLastToldIndex;
    }

    void onApplied(Entry entry) {
        index = entry.index();
        term = entry.term();
        timeNanos = Math.max(timeNanos, entry.timeNanos());
        if (entry.kind() == Entry.Kind.COMMAND) {
            lastToldIndex = index;
        } else if (entry.kind() == Entry.Kind.MEMBERSHIP) {
            membership = Membership.of(entry);
        }
    }

    /** The machine was told the time by the entry that is being applied. */
    void onTold(long atIndex) {
        lastToldIndex = atIndex;
    }

    /** Of the last entry that was applied. */
    long index() {
        return index;
    }

    long lastToldIndex() {
        return lastToldIndex;
    }

    /** What a snapshot that is captured now covers; null if the log has not been recovered yet. */
    @Nullable SnapshotId snapshotId() {
        return membership == null ? null : new SnapshotId(new EntryId(term, index), membership, timeNanos);
    }
}
