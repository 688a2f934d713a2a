package io.quorate.raft.runtime;

import io.quorate.raft.SnapshotInfo;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.Event;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Fetches another replica's snapshot, piece by piece, each asked for: so no more is under way than there is room for, and no faster than
 * the limit allows.
 *
 * <p>It knows no terms and no leader: what is in a snapshot is committed for ever, and it goes on with the same source whoever leads. What
 * is not answered is asked for again, with growing patience; only when nothing new has come for {@link #PATIENCE_TIMEOUTS} election
 * timeouts does it give up. What is here by then stays on disk, and whoever offers the same snapshot again need not send it again.
 *
 * <p>Two replicas may each have taken a snapshot at the same entry, which need not be the same byte by byte. A mixture of both does not
 * pass the storage's check at the end, and is fetched anew.
 *
 * <p>The transfer thread's, but for {@link #progress}.
 */
final class SnapshotFetcher {

    /** How many pieces are asked for at once. */
    static final int WINDOW = 2;
    /** After how many election timeouts without anything new it gives up. */
    static final int PATIENCE_TIMEOUTS = 10;
    /** How many times as long it waits for an answer at most, when it has asked in vain. */
    private static final int RETRY_FACTOR_MAX = 4;

    /** How a snapshot fails to be fetched. */
    static final class FetchFailedException extends Exception {

        private static final long serialVersionUID = 1;

        private FetchFailedException(String message) {
            super(message);
        }
    }

    private record Asked(int bytes, long atNanos) { }

    /**
     * How far it is.
     *
     * @param totalBytes -1 while it is not known
     */
    private record Progress(SnapshotId snapshot, ReplicaId source, long receivedBytes, long totalBytes) {
        @Override
        public String toString() {
            return "fetches the snapshot up to entry " + snapshot.last() + " from " + source + ": has " + receivedBytes + " bytes of "
                + (totalBytes < 0 ? "an unknown number" : totalBytes);
        }
    }

    private final ReplicaId self;
    private final Storage storage;
    private final Mailbox mailbox;
    private final Consumer<SnapshotMessage> send;
    private final Consumer<SnapshotInfo> onFetched;
    private final Consumer<Throwable> onFailed;
    private final long timeoutNanos;
    private final RateLimit limit;

    private @Nullable SnapshotId wanted;                                // null while nothing is fetched; what follows belongs to it
    private @Nullable ReplicaId source;
    private Storage.@Nullable SnapshotInput input;
    private long totalBytes;                                            // -1 until the first piece
    private final TreeMap<Long, Asked> asked = new TreeMap<>();         // by offset
    private final TreeMap<Long, byte[]> early = new TreeMap<>();        // pieces that came before the one before them
    private long progressNanos;                                         // when something new last came
    private int retryFactor;
    private volatile @Nullable Progress progress;

    SnapshotFetcher(ReplicaId self, Storage storage, Mailbox mailbox, Consumer<SnapshotMessage> send, Consumer<SnapshotInfo> onFetched,
                    Consumer<Throwable> onFailed, long electionTimeoutNanos, long bytesPerSecond, long nowNanos) {
        this.self = self;
        this.storage = storage;
        this.mailbox = mailbox;
        this.send = send;
        this.onFetched = onFetched;
        this.onFailed = onFailed;
        timeoutNanos = electionTimeoutNanos;
        limit = new RateLimit(bytesPerSecond, SnapshotMessage.PIECE_BYTES_MAX, nowNanos);
    }

    /** What is being fetched, in words, or null. Any thread. */
    @Nullable String progress() {
        Progress now = progress;
        return now == null ? null : now.toString();
    }

    /** Fetch this one from now on, instead of whatever it was. */
    void begin(SnapshotId snapshot, ReplicaId from, long nowNanos) {
        receive(() -> {
            if (!snapshot.equals(wanted)) {
                end();
                wanted = snapshot;
                input = storage.receiveSnapshot(snapshot);
            }
            source = from;
            totalBytes = -1;
            asked.clear();
            early.clear();
            progressNanos = nowNanos;
            retryFactor = 1;
            tellProgress();
        });
    }

    /** A piece has come. Nothing is kept that was not asked for. */
    void onPiece(SnapshotMessage.Piece piece, long nowNanos) {
        receive(() -> take(piece, nowNanos));
    }

    private void take(SnapshotMessage.Piece piece, long nowNanos) {
        SnapshotId snapshot = wanted;
        Storage.SnapshotInput to = input;
        if (snapshot == null || to == null || !isOfSource(piece)) {
            return;
        }
        Asked question = asked.get(piece.offset());
        if (question == null || piece.bytes().length > question.bytes) {
            return;   // an answer that came twice, or to somebody before
        }
        if (totalBytes >= 0 && totalBytes != piece.totalBytes()) {
            complete(snapshot, to, "its source says that it is " + piece.totalBytes() + " bytes long, and said " + totalBytes + " before");
            return;
        }
        asked.remove(piece.offset());
        totalBytes = piece.totalBytes();
        early.put(piece.offset(), piece.bytes());
        while (!early.isEmpty() && early.firstKey() <= to.received()) {
            byte[] bytes = early.firstEntry().getValue();
            if (early.pollFirstEntry().getKey() == to.received() && bytes.length > 0) {
                to.write(to.received(), bytes);
                progressNanos = nowNanos;
                retryFactor = 1;
            }
        }
        tellProgress();
        if (to.received() == totalBytes) {
            complete(snapshot, to, "what came is not what its maker wrote: it was damaged on its way, or is of two makers");
        }
    }

    void onGone(SnapshotMessage.Gone gone) {
        receive(() -> giveUp(gone));
    }

    private void giveUp(SnapshotMessage.Gone gone) {
        SnapshotId snapshot = wanted;
        Storage.SnapshotInput to = input;
        if (snapshot != null && to != null && isOfSource(gone)) {
            String why = "its source does not have it any more";
            if (totalBytes < 0 && to.received() > 0) {
                // Perhaps all of it, and this replica ended before it looked; perhaps the beginning of another's, longer than this one's
                // whole: kept, it would be asked on from there in vain each time.
                complete(snapshot, to, why);
            } else {
                fail(snapshot, why);
            }
        }
    }

    /** Asks for what is missing, and once more for what did not come. */
    void turn(long nowNanos) {
        receive(() -> ask(nowNanos));
    }

    private void ask(long nowNanos) {
        SnapshotId snapshot = wanted;
        Storage.SnapshotInput to = input;
        if (snapshot == null || to == null) {
            return;
        }
        if (nowNanos - progressNanos >= PATIENCE_TIMEOUTS * timeoutNanos) {
            fail(snapshot, "nothing of it came for " + PATIENCE_TIMEOUTS + " election timeouts");
            return;
        }
        boolean isLate = !asked.isEmpty() && nanosUntilRetry(nowNanos) == 0;
        if (isLate) {
            asked.clear();        // and so all of it is asked for again
            retryFactor = Math.min(2 * retryFactor, RETRY_FACTOR_MAX);
        }
        while (asked.size() + early.size() < WINDOW) {
            long offset = firstMissing(to.received());
            int bytes = (int) Math.min(SnapshotMessage.PIECE_BYTES_MAX, bytesFrom(offset));
            if (bytes == 0 || !limit.take(bytes, nowNanos)) {
                return;
            }
            asked.put(offset, new Asked(bytes, nowNanos));
            send.accept(new SnapshotMessage.Ask(self, sourceOf(snapshot), snapshot.last(), offset, bytes));
        }
    }

    /** After how many nanoseconds to turn though nothing has come; {@link Long#MAX_VALUE} if nothing is fetched. */
    long nanosUntil(long nowNanos) {
        Storage.SnapshotInput to = input;
        if (wanted == null || to == null) {
            return Long.MAX_VALUE;
        }
        long nanos = Math.max(0, progressNanos + PATIENCE_TIMEOUTS * timeoutNanos - nowNanos);
        if (!asked.isEmpty()) {
            nanos = Math.min(nanos, nanosUntilRetry(nowNanos));
        }
        long received;
        try {
            received = to.received();
        } catch (StorageException e) {
            return 0;       // it is not being received any more, which the next turn finds, too
        }
        int bytes = (int) Math.min(SnapshotMessage.PIECE_BYTES_MAX, bytesFrom(firstMissing(received)));
        if (bytes > 0 && asked.size() + early.size() < WINDOW) {
            nanos = Math.min(nanos, limit.nanosUntil(bytes, nowNanos));
        }
        return nanos;
    }

    /** Lets go of what is half done; it can be gone on with. */
    void end() {
        Storage.SnapshotInput left = input;
        input = null;
        wanted = null;
        source = null;
        asked.clear();
        early.clear();
        progress = null;
        if (left != null) {
            left.close();
        }
    }

    // ---------------------------------------------------------------------------------------------------------------------- its end

    /**
     * Does something with what is received. If that cannot be received any more (the disk fails at it, or this replica has made a newer one
     * meanwhile), it costs that one, and not the server: the log is as it was. If the disk does nothing any more, the next write tells.
     */
    private void receive(Runnable step) {
        try {
            step.run();
        } catch (StorageException e) {
            SnapshotId snapshot = wanted;
            if (snapshot == null) {
                throw e;
            }
            fail(snapshot, String.valueOf(e.getMessage()));
        }
    }

    /** No more will come of this: it is whole, which the storage finds out, or nothing of it is kept. */
    private void complete(SnapshotId snapshot, Storage.SnapshotInput whole, String otherwise) {
        SnapshotInfo info = new SnapshotInfo(snapshot.last(), whole.received());
        if (!whole.complete()) {
            fail(snapshot, otherwise);
            return;
        }
        end();
        onFetched.accept(info);
        mailbox.complete(new Event.SnapshotFetched(snapshot));
    }

    private void fail(SnapshotId snapshot, String why) {
        String of = "The snapshot up to entry " + snapshot.last() + " was not fetched from " + source + ": " + why;
        end();
        onFailed.accept(new FetchFailedException(of));
        mailbox.complete(new Event.FetchFailed(snapshot));
    }

    private boolean isOfSource(SnapshotMessage message) {
        SnapshotId snapshot = wanted;
        return snapshot != null && snapshot.last().equals(message.snapshot()) && message.from().equals(source);
    }

    private ReplicaId sourceOf(SnapshotId snapshot) {
        ReplicaId from = source;
        if (from == null) {
            throw new IllegalStateException("Nobody was named to fetch " + snapshot + " from");
        }
        return from;
    }

    /** The first byte that is neither here nor asked for. */
    private long firstMissing(long from) {
        long offset = from;
        while (true) {
            byte[] piece = early.get(offset);
            Asked question = asked.get(offset);
            if (piece != null) {
                offset += piece.length;
            } else if (question != null) {
                offset += question.bytes;
            } else {
                return offset;
            }
        }
    }

    /** How much there is to ask for from this byte on. While nobody knows how long it is, the first question asks that, too. */
    private long bytesFrom(long offset) {
        if (totalBytes < 0) {
            return asked.isEmpty() ? SnapshotMessage.PIECE_BYTES_MAX : 0;
        }
        return Math.max(0, totalBytes - offset);
    }

    private long nanosUntilRetry(long nowNanos) {
        long oldest = asked.firstEntry().getValue().atNanos;
        for (Asked each : asked.values()) {
            oldest = each.atNanos - oldest < 0 ? each.atNanos : oldest;
        }
        return Math.max(0, oldest + retryFactor * timeoutNanos - nowNanos);
    }

    private void tellProgress() {
        SnapshotId snapshot = wanted;
        Storage.SnapshotInput to = input;
        progress = snapshot == null || to == null ? null : new Progress(snapshot, sourceOf(snapshot), to.received(), totalBytes);
    }
}
