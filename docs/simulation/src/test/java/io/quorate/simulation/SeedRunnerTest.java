package io.quorate.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.testing.FaultPlan;
import io.quorate.raft.testing.Simulation;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class SeedRunnerTest {

    private final NavigableSet<Long> begun = new ConcurrentSkipListSet<>();

    private static Simulation.Report report(long seed) {
        return new Simulation.Report(seed, FaultPlan.none(3, Duration.ZERO), seed, 1, 2, 1, 1, 1, 1, 1, 0, 0, true,
            Map.of("SEEN", 1L, "UNSEEN", 0L));
    }

    private static SeedRunner ended(SeedRunner runner) throws InterruptedException {
        assertTrue(runner.start().await(1, TimeUnit.MINUTES));
        return runner;
    }

    private static List<Long> failedSeeds(SeedRunner runner) {
        return runner.failures().stream().map(SeedRunner.Failure::seed).toList();
    }

    @Test
    void everySeedRunsOnceAndIsAddedUp() throws InterruptedException {
        SeedRunner runner = ended(new SeedRunner(seed -> {
            assertTrue(begun.add(seed));
            return report(seed);
        }, 4, -3, 500, 1));
        assertEquals(List.of(), runner.failures());
        assertEquals(500, runner.totals().seeds());
        assertEquals(Set.of(-3L, 496L), Set.of(begun.first(), begun.last()));
        assertEquals(500, runner.totals().times("SEEN"));
        assertEquals(Set.of("UNSEEN"), runner.totals().neverHappened(Set.of()));
        assertEquals(Set.of(), runner.totals().neverHappened(Set.of("UNSEEN")));
    }

    @Test
    void theLowestFailingSeedIsNamedAlthoughAHigherOneFailsFirst() throws InterruptedException {
        CountDownLatch higherHasFailed = new CountDownLatch(1);
        SeedRunner runner = ended(new SeedRunner(seed -> {
            if (seed == 5) {
                await(higherHasFailed);
                throw new IllegalStateException("slowly");
            } else if (seed == 6) {
                higherHasFailed.countDown();
                throw new IllegalStateException("quickly");
            }
            return report(seed);
        }, 2, 1, 1_000_000, 1));
        assertEquals(List.of(5L), failedSeeds(runner));
        assertTrue(runner.totals().seeds() < 1_000_000);
    }

    @Test
    void afterEnoughFailuresNothingIsBegun() throws InterruptedException {
        SeedRunner runner = ended(new SeedRunner(seed -> {
            begun.add(seed);
            if (seed % 10 == 0) {
                throw new AssertionError(seed);
            }
            return report(seed);
        }, 1, 1, 1000, 3));
        assertEquals(List.of(10L, 20L, 30L), failedSeeds(runner));
        assertEquals(30, begun.size());
        assertEquals(27, runner.totals().seeds());
    }

    @Test
    void anErrorOfTheMachineryIsAFailureToo() throws InterruptedException {
        SeedRunner runner = ended(new SeedRunner(seed -> {
            throw new OutOfMemoryError("planted");
        }, 3, 1, 3, 1));
        assertEquals("planted", runner.failures().get(0).why().getMessage());
    }

    @Test
    void whatHasBegunIsBroughtToItsEndWhenItIsStopped() throws InterruptedException {
        CountDownLatch hasBegun = new CountDownLatch(1);
        CountDownLatch mayEnd = new CountDownLatch(1);
        SeedRunner runner = new SeedRunner(seed -> {
            hasBegun.countDown();
            await(mayEnd);
            return report(seed);
        }, 1, 1, Long.MAX_VALUE, 1).start();
        await(hasBegun);
        runner.stop();
        assertFalse(runner.await(0, TimeUnit.SECONDS));
        mayEnd.countDown();
        assertTrue(runner.await(1, TimeUnit.MINUTES));
        assertEquals(1, runner.totals().seeds());
    }

    private static void await(CountDownLatch latch) {
        try {
            assertTrue(latch.await(1, TimeUnit.MINUTES));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
