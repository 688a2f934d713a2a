package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.T;
import static io.quorate.raft.core.Cluster.goal;
import static io.quorate.raft.core.Cluster.id;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.core.Refusal.Reason;
import io.quorate.raft.testing.RecordedEffects.Accepted;
import io.quorate.raft.testing.RecordedEffects.Readable;
import io.quorate.raft.testing.RecordedEffects.Refuse;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Disks that are nearly full: nothing new is begun by them, and all else goes on. */
class RoomTest {

    private final Cluster c = Cluster.led(3, 4);

    private void room(DiskRoom room, int... numbers) {
        for (int n : numbers) {
            c.step(n, new Event.RoomChanged(room), 0);
        }
    }

    /** Theirs first, and so that the leader knows it: else it might still hand over to one of them. */
    private void allLow() {
        room(DiskRoom.LOW, 2, 3);
        c.heartbeat(1);
        room(DiskRoom.LOW, 1);
    }

    private void assertRefused(long request, int n) {
        assertEquals(List.of(new Refuse(request, new Refusal(Reason.DISK_FULL, null))), c.takeEffects(n, Refuse.class));
        assertEquals(List.of(), c.takeEffects(n, Accepted.class));
    }

    private void assertTaken(long request, int n) {
        assertEquals(List.of(request), c.takeEffects(n, Accepted.class).stream().map(Accepted::requestId).toList());
        assertEquals(List.of(), c.takeEffects(n, Refuse.class));
    }

    // ------------------------------------------------------------------------------------------------------------------ the leader

    @Test
    void aLeaderWhoseDiskIsNearlyFullTakesNothingNewAndServesReads() {
        allLow();
        assertRefused(c.propose(1), 1);
        assertRefused(c.change(1, goal(1, 2, 3, 4)), 1);
        long read = c.read(1);
        c.settle();
        assertEquals(List.of(read), c.takeEffects(1, Readable.class).stream().map(Readable::requestId).toList());
        for (int i = 0; i < 40; i++) {
            c.heartbeat(1);
        }
        assertEquals(RoleName.LEADER, c.role(1));
        assertEquals(DiskRoom.LOW, c.node(1).status().room());
        assertEquals(List.of(DiskRoom.LOW, DiskRoom.LOW), c.node(1).status().peers().stream().map(NodeStatus.Peer::room).toList());
        room(DiskRoom.PLENTY, 1, 2, 3);
        c.heartbeat(1);
        c.takeEffects(1, Accepted.class);
        assertTaken(c.propose(1), 1);
        c.settle();
        assertEquals(2, c.commit(1));
    }

    /** Before it has come to hand over. */
    @Test
    void norDoesALeaderWhoseDiskAloneIsNearlyFull() {
        room(DiskRoom.LOW, 1);
        assertRefused(c.propose(1), 1);
        assertRefused(c.change(1, goal(1, 2)), 1);
    }

    @Test
    void whatIsUnderWayIsCommittedAllTheSame() {
        c.propose(1);
        room(DiskRoom.LOW, 1, 2, 3);
        c.settle();
        assertEquals(2, c.commit(1));
        assertEquals("1 1", c.disk(2));
    }

    @Test
    void itHandsOverToAVoterThatHasRoom() {
        room(DiskRoom.LOW, 2);
        c.heartbeat(1);
        room(DiskRoom.LOW, 1);
        c.heartbeat(1);
        assertEquals(RoleName.LEADER, c.role(3));
        assertEquals(List.of(), c.history(Message.TimeoutNow.class, 1, 2));
    }

    /** Also to one whose log is a little shorter: what it lacks is sent first. */
    @Test
    void roomCountsForMoreThanALongerLog() {
        room(DiskRoom.LOW, 2);
        c.heartbeat(1);
        c.propose(1);
        c.settle(1, 2);
        c.dropAll();
        room(DiskRoom.LOW, 1);
        for (int i = 0; i < 6 && c.role(1) == RoleName.LEADER; i++) {
            c.heartbeat(1);
        }
        assertEquals(RoleName.LEADER, c.role(3));
        assertEquals("1 1 2", c.disk(3));
    }

    /** While it is under way commands wait, so it is not tried all the time. */
    @Test
    void anAttemptThatCameToNothingIsNotRepeatedForAWhile() {
        room(DiskRoom.LOW, 2);
        c.hangs(3, true);
        c.propose(1);
        c.heartbeat(1);
        room(DiskRoom.LOW, 1);
        int begun = 0;
        boolean isUnderWay = false;
        for (int i = 0; i < 99; i++) {
            c.heartbeat(1);
            begun += !isUnderWay && c.node(1).status().office().successor() != null ? 1 : 0;
            isUnderWay = c.node(1).status().office().successor() != null;
        }
        assertEquals(1, begun);
        c.hangs(3, false);
        for (int i = 0; i < 10 && c.role(1) == RoleName.LEADER; i++) {
            c.heartbeat(1);
        }
        assertEquals(RoleName.LEADER, c.role(3));
    }

    @Test
    void aLeaderTellsNoTimeWhileItsDiskIsNearlyFull() {
        allLow();
        c.step(1, new Event.TimeWanted(T), 0);      // replicated time has only begun
        for (int i = 0; i < 40; i++) {
            c.heartbeat(1);
        }
        assertEquals(1, c.node(1).status().lastIndex());
        room(DiskRoom.PLENTY, 1, 2, 3);
        c.heartbeat(1);
        c.heartbeat(1);
        assertEquals(2, c.commit(1));
    }

    @Test
    void withoutAQuorumOfDisksThatHaveRoomNothingNewIsTakenEither() {
        room(DiskRoom.LOW, 2);
        c.heartbeat(1);
        assertTaken(c.propose(1), 1);
        c.settle();
        room(DiskRoom.LOW, 3);
        c.heartbeat(1);
        assertRefused(c.propose(1), 1);
        assertRefused(c.change(1, goal(1, 2)), 1);
        room(DiskRoom.PLENTY, 2);
        c.heartbeat(1);
        assertTaken(c.propose(1), 1);
    }

    // ---------------------------------------------------------------------------------------------------------------- a follower

    @Test
    void aFollowerWithoutRoomLeavesEntriesOutAndTakesHeartbeatsAndCommits() {
        room(DiskRoom.NONE, 3);
        c.propose(1);
        c.settle();
        assertEquals("1", c.disk(3));
        assertEquals("1", c.log(3));
        assertEquals(2, c.commit(1));
        assertEquals(1, c.commit(3));
        c.heartbeat(1);
        assertEquals(id(1), c.node(3).leader());
        int sent = c.history(Message.AppendEntries.class, 1, 3).size();
        c.heartbeat(1);
        assertTrue(c.history(Message.AppendEntries.class, 1, 3).stream().skip(sent).allMatch(append -> append.entries().isEmpty()),
            "it has said that it has no room");
        room(DiskRoom.PLENTY, 3);
        IntStream.range(0, 4).forEach(i -> c.heartbeat(1));
        assertEquals("1 1", c.disk(3));
        assertEquals(2, c.commit(3));
    }

    /** Else the leader would count what is nowhere. */
    @Test
    void itDoesNotAcknowledgeWhatItLeftOut() {
        room(DiskRoom.NONE, 2, 3);
        c.propose(1);
        c.settle();
        IntStream.range(0, 5).forEach(i -> c.heartbeat(1));
        assertEquals(1, c.commit(1));
        assertTrue(c.history(Message.AppendAccepted.class, 3, 1).stream().allMatch(answer -> answer.verifiedIndex() <= 1));
        room(DiskRoom.PLENTY, 3);
        IntStream.range(0, 4).forEach(i -> c.heartbeat(1));
        assertEquals(2, c.commit(1));
    }

    /** It was acknowledged, so it stays; and nothing is cut for entries that are left out. */
    @Test
    void whatItHasStays() {
        c.propose(1);
        c.settle();
        room(DiskRoom.NONE, 3);
        c.leadAgain(1, 2);
        c.heartbeat(1);
        assertEquals("1 1", c.log(3));
        assertEquals("1 1 " + c.term(1), c.log(2));
    }

    // --------------------------------------------------------------------------------------------------------------- elections

    @Test
    void whoseDiskIsNearlyFullLeavesItToOthersToCampaignFirst() {
        room(DiskRoom.LOW, 2);
        c.crash(1);
        c.pass(T);
        c.timeout(2);
        c.timeout(2);
        assertEquals(RoleName.FOLLOWER, c.role(2));
        c.elect(3, 2);
        assertEquals(RoleName.LEADER, c.role(3));
    }

    @Test
    void ifNobodyElseDoesItCampaigns() {
        room(DiskRoom.NONE, 2, 3);
        c.crash(1);
        c.pass(T);
        c.timeout(2);
        c.timeout(2);
        assertEquals(RoleName.FOLLOWER, c.role(2));
        c.timeout(2);
        assertEquals(RoleName.PRE_CANDIDATE, c.role(2));
        c.pass(T);
        c.settle();
        IntStream.range(0, 3).forEach(i -> {
            c.timeout(2);
            c.settle();
        });
        assertEquals(RoleName.LEADER, c.role(2));
    }

    @Test
    void votesAreGivenWithoutRoomToo() {
        room(DiskRoom.NONE, 2);
        c.crash(1);
        c.elect(3, 2);
        assertEquals(RoleName.LEADER, c.role(3));
    }
}
