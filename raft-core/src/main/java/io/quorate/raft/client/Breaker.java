package io.quorate.raft.client;

import java.time.Duration;
import java.util.function.LongUnaryOperator;

/**
 * Leaves an endpoint alone that does not answer, and after a while lets one call find out whether it does again.
 *
 * <p>Closed: calls pass. Open: none does until a time that is drawn at random and doubles with each failure in a row, so that a machine
 * that is gone costs little and one that has restarted is not met by all its clients at once. Probing: one call has passed since, and what
 * becomes of it closes the breaker or opens it for longer; if nothing does, the next may pass.
 *
 * <p>Who has nobody else to ask does not wait for that: he is <em>in need</em>, and may ask a short while after the last failure. So no
 * breaker ever stands between a caller and the only replica that could answer him.
 *
 * <p>It has no clock and no chance of its own, and no lock: {@link Endpoints} has.
 */
final class Breaker {

    enum State { CLOSED, OPEN, PROBING }

    /** For how long it opens at first: 25 to 75 ms, and twice as long after each failure in a row. */
    static final long OPEN_MIN_NANOS = Duration.ofMillis(50).toNanos();

    /** For how long it opens in the end: 5 to 15 s. */
    static final long OPEN_MAX_NANOS = Duration.ofSeconds(10).toNanos();

    /** Who is in need may ask so long after the last failure. */
    static final long NEED_NANOS = Duration.ofMillis(100).toNanos();

    /** For how long a probe keeps others away. */
    static final long PROBE_NANOS = Duration.ofSeconds(2).toNanos();

    private State state = State.CLOSED;
    private int failures;               // in a row
    private long sinceNanos;            // when it was opened, or the probe begun; while it is not closed
    private long untilNanos;            // no call passes before, but of who is in need; while it is not closed
    private boolean hasAnswered;
    private long answeredNanos;         // when it last did

    State state() {
        return state;
    }

    /** Whether a call may pass now. */
    boolean admits(long nowNanos, boolean isInNeed) {
        return state == State.CLOSED || nowNanos - dueNanos(isInNeed) >= 0;
    }

    /** When the next call may pass; while this is not closed. */
    long dueNanos(boolean isInNeed) {
        boolean isSooner = isInNeed && state == State.OPEN && sinceNanos + NEED_NANOS - untilNanos < 0;
        return isSooner ? sinceNanos + NEED_NANOS : untilNanos;
    }

    /** A call begins that was admitted. */
    void onCall(long nowNanos) {
        if (state != State.CLOSED) {
            state = State.PROBING;
            sinceNanos = nowNanos;
            untilNanos = nowNanos + PROBE_NANOS;
        }
    }

    /** The endpoint has answered a call, whatever it said: it can be reached and does its work. */
    void onAnswer(long nowNanos) {
        state = State.CLOSED;
        failures = 0;
        hasAnswered = true;
        answeredNanos = nowNanos;
    }

    /**
     * A call has failed for want of an answer.
     *
     * @param begunNanos when the call was made
     * @param random     a number from 0 to its argument, without that
     */
    void onFailure(long begunNanos, long nowNanos, LongUnaryOperator random) {
        if (hasAnswered && answeredNanos - begunNanos > 0) {
            return;     // it has answered another call since
        }
        if (state != State.CLOSED && begunNanos - sinceNanos < 0) {
            return;     // of many calls that fail together, one says as much as all
        }
        long nanos = failures >= Long.numberOfLeadingZeros(OPEN_MIN_NANOS) - 1 ? OPEN_MAX_NANOS
            : Math.min(OPEN_MIN_NANOS << failures, OPEN_MAX_NANOS);
        failures++;
        state = State.OPEN;
        sinceNanos = nowNanos;
        untilNanos = nowNanos + nanos / 2 + random.applyAsLong(nanos);
    }

    /** A call has ended, and nothing was learned from it: if it was the probe, another call may be. */
    void onNothing(long begunNanos) {
        if (state == State.PROBING && begunNanos == sinceNanos) {
            state = State.OPEN;
            untilNanos = begunNanos;
        }
    }

    @Override
    public String toString() {
        return state + " after " + failures + " failures";
    }
}
