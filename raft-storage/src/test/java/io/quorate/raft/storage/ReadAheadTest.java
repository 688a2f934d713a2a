package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** That it ends by itself, whatever it is given. */
class ReadAheadTest {

    @TempDir
    private Path directory;

    @Test
    void itsThreadEndsAlsoBehindFilesThatAreMissingOrEmpty() throws IOException, InterruptedException {
        Path empty = Files.createFile(directory.resolve("empty"));
        Path some = Files.write(directory.resolve("some"), new byte[3 << 20]);
        ReadAhead readAhead = new ReadAhead();
        for (int round = 0; round < 2; round++) {
            for (Path file : List.of(directory.resolve("missing"), empty, some, directory)) {
                readAhead.add(file);
            }
            for (Thread thread : Thread.getAllStackTraces().keySet()) {
                if (thread.getName().equals(ReadAhead.THREAD)) {
                    thread.join(10_000);
                    assertFalse(thread.isAlive());
                }
            }
        }
        assertTrue(readAhead.isDone());
    }
}
