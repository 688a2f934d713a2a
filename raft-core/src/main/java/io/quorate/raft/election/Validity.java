package io.quorate.raft.election;

/** Until when nobody else can hold an office, as far as is known by now: what {@link Leadership#isValid} asks. */
@FunctionalInterface
interface Validity {

    /** It is not valid, whatever the time is. */
    long ENDED = Long.MIN_VALUE;

    /** Nobody else can ever hold it, unless something changes first. */
    long FOREVER = Long.MAX_VALUE;

    /** The end, on the monotonic clock; or one of the two above. Any thread. */
    long endNanos();

    /**
     * Until when it may still be made sure of, if it is in doubt: before that nobody else can hold the office either, unless a clock stood
     * still, so the work is not stopped yet.
     */
    default long lastEndNanos() {
        return endNanos();
    }

    /** How much of it is left. */
    static long remainingNanos(long endNanos, long nowNanos) {
        if (endNanos == ENDED) {
            return 0;
        }
        return endNanos == FOREVER ? FOREVER : Math.max(0, endNanos - nowNanos);
    }
}
