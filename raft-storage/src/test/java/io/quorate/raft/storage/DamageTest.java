package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.storage.testing.SimulatedFiles;
import io.quorate.raft.storage.testing.SimulatedFiles.Loss;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a damaged log is taken for: the trace of a crash, or a disk that lost something. */
class DamageTest {

    private static final String FIRST = SegmentHeader.fileName(1);
    private static final String SECOND = SegmentHeader.fileName(2);

    private static final FileStorage.Options SMALL = Logs.TINY.withSegmentBytes(2 << 10);

    private final SimulatedFiles files = new SimulatedFiles();
    private FileStorage storage;
    private ReplicaId self;
    private ModelLog model = ModelLog.EMPTY;   // before the last write
    private List<Storage.Write> last = List.of();

    @BeforeEach
    void open() throws IOException {
        storage = Logs.start(files, SMALL);
        self = storage.identity().replica();
        storage.recover();
        write(new Storage.Write(1, new HardState(1, null, 0), 1, List.of()));
    }

    private void write(Storage.Write... batch) {
        model = model.after(last);
        last = List.of(batch);
        storage.write(last);
    }

    /** The frames of a segment, by walking from one to the next. */
    private List<FrameHeader> frames(String name) {
        byte[] bytes = files.bytes(name);
        List<FrameHeader> frames = new ArrayList<>();
        int at = SegmentHeader.BYTES;
        while (at + FrameHeader.BYTES <= bytes.length) {
            FrameHeader frame = FrameHeader.decode(bytes, at, self.incarnation(), SegmentHeader.idOf(name), at);
            if (frame == null) {
                break;
            }
            frames.add(frame);
            at += FrameHeader.BYTES + frame.length();
        }
        return frames;
    }

    private static int endOf(FrameHeader frame) {
        return frame.offset() + FrameHeader.BYTES + frame.length();
    }

    private static FrameHeader lastOf(List<FrameHeader> frames) {
        return frames.get(frames.size() - 1);
    }

    private SimulatedFiles with(String name, byte[] bytes) {
        SimulatedFiles damaged = files.copy();
        damaged.put(name, bytes);
        return damaged;
    }

    private static ModelLog recovered(SimulatedFiles disk) throws IOException {
        return ModelLog.of(Logs.start(disk, SMALL));
    }

    private static StorageCorruptException refusal(SimulatedFiles disk) {
        return assertThrows(StorageCorruptException.class, () -> recovered(disk));
    }

    @Test
    void theLastFrameCutOffAnywhereIsDroppedWhole() throws IOException {
        write(Logs.append(2, 1, 3, 1, 20));
        write(Logs.append(3, 4, 6, 1, 30));
        FrameHeader frame = lastOf(frames(FIRST));
        assertEquals(4, frame.firstIndex());
        Random random = new Random(1);
        for (int from = frame.offset(); from < endOf(frame); from++) {
            byte[] zeros = files.bytes(FIRST);
            Arrays.fill(zeros, from, zeros.length, (byte) 0);
            assertEquals(model, recovered(with(FIRST, zeros)), "zeros from " + from);

            byte[] garbage = files.bytes(FIRST);
            byte[] noise = new byte[garbage.length - from];
            random.nextBytes(noise);
            noise[0] = (byte) ~garbage[from];
            System.arraycopy(noise, 0, garbage, from, noise.length);
            assertEquals(model, recovered(with(FIRST, garbage)), "garbage from " + from);
        }
        assertEquals(model.after(last), recovered(files.copy()));
    }

    @Test
    void theLastFrameWithOneByteWrongIsDroppedWhole() throws IOException {
        write(Logs.append(2, 1, 3, 1, 20));
        write(Logs.append(3, 4, 6, 1, 30));
        FrameHeader frame = lastOf(frames(FIRST));
        for (int at = frame.offset(); at < endOf(frame); at++) {
            byte[] bytes = files.bytes(FIRST);
            bytes[at] ^= 0x10;
            assertEquals(model, recovered(with(FIRST, bytes)), "at " + at);
        }
    }

    @Test
    void anyByteWrongInAFrameHeaderBeforeTheLastIsRefusedByFileAndOffset() throws IOException {
        write(Logs.append(2, 1, 2, 1, 20));
        write(new Storage.Write(3, new HardState(1, Logs.OTHER, 1), 2, Logs.entries(2, 9, 1, 60)));
        write(Logs.append(4, 10, 10, 2, 10));
        write(Logs.append(5, 11, 18, 2, 60));
        write(Logs.append(6, 19, 20, 2, 60));
        for (String name : List.of(FIRST, SECOND)) {
            List<FrameHeader> frames = frames(name);
            List<FrameHeader> earlier = name.equals(FIRST) ? frames : frames.subList(0, frames.size() - 1);
            for (FrameHeader frame : earlier) {
                for (int at = frame.offset(); at < frame.offset() + FrameHeader.BYTES; at++) {
                    byte[] bytes = files.bytes(name);
                    bytes[at] ^= 0x04;
                    StorageCorruptException refusal = refusal(with(name, bytes));
                    assertEquals("/simulated/" + name, refusal.file());
                    assertEquals(frame.offset(), refusal.offset(), "at " + at);
                    assertTrue(String.valueOf(refusal.getMessage()).contains(name + " at offset " + frame.offset()), refusal::getMessage);
                }
            }
        }
    }

    @Test
    void theFirstFrameOfASegmentIsNeverTakenForUnfinished() throws IOException {
        SimulatedFiles young = new SimulatedFiles();
        Logs.start(young, SMALL).close();   // founded: the first segment holds nothing but its first frame
        for (int at = SegmentHeader.BYTES; at < SegmentHeader.BYTES + FrameHeader.BYTES; at++) {
            SimulatedFiles damaged = young.copy();
            damaged.flip(FIRST, at, 0);
            assertEquals(SegmentHeader.BYTES, refusal(damaged).offset());
        }
    }

    @Test
    void anEarlierFrameOfZerosIsRefusedToo() throws IOException {
        write(Logs.append(2, 1, 2, 1, 20));
        FrameHeader lost = lastOf(frames(FIRST));
        write(Logs.append(3, 3, 3, 1, 20));
        byte[] bytes = files.bytes(FIRST);
        Arrays.fill(bytes, lost.offset(), endOf(lost), (byte) 0);
        assertEquals(lost.offset(), refusal(with(FIRST, bytes)).offset());
    }

    @Test
    void aCutOffLaterFrameStillProvesThatAnEarlierOneWasDurable() throws IOException {
        write(Logs.append(2, 1, 2, 1, 20));
        FrameHeader lost = lastOf(frames(FIRST));
        write(Logs.append(3, 3, 3, 1, 20));
        FrameHeader cut = lastOf(frames(FIRST));
        byte[] bytes = files.bytes(FIRST);
        bytes[lost.offset() + FrameHeader.BYTES] ^= 1;
        bytes[endOf(cut) - 1] ^= 1;
        assertEquals(lost.offset(), refusal(with(FIRST, bytes)).offset());
    }

    @Test
    void aFrameOfAnotherChainIsRefusedEvenAsTheLast() throws IOException {
        write(Logs.append(2, 1, 2, 1, 20));
        FrameHeader frame = lastOf(frames(FIRST));
        byte[] bytes = files.bytes(FIRST);
        for (FrameHeader alien : List.of(
            new FrameHeader(1, frame.offset(), frame.previousCrc() + 1, frame.number(), 2, 1, 0, false, frame.hardState(), 0, 0, 0),
            new FrameHeader(1, frame.offset(), frame.previousCrc(), frame.number() + 1, 2, 1, 0, false, frame.hardState(), 0, 0, 0),
            new FrameHeader(1, frame.offset(), frame.previousCrc(), frame.number(), 2, 2, 1, false, frame.hardState(), 0, 0, 0),
            new FrameHeader(1, frame.offset(), frame.previousCrc(), frame.number(), 2, 1, 0, false, HardState.INITIAL, 0, 0, 0))) {
            System.arraycopy(alien.encode(self.incarnation()), 0, bytes, frame.offset(), FrameHeader.BYTES);
            assertEquals(frame.offset(), refusal(with(FIRST, bytes)).offset(), alien.toString());
        }
    }

    @Test
    void anyByteWrongInASegmentHeaderIsRefused() throws IOException {
        write(Logs.append(2, 1, 8, 1, 60));
        write(Logs.append(3, 9, 16, 1, 60));
        for (String name : List.of(FIRST, SECOND)) {
            for (int at = 0; at < SegmentHeader.BYTES; at++) {
                byte[] bytes = files.bytes(name);
                bytes[at] ^= 0x02;
                SimulatedFiles damaged = with(name, bytes);
                Exception refusal = assertThrows(StorageException.class, () -> recovered(damaged), "at " + at);
                assertTrue(String.valueOf(refusal.getMessage()).contains(name), refusal::getMessage);
            }
        }
    }

    @Test
    void anyByteWrongInASealedSegmentsIndexIsRefused() throws IOException {
        write(Logs.append(2, 1, 8, 1, 60));
        write(Logs.append(3, 9, 16, 1, 60));
        int size = files.bytes(FIRST).length;
        int from = size - (int) SegmentSeal.bytes(8);
        for (int at = from; at < size; at++) {
            byte[] bytes = files.bytes(FIRST);
            bytes[at] ^= 0x40;
            StorageCorruptException refusal = refusal(with(FIRST, bytes));
            assertEquals(at, refusal.offset());
            assertEquals("/simulated/" + FIRST, refusal.file());
        }
    }

    /** The sum says that this is what was meant to be written; the entries say that it cannot be. */
    @Test
    void anIndexThatIsWholeAndSaysSomethingElseThanTheEntriesIsRefused() throws IOException {
        write(Logs.append(2, 1, 8, 1, 60));
        write(Logs.append(3, 9, 16, 1, 60));
        int size = files.bytes(FIRST).length;
        for (int at = size - (int) SegmentSeal.bytes(8); at < size - 4; at++) {
            byte[] bytes = files.bytes(FIRST);
            bytes[at] ^= 0x40;
            ByteBuffer.wrap(bytes).putInt(size - 4,
                new Crc(self.incarnation()).add(bytes, size - (int) SegmentSeal.bytes(8), size - 4).value());
            assertEquals(at, refusal(with(FIRST, bytes)).offset());
        }
    }

    @Test
    void theIndexOfASealedSegmentNamesEveryEntryInItAndItsPlace() throws IOException {
        write(Logs.append(2, 1, 8, 1, 60));
        write(Logs.append(3, 9, 16, 1, 60));
        byte[] bytes = files.bytes(FIRST);
        ByteBuffer seal = ByteBuffer.wrap(bytes).position(bytes.length - (int) SegmentSeal.bytes(8));
        for (Entry entry : Logs.entries(1, 8, 1, 60)) {
            assertEquals(entry.index(), seal.getLong());
            assertEquals(entry.term(), seal.getLong());
            assertEquals(entry.checksum(), seal.getInt());
            int offset = seal.getInt();
            assertEquals(entry, Entry.decode(bytes, offset, bytes.length));
        }
    }

    @Test
    void aFileThatBecameShorterIsRefused() throws IOException {
        write(Logs.append(2, 1, 8, 1, 60));
        write(Logs.append(3, 9, 16, 1, 60));
        for (String name : List.of(FIRST, SECOND)) {
            int size = files.bytes(name).length;
            for (int length : new int[] {0, 10, SegmentHeader.BYTES, size / 2, size - 1}) {
                StorageCorruptException refusal = refusal(with(name, Arrays.copyOf(files.bytes(name), length)));
                assertEquals("/simulated/" + name, refusal.file());
                assertTrue(String.valueOf(refusal.getMessage()).contains(length + " bytes long"), refusal::getMessage);
            }
        }
    }

    @Test
    void aMissingSegmentIsRefusedByName() throws IOException {
        write(Logs.append(2, 1, 8, 1, 60));
        write(Logs.append(3, 9, 16, 1, 60));
        write(Logs.append(4, 17, 24, 1, 60));
        assertTrue(files.list().contains(SegmentHeader.fileName(3)));
        for (int id = 1; id <= 3; id++) {
            SimulatedFiles damaged = files.copy();
            damaged.remove(SegmentHeader.fileName(id));
            assertEquals("/simulated/" + SegmentHeader.fileName(id), refusal(damaged).file());
        }
        SimulatedFiles empty = files.copy();
        for (int id = 1; id <= 3; id++) {
            empty.remove(SegmentHeader.fileName(id));
        }
        assertEquals("/simulated/" + FIRST, refusal(empty).file());
    }

    @Test
    void twoSegmentsUnderEachOthersNamesAreRefused() throws IOException {
        write(Logs.append(2, 1, 8, 1, 60));
        write(Logs.append(3, 9, 16, 1, 60));
        SimulatedFiles damaged = with(FIRST, files.bytes(SECOND));
        damaged.put(SECOND, files.bytes(FIRST));
        assertTrue(String.valueOf(refusal(damaged).getMessage()).contains("it is segment 2 under the name of another"));
    }

    @Test
    void aSegmentOfAnotherReplicaIsRefused() throws IOException {
        SimulatedFiles other = new SimulatedFiles();
        Logs.start(other, SMALL);
        assertTrue(String.valueOf(refusal(with(FIRST, other.bytes(FIRST))).getMessage()).contains("a segment of another replica"));
    }

    @Test
    void aSegmentOfANewerFormatIsRefusedAsSuch() throws IOException {
        byte[] bytes = files.bytes(FIRST);
        bytes[7] = 2;
        SimulatedFiles newer = with(FIRST, bytes);
        Exception refusal = assertThrows(StorageException.class, () -> recovered(newer));
        assertTrue(String.valueOf(refusal.getMessage()).contains("has format version 2, and this version of Quorate reads up to 1"),
            refusal::getMessage);
    }

    @Test
    void aDroppedFrameIsGoneForEver() throws IOException {
        write(Logs.append(2, 1, 4, 1, 60));
        FrameHeader dropped = lastOf(frames(FIRST));
        byte[] torn = files.bytes(FIRST);
        torn[dropped.offset() + FrameHeader.BYTES + 40] ^= 1;
        SimulatedFiles disk = with(FIRST, torn);
        FileStorage again = Logs.start(disk, SMALL);
        assertEquals(model, ModelLog.of(again));
        // The power fails right behind the opening: the frame is gone from the disk itself, all of it.
        disk = disk.restart(Loss.LOSES_ALL, new Random());
        byte[] bytes = disk.bytes(FIRST);
        for (int at = dropped.offset() + FrameHeader.BYTES; at < bytes.length; at++) {
            assertEquals(0, bytes[at], "at " + at);
        }
        FrameHeader inItsPlace = FrameHeader.decode(bytes, dropped.offset(), self.incarnation(), 1, dropped.offset());
        assertTrue(inItsPlace == null || inItsPlace.count() == 0, () -> "still there: " + inItsPlace);
    }

    @Test
    void aFrameInsideACommandIsNotTakenForOneBehindADamagedOne() throws IOException {
        write(Logs.append(2, 1, 1, 1, 20));
        byte[] copy = Arrays.copyOfRange(files.bytes(FIRST), 0, 400);   // a segment with valid frames, as a command
        write(new Storage.Write(3, new HardState(1, null, 0), 2, List.of(Entry.of(2, 1, Entry.Kind.COMMAND, 0, copy))));
        FrameHeader frame = lastOf(frames(FIRST));
        byte[] torn = files.bytes(FIRST);
        torn[frame.offset()] ^= 1;
        assertEquals(model, recovered(with(FIRST, torn)));
    }

    @Test
    void aFrameOfAnotherReplicaOrSegmentInsideACommandIsNotOneEitherEvenAtItsOwnOffset() throws IOException {
        // Frames that name exactly the place they come to lie at, but another incarnation or segment.
        int offset = endOf(lastOf(frames(FIRST))) + FrameHeader.BYTES + Entry.HEADER_BYTES;
        HardState hardState = new HardState(1, null, 0);
        byte[] replica = new FrameHeader(1, offset, 0, 9, 9, 1, 0, false, hardState, 0, 0, 0).encode(self.incarnation() + 1);
        byte[] segment = new FrameHeader(2, offset + replica.length, 0, 9, 9, 1, 0, false, hardState, 0, 0, 0).encode(self.incarnation());
        byte[] payload = Arrays.copyOf(replica, replica.length + segment.length);
        System.arraycopy(segment, 0, payload, replica.length, segment.length);
        write(new Storage.Write(2, hardState, 1, List.of(Entry.of(1, 1, Entry.Kind.COMMAND, 0, payload))));
        FrameHeader frame = lastOf(frames(FIRST));
        byte[] torn = files.bytes(FIRST);
        torn[frame.offset()] ^= 1;
        assertEquals(model, recovered(with(FIRST, torn)));
    }

    @Test
    void aVoteSurvivesDamageToTheLastFrame() throws IOException {
        write(new Storage.Write(2, new HardState(5, Logs.OTHER, 0), 1, List.of()));
        assertTheLastFrameIsEmptyAndHolds(new HardState(5, Logs.OTHER, 0));
    }

    @Test
    void aTermSurvivesDamageToTheLastFrame() throws IOException {
        write(new Storage.Write(2, new HardState(5, null, 0), 1, List.of()));
        assertTheLastFrameIsEmptyAndHolds(new HardState(5, null, 0));
    }

    private void assertTheLastFrameIsEmptyAndHolds(HardState hardState) throws IOException {
        FrameHeader frame = lastOf(frames(FIRST));
        assertEquals(0, frame.count());
        byte[] torn = files.bytes(FIRST);
        Arrays.fill(torn, frame.offset(), endOf(frame), (byte) 0);
        assertEquals(hardState, recovered(with(FIRST, torn)).hardState());
    }

    @Test
    void aClosedLogLosesNothingWithItsLastFrame() throws IOException {
        write(Logs.append(2, 1, 4, 1, 60));
        storage.close();
        FrameHeader frame = lastOf(frames(FIRST));
        assertEquals(0, frame.count());
        byte[] torn = files.bytes(FIRST);
        torn[frame.offset() + 3] ^= 1;
        assertEquals(model.after(last), recovered(with(FIRST, torn)));
    }

    @Test
    void whatWasFoundAtOpeningSurvivesDamageToTheLastFrame() throws IOException {
        write(Logs.append(2, 1, 4, 1, 60));
        SimulatedFiles disk = files.copy();
        assertEquals(model.after(last), recovered(disk));
        byte[] torn = disk.bytes(FIRST);
        int end = endOf(lastOf(frames(FIRST)));
        assertNotEquals(0, torn[end], "an empty frame follows the last one");
        Arrays.fill(torn, end, torn.length, (byte) 0);
        disk.put(FIRST, torn);
        assertEquals(model.after(last), recovered(disk.copy()));
    }
}
