package io.quorate.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.testing.Registers;
import io.quorate.raft.testing.Simulation;
import io.quorate.raft.testing.SimulationFailure;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DeepTest {

    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();

    @TempDir
    private Path pictures;

    private boolean deep(SeedRunner.Run run, String... options) throws Exception {
        return new Deep(DeepOptions.parse(List.of(options)), run, new PrintStream(printed, true, StandardCharsets.UTF_8)).run();
    }

    private List<String> lines() {
        return printed.toString(StandardCharsets.UTF_8).lines().toList();
    }

    private String lastLine() {
        return lines().get(lines().size() - 1);
    }

    @Test
    void theLastLineSaysWhatTheSeedsCameTo() throws Exception {
        assertTrue(deep(seed -> SeedRun.forgetful(seed).run(), "deep.seeds=2", "deep.seed=7"));
        assertTrue(lastLine().matches("deep: seeds=2 simulated_hours=\\d+\\.\\d events=\\d+ commits=\\d+ .*elections=\\d+ crashes=\\d+ "
            + ".*failures=0"), lastLine());
    }

    @Test
    void afterThreeFailuresItEndsAndSaysHowToRepeatEach() throws Exception {
        assertFalse(deep(seed -> {
            throw new IllegalStateException("planted in " + seed);
        }, "deep.seed=40", "deep.pictures=" + pictures));
        String all = printed.toString(StandardCharsets.UTF_8);
        for (long seed : List.of(40, 41, 42)) {
            assertTrue(all.contains("planted in " + seed), all);
            assertTrue(lines().contains("mvn -q -Pdeep verify -Ddeep.seeds=1 -Ddeep.seed=" + seed), all);
        }
        assertTrue(lastLine().endsWith("failures=3"), lastLine());
    }

    @Test
    void aFailureThatDoesNotComeAgainIsOneToo() {
        Simulation<Registers> broken = Registers.simulation().check("Never", machine -> {
            throw new IllegalStateException("planted");
        });
        SimulationFailure once = assertThrows(SimulationFailure.class, () -> broken.unexplained().run(1));
        Throwable explained = SeedRun.forgetful(1).explain(once, pictures);
        assertTrue(explained.getMessage().contains("cannot be repeated"), explained.getMessage());
    }

    @Test
    void seedsDrawEverythingThatThereIs() {
        List<SeedRun> runs = LongStream.range(0, 1000).mapToObj(SeedRun::deep).toList();
        assertEquals(runs, LongStream.range(0, 1000).mapToObj(SeedRun::deep).toList());
        long wires = runs.stream().filter(SeedRun::hasWire).count();
        assertTrue(wires > 400 && wires < 600, "wires: " + wires);
        for (SeedRun.Kind kind : SeedRun.Kind.values()) {
            long count = runs.stream().filter(run -> run.kind() == kind).count();
            assertTrue(count > 25, kind + ": " + count);
        }
        long longRuns = runs.stream().filter(run -> run.timeouts() == 1000).count();
        assertTrue(longRuns > 50 && longRuns < 150, "long: " + longRuns);
        long shortRuns = runs.stream().filter(run -> run.timeouts() <= 5).count();
        assertTrue(shortRuns > 50 && shortRuns < 150, "short: " + shortRuns);
        assertEquals(20, new TreeSet<>(runs.stream().map(SeedRun::clients).toList()).size());
    }

    @Test
    void whatIsAskedForIsReadAndTheRestHasDefaults() throws Exception {
        assertEquals(new DeepOptions(60, 1, 0, "target/deep", false), DeepOptions.parse(List.of()));
        assertEquals(new DeepOptions(5, -9, 3, "here", true),
            DeepOptions.parse(List.of("deep.seeds=3", "deep.seed=-9", "deep.seconds=5", "deep.pictures=here", "deep.disks=files")));
    }

    @Test
    void whatCannotBeIsRefusedWithWhatCould() {
        for (String bad : List.of("deep.seconds=0", "deep.seconds=soon", "deep.seconds=", "deep.seed=1.5", "deep.seed=9223372036854775808",
            "deep.seeds=-1")) {
            DeepOptions.BadOption refused = assertThrows(DeepOptions.BadOption.class, () -> DeepOptions.parse(List.of(bad)));
            assertTrue(refused.getMessage().startsWith("-D" + bad + ": give a whole number from "), refused.getMessage());
        }
        assertThrows(DeepOptions.BadOption.class, () -> DeepOptions.parse(List.of("deep.minutes=1")));
        assertThrows(DeepOptions.BadOption.class, () -> DeepOptions.parse(List.of("deep.disks=tapes")));
        assertThrows(DeepOptions.BadOption.class, () -> DeepOptions.parse(List.of("deep.seed=1", "deep.seed=2")));
    }
}
