package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.T;
import static io.quorate.raft.core.Cluster.id;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.RoleName;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Pre-votes, promises, stale answers and back-off: what elections need beyond the paper. */
class ElectionRulesTest {

    @Test
    void aPreVoteChangesNeitherTermNorVote() {
        Cluster c = Cluster.of("1 2", "1 2", "1 2");
        c.timeout(1);
        long deadline = c.node(2).deadline();
        c.deliver(Message.PreVote.class, 1, 2);
        assertTrue(c.sent(Message.PreVoteAnswer.class, 2, 1).get(0).granted());
        for (int n = 1; n <= 2; n++) {
            assertEquals(2, c.term(n));
            assertEquals(List.of(), c.pending(n));
        }
        assertEquals(RoleName.PRE_CANDIDATE, c.role(1));
        assertEquals(deadline, c.node(2).deadline());
        c.deliver(new Message.RequestVote(id(3), id(2), 2, new EntryId(2, 2), 0));   // the vote of this term is still free
        c.writeAll(2);
        assertTrue(c.take(Message.Vote.class, 2, 3).granted());
    }

    /** A pre-candidate keeps the vote that it gave in its term. */
    @Test
    void aPreCandidateKeepsTheVoteOfItsTerm() {
        Cluster c = Cluster.of(3);
        c.deliver(new Message.RequestVote(id(2), id(1), 1, EntryId.ZERO, 0));
        c.writeAll(1);
        c.timeout(1);
        c.deliver(new Message.RequestVote(id(3), id(1), 1, EntryId.ZERO, 0));
        assertFalse(c.take(Message.Vote.class, 1, 3).granted());
    }

    /** Who has given its vote to a candidate does not compete with it: it waits as long as any voter. */
    @Test
    void aPreCandidateThatGrantsARealVoteFollows() {
        Cluster c = Cluster.of("1", "1", "1");
        c.timeout(1);
        c.deliver(new Message.RequestVote(id(2), id(1), 1, new EntryId(1, 1), 0));
        assertEquals(RoleName.FOLLOWER, c.role(1));
        assertEquals(c.now() + T, c.node(1).deadline());
        c.writeAll(1);
        c.timeout(1);
        c.deliver(new Message.RequestVote(id(3), id(1), 1, new EntryId(1, 1), 0));   // refused: nobody to wait for
        assertEquals(RoleName.PRE_CANDIDATE, c.role(1));
    }

    /** The leader was late, not gone. */
    @Test
    void aPreCandidateThatHearsTheLeaderFollowsItAgain() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.pass(T);
        c.timeout(2);
        assertEquals(RoleName.PRE_CANDIDATE, c.role(2));
        c.timeout(1);
        c.deliver(Message.AppendEntries.class, 1, 2);
        assertEquals(RoleName.FOLLOWER, c.role(2));
        assertEquals(id(1), c.node(2).leader());
        assertEquals(1, c.term(2));
    }

    @Test
    void aStalePreVoteAnswerDoesNotCount() {
        Cluster c = Cluster.of(3);
        c.timeout(1);
        c.deliver(Message.PreVote.class, 1, 2);
        Message.PreVoteAnswer late = c.take(Message.PreVoteAnswer.class, 2, 1);
        c.timeout(1);   // asks again
        c.deliver(late);
        assertEquals(RoleName.PRE_CANDIDATE, c.role(1));
        assertEquals(0, c.term(1));
    }

    /** Attempts are counted in memory, so each start counts from somewhere else: what was answered before it is not mistaken for news. */
    @Test
    void aPreVoteAnswerFromBeforeARestartDoesNotCount() {
        Cluster c = Cluster.of(3);
        c.timeout(1);
        c.deliver(Message.PreVote.class, 1, 2);
        Message.PreVoteAnswer late = c.take(Message.PreVoteAnswer.class, 2, 1);
        c.draws(1, 1L << 40);
        c.restart(1);
        c.timeout(1);
        c.deliver(late);
        assertEquals(RoleName.PRE_CANDIDATE, c.role(1));
        c.dropAll();
        c.timeout(1);
        c.deliver(Message.PreVote.class, 1, 2);
        c.deliver(Message.PreVoteAnswer.class, 2, 1);
        assertEquals(RoleName.CANDIDATE, c.role(1));
    }

    /** Who raises terms must not be able to keep a pre-candidate waiting either. */
    @Test
    void aPreCandidateWhoseTermIsRaisedGoesOnWaitingAsLongAsItWould() {
        Cluster c = Cluster.of(3);
        c.timeout(1);
        long deadline = c.node(1).deadline();
        c.pass(T / 2);
        c.deliver(new Message.Vote(id(2), id(1), 5, Message.Denial.HEARS_LEADER));
        assertEquals(5, c.term(1));
        assertEquals(RoleName.FOLLOWER, c.role(1));
        assertEquals(deadline, c.node(1).deadline());
    }

    @Test
    void aRefusedPreVoteDoesNotCount() {
        Cluster c = Cluster.of("1", "1 1", "1 1");
        c.timeout(1);
        c.settle();
        assertEquals(RoleName.PRE_CANDIDATE, c.role(1));
        assertEquals(1, c.term(1));
    }

    @Test
    void aGrantedPreVoteIsNoVote() {
        Cluster c = Cluster.of(3);
        c.timeout(1);
        c.deliver(Message.PreVote.class, 1, 2);
        Message.PreVoteAnswer granted = c.deliver(Message.PreVoteAnswer.class, 2, 1);
        c.write(1);
        c.deliver(new Message.PreVoteAnswer(id(2), id(1), 1, null, granted.round(), 0));
        assertEquals(RoleName.CANDIDATE, c.role(1));
    }

    @Test
    void aRefusedVoteDoesNotCount() {
        Cluster c = Cluster.of(3);
        candidate(c, 1);
        c.deliver(new Message.Vote(id(2), id(1), 1, Message.Denial.HEARS_LEADER));
        c.deliver(new Message.Vote(id(3), id(1), 1, Message.Denial.HEARS_LEADER));
        assertEquals(RoleName.CANDIDATE, c.role(1));
    }

    /** A vote of term 1 that comes when its candidate campaigns in term 2 elects nobody. */
    @Test
    void aStaleVoteDoesNotCount() {
        Cluster c = Cluster.of(3);
        candidate(c, 1);
        c.deliver(Message.RequestVote.class, 1, 2);
        c.writeAll(2);
        Message.Vote late = c.take(Message.Vote.class, 2, 1);
        c.dropAll();
        c.timeout(1);
        c.deliver(Message.PreVote.class, 1, 2);
        c.deliver(Message.PreVoteAnswer.class, 2, 1);
        c.write(1);
        assertEquals(2, c.term(1));
        c.deliver(late);
        assertEquals(RoleName.CANDIDATE, c.role(1));
    }

    /** A vote that says "granted" in a higher term is of that term: it deposes, and counts for nothing. */
    @Test
    void aGrantOfAHigherTermIsNotCounted() {
        Cluster c = Cluster.of(3);
        candidate(c, 1);
        c.deliver(new Message.Vote(id(2), id(1), 6, null));
        assertEquals(RoleName.FOLLOWER, c.role(1));
        assertEquals(6, c.term(1));
    }

    /** "If a server receives a RequestVote within the minimum election timeout of hearing from a leader, it does not update its term". */
    @Test
    void whoHeardALeaderAnswersNoToARealRequestAndKeepsItsTerm() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.heartbeat(1);
        c.pass(T - 1);
        c.deliver(new Message.RequestVote(id(3), id(2), 9, new EntryId(1, 1), 0));
        assertEquals(1, c.term(2));
        assertEquals(List.of(), c.pending(2));
        assertEquals(new Message.Vote(id(2), id(3), 1, Message.Denial.HEARS_LEADER), c.take(Message.Vote.class, 2, 3));
        c.deliver(new Message.PreVote(id(3), id(2), 9, new EntryId(1, 1), 4));
        assertEquals(1, c.term(2));
        assertFalse(c.take(Message.PreVoteAnswer.class, 2, 3).granted());
        c.pass(1);
        c.deliver(new Message.RequestVote(id(3), id(2), 9, new EntryId(1, 1), 0));
        c.writeAll(2);
        assertEquals(new Message.Vote(id(2), id(3), 9, null), c.take(Message.Vote.class, 2, 3));
    }

    @Test
    void aLeaderThatHearsItsQuorumKeepsItsTerm() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.heartbeat(1);
        c.pass(T - 1);
        c.deliver(new Message.RequestVote(id(3), id(1), 9, new EntryId(1, 9), 0));
        assertEquals(RoleName.LEADER, c.role(1));
        assertEquals(new Message.Vote(id(1), id(3), 1, Message.Denial.HEARS_LEADER), c.take(Message.Vote.class, 1, 3));
        c.pass(1);   // it hears its quorum no longer: it lets go
        c.deliver(new Message.RequestVote(id(3), id(1), 9, new EntryId(1, 9), 0));
        assertEquals(RoleName.FOLLOWER, c.role(1));
        c.writeAll(1);
        assertTrue(c.take(Message.Vote.class, 1, 3).granted());
    }

    /** Promises made before a restart are forgotten, so everybody else is told no for as long as the longest could last. */
    @Test
    void whoHasJustStartedPromisesItsVoteToNobodyForAnElectionTimeout() {
        Cluster c = Cluster.of(3);
        c.restart(1);
        c.pass(T - 1);
        c.deliver(new Message.RequestVote(id(2), id(1), 3, EntryId.ZERO, 0));
        assertEquals(0, c.term(1));
        assertEquals(new Message.Vote(id(1), id(2), 0, Message.Denial.HEARS_LEADER), c.take(Message.Vote.class, 1, 2));
        c.pass(1);
        c.deliver(new Message.RequestVote(id(2), id(1), 3, EntryId.ZERO, 0));
        c.writeAll(1);
        assertTrue(c.take(Message.Vote.class, 1, 2).granted());
    }

    /** Two replicas that lose power together while their leader lives on elect no other before its lease could have run out. */
    @Test
    void aRestartedMajorityElectsNobodyWithinAnElectionTimeout() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.heartbeat(1);
        c.restart(2, 3);
        long start = c.now();
        c.timeout(2);
        assertEquals(start + T, c.now());
        c.settle(2, 3);
        assertEquals(RoleName.LEADER, c.role(2));
    }

    @Test
    void whoIsAloneWaitsForNobody() {
        Cluster c = Cluster.of(1);
        c.restart(1);
        long start = c.now();
        c.timeout(1);
        assertEquals(start, c.now());
        c.writeAll(1);
        assertEquals(RoleName.LEADER, c.role(1));
        c.restart(1);
        c.deliver(new Message.PreVote(id(2), id(1), 1, new EntryId(1, 1), 0));
        assertTrue(c.take(Message.PreVoteAnswer.class, 1, 2).granted());
    }

    /** Whether a learner's vote counts is for the candidate to know; it keeps its promises like everyone, and never campaigns. */
    @Test
    void aLearnerAnswersVoteRequestsAndNeverCampaigns() {
        Membership membership = new Membership(1, Cluster.members(1, 2, 3), List.of(), Cluster.members(4));
        Cluster c = Cluster.of(RaftConfig.DEFAULT, membership, 0, "", "", "", "");
        c.timeout(4);
        assertEquals(RoleName.FOLLOWER, c.role(4));
        assertEquals(c.now() + T, c.node(4).deadline());
        c.deliver(new Message.RequestVote(id(2), id(4), 1, EntryId.ZERO, 0));
        c.writeAll(4);
        assertTrue(c.take(Message.Vote.class, 4, 2).granted());
    }

    @Test
    void eachLostCandidacyDoublesTheElectionTimeoutUpToSixteenTimes() {
        Cluster c = Cluster.of(3);
        for (long factor : new long[] {2, 4, 8, 16, 16, 16}) {
            candidate(c, 1);
            c.timeout(1);
            assertEquals(RoleName.PRE_CANDIDATE, c.role(1));
            assertEquals(c.now() + factor * T, c.node(1).deadline());
        }
        c.draws(1, T / 2);
        c.timeout(1);   // lost pre-votes cost no term, and lengthen nothing
        assertEquals(c.now() + 16 * T + T / 2, c.node(1).deadline());
    }

    @Test
    void aCandidacyThatAHigherTermEndsIsLostToo() {
        Cluster c = Cluster.of(3);
        candidate(c, 1);
        c.deliver(new Message.Vote(id(2), id(1), 5, Message.Denial.HEARS_LEADER));
        c.timeout(1);
        assertEquals(c.now() + 2 * T, c.node(1).deadline());
    }

    @Test
    void hearingALeaderOrWinningEndsTheBackOff() {
        Cluster c = Cluster.of(3);
        candidate(c, 1);
        c.timeout(1);
        c.deliver(new Message.AppendEntries(id(2), id(1), 7, EntryId.ZERO, List.of(), 0, 0, 1));
        assertEquals(c.now() + T, c.node(1).deadline());

        c = Cluster.of(3);
        candidate(c, 1);
        c.timeout(1);
        c.settle();
        assertEquals(RoleName.LEADER, c.role(1));
        c.settle();
        c.deliver(new Message.AppendRejected(id(2), id(1), 9, EntryId.ZERO, EntryId.ZERO, 0));
        assertEquals(c.now() + T, c.node(1).deadline());
    }

    /** A replica at a higher term with a shorter log is taken back in: its answer to the next append carries its term. */
    @Test
    void whoIsStuckAtAHigherTermIsFreed() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2);
        c.settle(1, 2);
        c.propose(1);
        c.settle(1, 2);
        c.dropAll();
        c.restartWith(3, new HardState(9, id(3), 0), "");
        c.heartbeat(1);
        assertEquals(9, c.term(1));
        assertEquals(RoleName.FOLLOWER, c.role(1));
        c.elect(2, 1, 3);
        c.settle();
        assertEquals(10, c.term(3));
        assertEquals(c.log(2), c.log(3));
    }

    /** Two survivors of different terms: the one behind learns the term from the answer, and one of them wins. */
    @Test
    void survivorsOfDifferentTermsElectALeader() {
        Cluster c = Cluster.of("", "5 5", "");
        c.crash(1);
        c.timeout(3);
        c.settle(2, 3);
        assertEquals(5, c.term(3));
        c.timeout(2);
        c.settle(2, 3);
        assertEquals(RoleName.LEADER, c.role(2));
        assertEquals("5 5 6", c.log(3));
    }

    /** The vote is forgotten only when the term rises, not when the term's leader is heard. */
    @Test
    void hearingTheTermsLeaderDoesNotFreeTheVote() {
        Cluster c = Cluster.of(5);
        c.deliver(new Message.RequestVote(id(2), id(1), 5, EntryId.ZERO, 0));
        c.writeAll(1);
        c.deliver(new Message.AppendEntries(id(3), id(1), 5, EntryId.ZERO, List.of(), 0, 0, 1));
        c.pass(T);
        c.deliver(new Message.RequestVote(id(4), id(1), 5, EntryId.ZERO, 0));
        c.writeAll(1);
        assertFalse(c.take(Message.Vote.class, 1, 4).granted());
    }

    /** A replica that can send and not receive raises nobody's term: its pre-votes are refused and its answers never come. */
    @Test
    void aDeafReplicaDisturbsNobody() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        for (int i = 0; i < 5; i++) {
            c.heartbeat(1, 2);
            c.draws(3, 0);
            c.timeout(3);
            c.heartbeat(1, 2);
            while (!c.sent(Message.PreVote.class, 3, 2).isEmpty()) {
                c.deliver(Message.PreVote.class, 3, 2);
            }
            c.dropAll();
        }
        assertEquals(1, c.term(3));
        assertEquals(1, c.term(2));
        assertEquals(RoleName.LEADER, c.role(1));
    }

    /** Makes it a real candidate whose requests have left. */
    private static void candidate(Cluster c, int n) {
        int other = n == 2 ? 3 : 2;
        c.dropAll();
        c.timeout(n);
        c.deliver(Message.PreVote.class, n, other);
        c.writeAll(other);   // it may have learned the term
        c.deliver(Message.PreVoteAnswer.class, other, n);
        c.writeAll(n);
        assertEquals(RoleName.CANDIDATE, c.role(n));
    }
}
