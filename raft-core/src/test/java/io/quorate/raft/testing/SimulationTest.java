package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Sessions;
import io.quorate.raft.SnapshotPolicy;
import java.time.Duration;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Whole groups under faults: as many as show a broken core or kit soon. The ordinary build's larger budget is in the module of simulations,
 * where there is a wire too. {@code -Dsimulation.seeds=N} and {@code -Dsimulation.first=S} choose other seeds and more of them.
 */
class SimulationTest {

    private static final int SEEDS = Integer.getInteger("simulation.seeds", 60);
    private static final long FIRST = Long.getLong("simulation.first", 1);
    private static final int NODES = Integer.getInteger("simulation.nodes", 0);
    /** In every other run snapshots are taken after a few commands, so that logs are short, and who lags needs one. */
    private static final SnapshotPolicy OFTEN = SnapshotPolicy.DEFAULT.withLogBytesMin(400).withLogToSnapshotRatio(1)
        .withRetryPause(Duration.ofSeconds(1));
    /** In every third, clients propose in sessions, which soon have no room for more replies. */
    private static final Sessions.Options SESSIONS = new Sessions.Options(Duration.ofDays(1), 500, 5000);

    @Test
    void everyInvariantHoldsUnderFaultsAndAHealedQuorumMakesProgress() {
        long acknowledged = 0;
        long reads = 0;
        long crashes = 0;
        long slowestHeal = 0;
        long started = System.nanoTime();
        Map<Happening, Long> happenings = new EnumMap<>(Happening.class);
        Simulation<Registers> simulation = Registers.simulation().timeouts(150);
        if (NODES > 0) {
            simulation = simulation.nodes(NODES);
        }
        for (long seed = FIRST; seed < FIRST + SEEDS; seed++) {
            Simulation<Registers> some = seed % 2 == 0 ? simulation : simulation.snapshots(OFTEN);
            Simulation.Report report = (seed % 3 == 0 ? some.sessions(SESSIONS) : some).run(seed);
            acknowledged += report.acknowledged();
            reads += report.readsServed();
            crashes += report.crashes();
            slowestHeal = Math.max(slowestHeal, report.healNanos());
            assertTrue(report.isLinearizable());
            report.happenings().forEach((what, times) -> happenings.merge(Happening.valueOf(what), times, Long::sum));
        }
        System.out.printf("simulation: seeds=%d acknowledged=%d reads=%d crashes=%d slowest_heal_ms=%d ms=%d%n",
            SEEDS, acknowledged, reads, crashes, slowestHeal / 1_000_000, (System.nanoTime() - started) / 1_000_000);
        System.out.println("simulation: " + happenings);
        assertTrue(acknowledged > 10L * SEEDS && reads > 10L * SEEDS, "the groups did hardly any work: " + acknowledged + ", " + reads);
        Set<Happening> missing = EnumSet.allOf(Happening.class);
        missing.removeIf(what -> happenings.get(what) > 0);
        missing.removeAll(Set.of(Happening.FOUNDING_FAILED, Happening.DISK_CLONED, Happening.DISK_ROLLED_BACK, Happening.MESSAGE_DAMAGED,
            Happening.MESSAGE_DAMAGED_IN_VAIN, Happening.QUORUM_IS_HEALTHY, Happening.NOTHING_GOES_WRONG));
        assertTrue(SEEDS < 60 || missing.isEmpty(), "the runs prove nothing about " + missing);
    }

    @Test
    void disksThatForgetAreReported() {
        Map<Happening, Long> happenings = new EnumMap<>(Happening.class);
        for (long seed = FIRST; seed < FIRST + Math.max(20, SEEDS / 10); seed++) {
            Simulation.Report report = Registers.simulation().run(seed, FaultPlan.forgetfulDisk(seed));
            report.happenings().forEach((what, times) -> happenings.merge(Happening.valueOf(what), times, Long::sum));
        }
        assertTrue(happenings.get(Happening.DISK_CLONED) > 0 && happenings.get(Happening.DISK_ROLLED_BACK) > 0, happenings::toString);
    }

    @Test
    void aFaultyMinorityDisturbsNobody() {
        for (long seed = FIRST; seed < FIRST + SEEDS / 10; seed++) {
            Registers.simulation().run(seed, FaultPlan.disturbedMinority(seed));
        }
    }

    @Test
    void theSameSeedGivesTheSameRun() {
        Simulation<Registers> simulation = Registers.simulation().timeouts(60);
        Simulation.Report first = simulation.checkReplay(7);
        assertEquals(first, simulation.run(7));
        assertNotEquals(first.traceHash(), simulation.run(8).traceHash());
    }

    @Test
    void anUnexplainedFailureIsTheOneThatWouldBeExplained() {
        Simulation<Registers> broken = Registers.simulation().timeouts(10).check("Never", machine -> {
            throw new IllegalStateException("planted");
        });
        SimulationFailure explained = assertThrows(SimulationFailure.class, () -> broken.run(3));
        SimulationFailure found = assertThrows(SimulationFailure.class, () -> broken.unexplained().run(3));
        assertEquals(explained.seed(), found.seed());
        assertEquals(explained.invariant(), found.invariant());
        assertEquals(FaultPlan.swarm(3, 0, 10), found.plan());
        assertEquals(List.of(), found.trace().events());
    }

    /** The healed quorum leaves others out, perhaps the leader; that is no calm. */
    @Test
    void aRunMayEndBeforeItWouldHaveBeenCalm() {
        for (int seed = 1; seed <= 10; seed++) {
            Simulation.Report report = Registers.simulation().run(seed, FaultPlan.none(4, Duration.ofSeconds(4)));
            assertTrue(report.acknowledged() > 0, report::toString);
        }
    }

    @Test
    void withoutFaultsThereIsOneElection() {
        Simulation.Report report = Registers.simulation().run(1, FaultPlan.none(5, Duration.ofMinutes(10)));
        assertEquals(0, report.crashes());
        assertTrue(report.lastTerm() <= 2, "terms: " + report);     // the healed quorum may have lost its leader
    }
}
