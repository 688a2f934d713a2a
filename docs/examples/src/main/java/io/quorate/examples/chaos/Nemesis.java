package io.quorate.examples.chaos;

import io.quorate.examples.launcher.LocalGroup;
import io.quorate.examples.launcher.Signals;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Does to a group what happens to machines, one thing at a time, always to a minority, and mends it again. What comes when is drawn from a
 * seed; what the group is doing at that moment is not.
 */
final class Nemesis {

    /** What it does. */
    enum Blow {
        KILL,
        PAUSE,
        PARTITION,
        MEMBERSHIP_CHANGE,
        TRANSFER
    }

    private static final Duration LEADER = Duration.ofSeconds(30);
    private static final int LASTS_MILLIS_MIN = 200;
    private static final int LASTS_MILLIS_MAX = 6000;

    private final LocalGroup group;
    private final Wires wires;
    private final Operator operator;
    private final int nodes;
    private final SplittableRandom random;
    private final Consumer<String> tell;
    private final Map<Blow, Integer> counts = new EnumMap<>(Blow.class);

    Nemesis(LocalGroup group, Wires wires, Operator operator, int nodes, long seed, Consumer<String> tell) {
        this.group = group;
        this.wires = wires;
        this.operator = operator;
        this.nodes = nodes;
        this.tell = tell;
        random = new SplittableRandom(seed);
        for (Blow blow : Blow.values()) {
            counts.put(blow, 0);
        }
    }

    int count(Blow blow) {
        return counts.get(blow);
    }

    /** One blow, and its mending. */
    void strike() throws ChaosException {
        group.requireAllRun();
        Blow blow = Blow.values()[random.nextInt(Blow.values().length)];
        switch (blow) {
            case KILL -> kill();
            case PAUSE -> pause();
            case PARTITION -> part();
            case MEMBERSHIP_CHANGE -> change();
            case TRANSFER -> transfer();
        }
        counts.merge(blow, 1, Integer::sum);
    }

    private void kill() throws ChaosException {
        Set<Integer> victims = minority();
        tell.accept("kill " + victims + " with SIGKILL" + ledBy(victims));
        victims.forEach(group::kill);
        last();
        victims.forEach(group::launch);
    }

    private void pause() throws ChaosException {
        Set<Integer> victims = minority();
        tell.accept("stop " + victims + " with SIGSTOP" + ledBy(victims));
        List<Long> stopped = new ArrayList<>();
        try {
            for (int victim : victims) {
                long pid = group.process(victim).pid();
                Signals.stop(pid);
                stopped.add(pid);
            }
            last();
        } finally {
            for (long pid : stopped) {
                Signals.go(pid);
            }
        }
    }

    private void part() throws ChaosException {
        Set<Integer> victims = minority();
        boolean isSilent = random.nextBoolean();
        String how = isSilent ? " (nothing passes)" : " (connections close)";
        switch (random.nextInt(4)) {
            case 0 -> {
                tell.accept("nobody reaches " + victims + how + ledBy(victims));
                victims.forEach(victim -> others(victim).forEach(other -> wires.cut(other, victim, isSilent)));
            }
            case 1 -> {
                tell.accept(victims + " reach nobody" + how + ledBy(victims));
                victims.forEach(victim -> others(victim).forEach(other -> wires.cut(victim, other, isSilent)));
            }
            default -> {
                tell.accept("part " + victims + " from all others" + how + ledBy(victims));
                wires.part(victims, isSilent);
            }
        }
        try {
            last();
        } finally {
            wires.restore();
        }
    }

    private void change() throws ChaosException {
        int node = aNode();
        tell.accept("make " + node + " a learner, and a voter again" + ledBy(Set.of(node)));
        operator.demote(node);
        operator.promote(node);
    }

    private void transfer() throws ChaosException {
        int node = aNode();
        tell.accept("hand leadership to " + node);
        operator.transferTo(node);
    }

    /** Half of the time the leader is among them, if there is one. */
    private Set<Integer> minority() {
        int size = 1 + random.nextInt((nodes - 1) / 2);
        Set<Integer> chosen = new TreeSet<>();
        if (random.nextBoolean()) {
            chosen.add(group.awaitLeaderAfter(0, LEADER).nodeId());
        }
        while (chosen.size() < size) {
            chosen.add(aNode());
        }
        return chosen;
    }

    private int aNode() {
        return 1 + random.nextInt(nodes);
    }

    private Set<Integer> others(int node) {
        Set<Integer> others = new TreeSet<>();
        for (int other = 1; other <= nodes; other++) {
            if (other != node) {
                others.add(other);
            }
        }
        return others;
    }

    private String ledBy(Set<Integer> victims) {
        int leader = group.awaitLeaderAfter(0, LEADER).nodeId();
        return victims.contains(leader) ? "; " + leader + " leads" : "";
    }

    /** A blow lasts a while: short ones are as likely as long ones. */
    private void last() throws ChaosException {
        double times = Math.pow((double) LASTS_MILLIS_MAX / LASTS_MILLIS_MIN, random.nextDouble());
        try {
            TimeUnit.MILLISECONDS.sleep((long) (LASTS_MILLIS_MIN * times));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ChaosException("interrupted");
        }
    }
}
