package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.T;
import static io.quorate.raft.core.Cluster.id;
import static io.quorate.raft.core.Cluster.members;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.core.Refusal.Reason;
import io.quorate.raft.testing.RecordedEffects.Accepted;
import io.quorate.raft.testing.RecordedEffects.Done;
import io.quorate.raft.testing.RecordedEffects.Readable;
import io.quorate.raft.testing.RecordedEffects.Refuse;
import io.quorate.raft.testing.RecordedEffects.Unknown;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Handing over leadership (thesis 3.10): it succeeds, or is given up as if nothing had been, or ends in an ordinary election. */
class TransferTest {

    @Test
    void aTargetThatHasEverythingIsToldToCampaignAndLeads() {
        Cluster c = leaderOfThree();
        long transfer = c.transfer(1, 2);
        c.deliver(Message.TimeoutNow.class, 1, 2);
        assertEquals(RoleName.CANDIDATE, c.role(2));
        c.settle();
        assertEquals(RoleName.LEADER, c.role(2));
        assertEquals(2, c.term(2));
        assertEquals(id(2), c.node(1).leader());
        assertEquals(List.of(new Done(transfer)), c.takeEffects(1, Done.class));
        assertEquals(List.of(), c.takeEffects(1, Refuse.class));
    }

    /** No pre-vote, no waiting for promises: three real elections would have taken an election timeout each. */
    @Test
    void aTransferTakesNoTime() {
        Cluster c = leaderOfThree();
        long before = c.now();
        for (int i = 0; i < 9; i++) {
            c.transfer(1 + i % 3, 1 + (i + 1) % 3);
            c.settle();
            assertEquals(RoleName.LEADER, c.role(1 + (i + 1) % 3));
        }
        assertEquals(before, c.now());
        assertEquals(10, c.term(1));
        assertEquals(List.of(), c.history(Message.PreVote.class, 2, 3));
    }

    @Test
    void aTargetMustFirstCatchUp() {
        Cluster c = leaderOfThree();
        c.propose(1);
        c.settle(1, 3);
        c.dropAll();
        c.heartbeat(1, 3);   // what was lost is not found yet
        long transfer = c.transfer(1, 2);
        assertEquals(List.of(), c.sent(Message.TimeoutNow.class, 1, 2));
        c.heartbeat(1);
        c.settle();
        assertEquals(RoleName.LEADER, c.role(2));
        assertEquals("1 1 2", c.log(2));
        assertEquals(List.of(new Done(transfer)), c.takeEffects(1, Done.class));
    }

    /** What its disk does not hold yet, it may lack when it campaigns. */
    @Test
    void aTargetWhoseDiskLagsHasNotCaughtUp() {
        Cluster c = leaderOfThree();
        c.propose(1);
        c.deliver(Message.AppendEntries.class, 1, 2);
        c.transfer(1, 2);
        assertEquals(List.of(), c.sent(Message.TimeoutNow.class, 1, 2));
        c.writeAll(2);
        c.deliver(Message.AppendAccepted.class, 2, 1);
        assertEquals(1, c.sent(Message.TimeoutNow.class, 1, 2).size());
    }

    /** It is not needed for that: the target has what the leader's own disk has not. */
    @Test
    void theLeadersOwnDiskNeedNotKeepUp() {
        Cluster c = leaderOfThree();
        c.propose(1);
        c.transfer(1, 2);
        c.settle(2, 3);
        c.deliver(Message.AppendEntries.class, 1, 2);
        c.writeAll(2);
        c.deliver(Message.AppendAccepted.class, 2, 1);
        assertEquals(1, c.sent(Message.TimeoutNow.class, 1, 2).size());
    }

    @Test
    void withoutATargetTheVoterWithTheLongestLogIsTaken() {
        Cluster c = Cluster.of(RaftConfig.DEFAULT, new Membership(1, members(1, 2, 3), List.of(), members(4)), 0, "", "", "", "");
        c.elect(1, 2, 3);
        c.settle();
        c.propose(1);
        c.settle(1, 3, 4);
        c.transfer(1, 0);
        assertEquals(1, c.sent(Message.TimeoutNow.class, 1, 3).size());
        assertEquals(List.of(), c.sent(Message.TimeoutNow.class, 1, 2));
        assertEquals(List.of(), c.sent(Message.TimeoutNow.class, 1, 4));
    }

    @Test
    void whoIsNoVoterOrWasNotHeardLatelyOrLeadsAlreadyIsNoTarget() {
        Cluster c = Cluster.of(RaftConfig.DEFAULT, new Membership(1, members(1, 2, 3), List.of(), members(4)), 0, "", "", "", "", "");
        c.elect(1, 2, 3);
        c.settle();
        for (int i = 0; i < 10; i++) {
            c.heartbeat(1, 2, 4);
            c.dropAll();
        }
        for (int target : new int[] {1, 3, 4, 5}) {   // itself, a silent one, a learner, a stranger
            long transfer = c.transfer(1, target);
            assertEquals(List.of(new Refuse(transfer, new Refusal(Reason.NO_TARGET, null))), c.takeEffects(1, Refuse.class));
        }
        assertEquals(List.of(), c.network());
        c.propose(1);
        assertEquals(1, c.takeEffects(1, Accepted.class).size());
    }

    @Test
    void whoIsAloneHasNobodyToHandOverTo() {
        Cluster c = Cluster.of(1);
        c.timeout(1);
        c.writeAll(1);
        long transfer = c.transfer(1, 0);
        assertEquals(List.of(new Refuse(transfer, new Refusal(Reason.NO_TARGET, null))), c.takeEffects(1, Refuse.class));
    }

    @Test
    void onlyALeaderThatHearsItsQuorumHandsOver() {
        Cluster c = leaderOfThree();
        long elsewhere = c.transfer(2, 3);
        assertEquals(List.of(new Refuse(elsewhere, new Refusal(Reason.NOT_LEADER, id(1)))), c.takeEffects(2, Refuse.class));
        c.pass(T);
        long late = c.transfer(1, 2);
        assertEquals(List.of(new Refuse(late, new Refusal(Reason.NO_QUORUM, null))), c.takeEffects(1, Refuse.class));
    }

    @Test
    void oneTransferIsUnderWayAtATime() {
        Cluster c = leaderOfThree();
        long first = c.transfer(1, 2);
        long second = c.transfer(1, 3);
        assertEquals(List.of(new Refuse(second, new Refusal(Reason.TRANSFER_PENDING, null))), c.takeEffects(1, Refuse.class));
        assertEquals(List.of(), c.sent(Message.TimeoutNow.class, 1, 3));
        c.settle();
        assertEquals(List.of(new Done(first)), c.takeEffects(1, Done.class));
    }

    // ---- proposals meanwhile

    @Test
    void proposalsAreHeldAndGoInWhenTheTransferIsGivenUp() {
        Cluster c = lagging();
        long transfer = c.transfer(1, 2);
        long first = c.propose(1);
        long second = c.propose(1);
        assertEquals(List.of(), c.takeEffects(1, Accepted.class));
        c.dropAll();
        giveUp(c, 3);
        assertEquals(List.of(new Refuse(transfer, new Refusal(Reason.TRANSFER_FAILED, null))), c.takeEffects(1, Refuse.class));
        assertEquals(List.of(new Accepted(first, new EntryId(1, 3)), new Accepted(second, new EntryId(1, 4))),
            c.takeEffects(1, Accepted.class));
        c.settle(1, 3);
        assertEquals(4, c.commit(1));
        assertEquals(RoleName.LEADER, c.role(1));
        assertEquals(1, c.term(1));
    }

    /** It is alive, and its disk takes too long. */
    @Test
    void aTargetThatDoesNotCatchUpInTimeIsGivenUp() {
        Cluster c = leaderOfThree();
        c.hangs(2, true);
        c.propose(1);
        c.settle();
        long begun = c.now();
        long transfer = c.transfer(1, 2);
        for (int i = 0; i < 20 && c.now() < begun + T; i++) {
            assertEquals(List.of(), c.takeEffects(1, Refuse.class));
            c.heartbeat(1);
        }
        c.tick(1);
        assertEquals(begun + T, c.now());
        assertEquals(List.of(new Refuse(transfer, new Refusal(Reason.TRANSFER_FAILED, null))), c.takeEffects(1, Refuse.class));
        c.hangs(2, false);
        c.heartbeat(1);
        assertEquals(List.of(), c.history(Message.TimeoutNow.class, 1, 2));
    }

    /** Each is answered once, and none is in any log: who repeats it at the new leader does not do it twice. */
    @Test
    void heldProposalsAreRefusedWhenAnotherLeads() {
        Cluster c = leaderOfThree();
        c.transfer(1, 2);
        long first = c.propose(1);
        long second = c.propose(1);
        c.settle();
        Refusal why = new Refusal(Reason.NOT_LEADER, null);
        assertEquals(List.of(new Refuse(first, why), new Refuse(second, why)), c.takeEffects(1, Refuse.class));
        assertEquals(List.of(), c.takeEffects(1, Accepted.class));
        assertEquals("1 2", c.log(2));
        assertEquals("1 2", c.log(3));
    }

    /** In one batch with the transfer, and before its target was told. */
    @Test
    void whatIsProposedBehindTheTransferInOneBatchIsHeldToo() {
        Cluster c = leaderOfThree();
        c.batch(1, new Event.Propose(101, new byte[3]), new Event.Transfer(102, id(2)), new Event.Propose(103, new byte[3]));
        assertEquals(List.of(new Accepted(101, new EntryId(1, 2))), c.takeEffects(1, Accepted.class));
        assertEquals("1 1", c.log(1));
        c.settle();
        assertEquals(RoleName.LEADER, c.role(2));
        assertEquals(List.of(new Refuse(103, new Refusal(Reason.NOT_LEADER, null))), c.takeEffects(1, Refuse.class));
    }

    /** A voter that had one entry more would refuse the target its vote. */
    @Test
    void onceTheTargetWasToldNothingIsAppended() {
        Cluster c = leaderOfThree();
        c.transfer(1, 2);
        assertEquals(1, c.sent(Message.TimeoutNow.class, 1, 2).size());
        c.propose(1);
        c.settle(1, 3);
        assertEquals("1", c.log(1));
        assertEquals("1", c.log(3));
    }

    @Test
    void asManyProposalsAreHeldAsMayBeUncommitted() {
        Cluster c = Cluster.of(Cluster.config(2 * 200, 1 << 20, 1 << 20, 1 << 10, 1 << 20), 3);
        c.elect(1, 2, 3);
        c.settle();
        c.propose(1, 100);   // on its way
        c.takeEffects(1, Accepted.class);
        c.transfer(1, 2);
        c.propose(1, 100);
        assertTrue(c.node(1).status().backlog().uncommittedBytes() > 200);
        long third = c.propose(1, 100);
        assertEquals(List.of(new Refuse(third, new Refusal(Reason.OVERLOADED, null))), c.takeEffects(1, Refuse.class));
        c.settle();
        assertEquals(RoleName.LEADER, c.role(2));
        assertEquals(1, c.takeEffects(1, Refuse.class).size());
    }

    /** It is far behind, and would have to be waited for: meanwhile everybody else goes on. */
    @Test
    void whileTheTargetLacksMuchProposalsGoOn() {
        Cluster c = Cluster.of(Cluster.config(1 << 20, 1 << 20, 1 << 20, 1 << 10, 200), 3);
        c.elect(1, 2, 3);
        c.settle();
        for (int i = 0; i < 5; i++) {
            c.propose(1, 100);
            c.settle(1, 3);
        }
        c.dropAll();
        c.heartbeat(1, 2);   // the tail was lost: it must be read from the disk again
        c.heartbeat(1, 2);
        long transfer = c.transfer(1, 2);
        c.takeEffects(1, Accepted.class);
        c.propose(1);
        assertEquals(1, c.takeEffects(1, Accepted.class).size());
        c.dropAll();
        giveUp(c, 3);
        assertEquals(List.of(new Refuse(transfer, new Refusal(Reason.TRANSFER_FAILED, null))), c.takeEffects(1, Refuse.class));
    }

    // ---- reads meanwhile

    @Test
    void readsGoOnDuringATransfer() {
        Cluster c = leaderOfThree();
        c.transfer(1, 2);
        c.take(Message.TimeoutNow.class, 1, 2);
        long read = c.read(1);
        c.settle(1, 3);
        assertEquals(List.of(new Readable(read, 1, Long.MAX_VALUE)), c.takeEffects(1, Readable.class));
    }

    // ---- the campaign

    /** Its voters heard the leader a moment ago and would wait for it. */
    @Test
    void aTransfersVotePassesWhoKeepsAPromiseToThatLeaderAndAnOrdinaryOneDoesNot() {
        Cluster c = leaderOfThree();
        EntryId last = new EntryId(1, 1);
        c.deliver(new Message.RequestVote(id(2), id(3), 2, last, 0));
        assertEquals(Message.Denial.HEARS_LEADER, c.take(Message.Vote.class, 3, 2).denial());
        assertEquals(1, c.term(3));
        c.deliver(new Message.RequestVote(id(2), id(3), 2, last, 1));
        c.writeAll(3);
        assertTrue(c.take(Message.Vote.class, 3, 2).granted());
    }

    /** The permission was another leader's: this one did not give it. */
    @Test
    void aTransferOfAnEarlierTermPassesNobody() {
        Cluster c = leaderOfThree();
        c.leadAgain(1, 2, 3);
        assertEquals(2, c.term(3));
        c.heartbeat(1, 2, 3);
        c.deliver(new Message.RequestVote(id(2), id(3), 9, new EntryId(2, 9), 1));
        assertEquals(Message.Denial.HEARS_LEADER, c.take(Message.Vote.class, 3, 2).denial());
        c.deliver(new Message.RequestVote(id(2), id(3), 9, new EntryId(2, 9), 8));   // nor of one that it has not heard
        assertEquals(Message.Denial.HEARS_LEADER, c.take(Message.Vote.class, 3, 2).denial());
        assertEquals(2, c.term(3));
    }

    /** What it promised before its start is over, or was to the very leader who hands over. */
    @Test
    void aVoterThatHasJustStartedLetsATransferPassAndNothingElse() {
        Cluster c = leaderOfThree();
        c.restart(3);
        EntryId last = new EntryId(1, 1);
        c.deliver(new Message.RequestVote(id(2), id(3), 2, last, 0));
        assertEquals(Message.Denial.HEARS_LEADER, c.take(Message.Vote.class, 3, 2).denial());
        c.deliver(new Message.RequestVote(id(2), id(3), 2, last, 1));
        c.writeAll(3);
        assertTrue(c.take(Message.Vote.class, 3, 2).granted());
        c.restart(3);   // in term 2 now, of which no leader was heard
        c.deliver(new Message.RequestVote(id(2), id(3), 3, last, 1));
        assertEquals(Message.Denial.HEARS_LEADER, c.take(Message.Vote.class, 3, 2).denial());
    }

    @Test
    void aLeaderLetsNobodyPassButWhomItHasTold() {
        Cluster c = leaderOfThree();
        EntryId last = new EntryId(1, 1);
        c.deliver(new Message.RequestVote(id(2), id(1), 2, last, 1));
        assertEquals(Message.Denial.HEARS_LEADER, c.take(Message.Vote.class, 1, 2).denial());
        c.transfer(1, 2);
        c.deliver(new Message.RequestVote(id(3), id(1), 2, last, 1));
        assertEquals(Message.Denial.HEARS_LEADER, c.take(Message.Vote.class, 1, 3).denial());
        assertEquals(RoleName.LEADER, c.role(1));
        c.deliver(new Message.RequestVote(id(2), id(1), 2, last, 1));
        c.writeAll(1);
        assertTrue(c.take(Message.Vote.class, 1, 2).granted());
    }

    @Test
    void aTransferPermitsNoPreVote() {
        Cluster c = leaderOfThree();
        c.transfer(1, 2);
        c.deliver(new Message.PreVote(id(2), id(1), 1, new EntryId(1, 1), 5));
        assertFalse(c.take(Message.PreVoteAnswer.class, 1, 2).granted());
    }

    /** Or one permission would keep disturbing. */
    @Test
    void aSecondCandidacyAfterALostTransferIsOrdinary() {
        Cluster c = leaderOfThree();
        c.transfer(1, 2);
        c.deliver(Message.TimeoutNow.class, 1, 2);
        c.writeAll(2);
        assertEquals(1, c.take(Message.RequestVote.class, 2, 3).transferOf());
        c.dropAll();   // nobody hears of it
        c.timeout(2);
        assertEquals(RoleName.PRE_CANDIDATE, c.role(2));
        c.deliver(new Message.PreVoteAnswer(id(3), id(2), 2, null, c.take(Message.PreVote.class, 2, 3).round(), 0));
        c.writeAll(2);
        assertEquals(0, c.take(Message.RequestVote.class, 2, 3).transferOf());
    }

    /** Nothing is said before the own vote is durable, whoever wants the campaign. */
    @Test
    void aTargetAsksWhenItsOwnVoteIsDurable() {
        Cluster c = leaderOfThree();
        c.transfer(1, 2);
        c.deliver(Message.TimeoutNow.class, 1, 2);
        assertEquals(List.of(), c.sent(Message.RequestVote.class, 2, 3));
        c.write(2);
        assertEquals(1, c.sent(Message.RequestVote.class, 2, 3).size());
    }

    /** The old leader's heartbeat, on its way meanwhile, is of an earlier term. */
    @Test
    void aHeartbeatOfTheOldLeaderDoesNotEndTheCampaign() {
        Cluster c = leaderOfThree();
        c.transfer(1, 2);
        c.timeout(1);
        Message.AppendEntries heartbeat = c.take(Message.AppendEntries.class, 1, 2);
        c.deliver(Message.TimeoutNow.class, 1, 2);
        c.deliver(heartbeat);
        assertEquals(RoleName.CANDIDATE, c.role(2));
        c.settle();
        assertEquals(RoleName.LEADER, c.role(2));
    }

    @Test
    void whoMayNotCampaignIgnoresThatItIsTold() {
        Cluster c = Cluster.of(RaftConfig.DEFAULT, new Membership(1, members(1, 2, 3), List.of(), members(4)), 0, "", "", "", "");
        c.elect(1, 2, 3);
        c.settle();
        c.deliver(new Message.TimeoutNow(id(1), id(4), 1));   // a learner
        assertEquals(RoleName.FOLLOWER, c.role(4));
        c.deliver(new Message.TimeoutNow(id(3), id(2), 1));   // not from its leader
        assertEquals(RoleName.FOLLOWER, c.role(2));
        c.deliver(new Message.TimeoutNow(id(3), id(1), 1));   // it leads itself
        assertEquals(RoleName.LEADER, c.role(1));
        c.elect(2, 1, 3);
        c.settle();
        c.deliver(new Message.TimeoutNow(id(1), id(3), 1));   // of an earlier term
        assertEquals(RoleName.FOLLOWER, c.role(3));
        for (int n = 1; n <= 4; n++) {
            assertEquals(2, c.term(n));
        }
    }

    /** It had doubted its leader; the leader says itself that it may. */
    @Test
    void aPreCandidateThatIsToldCampaigns() {
        Cluster c = leaderOfThree();
        c.timeout(2);
        assertEquals(RoleName.PRE_CANDIDATE, c.role(2));
        c.dropAll();
        c.deliver(new Message.TimeoutNow(id(1), id(2), 1));
        assertEquals(RoleName.CANDIDATE, c.role(2));
        c.deliver(new Message.TimeoutNow(id(3), id(2), 2));   // it campaigns already
        assertEquals(2, c.term(2));
    }

    // ---- the end

    /** The request was asked of this replica, and it does not lead any more: whoever leads now was not handed anything. */
    @Test
    void aLeaderThatIsDeposedBeforeItHasHandedOverHasNotDoneSo() {
        Cluster c = lagging();
        long transfer = c.transfer(1, 2);
        long held = c.propose(1);
        c.deliver(new Message.AppendRejected(id(3), id(1), 7, EntryId.ZERO, EntryId.ZERO, 0));
        Refusal why = new Refusal(Reason.NOT_LEADER, null);
        assertEquals(List.of(new Refuse(transfer, why), new Refuse(held, why)), c.takeEffects(1, Refuse.class));
        assertEquals(List.of(), c.takeEffects(1, Done.class));
    }

    /** It may campaign at any time, so the leader cannot go on as if it had said nothing; it has not been deposed, so the term stays. */
    @Test
    void aLeaderWhoseTargetDoesNotCampaignLeavesOfficeInItsOwnTerm() {
        Cluster c = leaderOfThree();
        c.crash(2);
        long told = c.now();
        long transfer = c.transfer(1, 2);
        long held = c.propose(1);
        for (int i = 0; i < 20 && c.role(1) == RoleName.LEADER; i++) {
            c.heartbeat(1, 3);
        }
        assertEquals(told + T / 2, c.now());
        assertEquals(1, c.term(1));
        assertEquals(List.of(new Refuse(held, new Refusal(Reason.NOT_LEADER, null))), c.takeEffects(1, Refuse.class));
        assertEquals(List.of(new Unknown(transfer)), c.takeEffects(1, Unknown.class));
        assertEquals(List.of(), c.takeEffects(1, Done.class));
    }

    /** Whoever had been told that nothing happened would have handed over twice. */
    @Test
    void aHandOverThatArrivesWhenItsLeaderHasGoneHappensAllTheSame() {
        Cluster c = leaderOfThree();
        long transfer = c.transfer(1, 2);
        Message late = c.take(Message.TimeoutNow.class, 1, 2);
        for (int i = 0; i < 20 && c.role(1) == RoleName.LEADER; i++) {
            c.heartbeat(1, 3);
            c.dropAll();
        }
        assertEquals(List.of(new Unknown(transfer)), c.takeEffects(1, Unknown.class));
        assertEquals(List.of(), c.takeEffects(1, Refuse.class));
        c.deliver(late);
        c.settle();
        assertEquals(RoleName.LEADER, c.role(2));
    }

    @Test
    void aLostHandOverIsRepeatedWithTheNextHeartbeat() {
        Cluster c = leaderOfThree();
        c.transfer(1, 2);
        c.dropAll();
        c.heartbeat(1);
        assertEquals(RoleName.LEADER, c.role(2));
    }

    private static Cluster leaderOfThree() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.heartbeat(1);
        return c;
    }

    /** One entry is on its way to replica 2, and will not arrive. */
    private static Cluster lagging() {
        Cluster c = leaderOfThree();
        c.propose(1);
        c.settle(1, 3);
        c.takeEffects(1, Accepted.class);
        c.dropAll();
        return c;
    }

    /** The time for catching up passes, while others are heard. */
    private static void giveUp(Cluster c, int other) {
        for (int i = 0; i < 12; i++) {
            c.heartbeat(1, other);
            c.dropAll();
        }
    }
}
