package io.quorate.examples.chaos;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.examples.Poll;
import io.quorate.examples.launcher.ReplicaProcess;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The chaos program as a process: it does not say that all went well when it did not, and leaves nothing behind. */
@Timeout(120)
final class ChaosTest {

    /** With it the first blow is a transfer, which is over soon, whoever is there. */
    private static final int SEED_OF_A_TRANSFER = 4;

    @Test
    void aReplicaThatEndsUnaskedFailsTheRunAndNothingIsLeft() throws Exception {
        Process chaos = chaos(false, "seconds=60", "nodes=3", "seed=" + SEED_OF_A_TRANSFER);
        List<String> printed = new ArrayList<>();
        List<ProcessHandle> replicas = List.of();
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(chaos.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                printed.add(line);
                if (line.contains("hand leadership to") && replicas.isEmpty()) {
                    replicas = chaos.children().toList();
                    assertEquals(3, replicas.size());
                    replicas.get(0).destroyForcibly();
                }
            }
            assertTrue(chaos.waitFor(30, TimeUnit.SECONDS));
        } finally {
            chaos.destroyForcibly();
        }
        assertEquals(1, chaos.exitValue(), () -> String.join("\n", printed));
        String last = printed.get(printed.size() - 1);
        assertTrue(last.matches("chaos: failed: node \\d has ended, and nobody asked it to"), last);
        assertTrue(printed.stream().anyMatch(line -> line.matches("node \\d has ended")), () -> String.join("\n", printed));
        assertFalse(replicas.stream().anyMatch(ProcessHandle::isAlive));
        Path data = Path.of(printed.get(0).replaceFirst(".* data in ", ""));
        assertNotNull(data.getFileName());
        Poll.until("the end of " + data, () -> Files.exists(data) ? null : data);
    }

    @Test
    void aWordThatSaysNothingIsToldAndNothingIsStarted() throws Exception {
        Process chaos = chaos(true, "scenario=nonsense");
        String out = new String(chaos.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(chaos.waitFor(30, TimeUnit.SECONDS));
        assertEquals(2, chaos.exitValue());
        assertTrue(out.startsWith("chaos: there is no scenario nonsense; there are all-at-once, ") && out.lines().count() == 1, out);
    }

    private static Process chaos(boolean withErrors, String... words) throws IOException {
        List<String> command = new ArrayList<>(List.of(ReplicaProcess.javaBinary(), "-ea", "-cp", System.getProperty("java.class.path"),
            Chaos.class.getName()));
        command.addAll(List.of(words));
        ProcessBuilder builder = new ProcessBuilder(command);
        return (withErrors ? builder.redirectErrorStream(true) : builder.redirectError(ProcessBuilder.Redirect.DISCARD)).start();
    }
}
