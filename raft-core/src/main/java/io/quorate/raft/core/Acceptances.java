package io.quorate.raft.core;

import java.util.Arrays;

/**
 * Which requests have become which entries since the last flush, in their order.
 *
 * <p>In arrays that are used again and again: an object for each command, beside the entry itself, would be garbage with the next flush.
 */
final class Acceptances {

    private static final int LENGTH_MIN = 16;

    private long[] requestIds = new long[LENGTH_MIN];
    private Entry[] entries = new Entry[LENGTH_MIN];
    private int size;

    void add(long requestId, Entry entry) {
        if (size == entries.length) {
            requestIds = Arrays.copyOf(requestIds, 2 * size);
            entries = Arrays.copyOf(entries, 2 * size);
        }
        requestIds[size] = requestId;
        entries[size] = entry;
        size++;
    }

    /** Tells each once. */
    void tellAll(Effects effects) {
        for (int i = 0; i < size; i++) {
            effects.accepted(requestIds[i], entries[i].id());
        }
        Arrays.fill(entries, 0, size, null);    // else an entry would be kept for as long as no later flush has accepted as many
        size = 0;
    }
}
