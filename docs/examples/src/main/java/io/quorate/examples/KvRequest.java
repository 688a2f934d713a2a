package io.quorate.examples;

import java.nio.ByteBuffer;

/**
 * What can be asked of the store. {@link Put} and {@link Delete} are commands, the others queries.
 *
 * <p>As bytes: one that tells which, then the key's length in four (big-endian), the key, and for a put the value, which is the rest.
 */
public sealed interface KvRequest {

    /** The longest key, in bytes; the shortest has one. */
    int KEY_BYTES_MAX = 1024;

    /** Let this key have this value. Repeating it is harmless. */
    record Put(byte[] key, byte[] value) implements KvRequest {
        public Put {
            checked(key);
        }

        @Override
        public byte[] encode() {
            return ByteBuffer.allocate(HEAD_BYTES + key.length + value.length).put(PUT).putInt(key.length).put(key).put(value).array();
        }
    }

    /** Let this key have no value. */
    record Delete(byte[] key) implements KvRequest {
        public Delete {
            checked(key);
        }

        @Override
        public byte[] encode() {
            return withKey(DELETE, key);
        }
    }

    /** Which value has this key? */
    record Get(byte[] key) implements KvRequest {
        public Get {
            checked(key);
        }

        @Override
        public byte[] encode() {
            return withKey(GET, key);
        }
    }

    /** A digest of everything; see {@link KvDigest}. */
    record Digest() implements KvRequest {
        @Override
        public byte[] encode() {
            return withKey(DIGEST, new byte[0]);
        }
    }

    /**
     * The keys and values that follow this key, in order, as many as one answer carries.
     *
     * @param after empty for the first
     */
    record Scan(byte[] after) implements KvRequest {
        public Scan {
            checkedLength(after.length);
        }

        @Override
        public byte[] encode() {
            return withKey(SCAN, after);
        }
    }

    byte PUT = 1;
    byte DELETE = 2;
    byte GET = 3;
    byte DIGEST = 4;
    byte SCAN = 5;
    /** Before the key. */
    int HEAD_BYTES = 1 + Integer.BYTES;

    /** This request as bytes. */
    byte[] encode();

    /**
     * Reads a request. The bytes may come from anywhere.
     *
     * @throws IllegalArgumentException if they are no request; the message says why
     */
    static KvRequest decode(ByteBuffer bytes) {
        if (bytes.remaining() < HEAD_BYTES) {
            throw new IllegalArgumentException("a request has at least " + HEAD_BYTES + " bytes, not " + bytes.remaining());
        }
        byte kind = bytes.get();
        int length = bytes.getInt();
        if (length < 0 || length > bytes.remaining()) {
            throw new IllegalArgumentException("a key of " + length + " bytes does not fit the " + bytes.remaining() + " that are left");
        }
        checkedLength(length);
        byte[] key = new byte[length];
        bytes.get(key);
        if (kind == PUT) {
            byte[] value = new byte[bytes.remaining()];
            bytes.get(value);
            return new Put(key, value);
        }
        if (bytes.hasRemaining()) {
            throw new IllegalArgumentException(bytes.remaining() + " bytes too many");
        }
        return switch (kind) {
            case DELETE -> new Delete(key);
            case GET -> new Get(key);
            case DIGEST -> new Digest();
            case SCAN -> new Scan(key);
            default -> throw new IllegalArgumentException("there is no request " + kind);
        };
    }

    private static byte[] withKey(byte kind, byte[] key) {
        return ByteBuffer.allocate(HEAD_BYTES + key.length).put(kind).putInt(key.length).put(key).array();
    }

    private static void checked(byte[] key) {
        if (key.length == 0) {
            throw new IllegalArgumentException("a key has at least one byte");
        }
        checkedLength(key.length);
    }

    private static void checkedLength(int length) {
        if (length > KEY_BYTES_MAX) {
            throw new IllegalArgumentException("a key has at most " + KEY_BYTES_MAX + " bytes, not " + length);
        }
    }
}
