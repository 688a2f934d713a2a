package io.quorate.raft.runtime;

import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.ReplicaId;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Answers those who ask for pieces of a snapshot. A snapshot stays open while it is asked for, so that nobody has to begin again because a
 * newer one has been taken; what nobody asks for any more is closed after a while.
 *
 * <p>The transfer thread's, but for {@link #wantedIndex}.
 */
final class SnapshotSource {

    /** How many snapshots are open at once. Who asks for another waits until one of them has been sent, or is not asked for any more. */
    static final int OPEN_MAX = 4;

    private static final class Open {
        private final Storage.StoredSnapshot stored;
        private long askedNanos;
        private final Set<ReplicaId> unsent = new HashSet<>();       // of those who asked, those to whom its end was not sent yet

        Open(Storage.StoredSnapshot stored) {
            this.stored = stored;
        }
    }

    private final ReplicaId self;
    private final Storage storage;
    private final Consumer<SnapshotMessage> send;
    private final Consumer<StorageException> unreadable;
    private final long idleNanosMax;
    private final List<Open> open = new ArrayList<>();
    private volatile long wantedIndex = Long.MAX_VALUE;

    /**
     * For one server.
     *
     * @param unreadable   is told when a snapshot cannot be read: whoever asks for it has to wait for another
     * @param idleNanosMax longer than anybody who still wants the rest pauses
     */
    SnapshotSource(ReplicaId self, Storage storage, Consumer<SnapshotMessage> send, Consumer<StorageException> unreadable,
                   long idleNanosMax) {
        this.self = self;
        this.storage = storage;
        this.send = send;
        this.unreadable = unreadable;
        this.idleNanosMax = idleNanosMax;
    }

    /** Sends the piece, or says that there is none; or, when too many snapshots are open, nothing: whoever asks asks again. */
    void answer(SnapshotMessage.Ask ask, long nowNanos) {
        Open of = find(ask.snapshot());
        if (of == null && open.size() == OPEN_MAX && !closeSent()) {
            return;
        }
        if (of == null) {
            of = open(ask.snapshot());
        }
        if (of == null) {
            send.accept(new SnapshotMessage.Gone(self, ask.from(), ask.snapshot()));
            return;
        }
        of.askedNanos = nowNanos;
        of.unsent.add(ask.from());
        long total = of.stored.transferBytes();
        if (ask.offset() > total) {      // he has the beginning of another one of that name
            send.accept(new SnapshotMessage.Gone(self, ask.from(), ask.snapshot()));
            return;
        }
        byte[] bytes;
        try {
            bytes = ask.offset() == total ? new byte[0] : of.stored.read(ask.offset(), ask.bytesMax());
        } catch (StorageException e) {
            // The state itself is in memory here, and whole: this costs the snapshot, and not the server.
            open.remove(of);
            of.stored.close();
            tellWanted();
            unreadable.accept(e);
            send.accept(new SnapshotMessage.Gone(self, ask.from(), ask.snapshot()));
            return;
        }
        if (ask.offset() + bytes.length == total) {
            of.unsent.remove(ask.from());
        }
        send.accept(new SnapshotMessage.Piece(self, ask.from(), ask.snapshot(), ask.offset(), total, bytes));
    }

    /** The first entry behind a snapshot that is being asked for; {@link Long#MAX_VALUE} if none is. Any thread. */
    long wantedIndex() {
        return wantedIndex;
    }

    void closeIdle(long nowNanos) {
        for (int i = open.size() - 1; i >= 0; i--) {
            if (nowNanos - open.get(i).askedNanos >= idleNanosMax) {
                open.remove(i).stored.close();
            }
        }
        tellWanted();
    }

    /** After how many nanoseconds there is something to close; {@link Long#MAX_VALUE} if nothing is open. */
    long nanosUntil(long nowNanos) {
        long nanos = Long.MAX_VALUE;
        for (Open each : open) {
            nanos = Math.min(nanos, Math.max(0, each.askedNanos + idleNanosMax - nowNanos));
        }
        return nanos;
    }

    void close() {
        open.forEach(each -> each.stored.close());
        open.clear();
        tellWanted();
    }

    /** Makes room: of those that were sent to all who asked, the one that was asked for longest ago goes. Whether there was one. */
    private boolean closeSent() {
        Open oldest = null;
        for (Open each : open) {
            if (each.unsent.isEmpty() && (oldest == null || each.askedNanos - oldest.askedNanos < 0)) {
                oldest = each;
            }
        }
        if (oldest == null) {
            return false;
        }
        open.remove(oldest);
        oldest.stored.close();
        tellWanted();
        return true;
    }

    private @Nullable Open find(EntryId snapshot) {
        for (Open each : open) {
            if (each.stored.id().last().equals(snapshot)) {
                return each;
            }
        }
        return null;
    }

    private @Nullable Open open(EntryId snapshot) {
        Storage.StoredSnapshot newest = storage.snapshot();
        if (newest == null) {
            return null;
        }
        if (!newest.id().last().equals(snapshot)) {
            newest.close();
            return null;
        }
        Open opened = new Open(newest);
        open.add(opened);
        tellWanted();
        return opened;
    }

    private void tellWanted() {
        long wanted = Long.MAX_VALUE;
        for (Open each : open) {
            wanted = Math.min(wanted, each.stored.id().index() + 1);
        }
        wantedIndex = wanted;
    }
}
