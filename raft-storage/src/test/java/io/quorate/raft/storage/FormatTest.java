package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.ClusterId;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Identity;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.ReplicaId;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The bytes on disk, against files kept in the repository. Whoever changes the format renews them in the same commit. */
class FormatTest {

    private static final long INCARNATION = 0x0123456789ABCDEFL;
    private static final int SIZE = 1024;

    private static final Identity IDENTITY = new Identity(new ReplicaId(1, INCARNATION), 7,
        new FoundingRecord(new ClusterId(0x1111222233334444L, 0x5555666677778888L), 3, new Membership(1,
            List.of(new Member(new ReplicaId(1, INCARNATION), "one:1"), new Member(new ReplicaId(2, -2), "zwei-ü:2")), List.of(),
            List.of(new Member(new ReplicaId(3, 3), "three:3")))));

    private static final Content VOTE = new Content(5, new HardState(2, new ReplicaId(2, -2), 0), 1, List.of());
    private static final Content ENTRIES = new Content(8, new HardState(2, new ReplicaId(2, -2), 1), 1, List.of(
        Entry.of(1, 2, Entry.Kind.NO_OP, 0, new byte[0]),
        Entry.of(2, 2, Entry.Kind.COMMAND, 12345, "hello".getBytes(StandardCharsets.UTF_8))));

    private static SimulatedFileSystem log() throws IOException {
        SimulatedFileSystem files = new SimulatedFileSystem();
        LogState state = new LogState();
        Staging staging = new Staging(SIZE);
        Spare spare = new Spare(files, Spare.NAME, SIZE);
        Segment segment = Segment.begin(files, spare, 1, INCARNATION, state, 0, staging);
        try (LogWriter writer = new LogWriter(files, INCARNATION, state, spare, staging, segment)) {
            writer.write(VOTE);
            writer.write(ENTRIES);
            writer.write(new Content(9, ENTRIES.hardState(), 2, Logs.entries(2, 4, 2, 150)));   // does not fit
        }
        return files;
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
        SimulatedFileSystem files = log();
        files.put(SegmentHeader.fileName(1), golden("segment"));
        try (LogWriter recovered = new Recovery(files, INCARNATION).run(new Spare(files, Spare.NAME, SIZE))) {
            assertEquals(ENTRIES.hardState(), recovered.state().hardState());
            assertEquals("(0@0) 1@2 ..4", recovered.state().terms().toString());
        }
    }

    @Test
    void anIdentityHasTheBytesOfTheGoldenFile() throws IOException {
        SimulatedFileSystem files = new SimulatedFileSystem();
        new IdentityFile(files).write(IDENTITY);
        assertEquals(hex(golden("identity")), hex(files.bytes(IdentityFile.NAME)));
    }

    @Test
    void theGoldenIdentityIsUnderstood() throws IOException {
        SimulatedFileSystem files = new SimulatedFileSystem();
        files.put(IdentityFile.NAME, golden("identity"));
        assertEquals(IDENTITY, new IdentityFile(files).read());
    }

    @Test
    void aHeaderThatSaysNonsenseUnderARightChecksumIsNone() {
        byte[] bytes = new FrameHeader(1, 64, 0, 1, 1, 1, new HardState(1, Logs.OTHER, 0), 0, 0, 0).encode(INCARNATION);
        ByteBuffer.wrap(bytes).putLong(48, 0);   // no vote belongs to term 0
        ByteBuffer.wrap(bytes).putInt(4, new Crc(INCARNATION).add(bytes, 8, FrameHeader.BYTES).value());
        assertNull(FrameHeader.decode(bytes, 0, INCARNATION, 1, 64));
    }

    @Test
    void noBytesMakeRecoveryFailOtherThanByRefusing() throws IOException {
        Random random = new Random(42);
        for (int i = 0; i < 3000; i++) {
            SimulatedFileSystem files = log();
            String name = SegmentHeader.fileName(1 + random.nextInt(2));
            byte[] bytes = files.bytes(name).clone();
            int from = random.nextInt(bytes.length);
            int length = 1 + random.nextInt(Math.min(20, bytes.length - from));
            byte[] noise = new byte[length];
            random.nextBytes(noise);
            System.arraycopy(noise, 0, bytes, from, length);
            files.put(name, bytes);
            String outcome;
            try (LogWriter recovered = new Recovery(files, INCARNATION).run(new Spare(files, Spare.NAME, SIZE))) {
                outcome = recovered.state().terms().toString();
            } catch (StorageException e) {
                outcome = "refused";
            }
            assertTrue(List.of("refused", "(0@0) 1@2 ..4", "(0@0) 1@2 ..2").contains(outcome), outcome);
        }
    }

    /** Prints the golden files anew. */
    public static void main(String[] args) throws IOException {
        SimulatedFileSystem files = new SimulatedFileSystem();
        new IdentityFile(files).write(IDENTITY);
        System.out.println("# identity");
        System.out.println(hex(files.bytes(IdentityFile.NAME)));
        System.out.println("# segment");
        System.out.println(hex(log().bytes(SegmentHeader.fileName(1))));
    }
}
