package io.quorate.simulation;

import io.quorate.raft.testing.Simulation;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Runs one seed after the other on several threads, each seed on one of them, until there are no more or too many have failed.
 *
 * <p>Seeds are given out in ascending order, and what has begun is brought to its end. So the first failures, by seed, are the same however
 * fast each thread is: whatever is lower than a seed that has failed has been given out before it.
 */
final class SeedRunner {

    /** What is done for each seed. */
    @FunctionalInterface
    interface Run {
        Simulation.Report run(long seed);
    }

    /**
     * A seed that failed.
     *
     * @param seed which
     * @param why  what it threw
     */
    record Failure(long seed, Throwable why) { }

    private final Run run;
    private final int threads;
    private final long first;
    private final long seeds;
    private final int failuresMax;
    private final Totals totals = new Totals();
    private final CountDownLatch running;
    private final List<Failure> failures = new ArrayList<>();      // guarded by this, as all below
    private long given;
    private boolean isStopped;

    /**
     * Runs nothing yet.
     *
     * @param run         what is done for each seed; any thread
     * @param threads     on how many threads
     * @param first       the first seed
     * @param seeds       how many at most
     * @param failuresMax after how many failures no further seed is begun
     */
    SeedRunner(Run run, int threads, long first, long seeds, int failuresMax) {
        this.run = run;
        this.threads = threads;
        this.seeds = seeds;
        this.failuresMax = failuresMax;
        this.first = first;
        running = new CountDownLatch(threads);
    }

    SeedRunner start() {
        for (int i = 1; i <= threads; i++) {
            Thread thread = new Thread(this::work, "seeds-" + i);
            thread.setDaemon(true);
            thread.start();
        }
        return this;
    }

    private void work() {
        try {
            for (OptionalLong seed = take(); seed.isPresent(); seed = take()) {
                runOne(seed.getAsLong());
            }
        } finally {
            running.countDown();
        }
    }

    private synchronized OptionalLong take() {
        if (isStopped || given == seeds || failures.size() >= failuresMax) {
            return OptionalLong.empty();
        }
        return OptionalLong.of(first + given++);
    }

    private void runOne(long seed) {
        try {
            totals.add(run.run(seed));
        } catch (Throwable e) {     // also an error: a thread that ends in silence would leave its seed out
            synchronized (this) {
                failures.add(new Failure(seed, e));
            }
        }
    }

    /** Begins no further seed. */
    synchronized void stop() {
        isStopped = true;
    }

    /** Waits for the end of everything that has begun; returns whether that has come. */
    boolean await(long time, TimeUnit unit) throws InterruptedException {
        return running.await(time, unit);
    }

    /** What it has come to so far, but for what has failed. */
    Totals totals() {
        return totals;
    }

    /** What has failed so far, the lowest seed first; at most as many as were asked for. */
    synchronized List<Failure> failures() {
        return failures.stream().sorted(Comparator.comparingLong(Failure::seed)).limit(failuresMax).toList();
    }
}
