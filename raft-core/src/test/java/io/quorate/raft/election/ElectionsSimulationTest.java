package io.quorate.raft.election;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.election.SimulatedElections.Calm;
import io.quorate.raft.election.SimulatedElections.Clocks;
import java.time.Duration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Named elections, with the real code of clients, of a group whose leaders change and that is recovered from a lost quorum now and then. In
 * the end nothing goes wrong any more, and then whoever stands must lead, and whoever observes must know.
 */
class ElectionsSimulationTest {

    private static final int SEEDS = Integer.getInteger("simulation.elections.seeds", 15);
    private static final int CALM_TIMEOUTS = 50;
    private static final int QUIET_TIMEOUTS = 80;
    private static final int END_TIMEOUTS = 95;
    private static final int RECOVERIES_MAX = 2;

    /** One of them. */
    private static final class Run {

        private final long seed;
        private final RecoveringGroup group;
        private final SimulatedElections elections;
        private final long t;

        private Run(long seed) {
            this.seed = seed;
            SplittableRandom random = new SplittableRandom(seed);
            t = Duration.ofMillis(random.nextBoolean() ? 1000 : 150).toNanos();
            long calmFrom = CALM_TIMEOUTS * t;
            group = new RecoveringGroup(seed, t, calmFrom);
            elections = new SimulatedElections(group, seed, t, Clocks.WITHIN_THE_BOUND, new Calm(calmFrom, QUIET_TIMEOUTS * t), false);
            elections.start();
            for (int i = random.nextInt(RECOVERIES_MAX + 1); i > 0; i--) {
                group.after(random.nextLong(5 * t, calmFrom - 5 * t), group::recover);
            }
        }

        private void run() {
            try {
                group.runUntil(END_TIMEOUTS * t);
                elections.checkObservers(group.latest());
            } catch (RuntimeException e) {
                throw new AssertionError("of seed " + seed, e);
            }
        }
    }

    @Test
    void whoeverStandsLeadsWhenNothingGoesWrongAnyMoreAndWhoeverObservesKnows() {
        long recoveries = 0;
        long elected = 0;
        long electedInCalm = 0;
        long refused = 0;
        for (long seed = 1; seed <= SEEDS; seed++) {
            Run run = new Run(seed);
            run.run();
            assertTrue(run.elections.calmNanos() > (END_TIMEOUTS - CALM_TIMEOUTS - 5) * run.t, "the group did not do its work");
            recoveries += run.group.recoveries();
            elected += run.elections.elected();
            electedInCalm += run.elections.electedInCalm();
            refused += run.elections.refused();
        }
        assertTrue(recoveries > SEEDS / 2, "hardly ever recovered: " + recoveries);
        assertTrue(elected > 20L * SEEDS && electedInCalm > 10L * SEEDS, "hardly anybody led: " + elected + ", " + electedInCalm);
        assertTrue(refused > SEEDS, "hardly ever refused: " + refused);
    }

    @Test
    void aWakeUpThatIsLostIsMissed() {
        Run run = new Run(1);
        run.group.after((CALM_TIMEOUTS + 1) * run.t, () -> run.group.loseWakeUps("election\0name 1\0"));
        AssertionError missed = null;
        try {
            run.run();
        } catch (AssertionError e) {
            missed = e;
        }
        assertNotNull(missed, "nobody noticed");
        assertTrue(String.valueOf(missed.getCause()).contains("name 1 is led by nobody"), () -> "noticed something else");
    }
}
