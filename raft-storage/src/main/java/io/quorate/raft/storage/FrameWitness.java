package io.quorate.raft.storage;

import io.quorate.raft.core.Entry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.function.LongFunction;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * What the header of a frame says of entries that are said to have been written with it.
 *
 * <p>It holds the length of all entries together and a checksum over the size and the checksum of each. So where all of them are given, or
 * are given but for those whose first bytes can still be read, nothing is left open.
 */
final class FrameWitness {

    /** What can be said of entries that are given. */
    enum Verdict {
        /** They are what was written. */
        WRITTEN,
        /** Not all of them are. */
        OTHER,
        /** Nothing says so, and nothing contradicts it. */
        UNKNOWN
    }

    private FrameWitness() { }

    /** The frame in which something is at this offset; null if the headers up to that do not tell. */
    static @Nullable FrameHeader frameAt(SegmentReader reader, long incarnation, long segmentId, int offset) throws IOException {
        int at = SegmentHeader.BYTES;
        while (true) {
            FrameHeader frame = header(reader, incarnation, segmentId, at);
            if (frame == null || offset < at + FrameHeader.BYTES || frame.length() < 0) {
                return null;
            }
            at += FrameHeader.BYTES + frame.length();
            if (offset < at) {
                return frame;
            }
        }
    }

    /** The header of the frame that begins here; null if there is none that can be read. */
    static @Nullable FrameHeader header(SegmentReader reader, long incarnation, long segmentId, int at) throws IOException {
        if (at < 0 || reader.size() - at < FrameHeader.BYTES) {
            return null;
        }
        try {
            int position = reader.load(at, FrameHeader.BYTES);
            return FrameHeader.decode(reader.array(), position, incarnation, segmentId, at);
        } catch (UnreadableException e) {
            return null;
        }
    }

    /**
     * Asks the header of a frame about entries of it.
     *
     * @param given by index; of the others that it brought, what stands there is believed if all together is what was written
     */
    static Verdict ask(SegmentReader reader, FrameHeader frame, LongFunction<@Nullable Entry> given) throws IOException {
        CRC32C heads = new CRC32C();
        long at = frame.offset() + FrameHeader.BYTES;
        long end = at + frame.length();
        long lengthMin = 0;
        boolean isAllGiven = true;
        for (int i = 0; i < frame.count(); i++) {
            Entry entry = given.apply(frame.firstIndex() + i);
            lengthMin += entry == null ? Entry.HEADER_BYTES : entry.size();
            ByteBuffer head = entry == null ? headAt(reader, at, end) : headOf(entry);
            isAllGiven &= entry != null;
            heads.update(head.array());
            at += head.getInt(0);
        }
        if (at == end && (int) heads.getValue() == frame.entriesCrc()) {
            return Verdict.WRITTEN;
        }
        return isAllGiven || lengthMin > frame.length() ? Verdict.OTHER : Verdict.UNKNOWN;
    }

    /**
     * Finds out where the entries of a frame begin, and what their checksums are, by what stands in them.
     *
     * @return whether that is what was written, as the header says; if not, it is worth nothing
     */
    static boolean tellsApart(SegmentReader reader, FrameHeader frame, int[] offsets, int[] checksums) throws IOException {
        CRC32C heads = new CRC32C();
        int at = frame.offset() + FrameHeader.BYTES;
        int end = at + frame.length();
        for (int i = 0; i < frame.count(); i++) {
            ByteBuffer head = headAt(reader, at, end);
            int size = head.getInt(0);
            if (size == 0) {
                return false;
            }
            heads.update(head.array());
            offsets[i] = at;
            checksums[i] = head.getInt(4);
            at += size;
        }
        return at == end && (int) heads.getValue() == frame.entriesCrc();
    }

    private static ByteBuffer headOf(Entry entry) {
        return ByteBuffer.allocate(Segment.ENTRY_HEAD_BYTES).putInt(entry.size()).putInt(entry.checksum());
    }

    /** The first bytes of the entry here; zeros if there can be none, or they cannot be read. */
    private static ByteBuffer headAt(SegmentReader reader, long at, long end) throws IOException {
        ByteBuffer head = ByteBuffer.allocate(Segment.ENTRY_HEAD_BYTES);
        if (end - at < Entry.HEADER_BYTES || end > reader.size()) {
            return head;
        }
        try {
            int position = reader.load((int) at, Segment.ENTRY_HEAD_BYTES);
            head.put(reader.array(), position, Segment.ENTRY_HEAD_BYTES);
        } catch (UnreadableException e) {
            return head;
        }
        int size = head.getInt(0);
        return size < Entry.HEADER_BYTES || size > end - at ? ByteBuffer.allocate(Segment.ENTRY_HEAD_BYTES) : head;
    }
}
