package io.quorate.raft.testing;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * What a call to a state machine came to, as a value that is small however large the result was: it is kept for every command and every
 * query, and carried from one JVM to another.
 *
 * <p>Two exceptions of one class are the same outcome. Their messages may name objects by their hash codes and bind nobody.
 */
final class Outcome {

    private static final int WHOLE_BYTES_MAX = 256;
    private static final int SHOWN_BYTES_MAX = 64;
    private static final int NULL = -1;
    private static final int THREW = -2;

    private final int length;                          // of the result; or NULL, or THREW
    private final byte[] head;                         // the result, up to WHOLE_BYTES_MAX of it; or the exception's class
    private final byte[] digest;                       // of a longer result
    private final @Nullable Throwable cause;           // in this process only

    private Outcome(int length, byte[] head, byte[] digest, @Nullable Throwable cause) {
        this.length = length;
        this.head = head;
        this.digest = digest;
        this.cause = cause;
    }

    static Outcome of(Callable<byte[]> call) {
        try {
            return returned(call.call());
        } catch (Exception | AssertionError | LinkageError | StackOverflowError e) {
            return new Outcome(THREW, e.getClass().getName().getBytes(StandardCharsets.UTF_8), new byte[0], e);
        }
    }

    static Outcome returned(byte @Nullable [] result) {
        if (result == null) {
            return new Outcome(NULL, new byte[0], new byte[0], null);
        }
        byte[] head = Arrays.copyOf(result, Math.min(result.length, WHOLE_BYTES_MAX));
        return new Outcome(result.length, head, result.length > WHOLE_BYTES_MAX ? sha256(result) : new byte[0], null);
    }

    boolean isNull() {
        return length == NULL;
    }

    boolean hasThrown() {
        return length == THREW;
    }

    @Nullable Throwable cause() {
        return cause;
    }

    void writeTo(DataOutputStream out) throws IOException {
        out.writeInt(length);
        out.writeInt(head.length);
        out.write(head);
        out.writeByte(digest.length);
        out.write(digest);
    }

    static Outcome readFrom(DataInputStream in) throws IOException {
        int length = in.readInt();
        byte[] head = new byte[in.readInt()];
        in.readFully(head);
        byte[] digest = new byte[in.readByte()];
        in.readFully(digest);
        return new Outcome(length, head, digest, null);
    }

    /** Bytes as a reader of a failure wants them: how many, in hexadecimal, and as text where they are text. */
    static String shown(byte[] bytes, int length) {
        int shown = Math.min(bytes.length, SHOWN_BYTES_MAX);
        String text = new String(bytes, 0, shown, StandardCharsets.UTF_8);
        boolean isText = shown > 0 && text.chars().noneMatch(c -> Character.isISOControl(c) || c == 0xFFFD);
        return length + (length == 1 ? " byte " : " bytes ") + HexFormat.of().formatHex(bytes, 0, shown) + (length > shown ? "..." : "")
            + (isText ? " \"" + text + "\"" : "");
    }

    private static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Outcome that && length == that.length && Arrays.equals(head, that.head)
            && Arrays.equals(digest, that.digest);
    }

    @Override
    public int hashCode() {
        return 31 * length + Arrays.hashCode(head);
    }

    @Override
    public String toString() {
        return switch (length) {
            case NULL -> "null";
            case THREW -> cause != null ? "threw " + cause : "threw " + new String(head, StandardCharsets.UTF_8);
            case 0 -> "an empty array";
            default -> shown(head, length) + (digest.length > 0 ? " SHA-256 " + HexFormat.of().formatHex(digest, 0, 8) + "..." : "");
        };
    }
}
