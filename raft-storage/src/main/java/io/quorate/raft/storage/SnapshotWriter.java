package io.quorate.raft.storage;

import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.SnapshotId;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A snapshot while it is being taken: a block of it is in memory, all before is in parts, and each part is durable before the next
 * begins, so that the disk is not asked for everything at the end.
 */
final class SnapshotWriter extends OutputStream implements Storage.SnapshotOutput {

    private static final int BLOCK_BYTES = 64 << 10;

    private final FileSystem files;
    private final Snapshots snapshots;
    private final SnapshotName name;
    private final SnapshotId id;
    private final int partBytes;     // whole blocks
    private final byte[] block;
    private int filled;
    private long stateOffset;        // of the block
    private @Nullable FileHandle file;
    private int written;             // of the part
    private CRC32C sum = new CRC32C();
    private final List<SnapshotManifest.Part> parts = new ArrayList<>();
    private boolean failed;
    private boolean over;

    /** Nothing is created before there is state. */
    SnapshotWriter(FileSystem files, Snapshots snapshots, SnapshotName name, SnapshotId id, int partBytes) {
        this.files = files;
        this.snapshots = snapshots;
        this.name = name;
        this.id = id;
        block = new byte[Math.min(BLOCK_BYTES, partBytes)];
        this.partBytes = partBytes / block.length * block.length;
    }

    @Override
    public OutputStream state() {
        return this;
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] source, int offset, int length) throws IOException {
        if (failed || over) {
            throw new IOException("This snapshot is over: nothing more can be written to it");
        }
        failed = true;      // a failed write may be here or not; nothing may follow it
        int done = 0;
        while (done < length) {
            int step = Math.min(length - done, block.length - SnapshotManifest.BLOCK_CRC_BYTES - filled);
            System.arraycopy(source, offset + done, block, filled, step);
            filled += step;
            done += step;
            if (filled == block.length - SnapshotManifest.BLOCK_CRC_BYTES) {
                writeBlock();
            }
        }
        failed = false;
    }

    private void writeBlock() throws IOException {
        snapshots.requireUsable();
        FileHandle open = file;
        if (open == null) {
            open = files.create(name.part(parts.size()) + Spare.UNFINISHED);
            file = open;
        }
        int crc = SnapshotManifest.blockCrc(id.last(), stateOffset, block, 0, filled);
        ByteBuffer.wrap(block).putInt(filled, crc);
        int length = filled + SnapshotManifest.BLOCK_CRC_BYTES;
        open.write(ByteBuffer.wrap(block, 0, length), written);
        sum.update(block, filled, SnapshotManifest.BLOCK_CRC_BYTES);
        stateOffset += filled;
        written += length;
        filled = 0;
        if (written == partBytes) {
            endPart(open);
        }
    }

    private void endPart(FileHandle open) throws IOException {
        open.force();
        open.close();
        file = null;
        String part = name.part(parts.size());
        files.rename(part + Spare.UNFINISHED, part);
        parts.add(new SnapshotManifest.Part(written, (int) sum.getValue()));
        written = 0;
        sum = new CRC32C();
    }

    @Override
    public void commit() {
        if (failed || over) {
            throw new StorageException("This snapshot cannot be kept: a write to it failed before, or it is over already.");
        }
        over = true;
        failed = true;
        try {
            if (filled > 0) {
                writeBlock();
            }
            FileHandle open = file;
            if (open != null) {
                endPart(open);
            }
            files.syncDirectory();   // before the manifest has its name, the parts have theirs
            snapshots.commit(name, id, block.length, parts);
            failed = false;
        } catch (IOException e) {
            throw new StorageException("The snapshot " + files.pathOf(name.manifest()) + " could not be made durable: " + e
                + ". The one before and the log are as they were; check the disk.", e);
        } finally {
            close();
        }
    }

    @Override
    public void flush() {
        // Nothing is promised before commit.
    }

    /** Also of an attempt that was given up: deletes what was written. */
    @Override
    public void close() {
        if (over && !failed) {
            return;
        }
        over = true;
        FileHandle open = file;
        file = null;
        snapshots.giveUp(name, open);
    }
}
