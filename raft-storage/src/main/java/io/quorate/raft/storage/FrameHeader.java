package io.quorate.raft.storage;

import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.ReplicaId;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The head of a frame: of all that one fsync made durable, everything but the entries.
 *
 * <p>It names its place, so a stale or misdirected copy is not a frame, and it is valid by itself: even when its entries were cut off, it
 * proves that the frame before it was durable.
 *
 * @param segmentId    the segment it is in
 * @param offset       where in the segment it begins
 * @param previousCrc  the checksum of the frame before it, also across segments; 0 before the first
 * @param number       counts the frames of a directory from 1
 * @param writeId      the last of the writes in it, as the server numbered it since it started; 0 before the first
 * @param firstIndex   where the entries go; whatever the log had from there on is replaced
 * @param previousTerm the term of the entry before that, so that what follows is understood without what came before
 * @param isReset      whether the log begins anew here, behind the last entry of an installed snapshot: whatever it had is gone
 * @param hardState    in force from this frame on
 * @param count        of entries
 * @param length       of all entries, in bytes
 * @param entriesCrc   the checksum over the first eight bytes of each entry, that is its size and its own checksum
 */
record FrameHeader(long segmentId, int offset, int previousCrc, long number, long writeId, long firstIndex, long previousTerm,
                   boolean isReset, HardState hardState, int count, int length, int entriesCrc) {

    static final int BYTES = 100;
    private static final int RESET = 1;
    private static final int MAGIC = 0x5146524D;   // "QFRM"
    private static final byte MAGIC_FIRST = MAGIC >>> 24;
    private static final long EACH_BYTE = 0x0101010101010101L;
    private static final int CRC_AT = 4;
    private static final int COVERED_FROM = 8;

    byte[] encode(long incarnation) {
        ReplicaId vote = hardState.votedFor();
        ByteBuffer bytes = ByteBuffer.allocate(BYTES);
        bytes.putInt(MAGIC).putInt(0).putLong(segmentId).putInt(offset).putInt(previousCrc).putLong(number).putLong(writeId)
            .putLong(firstIndex).putLong(hardState.term()).putLong(vote == null ? 0 : vote.incarnation())
            .putInt(vote == null ? 0 : vote.nodeId()).putInt(count).putLong(hardState.commitIndex()).putInt(length).putInt(entriesCrc)
            .putLong(previousTerm).putInt(isReset ? RESET : 0);
        bytes.putInt(CRC_AT, new Crc(incarnation).add(bytes.array(), COVERED_FROM, BYTES).value());
        return bytes.array();
    }

    /** Whether a frame may begin with one of these eight bytes; mostly not, and that is soon said. */
    static boolean mayBeginInOneOf(long bytes) {
        long others = bytes ^ MAGIC_FIRST * EACH_BYTE;      // 0 where it may; a byte that is 0 is the one from which 1 borrows
        return (others - EACH_BYTE & ~others & EACH_BYTE << 7) != 0;
    }

    /** The checksum that the header at this position carries. */
    static int crcOf(byte[] array, int at) {
        return crcOf(ByteBuffer.wrap(array), at);
    }

    /** The same, in whatever memory. */
    static int crcOf(ByteBuffer bytes, int at) {
        return bytes.getInt(at + CRC_AT);
    }

    /** The frame header that begins here, or null if none does that belongs into this place of this segment. */
    static @Nullable FrameHeader decode(byte[] array, int at, long incarnation, long segmentId, int offset) {
        return decode(ByteBuffer.wrap(array), at, incarnation, segmentId, offset);
    }

    /** The same, in whatever memory; the position counts from the buffer's very beginning. */
    static @Nullable FrameHeader decode(ByteBuffer piece, int at, long incarnation, long segmentId, int offset) {
        if (piece.get(at) != MAGIC_FIRST) {
            return null;
        }
        ByteBuffer bytes = piece.slice(at, BYTES);
        if (bytes.getInt() != MAGIC
            || bytes.getInt() != new Crc(incarnation).add(bytes, COVERED_FROM, BYTES).value()
            || bytes.getLong() != segmentId
            || bytes.getInt() != offset) {
            return null;
        }
        int previousCrc = bytes.getInt();
        long number = bytes.getLong();
        long writeId = bytes.getLong();
        long firstIndex = bytes.getLong();
        long term = bytes.getLong();
        long voteIncarnation = bytes.getLong();
        int voteNode = bytes.getInt();
        int count = bytes.getInt();
        HardState hardState = hardState(term, voteNode, voteIncarnation, bytes.getLong());
        int length = bytes.getInt();
        int entriesCrc = bytes.getInt();
        long previousTerm = bytes.getLong();
        int flags = bytes.getInt();
        if (hardState == null || firstIndex < 1 || previousTerm < 0 || previousTerm == 0 != (firstIndex == 1) || (flags & ~RESET) != 0) {
            return null;   // sealed with a right checksum by who should not have
        }
        return new FrameHeader(segmentId, offset, previousCrc, number, writeId, firstIndex, previousTerm, flags == RESET, hardState, count,
            length, entriesCrc);
    }

    private static @Nullable HardState hardState(long term, int voteNode, long voteIncarnation, long commitIndex) {
        try {
            return new HardState(term, voteNode == 0 ? null : new ReplicaId(voteNode, voteIncarnation), commitIndex);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    /** What the entries follow. */
    EntryId previous() {
        return new EntryId(previousTerm, firstIndex - 1);
    }

    /** Whether its entries can be as many and as long as it says, in a segment of this size. */
    boolean fits(int segmentBytes) {
        return count >= 0 && length >= 0 && length <= segmentBytes - offset - BYTES && (long) count * Entry.HEADER_BYTES <= length;
    }
}
