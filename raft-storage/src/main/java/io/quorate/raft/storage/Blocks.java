package io.quorate.raft.storage;

import java.nio.ByteBuffer;

/**
 * Blocks of a file, as the kernel reads and keeps files, mostly. What is to be handed to a disk without another copy has to be whole
 * blocks there and here: of the file, and of memory outside of the heap.
 */
final class Blocks {

    static final int BYTES = 4096;

    private Blocks() { }

    /** Where the block begins that has this byte in it. */
    static int of(int offset) {
        return offset - offset % BYTES;
    }

    /** Where the block ends that has the byte before this one in it. */
    static int upTo(int offset) {
        return offset % BYTES == 0 ? offset : Blocks.of(offset) + BYTES;
    }

    /** Memory outside of the heap for so many bytes, which begins where a block does. */
    static ByteBuffer allocate(int bytes) {
        return ByteBuffer.allocateDirect(bytes + BYTES - 1).alignedSlice(BYTES).limit(bytes).slice();
    }

    /** Whether what remains in the source is whole blocks, here and where it is to be written. */
    static boolean areWhole(ByteBuffer source, long position) {
        return source.isDirect() && source.remaining() % BYTES == 0 && position % BYTES == 0
            && source.alignmentOffset(source.position(), BYTES) == 0;
    }
}
