package io.quorate.raft.core;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * One entry of the log, in the very bytes that go to disk and over the wire.
 *
 * <p>The leader lays the bytes out once and seals them with a checksum; every replica keeps, writes, forwards and applies
 * those same bytes. An entry shares its array with others that arrived or were read together; nobody changes it.
 *
 * <pre>
 *   0  int   size of everything, in bytes (header and payload)
 *   4  int   CRC32C of all that follows
 *   8  long  index
 *  16  long  term
 *  24  long  replicated time, nanoseconds
 *  32  byte  kind
 *  33  3 x 0 reserved
 *  36        payload
 * </pre>
 * All numbers are big-endian.
 */
public final class Entry {

    /** What an entry is for. The numbers are part of the format. */
    public enum Kind {
        /** A new leader's first entry: commits what it inherited (§8). */
        NO_OP(0),
        /** A user's command. */
        COMMAND(1),
        /** A change of who belongs to the group. */
        MEMBERSHIP(2),
        /** Moves replicated time. */
        TIME(3);

        private final int code;

        Kind(int code) {
            this.code = code;
        }

        static boolean isCode(int code) {
            return code >= NO_OP.code && code <= TIME.code;
        }

        static Kind of(int code) {
            return switch (code) {
                case 0 -> NO_OP;
                case 1 -> COMMAND;
                case 2 -> MEMBERSHIP;
                case 3 -> TIME;
                default -> throw new IllegalArgumentException("entry of unknown kind " + code);
            };
        }
    }

    /** Bytes before the payload. */
    public static final int HEADER_BYTES = 36;
    /** The largest payload: with its header it fits every frame on disk and on the wire. */
    public static final int PAYLOAD_BYTES_MAX = 32 << 20;
    /** The largest entry. */
    public static final int SIZE_MAX = HEADER_BYTES + PAYLOAD_BYTES_MAX;

    /**
     * What an entry takes of memory besides its bytes: its object, its slot in the log's tail, and of the array that holds its bytes the
     * header and what is left empty. Measured on a heap of 2 GiB: 41 to 79, with small entries 57 at the median.
     */
    public static final int OBJECT_BYTES = 56;

    static final int CHECKSUM_AT = 4;
    static final int CHECKED_FROM = 8;
    static final int INDEX_AT = 8;
    static final int TERM_AT = 16;
    static final int TIME_AT = 24;
    static final int KIND_AT = 32;

    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    // All else is read from the bytes: to keep it here as well would double what an entry takes besides them, for each replica.
    private final byte[] array;
    private final int offset;
    private final int size;

    private Entry(byte[] array, int offset, int size) {
        this.array = array;
        this.offset = offset;
        this.size = size;
    }

    /**
     * Lays out and seals a new entry; the payload is copied.
     *
     * @throws IllegalArgumentException if the payload is larger than {@link #PAYLOAD_BYTES_MAX}
     */
    public static Entry of(long index, long term, Kind kind, long timeNanos, byte[] payload) {
        if (payload.length > PAYLOAD_BYTES_MAX) {
            throw new IllegalArgumentException("payload of " + payload.length + " bytes; at most " + PAYLOAD_BYTES_MAX);
        }
        return lay(new byte[HEADER_BYTES + payload.length], 0, index, term, kind, timeNanos, payload);
    }

    /** The same in this array, from {@code offset} on: there is room, and zeros. */
    static Entry lay(byte[] array, int offset, long index, long term, Kind kind, long timeNanos, byte[] payload) {
        if (index < 1 || term < 1) {
            throw new IllegalArgumentException("no entry has index " + index + " and term " + term);
        }
        int size = HEADER_BYTES + payload.length;
        INT.set(array, offset, size);
        LONG.set(array, offset + INDEX_AT, index);
        LONG.set(array, offset + TERM_AT, term);
        LONG.set(array, offset + TIME_AT, timeNanos);
        array[offset + KIND_AT] = (byte) kind.code;
        System.arraycopy(payload, 0, array, offset + HEADER_BYTES, payload.length);
        INT.set(array, offset + CHECKSUM_AT, checksum(array, offset, size));
        return new Entry(array, offset, size);
    }

    /**
     * The entry whose bytes begin at {@code offset}. Shares the array.
     *
     * @param array  where the bytes are
     * @param offset where the entry begins
     * @param limit  where the readable bytes end
     * @throws IllegalArgumentException if the bytes are not an intact entry; the message says what is wrong
     */
    public static Entry decode(byte[] array, int offset, int limit) {
        String objection = objection(array, offset, limit);
        if (!objection.isEmpty()) {
            throw new IllegalArgumentException(objection);
        }
        return new Entry(array, offset, (int) INT.get(array, offset));
    }

    /**
     * Why no intact entry begins there, or an empty string if one does. Apart from what makes an entry of it, for that is soon done,
     * and the compiler leaves the object out where only its numbers are looked at: for each of the entries of a log that is recovered.
     */
    private static String objection(byte[] array, int offset, int limit) {
        if (limit - offset < HEADER_BYTES) {
            return "entry cut off in its header: " + (limit - offset) + " bytes left";
        }
        int size = (int) INT.get(array, offset);
        if (size < HEADER_BYTES || size > SIZE_MAX) {
            return "entry of impossible size " + size;
        }
        if (size > limit - offset) {
            return "entry of " + size + " bytes cut off: " + (limit - offset) + " bytes left";
        }
        int expected = (int) INT.get(array, offset + CHECKSUM_AT);
        int actual = checksum(array, offset, size);
        if (expected != actual) {
            return String.format("entry with checksum %08x says %08x", actual, expected);
        }
        long index = (long) LONG.get(array, offset + INDEX_AT);
        long term = (long) LONG.get(array, offset + TERM_AT);
        if (index < 1 || term < 1) {
            return "entry with impossible index " + index + " and term " + term;
        }
        if (!Kind.isCode(array[offset + KIND_AT])) {
            return "entry of unknown kind " + array[offset + KIND_AT];
        }
        if (array[offset + 33] != 0 || array[offset + 34] != 0 || array[offset + 35] != 0) {
            return "entry with flags of a newer version";
        }
        return "";
    }

    public long index() {
        return (long) LONG.get(array, offset + INDEX_AT);
    }

    public long term() {
        return (long) LONG.get(array, offset + TERM_AT);
    }

    public EntryId id() {
        return new EntryId(term(), index());
    }

    public Kind kind() {
        return Kind.of(array[offset + KIND_AT]);
    }

    /** Replicated time when the leader made this entry, in nanoseconds; 0 where no time is kept. */
    public long timeNanos() {
        return (long) LONG.get(array, offset + TIME_AT);
    }

    /** The array that holds the entry's bytes, and perhaps other bytes too; not to be changed. */
    public byte[] array() {
        return array;
    }

    /** Where in {@link #array()} the entry begins. */
    public int offset() {
        return offset;
    }

    /** Header and payload, in bytes. */
    public int size() {
        return size;
    }

    /** Where in {@link #array()} the payload begins. */
    public int payloadOffset() {
        return offset + HEADER_BYTES;
    }

    /** The payload, in bytes. */
    public int payloadSize() {
        return size - HEADER_BYTES;
    }

    /** A copy of the payload. */
    public byte[] payload() {
        return Arrays.copyOfRange(array, offset + HEADER_BYTES, offset + size);
    }

    /** The checksum that the leader sealed the entry with. */
    public int checksum() {
        return (int) INT.get(array, offset + CHECKSUM_AT);
    }

    /** Whether the bytes still are what the leader sealed. */
    public boolean isIntact() {
        return (int) INT.get(array, offset) == size && checksum(array, offset, size) == checksum();
    }

    /** Two entries are equal when their bytes are. */
    @Override
    public boolean equals(Object other) {
        return other instanceof Entry that
            && Arrays.equals(array, offset, offset + size, that.array, that.offset, that.offset + that.size);
    }

    @Override
    public int hashCode() {
        return 31 * Long.hashCode(index()) + checksum();
    }

    @Override
    public String toString() {
        return id() + (kind() == Kind.COMMAND ? "" : ":" + kind()) + "[" + payloadSize() + "]";
    }

    private static int checksum(byte[] array, int offset, int size) {
        CRC32C crc = new CRC32C();
        crc.update(array, offset + CHECKED_FROM, size - CHECKED_FROM);
        return (int) crc.getValue();
    }
}
