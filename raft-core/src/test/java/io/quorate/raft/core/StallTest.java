package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.T;
import static io.quorate.raft.core.Cluster.id;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.testing.RecordedEffects.Accepted;
import io.quorate.raft.testing.RecordedEffects.Refuse;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A disk that does not answer, under a leader whose heartbeats wait for no disk. */
class StallTest {

    @Test
    void aLeaderWhoseDiskStaysBehindAnothersHandsOverAfterAnElectionTimeout() {
        Cluster c = hungLeader();
        long ahead = c.now();
        while (c.now() < ahead + T - T / 10) {
            c.heartbeat(1);
            assertEquals(RoleName.LEADER, c.role(1));
            assertEquals(c.now() - ahead, c.node(1).status().office().diskBehindNanos());
        }
        assertEquals(List.of(), c.history(Message.TimeoutNow.class, 1, 2));
        c.heartbeat(1);
        assertEquals(ahead + T, c.now());
        assertEquals(RoleName.LEADER, c.role(2));
        assertEquals("1 1 2", c.disk(2));   // what the old leader's disk does not have is not lost
        assertEquals(3, c.commit(2));
    }

    /** All that it can do is in vain: what it acknowledges must be applied here. */
    @Test
    void aLeaderThatFindsNobodyToHandOverToStepsDownAfterTwo() {
        Cluster c = hungLeader();
        c.hangs(2, true);
        c.hangs(3, true);
        c.propose(1);   // nobody has this, so nobody catches up
        long ahead = c.now();
        for (int i = 0; i < 50 && c.role(1) == RoleName.LEADER; i++) {
            c.heartbeat(1);
        }
        assertEquals(ahead + 2 * T, c.now());
        assertEquals(1, c.term(1));
        assertEquals(List.of(), c.history(Message.TimeoutNow.class, 1, 2));
    }

    /** Another leader would do no better, and the time would go into elections. */
    @Test
    void aLeaderWhoseDiskIsNoSlowerThanTheOthersStays() {
        Cluster c = leaderOfThree();
        for (int n = 1; n <= 3; n++) {
            c.hangs(n, true);
        }
        c.propose(1);
        for (int i = 0; i < 50; i++) {
            c.heartbeat(1);
        }
        assertEquals(RoleName.LEADER, c.role(1));
        for (int n = 1; n <= 3; n++) {
            c.hangs(n, false);
        }
        c.heartbeat(1);
        assertEquals(2, c.commit(1));
        assertEquals(1, c.term(1));
    }

    /** It is slow, but it does its work. */
    @Test
    void eachWriteThatCompletesBeginsTheTimeAnew() {
        Cluster c = hungLeader();
        c.propose(1);
        c.propose(1);
        c.settle();
        for (int i = 0; i < 2; i++) {
            for (int k = 0; k < 9; k++) {
                c.heartbeat(1);
            }
            c.write(1);
        }
        for (int k = 0; k < 9; k++) {
            c.heartbeat(1);
        }
        assertEquals(RoleName.LEADER, c.role(1));
        assertEquals(List.of(), c.history(Message.TimeoutNow.class, 1, 2));
    }

    /** There is nothing to flee from any more, and held proposals go in. */
    @Test
    void whenTheDiskAnswersBeforeTheTargetWasToldTheTransferIsOver() {
        Cluster c = hungLeader();
        c.hangs(2, true);
        c.hangs(3, true);
        c.propose(1);
        for (int i = 0; i < 20 && c.node(1).status().office().successor() == null; i++) {
            c.heartbeat(1);
        }
        c.takeEffects(1, Accepted.class);
        long held = c.propose(1);
        assertEquals(List.of(), c.takeEffects(1, Accepted.class));
        c.writeAll(1);
        assertEquals(List.of(new Accepted(held, new EntryId(1, 4))), c.takeEffects(1, Accepted.class));
        for (int n = 1; n <= 3; n++) {
            c.hangs(n, false);
        }
        c.heartbeat(1);
        assertEquals(4, c.commit(1));
        assertEquals(RoleName.LEADER, c.role(1));
        assertEquals(List.of(), c.takeEffects(1, Refuse.class));
    }

    @Test
    void whoIsAloneWaitsForItsDisk() {
        Cluster c = Cluster.of(1);
        c.timeout(1);
        c.writeAll(1);
        c.propose(1);
        for (int i = 0; i < 100; i++) {
            c.timeout(1);
        }
        assertEquals(RoleName.LEADER, c.role(1));
        c.writeAll(1);
        assertEquals(2, c.commit(1));
    }

    /** It would win, for heartbeats and votes of others wait for no disk of its own once it has its term; and then it would hang again. */
    @Test
    void whoseDiskDoesNotAnswerDoesNotCampaign() {
        Cluster c = leaderOfThree();
        c.draws(2, 1);
        c.propose(1);
        c.deliver(Message.AppendEntries.class, 1, 2);
        c.crash(1);
        c.dropAll();
        for (int i = 0; i < 3; i++) {
            c.timeout(2);
            assertEquals(RoleName.FOLLOWER, c.role(2));
        }
        assertEquals(List.of(), c.network());
        assertEquals(3 * (T + 1), c.node(2).status().campaign().diskSilentNanos());
        c.write(2);
        assertEquals(0, c.node(2).status().campaign().diskSilentNanos());
        c.timeout(2);
        assertEquals(RoleName.PRE_CANDIDATE, c.role(2));
    }

    /** Not even if the leader wants it to. */
    @Test
    void whoseDiskDoesNotAnswerTakesNoLeadThatIsHandedToIt() {
        Cluster c = leaderOfThree();
        c.propose(1);
        c.deliver(Message.AppendEntries.class, 1, 2);
        c.pass(T + 1);
        c.batch(2, new Message.AppendEntries(id(1), id(2), 1, new EntryId(1, 1), List.of(), 1, 0, 9),
            new Message.TimeoutNow(id(1), id(2), 1));
        assertEquals(RoleName.FOLLOWER, c.role(2));
        c.write(2);
        c.deliver(new Message.TimeoutNow(id(1), id(2), 1));
        assertEquals(RoleName.CANDIDATE, c.role(2));
    }

    /** Whether it has asked or was about to. */
    @Test
    void aPreCandidateWhoseDiskFallsSilentWaits() {
        Cluster c = leaderOfThree();
        c.propose(1);
        c.pass(T - 1);
        c.deliver(Message.AppendEntries.class, 1, 2);
        c.crash(1);
        c.dropAll();
        c.draws(2, 1);
        c.step(2, new Event.PeerLost(id(1)), 0);
        c.timeout(2);
        assertEquals(RoleName.PRE_CANDIDATE, c.role(2));
        c.timeout(2);   // a pending write is older than an election timeout now
        assertEquals(RoleName.FOLLOWER, c.role(2));
        c.writeAll(2);
        c.timeout(2);
        assertEquals(RoleName.PRE_CANDIDATE, c.role(2));
    }

    /** The disk's thread stood still as well. */
    @Test
    void aPauseIsNoSilenceOfTheDisk() {
        Cluster c = hungLeader();
        c.heartbeat(1);
        c.pass(5 * T);
        c.heartbeat(1);
        assertEquals(RoleName.LEADER, c.role(1));
        assertEquals(List.of(), c.history(Message.TimeoutNow.class, 1, 2));
        assertEquals(0, c.node(1).status().office().diskBehindNanos());
        assertEquals(0, c.node(1).status().campaign().diskSilentNanos());
    }

    private static Cluster leaderOfThree() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.heartbeat(1);
        return c;
    }

    /** The others have on disk what the leader's own disk owes. */
    private static Cluster hungLeader() {
        Cluster c = leaderOfThree();
        c.hangs(1, true);
        c.propose(1);
        c.settle();
        assertEquals(2, c.commit(1));
        return c;
    }
}
