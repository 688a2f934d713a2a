package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.HardState;
import io.quorate.raft.storage.testing.SimulatedFiles;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A failed write or fsync is final: nothing is tried again. */
class FailingDiskTest {

    private final SimulatedFiles files = new SimulatedFiles();
    private FileStorage storage;

    @BeforeEach
    void open() throws IOException {
        storage = Logs.start(files, Logs.TINY);
        storage.recover();
        storage.write(List.of(Logs.append(1, 1, 1, 1, 10)));
    }

    private void assertFinal(int operation, Runnable work, String what) {
        files.failOnceAt(operation);
        StorageException first = assertThrows(StorageException.class, work::run);
        assertTrue(String.valueOf(first.getMessage()).contains("simulated failure: " + what), first::getMessage);
        int operations = files.operations();
        StorageException second = assertThrows(StorageException.class, () -> storage.write(List.of(Logs.append(9, 2, 2, 1, 10))));
        assertTrue(String.valueOf(second.getMessage()).contains("has failed before"), second::getMessage);
        assertEquals(first, second.getCause());
        assertThrows(StorageException.class, storage::maintain);
        storage.close();
        assertEquals(operations, files.operations(), "after a failure nothing is done to the disk any more, also not by close");
    }

    @Test
    void aFailedWriteIsFinal() {
        assertFinal(1, () -> storage.write(List.of(Logs.append(2, 2, 2, 1, 10))), "write");
    }

    @Test
    void aFailedFsyncIsFinal() {
        assertFinal(2, () -> storage.write(List.of(Logs.append(2, 2, 2, 1, 10))), "fsync");
    }

    @Test
    void aFailureOfTheEmptyFrameBehindAVoteIsFinal() {
        assertFinal(4, () -> storage.write(List.of(new Storage.Write(2, new HardState(2, Logs.OTHER, 0), 2, List.of()))), "fsync");
    }

    @Test
    void aFailureWhilePreparingIsFinal() {
        assertFinal(1, storage::maintain, "create");
    }

    @Test
    void aFailureWhileRollingIsFinal() {
        assertFinal(3, () -> storage.write(List.of(Logs.append(2, 2, 9, 1, 90))), "fsync");
    }

    @Test
    void aFailedFoundingIsFinal() throws IOException {
        SimulatedFiles disk = new SimulatedFiles();
        FileStorage blank = FileStorage.open(disk, 1, Logs.TINY);
        disk.failOnceAt(3);
        assertThrows(StorageException.class, () -> blank.found(Logs.founding(blank)));
        assertTrue(blank.identity().isBlank());
        assertTrue(String.valueOf(assertThrows(StorageException.class, () -> blank.found(Logs.founding(blank))).getMessage())
            .contains("has failed before"));
    }

    @Test
    void whatFailedIsNotReadable() {
        files.failOnceAt(2);
        assertThrows(StorageException.class, () -> storage.write(List.of(Logs.append(2, 2, 2, 1, 10))));
        assertEquals(1, storage.read(1, 2, 1000).size());
    }

    @Test
    void aWriteCostsOneFsyncAndOneMoreWithAVote() {
        int before = files.forces();
        storage.write(List.of(Logs.append(2, 2, 2, 1, 10), Logs.append(3, 3, 3, 1, 10)));
        assertEquals(1, files.forces() - before);
        storage.write(List.of(new Storage.Write(4, new HardState(2, null, 0), 4, List.of())));
        assertEquals(3, files.forces() - before);
    }
}
