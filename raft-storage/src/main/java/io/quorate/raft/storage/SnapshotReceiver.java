package io.quorate.raft.storage;

import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.SnapshotId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A snapshot while it is being received: first its manifest, which is kept at once, and then its parts.
 *
 * <p>It goes on from any byte while the storage is open, and from the last whole part after a restart: a part has its name only when it is
 * durable. A failed write or fsync is not tried again; then all of it is received anew. Used by one thread at a time; only that it is not
 * wanted any more may be said by another.
 */
final class SnapshotReceiver implements Storage.SnapshotInput {

    private static final Logger LOG = LoggerFactory.getLogger(SnapshotReceiver.class);

    private final FileSystem files;
    private final Snapshots snapshots;
    private final SnapshotName name;
    private final SnapshotId id;
    private final long incarnation;                 // of the directory
    private byte[] head = new byte[SnapshotManifest.HEAD_BYTES];
    private int headFilled;
    private @Nullable SnapshotManifest manifest;    // once all of it is here
    private volatile @Nullable FileHandle file;     // of the part that is being received
    private int part;
    private int written;                            // of that part
    private long received;
    private String objection = "";                  // why it is not what its maker wrote
    private volatile boolean over;

    /** Of which nothing is here yet. */
    SnapshotReceiver(FileSystem files, Snapshots snapshots, SnapshotName name, SnapshotId id, long incarnation) {
        this.files = files;
        this.snapshots = snapshots;
        this.name = name;
        this.id = id;
        this.incarnation = incarnation;
    }

    /** Of which a part was received in an earlier run, or all. */
    SnapshotReceiver(FileSystem files, Snapshots snapshots, SnapshotName name, SnapshotManifest manifest, long incarnation)
            throws IOException {
        this(files, snapshots, name, manifest.id(), incarnation);
        this.manifest = manifest;
        received = manifest.encode().length;
        while (part < manifest.parts().size() && isWhole(name.part(part), manifest.parts().get(part).bytes())) {
            received += manifest.parts().get(part).bytes();
            part++;
        }
    }

    private boolean isWhole(String file, int bytes) throws IOException {
        if (!files.list().contains(file)) {
            return false;
        }
        try (FileHandle open = files.openToRead(file)) {
            return open.size() == bytes;
        }
    }

    SnapshotName name() {
        return name;
    }

    SnapshotId id() {
        return id;
    }

    /** Whether this file belongs to what is here so far. */
    boolean owns(String other) {
        for (int i = 0; i < part; i++) {
            if (other.equals(name.part(i))) {
                return true;
            }
        }
        return other.equals(name.received());
    }

    /** All of it is here, though perhaps not as its maker wrote it. */
    boolean isWhole() {
        SnapshotManifest known = manifest;
        return known != null && part == known.parts().size() && objection.isEmpty();
    }

    /** The manifest of what is whole. */
    SnapshotManifest manifest() {
        SnapshotManifest known = manifest;
        if (known == null) {
            throw new IllegalStateException("The manifest of " + name + " is not here yet");
        }
        return known;
    }

    @Override
    public long received() {
        requireGoing();
        return received;
    }

    @Override
    public void write(long offset, byte[] bytes) {
        requireGoing();
        if (offset != received) {
            throw new IllegalArgumentException("Bytes for offset " + offset + " of a snapshot came where " + received + " are here");
        }
        try {
            int done = 0;
            while (done < bytes.length && objection.isEmpty()) {
                done += manifest == null ? takeHead(bytes, done) : takePart(manifest, bytes, done);
            }
            received += bytes.length;
        } catch (IOException e) {
            throw failed(e);
        }
        if (over) {
            abandon();      // again: what was created meanwhile goes too
        }
        requireGoing();
    }

    private int takeHead(byte[] bytes, int from) throws IOException {
        int step = Math.min(bytes.length - from, head.length - headFilled);
        System.arraycopy(bytes, from, head, headFilled, step);
        headFilled += step;
        if (headFilled < head.length) {
            return step;
        }
        try {
            int length = SnapshotManifest.lengthOf(head);
            if (length > headFilled) {
                head = Arrays.copyOf(head, length);
            } else {
                begin(SnapshotManifest.decode(head));
            }
        } catch (IllegalArgumentException e) {
            objection = "its manifest is none: " + e.getMessage();
        }
        return step;
    }

    private void begin(SnapshotManifest said) throws IOException {
        if (!said.id().equals(id)) {
            objection = "it is " + said.id();
            return;
        }
        said.write(files, name.received(), incarnation);
        manifest = said;
    }

    private int takePart(SnapshotManifest known, byte[] bytes, int from) throws IOException {
        if (part == known.parts().size()) {
            objection = "it goes on behind its end";
            return 0;
        }
        FileHandle open = file;
        if (open == null) {
            String unfinished = name.part(part) + Spare.UNFINISHED;
            open = written == 0 ? files.create(unfinished) : files.open(unfinished);
            file = open;
        }
        int step = Math.min(bytes.length - from, known.parts().get(part).bytes() - written);
        open.write(ByteBuffer.wrap(bytes, from, step), written);
        written += step;
        if (written == known.parts().get(part).bytes()) {
            open.force();
            file = null;
            open.close();
            files.rename(name.part(part) + Spare.UNFINISHED, name.part(part));
            files.syncDirectory();
            part++;
            written = 0;
        }
        return step;
    }

    @Override
    public boolean complete() {
        requireGoing();
        if (!isWhole() && objection.isEmpty()) {
            objection = "it ends after " + received + " bytes";
        }
        try {
            verify();
            requireGoing();
            if (objection.isEmpty()) {
                snapshots.completed(this);
                return true;
            }
        } catch (IOException e) {
            throw failed(e);
        }
        LOG.warn("The snapshot {} was received, but it is not what its maker wrote: {}. All of it is dropped.", id.last(), objection);
        abandon();
        return false;
    }

    /** Reads all of it from the disk, as who restores it will. */
    private void verify() throws IOException {
        for (int i = 0; objection.isEmpty() && i < manifest().parts().size(); i++) {
            try (PartReader reader = new PartReader(files, name, manifest(), i)) {
                CRC32C sum = new CRC32C();
                for (int at = 0; at < reader.bytes(); at += manifest().blockBytes()) {
                    reader.sum(reader.read(at, manifest().blockBytes()), sum);
                }
                reader.check(sum);
            } catch (StorageCorruptException e) {
                objection = String.valueOf(e.getMessage());
            }
        }
    }

    /** The log stands on it now: its files are not this one's any more. */
    void handOver() {
        over = true;
    }

    /** Nothing of it is wanted any more. */
    void abandon() {
        over = true;
        FileHandle open = file;
        file = null;
        snapshots.giveUp(name, open);
        snapshots.forget(this);
    }

    private StorageException failed(IOException e) {
        abandon();
        return new StorageException("The snapshot " + files.pathOf(name.received()) + " cannot be received: " + e + ". What was here of it"
            + " is dropped; the log is as it was. Check the disk.", e);
    }

    /** Throws if it is not wanted any more. */
    void requireGoing() {
        snapshots.requireUsable();
        if (over) {
            throw new StorageException("The snapshot " + id.last() + " is not being received any more.");
        }
    }

    @Override
    public void close() {
        FileHandle open = file;
        try {
            if (open != null) {
                open.close();
            }
        } catch (IOException e) {
            LOG.warn("A part of the snapshot {} could not be closed", id.last(), e);
        }
        file = null;
    }
}
