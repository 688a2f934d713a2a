package io.quorate.raft.storage;

import io.quorate.raft.core.Entry;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/** The last segment of the log, open for appending. */
final class Segment implements Closeable {

    /** Of each entry, so many bytes go into the frame's checksum of its entries. */
    static final int ENTRY_HEAD_BYTES = 8;
    /** Of a disk: what it gives back as a whole, or not. */
    private static final int SECTOR_BYTES = 512;

    private final SegmentHeader header;
    private final FileHandle file;
    private final SegmentSeal seal;
    private final long incarnation;
    private final Staging staging;
    private int end;   // of its last frame
    private final byte[] lastBlock = new byte[Blocks.BYTES];     // what stands in the block that has the end in it, up to that
    private int knownFrom = -1;             // from where on; negative until it was read

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
            segment.knownFrom = 0;
            System.arraycopy(header.encode(incarnation), 0, segment.lastBlock, 0, SegmentHeader.BYTES);    // written with the first frame
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

    /**
     * Reads what stands before the end, while the disk still gives it back: all of the block, or of the sector at least. What is damaged is
     * not written again, as if somebody had meant it: where anything is, the next frame is written alone.
     */
    void readLastBlock(LogState state) throws IOException {
        if (knownFrom >= 0) {
            return;
        }
        if (state.damage().hasBeenFrom(id()) || !isRead(Blocks.of(end)) && !isRead(end - end % SECTOR_BYTES)) {
            knownFrom = end;
        }
    }

    private boolean isRead(int from) throws IOException {
        try {
            file.read(ByteBuffer.wrap(lastBlock, from - Blocks.of(end), end - from), from);
            knownFrom = from;
            return true;
        } catch (UnreadableException e) {
            return false;
        }
    }

    /** Appends one frame, for which there is room; durable, and part of the state, on return. */
    void append(Content content, LogState state) throws IOException {
        List<Entry> entries = content.entries();
        int count = entries.size();
        EntryTable table = staging.table();
        int at = table.fill(entries, end + FrameHeader.BYTES);
        FrameHeader frame = new FrameHeader(id(), end, state.lastCrc(), state.frames() + 1, content.writeId(), content.firstIndex(),
            content.base() == null ? state.terms().termAt(content.firstIndex() - 1) : content.base().term(), content.base() != null,
            content.hardState(), count, at - end - FrameHeader.BYTES, table.sum(count));
        byte[] head = frame.encode(incarnation);

        readLastBlock(state);
        int from = knownFrom;
        staging.begin(file, from);
        staging.put(lastBlock, from - Blocks.of(end), end - from);      // the same once more
        staging.put(head, 0, head.length);
        staging.put(entries);
        staging.copyLastBlock(lastBlock);
        staging.fillLastBlock(header.size());
        staging.flush();
        file.force();

        end = at;
        knownFrom = Math.max(from, Blocks.of(end));
        seal.add(content.firstIndex(), count, table);
        state.apply(frame, FrameHeader.crcOf(head, 0), table.terms(), table.offsets());
    }

    /** The bytes that end this segment, as of now. */
    ByteBuffer sealed(LogState state) throws IOException {
        readLastBlock(state);
        return seal.encode(incarnation, id(), end, state.frames(), state.lastCrc());
    }

    /** Makes these bytes durable at the end of the file: in whole blocks, like all else. */
    void writeSeal(ByteBuffer sealed) throws IOException {
        int at = header.size() - sealed.remaining();
        int from = end > Blocks.of(at) ? knownFrom : Blocks.of(at);
        staging.begin(file, from);
        if (end > from) {
            staging.put(lastBlock, from - Blocks.of(end), end - from);
        }
        staging.putZeros(at - Math.max(end, from));
        staging.put(sealed.array(), sealed.arrayOffset() + sealed.position(), sealed.remaining());
        staging.flush();
        file.force();
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
