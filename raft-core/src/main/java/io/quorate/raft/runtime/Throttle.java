package io.quorate.raft.runtime;

/** Lets one of many log lines through per interval. One thread. */
final class Throttle {

    private final long intervalNanos;
    private boolean isUsed;
    private long lastNanos;

    Throttle(long intervalNanos) {
        this.intervalNanos = intervalNanos;
    }

    /** Whether to log now. */
    boolean isOpen(long nowNanos) {
        if (isUsed && nowNanos - lastNanos < intervalNanos) {
            return false;
        }
        isUsed = true;
        lastNanos = nowNanos;
        return true;
    }
}
