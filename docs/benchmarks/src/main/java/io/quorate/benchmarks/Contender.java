package io.quorate.benchmarks;

import io.quorate.benchmarks.harness.Cell;
import io.quorate.benchmarks.harness.Ports;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A library in the comparison: Quorate, whose class path is this process's own, or one of the peers, each with its own.
 *
 * @param name      of the directory it comes from
 * @param classPath of its processes
 */
record Contender(String name, String classPath) {

    static final String QUORATE = "quorate";

    /** The same for all: what a replica of a service might have, and G1 also where few processors would let the JVM choose another. */
    static final List<String> OPTIONS = List.of("-Xms2g", "-Xmx2g", "-XX:+UseG1GC", "-Djava.net.preferIPv4Stack=true");

    /** Those that are wanted, by name ({@code -Dbench.systems}) or all that have been built; Quorate first. */
    static List<Contender> find() throws IOException {
        Path peers = Path.of(System.getProperty("bench.peers"));
        String wanted = System.getProperty("bench.systems", "all");
        List<Contender> all = new ArrayList<>(List.of(new Contender(QUORATE, System.getProperty("java.class.path"))));
        try (Stream<Path> found = Files.list(peers)) {
            found.map(peer -> peer.resolve("target").resolve("app")).filter(Files::isDirectory).sorted()
                .forEach(app -> all.add(new Contender(app.getParent().getParent().getFileName().toString(), app + File.separator + "*")));
        }
        if (wanted.equals("all")) {
            return all;
        }
        Set<String> names = Arrays.stream(wanted.split(",")).map(String::strip).collect(Collectors.toSet());
        Set<String> known = all.stream().map(Contender::name).collect(Collectors.toSet());
        if (!known.containsAll(names)) {
            throw new IOException("-Dbench.systems: there are " + known + ", not all of " + names);
        }
        return all.stream().filter(contender -> names.contains(contender.name)).toList();
    }

    /**
     * Starts a process that runs it under a load.
     *
     * @param number of this process among those that start at the same time
     */
    Measuring start(Path directory, Load load, Path log, int number) throws IOException {
        Files.createDirectories(directory);
        List<String> options = new ArrayList<>(OPTIONS);
        options.add("-D" + Ports.PROPERTY + "=" + number);
        return Measuring.start(name, classPath, options, Cell.class.getName(), List.of(directory.toString(),
            Integer.toString(load.payloadBytes), Integer.toString(load.outstanding), Long.toString(load.opsPerSecond),
            Integer.toString(load.replicas)), log);
    }

    /**
     * What it has to bear.
     *
     * @param payloadBytes of a command
     * @param outstanding  commands under way
     * @param opsPerSecond 0 if as many as are acknowledged; else outstanding does not count
     * @param replicas     in its group
     */
    record Load(int payloadBytes, int outstanding, long opsPerSecond, int replicas) {

        /** In the names of files. */
        String word() {
            return payloadBytes + "x" + (opsPerSecond > 0 ? opsPerSecond + "s" : outstanding) + (replicas == 3 ? "" : "x" + replicas);
        }

        @Override
        public String toString() {
            return payloadBytes + " B, " + (opsPerSecond > 0 ? opsPerSecond + " a second" : outstanding + " outstanding")
                + (replicas == 3 ? "" : ", " + replicas + " replicas");
        }
    }
}
