package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.id;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.core.Refusal.Reason;
import io.quorate.raft.testing.RecordedEffects;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Section 5.1 of the paper, sentence by sentence. */
class Section51BasicsTest {

    /** "When servers start up, they begin as followers" stands in §5.2; what figure 2 adds: "initialized to 0 on first boot". */
    @Test
    void aNodeBeginsAsFollowerInTermZeroWithAnEmptyLog() {
        Cluster c = Cluster.of(3);
        assertEquals(RoleName.FOLLOWER, c.role(1));
        assertEquals(0, c.term(1));
        assertEquals("", c.log(1));
        assertEquals(0, c.commit(1));
        assertNull(c.node(1).leader());
    }

    /** "In normal operation there is exactly one leader and all of the other servers are followers." */
    @Test
    void inNormalOperationThereIsOneLeaderAndAllOthersFollow() {
        Cluster c = Cluster.of(5);
        c.elect(3, 1, 2, 4, 5);
        c.settle();
        assertEquals(RoleName.LEADER, c.role(3));
        for (int n : new int[] {1, 2, 4, 5}) {
            assertEquals(RoleName.FOLLOWER, c.role(n));
            assertEquals(id(3), c.node(n).leader());
        }
    }

    /** "Followers are passive: they issue no requests on their own but simply respond to requests from leaders and candidates." */
    @Test
    void aFollowerSaysNothingOfItself() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.pass(Cluster.T / 2);
        c.tick(2);
        assertEquals(List.of(), c.network());
    }

    /** "If a client contacts a follower, the follower redirects it to the leader." */
    @Test
    void aFollowerNamesTheLeaderToWhoAsksIt() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        long proposal = c.propose(2);
        long transfer = c.transfer(2, 3);
        Refusal why = new Refusal(Reason.NOT_LEADER, id(1));
        assertEquals(List.of(new RecordedEffects.Refuse(proposal, why), new RecordedEffects.Refuse(transfer, why)),
            c.takeEffects(2, RecordedEffects.Refuse.class));
    }

    /** "Each server stores a current term number, which increases monotonically over time." */
    @Test
    void theTermSurvivesARestart() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.elect(2, 1, 3);
        c.settle();
        c.restart(1, 2, 3);
        assertEquals(2, c.term(1));
        assertEquals(2, c.term(2));
        assertEquals(2, c.term(3));
    }

    /** The same sentence, where a disk has forgotten: a term lower than that of the log can only be a loss. */
    @Test
    void aTermLowerThanTheLogsStopsTheNodeAtItsStart() {
        Cluster c = Cluster.of(3);
        assertThrows(InvariantViolation.class, () -> c.restartWith(1, new HardState(2, null, 0), "1 2 3"));
    }

    /** The same sentence at the end of all numbers: whoever has been led there stops, since no term follows. */
    @Test
    void whoHasReachedTheLastTermStopsRatherThanBeginAgain() {
        Cluster c = Cluster.of(3);
        c.deliver(new Message.Vote(id(2), id(1), Long.MAX_VALUE, Message.Denial.HEARS_LEADER));
        c.writeAll(1);
        c.timeout(1);
        c.deliver(Message.PreVote.class, 1, 2);
        c.writeAll(2);
        Message.PreVoteAnswer granted = c.take(Message.PreVoteAnswer.class, 2, 1);
        assertThrows(InvariantViolation.class, () -> c.deliver(granted));
    }

    /** "If one server's current term is smaller than the other's, then it updates its current term to the larger value." */
    @Test
    void whoHasTheSmallerTermTakesTheLargerOneFromAnyMessage() {
        List<Message> messages = List.of(
            new Message.AppendEntries(id(2), id(1), 7, EntryId.ZERO, List.of(), 0, 0, 1),
            new Message.AppendAccepted(id(2), id(1), 7, 0, 0, 0, 0, 0),
            new Message.AppendRejected(id(2), id(1), 7, EntryId.ZERO, EntryId.ZERO, 0),
            new Message.PreVote(id(2), id(1), 7, EntryId.ZERO, 0),
            new Message.PreVoteAnswer(id(2), id(1), 7, Message.Denial.HEARS_LEADER, 0, 0),
            new Message.RequestVote(id(2), id(1), 7, EntryId.ZERO, 0),
            new Message.Vote(id(2), id(1), 7, Message.Denial.HEARS_LEADER));
        for (Message message : messages) {
            Cluster c = Cluster.of(3);
            c.deliver(message);
            assertEquals(7, c.term(1), message::toString);
            assertEquals(7, c.pending(1).get(0).hardState().term(), message::toString);
        }
    }

    /** "If a candidate or leader discovers that its term is out of date, it immediately reverts to follower state." */
    @Test
    void aLeaderWhoseTermIsOutOfDateReverts() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.deliver(new Message.AppendRejected(id(2), id(1), 5, EntryId.ZERO, EntryId.ZERO, 0));
        assertEquals(RoleName.FOLLOWER, c.role(1));
        assertEquals(5, c.term(1));
        assertNull(c.node(1).leader());
    }

    /** The same sentence for a candidate, and for one that only asks whether it would win. */
    @Test
    void aCandidateWhoseTermIsOutOfDateReverts() {
        Cluster c = Cluster.of(3);
        c.timeout(1);
        assertEquals(RoleName.PRE_CANDIDATE, c.role(1));
        c.deliver(new Message.PreVoteAnswer(id(2), id(1), 3, Message.Denial.HEARS_LEADER, 0, 0));
        assertEquals(RoleName.FOLLOWER, c.role(1));
        c.writeAll(1);

        c.timeout(1);
        Message.PreVote question = c.sent(Message.PreVote.class, 1, 2).get(1);
        c.deliver(new Message.PreVoteAnswer(id(2), id(1), 3, null, question.round(), 0));
        assertEquals(RoleName.CANDIDATE, c.role(1));
        c.deliver(new Message.Vote(id(2), id(1), 9, Message.Denial.HEARS_LEADER));
        assertEquals(RoleName.FOLLOWER, c.role(1));
        assertEquals(9, c.term(1));
    }

    /** "If a server receives a request with a stale term number, it rejects the request." And says its own, so that the sender learns. */
    @Test
    void aRequestOfAStaleTermIsRejectedWithTheCurrentOne() {
        Cluster c = Cluster.of("1 3", "1 3", "1 3");
        c.deliver(new Message.RequestVote(id(2), id(1), 2, new EntryId(3, 9), 0));
        assertEquals(new Message.Vote(id(1), id(2), 3, Message.Denial.TERM_IS_OLD), c.take(Message.Vote.class, 1, 2));
        c.deliver(new Message.PreVote(id(2), id(1), 2, new EntryId(3, 9), 4));
        assertEquals(new Message.PreVoteAnswer(id(1), id(2), 3, Message.Denial.TERM_IS_OLD, 4, 0),
            c.take(Message.PreVoteAnswer.class, 1, 2));
        c.deliver(new Message.AppendEntries(id(2), id(1), 2, new EntryId(1, 1), List.of(Cluster.entry(2, 2)), 2, 0, 8));
        Message.AppendRejected answer = c.take(Message.AppendRejected.class, 1, 2);
        assertEquals(3, answer.term());
        assertEquals("1 3", c.log(1));
        assertEquals(0, c.commit(1));
        assertNull(c.node(1).leader());
    }

    /** A stale leader learns the term from the answer to its next heartbeat. */
    @Test
    void aStaleLeaderLearnsTheTermFromTheAnswerToItsHeartbeat() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.elect(2, 3);
        c.settle(2, 3);
        assertEquals(RoleName.LEADER, c.role(1));
        c.dropAll();
        c.timeout(1);
        c.deliver(Message.AppendEntries.class, 1, 3);
        c.deliver(Message.AppendRejected.class, 3, 1);
        assertEquals(RoleName.FOLLOWER, c.role(1));
        assertEquals(2, c.term(1));
    }

    /** "Current terms are exchanged whenever servers communicate": and none is told before it is durable. */
    @Test
    void nothingIsSaidInATermThatIsNotDurableYet() {
        Cluster c = Cluster.of(3);
        c.deliver(new Message.AppendEntries(id(2), id(1), 7, new EntryId(3, 3), List.of(), 0, 0, 1));
        assertEquals(7, c.term(1));
        assertEquals(List.of(), c.network());
        c.write(1);
        assertEquals(7, c.take(Message.AppendRejected.class, 1, 2).term());
    }

    /** Messages of the term before are not said in the new one. */
    @Test
    void anAnswerOfTheOldTermIsDroppedWhenTheTermRises() {
        Cluster c = Cluster.of(3);
        c.deliver(new Message.RequestVote(id(2), id(1), 5, EntryId.ZERO, 0));   // granted, waits for the disk
        c.deliver(new Message.RequestVote(id(3), id(1), 6, EntryId.ZERO, 0));
        c.writeAll(1);
        assertTrue(c.sent(Message.Vote.class, 1, 2).isEmpty());
        assertEquals(List.of(new Message.Vote(id(1), id(3), 6, null)), c.sent(Message.Vote.class, 1, 3));
    }

    /** "Servers retry RPCs if they do not receive a response": the same message twice does what it does once. */
    @Test
    void aRepeatedAppendChangesNothingAndIsAnsweredAgain() {
        Cluster c = Cluster.of("1", "1", "1");
        c.elect(1, 2, 3);
        c.settle();
        c.propose(1);
        Message.AppendEntries append = c.take(Message.AppendEntries.class, 1, 2);
        c.deliver(append);
        c.writeAll(2);
        Message.AppendAccepted first = c.take(Message.AppendAccepted.class, 2, 1);
        String before = c.log(2);
        c.deliver(append);
        assertEquals(before, c.log(2));
        assertEquals(List.of(), c.pending(2));
        assertEquals(first.matchIndex(), c.take(Message.AppendAccepted.class, 2, 1).matchIndex());
    }
}
