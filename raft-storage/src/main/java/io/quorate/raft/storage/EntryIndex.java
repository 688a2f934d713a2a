package io.quorate.raft.storage;

import java.util.ArrayList;
import java.util.List;

/**
 * Where on disk each entry of the log is: eight bytes of memory for each.
 *
 * <p>One thread changes it, when the entries are durable; any thread may ask. Nothing on disk is overwritten, so a place that was given
 * out stays good, also when the entry has been replaced meanwhile.
 */
final class EntryIndex {

    private static final int CHUNK_BITS = 14;
    private static final int CHUNK = 1 << CHUNK_BITS;
    private static final int OFFSET_BITS = 31;

    private final List<long[]> chunks = new ArrayList<>();
    private long lastIndex;
    private long replacements;   // rises whenever entries are replaced

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

    /** The log goes on from {@code firstIndex} with the entries at the first {@code count} of these offsets, and ends with them. */
    synchronized void replace(long firstIndex, long segmentId, int[] offsets, int count) {
        if (firstIndex <= lastIndex) {
            replacements++;
        }
        lastIndex = firstIndex - 1;
        for (int i = 0; i < count; i++) {
            int position = Math.toIntExact(lastIndex >>> CHUNK_BITS);
            if (position == chunks.size()) {
                chunks.add(new long[CHUNK]);
            }
            chunks.get(position)[(int) lastIndex & CHUNK - 1] = segmentId << OFFSET_BITS | offsets[i];
            lastIndex++;
        }
    }

    /** The places from {@code firstIndex} to {@code lastWanted} or the log's end, but not more than {@code countMax}. */
    synchronized Places places(long firstIndex, long lastWanted, int countMax) {
        long count = Math.min(Math.min(lastWanted, lastIndex) - firstIndex + 1, countMax);
        long[] places = new long[(int) Math.max(0, count)];
        for (int i = 0; i < places.length; ) {
            long at = firstIndex - 1 + i;
            int from = (int) at & CHUNK - 1;
            int length = Math.min(CHUNK - from, places.length - i);
            System.arraycopy(chunks.get((int) (at >>> CHUNK_BITS)), from, places, i, length);
            i += length;
        }
        return new Places(replacements, places);
    }

    /**
     * Where the last entries begin that surely fit into so many bytes; one behind the last entry if not even that one does.
     *
     * @param end where the frames of the last segment end
     */
    synchronized long firstOfLast(long bytesMax, int entryBytesMax, int end) {
        long first = lastIndex + 1;
        long behind = 0;   // the place of the entry behind
        long bytes = 0;
        while (first > 1) {
            long place = chunks.get((int) (first - 2 >>> CHUNK_BITS))[(int) (first - 2) & CHUNK - 1];
            int offset = offsetOf(place);
            // What lies between two entries of one segment bounds the first; behind a segment's last one there is no telling.
            long size = behind == 0 ? end - offset : segmentOf(behind) == segmentOf(place) ? offsetOf(behind) - offset : entryBytesMax;
            bytes += Math.min(size < 0 ? entryBytesMax : size, entryBytesMax);
            if (bytes > bytesMax) {
                break;
            }
            behind = place;
            first--;
        }
        return first;
    }
}
