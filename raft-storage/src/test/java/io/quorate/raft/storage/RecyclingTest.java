package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.EntryDamagedException;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.DiskRoom;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.storage.testing.SimulatedFiles;
import io.quorate.raft.storage.testing.SimulatedFiles.Loss;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The files of segments that are let go of: used again as they are, or deleted; and nothing of what stands in them comes back. */
class RecyclingTest {

    private static final int SEGMENT = 12 << 10;
    private static final int PAYLOAD = 500;
    private static final int SECTOR = 512;
    private static final String FIRST = SegmentHeader.fileName(1);
    private static final FileStorage.Options SMALL =
        FileStorage.Options.defaults().withSegmentBytes(SEGMENT).withPartBytes(1 << 10).withLogTailBytes(0);

    private final SimulatedFiles files = new SimulatedFiles();

    /** A storage that is written to, with a snapshot now and then. */
    private static final class Fed {

        private final FileStorage storage;
        private final int payload;
        private final List<Entry> entries = new ArrayList<>();
        private long writes;

        Fed(FileStorage storage, int payload) {
            this.storage = storage;
            this.payload = payload;
        }

        void append(int count) {
            for (int i = 0; i < count; i++) {
                Entry entry = Logs.entry(entries.size() + 1, 1, payload);
                storage.write(List.of(new Storage.Write(++writes, new HardState(1, null, 0), entry.index(), List.of(entry))));
                entries.add(entry);
            }
        }

        void prepare() {
            while (storage.maintain()) {
                continue;
            }
        }

        /** A snapshot covers all, and every segment but the last is let go of. */
        void letGo() throws IOException {
            SnapshotId id = Snapshot.at(entries.size(), 1);
            Snapshot.take(storage, id, ModelStorage.state(id));
            storage.compact(Long.MAX_VALUE);
        }

        List<Entry> from(long first) {
            return entries.subList((int) first - 1, entries.size());
        }
    }

    private Fed started() throws IOException {
        FileStorage storage = Logs.start(files, SMALL);
        storage.recover();
        return new Fed(storage, PAYLOAD);
    }

    private long lastSegment() {
        return files.list().stream().mapToLong(SegmentHeader::idOf).max().orElseThrow();
    }

    private void fillUpTo(Fed fed, long segment) {
        while (lastSegment() < segment) {
            fed.append(1);
        }
    }

    private List<String> resting() {
        return files.list().stream().filter(name -> name.equals(Spare.NAME) || name.equals(Spare.SECOND)).toList();
    }

    private static byte[] behind(byte[] file) {
        return Arrays.copyOfRange(file, Blocks.BYTES, file.length);
    }

    private static boolean isBlank(byte[] file) {
        return Arrays.equals(new byte[Blocks.BYTES], Arrays.copyOf(file, Blocks.BYTES));
    }

    private void assertRead(Fed fed, SimulatedFiles disk) throws IOException {
        FileStorage again = Logs.start(disk, SMALL);
        assertEquals(List.of(), again.recover().damaged());
        assertEquals(fed.from(again.firstIndex()), again.read(again.firstIndex(), fed.entries.size(), Integer.MAX_VALUE));
        again.close();
    }

    // -------------------------------------------------------------------------------------------------------------- what is used again

    @Test
    void aSegmentThatIsLetGoOfIsTheNextOneAndNoZerosAreWrittenForThat() throws IOException {
        Fed fed = started();
        fillUpTo(fed, 2);
        byte[] first = files.bytes(FIRST);
        fed.letGo();
        fed.prepare();
        assertEquals(List.of(Spare.NAME), resting());
        assertTrue(isBlank(files.bytes(Spare.NAME)));
        assertArrayEquals(behind(first), behind(files.bytes(Spare.NAME)));
        fillUpTo(fed, 3);
        byte[] third = files.bytes(SegmentHeader.fileName(3));
        assertArrayEquals(behind(first), behind(third));
        assertFalse(isBlank(third));
        fed.storage.close();
        assertRead(fed, files.copy());
    }

    @Test
    void oneMoreRestsForTheSegmentBehindTheNextAndOthersAreDeleted() throws IOException {
        Fed fed = started();
        fillUpTo(fed, 5);
        byte[] first = files.bytes(FIRST);
        fed.prepare();
        byte[] zeros = files.bytes(Spare.NAME);
        assertArrayEquals(new byte[SEGMENT], zeros);
        fed.letGo();
        fed.prepare();
        assertEquals(List.of(Spare.SECOND, Spare.NAME), resting());
        assertArrayEquals(zeros, files.bytes(Spare.NAME));
        assertArrayEquals(behind(first), behind(files.bytes(Spare.SECOND)));
        assertEquals(1, files.list().stream().filter(name -> SegmentHeader.idOf(name) != 0).count());
        assertTrue(files.list().stream().noneMatch(name -> name.endsWith(Spare.UNFINISHED)), () -> files.list().toString());
        int operations = files.operations();
        fillUpTo(fed, 6);
        fed.prepare();
        assertEquals(List.of(Spare.SECOND), resting(), "the next one is there, so there is no need for zeros");
        fillUpTo(fed, 7);
        assertTrue(files.operations() > operations);
        assertRead(fed, files.restart(Loss.LOSES_ALL, new Random(1)));
    }

    @Test
    void theyAreKeptOverARestart() throws IOException {
        Fed fed = started();
        fillUpTo(fed, 4);
        fed.prepare();
        fed.letGo();
        fed.prepare();
        byte[] second = files.bytes(Spare.SECOND);
        fed.storage.close();
        FileStorage again = Logs.start(files, SMALL);
        again.recover();
        assertArrayEquals(second, files.bytes(Spare.SECOND));
        Fed more = new Fed(again, PAYLOAD);
        more.entries.addAll(fed.entries);
        fillUpTo(more, 6);
        assertArrayEquals(behind(second), behind(files.bytes(SegmentHeader.fileName(6))));
        assertRead(more, files.restart(Loss.LOSES_ALL, new Random(1)));
    }

    @Test
    void oneThatStillBeginsAsASegmentDoesOrIsOfAnotherSizeIsDeleted() throws IOException {
        Fed fed = started();
        fillUpTo(fed, 2);
        fed.storage.close();
        for (byte[] found : List.of(files.bytes(FIRST), new byte[SEGMENT - 1])) {
            SimulatedFiles disk = files.copy();
            disk.put(Spare.SECOND, found);
            assertRead(fed, disk);
            assertFalse(disk.list().contains(Spare.SECOND));
        }
    }

    @Test
    void aSegmentOfAnotherSizeIsDeleted() throws IOException {
        Fed fed = started();
        Entry large = Logs.entry(1, 1, 2 * SEGMENT);
        fed.storage.write(List.of(new Storage.Write(++fed.writes, new HardState(1, null, 0), 1, List.of(large))));
        fed.entries.add(large);
        fillUpTo(fed, 3);
        assertTrue(files.bytes(SegmentHeader.fileName(2)).length > SEGMENT);
        fed.letGo();
        fed.prepare();
        assertEquals(List.of(Spare.NAME), resting(), "the first one");
    }

    // -------------------------------------------------------------------------------------------------------------- what is not

    private enum Fault { ENTRY_READ, ENTRY_AT_OPENING, INDEX, INDEX_READ, HEADER, UNREADABLE_GAP }

    @ParameterizedTest
    @EnumSource(Fault.class)
    void aSegmentInWhichDamageWasEverFoundIsDeleted(Fault fault) throws IOException {
        Fed fed = started();
        fed.append(9);
        Entry large = Logs.entry(10, 1, SEGMENT / 2);       // so that there is a gap before the first one's index
        fed.storage.write(List.of(new Storage.Write(++fed.writes, new HardState(1, null, 0), 10, List.of(large))));
        fed.entries.add(large);
        fillUpTo(fed, 7);
        fed.prepare();
        fed.storage.close();
        int entryAt = SegmentHeader.BYTES + 4 * FrameHeader.BYTES;
        if (fault == Fault.ENTRY_AT_OPENING) {
            files.flip(FIRST, entryAt, 0);
        }
        FileStorage again = Logs.start(files, SMALL);
        again.recover();
        Fed on = new Fed(again, PAYLOAD);
        on.entries.addAll(fed.entries);
        switch (fault) {
            case ENTRY_READ -> {
                files.flip(FIRST, entryAt, 0);
                assertThrows(EntryDamagedException.class, () -> again.read(1, 3, 1));
            }
            case INDEX -> {
                files.flip(FIRST, SEGMENT - 1, 0);
                scrubRound(again);
            }
            case INDEX_READ -> {
                files.flip(FIRST, SEGMENT - 1, 0);
                assertEquals(fed.entries.subList(0, 3), again.read(1, 3, Integer.MAX_VALUE));
            }
            case HEADER -> {
                files.flip(FIRST, 9, 0);
                scrubRound(again);
            }
            case UNREADABLE_GAP -> {
                int gap = endOfFrames(files.bytes(FIRST), 1, again.identity().replica().incarnation());
                files.makeUnreadable(FIRST, gap + 700, 1);
                scrubRound(again);
            }
            default -> { }
        }
        again.compact(Long.MAX_VALUE);
        on.letGo();
        on.prepare();
        assertFalse(files.list().contains(FIRST));
        byte[] second = files.list().contains(Spare.SECOND) ? files.bytes(Spare.SECOND) : new byte[0];
        assertTrue(second.length > 0, "another one is used");
        FrameHeader last = null;
        for (int at = Blocks.BYTES; at + FrameHeader.BYTES <= SEGMENT; at++) {
            FrameHeader found = FrameHeader.decode(second, at, again.identity().replica().incarnation(), 1, at);
            last = found == null ? last : found;
        }
        assertEquals(null, last, "a frame of the first one");
    }

    private static int endOfFrames(byte[] bytes, long id, long incarnation) {
        int end = SegmentHeader.BYTES;
        for (FrameHeader at = FrameHeader.decode(bytes, end, incarnation, id, end); at != null;
             at = FrameHeader.decode(bytes, end, incarnation, id, end)) {
            end += FrameHeader.BYTES + at.length();
        }
        return end;
    }

    private static void scrubRound(FileStorage storage) {
        for (boolean isDone = false; !isDone; ) {
            isDone = storage.scrub(1 << 20).isRoundDone();
        }
    }

    // -------------------------------------------------------------------------------------------------------------- who reads beside it

    /** What is being read is let go of, used again and written over, before any of its reads: it gets less, and no damage is found. */
    @Test
    void whoReadsFromASegmentThatIsWrittenOverMeanwhileGetsWhatIsWholeAndFindsNoDamage() throws IOException {
        int reads = 0;
        Set<Integer> lengths = new HashSet<>();
        for (boolean isMet = true; isMet; reads++) {
            SimulatedFiles disk = new SimulatedFiles();
            FileStorage first = Logs.start(disk, SMALL);
            first.recover();
            Fed fed = new Fed(first, PAYLOAD);
            while (disk.list().stream().mapToLong(SegmentHeader::idOf).max().orElse(0) < 8) {
                fed.append(1);      // so many that not all places are in memory
            }
            int[] untilLetGo = {reads};
            boolean[] isLetGo = {false};
            disk.before(operation -> {
                if (operation == SimulatedFiles.Operation.READ && untilLetGo[0]-- == 0) {
                    isLetGo[0] = true;
                    writeOver(fed);
                }
            });
            List<Entry> found = first.read(1, 20, Integer.MAX_VALUE);
            isMet = isLetGo[0];
            assertEquals(Logs.entries(1, found.size(), 1, PAYLOAD), found, "let go before read " + reads);
            lengths.add(found.size());
            disk.before(operation -> { });
            scrubRound(first);
            first.close();
            FileStorage again = Logs.start(disk, SMALL);
            assertEquals(List.of(), again.recover().damaged());
            again.close();
        }
        assertTrue(reads > 3, "only " + reads);
        assertTrue(lengths.contains(0) && lengths.contains(20) && lengths.size() > 2, lengths::toString);
    }

    private static void writeOver(Fed fed) {
        try {
            fed.letGo();
            fed.prepare();
            fed.append(3 * SEGMENT / PAYLOAD);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** The same of a file that is given back in pieces. */
    @Test
    void whoReadsFromASegmentThatIsCutMeanwhileGetsWhatIsWholeAndFindsNoDamage(@TempDir Path directory) throws IOException {
        int segment = Discarded.STEP_BYTES + (1 << 20);
        FileStorage.Options options = SMALL.withSegmentBytes(segment).unsafeNoFsync();
        int reads = 0;
        int found = -1;
        for (boolean isMet = true; isMet; reads++) {
            int[] untilCut = {reads};
            boolean[] isCut = {false};
            Fed[] fed = new Fed[1];
            HookedFiles hooked = new HookedFiles(new LocalFileSystem(directory.resolve("" + reads), false), () -> {
                if (fed[0] != null && untilCut[0]-- == 0) {
                    isCut[0] = true;
                    cut(fed[0]);
                }
            });
            FileStorage storage = FileStorage.open(hooked, 1, Life.INCARNATION, options);
            storage.found(Logs.founding(storage));
            storage.recover();
            Fed writing = new Fed(storage, 300_000);
            writing.append(3 * (segment / 300_000));
            writing.prepare();
            fed[0] = writing;
            int first = segment / 300_000 + 3;      // in the second segment: the file of the first is used again
            List<Entry> some = storage.read(first, first + 12, Integer.MAX_VALUE);
            isMet = isCut[0];
            fed[0] = null;
            found = some.size();
            assertEquals(writing.entries.subList(first - 1, first - 1 + found), some);
            scrubRound(storage);
            storage.close();
        }
        assertTrue(reads > 2, "only " + reads);
        assertEquals(13, found, "all, when nobody cut it");
    }

    private static void cut(Fed fed) {
        try {
            fed.letGo();
            for (int i = 0; i < 5; i++) {
                fed.storage.maintain();     // the first one rests, and is made ready; the second is renamed, cut, and deleted
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    // -------------------------------------------------------------------------------------------------------------- what comes back

    /** Of two entries that a segment had at one index, one was replaced: where a write gets lost over the other, that one is no answer. */
    @Test
    void anEntryOfAnEarlierSegmentThatWasReplacedIsNotTakenForOneWhoseWriteGotLost() throws IOException {
        Fed fed = started();
        fed.append(2);
        byte[] stale = files.bytes(FIRST).clone();
        Entry replaced = fed.entries.get(1);
        Entry now = Logs.entry(2, 2, PAYLOAD);
        fed.storage.write(List.of(new Storage.Write(++fed.writes, new HardState(2, null, 0), 2, List.of(now))));
        byte[] bytes = files.bytes(FIRST);
        int nowAt = indexOf(bytes, now);
        files.damage(FIRST, nowAt, Arrays.copyOfRange(stale, indexOf(stale, replaced), indexOf(stale, replaced) + replaced.size()));
        EntryDamagedException damaged = assertThrows(EntryDamagedException.class, () -> fed.storage.read(2, 2, 1));
        assertEquals(now.id(), damaged.entry());
    }

    private static int indexOf(byte[] bytes, Entry entry) {
        byte[] wanted = Arrays.copyOfRange(entry.array(), entry.offset(), entry.offset() + entry.size());
        for (int at = 0; at + wanted.length <= bytes.length; at++) {
            if (Arrays.equals(bytes, at, at + wanted.length, wanted, 0, wanted.length)) {
                return at;
            }
        }
        throw new AssertionError(entry + " is not there");
    }

    /** Whatever the last frame in such a file is cut off to: what was there before is not gone on with. */
    @Test
    void theLastFrameCutOffAnywhereInAFileThatWasUsedBeforeIsDroppedAndNothingElseIsFoundThere() throws IOException {
        Fed fed = started();
        fillUpTo(fed, 4);
        fed.letGo();
        fed.prepare();
        fillUpTo(fed, 5);
        String last = SegmentHeader.fileName(5);
        fed.append(6);
        byte[] before = files.bytes(last);
        fed.append(1);
        byte[] after = files.bytes(last);
        assertTrue(files.list().contains(last) && !Arrays.equals(behind(before), new byte[SEGMENT - Blocks.BYTES]));
        int begin = Arrays.mismatch(before, after);
        for (int from = begin; from < begin + FrameHeader.BYTES + Entry.HEADER_BYTES + PAYLOAD; from += 3) {
            byte[] torn = before.clone();
            System.arraycopy(after, begin, torn, begin, from - begin);
            SimulatedFiles disk = files.copy();
            disk.put(last, torn);
            FileStorage again = Logs.start(disk, SMALL);
            assertEquals(fed.entries.size() - 1, again.recover().log().terms().lastIndex(), "cut off at " + from);
            again.close();
        }
        assertRead(fed, files.copy());
    }

    /** What was there before is no unfinished write, and one is still told as long as its beginning is there. */
    @Test
    void whoLooksAtSuchADirectoryFindsNothingWrongAndTellsAnUnfinishedWrite() throws IOException {
        Fed fed = started();
        fillUpTo(fed, 4);
        fed.letGo();
        fed.prepare();
        fillUpTo(fed, 5);
        fed.append(6);
        String last = SegmentHeader.fileName(5);
        fed.storage.close();
        SimulatedFileSystem seen = new SimulatedFileSystem(files);
        byte[] bytes = files.bytes(last);
        int end = endOfFrames(bytes, 5, fed.storage.identity().replica().incarnation());
        assertFalse(Arrays.equals(new byte[SEGMENT - end], Arrays.copyOfRange(bytes, end, SEGMENT)));
        assertEquals(List.of(), ChecksumWalk.of(seen).wrong());
        Inspection whole = Inspection.of(seen);
        assertEquals(null, whole.damage());
        assertEquals(-1, whole.unfinishedAt());
        assertEquals(fed.entries.size(), whole.last().index());
        FileStorage again = Logs.start(files, SMALL);
        again.recover();
        again.write(List.of(Logs.append(1, fed.entries.size() + 1, fed.entries.size() + 1, 1, PAYLOAD)));
        byte[] torn = files.bytes(last);
        torn[end + FrameHeader.BYTES + Entry.HEADER_BYTES] ^= 1;
        files.put(last, torn);
        assertEquals(end, Inspection.of(seen).unfinishedAt());
        assertEquals(List.of(), ChecksumWalk.of(seen).wrong());
    }

    /** Its kernel shows zeros and calls them clean, though the disk still has what was dropped. */
    @Test
    void zerosThatAnOpeningCouldNotForceAreWrittenByTheNextOne() throws IOException {
        Fed fed = started();
        fed.append(2);
        long incarnation = fed.storage.identity().replica().incarnation();
        int before = endOfFrames(files.bytes(FIRST), 1, incarnation) + 2 * FrameHeader.BYTES + Entry.HEADER_BYTES;
        fed.storage.write(List.of(Logs.append(99, 3, 3, 1, SECTOR - before % SECTOR)));     // the next frame shares no sector with this one
        fed.storage.close();
        int end = endOfFrames(files.bytes(FIRST), 1, incarnation);
        assertEquals(0, end % SECTOR);
        FileStorage again = Logs.start(files, SMALL);
        again.recover();
        new Fed(again, PAYLOAD).storage.write(List.of(Logs.append(1, 4, 4, 1, PAYLOAD)));
        byte[] torn = files.bytes(FIRST);
        FrameHeader dropped = FrameHeader.decode(torn, end, incarnation, 1, end);
        assertEquals(1, dropped.count());
        torn[end + FrameHeader.BYTES + Entry.HEADER_BYTES] ^= 1;
        files.put(FIRST, torn);
        int forces = 0;
        int met = 0;
        for (boolean isMet = true; isMet; forces++) {
            SimulatedFiles disk = files.copy();
            disk.fail(SimulatedFiles.Operation.FORCE, forces);
            isMet = false;
            try {
                Logs.start(disk, SMALL).recover();
            } catch (IOException | StorageException e) {
                isMet = true;
            }
            SimulatedFiles same = disk.restart(Loss.NONE, new Random(1));
            Logs.start(same, SMALL).recover();
            SimulatedFiles later = same.restart(Loss.LOSES_ALL, new Random(1));
            FrameHeader there = FrameHeader.decode(later.bytes(FIRST), end, incarnation, 1, end);
            assertTrue(there == null || there.count() == 0, "still there after force " + forces + " failed");
            met += isMet ? 1 : 0;
        }
        assertEquals(2, met, "of the identity, and of the log");
    }

    @Test
    void aFrameIsFoundWhereverItBegins() throws IOException {
        byte[] header = new FrameHeader(3, 0, 0, 9, 9, 1, 0, false, new HardState(1, null, 0), 0, 0, 0).encode(5);
        Random random = new Random(1);
        for (int at = 0; at < 400; at++) {
            byte[] bytes = new byte[600];
            random.nextBytes(bytes);
            byte[] there = new FrameHeader(3, at, 0, 9, 9, 1, 0, false, new HardState(1, null, 0), 0, 0, 0).encode(5);
            System.arraycopy(there, 0, bytes, at, header.length);
            SimulatedFiles disk = new SimulatedFiles();
            disk.put("x", bytes);
            try (FileHandle file = new SimulatedFileSystem(disk).open("x")) {
                SegmentReader reader = new SegmentReader(file, bytes.length);
                for (int from = Math.max(0, at - 17); from <= at; from++) {
                    FrameHeader found = reader.findFrame(from, 5, 3);
                    assertEquals(at, found == null ? -1 : found.offset());
                }
                assertEquals(null, reader.findFrame(at + 1, 5, 3));
                assertEquals(null, reader.findFrame(0, at + header.length - 1, 5, 3));
            }
        }
    }

    // -------------------------------------------------------------------------------------------------------------- room

    @Test
    void theSecondFileIsKeptOnlyIfThereIsRoomForYetAnotherAndSomethingToSpare() throws IOException {
        for (int room : new int[] {0, SEGMENT, SEGMENT + SEGMENT / 4 - 1, SEGMENT + SEGMENT / 4}) {
            SimulatedFiles disk = new SimulatedFiles();
            FileStorage storage = Logs.start(disk, SMALL);
            storage.recover();
            Fed fed = new Fed(storage, PAYLOAD);
            fed.append(2 * SEGMENT / PAYLOAD);
            fed.prepare();
            SnapshotId id = Snapshot.at(fed.entries.size(), 1);
            Snapshot.take(storage, id, ModelStorage.state(id));
            disk.limit(used(disk) + room);
            storage.compact(Long.MAX_VALUE);
            storage.maintain();
            assertEquals(room >= SEGMENT + SEGMENT / 4, disk.list().contains(Spare.SECOND), "with room for " + room);
            storage.close();
        }
    }

    @Test
    void theSecondFileIsGivenUpWhenThereIsLittleRoomLeft() throws IOException {
        Fed fed = started();
        fillUpTo(fed, 3);
        fed.prepare();
        fed.letGo();
        fed.prepare();
        assertEquals(2, resting().size());
        files.limit(used(files) + SEGMENT / 4);
        for (int i = 0; i < 40; i++) {
            fed.storage.maintain();
        }
        assertEquals(2, resting().size());
        files.limit(used(files) + SEGMENT / 4 - 1);
        for (int i = 0; i < 20; i++) {
            fed.storage.maintain();
        }
        assertEquals(List.of(Spare.NAME), resting());
        assertEquals(DiskRoom.PLENTY, fed.storage.room());
    }

    @Test
    void onAFullDiskTheSecondFileGoesFirstWhenADirectoryIsOpened() throws IOException {
        Fed fed = started();
        fillUpTo(fed, 3);
        fed.prepare();
        fed.letGo();
        fed.prepare();
        fed.storage.close();
        files.limit(used(files));
        FileStorage again = FileStorage.open(files, 1, SMALL);
        assertFalse(files.list().contains(Spare.SECOND));
        assertTrue(files.list().containsAll(List.of(Spare.NAME, HeadRoom.RESERVE)), () -> files.list().toString());
        again.close();
    }

    /** It takes the room that was its own already: so it is there again at once. */
    @Test
    void aNextSegmentForWhichThereIsNoRoomIsHadFromOneThatIsLetGoOf() throws IOException {
        Fed fed = started();
        fillUpTo(fed, 2);
        SnapshotId id = Snapshot.at(fed.entries.size(), 1);
        Snapshot.take(fed.storage, id, ModelStorage.state(id));
        files.limit(used(files) + SEGMENT / 4);
        fed.prepare();
        assertEquals(DiskRoom.LOW, fed.storage.room());
        fed.storage.compact(Long.MAX_VALUE);
        fed.prepare();
        assertEquals(List.of(Spare.NAME), resting());
        assertEquals(DiskRoom.PLENTY, fed.storage.room());
        assertFalse(Arrays.equals(new byte[SEGMENT], files.bytes(Spare.NAME)), "it is made of zeros");
    }

    private static long used(SimulatedFiles disk) {
        return disk.list().stream().mapToLong(name -> disk.bytes(name).length).sum();
    }

    // -------------------------------------------------------------------------------------------------------------- its pace

    /**
     * A disk that always has something to write maintains its storage once in so many bytes of entries: that has to be enough, also for
     * entries of which the segment's index takes as much as they do themselves.
     */
    @Test
    void theNextSegmentIsReadyBeforeThisOneIsFullThoughTheDiskAlwaysHasSomethingToWrite() throws IOException {
        FileStorage storage = Logs.start(files, SMALL.withSegmentBytes(8 << 20));
        storage.recover();
        int segments = segments();
        long written = 0;
        long maintained = 0;
        for (long id = 1; segments() == segments; id++) {
            boolean isReady = files.list().contains(Spare.NAME);
            Storage.Write write = Logs.append(id, 1000 * (id - 1) + 1, 1000 * id, 1, 1);
            storage.write(List.of(write));
            assertTrue(isReady || segments() == segments, "zeros were written within a write, after " + written + " bytes");
            written += write.entries().stream().mapToLong(Entry::size).sum();
            for (; written - maintained >= Storage.MAINTAINED_BYTES; maintained += Storage.MAINTAINED_BYTES) {
                storage.maintain();
            }
        }
        storage.close();
    }

    private int segments() {
        return (int) files.list().stream().filter(name -> name.endsWith(".seg") && !name.equals(Spare.NAME)).count();
    }

    @Test
    void aFileIsGivenBackInPieces(@TempDir Path directory) throws IOException {
        LocalFileSystem local = new LocalFileSystem(directory, true);
        Path file = directory.resolve(FIRST);
        Files.write(file, new byte[2 * Discarded.STEP_BYTES + 7]);
        try (Discarded discarded = new Discarded(local)) {
            assertFalse(discarded.step());
            discarded.begin(FIRST);
            Path renamed = directory.resolve(FIRST + Spare.UNFINISHED);
            assertFalse(Files.exists(file));
            for (int left : new int[] {Discarded.STEP_BYTES + 7, 7}) {
                assertTrue(discarded.isBegun() && discarded.step());
                assertEquals(left, Files.size(renamed));
            }
            assertTrue(discarded.step());
            assertFalse(Files.exists(renamed) || discarded.isBegun() || discarded.step());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void whatIsToBeUsedComesBeforeWhatIsToBeDeleted(int steps) throws IOException {
        Fed fed = started();
        fillUpTo(fed, 6);
        fed.letGo();
        for (int i = 0; i < steps; i++) {
            fed.storage.maintain();
        }
        assertEquals(steps == 0 ? List.of() : steps < 3 ? List.of(Spare.NAME) : List.of(Spare.SECOND, Spare.NAME), resting());
        assertEquals(steps >= 2, resting().contains(Spare.NAME) && isBlank(files.bytes(Spare.NAME)));
    }

    @Test
    void aSegmentThatCannotBeOpenedToBeUsedAgainIsDeleted() throws IOException {
        HookedFiles hooked = new HookedFiles(new SimulatedFileSystem(files), () -> { });
        FileStorage storage = FileStorage.open(hooked, 1, Life.INCARNATION, SMALL);
        storage.found(Logs.founding(storage));
        storage.recover();
        Fed fed = new Fed(storage, PAYLOAD);
        fillUpTo(fed, 2);
        hooked.refuseToOpenForLog(name -> true);
        fed.letGo();
        while (storage.maintain()) {
            hooked.refuseToOpenForLog(name -> false);
        }
        assertFalse(files.list().contains(FIRST));
        assertArrayEquals(new byte[SEGMENT], files.bytes(Spare.NAME));
        fed.append(1);
        storage.close();
    }

    @Test
    void anOpeningThatFailsAtTheSecondFileLeavesTheFirstClosed() throws IOException {
        Fed fed = started();
        fillUpTo(fed, 6);
        fed.letGo();
        while (fed.storage.maintain()) {
            continue;
        }
        fed.storage.close();
        assertEquals(List.of(Spare.SECOND, Spare.NAME), resting());
        HookedFiles hooked = new HookedFiles(new SimulatedFileSystem(files), () -> { });
        hooked.refuseToOpenForLog(Spare.SECOND::equals);
        try (FileStorage storage = FileStorage.open(hooked, 1, Life.INCARNATION, SMALL)) {
            assertThrows(StorageException.class, storage::recover);
        }
        assertEquals(List.of(), hooked.openForLog());
        hooked.refuseToOpenForLog(name -> false);
        try (FileStorage storage = FileStorage.open(hooked, 1, Life.INCARNATION, SMALL)) {
            storage.recover();
            assertTrue(hooked.openForLog().containsAll(resting()), "both are open now");
        }
        assertEquals(List.of(), hooked.openForLog());
    }

    /** A failure to make one ready is final like any other. */
    @Test
    void aFailureOnTheWayIsFinal() throws IOException {
        for (SimulatedFiles.Operation kind : List.of(SimulatedFiles.Operation.RENAME, SimulatedFiles.Operation.FORCE)) {
            SimulatedFiles disk = new SimulatedFiles();
            FileStorage storage = Logs.start(disk, SMALL);
            storage.recover();
            Fed fed = new Fed(storage, PAYLOAD);
            fed.append(2 * SEGMENT / PAYLOAD);
            fed.letGo();
            disk.fail(kind, 0);
            assertThrows(StorageException.class, fed::prepare, kind::toString);
            assertThrows(StorageException.class, storage::maintain);
        }
    }
}
