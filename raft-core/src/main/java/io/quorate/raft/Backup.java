package io.quorate.raft;

import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * A snapshot in a file of its own, as {@link RaftServer#backup} writes it: the whole replicated state at one entry, sessions and replicated
 * time included, whichever members the group had.
 *
 * <p>A backup is restored into a <em>new</em> group, under a cluster id of its own: the members of the old one, if there still are any, and
 * the new one's will never talk to each other. The new group begins with one member, whose blank data directory is given the state by
 * {@link #restore}; the others are started with blank directories, as always with the same {@code members}, and belong to the group once
 * they are added by a change of membership. They fetch the state from the first. So there is no moment at which a majority could begin
 * without it.
 *
 * <pre>{@code
 * try (Storage blank = FileStorage.open(directory, 1)) {
 *     Backup.open(file).restore(blank, "a:4000");
 * }
 * RaftServer first = RaftServer.builder().storage(FileStorage.open(directory, 1)) ... .start();
 * }</pre>
 *
 * <p>Indexes go on from those of the old group, so what is made of them (fencing tokens, say) goes on rising. What the old group
 * acknowledged after the backup is not in it.
 */
public final class Backup {

    private static final int PIECE_BYTES = 1 << 20;

    private final Path file;
    private final BackupHeader header;
    private final int headerBytes;

    private Backup(Path file, BackupHeader header, int headerBytes) {
        this.file = file;
        this.header = header;
        this.headerBytes = headerBytes;
    }

    /**
     * Looks at a backup: its header is intact, and it is as long as that says. That the state is what its maker wrote is found out when it
     * is restored.
     *
     * @throws IOException if it cannot be read, is no backup, or is not whole
     */
    public static Backup open(Path file) throws IOException {
        try (DataInputStream in = new DataInputStream(Files.newInputStream(file))) {
            byte[] fixed = in.readNBytes(BackupHeader.FIXED_BYTES);
            int size = BackupHeader.sizeOf(fixed);
            byte[] bytes = new byte[size];
            System.arraycopy(fixed, 0, bytes, 0, fixed.length);
            in.readFully(bytes, fixed.length, size - fixed.length);
            BackupHeader header = BackupHeader.decode(bytes);
            long length = Files.size(file);
            if (length - size - BackupHeader.TRAILER_BYTES != header.stateBytes()) {
                throw new IOException("The backup " + file + " is not whole: it has " + length + " bytes, of which " + header.stateBytes()
                    + " should be state");
            }
            return new Backup(file, header, size);
        }
    }

    /** The group that it is of. */
    public ClusterId group() {
        return header.group();
    }

    /** The last entry that it covers, the membership of the group there, and its time. */
    public SnapshotId snapshot() {
        return header.snapshot();
    }

    /**
     * Makes a blank directory the first, and for now the only, member of a new group that begins with this state. Close the storage
     * afterwards and open it again for the server. If it was interrupted, it may be called again; a server that is started on such a
     * directory in between finds itself in no group and waits.
     *
     * @param blank   opened, of any kind; used by nobody else
     * @param address where others will reach this member
     * @return the new group
     * @throws IllegalStateException if the directory belongs to a group, or has been given a state already
     * @throws IOException           if the backup cannot be read, or is damaged; nothing of it is kept then
     * @throws StorageException      if the storage failed
     */
    public ClusterId restore(Storage blank, String address) throws IOException {
        FoundingRecord founding = blank.identity().founding();
        if (founding == null) {
            SecureRandom random = new SecureRandom();
            founding = new FoundingRecord(new ClusterId(random.nextLong() | 1, random.nextLong()), 0, nobody());
            blank.found(founding);
        } else if (!founding.membership().equals(nobody())) {
            throw new IllegalStateException("This directory belongs to group " + founding.clusterId() + "; a backup is restored "
                + "into a blank one");
        }
        Storage.Recovered found = blank.recover();
        if (found.log().snapshot().index() > 0 || found.log().terms().lastIndex() > 0) {
            throw new IllegalStateException("This directory has been given a state already; a backup is restored into a blank one");
        }
        EntryId last = header.snapshot().last();
        if (found.hardState().term() < last.term()) {
            // First, for a log never ends in a later term than its replica is in.
            blank.write(List.of(new Storage.Write(1, new HardState(last.term(), null, 0), 1, List.of())));
        }
        Membership alone = Membership.of(header.snapshot().membership().version() + 1,
            List.of(new Member(blank.identity().replica(), address)));
        copyState(blank, new SnapshotId(last, alone, header.snapshot().timeNanos()));
        return founding.clusterId();
    }

    /**
     * With whom the new group is founded: a replica that there is not. Until the state is here, and says that this replica is a member, the
     * directory leads nothing, wherever it was interrupted.
     */
    private static Membership nobody() {
        return Membership.of(1, List.of(new Member(new ReplicaId(Integer.MAX_VALUE, -1), "nobody")));
    }

    private void copyState(Storage blank, SnapshotId as) throws IOException {
        try (Storage.SnapshotOutput to = blank.beginSnapshot(as); DataInputStream in = new DataInputStream(Files.newInputStream(file))) {
            in.skipNBytes(headerBytes);
            CRC32C checksum = new CRC32C();
            byte[] piece = new byte[PIECE_BYTES];
            for (long left = header.stateBytes(); left > 0;) {
                int bytes = (int) Math.min(piece.length, left);
                in.readFully(piece, 0, bytes);
                checksum.update(piece, 0, bytes);
                to.state().write(piece, 0, bytes);
                left -= bytes;
            }
            if (in.readInt() != (int) checksum.getValue()) {
                throw new IOException("The state in the backup " + file + " is damaged");
            }
            to.commit();
        }
    }
}
