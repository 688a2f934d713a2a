package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.goal;
import static io.quorate.raft.core.Cluster.id;
import static io.quorate.raft.core.Cluster.led;
import static io.quorate.raft.core.Cluster.members;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.CatchUp;
import io.quorate.raft.core.NodeStatus.RoleName;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a stated goal leads to, from the first entry to the last. */
class MembershipChangeTest {

    @Test
    void aFourthVoterIsAdded() {
        Cluster c = led(3, 4);
        c.change(1, goal(1, 2, 3, 4));
        assertEquals(new Membership(2, members(1, 2, 3), List.of(), members(4), goal(1, 2, 3, 4)), c.node(1).membership());
        c.reachGoal(1);
        requireEverywhere(c, Membership.of(4, members(1, 2, 3, 4)), 1, 2, 3, 4);
    }

    @Test
    void aVoterIsRemoved() {
        Cluster c = led(3, 3);
        c.change(1, goal(1, 2));
        c.reachGoal(1);
        requireEverywhere(c, Membership.of(4, members(1, 2)), 1, 2);
        c.propose(1);
        c.settle(1, 2);
        assertEquals(5, c.commit(1));
    }

    @Test
    void aVoterIsReplaced() {
        Cluster c = led(3, 4);
        c.crash(3);
        c.change(1, goal(1, 2, 4));
        c.reachGoal(1);
        requireEverywhere(c, Membership.of(4, members(1, 2, 4)), 1, 2, 4);
    }

    @Test
    void oneBecomesThreeBecomesFiveBecomesThreeBecomesOne() {
        Cluster c = led(1, 5);
        int[][] goals = {{1, 2, 3}, {1, 2, 3, 4, 5}, {1, 4, 5}, {1}};
        for (int i = 0; i < goals.length; i++) {
            c.change(1, goal(goals[i]));
            c.reachGoal(1);
            c.propose(1);
            c.settle();
            requireEverywhere(c, Membership.of(4 + 3L * i, members(goals[i])), goals[i]);
        }
        c.crash(2, 3, 4, 5);
        c.propose(1);
        c.settle(1);
        assertEquals(c.node(1).log().lastIndex(), c.commit(1));
    }

    @Test
    void allThreeAreSwapped() {
        Cluster c = led(3, 6);
        c.propose(1);
        c.change(1, goal(4, 5, 6));
        for (int i = 0; i < 10 && c.role(1) == RoleName.LEADER; i++) {
            c.heartbeat(1);
        }
        requireEverywhere(c, Membership.of(4, members(4, 5, 6)), 1, 2, 3, 4, 5, 6);
        c.elect(5, 4, 6);
        c.settle();
        c.propose(5);
        c.settle(4, 5);
        assertEquals(c.node(5).log().lastIndex(), c.commit(5));
    }

    /** Nobody's vote is touched, so no joint step is needed; who has moved need not even be reached. */
    @Test
    void anAddressChangesByOneEntry() {
        Cluster c = led(3, 3);
        c.crash(3);
        Member moved = new Member(id(3), "elsewhere:1");
        Membership.Goal goal = new Membership.Goal(List.of(members(1).get(0), members(2).get(0), moved), List.of());
        c.change(1, goal);
        c.settle();
        assertEquals(Membership.of(2, goal.voters()), c.node(2).membership());
        assertTrue(c.node(1).status().change().isCommitted());
    }

    @Test
    void aLearnerStaysOne() {
        Cluster c = led(3, 4);
        c.change(1, new Membership.Goal(members(1, 2, 3), members(4)));
        c.reachGoal(1);
        for (int i = 0; i < 20; i++) {
            c.heartbeat(1);
        }
        c.propose(1);
        c.settle();
        requireEverywhere(c, new Membership(2, members(1, 2, 3), List.of(), members(4)), 1, 2, 3, 4);
        assertEquals(3, c.commit(4));
        c.crash(2, 3);
        c.propose(1);
        c.settle();
        assertEquals(3, c.commit(1));
    }

    @Test
    void aVoterBecomesALearner() {
        Cluster c = led(3, 3);
        c.change(1, new Membership.Goal(members(1, 2), members(3)));
        c.reachGoal(1);
        requireEverywhere(c, new Membership(4, members(1, 2), List.of(), members(3)), 1, 2, 3);
        c.crash(2);
        c.propose(1);
        c.settle();
        assertEquals(4, c.commit(1));
        c.restart(2);
        c.settle();
        c.heartbeat(1);
        assertEquals(5, c.commit(3));
    }

    @Test
    void anUnfinishedGoalIsCancelled() {
        Cluster c = led(3, 3);
        c.change(1, goal(1, 2, 4));   // there is no such replica
        for (int i = 0; i < 30; i++) {
            c.heartbeat(1);
        }
        assertEquals(goal(1, 2, 4), c.node(1).membership().goal());
        c.change(1, goal(1, 2, 3));
        c.settle();
        requireEverywhere(c, Membership.of(3, members(1, 2, 3)), 1, 2, 3);
    }

    @Test
    void anUnfinishedGoalIsReplaced() {
        Cluster c = led(3, 5);
        c.crash(4);
        c.change(1, goal(1, 2, 4));
        c.heartbeat(1);
        c.change(1, goal(1, 2, 5));
        c.reachGoal(1);
        requireEverywhere(c, Membership.of(5, members(1, 2, 5)), 1, 2, 5);
    }

    /** Its node comes back with a blank disk: another replica, which counts for nothing until one call has admitted it. */
    @Test
    void aWipedNodeIsAdmittedAgain() {
        Cluster c = led(3, 3);
        c.propose(1);
        c.settle();
        c.wipe(3);
        c.crash(2);
        c.propose(1);
        c.heartbeat(1);
        assertEquals(2, c.commit(1));
        c.restart(2);
        c.change(1, goal(1, 2, 103));
        c.reachGoal(1);
        requireEverywhere(c, Membership.of(4, members(1, 2, 103)), 1, 2, 103);
        c.crash(2);
        c.propose(1);
        c.settle();
        assertEquals(c.node(1).log().lastIndex(), c.commit(103));
    }

    /** It leads until its successors can do without it, then it goes, and never comes back. */
    @Test
    void aLeaderRemovesItself() {
        Cluster c = led(3, 3);
        c.change(1, goal(2, 3));
        c.settleUntil(() -> c.node(1).membership().isJoint());
        c.propose(1);
        c.settleUntil(() -> c.commit(1) >= 3);
        assertEquals(RoleName.LEADER, c.role(1));   // the joint membership is committed, the next one is not
        c.settle();
        requireEverywhere(c, Membership.of(4, members(2, 3)), 1, 2, 3);
        c.heartbeat(1);
        assertEquals(RoleName.FOLLOWER, c.role(1));
        assertEquals(RoleName.LEADER, c.role(2));   // nobody has waited for an election timeout
        assertEquals(6, c.commit(3));
        for (int i = 0; i < 5; i++) {
            c.timeout(1);
            assertEquals(RoleName.FOLLOWER, c.role(1));
        }
    }

    /** Nobody it could hand over to has been heard lately, so the voters have to find out by themselves. */
    @Test
    void aLeaderThatHasRemovedItselfGoesAlsoIfNobodyIsThereToHandOverTo() {
        Cluster c = led(3, 3);
        c.change(1, goal(2, 3));
        c.settleUntil(() -> c.commit(1) == 4);
        c.crash(2, 3);
        for (int i = 0; i < 30; i++) {
            c.timeout(1);
        }
        assertEquals(RoleName.FOLLOWER, c.role(1));
        c.restart(2, 3);
        c.elect(3, 2);
        c.settle();
        assertEquals(c.node(3).log().lastIndex(), c.commit(3));
    }

    @Test
    void theNextLeaderGoesOnWithTheGoal() {
        Cluster c = led(3, 4);
        c.crash(4);
        c.change(1, goal(2, 3, 4));
        c.settle();
        c.crash(1);
        c.elect(2, 3);
        c.settle();
        assertEquals(goal(2, 3, 4), c.node(2).membership().goal());
        assertEquals(CatchUp.UNHEARD, c.node(2).status().peers().get(2).catchUp());
        c.restart(4);
        c.reachGoal(2);
        requireEverywhere(c, Membership.of(4, members(2, 3, 4)), 2, 3, 4);
    }

    @Test
    void proposalsGoOnThroughAllOfIt() {
        Cluster c = led(3, 5);
        c.change(1, goal(1, 4, 5));
        int proposed = 0;
        for (int i = 0; i < 40 && c.node(1).membership().version() < 4; i++) {
            c.propose(1);
            proposed++;
            long before = c.node(1).membership().version();
            c.settleUntil(() -> c.node(1).membership().version() > before);
            c.timeout(1);
        }
        c.settle();
        assertEquals(1 + 3 + proposed, c.commit(4));
    }

    private static void requireEverywhere(Cluster c, Membership membership, int... numbers) {
        for (int n : numbers) {
            assertEquals(membership, c.node(n).membership());
            assertTrue(c.node(n).status().change().isCommitted(), c.node(n)::toString);
        }
    }
}
