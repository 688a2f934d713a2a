package io.quorate.raft.storage;

import java.io.IOException;
import java.io.InputStream;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** The state in a stored snapshot, from its first byte to its last, a block in memory at a time. */
final class StateInput extends InputStream {

    private final FileSystem files;
    private final SnapshotName name;
    private final SnapshotManifest manifest;
    private final Runnable onDamage;
    private int part = -1;
    private @Nullable PartReader reader;
    private CRC32C sum = new CRC32C();
    private int readTo;              // of the part
    private byte[] block = new byte[0];
    private int at;                  // in the block
    private int end;                 // where its checksum begins
    private boolean closed;

    /** @param onDamage is run when some of it is found to be damaged, before that is thrown */
    StateInput(FileSystem files, SnapshotName name, SnapshotManifest manifest, Runnable onDamage) {
        this.files = files;
        this.name = name;
        this.manifest = manifest;
        this.onDamage = onDamage;
    }

    @Override
    public int read() throws IOException {
        return hasMore() ? block[at++] & 0xFF : -1;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        if (!hasMore()) {
            return -1;
        }
        int step = Math.min(length, end - at);
        System.arraycopy(block, at, target, offset, step);
        at += step;
        return step;
    }

    @Override
    public int available() {
        return end - at;
    }

    private boolean hasMore() throws IOException {
        if (closed) {
            throw new IOException("This state is closed, and was perhaps not read to its end");
        }
        try {
            return fill();
        } catch (StorageCorruptException | UnreadableException e) {
            onDamage.run();
            throw e;
        }
    }

    private boolean fill() throws IOException {
        while (at == end) {
            PartReader open = reader;
            if (open == null || readTo == open.bytes()) {
                if (!next(open)) {
                    return false;
                }
                continue;
            }
            block = open.read(readTo, manifest.blockBytes());
            open.sum(block, sum);
            readTo += block.length;
            at = 0;
            end = block.length - SnapshotManifest.BLOCK_CRC_BYTES;
            if (readTo == open.bytes()) {
                open.check(sum);
            }
        }
        return true;
    }

    private boolean next(@Nullable PartReader before) throws IOException {
        if (before != null) {
            reader = null;
            before.close();
        }
        if (part + 1 >= manifest.parts().size()) {
            return false;
        }
        part++;
        reader = new PartReader(files, name, manifest, part);
        readTo = 0;
        sum = new CRC32C();
        return true;
    }

    @Override
    public void close() throws IOException {
        PartReader open = reader;
        reader = null;
        closed = true;
        if (open != null) {
            open.close();
        }
    }
}
