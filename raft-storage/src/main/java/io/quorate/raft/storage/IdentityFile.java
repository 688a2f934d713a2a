package io.quorate.raft.storage;

import io.quorate.raft.ClusterId;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Identity;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.ReplicaId;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** The small file that says who a directory is. It is replaced as a whole, so there is always one that is whole. */
final class IdentityFile {

    static final String NAME = "identity";
    static final String UNFINISHED = NAME + Spare.UNFINISHED;
    static final int VERSION = 1;
    private static final int MAGIC = 0x51494445;   // "QIDE"
    private static final int BYTES_MAX = 1 << 20;
    private static final int ADDRESS_BYTES_MAX = 1024;
    private static final int MEMBERS_MAX = 1024;
    private static final int MEMBER_BYTES_MIN = 14;
    private static final int SIZE_MIN = 12;
    private static final byte BLANK = 0;
    private static final byte FOUNDED = 1;
    private static final byte RECOVERED = 2;    // from a lost quorum
    private static final byte RECOVERED_CUT = 3;

    private final FileSystem files;

    IdentityFile(FileSystem files) {
        this.files = files;
    }

    /** What the file says, or null if there is none. */
    @Nullable StoredIdentity read() throws IOException {
        if (!files.list().contains(NAME)) {
            return null;
        }
        try (FileHandle file = files.openToRead(NAME)) {
            long size = file.size();
            if (size < SIZE_MIN || size > BYTES_MAX) {
                throw damaged(0, "it is " + size + " bytes long");
            }
            byte[] bytes = new byte[(int) size];
            if (file.read(ByteBuffer.wrap(bytes), 0) < bytes.length) {
                throw damaged(0, "it became shorter while it was read");
            }
            return decode(bytes);
        }
    }

    /** Replaces the file; durable on return, and whatever happens before leaves the old one. */
    void write(StoredIdentity stored) throws IOException {
        byte[] bytes = encode(stored);
        try (FileHandle file = files.create(UNFINISHED)) {
            file.write(ByteBuffer.wrap(bytes), 0);
            file.force();
        }
        files.rename(UNFINISHED, NAME);
        files.syncDirectory();
    }

    private static byte[] encode(StoredIdentity stored) throws IOException {
        Identity identity = stored.identity();
        EntryId recovered = stored.recovered();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        out.writeInt(MAGIC);
        out.writeInt(VERSION);
        writeReplica(out, identity.replica());
        out.writeLong(identity.boot());
        FoundingRecord founding = identity.founding();
        out.writeByte(founding == null ? BLANK : recovered == null ? FOUNDED : stored.isCut() ? RECOVERED_CUT : RECOVERED);
        if (founding != null) {
            out.writeLong(founding.clusterId().high());
            out.writeLong(founding.clusterId().low());
            out.writeShort(founding.epoch());
            out.writeLong(founding.membership().version());
            writeMembers(out, founding.membership().voters());
            writeMembers(out, founding.membership().outgoing());
            writeMembers(out, founding.membership().learners());
        }
        if (founding != null && recovered != null) {
            out.writeLong(recovered.term());
            out.writeLong(recovered.index());
        }
        CRC32C crc = new CRC32C();
        crc.update(bytes.toByteArray());
        out.writeInt((int) crc.getValue());
        return bytes.toByteArray();
    }

    private static void writeReplica(DataOutputStream out, ReplicaId replica) throws IOException {
        out.writeInt(replica.nodeId());
        out.writeLong(replica.incarnation());
    }

    private static void writeMembers(DataOutputStream out, List<Member> members) throws IOException {
        if (members.size() > MEMBERS_MAX) {
            throw new IllegalArgumentException("A group has at most " + MEMBERS_MAX + " members of a kind, not " + members.size());
        }
        out.writeShort(members.size());
        for (Member member : members) {
            byte[] address = member.address().getBytes(StandardCharsets.UTF_8);
            if (address.length > ADDRESS_BYTES_MAX) {
                throw new IllegalArgumentException("The address of " + member.id() + " has more than " + ADDRESS_BYTES_MAX + " bytes");
            }
            writeReplica(out, member.id());
            out.writeShort(address.length);
            out.write(address);
        }
    }

    private StoredIdentity decode(byte[] bytes) throws IOException {
        ByteBuffer head = ByteBuffer.wrap(bytes);
        if (head.getInt(0) != MAGIC) {
            throw damaged(0, "it does not begin as an identity file does");
        }
        if (head.getInt(4) > VERSION) {
            throw new StorageException(files.pathOf(NAME) + " has format version " + head.getInt(4) + ", and this version of Quorate reads"
                + " up to " + VERSION + ": run the version that wrote it, or a newer one.");
        }
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, bytes.length - 4);
        if (head.getInt(bytes.length - 4) != (int) crc.getValue()) {
            throw damaged(0, "it has a wrong checksum");
        }
        DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes, 8, bytes.length - 12));
        try {
            ReplicaId replica = readReplica(in);
            long boot = in.readLong();
            int kind = in.readUnsignedByte();
            if (kind > RECOVERED_CUT) {
                throw new IllegalArgumentException("kind " + kind);
            }
            FoundingRecord founding = kind == BLANK ? null : readFounding(in);
            EntryId recovered = kind >= RECOVERED ? new EntryId(in.readLong(), in.readLong()) : null;
            if (in.available() > 0 || boot < 1) {
                throw new IllegalArgumentException("boot " + boot + ", " + in.available() + " bytes too many");
            }
            return new StoredIdentity(new Identity(replica, boot, founding), recovered, kind == RECOVERED_CUT);
        } catch (IllegalArgumentException | IOException e) {
            throw damaged(8, "its fields make no sense: " + e.getMessage());
        }
    }

    private static FoundingRecord readFounding(DataInputStream in) throws IOException {
        ClusterId clusterId = new ClusterId(in.readLong(), in.readLong());
        int epoch = in.readUnsignedShort();
        return new FoundingRecord(clusterId, epoch, new Membership(in.readLong(), readMembers(in), readMembers(in), readMembers(in)));
    }

    private static ReplicaId readReplica(DataInputStream in) throws IOException {
        return new ReplicaId(in.readInt(), in.readLong());
    }

    private static List<Member> readMembers(DataInputStream in) throws IOException {
        int count = in.readUnsignedShort();
        if (count > MEMBERS_MAX || count * MEMBER_BYTES_MIN > in.available()) {
            throw new IllegalArgumentException(count + " members");
        }
        List<Member> members = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            ReplicaId id = readReplica(in);
            int length = in.readUnsignedShort();
            if (length > ADDRESS_BYTES_MAX || length > in.available()) {
                throw new IllegalArgumentException("an address of " + length + " bytes");
            }
            members.add(new Member(id, new String(in.readNBytes(length), StandardCharsets.UTF_8)));
        }
        return members;
    }

    private StorageCorruptException damaged(long offset, String what) {
        return new StorageCorruptException(files.pathOf(NAME), offset, what);
    }
}
