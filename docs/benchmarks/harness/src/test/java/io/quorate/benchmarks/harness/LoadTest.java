package io.quorate.benchmarks.harness;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

class LoadTest {

    private static final long MEASURED_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

    /** Answers as it is told to, on the thread that proposes. */
    private abstract static class Fake implements Group {

        long proposed;

        @Override
        public void propose(byte[] command, Completion completion) {
            proposed++;
            answer(completion);
        }

        abstract void answer(Completion completion);

        @Override
        public void compact() { }

        @Override
        public List<Tally> tallies() {
            return List.of();
        }

        @Override
        public void close() throws IOException { }
    }

    private static final class Prompt extends Fake {

        private long firstNanos;
        private long early;         // of those proposed, within half of the usual time from the first

        @Override
        void answer(Completion completion) {
            firstNanos = proposed == 1 ? System.nanoTime() : firstNanos;
            early += System.nanoTime() - firstNanos < MEASURED_NANOS / 2 ? 1 : 0;
            completion.done();
        }
    }

    /** Answers on a thread of its own, and only when nothing more has come for a moment. */
    private static final class Patient extends Fake {

        private static final long MOMENT_MILLIS = 5;

        private final BlockingQueue<Completion> waiting = new LinkedBlockingQueue<>();
        private final AtomicInteger open = new AtomicInteger();
        private final AtomicInteger openMost = new AtomicInteger();
        private final Thread thread = new Thread(this::run, "patient");

        private Patient() {
            thread.setDaemon(true);
            thread.start();
        }

        @Override
        void answer(Completion completion) {
            openMost.accumulateAndGet(open.incrementAndGet(), Math::max);
            waiting.add(completion);
        }

        private void run() {
            List<Completion> taken = new ArrayList<>();
            try {
                for (;;) {
                    Completion next = waiting.poll(MOMENT_MILLIS, TimeUnit.MILLISECONDS);
                    if (next != null) {
                        taken.add(next);
                    } else {
                        open.addAndGet(-taken.size());
                        taken.forEach(Completion::done);
                        taken.clear();
                    }
                }
            } catch (InterruptedException e) {
                return;     // closed
            }
        }

        @Override
        public void close() {
            thread.interrupt();
        }
    }

    /** Stands still once, in its tenth command. */
    private static final class Stalling extends Fake {

        private static final long NANOS = MEASURED_NANOS / 2;

        @Override
        void answer(Completion completion) {
            long end = System.nanoTime() + NANOS;
            while (proposed == 10 && System.nanoTime() - end < 0) {
                LockSupport.parkNanos(end - System.nanoTime());
            }
            completion.done();
        }
    }

    private static final class Refusing extends Fake {

        @Override
        void answer(Completion completion) {
            completion.failed(new IllegalStateException("no"));
        }
    }

    @Test
    void asManyCommandsAreOutstandingAsWereAskedForAndNeverMore() {
        try (Patient group = new Patient()) {
            Load.Result result = Load.closed(group, 16, 7).run(0, MEASURED_NANOS);
            assertEquals(7, group.openMost.get());
            assertTrue(result.operations() > 0 && result.operations() <= group.proposed);
        }
    }

    @Test
    void whatIsDoneBeforeTheMeasurementDoesNotCount() {
        Prompt group = new Prompt();
        Load.Result result = Load.closed(group, 16, 1).run(MEASURED_NANOS, MEASURED_NANOS);
        assertTrue(group.early > 1 && result.operations() <= group.proposed - group.early,
            result.operations() + " of " + group.proposed + ", " + group.early + " of them early");
    }

    @Test
    void atARateAStallCountsForEveryCommandThatWasDueMeanwhile() {
        Load.Result open = Load.open(new Stalling(), 16, 1_000).run(0, MEASURED_NANOS);
        Load.Result closed = Load.closed(new Stalling(), 16, 1).run(0, MEASURED_NANOS);
        // A hundred of two hundred were due while it stood still: one in four of all waited for half of that, or longer.
        assertTrue(open.latencies().getValueAtPercentile(75) >= Stalling.NANOS / 4, open.latencies().getValueAtPercentile(75) + " ns");
        assertTrue(closed.latencies().getValueAtPercentile(75) < Stalling.NANOS / 4);
        assertTrue(closed.latencies().getMaxValue() >= Stalling.NANOS * 9 / 10);
    }

    @Test
    void atARateNoMoreIsProposedThanIsDue() {
        Prompt group = new Prompt();
        long begin = System.nanoTime();
        Load.open(group, 16, 500).run(0, MEASURED_NANOS);
        long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
        assertTrue(group.proposed > 0 && group.proposed <= 1 + (millis + 1) / 2, group.proposed + " commands in " + millis + " ms");
    }

    @Test
    void commandsThatFailAreCountedApart() {
        Load.Result result = Load.closed(new Refusing(), 16, 2).run(0, MEASURED_NANOS);
        assertEquals(0, result.operations());
        assertTrue(result.failures() > 0);
        assertEquals("no", String.valueOf(result.lastFailure()).replaceAll(".*: ", ""));
    }

    @Test
    void aTimelineHasAllThatWasDoneInItsTime() {
        Prompt group = new Prompt();
        long[] done = Load.closed(group, 16, 1).timeline(MEASURED_NANOS / 4, 4);
        long sum = Arrays.stream(done).sum();
        assertTrue(sum > 0 && group.proposed - sum <= 1, Arrays.toString(done) + " of " + group.proposed);
    }
}
