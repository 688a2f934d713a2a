package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.T;
import static io.quorate.raft.core.Cluster.id;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.RoleName;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Section 5.2 of the paper, sentence by sentence. */
class Section52ElectionTest {

    /** "A server remains in follower state as long as it receives valid RPCs from a leader or candidate." */
    @Test
    void aServerRemainsFollowerAsLongAsItHearsALeader() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        for (int i = 0; i < 40; i++) {
            c.heartbeat(1);
            c.tick(2);
            c.tick(3);
            assertEquals(RoleName.FOLLOWER, c.role(2));
            assertEquals(RoleName.FOLLOWER, c.role(3));
        }
        assertEquals(1, c.term(1));
    }

    /** The same sentence for a candidate: who grants a real vote gives its candidate the time of an election. */
    @Test
    void aGrantedVoteStartsTheElectionTimeoutAgain() {
        Cluster c = Cluster.of(3);
        c.deliver(new Message.RequestVote(id(2), id(1), 1, EntryId.ZERO, 0));
        assertEquals(c.now() + T, c.node(1).deadline());
    }

    /** And its converse: who is refused earns no time, or a hopeless candidate could silence the one that can win. */
    @Test
    void aRefusedVoteDoesNotStartTheElectionTimeoutAgain() {
        Cluster c = Cluster.of("1 1", "1", "1 1");
        long deadline = c.node(1).deadline();
        c.deliver(new Message.RequestVote(id(2), id(1), 9, new EntryId(1, 1), 0));
        assertEquals(9, c.term(1));
        assertEquals(deadline, c.node(1).deadline());
        c.deliver(new Message.PreVote(id(3), id(1), 9, new EntryId(1, 2), 1));
        assertEquals(deadline, c.node(1).deadline());
    }

    /** "If a follower receives no communication over a period of time called the election timeout, then it ... begins an election." */
    @Test
    void aFollowerThatHearsNothingForAnElectionTimeoutCampaigns() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.crash(1);
        c.pass(T - 1);
        c.tick(2);
        assertEquals(RoleName.FOLLOWER, c.role(2));
        c.pass(1);
        c.tick(2);
        assertEquals(RoleName.PRE_CANDIDATE, c.role(2));
        c.settle(2, 3);
        assertEquals(RoleName.LEADER, c.role(2));
        assertEquals(2, c.term(2));
    }

    /** "... increments its current term and transitions to candidate state. It then votes for itself and issues RequestVote RPCs." */
    @Test
    void aCandidateIncrementsItsTermVotesForItselfAndAsksEveryone() {
        Cluster c = Cluster.of("1 2", "1 2", "1 2");
        c.timeout(1);
        c.deliver(Message.PreVote.class, 1, 2);
        c.deliver(Message.PreVoteAnswer.class, 2, 1);
        assertEquals(RoleName.CANDIDATE, c.role(1));
        assertEquals(3, c.term(1));
        c.write(1);
        assertEquals(id(1), c.hardState(1).votedFor());
        for (int peer = 2; peer <= 3; peer++) {
            assertEquals(new Message.RequestVote(id(1), id(peer), 3, new EntryId(2, 2), 0), c.take(Message.RequestVote.class, 1, peer));
        }
    }

    /** "A candidate wins an election if it receives votes from a majority of the servers in the full cluster for the same term." */
    @Test
    void aCandidateWinsWithAMajorityAndNotBefore() {
        Cluster c = Cluster.of(5);
        c.timeout(1);
        c.settle(1, 2);
        assertEquals(RoleName.PRE_CANDIDATE, c.role(1));
        c.deliver(Message.PreVote.class, 1, 3);
        c.deliver(Message.PreVoteAnswer.class, 3, 1);
        c.write(1);
        c.deliver(Message.RequestVote.class, 1, 2);
        c.write(2);
        c.deliver(Message.Vote.class, 2, 1);
        assertEquals(RoleName.CANDIDATE, c.role(1));
        c.deliver(new Message.Vote(id(2), id(1), 1, null));   // repeated: still one voter
        assertEquals(RoleName.CANDIDATE, c.role(1));
        c.deliver(Message.RequestVote.class, 1, 4);
        c.write(4);
        c.deliver(Message.Vote.class, 4, 1);
        assertEquals(RoleName.LEADER, c.role(1));
    }

    /** With an even number, half is no majority. */
    @Test
    void halfOfAnEvenGroupIsNoMajority() {
        Cluster c = Cluster.of(4);
        c.timeout(1);
        c.settle(1, 2);
        assertEquals(RoleName.PRE_CANDIDATE, c.role(1));
        c.settle(1, 2, 3);
        assertEquals(RoleName.LEADER, c.role(1));
    }

    /** "Each server will vote for at most one candidate in a given term, on a first-come-first-served basis." */
    @Test
    void aServerVotesForAtMostOneCandidateInATermFirstComeFirstServed() {
        Cluster c = Cluster.of(3);
        c.deliver(new Message.RequestVote(id(2), id(1), 1, EntryId.ZERO, 0));
        c.writeAll(1);
        c.deliver(new Message.RequestVote(id(3), id(1), 1, EntryId.ZERO, 0));
        c.writeAll(1);
        assertTrue(c.take(Message.Vote.class, 1, 2).granted());
        assertEquals(new Message.Vote(id(1), id(3), 1, Message.Denial.VOTED_FOR_ANOTHER), c.take(Message.Vote.class, 1, 3));
        c.deliver(new Message.RequestVote(id(2), id(1), 1, EntryId.ZERO, 0));   // the first one may ask again
        assertTrue(c.take(Message.Vote.class, 1, 2).granted());
    }

    /** The same sentence over a restart: the vote is remembered. */
    @Test
    void aVoteIsRememberedOverARestart() {
        Cluster c = Cluster.of(3);
        c.deliver(new Message.RequestVote(id(2), id(1), 1, EntryId.ZERO, 0));
        c.writeAll(1);
        c.restart(1);
        c.pass(T);
        c.dropAll();
        c.deliver(new Message.RequestVote(id(3), id(1), 1, EntryId.ZERO, 0));
        assertEquals(new Message.Vote(id(1), id(3), 1, Message.Denial.VOTED_FOR_ANOTHER), c.take(Message.Vote.class, 1, 3));
    }

    /** A candidate's vote of its term is its own. */
    @Test
    void aCandidateGivesItsVoteToNobodyElse() {
        Cluster c = Cluster.of(3);
        c.timeout(1);
        c.deliver(Message.PreVote.class, 1, 2);
        c.deliver(Message.PreVoteAnswer.class, 2, 1);
        c.write(1);
        c.deliver(new Message.RequestVote(id(3), id(1), 1, new EntryId(1, 9), 0));
        assertEquals(new Message.Vote(id(1), id(3), 1, Message.Denial.VOTED_FOR_ANOTHER), c.take(Message.Vote.class, 1, 3));
        assertEquals(RoleName.CANDIDATE, c.role(1));
    }

    /** "The majority rule ensures that at most one candidate can win the election for a particular term." */
    @Test
    void ofTwoCandidatesOfOneTermAtMostOneWins() {
        Cluster c = Cluster.of(5);
        c.timeout(1);
        c.timeout(5);
        for (int peer = 2; peer <= 4; peer++) {
            for (int candidate : new int[] {1, 5}) {
                c.deliver(Message.PreVote.class, candidate, peer);
                c.deliver(Message.PreVoteAnswer.class, peer, candidate);
            }
        }
        c.writeAll(1);
        c.writeAll(5);
        assertEquals(RoleName.CANDIDATE, c.role(1));
        assertEquals(RoleName.CANDIDATE, c.role(5));
        assertEquals(c.term(1), c.term(5));
        c.settle();
        assertNotEquals(c.role(1) == RoleName.LEADER, c.role(5) == RoleName.LEADER);
    }

    /** "Once a candidate wins ... it then sends heartbeat messages to all of the other servers to establish its authority." */
    @Test
    void aNewLeaderIsHeardAtOnceByEveryone() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2);
        assertTrue(c.sent(Message.AppendEntries.class, 1, 2).get(0).entries().isEmpty());
        assertTrue(c.sent(Message.AppendEntries.class, 1, 3).get(0).entries().isEmpty());
        assertEquals(c.now() + T / 10, c.node(1).deadline());
    }

    /** "If the leader's term ... is at least as large as the candidate's current term, then the candidate recognizes the leader." */
    @Test
    void aCandidateReturnsToFollowerWhenAnotherHasWonItsTerm() {
        Cluster c = Cluster.of(3);
        c.timeout(1);
        c.deliver(Message.PreVote.class, 1, 2);
        c.deliver(Message.PreVoteAnswer.class, 2, 1);
        c.write(1);
        c.deliver(new Message.AppendEntries(id(3), id(1), 1, EntryId.ZERO, List.of(), 0, 0, 1));
        assertEquals(RoleName.FOLLOWER, c.role(1));
        assertEquals(id(3), c.node(1).leader());
        assertEquals(1, c.take(Message.AppendAccepted.class, 1, 3).round());
        c.pass(T);
        c.deliver(new Message.RequestVote(id(2), id(1), 1, EntryId.ZERO, 0));   // and its vote of this term is still spent
        assertEquals(new Message.Vote(id(1), id(2), 1, Message.Denial.VOTED_FOR_ANOTHER), c.take(Message.Vote.class, 1, 2));
    }

    /** "If the term in the RPC is smaller than the candidate's current term, then the candidate rejects the RPC and continues." */
    @Test
    void aCandidateRejectsALeaderOfAnEarlierTermAndContinues() {
        Cluster c = Cluster.of("1 2", "1 2", "1 2");
        c.timeout(1);
        c.deliver(Message.PreVote.class, 1, 2);
        c.deliver(Message.PreVoteAnswer.class, 2, 1);
        c.write(1);
        c.deliver(new Message.AppendEntries(id(3), id(1), 2, new EntryId(2, 2), List.of(), 2, 0, 1));
        assertEquals(RoleName.CANDIDATE, c.role(1));
        assertEquals(3, c.take(Message.AppendRejected.class, 1, 3).term());
        assertEquals(0, c.commit(1));
    }

    /** "... votes could be split so that no candidate obtains a majority. When this happens, each candidate will time out." */
    @Test
    void afterASplitVoteCandidatesTimeOutAndOneWinsTheNextTerm() {
        Cluster c = Cluster.of(4);
        for (int candidate : new int[] {1, 2}) {
            c.timeout(candidate);
        }
        for (int candidate : new int[] {1, 2}) {
            for (int voter : new int[] {3, 4}) {
                c.deliver(Message.PreVote.class, candidate, voter);
                c.deliver(Message.PreVoteAnswer.class, voter, candidate);
            }
            c.writeAll(candidate);
        }
        c.deliver(Message.RequestVote.class, 1, 3);
        c.deliver(Message.RequestVote.class, 2, 4);
        c.settle();
        assertEquals(RoleName.CANDIDATE, c.role(1));
        assertEquals(RoleName.CANDIDATE, c.role(2));
        c.timeout(1);
        assertEquals(1, c.term(1));   // a lost candidate asks again before it raises the term
        c.settle();
        assertEquals(RoleName.LEADER, c.role(1));
        assertEquals(2, c.term(1));
    }

    /** "Raft uses randomized election timeouts": drawn anew at each attempt, from T up to twice as much. */
    @Test
    void theElectionTimeoutIsDrawnAnewAtEachAttempt() {
        Cluster c = Cluster.of(3);
        for (long draw : new long[] {0, T / 3, T - 1, 7}) {
            c.draws(1, draw);
            c.timeout(1);
            assertEquals(RoleName.PRE_CANDIDATE, c.role(1));
            assertEquals(c.now() + T + draw, c.node(1).deadline());
        }
    }
}
