package io.quorate.raft.core;

import java.nio.ByteBuffer;

/**
 * What an {@link Entry} says of itself before its payload: for who looks at many entries and keeps none of them, and so has their bytes
 * where no entry could share them.
 *
 * @param size     header and payload, in bytes
 * @param checksum that the leader sealed it with
 */
public record EntryHeader(int size, int checksum, long index, long term, Entry.Kind kind) {

    /**
     * The header of the intact entry whose bytes begin at {@code offset}; all of them were looked at.
     *
     * @param bytes  where they are, in whatever memory, in big-endian order, and all before its limit; used by nobody else meanwhile, and
     *               left as it was
     * @param offset where the entry begins, from the buffer's very beginning
     * @param limit  where the readable bytes end
     * @throws IllegalArgumentException as {@link Entry#decode}
     */
    public static EntryHeader ofIntact(ByteBuffer bytes, int offset, int limit) {
        String objection = Entry.objection(bytes, offset, limit);
        if (!objection.isEmpty()) {
            throw new IllegalArgumentException(objection);
        }
        return new EntryHeader(bytes.getInt(offset), bytes.getInt(offset + 4), bytes.getLong(offset + 8), bytes.getLong(offset + 16),
            Entry.Kind.of(bytes.get(offset + 32)));
    }
}
