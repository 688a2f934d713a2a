package io.quorate.raft.netty;

import static io.quorate.raft.netty.Frame.HEADER_BYTES;
import static io.quorate.raft.netty.Frame.INT;
import static io.quorate.raft.netty.Frame.NO_BLOCK;

import io.netty.buffer.ByteBuf;
import java.util.Arrays;
import java.util.Set;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Puts frames together from bytes as they come.
 *
 * <p>Total: whatever the bytes, the outcome is a frame, a wait for more bytes, a {@link MalformedFrameException} or a {@link
 * ForbiddenFrameException}. Sizes are checked before anything is allocated, and a large block is allocated as its bytes arrive, so that
 * who only announces bytes costs next to nothing. A block that is more than all may have half read is thrown away as it comes.
 */
final class FrameReader {

    /** An optional frame of a newer version may have as much behind its header. */
    static final int SKIPPED_BYTES_MAX = 64 << 10;
    /** What is allocated of a block before its first byte has come. */
    private static final int FIRST_BYTES = 256 << 10;
    /** The same of entries, which only peers send: as much as an append carries unless configured otherwise, so that it is not copied. */
    private static final int ENTRIES_FIRST_BYTES = 512 << 10;

    private final byte[] header = new byte[HEADER_BYTES];
    private Set<FrameType> allowed;
    private int headerBytes;
    private @Nullable FrameType type;   // null while skipping
    private byte[] head = NO_BLOCK;
    private int headBytes;
    private byte @Nullable [] block;    // null until the head has been checked
    private int blockSize;
    private int blockBytes;
    private @Nullable Quota quota;
    private long taken;                 // of it

    FrameReader(Set<FrameType> allowed) {
        this.allowed = allowed;
    }

    /**
     * From the next frame on, only these may come.
     *
     * @param sharedQuota of what is allocated for large blocks beyond {@link #FIRST_BYTES}, until they are whole; null for no bound
     */
    void allow(Set<FrameType> types, @Nullable Quota sharedQuota) {
        allowed = types;
        quota = sharedQuota;
    }

    /** Nothing more is read. */
    void close() {
        giveBack();
    }

    /**
     * Takes bytes until a frame is complete.
     *
     * @return the frame, or null if all bytes are taken and more are needed
     */
    @Nullable Frame read(ByteBuf in) {
        while (true) {
            if (headerBytes < HEADER_BYTES) {
                headerBytes += take(in, header, headerBytes, HEADER_BYTES);
                if (headerBytes < HEADER_BYTES) {
                    return null;
                }
                onHeader();
            }
            if (block == null) {
                headBytes += take(in, head, headBytes, head.length);
                if (headBytes < head.length) {
                    return null;
                }
                block = onHead();
            }
            while (blockBytes < blockSize) {
                if (!in.isReadable()) {
                    return null;
                }
                if (block != Frame.DROPPED && blockBytes == block.length) {
                    block = larger(block);
                }
                blockBytes += block == Frame.DROPPED ? skip(in, blockSize - blockBytes) : take(in, block, blockBytes, block.length);
            }
            giveBack();
            Frame frame = onBlock(block);
            headerBytes = 0;
            headBytes = 0;
            blockBytes = 0;
            head = NO_BLOCK;
            block = null;
            if (frame != null) {
                return frame;
            }
        }
    }

    /** Whether no frame is half read. */
    boolean isBetweenFrames() {
        return headerBytes == 0;
    }

    private void onHeader() {
        int headSize = (int) INT.get(header, 0);
        int size = (int) INT.get(header, 4);
        int code = header[8] & 0xFF;
        if (header[9] != 0 || header[10] != 0 || header[11] != 0) {
            throw new MalformedFrameException("a frame with flags of a newer version");
        }
        type = code < FrameType.OPTIONAL_FROM ? FrameType.of(code) : null;
        if (type == null && code < FrameType.OPTIONAL_FROM) {
            throw new MalformedFrameException("a frame of unknown type " + code);
        }
        int headMax = type == null ? SKIPPED_BYTES_MAX : type.headBytesMax();
        int blockMax = type == null ? SKIPPED_BYTES_MAX : type.blockBytesMax();
        if (headSize < 0 || headSize > headMax || size < 0 || size > blockMax) {
            throw new MalformedFrameException("a frame " + (type == null ? code : type) + " of impossible size " + headSize + " + " + size);
        }
        if (type != null && !allowed.contains(type)) {
            throw new ForbiddenFrameException("a frame " + type + " has no place here");
        }
        if (type == null && allowed == FrameType.FIRST) {
            throw new ForbiddenFrameException("a frame of type " + code + " before the handshake");
        }
        head = headSize == 0 ? NO_BLOCK : new byte[headSize];
        blockSize = size;
    }

    private byte[] onHead() {
        CRC32C crc = new CRC32C();
        crc.update(header, 0, 16);
        crc.update(head, 0, head.length);
        if ((int) crc.getValue() != (int) INT.get(header, 16)) {
            throw new MalformedFrameException("a frame with a wrong checksum");
        }
        int firstBytes = type != null && type.isSealed() ? ENTRIES_FIRST_BYTES : FIRST_BYTES;
        return blockSize == 0 ? NO_BLOCK : new byte[Math.min(blockSize, firstBytes)];
    }

    private byte[] larger(byte[] full) {
        int size = (int) Math.min(blockSize, 2L * full.length);
        if (quota != null) {
            if (!quota.take(size - full.length)) {
                giveBack();
                return Frame.DROPPED;
            }
            taken += size - full.length;
        }
        return Arrays.copyOf(full, size);
    }

    private void giveBack() {
        if (quota != null) {
            quota.give(taken);
            taken = 0;
        }
    }

    private @Nullable Frame onBlock(byte[] whole) {
        boolean isSealed = type != null && type.isSealed();
        int expected = blockSize == 0 || isSealed ? 0 : Frame.checksum(whole);
        if (whole != Frame.DROPPED && expected != (int) INT.get(header, 12)) {
            throw new MalformedFrameException("a block with a wrong checksum");
        }
        return type == null ? null : new Frame(type, head, whole);
    }

    private static int skip(ByteBuf in, int most) {
        int count = Math.min(in.readableBytes(), most);
        in.skipBytes(count);
        return count;
    }

    private static int take(ByteBuf in, byte[] into, int at, int limit) {
        int count = Math.min(in.readableBytes(), limit - at);
        in.readBytes(into, at, count);
        return count;
    }
}
