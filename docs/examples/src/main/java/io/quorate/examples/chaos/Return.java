package io.quorate.examples.chaos;

import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/** A replica is down while the group goes on for so long that its log no longer reaches back: it returns through a snapshot. */
final class Return {

    private static final int STEPS = 10;

    private Return() { }

    static boolean run(Scene scene) throws ChaosException {
        int leader = scene.group().awaitLeaderAfter(0, Scene.ELECTION).nodeId();
        int node = leader % scene.settings().nodes() + 1;
        try (Flood flood = new Flood(scene.client())) {
            flood.start();
            flood.awaitAcknowledged(1000, Scene.PATIENCE_MILLIS);
            scene.tell("kill node " + node + ", a follower");
            scene.kill(node);
            long commands = scene.settings().commands();
            for (int step = 1; step <= STEPS; step++) {
                flood.awaitAcknowledged(1000 + commands * step / STEPS, Scene.PATIENCE_MILLIS);
                scene.tell(flood.acknowledged() + " commands acknowledged");
            }
            long missed = flood.acknowledged() - 1000;
            scene.tell("start node " + node + " again; it has missed " + missed + " commands");
            long started = System.nanoTime();
            scene.group().start(node);
            long installed = awaitCaughtUp(scene, flood, node);
            long millis = (System.nanoTime() - started) / 1_000_000;
            scene.tell("node " + node + " has installed " + installed + " snapshots, and has applied what was written meanwhile");
            flood.finish(Scene.PATIENCE_MILLIS);
            int lost = scene.missing(flood.expected());
            return scene.conclude(lost == 0 && installed > 0, "acknowledged=" + flood.acknowledged() + " lost=" + lost + " missed=" + missed
                + " snapshots_installed=" + installed + " return_ms=" + millis + " leaderless_max_ms=" + flood.longestPauseMillis());
        }
    }

    /** Waits until the replica has applied as much as the leader had when it was looked at; how many snapshots it took. */
    private static long awaitCaughtUp(Scene scene, Flood flood, int node) throws ChaosException {
        long target = -1;
        for (long turn = 1; ; turn++) {
            flood.awaitAcknowledged(flood.acknowledged() + 500, Scene.PATIENCE_MILLIS);     // writes go on meanwhile
            if (target < 0) {
                int leader = scene.group().awaitLeaderAfter(0, Scene.ELECTION).nodeId();
                target = scene.operator().appliedIndex(scene.group().address(leader));       // or -1, if it is busy: asked again
            } else if (scene.operator().appliedIndex(scene.group().address(node)) >= target) {
                return value(scene.operator().metrics(scene.group().address(node)), "snapshots_installed");
            }
            if (scene.seconds() > scene.settings().seconds() + 3600L) {
                throw new ChaosException("node " + node + " has not caught up after " + turn + " looks");
            }
        }
    }

    private static long value(@Nullable SortedMap<String, Long> metrics, String name) throws ChaosException {
        Long value = metrics == null ? null : metrics.get(name);
        if (value == null) {
            throw new ChaosException("there is no " + name + " among " + (metrics == null ? "nothing" : metrics.keySet()));
        }
        return value;
    }
}
