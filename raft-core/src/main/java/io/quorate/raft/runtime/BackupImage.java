package io.quorate.raft.runtime;

import io.quorate.raft.BackupHeader;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Identity;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A snapshot as the bytes of a backup: a {@link BackupHeader}, the state, a checksum. Any part of it can be read, so it can be sent piece
 * by piece, too; but it is meant to be read from its beginning to its end: whoever goes back has all before read once more.
 *
 * <p>One thread at a time.
 */
public final class BackupImage {

    private static final int SKIP_BYTES = 1 << 16;

    private final byte[] header;
    private final Storage.StoredSnapshot snapshot;
    private final long stateEnd;                     // where the checksum begins
    private final CRC32C checksum = new CRC32C();    // of the state up to the position
    private @Nullable InputStream state;
    private long position;                           // of what the stream gives next

    private BackupImage(byte[] header, Storage.StoredSnapshot snapshot) {
        this.header = header;
        this.snapshot = snapshot;
        stateEnd = header.length + snapshot.stateBytes();
    }

    /** The backup that this snapshot of this replica is. It is good for as long as the snapshot is open. */
    public static BackupImage of(Identity identity, Storage.StoredSnapshot snapshot) {
        FoundingRecord founding = identity.founding();
        if (founding == null) {
            throw new IllegalStateException("A blank replica has nothing to back up");
        }
        return new BackupImage(new BackupHeader(founding.clusterId(), snapshot.id(), snapshot.stateBytes()).encode(), snapshot);
    }

    /** How long it is. */
    public long totalBytes() {
        return stateEnd + BackupHeader.TRAILER_BYTES;
    }

    /**
     * A part of it.
     *
     * @param offset   where the part begins, at most at the end
     * @param bytesMax how long it may be
     * @return at least one byte, unless the offset is the end
     * @throws StorageException if the snapshot cannot be read, or is damaged
     */
    public byte[] read(long offset, int bytesMax) {
        if (offset < 0 || offset > totalBytes() || bytesMax < 1) {
            throw new IllegalArgumentException("A backup of " + totalBytes() + " bytes has no " + bytesMax + " from " + offset + " on");
        }
        if (offset < header.length) {
            return Arrays.copyOfRange(header, (int) offset, (int) Math.min(header.length, offset + bytesMax));
        }
        try {
            InputStream in = goTo(Math.min(offset, stateEnd));
            if (offset < stateEnd) {
                return next(in, (int) Math.min(bytesMax, stateEnd - offset));
            }
        } catch (IOException e) {
            throw new StorageException("The snapshot " + snapshot.id().last() + " cannot be read: " + e, e);
        }
        byte[] trailer = ByteBuffer.allocate(BackupHeader.TRAILER_BYTES).putInt((int) checksum.getValue()).array();
        int from = (int) (offset - stateEnd);
        return Arrays.copyOfRange(trailer, from, Math.min(trailer.length, from + bytesMax));
    }

    private InputStream goTo(long offset) throws IOException {
        InputStream in = state;
        if (in == null || offset < position) {
            if (in != null) {
                in.close();
            }
            in = snapshot.state();
            state = in;
            position = header.length;
            checksum.reset();
        }
        while (position < offset) {
            next(in, (int) Math.min(SKIP_BYTES, offset - position));
        }
        return in;
    }

    private byte[] next(InputStream in, int wanted) throws IOException {
        byte[] bytes = in.readNBytes(wanted);
        if (bytes.length < wanted) {
            throw new IOException("the state ends at " + (position - header.length + bytes.length) + " bytes, of "
                + snapshot.stateBytes());
        }
        checksum.update(bytes, 0, wanted);
        position += wanted;
        return bytes;
    }
}
