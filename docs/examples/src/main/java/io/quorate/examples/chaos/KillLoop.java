package io.quorate.examples.chaos;

import io.quorate.raft.ServerStatus;
import io.quorate.raft.storage.StorageTool;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Round after round: under load, at a random moment, SIGKILL for one replica or for all of them, and a new start; at times they are killed
 * once more while they start. In each round their disks are looked at while they are down, and each acknowledged write is looked for on each
 * replica when all are up again.
 *
 * <p>A killed process takes nothing with it that it has handed to the operating system, so this shows that nothing is acknowledged before it
 * is written, that each prefix of the writes can be recovered, and that replicas agree afterwards. What a fsync is for only shows when the
 * operating system dies too; that is the part of simulated disks.
 */
final class KillLoop {

    private static final int COMMANDS_MAX = 500;         // acknowledged in a round before the kill
    private static final int MORE = 20;                  // acknowledged by those that are left, and again when all are back
    private static final int AGAIN_ONE_IN = 4;           // rounds
    private static final int AGAIN_MILLIS_MAX = 2000;    // from the start; a replica is up before, mostly
    private static final Duration ELECTION = Duration.ofMinutes(3);
    private static final long PATIENCE_MILLIS = 180_000;     // a machine that is busy takes its time to start a handful of JVMs at once
    private static final Pattern LAST = Pattern.compile("\"term\":(\\d+),\"votedFor\".*\"last\":\\{\"index\":(\\d+),");

    private final Scene scene;
    private final Marks marks;
    private final Random random;
    private int kills;
    private int comparedDisks;
    private int shortDisks;
    private int damagedDisks;
    private int lost;

    private KillLoop(Scene scene, Marks marks) {
        this.scene = scene;
        this.marks = marks;
        random = new Random(scene.settings().seed());
    }

    /** With one replica killed in each round, every second time the leader; or with all of them, one right after the other. */
    static boolean run(Scene scene, boolean killsAll) throws ChaosException {
        Settings settings = scene.settings();
        try (Marks marks = new Marks(scene.client())) {
            KillLoop loop = new KillLoop(scene, marks);
            marks.start();
            int round = 0;
            while (round < settings.rounds() && loop.isKept()) {
                round++;
                loop.round(round, killsAll);
            }
            marks.finish(PATIENCE_MILLIS);
            loop.look();
            return scene.conclude(loop.isKept(), "scenario=" + settings.scenario() + " rounds=" + round + " kills=" + loop.kills
                + " acknowledged=" + marks.answered() + " unacknowledged=" + marks.perhaps() + " lost=" + loop.lost
                + " disks_compared=" + loop.comparedDisks + " disks_short=" + loop.shortDisks + " disks_damaged=" + loop.damagedDisks
                + " leaderless_max_ms=" + marks.longestPauseMillis());
        }
    }

    private boolean isKept() {
        return lost == 0 && shortDisks == 0 && damagedDisks == 0;
    }

    private void round(int round, boolean killsAll) throws ChaosException {
        marks.awaitMore(1 + random.nextInt(COMMANDS_MAX), PATIENCE_MILLIS);
        int leader = scene.group().awaitLeaderAfter(0, ELECTION).nodeId();
        List<Integer> victims = victims(leader, killsAll);
        ServerStatus before = scene.operator().status(scene.group().address(leader));
        kill(victims);
        examine(victims, before);
        if (!killsAll) {
            marks.awaitMore(MORE, PATIENCE_MILLIS);
        }
        victims.forEach(scene.group()::launch);
        boolean isAgain = random.nextInt(AGAIN_ONE_IN) == 0;
        if (isAgain) {
            sleep(random.nextInt(AGAIN_MILLIS_MAX));
            kill(victims);
            examine(victims, null);
            victims.forEach(scene.group()::launch);
        }
        marks.awaitMore(MORE, PATIENCE_MILLIS);
        look();
        scene.tell("round " + round + ": killed " + victims + (victims.contains(leader) ? ", the leader" : "") + (isAgain ? ", twice" : "")
            + "; " + marks.answered() + " commands acknowledged, " + lost + " lost");
    }

    private List<Integer> victims(int leader, boolean killsAll) {
        List<Integer> nodes = new ArrayList<>();
        for (int node = 1; node <= scene.settings().nodes(); node++) {
            nodes.add(node);
        }
        Collections.shuffle(nodes, random);
        return killsAll ? nodes : List.of(random.nextBoolean() ? leader : nodes.get(0));
    }

    private void kill(List<Integer> victims) {
        scene.group().requireAllRun();
        victims.forEach(scene.group()::kill);
        kills += victims.size();
    }

    /** Looks at the disks of replicas that are down: nothing on them is damaged, and what the leader knew to be durable there is there. */
    private void examine(List<Integer> victims, @Nullable ServerStatus before) throws ChaosException {
        Map<Integer, Long> durable = before == null ? Map.of() : durable(before);
        for (int node : victims) {
            String directory = scene.group().dataOf(node).toString();
            ByteArrayOutputStream said = new ByteArrayOutputStream();
            PrintStream out = new PrintStream(said, false, StandardCharsets.UTF_8);
            if (StorageTool.run(List.of("verify", directory), out, out) != StorageTool.WHOLE) {
                damagedDisks++;
                scene.tell("node " + node + ": " + said.toString(StandardCharsets.UTF_8));
                continue;
            }
            said.reset();
            int code = StorageTool.run(List.of("inspect", directory, "--json"), out, out);
            out.flush();
            Matcher last = LAST.matcher(said.toString(StandardCharsets.UTF_8));
            if (code != StorageTool.WHOLE || !last.find()) {
                throw new ChaosException("node " + node + " cannot be inspected: " + said.toString(StandardCharsets.UTF_8));
            }
            Long known = durable.get(node);
            // Another leader may have cut what this one wrote, but was not able to commit.
            if (known != null && before != null && Long.parseLong(last.group(1)) == before.term()) {
                comparedDisks++;
                if (Long.parseLong(last.group(2)) < known) {
                    shortDisks++;
                    scene.tell("node " + node + " had acknowledged entry " + known + ", and its log ends with " + last.group(2));
                }
            }
        }
    }

    /** How much of its log a leader knew to be durable, by node. */
    private static Map<Integer, Long> durable(ServerStatus leader) {
        Map<Integer, Long> durable = new TreeMap<>();
        if (leader.state() == ServerStatus.State.LEADER) {
            durable.put(leader.replica().nodeId(), leader.durableIndex());
            leader.peers().forEach(peer -> durable.put(peer.nodeId(), peer.matchIndex()));
        }
        return durable;
    }

    private void look() throws ChaosException {
        SortedMap<byte[], Long> expected = marks.acknowledged();
        int missing = scene.missing(PATIENCE_MILLIS, contents -> Marks.missing(expected, contents));
        lost += missing;
        if (missing == 0) {
            marks.seen(expected);
        }
    }

    private static void sleep(int millis) throws ChaosException {
        try {
            TimeUnit.MILLISECONDS.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ChaosException("interrupted");
        }
    }
}
