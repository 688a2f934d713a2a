package io.quorate.examples;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Map;
import java.util.SortedMap;

/** One number for a whole store: stores have the same digest if they hold the same values under the same keys, however they got there. */
public final class KvDigest {

    private KvDigest() { }

    /** SHA-256 over all pairs in the order of their keys, each part behind its length, so that no two contents look the same. */
    public static byte[] of(SortedMap<byte[], byte[]> pairs) {
        MessageDigest digest = sha256();
        ByteBuffer length = ByteBuffer.allocate(Integer.BYTES);
        for (Map.Entry<byte[], byte[]> pair : pairs.entrySet()) {
            add(digest, length, pair.getKey());
            add(digest, length, pair.getValue());
        }
        return digest.digest();
    }

    private static void add(MessageDigest digest, ByteBuffer length, byte[] part) {
        digest.update(length.putInt(0, part.length).array());
        digest.update(part);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }
}
