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
 * A snapshot may be many times larger than the memory of who takes, sends, receives or restores it, and a log than the memory of who
 * recovers it. With {@code -Dsnapshot.megabytes=1024 -Dsnapshot.heap=256} a snapshot of a real size.
 */
@Timeout(600)
class BoundedMemoryTest {

    @TempDir
    private Path directory;

    @Test
    void aSnapshotManyTimesLargerThanTheHeapIsTakenMovedAndRead() throws IOException, InterruptedException {
        int megabytes = Integer.getInteger("snapshot.megabytes", 48);
        int heap = Integer.getInteger("snapshot.heap", 12);
        String said = run(heap, MovedSnapshot.class, megabytes);
        assertTrue(said.contains("moved: " + megabytes + " MiB, taken in "), said);
        if (System.getProperty("snapshot.megabytes") != null) {
            System.out.print(said);
        }
    }

    @Test
    void aLogManyTimesLargerThanTheHeapIsRecovered() throws IOException, InterruptedException {
        String said = run(12, RecoveredLog.class, 64);
        assertTrue(said.contains("recovered: 64 MiB, 2 MiB of them at once"), said);
    }

    private String run(int heap, Class<?> program, int megabytes) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-ea", "-Xmx" + heap + "m",
            "-XX:MaxDirectMemorySize=" + heap + "m", "-cp", System.getProperty("java.class.path"), program.getName(),
            directory.toString(), String.valueOf(megabytes)).redirectErrorStream(true).start();
        try {
            process.getOutputStream().close();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertEquals(0, process.waitFor(), said);
            return said;
        } finally {
            process.destroyForcibly();
        }
    }
}
