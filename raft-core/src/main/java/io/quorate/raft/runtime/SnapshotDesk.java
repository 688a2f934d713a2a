package io.quorate.raft.runtime;

import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.OverloadedException;
import io.quorate.raft.RaftObserver;
import io.quorate.raft.ServerStoppedException;
import io.quorate.raft.SnapshotInfo;
import io.quorate.raft.SnapshotPolicy;
import io.quorate.raft.StateMachine;
import io.quorate.raft.Storage;
import io.quorate.raft.core.SnapshotId;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides when the state machine is captured, and answers whoever has asked for a snapshot.
 *
 * <p>One snapshot is made at a time. What is asked for meanwhile waits for the next, since the one being written may lack what the asker
 * has seen. A snapshot that fails changes nothing: the log is kept, somebody is told, and the next is tried after a pause.
 *
 * <p>The apply thread's, but for what says that any may ask.
 */
final class SnapshotDesk {

    /** How many wishes may be open at once: for a snapshot, or for a copy of one. */
    static final int WISHES_MAX = 64;

    private static final Logger LOG = LoggerFactory.getLogger(SnapshotDesk.class);

    private final Custody custody = new Custody();                       // of the applier's tables, which these lists belong to
    private final Storage storage;
    private final SnapshotTaker taker;
    private final SnapshotTrigger trigger;
    private final RaftObserver observer;
    private final AtomicInteger open = new AtomicInteger();              // wishes, wherever they are
    private final List<Wish> asked = new ArrayList<>();                  // for the next one
    private final List<Wish> served = new ArrayList<>();                 // by the one being made
    private final List<Wish> copied = new ArrayList<>();                 // to their files, now or soon
    private boolean isMaking;
    private boolean isRenewalDue;                       // the newest one is too old
    private boolean isReplacementDue;                   // it cannot be relied on
    private volatile boolean isUnable;                  // the machine has no snapshots
    private volatile @Nullable SnapshotInfo newest;
    private volatile @Nullable String problem;

    SnapshotDesk(SnapshotPolicy policy, RandomGenerator random, Storage storage, SnapshotTaker taker, RaftObserver observer) {
        this.storage = storage;
        this.taker = taker;
        this.observer = observer;
        trigger = new SnapshotTrigger(policy, random);
    }

    Custody custody() {
        return custody;
    }

    /** A new wish, or null if too many are open. Any thread. */
    @Nullable Wish wish(@Nullable Path target, long deadlineNanos, SnapshotCompletion completion) {
        if (open.incrementAndGet() > WISHES_MAX) {
            open.decrementAndGet();
            return null;
        }
        return new Wish(target, deadlineNanos, completion, open);
    }

    /** What is the matter with snapshots, in words, or null. Any thread. */
    @Nullable String problem() {
        return problem;
    }

    /** Whether the machine has snapshots; believed until it has been asked for one. Any thread. */
    boolean isAble() {
        return !isUnable;
    }

    /** How long the log becomes before the next snapshot is taken. Any thread. */
    long logBytesMax() {
        return trigger.logBytesMax();
    }

    /** How long the newest snapshot is; 0 if there is none. Any thread. */
    long newestBytes() {
        SnapshotInfo known = newest;
        return known == null ? 0 : known.bytes();
    }

    /** This is the newest one from now on: found at the start, or installed. */
    void onStored(SnapshotInfo snapshot) {
        newest = snapshot;
        trigger.onSnapshot(snapshot.bytes());
    }

    /** Somebody wants a snapshot of what is applied now, at least. */
    void ask(Wish wish) {
        if (!wish.isEnded()) {
            asked.add(wish);
        }
    }

    /**
     * Another one is wanted as soon as there is anything new to capture.
     *
     * @param isDamaged also if there is nothing new: the log that led to the newest one may be gone, and who needs it would have nothing
     */
    void renew(boolean isDamaged) {
        isRenewalDue = true;
        isReplacementDue |= isDamaged;
    }

    /** Captures the state if that is due, and if there is something new to capture. */
    void look(StateMachine machine, AppliedState applied, long nowNanos) {
        if (isMaking || asked.isEmpty() && (isUnable || !isDue(applied, nowNanos))) {
            return;
        }
        SnapshotId id = applied.snapshotId();
        SnapshotInfo known = newest;
        if (id == null || id.index() == 0) {
            failAsked(new IllegalStateException("Nothing happened: nothing has been applied yet that a snapshot could hold"));
        } else if (isCovered(id, known) && !isReplacementDue) {
            fulfilAll(asked, known);
        } else {
            capture(machine, id, isCovered(id, known), new StateHeader(applied.lastToldIndex()), nowNanos);
        }
    }

    private boolean isDue(AppliedState applied, long nowNanos) {
        return trigger.isDue(storage.logBytes(), nowNanos) || mayRenew(applied, nowNanos);
    }

    private boolean mayRenew(AppliedState applied, long nowNanos) {
        if (!isRenewalDue || trigger.isPausing(nowNanos)) {
            return false;
        }
        SnapshotId id = applied.snapshotId();
        SnapshotInfo known = newest;
        return id != null && (id.index() > (known == null ? 0 : known.index()) || isReplacementDue && isCovered(id, known));
    }

    private static boolean isCovered(SnapshotId id, @Nullable SnapshotInfo known) {
        return known != null && known.last().equals(id.last());
    }

    private void capture(StateMachine machine, SnapshotId id, boolean isReplacing, StateHeader header, long nowNanos) {
        StateMachine.Snapshot state;
        served.addAll(asked);
        asked.clear();
        try {
            state = machine.snapshot();
        } catch (Exception e) {       // likewise
            onFailed(e, nowNanos);
            return;
        }
        isUnable = state == null;
        if (state == null) {
            failAll(served, new UnsupportedOperationException("Nothing happened: the state machine has no snapshots; override"
                + " snapshot() and restore(InputStream)"));
            return;
        }
        isMaking = taker.add(new SnapshotTaker.Capture(id, isReplacing, header, state));
    }

    /** The one that was being made is durable, or there is none because of this. */
    void onEnded(@Nullable SnapshotInfo info, boolean isReplaced, @Nullable Throwable failure, long nowNanos) {
        isMaking = false;
        if (info == null) {
            onFailed(failure == null ? new IllegalStateException("the storage keeps no snapshots") : failure, nowNanos);
            return;
        }
        SnapshotInfo known = newest;
        isReplacementDue = false;       // of one that is replaced, or older, or with which nothing is wrong
        if (known == null || known.index() < info.index() || isReplaced) {
            isRenewalDue = false;
            LOG.info("A snapshot of {} bytes up to entry {} is durable", info.bytes(), info.last());
            observe(() -> observer.onSnapshotTaken(info));
        }
        problem = null;
        onStored(info);
        fulfilAll(served, info);
    }

    private void onFailed(Throwable failure, long nowNanos) {
        trigger.onFailed(nowNanos);
        problem = "the last snapshot failed, so the log is kept and grows: " + failure;
        LOG.warn("A snapshot failed; the log is kept and grows, and the next is tried after a pause", failure);
        observe(() -> observer.onSnapshotFailed(failure));
        failAll(served, failure);
    }

    // ---- deadlines

    /** Whether this wish's time is up, before anything was done for it; then its caller is told. */
    boolean isExpired(Wish wish, long nowNanos, Sweep sweep) {
        return isOver(wish, nowNanos, sweep, () -> new OverloadedException("Nothing happened: no snapshot was begun in time, for this"
            + " replica's state machine is busy, or another snapshot is being written; try again"));
    }

    /** Gives up the wishes whose time is up; whatever is being written for them goes on. */
    void expire(long nowNanos, Sweep sweep) {
        asked.removeIf(wish -> isExpired(wish, nowNanos, sweep));
        served.removeIf(wish -> isOver(wish, nowNanos, sweep, () -> new OutcomeUnknownException("Perhaps it happens: the snapshot was still"
            + " being written when the call's time was up, and may become durable yet; ask again, and see what it covers")));
        copied.removeIf(wish -> isOver(wish, nowNanos, sweep, () -> new OutcomeUnknownException("Perhaps it happened: the snapshot is"
            + " durable here, but the copy of it was not finished when the call's time was up, and is given up; see whether the"
            + " file is there")));
    }

    private boolean isOver(Wish wish, long nowNanos, Sweep sweep, Supplier<RuntimeException> why) {
        if (wish.isEnded()) {
            return true;
        }
        if (!wish.isExpired(nowNanos)) {
            sweep.include(wish.deadlineNanos());
            return false;
        }
        if (wish.fail(why.get())) {
            custody.tellLater(wish);
        }
        return true;
    }

    /** After how many nanoseconds to look again; {@link Long#MAX_VALUE} if nothing but applying makes a difference. */
    long nanosUntil(long nowNanos) {
        return isMaking || isUnable ? Long.MAX_VALUE : trigger.nanosUntil(nowNanos);
    }

    void close(@Nullable Throwable cause) {
        failAll(asked, stopped(cause));
        failAll(served, stopped(cause));
        failAll(copied, stopped(cause));
    }

    static ServerStoppedException stopped(@Nullable Throwable cause) {
        return new ServerStoppedException("No snapshot was made: this server has stopped", cause);
    }

    private void failAsked(RuntimeException why) {
        failAll(asked, why);
    }

    private void failAll(List<Wish> wishes, Throwable why) {
        for (Wish wish : wishes) {
            if (wish.fail(why)) {
                custody.tellLater(wish);
            }
        }
        wishes.clear();
    }

    /** This snapshot is durable; for a copy there is more to do. */
    private void fulfilAll(List<Wish> wishes, SnapshotInfo info) {
        for (Wish wish : wishes) {
            if (wish.target() != null) {
                copied.removeIf(Wish::isEnded);
                copied.add(wish);
                taker.copy(wish);       // false only if the server stops, which ends it
            } else if (wish.fulfil(info)) {
                custody.tellLater(wish);
            }
        }
        wishes.clear();
    }

    private void observe(Runnable call) {
        try {
            custody.outside(call);
        } catch (Exception e) {       // also one that its method does not declare
            LOG.warn("The observer failed; nothing else is affected", e);
        }
    }
}
