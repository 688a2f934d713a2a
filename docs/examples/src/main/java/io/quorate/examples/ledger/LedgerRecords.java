package io.quorate.examples.ledger;

import io.quorate.raft.core.Entry;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32C;

/**
 * The records of a ledger, one after the other, up to its end or to the first that is not whole. Each tells by itself whether it is:
 *
 * <pre>
 *   long  index of the command, higher than the one before
 *   int   length of the command
 *   int   CRC32C of all the rest
 *         the command
 * </pre>
 */
public final class LedgerRecords implements AutoCloseable {

    private static final int HEADER_BYTES = 16;
    private static final int BUFFER_BYTES = 1 << 16;

    private final DataInputStream in;
    private long bytes;
    private long index;
    private byte[] command = new byte[0];
    private boolean isDamaged;

    private LedgerRecords(InputStream in) {
        this.in = new DataInputStream(new BufferedInputStream(in, BUFFER_BYTES));
    }

    /** Those of this file. */
    public static LedgerRecords of(Path file) throws IOException {
        return new LedgerRecords(Files.newInputStream(file));
    }

    /** A record as it stands in the file. */
    static ByteBuffer encode(long index, ByteBuffer command) {
        int length = command.remaining();
        ByteBuffer record = ByteBuffer.allocate(HEADER_BYTES + length);
        record.putLong(index).putInt(length).putInt(0).put(command);
        return record.putInt(Long.BYTES + Integer.BYTES, crc(index, record.array(), HEADER_BYTES, length)).flip();
    }

    /** Goes on to the next record; false if there is none that is whole. */
    public boolean next() throws IOException {
        byte[] header = in.readNBytes(HEADER_BYTES);
        if (isDamaged || header.length == 0) {
            return false;
        }
        isDamaged = true;      // until it has proved to be whole
        if (header.length < HEADER_BYTES) {
            return false;
        }
        ByteBuffer fields = ByteBuffer.wrap(header);
        long nextIndex = fields.getLong();
        int length = fields.getInt();
        if (nextIndex <= index || length < 0 || length > Entry.PAYLOAD_BYTES_MAX) {
            return false;
        }
        byte[] read = in.readNBytes(length);
        if (read.length < length || crc(nextIndex, read, 0, length) != fields.getInt()) {
            return false;
        }
        isDamaged = false;
        index = nextIndex;
        command = read;
        bytes += HEADER_BYTES + length;
        return true;
    }

    /** Of the last record; 0 before the first. */
    public long index() {
        return index;
    }

    /** Of the last record. */
    public byte[] command() {
        return command;
    }

    /** How long the ledger is up to the end of the last record. */
    long bytes() {
        return bytes;
    }

    /** Whether something follows the last record that is no whole one. */
    boolean isDamaged() {
        return isDamaged;
    }

    private static int crc(long index, byte[] array, int from, int length) {
        CRC32C crc = new CRC32C();
        crc.update(ByteBuffer.allocate(Long.BYTES + Integer.BYTES).putLong(index).putInt(length).flip());
        crc.update(array, from, length);
        return (int) crc.getValue();
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
