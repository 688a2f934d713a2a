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

    static void write(ByteBuf out, List<Entry> entries) {
        for (int i = 0; i < entries.size(); i++) {
            Entry entry = entries.get(i);
            out.writeBytes(entry.array(), entry.offset(), entry.size());
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
