package io.quorate.raft.runtime;

/**
 * When to look through a set of waiting calls for those whose time is up.
 *
 * <p>Only the earliest deadline is remembered. Most calls are answered long before theirs, so the set is looked through about once
 * per timeout and not once per call; calls with very short timeouts cost at most one look per {@link #INTERVAL_NANOS}.
 */
final class Sweep {

    /** How late a timeout may be noticed, because sweeps keep this distance. */
    static final long INTERVAL_NANOS = 5_000_000;

    private boolean isSet;
    private long at;             // nanos; meaningful while isSet

    /** A call with this deadline waits. */
    void include(long deadlineNanos) {
        if (!isSet || deadlineNanos - at < 0) {
            isSet = true;
            at = deadlineNanos;
        }
    }

    /** Whether it is time to look. Then call {@link #begin}, and {@link #include} every call that stays. */
    boolean isDue(long nowNanos) {
        return isSet && nowNanos - at >= 0;
    }

    void begin() {
        isSet = false;
    }

    /** The sweep has ended: the next keeps its distance. */
    void end(long nowNanos) {
        if (isSet && at - nowNanos < INTERVAL_NANOS) {
            at = nowNanos + INTERVAL_NANOS;
        }
    }

    /** For how long there is nothing to look for; {@link Long#MAX_VALUE} if nothing waits. */
    long nanosUntil(long nowNanos) {
        return isSet ? Math.max(0, at - nowNanos) : Long.MAX_VALUE;
    }
}
