package io.quorate.raft.runtime;

import io.quorate.raft.ClientResponse;
import io.quorate.raft.Storage;
import io.quorate.raft.core.EntryId;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Answers administrators who copy the newest snapshot over the network, piece by piece. A snapshot stays open while it is asked for, so
 * that a copy comes to its end though newer ones are taken meanwhile; what nobody asks for any more is closed after a while.
 *
 * <p>The transfer thread's.
 */
final class BackupSource {

    /** How many snapshots are open for copies at once. */
    static final int OPEN_MAX = 2;
    /** For how long one stays open that nobody asks for. */
    static final long IDLE_NANOS_MAX = 60_000_000_000L;

    private static final class Open {
        private final Storage.StoredSnapshot stored;
        private final BackupImage image;
        private long askedNanos;

        Open(Storage.StoredSnapshot stored, BackupImage image) {
            this.stored = stored;
            this.image = image;
        }
    }

    private final Storage storage;
    private final List<Open> open = new ArrayList<>();

    BackupSource(Storage storage) {
        this.storage = storage;
    }

    /** Says which snapshot is the newest, and keeps it open. */
    void describe(Consumer<ClientResponse> reply, long nowNanos) {
        Storage.StoredSnapshot newest = storage.identity().isBlank() ? null : storage.snapshot();
        if (newest == null) {
            reply.accept(new ClientResponse.Failed("Nothing happened: this replica has no snapshot yet; have one taken first"));
            return;
        }
        Open of = find(newest.id().last());
        if (of != null) {
            newest.close();
        } else if (open.size() == OPEN_MAX) {
            newest.close();
            reply.accept(new ClientResponse.Overloaded("Nothing happened: " + OPEN_MAX + " other snapshots of this replica are being "
                + "copied; try again later"));
            return;
        } else {
            of = new Open(newest, BackupImage.of(storage.identity(), newest));
            open.add(of);
        }
        of.askedNanos = nowNanos;
        reply.accept(new ClientResponse.Backup(of.stored.id().last(), of.image.totalBytes()));
    }

    /** Reads a piece of one that was described. */
    void read(EntryId snapshot, long offset, int bytesMax, Consumer<ClientResponse> reply, long nowNanos) {
        Open of = find(snapshot);
        if (of == null) {
            reply.accept(new ClientResponse.Failed("Nothing happened: the snapshot up to entry " + snapshot + " is no longer there to be "
                + "copied; begin again, with the newest"));
        } else if (offset > of.image.totalBytes()) {
            reply.accept(new ClientResponse.Failed("Nothing happened: the copy of " + snapshot + " has " + of.image.totalBytes()
                + " bytes, and none at " + offset));
        } else {
            of.askedNanos = nowNanos;
            reply.accept(new ClientResponse.BackupPiece(snapshot, offset, of.image.read(offset, bytesMax)));
        }
    }

    void closeIdle(long nowNanos) {
        for (int i = open.size() - 1; i >= 0; i--) {
            if (nowNanos - open.get(i).askedNanos >= IDLE_NANOS_MAX) {
                open.remove(i).stored.close();
            }
        }
    }

    /** After how many nanoseconds there is something to close; {@link Long#MAX_VALUE} if nothing is open. */
    long nanosUntil(long nowNanos) {
        long nanos = Long.MAX_VALUE;
        for (Open each : open) {
            nanos = Math.min(nanos, Math.max(0, each.askedNanos + IDLE_NANOS_MAX - nowNanos));
        }
        return nanos;
    }

    void close() {
        open.forEach(each -> each.stored.close());
        open.clear();
    }

    private @Nullable Open find(EntryId snapshot) {
        for (Open each : open) {
            if (each.stored.id().last().equals(snapshot)) {
                return each;
            }
        }
        return null;
    }
}
