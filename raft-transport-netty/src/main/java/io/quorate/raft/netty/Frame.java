package io.quorate.raft.netty;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.MessageLite;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * One piece of the conversation: a protobuf head, and a block of plain bytes behind it.
 *
 * <pre>
 *   0  int   size of the head, in bytes
 *   4  int   size of the block, in bytes
 *   8  byte  type
 *   9  3 x 0 reserved
 *  12  int   CRC32C of the block; 0 if there is none, or if it is entries, which bear their own
 *  16  int   CRC32C of the sixteen bytes before and of the head
 *  20        head, then block
 * </pre>
 * All numbers are big-endian. The block's size is believed only when the head's checksum has been: a damaged size would otherwise
 * make the reader wait for bytes that never come.
 *
 * @param type  what it is
 * @param head  the protobuf message made for the type
 * @param block what does not go through protobuf: entries, a command, a query, a result; not to be changed
 */
record Frame(FrameType type, byte[] head, byte[] block) {

    /** Bytes before the head. */
    static final int HEADER_BYTES = 20;
    static final byte[] NO_BLOCK = new byte[0];
    /** In place of a block for which there was no room. */
    static final byte[] DROPPED = new byte[0];

    static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);

    /** Whether there was no room for its block, which was thrown away as it came. */
    boolean isDropped() {
        return block == DROPPED;
    }

    /** How many bytes it takes on the wire. */
    int size() {
        return HEADER_BYTES + head.length + block.length;
    }

    /** Writes a frame without a block. */
    static void write(ByteBuf out, FrameType type, MessageLite head) {
        write(out, type, head, NO_BLOCK);
    }

    /** Writes a frame; the block's bytes are copied. */
    static void write(ByteBuf out, FrameType type, MessageLite head, byte[] block) {
        writeTop(out, type, head, block.length, block.length == 0 ? 0 : checksum(block));
        out.writeBytes(block);
    }

    /**
     * Writes a frame up to its block, which the caller writes behind it.
     *
     * @throws IllegalArgumentException if a part is larger than the type allows; nothing is written
     */
    static void writeTop(ByteBuf out, FrameType type, MessageLite head, long blockBytes, int blockChecksum) {
        int headBytes = head.getSerializedSize();
        if (headBytes > type.headBytesMax() || blockBytes > type.blockBytesMax()) {
            throw new IllegalArgumentException("a frame " + type + " of " + headBytes + " + " + blockBytes + " bytes; at most "
                + type.headBytesMax() + " + " + type.blockBytesMax());
        }
        byte[] top = new byte[HEADER_BYTES + headBytes];
        INT.set(top, 0, headBytes);
        INT.set(top, 4, (int) blockBytes);
        top[8] = (byte) type.code();
        INT.set(top, 12, blockChecksum);
        try {
            head.writeTo(CodedOutputStream.newInstance(top, HEADER_BYTES, headBytes));
        } catch (IOException e) {
            throw new UncheckedIOException("an array does not fail", e);
        }
        CRC32C crc = new CRC32C();
        crc.update(top, 0, 16);
        crc.update(top, HEADER_BYTES, headBytes);
        INT.set(top, 16, (int) crc.getValue());
        out.ensureWritable((int) (top.length + blockBytes));    // grows once, however large the block is
        out.writeBytes(top);
    }

    static int checksum(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, bytes.length);
        return (int) crc.getValue();
    }
}
