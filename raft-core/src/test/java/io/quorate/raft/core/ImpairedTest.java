package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.T;
import static io.quorate.raft.core.Cluster.id;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.testing.RecordedEffects;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** A replica that cannot read entries of its own log. */
class ImpairedTest {

    @Test
    void whoCannotReadItsLogDoesNotCampaignUntilItCan() {
        Cluster c = leaderOfThree();
        c.node(2).step(new Event.Impaired(true));
        for (int i = 0; i < 3; i++) {
            c.timeout(2);
            assertEquals(RoleName.FOLLOWER, c.role(2));
        }
        c.node(2).step(new Event.Impaired(false));
        c.timeout(2);
        assertEquals(RoleName.PRE_CANDIDATE, c.role(2));
    }

    @Test
    void whoCannotReadItsLogTakesNoLeadThatIsHandedToIt() {
        Cluster c = leaderOfThree();
        c.node(2).step(new Event.Impaired(true));
        c.node(2).step(new Message.TimeoutNow(id(1), id(2), c.term(2)));
        assertEquals(RoleName.FOLLOWER, c.role(2));
        assertEquals(1, c.term(2));
    }

    @Test
    void aLeaderThatCannotReadItsLogHandsOverAfterAnElectionTimeout() {
        Cluster c = leaderOfThree();
        c.node(1).step(new Event.Impaired(true));
        long since = c.now();
        c.node(1).step(new Event.Impaired(true));       // more of it changes nothing
        while (c.now() < since + T - T / 10) {
            c.heartbeat(1);
            assertEquals(RoleName.LEADER, c.role(1));
        }
        assertTrue(c.history(Message.TimeoutNow.class, 1, 2).isEmpty() && c.history(Message.TimeoutNow.class, 1, 3).isEmpty());
        c.heartbeat(1);
        c.heartbeat(1);
        assertEquals(RoleName.FOLLOWER, c.role(1));
        assertTrue(c.role(2) == RoleName.LEADER || c.role(3) == RoleName.LEADER);
    }

    @Test
    void aLeaderWhoseLogIsRepairedInTimeStays() {
        Cluster c = leaderOfThree();
        c.node(1).step(new Event.Impaired(true));
        for (int i = 0; i < 8; i++) {
            c.heartbeat(1);
        }
        c.node(1).step(new Event.Impaired(false));
        for (int i = 0; i < 30; i++) {
            c.heartbeat(1);
        }
        assertEquals(RoleName.LEADER, c.role(1));
        assertEquals(1, c.term(1));
    }

    @Test
    void aLeaderOfAGroupOfOneGoesOnLeading() {
        Cluster c = Cluster.of(1);
        c.timeout(1);
        c.writeAll(1);
        c.node(1).step(new Event.Impaired(true));
        for (int i = 0; i < 30; i++) {
            c.timeout(1);
        }
        assertEquals(RoleName.LEADER, c.role(1));
    }

    @Test
    void writesAreNumberedOnFromThoseThatARepairHasTaken() {
        Membership alone = Membership.of(1, List.of(new Member(id(1), "a")));
        RaftNode node = new RaftNode(RaftConfig.DEFAULT, id(1), 1, HardState.INITIAL, LogView.empty(alone), new SplittableRandom(1), 0, 5);
        node.step(new Event.Tick(1));
        RecordedEffects effects = new RecordedEffects();
        List<RecordedEffects.Effect> said = effects.flush(node);
        assertTrue(said.stream().anyMatch(each -> each instanceof RecordedEffects.Write write && write.writeId() == 6), said::toString);
        node.step(new Event.Written(5));       // of the repair: nothing is durable by that
        assertEquals(RoleName.CANDIDATE, node.role());
    }

    private static Cluster leaderOfThree() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.heartbeat(1);
        return c;
    }
}
