package io.quorate.raft.netty;

import io.netty.buffer.ByteBuf;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryList;
import java.util.List;

/** Entries as a frame's block: one behind the other, in the very bytes that stand on disk, each with its own checksum. */
final class EntryBlock {

    private EntryBlock() { }

    static long sizeOf(List<Entry> entries) {
        long bytes = 0;
        for (int i = 0; i < entries.size(); i++) {
            bytes += entries.get(i).size();
        }
        return bytes;
    }

    /** Those that stand behind one another in an array, as they do where they were made or received together, are copied at once. */
    static void write(ByteBuf out, List<Entry> entries) {
        int at = 0;
        while (at < entries.size()) {
            Entry first = entries.get(at++);
            int end = first.offset() + first.size();
            while (at < entries.size() && entries.get(at).array() == first.array() && entries.get(at).offset() == end) {
                end += entries.get(at++).size();
            }
            out.writeBytes(first.array(), first.offset(), end - first.offset());
        }
    }

    /**
     * The entries, which share the block.
     *
     * @throws IllegalArgumentException if the block is anything but so many entries, each intact
     */
    static List<Entry> read(byte[] block, int count) {
        if (count < 0 || (long) count * Entry.HEADER_BYTES > block.length) {
            throw new IllegalArgumentException(count + " entries in " + block.length + " bytes");
        }
        Entry[] entries = new Entry[count];
        int offset = 0;
        for (int i = 0; i < count; i++) {
            Entry entry = Entry.decode(block, offset, block.length);
            entries[i] = entry;
            offset += entry.size();
        }
        if (offset != block.length) {
            throw new IllegalArgumentException(block.length - offset + " bytes behind the last entry");
        }
        return EntryList.over(entries);
    }
}
