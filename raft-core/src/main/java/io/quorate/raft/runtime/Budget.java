package io.quorate.raft.runtime;

import java.util.concurrent.atomic.AtomicLong;

/**
 * So many bytes may be out at once. Whoever comes while nothing is out is let in whatever its size, so that one legal oversized
 * request can pass.
 */
public final class Budget {

    private final long bytesMax;
    private final AtomicLong taken = new AtomicLong();

    public Budget(long bytesMax) {
        this.bytesMax = bytesMax;
    }

    /** Takes this many bytes; false, and nothing is taken, if they do not fit. Any thread. */
    public boolean take(long bytes) {
        long before = taken.getAndAdd(bytes);
        if (before != 0 && before + bytes > bytesMax) {
            taken.addAndGet(-bytes);
            return false;
        }
        return true;
    }

    /** Gives back what was taken. Any thread. */
    public void give(long bytes) {
        taken.addAndGet(-bytes);
    }

    /** How many bytes are out. */
    public long taken() {
        return taken.get();
    }

    public long bytesMax() {
        return bytesMax;
    }
}
