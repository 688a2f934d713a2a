package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.HardState;
import io.quorate.raft.storage.testing.SimulatedFiles;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is kept of a log while it is read, so that it need not be read again. */
class TailTest {

    private static final int BLOCK = 4 << 10;
    private static final int PAYLOAD = 300;
    private static final int FRAMES = 3 * (Entry.HEADER_BYTES + PAYLOAD) + 2 * FrameHeader.BYTES;   // one, and an empty one

    private final SimulatedFiles files = new SimulatedFiles();
    private final List<Entry> log = new ArrayList<>();
    private long lastWrite;

    private FileStorage founded(FileStorage.Options options) throws IOException {
        FileStorage storage = Logs.start(files, options);
        storage.recover();
        return storage;
    }

    private void write(FileStorage storage, long term, long first, List<Entry> entries) {
        storage.write(List.of(new Storage.Write(++lastWrite, new HardState(term, null, 0), first, entries)));
        log.subList((int) first - 1, log.size()).clear();
        log.addAll(entries);
    }

    private List<Entry> kept(FileStorage storage, int bytesMax) throws IOException {
        Recovery recovery = new Recovery(new SimulatedFileSystem(files), storage.identity().replica().incarnation(), null, null, bytesMax);
        recovery.survey();
        return recovery.tail();
    }

    private static int bytes(List<Entry> entries) {
        return entries.stream().mapToInt(Entry::size).sum();
    }

    @ParameterizedTest
    @ValueSource(ints = {1 << 20, 32 << 10})      // in one segment, and in several
    void theNewestEntriesAreKeptAsManyAsAskedForAndNotManyFewer(int segmentBytes) throws IOException {
        FileStorage storage = founded(Logs.TINY.withSegmentBytes(segmentBytes));
        for (int i = 0; i < 150; i++) {
            write(storage, 1, log.size() + 1, Logs.entries(log.size() + 1, log.size() + 3, 1, PAYLOAD));
        }
        storage.close();
        for (int bytesMax : new int[] {0, 100, 5000, 50_000, 100_000, Integer.MAX_VALUE}) {
            List<Entry> kept = kept(storage, bytesMax);
            assertEquals(log.subList(log.size() - kept.size(), log.size()), kept);
            assertTrue(bytes(kept) <= bytesMax, bytes(kept) + " of " + bytesMax);
            int framed = bytes(kept) / (3 * (Entry.HEADER_BYTES + PAYLOAD)) * FRAMES;
            assertTrue(kept.size() == log.size() || framed > bytesMax - BLOCK - 2 * FRAMES, kept.size() + " for " + bytesMax);
        }
    }

    @Test
    void whatWasReplacedIsNotKeptAndWhatComesInItsPlaceIs() throws IOException {
        FileStorage storage = founded(Logs.TINY.withSegmentBytes(1 << 20));
        for (int term = 1; term < 60; term++) {
            long first = Math.max(1, log.size() - term % 7);
            write(storage, term, first, Logs.entries(first, first + term % 11, term, PAYLOAD));
        }
        storage.close();
        assertEquals(log, kept(storage, Integer.MAX_VALUE));
        List<Entry> some = kept(storage, 20_000);
        assertTrue(some.size() > 5 && bytes(some) < 20_000, "" + some.size());
        assertEquals(log.subList(log.size() - some.size(), log.size()), some);
    }

    @Test
    void whereTheLogSeemsToEndTooEarlyNoMoreIsKeptAllTheSame() throws IOException {
        FileStorage storage = founded(Logs.TINY.withSegmentBytes(1 << 20));
        write(storage, 1, 1, Logs.entries(1, 40, 1, PAYLOAD));
        for (int i = 0; i < 20; i++) {      // nothing but zeros, for whole blocks
            write(storage, 1, log.size() + 1, List.of(Entry.of(log.size() + 1, 1, Entry.Kind.COMMAND, 0, new byte[8 * BLOCK])));
        }
        storage.close();
        List<Entry> kept = kept(storage, 20 * BLOCK);
        assertTrue(!kept.isEmpty() && bytes(kept) <= 20 * BLOCK, kept::toString);
        assertEquals(log.subList(log.size() - kept.size(), log.size()), kept);
    }

    @Test
    void anEntryThatIsLargerThanAllThatMayBeKeptIsStillHandedOver() throws IOException {
        FileStorage.Options options = Logs.TINY.withSegmentBytes(1 << 20).withTailBytesMax(1000);
        FileStorage storage = founded(options);
        write(storage, 1, 1, Logs.entries(1, 40, 1, PAYLOAD));
        write(storage, 1, 41, Logs.entries(41, 41, 1, 5000));
        storage.close();
        assertEquals(List.of(), kept(storage, 1000));
        assertEquals(log.subList(40, 41), Logs.start(files, options).recover().log().tail());
    }

    @ParameterizedTest
    @ValueSource(ints = {300, 60_000, 130_000, 140_000, 600_000})      // of which one, seven, or many fit into a megabyte
    void noMoreMemoryIsHeldThanWhatIsKeptNeeds(int payload) throws IOException {
        FileStorage storage = founded(Logs.TINY.withSegmentBytes(8 << 20));
        while (log.isEmpty() || bytes(log) < 6_000_000) {
            write(storage, 1, log.size() + 1, Logs.entries(log.size() + 1, log.size() + 5, 1, payload));
        }
        storage.close();
        List<Entry> kept = kept(storage, 5_000_000);
        assertTrue(bytes(kept) > 1_500_000, "" + bytes(kept));
        Set<byte[]> arrays = Collections.newSetFromMap(new IdentityHashMap<>());
        kept.forEach(entry -> arrays.add(entry.array()));
        int held = arrays.stream().mapToInt(array -> array.length).sum();
        assertTrue(held < bytes(kept) + bytes(kept) / 7 + (2 << 20), held + " bytes for " + bytes(kept));
    }
}
