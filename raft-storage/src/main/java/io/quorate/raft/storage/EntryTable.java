package io.quorate.raft.storage;

import io.quorate.raft.core.Entry;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * What is to be known of the entries of one frame besides their bytes: their terms, where in the segment they begin, and the first bytes of
 * each. For the next frame it is used again, since made anew for each it was most of what a write allocates.
 */
final class EntryTable {

    private static final int COUNT_MIN = 64;
    /** Room for more is not kept: 20 bytes for each of the most entries that a frame ever had would stay for good. */
    private static final int COUNT_KEPT_MAX = 1 << 16;
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    private long[] terms = new long[COUNT_MIN];
    private int[] offsets = new int[COUNT_MIN];
    private byte[] heads = new byte[COUNT_MIN * Segment.ENTRY_HEAD_BYTES];

    /** Makes room for so many entries; what was there of others is gone. */
    void makeRoom(int count) {
        if (count > offsets.length || offsets.length > COUNT_KEPT_MAX) {
            offsets = new int[Math.max(count, Math.min(2 * offsets.length, COUNT_KEPT_MAX))];
            terms = new long[offsets.length];
            heads = new byte[offsets.length * Segment.ENTRY_HEAD_BYTES];
        }
    }

    /** Takes in entries that will stand one behind the other from there on; returns where the last one ends. */
    int fill(List<Entry> entries, int from) {
        int count = entries.size();
        makeRoom(count);
        int at = from;
        for (int i = 0; i < count; i++) {
            Entry entry = entries.get(i);
            put(i, entry.term(), at, (long) LONG.get(entry.array(), entry.offset()));
            at += entry.size();
        }
        return at;
    }

    /** Takes in one entry, for which there is room: its term, where it begins, and its first {@value Segment#ENTRY_HEAD_BYTES} bytes. */
    void put(int at, long term, int offset, long head) {
        terms[at] = term;
        offsets[at] = offset;
        LONG.set(heads, at * Segment.ENTRY_HEAD_BYTES, head);
    }

    /** The checksum over the first bytes of so many entries; one over all is made faster than a piece of it for each. */
    int sum(int count) {
        CRC32C crc = new CRC32C();
        crc.update(heads, 0, count * Segment.ENTRY_HEAD_BYTES);
        return (int) crc.getValue();
    }

    /** Their terms, as many as there are entries; good until the next frame, like all that follows. */
    long[] terms() {
        return terms;
    }

    /** Where in the segment they begin, likewise. */
    int[] offsets() {
        return offsets;
    }

    /** Their first bytes, {@value Segment#ENTRY_HEAD_BYTES} of each. */
    byte[] heads() {
        return heads;
    }
}
