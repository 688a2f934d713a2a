package io.quorate.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The part of the storage benchmark that is about opening: how fast a log is recovered, and in how little memory one that is several times
 * as long.
 */
public final class RecoveryBenchmark {

    private static final double RECOVERY = 0.50;
    private static final int ROUNDS = 21;
    private static final int ENTRIES = 1_000_000;
    private static final int MORE_ENTRIES = 3_000_000;
    private static final int ENTRY_BYTES = 256;
    private static final String SMALL_HEAP = "-Xmx64m";

    private RecoveryBenchmark() { }

    /** Runs in a directory for temporary files; ends with 0 if all figures were reached, else with 1. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Path directory = Files.createTempDirectory("quorate-bench-");
        Runtime.getRuntime().addShutdownHook(new Thread(() -> Benchmarks.delete(directory), "clean-up"));
        Path log = directory.resolve("log");
        Logs.fill(log, ENTRIES, ENTRY_BYTES);
        boolean isReached = Recoveries.measure(log, ENTRIES, ENTRY_BYTES, RECOVERY, ROUNDS);
        Logs.fill(log, MORE_ENTRIES, ENTRY_BYTES);
        isReached &= Benchmarks.java(SmallRecovery.class, List.of(SMALL_HEAP, "-XX:+UseSerialGC"), List.of(log.toString())) == 0;
        System.exit(isReached ? 0 : 1);
    }
}
