package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A snapshot may be many times larger than the memory of who takes, sends, receives or restores it. With
 * {@code -Dsnapshot.megabytes=1024 -Dsnapshot.heap=256} one of a real size.
 */
@Timeout(600)
class BoundedMemoryTest {

    @TempDir
    private Path directory;

    @Test
    void aSnapshotManyTimesLargerThanTheHeapIsTakenMovedAndRead() throws IOException, InterruptedException {
        int megabytes = Integer.getInteger("snapshot.megabytes", 48);
        int heap = Integer.getInteger("snapshot.heap", 12);
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-ea", "-Xmx" + heap + "m",
            "-XX:MaxDirectMemorySize=" + heap + "m", "-cp", System.getProperty("java.class.path"), MovedSnapshot.class.getName(),
            directory.toString(), String.valueOf(megabytes)).redirectErrorStream(true).start();
        try {
            process.getOutputStream().close();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertEquals(0, process.waitFor(), said);
            assertTrue(said.contains("moved: " + megabytes + " MiB, taken in "), said);
            if (System.getProperty("snapshot.megabytes") != null) {
                System.out.print(said);
            }
        } finally {
            process.destroyForcibly();
        }
    }
}
