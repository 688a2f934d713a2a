package io.quorate.raft.election;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns what happens to a candidate's terms of office into calls of its {@link LeaderTask}: one {@code stop} for each {@code start}, never
 * two calls at a time, and the office is given to somebody else only after {@code stop} has returned, if it was not lost.
 *
 * <pre>
 *   VACANT --granted--> STARTING --returned--> HELD --resign, lost--> STOPPING --returned--> VACANT
 *                          |                                             ^      ^
 *                          +---- threw; or it has ended meanwhile -------+      |
 *                          +---- refused by the executor -----------------------+
 * </pre>
 * Given back of one's own will, a term stays valid until {@code stop} has returned, and then the layer below is told to give it away. Lost,
 * it is not valid from that moment on, and {@code stop} is called as soon as {@code start} has returned. A {@code start} or {@code stop}
 * that takes too long is not waited for: the office goes, and the call is overtaken by another term of office elsewhere, but never here.
 * A {@code start} that the task's executor refuses has failed, and no {@code stop} follows, for nothing has begun; a {@code stop} that it
 * refuses is owed all the same, and another thread does it.
 *
 * <p>It has no thread and no timer. Whoever owns it calls {@link #onTime} when {@link #deadline} has come, also if that is in the past
 * already, and looks again at both, and at {@link #isVacant}, whenever {@link Hands#changed} is called. All methods may be called from any
 * thread; nothing of the user or of the owner is called with its lock held.
 *
 * @param <L> what the task is told
 */
final class Office<L extends Leadership> {

    /** There is no deadline. */
    static final long NEVER = Long.MAX_VALUE;

    private static final Logger LOG = LoggerFactory.getLogger(Office.class);

    /**
     * The layer below.
     *
     * @param <L> what the task is told
     */
    interface Hands<L> {

        /**
         * Lets others have the office: this term is over, of this candidate's own will. Called once for each term that was not lost. The
         * next is not granted before the stage has completed, however it does; so that must be bounded in time.
         */
        CompletionStage<?> giveAway(L leadership, Leadership.Reason why);

        /** Something has changed. */
        void changed();
    }

    /**
     * How long the task may take.
     *
     * @param start after that, the office goes to somebody else
     * @param stop  after that, others are let in though it has not returned
     */
    record Patience(Duration start, Duration stop) {

        /** Half a minute for each. */
        static final Patience DEFAULT = new Patience(Duration.ofSeconds(30), Duration.ofSeconds(30));

        Patience {
            if (start.isNegative() || start.isZero() || stop.isNegative() || stop.isZero()) {
                throw new IllegalArgumentException("A task has more than no time, not " + start + " to start and " + stop + " to stop");
            }
        }
    }

    private enum Phase { VACANT, STARTING, HELD, STOPPING }

    private final LeaderTask<? super L> task;
    private final Executor executor;
    private final Patience patience;
    private final Backoff backoff;
    private final LongSupplier nanoClock;
    private final Hands<? super L> hands;

    private volatile @Nullable Thread caller;     // of the task, while it is being called

    // Guarded by this.
    private Phase phase = Phase.VACANT;
    private @Nullable Tenancy<L> tenancy;         // null exactly while vacant
    private long lastToken;                       // of all terms granted here, the highest
    private boolean isBackingOff;
    private long backoffEndNanos;                 // meaningful then
    private boolean isClosed;
    private long closeDeadlineNanos;              // of a task that had begun then; meaningful once closed, while there is a tenancy
    private final CompletableFuture<Void> closed = new CompletableFuture<>();

    /** A term with what the task is told in its place, and how far it is. */
    private static final class Tenancy<L> {
        private final Term term;
        private final L face;
        private Leadership.@Nullable Reason reason;   // why it ends or has ended; set once
        private boolean isOwed;                       // to others: it is to be given away, and has not been
        private boolean isGivingAway;                 // that is under way
        private long deadlineNanos;                   // of what runs; meaningful while something does
        private boolean isAwaited;                    // and while this is set
        private boolean isOverdue;                    // start was not waited for
        private boolean hasReturned;                  // stop has

        private Tenancy(Term term, L face) {
            this.term = term;
            this.face = face;
        }
    }

    /**
     * An office without a holder.
     *
     * @param executor  runs the task
     * @param random    of a number, one from 0 up to before it
     * @param nanoClock monotonic, the clock of all validities
     */
    Office(LeaderTask<? super L> task, Executor executor, Patience patience, LongUnaryOperator random, LongSupplier nanoClock,
           Hands<? super L> hands) {
        this.task = task;
        this.executor = executor;
        this.patience = patience;
        backoff = new Backoff(random);
        this.nanoClock = nanoClock;
        this.hands = hands;
    }

    /** Whether a term could begin now: the last one is through with everything, and the candidate is willing. */
    synchronized boolean isVacant() {
        return phase == Phase.VACANT && !isClosed && !(isBackingOff && nanoClock.getAsLong() - backoffEndNanos < 0);
    }

    /**
     * Whether this candidate could not do the work lately, or is not through yet with what it was not waited for: somebody else had better
     * do it.
     */
    synchronized boolean isUnable() {
        Tenancy<L> current = tenancy;
        return current == null ? !isClosed && isBackingOff && nanoClock.getAsLong() - backoffEndNanos < 0
            : current.term.isOver() && (current.isOverdue || current.reason == Leadership.Reason.START_FAILED);
    }

    /** Whether the task is being told something, on this very thread. */
    boolean isCallingFrom(Thread thread) {
        return thread == caller;
    }

    /** The term that has begun and is not over, if there is one. */
    synchronized @Nullable L holder() {
        Tenancy<L> current = tenancy;
        return current == null || current.term.isOver() ? null : current.face;
    }

    /**
     * A term of office begins.
     *
     * @param fencingToken higher than all before
     * @param validity     how long it lasts
     * @param face         what the task is told for it
     * @return what the task is told; null if this office is not vacant, and then nothing has happened
     */
    @Nullable L grant(long fencingToken, Validity validity, Function<Term, ? extends L> face) {
        List<Runnable> orders = new ArrayList<>();
        L told;
        synchronized (this) {
            if (!isVacant()) {
                return null;
            }
            if (fencingToken <= lastToken) {
                throw new IllegalStateException("Token " + FencingToken.toString(fencingToken) + " was granted after "
                    + FencingToken.toString(lastToken) + "; whoever is guarded by it would refuse the new leader");
            }
            lastToken = fencingToken;
            isBackingOff = false;
            Term term = new Term(this, fencingToken, validity, nanoClock);
            told = face.apply(term);
            Tenancy<L> begun = new Tenancy<>(term, told);
            tenancy = begun;
            phase = Phase.STARTING;
            begun.isAwaited = true;
            begun.deadlineNanos = nanoClock.getAsLong() + patience.start.toNanos();
            orders.add(() -> offer(() -> task.start(begun.face), failure -> started(begun, failure),
                refusal -> refused(begun, refusal)));
            orders.add(hands::changed);
        }
        orders.forEach(Runnable::run);
        return told;
    }

    /** The present term is lost: somebody else may hold the office. Nothing, if there is none. */
    void lose() {
        List<Runnable> orders = new ArrayList<>();
        synchronized (this) {
            if (tenancy != null) {
                lose(tenancy, orders);
            }
        }
        orders.forEach(Runnable::run);
    }

    /** This term is to be given back; nothing if it is over. */
    void resign(Term term) {
        List<Runnable> orders = new ArrayList<>();
        synchronized (this) {
            if (tenancy != null && tenancy.term == term) {
                leave(tenancy, Leadership.Reason.RESIGNED, orders);
            }
        }
        orders.forEach(Runnable::run);
    }

    /**
     * No term begins any more, and the present one is given back. Completes when that is done and the task has stopped; with an exception
     * if it has not when it has had all its time to start and to stop once more: its executor may have dropped it.
     */
    CompletionStage<Void> close() {
        List<Runnable> orders = new ArrayList<>();
        synchronized (this) {
            if (tenancy == null) {
                isClosed = true;
                orders.add(() -> closed.complete(null));
            } else {
                if (!isClosed) {
                    isClosed = true;
                    closeDeadlineNanos = nanoClock.getAsLong() + patience.start.toNanos() + patience.stop.toNanos();
                }
                leave(tenancy, Leadership.Reason.CLOSED, orders);
            }
        }
        orders.forEach(Runnable::run);
        return closed.minimalCompletionStage();
    }

    /** Looks what the time has brought. */
    void onTime() {
        List<Runnable> orders = new ArrayList<>();
        long now = nanoClock.getAsLong();
        synchronized (this) {
            Tenancy<L> current = tenancy;
            if (current != null) {
                if (!current.term.isOver() && current.term.nanosUntilLost() == 0) {
                    lose(current, orders);
                }
                if (current.isAwaited && now - current.deadlineNanos >= 0) {
                    current.isAwaited = false;
                    onOverdue(current, orders);
                }
            }
            if (isBackingOff && now - backoffEndNanos >= 0) {
                isBackingOff = false;
                orders.add(hands::changed);
            }
            if (isStoppingLast() && now - closeDeadlineNanos >= 0) {
                orders.add(() -> closed.completeExceptionally(new IllegalStateException("The task has not stopped within " + patience.start
                    + " and " + patience.stop + ", the times that it has to start and to stop: it may still be at work, or its executor "
                    + "has dropped it")));
            }
        }
        orders.forEach(Runnable::run);
    }

    /** Whether somebody waits for the last term to be over. With the lock held. */
    private boolean isStoppingLast() {
        return isClosed && tenancy != null && !closed.isDone();
    }

    /** For how many nanoseconds {@link #onTime} need not be called; {@link #NEVER} if nothing is waited for. */
    long nanosUntilDeadline() {
        long now = nanoClock.getAsLong();
        synchronized (this) {
            long nanos = isBackingOff ? Math.max(0, backoffEndNanos - now) : NEVER;
            Tenancy<L> current = tenancy;
            if (current != null && !current.term.isOver()) {
                nanos = Math.min(nanos, current.term.nanosUntilLost());
            }
            if (current != null && current.isAwaited) {
                nanos = Math.min(nanos, Math.max(0, current.deadlineNanos - now));
            }
            if (isStoppingLast()) {
                nanos = Math.min(nanos, Math.max(0, closeDeadlineNanos - now));
            }
            return nanos;
        }
    }

    @Override
    public synchronized String toString() {
        return "Office[" + phase + (tenancy == null ? "" : " " + tenancy.term) + (isClosed ? ", closed" : "") + "]";
    }

    // ------------------------------------------------------------------------------------------------------------ with the lock held

    private void lose(Tenancy<L> lost, List<Runnable> orders) {
        if (lost.term.isOver()) {
            return;
        }
        if (lost.reason == null) {
            lost.reason = Leadership.Reason.LOST;
        }
        lost.isOwed = false;          // there is nothing left to give
        revoke(lost, orders);
        orders.add(() -> lost.term.whenGone().complete(null));
        if (phase == Phase.HELD) {
            stop(lost, orders);
        }
    }

    private void leave(Tenancy<L> left, Leadership.Reason why, List<Runnable> orders) {
        if (left.reason != null) {
            return;                   // it ends already
        }
        left.reason = why;
        left.isOwed = true;
        if (phase == Phase.HELD) {
            stop(left, orders);       // else as soon as start has returned
        }
    }

    private void started(Tenancy<L> begun, @Nullable Throwable failure) {
        List<Runnable> orders = new ArrayList<>();
        synchronized (this) {
            begun.isAwaited = false;
            if (failure != null) {
                LOG.warn("The leader's work could not be started with token {}", FencingToken.toString(begun.term.fencingToken()), failure);
                fail(begun);
            } else if (!begun.isOverdue) {
                backoff.reset();
            }
            phase = Phase.HELD;
            if (begun.reason != null) {
                stop(begun, orders);
            }
            orders.add(hands::changed);
        }
        orders.forEach(Runnable::run);
    }

    /** There was no thread for start, and there will be none: nothing has begun, so nothing is stopped. */
    private void refused(Tenancy<L> begun, Throwable refusal) {
        List<Runnable> orders = new ArrayList<>();
        LOG.warn("The executor of the leader's work refuses to start it with token {}; the office is given back",
            FencingToken.toString(begun.term.fencingToken()), refusal);
        synchronized (this) {
            begun.isAwaited = false;
            fail(begun);
            begun.hasReturned = true;
            giveAway(begun, orders);
            vacate(begun, orders);
        }
        orders.forEach(Runnable::run);
    }

    private void fail(Tenancy<L> begun) {
        if (begun.isOverdue) {
            return;                          // others are in already, and this candidate backs off
        }
        backOff();
        if (begun.reason == null) {
            begun.reason = Leadership.Reason.START_FAILED;
            begun.isOwed = true;
        }
    }

    private void stop(Tenancy<L> ended, List<Runnable> orders) {
        Leadership.Reason why = ended.reason;
        if (why == null) {
            throw new IllegalStateException("Nothing stops without a reason");
        }
        phase = Phase.STOPPING;
        ended.isAwaited = ended.isOwed;      // else nobody waits for it
        ended.deadlineNanos = nanoClock.getAsLong() + patience.stop.toNanos();
        Step step = () -> task.stop(ended.face, why);
        End end = failure -> stopped(ended, failure);
        orders.add(() -> offer(step, end, refusal -> {
            // Not here, for this thread waits for nothing; and not never, or the work would go on, and the next term could not begin.
            LOG.warn("The executor of the leader's work refuses to stop it; another thread does", refusal);
            CompletableFuture.runAsync(() -> end.of(failureOf(step)));
        }));
        orders.add(hands::changed);
    }

    private void stopped(Tenancy<L> ended, @Nullable Throwable failure) {
        List<Runnable> orders = new ArrayList<>();
        if (failure != null) {
            LOG.warn("The leader's work did not stop well; it counts as ended", failure);
        }
        synchronized (this) {
            ended.isAwaited = false;
            ended.hasReturned = true;
            giveAway(ended, orders);
            vacate(ended, orders);
        }
        orders.forEach(Runnable::run);
    }

    private void onOverdue(Tenancy<L> slow, List<Runnable> orders) {
        String token = FencingToken.toString(slow.term.fencingToken());
        if (phase == Phase.STARTING) {
            LOG.warn("The leader's work has not started with token {} after {}; others are let in, and this candidate cannot stand again "
                + "before it returns", token, patience.start);
            if (slow.reason == null) {
                slow.reason = Leadership.Reason.START_TOO_SLOW;
                slow.isOwed = true;
            }
            slow.isOverdue = true;
            backOff();
        } else {
            LOG.warn("The leader's work has not stopped with token {} after {}; others are let in all the same", token, patience.stop);
        }
        giveAway(slow, orders);
    }

    private void backOff() {
        isBackingOff = true;
        backoffEndNanos = nanoClock.getAsLong() + backoff.pauseNanos();
    }

    /** The term is over, and others are let in, if that is still owed to them. */
    private void giveAway(Tenancy<L> ended, List<Runnable> orders) {
        Leadership.Reason why = ended.reason;
        if (!ended.isOwed || why == null) {
            return;
        }
        ended.isOwed = false;
        ended.isGivingAway = true;
        revoke(ended, orders);
        orders.add(() -> hands.giveAway(ended.face, why).whenComplete((nothing, failure) -> givenAway(ended, failure)));
    }

    private void givenAway(Tenancy<L> ended, @Nullable Throwable failure) {
        List<Runnable> orders = new ArrayList<>();
        synchronized (this) {
            ended.isGivingAway = false;
            if (failure == null) {
                orders.add(() -> ended.term.whenGone().complete(null));
            } else {
                orders.add(() -> ended.term.whenGone().completeExceptionally(failure));
            }
            vacate(ended, orders);
        }
        orders.forEach(Runnable::run);
    }

    private void revoke(Tenancy<L> ended, List<Runnable> orders) {
        Leadership.Reason why = ended.reason;
        ended.term.end();             // before anybody is told
        orders.add(() -> ended.term.whenRevoked().complete(why));
        orders.add(hands::changed);
    }

    private void vacate(Tenancy<L> ended, List<Runnable> orders) {
        if (!ended.hasReturned || ended.isGivingAway) {
            return;
        }
        tenancy = null;
        phase = Phase.VACANT;
        if (isClosed) {
            orders.add(() -> closed.complete(null));
        }
        orders.add(hands::changed);
    }

    // ----------------------------------------------------------------------------------------------------------------- the executor

    /** What may throw anything. */
    private interface Step {
        void run() throws Exception;
    }

    /** What is told how that ended. */
    private interface End {
        void of(@Nullable Throwable failure);
    }

    /** Has the executor do this, or tells that it refuses: one of the two, whatever it does. */
    private void offer(Step step, End end, Consumer<Throwable> onRefusal) {
        AtomicBoolean isSettled = new AtomicBoolean();
        try {
            executor.execute(() -> {
                if (isSettled.compareAndSet(false, true)) {
                    end.of(failureOf(step));
                }
            });
        } catch (RuntimeException | Error e) {     // it was shut down, or is full; or the system has no thread for it
            if (isSettled.compareAndSet(false, true)) {
                onRefusal.accept(e);
            } else {
                LOG.warn("The executor of the leader's work did what it was given, and throws", e);
            }
        }
    }

    private @Nullable Throwable failureOf(Step step) {
        caller = Thread.currentThread();
        try {
            step.run();
            return null;
        } catch (Throwable e) {       // whatever it is: a step without an end would hold the office for ever
            if (e instanceof InterruptedException) {
                Thread.currentThread().interrupt();
            }
            return e;
        } finally {
            caller = null;
        }
    }
}
