package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.T;
import static io.quorate.raft.core.Cluster.id;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.core.Refusal.Reason;
import io.quorate.raft.testing.RecordedEffects;
import io.quorate.raft.testing.RecordedEffects.Accepted;
import io.quorate.raft.testing.RecordedEffects.Refuse;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What silence means, and when it means nothing. */
class TimeTest {

    @Test
    void aLeaderThatHearsNoQuorumRefusesProposalsAfterTAndStepsDownAfterTwiceThatInItsOwnTerm() {
        Cluster c = leaderOfThree();
        c.heartbeat(1);
        long heard = c.now();
        while (c.now() < heard + T - 1) {
            c.pass(Math.min(T / 10, heard + T - 1 - c.now()));
            c.tick(1);
            c.dropAll();
        }
        c.propose(1);
        assertEquals(1, c.takeEffects(1, Accepted.class).size());
        c.dropAll();
        c.pass(1);
        long refused = c.propose(1);
        assertEquals(List.of(new Refuse(refused, new Refusal(Reason.NO_QUORUM, null))), c.takeEffects(1, Refuse.class));
        assertEquals(RoleName.LEADER, c.role(1));
        while (c.role(1) == RoleName.LEADER) {
            c.timeout(1);
            c.dropAll();
        }
        assertEquals(heard + 2 * T, c.now());
        assertEquals(RoleName.FOLLOWER, c.role(1));
        assertEquals(1, c.term(1));
        assertNull(c.node(1).leader());
    }

    /** One follower of three is a quorum with the leader; one of five is not. */
    @Test
    void aMinorityDoesNotKeepALeaderInOffice() {
        Cluster c = Cluster.of(5);
        c.elect(1, 2, 3);
        c.settle();
        for (int i = 0; i < 25 && c.role(1) == RoleName.LEADER; i++) {
            c.heartbeat(1, 2);
            c.dropAll();
        }
        assertEquals(RoleName.FOLLOWER, c.role(1));
        c = leaderOfThree();
        for (int i = 0; i < 40; i++) {
            c.heartbeat(1, 2);
            c.dropAll();
        }
        assertEquals(RoleName.LEADER, c.role(1));
    }

    /** An answer that was long on its way tells of the time when its round began, not of when it arrived. */
    @Test
    void aLateEchoIsCountedFromTheBeginOfItsRound() {
        Cluster c = leaderOfThree();
        c.timeout(1);
        long begun = c.now();
        c.deliver(Message.AppendEntries.class, 1, 2);
        Message.AppendAccepted echo = c.take(Message.AppendAccepted.class, 2, 1);
        c.dropAll();
        while (c.now() < begun + T) {
            c.timeout(1);
            c.dropAll();
        }
        c.deliver(echo);
        c.propose(1);
        assertEquals(Reason.NO_QUORUM, c.takeEffects(1, Refuse.class).get(0).why().reason());
    }

    /** A disk may take longer than a promise lasts: what is then acknowledged goes with no promise, not with less than none. */
    @Test
    void aFollowerWhosePromiseHasRunOutHoldsItsVoteForNobody() {
        Cluster c = Cluster.of(RaftConfig.DEFAULT.withLeases(10), 3);
        c.elect(1, 2, 3);
        c.settle();
        assertEquals(T, c.history(Message.AppendAccepted.class, 2, 1).get(0).holdsNanos());
        c.propose(1);
        c.deliver(Message.AppendEntries.class, 1, 2);
        c.pass(2 * T);
        c.write(2);
        Message.AppendAccepted late = c.take(Message.AppendAccepted.class, 2, 1);
        assertEquals(2, late.matchIndex());
        assertEquals(0, late.holdsNanos());
    }

    @Test
    void aLeaderIsHeardEveryTenthOfTheElectionTimeout() {
        Cluster c = leaderOfThree();
        for (int i = 0; i < 10; i++) {
            long before = c.now();
            c.timeout(1);
            assertEquals(T / 10, c.now() - before);
            assertEquals(1, c.sent(Message.AppendEntries.class, 1, 2).size());
            c.settle();
        }
    }

    /** Heartbeats do not wait for a pause between proposals. */
    @Test
    void aBusyLeaderBeginsItsRoundsAllTheSame() {
        Cluster c = leaderOfThree();
        for (int i = 0; i < 30; i++) {
            c.pass(T / 10);
            c.propose(1);
            c.tick(1);
            c.settle();
        }
        assertEquals(RoleName.LEADER, c.role(1));
        assertEquals(1, c.term(2));
    }

    /** A process that was stopped while its time ran out has not listened: it listens first. */
    @Test
    void aFollowerThatWasPausedDoesNotCampaignAtOnce() {
        Cluster c = leaderOfThree();
        long deadline = c.node(2).deadline();
        c.pass(deadline - c.now() + T / 2 + 1);
        c.tick(2);
        assertEquals(RoleName.FOLLOWER, c.role(2));
        assertEquals(c.now() + T, c.node(2).deadline());
    }

    /** Being late by less is what busy machines are. */
    @Test
    void aTickThatIsNotVeryLateIsNoPause() {
        Cluster c = leaderOfThree();
        long deadline = c.node(2).deadline();
        c.pass(deadline - c.now() + T / 2);
        c.tick(2);
        assertEquals(RoleName.PRE_CANDIDATE, c.role(2));
    }

    @Test
    void candidatesThatWerePausedWaitAnew() {
        Cluster c = Cluster.of(3);
        c.timeout(1);
        List<Message> asked = c.network();
        c.pass(2 * T);
        c.tick(1);
        assertEquals(RoleName.PRE_CANDIDATE, c.role(1));
        assertEquals(asked, c.network());   // the same question still stands
        assertEquals(c.now() + T, c.node(1).deadline());
        c.dropAll();
        c.timeout(1);
        c.deliver(Message.PreVote.class, 1, 2);
        c.deliver(Message.PreVoteAnswer.class, 2, 1);
        c.write(1);
        c.pass(2 * T);
        c.tick(1);
        assertEquals(RoleName.CANDIDATE, c.role(1));
        assertEquals(c.now() + T, c.node(1).deadline());
    }

    /** A leader that was stopped asks its quorum before it gives up, and takes no proposal before it has heard it. */
    @Test
    void aLeaderThatWasPausedAsksBeforeItStepsDown() {
        Cluster c = leaderOfThree();
        c.pass(5 * T);
        c.tick(1);
        assertEquals(RoleName.LEADER, c.role(1));
        c.propose(1);
        assertEquals(Reason.NO_QUORUM, c.takeEffects(1, Refuse.class).get(0).why().reason());
        c.settle();
        c.propose(1);
        assertEquals(1, c.takeEffects(1, Accepted.class).size());
        c.pass(5 * T);   // and if nobody answers, it has twice T from when it woke
        c.tick(1);
        c.dropAll();
        long woken = c.now();
        while (c.role(1) == RoleName.LEADER) {
            c.timeout(1);
            c.dropAll();
        }
        assertEquals(woken + 2 * T, c.now());
    }

    /** Or a leader that is never done with its inbox would be given new patience with every batch. */
    @Test
    void aPauseIsNoticedOnce() {
        Cluster c = leaderOfThree();
        c.pass(5 * T);
        c.propose(1);   // the inbox was not drained, so nothing was judged yet
        long woken = c.now();
        c.pass(T / 2);
        c.propose(1);
        c.dropAll();
        while (c.role(1) == RoleName.LEADER && c.now() < woken + 5 * T) {
            c.timeout(1);
            c.dropAll();
        }
        assertEquals(woken + 2 * T, c.now());
    }

    /** Silence means something only when everything that has arrived was digested. */
    @Test
    void noDeadlineIsJudgedBeforeTheInboxIsDrained() {
        Cluster c = leaderOfThree();
        RaftNode node = c.node(2);
        node.step(new Event.Tick(node.deadline()));
        node.flush(new RecordedEffects(), false);
        assertEquals(RoleName.FOLLOWER, c.role(2));
        node.step(new Message.AppendEntries(id(1), id(2), 1, EntryId.ZERO, List.of(), 0, 0, 50));
        node.flush(new RecordedEffects(), true);
        assertEquals(RoleName.FOLLOWER, c.role(2));
    }

    @Test
    void aClockThatGoesBackIsIgnored() {
        Cluster c = leaderOfThree();
        long deadline = c.node(2).deadline();
        c.node(2).step(new Event.Tick(c.now() - 5 * T));
        c.node(2).step(new Message.AppendEntries(id(1), id(2), 1, EntryId.ZERO, List.of(), 0, 0, 50));
        assertEquals(c.now() + T, c.node(2).deadline());
        assertEquals(deadline, c.node(2).deadline());
    }

    /** Nanosecond clocks have any origin and may wrap around in the middle of everything. */
    @ParameterizedTest
    @ValueSource(longs = {Long.MAX_VALUE, Long.MAX_VALUE - 500_000_000L, Long.MAX_VALUE - 1_000_000_000L, Long.MAX_VALUE - 2_500_000_000L,
        Long.MAX_VALUE - 4_000_000_000L, Long.MIN_VALUE, -1, -2_000_000_000L})
    void timeMayWrapAround(long start) {
        Cluster c = Cluster.of(RaftConfig.DEFAULT, Cluster.voters(3), start, "", "", "");
        c.elect(1, 2, 3);
        c.settle();
        for (int i = 0; i < 40; i++) {
            c.heartbeat(1);
            c.tick(2);
            c.tick(3);
            c.deliver(new Message.RequestVote(id(3), id(2), 9, new EntryId(8, 8), 0));
            c.deliver(new Message.RequestVote(id(3), id(1), 9, new EntryId(8, 8), 0));
            c.dropAll();
            assertEquals(1, c.term(1));
            assertEquals(1, c.term(2));
        }
        c.propose(1);
        assertEquals(1, c.takeEffects(1, Accepted.class).size());
        c.settle();
        long heard = c.now();
        while (c.role(1) == RoleName.LEADER) {
            c.timeout(1);
            c.dropAll();
        }
        assertEquals(2 * T, c.now() - heard);
        c.timeout(2);
        c.settle(2, 3);
        assertEquals(RoleName.LEADER, c.role(2));
    }

    private static Cluster leaderOfThree() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.heartbeat(1);
        return c;
    }
}
