package io.quorate.examples.chaos;

import io.quorate.raft.testing.LinearizabilityChecker;

/** Everything that happens to machines, one thing after the other, under a load whose every operation is recorded and judged. */
final class AllAtOnce {

    private AllAtOnce() { }

    static boolean run(Scene scene) throws ChaosException {
        Settings settings = scene.settings();
        try (Load load = new Load(scene.client(), settings.seed())) {
            Nemesis nemesis = new Nemesis(scene.group(), scene.wires(), scene.operator(), settings.nodes(), settings.seed(), scene::tell);
            load.start();
            load.awaitProgress(Scene.PATIENCE_MILLIS);
            while (scene.seconds() < settings.seconds()) {
                nemesis.strike();
                load.awaitProgress(Scene.PATIENCE_MILLIS);
                scene.tell(load.done() + " operations done, " + load.failures() + "; longest pause " + load.longestPauseMillis() + " ms");
            }
            load.finish(Scene.PATIENCE_MILLIS);
            int lost = scene.missing(load.acknowledged());
            LinearizabilityChecker.Verdict verdict = LinearizabilityChecker.check(new Registers(), load.history().operations());
            boolean isLinearizable = verdict instanceof LinearizabilityChecker.Linearizable;
            if (!isLinearizable) {
                scene.tell(verdict.toString());
            }
            return scene.conclude(lost == 0 && isLinearizable, "operations=" + load.operations() + " acknowledged=" + load.done()
                + " lost=" + lost + " kills=" + nemesis.count(Nemesis.Blow.KILL) + " pauses=" + nemesis.count(Nemesis.Blow.PAUSE)
                + " partitions=" + nemesis.count(Nemesis.Blow.PARTITION)
                + " membership_changes=" + nemesis.count(Nemesis.Blow.MEMBERSHIP_CHANGE)
                + " transfers=" + nemesis.count(Nemesis.Blow.TRANSFER) + " leaderless_max_ms=" + load.longestPauseMillis()
                + " linearizable=" + (isLinearizable ? "yes" : verdict instanceof LinearizabilityChecker.Undecided ? "undecided" : "no"));
        }
    }
}
