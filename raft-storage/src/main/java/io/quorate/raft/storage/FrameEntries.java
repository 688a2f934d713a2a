package io.quorate.raft.storage;

import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The entries of one frame, as they are looked at when the log is opened. For the next frame it is used again.
 *
 * <p>What is done here is done for each entry of the log, between the restart of a replica and its return: nothing is made for an entry,
 * and the reader is asked only where its piece ends.
 */
final class FrameEntries {

    private static final Logger LOG = LoggerFactory.getLogger(FrameEntries.class);

    private final Tail tail;
    private final EntryTable table = new EntryTable();
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
        table.makeRoom(frame.count());
        memberships.clear();
        if (!isEach(reader, frame) || table.sum(frame.count()) != frame.entriesCrc()) {
            return false;
        }
        if (tail.begin(frame)) {
            keep(reader, frame);
        }
        return true;
    }

    /** Whether each entry is intact and follows the one before, up to the end of the frame. */
    private boolean isEach(SegmentReader reader, FrameHeader frame) throws IOException {
        int at = frame.offset() + FrameHeader.BYTES;
        int end = at + frame.length();
        long term = frame.previousTerm();
        int position = 0;
        int loaded = 0;
        ByteBuffer piece = reader.piece();
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
            if (!EntryBytes.isIntact(piece, position, position + size)) {
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
            table.put(i, term, at, piece.getLong(position));
            at += size;
            position += size;
            loaded -= size;
        }
        return at == end;
    }

    /**
     * Copies the entries into the tail, once they are known to be intact. Not while that is found out: the loop that runs for all of the
     * log was compiled without the copying, and where the tail began it was thrown away and compiled again, which took 0.15 s of the
     * processor.
     */
    private void keep(SegmentReader reader, FrameHeader frame) throws IOException {
        int[] offsets = table.offsets();
        int end = frame.offset() + FrameHeader.BYTES + frame.length();
        try {
            for (int i = 0; i < frame.count(); i++) {
                int size = (i + 1 < frame.count() ? offsets[i + 1] : end) - offsets[i];
                int position = reader.load(offsets[i], size);
                tail.copy(reader.piece(), position, size);
            }
        } catch (IllegalArgumentException | UnreadableException e) {
            // It was read whole a moment ago, and no crash leaves that of a frame which was never finished: so it counts. The tail begins
            // behind it, since the frame is not all there, and who reads its entries from the disk will see what is wrong.
            LOG.warn("Frame {} was read twice, and what came then is not what it was: {}. Check the disk.", frame.number(), e.getMessage());
            reader.suspect();
        }
    }

    /** What is known of them; good until the next frame. */
    EntryTable table() {
        return table;
    }

    /** Which of them are of a membership. */
    List<Long> memberships() {
        return memberships;
    }
}
