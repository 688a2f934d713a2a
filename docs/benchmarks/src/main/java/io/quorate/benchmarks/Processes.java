package io.quorate.benchmarks;

import io.quorate.benchmarks.harness.Ports;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Quorate with a process for each of three replicas, as it is used: what the heap, the compiler and the collector of one cost the others is
 * left out, and what the system needs to switch between processes comes in. The load is at the leader's process.
 */
public final class Processes implements Closeable {

    private static final int REPLICAS = 3;
    private static final int OUTSTANDING = 256;
    private static final int[] PAYLOADS = {16, 256, 4096};
    private static final int ROUNDS = 5;
    private static final long WARM_MILLIS = 25_000;
    private static final long MEASURE_MILLIS = 5_000;
    private static final long AWAIT_MILLIS = 120_000;
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private final Path directory;
    private final int payloadBytes;
    private final int outstanding;
    private final long electionMillis;
    private final boolean takesSnapshots;
    private final List<Integer> ports;
    private final List<Measuring> processes = new ArrayList<>();

    /** Starts three processes on empty directories, and waits until one leads. */
    Processes(Path directory, int payloadBytes, int outstanding, long electionMillis, boolean takesSnapshots)
            throws IOException, InterruptedException {
        this.directory = directory;
        this.payloadBytes = payloadBytes;
        this.outstanding = outstanding;
        this.electionMillis = electionMillis;
        this.takesSnapshots = takesSnapshots;
        Benchmarks.delete(directory);
        ports = Ports.free(REPLICAS);
        for (int node = 0; node < REPLICAS; node++) {
            processes.add(start(node));
        }
        for (Measuring process : processes) {
            process.await("ready", AWAIT_MILLIS);
        }
        leader();
    }

    /** Runs it: the throughput and the latencies with three processes. */
    public static void main(String[] arguments) throws Exception {
        System.out.println("bench: " + Machine.describe(Benchmarks.directory()));
        System.out.println("\nThree processes, " + OUTSTANDING + " outstanding.\n\n| payload | operations/s: min / median / max "
            + "| p50 ms | p99 ms | CPU µs per op, all three |\n|---|--:|--:|--:|--:|");
        try (Results results = Results.begin(Benchmarks.results("processes"))) {
            for (int payload : PAYLOADS) {
                System.out.println(measure(payload, results));
            }
        }
    }

    private static String measure(int payloadBytes, Results results) throws IOException, InterruptedException {
        List<Double> rates = new ArrayList<>();
        List<Double> p50 = new ArrayList<>();
        List<Double> p99 = new ArrayList<>();
        List<Double> cpu = new ArrayList<>();
        try (Processes group = new Processes(Benchmarks.directory().resolve("processes"), payloadBytes, OUTSTANDING, 1_000, true)) {
            group.processes.get(group.leader()).ask("warm " + WARM_MILLIS, WARM_MILLIS + AWAIT_MILLIS);
            for (int round = 1; round <= ROUNDS; round++) {
                group.cpuNanos();
                Map<String, String> line = new TreeMap<>(group.processes.get(group.leader())
                    .ask("measure 0 " + MEASURE_MILLIS, MEASURE_MILLIS + AWAIT_MILLIS));
                double cpuMicros = group.cpuNanos() / 1e3 / Math.max(1, Long.parseLong(line.get("operations")));
                line.putAll(Map.of("system", "quorate-processes", "payloadBytes", Integer.toString(payloadBytes), "outstanding",
                    Integer.toString(OUTSTANDING), "round", Integer.toString(round), "cpuSecondsPer100k",
                    String.format(Locale.ROOT, "%.3f", cpuMicros / 10)));
                results.add(line);
                rates.add(Double.parseDouble(line.get("opsPerSecond")));
                p50.add(Double.parseDouble(line.get("p50Micros")) / 1e3);
                p99.add(Double.parseDouble(line.get("p99Micros")) / 1e3);
                cpu.add(cpuMicros);
            }
        }
        return String.format(Locale.ROOT, "| %d B | %s | %.2f | %.2f | %.1f |", payloadBytes, Quantiles.of(rates).range("%,.0f"),
            Quantiles.of(p50).median(), Quantiles.of(p99).median(), Quantiles.of(cpu).median());
    }

    private long cpuNanos() throws IOException, InterruptedException {
        long sum = 0;
        for (Measuring process : processes) {
            sum += Long.parseLong(process.ask("usage", AWAIT_MILLIS).get("cpuNanos"));
        }
        return sum;
    }

    private Measuring start(int node) throws IOException {
        String members = IntStream.range(0, REPLICAS).mapToObj(i -> i + 1 + "=127.0.0.1:" + ports.get(i)).collect(Collectors.joining(","));
        return Measuring.start("replica " + (node + 1), System.getProperty("java.class.path"), List.of("-Xms256m", "-Xmx512m",
                "-XX:+UseG1GC", "-Djava.net.preferIPv4Stack=true", "-Dio.netty.jfr.enabled=false"), LoneReplica.class.getName(),
            List.of(Integer.toString(node + 1), members, place(node).toString(), Integer.toString(payloadBytes),
                Integer.toString(outstanding), Long.toString(electionMillis), takesSnapshots ? "snapshots" : "none"),
            Benchmarks.log("replica" + (node + 1)));
    }

    /** The data directory of a replica. */
    Path place(int node) {
        return directory.resolve("node" + (node + 1));
    }

    /** The process of a replica. */
    Measuring process(int node) {
        return processes.get(node);
    }

    /** Starts the process of a replica again, on the directory as it is now, and waits until it runs. */
    void restart(int node) throws IOException, InterruptedException {
        processes.get(node).close();
        processes.set(node, start(node));
        processes.get(node).await("ready", AWAIT_MILLIS);
    }

    /** Who leads; waits until somebody does. */
    int leader() throws IOException, InterruptedException {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(AWAIT_MILLIS);
        while (System.nanoTime() - end < 0) {
            for (int node = 0; node < REPLICAS; node++) {
                if (state(node).get("state").equals("LEADER")) {
                    return node;
                }
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
        throw new IOException("Nobody came to lead");
    }

    /** How a replica is. */
    Map<String, String> state(int node) throws IOException, InterruptedException {
        processes.get(node).tell("state");
        return processes.get(node).await("state", AWAIT_MILLIS);
    }

    /** Waits until a replica has applied what the leader has now. */
    void awaitCaughtUp(int node) throws IOException, InterruptedException {
        long last = Long.parseLong(state(leader()).get("last"));
        while (Long.parseLong(state(node).get("applied")) < last) {
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }

    @Override
    public void close() {
        processes.forEach(Measuring::close);
        Benchmarks.delete(directory);
    }
}
