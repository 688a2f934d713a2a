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
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
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

    private final SimulatedFiles files = new SimulatedFiles();
    private final Life life = new Life(files, OPTIONS, false);
    private ModelStorage model = ModelStorage.EMPTY;
    private long boot;
    private final Map<Verdict, Integer> verdicts = new EnumMap<>(Verdict.class);

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
            storage = FileStorage.open(damaged, 1, Life.INCARNATION, OPTIONS);
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
        Storage.Write more = Logs.append(1, next, next + 9, 9, OPTIONS.segmentBytes() / 16);
        Storage.Write install = Snapshot.install(2, Life.BEGUN);
        storage.write(List.of(more));
        storage.write(List.of(install));
        storage.close();
        FileStorage again = FileStorage.open(damaged, 1, Life.INCARNATION, OPTIONS);
        assertEquals("", model.after(more).after(install).objectionTo(again.recover(), again));
        again.close();
    }

    /** What is named is an entry, and lost; the log before it and all others are right. */
    private Verdict marked(Storage.Recovered recovered, FileStorage storage) {
        List<EntryId> damaged = recovered.damaged();
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
    void eachByteWrongIsNoticedOrDoesNoHarm() {
        for (String name : files.list()) {
            byte[] bytes = files.bytes(name);
            boolean[] heads = heads(name, bytes);
            for (int at = 0; at < bytes.length; at += name.equals(HeadRoom.RESERVE) ? 101 : 1) {
                for (int bit = heads[at] ? 0 : at % Byte.SIZE; bit <= (heads[at] ? Byte.SIZE - 1 : at % Byte.SIZE); bit++) {
                    SimulatedFiles damaged = files.copy();
                    damaged.flip(name, at, bit);
                    judge(damaged, List.of(name), name + " at " + at + ", bit " + bit);
                }
            }
        }
        int noticed = verdicts.getOrDefault(Verdict.REFUSED, 0) + verdicts.getOrDefault(Verdict.MARKED, 0);
        assertTrue(noticed > 16_000, verdicts::toString);
        expectAtLeast(Verdict.STATE_REFUSED, 2_000);
        expectAtLeast(Verdict.HARMLESS, 4_000);
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

    @Test
    void aFileCutOffAnywhereIsNoticedOrDoesNoHarm() {
        for (String name : files.list()) {
            byte[] bytes = files.bytes(name);
            for (int length = 0; length < bytes.length; length += bytes.length < 400 ? 1 : name.equals(HeadRoom.RESERVE) ? 101 : 7) {
                SimulatedFiles damaged = files.copy();
                damaged.put(name, Arrays.copyOf(bytes, length));
                judge(damaged, List.of(name), name + " cut off at " + length);
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
        for (int at = 0; at < disk.bytes(Spare.NAME).length; at += 61) {
            SimulatedFiles damaged = disk.copy();
            damaged.flip(Spare.NAME, at, at % Byte.SIZE);
            other.goOn(other.possible(), damaged);
        }
    }
}
