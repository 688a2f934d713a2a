package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.EntryDamagedException;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.storage.testing.SimulatedFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A directory that was closed in order, with a file of every kind in it, and damaged in one place: each byte wrong, each file cut off
 * anywhere, gone, under another's name, or replaced by an older copy of itself. That is noticed (refused, or marked as an entry to be
 * repaired, and it is said where and what to do), or it does no harm at all.
 */
class EveryByteTest {

    private static final FileStorage.Options OPTIONS = Life.options(2 << 10);
    private static final String DO_NOT_TOUCH = "Change nothing in this directory";
    private static final String OTHER_VERSION = "run the version that wrote it, or a newer one";
    private static final String NO_IDENTITY = "Put it back if it was moved";

    /** What a damaged directory was taken for. */
    private enum Verdict {
        /** Not opened, and told where and why. */
        REFUSED,
        /** Some entries are known to be damaged, by their names; all else is right. */
        MARKED,
        /** All is right, but for a snapshot that says where it is damaged when it is read. */
        STATE_REFUSED,
        /** All is right. */
        HARMLESS
    }

    private SimulatedFiles files = new SimulatedFiles();
    private FileStorage.Options options = OPTIONS;
    private Life life = new Life(files, OPTIONS, false);
    private ModelStorage model = ModelStorage.EMPTY;
    private long boot;
    private List<EntryId> marked = List.of();       // as judged last
    private final Map<Verdict, Integer> verdicts = new EnumMap<>(Verdict.class);

    /** What a byte is of, and what comes of it if it is wrong: the table in docs/storage-format.md, section 9. */
    private enum Part {
        IDENTITY(Verdict.REFUSED),
        MANIFEST(Verdict.REFUSED),
        STATE(Verdict.STATE_REFUSED),
        SEGMENT_HEADER(Verdict.REFUSED),
        FRAME_HEADER(Verdict.REFUSED),
        INDEX(Verdict.REFUSED),
        ENTRY(Verdict.MARKED),
        /** Size and checksum, in the last segment, which has no index yet: who does not know these cannot tell the frame's entries apart. */
        ENTRY_HEAD_WITHOUT_INDEX(Verdict.MARKED),
        /** That the newest snapshot covers, or that was replaced. */
        ENTRY_OF_THE_PAST(Verdict.HARMLESS),
        /** The empty one that {@code close} has written. */
        LAST_FRAME(Verdict.HARMLESS),
        /** Between the last frame and the index, or the end: zeros, or what was there before. */
        ZEROS(Verdict.HARMLESS),
        /** Of a snapshot, before it was installed. */
        RECEIVED(Verdict.HARMLESS),
        SPARE(Verdict.HARMLESS),
        RESERVE(Verdict.HARMLESS);

        private final Verdict whenWrong;

        Part(Verdict whenWrong) {
            this.whenWrong = whenWrong;
        }
    }

    /**
     * Where a byte is.
     *
     * @param marked the entries that are lost with it
     */
    private record Place(Part part, List<EntryId> marked) { }

    private Place[] places(String name, byte[] bytes) {
        Place[] places = new Place[bytes.length];
        long id = SegmentHeader.idOf(name);
        if (id == 0) {
            Arrays.fill(places, new Place(fileOf(name), List.of()));
            return places;
        }
        boolean isLast = !files.list().contains(SegmentHeader.fileName(id + 1));
        Arrays.fill(places, new Place(Part.ZEROS, List.of()));
        Arrays.fill(places, 0, SegmentHeader.BYTES, new Place(Part.SEGMENT_HEADER, List.of()));
        int end = SegmentHeader.BYTES;
        int lastFrame = end;
        for (FrameHeader frame = frameAt(bytes, end, id); frame != null; frame = frameAt(bytes, end, id)) {
            lastFrame = end;
            end = placeFrame(frame, bytes, isLast, places);
        }
        if (isLast) {
            Arrays.fill(places, lastFrame, end, new Place(Part.LAST_FRAME, List.of()));
        } else {
            int trailer = bytes.length - SegmentSeal.TRAILER_BYTES;
            int index = trailer - SegmentSeal.claimedCount(ByteBuffer.wrap(bytes), trailer, id) * SegmentSeal.ENTRY_BYTES;
            Arrays.fill(places, index, bytes.length, new Place(Part.INDEX, List.of()));
        }
        return places;
    }

    private static Part fileOf(String name) {
        if (name.contains(String.format("snapshot-%016x", Life.BEGUN.index()))) {
            return Part.RECEIVED;
        }
        return switch (name) {
            case IdentityFile.NAME -> Part.IDENTITY;
            case Spare.NAME -> Part.SPARE;
            case HeadRoom.RESERVE -> Part.RESERVE;
            default -> name.endsWith(".part") ? Part.STATE : Part.MANIFEST;
        };
    }

    private static @Nullable FrameHeader frameAt(byte[] bytes, int at, long id) {
        return at + FrameHeader.BYTES > bytes.length ? null : FrameHeader.decode(bytes, at, Life.INCARNATION, id, at);
    }

    /** Returns where the frame ends. */
    private int placeFrame(FrameHeader frame, byte[] bytes, boolean isLast, Place[] places) {
        int at = frame.offset() + FrameHeader.BYTES;
        Arrays.fill(places, frame.offset(), at, new Place(Part.FRAME_HEADER, List.of()));
        List<Entry> entries = new ArrayList<>();
        for (int from = at; entries.size() < frame.count(); from += entries.get(entries.size() - 1).size()) {
            entries.add(Entry.decode(bytes, from, bytes.length));
        }
        List<EntryId> needed = entries.stream().filter(this::isNeeded).map(Entry::id).toList();
        for (Entry entry : entries) {
            Place place = isNeeded(entry) ? new Place(Part.ENTRY, List.of(entry.id())) : new Place(Part.ENTRY_OF_THE_PAST, List.of());
            Arrays.fill(places, at, at + entry.size(), place);
            if (isNeeded(entry) && isLast) {
                Arrays.fill(places, at, at + Segment.ENTRY_HEAD_BYTES, new Place(Part.ENTRY_HEAD_WITHOUT_INDEX, needed));
            }
            at += entry.size();
        }
        return at;
    }

    private boolean isNeeded(Entry entry) {
        return entry.index() > model.covered() && entry.equals(model.entries().get(entry.index()));
    }

    @BeforeEach
    void live() throws IOException {
        assertTrue(life.run());
        model = life.possible().get(0);
        boot = 2;
        List<String> all = files.list();
        assertTrue(all.stream().filter(name -> SegmentHeader.idOf(name) != 0).count() >= 3, all::toString);
        for (String kind : List.of(IdentityFile.NAME, Spare.NAME, ".manifest", ".received", "-00000001.part")) {
            assertTrue(all.stream().anyMatch(name -> name.endsWith(kind)), () -> kind + " in " + all);
        }
    }

    // ------------------------------------------------------------------------------------------------------------------- the judge

    private Verdict judge(SimulatedFiles damaged, List<String> changed, String what) {
        marked = List.of();
        try {
            Verdict verdict = verdict(damaged, changed);
            verdicts.merge(verdict, 1, Integer::sum);
            return verdict;
        } catch (AssertionError | IOException | RuntimeException e) {
            throw new AssertionError(what + ": " + e, e);
        }
    }

    private Verdict verdict(SimulatedFiles damaged, List<String> changed) throws IOException {
        FileStorage storage;
        try {
            storage = FileStorage.open(damaged, 1, Life.INCARNATION, options);
        } catch (StorageException e) {
            return refused(e, changed);
        }
        try {
            assertEquals(boot + 1, storage.identity().boot());
            assertEquals(Logs.founding(storage), storage.identity().founding());
            Storage.Recovered recovered;
            try {
                recovered = storage.recover();
            } catch (StorageException e) {
                return refused(e, changed);
            }
            return recovered.damaged().isEmpty() ? whole(recovered, storage, damaged, changed) : marked(recovered, storage);
        } finally {
            storage.close();
            assertEquals(List.of(), damaged.held());
        }
    }

    /** It is said where, and what to do. */
    private Verdict refused(StorageException refusal, List<String> changed) {
        String message = String.valueOf(refusal.getMessage());
        if (refusal instanceof StorageCorruptException corrupt) {
            assertTrue(message.contains(corrupt.file() + " at offset " + corrupt.offset()) && message.contains(DO_NOT_TOUCH), message);
            assertTrue(changed.isEmpty() || changed.stream().anyMatch(name -> corrupt.file().endsWith("/" + name)),
                () -> "not " + changed + " but: " + message);
        } else {
            assertTrue(message.contains(OTHER_VERSION) || message.contains(NO_IDENTITY), message);
            assertTrue(changed.stream().anyMatch(name -> message.contains("/" + name)), message);
        }
        return Verdict.REFUSED;
    }

    private Verdict whole(Storage.Recovered recovered, FileStorage storage, SimulatedFiles damaged, List<String> changed)
            throws IOException {
        String objection;
        try {
            objection = model.objectionTo(recovered, storage);
        } catch (StorageCorruptException e) {
            refused(e, changed);
            ModelStorage expected = model;
            assertEquals(expected.last(), recovered.log().terms().last());
            assertEquals(expected.recoveredHardState(), recovered.hardState());
            assertEquals(new ArrayList<>(expected.entries().tailMap(storage.firstIndex(), true).values()),
                storage.read(storage.firstIndex(), expected.last().index(), Integer.MAX_VALUE));
            return Verdict.STATE_REFUSED;
        }
        assertEquals("", objection);
        goOn(storage, damaged);
        return Verdict.HARMLESS;
    }

    /** It lives on over what is there: the spare, the snapshot that is being received, and another opening. */
    private void goOn(FileStorage storage, SimulatedFiles damaged) throws IOException {
        byte[] transfer = Life.transfer(Life.BEGUN);
        try (Storage.SnapshotInput input = storage.receiveSnapshot(Life.BEGUN)) {
            input.write(input.received(), Arrays.copyOfRange(transfer, (int) input.received(), transfer.length));
            if (!input.complete()) {     // what was damaged of it is noticed, and then it can be had again
                try (Storage.SnapshotInput again = storage.receiveSnapshot(Life.BEGUN)) {
                    again.write(0, transfer);
                    assertTrue(again.complete());
                }
            }
        }
        long next = model.last().index() + 1;
        Storage.Write more = Logs.append(1, next, next + 9, 9, options.segmentBytes() / 16);
        Storage.Write install = Snapshot.install(2, Life.BEGUN);
        storage.write(List.of(more));
        storage.write(List.of(install));
        storage.close();
        FileStorage again = FileStorage.open(damaged, 1, Life.INCARNATION, options);
        assertEquals("", model.after(more).after(install).objectionTo(again.recover(), again));
        again.close();
    }

    /** What is named is an entry, and lost; the log before it and all others are right. */
    private Verdict marked(Storage.Recovered recovered, FileStorage storage) {
        List<EntryId> damaged = recovered.damaged();
        marked = damaged;
        long first = storage.firstIndex();
        assertTrue(first <= model.covered() + 1, () -> "it begins at " + first);
        assertEquals(damaged.get(0).index() - 1, recovered.log().terms().lastIndex());
        HardState expected = model.recoveredHardState();
        assertEquals(expected.term(), recovered.hardState().term());
        assertEquals(expected.votedFor(), recovered.hardState().votedFor());
        for (Entry entry : model.entries().tailMap(first, true).values()) {
            if (damaged.contains(entry.id())) {
                try {
                    storage.read(entry.index(), entry.index(), Integer.MAX_VALUE);
                    throw new AssertionError(entry.id() + " can be read");
                } catch (EntryDamagedException e) {
                    assertTrue(String.valueOf(e.getMessage()).contains(" at offset "), e::getMessage);
                }
            } else {
                assertEquals(List.of(entry), storage.read(entry.index(), entry.index(), Integer.MAX_VALUE));
            }
        }
        for (EntryId id : damaged) {
            assertTrue(model.entries().containsKey(id.index()) && model.entries().get(id.index()).id().equals(id), id::toString);
        }
        return Verdict.MARKED;
    }

    private void expectAtLeast(Verdict verdict, int count) {
        assertTrue(verdicts.getOrDefault(verdict, 0) >= count, verdicts::toString);
    }

    // ------------------------------------------------------------------------------------------------------------------- the damage

    /** Every byte; and of what is not a payload, every bit. (Of the file that only takes room, and is never read, a few.) */
    @Test
    void eachByteWrongHasTheOutcomeThatIsSaidOfWhatItIsOf() {
        Set<Part> met = EnumSet.noneOf(Part.class);
        int together = 0;
        for (String name : files.list()) {
            byte[] bytes = files.bytes(name);
            boolean[] heads = heads(name, bytes);
            Place[] places = places(name, bytes);
            for (int at = 0; at < bytes.length; at += name.equals(HeadRoom.RESERVE) ? 101 : 1) {
                for (int bit = heads[at] ? 0 : at % Byte.SIZE; bit <= (heads[at] ? Byte.SIZE - 1 : at % Byte.SIZE); bit++) {
                    SimulatedFiles damaged = files.copy();
                    damaged.flip(name, at, bit);
                    String what = name + " at " + at + ", bit " + bit;
                    assertEquals(places[at].part.whenWrong, judge(damaged, List.of(name), what), what + " of " + places[at]);
                    met.add(places[at].part);
                    together = Math.max(together, marked.size());
                    assertEquals(places[at].marked, marked, what);
                }
            }
        }
        assertEquals(EnumSet.allOf(Part.class), met);
        assertTrue(together > 1, "a frame of some entries");
        expectAtLeast(Verdict.REFUSED, 14_000);
        expectAtLeast(Verdict.MARKED, 2_000);
        expectAtLeast(Verdict.STATE_REFUSED, 2_000);
        expectAtLeast(Verdict.HARMLESS, 4_000);
    }

    /** Of segments larger than what is overwritten when one is used again: the last of them is full of frames and entries of an earlier. */
    @Test
    void soItIsWhereAnEarlierSegmentLeftWhatItHad() throws IOException {
        files = new SimulatedFiles();
        options = Life.options(8 << 10);
        life = new Life(files, options, false, true);
        assertTrue(life.run());
        model = life.possible().get(0);
        boot = 3;
        List<String> segments = files.list().stream().filter(name -> SegmentHeader.idOf(name) != 0).toList();
        String last = segments.get(segments.size() - 1);
        int old = 0;
        int ofOld = 0;
        for (String name : segments) {
            byte[] bytes = files.bytes(name);
            Place[] places = places(name, bytes);
            for (int at = 0; at < bytes.length; at += name.equals(last) ? 3 : 31) {
                SimulatedFiles damaged = files.copy();
                damaged.flip(name, at, at % Byte.SIZE);
                String what = name + " at " + at;
                assertEquals(places[at].part.whenWrong, judge(damaged, List.of(name), what), what + " of " + places[at]);
                assertEquals(places[at].marked, marked, what);
                old += name.equals(last) && places[at].part == Part.ZEROS && bytes[at] != 0 ? 1 : 0;
            }
            for (int at = 0; at + FrameHeader.BYTES <= bytes.length; at++) {
                for (long id = 1; id < SegmentHeader.idOf(name); id++) {
                    ofOld += frameAt(bytes, at, id) != null ? 1 : 0;
                }
            }
        }
        assertTrue(old > 500 && ofOld > 1, old + " bytes, " + ofOld + " frames");
    }

    /** Which bytes are of a header, of an index, or of a small file. */
    private static boolean[] heads(String name, byte[] bytes) {
        boolean[] heads = new boolean[bytes.length];
        if (name.endsWith(".part") || name.equals(Spare.NAME) || name.equals(HeadRoom.RESERVE)) {
            return heads;
        }
        Arrays.fill(heads, SegmentHeader.idOf(name) == 0);
        if (SegmentHeader.idOf(name) != 0) {
            Arrays.fill(heads, 0, SegmentHeader.BYTES, true);
            for (int at = SegmentHeader.BYTES; at + FrameHeader.BYTES <= bytes.length; at++) {
                if (FrameHeader.decode(bytes, at, Life.INCARNATION, SegmentHeader.idOf(name), at) != null) {
                    Arrays.fill(heads, at, at + FrameHeader.BYTES, true);
                }
            }
            int trailer = bytes.length - SegmentSeal.TRAILER_BYTES;
            int sealed = Math.max(0, SegmentSeal.claimedCount(ByteBuffer.wrap(bytes), trailer, SegmentHeader.idOf(name)));
            Arrays.fill(heads, trailer - sealed * SegmentSeal.ENTRY_BYTES, bytes.length, true);
        }
        return heads;
    }

    /** Of a file that is shorter nothing counts: it is as if its first byte were wrong. */
    @Test
    void aFileCutOffAnywhereIsNoticedOrDoesNoHarm() {
        for (String name : files.list()) {
            byte[] bytes = files.bytes(name);
            Verdict expected = places(name, bytes)[0].part.whenWrong;
            for (int length = 0; length < bytes.length; length += bytes.length < 400 ? 1 : name.equals(HeadRoom.RESERVE) ? 101 : 7) {
                SimulatedFiles damaged = files.copy();
                damaged.put(name, Arrays.copyOf(bytes, length));
                String what = name + " cut off at " + length;
                assertEquals(expected, judge(damaged, List.of(name), what), what);
            }
        }
        expectAtLeast(Verdict.REFUSED, 1_000);
        expectAtLeast(Verdict.STATE_REFUSED, 200);
        expectAtLeast(Verdict.HARMLESS, 300);
    }

    @Test
    void aFileThatIsGoneIsMissedOrNotNeeded() {
        Map<String, Verdict> found = new HashMap<>();
        for (String name : files.list()) {
            SimulatedFiles damaged = files.copy();
            damaged.remove(name);
            found.put(name, judge(damaged, name.equals(IdentityFile.NAME) ? List.of(name) : List.of(), "without " + name));
        }
        found.forEach((name, verdict) -> {
            boolean isNeeded = !List.of(Spare.NAME, HeadRoom.RESERVE).contains(name)
                && !name.contains(String.format("snapshot-%016x", Life.BEGUN.index()));
            assertEquals(!isNeeded ? Verdict.HARMLESS : name.endsWith(".part") ? Verdict.STATE_REFUSED : Verdict.REFUSED, verdict, name);
        });
    }

    @Test
    void filesUnderEachOthersNamesAreNoticedOrDoNoHarm() {
        List<String> all = files.list();
        for (String one : all) {
            for (String other : all.subList(0, all.indexOf(one))) {
                SimulatedFiles damaged = files.copy();
                damaged.put(one, files.bytes(other));
                damaged.put(other, files.bytes(one));
                judge(damaged, List.of(one, other), one + " and " + other);
            }
        }
        expectAtLeast(Verdict.REFUSED, 40);
        expectAtLeast(Verdict.STATE_REFUSED, 3);
    }

    /** Also one of a file that is not there any more. What cannot be noticed stands in docs/storage-format.md, section 6. */
    @Test
    void anOlderCopyOfAFileIsNoticedOrDoesNoHarmButForThoseThatNothingCanTell() throws IOException {
        Map<String, Map<String, byte[]>> copies = new TreeMap<>();
        SimulatedFiles same = new SimulatedFiles();
        same.before(operation -> same.list().forEach(name -> copies.computeIfAbsent(name, any -> new TreeMap<>())
            .put(HexFormat.of().formatHex(same.bytes(name)), same.bytes(name))));
        assertTrue(new Life(same, OPTIONS, false).run());
        Set<String> unnoticed = new TreeSet<>();
        int judged = 0;
        for (String name : copies.keySet()) {
            for (byte[] copy : copies.get(name).values()) {
                SimulatedFiles damaged = files.copy();
                damaged.put(name, copy);
                try {
                    judge(damaged, List.of(), name);
                    judged++;
                } catch (AssertionError e) {
                    unnoticed.add(name);
                }
            }
        }
        String last = files.list().stream().filter(name -> SegmentHeader.idOf(name) != 0).reduce((one, next) -> next).orElseThrow();
        assertEquals(Set.of(IdentityFile.NAME, last), unnoticed);
        assertTrue(judged > 100, "only " + judged);
    }

    /** A file of zeros is looked at only where a segment begins: what is behind that does no harm when one is begun in it. */
    @Test
    void noBitOfALargeSpareDoesHarm() throws IOException {
        FileStorage.Options large = Life.options(8 << 10);
        SimulatedFiles disk = new SimulatedFiles();
        Life other = new Life(disk, large, false);
        assertTrue(other.run());
        for (String name : disk.list().stream().filter(each -> each.equals(Spare.NAME) || each.equals(Spare.SECOND)).toList()) {
            for (int at = 0; at < disk.bytes(name).length; at += 61) {
                SimulatedFiles damaged = disk.copy();
                damaged.flip(name, at, at % Byte.SIZE);
                other.goOn(other.possible(), damaged);
            }
        }
    }
}
