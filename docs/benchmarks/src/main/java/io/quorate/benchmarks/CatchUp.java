package io.quorate.benchmarks;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * How long a follower needs for a log of a million entries of 256 bytes: to apply it again when it is started on its directory, and to get
 * it from the leader when it is started on an empty one. No snapshots; three processes.
 */
public final class CatchUp {

    private static final int PAYLOAD_BYTES = 256;
    private static final int OUTSTANDING = 1024;
    private static final int ROUNDS = 5;
    private static final long FILL_MILLIS = 100;         // short, so that not many more are written than were asked for
    private static final long AWAIT_MILLIS = 300_000;
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private CatchUp() { }

    /** Runs it. */
    public static void main(String[] arguments) throws Exception {
        int entries = Benchmarks.option("entries", 1_000_000);
        System.out.println("bench: " + Machine.describe(Benchmarks.directory()));
        try (Results results = Results.begin(Benchmarks.results("catch-up"));
                Processes group = new Processes(Benchmarks.directory().resolve("catch-up"), PAYLOAD_BYTES, OUTSTANDING, 1_000, false)) {
            while (Long.parseLong(group.state(group.leader()).get("last")) < entries) {
                Measuring leader = group.process(group.leader());
                leader.tell("measure 0 " + FILL_MILLIS);
                leader.await("operations", AWAIT_MILLIS);
            }
            List<Double> restarts = new ArrayList<>();
            List<Double> fromEmpty = new ArrayList<>();
            List<Double> peaks = new ArrayList<>();
            List<Double> after = new ArrayList<>();
            for (int round = 1; round <= ROUNDS; round++) {
                Map<String, String> restart = restart(group);
                double seconds = Long.parseLong(restart.get("sinceOpenNanos")) / 1e9;
                restarts.add(seconds);
                peaks.add(Long.parseLong(restart.get("peakHeapBytes")) / 1048576.0);
                after.add(Long.parseLong(restart.get("heapBytes")) / 1048576.0);
                double empty = fromEmpty(group) / 1e9;
                fromEmpty.add(empty);
                results.add(Map.of("system", Contender.QUORATE, "round", Integer.toString(round), "entries",
                    group.state(group.leader()).get("last"), "restartSeconds", String.format(Locale.ROOT, "%.3f", seconds), "emptySeconds",
                    String.format(Locale.ROOT, "%.3f", empty)));
            }
            System.out.println("\n| " + group.state(group.leader()).get("last") + " entries of 256 B | min / median / max |\n|---|--:|");
            System.out.println("| follower started again, from opening its directory until all is applied, s | "
                + Quantiles.of(restarts).range("%.2f") + " |");
            System.out.println("| its heap: most used meanwhile, MiB | " + Quantiles.of(peaks).range("%.0f") + " |");
            System.out.println("| its heap: used afterwards, MiB | " + Quantiles.of(after).range("%.0f") + " |");
            System.out.println("| empty follower, from being admitted until all is applied, s | "
                + Quantiles.of(fromEmpty).range("%.2f") + " |");
        }
    }

    private static int follower(Processes group) throws IOException, InterruptedException {
        return (group.leader() + 1) % 3;
    }

    private static Map<String, String> restart(Processes group) throws IOException, InterruptedException {
        int node = follower(group);
        group.awaitCaughtUp(node);
        long last = Long.parseLong(group.state(node).get("applied"));
        group.restart(node);
        group.process(node).tell("reach " + last);
        return group.process(node).await("reachedNanos", AWAIT_MILLIS);
    }

    private static long fromEmpty(Processes group) throws IOException, InterruptedException {
        int node = follower(group);
        group.process(node).close();
        Benchmarks.delete(group.place(node));
        group.restart(node);
        Measuring leader = group.process(group.leader());
        while (group.state(group.leader()).get("strangers").equals("0")) {
            LockSupport.parkNanos(LOOK_NANOS);
        }
        leader.tell("admit " + (node + 1));
        Map<String, String> admitted = leader.await("beganNanos", AWAIT_MILLIS);
        group.process(node).tell("reach " + admitted.get("last"));
        return Long.parseLong(group.process(node).await("reachedNanos", AWAIT_MILLIS).get("reachedNanos"))
            - Long.parseLong(admitted.get("beganNanos"));
    }
}
