package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.DiskRoom;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.storage.testing.SimulatedFiles;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A disk that fills up, at whatever byte, and has room again: nothing that was acknowledged is lost, and nothing has to be done by hand. */
class FullDiskTest {

    private static final int SEGMENT = 8 << 10;
    private static final FileStorage.Options SMALL = FileStorage.Options.defaults().withSegmentBytes(SEGMENT).withPartBytes(1 << 10);
    private static final int STEPS = 60;
    private static final int PAYLOAD = 600;
    /** How often it is looked in vain where the file system has said before that there is room. */
    private static final int PATIENCE = 30;
    /** Bytes between two sizes of disk; with 1 it takes some minutes. */
    private static final int STRIDE = Integer.getInteger("full.stride", 331);

    private final SimulatedFiles files = new SimulatedFiles();

    private static void prepare(FileStorage storage) {
        while (storage.maintain()) {
            continue;
        }
    }

    private static long used(SimulatedFiles files) {
        return files.list().stream().mapToLong(name -> files.bytes(name).length).sum();
    }

    /** A replica as it uses a storage: a leader, or a follower of one, that begins nothing new when room is low, and votes now and then. */
    private static final class Life {

        private final List<Entry> acknowledged = new ArrayList<>();
        private HardState hardState = new HardState(1, null, 0);
        private long lastId;
        private int refused;

        void live(FileStorage storage, int step) {
            if (step % 7 == 6) {
                hardState = new HardState(hardState.term() + 1, step % 2 == 0 ? Logs.OTHER : null, 0);
                storage.write(List.of(new Storage.Write(++lastId, hardState, acknowledged.size() + 1, List.of())));
            }
            if (storage.room().isPlenty()) {
                Entry entry = Logs.entry(acknowledged.size() + 1, hardState.term(), 100 + 37 * step % 700);
                storage.write(List.of(new Storage.Write(++lastId, hardState, entry.index(), List.of(entry))));
                acknowledged.add(entry);
            } else {
                refused++;
            }
            prepare(storage);
        }

        FileStorage reopened(SimulatedFiles found) throws IOException {
            FileStorage storage = FileStorage.open(found, 1, SMALL);
            lastId = 0;
            if (storage.identity().isBlank()) {
                assertEquals(List.of(), acknowledged);
                return storage;
            }
            Storage.Recovered recovered = storage.recover();
            assertEquals(hardState.term(), Math.max(1, recovered.hardState().term()));
            assertEquals(acknowledged.isEmpty() ? 0 : acknowledged.size(), recovered.log().terms().lastIndex());
            if (!acknowledged.isEmpty()) {
                assertEquals(acknowledged.get(0), storage.read(1, 1, 1).get(0));
                assertEquals(acknowledged.get(acknowledged.size() - 1), storage.read(acknowledged.size(), acknowledged.size(), 1).get(0));
            }
            return storage;
        }
    }

    @Test
    void whateverByteIsTheLastThatTheDiskHasNothingIsLostAndItGoesOnWhenThereAreMore() throws IOException {
        fillUp(STRIDE, "No space left on device", true);
    }

    /** What an operating system says of it depends on its language. */
    @Test
    void itIsAllTheSameInWhateverWordsItIsSaid() throws IOException {
        fillUp(3 * STRIDE, "Auf dem Ger\u00e4t ist kein Speicherplatz mehr verf\u00fcgbar", true);
    }

    /** Of a quota a file system may know nothing. */
    @Test
    void itIsAllTheSameIfTheFileSystemBelievesThatThereIsRoom() throws IOException {
        fillUp(3 * STRIDE, "Disk quota exceeded", false);
    }

    private static void fillUp(int stride, String message, boolean tellsRoom) throws IOException {
        int refusing = 0;
        for (int limit = 0; limit < 10 * SEGMENT; limit += stride) {
            SimulatedFiles disk = new SimulatedFiles();
            disk.limit(limit);
            disk.sayFull(message, tellsRoom);
            Life life = new Life();
            FileStorage storage;
            try {
                storage = Logs.start(disk, SMALL);
                storage.recover();
            } catch (StorageException e) {       // so small a disk is none to begin on
                assertTrue(limit < SEGMENT + HeadRoom.RESERVE_BYTES + 1000, e::toString);
                disk.limit(Long.MAX_VALUE);
                life.reopened(disk.restart(SimulatedFiles.Loss.LOSES_ALL, new java.util.Random(limit))).close();
                continue;
            }
            for (int step = 0; step < STEPS; step++) {
                life.live(storage, step);       // and never fails, for it asks before
            }
            refusing += life.refused > 0 ? 1 : 0;
            SimulatedFiles left = disk.restart(SimulatedFiles.Loss.LOSES_ALL, new java.util.Random(limit));
            for (int boot = 0; boot < 3; boot++) {
                FileStorage again = life.reopened(left);
                again.close();
            }
            FileStorage full = life.reopened(left);
            assertEquals(life.refused == 0 ? DiskRoom.PLENTY : full.room(), full.room());
            prepare(full);
            left.limit(Long.MAX_VALUE);
            for (int look = 0; look <= PATIENCE && !full.room().isPlenty(); look++) {
                prepare(full);
            }
            assertEquals(DiskRoom.PLENTY, full.room());
            int before = life.acknowledged.size();
            life.live(full, STEPS);
            assertEquals(before + 1, life.acknowledged.size());
            full.close();
            life.reopened(left).close();
        }
        assertTrue(refusing * stride > 35_000, "only " + refusing);
    }

    // ------------------------------------------------------------------------------------------------------------- repair

    /** Entries of which one cannot be written over in its place, so that it is written once more with all behind it. */
    private SimulatedFiles stuck(int entries, long stuckIndex) throws IOException {
        SimulatedFiles disk = new SimulatedFiles();
        FileStorage storage = Logs.start(disk, SMALL);
        storage.recover();
        for (long index = 1; index <= entries; index += 3) {
            storage.write(List.of(Logs.append(index, index, index + 2, 1, PAYLOAD)));
        }
        prepare(storage);
        storage.close();
        for (String name : disk.list()) {
            int at = placeOf(Logs.entry(stuckIndex, 1, PAYLOAD), disk.bytes(name));
            if (at >= 0) {
                disk.makeUnreadable(name, at, 1);      // a sector of which it has only a part
            }
        }
        return disk;
    }

    private static int placeOf(Entry entry, byte[] bytes) {
        for (int at = 0; at + entry.size() <= bytes.length; at++) {
            if (Arrays.equals(bytes, at, at + entry.size(), entry.array(), entry.offset(), entry.offset() + entry.size())) {
                return at;
            }
        }
        return -1;
    }

    @Test
    void aRepairForWhichThereIsNoRoomWaitsUntilThereIs() throws IOException {
        int waited = 0;
        int repaired = 0;
        for (int entries : new int[] {3, 9, 60}) {      // the rest of which fits where the last ones are, or into a segment, or into none
            long stuckIndex = entries == 9 ? 6 : 3;
            SimulatedFiles filled = stuck(entries, stuckIndex);
            for (int extra = 0; extra < 90_000; extra += 2711) {
                SimulatedFiles disk = filled.copy();
                disk.remove(Spare.NAME);
                disk.limit(used(disk) + extra);
                FileStorage storage = Logs.start(disk, SMALL);
                List<EntryId> damaged = storage.recover().damaged();
                assertTrue(damaged.contains(new EntryId(1, stuckIndex)), damaged::toString);
                List<Entry> given = damaged.stream().map(id -> Logs.entry(id.index(), 1, PAYLOAD)).toList();
                List<EntryId> done = storage.repair(given);
                waited += done.isEmpty() ? 1 : 0;
                repaired += done.isEmpty() ? 0 : 1;
                // A vote, and what is under way: they have the room that they always have.
                storage.write(List.of(new Storage.Write(1, new HardState(2, Logs.OTHER, 0), entries + 1, List.of())));
                int last = entries;
                if (storage.room().isPlenty()) {
                    storage.write(List.of(new Storage.Write(2, new HardState(2, Logs.OTHER, 0), ++last, Logs.entries(last, last, 2, PAYLOAD))));
                }
                assertEquals(List.of(), disk.list().stream().filter(LogWriter.LARGE::equals).toList(), "nothing of an attempt stays");

                disk.limit(Long.MAX_VALUE);
                if (done.isEmpty()) {
                    prepare(storage);
                    assertEquals(damaged, storage.repair(given));
                }
                storage.close();
                FileStorage again = Logs.start(disk.restart(SimulatedFiles.Loss.LOSES_ALL, new java.util.Random(extra)), SMALL);
                Storage.Recovered recovered = again.recover();
                assertEquals(List.of(), recovered.damaged());
                assertEquals(last, recovered.log().terms().lastIndex());
                assertEquals(Logs.entries(1, entries, 1, PAYLOAD), again.read(1, entries, 1 << 20));
            }
        }
        assertTrue(waited > 10 && repaired > 10, waited + ", " + repaired);
    }

    /** Somebody else has filled it: not a byte is left, at any moment of a life, and with the next segment there or not. */
    @Test
    void whenSomebodyElseFillsTheDiskWhatIsUnderWayStillFits() throws IOException {
        for (int moment = 0; moment < STEPS; moment += 3) {
            SimulatedFiles disk = new SimulatedFiles();
            Life life = new Life();
            FileStorage storage = Logs.start(disk, SMALL);
            storage.recover();
            for (int step = 0; step < moment; step++) {
                life.live(storage, step);
            }
            disk.limit(used(disk));
            for (int step = moment; step < moment + STEPS; step++) {
                life.live(storage, step);
            }
            assertFalse(storage.room().isPlenty());
            SimulatedFiles left = disk.restart(SimulatedFiles.Loss.NONE, new java.util.Random(moment));
            for (int boot = 0; boot < 5; boot++) {
                FileStorage again = life.reopened(left);
                prepare(again);
                again.write(List.of(new Storage.Write(1, life.hardState = new HardState(life.hardState.term() + 1, Logs.OTHER, 0),
                    life.acknowledged.size() + 1, List.of())));
                again.close();
            }
        }
    }

    @Test
    void theRoomIsLowWhenThereIsNoneForTheNextSegmentAndNoneWhenThePresentOneIsHalfFull() throws IOException {
        FileStorage storage = Logs.start(files, SMALL);
        storage.recover();
        prepare(storage);
        assertEquals(DiskRoom.PLENTY, storage.room());
        files.limit(used(files) + 100);
        prepare(storage);
        assertEquals(DiskRoom.PLENTY, storage.room(), "the next one is there");
        storage.write(List.of(Logs.append(1, 1, 7, 1, 1000)));
        storage.write(List.of(Logs.append(2, 8, 8, 1, 1000)));
        assertEquals(DiskRoom.LOW, storage.room(), "it was begun, and there is none for another");
        storage.write(List.of(Logs.append(3, 9, 9, 1, 1000)));
        assertEquals(DiskRoom.LOW, storage.room());
        storage.write(List.of(Logs.append(4, 10, 12, 1, 1000)));
        assertEquals(DiskRoom.NONE, storage.room());
        assertEquals(files.room(), storage.usableBytes());

        files.limit(used(files) + SEGMENT);
        prepare(storage);
        assertEquals(DiskRoom.NONE, storage.room(), "not so soon: else the group would stop and go");
        files.limit(used(files) + 2 * SEGMENT);
        prepare(storage);
        assertEquals(DiskRoom.PLENTY, storage.room());
    }

    @Test
    void whatIsUnfinishedGoesWhenThereIsNoRoomForAllOfIt() throws IOException {
        FileStorage.Options large = SMALL.withSegmentBytes(3 << 20);
        FileStorage storage = Logs.start(files, large);
        storage.recover();
        long before = used(files);
        files.limit(before + (5 << 19));      // of which look() knows nothing, for it was more a moment ago
        prepare(storage);
        assertEquals(DiskRoom.LOW, storage.room());
        assertEquals(before, used(files));
        int operations = files.operations();
        prepare(storage);
        assertEquals(operations, files.operations(), "nothing is tried while there is no room");
    }

    /** A quota, say: the file system speaks of room that this process does not get. */
    @Test
    void ifTheDiskSaysThatThereIsRoomAndThereIsNoneItIsNotTriedAllTheTime() throws IOException {
        FileStorage storage = Logs.start(files, SMALL);
        storage.recover();
        files.before(operation -> {
            if (operation == SimulatedFiles.Operation.CREATE) {
                throw new java.io.UncheckedIOException(new IOException("Disk quota exceeded"));
            }
        });
        storage.maintain();
        assertEquals(DiskRoom.LOW, storage.room());
        int operations = files.operations();
        for (int i = 0; i < 30; i++) {
            assertFalse(storage.maintain());
        }
        assertEquals(operations, files.operations());
        files.before(operation -> { });
        prepare(storage);
        assertEquals(DiskRoom.PLENTY, storage.room());
    }

    @Test
    void anyOtherFailureWhilePreparingIsStillFinal() throws IOException {
        FileStorage storage = Logs.start(files, SMALL);
        storage.recover();
        files.fail(SimulatedFiles.Operation.FORCE, 0);
        assertThrows(StorageException.class, () -> prepare(storage));
        assertThrows(StorageException.class, storage::maintain);
    }

    @Test
    void aWriteThatComesAllTheSameAndDoesNotFitIsAFailedWriteAndLosesNothing() throws IOException {
        FileStorage storage = Logs.start(files, SMALL);
        storage.recover();
        storage.write(List.of(Logs.append(1, 1, 5, 1, 1000)));
        files.limit(used(files));
        assertThrows(StorageException.class, () -> storage.write(List.of(Logs.append(2, 6, 9, 1, 1000))));
        storage.close();
        for (int boot = 0; boot < 3; boot++) {
            FileStorage again = FileStorage.open(files, 1, SMALL);
            assertEquals(new EntryId(1, 5), again.recover().log().terms().last());
            assertNotEquals(DiskRoom.PLENTY, again.room());
            again.close();
        }
    }

    @Test
    void aPartOfTheSegmentIsKeptForHardStates() throws IOException {
        FileStorage.Options larger = SMALL.withSegmentBytes(8 * SEGMENT);
        FileStorage storage = Logs.start(files, larger);
        storage.recover();
        long index = 0;
        files.limit(used(files));
        for (boolean isFull = false; !isFull; ) {      // whoever does not ask for room gets what there is
            try {
                storage.write(List.of(Logs.append(index + 1, index + 1, index + 1, 1, 1)));
                index++;
            } catch (StorageException e) {
                isFull = true;
            }
        }
        storage.close();
        for (int term = 2; term < 5; term++) {
            FileStorage again = FileStorage.open(files, 1, larger);
            assertEquals(index, again.recover().log().terms().lastIndex());
            again.write(List.of(new Storage.Write(1, new HardState(term, Logs.OTHER, 0), index + 1, List.of())));
            again.close();
        }
    }

    @Test
    void aFullDiskThatCannotBeOpenedSaysSo() throws IOException {
        FileStorage storage = Logs.start(files, SMALL);
        storage.recover();
        storage.close();
        files.remove(HeadRoom.RESERVE);     // an older version has made none
        files.limit(used(files));
        StorageException refused = assertThrows(StorageException.class, () -> FileStorage.open(files, 1, SMALL));
        assertTrue(String.valueOf(refused.getMessage()).contains("is full") && refused.getMessage().contains("Nothing is lost"),
            refused::toString);
        files.limit(used(files) + HeadRoom.RESERVE_BYTES);
        FileStorage.open(files, 1, SMALL).close();
    }

    @Test
    void theSpareSegmentGoesBeforeADirectoryIsNotOpened() throws IOException {
        FileStorage storage = Logs.start(files, SMALL);
        storage.recover();
        prepare(storage);
        storage.close();
        files.remove(HeadRoom.RESERVE);
        files.limit(used(files));
        FileStorage again = FileStorage.open(files, 1, SMALL);
        assertFalse(files.list().contains(Spare.NAME));
        again.recover();
        again.close();
    }

    // --------------------------------------------------------------------------------------------------------------------- snapshots

    @Test
    void aSnapshotForWhichThereIsNoRoomGivesBackWhatItTookAndTheStorageGoesOn() throws IOException {
        FileStorage storage = Logs.start(files, SMALL);
        storage.recover();
        storage.write(List.of(Logs.append(1, 1, 3, 1, 100)));
        prepare(storage);
        SnapshotId id = new SnapshotId(new EntryId(1, 2), Logs.founding(storage).membership(), 0);
        long before = used(files);
        for (int room = 0; room < 5000; room += 97) {
            files.limit(before + room);
            try (Storage.SnapshotOutput output = storage.beginSnapshot(id)) {
                OutputStream state = output.state();
                assertThrows(IOException.class, () -> {
                    state.write(new byte[6000]);
                    state.flush();
                    throw new IOException(assertThrows(StorageException.class, output::commit));
                });
            }
            assertEquals(before, used(files), "with room for " + room);
        }
        files.limit(Long.MAX_VALUE);
        try (Storage.SnapshotOutput output = storage.beginSnapshot(id)) {
            output.state().write(new byte[6000]);
            output.commit();
        }
        storage.write(List.of(Logs.append(2, 4, 4, 1, 100)));
        try (Storage.StoredSnapshot stored = storage.snapshot()) {
            assertNotNull(stored);
            receivedWhereThereIsNoRoom(stored);
        }
        storage.close();
    }

    private static byte[] allOf(Storage.StoredSnapshot stored) {
        byte[] all = new byte[(int) stored.transferBytes()];
        for (int at = 0; at < all.length; ) {
            byte[] part = stored.read(at, all.length - at);
            System.arraycopy(part, 0, all, at, part.length);
            at += part.length;
        }
        return all;
    }

    private static void receivedWhereThereIsNoRoom(Storage.StoredSnapshot stored) throws IOException {
        SimulatedFiles disk = new SimulatedFiles();
        FileStorage storage = Logs.start(disk, SMALL);
        storage.recover();
        prepare(storage);
        byte[] bytes = allOf(stored);
        long before = used(disk);
        for (int room = 0; room < bytes.length; room += 97) {
            disk.limit(before + room);
            try (Storage.SnapshotInput input = storage.receiveSnapshot(stored.id())) {
                assertThrows(StorageException.class, () -> {
                    for (int at = 0; at < bytes.length; at += 500) {
                        input.write(at, java.util.Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + 500)));
                    }
                });
            }
            assertEquals(before, used(disk), "with room for " + room);
        }
        storage.write(List.of(Logs.append(1, 1, 1, 1, 100)));
        storage.close();
    }

    /** An installation takes a frame without entries, and no new file. */
    @Test
    void whatHasBeenReceivedCanBeInstalledOnAFullDisk() throws IOException {
        FileStorage source = Logs.start(new SimulatedFiles(), SMALL);
        source.recover();
        source.write(List.of(Logs.append(1, 1, 9, 1, 100)));
        SnapshotId id = new SnapshotId(new EntryId(1, 9), Logs.founding(source).membership(), 0);
        try (Storage.SnapshotOutput output = source.beginSnapshot(id)) {
            output.state().write(new byte[3000]);
            output.commit();
        }
        FileStorage storage = Logs.start(files, SMALL);
        storage.recover();
        storage.write(List.of(Logs.append(1, 1, 2, 1, 100)));
        try (Storage.StoredSnapshot stored = source.snapshot(); Storage.SnapshotInput input = storage.receiveSnapshot(id)) {
            assertNotNull(stored);
            input.write(0, allOf(stored));
            assertTrue(input.complete());
        }
        files.limit(used(files));
        prepare(storage);
        assertFalse(storage.room().isPlenty());
        storage.write(List.of(new Storage.Write(2, new HardState(1, null, 0), 10, List.of(), id)));
        storage.close();
        source.close();
    }
}
