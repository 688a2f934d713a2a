package io.quorate.raft.runtime;

/**
 * When each write was handed to the disk that it has not completed yet. Writes are numbered one by one and complete in order, so this is a
 * ring of times; it grows while a disk hangs, and allocates nothing otherwise.
 */
final class PendingWrites {

    private long[] begun = new long[64];     // by write id, modulo the length, which is a power of two
    private long firstId = 1;                // the oldest that is pending
    private long nextId = 1;

    /** This write has been handed over. Ids rise by one. */
    void add(long writeId, long nowNanos) {
        if (firstId == nextId) {
            firstId = writeId;
        }
        if (writeId - firstId >= begun.length) {
            grow();
        }
        begun[slot(writeId)] = nowNanos;
        nextId = writeId + 1;
    }

    /** This write and all before it are durable; each one's time goes to the histogram. */
    void written(long writeId, long nowNanos, Histogram latency) {
        while (firstId < nextId && firstId <= writeId) {
            latency.record(nowNanos - begun[slot(firstId)]);
            firstId++;
        }
    }

    int size() {
        return (int) (nextId - firstId);
    }

    /** For how long the oldest has been pending; 0 if none is. */
    long oldestNanos(long nowNanos) {
        return firstId == nextId ? 0 : nowNanos - begun[slot(firstId)];
    }

    private int slot(long writeId) {
        return (int) (writeId & (begun.length - 1));
    }

    private void grow() {
        long[] old = begun;
        long[] larger = new long[2 * old.length];
        for (long id = firstId; id < nextId; id++) {
            larger[(int) (id & (larger.length - 1))] = old[(int) (id & (old.length - 1))];
        }
        begun = larger;
    }
}
