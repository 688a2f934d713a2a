package io.quorate.raft.storage;

import io.quorate.raft.core.Entry;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.zip.CRC32C;

/** The last segment of the log, open for appending. */
final class Segment implements Closeable {

    /** Of each entry, so many bytes go into the frame's checksum of its entries. */
    static final int ENTRY_HEAD_BYTES = 8;

    private final SegmentHeader header;
    private final FileHandle file;
    private final SegmentSeal seal;
    private final long incarnation;
    private final Staging staging;
    private int end;   // of its last frame

    /** A segment that holds frames up to {@code end}, of whose entries {@code seal} knows. */
    Segment(SegmentHeader header, FileHandle file, SegmentSeal seal, long incarnation, Staging staging, int end) {
        this.header = header;
        this.file = file;
        this.seal = seal;
        this.incarnation = incarnation;
        this.staging = staging;
        this.end = end;
    }

    /**
     * Begins a segment in a file of zeros. It has its name only when its header and an empty first frame are durable, and is durable
     * itself, name and all, on return.
     *
     * @param previousEnd where the frames of the segment before it end; 0 if it is the first
     */
    static Segment begin(FileSystem files, Spare spare, long id, long incarnation, LogState state, int previousEnd, Staging staging)
            throws IOException {
        FileHandle file = spare.take();
        boolean begun = false;
        try {
            SegmentHeader header =
                new SegmentHeader(id, spare.size(), state.nextIndex(), state.frames() + 1, state.lastCrc(), previousEnd);
            Segment segment = new Segment(header, file, new SegmentSeal(), incarnation, staging, SegmentHeader.BYTES);
            file.write(ByteBuffer.wrap(header.encode(incarnation)), 0);
            segment.append(Content.nothingAfter(state), state);
            files.rename(spare.name(), SegmentHeader.fileName(id));
            files.syncDirectory();
            begun = true;
            return segment;
        } finally {
            if (!begun) {
                file.close();
            }
        }
    }

    /** How large a segment must be so that a frame of so many bytes fits behind its first. */
    static long sizeFor(long frameBytes, int entries) {
        return SegmentHeader.BYTES + FrameHeader.BYTES + frameBytes + SegmentSeal.bytes(entries);
    }

    long id() {
        return header.id();
    }

    int end() {
        return end;
    }

    /** What its entries are, and where. */
    SegmentSeal seal() {
        return seal;
    }

    int size() {
        return header.size();
    }

    /** Whether as much again as it holds would not fit any more. */
    boolean isHalfFull() {
        return end > header.size() / 2;
    }

    boolean hasRoom(long frameBytes, int entries) {
        return end + frameBytes + SegmentSeal.bytes((long) seal.count() + entries) <= header.size();
    }

    /** Whether the disk gives back what stands where the next so many bytes go. */
    boolean isReadable(int length) throws IOException {
        try {
            file.read(ByteBuffer.allocate(length), end);
            return true;
        } catch (UnreadableException e) {
            return false;
        }
    }

    /** Appends one frame, for which there is room; durable, and part of the state, on return. */
    void append(Content content, LogState state) throws IOException {
        List<Entry> entries = content.entries();
        int count = entries.size();
        long[] terms = new long[count];
        int[] offsets = new int[count];
        byte[] heads = new byte[count * ENTRY_HEAD_BYTES];     // one sum over all is made faster than a piece of it for each
        int at = end + FrameHeader.BYTES;
        for (int i = 0; i < count; i++) {
            Entry entry = entries.get(i);
            terms[i] = entry.term();
            offsets[i] = at;
            System.arraycopy(entry.array(), entry.offset(), heads, i * ENTRY_HEAD_BYTES, ENTRY_HEAD_BYTES);
            at += entry.size();
        }
        CRC32C entriesCrc = new CRC32C();
        entriesCrc.update(heads, 0, heads.length);
        FrameHeader frame = new FrameHeader(id(), end, state.lastCrc(), state.frames() + 1, content.writeId(), content.firstIndex(),
            content.base() == null ? state.terms().termAt(content.firstIndex() - 1) : content.base().term(), content.base() != null,
            content.hardState(), count, at - end - FrameHeader.BYTES, (int) entriesCrc.getValue());
        byte[] head = frame.encode(incarnation);

        staging.begin(file, end);
        staging.put(head, 0, head.length);
        for (int i = 0; i < count; i++) {
            Entry entry = entries.get(i);
            staging.put(entry.array(), entry.offset(), entry.size());
        }
        staging.flush();
        file.force();

        end = at;
        seal.add(content.firstIndex(), count, terms, heads, offsets);
        state.apply(frame, FrameHeader.crcOf(head, 0), terms, offsets);
    }

    /** The bytes that end this segment, as of now. */
    ByteBuffer sealed(LogState state) {
        return seal.encode(incarnation, id(), end, state.frames(), state.lastCrc());
    }

    /** Makes these bytes durable at the end of the file. */
    void writeSeal(ByteBuffer sealed) throws IOException {
        file.write(sealed, header.size() - sealed.remaining());
        file.force();
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
