package io.quorate.raft.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.zip.CRC32C;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;

/** An entry's bytes say all of it, and no single bit of them can change unnoticed. */
class EntryPropertyTest {

    @Property(tries = 500)
    void whatIsDecodedIsWhatWasSealed(@ForAll @LongRange(min = 1) long index, @ForAll @LongRange(min = 1) long term,
                                      @ForAll Entry.Kind kind, @ForAll long time, @ForAll @Size(max = 200) byte[] payload,
                                      @ForAll @IntRange(max = 9) int before, @ForAll @IntRange(max = 9) int after) {
        Entry entry = Entry.of(index, term, kind, time, payload);
        byte[] array = new byte[before + entry.size() + after];
        Arrays.fill(array, (byte) 0x5A);
        System.arraycopy(entry.array(), entry.offset(), array, before, entry.size());
        Entry decoded = Entry.decode(array, before, array.length);
        assertEquals(entry, decoded);
        assertEquals(entry.hashCode(), decoded.hashCode());
        assertEquals(new EntryId(term, index), decoded.id());
        assertEquals(kind, decoded.kind());
        assertEquals(time, decoded.timeNanos());
        assertEquals(Entry.HEADER_BYTES + payload.length, decoded.size());
        assertEquals(payload.length, decoded.payloadSize());
        assertEquals(before + Entry.HEADER_BYTES, decoded.payloadOffset());
        assertEquals(entry.checksum(), decoded.checksum());
        assertArrayEquals(payload, decoded.payload());
        assertTrue(decoded.isIntact());
        ByteBuffer elsewhere = ByteBuffer.allocateDirect(array.length).put(array);
        assertTrue(EntryBytes.isIntact(elsewhere, before, array.length));
        assertEquals(index, EntryBytes.index(elsewhere, before));
        assertEquals(term, EntryBytes.term(elsewhere, before));
        assertEquals(kind, EntryBytes.kind(elsewhere, before));
        for (int i = 0; i < array.length; i++) {
            assertEquals(array[i], elsewhere.get(i));
        }
    }

    /** What no entry can be made of is not intact where no entry shares it either. */
    private static void assertRefused(byte[] array, int limit, String what) {
        assertThrows(IllegalArgumentException.class, () -> Entry.decode(array, 0, limit), what);
        assertFalse(EntryBytes.isIntact(ByteBuffer.wrap(array), 0, limit), what);
    }

    /** With a right checksum, so that it is said for what it is. */
    @Example
    void whatWasSealedAndIsNoEntryIsRefused() {
        for (int at : new int[] {8, 16, 32, 33, 34, 35}) {
            byte[] array = Entry.of(1, 1, Entry.Kind.TIME, 0, new byte[3]).array().clone();
            if (at < 32) {
                array[at + 7] = 0;      // the index, the term: 0 is none
            } else {
                array[at]++;
            }
            CRC32C crc = new CRC32C();
            crc.update(array, 8, array.length - 8);
            ByteBuffer.wrap(array).putInt(4, (int) crc.getValue());
            assertRefused(array, array.length, "byte " + at);
        }
    }

    @Property(tries = 100)
    void everySingleBitFlipIsNoticed(@ForAll @LongRange(min = 1, max = 1L << 40) long index,
                                     @ForAll @LongRange(min = 1, max = 999) long term,
                                     @ForAll @Size(max = 40) byte[] payload) {
        Entry entry = Entry.of(index, term, Entry.Kind.COMMAND, 7, payload);
        byte[] followed = Arrays.copyOf(entry.array(), entry.size() + 4096);   // so that a longer size finds bytes to read
        for (int bit = 0; bit < entry.size() * 8; bit++) {
            byte[] array = followed.clone();
            Entry inMemory = Entry.decode(array, 0, array.length);
            array[bit / 8] ^= (byte) (1 << bit % 8);
            assertRefused(array, array.length, "bit " + bit);
            assertFalse(inMemory.isIntact(), "bit " + bit);
            assertNotEquals(entry, inMemory);
        }
    }

    @Property(tries = 200)
    void anEntryThatIsCutOffIsNoticed(@ForAll @Size(max = 100) byte[] payload) {
        Entry entry = Entry.of(3, 2, Entry.Kind.COMMAND, 0, payload);
        for (int limit = 0; limit < entry.size(); limit++) {
            assertRefused(entry.array(), limit, "cut off at " + limit);
        }
    }

    /** A length is judged before anything is read by it. */
    @Example
    void anImpossibleSizeIsRefused() {
        for (int size : new int[] {0, Entry.HEADER_BYTES - 1, Entry.SIZE_MAX + 1, Integer.MAX_VALUE, -1, Integer.MIN_VALUE}) {
            byte[] array = new byte[100];
            for (int i = 0; i < 4; i++) {
                array[i] = (byte) (size >>> 24 - 8 * i);
            }
            String message = assertThrows(IllegalArgumentException.class, () -> Entry.decode(array, 0, array.length)).getMessage();
            assertTrue(message.contains("impossible size " + size), message);
            assertFalse(EntryBytes.isIntact(ByteBuffer.wrap(array), 0, array.length), message);
        }
    }

    @Example
    void whatNoEntryCanBeIsRefused() {
        byte[] payload = new byte[0];
        assertThrows(IllegalArgumentException.class, () -> Entry.of(0, 1, Entry.Kind.COMMAND, 0, payload));
        assertThrows(IllegalArgumentException.class, () -> Entry.of(1, 0, Entry.Kind.COMMAND, 0, payload));
        byte[] large = new byte[Entry.PAYLOAD_BYTES_MAX + 1];
        assertThrows(IllegalArgumentException.class, () -> Entry.of(1, 1, Entry.Kind.COMMAND, 0, large));
    }
}
