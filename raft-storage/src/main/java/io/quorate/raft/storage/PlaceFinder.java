package io.quorate.raft.storage;

import io.quorate.raft.core.Entry;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells where entries begin: as is known in memory, or as the index of their segment says, which is read then as a whole, for its sum is
 * one over all of it.
 *
 * <p>Where the index has been lost since, the frames tell, for it says nothing that does not follow from them. If something of them is lost
 * too, it may be that nobody knows any more where an entry begins: not what was lost together with a part of the index, in one block, for
 * that is in memory still, but what was lost elsewhere. Any thread.
 */
final class PlaceFinder {

    private static final Logger LOG = LoggerFactory.getLogger(PlaceFinder.class);

    private final FileSystem files;
    private final long incarnation;
    private final LogState state;
    private final EntryIndex index;

    PlaceFinder(FileSystem files, long incarnation, LogState state) {
        this.files = files;
        this.incarnation = incarnation;
        this.state = state;
        index = state.index();
    }

    /**
     * Where each of these begins. Where nobody knows, it is less than 1: 0, or -n if the entries of its frame begin at n and are not known
     * apart.
     *
     * @throws java.nio.file.NoSuchFileException if the segment is not there, perhaps because it was let go of meanwhile
     */
    int[] offsets(EntryIndex.Stretch stretch) throws IOException {
        int[] known = stretch.offsets();
        if (known != null) {
            return known;
        }
        int end = stretch.record() + stretch.count();
        int[] all = read(stretch.segment(), Math.max(end, index.countOf(stretch.segment())));
        index.keep(stretch.segment(), all);
        return Arrays.copyOfRange(all, stretch.record(), end);
    }

    /** The segment of an entry that is there, and where in it the entry begins, as {@link #offsets}. */
    record Place(long segment, int record, int offset) { }

    /** Where this entry is; null if it is not there. */
    @Nullable Place find(long entry) throws IOException {
        EntryIndex.Stretch stretch = index.place(entry);
        return stretch == null ? null : new Place(stretch.segment(), stretch.record(), offsets(stretch)[0]);
    }

    /** Where each entry of a segment that is full begins. */
    private int[] read(long segment, int count) throws IOException {
        String name = SegmentHeader.fileName(segment);
        try (FileHandle file = files.openToRead(name)) {
            SegmentReader reader = new SegmentReader(file, Math.toIntExact(file.size()));
            int[] offsets = new int[count];
            if (!isTold(reader, segment, offsets)) {
                if (index.countOf(segment) < 0) {
                    throw new NoSuchFileException(name);    // it was let go of meanwhile: the file may be another segment's by now
                }
                state.damage().hasMet(segment);
                LOG.warn("The index of {} is damaged, so its frames are asked where its entries are. Check the disk.", files.pathOf(name));
                offsets = byFrames(reader, segment, count);
            }
            return offsets;
        }
    }

    /** Whether the index on the disk is whole; it tells the offsets then. */
    private boolean isTold(SegmentReader reader, long segment, int[] offsets) throws IOException {
        try {
            return SegmentSeal.claimedCount(reader, segment) == offsets.length && SegmentSeal.readOffsets(reader, incarnation, offsets);
        } catch (UnreadableException e) {
            LOG.warn("The index of a segment: {}", e.getMessage());
            return false;
        }
    }

    private int[] byFrames(SegmentReader reader, long segment, int count) throws IOException {
        int[] offsets = new int[count];
        int at = SegmentHeader.BYTES;
        for (int record = 0; record < count; ) {
            FrameHeader frame = FrameWitness.header(reader, incarnation, segment, at);
            if (frame == null || !frame.fits(reader.size()) || frame.count() > count - record) {
                break;      // nobody knows how many entries are in what follows
            }
            tell(reader, frame, offsets, record);
            record += frame.count();
            at += FrameHeader.BYTES + frame.length();
        }
        int[] last = index.lastOffsetsOf(segment);
        System.arraycopy(last, 0, offsets, count - last.length, last.length);
        return offsets;
    }

    /** Where the entries of a frame begin, the first of which is this one of the segment. */
    private static void tell(SegmentReader reader, FrameHeader frame, int[] offsets, int record) throws IOException {
        int[] told = new int[frame.count()];
        int from = frame.offset() + FrameHeader.BYTES;
        if (FrameWitness.tellsApart(reader, frame, told, new int[told.length])) {
            System.arraycopy(told, 0, offsets, record, told.length);
            return;
        }
        int at = from;
        for (int i = 0; i < told.length; i++) {
            offsets[record + i] = at;
            Entry entry = at > 0 ? DamagedFrame.entryIfReadable(reader, at, from + frame.length()) : null;
            // Behind one that is whole, and the one that it should be, the next one begins; behind another nobody knows where.
            at = entry != null && entry.index() == frame.firstIndex() + i ? at + entry.size() : -from;
        }
    }
}
