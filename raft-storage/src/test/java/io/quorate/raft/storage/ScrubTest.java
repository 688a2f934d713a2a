package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.EntryDamagedException;
import io.quorate.raft.Storage;
import io.quorate.raft.Storage.Scrubbed;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.storage.testing.SimulatedFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What going round old files finds, what it puts right by itself, and what it tells. */
class ScrubTest {

    private static final String SECOND = SegmentHeader.fileName(2);
    private static final FileStorage.Options SMALL = Logs.TINY.withSegmentBytes(2 << 10).withPartBytes(1 << 10).withLogTailBytes(1 << 20);

    private final SimulatedFiles files = new SimulatedFiles();
    private FileStorage storage;
    private ModelLog model = ModelLog.EMPTY;
    private long incarnation;

    /** Six segments, a suffix that was replaced within a sealed one, and no snapshot. */
    @BeforeEach
    void open() throws IOException {
        storage = Logs.start(files, SMALL);
        incarnation = storage.identity().replica().incarnation();
        storage.recover();
        long next = 1;
        for (int i = 1; i <= 24; i++) {
            long first = i == 5 ? next - 2 : next;
            List<Storage.Write> batch = List.of(new Storage.Write(i, new HardState(1 + i / 5, null, 0), first,
                Logs.entries(first, first + 2, 1 + i / 5, 60)));
            storage.write(batch);
            model = model.after(batch);
            next = first + 3;
        }
        assertTrue(files.list().contains(SegmentHeader.fileName(5)), () -> files.list().toString());
    }

    /** What a whole round finds, in pieces of this size. */
    private Scrubbed round(int bytesMax) {
        long bytes = 0;
        List<EntryId> damaged = new ArrayList<>();
        boolean isSnapshotDamaged = false;
        String problem = null;
        while (true) {
            Scrubbed piece = storage.scrub(bytesMax);
            assertTrue(piece.bytes() <= bytesMax + (2 << 10), () -> "read at once were " + piece);
            bytes += piece.bytes();
            damaged.addAll(piece.damaged());
            isSnapshotDamaged |= piece.isSnapshotDamaged();
            problem = piece.problem() == null ? problem : piece.problem();
            if (piece.isRoundDone()) {
                return new Scrubbed(bytes, damaged, isSnapshotDamaged, true, problem);
            }
        }
    }

    private FrameHeader frameWithEntries(String name, int number) {
        byte[] bytes = files.bytes(name);
        int at = SegmentHeader.BYTES;
        for (int seen = 0; ; ) {
            FrameHeader frame = FrameHeader.decode(bytes, at, incarnation, SegmentHeader.idOf(name), at);
            assertNotNull(frame);
            if (frame.count() > 0 && seen++ == number) {
                return frame;
            }
            at += FrameHeader.BYTES + frame.length();
        }
    }

    private int entryAt(String name, int frame, int number) {
        return frameWithEntries(name, frame).offset() + FrameHeader.BYTES + number * (Entry.HEADER_BYTES + 60);
    }

    private EntryId idAt(String name, int offset) {
        return Entry.decode(files.bytes(name), offset, files.bytes(name).length).id();
    }

    private SnapshotId take(long index, int stateBytes) throws IOException {
        SnapshotId id = new SnapshotId(new EntryId(model.terms().termAt(index), index), Logs.founding(storage).membership(), 0);
        byte[] state = new byte[stateBytes];
        new Random(1).nextBytes(state);
        try (Storage.SnapshotOutput output = storage.beginSnapshot(id)) {
            output.state().write(state);
            output.commit();
        }
        return id;
    }

    @Test
    void allThatIsSealedIsReadInPiecesAndNothingIsChanged() throws IOException {
        take(10, 3000);
        List<byte[]> before = files.list().stream().map(files::bytes).toList();
        int operations = files.operations();
        for (int bytesMax : new int[] {1, 100, 700, 1 << 20}) {
            Scrubbed found = round(bytesMax);
            assertEquals(List.of(), found.damaged());
            assertFalse(found.isSnapshotDamaged());
            assertNull(found.problem());
            assertTrue(found.bytes() > 5 * 1500 + 3000, () -> "read were " + found);
        }
        assertEquals(operations, files.operations());
        List<byte[]> after = files.list().stream().map(files::bytes).toList();
        for (int i = 0; i < before.size(); i++) {
            assertArrayEquals(before.get(i), after.get(i));
        }
    }

    @Test
    void anyByteWrongInASealedSegmentIsFound() throws IOException {
        SimulatedFiles whole = files.copy();
        int seal = files.bytes(SECOND).length - (int) SegmentSeal.bytes(9);
        byte[] bytes = whole.bytes(SECOND);
        int found = 0;
        for (int at = 0; at < bytes.length; at += 5) {
            if (at >= seal - 300 && at < seal + 24) {
                continue;       // zeros between the frames and the index, or near it
            }
            files.put(SECOND, bytes);
            files.flip(SECOND, at, at % 8);
            Scrubbed round = round(500);
            boolean isHealed = at >= seal;
            boolean isTold = round.problem() != null || !round.damaged().isEmpty();
            if (isHealed) {
                assertArrayEquals(bytes, files.bytes(SECOND), "at " + at);
            } else if (!isTold) {
                // Only an entry that was replaced later may be passed over: nobody will ever ask for it.
                List<EntryId> damaged = Logs.start(files.copy(), SMALL).recover().damaged();
                assertEquals(List.of(), damaged, "at " + at);
                continue;
            }
            storage.repair(round.damaged().stream().map(id -> model.entries().get((int) id.index() - 1)).toList());
            found++;
        }
        assertTrue(found > 200, "only " + found);
    }

    @Test
    void aDamagedEntryIsMarkedAndCanBeRepaired() throws IOException {
        int second = entryAt(SECOND, 1, 1);
        EntryId id = idAt(SECOND, second);
        files.flip(SECOND, second + 50, 3);
        Scrubbed found = round(400);
        assertEquals(List.of(id), found.damaged());
        assertNull(found.problem());
        assertThrows(EntryDamagedException.class, () -> storage.read(id.index(), id.index(), 1000));
        assertEquals(List.of(id), storage.repair(List.of(model.entries().get((int) id.index() - 1))));
        assertEquals(List.of(), round(400).damaged());
        assertEquals(model.restarted(), ModelLog.of(Logs.start(files.copy(), SMALL)));
    }

    @Test
    void anIntactEntryThatIsNotTheOneThatWasWrittenIsFound() {
        int second = entryAt(SECOND, 1, 1);
        EntryId id = idAt(SECOND, second);
        files.damage(SECOND, second, Entry.of(id.index(), id.term(), Entry.Kind.COMMAND, 0, new byte[60]).array());
        assertEquals(List.of(id), round(400).damaged());
        assertThrows(EntryDamagedException.class, () -> storage.read(id.index(), id.index(), 1000), "though it looks whole");
    }

    @Test
    void aDamagedIndexIsWrittenAgainFromTheEntries() throws IOException {
        byte[] whole = files.bytes(SECOND);
        files.flip(SECOND, whole.length - 30, 1);
        assertThrows(StorageCorruptException.class, () -> Logs.start(files.copy(), SMALL).recover());
        Scrubbed found = round(1 << 20);
        assertNull(found.problem());
        assertArrayEquals(whole, files.bytes(SECOND));
        assertEquals(model.restarted(), ModelLog.of(Logs.start(files.restart(SimulatedFiles.Loss.LOSES_ALL, new Random()), SMALL)));
    }

    @Test
    void anIndexIsNotWrittenFromEntriesThatAreDamagedToo() throws IOException {
        int second = entryAt(SECOND, 1, 1);
        EntryId id = idAt(SECOND, second);
        byte[] whole = files.bytes(SECOND);
        files.flip(SECOND, whole.length - 30, 1);
        files.flip(SECOND, second + 50, 3);
        byte[] damaged = files.bytes(SECOND);
        Scrubbed found = round(1 << 20);
        assertTrue(found.damaged().contains(id) && found.problem() != null, found::toString);
        assertArrayEquals(damaged, files.bytes(SECOND));
        // Without the index, an entry is known by its name and by where it must end.
        assertEquals(List.of(), storage.repair(List.of(Entry.of(id.index(), id.term(), Entry.Kind.COMMAND, 0, new byte[61]))));
        assertEquals(List.of(), storage.repair(List.of(Logs.entry(id.index(), id.term() + 1, 60))));
        // When the entries are there again, so is the index, in the next round.
        storage.repair(found.damaged().stream().map(each -> model.entries().get((int) each.index() - 1)).toList());
        assertNull(round(1 << 20).problem());
        assertArrayEquals(whole, files.bytes(SECOND));
        take(20, 10);
        storage.compact(1);
        assertEquals(1, storage.firstIndex(), "nothing needs to go any more");
    }

    @Test
    void aDamagedHeaderIsToldAndGoesWithTheNextSnapshot() throws IOException {
        FrameHeader frame = frameWithEntries(SECOND, 1);
        for (int at : new int[] {20, frame.offset() + 30}) {
            byte[] whole = files.bytes(SECOND);
            files.flip(SECOND, at, 0);
            String problem = String.valueOf(round(300).problem());
            assertTrue(problem.contains("/simulated/" + SECOND + " at offset " + (at == 20 ? 0 : frame.offset())), problem);
            assertEquals(model.entries(), storage.read(1, 999, 1 << 20));   // the replica goes on
            if (at == 20) {
                files.put(SECOND, whole);
            }
        }
        storage.compact(1);
        assertEquals(1, storage.firstIndex());
        long last = idAt(SECOND, entryAt(SegmentHeader.fileName(3), 0, 0) > 0 ? frame.offset() + FrameHeader.BYTES : 0).index();
        take(model.nextIndex() - 2, 100);
        storage.compact(1);         // though all of the log would be kept
        assertTrue(storage.firstIndex() > last, () -> "it begins at " + storage.firstIndex());
        while (storage.maintain()) {
            continue;
        }
        assertFalse(files.list().contains(SECOND));
        long first = storage.firstIndex();
        storage.close();
        FileStorage again = Logs.start(files.copy(), SMALL);
        again.recover();
        assertEquals(model.entries().subList((int) first - 1, model.entries().size()), again.read(first, 999, 1 << 20));
    }

    @Test
    void aFileThatCannotBeReadIsToldAndIsNoFailedWrite() {
        files.remove(SECOND);
        String problem = String.valueOf(round(300).problem());
        assertTrue(problem.contains(SECOND) && problem.contains("cannot be read"), problem);
        storage.write(List.of(Logs.append(99, model.nextIndex(), model.nextIndex(), 9, 20)));
    }

    /** Whoever has too many files open must not take that for damage: of a segment, which would be told, or a snapshot, which would go. */
    @Test
    void aFileThatCannotBeOpenedIsNotDamaged() throws IOException {
        take(10, 5000);
        int openings = 0;
        for (boolean isFailed = true; isFailed; openings++) {
            files.fail(SimulatedFiles.Operation.OPEN, openings);
            Scrubbed found = round(300);
            assertFalse(found.isSnapshotDamaged());
            assertNull(found.problem());
            assertEquals(List.of(), found.damaged());
            isFailed = files.happenings().getOrDefault("OPEN_FAILED", 0L) > openings;
        }
        assertTrue(openings > 20, "only " + openings);
        files.mend();
        storage.write(List.of(Logs.append(99, model.nextIndex(), model.nextIndex(), 9, 20)));
    }

    /** Otherwise it would be told that the damage is over. */
    @Test
    void damageThatWasFoundBeforeIsToldOnWhileItsFileCannotBeOpened() {
        files.flip(SECOND, SegmentHeader.BYTES, 0);
        assertTrue(String.valueOf(round(300).problem()).contains(SECOND));
        for (int i = 0; i < 20; i++) {
            files.fail(SimulatedFiles.Operation.OPEN, i);
            assertTrue(String.valueOf(round(1 << 20).problem()).contains(SECOND), "opening " + i);
            files.mend();
        }
    }

    @Test
    void aDamagedSnapshotIsToldUntilAnotherOneIsTaken() throws IOException {
        take(10, 5000);
        List<String> names = files.list().stream().filter(name -> name.startsWith("snapshot-")).toList();
        assertTrue(names.size() > 4, names::toString);
        for (String name : names) {
            byte[] whole = files.bytes(name);
            for (int at = 0; at < whole.length; at += 97) {
                files.flip(name, at, 2);
                assertTrue(round(600).isSnapshotDamaged(), name + " at " + at);
                files.put(name, whole);
            }
            files.remove(name);
            assertTrue(round(600).isSnapshotDamaged(), name + " is missing");
            files.put(name, whole);
            assertFalse(round(600).isSnapshotDamaged());
        }
        files.flip(names.get(2), 40, 2);
        take(11, 5000);
        assertFalse(round(600).isSnapshotDamaged());
    }

    @Test
    void aDamagedSnapshotIsReplacedByOneOfTheSameState() throws IOException {
        take(10, 5000);
        assertThrows(IllegalArgumentException.class, () -> take(10, 5000), "nothing is wrong with it");
        List<String> damaged = files.list().stream().filter(name -> name.startsWith("snapshot-")).toList();
        files.flip(damaged.get(2), 40, 2);
        assertThrows(IllegalArgumentException.class, () -> take(10, 5000), "nobody knows");
        assertTrue(round(600).isSnapshotDamaged());
        assertThrows(IllegalArgumentException.class, () -> take(9, 5000), "it covers less");
        byte[] state;
        try (Storage.StoredSnapshot reader = storage.snapshot()) {
            take(10, 5000);
            assertTrue(files.list().containsAll(damaged), "as long as somebody reads it");
            state = stateOf(storage);
            assertNotNull(reader);
        }
        assertTrue(files.list().stream().noneMatch(damaged::contains), () -> "left: " + files.list());
        assertFalse(round(600).isSnapshotDamaged());
        assertThrows(IllegalArgumentException.class, () -> take(10, 5000), "nothing is wrong with this one");
        storage.close();
        storage = Logs.start(files, SMALL);
        assertEquals(10, storage.recover().log().snapshot().index());
        assertArrayEquals(state, stateOf(storage));
    }

    /** Also where the log that led to it is gone. */
    @Test
    void whoFindsItDamagedWhileReadingItMayReplaceItToo() throws IOException {
        take(16, 5000);
        storage.compact(Long.MAX_VALUE);
        while (storage.maintain()) {
            continue;
        }
        List<String> damaged = files.list().stream().filter(name -> name.startsWith("snapshot-")).toList();
        files.makeUnreadable(damaged.get(2), 40, 1);
        try (Storage.StoredSnapshot reader = storage.snapshot()) {
            assertThrows(StorageException.class, () -> readAll(reader));
        }
        take(16, 5000);
        try (Storage.StoredSnapshot reader = storage.snapshot()) {
            readAll(reader);
        }
        files.flip(files.list().stream().filter(name -> name.endsWith(".part")).findFirst().orElseThrow(), 40, 2);
        assertThrows(StorageCorruptException.class, () -> stateOf(storage));
        take(16, 5000);
        assertEquals(5000, stateOf(storage).length);
    }

    /** A crash at any operation leaves the damaged one or the other, and never none. */
    @Test
    void aReplacementThatACrashCutsOffLeavesOneOfTheTwo() throws IOException {
        take(10, 5000);
        files.flip(files.list().stream().filter(name -> name.endsWith(".part")).findFirst().orElseThrow(), 40, 2);
        assertTrue(round(600).isSnapshotDamaged());
        storage.close();
        int whole = 0;
        int operations = 1;
        for (boolean isOver = false; !isOver; operations++) {
            SimulatedFiles copy = files.copy();
            storage = Logs.start(copy, SMALL);
            storage.recover();
            assertTrue(round(600).isSnapshotDamaged());
            copy.dieAt(operations);
            try {
                take(10, 5000);
                isOver = true;
            } catch (StorageException | IOException e) {
                assertTrue(operations < 100, e::toString);
            }
            SimulatedFiles left = copy.restart(SimulatedFiles.Loss.TEARS, new Random(operations));
            storage = Logs.start(left, SMALL);
            assertEquals(10, storage.recover().log().snapshot().index());
            whole += round(600).isSnapshotDamaged() ? 0 : 1;
        }
        assertTrue(whole > 0 && whole < operations - 1, whole + " of " + operations);
    }

    private static byte[] stateOf(FileStorage storage) throws IOException {
        try (Storage.StoredSnapshot newest = storage.snapshot()) {
            return newest.state().readAllBytes();
        }
    }

    private static void readAll(Storage.StoredSnapshot snapshot) {
        for (long at = 0; at < snapshot.transferBytes(); ) {
            at += snapshot.read(at, 1000).length;
        }
    }

    @Test
    void aBlockThatIsWholeAndNotTheOneThatWasWrittenIsDamage() throws IOException {
        SnapshotId id = take(10, 5000);
        String part = files.list().stream().filter(name -> name.endsWith(".part")).findFirst().orElseThrow();
        byte[] bytes = files.bytes(part);
        int end = bytes.length - SnapshotManifest.BLOCK_CRC_BYTES;      // a part here is one block
        bytes[9] ^= 1;
        ByteBuffer.wrap(bytes).putInt(end, SnapshotManifest.blockCrc(id.last(), 0, bytes, 0, end));
        files.put(part, bytes);
        assertTrue(round(600).isSnapshotDamaged());
    }

    @Test
    void aSnapshotThatBecomesTheNewestIsLookedAtFromItsBeginning() throws IOException {
        take(10, 9000);
        List<String> earlier = files.list();
        long bytes = 0;
        while (bytes < 5 * 1900 + 5000) {
            bytes += storage.scrub(500).bytes();
        }
        take(11, 9000);
        List<String> later = files.list().stream().filter(name -> name.endsWith("00000000.part") && !earlier.contains(name)).toList();
        files.flip(later.get(0), 30, 1);
        assertTrue(round(500).isSnapshotDamaged());
    }

    @Test
    void aSegmentThatIsDeletedBetweenTwoPiecesIsPassedOver() throws IOException {
        SimulatedFiles disk = files.copy();
        storage = Logs.start(disk, SMALL.withLogTailBytes(0));
        storage.recover();
        storage.scrub(300);
        take(model.nextIndex() - 2, 100);
        storage.compact(Long.MAX_VALUE);
        while (storage.maintain()) {
            continue;
        }
        assertFalse(disk.list().contains(SECOND));
        Scrubbed found = round(300);
        assertNull(found.problem());
        assertTrue(found.bytes() > 100);
    }

    @Test
    void whatIsReplacedCompactedOrTakenBetweenPiecesDisturbsNothing() throws IOException {
        Random random = new Random(7);
        long covered = 0;
        for (int i = 100; i < 300; i++) {
            Scrubbed piece = storage.scrub(1 + random.nextInt(900));
            assertTrue(piece.damaged().isEmpty() && !piece.isSnapshotDamaged() && piece.problem() == null, piece::toString);
            long first = Math.max(covered + 1, model.nextIndex() - random.nextInt(6));
            List<Entry> entries = Logs.entries(first, first + 3, i, 60);
            List<Storage.Write> batch = List.of(new Storage.Write(i, new HardState(i, null, 0), first, entries));
            storage.write(batch);
            model = model.after(batch);
            if (i % 11 == 0) {
                covered = model.nextIndex() - 3;
                take(covered, random.nextInt(4000));
                storage.compact(random.nextBoolean() ? Long.MAX_VALUE : covered);
            }
            storage.maintain();
        }
        assertEquals(List.of(), round(1 << 20).damaged());
    }

    @Test
    void coveredDamageIsNotTold() throws IOException {
        int second = entryAt(SECOND, 1, 1);
        EntryId id = idAt(SECOND, second);
        files.flip(SECOND, second + 50, 3);
        take(id.index(), 10);
        assertEquals(List.of(), round(300).damaged());
        files.flip(SECOND, entryAt(SECOND, 1, 0) + 40, 3);
        assertEquals(List.of(), round(300).damaged());
    }

    @Test
    void anIndexThatCannotBeWrittenAgainIsAFailedWrite() {
        files.flip(SECOND, files.bytes(SECOND).length - 30, 1);
        files.failOnceAt(2);    // the fsync
        assertThrows(StorageException.class, () -> round(1 << 20));
        assertThrows(StorageException.class, () -> storage.scrub(100));
    }

    /** The thread that writes does this: where each entry stands in the index is known, and is not looked for. */
    @Test
    void oneWrongByteInALargeFrameOfALargeSegmentKeepsTheDiskThreadOnlyForAMoment(@TempDir Path directory) throws IOException {
        FileStorage large = FileStorage.open(directory, 1, FileStorage.Options.defaults().withSegmentBytes(16 << 20).unsafeNoFsync());
        large.found(Logs.founding(large));
        large.recover();
        int count = 90_000;
        for (int i = 0; i < 3; i++) {
            large.write(List.of(Logs.append(i + 1, i * count + 1, (i + 1) * count, 1, 10)));
        }
        Path first = directory.resolve(SegmentHeader.fileName(1));
        assertTrue(Files.exists(directory.resolve(SECOND)));
        int entryBytes = Entry.HEADER_BYTES + 10;
        int at = SegmentHeader.BYTES + 4 * FrameHeader.BYTES + 2 * count * entryBytes - 1;      // of the last entry of the second frame
        try (FileChannel file = FileChannel.open(first, StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.wrap(new byte[] {99}), at);
        }
        List<EntryId> damaged = assertTimeout(Duration.ofSeconds(10), () -> {
            List<EntryId> found = new ArrayList<>();
            boolean isDone = false;
            while (!isDone) {
                Scrubbed piece = large.scrub(1 << 20);
                found.addAll(piece.damaged());
                isDone = piece.isRoundDone();
            }
            return found;
        });
        assertEquals(List.of(new EntryId(1, 2 * count)), damaged);
        large.close();
    }
}
