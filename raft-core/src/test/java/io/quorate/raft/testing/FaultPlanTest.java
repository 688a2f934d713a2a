package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class FaultPlanTest {

    private static final FaultPlan NONE = FaultPlan.none(3, Duration.ofSeconds(10));

    @Test
    void aGroupHasOneToSevenNodes() {
        assertEquals(7, FaultPlan.none(7, Duration.ZERO).nodes());
        assertThrows(IllegalArgumentException.class, () -> FaultPlan.none(8, Duration.ZERO));
        assertThrows(IllegalArgumentException.class, () -> FaultPlan.none(0, Duration.ZERO));
    }

    @Test
    void fewerThanHalfOfTheNodesLoseTheirDisks() {
        for (int nodes = 1; nodes <= 7; nodes++) {
            FaultPlan none = FaultPlan.none(nodes, Duration.ofSeconds(10));
            int mayBeLost = (nodes - 1) / 2;
            assertDoesNotThrow(() -> none.withFaults(wipes(mayBeLost)));
            if (mayBeLost > 0) {
                Fault.Wipe again = new Fault.Wipe(9, 1, 0);
                assertDoesNotThrow(() -> none.withFaults(List.of(again, again)), "one that has lost its disk may lose it again");
            }
            assertThrows(IllegalArgumentException.class, () -> none.withFaults(wipes(mayBeLost + 1)));
        }
    }

    private static List<Fault> wipes(int nodes) {
        return IntStream.rangeClosed(1, nodes).<Fault>mapToObj(node -> new Fault.Wipe(node, node, 1)).toList();
    }

    @Test
    void aFaultBefallsANodeThatIsThere() {
        assertEquals(1, NONE.withFaults(List.of(new Fault.Stray(0, 3))).faults().size());
        assertThrows(IllegalArgumentException.class, () -> NONE.withFaults(List.of(new Fault.Stray(0, 4))));
        assertThrows(IllegalArgumentException.class, () -> NONE.withFaults(List.of(new Fault.Stray(0, 0))));
    }

    @Test
    void nothingIsBeforeTheBeginning() {
        assertThrows(IllegalArgumentException.class, () -> NONE.withFaults(List.of(new Fault.Stray(-1, 1))));
        assertThrows(IllegalArgumentException.class, () -> new FaultPlan(3, 1, -1, 0, 0, false, List.of()));
        assertThrows(IllegalArgumentException.class, () -> new FaultPlan(3, 1, 0, -1, 0, false, List.of()));
        assertThrows(IllegalArgumentException.class, () -> new FaultPlan(3, 1, 0, 0, -1, false, List.of()));
    }

    @Test
    void faultsAreInTheOrderOfTheirTimesAndThoseOfOneMomentAsGiven() {
        List<Fault> given = List.of(new Fault.Stray(5, 1), new Fault.Stray(3, 2), new Fault.Stray(5, 3), new Fault.Stray(3, 1));
        assertEquals(List.of(given.get(1), given.get(3), given.get(0), given.get(2)), NONE.withFaults(given).faults());
    }

    @Test
    void aPlanThatIsHealedEarlierHasOnlyTheFaultsBefore() {
        FaultPlan plan = NONE.withFaults(List.of(new Fault.Stray(3, 2), new Fault.Stray(5, 1)));
        assertEquals(List.of(new Fault.Stray(3, 2)), plan.until(5).faults());
        assertEquals(5, plan.until(5).faultyNanos());
        assertEquals(plan, plan.until(Long.MAX_VALUE));
    }

    @Test
    void onlyDisksThatForgetExcuseABrokenInvariant() {
        for (long seed = 0; seed < 200; seed++) {
            assertTrue(FaultPlan.swarm(seed, 0, 100).mayBreak().isEmpty());
            assertEquals(Fault.EVERYTHING, FaultPlan.forgetfulDisk(seed).mayBreak());
        }
    }

    @Test
    void theSwarmHasGroupsOfEverySizeAndKeepsToTheOneAskedFor() {
        assertEquals(7, IntStream.range(0, 200).map(seed -> FaultPlan.swarm(seed, 0, 10).nodes()).distinct().count());
        assertTrue(IntStream.range(0, 200).allMatch(seed -> FaultPlan.swarm(seed, 4, 10).nodes() == 4));
    }
}
