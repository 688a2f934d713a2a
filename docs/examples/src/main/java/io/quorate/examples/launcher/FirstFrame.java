package io.quorate.examples.launcher;

import java.io.ByteArrayOutputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Who opens a connection, as the frame that every connection begins with says (docs/wire-format.md): its head is a protobuf message whose
 * field 7 is the sender, of which field 1 is the node id. Not thread-safe.
 */
final class FirstFrame {

    /** A client, or something that is no greeting at all. */
    static final int NOBODY = 0;

    private static final int HEADER_BYTES = 20;
    private static final int HEAD_BYTES_MAX = 4 << 10;
    private static final int SENDER = 7;
    private static final int NODE_ID = 1;

    private final ByteArrayOutputStream seen = new ByteArrayOutputStream();
    private boolean isOpen = true;
    private int nodeId = NOBODY;

    /** Whether more bytes are needed to tell. */
    boolean isOpen() {
        return isOpen;
    }

    /** The replica that opened the connection, or {@link #NOBODY}. */
    int nodeId() {
        return nodeId;
    }

    /** Takes the next bytes of the connection. */
    void read(byte[] bytes, int length) {
        seen.write(bytes, 0, Math.min(length, HEADER_BYTES + HEAD_BYTES_MAX - seen.size()));
        ByteBuffer all = ByteBuffer.wrap(seen.toByteArray());
        if (all.remaining() < HEADER_BYTES) {
            return;
        }
        int headBytes = all.getInt(0);
        if (headBytes < 0 || headBytes > HEAD_BYTES_MAX) {
            isOpen = false;
        } else if (all.remaining() >= HEADER_BYTES + headBytes) {
            isOpen = false;
            nodeId = nodeIdIn(all.slice(HEADER_BYTES, headBytes));
        }
    }

    private static int nodeIdIn(ByteBuffer head) {
        try {
            ByteBuffer sender = bytesOf(head, SENDER);
            return sender == null ? NOBODY : numberOf(sender, NODE_ID);
        } catch (BufferUnderflowException | IllegalArgumentException e) {
            return NOBODY;      // not ours to judge
        }
    }

    private static @Nullable ByteBuffer bytesOf(ByteBuffer message, int field) {
        while (message.hasRemaining()) {
            int tag = (int) varint(message);
            if (tag == (field << 3 | 2)) {
                int length = (int) varint(message);
                return message.slice(message.position(), length);
            }
            skip(message, tag & 7);
        }
        return null;
    }

    private static int numberOf(ByteBuffer message, int field) {
        while (message.hasRemaining()) {
            int tag = (int) varint(message);
            if (tag == field << 3) {
                return (int) varint(message);
            }
            skip(message, tag & 7);
        }
        return NOBODY;
    }

    private static void skip(ByteBuffer message, int wireType) {
        int length = switch (wireType) {
            case 0 -> {
                varint(message);
                yield 0;
            }
            case 1 -> Long.BYTES;
            case 2 -> (int) varint(message);
            case 5 -> Integer.BYTES;
            default -> throw new IllegalArgumentException("no such wire type: " + wireType);
        };
        message.position(message.position() + length);
    }

    private static long varint(ByteBuffer message) {
        long value = 0;
        for (int shift = 0; ; shift += 7) {
            byte next = message.get();
            value |= (long) (next & 0x7F) << shift;
            if (next >= 0) {
                return value;
            }
        }
    }
}
