package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.goal;
import static io.quorate.raft.core.Cluster.id;
import static io.quorate.raft.core.Cluster.members;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.Membership.Goal;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The steps that lead from a membership to a goal, each a pure function. */
class MembershipTest {

    private static final Membership THREE = Membership.of(1, members(1, 2, 3));

    @Test
    void newVotersComeInAsLearners() {
        Membership stated = THREE.withGoal(goal(1, 2, 4));
        assertEquals(new Membership(2, members(1, 2, 3), List.of(), members(4), goal(1, 2, 4)), stated);
        assertEquals(members(1, 2, 4), stated.awaited());
    }

    @Test
    void learnersThatTheGoalDoesNotNameGoAtOnce() {
        Membership before = new Membership(1, members(1), List.of(), members(2, 3));
        assertEquals(new Membership(2, members(1), List.of(), members(3, 4), goal(1, 3, 4)), before.withGoal(goal(1, 3, 4)));
    }

    /** The same voters and other learners, or none: nobody's vote is touched, so one entry is all. */
    @Test
    void aGoalWithThePresentVotersIsReachedByTheEntryThatStatesIt() {
        Goal goal = new Goal(members(1, 2, 3), members(4));
        assertEquals(new Membership(2, members(1, 2, 3), List.of(), members(4)), THREE.withGoal(goal));
        assertEquals(Membership.of(3, members(1, 2, 3)), THREE.withGoal(goal).withGoal(goal(1, 2, 3)));
    }

    @Test
    void thePresentVotersCancelAGoal() {
        assertEquals(Membership.of(3, members(1, 2, 3)), THREE.withGoal(goal(4, 5, 6)).withGoal(goal(1, 2, 3)));
    }

    @Test
    void anotherGoalReplacesOneThatIsNotReached() {
        Membership stated = THREE.withGoal(goal(1, 2, 4)).withGoal(goal(1, 2, 5));
        assertEquals(new Membership(3, members(1, 2, 3), List.of(), members(5), goal(1, 2, 5)), stated);
    }

    @Test
    void theAddressesOfTheGoalWinAtOnce() {
        Member moved = new Member(id(2), "elsewhere:1");
        List<Member> voters = List.of(members(1).get(0), moved, members(3).get(0));
        assertEquals(Membership.of(2, voters), THREE.withGoal(new Goal(voters, List.of())));

        Goal goal = new Goal(List.of(members(1).get(0), moved), List.of());
        assertEquals(voters, THREE.withGoal(goal).voters());
        assertEquals(voters, THREE.withGoal(goal).enterJoint().outgoing());
    }

    @Test
    void theJointStepCountsBothHalves() {
        Membership joint = THREE.withGoal(goal(3, 4, 5)).enterJoint();
        assertEquals(new Membership(3, members(3, 4, 5), members(1, 2, 3), List.of(), goal(3, 4, 5)), joint);
        assertTrue(joint.isJoint());
        assertEquals(List.of(), joint.awaited());
        assertEquals(Membership.of(4, members(3, 4, 5)), joint.leaveJoint());
    }

    /** Who is to be a learner counts as long as the outgoing half does, and stays when that goes. */
    @Test
    void aVoterBecomesALearnerWhenTheJointMembershipIsLeft() {
        Goal goal = new Goal(members(1, 2), members(3, 4));
        Membership joint = THREE.withGoal(goal).enterJoint();
        assertEquals(new Membership(3, members(1, 2), members(1, 2, 3), members(4), goal), joint);
        assertEquals(new Membership(4, members(1, 2), List.of(), members(3, 4)), joint.leaveJoint());
    }

    /** A goal that is stated while the membership is joint leaves it, towards the voters that were to be, and goes on from there. */
    @Test
    void aGoalThatIsStatedWhileJointLeavesTheJointMembership() {
        Membership joint = THREE.withGoal(goal(3, 4, 5)).enterJoint();
        assertEquals(new Membership(4, members(3, 4, 5), List.of(), members(1), goal(1, 3, 4)), joint.withGoal(goal(1, 3, 4)));
        assertEquals(Membership.of(4, members(3, 4, 5)), joint.withGoal(goal(3, 4, 5)));
    }

    /** The two disks of a node are two replicas: the old one counts until the new one does. */
    @Test
    void aNewDiskOfAVoterReplacesTheOldOne() {
        Membership stated = THREE.withGoal(goal(1, 2, 103));
        assertEquals(members(103), stated.learners());
        assertEquals(new Membership(3, members(1, 2, 103), members(1, 2, 3), List.of(), goal(1, 2, 103)), stated.enterJoint());
    }

    @Test
    void whatIsNotJointIsNotLeftAndWithoutAGoalNothingIsEntered() {
        assertThrows(IllegalStateException.class, THREE::leaveJoint);
        assertThrows(IllegalStateException.class, THREE::enterJoint);
        assertThrows(IllegalStateException.class, () -> THREE.withGoal(goal(4)).enterJoint().enterJoint());
    }

    /** What could not be written as an entry is refused where it is stated. */
    @Test
    void aGoalFitsIntoAnEntry() {
        int[] many = new int[MembershipCodec.MEMBERS_MAX + 1];
        for (int i = 0; i < many.length; i++) {
            many[i] = 101 + i;
        }
        assertThrows(IllegalArgumentException.class, () -> goal(many));
        Member far = new Member(id(1), "x".repeat(MembershipCodec.ADDRESS_BYTES_MAX + 1));
        assertThrows(IllegalArgumentException.class, () -> new Goal(List.of(far), List.of()));
        assertThrows(IllegalArgumentException.class, () -> goal(1, 101));
        assertFalse(goal(1, 2).members().isEmpty());
    }
}
