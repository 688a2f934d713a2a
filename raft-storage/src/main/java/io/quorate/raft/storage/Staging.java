package io.quorate.raft.storage;

import io.quorate.raft.core.Entry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Gathers the parts of a frame into one write. The JDK copies what it writes into native memory in any case; done here, that is one copy
 * and one call for many small entries, and the only copy where the file is written past the kernel's cache.
 *
 * <p>Whole blocks are written, since of a block of which it is given a part the kernel has to read the rest, if it does not have it any
 * more: that takes the time of a read, and fails where the disk does not give back what nobody needs.
 */
final class Staging {

    private static final int BYTES_MAX = 1 << 20;
    private static final byte[] ZEROS = new byte[Blocks.BYTES];

    private final EntryTable table = new EntryTable();
    private final ByteBuffer buffer;       // of whole blocks
    private @Nullable FileHandle file;
    private long position;   // where the buffer's first byte goes: the beginning of a block
    private int skipped;     // of the buffer's first bytes, so many are not written

    /** For frames that go into segments of this size, mostly. */
    Staging(int segmentBytes) {
        buffer = Blocks.allocate(Math.min(BYTES_MAX, (segmentBytes / Blocks.BYTES + 1) * Blocks.BYTES));
    }

    /** For the entries of the frame that is being written. */
    EntryTable table() {
        return table;
    }

    /** What is put from here on goes to the target, from this byte on. */
    void begin(FileHandle target, int at) {
        file = target;
        position = Blocks.of(at);
        skipped = at % Blocks.BYTES;
        buffer.clear().position(skipped);
    }

    void put(byte[] array, int offset, int length) throws IOException {
        int done = 0;
        while (done < length) {
            if (!buffer.hasRemaining()) {
                flush();
            }
            int step = Math.min(length - done, buffer.remaining());
            buffer.put(array, offset + done, step);
            done += step;
        }
    }

    /** Puts entries. Those that came in one message stand one behind the other in one array: all of them at once. */
    void put(List<Entry> entries) throws IOException {
        int count = entries.size();
        for (int i = 0; i < count; ) {
            Entry first = entries.get(i);
            int end = first.offset() + first.size();
            for (i++; i < count; i++) {
                Entry next = entries.get(i);
                if (next.array() != first.array() || next.offset() != end) {
                    break;
                }
                end += next.size();
            }
            put(first.array(), first.offset(), end - first.offset());
        }
    }

    /** Gives the last block to the target, as far as something was put into it, unless it is full. */
    void copyLastBlock(byte[] target) {
        int length = buffer.position() % Blocks.BYTES;
        buffer.get(buffer.position() - length, target, 0, length);
    }

    /** Fills the last block with zeros, if it is not full, up to the end of the file at most. */
    void fillLastBlock(int fileBytes) throws IOException {
        int length = buffer.position() % Blocks.BYTES;
        if (length > 0) {
            putZeros((int) Math.min(Blocks.BYTES - length, fileBytes - position - buffer.position()));
        }
    }

    /** Puts so many zeros, which are less than a block. */
    void putZeros(int length) throws IOException {
        put(ZEROS, 0, length);
    }

    /** Hands over what was put since {@code begin}; the file is not forced. */
    void flush() throws IOException {
        if (file == null) {
            throw new IllegalStateException("Nothing was begun");
        }
        int length = buffer.position();
        file.write(buffer.flip().position(skipped), position + skipped);
        position += length;
        skipped = 0;
        buffer.clear();
    }
}
