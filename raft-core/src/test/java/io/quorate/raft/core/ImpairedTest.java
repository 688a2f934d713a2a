package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.T;
import static io.quorate.raft.core.Cluster.id;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.testing.RecordedEffects;
import io.quorate.raft.testing.RecordedEffects.Apply;
import io.quorate.raft.testing.RecordedEffects.FetchSnapshot;
import io.quorate.raft.testing.RecordedEffects.Restore;
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
    void whatTheMachineGivesBackIsHandedOutAnewWhenSomethingHasChanged() {
        Cluster c = stuckAtEntry3();
        c.propose(1);
        c.settle();
        assertEquals(11, c.commit(3));
        assertEquals(List.of(), c.takeEffects(3, Apply.class));
        c.step(3, new Event.Impaired(true), 0);      // of several, another one has been mended
        assertEquals(List.of(), c.takeEffects(3, Apply.class));
        c.step(3, new Event.Mended(), 0);
        assertEquals(11, c.applied(3).size());
        assertEquals(3, c.takeEffects(3, Apply.class).get(0).firstIndex());
        c.handBack(3, 4);
        c.step(3, new Event.Mended(), 0);
        assertEquals(11, c.applied(3).size());
        assertEquals(4, c.node(3).appliedIndex());
    }

    @Test
    void aMachineThatCannotGoOnIsGivenASnapshotUnderALogThatStays() {
        Cluster c = stuckAtEntry3();
        SnapshotId snapshot = c.compact(1, 8);
        c.step(3, new Event.SnapshotNeeded(snapshot, id(1)), 0);
        assertEquals(List.of(new FetchSnapshot(snapshot, id(1))), c.takeEffects(3, FetchSnapshot.class));
        c.step(3, new Event.SnapshotNeeded(snapshot, id(1)), 0);
        assertEquals(List.of(), c.takeEffects(3, FetchSnapshot.class), "it is on its way");
        c.fetch(3);
        assertEquals(List.of(snapshot), c.pendingInstalls(3));
        assertEquals(List.of(), c.takeEffects(3, Restore.class), "it is not durable yet");
        c.propose(1);
        c.settle(1, 2);
        c.write(3);
        assertEquals(List.of(new Restore(snapshot)), c.takeEffects(3, Restore.class));
        assertEquals(9, c.takeEffects(3, Apply.class).get(0).firstIndex());
        assertEquals(8, c.node(3).status().snapshotIndex());
        c.heartbeat(1);
        c.settle();
        assertEquals(11, c.commit(3));
        assertEquals(c.log(1), c.log(3));
        assertEquals(c.applied(1), c.applied(3));
    }

    @Test
    void aSnapshotIsOfNoUseToAMachineThatGoesOnOrHasGoneFurther() {
        Cluster c = stuckAtEntry3();
        SnapshotId old = c.snapshot(1, 2);
        c.step(3, new Event.SnapshotNeeded(old, id(1)), 0);
        SnapshotId snapshot = c.snapshot(1, 8);
        c.step(2, new Event.SnapshotNeeded(snapshot, id(1)), 0);
        assertEquals(List.of(), c.takeEffects(2, FetchSnapshot.class), "nothing has been handed back there");
        assertEquals(List.of(), c.takeEffects(3, FetchSnapshot.class), "it has applied as much");
        c.step(3, new Event.SnapshotNeeded(snapshot, id(1)), 0);
        c.step(3, new Event.Mended(), 0);      // while it is fetched the entry has come back
        c.fetch(3);
        assertEquals(List.of(), c.pendingInstalls(3));
        assertEquals(10, c.applied(3).size());
    }

    /** Who answers for a damaged entry need not lead, and may be ahead by terms. */
    @Test
    void aSnapshotOfALaterTermRaisesTheTermBeforeItIsInstalled() {
        Cluster c = stuckAtEntry3();
        c.elect(2, 1);
        c.propose(2);
        c.settle(1, 2);
        c.heartbeat(2, 1);
        c.settle(1, 2);
        SnapshotId snapshot = c.snapshot(2, c.commit(2));
        assertTrue(snapshot.last().term() > c.term(3));
        c.dropAll();
        c.step(3, new Event.SnapshotNeeded(snapshot, id(2)), 0);
        assertEquals(snapshot.last().term(), c.term(3));
        c.writeAll(3);
        c.fetch(3);
        c.writeAll(3);
        assertEquals(List.of(new Restore(snapshot)), c.takeEffects(3, Restore.class));
        c.crash(3);
        c.restart(3);
        assertEquals(snapshot.index(), c.node(3).status().snapshotIndex());
        assertEquals(snapshot.last().term(), c.term(3));
    }

    @Test
    void aLeaderWhoseMachineCannotGoOnInstallsWhatItKnowsToBeCommitted() {
        Cluster c = stuckAtEntry3();
        SnapshotId snapshot = c.compact(2, 8);
        c.step(1, new Event.Impaired(true), 0);
        c.handBack(1, 5);
        c.step(1, new Event.SnapshotNeeded(snapshot, id(2)), 0);
        c.fetch(1);
        assertEquals(List.of(snapshot), c.pendingInstalls(1));
        c.write(1);
        c.settle();
        assertEquals(List.of(new Restore(snapshot)), c.takeEffects(1, Restore.class));
        assertEquals(c.applied(2), c.applied(1));
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

    /** Ten entries are committed everywhere, and handed to the machines; replica 3's has come to entry 3 and cannot read it. */
    private static Cluster stuckAtEntry3() {
        Cluster c = leaderOfThree();
        while (c.commit(1) < 10) {
            c.propose(1);
            c.settle();
        }
        c.heartbeat(1);
        c.settle();
        assertEquals(10, c.applied(3).size());
        c.takeEffects(3, Apply.class);
        c.step(3, new Event.Impaired(true), 0);
        c.handBack(3, 2);
        assertEquals(2, c.node(3).appliedIndex());
        assertEquals(List.of(), c.takeEffects(3, Apply.class));
        return c;
    }

    private static Cluster leaderOfThree() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.heartbeat(1);
        return c;
    }
}
