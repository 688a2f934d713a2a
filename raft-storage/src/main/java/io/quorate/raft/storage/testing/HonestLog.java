package io.quorate.raft.storage.testing;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Where the frames and entries of a log lie that an honest disk would have: read in the simplest way, by the numbers of
 * docs/storage-format.md, so that it can be told what a disk that lies has damaged.
 */
final class HonestLog {

    private static final int SEGMENT_HEADER_BYTES = 64;
    private static final int FRAME_HEADER_BYTES = 100;
    private static final int FRAME_MAGIC = 0x5146524D;

    /**
     * A frame whose header is valid.
     *
     * @param file       the segment
     * @param from       where it begins
     * @param to         where it ends, exclusive
     * @param firstIndex of its entries
     * @param count      how many
     */
    record Frame(String file, int from, int to, long firstIndex, int count) {

        int headerTo() {
            return from + FRAME_HEADER_BYTES;
        }

        /** Where the first sector begins that holds nothing but its entries; 0 if there is none. */
        int sectorOfEntries() {
            int first = (headerTo() + SimulatedMedium.SECTOR - 1) / SimulatedMedium.SECTOR * SimulatedMedium.SECTOR;
            return first + SimulatedMedium.SECTOR <= to ? first : 0;
        }

        boolean holds(long index) {
            return index >= firstIndex && index < firstIndex + count;
        }

        /** Where the entry of this index lies: from, and to, exclusive. */
        int[] placeOf(long index, byte[] segment) {
            int at = headerTo();
            for (long each = firstIndex; each < index; each++) {
                at += ByteBuffer.wrap(segment).getInt(at);
            }
            return new int[] {at, at + ByteBuffer.wrap(segment).getInt(at)};
        }
    }

    private final List<Frame> frames = new ArrayList<>();

    /** @param incarnation of the replica */
    HonestLog(SimulatedFiles honest, long incarnation) {
        for (String name : honest.list()) {
            if (name.startsWith("log-")) {
                read(name, honest.bytes(name), incarnation);
            }
        }
    }

    private void read(String name, byte[] segment, long incarnation) {
        ByteBuffer bytes = ByteBuffer.wrap(segment);
        int at = SEGMENT_HEADER_BYTES;
        while (at + FRAME_HEADER_BYTES <= segment.length && bytes.getInt(at) == FRAME_MAGIC) {
            CRC32C sum = new CRC32C();
            sum.update(ByteBuffer.allocate(Long.BYTES).putLong(incarnation).flip());
            sum.update(segment, at + 8, FRAME_HEADER_BYTES - 8);
            if ((int) sum.getValue() != bytes.getInt(at + 4)) {
                return;
            }
            int end = at + FRAME_HEADER_BYTES + bytes.getInt(at + 80);
            frames.add(new Frame(name, at, end, bytes.getLong(at + 40), bytes.getInt(at + 68)));
            at = end;
        }
    }

    /** All of them, in the order they were written. */
    List<Frame> frames() {
        return frames;
    }

    /** The last that brought an entry of this index, or null if none did. */
    @Nullable Frame lastOf(long index) {
        Frame last = null;
        for (Frame frame : frames) {
            last = frame.holds(index) ? frame : last;
        }
        return last;
    }

    /** Whether any frame that brought an entry of this index has damaged bytes. */
    boolean isDamaged(long index, SimulatedFiles files) {
        return frames.stream().anyMatch(frame -> frame.holds(index) && files.isDamaged(frame.file, frame.from, frame.to));
    }

    /** Whether the disk does not give back all of any frame that brought an entry of this index. */
    boolean isUnreadable(long index, SimulatedFiles files) {
        return frames.stream().anyMatch(frame -> frame.holds(index) && files.isUnreadable(frame.file, frame.from, frame.to));
    }

    /**
     * The frames at the log's end that pass for a write that a crash cut off (docs/storage-format.md, section 6): the first of them is damaged,
     * and no valid header of the last segment proves that it was durable once, since those of all behind it are damaged too. A segment's
     * first frame is none of them; nor is one that is not given back, for of that nobody may think that a crash cut it off.
     */
    List<Frame> hole(SimulatedFiles files) {
        int last = frames.size() - 1;
        int from = frames.size();
        for (int i = last; i > 0 && frames.get(i - 1).file.equals(frames.get(last).file); i--) {
            Frame frame = frames.get(i);
            if (files.isChanged(frame.file, frame.from, frame.to)) {
                from = i;
            }
            if (!files.isChanged(frame.file, frame.from, frame.headerTo())) {
                break;
            }
        }
        return frames.subList(from, frames.size());
    }
}
