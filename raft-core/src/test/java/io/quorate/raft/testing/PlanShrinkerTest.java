package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class PlanShrinkerTest {

    private static final long T = Duration.ofSeconds(1).toNanos();

    private int runs;

    /** Many faults, of which each stands for itself. */
    private static FaultPlan many(int faults) {
        List<Fault> all = new ArrayList<>();
        for (int i = 0; i < faults; i++) {
            all.add(new Fault.Flood(i * T / 2, 1 + i % 3, i + 1));
        }
        return FaultPlan.none(3, Duration.ofSeconds(faults)).withFaults(all);
    }

    private FaultPlan shrink(FaultPlan plan, Predicate<FaultPlan> fails) {
        assertTrue(fails.test(plan), "what is to be cut down fails");
        runs = 0;
        FaultPlan small = new PlanShrinker(shrunk -> {
            runs++;
            return fails.test(shrunk);
        }).shrink(plan);
        assertTrue(fails.test(small), () -> "does not fail any more: " + small);
        assertTrue(runs <= PlanShrinker.RUNS_MAX, () -> runs + " runs");
        return small;
    }

    @Example
    void oneGuiltyFaultIsFound() {
        FaultPlan plan = many(100);
        for (Fault guilty : plan.faults()) {
            assertEquals(List.of(guilty), shrink(plan, shrunk -> shrunk.faults().contains(guilty)).faults());
            assertTrue(runs < 60, () -> runs + " runs");
        }
    }

    @Property(tries = 200, edgeCases = EdgeCasesMode.NONE)
    void twoThatAreGuiltyTogetherAreFoundHoweverFarApart(@ForAll @IntRange(max = 99) int one, @ForAll @IntRange(max = 99) int other) {
        FaultPlan plan = many(100);
        List<Fault> guilty = new ArrayList<>(List.of(plan.faults().get(Math.min(one, other))));
        if (one != other) {
            guilty.add(plan.faults().get(Math.max(one, other)));
        }
        assertEquals(guilty, shrink(plan, shrunk -> shrunk.faults().containsAll(guilty)).faults());
    }

    @Example
    void whatFailsWithoutFaultsNeedsNone() {
        FaultPlan small = shrink(many(50), shrunk -> true);
        assertEquals(List.of(), small.faults());
        assertTrue(small.faultyNanos() <= T);
    }

    @Example
    void theEndComesAsSoonAsItFails() {
        long needed = 17 * T + T / 3;
        FaultPlan small = shrink(many(100), shrunk -> shrunk.faultyNanos() >= needed);
        assertTrue(small.faultyNanos() >= needed && small.faultyNanos() < needed + T, small::toString);
        assertEquals(List.of(), small.faults());
    }

    @Example
    void whatNeedsAllOfItStaysWhole() {
        FaultPlan plan = many(40);
        assertEquals(plan.faults(), shrink(plan, shrunk -> shrunk.faults().equals(plan.faults())).faults());
    }

    @Example
    void aLargePlanTakesNoMoreRunsThanOthers() {
        FaultPlan plan = many(1000);
        assertEquals(plan.faults(), shrink(plan, shrunk -> shrunk.faults().equals(plan.faults())).faults());
        assertEquals(PlanShrinker.RUNS_MAX, runs);
    }

    @Example
    void whatNeverFailsAgainIsGivenBackAsItWas() {
        FaultPlan plan = many(40);
        assertSame(plan, new PlanShrinker(shrunk -> false).shrink(plan));
    }

    @Example
    void noiseIsReducedToWhatIsNeeded() {
        FaultPlan plan = many(10).withFaults(List.of(new Fault.Noise(0, 5 * T, 100, 200, 50, T, 7)));
        FaultPlan small = shrink(plan, shrunk -> shrunk.faults().stream()
            .anyMatch(fault -> fault instanceof Fault.Noise noise && noise.repeatPermille() > 0));
        assertEquals(List.of(new Fault.Noise(0, 5 * T, 0, 200, 0, T, 0)), small.faults());
    }

    @Example
    void whatLastsIsShortened() {
        List<Fault> faults = List.of(new Fault.Crash(0, 1, T, true), new Fault.Cut(1, 4 * T, Links.link(1, 2)),
            new Fault.Pause(2, 1, 2 * T));
        FaultPlan small = shrink(many(10).withFaults(faults), shrunk -> shrunk.faults().size() == 3);
        assertEquals(List.of(new Fault.Crash(0, 1, 0, true), new Fault.Cut(1, 2 * T, Links.link(1, 2)), new Fault.Pause(2, 1, T)),
            small.faults());
    }

    /** A predicate without any order in it, as that of a run which everything disturbs. */
    @Property(tries = 100, edgeCases = EdgeCasesMode.NONE)
    void whateverItIsAskedItStopsAndReturnsWhatFails(@ForAll int salt, @ForAll @IntRange(min = 1, max = 200) int faults) {
        FaultPlan plan = many(faults);
        FaultPlan small = shrink(plan, shrunk -> shrunk.equals(plan) || Math.floorMod(shrunk.hashCode() * 31 + salt, 3) == 0);
        assertTrue(small.faults().size() <= plan.faults().size() && small.faultyNanos() <= plan.faultyNanos());
    }
}
