package io.quorate.benchmarks;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * How long nobody can have a command committed when the leader's process is killed, or stopped so that it stays silent while its
 * connections stay open: from the signal until another replica has committed a command that was proposed to it. Three processes, an
 * election timeout of 150 ms (so drawn from 150 to 300 ms), and a light load: every replica is proposed a command each millisecond, as by
 * somebody who does not know who leads.
 */
public final class Leaderless {

    private static final int REPLICAS = 3;
    private static final int PAYLOAD_BYTES = 256;
    private static final long ELECTION_MILLIS = 150;
    private static final long SETTLE_MILLIS = 500;      // and by chance up to twice that, so that heartbeats are met at any moment
    private static final long AWAIT_MILLIS = 60_000;
    private static final long POLL_MILLIS = 1;

    private final Processes group;
    private final SplittableRandom random = new SplittableRandom();

    private Leaderless(Processes group) {
        this.group = group;
    }

    /** Runs it. */
    public static void main(String[] arguments) throws Exception {
        System.out.println("bench: " + Machine.describe(Benchmarks.directory()));
        try (Results results = Results.begin(Benchmarks.results("leaderless"));
                Processes group = new Processes(Benchmarks.directory().resolve("leaderless"), PAYLOAD_BYTES, 1, ELECTION_MILLIS, true)) {
            Leaderless trials = new Leaderless(group);
            System.out.println("\n| milliseconds without a leader | times | min | median | 75 % | 90 % | 99 % | max |"
                + "\n|---|--:|--:|--:|--:|--:|--:|--:|");
            System.out.println(trials.row("KILL", Benchmarks.option("kills", 100), results));
            System.out.println(trials.row("STOP", Benchmarks.option("stops", 30), results));
        }
    }

    private String row(String signal, int times, Results results) throws IOException, InterruptedException {
        List<Double> windows = new ArrayList<>();
        for (int i = 1; i <= times; i++) {
            double millis = window(signal) / 1e6;
            windows.add(millis);
            results.add(Map.of("system", Contender.QUORATE, "signal", signal, "trial", Integer.toString(i), "millis",
                String.format(Locale.ROOT, "%.3f", millis)));
        }
        return "| after SIG" + signal + " | " + times + " | " + Quantiles.of(windows).distribution("%.0f") + " |";
    }

    private long window(String signal) throws IOException, InterruptedException {
        int leader = group.leader();
        for (int node = 0; node < REPLICAS; node++) {
            group.awaitCaughtUp(node);
        }
        for (int node = 0; node < REPLICAS; node++) {
            group.process(node).tell("probe");
            group.process(node).await("probing", AWAIT_MILLIS);
        }
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(SETTLE_MILLIS + random.nextLong(SETTLE_MILLIS)));
        long begin = System.nanoTime();
        signal(signal, leader);
        long end = firstCommit(leader);
        if (signal.equals("KILL")) {
            group.restart(leader);
        } else {
            signal("CONT", leader);
        }
        for (int node = 0; node < REPLICAS; node++) {
            group.process(node).tell("rest");
            group.process(node).await("resting", AWAIT_MILLIS);
        }
        // Another led already when the signal was sent: it was meant for a leader that was none any more.
        return end < begin ? window(signal) : end - begin;
    }

    private void signal(String signal, int node) throws IOException, InterruptedException {
        Process kill = new ProcessBuilder("kill", "-" + signal, Long.toString(group.process(node).pid())).inheritIO().start();
        if (kill.waitFor() != 0) {
            throw new IOException("No signal " + signal + " for replica " + (node + 1));
        }
    }

    /** When another than this replica first committed a command. */
    private long firstCommit(int leader) throws IOException, InterruptedException {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(AWAIT_MILLIS);
        while (System.nanoTime() - end < 0) {
            for (int node = 0; node < REPLICAS; node++) {
                String committed = node == leader ? null : group.process(node).poll("committedNanos", POLL_MILLIS);
                if (committed != null) {
                    return Long.parseLong(committed);
                }
            }
        }
        throw new IOException("No other replica committed anything within " + AWAIT_MILLIS + " ms");
    }
}
