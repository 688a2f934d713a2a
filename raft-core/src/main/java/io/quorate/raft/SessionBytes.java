package io.quorate.raft;

import java.nio.ByteBuffer;

/** How {@link SessionCommand} and {@link SessionResult} look as bytes: a kind, some numbers, the user's bytes. */
final class SessionBytes {

    static final byte PLAIN = 0;
    static final byte OPEN = 1;
    static final byte CALL = 2;
    static final byte KEEP_ALIVE = 3;
    static final byte CLOSE = 4;

    static final byte DONE = 0;
    static final byte OPENED = 1;
    static final byte REFUSED = 2;

    static final ByteBuffer NOTHING = ByteBuffer.allocate(0).asReadOnlyBuffer();

    private SessionBytes() { }

    static byte[] of(byte kind, ByteBuffer users, long... numbers) {
        return ByteBuffer.allocate(1 + Long.BYTES * numbers.length + users.remaining()).put(kind).put(longs(numbers))
            .put(users.duplicate()).array();
    }

    private static ByteBuffer longs(long[] numbers) {
        ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES * numbers.length);
        for (long number : numbers) {
            bytes.putLong(number);
        }
        return bytes.flip();
    }

    static long next(ByteBuffer bytes) {
        if (bytes.remaining() < Long.BYTES) {
            throw new IllegalArgumentException("cut off: a number has " + bytes.remaining() + " bytes");
        }
        return bytes.getLong();
    }

    /** A number behind which nothing may come. */
    static long last(ByteBuffer bytes) {
        long number = next(bytes);
        if (bytes.hasRemaining()) {
            throw new IllegalArgumentException(bytes.remaining() + " bytes too many");
        }
        return number;
    }
}
