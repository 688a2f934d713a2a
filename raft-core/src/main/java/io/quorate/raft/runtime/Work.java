package io.quorate.raft.runtime;

import io.quorate.raft.SnapshotInfo;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.core.TermTable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Something for the applier. All of it stands in one queue, so that none overtakes another. */
sealed interface Work permits Call, Work.Begin, Work.Apply, Work.Restore, Work.TakeSnapshot, Work.SnapshotEnded,
    Work.Retry, Work.GiveUp, Work.HandedBack, Work.RenewSnapshot {

    void run(Applier applier);

    /**
     * The log has been recovered, or has just begun: first of all.
     *
     * @param snapshot what the log stands on: what comes to be applied first follows it
     * @param terms    of the whole log; its owner gives it away
     */
    record Begin(SnapshotId snapshot, TermTable terms) implements Work {

        /** Where the log ends: no state machine of this replica can have applied more. */
        long lastIndex() {
            return terms.lastIndex();
        }

        @Override
        public void run(Applier applier) {
            applier.begin(this);
        }
    }

    /**
     * These entries are committed.
     *
     * @param firstIndex the first
     * @param lastIndex  the last, inclusive
     * @param entries    all of them, or empty if they must be read from storage
     */
    record Apply(long firstIndex, long lastIndex, List<Entry> entries) implements Work {
        @Override
        public void run(Applier applier) {
            applier.begin(this);
        }
    }

    /**
     * Another's snapshot has been installed in place of what was to be applied next.
     *
     * @param snapshot which
     */
    record Restore(SnapshotId snapshot) implements Work {
        @Override
        public void run(Applier applier) {
            applier.restore(snapshot);
        }
    }

    /**
     * Somebody wants a snapshot.
     *
     * @param wish what exactly, and until when
     */
    record TakeSnapshot(Wish wish) implements Work {
        @Override
        public void run(Applier applier) {
            applier.snapshots().ask(wish);
        }
    }

    /** Damaged entries have been put back, or are of no concern any more: what waits for one may try again. */
    record Retry() implements Work {
        @Override
        public void run(Applier applier) {
            applier.retry();
        }
    }

    /**
     * Others have the damaged entry only behind a snapshot, which is being fetched. If that entry is the next to be applied, whatever is to
     * be applied is to be given back.
     */
    record GiveUp() implements Work {
        @Override
        public void run(Applier applier) {
            applier.giveUp();
        }
    }

    /** The node knows what was given back, and hands out nothing of it but anew: behind this. */
    record HandedBack() implements Work {
        @Override
        public void run(Applier applier) {
            applier.handedBack();
        }
    }

    /**
     * Another snapshot is to be taken as soon as there is anything new to capture; or at once.
     *
     * @param isDamaged whether the newest one cannot be relied on: one of the same state takes its place, if nothing is new
     */
    record RenewSnapshot(boolean isDamaged) implements Work {
        @Override
        public void run(Applier applier) {
            applier.snapshots().renew(isDamaged);
        }
    }

    /**
     * What was captured has been written, or not.
     *
     * @param newest     the newest snapshot, which covers what was captured; null if there is none
     * @param isReplaced whether it covers no more than the one whose place it took
     * @param failure    why not, or null
     */
    record SnapshotEnded(@Nullable SnapshotInfo newest, boolean isReplaced, @Nullable Throwable failure) implements Work {
        @Override
        public void run(Applier applier) {
            applier.ended(this);
        }
    }
}
