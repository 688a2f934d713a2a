package io.quorate.raft.storage;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where on disk each entry of the log is, and how much of the log lies in between.
 *
 * <p>What is in memory grows with the segments of the log and not with its entries: for each run of entries that were written one behind
 * the other into one segment, which records of that segment's index these are. Where the entry of a record begins is told by the index on
 * the disk, once the segment has one; what the last few segments say that were asked for is kept ({@link PlaceFinder} reads them). Of the
 * segment that is being written, and of one whose index on the disk does not say it all, it is in memory.
 *
 * <p>One thread changes it, when the entries are durable; any thread may ask. Nothing on disk is overwritten, so a place that was given
 * out stays good, also when the entry has been replaced meanwhile; a segment that is let go of is one that no entry here is in.
 */
final class EntryIndex {

    /** Of so many sealed segments, the offsets of the entries are kept: one for each replica that lags, and some more. */
    static final int KEPT_SEGMENTS = 4;
    /** What a disk that fails somewhere does not give back is at least as much as this, and begins and ends at a multiple of it. */
    private static final int BLOCK_BYTES = 4 << 10;
    private static final int OFFSETS_MIN = 64;

    private final List<Run> runs = new ArrayList<>();   // rising, without gaps
    private long firstIndex = 1;
    private long lastIndex;
    private long replacements;   // rises whenever entries are replaced
    private final List<Written> segments = new ArrayList<>();
    private long firstSegment = 1;
    private final Map<Long, int[]> kept = new LinkedHashMap<>(2 * KEPT_SEGMENTS, 0.75f, true);     // last what was asked for last

    /**
     * The places of consecutive entries, all of one state of the log.
     *
     * @param replacements tells whether entries were replaced between two of these
     * @param stretches    one behind the other; none if there is no entry
     */
    record Places(long replacements, List<Stretch> stretches) { }

    /**
     * Consecutive entries that were written one behind the other into one segment.
     *
     * @param segment where they are
     * @param record  which of the entries in that segment the first of these is, in the order they were written, counted from 0
     * @param count   how many they are
     * @param offsets where in the segment they begin; null if that is not in memory
     */
    record Stretch(long segment, int record, int count, int @Nullable [] offsets) { }

    /** Entries that stand one behind the other in one segment. */
    private static final class Run {

        private final long first;
        private final long segment;
        private final int record;       // of the first entry
        private final int offset;       // likewise
        private int written;            // entries, of which later ones may have been replaced
        private int end;                // of the last frame with some of these

        Run(long first, long segment, int record, int offset) {
            this.first = first;
            this.segment = segment;
            this.record = record;
            this.offset = offset;
        }

        /** Where an entry begins, if all are of one size; what is needed to tell how much of a log there is. */
        int about(long index) {
            return offset + (int) ((end - offset) * (index - first) / written);
        }
    }

    /** What a segment holds. */
    private static final class Written {

        private final long start;       // where the frames before it end, counted over all segments
        private int end;                // of its frames
        private int count;              // of entries in it, replaced or not
        private int @Nullable [] offsets;   // of these; null if the index on the disk says so
        private int[] lastOffsets = {};     // of the last of them, all that a failing block may take together with a part of the index

        /** One in which there may be so many entries. */
        Written(long start, int countExpected) {
            this.start = start;
            offsets = new int[Math.max(OFFSETS_MIN, countExpected)];
        }
    }

    /**
     * The log goes on from {@code from} with the entries at the first {@code count} of these offsets, and ends with them.
     *
     * @param segmentId the segment they are in, which is the last one or the one behind it
     * @param frameEnd  where the frames end in it
     */
    synchronized void replace(long from, long segmentId, int[] offsets, int count, int frameEnd) {
        if (from <= lastIndex) {
            replacements++;
            while (!runs.isEmpty() && lastRun().first >= from) {
                runs.remove(runs.size() - 1);
            }
        }
        lastIndex = from - 1;
        Written segment = writtenTo(segmentId);
        segment.end = frameEnd;
        if (count == 0) {
            return;
        }
        boolean goesOn = !runs.isEmpty() && lastRun().segment == segmentId && lastRun().record + (from - lastRun().first) == segment.count;
        if (!goesOn) {
            runs.add(new Run(from, segmentId, segment.count, offsets[0]));
        }
        lastRun().written = segment.count - lastRun().record + count;
        lastRun().end = frameEnd;
        int[] all = segment.offsets;
        if (all == null) {
            throw new IllegalStateException("Segment " + segmentId + " is sealed");
        }
        if (all.length - segment.count < count) {
            all = Arrays.copyOf(all, Math.max(segment.count + count, 2 * all.length));
            segment.offsets = all;
        }
        System.arraycopy(offsets, 0, all, segment.count, count);
        segment.count += count;
        lastIndex += count;
    }

    private Run lastRun() {
        return runs.get(runs.size() - 1);
    }

    private Written writtenTo(long segmentId) {
        if (segments.isEmpty()) {
            firstSegment = segmentId;
            segments.add(new Written(0, 0));
        } else if (segmentId == firstSegment + segments.size()) {
            int count = segments.get(segments.size() - 1).count;
            segments.add(new Written(end(), count + count / 8));
        }
        return segments.get(segments.size() - 1);
    }

    /** Where the log ends, counted over all segments. */
    private long end() {
        Written last = segments.get(segments.size() - 1);
        return last.start + last.end;
    }

    /**
     * The index of a segment is on the disk, and says where each of its entries is.
     *
     * @param size of the segment, at whose end the index is
     */
    synchronized void sealed(long segment, int size) {
        Written written = written(segment);
        int[] offsets = written == null ? null : written.offsets;
        if (written == null || offsets == null) {
            return;
        }
        int count = written.count;
        int block = (int) (size - SegmentSeal.bytes(count)) / BLOCK_BYTES * BLOCK_BYTES;
        int first = count;
        while (first > 0 && (first == count ? written.end : offsets[first]) > block) {
            first--;
        }
        written.lastOffsets = Arrays.copyOfRange(offsets, first, count);
        written.offsets = null;
        keep(segment, offsets);
    }

    private @Nullable Written written(long segment) {
        long at = segment - firstSegment;
        return at < 0 || at >= segments.size() ? null : segments.get((int) at);
    }

    /** Keeps where the entries of a sealed segment begin, of all of them at least, for a while. */
    synchronized void keep(long segment, int[] offsets) {
        Written written = written(segment);
        if (written == null || written.offsets != null) {
            return;     // it was let go of meanwhile
        }
        kept.put(segment, offsets);
        if (kept.size() > KEPT_SEGMENTS) {
            kept.remove(kept.keySet().iterator().next());
        }
    }

    /** How many entries are in this segment, replaced or not; -1 if it is not there any more. */
    synchronized int countOf(long segment) {
        Written written = written(segment);
        return written == null ? -1 : written.count;
    }

    /** The offsets of the last entries of a sealed segment, all that its index on the disk may be lost with; none if it is not there. */
    synchronized int[] lastOffsetsOf(long segment) {
        Written written = written(segment);
        return written == null ? new int[0] : written.lastOffsets;
    }

    /** All entries are gone; the next one is this. */
    synchronized void reset(long nextIndex) {
        replacements++;
        runs.clear();
        firstIndex = nextIndex;
        lastIndex = nextIndex - 1;
    }

    /**
     * Forgets all entries before this one, which is there or one behind the last, and the segments before the given one, which hold none
     * of the others.
     */
    synchronized void forgetBefore(long index, long segment) {
        raiseFirst(index);
        segments.subList(0, (int) (segment - firstSegment)).clear();
        firstSegment = segment;
        kept.keySet().removeIf(id -> id < segment);
    }

    /** The entries before this one, which is there or one behind the last, cannot be read any more. Any thread. */
    synchronized void raiseFirst(long index) {
        if (index <= firstIndex) {
            return;
        }
        firstIndex = index;
        runs.subList(0, index > lastIndex ? runs.size() : runOf(index)).clear();
    }

    /** The first entry that is there; one behind the last if there is none. */
    synchronized long firstIndex() {
        return firstIndex;
    }

    /** The first segment that is there. */
    synchronized long firstSegment() {
        return firstSegment;
    }

    /** The segment that an entry is in; the last one if it is one behind the last entry. */
    synchronized long segmentOfEntry(long index) {
        long there = Math.max(index, firstIndex);      // a reader may have let go of more than the caller knew
        return there > lastIndex ? firstSegment + segments.size() - 1 : runs.get(runOf(there)).segment;
    }

    /** The first entry that is in this segment or behind it. */
    synchronized long firstFrom(long segment) {
        for (Run run : runs) {      // a later entry never is in an earlier segment: it was written later
            if (run.segment >= segment) {
                return Math.max(run.first, firstIndex);
            }
        }
        return lastIndex + 1;
    }

    /** Where the frames end in this segment; 0 if it is not there. */
    synchronized int endOf(long segment) {
        Written written = written(segment);
        return written == null ? 0 : written.end;
    }

    /** About how many bytes of log, all that was written there counted, lie from the entry at this index to the end. */
    synchronized long bytesFrom(long index) {
        return segments.isEmpty() ? 0 : end() - position(Math.max(index, firstIndex));
    }

    /** The first entry that is there with at most so many bytes of log, more or less, between its beginning and this entry's. */
    synchronized long firstWithin(long bytes, long index) {
        long from = firstIndex;
        long to = Math.max(index, from);    // likewise: a newer snapshot may cover more than the one that the caller asked for
        long end = position(to);
        while (from < to) {
            long middle = (from + to) / 2;
            if (end - position(middle) > bytes) {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        return from;
    }

    /** Where an entry begins, counted over all segments; where the log ends, if it is behind the last. Of a sealed segment, roughly. */
    private long position(long index) {
        if (index > lastIndex) {
            return end();
        }
        Run run = runs.get(runOf(index));
        Written written = segments.get((int) (run.segment - firstSegment));
        int[] offsets = written.offsets;
        return written.start + (offsets == null ? run.about(index) : offsets[run.record + (int) (index - run.first)]);
    }

    /** Which run an entry is in that is there. */
    private int runOf(long index) {
        int from = 0;
        int to = runs.size() - 1;
        while (from < to) {
            int middle = (from + to + 1) / 2;
            if (runs.get(middle).first <= index) {
                from = middle;
            } else {
                to = middle - 1;
            }
        }
        return from;
    }

    /** Whether the entry at this index is still the one that was written there. */
    synchronized boolean isAt(long index, long segment, int record) {
        if (index < firstIndex || index > lastIndex) {
            return false;
        }
        Run run = runs.get(runOf(index));
        return run.segment == segment && run.record + (index - run.first) == record;
    }

    /** The places from {@code from} to {@code lastWanted} or the log's end, but not more than {@code countMax}; none if it is not there. */
    synchronized Places places(long from, long lastWanted, int countMax) {
        List<Stretch> stretches = new ArrayList<>();
        long last = Math.min(Math.min(lastWanted, lastIndex), from + Math.min(countMax, Long.MAX_VALUE - from) - 1);
        for (long next = from < firstIndex ? last + 1 : from; next <= last; ) {
            int at = runOf(next);
            Run run = runs.get(at);
            long end = at + 1 < runs.size() ? Math.min(last, runs.get(at + 1).first - 1) : last;
            stretches.add(stretch(run, run.record + (int) (next - run.first), (int) (end - next + 1)));
            next = end + 1;
        }
        return new Places(replacements, stretches);
    }

    private Stretch stretch(Run run, int record, int count) {
        int[] known = segments.get((int) (run.segment - firstSegment)).offsets;
        int[] offsets = known == null ? kept.get(run.segment) : known;
        return new Stretch(run.segment, record, count, offsets == null ? null : Arrays.copyOfRange(offsets, record, record + count));
    }

    /** Where this entry is; null if it is not there. */
    synchronized @Nullable Stretch place(long index) {
        List<Stretch> one = places(index, index, 1).stretches();
        return one.isEmpty() ? null : one.get(0);
    }
}
