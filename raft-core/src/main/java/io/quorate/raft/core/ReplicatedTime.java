package io.quorate.raft.core;

/**
 * The clock that a leader stamps its entries by: the newest stamp it had seen when it took office, and its own monotonic clock since then.
 *
 * <p>Replicated time is a duration rather than a date, begins at 0 with the group, and moves only through entries: what lies between the
 * last entry of one leader and the first of the next is lost to it, so that it lags behind real time more and more. It never falls along
 * the log, since each leader begins where the log had come to. And it never runs ahead: whoever says "for a minute" by it means a real
 * minute at least. For that a leader counts a little less than its own clock does, because that clock may be too fast. By induction every
 * stamp, also one that is cut off again, lies no further from another than real time does.
 */
final class ReplicatedTime {

    /** Of so many nanoseconds one is not counted: clocks may be too fast by one percent, twenty times what NTP corrects. */
    static final long DRIFT_PARTS = 100;

    private static final long FAR_NANOS = 1L << 59;

    private final long baseNanos;
    private final long sinceNanos;

    /**
     * @param baseNanos  replicated time when it begins
     * @param sinceNanos when it begins, on the own clock
     */
    ReplicatedTime(long baseNanos, long sinceNanos) {
        this.baseNanos = baseNanos;
        this.sinceNanos = sinceNanos;
    }

    /** What it is, at this time of the own clock. */
    long at(long nowNanos) {
        long elapsed = nowNanos - sinceNanos;
        return baseNanos + elapsed - elapsed / DRIFT_PARTS;
    }

    /** When it reaches this, on the own clock: the first moment at which {@link #at} is no less. */
    long reaches(long timeNanos) {
        if (timeNanos <= baseNanos) {
            return sinceNanos;
        }
        long wanted = timeNanos - baseNanos;
        return sinceNanos + (wanted >= FAR_NANOS ? FAR_NANOS : wanted + (wanted - 1) / (DRIFT_PARTS - 1));
    }

    @Override
    public String toString() {
        return "time " + baseNanos + " since " + sinceNanos;
    }
}
