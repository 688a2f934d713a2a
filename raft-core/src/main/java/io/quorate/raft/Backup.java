package io.quorate.raft;

import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.MembershipCodec;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import org.jspecify.annotations.Nullable;

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
     * Looks at a backup: its header is intact, and it is as long as that says. That the rest is what its maker wrote is found out when it is
     * restored.
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
            if (length != size + header.totalBytes()) {
                throw new IOException("The backup " + file + " is not whole: it has " + length + " bytes instead of "
                    + (size + header.totalBytes()));
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
     * afterwards and open it again for the server. If it was interrupted, it may be called again, and goes on; a server that is started on
     * such a directory in between finds itself in no group and waits.
     *
     * @param blank   opened, of the same kind as the storage that the backup is of; used by nobody else
     * @param address where others will reach this member
     * @return the new group
     * @throws IllegalStateException if the directory belongs to a group
     * @throws IOException           if the backup cannot be read, or is damaged; nothing of it is used then
     * @throws StorageException      if the storage failed
     */
    public ClusterId restore(Storage blank, String address) throws IOException {
        FoundingRecord founding = blank.identity().founding();
        if (founding == null) {
            SecureRandom random = new SecureRandom();
            founding = new FoundingRecord(new ClusterId(random.nextLong() | 1, random.nextLong()), 0, nobody());
            blank.found(founding);
        } else if (!founding.membership().equals(nobody())) {
            throw new IllegalStateException("This directory belongs to group " + founding.clusterId() + "; a backup is restored into a blank "
                + "one");
        }
        EntryId last = header.snapshot().last();
        Storage.Recovered found = blank.recover();
        if (found.log().terms().lastIndex() > last.index()) {
            throw new IllegalStateException("This directory has been given a state already");
        }
        boolean isInstalled = found.log().snapshot().last().equals(last);
        if (!isInstalled) {
            receive(blank);
        }
        begin(blank, address, isInstalled ? null : header.snapshot());
        return founding.clusterId();
    }

    /**
     * With whom the new group is founded: a replica that there is not. Until its log says that it is a member itself, behind the state, the
     * directory leads nothing, whatever is interrupted.
     */
    private static Membership nobody() {
        return Membership.of(1, List.of(new Member(new ReplicaId(Integer.MAX_VALUE, -1), "nobody")));
    }

    private void receive(Storage blank) throws IOException {
        try (Storage.SnapshotInput to = blank.receiveSnapshot(header.snapshot()); InputStream in = Files.newInputStream(file)) {
            in.skipNBytes(headerBytes + to.received());
            for (byte[] piece = in.readNBytes(PIECE_BYTES); piece.length > 0; piece = in.readNBytes(PIECE_BYTES)) {
                to.write(to.received(), piece);
            }
            if (!to.complete()) {
                throw new IOException("The backup " + file + " is damaged, or of another kind of storage");
            }
        }
    }

    /** Puts the log on the state, and behind it the entry that makes this replica the only member. Both were never anything but committed. */
    private void begin(Storage blank, String address, @Nullable SnapshotId install) {
        EntryId last = header.snapshot().last();
        long term = last.term() + 1;
        Membership alone = Membership.of(header.snapshot().membership().version() + 1, List.of(new Member(blank.identity().replica(),
            address)));
        Entry entry = Entry.of(last.index() + 1, term, Entry.Kind.MEMBERSHIP, header.snapshot().timeNanos(), MembershipCodec.encode(alone));
        if (install != null) {
            blank.write(List.of(new Storage.Write(1, new HardState(term, null, 0), last.index() + 1, List.of(), install)));
        }
        blank.write(List.of(new Storage.Write(2, new HardState(term, null, last.index() + 1), last.index() + 1, List.of(entry))));
    }
}
