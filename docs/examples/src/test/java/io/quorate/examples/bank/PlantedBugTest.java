package io.quorate.examples.bank;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import io.quorate.raft.testing.FaultPlan;
import io.quorate.raft.testing.Simulation;
import io.quorate.raft.testing.SimulationFailure;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/** The guide's bank looks right to its unit test and to the contract check, and is found out by its property. */
@Timeout(300)
class PlantedBugTest {

    private static final Pattern REPLAY_LINE = Pattern.compile("^simulation\\.run\\((-?\\d+)L, FaultPlan\\.parse\\(\"(.*)\"\\)\\);$",
        Pattern.MULTILINE);

    private static final int SEEDS = Integer.getInteger("bank.seeds", 24);

    private final Simulation<ForgetfulBank> simulation = Simulation.of(ForgetfulBank::new).workload(Transfers::new)
        .model(new BankModel()).nodes(3);

    @TempDir
    private Path pictures;

    @Test
    void neitherTheUnitTestNorTheContractCheckSeesIt() {
        for (String method : new String[] {"whoAsksTwiceMovesMoneyOnce", "keepsTheContract"}) {
            TestExecutionSummary summary = run(method);
            assertEquals(1, summary.getTestsSucceededCount(), () -> method + ": " + summary.getFailures());
        }
    }

    @Test
    void withoutFaultsItDoesNotShow() {
        FaultPlan faultless = FaultPlan.none(3, Duration.ofMinutes(1));
        for (long seed = 1; seed <= 3; seed++) {
            Simulation.Report report = simulation.run(seed, faultless);
            assertTrue(report.acknowledged() > 200 && report.isLinearizable(), report::toString);
        }
    }

    /** The guide says every fourth; {@code -Dbank.seeds=300} counts that. */
    @Test
    void someSeedsOfAFewShowItAndMostDoNot() {
        int found = 0;
        for (long seed = 1; seed <= SEEDS; seed++) {
            try {
                simulation.unexplained().run(seed);
            } catch (SimulationFailure e) {
                assertEquals("Linearizability", e.invariant(), e::getMessage);
                found++;
            }
        }
        System.out.println("the planted bug: " + found + " of " + SEEDS + " seeds show it");
        assertTrue(found > 0 && found <= SEEDS / 2, "found by " + found + " of " + SEEDS);
    }

    @Test
    void thePropertyFindsItAndThePrintedLineRepeatsIt() throws Exception {
        TestExecutionSummary summary = run("holdsInAFaultyCluster", long.class);
        assertEquals(1, summary.getTestsFailedCount(), "500 tries have not found it");
        SimulationFailure failure = assertInstanceOf(SimulationFailure.class, summary.getFailures().get(0).getException());
        String message = failure.getMessage();
        assertNotNull(message);
        assertEquals("Linearizability", failure.invariant(), message);

        Matcher line = REPLAY_LINE.matcher(message);
        assertTrue(line.find(), message);
        long seed = Long.parseLong(line.group(1));
        FaultPlan plan = FaultPlan.parse(line.group(2));
        assertEquals(failure.seed(), seed);
        assertEquals(failure.plan(), plan);
        SimulationFailure again = assertThrows(SimulationFailure.class,
            () -> simulation.pictures(pictures).run(seed, plan), message);
        assertEquals("Linearizability", again.invariant(), message);
        assertTrue(Files.readString(pictures.resolve("simulation-" + seed + ".html")).contains("Linearizability"));

        // The same with the mended machine; and with the forgetful one, but without the model: money is conserved, after all.
        Simulation.of(Bank::new).workload(Transfers::new).model(new BankModel()).nodes(3).run(seed, plan);
        Simulation.of(ForgetfulBank::new).workload(Transfers::new).check("MoneyIsConserved", bank -> assertEquals(20_000, bank.total()))
            .nodes(3).run(seed, plan);
    }

    private TestExecutionSummary run(String method, Class<?>... parameterTypes) {
        SummaryGeneratingListener listener = new SummaryGeneratingListener();
        LauncherFactory.create().execute(LauncherDiscoveryRequestBuilder.request()
            .selectors(selectMethod(ForgetfulBankTest.class, method, parameterTypes))
            .configurationParameter("jqwik.failures.after.default", "RANDOM_SEED")      // not the seed that failed in the last build
            .configurationParameter("jqwik.database", pictures.resolve("jqwik-database").toString())
            .configurationParameter("jqwik.reporting.usejunitplatform", "true")         // it is asserted, so nobody needs to read it
            .build(), new TestExecutionListener[] {listener});
        return listener.getSummary();
    }
}
