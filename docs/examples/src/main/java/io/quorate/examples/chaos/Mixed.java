package io.quorate.examples.chaos;

import io.quorate.examples.launcher.LocalGroup;
import io.quorate.examples.launcher.ReplicaProgram;
import io.quorate.raft.testing.LinearizabilityChecker;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/**
 * A client brings a mixed load to its end while replicas are killed and started again all the time: one, or as many as there may be, or all
 * at once. Each command takes effect exactly once, and one order explains what everybody has heard.
 */
final class Mixed {

    private static final int KEYS = 1024;
    private static final int WORKERS = 64;
    private static final List<String> OPTIONS =
        List.of("--election-timeout", "300", "--segment-mib", "1", "--snapshot-mib", "1", "--log-tail-mib", "1");
    private static final int HEAP_MIB = 256;
    private static final int BETWEEN_MAX = 1000;             // operations that end between one kill and the next
    private static final int ALL_ONE_IN = 6;                 // kills
    private static final int DOWN_MILLIS_MAX = 1500;
    private static final long PATIENCE_MILLIS = MixedLoad.PATIENCE.toMillis();

    private Mixed() { }

    /** The group that this needs. */
    static LocalGroup group(Path directory, Settings settings) {
        return LocalGroup.ofScratch(directory, settings.nodes(), OPTIONS, new ReplicaProgram(TallyMain.class, HEAP_MIB));
    }

    static boolean run(Scene scene) throws ChaosException {
        Random random = new Random(scene.settings().seed());
        int kills = 0;
        int restarts = 0;        // of the whole group
        try (MixedLoad load = new MixedLoad(scene.client(), scene.settings().operations(), KEYS, WORKERS, scene.settings().seed())) {
            load.start();
            load.awaitMore(BETWEEN_MAX, PATIENCE_MILLIS);
            for (int round = 1; !load.isOver(); round++) {
                List<Integer> victims = victims(scene, random, round);
                scene.group().requireAllRun();
                victims.forEach(scene.group()::kill);
                kills += victims.size();
                restarts += victims.size() == scene.settings().nodes() ? 1 : 0;
                sleep(random.nextInt(DOWN_MILLIS_MAX));
                victims.forEach(scene.group()::launch);
                load.awaitMore(1 + random.nextInt(BETWEEN_MAX), PATIENCE_MILLIS);
                if (round % 10 == 0) {
                    scene.tell(load.ended() + " operations have ended, " + kills + " kills; longest pause " + load.longestPauseMillis()
                        + " ms");
                }
            }
            return conclude(scene, load, kills, restarts);
        }
    }

    private static boolean conclude(Scene scene, MixedLoad load, int kills, int restarts) throws ChaosException {
        scene.group().requireAllRun();
        MixedLoad.Effects worst = new MixedLoad.Effects(0, 0, 0, 0);
        boolean isSame = true;
        Tally.Audit first = null;
        for (String address : scene.group().addresses()) {
            Tally.Audit audit = Tally.Audit.decode(scene.awaitAnswer(address, scene.client().lastIndex(),
                new Tally.Request(Tally.Kind.AUDIT, 0, 0, 0, 0).encode()));
            MixedLoad.Effects effects = load.effects(audit.applied());
            worst = effects.areExactlyOnce() ? worst : effects;
            first = first == null ? audit : first;
            isSame &= audit.equals(first);
            scene.tell(address + " has applied " + audit.applied().size() + " commands: " + effects);
        }
        LinearizabilityChecker.Verdict verdict = load.verdict();
        if (!verdict.isLinearizable()) {
            scene.tell(verdict.toString());
        }
        boolean isKept = load.isComplete() && worst.areExactlyOnce() && isSame && verdict.isLinearizable();
        return scene.conclude(isKept, "scenario=client " + load.figures() + " lost=" + worst.lost() + " twice=" + worst.twice()
            + " refuted=" + worst.refuted() + " strange=" + worst.strange() + " identical=" + (isSame ? "yes" : "no") + " kills=" + kills
            + " group_restarts=" + restarts + " leaderless_max_ms=" + load.longestPauseMillis() + " linearizable="
            + (verdict.isLinearizable() ? "yes" : verdict instanceof LinearizabilityChecker.Undecided ? "undecided" : "no"));
    }

    /** All of them now and then; else a minority, every second time with the leader. */
    private static List<Integer> victims(Scene scene, Random random, int round) {
        int nodes = scene.settings().nodes();
        List<Integer> all = new ArrayList<>();
        for (int node = 1; node <= nodes; node++) {
            all.add(node);
        }
        if (random.nextInt(ALL_ONE_IN) == 0) {
            return all;
        }
        Collections.shuffle(all, random);
        if (round % 2 == 0) {
            Integer leader = scene.group().awaitLeaderAfter(0, Scene.ELECTION).nodeId();
            all.remove(leader);
            all.add(0, leader);
        }
        return all.subList(0, 1 + random.nextInt((nodes - 1) / 2));
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
