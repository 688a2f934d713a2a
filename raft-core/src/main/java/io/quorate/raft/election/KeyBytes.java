package io.quorate.raft.election;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * How keys, leases and what is said of them look as bytes: in commands, answers and snapshots alike. Numbers are big-endian; bytes and
 * texts come behind their length, texts as UTF-8; what may be missing comes behind a byte that is 1 if it is there and 0 if not.
 */
final class KeyBytes {

    /** Writes one thing. */
    @FunctionalInterface
    interface Writing {
        void to(DataOutputStream out) throws IOException;
    }

    /** Reads one thing. */
    @FunctionalInterface
    interface Reading<T> {
        T from(DataInputStream in) throws IOException;
    }

    private KeyBytes() { }

    static byte[] encode(Writing writing) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            writing.to(new DataOutputStream(bytes));
        } catch (IOException e) {
            throw new UncheckedIOException("Memory is no device that fails", e);
        }
        return bytes.toByteArray();
    }

    /** @throws IllegalArgumentException if this is not what was written, wholly and nothing else */
    static <T> T decode(ByteBuffer bytes, Reading<T> reading) {
        byte[] copy = new byte[bytes.remaining()];
        bytes.duplicate().get(copy);
        return decode(copy, reading);
    }

    /** @throws IllegalArgumentException if this is not what was written, wholly and nothing else */
    static <T> T decode(byte[] bytes, Reading<T> reading) {
        DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes));
        try {
            T read = reading.from(in);
            if (in.available() > 0) {
                throw new IllegalArgumentException(in.available() + " bytes too many");
            }
            return read;
        } catch (IOException e) {
            throw new IllegalArgumentException("damaged or cut off: " + e.getMessage(), e);
        }
    }

    static void write(DataOutputStream out, byte[] bytes) throws IOException {
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    static byte[] bytes(DataInputStream in) throws IOException {
        int length = count(in);
        byte[] bytes = in.readNBytes(length);     // grows as bytes come, so a wrong length allocates nothing
        if (bytes.length != length) {
            throw new IOException("of " + length + " bytes there are " + bytes.length);
        }
        return bytes;
    }

    static void write(DataOutputStream out, String text) throws IOException {
        write(out, utf8(text));
    }

    /** @throws IllegalArgumentException if it is half of a pair of surrogates, which would become another text */
    static byte[] utf8(String text) {
        try {
            ByteBuffer bytes = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
            byte[] copy = new byte[bytes.remaining()];
            bytes.get(copy);
            return copy;
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("A text with half of a pair of surrogates is none: " + text, e);
        }
    }

    static String text(DataInputStream in) throws IOException {
        return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes(in))).toString();
    }

    static int count(DataInputStream in) throws IOException {
        int count = in.readInt();
        if (count < 0) {
            throw new IOException("there are not " + count + " of anything");
        }
        return count;
    }

    static boolean isThere(DataInputStream in) throws IOException {
        byte there = in.readByte();
        if (there != 0 && there != 1) {
            throw new IOException("a thing is there or not, but not " + there);
        }
        return there == 1;
    }

    static void write(DataOutputStream out, @Nullable LeaseId lease) throws IOException {
        out.writeByte(lease == null ? 0 : 1);
        if (lease != null) {
            out.writeLong(lease.index());
            out.writeLong(lease.number());
        }
    }

    static @Nullable LeaseId leaseOrNone(DataInputStream in) throws IOException {
        return isThere(in) ? lease(in) : null;
    }

    static LeaseId lease(DataInputStream in) throws IOException {
        long index = in.readLong();
        if (index < 1) {
            throw new IOException("no lease is granted at " + index);
        }
        return new LeaseId(index, in.readLong());
    }

    static void write(DataOutputStream out, KeyEntry entry) throws IOException {
        write(out, entry.key());
        write(out, entry.value());
        out.writeLong(entry.createIndex());
        out.writeLong(entry.version());
        write(out, entry.lease());
    }

    static KeyEntry entry(DataInputStream in) throws IOException {
        String key = text(in);
        byte[] value = bytes(in);
        long createIndex = in.readLong();
        long version = in.readLong();
        if (createIndex < 1 || version < createIndex) {
            throw new IOException("no key is put at " + createIndex + " and changed at " + version);
        }
        return new KeyEntry(key, value, createIndex, version, leaseOrNone(in));
    }

    static void writeOrNone(DataOutputStream out, @Nullable KeyEntry entry) throws IOException {
        out.writeByte(entry == null ? 0 : 1);
        if (entry != null) {
            write(out, entry);
        }
    }

    static @Nullable KeyEntry entryOrNone(DataInputStream in) throws IOException {
        return isThere(in) ? entry(in) : null;
    }

    static void write(DataOutputStream out, KeyChange change) throws IOException {
        KeyEntry entry = change.entry();
        out.writeByte(entry == null ? 0 : 1);
        if (entry != null) {
            write(out, entry);
        } else {
            out.writeLong(change.index());
            write(out, change.key());
            out.writeLong(change.createIndex());
        }
    }

    static KeyChange change(DataInputStream in) throws IOException {
        if (isThere(in)) {
            return KeyChange.to(entry(in));
        }
        return new KeyChange(in.readLong(), text(in), in.readLong(), null);
    }
}
