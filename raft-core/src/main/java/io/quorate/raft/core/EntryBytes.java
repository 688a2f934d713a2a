package io.quorate.raft.core;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * The bytes of an {@link Entry} where no entry shares them: for who looks at each entry of a whole log and keeps none, and so has them in
 * memory that is used again, outside of the heap. It costs little more than the checksum.
 *
 * <p>All is told of the entry that begins at {@code offset}, counted from the buffer's very beginning. The buffer is in big-endian order, and
 * used by nobody else.
 */
public final class EntryBytes {

    private static final int RESERVED = 0xFFFFFF;   // of the four bytes from the kind on

    private EntryBytes() { }

    /**
     * Whether an intact entry begins there: what {@link Entry#decode} would take. Leaves the buffer's position and limit as
     * {@link ByteBuffer#clear} does.
     *
     * @param limit where the readable bytes end
     */
    public static boolean isIntact(ByteBuffer bytes, int offset, int limit) {
        if (limit - offset < Entry.HEADER_BYTES) {
            return false;
        }
        int size = bytes.getInt(offset);
        if (size < Entry.HEADER_BYTES || size > Entry.SIZE_MAX || size > limit - offset) {
            return false;
        }
        CRC32C crc = new CRC32C();
        crc.update(bytes.limit(offset + size).position(offset + Entry.CHECKED_FROM));
        bytes.clear();
        int kind = bytes.getInt(offset + Entry.KIND_AT);
        return (int) crc.getValue() == bytes.getInt(offset + Entry.CHECKSUM_AT) && index(bytes, offset) >= 1 && term(bytes, offset) >= 1
            && (kind & RESERVED) == 0 && Entry.Kind.isCode(kind >> 24);
    }

    /** The index of an intact entry. */
    public static long index(ByteBuffer bytes, int offset) {
        return bytes.getLong(offset + Entry.INDEX_AT);
    }

    /** The term of an intact entry. */
    public static long term(ByteBuffer bytes, int offset) {
        return bytes.getLong(offset + Entry.TERM_AT);
    }

    /** What an intact entry is for. */
    public static Entry.Kind kind(ByteBuffer bytes, int offset) {
        return Entry.Kind.of(bytes.get(offset + Entry.KIND_AT));
    }
}
