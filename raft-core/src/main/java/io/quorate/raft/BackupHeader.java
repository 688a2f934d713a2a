package io.quorate.raft;

import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.MembershipCodec;
import io.quorate.raft.core.SnapshotId;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * What stands before the snapshot in a backup.
 *
 * <pre>
 *   0  long   magic, "QUORATEB"
 *   8  int    version, 1; a higher one is refused
 *  12  int    size of the header, all of it
 *  16  2 long cluster id of the group it is of
 *  32  long   term of the last entry that the snapshot covers
 *  40  long   its index
 *  48  long   replicated time
 *  56  long   how many bytes of state there are
 *  64         membership, as in a membership entry
 *      int    CRC32C of all before
 * </pre>
 * All numbers are big-endian. The state follows, as the server has it written in snapshots, and then, an int, its CRC32C: there the file
 * ends.
 *
 * @param group      that the backup is of
 * @param snapshot   which
 * @param stateBytes how long the state is
 */
public record BackupHeader(ClusterId group, SnapshotId snapshot, long stateBytes) {

    /** So many bytes behind the state are its checksum. */
    public static final int TRAILER_BYTES = 4;
    /** A header has so many bytes, and says in them how many it has. */
    public static final int FIXED_BYTES = 64;

    private static final long MAGIC = 0x51554F5241544542L;
    private static final int VERSION = 1;
    private static final int SIZE_MAX = 1 << 20;

    /** The bytes of this header. */
    public byte[] encode() {
        byte[] membership = MembershipCodec.encode(snapshot.membership());
        int size = FIXED_BYTES + membership.length + Integer.BYTES;
        ByteBuffer out = ByteBuffer.allocate(size);
        out.putLong(MAGIC).putInt(VERSION).putInt(size).putLong(group.high()).putLong(group.low()).putLong(snapshot.last().term())
            .putLong(snapshot.index()).putLong(snapshot.timeNanos()).putLong(stateBytes).put(membership);
        return out.putInt(checksum(out.array(), size - Integer.BYTES)).array();
    }

    /**
     * How many bytes the header has that begins like this.
     *
     * @param fixed its first {@link #FIXED_BYTES}
     * @throws IOException if no backup begins so
     */
    public static int sizeOf(byte[] fixed) throws IOException {
        ByteBuffer in = ByteBuffer.wrap(fixed);
        if (fixed.length < FIXED_BYTES || in.getLong() != MAGIC) {
            throw new IOException("This is no backup");
        }
        int version = in.getInt();
        if (version != VERSION) {
            throw new IOException("This is a backup of version " + version + "; this program knows " + VERSION);
        }
        int size = in.getInt();
        if (size < FIXED_BYTES + Integer.BYTES || size > SIZE_MAX) {
            throw new IOException("The header of this backup is damaged: it says that it has " + size + " bytes");
        }
        return size;
    }

    /**
     * The header that these bytes are.
     *
     * @throws IOException if they are none, or are damaged
     */
    public static BackupHeader decode(byte[] bytes) throws IOException {
        if (sizeOf(bytes) != bytes.length
            || ByteBuffer.wrap(bytes).getInt(bytes.length - Integer.BYTES) != checksum(bytes, bytes.length - Integer.BYTES)) {
            throw new IOException("The header of this backup is damaged");
        }
        ByteBuffer in = ByteBuffer.wrap(bytes, 16, bytes.length - 16 - Integer.BYTES);
        try {
            ClusterId group = new ClusterId(in.getLong(), in.getLong());
            EntryId last = new EntryId(in.getLong(), in.getLong());
            long timeNanos = in.getLong();
            long stateBytes = in.getLong();
            if (stateBytes < 0) {
                throw new IllegalArgumentException(stateBytes + " bytes of state");
            }
            byte[] membership = new byte[in.remaining()];
            in.get(membership);
            return new BackupHeader(group, new SnapshotId(last, MembershipCodec.decode(membership), timeNanos), stateBytes);
        } catch (IllegalArgumentException | BufferUnderflowException e) {
            throw new IOException("The header of this backup is damaged: " + e.getMessage(), e);
        }
    }

    private static int checksum(byte[] bytes, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }
}
