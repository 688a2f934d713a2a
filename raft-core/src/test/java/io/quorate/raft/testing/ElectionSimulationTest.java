package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The group's lead as the application's, in simulated groups where everything goes wrong: see {@link SimulatedElection} for what must hold.
 * That no two holders were ever seen at once proves something only because some are seen where clocks do not keep to their bound.
 */
class ElectionSimulationTest {

    private static final int SEEDS = Integer.getInteger("simulation.election.seeds", 80);
    private static final int TIMEOUTS = 25;
    private static final int DRIFT = 100;

    private final SimulatedElection.Tally tally = new SimulatedElection.Tally();
    private final Simulation<Registers> simulation =
        Simulation.of(Registers::new).workload(Registers.Asking::new).clients(1).companions(() -> new SimulatedElection(tally));

    @Test
    void thereIsOneHolderAtATimeWhateverGoesWrong() {
        int runs = 0;
        for (long seed = 1; runs < SEEDS; seed++) {
            FaultPlan plan = FaultPlan.swarm(seed, 0, TIMEOUTS);
            if (plan.leaseDriftPermille() > 0) {
                runs++;
                simulation.run(seed, plan);
            }
        }
        assertTrue(tally.grants > 2L * SEEDS && tally.losses > SEEDS / 3 && tally.resignations > SEEDS / 5 && tally.failures > SEEDS / 5
            && tally.hangs > SEEDS / 5 && tally.regrants > SEEDS / 5, "hardly anything happened: " + tally);
    }

    @Test
    void thereIsOneHolderAtATimeThoughLeadersAreCutOffAndClocksDifferByAllTheyMay() {
        for (long seed = 1; seed <= 5; seed++) {
            simulation.run(seed, plan(seed, 1000 - DRIFT / 2, 1000 + DRIFT / 2));
        }
        assertTrue(tally.losses > 5, "hardly any office was lost: " + tally);
    }

    @Test
    void twoHoldersAreCaughtWhereClocksDifferByMoreThanTheyMay() {
        SimulationFailure caught = null;
        for (long seed = 1; seed <= 20 && caught == null; seed++) {
            try {
                simulation.unexplained().run(seed, plan(seed, 500, 1500));
            } catch (SimulationFailure e) {
                caught = e;
            }
        }
        assertNotNull(caught, "nobody has noticed two holders");
        assertEquals("OneHolderAtATime", caught.invariant(), caught::toString);
    }

    @Test
    void whereNothingGoesWrongOneReplicaHoldsTheOfficeFromTheBeginningToTheEnd() {
        for (int nodes = 1; nodes <= 5; nodes++) {
            simulation.run(nodes, FaultPlan.none(nodes, Duration.ofSeconds(20)).withLeases(10));
        }

        assertEquals(5, tally.grants, "one for each group");
        assertEquals(0, tally.losses);
    }

    /** Again and again somebody is cut off, perhaps the leader, while his clock runs slow and the others' fast. */
    private static FaultPlan plan(long seed, int slow, int fast) {
        FaultPlan none = FaultPlan.none(3, Duration.ofSeconds(60)).withLeases(DRIFT);
        long t = none.electionTimeoutNanos();
        List<Fault> faults = new ArrayList<>();
        for (int i = 0; i < 14; i++) {
            int victim = 1 + (int) ((seed + i) % 3);
            long at = (4 + 4L * i) * t;
            faults.add(new Fault.Cut(at, 2 * t, Links.around(3, victim)));
            for (int node = 1; node <= 3; node++) {
                faults.add(new Fault.ClockRate(at, node, node == victim ? slow : fast));
                faults.add(new Fault.ClockRate(at + 2 * t, node, 1000));
            }
        }
        return none.withFaults(faults);
    }
}
