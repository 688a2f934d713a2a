package io.quorate.raft.runtime;

import io.quorate.raft.Storage;

/**
 * Lets go of old entries behind a new snapshot, on the disk thread: nothing is written to the log meanwhile.
 *
 * <p>Several wishes that wait become one, that of the last: it knows best what is still wanted.
 */
public final class LogCompactor {

    private final Storage storage;
    private final Waker diskThread;
    private volatile boolean isWanted;
    private volatile long wantedIndex;       // written before the flag, read after it

    LogCompactor(Storage storage, Waker diskThread) {
        this.storage = storage;
        this.diskThread = diskThread;
    }

    /**
     * A snapshot covers more than before.
     *
     * @param index entries from here on are wanted for a replica that is being helped; {@link Long#MAX_VALUE} if none is
     */
    void add(long index) {
        wantedIndex = index;
        isWanted = true;
        diskThread.wake();
    }

    public boolean hasWork() {
        return isWanted;
    }

    /** Compacts once if that is wanted. */
    public void turn() {
        if (isWanted) {
            isWanted = false;
            storage.compact(wantedIndex);
        }
    }
}
