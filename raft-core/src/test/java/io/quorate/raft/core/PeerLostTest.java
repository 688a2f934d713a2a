package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.T;
import static io.quorate.raft.core.Cluster.id;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.Denied;
import io.quorate.raft.core.NodeStatus.RoleName;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A connection that broke is a hint that its other end has died. */
class PeerLostTest {

    /** A process that dies resets its connections: nobody need wait for an election timeout. */
    @Test
    void whenTheLeadersProcessDiesTheOthersElectAtOnce() {
        Cluster c = leaderOfThree();
        c.crash(1);
        lose(c, 2, 1);
        lose(c, 3, 1);
        c.draws(3, T / 20);
        long before = c.now();
        c.timeout(2);
        c.settle();
        assertEquals(RoleName.LEADER, c.role(2));
        assertTrue(c.now() - before <= T / 10);
    }

    /** Or all who have learned it would ask in the same moment. */
    @Test
    void eachWaitsForAMomentOfItsOwn() {
        Cluster c = leaderOfThree();
        c.draws(2, T / 40);
        c.draws(3, T / 13);
        lose(c, 2, 1);
        lose(c, 3, 1);
        assertEquals(c.now() + T / 40, c.node(2).deadline());
        assertEquals(c.now() + T / 13, c.node(3).deadline());
    }

    /** It is no proof: nobody else believes it, and the next heartbeat ends the doubt. */
    @Test
    void whoAloneHasLostTheLeaderDisturbsNobody() {
        Cluster c = leaderOfThree();
        lose(c, 2, 1);
        c.timeout(2);
        assertEquals(RoleName.PRE_CANDIDATE, c.role(2));
        c.settle();
        assertEquals(RoleName.PRE_CANDIDATE, c.role(2));
        assertEquals(List.of(new Denied(id(1), Message.Denial.HEARS_LEADER), new Denied(id(3), Message.Denial.HEARS_LEADER)),
            c.node(2).status().campaign().denials());
        c.heartbeat(1);
        assertEquals(RoleName.FOLLOWER, c.role(2));
        assertEquals(id(1), c.node(2).leader());
        assertEquals(List.of(), c.node(2).status().campaign().denials());
        assertEquals(1, c.term(1));
    }

    @Test
    void theLossOfAnybodyElseChangesNothing() {
        Cluster c = leaderOfThree();
        long deadline = c.node(2).deadline();
        lose(c, 2, 3);
        assertEquals(deadline, c.node(2).deadline());
        assertEquals(id(1), c.node(2).leader());
        c.deliver(new Message.PreVote(id(3), id(2), 1, new EntryId(1, 1), 1));
        assertFalse(c.take(Message.PreVoteAnswer.class, 2, 3).granted());
        long atLeader = c.node(1).deadline();
        lose(c, 1, 2);
        assertEquals(atLeader, c.node(1).deadline());
        assertEquals(RoleName.LEADER, c.role(1));
    }

    @Test
    void whoLooksForALeaderAlreadyIsToldNothingNew() {
        Cluster c = leaderOfThree();
        c.timeout(2);
        long deadline = c.node(2).deadline();
        lose(c, 2, 1);
        assertEquals(RoleName.PRE_CANDIDATE, c.role(2));
        assertEquals(deadline, c.node(2).deadline());
    }

    /** A learner waits as before: it may not campaign. But it says what it knows. */
    @Test
    void aLearnerThatHasLostTheLeaderDoesNotCampaign() {
        Membership withLearner = new Membership(1, Cluster.members(1, 2, 3), List.of(), Cluster.members(4));
        Cluster c = Cluster.of(RaftConfig.DEFAULT, withLearner, 0, "", "", "", "");
        c.elect(1, 2, 3);
        c.settle();
        c.heartbeat(1);
        lose(c, 4, 1);
        c.timeout(4);
        assertEquals(RoleName.FOLLOWER, c.role(4));
        c.deliver(new Message.PreVote(id(3), id(4), 1, new EntryId(1, 1), 1));
        assertTrue(c.take(Message.PreVoteAnswer.class, 4, 3).granted());
    }

    private static void lose(Cluster c, int n, int peer) {
        c.step(n, new Event.PeerLost(id(peer)), 0);
    }

    private static Cluster leaderOfThree() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.heartbeat(1);
        return c;
    }
}
