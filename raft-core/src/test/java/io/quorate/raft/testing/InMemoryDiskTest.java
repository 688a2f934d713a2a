package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.ClusterId;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.ReplicaId;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class InMemoryDiskTest {

    private static final ReplicaId SELF = new ReplicaId(1, 11);
    private static final FoundingRecord RECORD =
        new FoundingRecord(new ClusterId(1, 2), 0, Membership.of(1, List.of(new Member(SELF, "a"))));
    private static final HardState STATE = new HardState(3, SELF, 1);

    private final InMemoryDisk disk = new InMemoryDisk(1, 11);

    @Test
    void aBlankDiskBelongsToNobody() {
        InMemoryStorage storage = InMemoryStorage.blank(1, 11);
        assertTrue(storage.identity().isBlank());
        assertEquals(SELF, storage.identity().replica());
        assertEquals(1, storage.identity().boot());
        assertThrows(IllegalStateException.class, storage::recover);
    }

    @Test
    void whatIsWrittenIsThereAtTheNextOpening() {
        Storage storage = founded();
        storage.write(List.of(write(1, 1, entry(1, 1), entry(2, 1)), write(2, 3, entry(3, 3))));

        Storage next = disk.open();
        assertEquals(2, next.identity().boot());
        assertEquals(RECORD, next.identity().founding());
        Storage.Recovered recovered = next.recover();
        assertEquals(STATE, recovered.hardState());
        assertEquals(new EntryId(3, 3), recovered.log().terms().last());
        assertEquals(1, recovered.log().terms().termAt(2));
        assertEquals(List.of(entry(1, 1), entry(2, 1), entry(3, 3)), recovered.log().tail());
        assertEquals(RECORD.membership(), recovered.log().snapshot().membership());
    }

    @Test
    void aWriteReplacesTheSuffix() {
        Storage storage = founded();
        storage.write(List.of(write(1, 1, entry(1, 1), entry(2, 1), entry(3, 1))));
        storage.write(List.of(write(2, 2, entry(2, 2))));
        assertEquals(List.of(entry(1, 1), entry(2, 2)), disk.log());
        storage.write(List.of(write(3, 3)));
        assertEquals(List.of(entry(1, 1), entry(2, 2)), disk.log());
        assertEquals(3, disk.writes());
    }

    @Test
    void recoveryHandsOverAsMuchOfTheTailAsTheDiskWasMadeFor() {
        InMemoryDisk small = new InMemoryDisk(1, 11, 1);
        Storage storage = small.open();
        storage.found(RECORD);
        storage.write(List.of(write(1, 1, entry(1, 1), entry(2, 1))));
        Storage.Recovered recovered = small.open().recover();
        assertEquals(List.of(entry(2, 1)), recovered.log().tail());
        assertEquals(2, recovered.log().terms().lastIndex());
    }

    @Test
    void readsAreBoundedInBytesButGiveAtLeastOne() {
        Storage storage = founded();
        storage.write(List.of(write(1, 1, entry(1, 1), entry(2, 1), entry(3, 1))));
        assertEquals(List.of(entry(1, 1)), storage.read(1, 3, 1));
        assertEquals(List.of(entry(2, 1), entry(3, 1)), storage.read(2, 3, 1000));
        assertEquals(List.of(entry(2, 1)), storage.read(2, 2, 1000));
        assertEquals(List.of(entry(3, 1)), storage.read(3, 4, 1000), "the log ends before; it may just have been cut");
        assertEquals(List.of(), storage.read(4, 5, 1000));
    }

    @Test
    void whatLeavesAHoleOrGoesBackIsTurnedAway() {
        Storage storage = founded();
        storage.write(List.of(write(2, 1, entry(1, 1))));
        assertThrows(IllegalArgumentException.class, () -> storage.write(List.of(write(3, 3, entry(3, 1)))));
        assertThrows(IllegalArgumentException.class, () -> storage.write(List.of(write(2, 2, entry(2, 1)))));
        assertThrows(IllegalArgumentException.class, () -> storage.write(List.of(write(4, 2, entry(3, 1)))));
        assertThrows(IllegalArgumentException.class, () -> storage.write(List.of()));
        assertThrows(IllegalStateException.class, () -> storage.found(RECORD));
    }

    @Test
    void aFailedWriteKeepsNothingAndIsFinal() {
        Storage storage = founded();
        disk.failWrites("EIO");
        assertEquals("EIO", assertThrows(StorageException.class, () -> storage.write(List.of(write(1, 1, entry(1, 1))))).getMessage());
        assertThrows(StorageException.class, () -> storage.write(List.of(write(1, 1, entry(1, 1)))));
        assertEquals(List.of(), disk.log());
        Storage next = disk.open();
        next.write(List.of(write(1, 1, entry(1, 1))));
        assertEquals(1, disk.log().size());
    }

    @Test
    void openingAgainCutsOffWhoHadTheDiskBefore() {
        Storage storage = founded();
        disk.open();
        assertThrows(StorageException.class, () -> storage.write(List.of(write(1, 1, entry(1, 1)))));
        assertThrows(StorageException.class, () -> storage.read(1, 1, 1));
        storage.close();
        assertEquals(List.of(), disk.log());
    }

    @Test
    void aCrashKeepsOrLosesTheWriteThatHadNotReturned() {
        for (InMemoryDisk.Unreturned unreturned : InMemoryDisk.Unreturned.values()) {
            InMemoryDisk victim = new InMemoryDisk(1, 11);
            Storage storage = victim.open();
            storage.found(RECORD);
            storage.write(List.of(write(1, 1, entry(1, 1))));
            victim.holdWrites();
            CompletableFuture<Void> writing = CompletableFuture.runAsync(() -> storage.write(List.of(write(2, 2, entry(2, 1)))));
            victim.awaitHeldWrite();
            assertFalse(writing.isDone());
            victim.crash(unreturned);
            CompletionException thrown = assertThrows(CompletionException.class, writing::join);
            assertTrue(thrown.getCause() instanceof StorageException, thrown.toString());
            assertEquals(unreturned == InMemoryDisk.Unreturned.KEPT ? 2 : 1, victim.log().size(), unreturned.toString());
            assertThrows(StorageException.class, () -> storage.write(List.of(write(3, 1, entry(1, 1)))));
        }
    }

    @Test
    void aHeldWriteGoesOnWhenItIsReleased() {
        Storage storage = founded();
        disk.holdWrites();
        CompletableFuture<Void> writing = CompletableFuture.runAsync(() -> storage.write(List.of(write(1, 1, entry(1, 1)))));
        disk.awaitHeldWrite();
        assertEquals(List.of(), disk.log());
        disk.releaseWrites();
        writing.join();
        assertEquals(List.of(entry(1, 1)), disk.log());
    }

    @Test
    void aClosedStorageDoesNothingMore() {
        Storage storage = founded();
        storage.close();
        storage.close();
        assertThrows(StorageException.class, () -> storage.write(List.of(write(1, 1, entry(1, 1)))));
    }

    private InMemoryStorage founded() {
        InMemoryStorage storage = disk.open();
        storage.found(RECORD);
        return storage;
    }

    private static Entry entry(long index, long term) {
        return Entry.of(index, term, Entry.Kind.COMMAND, 0, new byte[] {(byte) index});
    }

    private static Storage.Write write(long id, long firstIndex, Entry... entries) {
        return new Storage.Write(id, STATE, firstIndex, List.of(entries));
    }
}
