package io.quorate.raft.election;

import io.quorate.raft.RequestFailedException;
import io.quorate.raft.ServerStoppedException;
import io.quorate.raft.SessionEndedException;
import io.quorate.raft.client.Session;
import io.quorate.raft.election.KeyResult.Reason;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps one lease of a client alive, in a session of its own; when it is lost, gets another.
 *
 * <p><b>For how long a lease is held</b> is reckoned from the moment <em>before</em> the command that granted or refreshed it was proposed.
 * The group counts its time to live from a later moment, in replicated time, which runs no faster than real time; so it ends the lease no
 * earlier than when the time to live has passed since the earlier moment. By how much the clock here may be too slow is taken off. When
 * that time is up here, the lease is lost for good, whether the group has ended it or not: whoever was told that it was over is not told
 * that it was not.
 *
 * <p><b>A group that was recovered</b> from a lost quorum may know the lease and not the keys that were put with it since, or know keys
 * again that were deleted. So a lease is refreshed in the epoch in which it was granted and in no other: it is given back with all that
 * goes with it, and another is got.
 *
 * <p>It is used, and uses its listener, on one strand.
 */
final class LeaseKeeper {

    private static final Logger LOG = LoggerFactory.getLogger(LeaseKeeper.class);

    private static final int REFRESHES_PER_TTL = 3;
    private static final long PAUSE_MIN_NANOS = Duration.ofMillis(20).toNanos();
    private static final long PAUSE_MAX_NANOS = Duration.ofSeconds(1).toNanos();
    private static final Duration SESSION_TIMEOUT_MIN = Duration.ofMinutes(1);
    private static final int SESSION_TIMEOUT_TTLS = 10;

    /** Who is told. */
    interface Listener {

        /** There is a lease. */
        void onHeld(Hold hold);

        /** It is over. */
        void onLost(Hold hold);

        /** There will be no lease any more: the client is closed. */
        void onClosed();
    }

    /** A lease while it is held here. Its end may be asked by any thread. */
    final class Hold implements Validity {

        private final LeaseId lease;
        private final Session session;
        private final long ttlNanos;         // as the group allows it
        private final int epoch;             // of the group when it was asked for
        private volatile long endNanos;      // on the clock here; ENDED when it is over

        private Hold(LeaseId lease, Session session, long ttlNanos, int epoch, long endNanos) {
            this.lease = lease;
            this.session = session;
            this.ttlNanos = ttlNanos;
            this.epoch = epoch;
            this.endNanos = endNanos;
        }

        LeaseId lease() {
            return lease;
        }

        @Override
        public long endNanos() {
            return endNanos;
        }

        boolean isHeld() {
            return Validity.remainingNanos(endNanos, group.nanoTime()) > 0;
        }

        /** Proposes a command that has to do with this lease. */
        void propose(KeyCommand command, BiConsumer<@Nullable KeyResult, @Nullable Throwable> answer) {
            LeaseKeeper.this.propose(session, command, callTimeout, answer);
        }
    }

    private final Group group;
    private final Strand strand;
    private final Listener listener;
    private final Duration ttl;
    private final int driftPermille;
    private final Duration callTimeout;

    private @Nullable Session session;
    private @Nullable Hold hold;
    private @Nullable LeaseId leftBehind;                 // which may live, and whose session has ended
    private boolean isClosed;
    private boolean isRefreshing;
    private long refreshedNanos;                          // when the last refresh that was answered was proposed
    private long pauseNanos = PAUSE_MIN_NANOS;
    private boolean isWarned;                             // that there is something wrong with the group

    /** @param driftPermille by how many thousandths the clock here may be too slow */
    LeaseKeeper(Group group, Strand strand, Duration ttl, int driftPermille, Duration callTimeout, Listener listener) {
        this.group = group;
        this.strand = strand;
        this.ttl = ttl;
        this.driftPermille = driftPermille;
        this.callTimeout = callTimeout;
        this.listener = listener;
    }

    void start() {
        open();
    }

    /** The lease, if one is held. */
    @Nullable Hold hold() {
        return hold != null && hold.isHeld() ? hold : null;
    }

    /** Something suggests that the group has ended this lease: asks. */
    void doubt(Hold doubted) {
        if (doubted == hold && !isRefreshing) {
            refresh(doubted);
        }
    }

    /** The group has said that it has ended this lease, or that it does not know the session in which that was kept. */
    void onGone(Hold gone) {
        lose(gone, !gone.session.isOpen());      // who has lost his session has not lost his lease for that
    }

    /** Gives the lease back, and with it all that goes with it; completes when that is done, or has failed. */
    CompletableFuture<Void> close() {
        CompletableFuture<Void> closed = new CompletableFuture<>();
        isClosed = true;
        Hold last = hold;
        Session used = session;
        hold = null;
        session = null;
        if (last == null || used == null) {
            if (used != null) {
                used.close();
            }
            closed.complete(null);
            return closed;
        }
        last.endNanos = Validity.ENDED;
        last.propose(new KeyCommand.Revoke(last.lease), (result, failure) -> {
            used.close();
            if (failure == null) {
                closed.complete(null);
            } else {
                closed.completeExceptionally(failure);     // the lease ends when its time is up
            }
        });
        return closed;
    }

    // --------------------------------------------------------------------------------------------------------------------- opening

    private void open() {
        if (isClosed) {
            return;
        }
        Session present = session;
        if (present != null && present.isOpen()) {
            grant(present);
            return;
        }
        Duration timeout = ttl.multipliedBy(SESSION_TIMEOUT_TTLS);
        CompletableFuture<Session> opened = group.openSession(new Session.Options(
            timeout.compareTo(SESSION_TIMEOUT_MIN) > 0 ? timeout : SESSION_TIMEOUT_MIN, callTimeout));
        opened.whenComplete((begun, failure) -> strand.execute(() -> {
            if (begun == null) {
                again(failure);
            } else if (isClosed) {
                begun.close();
            } else {
                session = begun;
                revokeLeftBehind();
                grant(begun);
            }
        }));
    }

    private void grant(Session begun) {
        int epoch = group.epoch();
        long before = group.nanoTime();
        propose(begun, new KeyCommand.Grant(ttl.toNanos(), group.drawNumber()), callTimeout, (result, failure) -> {
            if (!(result instanceof KeyResult.Granted granted)) {
                again(failure != null ? failure : new IllegalStateException("a lease was refused: " + result));
                return;
            }
            Hold begunHold = new Hold(granted.lease(), begun, granted.ttlNanos(), epoch, before + validNanos(granted.ttlNanos()));
            if (isClosed || !begunHold.isHeld()) {
                revoke(begunHold);
                again(null);
                return;
            }
            pauseNanos = PAUSE_MIN_NANOS;
            isWarned = false;
            hold = begunHold;
            refreshedNanos = before;
            isRefreshing = false;
            refreshLater(begunHold);
            watchTheEnd(begunHold);
            listener.onHeld(begunHold);
        });
    }

    private long validNanos(long ttlNanos) {
        return ttlNanos / 1000 * (1000 - driftPermille);
    }

    private void again(@Nullable Throwable failure) {
        Throwable why = failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        if (isClosed) {
            return;
        }
        if (why instanceof ServerStoppedException) {
            isClosed = true;
            listener.onClosed();
            return;
        }
        boolean isOdd = why instanceof IllegalStateException || why instanceof IllegalArgumentException
            || why instanceof RequestFailedException;
        if (isOdd && !isWarned) {
            // Time alone does not mend that: no LeasedKeys there, no sessions around them, or no room.
            LOG.warn("No lease yet, and the group may be another than is needed; tried again: {}", why.toString());
            isWarned = true;
        } else if (why != null) {
            LOG.info("No lease yet: {}", why.toString());
        }
        long pause = pauseNanos / 2 + group.random(pauseNanos);
        pauseNanos = Math.min(2 * pauseNanos, PAUSE_MAX_NANOS);
        group.after(pause, () -> strand.execute(this::open));
    }

    // ------------------------------------------------------------------------------------------------------------------ refreshing

    private void refreshLater(Hold held) {
        group.after(Math.max(0, refreshedNanos + held.ttlNanos / REFRESHES_PER_TTL - group.nanoTime()), () -> strand.execute(() -> {
            if (held == hold && !isRefreshing) {
                refresh(held);
            }
        }));
    }

    /** One refresh is on its way at a time, and is not waited for for long: if its answer is lost, another still comes in time. */
    private void refresh(Hold held) {
        long before = group.nanoTime();
        isRefreshing = true;
        Duration patience = Duration.ofNanos(Math.max(1, held.ttlNanos / REFRESHES_PER_TTL));
        propose(held.session, new KeyCommand.Refresh(held.lease), patience, (result, failure) -> {
            if (held != hold) {
                return;
            }
            isRefreshing = false;
            if (result instanceof KeyResult.Done && group.epoch() != held.epoch) {
                lose(held, "The group was recovered, and may not know what went with it", true);
            } else if (result instanceof KeyResult.Done) {
                if (held.isHeld()) {      // else it has been over in the meantime, and stays so
                    held.endNanos = before + validNanos(held.ttlNanos);
                    refreshedNanos = before;
                    refreshLater(held);
                }
            } else if (result instanceof KeyResult.Refused || failure instanceof SessionEndedException) {
                lose(held, !(result instanceof KeyResult.Refused));
            } else if (failure instanceof ServerStoppedException) {
                isClosed = true;
                lose(held, false);
                listener.onClosed();
            } else {
                group.after(PAUSE_MIN_NANOS / 2 + group.random(PAUSE_MIN_NANOS), () -> strand.execute(() -> {
                    if (held == hold && !isRefreshing) {
                        refresh(held);
                    }
                }));
            }
        });
    }

    private void watchTheEnd(Hold held) {
        long left = Validity.remainingNanos(held.endNanos, group.nanoTime());
        group.after(left, () -> strand.execute(() -> {
            if (held == hold && held.isHeld()) {
                watchTheEnd(held);
            } else {
                lose(held, true);
            }
        }));
    }

    private void lose(Hold lost, boolean mayLive) {
        lose(lost, mayLive ? "Its time was up here before it was refreshed" : "The group does not know it any more", mayLive);
    }

    private void lose(Hold lost, String why, boolean mayLive) {
        if (lost != hold) {
            return;
        }
        LOG.info("Lease {} is lost: {}", lost.lease, why);
        lost.endNanos = Validity.ENDED;
        hold = null;
        isRefreshing = false;
        if (mayLive) {
            revoke(lost);       // or others would wait for it, and for nothing
        }
        try {
            listener.onLost(lost);
        } finally {
            again(null);
        }
    }

    private void revoke(Hold lost) {
        revoke(lost.session, lost.lease);
    }

    private void revoke(Session in, LeaseId lost) {
        propose(in, new KeyCommand.Revoke(lost), callTimeout, (result, failure) -> {
            if (failure instanceof SessionEndedException) {
                leftBehind = lost;
                revokeLeftBehind();
            } else if (failure != null) {
                LOG.info("Lease {} could not be revoked, and ends when its time is up: {}", lost, failure.toString());
            }
        });
    }

    /** The group has forgotten the session, and not the lease: it is ended in the next session, or others would wait for its time. */
    private void revokeLeftBehind() {
        LeaseId lost = leftBehind;
        Session present = session;
        if (lost != null && present != null && present.isOpen()) {
            leftBehind = null;
            revoke(present, lost);
        }
    }

    // ------------------------------------------------------------------------------------------------------------------- proposing

    /** Exactly one of the two is given to the answer, on the strand. */
    private void propose(Session in, KeyCommand command, Duration timeout, BiConsumer<@Nullable KeyResult, @Nullable Throwable> answer) {
        CompletableFuture<byte[]> proposed;
        try {
            proposed = in.propose(command.encode(), timeout);
        } catch (RuntimeException e) {
            proposed = CompletableFuture.failedFuture(e);
        }
        proposed.whenComplete((bytes, failure) -> strand.execute(() -> {
            if (failure != null) {
                answer.accept(null, failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure);
                return;
            }
            KeyResult result;
            try {
                result = KeyResult.decode(bytes);
            } catch (IllegalArgumentException e) {
                answer.accept(null, new IllegalStateException("The group has not answered as LeasedKeys does: " + e.getMessage(), e));
                return;
            }
            answer.accept(result, null);
        }));
    }

    /** Whether the group does not know the lease any more. */
    static boolean isGone(@Nullable KeyResult result, @Nullable Throwable failure) {
        return failure instanceof SessionEndedException
            || result instanceof KeyResult.Refused refused && refused.reason() == Reason.NO_SUCH_LEASE;
    }
}
