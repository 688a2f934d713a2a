package io.quorate.simulation;

import io.quorate.raft.testing.Simulation;
import java.util.Collection;
import java.util.Locale;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;

/** What many runs came to together. Any thread. */
final class Totals {

    private long seeds;
    private long virtualNanos;
    private long turns;
    private long committed;
    private long acknowledged;
    private long reads;
    private long elections;
    private long crashes;
    private double slowestHealTimeouts;
    private final Map<String, Long> happenings = new TreeMap<>();

    synchronized void add(Simulation.Report report) {
        seeds++;
        virtualNanos += report.virtualNanos();
        turns += report.turns();
        committed += report.committed();
        acknowledged += report.acknowledged();
        reads += report.readsServed();
        elections += report.elections();
        crashes += report.crashes();
        slowestHealTimeouts = Math.max(slowestHealTimeouts, (double) report.healNanos() / report.plan().electionTimeoutNanos());
        report.happenings().forEach((what, times) -> happenings.merge(what, times, Long::sum));
    }

    synchronized long seeds() {
        return seeds;
    }

    synchronized long acknowledged() {
        return acknowledged;
    }

    synchronized long reads() {
        return reads;
    }

    synchronized long elections() {
        return elections;
    }

    /** How often this happened. */
    synchronized long times(String happening) {
        return happenings.getOrDefault(happening, 0L);
    }

    /** What may happen and never did, but for these. A fault that never happens proves nothing, and nobody would notice. */
    synchronized SortedSet<String> neverHappened(Collection<String> others) {
        SortedSet<String> never = new TreeSet<>();
        happenings.forEach((what, times) -> {
            if (times == 0 && !others.contains(what)) {
                never.add(what);
            }
        });
        return never;
    }

    /** All of it, on one line. */
    @Override
    public synchronized String toString() {
        return String.format(Locale.ROOT, "seeds=%d simulated_hours=%.1f events=%d commits=%d acknowledged=%d reads=%d elections=%d "
                + "crashes=%d slowest_heal_timeouts=%.1f", seeds, virtualNanos / (double) TimeUnit.HOURS.toNanos(1), turns,
            committed, acknowledged, reads, elections, crashes, slowestHealTimeouts);
    }
}
