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
        if (taken.addAndGet(bytes) <= bytesMax) {
            return true;
        }
        give(bytes);
        return false;
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
