package io.quorate.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Tells how much of what the disk, the processor and the JDK allow is left by the storage: each line is a ratio to a bare loop that was run
 * by turns with it. So the lines of two machines can be compared, and those of a busy one are worth something; rates are worth less.
 */
public final class StorageBenchmark {

    private static final double BATCHES = 0.85;
    private static final double SINGLE = 0.90;
    private static final int APPEND_ROUNDS = 400;
    private static final int BATCH_BYTES = 64 << 10;

    private StorageBenchmark() { }

    /** Runs the benchmark in a directory for temporary files; ends with 0 if all figures were reached, else with 1. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Path directory = Files.createTempDirectory("quorate-bench-");
        Runtime.getRuntime().addShutdownHook(new Thread(() -> Benchmarks.delete(directory), "clean-up"));
        boolean isReached = Appends.measure(Files.createDirectory(directory.resolve("batches")), BATCH_BYTES, BATCHES,
            APPEND_ROUNDS);
        isReached &= Appends.measure(Files.createDirectory(directory.resolve("single")), 1, SINGLE, APPEND_ROUNDS);
        isReached &= Benchmarks.java(RecoveryBenchmark.class, List.of("-Xms1g", "-Xmx1g", "-XX:+AlwaysPreTouch"), List.of()) == 0;
        System.exit(isReached ? 0 : 1);
    }
}
