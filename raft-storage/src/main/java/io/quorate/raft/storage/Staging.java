package io.quorate.raft.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Gathers the parts of a frame into one write. The JDK copies what it writes into native memory in any case; done here, that is one copy
 * and one call for many small entries.
 */
final class Staging {

    private static final int BYTES_MAX = 1 << 20;

    private final ByteBuffer buffer;
    private @Nullable FileHandle file;
    private long position;   // where the buffer's first byte goes

    /** For frames that go into segments of this size, mostly. */
    Staging(int segmentBytes) {
        buffer = ByteBuffer.allocateDirect(Math.min(BYTES_MAX, segmentBytes));
    }

    void begin(FileHandle target, long at) {
        file = target;
        position = at;
        buffer.clear();
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

    /** Hands over what was put since {@code begin}; the file is not forced. */
    void flush() throws IOException {
        if (file == null) {
            throw new IllegalStateException("Nothing was begun");
        }
        buffer.flip();
        int length = buffer.remaining();
        file.write(buffer, position);
        position += length;
        buffer.clear();
    }
}
