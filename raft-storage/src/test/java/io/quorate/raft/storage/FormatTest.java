package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.ClusterId;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Identity;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.core.TermTable;
import io.quorate.raft.storage.testing.SimulatedFiles;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

/** The bytes on disk, against files kept in the repository. Whoever changes the format renews them in the same commit. */
class FormatTest {

    private static final long INCARNATION = 0x0123456789ABCDEFL;
    private static final int SIZE = 1024;

    private static final Identity IDENTITY = new Identity(new ReplicaId(1, INCARNATION), 7,
        new FoundingRecord(new ClusterId(0x1111222233334444L, 0x5555666677778888L), 3, new Membership(1,
            List.of(new Member(new ReplicaId(1, INCARNATION), "one:1"), new Member(new ReplicaId(2, -2), "zwei-ü:2")), List.of(),
            List.of(new Member(new ReplicaId(3, 3), "three:3")))));

    private static final StoredIdentity RECOVERED = new StoredIdentity(IDENTITY, new EntryId(1_000_009, 120));
    private static final StoredIdentity CUT = new StoredIdentity(IDENTITY, new EntryId(1_000_009, 120), true);

    private static final Content VOTE = new Content(5, new HardState(2, new ReplicaId(2, -2), 0), 1, List.of());
    private static final Content ENTRIES = new Content(8, new HardState(2, new ReplicaId(2, -2), 1), 1, List.of(
        Entry.of(1, 2, Entry.Kind.NO_OP, 0, new byte[0]),
        Entry.of(2, 2, Entry.Kind.COMMAND, 12345, "hello".getBytes(StandardCharsets.UTF_8))));

    private static SimulatedFiles log() throws IOException {
        SimulatedFiles disk = new SimulatedFiles();
        FileSystem files = new SimulatedFileSystem(disk);
        LogState state = new LogState();
        Staging staging = new Staging(SIZE);
        HeadRoom headRoom = new HeadRoom(files, SIZE);
        Segment segment = Segment.begin(files, headRoom.next(), 1, INCARNATION, state, 0, staging);
        try (LogWriter writer = new LogWriter(files, INCARNATION, state, headRoom, staging, segment)) {
            writer.write(VOTE);
            writer.write(ENTRIES);
            writer.write(new Content(9, ENTRIES.hardState(), 2, Logs.entries(2, 4, 2, 150)));   // does not fit
        }
        return disk;
    }

    private static final SnapshotManifest MANIFEST = new SnapshotManifest(
        new SnapshotId(new EntryId(7, 100), new Membership(2, List.of(new Member(new ReplicaId(1, INCARNATION), "one:1")), List.of(),
            List.of(new Member(new ReplicaId(2, -2), "zwei-ü:2"))), 12345),
        TermTable.of(List.of(EntryId.ZERO, new EntryId(2, 1), new EntryId(7, 90)), 100), 64,
        List.of(new SnapshotManifest.Part(128, 0x01020304), new SnapshotManifest.Part(5, -2)));

    /** A log that is let go, and begins anew behind a snapshot. */
    private static SimulatedFiles reset() throws IOException {
        SimulatedFiles disk = new SimulatedFiles();
        FileSystem files = new SimulatedFileSystem(disk);
        LogState state = new LogState();
        Staging staging = new Staging(SIZE);
        HeadRoom headRoom = new HeadRoom(files, SIZE);
        Segment segment = Segment.begin(files, headRoom.next(), 1, INCARNATION, state, 0, staging);
        try (LogWriter writer = new LogWriter(files, INCARNATION, state, headRoom, staging, segment)) {
            writer.write(ENTRIES);
            writer.write(Content.reset(9, new HardState(8, null, 100), new EntryId(7, 100)), MANIFEST.terms());
            writer.write(new Content(10, new HardState(8, null, 100), 101, Logs.entries(101, 101, 8, 3)));
        }
        return disk;
    }

    private static byte[] golden(String name) throws IOException {
        try (InputStream in = FormatTest.class.getResourceAsStream("/golden/" + name + ".hex")) {
            assertNotNull(in, name);
            String text = new String(in.readAllBytes(), StandardCharsets.US_ASCII);
            return HexFormat.of().parseHex(text.replaceAll("(?m)#.*$|\\s", ""));
        }
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes).replaceAll("(.{64})", "$1\n");
    }

    @Test
    void aSegmentHasTheBytesOfTheGoldenFile() throws IOException {
        assertEquals(hex(golden("segment")), hex(log().bytes(SegmentHeader.fileName(1))));
    }

    @Test
    void theGoldenSegmentIsUnderstood() throws IOException {
        SimulatedFiles disk = log();
        FileSystem files = new SimulatedFileSystem(disk);
        disk.put(SegmentHeader.fileName(1), golden("segment"));
        try (LogWriter recovered = new Recovery(files, INCARNATION).run(new HeadRoom(files, SIZE))) {
            assertEquals(ENTRIES.hardState(), recovered.state().hardState());
            assertEquals("(0@0) 1@2 ..4", recovered.state().terms().toString());
        }
    }

    @Test
    void aLogThatBeginsAnewHasTheBytesOfTheGoldenFile() throws IOException {
        assertEquals(hex(golden("reset")), hex(reset().bytes(SegmentHeader.fileName(1))));
    }

    @Test
    void theGoldenLogThatBeginsAnewIsUnderstood() throws IOException {
        SimulatedFiles disk = reset();
        FileSystem files = new SimulatedFileSystem(disk);
        disk.put(SegmentHeader.fileName(1), golden("reset"));
        try (LogWriter recovered = new Recovery(files, INCARNATION).run(new HeadRoom(files, SIZE))) {
            assertEquals("(100@7) 101@8 ..101", recovered.state().terms().toString());
            assertEquals(101, recovered.state().index().firstIndex());
        }
    }

    @Test
    void aManifestHasTheBytesOfTheGoldenFile() throws IOException {
        assertEquals(hex(golden("manifest")), hex(MANIFEST.encode()));
        assertEquals(MANIFEST, SnapshotManifest.decode(golden("manifest")));
        SimulatedFiles disk = new SimulatedFiles();
        FileSystem files = new SimulatedFileSystem(disk);
        MANIFEST.write(files, "m", INCARNATION);
        byte[] file = disk.bytes("m");
        assertEquals(hex(golden("manifest")), hex(Arrays.copyOf(file, file.length - 4)));
        assertEquals(new Crc(INCARNATION).add(file, 0, file.length - 4).value(), ByteBuffer.wrap(file).getInt(file.length - 4));
        assertEquals(MANIFEST, SnapshotManifest.read(files, "m", INCARNATION));
        assertThrows(StorageCorruptException.class, () -> SnapshotManifest.read(files, "m", INCARNATION + 1));
    }

    @Test
    void aManifestWithAnyByteWrongIsNone() throws IOException {
        byte[] golden = golden("manifest");
        for (int at = 0; at < golden.length; at++) {
            byte[] bytes = golden.clone();
            bytes[at] ^= 0x20;
            assertThrows(IllegalArgumentException.class, () -> SnapshotManifest.decode(bytes), "at " + at);
        }
        for (int length = 0; length < golden.length; length++) {
            byte[] bytes = Arrays.copyOf(golden, length);
            assertThrows(IllegalArgumentException.class, () -> SnapshotManifest.decode(bytes), "of " + length + " bytes");
        }
    }

    @Test
    void noFieldsOfAManifestUnderARightChecksumDoMoreThanBeRefused() throws IOException {
        Random random = new Random(7);
        for (int i = 0; i < 5_000; i++) {
            byte[] bytes = golden("manifest");
            int at = SnapshotManifest.HEAD_BYTES + random.nextInt(bytes.length - SnapshotManifest.HEAD_BYTES - Integer.BYTES);
            bytes[at] = (byte) random.nextInt();
            CRC32C crc = new CRC32C();
            crc.update(bytes, 0, bytes.length - Integer.BYTES);
            ByteBuffer.wrap(bytes).putInt(bytes.length - Integer.BYTES, (int) crc.getValue());
            try {
                SnapshotManifest decoded = SnapshotManifest.decode(bytes);
                assertEquals(decoded, SnapshotManifest.decode(decoded.encode()));
            } catch (IllegalArgumentException e) {
                assertNotNull(e.getMessage());
            }
        }
    }

    @Test
    void aBlockHasTheBytesOfTheGoldenFile() throws IOException {
        assertEquals(hex(golden("block")), hex(block()));
    }

    private static byte[] block() {
        byte[] block = Arrays.copyOf("some state".getBytes(StandardCharsets.UTF_8), 14);
        ByteBuffer.wrap(block).putInt(10, SnapshotManifest.blockCrc(new EntryId(7, 100), 60, block, 0, 10));
        return block;
    }

    private static final SnapshotId TAKEN = Snapshot.at(2, 1);
    private static final byte[] STATE = "some state".getBytes(StandardCharsets.UTF_8);
    private static final SnapshotName NAME = new SnapshotName(2, 1);

    private static FileStorage start(SimulatedFiles disk) {
        FileStorage storage = FileStorage.open(disk, 1, INCARNATION, Logs.TINY);
        if (storage.identity().isBlank()) {
            storage.found(Logs.founding(storage));
        }
        storage.recover();
        return storage;
    }

    /** A directory with a snapshot in it. */
    private static SimulatedFiles taken() throws IOException {
        SimulatedFiles disk = new SimulatedFiles();
        FileStorage storage = start(disk);
        storage.write(List.of(Logs.append(1, 1, 3, 1, 10)));
        Snapshot.take(storage, TAKEN, STATE);
        storage.close();
        return disk;
    }

    /** A directory in which the same one was received. */
    private static SimulatedFiles received() throws IOException {
        FileStorage storage = start(taken());
        byte[] transfer = Snapshot.transfer(Snapshot.open(storage));
        SimulatedFiles disk = new SimulatedFiles();
        FileStorage other = start(disk);
        try (Storage.SnapshotInput input = other.receiveSnapshot(TAKEN)) {
            input.write(0, transfer);
            assertTrue(input.complete());
        }
        other.close();
        return disk;
    }

    @Test
    void aSnapshotThatIsTakenOrReceivedHasTheBytesOfTheGoldenFiles() throws IOException {
        assertEquals(hex(golden("snapshot")), hex(taken().bytes(NAME.manifest())));
        assertEquals(hex(golden("part")), hex(taken().bytes(NAME.part(0))));
        assertEquals(hex(golden("snapshot")), hex(received().bytes(NAME.received())));
        assertEquals(hex(golden("part")), hex(received().bytes(NAME.part(0))));
    }

    @Test
    void theGoldenSnapshotIsUnderstood() throws IOException {
        SimulatedFiles disk = taken();
        disk.put(NAME.manifest(), golden("snapshot"));
        disk.put(NAME.part(0), golden("part"));
        assertArrayEquals(STATE, Snapshot.state(start(disk)));
        SimulatedFiles other = received();
        other.put(NAME.received(), golden("snapshot"));
        other.put(NAME.part(0), golden("part"));
        FileStorage storage = start(other);
        assertTrue(storage.receiveSnapshot(TAKEN).complete());
        storage.write(List.of(Snapshot.install(1, TAKEN)));
        assertArrayEquals(STATE, Snapshot.state(storage));
    }

    /** Each kind of file that has a version, as a later version might write it: nothing is known of it but where the version stands. */
    @Test
    void aNewerVersionOfAnyFileIsRefusedByNameAndNothingIsTouched() throws IOException {
        for (boolean isReceived : new boolean[] {false, true}) {
            SimulatedFiles disk = isReceived ? received() : taken();
            for (String name : List.of(IdentityFile.NAME, SegmentHeader.fileName(1), isReceived ? NAME.received() : NAME.manifest())) {
                SimulatedFiles newer = disk.copy();
                byte[] bytes = newer.bytes(name);
                ByteBuffer.wrap(bytes).putInt(4, 2);
                if (SnapshotName.of(name) != null) {
                    int end = bytes.length - 4;
                    ByteBuffer.wrap(bytes).putInt(end, new Crc(INCARNATION).add(bytes, 0, end).value());
                }
                newer.put(name, bytes);
                StorageException refusal = assertThrows(StorageException.class, () -> start(newer), name);
                assertEquals(newer.pathOf(name) + " has format version 2, and this version of Quorate reads up to 1: run the version that"
                    + " wrote it, or a newer one.", refusal.getMessage());
                assertEquals(disk.list(), newer.list());
                assertArrayEquals(bytes, newer.bytes(name));
            }
        }
    }

    @Test
    void anIdentityHasTheBytesOfTheGoldenFile() throws IOException {
        SimulatedFiles disk = new SimulatedFiles();
        FileSystem files = new SimulatedFileSystem(disk);
        new IdentityFile(files).write(new StoredIdentity(IDENTITY));
        assertEquals(hex(golden("identity")), hex(disk.bytes(IdentityFile.NAME)));
    }

    @Test
    void theGoldenIdentityIsUnderstood() throws IOException {
        SimulatedFiles disk = new SimulatedFiles();
        FileSystem files = new SimulatedFileSystem(disk);
        disk.put(IdentityFile.NAME, golden("identity"));
        assertEquals(new StoredIdentity(IDENTITY), new IdentityFile(files).read());
    }

    @Test
    void anIdentityThatWasRecoveredHasTheBytesOfTheGoldenFileAndTheyAreUnderstood() throws IOException {
        SimulatedFiles disk = new SimulatedFiles();
        FileSystem files = new SimulatedFileSystem(disk);
        for (Map.Entry<String, StoredIdentity> each : Map.of("identity-recovered", RECOVERED, "identity-cut", CUT).entrySet()) {
            new IdentityFile(files).write(each.getValue());
            assertEquals(hex(golden(each.getKey())), hex(disk.bytes(IdentityFile.NAME)));
            assertEquals(each.getValue(), new IdentityFile(files).read());
        }
    }

    @Test
    void aHeaderThatSaysNonsenseUnderARightChecksumIsNone() {
        byte[] bytes = new FrameHeader(1, 64, 0, 1, 1, 1, 0, false, new HardState(1, Logs.OTHER, 0), 0, 0, 0).encode(INCARNATION);
        ByteBuffer.wrap(bytes).putLong(48, 0);   // no vote belongs to term 0
        ByteBuffer.wrap(bytes).putInt(4, new Crc(INCARNATION).add(bytes, 8, FrameHeader.BYTES).value());
        assertNull(FrameHeader.decode(bytes, 0, INCARNATION, 1, 64));
    }

    @Test
    void noBytesMakeRecoveryFailOtherThanByRefusing() throws IOException {
        Random random = new Random(42);
        for (int i = 0; i < 3000; i++) {
            SimulatedFiles disk = log();
            FileSystem files = new SimulatedFileSystem(disk);
            String name = SegmentHeader.fileName(1 + random.nextInt(2));
            byte[] bytes = disk.bytes(name).clone();
            int from = random.nextInt(bytes.length);
            int length = 1 + random.nextInt(Math.min(20, bytes.length - from));
            byte[] noise = new byte[length];
            random.nextBytes(noise);
            System.arraycopy(noise, 0, bytes, from, length);
            disk.put(name, bytes);
            String outcome;
            try (LogWriter recovered = new Recovery(files, INCARNATION).run(new HeadRoom(files, SIZE))) {
                outcome = recovered.state().terms().toString();
            } catch (StorageException e) {
                outcome = "refused";
            }
            assertTrue(List.of("refused", "(0@0) 1@2 ..4", "(0@0) 1@2 ..2").contains(outcome), outcome);
        }
    }

    /** Prints the golden files anew. */
    public static void main(String[] args) throws IOException {
        SimulatedFiles disk = new SimulatedFiles();
        FileSystem files = new SimulatedFileSystem(disk);
        new IdentityFile(files).write(new StoredIdentity(IDENTITY));
        System.out.println("# identity");
        System.out.println(hex(disk.bytes(IdentityFile.NAME)));
        new IdentityFile(files).write(RECOVERED);
        System.out.println("# identity-recovered");
        System.out.println(hex(disk.bytes(IdentityFile.NAME)));
        new IdentityFile(files).write(CUT);
        System.out.println("# identity-cut");
        System.out.println(hex(disk.bytes(IdentityFile.NAME)));
        System.out.println("# segment");
        System.out.println(hex(log().bytes(SegmentHeader.fileName(1))));
        System.out.println("# reset");
        System.out.println(hex(reset().bytes(SegmentHeader.fileName(1))));
        System.out.println("# manifest");
        System.out.println(hex(MANIFEST.encode()));
        System.out.println("# snapshot");
        System.out.println(hex(taken().bytes(NAME.manifest())));
        System.out.println("# part");
        System.out.println(hex(taken().bytes(NAME.part(0))));
        System.out.println("# block");
        System.out.println(hex(block()));
    }
}
