package io.quorate.raft.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.function.LongUnaryOperator;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class BreakerTest {

    private static final long MILLI = 1_000_000;
    private static final LongUnaryOperator LEAST = bound -> 0;
    private static final LongUnaryOperator MOST = bound -> bound - 1;

    private final Breaker breaker = new Breaker();
    private long now = Long.MAX_VALUE - 10 * MILLI;     // a monotonic clock may overflow

    @Test
    void whoAnswersIsCalled() {
        assertTrue(breaker.admits(now, false));
        call();
        assertTrue(breaker.admits(now, false));
        breaker.onAnswer(now);
        assertEquals(Breaker.State.CLOSED, breaker.state());
    }

    @Test
    void whoDoesNotAnswerIsLeftAloneForATimeDrawnAtRandom() {
        fail(LEAST);
        now += 24 * MILLI;
        assertFalse(breaker.admits(now, false));
        now += MILLI;
        assertTrue(breaker.admits(now, false));
        Breaker other = new Breaker();
        other.onFailure(now, now, MOST);
        assertFalse(other.admits(now + 74 * MILLI, false));
        assertTrue(other.admits(now + 75 * MILLI, false));
    }

    @Test
    void eachFailureInARowDoublesTheTimeUpToTheLongest() {
        long[] expected = {25, 50, 100, 200, 400, 800, 1600, 3200, 5000, 5000};
        for (long millis : expected) {
            fail(LEAST);
            assertFalse(breaker.admits(now + millis * MILLI - 1, false), breaker + " before " + millis);
            now += millis * MILLI;
            assertTrue(breaker.admits(now, false), breaker + " after " + millis);
            call();
        }
        for (int i = 0; i < 100; i++) {
            fail(MOST);
            assertTrue(breaker.dueNanos(false) - now <= 3 * Breaker.OPEN_MAX_NANOS / 2);
            assertTrue(breaker.dueNanos(false) - now > 0);
            now = breaker.dueNanos(false);
            call();
        }
    }

    @Test
    void whenItIsDueOneCallProbesAndNoOther() {
        fail(LEAST);
        now += 25 * MILLI;
        call();
        assertEquals(Breaker.State.PROBING, breaker.state());
        assertFalse(breaker.admits(now, false));
        assertFalse(breaker.admits(now + Breaker.PROBE_NANOS - 1, true));
        breaker.onAnswer(now + MILLI);
        assertTrue(breaker.admits(now + MILLI, false));
    }

    @Test
    void aProbeThatNeverEndsMakesRoomForTheNext() {
        fail(LEAST);
        now += 25 * MILLI;
        call();
        now += Breaker.PROBE_NANOS;
        assertTrue(breaker.admits(now, false));
        call();
        assertFalse(breaker.admits(now, false));
    }

    @Test
    void anAnswerEndsTheRowOfFailures() {
        for (int i = 0; i < 5; i++) {
            fail(LEAST);
            now = breaker.dueNanos(false);
            call();
        }
        breaker.onAnswer(now);
        now += MILLI;
        fail(LEAST);
        assertEquals(now + 25 * MILLI, breaker.dueNanos(false));
    }

    @Test
    void ofManyCallsThatFailTogetherOneCounts() {
        long begun = now;
        now += 10 * MILLI;
        for (int i = 0; i < 50; i++) {
            breaker.onFailure(begun, now, LEAST);
        }
        assertEquals(now + 25 * MILLI, breaker.dueNanos(false));
        now += 25 * MILLI;
        call();
        breaker.onFailure(begun, now, LEAST);       // one of those, late: it is not the probe
        assertEquals(Breaker.State.PROBING, breaker.state());
    }

    @Test
    void whoHasAnsweredAnotherCallSinceHasNotFailed() {
        long begun = now;
        now += 10 * MILLI;
        breaker.onAnswer(now);
        breaker.onFailure(begun, now + MILLI, LEAST);
        assertEquals(Breaker.State.CLOSED, breaker.state());
        breaker.onFailure(now, now + MILLI, LEAST);
        assertEquals(Breaker.State.OPEN, breaker.state());
    }

    @Test
    void whoIsInNeedMayAskAShortWhileAfterTheLastFailure() {
        for (int i = 0; i < 10; i++) {
            fail(LEAST);
        }
        assertEquals(now + 5000 * MILLI, breaker.dueNanos(false));
        assertFalse(breaker.admits(now + Breaker.NEED_NANOS - 1, true));
        now += Breaker.NEED_NANOS;
        assertFalse(breaker.admits(now, false));
        assertTrue(breaker.admits(now, true));
        call();
        assertFalse(breaker.admits(now, true));     // one probes, whoever is in need
    }

    @Test
    void aProbeFromWhichNothingWasLearnedMakesRoomAtOnce() {
        fail(LEAST);
        now += 25 * MILLI;
        breaker.onNothing(now - 30 * MILLI);
        assertEquals(Breaker.State.OPEN, breaker.state());
        call();
        breaker.onNothing(now);
        assertTrue(breaker.admits(now, false));
        assertEquals(Breaker.State.OPEN, breaker.state());
    }

    /** Whatever happens, somebody is let in within the time that a probe may take. */
    @Property
    void nobodyIsKeptAwayForEver(@ForAll @Size(max = 60) List<@LongRange(min = 0, max = 40_000_000_000L) Long> steps) {
        Breaker any = new Breaker();
        long time = 0;
        for (long step : steps) {
            time += step / 10;
            switch ((int) (step % 4)) {
                case 0 -> any.onFailure(time - step % 3_000_000_000L, time, MOST);
                case 1 -> any.onAnswer(time);
                case 2 -> any.onNothing(time - step % 3);
                default -> {
                    if (any.admits(time, true)) {
                        any.onCall(time);
                    }
                }
            }
            assertTrue(any.admits(time + Breaker.PROBE_NANOS, true), any::toString);
            assertTrue(any.admits(time + 3 * Breaker.OPEN_MAX_NANOS / 2, false), any::toString);
        }
    }

    private void call() {
        assertTrue(breaker.admits(now, true), breaker::toString);
        breaker.onCall(now);
    }

    private void fail(LongUnaryOperator random) {
        if (breaker.admits(now, true)) {
            breaker.onCall(now);
        }
        breaker.onFailure(now, now, random);
    }
}
