package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

/** A plan that was printed can be read again, and one that was damaged on the way says where. */
class PlanTextPropertyTest {

    @Property(tries = 200, edgeCases = EdgeCasesMode.NONE)
    void aPlanIsReadAsItWasWritten(@ForAll("plans") FaultPlan plan) {
        assertFalse(plan.toString().contains("\n"));
        assertEquals(plan, FaultPlan.parse(plan.toString()));
        assertEquals(plan, FaultPlan.parse(plan.toString().replace("; ", ";\n    ")));     // as a failure shows it
    }

    @Property(tries = 200, edgeCases = EdgeCasesMode.NONE)
    void aPlanOfTheSwarmIsReadAsItWasWritten(@ForAll long seed, @ForAll @IntRange(max = 7) int nodes, @ForAll @IntRange(min = 1, max = 150)
            int timeouts) {
        FaultPlan plan = FaultPlan.swarm(seed, nodes, timeouts);
        assertEquals(plan, FaultPlan.parse(plan.toString()));
        FaultPlan forgetful = FaultPlan.forgetfulDisk(seed);
        assertEquals(forgetful, FaultPlan.parse(forgetful.toString()));
    }

    @Property(tries = 1000, edgeCases = EdgeCasesMode.NONE)
    void aDamagedTextIsReadAsAPlanOrRefusedInWords(@ForAll("plans") FaultPlan plan, @ForAll Random random) {
        String text = damaged(plan.toString(), random);
        FaultPlan read;
        try {
            read = FaultPlan.parse(text);
        } catch (IllegalArgumentException e) {      // and nothing else
            assertTrue(e.getClass() == IllegalArgumentException.class && String.valueOf(e.getMessage()).length() > 10,
                () -> text + " gives " + e);
            return;
        }
        assertEquals(read, FaultPlan.parse(read.toString()), text);
    }

    @Provide
    Arbitrary<FaultPlan> plans() {
        return Plans.plans();
    }

    private static String damaged(String text, Random random) {
        int at = random.nextInt(text.length());
        int to = Math.min(text.length(), at + random.nextInt(12));
        String other = List.of("", "-", "]", "[", ",", ";", "=", " ", "9", "e9", "x", "ms", "99999999999999999999", "true", "\u0661")
            .get(random.nextInt(15));
        return switch (random.nextInt(4)) {
            case 0 -> text.substring(0, at) + other + text.substring(at);
            case 1 -> text.substring(0, at) + other + text.substring(to);
            case 2 -> text.substring(0, at);
            default -> text.substring(0, at) + text.substring(at, to) + text.substring(at);
        };
    }

    private static final String BEGIN =
        "FaultPlan[nodes=3, electionTimeout=1000ms, faulty=5000ms, delayMax=1ms, diskMax=1ms, isCramped=false, leaseDriftPermille=0]";

    @Example
    void anErrorNamesThePlace() {
        assertEquals(0, FaultPlan.parse(BEGIN).faults().size());
        assertRefused("", "FaultPlan[");
        assertRefused(";", "FaultPlan[");
        assertRefused("Crash[at=1ms, node=1, down=1ms, keepsWrite=true]", "FaultPlan[");
        assertRefused(BEGIN.replace("nodes=3, ", ""), "nodes=", "place 1");
        assertRefused(BEGIN.replace("3", "three"), "nodes=three");
        assertRefused(BEGIN.replace("1000ms", "1s"), "electionTimeout=1s", "ms");
        assertRefused(BEGIN.replace("5000ms", "0.0000001ms"), "faulty=0.0000001ms");
        assertRefused(BEGIN.replace("5000ms", "99999999999999999ms"), "faulty=99999999999999999ms");
        assertRefused(BEGIN.replace("false", "no"), "isCramped=no");
        assertRefused(BEGIN.replace("]", ", more=1]"), "more=1");
        assertRefused(BEGIN + "; Earthquake[at=1ms]", "Earthquake");
        assertRefused(BEGIN + "; Crash[at=1ms, node=1, down=1ms]", "Crash", "keepsWrite", "place 4");
        assertRefused(BEGIN + "; Crash[at=1ms, node=4, down=1ms, keepsWrite=true]", "node=4", "there are 3");
        assertRefused(BEGIN + "; Crash[at=-1ms, node=1, down=1ms, keepsWrite=true]", "Crash", "before the beginning");
        assertRefused(BEGIN + "; Cut[at=1ms, for=1ms, links=1<2]", "links=1<2", "1-2 or 1>2");
        assertRefused(BEGIN + "; Strike[at=1ms, for=1ms, balance=LOVE, dice=1]", "balance=LOVE");
    }

    private static void assertRefused(String text, String... named) {
        IllegalArgumentException refused = assertThrows(IllegalArgumentException.class, () -> FaultPlan.parse(text));
        for (String each : named) {
            assertTrue(String.valueOf(refused.getMessage()).contains(each), () -> "does not name " + each + ": " + refused.getMessage());
        }
    }
}
