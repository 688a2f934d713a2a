package io.quorate.simulation;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Simulates groups on all processors until the time is over, one seed after the other: {@code mvn -q -Pdeep verify -Ddeep.seconds=60
 * -Ddeep.seed=1}. What each seed runs is drawn by {@link SeedRun#deep}.
 *
 * <p>After three failures it begins nothing more, for then something is wrong at large; it explains those three and ends with 1.
 */
public final class Deep {

    /** So many seeds should have seen everything; of fewer it cannot be expected. */
    private static final long SEEDS_FOR_EVERYTHING = 1000;
    private static final int FAILURES_MAX = 3;
    private static final int PROGRESS_SECONDS = 10;

    private final DeepOptions options;
    private final PrintStream out;
    private final SeedRunner runner;
    private final long begin = System.nanoTime();
    private int told;               // of how many failures the user has been told

    Deep(DeepOptions options, SeedRunner.Run run, PrintStream out) {
        this.options = options;
        this.out = out;
        runner = new SeedRunner(run, Runtime.getRuntime().availableProcessors(), options.seed(), options.seedsMax(), FAILURES_MAX);
    }

    /**
     * Runs it, and ends with 0 if no seed fails, with 1 if one does, and with 2 if the options are wrong.
     *
     * @param arguments {@code deep.seconds=N}, {@code deep.seed=S}, {@code deep.seeds=N}, {@code deep.disks=memory|files},
     *                  {@code deep.pictures=DIRECTORY}, or none of them
     */
    public static void main(String[] arguments) throws InterruptedException {
        try {
            DeepOptions options = DeepOptions.parse(List.of(arguments));
            System.exit(new Deep(options, seed -> options.run(seed).run(), System.out).run() ? 0 : 1);
        } catch (DeepOptions.BadOption e) {
            System.out.println("deep: " + e.getMessage());
            System.exit(2);
        }
    }

    /** Returns whether all seeds have passed. */
    boolean run() throws InterruptedException {
        out.printf("deep: from seed %d on, for %d s%n", options.seed(), options.seconds());
        runner.start();
        long nextProgress = PROGRESS_SECONDS;
        while (!runner.await(1, TimeUnit.SECONDS)) {
            tellFailures();
            if (elapsedSeconds() >= options.seconds()) {
                runner.stop();
            }
            if (elapsedSeconds() >= nextProgress) {
                nextProgress += PROGRESS_SECONDS;
                out.println("deep: " + elapsedSeconds() + " s, " + runner.totals());
            }
        }
        List<SeedRunner.Failure> failures = runner.failures();
        for (SeedRunner.Failure failure : failures) {
            explain(failure);
        }
        Set<String> never = runner.totals().neverHappened(Set.of());
        if (runner.totals().seeds() >= SEEDS_FOR_EVERYTHING && !never.isEmpty()) {
            out.println("deep: nothing is proven about what never happened: " + never);
        }
        out.println("deep: " + runner.totals() + " failures=" + failures.size());
        return failures.isEmpty();
    }

    private long elapsedSeconds() {
        return TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begin);
    }

    /** At once, in case somebody ends this before the explanations. */
    private void tellFailures() {
        List<SeedRunner.Failure> failures = runner.failures();
        if (failures.size() > told) {
            told = failures.size();
            out.println("deep: failing so far: seeds " + failures.stream().map(SeedRunner.Failure::seed).toList());
        }
    }

    private void explain(SeedRunner.Failure failure) {
        Throwable explained = options.run(failure.seed()).explain(failure.why(), Path.of(options.pictures()));
        out.println();
        out.println(explained.getMessage());
        out.println("Or:\nmvn -q -Pdeep verify -Ddeep.seeds=1 -Ddeep.seed=" + failure.seed() + (options.hasFiles() ? " -Ddeep.disks=files" : ""));
        out.println();
    }
}
