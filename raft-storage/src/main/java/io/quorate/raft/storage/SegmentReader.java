package io.quorate.raft.storage;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Reads a segment from front to back in large pieces; what was read is not kept.
 *
 * <p>Where the disk does not give something back, the pieces become small, so that nothing is missed but what is asked for and lies there.
 */
final class SegmentReader {

    private static final int PIECE_BYTES = 1 << 16;
    private static final int PIECE_BYTES_MIN = 4 << 10;
    // Behind the log's end lies most of a segment of zeros, which is looked through when nothing is compiled yet: so in few calls.
    private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(64 << 10).asReadOnlyBuffer();
    private static final int BLOCK_BYTES = 4 << 10;     // what a kernel reads at once at least

    private final FileHandle file;
    private final int size;
    private ByteBuffer piece;
    private int start;     // the offset of the piece's first byte
    private int filled;
    private int unreadableBefore;   // something up to here is unreadable, so it is not read ahead by more than a block
    private boolean isSuspect;

    SegmentReader(FileHandle file, int size) {
        this(file, size, PIECE_BYTES);
    }

    /** Reads in pieces of about this size. */
    SegmentReader(FileHandle file, int size, int pieceBytes) {
        this(file, size, ByteBuffer.allocate(Math.min(Math.min(PIECE_BYTES, Math.max(PIECE_BYTES_MIN, pieceBytes)), size)));
    }

    /** Reads into this memory, as much at once as fits; into other memory of its kind if something is asked for that does not. */
    SegmentReader(FileHandle file, int size, ByteBuffer piece) {
        this.file = file;
        this.size = size;
        this.piece = piece.clear();
    }

    int size() {
        return size;
    }

    /** Holds what the last {@link #load} asked for; good until the next. Only in memory of the heap. */
    byte[] array() {
        return piece.array();
    }

    /** The same, in whatever memory it reads into. Nobody changes its position, nor anything else of it. */
    ByteBuffer piece() {
        return piece;
    }

    /**
     * Reads the bytes of the segment from {@code offset} on.
     *
     * @param length as many as that; they must lie in the segment
     * @return where in {@link #array()} and {@link #piece()} they begin
     * @throws UnreadableException if the disk does not give back some of them
     */
    int load(int offset, int length) throws IOException {
        if (offset < start || (long) offset + length > (long) start + filled) {
            if (length > piece.capacity()) {
                piece = piece.isDirect() ? ByteBuffer.allocateDirect(length) : ByteBuffer.allocate(length);
            }
            fill(offset, length);
            if (filled < length) {
                throw new EOFException("the file ends at " + (offset + filled) + " while it is read");
            }
        }
        return offset - start;
    }

    private void fill(int offset, int length) throws IOException {
        int block = Math.max(length, Math.min(BLOCK_BYTES - offset % BLOCK_BYTES, size - offset));
        int wanted = offset < unreadableBefore ? block : Math.min(piece.capacity(), size - offset);
        start = offset;
        filled = 0;
        while (true) {
            try {
                filled = file.read(piece.duplicate().clear().limit(wanted), offset);
                return;
            } catch (UnreadableException e) {
                isSuspect = true;
                if (wanted == length) {
                    throw e;
                }
                unreadableBefore = Math.max(unreadableBefore, offset + wanted);
                wanted = wanted > block ? block : length;
            }
        }
    }

    /** What was read of it once more is not what it was. */
    void suspect() {
        isSuspect = true;
    }

    /** Whether the disk did not give back something of all that was read, also if nobody asked for that, or gave back two different things. */
    boolean isSuspect() {
        return isSuspect;
    }

    /** The number that stands at {@code offset}; as {@link #load}. */
    int intAt(int offset) throws IOException {
        return piece.getInt(load(offset, Integer.BYTES));
    }

    /** How many bytes there are at {@code offset} without reading on. */
    int loaded(int offset) {
        return offset < start ? 0 : Math.max(0, start + filled - offset);
    }

    /** The next valid frame header that begins at {@code from} or behind, or null. */
    @Nullable FrameHeader findFrame(int from, long incarnation, long segmentId) throws IOException {
        return findFrame(from, size, incarnation, segmentId);
    }

    /** The same, of those that end at {@code to} or before. */
    @Nullable FrameHeader findFrame(int from, int to, long incarnation, long segmentId) throws IOException {
        int last = to - FrameHeader.BYTES;
        for (int at = from; at <= last; ) {
            int position = load(at, FrameHeader.BYTES);
            int tries = Math.min(loaded(at) - FrameHeader.BYTES, last - at) + 1;
            for (int i = 0; i < tries; i++) {
                if (i + Long.BYTES <= tries && !FrameHeader.mayBeginInOneOf(piece.getLong(position + i))) {
                    i += Long.BYTES - 1;        // there may be 64 MiB of entries of an earlier segment, and this is done at each opening
                    continue;
                }
                FrameHeader found = FrameHeader.decode(piece, position + i, incarnation, segmentId, at + i);
                if (found != null) {
                    return found;
                }
            }
            at += tries;
        }
        return null;
    }

    /** Where the segment is not as these bytes from {@code from} on, counted from there; -1 if it is. */
    int differenceFrom(int from, ByteBuffer expected) throws IOException {
        int wanted = expected.remaining();
        for (int done = 0; done < wanted; ) {
            int position = load(from + done, 1);
            int length = Math.min(loaded(from + done), wanted - done);
            int difference = expected.slice(done, length).mismatch(piece.slice(position, length));
            if (difference >= 0) {
                return done + difference;
            }
            done += length;
        }
        return -1;
    }

    /** Whether there is nothing but zeros from here to there. */
    boolean isBlank(int from, int to) throws IOException {
        for (int at = from; at < to; ) {
            int position = load(at, 1);
            int length = Math.min(Math.min(ZEROS.capacity(), loaded(at)), to - at);
            if (piece.slice(position, length).mismatch(ZEROS.slice(0, length)) >= 0) {
                return false;
            }
            at += length;
        }
        return true;
    }
}
