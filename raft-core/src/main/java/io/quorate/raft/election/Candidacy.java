package io.quorate.raft.election;

import io.quorate.raft.Helm;
import io.quorate.raft.core.ReplicaId;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One replica's candidacy for the application's lead, which is that of its group: grants a term of office when the replica leads, holds a
 * lease and has applied all of earlier terms, ends it when one of these ends, and passes the group's lead on when the application gives its
 * own back or cannot do the work.
 *
 * <p>One term of the group may see several terms of office: after a lease that ran out and came back, or after a hand-over for which nobody
 * was there. Each has an index of the log for its fencing token that no other was given; if there is none, an entry is asked for that makes
 * one.
 *
 * <p>It has no thread: {@link #turn} looks at everything, and is to be called when {@link Wake} says so, and when
 * {@link #nanosUntilDeadline} are over. One thread at a time.
 */
final class Candidacy {

    /** For how long a candidate that has given the office back lets others go first, if the group's lead stayed with it. */
    static final long REST_NANOS = 1_000_000_000L;

    private static final Logger LOG = LoggerFactory.getLogger(Candidacy.class);
    private static final int MARKS_PER_TIMEOUT = 4;

    /** How the group's lead is moved. */
    interface Lead {

        /** To this node, or 0 for the best of the others. Completes in bounded time, on any thread. */
        CompletionStage<?> handOver(int toNode);
    }

    /** How it is told that a turn is due. Called on any thread, the raft thread among them: it must return at once. */
    interface Wake {
        void wake();
    }

    private final ReplicaId self;
    private final Helm helm;
    private final Lead lead;
    private final Wake wake;
    private final LongSupplier nanoClock;
    private final Office<GroupLeadership> office;
    private final StateBoard board = new StateBoard();
    private final Runnable watcher;

    private Helm.@Nullable Reign reign;              // in which the present term of office was granted; null if there was none
    private boolean isMarking;                       // an index was asked for
    private long markDeadline;                       // when to ask again; meaningful then
    private boolean isPassingOn;                     // the lead was passed on, and passing on is not to be tried again at once
    private long passOnDeadline;                     // meaningful then
    private volatile long restDeadline;              // until then it rests, after it has given the office back; meaningful if it ever has
    private volatile boolean hasRested;

    Candidacy(ReplicaId self, Helm helm, Lead lead, Wake wake, LeaderTask<? super GroupLeadership> task, Executor executor,
              Office.Patience patience, LongUnaryOperator random, LongSupplier nanoClock) {
        this.self = self;
        this.helm = helm;
        this.lead = lead;
        this.wake = wake;
        this.nanoClock = nanoClock;
        office = new Office<>(task, executor, patience, random, nanoClock, new OfficeHands());
        watcher = wake::wake;
        helm.watch(watcher);
    }

    StateBoard board() {
        return board;
    }

    boolean isCallingFrom(Thread thread) {
        return office.isCallingFrom(thread);
    }

    /** Stands no more, and gives the office back. Completes when the task has stopped and the office is with somebody else. */
    CompletionStage<Void> close() {
        return office.close();
    }

    /** The end: after {@link #close} has completed, or was waited for long enough. */
    void end() {
        helm.unwatch(watcher);
        office.lose();
        board.post(new LeaderState.Unknown());
    }

    /** The replica has stopped, or looks like it: what it held is lost. */
    void lose() {
        office.lose();
    }

    /** Looks at everything. */
    void turn() {
        Helm.View view = helm.view();
        Helm.Reign current = view.reign();
        if (reign != null && (reign != current || !reign.isOn())) {
            office.lose();
            reign = null;
        }
        office.onTime();
        long now = nanoClock.getAsLong();
        boolean isLeading = current != null && current.isOn();
        boolean isUnable = isLeading && office.isUnable();
        boolean isFree = isLeading && !isUnable && !isResting(now) && office.isVacant()
            && Validity.remainingNanos(current.leaseEndNanos(), now) > 0;
        isPassingOn = isPassingOn && isUnable;
        isMarking = isMarking && isFree;
        if (isUnable) {
            passOn(now);
        } else if (isFree) {
            take(current, now);
        }
        board.post(stateOf(view));
    }

    private boolean isResting(long now) {
        return hasRested && now - restDeadline < 0;
    }

    /** For how long {@link #turn} need not be called unless something wakes it; {@link Office#NEVER} if there is no need. */
    long nanosUntilDeadline() {
        long now = nanoClock.getAsLong();
        long nanos = office.nanosUntilDeadline();
        nanos = isMarking ? Math.min(nanos, Math.max(0, markDeadline - now)) : nanos;
        nanos = isPassingOn ? Math.min(nanos, Math.max(0, passOnDeadline - now)) : nanos;
        return isResting(now) ? Math.min(nanos, restDeadline - now) : nanos;
    }

    @Override
    public String toString() {
        return "Candidacy[" + self + ", " + office + ", " + board.state() + "]";
    }

    /** This replica leads its group, and nothing but an index is missing. */
    private void take(Helm.Reign current, long now) {
        long index = current.takeIndex();
        if (index == 0) {
            mark(current, now);
            return;
        }
        isMarking = false;
        reign = current;
        office.grant(FencingToken.of(current.epoch(), index), new ReignValidity(current), term -> new GroupTerm(term, current));
    }

    /** It leads, and could do the work, but there is no index for its token: not all is applied yet, or there is nothing new in the log. */
    private void mark(Helm.Reign current, long now) {
        if (!current.isUsedUp()) {
            isMarking = false;             // the view tells when there is one
        } else if (!isMarking || now - markDeadline >= 0) {
            isMarking = true;
            markDeadline = now + Math.max(1, helm.electionTimeoutNanos() / MARKS_PER_TIMEOUT);
            helm.mark();
        }
    }

    /** It leads, and cannot do the work. */
    private void passOn(long now) {
        if (!isPassingOn || now - passOnDeadline >= 0) {
            isPassingOn = true;
            passOnDeadline = now + helm.electionTimeoutNanos();
            lead.handOver(0).whenComplete((done, failure) -> {
                if (failure != null) {
                    LOG.info("Replica {} leads its group and cannot do the leader's work, and nobody else can be handed the lead: {}", self,
                        String.valueOf(failure.getMessage()));
                }
            });
        }
    }

    private LeaderState stateOf(Helm.View view) {
        GroupLeadership holder = office.holder();
        if (holder != null) {
            return new LeaderState.Leader(holder);
        }
        ReplicaId leader = view.leader();
        if (leader == null || leader.equals(self)) {
            return new LeaderState.Unknown();     // who leads the group and not the application knows nobody who does
        }
        String address = view.leaderAddress();
        return new LeaderState.Follower(address == null ? "node " + leader.nodeId() : address);
    }

    private record ReignValidity(Helm.Reign reign) implements Validity {

        @Override
        public long endNanos() {
            return reign.leaseEndNanos();
        }

        @Override
        public long lastEndNanos() {
            return reign.lastLeaseEndNanos();
        }
    }

    private final class OfficeHands implements Office.Hands<GroupLeadership> {

        @Override
        public CompletionStage<?> giveAway(GroupLeadership leadership, Leadership.Reason why) {
            restDeadline = nanoClock.getAsLong() + REST_NANOS;
            hasRested = true;
            return lead.handOver(leadership instanceof GroupTerm own ? own.successor : 0);
        }

        @Override
        public void changed() {
            wake.wake();
        }
    }

    /** What the task is told. */
    private static final class GroupTerm implements GroupLeadership {

        private final Term term;
        private final Helm.Reign reign;
        private volatile int successor;

        private GroupTerm(Term term, Helm.Reign reign) {
            this.term = term;
            this.reign = reign;
        }

        @Override
        public long term() {
            return reign.term();
        }

        @Override
        public long fencingToken() {
            return term.fencingToken();
        }

        @Override
        public boolean isValid() {
            return term.isValid();
        }

        @Override
        public Duration remaining() {
            return term.remaining();
        }

        @Override
        public CompletionStage<Reason> revoked() {
            return term.revoked();
        }

        @Override
        public CompletionStage<Void> resign() {
            return term.resign();
        }

        @Override
        public CompletionStage<Void> resign(int preferredNodeId) {
            if (preferredNodeId < 1) {
                return CompletableFuture.failedStage(new IllegalArgumentException("A node id is 1 or more, not " + preferredNodeId));
            }
            successor = preferredNodeId;
            return term.resign();
        }

        @Override
        public String toString() {
            return term.toString();
        }
    }
}
