package io.quorate.examples;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What the store answers.
 *
 * <p>As bytes: one that tells which, then the value, the pairs of a scan, or the words of a refusal.
 *
 * @param kind  which
 * @param bytes with {@link Kind#VALUE} the value, the digest or the pairs; with {@link Kind#BAD_REQUEST} why, as UTF-8; else empty
 */
public record KvAnswer(Kind kind, byte[] bytes) {

    /** How many bytes of pairs one answer carries; a single larger pair goes alone. */
    public static final int SCAN_BYTES_MAX = 1 << 20;

    /** Which answer. */
    public enum Kind {
        /** The key has no value, or had none. */
        NONE,
        /** The key has a value, or had one. */
        VALUE,
        /** Nothing was done: the request is none. */
        BAD_REQUEST
    }

    static KvAnswer none() {
        return new KvAnswer(Kind.NONE, new byte[0]);
    }

    static KvAnswer value(byte[] value) {
        return new KvAnswer(Kind.VALUE, value);
    }

    static KvAnswer badRequest(String why) {
        return new KvAnswer(Kind.BAD_REQUEST, why.getBytes(StandardCharsets.UTF_8));
    }

    /** The first pairs of these, as many as fit one answer. */
    static KvAnswer pairs(SortedMap<byte[], byte[]> from) {
        int size = 0;
        int count = 0;
        for (Map.Entry<byte[], byte[]> pair : from.entrySet()) {
            int more = 2 * Integer.BYTES + pair.getKey().length + pair.getValue().length;
            if (count > 0 && size + more > SCAN_BYTES_MAX) {
                break;
            }
            size += more;
            count++;
        }
        ByteBuffer bytes = ByteBuffer.allocate(size);
        for (Map.Entry<byte[], byte[]> pair : from.entrySet()) {
            if (count-- == 0) {
                break;
            }
            bytes.putInt(pair.getKey().length).put(pair.getKey()).putInt(pair.getValue().length).put(pair.getValue());
        }
        return value(bytes.array());
    }

    /** This answer as bytes. */
    byte[] encode() {
        return ByteBuffer.allocate(1 + bytes.length).put((byte) kind.ordinal()).put(bytes).array();
    }

    /**
     * Reads an answer.
     *
     * @throws IllegalArgumentException if the bytes are none
     */
    public static KvAnswer decode(byte[] bytes) {
        if (bytes.length == 0 || bytes[0] < 0 || bytes[0] >= Kind.values().length) {
            throw new IllegalArgumentException("This is no answer of a key-value store; is another service at these addresses?");
        }
        return new KvAnswer(Kind.values()[bytes[0]], Arrays.copyOfRange(bytes, 1, bytes.length));
    }

    /**
     * The pairs that answer a scan, in order; empty if there are no more.
     *
     * @throws IllegalArgumentException if this is no answer to a scan
     */
    public SortedMap<byte[], byte[]> pairs() {
        SortedMap<byte[], byte[]> pairs = new TreeMap<>(Arrays::compareUnsigned);
        ByteBuffer rest = ByteBuffer.wrap(bytes);
        while (rest.hasRemaining()) {
            byte[] key = part(rest);
            pairs.put(key, part(rest));
        }
        return pairs;
    }

    private static byte[] part(ByteBuffer rest) {
        int length = rest.remaining() < Integer.BYTES ? -1 : rest.getInt();
        if (length < 0 || length > rest.remaining()) {
            throw new IllegalArgumentException("These are no pairs of keys and values");
        }
        byte[] part = new byte[length];
        rest.get(part);
        return part;
    }

    @Override
    public String toString() {
        return kind == Kind.BAD_REQUEST ? new String(bytes, StandardCharsets.UTF_8) : kind + "[" + bytes.length + " bytes]";
    }
}
