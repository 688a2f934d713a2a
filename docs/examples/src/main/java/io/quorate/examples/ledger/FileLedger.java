package io.quorate.examples.ledger;

import io.quorate.raft.Command;
import io.quorate.raft.StateMachine;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/**
 * A ledger in a file: each command is written behind the ones before, and nothing is ever changed. So it may be much larger than the heap.
 *
 * <p>A command and its index are one record with one checksum: both are there or neither. No write waits for the disk. A crash of the
 * machine may take away the newest records, and opening cuts off what it left of them; they are applied again, from the log or out of the
 * snapshot that the log stands on. What a crash of the process alone leaves is all that was written.
 *
 * <p>To capture it is to remember how long it is: what comes later comes behind that.
 */
public final class FileLedger implements StateMachine, AutoCloseable {

    private static final byte[] STATUS = {'s'};
    private static final String NAME = "ledger";
    private static final String UNFINISHED = "ledger.unfinished";
    private static final int BUFFER_BYTES = 1 << 18;

    /**
     * What has become of the ledger of one replica.
     *
     * @param openedIndex  of the last command that it held when it was opened
     * @param lowestIndex  the lowest of a command that it was given since; {@link Long#MAX_VALUE} if none was
     * @param appliedIndex of the last command that it holds
     * @param bytes        how long it is
     * @param restored     how often a snapshot has replaced it since it was opened
     */
    public record Status(long openedIndex, long lowestIndex, long appliedIndex, long bytes, long restored) {

        byte[] encode() {
            return ByteBuffer.allocate(5 * Long.BYTES).putLong(openedIndex).putLong(lowestIndex).putLong(appliedIndex).putLong(bytes)
                .putLong(restored).array();
        }

        /** Reads what a ledger has answered. */
        public static Status decode(byte[] answer) {
            ByteBuffer in = ByteBuffer.wrap(answer);
            return new Status(in.getLong(), in.getLong(), in.getLong(), in.getLong(), in.getLong());
        }
    }

    private final Path directory;
    private final long openedIndex;
    private FileChannel file;
    private long appliedIndex;
    private long bytes;
    private long lowestIndex = Long.MAX_VALUE;
    private long restored;

    private FileLedger(Path directory) throws IOException {
        this.directory = directory;
        Files.createDirectories(directory);
        Files.deleteIfExists(directory.resolve(UNFINISHED));
        file = FileChannel.open(file(directory), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        scan(file(directory));
        file.truncate(bytes);
        file.position(bytes);
        openedIndex = appliedIndex;
    }

    /** Opens the ledger in this directory, which is made if missing. It is read once, to find out where it ends. */
    public static FileLedger open(Path directory) {
        try {
            return new FileLedger(directory);
        } catch (IOException e) {
            throw new UncheckedIOException("The ledger in " + directory + " cannot be opened: " + e.getMessage(), e);
        }
    }

    /** The query for a {@link Status}. */
    public static byte[] statusQuery() {
        return STATUS.clone();
    }

    /** The file in this directory that is the ledger. */
    public static Path file(Path directory) {
        return directory.resolve(NAME);
    }

    /** Finds out up to where this file is whole; whether that is its end. */
    private boolean scan(Path ledger) throws IOException {
        try (LedgerRecords records = LedgerRecords.of(ledger)) {
            boolean isMore = true;
            while (isMore) {
                isMore = records.next();
            }
            appliedIndex = records.index();
            bytes = records.bytes();
            return !records.isDamaged();
        }
    }

    @Override
    public long appliedIndex() {
        return appliedIndex;
    }

    /** Writes it down, whatever it is, and answers how long the ledger was before. */
    @Override
    public byte[] apply(Command command) {
        if (command.index() <= appliedIndex) {
            throw new IllegalStateException("The command at " + command.index() + " is in the ledger already, which goes up to "
                + appliedIndex);
        }
        lowestIndex = Math.min(lowestIndex, command.index());
        byte[] result = ByteBuffer.allocate(Long.BYTES).putLong(bytes).array();
        try {
            bytes += write(file, LedgerRecords.encode(command.index(), command.payload().duplicate()));
        } catch (IOException e) {
            throw new UncheckedIOException("The ledger in " + directory + " cannot be written: " + e.getMessage(), e);
        }
        appliedIndex = command.index();
        return result;
    }

    private static int write(FileChannel to, ByteBuffer what) throws IOException {
        int written = 0;
        while (what.hasRemaining()) {
            written += to.write(what);
        }
        return written;
    }

    /** Answers with what is the same on all replicas, the last index and the length; or, if that is asked, with its own {@link Status}. */
    @Override
    public byte[] query(byte[] query) {
        if (!Arrays.equals(query, STATUS)) {
            return ByteBuffer.allocate(2 * Long.BYTES).putLong(appliedIndex).putLong(bytes).array();
        }
        return new Status(openedIndex, lowestIndex, appliedIndex, bytes, restored).encode();
    }

    /** If another snapshot replaces the file meanwhile, it begins with the same bytes: all ledgers of a group do. */
    @Override
    public Snapshot snapshot() {
        long captured = bytes;
        return out -> write(captured, out);
    }

    private void write(long captured, OutputStream out) throws IOException {
        byte[] buffer = new byte[BUFFER_BYTES];
        try (InputStream in = Files.newInputStream(file(directory))) {
            for (long left = captured; left > 0; ) {
                int read = in.read(buffer, 0, (int) Math.min(left, buffer.length));
                if (read < 0) {
                    throw new EOFException("the ledger in " + directory + " has lost its last " + left + " bytes of " + captured);
                }
                out.write(buffer, 0, read);
                left -= read;
            }
        }
    }

    /** Lets go of the file. What was written is in it. */
    @Override
    public void close() throws IOException {
        file.close();
    }

    /** Writes the other ledger aside, and puts it in the place of this one when it is whole and durable. */
    @Override
    public void restore(InputStream in) throws IOException {
        Path unfinished = directory.resolve(UNFINISHED);
        try (FileChannel aside = FileChannel.open(unfinished, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE)) {
            byte[] buffer = new byte[BUFFER_BYTES];
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                write(aside, ByteBuffer.wrap(buffer, 0, read));
            }
            aside.force(true);
        }
        if (!scan(unfinished)) {
            throw new IOException("what follows byte " + bytes + " is no record: this is no snapshot of a ledger");
        }
        file.close();
        Files.move(unfinished, file(directory), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        file = FileChannel.open(file(directory), StandardOpenOption.WRITE);
        file.position(bytes);
        restored++;
    }
}
