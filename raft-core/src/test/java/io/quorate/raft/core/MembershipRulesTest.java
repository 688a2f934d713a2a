package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.T;
import static io.quorate.raft.core.Cluster.goal;
import static io.quorate.raft.core.Cluster.id;
import static io.quorate.raft.core.Cluster.led;
import static io.quorate.raft.core.Cluster.members;
import static io.quorate.raft.core.Cluster.voters;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.CatchUp;
import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.core.Refusal.Reason;
import io.quorate.raft.testing.RecordedEffects;
import io.quorate.raft.testing.RecordedEffects.Accepted;
import io.quorate.raft.testing.RecordedEffects.Refuse;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What must not go wrong while the membership changes (§6, thesis 4). */
class MembershipRulesTest {

    // ---- when a change may begin

    /** Two changes of which neither leader knew the other's have made two disjoint quorums before. */
    @Test
    void noMembershipIsAppendedBeforeAnEntryOfTheOwnTermIsCommitted() {
        Cluster c = led(3, 4);
        c.crash(1);
        c.elect(2, 3);
        c.writeAll(2);
        long request = c.change(2, 1, goal(2, 3, 4));
        requireRefused(c, 2, request, Reason.TOO_EARLY);
        c.settle(2, 3);
        c.change(2, 1, goal(2, 3, 4));
        assertEquals(2, c.node(2).membership().version());
    }

    /** Neither does a leader go on with an inherited goal before: it does not know yet whether that is committed. */
    @Test
    void anInheritedGoalWaitsForAnEntryOfTheOwnTerm() {
        Cluster c = led(3, 4);
        c.change(1, goal(1, 2, 3, 4));
        c.settleUntil(() -> c.node(1).membership().isJoint());
        c.settle(1, 2);   // of the joint membership's four, only two
        assertEquals(3, c.node(2).membership().version());
        c.crash(1);
        c.elect(2, 3, 4);
        c.writeAll(2);
        assertEquals(3, c.node(2).membership().version());
        c.settle(2, 3, 4);
        assertEquals(Membership.of(4, members(1, 2, 3, 4)), c.node(2).membership());
    }

    /** Nor does it leave a joint membership, even one that it knows to be committed. */
    @Test
    void anInheritedJointMembershipWaitsForAnEntryOfTheOwnTerm() {
        Cluster c = led(3, 4);
        c.change(1, goal(1, 2, 4));
        c.settleUntil(() -> c.node(1).membership().version() == 4);
        c.dropAll();
        c.timeout(1);
        c.bring(1, 2);   // a heartbeat, which tells of the commit
        c.bring(1, 4);
        assertTrue(c.node(2).membership().isJoint() && c.node(2).status().change().isCommitted());
        c.dropAll();
        c.crash(1);
        c.elect(2, 3, 4);
        assertTrue(c.node(2).membership().isJoint());
        c.settle(2, 3, 4);
        assertEquals(4, c.node(2).membership().version());
    }

    @Test
    void oneMembershipIsUncommittedAtMost() {
        Cluster c = led(3, 5);
        c.change(1, goal(1, 2, 4));
        requireRefused(c, 1, c.change(1, 2, goal(1, 2, 5)), Reason.CHANGE_PENDING);
        c.settle(1, 2);
        assertNull(refused(c, 1, c.change(1, 2, goal(1, 2, 5))));
        assertEquals(goal(1, 2, 5), c.node(1).membership().goal());
    }

    @Test
    void aChangeNamesTheMembershipThatItsCallerHasSeen() {
        Cluster c = led(3, 4);
        requireRefused(c, 1, c.change(1, 0, goal(1, 2)), Reason.OTHER_VERSION);
        requireRefused(c, 1, c.change(1, 2, goal(1, 2)), Reason.OTHER_VERSION);
        requireRefused(c, 2, c.change(2, 1, goal(1, 2)), Reason.NOT_LEADER);
        long request = c.change(1, 1, goal(1, 2));
        assertEquals(List.of(new Accepted(request, new EntryId(1, 2))), c.takeEffects(1, Accepted.class));
    }

    @Test
    void aLeaderThatHearsNoQuorumStatesNoGoal() {
        Cluster c = led(3, 3);
        c.pass(T);
        requireRefused(c, 1, c.change(1, 1, goal(1, 2)), Reason.NO_QUORUM);
    }

    /** Nothing remembers that a change is under way but the log, so nothing can go on remembering it. */
    @Test
    void aChangeThatChangesNothingDoesNotStandInTheWayOfTheNext() {
        Cluster c = led(3, 4);
        c.change(1, goal(1, 2, 3));
        c.settle();
        assertEquals(Membership.of(2, members(1, 2, 3)), c.node(1).membership());
        c.change(1, goal(1, 2, 3, 4));
        c.reachGoal(1);
        assertEquals(Membership.of(5, members(1, 2, 3, 4)), c.node(1).membership());
    }

    // ---- while leadership is handed over

    /** The target is to have the whole log, so nothing is added to it. */
    @Test
    void noGoalIsStatedWhileLeadershipIsHandedOver() {
        Cluster c = led(3, 4);
        c.transfer(1, 2);
        requireRefused(c, 1, c.change(1, goal(1, 2, 3, 4)), Reason.TRANSFER_PENDING);
        assertEquals("1", c.log(1));
    }

    /** Nor is a joint membership left, even if it is committed meanwhile: the successor leaves it. */
    @Test
    void aJointMembershipIsNotLeftOnceTheTargetWasTold() {
        Cluster c = led(3, 4);
        c.change(1, goal(1, 2, 4));
        c.settleUntil(() -> c.node(1).membership().isJoint());
        c.bring(1, 2);
        c.deliver(Message.AppendAccepted.class, 2, 1);
        c.dropAll();
        c.transfer(1, 2);
        assertTrue(c.node(1).status().office().isHandedOver());
        c.writeAll(1);
        assertTrue(c.node(1).status().change().isCommitted());
        assertTrue(c.node(1).membership().isJoint());
        c.settle();
        assertEquals(RoleName.LEADER, c.role(2));
        assertEquals(Membership.of(4, members(1, 2, 4)), c.node(2).membership());
    }

    /** Whoever goes with the outgoing half would have to hand over once more. */
    @Test
    void theBestSuccessorIsOneWhoStays() {
        Cluster c = led(3, 5);
        c.change(1, goal(1, 4, 5));
        c.settleUntil(() -> c.node(1).membership().isJoint());
        c.transfer(1, 0);
        assertEquals(id(4), c.node(1).status().office().successor());
    }

    // ---- by which membership is counted

    @Test
    void aMembershipCountsAsSoonAsItIsAppended() {
        Cluster c = led(3, 5);
        c.change(1, goal(3, 4, 5));
        c.settleUntil(() -> c.node(1).membership().isJoint());
        c.bring(1, 2);
        assertTrue(c.node(2).membership().isJoint());
        assertTrue(c.commit(2) < c.node(2).log().lastIndex());
        c.dropAll();
        c.crash(1);
        c.pass(T);
        c.timeout(2);
        c.settle(2, 3);
        assertEquals(RoleName.PRE_CANDIDATE, c.role(2));   // two of the three old ones, and one of the new
        c.settle(2, 3, 4);
        assertEquals(RoleName.LEADER, c.role(2));
    }

    /** And no earlier entry is committed by the old count any more. */
    @Test
    void anEntryBeforeAMembershipIsCommittedByItsCountToo() {
        Cluster c = led(3, 5);
        c.change(1, goal(1, 4, 5));
        c.settle(1, 4, 5);
        c.propose(1);
        c.deliver(Message.AppendEntries.class, 1, 2);
        c.writeAll(2);
        c.deliver(Message.AppendAccepted.class, 2, 1);
        assertTrue(c.node(1).membership().isJoint());
        c.settle(1, 2, 3);
        assertEquals(4, c.node(2).log().lastIndex());
        assertEquals(2, c.commit(1));
        c.settle(1, 4);
        assertEquals(5, c.commit(1));
    }

    /** By its own log it may be a learner still, but who asks may know better. */
    @Test
    void aLearnerAnswersRequestsForVotes() {
        Cluster c = Cluster.of(RaftConfig.DEFAULT, new Membership(1, members(1, 2), List.of(), members(3)), 0, "", "", "");
        c.pass(T);
        c.deliver(new Message.PreVote(id(2), id(3), 0, EntryId.ZERO, 7));
        assertTrue(c.take(Message.PreVoteAnswer.class, 3, 2).granted());
        c.deliver(new Message.RequestVote(id(2), id(3), 1, EntryId.ZERO, 0));
        c.writeAll(3);
        assertTrue(c.take(Message.Vote.class, 3, 2).granted());
    }

    /**
     * Of {1, 2, 3} with learner 4 to {1, 2, 4} with learner 3. Replica 4 alone has all of the log; the joint membership is not known to be
     * committed there, and before it, it was a learner. Nobody else can be elected.
     */
    @Test
    void whoCountsInTheLastMembershipOfItsLogMayLead() {
        Cluster c = Cluster.of(RaftConfig.DEFAULT, new Membership(1, members(1, 2, 3), List.of(), members(4)), 0, "", "", "", "");
        c.elect(1, 2, 3);
        c.settle();
        c.crash(2);
        c.change(1, new Membership.Goal(members(1, 2, 4), members(3)));
        c.settleUntil(() -> c.node(1).membership().isJoint(), 1, 3, 4);
        c.bring(1, 3);
        c.propose(1);
        c.bring(1, 4);
        c.dropAll();
        assertFalse(c.node(4).status().change().isCommitted());
        c.crash(1);
        c.restart(2);
        c.elect(4, 2, 3);
        c.settle(2, 3, 4);
        assertEquals(new Membership(4, members(1, 2, 4), List.of(), members(3)), c.node(3).membership());
    }

    /** The joint membership of the two is committed, the last one stands only where nobody counts by it: who has it must lead once more. */
    @Test
    void whoCountedInTheLastCommittedMembershipMayLeadTheNextOneToItsCommit() {
        Cluster c = led(1, 2);
        c.change(1, goal(2));
        c.settleUntil(() -> c.node(1).membership().version() == 4);
        c.writeAll(1);
        c.dropAll();
        c.restart(1);
        c.settle();
        assertEquals(3, c.node(2).membership().version());
        c.timeout(2);
        c.settle();
        assertEquals(RoleName.PRE_CANDIDATE, c.role(2));
        c.elect(1, 2);
        c.settle();
        assertEquals(Membership.of(4, members(2)), c.node(2).membership());
        c.heartbeat(1);
        assertEquals(RoleName.FOLLOWER, c.role(1));
        assertEquals(RoleName.LEADER, c.role(2));
        assertEquals(c.node(2).log().lastIndex(), c.commit(2));
    }

    /** Otherwise {1, 2} might go on while 2 and 3, who have to agree by now, decide something else. */
    @Test
    void aLeaderOutsideTheMembershipDoesNotCountItself() {
        Cluster c = led(3, 3);
        c.change(1, goal(2, 3));
        c.settleUntil(() -> c.node(1).membership().version() == 4);
        long index = c.node(1).log().lastIndex();
        c.settle(1, 3);
        assertEquals(index - 1, c.commit(1));
        c.settle(1, 2);
        assertEquals(index, c.commit(1));
    }

    /** Not only until the joint membership is: before the last one is committed, its voters alone might not find a leader. */
    @Test
    void aLeaderOutsideTheMembershipLeadsUntilThatIsCommitted() {
        Cluster c = led(3, 3);
        c.change(1, goal(2, 3));
        c.settleUntil(() -> c.node(1).membership().version() == 4);
        for (int i = 0; i < 5; i++) {
            c.heartbeat(1, 3);
        }
        assertEquals(RoleName.LEADER, c.role(1));
        assertNull(c.node(1).status().office().successor());
        c.heartbeat(1);
        c.heartbeat(1);
        assertEquals(RoleName.FOLLOWER, c.role(1));
        assertEquals(2, c.term(1));
    }

    /** The same for its rounds: it must hear both of the others to stay in office, or to answer a read. */
    @Test
    void aLeaderOutsideTheMembershipDoesNotHearItself() {
        Cluster c = led(3, 3);
        c.change(1, goal(2, 3));
        c.settleUntil(() -> c.node(1).membership().version() == 4);
        c.read(1);
        c.settle(1, 3);
        assertEquals(List.of(), c.takeEffects(1, RecordedEffects.Readable.class));
        c.settle(1, 2);
        assertEquals(1, c.takeEffects(1, RecordedEffects.Readable.class).size());
    }

    // ---- what the log loses

    @Test
    void aMembershipThatIsCutOffIsNoLongerInForce() {
        Cluster c = led(3, 4);
        c.change(1, goal(4));
        c.settleUntil(() -> c.node(1).membership().isJoint());
        c.writeAll(1);
        c.dropAll();
        c.crash(4);
        c.elect(2, 3);
        c.settle();
        c.heartbeat(2);
        assertEquals(voters(3).withGoal(goal(4)), c.node(1).membership());
        c.crash(2);
        c.elect(1, 3);   // by two of three again: nobody asks replica 4
    }

    /** The one before may be held by the snapshot alone. */
    @Test
    void theMembershipOfTheSnapshotIsGoneBackTo() {
        Membership held = Membership.of(7, members(1, 2, 3));
        EntryId base = new EntryId(2, 5);
        Entry stated = Entry.of(6, 3, Entry.Kind.MEMBERSHIP, 0, MembershipCodec.encode(held.withGoal(goal(1))));
        TermTable terms = new TermTable(base);
        terms.append(3, 6);
        LogView log = new LogView(new SnapshotId(base, held, 0), terms, List.of(stated), List.of(stated));
        RaftNode node = new RaftNode(RaftConfig.DEFAULT, id(1), 1, new HardState(3, null, 5), log, () -> 0, 0);
        assertEquals(8, node.membership().version());
        node.step(new Message.AppendEntries(id(2), id(1), 4, base, List.of(Cluster.entry(6, 4)), 5, 5, 1));
        assertEquals(held, node.membership());
    }

    @Test
    void aRestartKeepsAMembershipThatIsNotCommitted() {
        Cluster c = led(3, 5);
        c.change(1, goal(3, 4, 5));
        c.settleUntil(() -> c.node(1).membership().isJoint());
        c.writeAll(1);
        c.bring(1, 2);
        c.dropAll();
        c.restart(1, 2, 3, 4, 5);
        for (int n = 1; n <= 2; n++) {
            assertTrue(c.node(n).membership().isJoint());
            assertFalse(c.node(n).status().change().isCommitted());
        }
        c.elect(2, 3, 4);   // both halves: of the old ones 2 and 3, of the new ones 3 and 4
        c.settle();
        assertEquals(Membership.of(4, members(3, 4, 5)), c.node(5).membership());
    }

    /** It may have promised its vote to another before the last entry came, and that entry may go again. */
    @Test
    void whoIsAloneOnlyByWhatMayBeCutOffKeepsToThePromiseOfAStart() {
        Membership joint = voters(3).withGoal(goal(1)).enterJoint();
        assertTrue(start(joint, 1).deadline() >= T, "it has to wait");
        assertEquals(0, start(joint, 2).deadline(), "it is alone for certain");
    }

    private static RaftNode start(Membership joint, long commitIndex) {
        TermTable terms = new TermTable(EntryId.ZERO);
        terms.append(1, 1);
        terms.append(1, 2);
        Entry noOp = Entry.of(1, 1, Entry.Kind.NO_OP, 0, new byte[0]);
        Entry left = Entry.of(2, 1, Entry.Kind.MEMBERSHIP, 0, MembershipCodec.encode(joint.leaveJoint()));
        LogView log = new LogView(SnapshotId.ofFounding(joint), terms, List.of(noOp, left), List.of(left));
        return new RaftNode(RaftConfig.DEFAULT, id(1), 1, new HardState(1, null, commitIndex), log, () -> 0, 0);
    }

    // ---- what the next leader inherits

    /** Not the last committed one: what that does not name would be dropped without a word. */
    @Test
    void theNextLeaderGoesOnFromTheLastMembershipOfItsLog() {
        Cluster c = led(3, 5);
        c.change(1, goal(1, 2, 3, 4));
        c.bring(1, 2);
        c.dropAll();
        c.crash(1);
        c.elect(2, 3);
        requireRefused(c, 2, c.change(2, 2, goal(2, 3, 5)), Reason.TOO_EARLY);
        c.settle(2, 3, 4);
        requireRefused(c, 2, c.change(2, 1, goal(2, 3, 5)), Reason.OTHER_VERSION);
        c.reachGoal(2);
        assertEquals(Membership.of(4, members(1, 2, 3, 4)), c.node(4).membership());
    }

    @Test
    void aJointMembershipIsLeftOnceByWhoeverFindsItCommitted() {
        Cluster c = led(3, 4);
        c.change(1, goal(1, 2, 4));
        c.settleUntil(() -> c.node(1).membership().isJoint());
        for (int n = 2; n <= 4; n++) {
            c.bring(1, n);
        }
        c.dropAll();
        c.crash(1);
        c.elect(2, 3, 4);
        assertEquals(3, c.node(2).membership().version());
        c.settle();
        for (int i = 0; i < 5; i++) {
            c.heartbeat(2);
        }
        assertEquals(Membership.of(4, members(1, 2, 4)), c.node(4).membership());
        assertEquals("1 1 1 2 2", c.log(2));   // stated, joint; the own term's first entry; left
    }

    // ---- who may become a voter

    @Test
    void aLearnerIsNoVoterBeforeItHasWhatIsCommitted() {
        RaftConfig small = Cluster.config(1 << 20, 1 << 20, 100, 100, 1 << 20);
        Cluster c = Cluster.of(small, voters(3), 0, "", "", "", "");
        c.elect(1, 2, 3);
        for (int i = 0; i < 30; i++) {
            c.propose(1);
        }
        c.settle();
        c.change(1, goal(1, 2, 3, 4));
        c.settleUntil(() -> catchUp(c, 4) == CatchUp.BEHIND);
        assertEquals("", c.disk(4));
        c.settleUntil(() -> c.node(1).membership().isJoint());
        assertTrue(c.disk(4).split(" ").length >= 31, c.disk(4));
    }

    @Test
    void aLearnerThatIsSilentWhenTheGoalIsStatedIsNoVoterYet() {
        Cluster c = led(3, 4);
        c.change(1, new Membership.Goal(members(1, 2, 3), members(4)));
        c.reachGoal(1);
        c.crash(4);
        c.heartbeat(1);
        c.change(1, goal(1, 2, 3, 4));
        c.heartbeat(1);
        assertEquals(CatchUp.UNHEARD, catchUp(c, 4));
        assertEquals(3, c.node(1).membership().version());
        c.restart(4);
        c.reachGoal(1);
        assertEquals(5, c.node(4).membership().version());
    }

    @Test
    void aLearnerThatIsNotHeardAnyMoreIsNoVoterYet() {
        Cluster c = waitingForReplica5();
        c.crash(4);
        for (int i = 0; i < 20; i++) {
            c.heartbeat(1);
        }
        c.restart(5);
        c.heartbeat(1);
        assertEquals(CatchUp.UNHEARD, catchUp(c, 4));
        assertEquals(CatchUp.READY, catchUp(c, 5));
        assertEquals(2, c.node(1).membership().version());
        c.restart(4);
        c.reachGoal(1);
    }

    @Test
    void whatALearnerSaidToAnEarlierLeaderDoesNotMakeItAVoter() {
        Cluster c = led(3, 4);
        c.change(1, new Membership.Goal(members(1, 2, 3), members(4)));
        c.reachGoal(1);
        c.crash(1, 4);
        c.elect(2, 3);
        c.settle();
        c.change(2, goal(1, 2, 3, 4));
        c.heartbeat(2);
        assertFalse(c.node(2).membership().isJoint());
        assertEquals(CatchUp.UNHEARD, c.node(2).status().peers().get(2).catchUp());
    }

    /** Whoever leads next asks for as much: at least for all that was there before it. */
    @Test
    void underTheNextLeaderToo() {
        RaftConfig small = Cluster.config(1 << 20, 1 << 20, 100, 100, 1 << 20);
        Cluster c = Cluster.of(small, voters(3), 0, "", "", "", "");
        c.elect(1, 2, 3);
        for (int i = 0; i < 30; i++) {
            c.propose(1);
        }
        c.settle(1, 2, 3);
        c.change(1, goal(1, 2, 3, 4));
        c.settle(1, 2, 3);
        c.dropAll();
        c.crash(1);
        c.elect(2, 3);
        c.settleUntil(() -> c.node(2).membership().isJoint());
        assertTrue(c.disk(4).split(" ").length >= 32, c::toString);
    }

    /** A leader that slept knows nothing of who died meanwhile. */
    @Test
    void whatALearnerSaidBeforeAPauseDoesNotMakeItAVoter() {
        Cluster c = waitingForReplica5();
        c.crash(4);
        c.pass(10 * T);
        c.restart(5);
        c.heartbeat(1);
        assertEquals(CatchUp.UNHEARD, catchUp(c, 4));
        assertEquals(2, c.node(1).membership().version());
    }

    /** The goal leaves out a voter that lives and keeps one that does not: the joint membership could be neither left nor taken back. */
    @Test
    void aGoalThatMostOfItsVotersCannotFollowIsNotBegunYet() {
        Cluster c = led(3, 3);
        c.crash(3);
        c.heartbeat(1);
        c.change(1, goal(1, 3));
        for (int i = 0; i < 20; i++) {
            c.heartbeat(1);
        }
        assertEquals(goal(1, 3), c.node(1).membership().goal());
        assertFalse(c.node(1).membership().isJoint());
        long committed = c.node(1).commitIndex();
        c.propose(1);
        c.settle(1, 2);
        assertEquals(committed + 1, c.node(1).commitIndex());

        c.restart(3);
        c.reachGoal(1);
        assertEquals(members(1, 3), c.node(1).membership().voters());
    }

    /** So it can be given up, while a joint membership cannot. */
    @Test
    void aGoalThatMostOfItsVotersCannotFollowCanBeGivenUp() {
        Cluster c = led(3, 3);
        c.crash(3);
        c.heartbeat(1);
        c.change(1, goal(3));
        c.heartbeat(1);
        c.change(1, goal(1, 2));
        c.reachGoal(1);
        assertEquals(members(1, 2), c.node(1).membership().voters());
    }

    /** Replicas 4 and 5 are to become voters; 4 has caught up, 5 is down. */
    private static Cluster waitingForReplica5() {
        Cluster c = led(3, 5);
        c.crash(5);
        c.change(1, goal(1, 2, 3, 4, 5));
        c.heartbeat(1);
        assertEquals(CatchUp.READY, catchUp(c, 4));
        assertEquals(CatchUp.UNHEARD, catchUp(c, 5));
        return c;
    }

    // ---- who leaves

    @Test
    void whoIsRemovedIsToldThatThisIsCommitted() {
        Cluster c = led(3, 3);
        c.change(1, goal(1, 2));
        c.settleUntil(() -> c.node(1).membership().version() == 4);
        c.settle(1, 2);
        c.dropAll();   // it has heard of nothing
        assertFalse(c.node(3).status().change().isCommitted());
        c.heartbeat(1);
        c.heartbeat(1);
        assertEquals(Membership.of(4, members(1, 2)), c.node(3).membership());
        assertTrue(c.node(3).status().change().isCommitted());
    }

    @Test
    void whoIsRemovedIsNotReplicatedToForEver() {
        Cluster c = removedWhileDown();
        int sent = c.history(Message.AppendEntries.class, 1, 3).size();
        c.heartbeat(1, 2);
        assertEquals(sent, c.history(Message.AppendEntries.class, 1, 3).size());
    }

    /** Its leader died before anybody could be told. */
    @Test
    void theNextLeaderTellsThoseWhoLeft() {
        Cluster c = led(3, 3);
        c.change(1, goal(1, 2));
        c.settleUntil(() -> c.node(1).membership().version() == 4);
        c.bring(1, 2);
        c.dropAll();
        c.restart(1);
        c.elect(2, 1);
        c.settle();
        assertEquals(Membership.of(4, members(1, 2)), c.node(3).membership());
        assertTrue(c.node(3).status().change().isCommitted());
    }

    /** It disturbs nobody, is told by those whom it asks, and asks no more. */
    @Test
    void whoDoesNotKnowThatItWasRemovedIsToldByThoseItAsks() {
        Cluster c = removedWhileDown();
        c.dropAll();
        c.restart(3);
        c.pass(T);
        c.timeout(1);
        c.settle(1, 2);
        c.timeout(3);
        c.settle();
        assertEquals(4, c.node(3).status().change().removedVersion());
        int asked = c.history(Message.PreVote.class, 3, 1).size();
        assertEquals(1, asked);
        for (int i = 0; i < 5; i++) {
            c.heartbeat(1);
            c.timeout(3);
            c.settle();
        }
        assertEquals(asked, c.history(Message.PreVote.class, 3, 1).size());
        assertEquals(RoleName.LEADER, c.role(1));
        assertEquals(1, c.term(2));
    }

    /** What it was told is of an earlier membership than the one that names it again. */
    @Test
    void whoIsAdmittedAgainIsNotRemovedAnyMore() {
        Cluster c = led(3, 3);
        c.crash(3);
        c.change(1, goal(1, 2));
        c.reachGoal(1, 2);
        c.restart(3);
        c.deliver(new Message.PreVoteAnswer(id(2), id(3), 1, Message.Denial.HEARS_LEADER, 0, 4));
        assertEquals(4, c.node(3).status().change().removedVersion());
        c.change(1, goal(1, 2, 3));
        c.reachGoal(1);
        assertEquals(0, c.node(3).status().change().removedVersion());
        c.crash(1);
        c.elect(3, 2);
    }

    /** Who comes back is another for the leader: what was known of it before it left may be long wrong. */
    @Test
    void whoComesBackBeginsAnew() {
        Cluster c = led(3, 4);
        c.change(1, new Membership.Goal(members(1, 2, 3), members(4)));
        c.reachGoal(1);
        c.change(1, goal(1, 2, 3));
        c.settle(1, 2, 3);
        c.change(1, new Membership.Goal(members(1, 2, 3), members(4)));
        NodeStatus.Peer peer = c.node(1).status().peers().get(2);
        assertEquals(id(4), peer.member().id());
        assertEquals(0, peer.matchIndex());
        c.settle();
        assertEquals(4, c.commit(4));
    }

    /** Replica 3 was down while it was removed, and for so long after that the leader does not try to tell it any more. */
    private static Cluster removedWhileDown() {
        Cluster c = led(3, 3);
        c.crash(3);
        c.change(1, goal(1, 2));
        c.reachGoal(1, 2);
        for (int i = 0; i < 12; i++) {
            c.heartbeat(1, 2);
        }
        return c;
    }

    // ---- who comes back

    /** It returns to a group that it knows only in part: its leader is a stranger to it. It follows, or a majority would not be one. */
    @Test
    void aLeaderWhomTheOwnMembershipDoesNotNameIsFollowed() {
        Cluster c = led(3, 4);
        c.crash(3);
        c.change(1, goal(1, 2, 3, 4));
        c.reachGoal(1, 2, 4);
        c.elect(4, 1, 2);
        c.settle(1, 2, 4);
        c.restart(3);
        assertEquals(1, c.node(3).membership().version());
        c.crash(2);
        c.propose(4);
        c.heartbeat(4);
        assertEquals(id(4), c.node(3).leader());
        assertEquals(c.node(4).log().lastIndex(), c.commit(4));
    }

    /** What the old disk and the new disk of one node say are two voices, also while both are members. */
    @Test
    void twoDisksOfOneNodeAreTwoReplicas() {
        Cluster c = led(3, 3);
        c.wipe(3);
        c.change(1, goal(1, 2, 103));
        c.settleUntil(() -> c.node(1).membership().isJoint());
        assertNotNull(c.node(1).membership().member(id(3)));
        assertNotNull(c.node(1).membership().member(id(103)));
        c.crash(2);
        c.settle();
        assertFalse(c.node(1).status().change().isCommitted());   // of the old disks, only one is there
        c.restart(3);
        c.reachGoal(1);
        assertEquals(Membership.of(4, members(1, 2, 103)), c.node(103).membership());
    }

    /** Positions change with the membership; what is known of a replica goes with it. */
    @Test
    void whenAReplicaWasHeardIsKnownAfterAChangeToo() {
        Cluster c = Cluster.of(3);
        c.crash(2);
        c.elect(1, 3);
        c.settle();
        c.change(1, goal(1, 3));
        c.settleUntil(() -> c.node(1).membership().version() == 4);
        List<NodeStatus.Peer> peers = c.node(1).status().peers();
        assertEquals(List.of(id(3)), peers.stream().map(peer -> peer.member().id()).toList());
        assertEquals(0, peers.get(0).heardNanosAgo());
    }

    // ---- a smaller quorum

    /** What a larger quorum has not confirmed may be committed by the smaller one at once: it is looked at again. */
    @Test
    void aQuorumThatShrinksCommitsWhatIsThere() {
        Cluster c = led(2, 2);
        c.change(1, goal(1));
        c.settleUntil(() -> c.node(1).membership().version() == 4);
        c.propose(1);
        c.crash(2);
        c.settle();
        assertEquals(5, c.commit(1));
    }

    private static CatchUp catchUp(Cluster c, int n) {
        return c.node(1).status().peers().stream().filter(peer -> peer.member().id().equals(id(n))).findFirst().orElseThrow().catchUp();
    }

    private static Reason refused(Cluster c, int n, long request) {
        return c.takeEffects(n, Refuse.class).stream().filter(refuse -> refuse.requestId() == request).findFirst()
            .map(refuse -> refuse.why().reason()).orElse(null);
    }

    private static void requireRefused(Cluster c, int n, long request, Reason reason) {
        List<Refuse> refused = c.takeEffects(n, Refuse.class);
        assertEquals(1, refused.size());
        assertEquals(request, refused.get(0).requestId());
        assertEquals(reason, refused.get(0).why().reason());
        assertEquals(List.of(), c.takeEffects(n, Accepted.class).stream().filter(accepted -> accepted.requestId() == request).toList());
    }
}
