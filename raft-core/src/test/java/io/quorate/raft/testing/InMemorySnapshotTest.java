package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.ClusterId;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.LogView;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.MembershipCodec;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.core.TermTable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Snapshots on a disk in memory: taken, moved, installed, and the log behind them. */
class InMemorySnapshotTest {

    private static final Membership MEMBERS = Membership.of(4, List.of(new Member(new ReplicaId(1, 11), "a")));
    private static final FoundingRecord RECORD = new FoundingRecord(new ClusterId(1, 2), 0, MEMBERS);

    private long writeId;

    private InMemoryStorage begun(InMemoryDisk disk, Entry... entries) {
        InMemoryStorage storage = disk.open();
        storage.found(RECORD);
        write(storage, 1, entries);
        return storage;
    }

    private void write(Storage storage, long firstIndex, Entry... entries) {
        storage.write(List.of(new Storage.Write(++writeId, new HardState(9, null, 0), firstIndex, List.of(entries))));
    }

    private void install(Storage storage, SnapshotId snapshot) {
        storage.write(List.of(new Storage.Write(++writeId, new HardState(9, null, 0), snapshot.index() + 1, List.of(), snapshot)));
    }

    private static Entry entry(long index, long term) {
        return Entry.of(index, term, Entry.Kind.COMMAND, 0, new byte[] {(byte) index});
    }

    private static SnapshotId at(long index, long term) {
        return new SnapshotId(new EntryId(term, index), MEMBERS, 10 * index);
    }

    private static void take(Storage storage, SnapshotId id, String state) throws IOException {
        try (Storage.SnapshotOutput output = storage.beginSnapshot(id)) {
            output.state().write(state.getBytes(StandardCharsets.UTF_8));
            output.commit();
        }
    }

    private static void move(Storage from, Storage to) {
        try (Storage.StoredSnapshot stored = snapshot(from); Storage.SnapshotInput input = to.receiveSnapshot(stored.id())) {
            while (input.received() < stored.transferBytes()) {
                input.write(input.received(), stored.read(input.received(), 7));
            }
            assertTrue(input.complete());
        }
    }

    private static Storage.StoredSnapshot snapshot(Storage storage) {
        Storage.StoredSnapshot stored = storage.snapshot();
        assertNotNull(stored);
        return stored;
    }

    private static String state(Storage storage) throws IOException {
        try (Storage.StoredSnapshot stored = snapshot(storage)) {
            return new String(stored.state().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void aSnapshotIsThereOnceItIsCommittedAndOutlastsACrash() throws IOException {
        InMemoryDisk disk = new InMemoryDisk(1, 11);
        Storage storage = begun(disk, entry(1, 1), entry(2, 3), entry(3, 3));
        Storage.SnapshotOutput output = storage.beginSnapshot(at(1, 1));
        output.state().write(1);
        output.close();
        assertNull(storage.snapshot());
        take(storage, at(2, 3), "two");
        disk.crash(InMemoryDisk.Unreturned.LOST);
        Storage next = disk.open();
        assertEquals("two", state(next));
        LogView log = next.recover().log();
        assertEquals(at(2, 3), log.snapshot());
        assertEquals("(0@0) 1@1 2@3 ..3", log.terms().toString());
        assertEquals(List.of(entry(1, 1), entry(2, 3), entry(3, 3)), log.tail());
    }

    @Test
    void compactingLeavesTheChosenTailBehindTheSnapshotAndMoreWhileAReplicaIsHelped() throws IOException {
        InMemoryDisk disk = new InMemoryDisk(1, 11, 100, 1);
        Entry[] entries = new Entry[10];
        for (int i = 0; i < 10; i++) {
            entries[i] = entry(i + 1, 1 + i / 4);
        }
        Storage storage = begun(disk, entries);
        storage.compact(Long.MAX_VALUE);
        assertEquals(1, storage.firstIndex(), "nothing goes without a snapshot");
        take(storage, at(9, 3), "nine");
        assertEquals(entries[9].size(), storage.logBytes());
        storage.compact(2);
        assertEquals(6, storage.firstIndex(), "four times as much for the one that is helped");
        storage.compact(Long.MAX_VALUE);
        assertEquals(9, storage.firstIndex());
        assertEquals(List.of(), storage.read(8, 10, 1000));
        assertEquals(List.of(entries[8], entries[9]), storage.read(9, 10, 1000));
        assertEquals("(0@0) 1@1 5@2 9@3 ..10", disk.open().recover().log().terms().toString());
        assertTrue(disk.contains(new EntryId(1, 3)));
        assertFalse(disk.contains(new EntryId(2, 3)));
    }

    @Test
    void installingKeepsTheSuffixOnlyOfTheSameHistory() throws IOException {
        Storage source = begun(new InMemoryDisk(2, 22), entry(1, 1), entry(2, 2), entry(3, 4));
        take(source, at(3, 4), "three");
        for (long term : new long[] {3, 4}) {
            InMemoryDisk disk = new InMemoryDisk(1, 11);
            Storage storage = begun(disk, entry(1, 1), entry(2, 2), entry(3, term), entry(4, term), entry(5, 5));
            move(source, storage);
            assertNull(storage.snapshot());
            install(storage, at(3, 4));
            assertEquals("three", state(storage));
            LogView log = disk.open().recover().log();
            assertEquals(at(3, 4), log.snapshot());
            if (term == 4) {
                assertEquals("(0@0) 1@1 2@2 3@4 5@5 ..5", log.terms().toString());
                assertEquals(5, disk.log().size());
            } else {
                assertEquals("(0@0) 1@1 2@2 3@4 ..3", log.terms().toString());
                assertEquals(List.of(), disk.log());
            }
        }
    }

    @Test
    void whatIsNotCompleteOrNoLongerNewIsNotInstalled() throws IOException {
        Storage source = begun(new InMemoryDisk(2, 22), entry(1, 1), entry(2, 2));
        take(source, at(2, 2), "two");
        Storage storage = begun(new InMemoryDisk(1, 11), entry(1, 1), entry(2, 2));
        assertThrows(IllegalStateException.class, () -> install(storage, at(2, 2)));
        move(source, storage);
        take(storage, at(2, 2), "own");
        assertThrows(IllegalStateException.class, () -> install(storage, at(2, 2)));
        assertThrows(IllegalArgumentException.class, () -> write(storage, 2, entry(2, 3)), "a snapshot covers it");
        assertThrows(IllegalArgumentException.class, () -> storage.beginSnapshot(at(1, 1)));
        assertThrows(IllegalStateException.class, () -> storage.beginSnapshot(at(3, 2)));
    }

    @Test
    void whatWasReceivedIsGoneOnWithAfterACrash() throws IOException {
        Storage source = begun(new InMemoryDisk(2, 22), entry(1, 1));
        take(source, at(1, 1), "one");
        byte[] bytes = snapshot(source).read(0, 1000);
        InMemoryDisk disk = new InMemoryDisk(1, 11);
        Storage storage = begun(disk);
        Storage.SnapshotInput input = storage.receiveSnapshot(at(1, 1));
        input.write(0, snapshot(source).read(0, 9));
        disk.crash(InMemoryDisk.Unreturned.LOST);
        assertThrows(StorageException.class, () -> input.write(9, new byte[1]));
        Storage next = disk.open();
        Storage.SnapshotInput again = next.receiveSnapshot(at(1, 1));
        assertEquals(9, again.received());
        assertThrows(IllegalArgumentException.class, () -> again.write(8, new byte[1]));
        bytes[40] ^= 1;
        again.write(9, java.util.Arrays.copyOfRange(bytes, 9, bytes.length));
        assertFalse(again.complete());
        assertEquals(0, next.receiveSnapshot(at(1, 1)).received());
        move(source, next);
        assertEquals(bytes.length, next.receiveSnapshot(at(1, 1)).received(), "it is complete and may be asked for again");
        assertTrue(next.receiveSnapshot(at(1, 1)).complete());
        install(next, at(1, 1));
        assertArrayEquals(snapshot(source).read(0, 1000), snapshot(next).read(0, 1000));
    }

    @Test
    void membershipEntriesBehindTheSnapshotAreHandedOver() throws IOException {
        Entry before = Entry.of(1, 1, Entry.Kind.MEMBERSHIP, 0, MembershipCodec.encode(MEMBERS));
        Entry behind = Entry.of(3, 1, Entry.Kind.MEMBERSHIP, 0, MembershipCodec.encode(MEMBERS));
        InMemoryDisk disk = new InMemoryDisk(1, 11);
        Storage storage = begun(disk, before, entry(2, 1), behind);
        assertEquals(List.of(before, behind), disk.open().recover().log().memberships());
        Storage next = disk.open();
        take(next, at(2, 1), "two");
        assertEquals(List.of(behind), disk.open().recover().log().memberships());
        storage.close();
    }

    @Test
    void aReplicaWithoutEntriesMayBeGivenAStateToBeginWith() throws IOException {
        InMemoryDisk disk = new InMemoryDisk(1, 11);
        Storage storage = begun(disk);
        take(storage, at(70, 6), "restored");
        Storage next = disk.open();
        LogView log = next.recover().log();
        assertEquals(new TermTable(new EntryId(6, 70)), log.terms());
        assertEquals("restored", state(next));
        write(next, 71, entry(71, 7));
        assertEquals(71, disk.lastIndex());
    }
}
