package io.quorate.raft.runtime;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.RaftObserver;
import io.quorate.raft.SnapshotInfo;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.SnapshotPolicy;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.Transport;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Moves snapshots between replicas: {@link SnapshotFetcher} on one end, {@link SnapshotSource} on the other. On a thread of its own, so
 * that neither the log, nor what is applied, nor the user's writing of a snapshot waits for it, nor it for them.
 */
public final class SnapshotTransfer {

    /** How many messages wait at most; more are dropped, and asked for again. As many questions of administrators; more are refused. */
    static final int WAITING_MAX = 64;
    /** How many messages one turn takes, each of which may read or write a piece. */
    private static final int TURN_MESSAGES = 8;
    /** After how many election timeouts a snapshot is closed that nobody asks for: longer than anybody who wants it waits. */
    private static final int IDLE_TIMEOUTS = 2 * SnapshotFetcher.PATIENCE_TIMEOUTS;

    private static final long UNREADABLE_LOG_NANOS = 60_000_000_000L;
    private static final Logger LOG = LoggerFactory.getLogger(SnapshotTransfer.class);

    /** Something to do. */
    private sealed interface Job {

        void run(SnapshotTransfer transfer, long nowNanos);

        /**
         * Of the raft thread.
         *
         * @param snapshot which
         * @param source   from whom
         */
        record Fetch(SnapshotId snapshot, ReplicaId source) implements Job {
            @Override
            public void run(SnapshotTransfer transfer, long nowNanos) {
                transfer.fetcher.begin(snapshot, source, nowNanos);
            }
        }

        /**
         * Of another replica.
         *
         * @param message a question or an answer
         */
        record Take(SnapshotMessage message) implements Job {
            @Override
            public void run(SnapshotTransfer transfer, long nowNanos) {
                transfer.waiting.decrementAndGet();
                if (message instanceof SnapshotMessage.Ask ask) {
                    transfer.source.answer(ask, nowNanos);
                } else if (message instanceof SnapshotMessage.Piece piece) {
                    transfer.fetcher.onPiece(piece, nowNanos);
                } else if (message instanceof SnapshotMessage.Gone gone) {
                    transfer.fetcher.onGone(gone);
                }
            }
        }

        /**
         * Of an administrator.
         *
         * @param serve        what to do for him
         * @param bytes        how many he wants at most
         * @param waitNanos    for how long he waits
         * @param arrivedNanos since when
         * @param reply        where the answer goes
         */
        record Serve(Serving serve, int bytes, long waitNanos, long arrivedNanos, Consumer<ClientResponse> reply) implements Job {
            @Override
            public void run(SnapshotTransfer transfer, long nowNanos) {
                transfer.served.add(this);
            }

            boolean isExpired(long nowNanos) {
                return nowNanos - arrivedNanos >= waitNanos;
            }
        }
    }

    private interface Serving {
        void answer(BackupSource backups, Consumer<ClientResponse> reply, long nowNanos);
    }

    private final ReplicaId self;
    private final RaftObserver observer;
    private final SnapshotFetcher fetcher;
    private final SnapshotSource source;
    private final BackupSource backups;
    private final Waker waker = new Waker();
    private final Inbox<Job> inbox = new Inbox<>(waker);
    private final AtomicInteger waiting = new AtomicInteger();      // messages
    private final AtomicInteger asking = new AtomicInteger();       // administrators' questions
    private final LongAdder dropped = new LongAdder();              // messages
    private final Deque<Job.Serve> served = new ArrayDeque<>();     // administrators, in turn, as fast as the limit allows
    private final RateLimit copyLimit;
    private final LongSupplier nanoClock;
    private final Throttle unreadableLog = new Throttle(UNREADABLE_LOG_NANOS);
    private Consumer<List<Work>> applier = work -> { };
    private volatile @Nullable String problem;

    SnapshotTransfer(SnapshotPolicy policy, RaftConfig config, Storage storage, Transport transport, Mailbox mailbox, RaftObserver observer,
                     LongSupplier nanoClock) {
        this.nanoClock = nanoClock;
        long nowNanos = nanoClock.getAsLong();
        copyLimit = new RateLimit(policy.fetchBytesPerSecond(), SnapshotMessage.PIECE_BYTES_MAX, nowNanos);
        self = storage.identity().replica();
        this.observer = observer;
        fetcher = new SnapshotFetcher(self, storage, mailbox, transport::send, this::onFetched, this::onFailed,
            config.electionTimeoutNanos(), policy.fetchBytesPerSecond(), nowNanos);
        backups = new BackupSource(storage);
        source = new SnapshotSource(self, storage, transport::send, this::onUnreadable, IDLE_TIMEOUTS * config.electionTimeoutNanos());
    }

    /** To whom to say that another snapshot is needed. Before the first turn. */
    void tell(Consumer<List<Work>> theApplier) {
        applier = theApplier;
    }

    private void onUnreadable(StorageException why) {
        if (unreadableLog.isOpen(nanoClock.getAsLong())) {
            LOG.error("The newest snapshot cannot be read for another replica; another one is taken in its place: {}", why.toString());
        }
        applier.accept(List.of(new Work.RenewSnapshot(true)));
    }

    /** Another replica's message: taken, or dropped if too many wait. Any thread. */
    public void post(SnapshotMessage message) {
        if (!message.to().equals(self)) {
            return;       // meant for a previous life of this node
        }
        if (waiting.incrementAndGet() > WAITING_MAX) {
            waiting.decrementAndGet();
            dropped.increment();
        } else if (!inbox.add(new Job.Take(message))) {
            waiting.decrementAndGet();
        }
    }

    /** How many messages were dropped because too many waited. Any thread. */
    long dropped() {
        return dropped.sum();
    }

    /** An administrator wants to copy the newest snapshot, and waits for so long. Any thread. */
    public void backup(long waitNanos, Consumer<ClientResponse> reply) {
        serve(BackupSource::describe, 0, waitNanos, reply);
    }

    /** An administrator copies a piece of it. Any thread. */
    public void backupPiece(ClientRequest.BackupPiece piece, long waitNanos, Consumer<ClientResponse> reply) {
        int bytes = Math.min(piece.bytesMax(), SnapshotMessage.PIECE_BYTES_MAX);
        serve((backups, to, nowNanos) -> backups.read(piece.snapshot(), piece.offset(), bytes, to, nowNanos), bytes, waitNanos, reply);
    }

    private void serve(Serving serving, int bytes, long waitNanos, Consumer<ClientResponse> reply) {
        if (asking.incrementAndGet() > WAITING_MAX) {
            asking.decrementAndGet();
            reply.accept(new ClientResponse.Overloaded("Nothing happened: too much is asked of the thread that moves snapshots; try "
                + "again"));
        } else if (!inbox.add(new Job.Serve(serving, bytes, waitNanos, nanoClock.getAsLong(), reply))) {
            asking.decrementAndGet();
            reply.accept(stopped());
        }
    }

    private static ClientResponse stopped() {
        return new ClientResponse.Unavailable("Nothing happened: this server has stopped");
    }

    /** Fetch this; the raft thread is told when it is here. Any thread. */
    void fetch(SnapshotId snapshot, ReplicaId from) {
        inbox.add(new Job.Fetch(snapshot, from));
    }

    /** Some of what has come, and what is due. */
    public void turn(long nowNanos) {
        inbox.fill();
        for (int i = 0; i < TURN_MESSAGES; i++) {
            Job job = inbox.poll();
            if (job == null) {
                break;
            }
            job.run(this, nowNanos);
        }
        serve(nowNanos);
        fetcher.turn(nowNanos);
        source.closeIdle(nowNanos);
        backups.closeIdle(nowNanos);
    }

    /** What copies take counts as what is fetched does: neither may leave too little for the log. */
    private void serve(long nowNanos) {
        for (Job.Serve next = served.peek(); next != null; next = served.peek()) {
            boolean isExpired = next.isExpired(nowNanos);
            if (!isExpired && !copyLimit.take(next.bytes, nowNanos)) {
                return;
            }
            served.remove();
            asking.decrementAndGet();
            if (isExpired) {
                next.reply.accept(new ClientResponse.Overloaded("Nothing happened: the thread that moves snapshots did not come to it in"
                    + " time; try again"));
            } else {
                next.serve.answer(backups, next.reply, nowNanos);
            }
        }
    }

    private long nanosUntilServed(long nowNanos) {
        Job.Serve next = served.peek();
        return next == null ? Long.MAX_VALUE : copyLimit.nanosUntil(next.bytes, nowNanos);
    }

    /** Whether a turn would find something to do but timeouts. */
    public boolean hasWork() {
        return inbox.hasMore();
    }

    /** After how many nanoseconds to turn though nothing has come; {@link Long#MAX_VALUE} if there is no need. */
    public long nanosUntilDeadline(long nowNanos) {
        long nanosForOthers = Math.min(fetcher.nanosUntil(nowNanos), source.nanosUntil(nowNanos));
        return Math.min(nanosForOthers, Math.min(nanosUntilServed(nowNanos), backups.nanosUntil(nowNanos)));
    }

    /** Sleeps until there is work, until woken, or for this long. */
    public void sleep(long nanos) {
        waker.sleep(nanos, this::hasWork);
    }

    /** Wakes the thread for good. */
    public void endSleep() {
        waker.end();
    }

    /** The first entry behind a snapshot that somebody is fetching here; {@link Long#MAX_VALUE} if nobody is. Any thread. */
    long wantedIndex() {
        return source.wantedIndex();
    }

    /** What is being fetched, or why the last was not, in words; or null. Any thread. */
    @Nullable String problem() {
        String progress = fetcher.progress();
        return progress == null ? problem : progress;
    }

    /** Lets go of everything. When nobody turns any more. */
    void close() {
        for (Job left : inbox.close()) {
            if (left instanceof Job.Serve serve) {
                served.add(serve);
            }
        }
        served.forEach(serve -> serve.reply.accept(stopped()));
        served.clear();
        fetcher.end();
        source.close();
        backups.close();
    }

    private void onFetched(SnapshotInfo info) {
        problem = null;
        LOG.info("Replica {}: the snapshot up to entry {}, of {} bytes, is here", self, info.last(), info.bytes());
        observe(() -> observer.onSnapshotFetched(info));
    }

    private void onFailed(Throwable why) {
        problem = why.getMessage();
        LOG.warn("Replica {}: {}", self, why.getMessage());
        observe(() -> observer.onSnapshotFailed(why));
    }

    private void observe(Runnable call) {
        try {
            call.run();
        } catch (Exception e) {       // also one that its method does not declare
            LOG.warn("Replica {}: its observer failed; nothing else is affected", self, e);
        }
    }
}
