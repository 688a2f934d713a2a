package io.quorate.raft.runtime;

import io.quorate.raft.BackupHeader;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Identity;
import io.quorate.raft.Storage;
import java.util.Arrays;

/** A snapshot as the bytes of a backup: its header, then itself. Any part of it can be read, so it can be sent piece by piece, too. */
public final class BackupImage {

    private final byte[] header;
    private final Storage.StoredSnapshot snapshot;

    private BackupImage(byte[] header, Storage.StoredSnapshot snapshot) {
        this.header = header;
        this.snapshot = snapshot;
    }

    /** The backup that this snapshot of this replica is. It is good for as long as the snapshot is open. */
    public static BackupImage of(Identity identity, Storage.StoredSnapshot snapshot) {
        FoundingRecord founding = identity.founding();
        if (founding == null) {
            throw new IllegalStateException("A blank replica has nothing to back up");
        }
        return new BackupImage(new BackupHeader(founding.clusterId(), snapshot.id(), snapshot.transferBytes()).encode(), snapshot);
    }

    /** How long it is. */
    public long totalBytes() {
        return header.length + snapshot.transferBytes();
    }

    /**
     * A part of it.
     *
     * @param offset   where the part begins, at most at the end
     * @param bytesMax how long it may be
     * @return at least one byte, unless the offset is the end
     */
    public byte[] read(long offset, int bytesMax) {
        if (offset < 0 || offset > totalBytes() || bytesMax < 1) {
            throw new IllegalArgumentException("A backup of " + totalBytes() + " bytes has no " + bytesMax + " from " + offset + " on");
        }
        if (offset < header.length) {
            return Arrays.copyOfRange(header, (int) offset, (int) Math.min(header.length, offset + bytesMax));
        }
        return offset == totalBytes() ? new byte[0] : snapshot.read(offset - header.length, bytesMax);
    }
}
