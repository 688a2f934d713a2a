package io.quorate.examples;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Command;
import io.quorate.raft.testing.StateMachineContract;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

final class KvStateMachineTest {

    private final KvStateMachine machine = new KvStateMachine();
    private long index;

    private KvAnswer apply(byte[] command) {
        return KvAnswer.decode(machine.apply(new Command(++index, ByteBuffer.wrap(command).asReadOnlyBuffer())));
    }

    private KvAnswer query(KvRequest query) {
        return KvAnswer.decode(machine.query(query.encode()));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static KvRequest.Put put(String key, String value) {
        return new KvRequest.Put(bytes(key), bytes(value));
    }

    @Test
    void aValueIsThereUntilItIsReplacedOrTakenAway() {
        assertEquals(KvAnswer.Kind.NONE, query(new KvRequest.Get(bytes("a"))).kind());
        assertEquals(KvAnswer.Kind.NONE, apply(put("a", "1").encode()).kind());
        assertArrayEquals(bytes("1"), query(new KvRequest.Get(bytes("a"))).bytes());
        assertEquals(KvAnswer.Kind.VALUE, apply(put("a", "").encode()).kind());
        assertEquals(KvAnswer.Kind.VALUE, query(new KvRequest.Get(bytes("a"))).kind());
        assertEquals(0, query(new KvRequest.Get(bytes("a"))).bytes().length);
        assertEquals(KvAnswer.Kind.VALUE, apply(new KvRequest.Delete(bytes("a")).encode()).kind());
        assertEquals(KvAnswer.Kind.NONE, apply(new KvRequest.Delete(bytes("a")).encode()).kind());
        assertEquals(KvAnswer.Kind.NONE, query(new KvRequest.Get(bytes("a"))).kind());
    }

    @Test
    void whatIsNoCommandIsAnsweredAndChangesNothing() {
        apply(put("a", "1").encode());
        byte[] before = query(new KvRequest.Digest()).bytes();
        byte[] tooLong = ByteBuffer.allocate(KvRequest.HEAD_BYTES + 2000).put(KvRequest.PUT).putInt(1500).array();
        byte[] negative = ByteBuffer.allocate(9).put(KvRequest.PUT).putInt(-1).array();
        byte[] beyond = ByteBuffer.allocate(9).put(KvRequest.PUT).putInt(5).array();
        byte[] noKey = ByteBuffer.allocate(9).put(KvRequest.PUT).putInt(0).array();
        byte[] rest = ByteBuffer.allocate(9).put(KvRequest.DELETE).putInt(3).array();
        byte[] unknown = ByteBuffer.allocate(5).put((byte) 99).array();
        for (byte[] bad : new byte[][] {{}, {1, 0, 0}, tooLong, negative, beyond, noKey, rest, unknown,
            new KvRequest.Get(bytes("a")).encode(), new KvRequest.Digest().encode()}) {
            KvAnswer answer = apply(bad);
            assertEquals(KvAnswer.Kind.BAD_REQUEST, answer.kind(), Arrays.toString(bad));
            assertTrue(answer.toString().startsWith("Nothing was changed: "), answer.toString());
        }
        assertArrayEquals(before, query(new KvRequest.Digest()).bytes());
    }

    @Test
    void anyBytesAtAllAreAnswered() {
        Random random = new Random(7);
        for (int i = 0; i < 20_000; i++) {
            byte[] any = new byte[random.nextInt(40)];
            random.nextBytes(any);
            if (any.length > 4 && random.nextBoolean()) {
                any[0] = (byte) random.nextInt(7);
                any[1] = any[2] = any[3] = 0;
            }
            apply(any);
            KvAnswer.decode(machine.query(any));
        }
        assertTrue(query(new KvRequest.Scan(new byte[0])).pairs().size() > 10, "some of them were commands");
    }

    @Test
    void aQueryThatIsACommandIsAnsweredAndChangesNothing() {
        assertEquals(KvAnswer.Kind.BAD_REQUEST, query(put("a", "1")).kind());
        assertEquals(KvAnswer.Kind.NONE, query(new KvRequest.Get(bytes("a"))).kind());
    }

    @Test
    void theDigestTellsContentsApartAndNotHowTheyCameAbout() {
        KvStateMachine other = new KvStateMachine();
        apply(put("a", "1").encode());
        apply(put("b", "2").encode());
        int i = 0;
        KvRequest[] requests = {put("b", "9"), put("c", "3"), put("a", "1"), new KvRequest.Delete(bytes("c")), put("b", "2")};
        for (KvRequest request : requests) {
            other.apply(new Command(++i, ByteBuffer.wrap(request.encode())));
        }
        byte[] digest = query(new KvRequest.Digest()).bytes();
        assertArrayEquals(digest, KvAnswer.decode(other.query(new KvRequest.Digest().encode())).bytes());
        apply(put("b", "3").encode());
        assertFalse(Arrays.equals(digest, query(new KvRequest.Digest()).bytes()));
        apply(new KvRequest.Delete(bytes("b")).encode());
        apply(new KvRequest.Delete(bytes("a")).encode());
        apply(put("a1b", "2").encode());       // the same bytes in a row, cut elsewhere
        assertFalse(Arrays.equals(digest, query(new KvRequest.Digest()).bytes()));
    }

    @Test
    void aScanHandsOutEverythingPageByPage() {
        SortedMap<byte[], byte[]> all = new TreeMap<>(Arrays::compareUnsigned);
        for (int i = 0; i < 50; i++) {
            byte[] key = {(byte) (i * 37), (byte) i};
            byte[] value = new byte[i == 20 ? KvAnswer.SCAN_BYTES_MAX + 1 : 100_000];
            value[i] = 1;
            all.put(key, value);
            apply(new KvRequest.Put(key, value).encode());
        }
        SortedMap<byte[], byte[]> found = new TreeMap<>(Arrays::compareUnsigned);
        int pages = 0;
        SortedMap<byte[], byte[]> page = query(new KvRequest.Scan(new byte[0])).pairs();
        while (!page.isEmpty()) {
            pages++;
            found.putAll(page);
            KvAnswer answer = query(new KvRequest.Scan(page.lastKey()));
            page = answer.pairs();
            assertTrue(answer.bytes().length <= KvAnswer.SCAN_BYTES_MAX || page.size() == 1, "a page keeps its bound");
        }
        assertEquals(all.size(), found.size());
        assertArrayEquals(KvDigest.of(all), KvDigest.of(found));
        assertTrue(pages > 5, pages + " pages");
    }

    @Test
    void anAnswerThatIsNoneIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> KvAnswer.decode(new byte[0]));
        assertThrows(IllegalArgumentException.class, () -> KvAnswer.decode(new byte[] {17}));
        assertThrows(IllegalArgumentException.class, () -> KvAnswer.value(new byte[] {0, 0, 0, 9, 1}).pairs());
        assertThrows(IllegalArgumentException.class, () -> KvAnswer.value(new byte[] {0, 0}).pairs());
    }

    @Test
    void aKeyHasItsBounds() {
        assertThrows(IllegalArgumentException.class, () -> new KvRequest.Get(new byte[0]));
        assertThrows(IllegalArgumentException.class, () -> new KvRequest.Put(new byte[KvRequest.KEY_BYTES_MAX + 1], new byte[0]));
        assertEquals(KvAnswer.Kind.NONE, apply(new KvRequest.Put(new byte[KvRequest.KEY_BYTES_MAX], new byte[0]).encode()).kind());
    }

    @Test
    void itKeepsToWhatIsAskedOfAStateMachine() {
        StateMachineContract.of(KvStateMachine::new)
            .commands(random -> command(random))
            .queries(random -> new KvRequest.Digest().encode())
            .check();
    }

    private static byte[] command(RandomGenerator random) {
        byte[] key = bytes("key" + random.nextInt(20));
        return switch (random.nextInt(8)) {
            case 0 -> new byte[3];
            case 1, 2 -> new KvRequest.Delete(key).encode();
            default -> new KvRequest.Put(key, bytes("value" + random.nextInt(1000))).encode();
        };
    }

    @Test
    void whatIsNoSnapshotIsRefused() {
        assertThrows(IOException.class, () -> machine.restore(new ByteArrayInputStream(new byte[] {0, 0, 0, 1, 0, 0})));
        assertThrows(IOException.class, () -> machine.restore(new ByteArrayInputStream(new byte[] {0, 0, 0, 0, 7})));
        assertThrows(IOException.class, () -> machine.restore(new ByteArrayInputStream(new byte[] {0, 0, 0, 1, -1, -1, -1, -1})));
    }
}
