package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.EntryDamagedException;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.storage.testing.SimulatedFiles;
import io.quorate.raft.storage.testing.SimulatedFiles.Loss;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Damage to entries: which are known by their names, how they come back, and what else ends it. */
class EntryDamageTest {

    private static final String FIRST = SegmentHeader.fileName(1);
    private static final String SECOND = SegmentHeader.fileName(2);
    private static final FileStorage.Options SMALL = Logs.TINY.withSegmentBytes(3 << 10);
    private static final int SIZE = Entry.HEADER_BYTES + 60;

    private final SimulatedFiles files = new SimulatedFiles();
    private final Map<EntryId, Entry> written = new TreeMap<>();    // what other replicas have
    private FileStorage storage;
    private ModelLog model = ModelLog.EMPTY;
    private long incarnation;
    private long lastWrite;

    @BeforeEach
    void open() throws IOException {
        storage = Logs.start(files, SMALL);
        incarnation = storage.identity().replica().incarnation();
        storage.recover();
        write(1, 1, 0, 0);
    }

    /** Entries of 60 bytes in one frame; none if {@code last} is before {@code first}. */
    private void write(long term, long first, long last, long commit) {
        List<Entry> entries = Logs.entries(first, last, term, 60);
        write(List.of(new Storage.Write(++lastWrite, new HardState(term, null, commit), first, entries)));
    }

    private void write(List<Storage.Write> batch) {
        batch.forEach(write -> write.entries().forEach(entry -> written.put(entry.id(), entry)));
        storage.write(batch);
        model = model.after(batch);
    }

    /** The frames of a segment that bring entries. */
    private List<FrameHeader> frames(String name) {
        return frames(files, name);
    }

    private List<FrameHeader> frames(SimulatedFiles disk, String name) {
        byte[] bytes = disk.bytes(name);
        List<FrameHeader> frames = new ArrayList<>();
        for (int at = SegmentHeader.BYTES; at + FrameHeader.BYTES <= bytes.length; ) {
            FrameHeader frame = FrameHeader.decode(bytes, at, incarnation, SegmentHeader.idOf(name), at);
            if (frame == null) {
                break;
            }
            if (frame.count() > 0) {
                frames.add(frame);
            }
            at += FrameHeader.BYTES + frame.length();
        }
        return frames;
    }

    /** Where an entry begins that is the number'th of a frame. */
    private static int entryAt(FrameHeader frame, int number) {
        return frame.offset() + FrameHeader.BYTES + number * SIZE;
    }

    /** Entries 3 to 5 are of one frame; what tells where the last of them ends is damaged, and the beginning of entry 6 behind it. */
    private SimulatedFiles withARunOfUnknownPlaces() throws IOException {
        write(1, 1, 2, 0);
        write(1, 3, 5, 0);
        write(1, 6, 8, 0);
        write(1, 9, 9, 0);
        return flipped(FIRST, entryAt(frames(FIRST).get(1), 2), entryAt(frames(FIRST).get(2), 0) + 40);
    }

    private SimulatedFiles flipped(String name, int... offsets) {
        SimulatedFiles damaged = files.copy();
        byte[] bytes = files.bytes(name);
        for (int offset : offsets) {
            bytes[offset] ^= 0x20;
        }
        damaged.put(name, bytes);
        return damaged;
    }

    private static List<String> names(List<EntryId> ids) {
        return ids.stream().map(EntryId::toString).toList();
    }

    private List<Entry> givenBack(List<EntryId> ids) {
        return ids.stream().map(written::get).toList();
    }

    /** What recovery names must be this; then all of it is put back, and all must be as it was. */
    private void heals(SimulatedFiles disk, String... damaged) throws IOException {
        FileStorage opened = Logs.start(disk, SMALL);
        Storage.Recovered recovered = opened.recover();
        assertEquals(List.of(damaged), names(recovered.damaged()));
        expectPrefix(recovered);
        assertEquals(recovered.damaged(), opened.repair(givenBack(recovered.damaged())));
        assertEquals(model.restarted(), ModelLog.of(opened));
        FileStorage again = Logs.start(disk.restart(Loss.LOSES_ALL, new Random()), SMALL);
        assertEquals(model.restarted(), ModelLog.of(again));
    }

    private void expectPrefix(Storage.Recovered recovered) {
        long first = recovered.damaged().get(0).index();
        List<Entry> prefix = model.entries().subList(0, (int) first - 1);
        assertEquals(first - 1, recovered.log().terms().lastIndex());
        assertEquals(model.restarted().hardState(), recovered.hardState());
        assertEquals(prefix, recovered.log().tail());
    }

    // ------------------------------------------------------------------------------------------------------- what is known by name

    /** Two segments, several frames, three terms, and a suffix that was replaced. */
    private void life() {
        write(1, 1, 2, 0);
        write(2, 3, 6, 1);
        write(2, 7, 9, 1);
        write(3, 9, 12, 4);
        write(3, 13, 15, 5);
        write(3, 16, 18, 5);
        write(4, 19, 22, 5);
        write(4, 23, 25, 9);
        assertTrue(files.list().contains(SECOND));
        storage.close();
    }

    @Test
    void anyByteWrongInAnEntryOfASealedSegmentNamesExactlyThisEntry() throws IOException {
        life();
        int tried = 0;
        for (FrameHeader frame : frames(FIRST)) {
            for (int i = 0; i < frame.count(); i++) {
                EntryId id = Entry.decode(files.bytes(FIRST), entryAt(frame, i), files.bytes(FIRST).length).id();
                boolean isInTheLog = model.entries().get((int) id.index() - 1).id().equals(id);
                for (int at = entryAt(frame, i); at < entryAt(frame, i + 1); at += i == 1 ? 1 : 19) {
                    FileStorage opened = Logs.start(flipped(FIRST, at), SMALL);
                    Storage.Recovered recovered = opened.recover();
                    assertEquals(isInTheLog ? List.of(id) : List.of(), recovered.damaged(), "at " + at);
                    if (isInTheLog) {
                        expectPrefix(recovered);
                    }
                    tried++;
                }
            }
        }
        assertTrue(tried > 5 * SIZE, "only " + tried);
        heals(flipped(FIRST, entryAt(frames(FIRST).get(1), 1)), "4@2");
    }

    @Test
    void anyByteWrongInAnEntryBehindIsKnownByNameTogetherWithItsFrameOrRefusedIfItsTermIsNot() throws IOException {
        life();
        List<FrameHeader> frames = frames(SECOND);
        int apart = 0;
        int together = 0;
        int refused = 0;
        for (FrameHeader frame : frames) {
            for (int at = entryAt(frame, 0); at < entryAt(frame, frame.count()); at += at < entryAt(frame, 2) ? 1 : 5) {
                FileStorage opened = Logs.start(flipped(SECOND, at), SMALL);
                int number = (at - entryAt(frame, 0)) / SIZE;
                boolean isOfItsHead = (at - entryAt(frame, 0)) % SIZE < Segment.ENTRY_HEAD_BYTES;
                boolean isTermOpen = frame.hardState().term() != frame.previousTerm() && frame.count() > 1
                    && (isOfItsHead || number == 0);
                if (isTermOpen) {
                    StorageCorruptException refusal = assertThrows(StorageCorruptException.class, opened::recover, "at " + at);
                    assertEquals("/simulated/" + SECOND, refusal.file());
                    assertEquals(entryAt(frame, isOfItsHead ? 0 : number), refusal.offset());
                    assertTrue(String.valueOf(refusal.getMessage()).contains("is between 3 and 4"), refusal::getMessage);
                    refused++;
                    continue;
                }
                List<EntryId> damaged = opened.recover().damaged();
                long first = frame.firstIndex() + (isOfItsHead ? 0 : number);
                long last = isOfItsHead ? frame.firstIndex() + frame.count() - 1 : first;
                assertEquals(model.entries().subList((int) first - 1, (int) last).stream().map(Entry::id).toList(), damaged, "at " + at);
                apart += damaged.size() == 1 ? 1 : 0;
                together += damaged.size() == 1 ? 0 : 1;
            }
        }
        assertTrue(apart > 3 * SIZE && together > 30 && refused > SIZE, apart + ", " + together + ", " + refused);
    }

    @Test
    void entriesWhoseTermIsOpenAreRefusedBeforeAnythingIsChanged() throws IOException {
        life();
        FrameHeader frame = frames(SECOND).stream().filter(each -> each.firstIndex() == 19).findFirst().orElseThrow();
        SimulatedFiles disk = flipped(SECOND, entryAt(frame, 0) + 40);
        FileStorage opened = Logs.start(disk, SMALL);
        int operations = disk.operations();
        assertThrows(StorageCorruptException.class, opened::recover);
        assertEquals(operations, disk.operations());
    }

    @Test
    void anIntactEntryThatWasNotWrittenIntoThisFrameIsDamage() throws IOException {
        life();
        for (String name : List.of(FIRST, SECOND)) {
            FrameHeader frame = frames(name).get(name.equals(FIRST) ? 1 : 0);
            long index = frame.firstIndex() + 1;
            Entry alien = Entry.of(index, model.terms().termAt(index), Entry.Kind.COMMAND, 0, new byte[60]);
            SimulatedFiles disk = files.copy();
            byte[] bytes = files.bytes(name);
            System.arraycopy(alien.array(), 0, bytes, entryAt(frame, 1), SIZE);
            disk.put(name, bytes);
            List<EntryId> damaged = Logs.start(disk, SMALL).recover().damaged();
            assertTrue(damaged.contains(alien.id()), damaged::toString);
        }
    }

    @Test
    void aFrameThatACrashMayHaveLeftIsDroppedAndNotMarked() throws IOException {
        write(1, 1, 3, 0);
        write(1, 4, 6, 0);
        FrameHeader last = frames(FIRST).get(1);
        FileStorage opened = Logs.start(flipped(FIRST, entryAt(last, 1) + 50), SMALL);
        Storage.Recovered recovered = opened.recover();
        assertEquals(List.of(), recovered.damaged());
        assertEquals(3, recovered.log().terms().lastIndex());
    }

    @Test
    void damageBeforeAFrameThatACrashCutOffIsRefused() throws IOException {
        // To drop the second frame would be to drop the only proof that the first one was durable.
        write(1, 1, 3, 0);
        write(1, 4, 6, 0);
        SimulatedFiles disk = flipped(FIRST, entryAt(frames(FIRST).get(0), 1) + 50, entryAt(frames(FIRST).get(1), 1) + 50);
        StorageCorruptException refusal = assertThrows(StorageCorruptException.class, () -> Logs.start(disk, SMALL).recover());
        assertEquals(frames(FIRST).get(0).offset(), refusal.offset());
    }

    @Test
    void whatLiesBehindDamageCanBeRead() throws IOException {
        life();
        FileStorage opened = Logs.start(flipped(FIRST, entryAt(frames(FIRST).get(1), 1) + 50), SMALL);
        assertEquals(List.of("4@2"), names(opened.recover().damaged()));
        assertEquals(model.entries().subList(0, 3), opened.read(1, 25, 1 << 20));
        assertEquals(model.entries().subList(4, 25), opened.read(5, 25, 1 << 20));
        EntryDamagedException damaged = assertThrows(EntryDamagedException.class, () -> opened.read(4, 25, 1 << 20));
        assertEquals("4@2", damaged.entry().toString());
    }

    // ------------------------------------------------------------------------------------------------------------------- repair

    @Test
    void severalEntriesInSeveralSegmentsComeBack() throws IOException {
        life();
        SimulatedFiles disk = flipped(FIRST, entryAt(frames(FIRST).get(0), 0) + 3, entryAt(frames(FIRST).get(1), 1) + 50,
            entryAt(frames(FIRST).get(1), 2) + 5);
        byte[] second = files.bytes(SECOND);
        FrameHeader frame = frames(SECOND).get(frames(SECOND).size() - 1);
        second[entryAt(frame, 1) + 44] ^= 1;
        disk.put(SECOND, second);
        heals(disk, "1@1", "4@2", "5@2", "24@4");
    }

    @Test
    void theLastEntryOfASealedSegmentComesBackThoughNothingIsBehindIt() throws IOException {
        for (long index = 1; !files.list().contains(SECOND); index++) {
            write(1, index, index, 0);
        }
        storage.close();
        List<FrameHeader> frames = frames(FIRST);
        FrameHeader last = frames.get(frames.size() - 1);
        int end = entryAt(last, 1);
        assertNull(FrameHeader.decode(files.bytes(FIRST), end, incarnation, 1, end));
        heals(flipped(FIRST, entryAt(last, 0) + 40), last.firstIndex() + "@1");
    }

    @Test
    void entriesComeBackOneByOne() throws IOException {
        life();
        FileStorage opened = Logs.start(flipped(FIRST, entryAt(frames(FIRST).get(1), 1) + 50, entryAt(frames(FIRST).get(1), 2) + 5), SMALL);
        List<EntryId> damaged = opened.recover().damaged();
        assertEquals(List.of(damaged.get(1)), opened.repair(givenBack(damaged.subList(1, 2))));
        assertEquals(damaged.subList(0, 1), opened.recover().damaged());
        assertEquals(damaged.subList(0, 1), opened.repair(givenBack(damaged)));
        assertEquals(List.of(), opened.repair(givenBack(damaged)));
        assertEquals(model.restarted(), ModelLog.of(opened));
        assertThrows(IllegalStateException.class, opened::recover);
    }

    @Test
    void whatIsDamagedWhileTheLogIsRepairedIsHandedOverAsDamagedToo() throws IOException {
        life();
        SimulatedFiles disk = flipped(FIRST, entryAt(frames(FIRST).get(1), 1) + 50);
        FileStorage opened = Logs.start(disk, SMALL);
        List<EntryId> damaged = opened.recover().damaged();
        assertEquals(List.of("4@2"), names(damaged));
        disk.flip(FIRST, entryAt(frames(FIRST).get(0), 0) + 3, 0);
        assertEquals(List.of("1@1", "4@2"), names(opened.recover().damaged()));      // the first that is read
        disk.flip(FIRST, entryAt(frames(FIRST).get(1), 2) + 5, 0);
        FrameHeader last = frames(SECOND).get(frames(SECOND).size() - 1);
        disk.flip(SECOND, entryAt(last, 1) + 44, 0);
        assertEquals(List.of(new EntryId(1, 1)), opened.repair(givenBack(List.of(new EntryId(1, 1)))));
        assertEquals(damaged, opened.repair(givenBack(damaged)));
        Storage.Recovered recovered = opened.recover();
        assertEquals(List.of("5@2"), names(recovered.damaged()));                    // and what lies behind that is not looked at yet
        expectPrefix(recovered);
        assertEquals(recovered.damaged(), opened.repair(givenBack(recovered.damaged())));
        recovered = opened.recover();
        assertEquals(List.of("24@4"), names(recovered.damaged()));
        expectPrefix(recovered);
        assertEquals(recovered.damaged(), opened.repair(givenBack(recovered.damaged())));
        assertEquals(model.restarted(), ModelLog.of(opened));
    }

    @Test
    void aRunWhosePlacesAreNotKnownNeedsAllItsEntriesAtOnce() throws IOException {
        life();
        FrameHeader frame = frames(SECOND).get(frames(SECOND).size() - 1);
        SimulatedFiles disk = flipped(SECOND, entryAt(frame, 1));
        FileStorage opened = Logs.start(disk, SMALL);
        List<EntryId> damaged = opened.recover().damaged();
        assertEquals(List.of("23@4", "24@4", "25@4"), names(damaged));
        assertThrows(EntryDamagedException.class, () -> opened.read(23, 23, 1000), "it looks whole, but nothing vouches for it");
        assertEquals(List.of(), opened.repair(givenBack(damaged.subList(0, 2))));
        assertEquals(List.of(), opened.repair(givenBack(damaged.subList(2, 3))));
        heals(disk.restart(Loss.NONE, new Random()), "23@4", "24@4", "25@4");
    }

    @Test
    void aRunWhosePlacesAreNotKnownComesBackWithWhatIsBehindIt() throws IOException {
        SimulatedFiles disk = withARunOfUnknownPlaces();
        FileStorage opened = Logs.start(disk, SMALL);
        List<EntryId> damaged = opened.recover().damaged();
        assertEquals(List.of("3@1", "4@1", "5@1", "6@1"), names(damaged));
        assertEquals(List.of(), opened.repair(givenBack(damaged.subList(0, 3))));   // 6 is behind it, and not there yet
        assertEquals(damaged, opened.repair(givenBack(damaged)));
        assertEquals(model.restarted(), ModelLog.of(opened));
        // They do not hang on the last frame, whose damage passes for the trace of a crash.
        List<FrameHeader> after = frames(disk, FIRST);
        SimulatedFiles worse = disk.copy();
        worse.flip(FIRST, entryAt(after.get(after.size() - 1), 1) + 50, 0);
        assertEquals(List.of("4@1"), names(Logs.start(worse, SMALL).recover().damaged()));
        opened.close();
        assertEquals(model.restarted(), ModelLog.of(Logs.start(disk.copy(), SMALL)));
    }

    @Test
    void aSegmentIsFullOneDayThoughItHoldsEntriesThatNobodyKnowsAnyMore() throws IOException {
        write(1, 1, 2, 0);
        write(1, 3, 5, 0);
        write(1, 6, 6, 0);
        SimulatedFiles disk = flipped(FIRST, entryAt(frames(FIRST).get(1), 2));
        FileStorage opened = Logs.start(disk, SMALL);
        assertEquals(3, opened.recover().damaged().size());
        // They are replaced, and so never repaired; then the segment gets its index.
        List<Storage.Write> batch = List.of(new Storage.Write(1, new HardState(2, null, 0), 3, Logs.entries(3, 9, 2, 60)));
        opened.write(batch);
        assertEquals(List.of(), opened.recover().damaged());
        opened.write(List.of(Logs.append(2, 10, 23, 2, 60)));
        opened.close();
        assertTrue(disk.list().contains(SECOND));
        ModelLog expected = model.after(batch).after(List.of(Logs.append(2, 10, 23, 2, 60)));
        assertEquals(expected.restarted(), ModelLog.of(Logs.start(disk.copy(), SMALL)));
        // Its index says that they are unknown, and the rest of it is still held against the entries.
        byte[] bytes = disk.bytes(FIRST);
        ByteBuffer.wrap(bytes).putInt(bytes.length - SegmentSeal.TRAILER_BYTES - 1, 5);
        SimulatedFiles worse = disk.copy();
        worse.put(FIRST, bytes);
        assertThrows(StorageCorruptException.class, () -> Logs.start(worse, SMALL).recover());
    }

    @Test
    void whatIsNotCertainOfAReplacedEntryDoesNotGetIntoTheIndex() throws IOException {
        write(1, 1, 2, 0);
        write(2, 3, 6, 0);
        write(3, 3, 4, 0);
        int damage = entryAt(frames(FIRST).get(1), 0) + 50;
        SimulatedFiles disk = flipped(FIRST, damage);
        FileStorage opened = Logs.start(disk, SMALL);
        assertEquals(List.of(), opened.recover().damaged());
        List<Storage.Write> batch = List.of(Logs.append(1, 5, 25, 3, 60));
        opened.write(batch);
        opened.close();
        assertTrue(disk.list().contains(SECOND));
        disk.flip(FIRST, damage, 5);    // it was not the disk, but the way from there
        assertEquals(model.after(batch).restarted(), ModelLog.of(Logs.start(disk, SMALL)));
    }

    @Test
    void anIndexThatContradictsTheFrameOfADamagedEntryIsRefused() throws IOException {
        life();
        SimulatedFiles disk = flipped(FIRST, entryAt(frames(FIRST).get(1), 1) + 50);
        byte[] bytes = disk.bytes(FIRST);
        int count = ByteBuffer.wrap(bytes).getInt(bytes.length - SegmentSeal.TRAILER_BYTES + 4);
        int from = bytes.length - (int) SegmentSeal.bytes(count);
        bytes[from + 3 * SegmentSeal.ENTRY_BYTES + 16] ^= 1;   // the checksum of the fourth entry
        ByteBuffer.wrap(bytes).putInt(bytes.length - 4, new Crc(incarnation).add(bytes, from, bytes.length - 4).value());
        disk.put(FIRST, bytes);
        StorageCorruptException refusal = assertThrows(StorageCorruptException.class, () -> Logs.start(disk, SMALL).recover());
        assertEquals(frames(FIRST).get(1).offset(), refusal.offset());
    }

    @Test
    void anotherEntryOfTheSameNameIsNotPutInItsPlace() throws IOException {
        life();
        SimulatedFiles disk = flipped(FIRST, entryAt(frames(FIRST).get(1), 1) + 50);
        FileStorage opened = Logs.start(disk, SMALL);
        assertEquals(List.of("4@2"), names(opened.recover().damaged()));
        byte[] before = disk.bytes(FIRST);
        assertEquals(List.of(), opened.repair(List.of(Entry.of(4, 2, Entry.Kind.COMMAND, 7, new byte[60]))));
        assertEquals(List.of(), opened.repair(List.of(Entry.of(4, 2, Entry.Kind.COMMAND, 0, new byte[61]))));
        assertEquals(List.of(), opened.repair(List.of(Logs.entry(4, 1, 60))));
        byte[] rotten = Logs.entry(4, 2, 60).array().clone();
        Entry given = Entry.decode(rotten, 0, rotten.length);
        rotten[70] ^= 1;
        assertEquals(List.of(), opened.repair(List.of(given)), "it was damaged in memory");
        assertEquals(List.of("4@2"), names(opened.repair(List.of(Logs.entry(4, 2, 60)))));
        before[entryAt(frames(FIRST).get(1), 1) + 50] ^= 0x20;
        assertEquals(ByteBuffer.wrap(before), ByteBuffer.wrap(disk.bytes(FIRST)));
    }

    @Test
    void anEntryComesBackByWhatTheIndexSaysThoughTheHeaderBehindItIsDamagedToo() throws IOException {
        life();
        storage = Logs.start(files, SMALL);
        storage.recover();
        for (String name : List.of(FIRST, SECOND)) {
            FrameHeader frame = frames(name).get(1);
            EntryId id = model.entries().get((int) frame.firstIndex() + frame.count() - 2).id();
            int end = entryAt(frame, frame.count());
            byte[] before = files.bytes(name);
            files.damage(name, end - 20, new byte[40]);
            assertEquals(id, assertThrows(EntryDamagedException.class, () -> storage.read(id.index(), 25, 1 << 20)).entry());
            Entry other = Entry.of(id.index(), id.term(), Entry.Kind.COMMAND, 7, new byte[60]);
            assertEquals(List.of(), storage.repair(List.of(other)));
            assertEquals(List.of(id), storage.repair(givenBack(List.of(id))));
            assertEquals(model.entries(), storage.read(1, 99, 1 << 20));
            Arrays.fill(before, end, end + 20, (byte) 0);
            assertEquals(ByteBuffer.wrap(before), ByteBuffer.wrap(files.bytes(name)), "only the entry was written");
        }
    }

    /** One like it, of the same size. */
    private static Entry other(EntryId id) {
        return Entry.of(id.index(), id.term(), Entry.Kind.COMMAND, 7, new byte[60]);
    }

    @Test
    void aRunOfOtherEntriesOfTheSameNamesIsNotPutBack() throws IOException {
        life();
        FrameHeader frame = frames(SECOND).get(frames(SECOND).size() - 1);
        SimulatedFiles disk = flipped(SECOND, entryAt(frame, 1));
        FileStorage opened = Logs.start(disk, SMALL);
        List<EntryId> damaged = opened.recover().damaged();
        assertEquals(List.of("23@4", "24@4", "25@4"), names(damaged));
        for (int wrong = 0; wrong < 3; wrong++) {
            List<Entry> given = new ArrayList<>(givenBack(damaged));
            given.set(wrong, other(damaged.get(wrong)));
            assertEquals(List.of(), opened.repair(given), "it is as long as what was written");
            given.set(wrong, Entry.of(damaged.get(wrong).index(), 4, Entry.Kind.COMMAND, 0, new byte[9]));
            assertEquals(List.of(), opened.repair(given));
        }
        assertEquals(damaged, opened.repair(givenBack(damaged)));
        assertEquals(model.restarted(), ModelLog.of(opened));
    }

    @Test
    void ofARunOfWhichAPartWasReplacedTheRestIsHeldAgainstTheLengthOfAll() throws IOException {
        write(1, 1, 2, 0);
        write(1, 3, 6, 0);
        write(1, 7, 7, 0);
        SimulatedFiles disk = flipped(FIRST, entryAt(frames(FIRST).get(1), 3));
        FileStorage opened = Logs.start(disk, SMALL);
        opened.recover();
        opened.write(List.of(new Storage.Write(1, new HardState(2, null, 0), 5, List.of())));
        List<EntryId> left = opened.recover().damaged();
        assertEquals(List.of("3@1", "4@1"), names(left));
        Entry large = Entry.of(4, 1, Entry.Kind.COMMAND, 0, new byte[2 * SIZE + 70]);
        assertEquals(List.of(), opened.repair(List.of(Logs.entry(3, 1, 60), large)));
        assertEquals(left, opened.repair(givenBack(left)));
    }

    @Test
    void aRunOfWhichNoHeaderTellsAnyMoreIsNotPutBack() throws IOException {
        life();
        FrameHeader frame = frames(SECOND).get(frames(SECOND).size() - 1);
        SimulatedFiles disk = flipped(SECOND, entryAt(frame, 1));
        FileStorage opened = Logs.start(disk, SMALL);
        List<EntryId> damaged = opened.recover().damaged();
        disk.flip(SECOND, frame.offset() + 30, 0);
        assertEquals(List.of(), opened.repair(givenBack(damaged)));
        disk.flip(SECOND, frame.offset() + 30, 0);
        disk.makeUnreadable(SECOND, frame.offset(), 1);
        assertEquals(List.of(), opened.repair(givenBack(damaged)), "and nothing has failed");
    }

    @Test
    void whatWasRefusedIsNotWrittenOnceMoreWithWhatIsBeforeIt() throws IOException {
        SimulatedFiles disk = withARunOfUnknownPlaces();
        FileStorage opened = Logs.start(disk, SMALL);
        List<EntryId> damaged = opened.recover().damaged();
        assertEquals(List.of("3@1", "4@1", "5@1", "6@1"), names(damaged));
        List<Entry> given = new ArrayList<>(givenBack(damaged));
        given.set(3, other(damaged.get(3)));
        assertEquals(List.of(), opened.repair(given));
        assertEquals(damaged, opened.repair(givenBack(damaged)));
        assertEquals(model.restarted(), ModelLog.of(opened));
    }

    @Test
    void aRepairThatFailsIsAFailedWrite() throws IOException {
        life();
        SimulatedFiles disk = flipped(FIRST, entryAt(frames(FIRST).get(1), 1) + 50);
        FileStorage opened = Logs.start(disk, SMALL);
        List<EntryId> damaged = opened.recover().damaged();
        int operations = disk.operations();
        disk.failOnceAt(1);
        assertThrows(StorageException.class, () -> opened.repair(givenBack(damaged)));
        assertTrue(disk.operations() > operations);
        assertThrows(StorageException.class, () -> opened.repair(givenBack(damaged)), "a failed write is final");
    }

    @Test
    void anEntryThatIsDamagedAgainByTheTimeItIsReadBackWasNotRepaired() throws IOException {
        life();
        SimulatedFiles disk = flipped(FIRST, entryAt(frames(FIRST).get(1), 1) + 50);
        FileStorage opened = Logs.start(disk, SMALL);
        List<EntryId> damaged = opened.recover().damaged();
        disk.before(operation -> {
            if (operation == SimulatedFiles.Operation.FORCE) {
                disk.flip(FIRST, entryAt(frames(FIRST).get(1), 1) + 60, 0);
            }
        });
        assertThrows(StorageException.class, () -> opened.repair(givenBack(damaged)));
    }

    @Test
    void aCrashAtAnyMomentOfARepairLeavesItDamagedOrRepaired() throws IOException {
        life();
        FrameHeader together = frames(SECOND).get(frames(SECOND).size() - 1);
        SimulatedFiles damagedDisk = flipped(FIRST, entryAt(frames(FIRST).get(0), 0) + 3, entryAt(frames(FIRST).get(1), 1) + 50);
        byte[] second = files.bytes(SECOND);
        second[entryAt(together, 1)] ^= 1;
        damagedDisk.put(SECOND, second);
        List<String> all = List.of("1@1", "4@2", "23@4", "24@4", "25@4");
        int crashes = 0;
        for (Loss loss : Loss.values()) {
            for (int at = 1; at > 0; at++) {
                boolean died = false;
                for (int seed = 0; seed < (loss == Loss.TEARS ? 12 : 1); seed++) {
                    SimulatedFiles disk = damagedDisk.copy();
                    FileStorage opened = Logs.start(disk, SMALL);
                    List<EntryId> damaged = opened.recover().damaged();
                    assertEquals(all, names(damaged));
                    disk.dieAt(at);
                    try {
                        opened.repair(givenBack(damaged));
                    } catch (StorageException e) {
                        died = true;
                    }
                    disk = disk.restart(loss, new Random(seed));
                    FileStorage again = Logs.start(disk, SMALL);
                    List<EntryId> left = again.recover().damaged();
                    assertTrue(all.containsAll(names(left)), () -> left.toString());
                    assertTrue(died || left.isEmpty(), () -> "it was reported as repaired: " + left);
                    assertEquals(left, again.repair(givenBack(left)));
                    FileStorage last = left.isEmpty() ? Logs.start(disk.restart(Loss.NONE, new Random()), SMALL) : again;
                    assertEquals(model.restarted(), ModelLog.of(last), loss + " at " + at + ", seed " + seed);
                    crashes++;
                }
                if (!died) {
                    break;
                }
            }
        }
        assertTrue(crashes > 100, "only " + crashes);
    }

    // ------------------------------------------------------------------------------------------------------- while it is running

    @Test
    void damageMetByAReadEndsItAndIsRepairedWhileTheLogGoesOn() throws IOException {
        life();
        storage = Logs.start(files, SMALL);
        storage.recover();
        lastWrite = 0;
        for (String name : List.of(FIRST, SECOND)) {
            FrameHeader frame = frames(name).get(1);
            long index = frame.firstIndex() + 1;
            EntryId id = model.entries().get((int) index - 1).id();
            files.flip(name, entryAt(frame, 1) + 37, 0);
            assertEquals(model.entries().subList((int) index - 2, (int) index - 1), storage.read(index - 1, 25, 1 << 20));
            EntryDamagedException damaged = assertThrows(EntryDamagedException.class, () -> storage.read(index, 25, 1 << 20));
            assertEquals(id, damaged.entry());
            assertTrue(String.valueOf(damaged.getMessage()).contains("/simulated/" + name + " at offset " + entryAt(frame, 1)),
                damaged::getMessage);
            assertEquals(model.entries().subList((int) index, 25), storage.read(index + 1, 25, 1 << 20));
            long next = model.nextIndex();
            write(4, next, next, 9);
            assertEquals(List.of(id), storage.repair(List.of(written.get(id))));
            assertEquals(model.entries(), storage.read(1, 99, 1 << 20));
        }
    }

    @Test
    void anotherIntactEntryFoundWhileReadingIsDamage() {
        write(1, 1, 4, 0);
        int first = entryAt(frames(FIRST).get(0), 0);
        files.damage(FIRST, first, Arrays.copyOfRange(files.bytes(FIRST), first + SIZE, first + 2 * SIZE));
        assertTrue(String.valueOf(assertThrows(EntryDamagedException.class, () -> storage.read(1, 1, 1 << 20)).getMessage())
            .contains("entry 2@1 is where 1 was written"));
    }

    @Test
    void anImpossibleSizeFoundWhileReadingAllocatesNothing() {
        write(1, 1, 4, 0);
        int first = entryAt(frames(FIRST).get(0), 0);
        for (byte high : new byte[] {(byte) 0x80, 0x7F, 0x01}) {
            files.damage(FIRST, first, new byte[] {high});
            assertThrows(EntryDamagedException.class, () -> storage.read(1, 4, 1 << 20));
        }
        files.damage(FIRST, first, new byte[] {0});
        assertThrows(EntryDamagedException.class, () -> storage.read(1, 4, 1 << 20), "until it is repaired");
        assertEquals(List.of("1@1"), names(storage.repair(List.of(Logs.entry(1, 1, 60)))));
        assertEquals(model.entries(), storage.read(1, 4, 1 << 20));
    }

    @Test
    void whatIsRepairedWhileItIsReadIsReadAgain() {
        write(1, 1, 4, 0);
        files.flip(FIRST, entryAt(frames(FIRST).get(0), 2) + 50, 0);
        files.afterRead(() -> {
            assertThrows(EntryDamagedException.class, () -> storage.read(3, 4, 1 << 20));
            assertEquals(List.of("3@1"), names(storage.repair(List.of(Logs.entry(3, 1, 60)))));
        });
        assertEquals(model.entries().subList(2, 4), storage.read(3, 4, 1 << 20));
        assertEquals(model.entries(), storage.read(1, 4, 1 << 20));
    }

    @Test
    void anEntryThatWasReplacedWhileItWasReadIsNotMarked() {
        write(1, 1, 4, 0);
        files.flip(FIRST, entryAt(frames(FIRST).get(0), 2) + 50, 0);
        files.afterRead(() -> write(2, 3, 5, 0));
        assertEquals(List.of(), storage.read(3, 4, 1 << 20));
        assertEquals(model.entries(), storage.read(1, 9, 1 << 20));
    }

    // ------------------------------------------------------------------------------------------- what ends damage without a repair

    @Test
    void aWriteThatReplacesADamagedEntryEndsTheDamage() throws IOException {
        life();
        int damage = entryAt(frames(FIRST).get(1), 1) + 50;
        for (List<Entry> entries : List.of(List.<Entry>of(), Logs.entries(4, 5, 9, 60))) {
            SimulatedFiles disk = flipped(FIRST, damage, entryAt(frames(FIRST).get(0), 1) + 9);
            FileStorage opened = Logs.start(disk, SMALL);
            assertEquals(List.of("2@1", "4@2"), names(opened.recover().damaged()));
            List<Storage.Write> batch = List.of(new Storage.Write(1, new HardState(9, null, 3), 4, entries));
            opened.write(batch);
            assertEquals(List.of("2@1"), names(opened.recover().damaged()));
            assertEquals(List.of("2@1"), names(opened.repair(givenBack(List.of(new EntryId(1, 2))))));
            ModelLog expected = model.after(batch);
            assertEquals(expected.entries(), ModelLog.of(opened).entries());
            opened.close();
            assertEquals(expected.entries(), ModelLog.of(Logs.start(disk.copy(), SMALL)).entries());
        }
    }

    @Test
    void aRunOfWhichAPartWasReplacedComesBackWithoutIt() throws IOException {
        write(1, 1, 2, 0);
        write(1, 3, 6, 0);
        write(1, 7, 7, 0);
        SimulatedFiles disk = flipped(FIRST, entryAt(frames(FIRST).get(1), 3));
        FileStorage opened = Logs.start(disk, SMALL);
        assertEquals(List.of("3@1", "4@1", "5@1", "6@1"), names(opened.recover().damaged()));
        List<Storage.Write> batch = List.of(new Storage.Write(1, new HardState(2, null, 0), 5, List.of()));
        opened.write(batch);
        List<EntryId> left = opened.recover().damaged();
        assertEquals(List.of("3@1", "4@1"), names(left));
        assertEquals(left, opened.repair(givenBack(left)));
        assertEquals(model.after(batch).entries(), ModelLog.of(opened).entries());
    }

    @Test
    void damageThatTheNewestSnapshotCoversIsForgottenAndTheLogBeginsBehindIt() throws IOException {
        life();
        storage = Logs.start(files, SMALL);
        storage.recover();
        take(storage, 10);
        int covered = entryAt(frames(FIRST).get(1), 1) + 50;
        int open = entryAt(frames(FIRST).get(frames(FIRST).size() - 1), 1) + 50;
        EntryId behind = Entry.decode(files.bytes(FIRST), open - 50, open + SIZE).id();
        assertTrue(behind.index() > 10);
        FileStorage opened = Logs.start(flipped(FIRST, covered, open), SMALL);
        assertEquals(List.of(behind), opened.recover().damaged());
        assertEquals(5, opened.firstIndex());
        assertEquals(List.of(), opened.read(4, 9, 1 << 20));
        assertEquals(model.entries().subList(4, 9), opened.read(5, 9, 1 << 20));
        assertEquals(List.of(behind), opened.repair(givenBack(List.of(behind))));
        assertEquals(List.of(), opened.recover().damaged());
    }

    @Test
    void aCoveredEntryWhoseTermIsOpenIsNotRefused() throws IOException {
        life();
        FrameHeader frame = frames(SECOND).stream().filter(each -> each.firstIndex() == 19).findFirst().orElseThrow();
        storage = Logs.start(files, SMALL);
        storage.recover();
        take(storage, 20);
        FileStorage opened = Logs.start(flipped(SECOND, entryAt(frame, 0) + 40), SMALL);
        Storage.Recovered recovered = opened.recover();
        assertEquals(List.of(), recovered.damaged());
        assertEquals(model.terms(), recovered.log().terms());
        assertEquals(20, opened.firstIndex());
        // The segment gets its index, with this entry in it as unknown.
        opened.write(List.of(Logs.append(1, 26, 40, 4, 60)));
        assertFalse(opened.read(20, 40, 1 << 20).isEmpty());
    }

    @Test
    void aCoveredEntryWhoseTermOnlyTheSnapshotKnowsIsNotRefused() throws IOException {
        write(1, 1, 2, 0);
        List<Entry> entries = List.of(Logs.entry(3, 2, 60), Logs.entry(4, 3, 60));
        write(List.of(new Storage.Write(++lastWrite, new HardState(3, null, 0), 3, entries)));
        write(3, 5, 6, 0);
        SimulatedFiles open = flipped(FIRST, entryAt(frames(FIRST).get(1), 0) + 40);
        assertThrows(StorageCorruptException.class, () -> Logs.start(open, SMALL).recover());
        take(storage, 4);
        Storage.Recovered recovered = Logs.start(flipped(FIRST, entryAt(frames(FIRST).get(1), 0) + 40), SMALL).recover();
        assertEquals(List.of(), recovered.damaged());
        assertEquals(model.terms(), recovered.log().terms());
    }

    @Test
    void aLogThatGoesAsAWholeTakesItsDamageAlong() throws IOException {
        life();
        FrameHeader last = frames(SECOND).get(frames(SECOND).size() - 1);
        FileStorage opened = Logs.start(flipped(SECOND, entryAt(last, 1) + 50), SMALL);
        assertEquals(List.of("24@4"), names(opened.recover().damaged()));
        FileStorage other = Logs.start(new SimulatedFiles(), SMALL);
        other.recover();
        other.write(List.of(Logs.append(1, 1, 12, 9, 60)));
        SnapshotId id = take(other, 12);        // an entry that this log does not hold
        receive(opened, other, id);
        opened.write(List.of(new Storage.Write(1, new HardState(9, null, 12), 13, List.of(), id)));
        Storage.Recovered recovered = opened.recover();
        assertEquals(List.of(), recovered.damaged());
        assertEquals(12, recovered.log().terms().lastIndex());
    }

    private static void receive(FileStorage to, FileStorage from, SnapshotId id) {
        try (Storage.StoredSnapshot stored = from.snapshot(); Storage.SnapshotInput input = to.receiveSnapshot(id)) {
            while (stored != null && input.received() < stored.transferBytes()) {
                input.write(input.received(), stored.read(input.received(), 1 << 20));
            }
            assertTrue(input.complete());
        }
    }

    @Test
    void damageMetByAReadIsForgottenWithTheNextSnapshot() throws IOException {
        life();
        storage = Logs.start(files, SMALL);
        storage.recover();
        files.flip(FIRST, entryAt(frames(FIRST).get(1), 1) + 50, 0);
        assertThrows(EntryDamagedException.class, () -> storage.read(4, 9, 1 << 20));
        take(storage, 10);
        assertEquals(List.of(), storage.read(4, 9, 1 << 20));
        assertEquals(5, storage.firstIndex());
        assertEquals(List.of(), storage.repair(givenBack(List.of(new EntryId(2, 4)))));
        assertEquals(List.of(), Logs.start(files.copy(), SMALL).recover().damaged());
    }

    @Test
    void anInstallationThatCoversDamageEndsIt() throws IOException {
        life();
        SimulatedFiles source = files.copy();
        FileStorage other = Logs.start(source, SMALL);
        other.recover();
        for (long index : new long[] {12, 30}) {    // the log stays, or begins anew
            if (index == 30) {
                other.write(List.of(Logs.append(1, 26, 30, 4, 60)));
            }
            SnapshotId id = take(other, index);
            SimulatedFiles disk = flipped(FIRST, entryAt(frames(FIRST).get(1), 1) + 50);
            FileStorage opened = Logs.start(disk, SMALL);
            assertEquals(List.of("4@2"), names(opened.recover().damaged()));
            receive(opened, other, id);
            opened.write(List.of(new Storage.Write(1, new HardState(4, null, index), index + 1, List.of(), id)));
            Storage.Recovered recovered = opened.recover();
            assertEquals(List.of(), recovered.damaged());
            assertEquals(id, recovered.log().snapshot());
            assertEquals(Math.max(25, index), recovered.log().terms().lastIndex());
        }
    }

    private static SnapshotId take(FileStorage from, long index) throws IOException {
        Entry last = from.read(index, index, 1).get(0);
        SnapshotId id = new SnapshotId(last.id(), Logs.founding(from).membership(), 0);
        try (Storage.SnapshotOutput output = from.beginSnapshot(id)) {
            output.state().write(new byte[200]);
            output.commit();
        }
        return id;
    }
}
