package io.quorate.raft.storage;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * The checksum of everything here that is not an entry: CRC32C over the directory's incarnation and the bytes.
 *
 * <p>The incarnation is not stored beside the bytes, but goes into the sum, so that a frame of another replica's file is no frame here,
 * neither in a file copied between directories nor inside a command that happens to carry such a file.
 */
final class Crc {

    private final CRC32C crc = new CRC32C();

    Crc(long incarnation) {
        for (int shift = 56; shift >= 0; shift -= 8) {
            crc.update((int) (incarnation >>> shift) & 0xFF);
        }
    }

    Crc add(byte[] array, int from, int to) {
        crc.update(array, from, to - from);
        return this;
    }

    /** Adds these bytes, counted from the buffer's very beginning. */
    Crc add(ByteBuffer bytes, int from, int to) {
        crc.update(bytes.duplicate().limit(to).position(from));
        return this;
    }

    int value() {
        return (int) crc.getValue();
    }
}
