package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

/**
 * The core under schedules that jqwik generates, and cuts down when one breaks something. It does so in its own way, hence runs are
 * not explained; the plan that is left can be given to {@link Simulation#run(long, FaultPlan)} as it is printed.
 */
class SimulationPropertyTest {

    private static final Simulation<Registers> REGISTERS = Registers.simulation().unexplained();

    @Property(tries = 200, edgeCases = EdgeCasesMode.NONE)
    void everyInvariantHoldsUnderAnySchedule(@ForAll("plans") FaultPlan plan, @ForAll @IntRange(max = 1000) int seed) {
        Simulation.Report report = REGISTERS.run(seed, plan);
        assertTrue(report.isLinearizable());
    }

    /** The plan may end while clients are silent, or before there was time for them to be. */
    @Example
    void withoutFaultsNothingIsBrokenHoweverShortTheRun() {
        for (int timeouts = 0; timeouts <= 45; timeouts++) {
            assertTrue(REGISTERS.run(timeouts, FaultPlan.none(2, Duration.ofSeconds(timeouts))).isLinearizable());
        }
    }

    @Provide
    Arbitrary<FaultPlan> plans() {
        return Plans.plans();
    }

    /** A schedule that is never generated proves nothing. */
    @Example
    void everyKindOfFaultThatAGroupCopesWithIsGenerated() {
        Set<Class<?>> missing = new HashSet<>();
        for (Class<?> kind : Fault.class.getPermittedSubclasses()) {
            missing.addAll(kind.isSealed() ? Set.of(kind.getPermittedSubclasses()) : Set.of(kind));
        }
        missing.removeAll(Set.of(Fault.RollBack.class, Fault.CloneDisk.class));     // Raft does not cope with these
        Plans.plans().generator(1000).stream(new Random(1)).limit(300)
            .forEach(plan -> plan.value().faults().forEach(fault -> missing.remove(fault.getClass())));
        assertEquals(Set.of(), missing);
    }
}
