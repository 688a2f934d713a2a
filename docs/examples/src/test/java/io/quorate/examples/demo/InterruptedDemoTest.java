package io.quorate.examples.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
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
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** However the demo ends, no process and no file of it is left. */
@Timeout(120)
final class InterruptedDemoTest {

    private static final Pattern DATA = Pattern.compile(".* data in (.*)");
    private static final Pattern PROCESS = Pattern.compile(".* as process (\\d+).*");

    @TempDir
    private Path directory;

    @Test
    void killedItLeavesNothingBehind() throws Exception {
        interrupt(Process::destroyForcibly);
    }

    @Test
    void askedToEndItLeavesNothingBehind() throws Exception {
        interrupt(Process::destroy);
    }

    private void interrupt(Consumer<Process> end) throws Exception {
        Path input = Files.writeString(directory.resolve("input"), "a line\n".repeat(100));
        Process demo = demo(input);
        List<ProcessHandle> replicas = new ArrayList<>();
        Path data = null;
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(demo.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null && !line.contains("2000 of 20000"); line = lines.readLine()) {
                Matcher isData = DATA.matcher(line);
                Matcher isProcess = PROCESS.matcher(line);
                if (isData.matches()) {
                    data = Path.of(isData.group(1));
                } else if (isProcess.matches()) {
                    ProcessHandle.of(Long.parseLong(isProcess.group(1))).ifPresent(replicas::add);
                }
            }
            assertEquals(3, replicas.size());
            assertTrue(replicas.stream().allMatch(ProcessHandle::isAlive));
            assertNotNull(data);
            assertTrue(Files.isDirectory(data));
            end.accept(demo);
            assertTrue(demo.waitFor(30, TimeUnit.SECONDS));
            assertNotEquals(0, demo.exitValue());
            for (ProcessHandle replica : replicas) {
                replica.onExit().get(30, TimeUnit.SECONDS);
            }
            Path gone = data;
            Poll.until("the end of " + data, () -> Files.exists(gone) ? null : gone);
        } finally {
            demo.destroyForcibly();
        }
    }

    @Test
    void anInputThatIsNoneIsToldInOneLineAndNothingIsStarted() throws Exception {
        Process demo = demo(directory.resolve("missing"));
        String out = new String(demo.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(demo.waitFor(30, TimeUnit.SECONDS));
        assertEquals(1, demo.exitValue());
        assertTrue(out.startsWith("demo: failed: the input ") && out.lines().count() == 1, out);
        assertFalse(out.contains("process"), out);
    }

    private static Process demo(Path input) throws IOException {
        return new ProcessBuilder(ReplicaProcess.javaBinary(), "-ea", "-cp", System.getProperty("java.class.path"), Demo.class.getName(),
            input.toString()).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    }
}
