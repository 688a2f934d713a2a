package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Two processes on one directory would vote twice. */
@Timeout(60)
class TwoProcessesTest {

    @TempDir
    private Path directory;

    @Test
    void theProcessThatHoldsADirectoryIsNamed() throws IOException, InterruptedException {
        Process holder = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
            System.getProperty("java.class.path"), LockHolder.class.getName(), directory.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try (BufferedReader said = new BufferedReader(new InputStreamReader(holder.getInputStream(), StandardCharsets.UTF_8))) {
            assertEquals("open", said.readLine());
            for (int i = 0; i < 2; i++) {   // twice: the first refusal must not loosen the lock
                String message = String.valueOf(
                    assertThrows(StorageLockedException.class, () -> FileStorage.open(directory, 1)).getMessage());
                assertTrue(message.contains("in use by another process (pid " + holder.pid() + ", started "), message);
            }
            holder.getOutputStream().close();
            assertEquals(0, holder.waitFor());
            FileStorage storage = FileStorage.open(directory, 1);
            assertEquals(2, storage.identity().boot());
            storage.close();
        } finally {
            holder.destroyForcibly();
        }
    }

    @Test
    void aRefusedSecondOpeningInTheHoldersProcessDoesNotLoosenItsLock() throws IOException, InterruptedException {
        FileStorage storage = FileStorage.open(directory, 1);
        assertThrows(StorageLockedException.class, () -> FileStorage.open(directory, 1));
        Process other = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
            System.getProperty("java.class.path"), LockHolder.class.getName(), directory.toString())
            .redirectErrorStream(true).start();
        try (BufferedReader said = new BufferedReader(new InputStreamReader(other.getInputStream(), StandardCharsets.UTF_8))) {
            other.getOutputStream().close();
            String all = String.join("\n", said.lines().toList());
            assertEquals(1, other.waitFor(), all);
            assertTrue(all.contains("StorageLockedException") && all.contains("pid " + ProcessHandle.current().pid()), all);
        } finally {
            other.destroyForcibly();
        }
        storage.close();
    }
}
