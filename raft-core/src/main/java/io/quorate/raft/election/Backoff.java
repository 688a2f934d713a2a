package io.quorate.raft.election;

import java.util.function.LongUnaryOperator;

/**
 * For how long a candidate that could not do the work lets others try: longer each time, and never as long as another that failed in the
 * same moment.
 */
final class Backoff {

    /** The first pause, at most. */
    static final long FIRST_NANOS = 1_000_000_000L;

    /** And every pause, at most. */
    static final long MAX_NANOS = 60_000_000_000L;

    private final LongUnaryOperator random;      // of a number, one from 0 up to before it
    private long nextNanos = FIRST_NANOS;

    Backoff(LongUnaryOperator random) {
        this.random = random;
    }

    /** After another failure: between a half and the whole of what is twice as long each time. */
    long pauseNanos() {
        long half = nextNanos / 2;
        nextNanos = Math.min(MAX_NANOS, 2 * nextNanos);
        return half + random.applyAsLong(half + 1);
    }

    /** The work could be done. */
    void reset() {
        nextNanos = FIRST_NANOS;
    }
}
