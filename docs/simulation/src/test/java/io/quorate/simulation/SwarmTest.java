package io.quorate.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.testing.Simulation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The ordinary build's budget of whole groups under faults, on all processors. {@code -Dsimulation.seeds=N} and
 * {@code -Dsimulation.first=S} choose other seeds and more of them.
 */
class SwarmTest {

    private static final int SEEDS = Integer.getInteger("simulation.seeds", 1000);
    private static final long FIRST = Long.getLong("simulation.first", 1);
    /** A run may hold two commands of 32 MiB, which are asked for and refused; all of them share the heap of this JVM. */
    private static final int THREADS = Math.min(8, Runtime.getRuntime().availableProcessors());
    /** Happenings of those runs in which a disk forgets. */
    private static final Set<String> FORGETFUL = Set.of("DISK_CLONED", "DISK_ROLLED_BACK");
    private static final int SEEDS_THAT_SEE_EVERYTHING = 500;
    private static final Path PICTURES = Path.of("target", "swarm");

    @TempDir
    private Path directory;

    @Test
    void everyInvariantHoldsUnderFaultsAndAHealedQuorumMakesProgress() throws Throwable {
        Totals totals = runAll("swarm", SEEDS, SeedRun::ordinary);
        assertTrue(totals.acknowledged() > 50L * SEEDS && totals.reads() > 50L * SEEDS && totals.elections() > 3L * SEEDS,
            "the groups did hardly any work: " + totals);
        assertTrue(SEEDS < SEEDS_THAT_SEE_EVERYTHING || totals.neverHappened(FORGETFUL).isEmpty(),
            "nothing is proven about what never happened: " + totals.neverHappened(FORGETFUL));
    }

    @Test
    void disksThatForgetAreReported() throws Throwable {
        Totals totals = runAll("forgetful disks", Math.max(20, SEEDS / 10), SeedRun::forgetful);
        FORGETFUL.forEach(what -> assertTrue(totals.times(what) > 0, "never happened: " + what));
    }

    /** Prints what they came to, in one line. Throws the failure of the lowest seed that fails, with its explanation. */
    private static Totals runAll(String name, int seeds, Draw draw) throws Throwable {
        long begin = System.nanoTime();
        SeedRunner runner = new SeedRunner(seed -> draw.of(seed).run(), THREADS, FIRST, seeds, 1).start();
        assertTrue(runner.await(1, TimeUnit.HOURS), "not done within an hour");
        for (SeedRunner.Failure failure : runner.failures()) {
            throw draw.of(failure.seed()).explain(failure.why(), PICTURES);
        }
        System.out.printf("%s: %s seconds=%d%n", name, runner.totals(), TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begin));
        assertEquals(seeds, runner.totals().seeds());
        return runner.totals();
    }

    private interface Draw {
        SeedRun of(long seed);
    }

    /** Here on several threads at a time, there on one; so it shows, too, that runs share nothing. */
    @Test
    void anotherJvmRunsTheSameSeedsTheSame() throws Exception {
        Map<Integer, Long> hashes = new ConcurrentSkipListMap<>();
        SeedRunner runner = new SeedRunner(seed -> {
            Simulation.Report report = TraceHashes.run((int) seed);
            hashes.put((int) seed, report.traceHash());
            return report;
        }, Math.max(4, THREADS), 0, TraceHashes.RUNS, 1).start();
        List<String> there = traceHashesOfAnotherJvm();
        assertTrue(runner.await(1, TimeUnit.HOURS), "not done within an hour");
        assertEquals(List.of(), runner.failures());
        assertEquals(TraceHashes.RUNS, hashes.size());
        List<String> here = new ArrayList<>();
        hashes.forEach((number, hash) -> here.add(TraceHashes.line(number, hash)));
        assertEquals(here, there);
    }

    private List<String> traceHashesOfAnotherJvm() throws IOException, InterruptedException {
        Path printed = directory.resolve("printed");
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:+IgnoreUnrecognizedVMOptions", "-XX:+UnlockExperimentalVMOptions", "-XX:hashCode=3",     // from a sequence, not at random
            "-XX:+UseSerialGC", "-XX:ActiveProcessorCount=1", "-Dfile.encoding=ISO-8859-1", "-Duser.language=tr", "-Duser.country=TR",
            "-Duser.timezone=Pacific/Kiritimati", "-cp", System.getProperty("java.class.path"), TraceHashes.class.getName())
            .redirectErrorStream(true).redirectOutput(printed.toFile()).start();
        try {
            assertTrue(process.waitFor(10, TimeUnit.MINUTES), "the other JVM is not done");
            List<String> lines = Files.readAllLines(printed);
            assertEquals(0, process.exitValue(), () -> "the other JVM printed " + lines);
            return lines;
        } finally {
            process.destroyForcibly();
            process.onExit().join();
        }
    }
}
