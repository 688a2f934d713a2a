package io.quorate.raft.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.quorate.raft.ServerStatus;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.ReplicaId;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PeerAddressesTest {

    private static final Membership TWO = new Membership(4, List.of(member(1, 11, "a"), member(2, 22, "b")), List.of(), List.of());

    @Test
    void theMembershipTellsButNotOfOneself() {
        assertEquals(Map.of(2, "b"), PeerAddresses.of(1, TWO, null, List.of(), Map.of()));
        assertEquals(Map.of(1, "a", 2, "b"), PeerAddresses.of(9, TWO, null, List.of(), Map.of()));
    }

    @Test
    void theGoalsAddressWins() {
        Membership moving = new Membership(5, TWO.voters(), List.of(), List.of(member(2, 99, "b2")),
            new Membership.Goal(List.of(member(1, 11, "a"), member(2, 99, "b2"), member(3, 33, "c")), List.of()));
        assertEquals(Map.of(2, "b2", 3, "c"), PeerAddresses.of(1, moving, null, List.of(), Map.of()));
    }

    @Test
    void ofTwoDisksOfOneNodeTheOneThatStaysCounts() {
        Membership joint = new Membership(5, List.of(member(1, 11, "a"), member(2, 99, "b2")), TWO.voters(), List.of());
        assertEquals(Map.of(2, "b2"), PeerAddresses.of(1, joint, null, List.of(), Map.of()));
    }

    @Test
    void whatTheMembershipDoesNotNameIsFoundWhereItSays() {
        List<ServerStatus.Stranger> strangers = List.of(new ServerStatus.Stranger(new ReplicaId(2, 77), "elsewhere", 0),
            new ServerStatus.Stranger(new ReplicaId(7, 77), "g", 0), new ServerStatus.Stranger(new ReplicaId(8, 88), "", 0));
        assertEquals(Map.of(2, "b", 7, "g"), PeerAddresses.of(1, TWO, null, strangers, Map.of()));
    }

    @Test
    void aNewcomerFindsTheGroupThatLetItIn() {
        Membership founding = new Membership(1, List.of(member(1, 11, "old")), List.of(), List.of());
        Membership told = new Membership(9, List.of(member(5, 55, "e")), List.of(), List.of(member(7, 77, "g")));
        assertEquals(Map.of(1, "old", 5, "e", 6, "f"), PeerAddresses.of(7, founding, told, List.of(), Map.of(6, "f")));
        assertEquals(Map.of(2, "b", 1, "a"), PeerAddresses.of(7, new Membership(10, TWO.voters(), List.of(), List.of()), told, List.of(),
            Map.of(6, "f")), "the own log knows better");
    }

    @Test
    void aBlankReplicaKnowsWhomItWasStartedWith() {
        assertEquals(Map.of(2, "b"), PeerAddresses.of(1, null, null, List.of(), Map.of(1, "a", 2, "b")));
    }

    private static Member member(int nodeId, long incarnation, String address) {
        return new Member(new ReplicaId(nodeId, incarnation), address);
    }
}
