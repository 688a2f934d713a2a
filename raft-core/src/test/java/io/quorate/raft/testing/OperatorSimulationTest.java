package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Groups that are changed and handed over by their operators while everything goes wrong. */
class OperatorSimulationTest {

    private static final int SEEDS = Integer.getInteger("operator.seeds", 60);
    private static final long FIRST = Long.getLong("operator.seed", 1);

    private final Simulation<Registers> simulation = Registers.simulation();

    /** What the seed draws, and operators at work beside it. */
    private static FaultPlan plan(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        FaultPlan swarm = FaultPlan.swarm(seed, 0, 120);
        List<Fault> faults = new ArrayList<>(swarm.faults());
        long t = swarm.electionTimeoutNanos();
        for (long at = 5 * t; at < swarm.faultyNanos(); at += random.nextLong(1, 12 * t)) {
            faults.add(random.nextInt(4) == 0 ? new Fault.HandOver(at, random.nextInt(swarm.nodes() + 1))
                : new Fault.ChangeMembership(at, random.nextLong()));
        }
        return swarm.withFaults(faults);
    }

    @Test
    void whateverOperatorsAskForNothingIsLost() {
        Map<String, Long> happened = new TreeMap<>();
        for (long seed = FIRST; seed < FIRST + SEEDS; seed++) {
            simulation.run(seed, plan(seed)).happenings().forEach((what, count) -> happened.merge(what, count, Long::sum));
        }
        System.out.println("operators: " + happened);
        for (String what : List.of("MEMBERSHIP_CHANGED", "LEADERSHIP_TRANSFERRED", "OPERATOR_REFUSED", "JOINT_MEMBERSHIP")) {
            assertTrue(happened.get(what) > 0, () -> what + " never happened: " + happened);
        }
    }
}
