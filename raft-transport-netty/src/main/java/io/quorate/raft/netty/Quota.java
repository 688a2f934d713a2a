package io.quorate.raft.netty;

import java.util.concurrent.atomic.AtomicLong;

/** Bytes that several connections may have together. Any thread. */
final class Quota {

    private final long bytesMax;
    private final AtomicLong taken = new AtomicLong();

    Quota(long bytesMax) {
        this.bytesMax = bytesMax;
    }

    /** Takes so many, or none; whether there were as many. */
    boolean take(long bytes) {
        for (;;) {
            long before = taken.get();
            if (before + bytes > bytesMax) {
                return false;       // without a trace: another that would fit must not be refused for this one's sake
            }
            if (taken.compareAndSet(before, before + bytes)) {
                return true;
            }
        }
    }

    /** They are free again. */
    void give(long bytes) {
        taken.addAndGet(-bytes);
    }

    /** How many are taken now. */
    long taken() {
        return taken.get();
    }
}
