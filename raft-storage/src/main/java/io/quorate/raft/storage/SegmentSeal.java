package io.quorate.raft.storage;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * The last bytes of a segment that is full: the identity and the place of every entry in it, so that an entry that is damaged one day is
 * still known by its name.
 *
 * <p>It is written only when the next segment is durable, so a sealed segment without a successor has lost it. Grows with the segment
 * while that is written or read.
 */
final class SegmentSeal {

    /** Bytes for one entry: index, term, checksum, offset. */
    static final int ENTRY_BYTES = 24;
    /** Bytes behind the last entry's. */
    static final int TRAILER_BYTES = 40;
    private static final int MAGIC = 0x51454E44;   // "QEND"
    private static final int CRC_BYTES = 4;

    private byte[] identities = new byte[64 * ENTRY_BYTES];
    private int count;

    /** How many bytes the seal of a segment with so many entries takes. */
    static long bytes(long count) {
        return count * ENTRY_BYTES + TRAILER_BYTES;
    }

    void add(long index, long term, int checksum, int offset) {
        int at = count * ENTRY_BYTES;
        if (at == identities.length) {
            identities = Arrays.copyOf(identities, Math.max(at + ENTRY_BYTES, (int) Math.min(2L * at, Integer.MAX_VALUE - 64)));
        }
        ByteBuffer.wrap(identities).putLong(at, index).putLong(at + 8, term).putInt(at + 16, checksum).putInt(at + 20, offset);
        count++;
    }

    int count() {
        return count;
    }

    /**
     * The seal as it stands at the very end of the file.
     *
     * @param end       where the frames end
     * @param lastFrame the number of the last
     * @param lastCrc   its checksum
     */
    byte[] encode(long incarnation, long segmentId, int end, long lastFrame, int lastCrc) {
        byte[] array = Arrays.copyOf(identities, (int) bytes(count));
        ByteBuffer bytes = ByteBuffer.wrap(array).position(count * ENTRY_BYTES);
        bytes.putInt(MAGIC).putInt(count).putLong(segmentId).putLong(lastFrame).putInt(lastCrc).putInt(end).putInt(0);
        bytes.putInt(new Crc(incarnation).add(array, 0, array.length - CRC_BYTES).value());
        return array;
    }

    /** How many entries the seal claims whose trailer begins here, or -1 if it is not one of this segment. */
    static int claimedCount(byte[] array, int at, long segmentId) {
        ByteBuffer bytes = ByteBuffer.wrap(array);
        return bytes.getInt(at) == MAGIC && bytes.getLong(at + 8) == segmentId ? bytes.getInt(at + 4) : -1;
    }

    /** Whether the bytes from here on are a whole and undamaged seal. */
    static boolean isIntact(byte[] array, int from, int length, long incarnation) {
        int crcAt = from + length - CRC_BYTES;
        return ByteBuffer.wrap(array).getInt(crcAt) == new Crc(incarnation).add(array, from, crcAt).value();
    }
}
