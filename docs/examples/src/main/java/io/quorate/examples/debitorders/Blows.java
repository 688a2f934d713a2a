package io.quorate.examples.debitorders;

import io.quorate.examples.election.Holders;
import io.quorate.examples.election.Holders.Holder;
import io.quorate.examples.launcher.LocalGroup;
import io.quorate.examples.launcher.ReplicaProcess;
import io.quorate.examples.launcher.Signals;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Does to the copy that does the work what happens to machines, one thing after the other, and waits each time for the one that takes over.
 */
final class Blows {

    /** What is done. */
    enum Kind { KILL, PAUSE, PARTITION }

    private static final Duration ANSWER = Duration.ofSeconds(30);
    private static final long SETTLE_MILLIS = 1500;

    private final LocalGroup group;
    private final Wires wires;
    private final Holders holders;
    private final long lastsMillis;
    private final Consumer<String> tell;
    private final Map<Kind, Integer> counts = new EnumMap<>(Kind.class);
    private int validAfterPause;

    /** @param lastsMillis how long a pause and a partition last */
    Blows(LocalGroup group, Wires wires, Holders holders, long lastsMillis, Consumer<String> tell) {
        this.group = group;
        this.wires = wires;
        this.holders = holders;
        this.lastsMillis = lastsMillis;
        this.tell = tell;
    }

    int count(Kind kind) {
        return counts.getOrDefault(kind, 0);
    }

    /** How often a copy said after a pause that outlasted its lease that its leadership was valid. */
    int validAfterPause() {
        return validAfterPause;
    }

    /** One blow for the present holder, and its mending. */
    void strike(Kind kind) {
        group.requireAllRun();
        Holder struck = holders.awaitAfter(0);
        switch (kind) {
            case KILL -> kill(struck);
            case PAUSE -> pause(struck);
            case PARTITION -> part(struck);
        }
        counts.merge(kind, 1, Integer::sum);
        Holders.pause(SETTLE_MILLIS);
    }

    private void kill(Holder struck) {
        long begin = System.nanoTime();
        group.kill(struck.number());
        replaced("killed", struck, begin);
        group.start(struck.number());
    }

    private void pause(Holder struck) {
        ReplicaProcess process = group.process(struck.number());
        Set<String> before = Set.copyOf(process.lines());
        long begin = System.nanoTime();
        Signals.stop(process.pid());
        try {
            replaced("stopped with SIGSTOP", struck, begin);
            last(begin);
        } finally {
            Signals.go(process.pid());
        }
        String woke = process.awaitLine(line -> line.contains(" woke after ") && !before.contains(line), ANSWER)
            .orElseThrow(() -> new IllegalStateException("copy " + struck.number() + " does not say how it woke"));
        tell.accept(woke);
        validAfterPause += woke.endsWith("valid: false") ? 0 : 1;
    }

    private void part(Holder struck) {
        boolean isSilent = count(Kind.PARTITION) % 2 == 0;
        long begin = System.nanoTime();
        wires.part(struck.number(), isSilent);
        try {
            replaced(isSilent ? "cut off (nothing passes)" : "cut off (connections close)", struck, begin);
            last(begin);
        } finally {
            wires.restore();
        }
    }

    private void replaced(String how, Holder struck, long beginNanos) {
        Holder next = holders.awaitAfter(struck.fence());
        tell.accept("copy " + struck.number() + " was " + how + "; copy " + next.number() + " leads "
            + TimeUnit.NANOSECONDS.toMillis(next.nanos() - beginNanos) + " ms later, with fence " + next.fence());
    }

    private void last(long beginNanos) {
        Holders.pause(Math.max(0, lastsMillis - TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - beginNanos)));
    }
}
