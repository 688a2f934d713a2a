package io.quorate.raft.election;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Helm;
import io.quorate.raft.core.ReplicaId;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** When the lead of a group makes a leader of the application. */
class CandidacyTest {

    private static final long SECOND = 1_000_000_000L;
    private static final ReplicaId SELF = new ReplicaId(1, 11);
    private static final ReplicaId OTHER = new ReplicaId(2, 22);

    private final List<String> told = new ArrayList<>();
    private final Queue<Runnable> executor = new ArrayDeque<>();
    private final List<Integer> handedTo = new ArrayList<>();
    private final Table helm = new Table();
    private CompletableFuture<Void> handedOver = new CompletableFuture<>();
    private long now = 77 * SECOND;
    private @Nullable RuntimeException failure;
    private @Nullable GroupLeadership leadership;     // the last one that was started

    private final Candidacy candidacy = new Candidacy(SELF, helm, this::handOver, () -> { }, new Task(), executor::add,
        new Office.Patience(Duration.ofSeconds(10), Duration.ofSeconds(10)), bound -> bound - 1, () -> now);

    /** A helm as the test sets it. */
    private static final class Table implements Helm {

        private View view = new View(0, null, null, null);
        private int marks;

        @Override
        public View view() {
            return view;
        }

        @Override
        public boolean hasLeases() {
            return true;
        }

        @Override
        public long electionTimeoutNanos() {
            return SECOND;
        }

        @Override
        public void watch(Runnable onChange) { }

        @Override
        public void unwatch(Runnable onChange) { }

        @Override
        public void mark() {
            marks++;
        }
    }

    private static final class Lead implements Helm.Reign {

        private final long term;
        private long leaseEndNanos = FOREVER;
        private boolean isOn = true;
        private final Queue<Long> indexes = new ArrayDeque<>();
        private boolean isUsedUp;

        private Lead(long term) {
            this.term = term;
        }

        @Override
        public long term() {
            return term;
        }

        @Override
        public int epoch() {
            return 3;
        }

        @Override
        public long leaseEndNanos() {
            return leaseEndNanos;
        }

        @Override
        public long lastLeaseEndNanos() {
            return leaseEndNanos;
        }

        @Override
        public boolean isOn() {
            return isOn;
        }

        @Override
        public long takeIndex() {
            Long next = indexes.poll();
            return next == null ? 0 : next;
        }

        @Override
        public boolean isUsedUp() {
            return isUsedUp;
        }
    }

    private final class Task implements LeaderTask<GroupLeadership> {

        @Override
        public void start(GroupLeadership begun) {
            leadership = begun;
            told.add("start " + FencingToken.toString(begun.fencingToken()));
            RuntimeException thrown = failure;
            if (thrown != null) {
                throw thrown;
            }
        }

        @Override
        public void stop(GroupLeadership ended, Leadership.Reason why) {
            told.add("stop " + FencingToken.toString(ended.fencingToken()) + " " + why);
        }
    }

    private CompletionStage<?> handOver(int toNode) {
        handedTo.add(toNode);
        return handedOver;
    }

    private void turn() {
        do {
            candidacy.turn();
            for (Runnable next = executor.poll(); next != null; next = executor.poll()) {
                next.run();
            }
            candidacy.turn();
        } while (!executor.isEmpty());
    }

    private Lead lead(long term, long... indexes) {
        Lead lead = new Lead(term);
        for (long index : indexes) {
            lead.indexes.add(index);
        }
        helm.view = new Helm.View(term, SELF, "a:1", lead);
        return lead;
    }

    private GroupLeadership started() {
        GroupLeadership begun = leadership;
        if (begun == null) {
            throw new AssertionError("nothing was started");
        }
        return begun;
    }

    @Test
    void whoLeadsWithALeaseAndAnIndexIsStarted() {
        lead(5, 40);
        turn();

        assertEquals(List.of("start 3:40"), told);
        assertEquals(FencingToken.of(3, 40), started().fencingToken());
        assertEquals(5, started().term());
        assertTrue(started().isValid());
        assertEquals(new LeaderState.Leader(started()), candidacy.board().state());
    }

    @Test
    void whoLeadsWithoutALeaseIsNot() {
        Lead lead = lead(5, 40);
        lead.leaseEndNanos = now;
        turn();

        assertEquals(List.of(), told);
        assertEquals(new LeaderState.Unknown(), candidacy.board().state(), "nobody leads the application");
        lead.leaseEndNanos = now + 1;
        turn();
        assertEquals(List.of("start 3:40"), told);
    }

    @Test
    void whoLeadsAndHasNotAppliedEnoughWaits() {
        Lead lead = lead(5);
        turn();

        assertEquals(List.of(), told);
        assertEquals(0, helm.marks, "the index is on its way");
        assertEquals(Office.NEVER, candidacy.nanosUntilDeadline(), "the helm tells when it is there");
        lead.indexes.add(40L);
        turn();
        assertEquals(List.of("start 3:40"), told);
    }

    @Test
    void whatItHoldsEndsWithItsReign() {
        Lead lead = lead(5, 40);
        turn();

        lead.isOn = false;
        turn();

        assertFalse(started().isValid());
        assertEquals(List.of("start 3:40", "stop 3:40 LOST"), told);
    }

    @Test
    void anotherReignIsAnotherTermOfOffice() {
        lead(5, 40);
        turn();
        GroupLeadership first = started();

        lead(7, 60);
        turn();

        assertFalse(first.isValid());
        assertEquals(List.of("start 3:40", "stop 3:40 LOST", "start 3:60"), told);
    }

    @Test
    void anOfficeWhoseLeaseRanOutIsTakenAgainWithAnotherIndex() {
        Lead lead = lead(5, 40);
        lead.leaseEndNanos = now + SECOND;
        turn();
        now += SECOND;
        turn();
        assertEquals(List.of("start 3:40", "stop 3:40 LOST"), told);

        lead.isUsedUp = true;
        lead.leaseEndNanos = now + 9 * SECOND;
        turn();
        assertEquals(1, helm.marks);
        assertEquals(2, told.size());
        now += candidacy.nanosUntilDeadline();
        turn();
        assertEquals(2, helm.marks, "the first may have been lost");

        lead.isUsedUp = false;
        lead.indexes.add(44L);
        turn();
        assertEquals(List.of("start 3:40", "stop 3:40 LOST", "start 3:44"), told);
    }

    @Test
    void aResignationHandsTheGroupsLeadOverAndLetsOthersGoFirst() {
        Lead lead = lead(5, 40, 44);
        turn();

        CompletableFuture<Void> resigned = started().resign().toCompletableFuture();
        turn();

        assertEquals(List.of(0), handedTo);
        assertEquals(List.of("start 3:40", "stop 3:40 RESIGNED"), told);
        handedOver.completeExceptionally(new IllegalStateException("nobody is there"));
        assertTrue(resigned.isCompletedExceptionally());
        turn();
        assertEquals(2, told.size(), "it rests");
        assertEquals(Candidacy.REST_NANOS, candidacy.nanosUntilDeadline());
        now += Candidacy.REST_NANOS;
        turn();
        assertEquals(List.of("start 3:40", "stop 3:40 RESIGNED", "start 3:44"), told);
        assertTrue(lead.isOn());
    }

    @Test
    void aSuccessorMayBePreferred() {
        lead(5, 40);
        turn();
        assertTrue(started().resign(0).toCompletableFuture().isCompletedExceptionally());
        assertTrue(started().isValid());

        started().resign(2);
        turn();

        assertEquals(List.of(2), handedTo);
    }

    @Test
    void whoIsElectedAndCannotStartHandsTheLeadOnAgainAndAgain() {
        failure = new IllegalStateException("the work cannot be done");
        handedOver.complete(null);
        lead(5, 40);
        turn();
        assertEquals(List.of("start 3:40", "stop 3:40 START_FAILED"), told);
        assertEquals(0, handedTo.get(0));
        int before = handedTo.size();

        lead(9, 80);
        turn();
        assertEquals(2, told.size(), "it backs off");
        assertEquals(before, handedTo.size(), "not all the time");
        now += SECOND - 1;
        turn();
        assertTrue(handedTo.size() == before, handedTo::toString);

        now += 1;
        turn();
        assertEquals("start 3:80", told.get(2));
    }

    @Test
    void whoseStartHangsAndIsElectedHandsTheLeadOn() {
        handedOver.complete(null);
        lead(5, 40);
        candidacy.turn();
        now += 10 * SECOND;
        candidacy.turn();
        assertEquals(0, handedTo.get(0));
        int before = handedTo.size();

        lead(9, 80);
        now += 60 * SECOND;
        candidacy.turn();

        assertEquals(before + 1, handedTo.size());
        assertEquals(1, executor.size(), "nothing is started beside it");
    }

    @Test
    void whomItFollowsIsSaidAndWhatIsNotKnownIsNotSaid() {
        helm.view = new Helm.View(5, OTHER, "b:1", null);
        turn();
        assertEquals(new LeaderState.Follower("b:1"), candidacy.board().state());

        helm.view = new Helm.View(5, OTHER, null, null);
        turn();
        assertEquals(new LeaderState.Follower("node 2"), candidacy.board().state());

        helm.view = new Helm.View(6, null, null, null);
        turn();
        assertEquals(new LeaderState.Unknown(), candidacy.board().state());
    }

    @Test
    void whoIsClosedIsStartedNoMore() {
        assertTrue(candidacy.close().toCompletableFuture().isDone());
        lead(5, 40);
        turn();

        assertNull(leadership);
        assertEquals(List.of(), handedTo);
        candidacy.end();
        assertEquals(new LeaderState.Unknown(), candidacy.board().state());
    }
}
