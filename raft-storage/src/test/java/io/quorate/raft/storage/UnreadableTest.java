package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.EntryDamagedException;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.storage.testing.SimulatedFiles;
import io.quorate.raft.storage.testing.SimulatedFiles.Loss;
import io.quorate.raft.storage.testing.SimulatedFiles.Operation;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Sectors that the disk does not give back: an entry there is damaged, and nothing is ever taken for not being there. */
class UnreadableTest {

    private static final int SECTOR = 512;
    private static final String FIRST = SegmentHeader.fileName(1);
    private static final String SECOND = SegmentHeader.fileName(2);
    private static final FileStorage.Options SMALL = Logs.TINY.withSegmentBytes(16 << 10);
    private static final int PAYLOAD = 1500;
    private static final int SIZE = Entry.HEADER_BYTES + PAYLOAD;

    private final SimulatedFiles files = new SimulatedFiles();
    private final Map<EntryId, Entry> written = new TreeMap<>();    // what other replicas have
    private final Map<EntryId, String> places = new TreeMap<>();
    private final Map<EntryId, Integer> offsets = new TreeMap<>();
    private ModelLog model = ModelLog.EMPTY;
    private FileStorage storage;
    private long lastWrite;

    /** Two segments, frames of one to three entries, three terms. */
    @BeforeEach
    void life() throws IOException {
        storage = Logs.start(files, SMALL);
        storage.recover();
        write(1, 1, 0);
        write(1, 1, 2);
        write(1, 3, 5);
        write(2, 6, 6);
        write(2, 7, 9);
        write(2, 10, 12);
        write(2, 13, 14);
        write(3, 15, 15);
        write(3, 16, 16);
        assertTrue(files.list().contains(SECOND));
        for (String name : List.of(FIRST, SECOND)) {
            findEntries(name);
        }
        assertEquals(16, offsets.size());
    }

    private void write(long term, long first, long last) {
        List<Entry> entries = Logs.entries(first, last, term, PAYLOAD);
        List<Storage.Write> batch = List.of(new Storage.Write(++lastWrite, new HardState(term, null, Math.max(0, first - 2)), first,
            entries));
        entries.forEach(entry -> written.put(entry.id(), entry));
        storage.write(batch);
        model = model.after(batch);
    }

    private void findEntries(String name) {
        byte[] bytes = files.bytes(name);
        for (FrameHeader frame : frames(name)) {
            for (int i = 0; i < frame.count(); i++) {
                int at = frame.offset() + FrameHeader.BYTES + i * SIZE;
                EntryId id = Entry.decode(bytes, at, bytes.length).id();
                places.put(id, name);
                offsets.put(id, at);
            }
        }
    }

    private List<FrameHeader> frames(String name) {
        byte[] bytes = files.bytes(name);
        List<FrameHeader> frames = new ArrayList<>();
        for (int at = SegmentHeader.BYTES; at + FrameHeader.BYTES <= bytes.length; ) {
            FrameHeader frame = FrameHeader.decode(bytes, at, storage.identity().replica().incarnation(), SegmentHeader.idOf(name), at);
            if (frame == null) {
                break;
            }
            frames.add(frame);
            at += FrameHeader.BYTES + frame.length();
        }
        return frames;
    }

    private SimulatedFiles unreadable(String name, int offset) {
        SimulatedFiles disk = files.copy();
        disk.makeUnreadable(name, offset, 1);
        return disk;
    }

    /** In the middle of an entry, so that no other shares the sector. */
    private int middle(EntryId id) {
        return offset(id) + SIZE / 2;
    }

    private int offset(EntryId id) {
        return offsets.getOrDefault(id, -1);
    }

    private String place(EntryId id) {
        return places.getOrDefault(id, "");
    }

    private EntryId id(long index) {
        return model.entries().get((int) index - 1).id();
    }

    private List<Entry> givenBack(List<EntryId> ids) {
        return ids.stream().map(written::get).toList();
    }

    private void isWholeAgain(SimulatedFiles disk) throws IOException {
        assertEquals(model.restarted(), ModelLog.of(Logs.start(disk.restart(Loss.LOSES_ALL, new Random()), SMALL)));
    }

    // ------------------------------------------------------------------------------------------------------------------ at opening

    @Test
    void anEntryThatCannotBeReadIsMarkedByItsNameAndComesBack() throws IOException {
        for (Entry entry : model.entries().subList(0, 15)) {
            EntryId id = entry.id();
            SimulatedFiles disk = unreadable(place(id), middle(id));
            FileStorage opened = Logs.start(disk, SMALL);
            Storage.Recovered recovered = opened.recover();
            assertEquals(List.of(id), recovered.damaged());
            assertEquals(model.entries().subList(0, (int) id.index() - 1), recovered.log().tail());
            assertEquals(model.recovered(), recovered.hardState());
            assertEquals(id, assertThrows(EntryDamagedException.class, () -> opened.read(id.index(), 16, 1 << 20)).entry());
            assertEquals(model.entries().subList((int) id.index(), 16), opened.read(id.index() + 1, 16, 1 << 20));
            assertEquals(List.of(id), opened.repair(givenBack(List.of(id))));
            assertFalse(disk.happenings().containsKey("WRITE_REFUSED"), "it is written over in its place");
            isWholeAgain(disk);
        }
    }

    @Test
    void anEntryThatCannotBeWrittenOverEitherIsWrittenOnceMore() throws IOException {
        // Two entries of one frame share the sector, so that each of them is only a part of it.
        EntryId one = id(7);
        EntryId other = id(8);
        SimulatedFiles disk = unreadable(place(other), offset(other));
        FileStorage opened = Logs.start(disk, SMALL);
        List<EntryId> damaged = opened.recover().damaged();
        assertEquals(List.of(one, other), damaged);
        assertEquals(damaged, opened.repair(givenBack(damaged)));
        assertTrue(disk.happenings().containsKey("WRITE_REFUSED"));
        assertEquals(model.restarted(), ModelLog.of(opened));
        isWholeAgain(disk);
        opened.write(List.of(Logs.append(1, 17, 17, 3, 10)));
        opened.close();
        assertEquals(17, Logs.start(disk.restart(Loss.LOSES_ALL, new Random()), SMALL).recover().log().terms().lastIndex());
    }

    @Test
    void ofAFrameInTheLastSegmentNoEntryIsKnownApartIfAnyOnesBeginningCannotBeRead() throws IOException {
        FrameHeader frame = frames(SECOND).stream().filter(each -> each.count() == 2).findFirst().orElseThrow();
        int second = frame.offset() + FrameHeader.BYTES + SIZE;
        SimulatedFiles disk = unreadable(SECOND, second);
        FileStorage opened = Logs.start(disk, SMALL);
        List<EntryId> damaged = opened.recover().damaged();
        assertEquals(List.of(id(13), id(14)), damaged);
        assertEquals(damaged, opened.repair(givenBack(damaged)));
        isWholeAgain(disk);
    }

    @Test
    void theLastFrameIsNotDroppedIfItCannotBeReadThoughNothingIsBehindIt() throws IOException {
        EntryId last = id(16);
        SimulatedFiles disk = unreadable(SECOND, middle(last));
        FileStorage opened = Logs.start(disk, SMALL);
        int operations = disk.operations();
        StorageException refusal = assertThrows(StorageException.class, opened::recover);
        for (String part : List.of("/simulated/" + SECOND + " at offset " + offset(last) + ": it cannot be read: ",
            "Nobody can tell what stands there", "Check the disk", "start again", "with a blank one")) {
            assertTrue(String.valueOf(refusal.getMessage()).contains(part), refusal::getMessage);
        }
        assertEquals(operations, disk.operations(), "nothing is changed");
    }

    @Test
    void whereAnUnfinishedWriteMayBeginOrEndNothingIsDropped() throws IOException {
        // The last frame was cut off by a crash, and its beginning, or something far behind it, cannot be read.
        int begin = offset(id(16)) - FrameHeader.BYTES;
        SimulatedFiles torn = files.copy();
        torn.flip(SECOND, middle(id(16)), 3);
        assertEquals(15, Logs.start(torn.copy(), SMALL).recover().log().terms().lastIndex());
        for (int at = begin; at < SMALL.segmentBytes(); at += SECTOR) {
            SimulatedFiles disk = torn.copy();
            disk.makeUnreadable(SECOND, at, 1);
            FileStorage opened = Logs.start(disk, SMALL);
            int operations = disk.operations();
            StorageException refusal = assertThrows(StorageException.class, opened::recover, "at " + at);
            Matcher place = Pattern.compile("Damage in /simulated/" + SECOND + " at offset (\\d+): it cannot be read: ")
                .matcher(String.valueOf(refusal.getMessage()));
            assertTrue(place.lookingAt(), refusal::getMessage);
            int told = Integer.parseInt(place.group(1));
            assertTrue(told > at - 2 * SIZE && told <= at + SECTOR, refusal::getMessage);
            assertEquals(operations, disk.operations(), "nothing is changed");
        }
    }

    @Test
    void whicheverSectorOfWhicheverFileCannotBeReadNothingIsMissedInSilence() throws IOException {
        int refused = 0;
        int marked = 0;
        int harmless = 0;
        for (String name : files.list()) {
            for (int at = 0; at < files.bytes(name).length; at += SECTOR) {
                SimulatedFiles disk = unreadable(name, at);
                try {
                    FileStorage opened = Logs.start(disk, SMALL);
                    List<EntryId> damaged = opened.recover().damaged();
                    assertEquals(damaged, opened.repair(givenBack(damaged)), name + " at " + at);
                    assertEquals(model.restarted().entries(), opened.read(1, 99, 1 << 20), name + " at " + at);
                    isWholeAgain(disk);
                    marked += damaged.isEmpty() ? 0 : 1;
                    harmless += damaged.isEmpty() ? 1 : 0;
                } catch (StorageException e) {
                    String message = String.valueOf(e.getMessage());
                    assertTrue(message.matches("Damage in /simulated/" + name + " at offset \\d+: it cannot be read: .*"), message);
                    refused++;
                }
            }
        }
        assertTrue(refused > 20 && marked > 20 && harmless > 0, refused + ", " + marked + ", " + harmless);
    }

    /** Nothing was ever written there that anybody needs. */
    @Test
    void aSpareOrAReserveThatCannotBeReadKeepsNobodyFromOpening() throws IOException {
        while (storage.maintain()) {
            continue;
        }
        storage.close();
        for (String name : List.of(Spare.NAME, HeadRoom.RESERVE)) {
            SimulatedFiles disk = files.copy();
            disk.makeUnreadable(name, 0, disk.bytes(name).length);
            FileStorage opened = Logs.start(disk, SMALL);
            assertEquals(List.of(), opened.recover().damaged(), name);
            assertEquals(model.restarted().entries(), opened.read(1, 99, 1 << 20), name);
            opened.write(List.of(Logs.append(1, 17, 30, 3, PAYLOAD)));      // also into the next segment
            assertEquals(30, opened.read(30, 30, 1).get(0).index(), name);
            opened.close();
        }
    }

    @Test
    void aReadThatFailsOnceIsTriedAgainOrRefusedAndNeverWrong() throws IOException {
        int whole = 0;
        int refused = 0;
        for (int at = 0; ; at++) {
            SimulatedFiles disk = files.copy();
            disk.fail(Operation.READ, at);
            try {
                FileStorage opened = Logs.start(disk, SMALL);
                Storage.Recovered recovered = opened.recover();
                if (disk.happenings().isEmpty()) {
                    break;
                }
                assertEquals(List.of(), recovered.damaged());
                assertEquals(model.restarted().entries(), opened.read(1, 99, 1 << 20));
                whole++;
            } catch (StorageException e) {
                assertTrue(String.valueOf(e.getMessage()).contains("/simulated/"), e::getMessage);
                refused++;
            }
            assertEquals(model.restarted(), ModelLog.of(Logs.start(disk.restart(Loss.NONE, new Random()).copy(), SMALL)));
        }
        assertTrue(whole > 0 && refused > 2, whole + ", " + refused);
    }

    // ------------------------------------------------------------------------------------------------------------- while it is running

    @Test
    void anEntryThatAReadDoesNotGetIsDamagedAndThoseBesideItAreNot() {
        EntryId id = id(8);
        files.makeUnreadable(place(id), middle(id), 1);
        EntryDamagedException damaged = assertThrows(EntryDamagedException.class, () -> storage.read(8, 16, 1 << 20));
        assertEquals(id, damaged.entry());
        String where = "/simulated/" + place(id) + " at offset " + offset(id) + ": entry " + id + " cannot be read: ";
        assertTrue(String.valueOf(damaged.getMessage()).contains(where), damaged::getMessage);
        assertEquals(model.entries().subList(0, 7), storage.read(1, 16, 1 << 20));
        assertEquals(model.entries().subList(8, 16), storage.read(9, 16, 1 << 20));
        write(3, 17, 17);
        assertEquals(List.of(id), storage.repair(givenBack(List.of(id))));
        assertEquals(model.entries(), storage.read(1, 99, 1 << 20));
    }

    @Test
    void scrubbingMarksAnEntryThatCannotBeReadAndTellsOfAHeaderThatCannot() {
        EntryId id = id(8);
        files.makeUnreadable(place(id), middle(id), 1);
        Storage.Scrubbed round = storage.scrub(1 << 20);
        assertEquals(List.of(id), round.damaged());
        assertNull(round.problem());
        assertEquals(List.of(id), storage.repair(givenBack(List.of(id))));
        files.makeUnreadable(FIRST, 0, 1);
        String problem = storage.scrub(1 << 20).problem();
        assertNotNull(problem);
        assertTrue(problem.contains("/simulated/" + FIRST) && problem.contains("cannot be read"), problem);
    }

    @Test
    void entriesThatShareASectorWithTheHeaderBetweenThemComeBackByWhatTheIndexSays() {
        for (long index : new long[] {14, 5}) {     // in the segment that is being written, and in a full one
            List<EntryId> both = List.of(id(index), id(index + 1));
            int header = offset(both.get(1)) - FrameHeader.BYTES;
            assertTrue(header == offset(both.get(0)) + SIZE && header % SECTOR != 0 && (header % SECTOR) + FrameHeader.BYTES < SECTOR);
            files.makeUnreadable(place(both.get(0)), header, 1);
            for (EntryId id : both) {
                assertEquals(id, assertThrows(EntryDamagedException.class, () -> storage.read(id.index(), 16, 1 << 20)).entry());
            }
            assertEquals(both, storage.repair(givenBack(both)));
            assertEquals(model.entries(), storage.read(1, 99, 1 << 20));
        }
        write(3, 17, 17);
        assertEquals(model.entries(), storage.read(1, 99, 1 << 20));
    }

    @Test
    void whicheverSectorFailsWhileItRunsAllIsReadAgainAndNoRepairFails() throws IOException {
        storage.close();
        int repaired = 0;
        int told = 0;
        int refused = 0;
        int failed = 0;
        for (String name : List.of(FIRST, SECOND)) {
            for (int at = 0; at < SMALL.segmentBytes(); at += SECTOR) {
                String where = name + " at " + at;
                SimulatedFiles disk = files.copy();
                FileStorage running = Logs.start(disk, SMALL);
                running.recover();
                disk.makeUnreadable(name, at, SECTOR);
                List<EntryId> damaged = new ArrayList<>();
                for (Entry entry : model.entries()) {
                    try {
                        assertEquals(List.of(entry), running.read(entry.index(), entry.index(), 1 << 20), where);
                    } catch (EntryDamagedException e) {
                        damaged.add(e.entry());
                    }
                }
                String problem = null;
                for (Storage.Scrubbed round = running.scrub(1 << 20); ; round = running.scrub(1 << 20)) {
                    problem = round.problem() == null ? problem : round.problem();
                    round.damaged().stream().filter(id -> !damaged.contains(id)).forEach(damaged::add);
                    if (round.isRoundDone()) {
                        break;
                    }
                }
                assertEquals(damaged, running.repair(givenBack(damaged)), where);
                assertEquals(model.entries(), running.read(1, 99, 1 << 20), where);
                List<Storage.Write> more = List.of(Logs.append(1, 17, 17, 3, PAYLOAD));
                ModelLog acknowledged = model;
                try {
                    running.write(more);
                    acknowledged = model.after(more);
                    running.close();
                } catch (StorageException e) {      // a write is refused of a part of the sector, and so is a failed one
                    assertTrue(String.valueOf(e.getMessage()).contains("simulated failure: write " + SECOND), e::getMessage);
                    assertEquals(SECOND, name);
                    failed++;
                }
                repaired += damaged.isEmpty() ? 0 : 1;
                told += problem == null ? 0 : 1;
                // What the next opening needs and nobody can give back was told of by scrubbing, if it was in a segment that is full.
                FileStorage again = Logs.start(disk.restart(Loss.LOSES_ALL, new Random(at)), SMALL);
                try {
                    Storage.Recovered recovered = again.recover();
                    assertEquals(List.of(), recovered.damaged(), where);
                    assertEquals(acknowledged.entries(), again.read(1, 99, 1 << 20), where);
                } catch (StorageException e) {
                    String message = String.valueOf(e.getMessage());
                    assertTrue(message.startsWith("Damage in /simulated/" + name) && message.contains("it cannot be read: "), message);
                    assertTrue(problem != null || name.equals(SECOND), where);
                    refused++;
                }
            }
        }
        assertTrue(repaired > 30 && told > 5 && refused > 5 && refused < 30 && failed <= 3,
            repaired + ", " + told + ", " + refused + ", " + failed);
    }

    /** In the blocks that are appended to, and in those where the next segment's index, header and first frame go. */
    @Test
    void whereverTheNextFramesGoItDoesNotMatterWhetherTheDiskGivesBackWhatStandsThere() throws IOException {
        List<FrameHeader> frames = frames(SECOND);
        FrameHeader last = frames.get(frames.size() - 1);
        int end = last.offset() + FrameHeader.BYTES + last.length();
        for (long index = 17; index <= 60; index++) {
            String name = files.list().stream().filter(each -> each.startsWith("log-")).reduce((one, other) -> other).orElseThrow();
            int from = (name.equals(SECOND) ? end : SegmentHeader.BYTES) / SECTOR * SECTOR;
            files.makeUnreadable(name, from, files.bytes(name).length - from);
            if (files.list().contains(Spare.NAME)) {
                files.makeUnreadable(Spare.NAME, 0, files.bytes(Spare.NAME).length);
            }
            write(3, index, index);
            assertEquals(written.get(new EntryId(3, index)), storage.read(index, index, 1).get(0));
            storage.maintain();
        }
        assertTrue(files.list().contains(SegmentHeader.fileName(5)), () -> "only " + files.list());
    }

    @Test
    void whatStandsBeforeTheLogsEndIsKnownFromTheOpeningOn() throws IOException {
        storage.close();
        storage = Logs.start(files, SMALL);
        storage.recover();
        lastWrite = 0;
        FrameHeader last = frames(SECOND).get(frames(SECOND).size() - 1);
        files.makeUnreadable(SECOND, last.offset() + FrameHeader.BYTES - 1, 1);
        write(3, 17, 17);
        assertEquals(written.get(new EntryId(3, 17)), storage.read(17, 17, 1).get(0));
    }

    /** What was damaged when the log was opened is not written again as if it had been meant. */
    @Test
    void whatIsDamagedBesideTheLogsEndIsNotWrittenAgain() throws IOException {
        storage.close();
        EntryId id = new EntryId(3, 16);
        int offset = offsets.get(id) + SIZE - 1;
        files.flip(SECOND, offset, 0);
        byte wrong = files.bytes(SECOND)[offset];
        FileStorage again = Logs.start(files, SMALL);
        assertEquals(List.of(id), again.recover().damaged());
        files.damage(SECOND, offset, new byte[] {(byte) (wrong ^ 1)});      // the disk comes to itself
        again.write(List.of(new Storage.Write(1, new HardState(3, null, 0), 17, List.of())));
        assertEquals(wrong ^ 1, files.bytes(SECOND)[offset]);
    }

    @Test
    void withoutTheIndexAndWithoutWhatIsBehindItTheEntrysFrameTellsWhatItWas() {
        List<EntryId> both = List.of(id(5), id(6));
        files.makeUnreadable(FIRST, offset(id(6)) - FrameHeader.BYTES, 1);
        files.makeUnreadable(FIRST, SMALL.segmentBytes() - 1, 1);
        for (EntryId id : both) {
            assertEquals(id, assertThrows(EntryDamagedException.class, () -> storage.read(id.index(), 16, 1 << 20)).entry());
        }
        Entry other = Entry.of(5, 1, Entry.Kind.COMMAND, 7, new byte[PAYLOAD]);
        assertEquals(List.of(id(6)), storage.repair(List.of(other, Logs.entry(6, 2, PAYLOAD))));
        assertEquals(List.of(id(5)), storage.repair(givenBack(List.of(id(5)))));
        assertEquals(model.entries(), storage.read(1, 99, 1 << 20));
    }

    @Test
    void whereNothingThatCanBeReadTellsWhatAnEntryWasItIsNotPutBackAndNothingElseEnds() {
        EntryId id = id(5);
        files.makeUnreadable(FIRST, offset(id(3)) - FrameHeader.BYTES, 1);
        files.makeUnreadable(FIRST, offset(id), SIZE + 1);      // also the next frame's header
        files.makeUnreadable(FIRST, SMALL.segmentBytes() - 1, 1);
        assertEquals(id, assertThrows(EntryDamagedException.class, () -> storage.read(5, 16, 1 << 20)).entry());
        assertEquals(List.of(), storage.repair(givenBack(List.of(id))));
        write(3, 17, 17);
        assertEquals(id, assertThrows(EntryDamagedException.class, () -> storage.read(5, 16, 1 << 20)).entry());
        assertEquals(model.entries().subList(6, 17), storage.read(7, 99, 1 << 20));
    }

    @Test
    void whatCannotBeReadBackWhereItWasWrittenIsWrittenOnceMore() throws IOException {
        EntryId id = id(8);
        SimulatedFiles disk = unreadable(place(id), middle(id));
        FileStorage opened = Logs.start(disk, SMALL);
        assertEquals(List.of(id), opened.recover().damaged());
        int forces = disk.forces();
        disk.before(operation -> {
            if (operation == Operation.READ && disk.forces() == forces + 1) {
                disk.makeUnreadable(place(id), middle(id), 1);
            }
        });
        assertEquals(List.of(id), opened.repair(givenBack(List.of(id))));
        disk.before(operation -> { });
        assertEquals(model.restarted(), ModelLog.of(opened));
        isWholeAgain(disk);
    }

    // --------------------------------------------------------------------------------------------------------------------- the tool

    @Test
    void theToolListsWhatCannotBeReadBesideAllOtherDamage() throws IOException {
        SimulatedFiles disk = unreadable(FIRST, middle(id(4)));
        disk.flip(FIRST, middle(id(7)), 1);
        disk.makeUnreadable(SECOND, SMALL.segmentBytes() - 1, 1);
        List<ChecksumWalk.Wrong> wrong = ChecksumWalk.of(new SimulatedFileSystem(disk)).wrong();
        assertEquals(List.of(FIRST + " at " + offset(id(4)), FIRST + " at " + offset(id(7))), wrong.subList(0, 2).stream()
            .map(each -> each.file().substring("/simulated/".length()) + " at " + each.offset()).toList());
        assertTrue(wrong.get(0).what().startsWith("it cannot be read: "), wrong::toString);
        assertEquals("/simulated/" + SECOND, wrong.get(2).file());
        StorageCorruptException damage = Inspection.of(new SimulatedFileSystem(disk)).damage();
        assertNotNull(damage);
        assertEquals("/simulated/" + SECOND, damage.file());
    }
}
