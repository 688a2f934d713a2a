package io.quorate.raft.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What a segment's seal must say, told while the segment's frames are read.
 *
 * <p>A seal that is on the disk is followed, record by record, and none of it is kept. From where it says something else than the frames
 * do, and where there is none, what it must say is gathered in memory.
 */
final class SealWalk {

    private final SegmentReader reader;     // of the seal alone: the frames are read by turns with it
    private final long incarnation;
    private final long segmentId;
    private final int trailerAt;
    private final int from;                 // where the first record is on the disk
    private final Crc crc;                  // of the records that were followed, as they are on the disk
    private int at;                         // the next record on the disk
    private int count;                      // of entries in the frames so far
    private @Nullable SegmentSeal gathered;

    private SealWalk(SegmentReader reader, long incarnation, long segmentId, int countOnDisk, @Nullable SegmentSeal gathered) {
        this.reader = reader;
        this.incarnation = incarnation;
        this.segmentId = segmentId;
        trailerAt = reader.size() - SegmentSeal.TRAILER_BYTES;
        from = trailerAt - countOnDisk * SegmentSeal.ENTRY_BYTES;
        crc = new Crc(incarnation);
        at = from;
        this.gathered = gathered;
    }

    /** Of a segment that should have a seal. */
    static SealWalk ofSealed(FileHandle file, SegmentHeader header, long incarnation) throws IOException {
        SegmentReader reader = new SegmentReader(file, header.size());
        int count = SegmentSeal.claimedCount(reader, header.id());
        return new SealWalk(reader, incarnation, header.id(), Math.max(0, count), count < 0 ? new SegmentSeal() : null);
    }

    /** Of the last segment, which has none, and perhaps so many entries. */
    static SealWalk ofOpen(FileHandle file, SegmentHeader header, long incarnation, int countExpected) {
        return new SealWalk(new SegmentReader(file, header.size()), incarnation, header.id(), 0, new SegmentSeal(countExpected));
    }

    /** How many entries the frames had so far. */
    int count() {
        return count;
    }

    /** The next frame has these entries; see {@link SegmentSeal#add(long, int, EntryTable)}. */
    void add(long firstIndex, int added, EntryTable table) throws IOException {
        if (gathered != null || !follow(firstIndex, added, table)) {
            seal().add(firstIndex, added, table);
        }
        count += added;
    }

    /** The next frame is damaged. */
    void add(DamagedFrame frame) throws IOException {
        SegmentSeal seal = seal();
        frame.addTo(seal);
        count = seal.count();
    }

    private boolean follow(long firstIndex, int added, EntryTable table) throws IOException {
        if (added > (trailerAt - at) / SegmentSeal.ENTRY_BYTES) {
            return false;
        }
        for (int done = 0; done < added; ) {
            int position = reader.load(at, SegmentSeal.ENTRY_BYTES);
            int some = Math.min(added - done, reader.loaded(at) / SegmentSeal.ENTRY_BYTES);
            if (!SegmentSeal.areAt(reader.array(), position, firstIndex, done, some, table)) {
                return false;
            }
            crc.add(reader.piece(), position, position + some * SegmentSeal.ENTRY_BYTES);
            at += some * SegmentSeal.ENTRY_BYTES;
            done += some;
        }
        return true;
    }

    /** What the frames so far demand of the seal. */
    SegmentSeal seal() throws IOException {
        SegmentSeal seal = gathered;
        if (seal == null) {
            seal = SegmentSeal.ofRecords(reader, from, count);      // so far it is what is on the disk
            gathered = seal;
        }
        return seal;
    }

    /**
     * Whether the seal on the disk is exactly what the frames demand. If not, it may still be so but for what is unknown to one of both.
     *
     * @param end       where the frames end
     * @param lastFrame the number of the last
     * @param lastCrc   its checksum
     */
    boolean isOnDisk(int end, long lastFrame, int lastCrc) throws IOException {
        if (gathered != null || at != trailerAt || from < end) {
            return false;
        }
        ByteBuffer trailer = ByteBuffer.allocate(SegmentSeal.TRAILER_BYTES);
        SegmentSeal.putTrailer(trailer, crc, count, segmentId, end, lastFrame, lastCrc);
        return reader.differenceFrom(trailerAt, trailer.flip()) < 0;
    }

    /** The seal on the disk, or null if there is none that is whole. */
    @Nullable SegmentSeal read() throws IOException {
        return SegmentSeal.read(reader, incarnation, segmentId);
    }

    /** Where the segment is not as these bytes from there on; -1 if it is. */
    int differenceFrom(int offset, ByteBuffer expected) throws IOException {
        return reader.differenceFrom(offset, expected);
    }
}
