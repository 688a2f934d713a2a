package io.quorate.raft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.ReplicaId;
import java.util.List;
import org.junit.jupiter.api.Test;

class MembershipTargetTest {

    private static final Member A = member(1, 11, "a");
    private static final Member B = member(2, 22, "b");
    private static final Member C = member(3, 33, "c");
    private static final Member D = member(4, 44, "d");
    private static final Membership THREE = new Membership(7, List.of(A, B, C), List.of(), List.of(D));

    @Test
    void unchangedItIsWhatTheGroupIs() {
        MembershipTarget target = MembershipTarget.from(THREE);
        assertEquals(7, target.version());
        assertEquals(new Membership.Goal(List.of(A, B, C), List.of(D)), target.goal());
        assertEquals(target.goal(), MembershipTarget.ofPresent(THREE).goal());
    }

    @Test
    void aVoterComesAndAnotherGoes() {
        assertEquals(new Membership.Goal(List.of(A, B, D), List.of()), MembershipTarget.from(THREE).without(3).withVoter(D).goal());
    }

    @Test
    void aVoterBecomesALearner() {
        assertEquals(new Membership.Goal(List.of(A, B), List.of(C, D)), MembershipTarget.from(THREE).withLearner(C).goal());
    }

    @Test
    void theNewDiskOfANodeReplacesTheOld() {
        Member wiped = member(3, 99, "c");
        assertEquals(new Membership.Goal(List.of(A, B, wiped), List.of(D)), MembershipTarget.from(THREE).withVoter(wiped).goal());
    }

    @Test
    void anAddressChangesWithoutTheRole() {
        assertEquals(new Membership.Goal(List.of(A, member(2, 22, "x"), C), List.of(D)),
            MembershipTarget.from(THREE).readdressed(2, "x").goal());
        assertEquals(new Membership.Goal(List.of(A, B, C), List.of(member(4, 44, "x"))),
            MembershipTarget.from(THREE).readdressed(4, "x").goal());
        assertThrows(IllegalArgumentException.class, () -> MembershipTarget.from(THREE).readdressed(5, "x"));
    }

    @Test
    void itGoesOnFromAGoalThatIsNotReached() {
        Membership.Goal goal = new Membership.Goal(List.of(A, B, D), List.of());
        Membership underWay = new Membership(8, List.of(A, B, C), List.of(), List.of(D), goal);
        assertEquals(goal, MembershipTarget.from(underWay).goal());
        assertEquals(new Membership.Goal(List.of(A, B), List.of()), MembershipTarget.from(underWay).without(4).goal());
    }

    @Test
    void ofThePresentAGoalIsGivenUpAndWhoCameForItGoes() {
        Membership underWay = new Membership(8, List.of(A, B, C), List.of(), List.of(D, member(5, 55, "e")),
            new Membership.Goal(List.of(A, B, D), List.of(member(5, 55, "e"))));
        assertEquals(new Membership.Goal(List.of(A, B, C), List.of(member(5, 55, "e"))), MembershipTarget.ofPresent(underWay).goal());
    }

    @Test
    void ofThePresentANewDiskOfAVoterGoesToo() {
        Member wiped = member(3, 99, "c");
        Membership underWay = new Membership(8, List.of(A, B, C), List.of(), List.of(wiped),
            new Membership.Goal(List.of(A, B, wiped), List.of()));
        assertEquals(new Membership.Goal(List.of(A, B, C), List.of()), MembershipTarget.ofPresent(underWay).goal());
    }

    @Test
    void aGroupWithoutVotersIsNoGoal() {
        MembershipTarget none = MembershipTarget.from(THREE).without(1).without(2).without(3);
        assertThrows(IllegalArgumentException.class, none::goal);
    }

    private static Member member(int nodeId, long incarnation, String address) {
        return new Member(new ReplicaId(nodeId, incarnation), address);
    }
}
