package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.goal;
import static io.quorate.raft.core.Cluster.members;
import static io.quorate.raft.core.Cluster.voters;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.quorate.raft.core.NodeStatus.RoleName;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What a stated goal leads to, from the first entry to the last. */
class MembershipChangeTest {

    @Test
    void aFourthVoterIsAdded() {
        Cluster c = group(3, 4);
        c.change(1, goal(1, 2, 3, 4));
        assertEquals(new Membership(2, members(1, 2, 3), List.of(), members(4), goal(1, 2, 3, 4)), c.node(1).membership());
        c.reachGoal(1);
        for (int n = 1; n <= 4; n++) {
            assertEquals(Membership.of(4, members(1, 2, 3, 4)), c.node(n).membership());
        }
    }

    @Test
    void aVoterIsRemoved() {
        Cluster c = group(3, 3);
        c.change(1, goal(1, 2));
        c.reachGoal(1);
        assertEquals(Membership.of(4, members(1, 2)), c.node(2).membership());
        assertEquals(Membership.of(4, members(1, 2)), c.node(3).membership());
        assertEquals(true, c.node(3).status().change().isCommitted());
    }

    @Test
    void allThreeAreSwapped() {
        Cluster c = group(3, 6);
        c.propose(1);
        c.change(1, goal(4, 5, 6));
        for (int i = 0; i < 10 && c.role(1) == RoleName.LEADER; i++) {
            c.heartbeat(1);
        }
        for (int n = 1; n <= 6; n++) {
            assertEquals(Membership.of(4, members(4, 5, 6)), c.node(n).membership());
            assertEquals(n == 4 ? RoleName.LEADER : RoleName.FOLLOWER, c.role(n));   // the old leader has handed over
        }
        c.propose(4);
        c.settle(4, 5);
        assertEquals(c.commit(4), c.commit(5));
    }

    /** Of as many founders, led by replica 1, and so many replicas in all: the others are blank. */
    private static Cluster group(int founders, int replicas) {
        String[] logs = new String[replicas];
        Arrays.fill(logs, "");
        Cluster c = Cluster.of(RaftConfig.DEFAULT, voters(founders), 0, logs);
        c.elect(1, IntStream.rangeClosed(1, founders).toArray());
        c.settle();
        return c;
    }
}
