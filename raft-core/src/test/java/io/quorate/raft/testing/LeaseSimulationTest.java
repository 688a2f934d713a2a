package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Reads by lease rest on clocks that run at nearly the same rate. Groups whose leaders are cut off again and again, with clocks that do,
 * and with clocks that do not: to see no stale read among the former proves something only because some are seen among the latter.
 */
class LeaseSimulationTest {

    private static final int SEEDS = Integer.getInteger("simulation.lease.seeds", 40);
    private static final int DRIFT = 100;
    private static final Simulation<Registers> SIMULATION = Registers.simulation().unexplained();
    private static final Set<String> STALE_READ = Set.of("ReadsAreFresh", "Linearizability");

    @Test
    void noReadByLeaseIsStaleWhileClocksKeepToTheirBound() {
        long byLease = 0;
        for (long seed = 1; seed <= SEEDS; seed++) {
            Simulation.Report report = SIMULATION.run(seed, plan(seed, 1000 - DRIFT / 2, 1000 + DRIFT / 2));
            assertTrue(report.isLinearizable());
            byLease += report.happenings().get(Happening.READ_BY_LEASE.name());
        }
        assertTrue(byLease > 10L * SEEDS, "hardly any read was by lease: " + byLease);
    }

    @Test
    void someReadByLeaseIsStaleWhenClocksDoNotAndThatIsCaught() {
        SimulationFailure caught = null;
        for (long seed = 1; seed <= SEEDS && caught == null; seed++) {
            try {
                SIMULATION.run(seed, plan(seed, 500, 1500));
            } catch (SimulationFailure e) {
                caught = e;
            }
        }
        assertNotNull(caught, "no stale read was noticed");
        assertTrue(STALE_READ.contains(caught.invariant()), caught::toString);
        SIMULATION.run(caught.seed(), caught.plan().withLeases(0));     // it was the lease
    }

    @Test
    void plansWithLeasesKeepClocksWithinTheirBound() {
        int withLeases = 0;
        for (long seed = 1; seed <= 1000; seed++) {
            FaultPlan plan = FaultPlan.swarm(seed, 0, 100);
            if (plan.leaseDriftPermille() == 0) {
                continue;
            }
            withLeases++;
            int slowest = 1000;
            int fastest = 1000;
            for (Fault fault : plan.faults()) {
                assertTrue(!(fault instanceof Fault.ClockJump) || fault.atNanos() == 0, fault::toString);
                if (fault instanceof Fault.ClockRate rate) {
                    slowest = Math.min(slowest, rate.permille());
                    fastest = Math.max(fastest, rate.permille());
                }
            }
            assertTrue(1000 * slowest >= fastest * (1000 - plan.leaseDriftPermille()), plan::toString);
        }
        assertEquals(500, withLeases, 100);
    }

    /** Again and again somebody is cut off from all but clients, perhaps the leader, while his clock runs slow and the others' fast. */
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
