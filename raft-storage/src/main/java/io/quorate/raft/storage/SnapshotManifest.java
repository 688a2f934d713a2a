package io.quorate.raft.storage;

import io.quorate.raft.StorageException;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.MembershipCodec;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.core.TermTable;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * What a snapshot is, and what its files must contain: the small file that is written last, and travels first.
 *
 * <p>It travels without a word of where it comes from, also into another group, if someone restores it there. In a directory it ends in a
 * checksum that only this directory would make, so that a file that somebody copied into it is not taken for its own.
 *
 * @param id         what it covers
 * @param terms      the terms of the log up to its last entry, at most {@link #TERMS_MAX} of them
 * @param blockBytes how large a block is in a part, its checksum included; only the last block of all may be smaller
 * @param parts      the files of the state, in their order
 */
record SnapshotManifest(SnapshotId id, TermTable terms, int blockBytes, List<Part> parts) {

    /**
     * One file of the state.
     *
     * @param bytes    its size
     * @param checksum over the checksums of its blocks, in their order
     */
    record Part(int bytes, int checksum) { }

    static final int VERSION = 1;
    /** How many terms are kept; of older entries nobody knows the term any more. */
    static final int TERMS_MAX = 4096;
    /** The largest manifest. It is all of a snapshot that is in memory as a whole. */
    static final int BYTES_MAX = 16 << 20;
    /** The smallest and the largest block. */
    static final int BLOCK_BYTES_MIN = 64;
    static final int BLOCK_BYTES_MAX = 1 << 20;
    /** How many bytes at the end of a block are its checksum. */
    static final int BLOCK_CRC_BYTES = 4;
    /** So many bytes tell how long a manifest is. */
    static final int HEAD_BYTES = 12;
    private static final int SEAL_BYTES = 4;
    private static final int MAGIC = 0x51534E50;   // "QSNP"
    private static final int LENGTH_AT = 8;

    SnapshotManifest {
        parts = List.copyOf(parts);
        for (int i = 0; i < parts.size(); i++) {
            int bytes = parts.get(i).bytes();
            int rest = bytes % blockBytes;
            if (bytes < 1 || (i < parts.size() - 1 ? rest != 0 : rest != 0 && rest <= BLOCK_CRC_BYTES)) {
                throw new IllegalArgumentException("part " + i + " cannot be of " + bytes + " bytes in blocks of " + blockBytes);
            }
        }
        if (!terms.last().equals(id.last())) {
            throw new IllegalArgumentException("the terms up to " + id.last() + " cannot be " + terms);
        }
    }

    byte[] encode() {
        byte[] membership = MembershipCodec.encode(id.membership());
        List<EntryId> starts = terms.starts();
        int length = HEAD_BYTES + 3 * Long.BYTES + Integer.BYTES + membership.length + Integer.BYTES + starts.size() * 2 * Long.BYTES
            + 2 * Integer.BYTES + parts.size() * 2 * Integer.BYTES + Integer.BYTES;
        if (length > BYTES_MAX) {
            throw new IllegalArgumentException("The manifest of a snapshot would have " + length + " bytes, at most " + BYTES_MAX);
        }
        ByteBuffer out = ByteBuffer.allocate(length);
        out.putInt(MAGIC).putInt(VERSION).putInt(length).putLong(id.last().term()).putLong(id.index())
            .putLong(id.timeNanos()).putInt(membership.length).put(membership).putInt(starts.size());
        starts.forEach(start -> out.putLong(start.term()).putLong(start.index()));
        out.putInt(blockBytes).putInt(parts.size());
        parts.forEach(part -> out.putInt(part.bytes()).putInt(part.checksum()));
        out.putInt(crcOf(out.array()));
        return out.array();
    }

    private static int crcOf(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, bytes.length - Integer.BYTES);
        return (int) crc.getValue();
    }

    /**
     * How long the manifest is that begins so.
     *
     * @param head at least {@link #HEAD_BYTES}
     * @throws IllegalArgumentException if none begins so
     */
    static int lengthOf(byte[] head) {
        ByteBuffer in = ByteBuffer.wrap(head);
        int length = in.getInt(LENGTH_AT);
        if (in.getInt(0) != MAGIC || length < HEAD_BYTES + Integer.BYTES || length > BYTES_MAX) {
            throw new IllegalArgumentException("it does not begin as the manifest of a snapshot does");
        }
        return length;
    }

    /**
     * The manifest that these bytes are.
     *
     * @throws IllegalArgumentException if they are none; the message says why
     */
    static SnapshotManifest decode(byte[] bytes) {
        if (bytes.length < HEAD_BYTES || lengthOf(bytes) != bytes.length) {
            throw new IllegalArgumentException("it is " + bytes.length + " bytes long, and should be longer or shorter");
        }
        ByteBuffer in = ByteBuffer.wrap(bytes);
        if (in.getInt(bytes.length - Integer.BYTES) != crcOf(bytes)) {
            throw new IllegalArgumentException("it has a wrong checksum");
        }
        if (version(bytes) > VERSION) {
            throw new IllegalArgumentException("it has format version " + version(bytes) + ", and this version of Quorate reads up to "
                + VERSION);
        }
        in.position(HEAD_BYTES).limit(bytes.length - Integer.BYTES);
        try {
            EntryId last = new EntryId(in.getLong(), in.getLong());
            long timeNanos = in.getLong();
            byte[] membership = new byte[count(in, 1)];
            in.get(membership);
            SnapshotId id = new SnapshotId(last, MembershipCodec.decode(membership), timeNanos);
            List<EntryId> starts = new ArrayList<>();
            for (int i = count(in, 2 * Long.BYTES); i > 0; i--) {
                starts.add(new EntryId(in.getLong(), in.getLong()));
            }
            int blockBytes = in.getInt();
            if (blockBytes < BLOCK_BYTES_MIN || blockBytes > BLOCK_BYTES_MAX || starts.isEmpty()) {
                throw new IllegalArgumentException("blocks of " + blockBytes + " bytes, " + starts.size() + " terms");
            }
            List<Part> parts = new ArrayList<>();
            for (int i = count(in, 2 * Integer.BYTES); i > 0; i--) {
                parts.add(new Part(in.getInt(), in.getInt()));
            }
            if (in.hasRemaining()) {
                throw new IllegalArgumentException(in.remaining() + " bytes too many");
            }
            return new SnapshotManifest(id, TermTable.of(starts, last.index()), blockBytes, parts);
        } catch (IllegalArgumentException | BufferUnderflowException e) {
            throw new IllegalArgumentException("its fields make no sense: " + e.getMessage(), e);
        }
    }

    /** The format version that a manifest says it has. */
    static int version(byte[] bytes) {
        return ByteBuffer.wrap(bytes).getInt(4);
    }

    private static int count(ByteBuffer in, int bytesEach) {
        int count = in.getInt();
        if (count < 0 || (long) count * bytesEach > in.remaining()) {
            throw new IllegalArgumentException(count + " times " + bytesEach + " bytes, of which " + in.remaining() + " are here");
        }
        return count;
    }

    /**
     * Reads a manifest's file.
     *
     * @throws StorageCorruptException if it is damaged
     * @throws StorageException        if it is of a newer version
     */
    static SnapshotManifest read(FileSystem files, String name, long incarnation) throws IOException {
        try (FileHandle file = files.openToRead(name)) {
            long size = file.size();
            if (size < HEAD_BYTES + SEAL_BYTES || size > BYTES_MAX + SEAL_BYTES) {
                throw new StorageCorruptException(files.pathOf(name), 0, "it is " + size + " bytes long");
            }
            byte[] bytes = new byte[(int) size];
            if (file.read(ByteBuffer.wrap(bytes), 0) < bytes.length) {
                throw new StorageCorruptException(files.pathOf(name), 0, "it became shorter while it was read");
            }
            int end = bytes.length - SEAL_BYTES;
            boolean isOwn = ByteBuffer.wrap(bytes).getInt(end) == seal(bytes, end, incarnation);
            if (isOwn && version(bytes) > VERSION) {    // whatever else has changed, the seal stays where it is
                throw new StorageException(files.pathOf(name) + " has format version " + version(bytes) + ", and this version of Quorate"
                    + " reads up to " + VERSION + ": run the version that wrote it, or a newer one.");
            }
            SnapshotManifest manifest = decode(Arrays.copyOf(bytes, end));
            if (!isOwn) {
                throw new IllegalArgumentException("it was written in another directory than this one");
            }
            return manifest;
        } catch (IllegalArgumentException e) {
            throw new StorageCorruptException(files.pathOf(name), 0, String.valueOf(e.getMessage()));
        }
    }

    /** Makes this durable under a name; whatever happens before it returns leaves a whole file of that name, or none. */
    void write(FileSystem files, String name, long incarnation) throws IOException {
        byte[] bytes = encode();
        ByteBuffer sealed = ByteBuffer.allocate(bytes.length + SEAL_BYTES).put(bytes).putInt(seal(bytes, bytes.length, incarnation)).flip();
        String unfinished = name + Spare.UNFINISHED;
        try (FileHandle file = files.create(unfinished)) {
            file.write(sealed, 0);
            file.force();
        }
        files.rename(unfinished, name);
        files.syncDirectory();
    }

    private static int seal(byte[] bytes, int length, long incarnation) {
        return new Crc(incarnation).add(bytes, 0, length).value();
    }

    /** How many bytes of state are in the parts before this one. */
    long stateBytesBefore(int part) {
        long bytes = 0;
        for (Part before : parts.subList(0, part)) {
            bytes += before.bytes() - (long) blocks(before) * BLOCK_CRC_BYTES;
        }
        return bytes;
    }

    private int blocks(Part part) {
        return (part.bytes() + blockBytes - 1) / blockBytes;
    }

    /** How many bytes all parts have. */
    long partsBytes() {
        long bytes = 0;
        for (Part part : parts) {
            bytes += part.bytes();
        }
        return bytes;
    }

    /**
     * The checksum of a block: over where it belongs, so that no other block passes for it, and what it holds.
     *
     * @param last        the last entry of the snapshot it belongs to
     * @param stateOffset where in the state its first byte belongs
     */
    static int blockCrc(EntryId last, long stateOffset, byte[] array, int from, int length) {
        CRC32C crc = new CRC32C();
        crc.update(ByteBuffer.allocate(3 * Long.BYTES).putLong(last.term()).putLong(last.index()).putLong(stateOffset).flip());
        crc.update(array, from, length);
        return (int) crc.getValue();
    }
}
