package io.quorate.examples.election;

import io.quorate.raft.client.RaftClient;
import io.quorate.raft.election.FencingToken;
import io.quorate.raft.election.KeyChange;
import io.quorate.raft.election.KeyEntry;
import io.quorate.raft.election.KeyWatch;
import io.quorate.raft.election.KeysClient;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The loop that teams write by hand over etcd, written by hand over the primitives of this library: a key is put, if it is absent, with a
 * lease; who has put it leads, and refreshes the lease; the others watch the key until it is deleted, and try again.
 *
 * <pre>{@code
 * while (isRunning) {
 *     if (loop.becomeLeader()) {
 *         while (loop.leads()) {
 *             work(loop.fencingToken());
 *         }
 *     } else {
 *         loop.waitForNextElection();
 *     }
 * }
 * loop.close();
 * }</pre>
 *
 * <p>It is here to be compared. {@link io.quorate.raft.election.Election#campaign(byte[])} does the same in one line, wakes one candidate
 * and not all of them when the key goes, and lets nobody wait for ever. What even this loop has from the library: a command whose outcome
 * was unknown is not done twice, so "the key is there" is never its own; and a watch from the index of what was read misses nothing.
 *
 * <p>Used by one thread; {@link #leads} and {@link #close} by any. Whoever waits when this is closed waits no more.
 */
final class LeaderLoop implements AutoCloseable {

    private static final int REFRESHES_PER_TTL = 3;
    private static final int DRIFT_PERMILLE = 10;           // by how much the clock here may be too slow

    private final RaftClient client;
    private final KeysClient keys;
    private final String key;
    private final byte[] value;
    private final Duration ttl;
    private final ScheduledExecutorService refresher = Executors.newSingleThreadScheduledExecutor(work -> {
        Thread thread = new Thread(work, "lease-refresher");
        thread.setDaemon(true);
        return thread;
    });
    private final CompletableFuture<Void> closing = new CompletableFuture<>();
    private volatile @Nullable Held held;                   // the lease; null if there is none any more
    private long token;

    /** A lease, and until when it is certain on the clock here. */
    private static final class Held {
        private final KeysClient.Lease lease;
        private final int epoch;
        private volatile long endNanos;

        private Held(KeysClient.Lease lease, int epoch, long endNanos) {
            this.lease = lease;
            this.epoch = epoch;
            this.endNanos = endNanos;
        }
    }

    /** Stands for the office of this name with this value. */
    LeaderLoop(RaftClient client, String key, byte[] value, Duration ttl) {
        this.client = client;
        this.key = key;
        this.value = value.clone();
        this.ttl = ttl;
        keys = KeysClient.open(client).join();
        long period = ttl.toNanos() / REFRESHES_PER_TTL;
        refresher.scheduleWithFixedDelay(this::refresh, period, period, TimeUnit.NANOSECONDS);
    }

    /** Tries to put the key; returns whether it is ours. It never is once this is closed. */
    boolean becomeLeader() {
        if (closing.isDone()) {
            return false;
        }
        Held own = lease();
        while (true) {
            KeysClient.Outcome put = keys.putIfAbsent(key, value, own.lease.id()).join();
            KeyEntry found = put.found();
            if (!put.isDone() && (found == null || !own.lease.id().equals(found.lease()))) {
                return false;
            }
            if (put.epoch() >= 0) {      // else the group was recovered meanwhile: before the key was put, or after?
                token = FencingToken.of(put.epoch(), found == null ? put.version() : found.createIndex());
                return leads();
            }
        }
    }

    /** Whether the lease is certainly not over: by the clock here, without asking anybody. */
    boolean leads() {
        Held own = held;
        return own != null && !closing.isDone() && own.endNanos - System.nanoTime() > 0;
    }

    /** Of the office that was won last. */
    long fencingToken() {
        return token;
    }

    /** Returns true when the key is gone; it may be there again by then. Returns false when this is closed. */
    boolean waitForNextElection() {
        CompletableFuture<KeysClient.Listing> listed = keys.list(key);
        if (!awaitUnlessClosed(listed)) {
            return false;
        }
        KeysClient.Listing seen = listed.join();
        if (seen.entries().stream().noneMatch(entry -> entry.key().equals(key))) {
            return true;
        }
        CompletableFuture<Void> gone = new CompletableFuture<>();
        KeyWatch.Listener listener = new KeyWatch.Listener() {
            @Override
            public void onChanges(List<KeyChange> changes) {
                if (changes.stream().anyMatch(change -> change.isDeletion() && change.key().equals(key))) {
                    gone.complete(null);
                }
            }

            @Override
            public void onMissed() {
                gone.complete(null);        // perhaps: whoever tries to put the key finds out
            }
        };
        try (KeyWatch watch = keys.watch(key, seen.index(), listener, Runnable::run)) {
            assert watch != null;
            return awaitUnlessClosed(gone);
        }
    }

    /** Waits for this, and no longer than until {@link #close} is called: returns whether it was not. Throws what it ends with. */
    private boolean awaitUnlessClosed(CompletableFuture<?> awaited) {
        try {
            CompletableFuture.anyOf(closing, awaited).join();
        } catch (CompletionException e) {
            if (!closing.isDone()) {
                throw e;
            }
        }
        return !closing.isDone();
    }

    private Held lease() {
        Held own = held;
        if (own == null || !leads()) {
            int epoch = client.epoch();
            long before = System.nanoTime();            // the lease's time begins no earlier
            KeysClient.Lease granted = keys.grant(ttl).join();
            own = new Held(granted, epoch, before + certain(granted.ttl()));
            held = own;
        }
        return own;
    }

    private void refresh() {
        Held own = held;
        if (own == null || !leads()) {
            return;         // whoever was told that it is over is not told that it is not
        }
        long before = System.nanoTime();
        keys.refresh(own.lease.id()).whenComplete((isThere, failure) -> {
            boolean isKept = isThere && client.epoch() == own.epoch;     // a recovered group may know the lease, and not the key
            if (failure == null && isKept && own.endNanos - System.nanoTime() > 0) {
                own.endNanos = before + certain(own.lease.ttl());
            } else if (failure == null && !isKept) {
                own.endNanos = System.nanoTime();
            }
        });
    }

    private static long certain(Duration ttl) {
        return ttl.toNanos() / 1000 * (1000 - DRIFT_PERMILLE);
    }

    /**
     * Revokes the lease: the key goes with it, and the others' watches tell. First of all whoever {@linkplain #waitForNextElection waits}
     * is let go, whatever the group says to that.
     *
     * @throws CompletionException if the lease could not be revoked: it ends by itself
     */
    @Override
    public void close() {
        closing.complete(null);
        refresher.shutdown();
        Held own = held;
        held = null;
        try {
            if (own != null) {
                keys.revoke(own.lease.id()).join();
            }
        } finally {
            keys.close();
        }
    }
}
