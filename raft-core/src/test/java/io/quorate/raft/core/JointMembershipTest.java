package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.T;
import static io.quorate.raft.core.Cluster.members;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.testing.RecordedEffects.Readable;
import java.util.List;
import org.junit.jupiter.api.Test;

/** "Agreement (for elections and entry commitment) requires separate majorities from both the old and new configurations" (§6). */
class JointMembershipTest {

    private static final Membership JOINT = new Membership(2, members(1, 2, 3), members(3, 4, 5), List.of());

    @Test
    void preVotesNeedBothMajorities() {
        Cluster c = group();
        c.timeout(1);
        c.settle(1, 2);
        assertEquals(RoleName.PRE_CANDIDATE, c.role(1));
        c.settle(1, 2, 3);   // three of five, and of the old ones one of three
        assertEquals(RoleName.PRE_CANDIDATE, c.role(1));
        c.deliver(Message.PreVote.class, 1, 4);
        c.deliver(Message.PreVoteAnswer.class, 4, 1);
        assertEquals(RoleName.CANDIDATE, c.role(1));
    }

    @Test
    void votesNeedBothMajorities() {
        Cluster c = group();
        c.timeout(1);
        c.settle(1, 3);
        c.deliver(Message.PreVote.class, 1, 4);
        c.deliver(Message.PreVoteAnswer.class, 4, 1);
        c.settle(1, 2, 3);
        assertEquals(RoleName.CANDIDATE, c.role(1));
        c.settle(1, 2, 3, 5);
        assertEquals(RoleName.LEADER, c.role(1));
    }

    @Test
    void commitsNeedBothMajorities() {
        Cluster c = group();
        c.elect(1, 2, 3, 4, 5);
        c.settle(1, 2, 3);
        assertEquals(0, c.commit(1));
        c.settle(1, 4);
        assertEquals(1, c.commit(1));
    }

    @Test
    void roundsNeedBothMajorities() {
        Cluster c = entering();
        c.read(3);
        c.settle(3, 4, 5);   // all of the old, one of the new
        assertEquals(List.of(), c.takeEffects(3, Readable.class));
        c.settle(3, 1);
        assertEquals(1, c.takeEffects(3, Readable.class).size());
    }

    @Test
    void stayingInOfficeNeedsBothMajorities() {
        Cluster c = entering();
        long begin = c.now();
        for (int i = 0; i < 25 && c.role(3) == RoleName.LEADER; i++) {
            c.heartbeat(3, 4, 5);
            c.dropAll();
        }
        assertEquals(RoleName.FOLLOWER, c.role(3));
        assertEquals(begin + 2 * T, c.now());
    }

    /** Who is in both halves counts in both; who is in the outgoing half only may lead as well, to the end of the joint membership. */
    @Test
    void aVoterOfTheOutgoingHalfMayLead() {
        Cluster c = group();
        c.elect(5, 2, 3);
        c.settle(2, 3, 5);
        assertEquals(2, c.commit(5));
        assertEquals(Membership.of(3, members(1, 2, 3)), c.node(2).membership());
        c.heartbeat(5);
        assertEquals(RoleName.FOLLOWER, c.role(5));
        assertEquals(RoleName.LEADER, c.role(2));
    }

    /** Replica 3 leads 4 and 5, and has just appended the joint membership, which nobody else has yet. */
    private static Cluster entering() {
        Cluster c = Cluster.of(RaftConfig.DEFAULT, Membership.of(1, members(3, 4, 5)), 0, "", "", "", "", "");
        c.elect(3, 4, 5);
        c.settle();
        c.step(3, new Event.ChangeMembership(7, 1, new Membership.Goal(members(1, 2, 3), List.of())), 0);
        c.settleUntil(() -> c.node(3).membership().isJoint());
        c.dropAll();
        return c;
    }

    private static Cluster group() {
        return Cluster.of(RaftConfig.DEFAULT, JOINT, 0, "", "", "", "", "");
    }
}
