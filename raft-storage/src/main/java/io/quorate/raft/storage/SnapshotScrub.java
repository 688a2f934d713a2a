package io.quorate.raft.storage;

import io.quorate.raft.StorageException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Looks at the manifest and at each block of the newest snapshot, once. If another one becomes the newest, that is looked at instead. */
final class SnapshotScrub {

    private static final Logger LOG = LoggerFactory.getLogger(SnapshotScrub.class);

    private final FileSystem files;
    private final long incarnation;
    private final Snapshots snapshots;
    private Snapshots.@Nullable Stored stored;
    private int part;
    private int at;                  // in the part
    private CRC32C sum = new CRC32C();
    private boolean isDone;
    private boolean isDamaged;

    SnapshotScrub(FileSystem files, long incarnation, Snapshots snapshots) {
        this.files = files;
        this.incarnation = incarnation;
        this.snapshots = snapshots;
    }

    boolean isDone() {
        return isDone;
    }

    boolean isDamaged() {
        return isDamaged;
    }

    /** Reads about so many bytes; returns how many it were. */
    long next(int bytesMax) {
        try (SnapshotReader held = snapshots.read()) {      // so that it stays while it is read
            Snapshots.Stored newest = snapshots.newest();
            if (held == null || newest == null || !held.id().equals(newest.manifest().id())) {
                isDone = held == null;
                return 0;
            }
            return next(newest, bytesMax);
        }
    }

    private long next(Snapshots.Stored newest, int bytesMax) {
        long bytes = 0;
        try {
            if (!newest.equals(stored)) {
                stored = newest;
                part = 0;
                at = 0;
                sum = new CRC32C();
                SnapshotManifest manifest = SnapshotManifest.read(files, newest.name().manifest(), incarnation);
                if (!manifest.equals(newest.manifest())) {
                    throw new StorageCorruptException(files.pathOf(newest.name().manifest()), 0, "it is another one than was written");
                }
                bytes = manifest.encode().length;
            }
            SnapshotManifest manifest = newest.manifest();
            while (bytes < bytesMax && part < manifest.parts().size()) {
                try (PartReader reader = new PartReader(files, newest.name(), manifest, part)) {
                    while (bytes < bytesMax && at < reader.bytes()) {
                        byte[] block = reader.read(at, manifest.blockBytes());
                        reader.sum(block, sum);
                        at += block.length;
                        bytes += block.length;
                    }
                    if (at < reader.bytes()) {
                        return bytes;
                    }
                    reader.check(sum);
                }
                part++;
                at = 0;
                sum = new CRC32C();
            }
            isDone = part == manifest.parts().size();
            if (isDone) {
                snapshots.onLookedAt(newest.name(), false);
            }
            return bytes;
        } catch (StorageException | UnreadableException | NoSuchFileException e) {
            LOG.error("The newest snapshot cannot be relied on any more, so another one is needed: {}", e.toString());
            snapshots.onLookedAt(newest.name(), true);
            isDamaged = true;
            isDone = true;
            return bytes;
        } catch (IOException e) {
            LOG.warn("The newest snapshot cannot be looked at now: {}. That says nothing of what is in it; the next round looks again.",
                e.toString());
            isDone = true;
            return bytes;
        }
    }
}
