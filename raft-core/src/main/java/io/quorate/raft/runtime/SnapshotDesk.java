package io.quorate.raft.runtime;

import io.quorate.raft.RaftObserver;
import io.quorate.raft.ServerStoppedException;
import io.quorate.raft.SnapshotInfo;
import io.quorate.raft.SnapshotPolicy;
import io.quorate.raft.StateMachine;
import io.quorate.raft.Storage;
import io.quorate.raft.core.SnapshotId;
import java.util.ArrayList;
import java.util.List;
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

    private static final Logger LOG = LoggerFactory.getLogger(SnapshotDesk.class);

    private final Storage storage;
    private final SnapshotTaker taker;
    private final SnapshotTrigger trigger;
    private final RaftObserver observer;
    private final List<SnapshotCompletion> asked = new ArrayList<>();     // for the next one
    private final List<SnapshotCompletion> served = new ArrayList<>();    // by the one being made
    private boolean isMaking;
    private volatile boolean isUnable;                  // the machine has no snapshots
    private volatile @Nullable SnapshotInfo newest;
    private volatile @Nullable String problem;

    SnapshotDesk(SnapshotPolicy policy, RandomGenerator random, Storage storage, SnapshotTaker taker, RaftObserver observer) {
        this.storage = storage;
        this.taker = taker;
        this.observer = observer;
        trigger = new SnapshotTrigger(policy, random);
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
    void ask(SnapshotCompletion completion) {
        asked.add(completion);
    }

    /** Captures the state if that is due, and if there is something new to capture. */
    void look(StateMachine machine, AppliedState applied, long nowNanos) {
        if (isMaking || asked.isEmpty() && (isUnable || !trigger.isDue(storage.logBytes(), nowNanos))) {
            return;
        }
        SnapshotId id = applied.snapshotId();
        SnapshotInfo known = newest;
        if (id == null || id.index() == 0) {
            failAsked(new IllegalStateException("Nothing happened: nothing has been applied yet that a snapshot could hold"));
        } else if (known != null && known.last().equals(id.last())) {
            completeAll(asked, known);
        } else {
            capture(machine, id, new StateHeader(applied.lastToldIndex()), nowNanos);
        }
    }

    private void capture(StateMachine machine, SnapshotId id, StateHeader header, long nowNanos) {
        StateMachine.Snapshot state;
        try {
            state = machine.snapshot();
        } catch (RuntimeException e) {
            served.addAll(asked);
            asked.clear();
            onFailed(e, nowNanos);
            return;
        }
        isUnable = state == null;
        if (state == null) {
            failAsked(new UnsupportedOperationException("Nothing happened: the state machine has no snapshots; override snapshot() and "
                + "restore(InputStream)"));
            return;
        }
        served.addAll(asked);
        asked.clear();
        isMaking = taker.add(new SnapshotTaker.Capture(id, header, state));
    }

    /** The one that was being made is durable, or there is none because of this. */
    void onEnded(@Nullable SnapshotInfo info, @Nullable Throwable failure, long nowNanos) {
        isMaking = false;
        if (info == null) {
            onFailed(failure == null ? new IllegalStateException("the storage keeps no snapshots") : failure, nowNanos);
            return;
        }
        SnapshotInfo known = newest;
        if (known == null || known.index() < info.index()) {
            LOG.info("A snapshot of {} bytes up to entry {} is durable", info.bytes(), info.last());
            observe(() -> observer.onSnapshotTaken(info));
        }
        problem = null;
        onStored(info);
        completeAll(served, info);
    }

    private void onFailed(Throwable failure, long nowNanos) {
        trigger.onFailed(nowNanos);
        problem = "the last snapshot failed, so the log is kept and grows: " + failure;
        LOG.warn("A snapshot failed; the log is kept and grows, and the next is tried after a pause", failure);
        observe(() -> observer.onSnapshotFailed(failure));
        List<SnapshotCompletion> failed = List.copyOf(served);
        served.clear();
        failed.forEach(completion -> completion.failed(failure));
    }

    /** After how many nanoseconds to look again; {@link Long#MAX_VALUE} if nothing but applying makes a difference. */
    long nanosUntil(long nowNanos) {
        return isMaking || isUnable ? Long.MAX_VALUE : trigger.nanosUntil(nowNanos);
    }

    void close(@Nullable Throwable cause) {
        served.addAll(asked);
        asked.clear();
        List<SnapshotCompletion> left = List.copyOf(served);
        served.clear();
        left.forEach(completion -> completion.failed(stopped(cause)));
    }

    static ServerStoppedException stopped(@Nullable Throwable cause) {
        return new ServerStoppedException("No snapshot was made: this server has stopped", cause);
    }

    private void failAsked(RuntimeException why) {
        List<SnapshotCompletion> failed = List.copyOf(asked);
        asked.clear();
        failed.forEach(completion -> completion.failed(why));
    }

    private static void completeAll(List<SnapshotCompletion> waiting, SnapshotInfo info) {
        List<SnapshotCompletion> done = List.copyOf(waiting);
        waiting.clear();
        done.forEach(completion -> completion.done(info));
    }

    private static void observe(Runnable call) {
        try {
            call.run();
        } catch (RuntimeException e) {
            LOG.warn("The observer failed; nothing else is affected", e);
        }
    }
}
