package io.quorate.raft.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** Budget, sweep and throttle. */
class SmallPartsTest {

    @Test
    void aBudgetLetsInUntilItIsFullAndAgainWhenSomethingIsGivenBack() {
        Budget budget = new Budget(100);
        assertTrue(budget.take(60));
        assertTrue(budget.take(40));
        assertFalse(budget.take(1));
        assertEquals(100, budget.taken());
        budget.give(40);
        assertTrue(budget.take(40));
    }

    @Test
    void anEmptyBudgetLetsOneOversizedRequestPass() {
        Budget budget = new Budget(100);
        assertTrue(budget.take(1000));
        assertFalse(budget.take(1));
        budget.give(1000);
        assertTrue(budget.take(1));
    }

    @Test
    void aSweepIsDueAtTheEarliestDeadline() {
        Sweep sweep = new Sweep();
        assertFalse(sweep.isDue(0));
        assertEquals(Long.MAX_VALUE, sweep.nanosUntil(0));
        sweep.include(300);
        sweep.include(200);
        sweep.include(250);
        assertEquals(100, sweep.nanosUntil(100));
        assertFalse(sweep.isDue(199));
        assertTrue(sweep.isDue(200));
    }

    @Test
    void aSweepComparesTimesAcrossTheWrapAround() {
        long before = Long.MAX_VALUE - 10;
        Sweep sweep = new Sweep();
        sweep.include(before + 20);     // wraps to a large negative number
        assertFalse(sweep.isDue(before));
        assertEquals(20, sweep.nanosUntil(before));
        assertTrue(sweep.isDue(before + 20));
    }

    @Test
    void sweepsKeepTheirDistance() {
        Sweep sweep = new Sweep();
        sweep.include(10);
        sweep.begin();
        sweep.include(11);
        sweep.end(10);
        assertEquals(Sweep.INTERVAL_NANOS, sweep.nanosUntil(10));
        sweep.begin();
        sweep.end(20);
        assertEquals(Long.MAX_VALUE, sweep.nanosUntil(20));
    }

    @Test
    void aThrottleOpensOncePerInterval() {
        Throttle throttle = new Throttle(100);
        long start = Long.MAX_VALUE - 50;
        assertTrue(throttle.isOpen(start));
        assertFalse(throttle.isOpen(start + 99));
        assertTrue(throttle.isOpen(start + 100));
    }
}
