package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.id;
import static io.quorate.raft.core.Cluster.members;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** What a leader knows of each replica goes with the replica, wherever that stands. */
class PeersTest {

    private final Peers peers = new Peers(quorum(2, 3, 4), id(3), 10);

    @Test
    void whoStaysKeepsWhatIsKnownOfIt() {
        Progress four = peers.at(peers.position(id(4)));
        peers.enter(quorum(1, 3, 4), 20, 20);
        assertSame(four, peers.at(2));
        assertEquals(id(4), peers.id(2));
        assertTrue(peers.isSelf(1));
        assertEquals(20, peers.at(0).nextIndex());
    }

    @Test
    void whoHasLeftStandsBehindTheMembersAndDoesNotCount() {
        peers.enter(quorum(3, 4), 20, 20);
        assertEquals(2, peers.position(id(2)));
        match(2, 15);
        match(4, 12);
        assertEquals(12, peers.reached(19));
    }

    @Test
    void whoHasLeftIsForgottenSomeTimeAfterTheCommit() {
        peers.enter(quorum(3, 4), 20, 20);
        peers.onHeartbeat(19, 1000, 50);
        peers.onHeartbeat(20, 2000, 50);
        peers.onHeartbeat(20, 2049, 50);
        assertEquals(3, peers.size());
        peers.onHeartbeat(20, 2050, 50);
        assertEquals(2, peers.size());
        assertEquals(-1, peers.position(id(2)));
    }

    @Test
    void whoComesBackBeginsAnew() {
        match(2, 9);
        Progress before = peers.at(0);
        peers.enter(quorum(3, 4), 20, 20);
        peers.enter(quorum(2, 3, 4), 21, 21);
        assertNotSame(before, peers.at(0));
        assertEquals(0, peers.at(0).matchIndex());
        assertEquals(3, peers.size());
    }

    @Test
    void aLeaderThatLeavesDoesNotStandAmongThoseItTells() {
        peers.enter(quorum(2, 4), 20, 20);
        assertEquals(2, peers.size());
        assertEquals(-1, peers.position(id(3)));
        match(2, 11);
        assertEquals(0, peers.reached(19));
        match(4, 12);
        assertEquals(11, peers.reached(19));
    }

    /** Those who left under an earlier leader are told, too; the members are there already. */
    @Test
    void whoLeftBeforeIsToldToo() {
        peers.addLeft(Membership.of(1, members(1, 2, 3)), 8, 10);
        assertEquals(4, peers.size());
        assertEquals(3, peers.position(id(1)));
        peers.onHeartbeat(8, 0, 50);
        peers.onHeartbeat(8, 50, 50);
        assertEquals(3, peers.size());
    }

    private void match(int n, long index) {
        peers.at(peers.position(id(n))).onAccepted(index, index, 1, 1);
    }

    private static Quorum quorum(int... voters) {
        return new Quorum(new Membership(1, members(voters), List.of(), List.of()));
    }
}
