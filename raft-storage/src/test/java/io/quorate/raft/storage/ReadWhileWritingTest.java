package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.HardState;
import io.quorate.raft.storage.testing.SimulatedFiles;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a reader gets when a write comes in the middle of its reading. */
class ReadWhileWritingTest {

    private final SimulatedFiles files = new SimulatedFiles();
    private FileStorage storage;

    @BeforeEach
    void open() throws IOException {
        storage = Logs.start(files, Logs.TINY.withSegmentBytes(8 << 10));
        storage.recover();
        storage.write(List.of(Logs.append(1, 1, 3, 1, 20)));
    }

    private List<String> read(long first, long last) {
        return storage.read(first, last, 1 << 20).stream().map(entry -> entry.id().toString()).toList();
    }

    private static List<Storage.Write> replacement(long first, List<Entry> entries) {
        return List.of(new Storage.Write(2, new HardState(2, null, 0), first, entries));
    }

    @Test
    void entriesThatCameMeanwhileAreReadAfresh() {
        files.afterRead(() -> storage.write(List.of(Logs.append(2, 4, 5, 1, 20))));
        assertEquals(List.of("1@1", "2@1", "3@1", "4@1", "5@1"), read(1, 9));
    }

    @Test
    void entriesOfTheLogBeforeAReplacementAreNotContinuedWithThoseBehindIt() {
        files.afterRead(() -> storage.write(replacement(2, Logs.entries(2, 5, 2, 20))));
        assertEquals(List.of("1@1", "2@1", "3@1"), read(1, 9));
        assertEquals(List.of("1@1", "2@2", "3@2", "4@2", "5@2"), read(1, 9));
    }

    @Test
    void entriesThatWereCutMeanwhileAreStillReadWhole() {
        files.afterRead(() -> storage.write(replacement(2, List.of())));
        assertEquals(List.of("1@1", "2@1", "3@1"), read(1, 9));
        assertEquals(List.of("1@1"), read(1, 9));
        assertEquals(List.of(), read(2, 9));
    }

    @Test
    void anEntryIsNotReadableBeforeItsFsyncReturned() {
        files.failOnceAt(2);
        try {
            storage.write(replacement(2, Logs.entries(2, 9, 2, 20)));
        } catch (RuntimeException e) {
            assertEquals(List.of("1@1", "2@1", "3@1"), read(1, 9));
            return;
        }
        throw new AssertionError("the fsync failed");
    }
}
