package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real file systems that are full to the last byte: small ones in memory, in a mount namespace of the test's own. */
@Timeout(300)
class TmpfsTest {

    private static final String MOUNT = """
        for node in 1 2 3; do mkdir "$1/$node" && mount -t tmpfs -o size=6m quorate "$1/$node" || exit 1; done
        """;
    private static final String RUN = """
        exec "$2" -cp "$3" io.quorate.raft.storage.FullDisksMain "$1"
        """;

    @TempDir
    private Path base;

    @Test
    void aGroupOnDisksThatFillUpRefusesServesReadsAndGoesOnWithoutLosingAnything() throws IOException, InterruptedException {
        String obstacle = obstacleToMounting();
        assumeTrue(obstacle == null, obstacle);
        Ended run = inNamespace("run", MOUNT + RUN, Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            System.getProperty("java.class.path"));
        assertEquals(0, run.exit, run.said);
        assertTrue(run.said.contains("good, "), run.said);
        System.out.println("tmpfs: " + run.said.lines().filter(line -> line.contains("good, ")).findFirst().orElse(""));
    }

    /** Why this machine lets nobody mount a file system of his own; null if it does. Asked apart, so that no failure can pass for it. */
    private @Nullable String obstacleToMounting() throws IOException, InterruptedException {
        try {
            Ended probe = inNamespace("probe", MOUNT);
            return probe.exit == 0 ? null : "no file system may be mounted here: " + probe.said;
        } catch (NoProgramException e) {
            return "there is no program to make a mount namespace with: " + e.getMessage();
        }
    }

    private Ended inNamespace(String name, String script, String... arguments) throws IOException, InterruptedException {
        Path directory = Files.createDirectory(base.resolve(name));
        Path out = base.resolve(name + ".out");
        List<String> command = new ArrayList<>(List.of("unshare", "-rm", "sh", "-c", script, "sh", directory.toString()));
        command.addAll(List.of(arguments));
        Process process;
        try {
            process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(out.toFile()).start();
        } catch (IOException e) {
            throw new NoProgramException(e);
        }
        try {
            int exit = process.waitFor();
            return new Ended(exit, Files.readString(out, StandardCharsets.UTF_8));
        } finally {
            process.destroyForcibly();
        }
    }

    private record Ended(int exit, String said) { }

    private static final class NoProgramException extends IOException {

        private static final long serialVersionUID = 1;

        private NoProgramException(IOException cause) {
            super(cause.getMessage(), cause);
        }
    }
}
