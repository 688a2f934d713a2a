package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.EntryDamagedException;
import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.storage.testing.SimulatedFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where the entries of segments are that were full long ago: by their indexes, and without them. */
class PlaceFinderTest {

    private static final int SECTOR = 512;
    private static final String FIRST = SegmentHeader.fileName(1);
    private static final FileStorage.Options SMALL = Logs.TINY.withSegmentBytes(16 << 10);
    private static final int PAYLOAD = 200;
    private static final int SIZE = Entry.HEADER_BYTES + PAYLOAD;

    private SimulatedFiles files = new SimulatedFiles();
    private final List<Entry> log = new ArrayList<>();
    private FileStorage storage;
    private long lastWrite;
    private int payload;

    @BeforeEach
    void life() throws IOException {
        life(PAYLOAD);
    }

    /** More segments than are known by heart, entries that were replaced in between, frames of one to four entries. */
    private void life(int payloadBytes) throws IOException {
        payload = payloadBytes;
        storage = Logs.start(files, SMALL);
        storage.recover();
        long term = 1;
        for (int i = 0; segments().size() < EntryIndex.KEPT_SEGMENTS + 5; i++) {
            write(term, log.size() + 1, 1 + i % 4);
            if (i % 10 == 9) {
                term++;
                write(term, log.size() - 4, 3);
            }
        }
        forget(storage);
    }

    private void write(long term, long first, int count) {
        List<Entry> entries = Logs.entries(first, first + count - 1, term, payload);
        storage.write(List.of(new Storage.Write(++lastWrite, new HardState(term, null, 0), first, entries)));
        log.subList((int) first - 1, log.size()).clear();
        log.addAll(entries);
    }

    private List<String> segments() {
        return files.list().stream().filter(name -> SegmentHeader.idOf(name) != 0).toList();
    }

    /** What is known by heart of the first segment gives way to the later ones. */
    private void forget(FileStorage running) {
        assertEquals(log.subList(lastOfFirst(), log.size()), running.read(lastOfFirst() + 1, log.size(), Integer.MAX_VALUE));
    }

    private int lastOfFirst() {
        byte[] second = files.bytes(SegmentHeader.fileName(2));
        return (int) ByteBuffer.wrap(second).getLong(32) - 1;      // docs/storage-format.md
    }

    private int seal(String name) {
        byte[] bytes = files.bytes(name);
        int count = SegmentSeal.claimedCount(ByteBuffer.wrap(bytes), bytes.length - SegmentSeal.TRAILER_BYTES, SegmentHeader.idOf(name));
        return bytes.length - (int) SegmentSeal.bytes(count);
    }

    /** Where the entry that the log has at this index begins in the first segment. */
    private int offset(long index) {
        byte[] bytes = files.bytes(FIRST);
        byte[] wanted = log.get((int) index - 1).array();
        for (int at = 0; at < seal(FIRST); at++) {
            if (ByteBuffer.wrap(bytes, at, SIZE).equals(ByteBuffer.wrap(wanted))) {
                return at;
            }
        }
        throw new AssertionError("entry " + index);
    }

    @Test
    void whateverIsAskedForInWhicheverOrderIsReadWhereTheIndexSays() throws IOException {
        for (FileStorage each : List.of(storage, again())) {
            for (int percent : new int[] {0, 70, 15, 99, 1, 30, 85, 0, 60, 45, 75}) {
                int first = 1 + percent * (log.size() - 20) / 100;
                assertEquals(log.subList(first - 1, first + 19), each.read(first, first + 19, Integer.MAX_VALUE));
            }
            assertEquals(log, each.read(1, log.size(), Integer.MAX_VALUE));
        }
    }

    private FileStorage again() throws IOException {
        FileStorage opened = Logs.start(files.copy(), SMALL);
        opened.recover();
        forget(opened);
        return opened;
    }

    @Test
    void anIndexThatWasDamagedSinceIsNotBelievedAndTheFramesTell() throws IOException {
        int size = SMALL.segmentBytes();
        for (int at = seal(FIRST); at < size; at += 3) {
            SimulatedFiles disk = files.copy();
            FileStorage running = Logs.start(disk, SMALL);
            running.recover();
            forget(running);
            disk.flip(FIRST, at, 2);
            assertEquals(log, running.read(1, log.size(), Integer.MAX_VALUE), "byte " + at);
        }
    }

    /** With the second size, the last header and the entries behind it share a sector with the beginning of the index. */
    @ParameterizedTest
    @ValueSource(ints = {PAYLOAD, 3})
    void whicheverSectorOfASegmentFailsItsEntriesAreStillReadOrComeBack(int payloadBytes) throws IOException {
        files = new SimulatedFiles();
        log.clear();
        lastWrite = 0;
        life(payloadBytes);
        int repaired = 0;
        for (int at = 0; at < SMALL.segmentBytes(); at += SECTOR) {
            String where = "sector at " + at;
            SimulatedFiles disk = files.copy();
            FileStorage running = Logs.start(disk, SMALL);
            running.recover();
            forget(running);
            disk.makeUnreadable(FIRST, at, SECTOR);
            List<Entry> damaged = new ArrayList<>();
            for (int index = 1; index <= lastOfFirst(); index++) {
                Entry entry = log.get(index - 1);
                try {
                    assertEquals(List.of(entry), running.read(index, index, Integer.MAX_VALUE), where);
                } catch (EntryDamagedException e) {
                    assertEquals(entry.id(), e.entry());
                    damaged.add(entry);
                }
            }
            List<EntryId> ids = damaged.stream().map(Entry::id).toList();
            assertTrue(damaged.size() <= SECTOR / (Entry.HEADER_BYTES + payload) + 2, ids + " for the " + where);
            assertEquals(ids, running.repair(damaged), where);
            assertEquals(log, running.read(1, log.size(), Integer.MAX_VALUE), where);
            repaired += damaged.isEmpty() ? 0 : 1;
        }
        assertTrue(repaired > seal(FIRST) / SECTOR - 5, "" + repaired);
    }

    /** With the index, where sizes stand cannot be told from the entries either. */
    @Test
    void withoutTheIndexEntriesBehindADamagedSizeAreFetchedWithItAsOneRun() {
        assertEquals(offset(7) + 3 * SIZE, offset(10), "they are of one frame");
        files.flip(FIRST, seal(FIRST), 0);
        files.flip(FIRST, offset(8) + 2, 0);      // of the second of four entries, and so nobody knows where the third begins
        assertEquals(log.subList(0, 7), storage.read(1, 12, Integer.MAX_VALUE));
        for (int index : new int[] {8, 9, 10}) {
            EntryDamagedException damaged = assertThrows(EntryDamagedException.class, () -> storage.read(index, 12, Integer.MAX_VALUE));
            assertEquals(log.get(index - 1).id(), damaged.entry());
        }
        assertEquals(log.subList(10, 20), storage.read(11, 20, Integer.MAX_VALUE));
        List<Entry> lost = log.subList(7, 10);
        assertEquals(lost.stream().map(Entry::id).toList(), storage.repair(lost));
        assertEquals(log, storage.read(1, log.size(), Integer.MAX_VALUE));
    }

    /** Two things are lost at once that could have told; what nobody can tell of is not made up, and all else goes on. */
    @Test
    void withoutTheIndexNobodyKnowsWhatIsBehindADamagedHeaderButForTheLastEntries() {
        files.flip(FIRST, seal(FIRST), 0);
        files.flip(FIRST, offset(11) - FrameHeader.BYTES + 20, 0);
        Entry lost = log.get(10);
        EntryDamagedException damaged = assertThrows(EntryDamagedException.class, () -> storage.read(11, 12, Integer.MAX_VALUE));
        assertEquals(lost.id(), damaged.entry());
        assertTrue(String.valueOf(damaged.getMessage()).contains("is not to be found"), damaged::getMessage);
        assertEquals(log.subList(0, 10), storage.read(1, 12, Integer.MAX_VALUE));
        assertEquals(List.of(), storage.repair(List.of(lost)));
        int last = lastOfFirst();
        assertEquals(log.subList(last - 5, log.size()), storage.read(last - 4, log.size(), Integer.MAX_VALUE));
        write(log.get(log.size() - 1).term(), log.size() + 1, 3);
        assertEquals(log.subList(300, log.size()), storage.read(301, log.size(), Integer.MAX_VALUE));
    }
}
