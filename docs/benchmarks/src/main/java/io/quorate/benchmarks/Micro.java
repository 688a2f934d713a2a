package io.quorate.benchmarks;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Core, codec and storage alone, under JMH: time for an entry, and, in the lines that end in {@code alloc.rate.norm}, bytes. */
public final class Micro {

    private static final List<String> OPTIONS = List.of("-prof", "gc", "-f", "1", "-wi", "5", "-w", "1", "-i", "5", "-r", "1",
        "-rf", "json");

    private Micro() { }

    /** Runs it. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Path directory = Benchmarks.directory();
        System.out.println("bench: " + Machine.describe(directory));
        Path app = Path.of(System.getProperty("bench.peers")).resolveSibling("micro").resolve("target").resolve("app");
        ProcessBuilder process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Dbench.directory=" + directory, "-cp", app + File.separator + "*", "org.openjdk.jmh.Main");
        process.command().addAll(OPTIONS);
        process.command().addAll(List.of("-jvmArgsAppend", "-Dbench.directory=" + directory, "-rff",
            Benchmarks.results("micro").toString()));
        System.exit(process.inheritIO().start().waitFor());
    }
}
