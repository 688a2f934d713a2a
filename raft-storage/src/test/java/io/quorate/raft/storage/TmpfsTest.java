package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real file systems that are full to the last byte: small ones in memory, in a mount namespace of the test's own. */
@Timeout(300)
class TmpfsTest {

    private static final int NOT_MOUNTED = 77;
    private static final String MOUNT_AND_RUN = """
        for node in 1 2 3; do mkdir "$1/$node" && mount -t tmpfs -o size=6m quorate "$1/$node" || exit 77; done
        exec "$2" -cp "$3" io.quorate.raft.storage.FullDisksMain "$1"
        """;

    @TempDir
    private Path base;

    @Test
    void aGroupOnDisksThatFillUpRefusesServesReadsAndGoesOnWithoutLosingAnything() throws IOException, InterruptedException {
        Path out = base.resolve("out");
        Process process;
        try {
            process = new ProcessBuilder("unshare", "-rm", "sh", "-c", MOUNT_AND_RUN, "sh", base.toString(),
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), System.getProperty("java.class.path"))
                .redirectErrorStream(true).redirectOutput(out.toFile()).start();
        } catch (IOException e) {
            assumeTrue(false, "there is no program to make a mount namespace with: " + e);
            return;
        }
        try {
            int exit = process.waitFor();
            String said = Files.readString(out, StandardCharsets.UTF_8);
            assumeTrue(exit != NOT_MOUNTED && !said.startsWith("unshare:"), () -> "no file system may be mounted here: " + said);
            assertEquals(0, exit, said);
            assertTrue(said.contains("good, "), said);
            System.out.println("tmpfs: " + said.lines().filter(line -> line.contains("good, ")).findFirst().orElse(""));
        } finally {
            process.destroyForcibly();
        }
    }
}
