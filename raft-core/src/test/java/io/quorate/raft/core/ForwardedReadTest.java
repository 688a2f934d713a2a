package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.T;
import static io.quorate.raft.core.Cluster.id;
import static io.quorate.raft.core.Cluster.members;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.core.Refusal.Reason;
import io.quorate.raft.testing.RecordedEffects.Readable;
import io.quorate.raft.testing.RecordedEffects.Refuse;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Reads asked of a replica that does not lead: linearizable ones, and those that may be so stale. */
class ForwardedReadTest {

    @Test
    void aReadAtAFollowerIsAnsweredWithWhatTheLeaderHasCommitted() {
        Cluster c = leaderOfThree();
        c.propose(1);
        c.settle(1, 3);
        c.dropAll();
        assertEquals(1, c.commit(2));   // it does not know of that yet
        long read = c.read(2);
        assertEquals(List.of(), c.takeEffects(2, Readable.class));
        c.settle(2, 1);
        assertEquals(List.of(new Readable(read, 2, Long.MAX_VALUE)), c.takeEffects(2, Readable.class));
    }

    /** What it reads from counts for nothing; that it reads does no harm. */
    @Test
    void aLearnerReadsToo() {
        Cluster c = withLearner();
        long read = c.read(4);
        c.settle();
        assertEquals(List.of(new Readable(read, 1, Long.MAX_VALUE)), c.takeEffects(4, Readable.class));
    }

    /** The leader must be confirmed by others than who asks, unless that is a voter: its question is no echo. */
    @Test
    void theQuestionItselfConfirmsNothing() {
        Cluster c = withLearner();
        c.read(4);
        c.settle(1, 4);   // the leader and the learner are no quorum
        assertEquals(List.of(), c.takeEffects(4, Readable.class));
        c.settle(1, 2, 4);
        assertEquals(1, c.takeEffects(4, Readable.class).size());
    }

    /** As for the leader's own reads: nothing was committed in its term, so it does not know yet what is. */
    @Test
    void noQuestionIsAnsweredBeforeAnEntryOfTheLeadersTermIsCommitted() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.deliver(Message.AppendEntries.class, 1, 2);   // it knows the leader; its disk has nothing yet
        c.read(2);
        c.deliver(Message.ReadRequest.class, 2, 1);
        for (int i = 0; i < 5; i++) {   // rounds are echoed, but nothing is durable
            c.timeout(1);
            List<Message> messages = c.network();
            c.dropAll();
            messages.forEach(c::deliver);
        }
        assertEquals(List.of(), c.history(Message.ReadAnswer.class, 1, 2));
        c.settle();
        assertEquals(1, c.takeEffects(2, Readable.class).size());
    }

    @Test
    void allThatWaitShareAQuestionAndThoseBehindThemOneMore() {
        Cluster c = leaderOfThree();
        c.batch(2, new Event.Read(101), new Event.Read(102));
        c.batch(2, new Event.Read(103));
        c.batch(2, new Event.Read(104));
        assertEquals(1, c.history(Message.ReadRequest.class, 2, 1).size());
        c.settle();
        assertEquals(List.of(101L, 102L, 103L, 104L), c.takeEffects(2, Readable.class).stream().map(Readable::requestId).toList());
        assertEquals(2, c.history(Message.ReadRequest.class, 2, 1).size());
    }

    /** The answer may be older than the read. */
    @Test
    void aReadThatArrivesWhileAQuestionIsUnderWayIsNotAnsweredByIt() {
        Cluster c = leaderOfThree();
        c.read(2);
        c.settle(1, 3);
        c.deliver(Message.ReadRequest.class, 2, 1);
        c.settle(1, 3);
        Message.ReadAnswer answer = c.take(Message.ReadAnswer.class, 1, 2);
        c.propose(1);
        c.settle(1, 3);
        c.takeEffects(2, Readable.class);
        long late = c.read(2);   // must see that
        c.deliver(answer);
        assertTrue(c.takeEffects(2, Readable.class).stream().noneMatch(readable -> readable.requestId() == late));
        c.settle();
        assertEquals(List.of(new Readable(late, 2, Long.MAX_VALUE)), c.takeEffects(2, Readable.class));
    }

    @Test
    void aLostQuestionOrAnswerIsMadeUpForAfterAHeartbeatInterval() {
        Cluster c = leaderOfThree();
        c.read(2);
        c.take(Message.ReadRequest.class, 2, 1);
        long before = c.now();
        c.timeout(2);
        assertEquals(before + T / 10, c.now());
        c.deliver(Message.ReadRequest.class, 2, 1);
        c.settle(1, 3);
        c.take(Message.ReadAnswer.class, 1, 2);
        c.timeout(2);
        c.settle();
        assertEquals(1, c.takeEffects(2, Readable.class).size());
        List<Long> ids = c.history(Message.ReadRequest.class, 2, 1).stream().map(Message.ReadRequest::id).toList();
        assertEquals(3, ids.stream().distinct().count());
    }

    /** The way there and back may take longer than the interval after which it is asked again. */
    @Test
    void anAnswerThatComesLateIsStillGoodForWhatWaitedWhenItsQuestionWasAsked() {
        Cluster c = leaderOfThree();
        long first = c.read(2);
        Message.ReadRequest question = c.take(Message.ReadRequest.class, 2, 1);
        long second = c.read(2);
        c.timeout(2);   // asks again, for both
        c.deliver(question);
        c.settle(1, 3);
        c.deliver(Message.ReadAnswer.class, 1, 2);
        assertEquals(List.of(new Readable(first, 1, Long.MAX_VALUE)), c.takeEffects(2, Readable.class));
        c.settle();
        assertEquals(List.of(new Readable(second, 1, Long.MAX_VALUE)), c.takeEffects(2, Readable.class));
    }

    /** It was for who waited before: whoever reads now must see what has been acknowledged since. */
    @Test
    void aRepeatedAnswerAnswersNobodyElse() {
        Cluster c = leaderOfThree();
        c.read(2);
        c.settle();
        c.takeEffects(2, Readable.class);
        Message.ReadAnswer old = c.history(Message.ReadAnswer.class, 1, 2).get(0);
        c.propose(1);
        c.settle(1, 3);
        c.read(2);
        c.deliver(old);
        assertEquals(List.of(), c.takeEffects(2, Readable.class));
    }

    /** Questions are counted in memory, so each start counts from somewhere else. */
    @Test
    void anAnswerFromBeforeARestartAnswersNobody() {
        Cluster c = leaderOfThree();
        c.read(2);
        c.settle(1, 3);
        c.deliver(Message.ReadRequest.class, 2, 1);
        c.settle(1, 3);
        Message.ReadAnswer old = c.take(Message.ReadAnswer.class, 1, 2);
        c.restart(2);
        c.heartbeat(1, 3);
        c.deliver(Message.AppendEntries.class, 1, 2);
        c.read(2);
        assertNotEquals(old.id(), c.sent(Message.ReadRequest.class, 2, 1).get(0).id());
        c.deliver(old);
        assertEquals(List.of(), c.takeEffects(2, Readable.class));
    }

    @Test
    void anAnswerOfAnEarlierTermCountsForNothingAndTheNewLeaderIsAsked() {
        Cluster c = leaderOfThree();
        long read = c.read(2);
        c.deliver(Message.ReadRequest.class, 2, 1);
        c.settle(1, 3);
        Message.ReadAnswer late = c.take(Message.ReadAnswer.class, 1, 2);
        c.dropAll();
        c.elect(3, 2);
        c.settle(3, 2);
        assertEquals(List.of(new Readable(read, 2, Long.MAX_VALUE)), c.takeEffects(2, Readable.class));   // it waited for no interval
        long next = c.read(2);
        c.deliver(late);
        assertEquals(List.of(), c.takeEffects(2, Readable.class));
        c.settle(3, 2);
        assertEquals(List.of(new Readable(next, 2, Long.MAX_VALUE)), c.takeEffects(2, Readable.class));
    }

    /** A question that comes late to whom it was put asks for nothing that it could tell. */
    @Test
    void whoDoesNotLeadAnswersNoQuestion() {
        Cluster c = leaderOfThree();
        c.deliver(new Message.ReadRequest(id(2), id(3), 1, 5));
        c.timeout(3);
        c.deliver(new Message.ReadRequest(id(2), id(3), 1, 5));
        c.settle();
        assertEquals(List.of(), c.history(Message.ReadAnswer.class, 3, 2));
    }

    @Test
    void aStrangersQuestionIsNotAnswered() {
        Cluster c = Cluster.of(RaftConfig.DEFAULT, Cluster.voters(3), 0, "", "", "", "");
        c.elect(1, 2, 3);
        c.settle();
        c.deliver(new Message.ReadRequest(id(4), id(1), 1, 5));
        c.settle();
        assertEquals(List.of(), c.history(Message.ReadAnswer.class, 1, 4));
    }

    // ---- who leads, and whether

    @Test
    void readsWaitUntilALeaderIsKnown() {
        Cluster c = Cluster.of(3);
        long first = c.read(2);
        c.elect(2, 1, 3);   // meanwhile it is follower, pre-candidate, candidate, leader
        long third = c.read(3);
        c.settle();
        assertEquals(List.of(new Readable(first, 1, Long.MAX_VALUE)), c.takeEffects(2, Readable.class));
        assertEquals(List.of(new Readable(third, 1, Long.MAX_VALUE)), c.takeEffects(3, Readable.class));
        assertEquals(0, c.node(2).status().backlog().waitingReads());
        assertEquals(0, c.node(3).status().backlog().waitingReads());
    }

    /** Or, where nobody leads, they would fill the room for those whose callers still wait. */
    @Test
    void aReadThatNobodyWaitsForAnyMoreIsForgotten() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        long first = c.read(2);
        long second = c.read(2);
        c.dropAll();
        c.step(2, new Event.Abandoned(first), 0);
        assertEquals(1, c.node(2).status().backlog().waitingReads());
        c.step(2, new Event.Abandoned(first), 0);   // told again
        c.timeout(2);
        c.settle();
        assertEquals(List.of(new Readable(second, 1, Long.MAX_VALUE)), c.takeEffects(2, Readable.class));
        long third = c.read(2);
        c.dropAll();
        c.step(2, new Event.Abandoned(third), 0);
        c.pass(T / 10);
        c.tick(2);
        assertEquals(List.of(), c.network());   // and nobody is asked on its behalf
    }

    @Test
    void readsBeyondTheBoundAreRefusedAsOverload() {
        Cluster c = leaderOfThree();
        List<Event> reads = new ArrayList<>();
        for (int i = 0; i <= ForwardedReads.WAITING_MAX; i++) {
            reads.add(new Event.Read(1000 + i));
        }
        c.batch(2, reads.toArray(Event[]::new));
        assertEquals(List.of(new Refuse(1000 + ForwardedReads.WAITING_MAX, new Refusal(Reason.OVERLOADED, null))),
            c.takeEffects(2, Refuse.class));
        c.settle();
        assertEquals(ForwardedReads.WAITING_MAX, c.takeEffects(2, Readable.class).size());
    }

    /** However often it asks: its newer question serves all that the one before was asked for. */
    @Test
    void oneQuestionOfEachReplicaWaitsAtTheLeader() {
        ReadQueue queue = new ReadQueue();
        queue.add(7);
        queue.roundBegins(1, 5);
        for (int i = 0; i < 100; i++) {
            queue.add(new ReadQueue.Question(id(2), i));
            queue.add(new ReadQueue.Question(id(3), i));
        }
        List<ReadQueue.Question> answered = new ArrayList<>();
        queue.takeConfirmed(1, request -> assertEquals(7, request), answered::add);
        assertEquals(List.of(), answered);
        assertTrue(queue.wantsRound());
        queue.roundBegins(2, 5);
        queue.takeConfirmed(2, request -> assertEquals(0, request), answered::add);
        assertEquals(List.of(new ReadQueue.Question(id(2), 99), new ReadQueue.Question(id(3), 99)), answered);
    }

    /** A cut-off leader does not know what is committed elsewhere, and who hears it only learns nothing from it. */
    @Test
    void aDeposedLeaderAnswersNoQuestion() {
        Cluster c = Cluster.of(5);
        c.elect(1, 2, 3, 4, 5);
        c.settle();
        c.elect(3, 4, 5);
        c.propose(3);
        c.settle(3, 4, 5);
        c.read(2);   // it still follows the old leader
        for (int i = 0; i < 15; i++) {
            c.heartbeat(1, 2);
        }
        assertEquals(RoleName.LEADER, c.role(1));
        assertEquals(List.of(), c.takeEffects(2, Readable.class));
        c.settle();
        c.heartbeat(3);
        assertEquals(List.of(3L), c.takeEffects(2, Readable.class).stream().map(Readable::index).toList());
    }

    // ---- at most so stale

    @Test
    void aConfirmedIndexServesAgainForSoLongAsTheBoundSays() {
        Cluster c = leaderOfThree();
        long asked = c.now();
        long first = c.readStale(2, T);
        c.pass(T / 20);
        c.settle();
        assertEquals(List.of(new Readable(first, 1, Long.MAX_VALUE)), c.takeEffects(2, Readable.class));
        c.propose(1);
        c.settle(1, 3);
        int questions = c.history(Message.ReadRequest.class, 2, 1).size();
        c.pass(asked + T - 1 - c.now());
        long second = c.readStale(2, T);
        assertEquals(List.of(new Readable(second, 1, asked + T)), c.takeEffects(2, Readable.class));
        assertEquals(questions, c.history(Message.ReadRequest.class, 2, 1).size());
        c.pass(1);
        c.readStale(2, T);   // counted from when it was asked, not from when it was answered
        assertEquals(List.of(), c.takeEffects(2, Readable.class));
        c.settle();
        assertEquals(List.of(2L), c.takeEffects(2, Readable.class).stream().map(Readable::index).toList());
    }

    @Test
    void whoeverWantsNoStalenessOrLessIsServedAnew() {
        Cluster c = leaderOfThree();
        c.readStale(2, T);
        c.settle();
        c.pass(T / 4);
        c.takeEffects(2, Readable.class);
        c.read(2);
        c.readStale(2, T / 4);
        assertEquals(List.of(), c.takeEffects(2, Readable.class));
        long any = c.readStale(2, Long.MAX_VALUE);
        assertEquals(List.of(any), c.takeEffects(2, Readable.class).stream().map(Readable::requestId).toList());
    }

    /** It is of its own knowledge: no leader need be known. */
    @Test
    void whileTheBoundLastsNobodyNeedLead() {
        Cluster c = leaderOfThree();
        c.read(2);
        c.settle();
        c.takeEffects(2, Readable.class);
        c.crash(1, 3);
        c.timeout(2);
        assertEquals(RoleName.PRE_CANDIDATE, c.role(2));
        long read = c.readStale(2, 10 * T);
        assertEquals(List.of(read), c.takeEffects(2, Readable.class).stream().map(Readable::requestId).toList());
    }

    /** Its heartbeats have asked already: what it has committed by now holds all that was acknowledged when the newest round began. */
    @Test
    void aLeaderCountsFromTheRoundThatAQuorumHasEchoed() {
        Cluster c = leaderOfThree();
        c.heartbeat(1);
        long begun = c.now();
        c.pass(T / 20);
        long read = c.readStale(1, T / 10);
        assertEquals(List.of(new Readable(read, 1, begun + T / 10)), c.takeEffects(1, Readable.class));
        c.pass(T / 20);
        c.readStale(1, T / 10);
        assertEquals(List.of(), c.takeEffects(1, Readable.class));
        c.settle();
        assertEquals(1, c.takeEffects(1, Readable.class).size());
    }

    /** Earlier leaders may have acknowledged more than it knows to be committed. */
    @Test
    void aLeaderThatHasCommittedNothingOfItsOwnServesNothingStale() {
        Cluster c = leaderOfThree();
        c.propose(1);
        c.settle(1, 2);
        c.crash(1);
        c.dropAll();
        c.elect(2, 3);
        c.readStale(2, 10 * T);
        assertEquals(List.of(), c.takeEffects(2, Readable.class));
        c.settle(2, 3);
        assertEquals(List.of(3L), c.takeEffects(2, Readable.class).stream().map(Readable::index).toList());
    }

    private static Cluster leaderOfThree() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.heartbeat(1);
        return c;
    }

    private static Cluster withLearner() {
        Cluster c = Cluster.of(RaftConfig.DEFAULT, new Membership(1, members(1, 2, 3), List.of(), members(4)), 0, "", "", "", "");
        c.elect(1, 2, 3);
        c.settle();
        c.heartbeat(1);
        return c;
    }
}
