package io.quorate.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.examples.launcher.FreePorts;
import io.quorate.examples.launcher.ReplicaProcess;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The embedding example is what README says it is, and runs, on the class path and on the module path. */
@Timeout(120)
final class EmbeddingExampleTest {

    private static final Path SOURCE = Path.of("src/main/java/io/quorate/examples/EmbeddingExample.java");
    private static final Path README = Path.of("../../README.md");
    private static final int LINES_MAX = 40;

    @TempDir
    private Path directory;

    @Test
    void theReadmeShowsTheFileThatIsCompiled() throws Exception {
        String source = Files.readString(SOURCE);
        assertTrue(source.lines().count() <= LINES_MAX, source.lines().count() + " lines");
        assertTrue(Files.readString(README).contains("```java\n" + source + "```\n"), "README.md's copy differs from " + SOURCE);
    }

    @Test
    void itRunsOnTheClassPath() throws Exception {
        assertEquals("sum 42, read 42", run(List.of("-cp", System.getProperty("java.class.path"), EmbeddingExample.class.getName())));
    }

    @Test
    void itRunsOnTheModulePath() throws Exception {
        String path = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> !entry.endsWith("test-classes") && !entry.contains("surefire"))
            .collect(Collectors.joining(File.pathSeparator));
        assertEquals("sum 42, read 42", run(List.of("-p", path, "-m", "io.quorate.examples/" + EmbeddingExample.class.getName())));
    }

    private String run(List<String> options) throws Exception {
        List<String> command = new ArrayList<>(List.of(ReplicaProcess.javaBinary(), "-ea"));
        command.addAll(options);
        command.add(directory.toString());
        FreePorts.find(3).forEach(port -> command.add("127.0.0.1:" + port));
        Path errors = directory.resolve("errors");
        Process process = new ProcessBuilder(command).redirectError(errors.toFile()).start();
        try {
            String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertTrue(process.waitFor(60, TimeUnit.SECONDS));
            assertEquals(0, process.exitValue(), Files.readString(errors));
            return out.strip();
        } finally {
            process.destroyForcibly();
        }
    }
}
