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

    /** How much of it is left. */
    static long remainingNanos(long endNanos, long nowNanos) {
        if (endNanos == ENDED) {
            return 0;
        }
        return endNanos == FOREVER ? FOREVER : Math.max(0, endNanos - nowNanos);
    }
}
