package io.quorate.examples.chaos;

import io.quorate.examples.launcher.Directories;
import io.quorate.examples.launcher.LocalGroup;
import io.quorate.raft.core.ReplicaId;

/** What operators do to a running cluster, one machine after the other, while it is used. No command may be lost or refused for good. */
final class Maintenance {

    private static final long BETWEEN = 2000;     // commands acknowledged with the whole group at work before the next machine

    private Maintenance() { }

    /** Each machine is lost with its disk, and another is put in its place. */
    static boolean replaceAll(Scene scene) throws ChaosException {
        return underLoad(scene, "replacements", node -> {
            ReplicaId lost = scene.operator().voter(node);
            scene.tell("kill node " + node + ", delete its disk, and let a blank one in for " + lost);
            scene.kill(node);
            Directories.deleteQuietly(scene.group().dataOf(node));
            scene.group().launch(node);
            scene.operator().replace(node, lost);
        });
    }

    /** Each machine is stopped in good order and started again. */
    static boolean restartAll(Scene scene) throws ChaosException {
        return underLoad(scene, "restarts", node -> {
            scene.tell("stop node " + node + " in good order, and start it again");
            int code = scene.group().stop(node);
            if (code != 0) {
                throw new ChaosException("node " + node + " stopped with " + code);
            }
            LocalGroup.Leadership leader = scene.group().awaitLeaderAfter(0, Scene.ELECTION);
            scene.group().start(node);
            scene.group().awaitMemberFrom(node, leader.term(), Scene.ELECTION);
        });
    }

    private interface Work {
        void on(int node) throws ChaosException;
    }

    private static boolean underLoad(Scene scene, String what, Work work) throws ChaosException {
        try (Flood flood = new Flood(scene.client())) {
            flood.start();
            for (int node = 1; node <= scene.settings().nodes(); node++) {
                flood.awaitAcknowledged(flood.acknowledged() + BETWEEN, Scene.PATIENCE_MILLIS);
                work.on(node);
                scene.tell(flood.acknowledged() + " commands acknowledged, " + flood.repeated() + " repeated; longest pause "
                    + flood.longestPauseMillis() + " ms");
            }
            flood.awaitAcknowledged(flood.acknowledged() + BETWEEN, Scene.PATIENCE_MILLIS);
            flood.finish(Scene.PATIENCE_MILLIS);
            int lost = scene.missing(flood.expected());
            return scene.conclude(lost == 0, "acknowledged=" + flood.acknowledged() + " repeated=" + flood.repeated()
                + " lost=" + lost + " " + what + "=" + scene.settings().nodes() + " leaderless_max_ms=" + flood.longestPauseMillis());
        }
    }
}
