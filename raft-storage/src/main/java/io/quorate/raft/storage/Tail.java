package io.quorate.raft.storage;

import io.quorate.raft.StorageException;
import io.quorate.raft.core.Entry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The newest entries of a log that is being read from front to back, at most so many bytes of them: what is handed over at once need not be
 * read again.
 *
 * <p>Where they begin is guessed before: where the log ends is not known yet, but it is soon found behind where there are no frames. If the
 * guess is wrong, or something is damaged, some are missing at the front, or all; they can be read still.
 */
final class Tail {

    private static final Logger LOG = LoggerFactory.getLogger(Tail.class);
    /** Hardly a frame is larger, so if none begins in so many bytes, the log has ended before. */
    private static final int LOOKED_AT_BYTES = 2 << 20;
    /** Fits into a region of a small heap, and is an object of its own region there: no collection moves it. */
    private static final int CHUNK_BYTES = (1 << 20) - 64;
    /** Larger ones have an array of their own: at most an eighth of a chunk is left over when the next entry does not fit. */
    private static final int SHARED_BYTES_MAX = CHUNK_BYTES / 8;

    private final int bytesMax;
    private long fromSegment = Long.MAX_VALUE;      // frames from here on are kept
    private int fromOffset;
    private long bytesExpected;                     // still to be kept, more or less
    private final Deque<Entry> entries = new ArrayDeque<>();     // consecutive, up to the last one of what was read
    private long bytes;                                          // of these
    private final List<Entry> ofFrame = new ArrayList<>();       // that are of the log if their frame is
    private byte[] chunk = new byte[0];                          // the small entries share it
    private int used;

    private Tail(int bytesMax) {
        this.bytesMax = bytesMax;
    }

    /** Nothing is kept. */
    static Tail none() {
        return new Tail(0);
    }

    /** About the last so many bytes of the log in these segments, which rise. */
    static Tail of(FileSystem files, long incarnation, List<Long> segments, int bytesMax) {
        Tail tail = new Tail(bytesMax);
        try {
            tail.guess(files, incarnation, segments);
        } catch (IOException | StorageException e) {
            LOG.debug("The tail is read at last: {}", e.toString());    // what is wrong will be said by who reads all of it
        }
        return tail;
    }

    private void guess(FileSystem files, long incarnation, List<Long> segments) throws IOException {
        int end = -1;
        for (int i = segments.size() - 1; i >= 0 && bytesExpected < bytesMax; i--) {
            long id = segments.get(i);
            String name = SegmentHeader.fileName(id);
            try (FileHandle file = files.openToRead(name)) {
                SegmentHeader header = SegmentHeader.read(files, name, id, incarnation, file);
                end = end < 0 ? endOf(file, header, incarnation) : end;
                fromSegment = id;
                fromOffset = (int) Math.max(0, end - (bytesMax - bytesExpected));
                bytesExpected += end - fromOffset;
                end = header.previousEnd();
            }
        }
    }

    /** Where the last segment's frames end, if there is none that is larger than what is looked at. */
    private static int endOf(FileHandle file, SegmentHeader header, long incarnation) throws IOException {
        SegmentReader reader = new SegmentReader(file, header.size());
        FrameHeader last = null;
        int from = 0;
        int to = header.size() / LOOKED_AT_BYTES + 1;
        while (from < to) {
            int middle = (from + to) / 2;
            int at = middle * LOOKED_AT_BYTES;
            FrameHeader found = reader.findFrame(at, Math.min(header.size(), at + LOOKED_AT_BYTES), incarnation, header.id());
            if (found == null) {
                to = middle;
            } else {
                last = found;
                from = middle + 1;
            }
        }
        int end = SegmentHeader.BYTES;
        for (FrameHeader each = last; each != null && each.fits(header.size()); ) {
            end = each.offset() + FrameHeader.BYTES + each.length();
            each = FrameWitness.header(reader, incarnation, header.id(), end);
        }
        return end;
    }

    /** Whether the entries of this frame are to be kept. They are to be {@linkplain #copy copied} then. */
    boolean begin(FrameHeader frame) {
        ofFrame.clear();
        boolean isBehind = frame.segmentId() > fromSegment || frame.segmentId() == fromSegment && frame.offset() >= fromOffset;
        if (!isBehind || frame.length() > bytesMax) {
            return false;
        }
        while (bytes + frame.length() > bytesMax) {
            bytes -= entries.removeFirst().size();
        }
        return true;
    }

    /**
     * Copies the next entry of the frame.
     *
     * @throws IllegalArgumentException if it is not intact
     */
    void copy(ByteBuffer piece, int position, int size) {
        if (size > SHARED_BYTES_MAX) {
            keep(piece, position, size, new byte[size], 0);
        } else {
            if (chunk.length - used < size) {
                chunk = new byte[(int) Math.max(size, Math.min(CHUNK_BYTES, bytesExpected))];
                used = 0;
            }
            keep(piece, position, size, chunk, used);
            used += size;
        }
        bytesExpected = Math.max(0, bytesExpected - size);
    }

    private void keep(ByteBuffer piece, int position, int size, byte[] array, int at) {
        piece.get(position, array, at, size);
        ofFrame.add(Entry.decode(array, at, at + size));
    }

    /** The frame is one of the log's. */
    void end(FrameHeader frame) {
        if (ofFrame.size() < frame.count() || frame.isReset()) {
            clear();        // its entries are not here
            return;
        }
        while (!entries.isEmpty() && entries.getLast().index() >= frame.firstIndex()) {
            bytes -= entries.removeLast().size();
        }
        entries.addAll(ofFrame);
        bytes += frame.length();
        ofFrame.clear();
    }

    /** The frame is one of the log's, and its entries are not all known. */
    void clear() {
        ofFrame.clear();
        entries.clear();
        bytes = 0;
    }

    /** Consecutive entries, up to the last one of the log that was read; perhaps none. */
    List<Entry> entries() {
        return List.copyOf(entries);
    }
}
