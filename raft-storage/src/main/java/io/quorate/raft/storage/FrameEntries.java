package io.quorate.raft.storage;

import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * The entries of one frame, as they are looked at when the log is opened: their terms, where they begin, and the first bytes of each. For
 * the next frame it is used again.
 *
 * <p>What is done here is done for each entry of the log, between the restart of a replica and its return: nothing is made for an entry,
 * and the reader is asked only where its piece ends.
 */
final class FrameEntries {

    private static final int COUNT_MIN = 64;

    private final Tail tail;
    private long[] terms = new long[COUNT_MIN];
    private int[] offsets = new int[COUNT_MIN];
    private byte[] heads = new byte[COUNT_MIN * Segment.ENTRY_HEAD_BYTES];  // one sum over all is made faster than a piece for each
    private final List<Long> memberships = new ArrayList<>();

    /** The newest entries are copied into the tail. */
    FrameEntries(Tail tail) {
        this.tail = tail;
    }

    /**
     * Looks at the entries of a frame; returns whether they are what was written into it.
     *
     * @throws UnreadableException if that cannot be told
     */
    boolean areIntact(SegmentReader reader, FrameHeader frame) throws IOException {
        if (!frame.fits(reader.size())) {
            return false;
        }
        makeRoom(frame.count());
        memberships.clear();
        try {
            return isEach(reader, frame, tail.begin(frame)) && hasSum(frame);
        } catch (IllegalArgumentException e) {
            return false;       // an entry that was to be copied is not intact
        }
    }

    private void makeRoom(int count) {
        if (count > offsets.length) {
            offsets = new int[Math.max(count, 2 * offsets.length)];
            terms = new long[offsets.length];
            heads = new byte[offsets.length * Segment.ENTRY_HEAD_BYTES];
        }
    }

    /** Whether each entry is intact and follows the one before, up to the end of the frame. */
    private boolean isEach(SegmentReader reader, FrameHeader frame, boolean isKept) throws IOException {
        int at = frame.offset() + FrameHeader.BYTES;
        int end = at + frame.length();
        long term = frame.previousTerm();
        int position = 0;
        int loaded = 0;
        ByteBuffer piece = reader.piece();
        ByteBuffer head = ByteBuffer.wrap(heads);
        for (int i = 0; i < frame.count(); i++) {
            if (end - at < Entry.HEADER_BYTES) {
                return false;
            }
            if (loaded < Entry.HEADER_BYTES) {
                position = reader.load(at, Entry.HEADER_BYTES);
                piece = reader.piece();
                loaded = reader.loaded(at);
            }
            int size = piece.getInt(position);
            if (size < Entry.HEADER_BYTES || size > Entry.SIZE_MAX || size > end - at) {
                return false;
            }
            if (loaded < size) {
                position = reader.load(at, size);
                piece = reader.piece();
                loaded = reader.loaded(at);
            }
            if (isKept) {
                tail.copy(piece, position, size);
            } else if (!EntryBytes.isIntact(piece, position, position + size)) {
                return false;
            }
            long previousTerm = term;
            term = EntryBytes.term(piece, position);
            if (EntryBytes.index(piece, position) != frame.firstIndex() + i || term < previousTerm) {
                return false;
            }
            if (EntryBytes.kind(piece, position) == Entry.Kind.MEMBERSHIP) {
                memberships.add(frame.firstIndex() + i);
            }
            head.putLong(i * Segment.ENTRY_HEAD_BYTES, piece.getLong(position));
            terms[i] = term;
            offsets[i] = at;
            at += size;
            position += size;
            loaded -= size;
        }
        return at == end;
    }

    /** Whether these are the entries that the frame's header is about. */
    private boolean hasSum(FrameHeader frame) {
        CRC32C crc = new CRC32C();
        crc.update(heads, 0, frame.count() * Segment.ENTRY_HEAD_BYTES);
        return (int) crc.getValue() == frame.entriesCrc();
    }

    /** Their terms, as many as the frame has entries; good until the next frame, like all that follows. */
    long[] terms() {
        return terms;
    }

    /** Where in the segment they begin, likewise. */
    int[] offsets() {
        return offsets;
    }

    /** Their first bytes, {@value Segment#ENTRY_HEAD_BYTES} of each. */
    byte[] heads() {
        return heads;
    }

    /** Which of them are of a membership. */
    List<Long> memberships() {
        return memberships;
    }
}
