package io.quorate.raft.storage;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** Reads one part of a snapshot, whole blocks at a time, and gives out none that is not what was written. */
final class PartReader implements Closeable {

    private final String path;
    private final SnapshotManifest manifest;
    private final SnapshotManifest.Part part;
    private final long stateOffset;
    private final FileHandle file;

    PartReader(FileSystem files, SnapshotName name, SnapshotManifest manifest, int number) throws IOException {
        this.manifest = manifest;
        path = files.pathOf(name.part(number));
        part = manifest.parts().get(number);
        stateOffset = manifest.stateBytesBefore(number);
        FileHandle opened = null;
        try {
            opened = files.openToRead(name.part(number));
            file = opened;
            if (file.size() != part.bytes()) {
                throw corrupt(Math.min(file.size(), part.bytes()), "the file is " + file.size() + " bytes long, but was " + part.bytes()
                    + " when it was written");
            }
            opened = null;
        } catch (NoSuchFileException e) {
            throw corrupt(0, "the file is missing, though the snapshot's manifest names it");
        } finally {
            close(opened);
        }
    }

    private static void close(@Nullable FileHandle opened) throws IOException {
        if (opened != null) {
            opened.close();
        }
    }

    /**
     * Reads whole blocks, of which each is what was written.
     *
     * @param from  where a block begins
     * @param bytes as many as that, in whole blocks, or up to the end of the part
     */
    byte[] read(int from, int bytes) throws IOException {
        int length = Math.min(bytes, part.bytes() - from);
        byte[] blocks = new byte[length];
        if (file.read(ByteBuffer.wrap(blocks), from) < length) {
            throw corrupt(from, "the file became shorter while it was read");
        }
        for (int at = 0; at < length; at += manifest.blockBytes()) {
            int end = Math.min(at + manifest.blockBytes(), length) - SnapshotManifest.BLOCK_CRC_BYTES;
            long offset = stateOffset + from + at
                - (long) (from + at) / manifest.blockBytes() * SnapshotManifest.BLOCK_CRC_BYTES;
            int expected = ByteBuffer.wrap(blocks).getInt(end);
            int actual = SnapshotManifest.blockCrc(manifest.id().last(), offset, blocks, at, end - at);
            if (expected != actual) {
                throw corrupt(from + at, String.format("the block of a snapshot that is here has the checksum %08x and says %08x", actual,
                    expected));
            }
        }
        return blocks;
    }

    int bytes() {
        return part.bytes();
    }

    /** Adds the checksums of blocks that were read to those of the blocks before them. */
    void sum(byte[] blocks, CRC32C sum) {
        for (int at = 0; at < blocks.length; at += manifest.blockBytes()) {
            int end = Math.min(at + manifest.blockBytes(), blocks.length);
            sum.update(blocks, end - SnapshotManifest.BLOCK_CRC_BYTES, SnapshotManifest.BLOCK_CRC_BYTES);
        }
    }

    /** All blocks have been summed: together they must be the ones that the manifest speaks of. */
    void check(CRC32C sum) {
        if ((int) sum.getValue() != part.checksum()) {
            throw corrupt(0, String.format("the blocks are whole, but not those of this snapshot: their checksum is %08x, not %08x",
                (int) sum.getValue(), part.checksum()));
        }
    }

    private StorageCorruptException corrupt(long offset, String what) {
        return new StorageCorruptException(path, offset, what);
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
