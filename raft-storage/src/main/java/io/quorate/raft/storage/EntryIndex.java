package io.quorate.raft.storage;

import java.util.ArrayList;
import java.util.List;

/**
 * Where on disk each entry of the log is, and how much of the log lies in between: eight bytes of memory for each entry that is there.
 *
 * <p>One thread changes it, when the entries are durable; any thread may ask. Nothing on disk is overwritten, so a place that was given
 * out stays good, also when the entry has been replaced meanwhile; a segment that is let go of is one that no entry here is in.
 */
final class EntryIndex {

    private static final int CHUNK_BITS = 14;
    private static final int CHUNK = 1 << CHUNK_BITS;
    private static final int OFFSET_BITS = 31;

    private final List<long[]> chunks = new ArrayList<>();
    private long firstChunk;     // the number of the first of these
    private long firstIndex = 1;
    private long lastIndex;
    private long replacements;   // rises whenever entries are replaced
    private final List<Long> segmentStarts = new ArrayList<>();   // each where the frames before it end, counted over all segments
    private long firstSegment = 1;
    private int end;             // where the frames end in the last segment

    /**
     * The places of consecutive entries, all of one state of the log.
     *
     * @param replacements tells whether entries were replaced between two of these
     * @param places       one for each; see {@link #segmentOf} and {@link #offsetOf}
     */
    record Places(long replacements, long[] places) { }

    static long segmentOf(long place) {
        return place >>> OFFSET_BITS;
    }

    static int offsetOf(long place) {
        return (int) place & Integer.MAX_VALUE;
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
        }
        lastIndex = from - 1;
        for (int done = 0; done < count; ) {
            int position = chunkOf(lastIndex);
            if (position == chunks.size()) {
                chunks.add(new long[CHUNK]);
            }
            long[] chunk = chunks.get(position);
            int start = (int) lastIndex & CHUNK - 1;
            int length = Math.min(CHUNK - start, count - done);
            for (int i = 0; i < length; i++) {
                chunk[start + i] = segmentId << OFFSET_BITS | offsets[done + i];
            }
            done += length;
            lastIndex += length;
        }
        if (segmentStarts.isEmpty()) {
            firstSegment = segmentId;
            segmentStarts.add(0L);
        } else if (segmentId == firstSegment + segmentStarts.size()) {
            segmentStarts.add(segmentStarts.get(segmentStarts.size() - 1) + end);
        }
        end = frameEnd;
    }

    /** All entries are gone; the next one is this. */
    synchronized void reset(long nextIndex) {
        replacements++;
        chunks.clear();
        firstChunk = nextIndex - 1 >>> CHUNK_BITS;
        firstIndex = nextIndex;
        lastIndex = nextIndex - 1;
    }

    /**
     * Forgets all entries before this one, which is there or one behind the last, and the segments before the given one, which hold none
     * of the others.
     */
    synchronized void forgetBefore(long index, long segment) {
        raiseFirst(index);
        segmentStarts.subList(0, (int) (segment - firstSegment)).clear();
        firstSegment = segment;
    }

    /** The entries before this one, which is there or one behind the last, cannot be read any more. Any thread. */
    synchronized void raiseFirst(long index) {
        if (index <= firstIndex) {
            return;
        }
        firstIndex = index;
        int whole = chunkOf(index - 1);
        chunks.subList(0, Math.min(whole, chunks.size())).clear();
        firstChunk += whole;
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
        return there > lastIndex ? firstSegment + segmentStarts.size() - 1 : segmentOf(place(there));
    }

    /** The first entry that is in this segment or behind it. */
    synchronized long firstFrom(long segment) {
        long from = firstIndex;
        long to = lastIndex + 1;
        while (from < to) {     // a later entry never is in an earlier segment: it was written later
            long middle = (from + to) / 2;
            if (segmentOf(place(middle)) < segment) {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        return from;
    }

    /** Where the frames end in this segment; 0 if it is not there. */
    synchronized int endOf(long segment) {
        long at = segment - firstSegment;
        if (at < 0 || at >= segmentStarts.size()) {
            return 0;
        }
        return at == segmentStarts.size() - 1 ? end : (int) (segmentStarts.get((int) at + 1) - segmentStarts.get((int) at));
    }

    /** How many bytes of log, all that was written there counted, lie from the entry at this index to the end. */
    synchronized long bytesFrom(long index) {
        return segmentStarts.isEmpty() ? 0 : position(lastIndex + 1) - position(Math.max(index, firstIndex));
    }

    /** The first entry that is there with at most so many bytes of log between its beginning and this entry's. */
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

    /** Where an entry begins, counted over all segments; where the log ends, if it is behind the last. */
    private long position(long index) {
        if (index > lastIndex) {
            return segmentStarts.get(segmentStarts.size() - 1) + end;
        }
        long place = place(index);
        return segmentStarts.get((int) (segmentOf(place) - firstSegment)) + offsetOf(place);
    }

    private long place(long index) {
        return chunks.get(chunkOf(index - 1))[(int) (index - 1) & CHUNK - 1];
    }

    private int chunkOf(long zeroBased) {
        return Math.toIntExact((zeroBased >>> CHUNK_BITS) - firstChunk);
    }

    /** The places from {@code from} to {@code lastWanted} or the log's end, but not more than {@code countMax}; none if it is not there. */
    synchronized Places places(long from, long lastWanted, int countMax) {
        long count = from < firstIndex ? 0 : Math.min(Math.min(lastWanted, lastIndex) - from + 1, countMax);
        long[] places = new long[(int) Math.max(0, count)];
        for (int i = 0; i < places.length; ) {
            long at = from - 1 + i;
            int start = (int) at & CHUNK - 1;
            int length = Math.min(CHUNK - start, places.length - i);
            System.arraycopy(chunks.get(chunkOf(at)), start, places, i, length);
            i += length;
        }
        return new Places(replacements, places);
    }
}
