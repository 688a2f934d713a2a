package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;

class SimulatedClockTest {

    private final Agenda agenda = new Agenda();
    private final SimulatedClock clock = new SimulatedClock(agenda);

    @Example
    void itRunsAtItsRate() {
        pass(1_000_000);
        assertEquals(1_000_000, clock.nanos());
        clock.rate(1250);
        pass(1_000_000);
        assertEquals(2_250_000, clock.nanos());
        clock.rate(800);
        pass(1_000_000);
        assertEquals(3_050_000, clock.nanos());
    }

    @Example
    void itLeapsForwardsAndBackwardsAndGoesOn() {
        pass(1000);
        clock.jump(500);
        assertEquals(1500, clock.nanos());
        clock.jump(-2000);
        assertEquals(-500, clock.nanos());
        pass(600);
        assertEquals(100, clock.nanos());
    }

    @Example
    void itRunsThroughItsOverflow() {
        clock.jump(Long.MAX_VALUE - 10);
        long before = clock.nanos();
        pass(30);
        assertTrue(clock.nanos() < 0);
        assertEquals(30, clock.nanos() - before);
        clock.rate(500);
        pass(30);
        assertEquals(45, clock.nanos() - before);
    }

    @Property
    void itNeverStandsStillForLongNorRunsBackwards(@ForAll @IntRange(min = 800, max = 1250) int permille,
                                                   @ForAll @LongRange(max = 1L << 40) long nanos,
                                                   @ForAll @IntRange(min = 1, max = 10_000) int step) {
        clock.rate(permille);
        pass(nanos);
        long before = clock.nanos();
        pass(step);
        long passed = clock.nanos() - before;
        assertTrue(Math.abs(passed - step * (long) permille / 1000) <= 1, () -> "in " + step + " passed " + passed);
    }

    /** Whoever sleeps for so long does not wake too early, nor later than it must. */
    @Property
    void asMuchRealTimePassesAsTheClockNeedsAndNoMore(@ForAll @IntRange(min = 1, max = 3000) int permille,
                                                      @ForAll @LongRange(min = 1, max = 1L << 50) long nanos) {
        clock.rate(permille);
        long real = clock.realNanos(nanos);
        long before = clock.nanos();
        pass(real - 1);
        assertTrue(clock.nanos() - before < nanos, "it has advanced by so much a nanosecond earlier");
        pass(1);
        assertTrue(clock.nanos() - before >= nanos, "it has not advanced by so much");
    }

    private void pass(long nanos) {
        agenda.runUntil(agenda.now() + nanos);
    }
}
