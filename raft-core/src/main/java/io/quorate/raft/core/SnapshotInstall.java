package io.quorate.raft.core;

import org.jspecify.annotations.Nullable;

/**
 * The snapshot that a node is getting from another, from the offer until it stands on its disk: one at a time.
 *
 * <p>It belongs to no term and no leader, since what is in a snapshot is committed for ever: whoever offered it may be gone when it has
 * arrived, and it is worth as much. So it outlives roles, and no offer replaces it. A crash forgets it; the next leader that finds the
 * node behind offers one anew, and what had arrived by then is storage's to know.
 */
final class SnapshotInstall {

    private enum Stage {
        NONE,         // nothing is wanted
        FETCHING,     // asked for, not here yet
        FETCHED,      // here, whole; the state machine has yet to finish what it was given before
        INSTALLING    // given to the disk as a numbered write
    }

    private Stage stage = Stage.NONE;
    private @Nullable SnapshotId snapshot;   // of every stage but NONE
    private long writeId;                    // of INSTALLING

    /** Whether another may be asked for: none is on its way. */
    boolean isIdle() {
        return stage == Stage.NONE;
    }

    void onAsked(SnapshotId wanted) {
        if (!isIdle()) {
            throw new InvariantViolation("Snapshot " + wanted.last() + " is asked for, but there is already one: " + this);
        }
        stage = Stage.FETCHING;
        snapshot = wanted;
    }

    /** It is here. Says nothing new if it is not the one that was asked for. */
    void onFetched(SnapshotId arrived) {
        if (stage == Stage.FETCHING && arrived.equals(snapshot)) {
            stage = Stage.FETCHED;
        }
    }

    /** It will not come: the next offer is as good as any. */
    void onFailed(SnapshotId missing) {
        if (stage == Stage.FETCHING && missing.equals(snapshot)) {
            forget();
        }
    }

    /** The snapshot that waits to be installed, or null. */
    @Nullable SnapshotId fetched() {
        return stage == Stage.FETCHED ? snapshot : null;
    }

    /** The log has come as far without it. */
    void forget() {
        stage = Stage.NONE;
        snapshot = null;
    }

    /** The one that is here goes to the disk, by this write. */
    void onInstalling(long write) {
        stage = Stage.INSTALLING;
        writeId = write;
    }

    /** Takes the snapshot whose write is durable: the state machine goes on from it. Null if there is none. */
    @Nullable SnapshotId takeInstalled(WriteLedger ledger) {
        if (stage != Stage.INSTALLING || !ledger.isDurable(writeId)) {
            return null;
        }
        SnapshotId installed = snapshot;
        forget();
        return installed;
    }

    /** Whether the state machine is given nothing for now: what it gets next is the snapshot. */
    boolean holdsApply() {
        return stage == Stage.FETCHED || stage == Stage.INSTALLING;
    }

    /** The index of the snapshot that is on its way, or 0. */
    long index() {
        return snapshot == null ? 0 : snapshot.index();
    }

    @Override
    public String toString() {
        return switch (stage) {
            case NONE -> "no snapshot";
            case FETCHING -> "fetching snapshot " + index();
            case FETCHED -> "fetched snapshot " + index();
            case INSTALLING -> "installing snapshot " + index();
        };
    }
}
