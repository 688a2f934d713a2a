package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is handed over in whole blocks can go to the disk without another copy. */
class StagingTest {

    private final List<Boolean> whole = new ArrayList<>();
    private int written;

    /** Looks at what it is given, and keeps nothing. */
    private final class Witness implements FileHandle {

        @Override
        public int read(ByteBuffer target, long position) {
            return 0;
        }

        @Override
        public void write(ByteBuffer source, long position) {
            whole.add(Blocks.areWhole(source, position));
            written += source.remaining();
            source.position(source.limit());
        }

        @Override
        public void force() {
            return;
        }

        @Override
        public long size() {
            return 0;
        }

        @Override
        public void close() {
            return;
        }
    }

    @Test
    void aFrameThatBeginsWhereABlockDoesIsHandedOverInWholeBlocks() throws IOException {
        int segmentBytes = 64 << 10;
        Staging staging = new Staging(segmentBytes);
        byte[] frame = new byte[100_000];
        staging.begin(new Witness(), 2 * Blocks.BYTES);
        staging.put(frame, 0, frame.length);
        staging.fillLastBlock(4 * segmentBytes);
        staging.flush();
        assertEquals(List.of(true, true), whole);
        assertEquals(25 * Blocks.BYTES, written);
    }

    @Test
    void onlyTheEndOfAFileMayBeLessThanABlock() throws IOException {
        Staging staging = new Staging(Blocks.BYTES);
        staging.begin(new Witness(), 0);
        staging.put(new byte[10], 0, 10);
        staging.fillLastBlock(100);
        staging.flush();
        assertEquals(List.of(false), whole);
        assertEquals(100, written);
    }

    @Test
    void memoryThatWasAskedForBeginsWhereABlockDoes() {
        ByteBuffer memory = Blocks.allocate(3 * Blocks.BYTES);
        assertEquals(3 * Blocks.BYTES, memory.capacity());
        assertTrue(Blocks.areWhole(memory, 0));
        assertFalse(Blocks.areWhole(memory, 1));
        assertFalse(Blocks.areWhole(memory.duplicate().position(1), 0));
        assertFalse(Blocks.areWhole(memory.duplicate().limit(1), 0));
        assertFalse(Blocks.areWhole(memory.duplicate().position(512).limit(512 + Blocks.BYTES), 0));
        assertFalse(Blocks.areWhole(ByteBuffer.allocate(Blocks.BYTES), 0));
    }
}
