package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole groups under faults. {@code -Dsimulation.seeds=N} and {@code -Dsimulation.first=S} choose other seeds and more of them. */
class SimulationTest {

    private static final int SEEDS = Integer.getInteger("simulation.seeds", 200);
    private static final long FIRST = Long.getLong("simulation.first", 1);
    private static final int TIMEOUTS = 150;

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 5})
    void everyInvariantHoldsUnderFaultsAndAHealedQuorumMakesProgress(int nodes) {
        long acknowledged = 0;
        long reads = 0;
        long crashes = 0;
        long slowestHeal = 0;
        Map<Happening, Long> happenings = new EnumMap<>(Happening.class);
        for (long seed = FIRST; seed < FIRST + SEEDS; seed++) {
            Simulation.Report report = Simulation.run(seed, nodes, TIMEOUTS);
            acknowledged += report.acknowledged();
            reads += report.readsServed();
            crashes += report.crashes();
            slowestHeal = Math.max(slowestHeal, report.healNanos());
            report.happenings().forEach((what, times) -> happenings.merge(Happening.valueOf(what), times, Long::sum));
        }
        System.out.printf("simulation: nodes=%d seeds=%d acknowledged=%d reads=%d crashes=%d slowest_heal_ms=%d%n",
            nodes, SEEDS, acknowledged, reads, crashes, slowestHeal / 1_000_000);
        System.out.println("simulation: " + happenings);
        assertTrue(acknowledged > 10L * SEEDS && reads > 10L * SEEDS, "the groups did hardly any work: " + acknowledged + ", " + reads);
        Set<Happening> missing = EnumSet.allOf(Happening.class);
        missing.removeAll(happenings.keySet());
        missing.remove(Happening.FOUNDING_FAILED);
        assertTrue(nodes == 1 || SEEDS < 200 || missing.isEmpty(), "the runs prove nothing about " + missing);
    }

    @Test
    void theSameSeedGivesTheSameRun() {
        Simulation.Report first = Simulation.run(7, 5, 60);
        assertEquals(first, Simulation.run(7, 5, 60));
        assertNotEquals(first.traceHash(), Simulation.run(8, 5, 60).traceHash());
    }

    @Test
    void withoutFaultsThereIsOneElection() {
        Simulation.Report report = Simulation.run(1, 5, 600, FaultPlan.none());
        assertEquals(1, report.crashes() + 1);
        assertTrue(report.lastTerm() <= 2, "terms: " + report);
    }
}
