package io.quorate.raft.storage;

import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.SnapshotId;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.ClosedByInterruptException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One reader of a stored snapshot, whose files stay until it is closed.
 *
 * <p>What travels is the manifest, and then the parts as they are on disk, block sums and all. Each block is checked before any byte of
 * it is given away, so a damaged snapshot is noticed here and not by who received all of it.
 */
final class SnapshotReader implements Storage.StoredSnapshot {

    private static final int READ_BYTES_MAX = 4 << 20;

    private final FileSystem files;
    private final SnapshotName name;
    private final SnapshotManifest manifest;
    private final Snapshots snapshots;
    private final byte[] head;
    private final long transferBytes;
    private final List<StateInput> streams = new ArrayList<>();
    private @Nullable PartReader reader;
    private int part = -1;          // that the reader reads
    private long partAt;            // where in the transfer it begins
    private boolean closed;

    SnapshotReader(FileSystem files, SnapshotName name, SnapshotManifest manifest, Snapshots snapshots) {
        this.files = files;
        this.name = name;
        this.manifest = manifest;
        this.snapshots = snapshots;
        head = manifest.encode();
        transferBytes = head.length + manifest.partsBytes();
    }

    @Override
    public SnapshotId id() {
        return manifest.id();
    }

    @Override
    public synchronized InputStream state() {
        requireOpen();
        StateInput stream = new StateInput(files, name, manifest, () -> snapshots.onLookedAt(name, true));
        streams.add(stream);
        return stream;
    }

    @Override
    public long stateBytes() {
        return manifest.stateBytesBefore(manifest.parts().size());
    }

    @Override
    public long transferBytes() {
        return transferBytes;
    }

    @Override
    public synchronized byte[] read(long offset, int bytesMax) {
        requireOpen();
        if (offset < 0 || offset > transferBytes || bytesMax < 1) {
            throw new IllegalArgumentException("Nothing can be read at " + offset + " of " + transferBytes + " bytes, up to " + bytesMax);
        }
        if (offset < head.length) {
            return Arrays.copyOfRange(head, (int) offset, (int) Math.min(head.length, offset + bytesMax));
        }
        if (offset == transferBytes) {
            return new byte[0];
        }
        try {
            return readPart(offset, Math.min(bytesMax, READ_BYTES_MAX));
        } catch (StorageCorruptException e) {
            forgetReader();
            snapshots.onLookedAt(name, true);
            throw e;
        } catch (ClosedByInterruptException e) {
            forgetReader();
            throw new StorageException("Reading the snapshot " + name + " was interrupted; nothing is wrong with it.", e);
        } catch (IOException e) {
            forgetReader();
            if (e instanceof UnreadableException) {
                snapshots.onLookedAt(name, true);
            }
            throw new StorageException("The snapshot in " + files.pathOf(name.manifest()) + " and beside it cannot be read: " + e
                + ". Check the disk.", e);
        }
    }

    private byte[] readPart(long offset, int bytesMax) throws IOException {
        PartReader open = readerAt(offset);
        int at = (int) (offset - partAt);
        int block = manifest.blockBytes();
        int from = at / block * block;
        int bytes = Math.min(bytesMax, open.bytes() - at);
        int blocks = (at - from + bytes + block - 1) / block;
        byte[] read = open.read(from, (int) Math.min((long) blocks * block, open.bytes() - from));
        return from == at && read.length == bytes ? read : Arrays.copyOfRange(read, at - from, at - from + bytes);
    }

    private PartReader readerAt(long offset) throws IOException {
        int wanted = 0;
        long begin = head.length;
        while (offset >= begin + manifest.parts().get(wanted).bytes()) {
            begin += manifest.parts().get(wanted).bytes();
            wanted++;
        }
        PartReader open = reader;
        if (open == null || part != wanted) {
            forgetReader();
            open = new PartReader(files, name, manifest, wanted);
            reader = open;
            part = wanted;
            partAt = begin;
        }
        return open;
    }

    private void forgetReader() {
        PartReader open = reader;
        reader = null;
        close(open);
    }

    private void requireOpen() {
        if (closed) {
            throw new StorageException("This reader of a snapshot is closed.");
        }
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        forgetReader();
        streams.forEach(SnapshotReader::close);
        snapshots.release(name);
    }

    private static void close(@Nullable AutoCloseable opened) {
        try {
            if (opened != null) {
                opened.close();
            }
        } catch (Exception e) {
            // It was only read, and what was given away had been checked.
        }
    }
}
