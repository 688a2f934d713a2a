package io.quorate.benchmarks.harness;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * One library under one load: a process that starts a group, and then does what it is told line by line, so that whoever compares several
 * lets each work while the others are idle. It ends when its standard input does, so also when whoever started it is killed.
 */
public final class Cell {

    private static final long SLICE_MILLIS = 5_000;         // of a warm-up; then the log is let go of
    private static final long FIRST_SECONDS = 60;
    private static final long FIRST_TRY_MILLIS = 2_000;
    private static final long TALLY_SECONDS = 20;
    private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private final Group group;
    private final Load load;
    private final long acknowledgedBefore;      // before the load
    private @Nullable Usage idleSince;

    /**
     * A group that runs, and the load for it.
     *
     * @param group        runs
     * @param commandBytes of a command
     * @param outstanding  commands under way, if the rate is 0
     * @param ratePerSecond of commands, or 0: as fast as they are acknowledged
     */
    public Cell(Group group, int commandBytes, int outstanding, long ratePerSecond) {
        this(group, commandBytes, outstanding, ratePerSecond, 0);
    }

    private Cell(Group group, int commandBytes, int outstanding, long ratePerSecond, long acknowledgedBefore) {
        this.group = group;
        this.acknowledgedBefore = acknowledgedBefore;
        load = ratePerSecond > 0 ? Load.open(group, commandBytes, ratePerSecond) : Load.closed(group, commandBytes, outstanding);
    }

    /**
     * Runs it.
     *
     * @param arguments directory, bytes of a command, outstanding, commands a second (0: as fast as they are acknowledged), replicas
     */
    public static void main(String[] arguments) throws Exception {
        ReplicatedSystem system = ServiceLoader.load(ReplicatedSystem.class).findFirst()
            .orElseThrow(() -> new IllegalStateException("No library to measure is on the class path"));
        int commandBytes = Integer.parseInt(arguments[1]);
        long begin = System.nanoTime();
        try (Group group = system.open(Path.of(arguments[0]), Integer.parseInt(arguments[4]))) {
            awaitFirst(group, commandBytes);
            Report.print(Map.of("system", system.name(), "version", system.version(),
                "readyMillis", TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin)));
            Cell cell = new Cell(group, commandBytes, Integer.parseInt(arguments[2]), Long.parseLong(arguments[3]), 1);
            BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                Report.print(cell.obey(line));
            }
        } catch (Exception | LinkageError e) {
            e.printStackTrace();
            Report.print(Map.of("failed", e.toString()));
            Runtime.getRuntime().halt(1);
        }
        Runtime.getRuntime().halt(0);       // some libraries leave threads behind that are no daemons
    }

    /** Until a group has elected a leader, and for some time after, commands fail. */
    private static void awaitFirst(Group group, int commandBytes) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(FIRST_SECONDS);
        for (;;) {
            CompletableFuture<Boolean> done = new CompletableFuture<>();
            group.propose(new byte[commandBytes], new Group.Completion() {

                @Override
                public void done() {
                    done.complete(true);
                }

                @Override
                public void failed(Throwable why) {
                    done.completeExceptionally(why);
                }
            });
            try {
                done.get(FIRST_TRY_MILLIS, TimeUnit.MILLISECONDS);
                return;
            } catch (ExecutionException | TimeoutException e) {
                if (System.nanoTime() - end > 0) {
                    throw e;
                }
                LockSupport.parkNanos(POLL_NANOS);
            }
        }
    }

    /** Does what it is told: {@code warm millis}, {@code measure millis millis}, {@code timeline millis slices}, {@code check}. */
    public Map<String, Object> obey(String order) throws Exception {
        String[] words = order.split(" ");
        return switch (words[0]) {
            case "warm" -> warm(Long.parseLong(words[1]));
            case "measure" -> measure(Long.parseLong(words[1]), Long.parseLong(words[2]));
            case "timeline" -> timeline(Long.parseLong(words[1]), Integer.parseInt(words[2]));
            case "check" -> check();
            default -> throw new IOException("What is \"" + order + "\"?");
        };
    }

    private Map<String, Object> warm(long millis) throws Exception {
        for (long left = millis; left > 0; left -= SLICE_MILLIS) {
            load.run(0, TimeUnit.MILLISECONDS.toNanos(Math.min(left, SLICE_MILLIS)));
            group.compact();
        }
        group.facts();
        idleSince = Usage.now();
        return Map.of("warm", millis);
    }

    private Map<String, Object> measure(long rampMillis, long millis) throws Exception {
        Usage idleSince = this.idleSince;
        double idleShare = idleSince == null ? 0 : Usage.now().cpuShareSince(idleSince);
        Load.Result result = load.run(TimeUnit.MILLISECONDS.toNanos(rampMillis), TimeUnit.MILLISECONDS.toNanos(millis));
        Map<String, Object> report = new TreeMap<>(group.facts());
        report.putAll(values(result));
        report.put("idleCpuShare", rounded(idleShare));
        group.compact();
        this.idleSince = Usage.now();
        return report;
    }

    /** How many were done in each of so many slices of time, from now on: how a process that was just started comes to its speed. */
    private Map<String, Object> timeline(long sliceMillis, int slices) {
        long[] done = load.timeline(TimeUnit.MILLISECONDS.toNanos(sliceMillis), slices);
        return Map.of("done", Arrays.stream(done).mapToObj(Long::toString).collect(Collectors.joining(",")));
    }

    private static Map<String, Object> values(Load.Result result) {
        Map<String, Object> values = new TreeMap<>();
        Histogram latencies = result.latencies();
        long operations = Math.max(1, result.operations());
        values.put("operations", result.operations());
        values.put("failures", result.failures());
        Throwable failure = result.lastFailure();
        if (failure != null) {
            values.put("lastFailure", failure.toString());
        }
        values.put("opsPerSecond", rounded(result.operations() * 1e9 / result.nanos()));
        values.put("p50Micros", rounded(latencies.getValueAtPercentile(50) / 1e3));
        values.put("p99Micros", rounded(latencies.getValueAtPercentile(99) / 1e3));
        values.put("p999Micros", rounded(latencies.getValueAtPercentile(99.9) / 1e3));
        values.put("maxMicros", rounded(latencies.getMaxValue() / 1e3));
        values.put("cpuSecondsPer100k", rounded((result.end().cpuNanos() - result.begin().cpuNanos()) / 1e9 / operations * 1e5));
        values.put("bytesPerOp", Math.round((double) result.end().bytesSince(result.begin()) / operations));
        return values;
    }

    /** Whether all replicas come to the same state, and it has all that was acknowledged. One that lags is waited for, for some time. */
    private Map<String, Object> check() {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(TALLY_SECONDS);
        List<Tally> tallies = group.tallies();
        while (!areEqual(tallies) && System.nanoTime() - end < 0) {
            LockSupport.parkNanos(POLL_NANOS);
        }
        long acknowledged = acknowledgedBefore + load.acknowledged();
        return Map.of("isEqual", areEqual(tallies), "isWhole", tallies.stream().allMatch(tally -> tally.count() >= acknowledged),
            "acknowledged", acknowledged, "tallies", tallies.toString());
    }

    private static boolean areEqual(List<Tally> tallies) {
        Tally first = tallies.get(0);
        return tallies.stream().allMatch(tally -> tally.count() == first.count() && tally.sum() == first.sum());
    }

    private static double rounded(double value) {
        return Math.round(value * 1000) / 1000.0;
    }
}
