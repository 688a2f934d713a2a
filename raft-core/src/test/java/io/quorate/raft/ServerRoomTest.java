package io.quorate.raft;

import static io.quorate.raft.Cluster.bytes;
import static io.quorate.raft.Cluster.get;
import static io.quorate.raft.Cluster.text;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.DiskRoom;
import io.quorate.raft.core.Refusal;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Servers with real threads whose disks are nearly full, and have room again. */
@Timeout(120)
class ServerRoomTest {

    private final Cluster cluster = new Cluster(3);

    @BeforeEach
    void start() {
        cluster.startAllPatient();
        cluster.propose("first");
    }

    @AfterEach
    void close() {
        cluster.close();
    }

    private int leader() {
        return cluster.awaitLeader().replica().nodeId();
    }

    private DiskRoom roomOf(int nodeId) {
        ServerStatus.Disk disk = cluster.servers.get(nodeId).status().disk();
        return disk == null ? DiskRoom.PLENTY : disk.room();
    }

    /** A disk is looked at when it does something, as it is then that it fills up. */
    private void fill(DiskRoom room, int... nodeIds) {
        for (int nodeId : nodeIds) {
            cluster.disks.get(nodeId).room(room);
        }
        cluster.propose("fills");
        for (int nodeId : nodeIds) {
            cluster.await(() -> roomOf(nodeId) == room);
        }
    }

    @Test
    void aLeaderWhoseDiskIsNearlyFullHandsOverAndTheGroupGoesOn() {
        int full = leader();
        fill(DiskRoom.LOW, full);
        cluster.await(() -> leader() != full);
        assertEquals("did after", cluster.propose("after"));
        assertNotEquals(full, leader());
        cluster.await(() -> cluster.machines.get(full).commands().contains("after"));
    }

    @Test
    void aFollowerWithoutRoomLagsAndCatchesUpWhenItHasSome() {
        int full = leader() % 3 + 1;
        fill(DiskRoom.NONE, full);
        for (int i = 0; i < 5; i++) {
            cluster.propose("c" + i);
        }
        assertFalse(cluster.machines.get(full).commands().contains("c4"));
        cluster.await(() -> cluster.servers.get(leader()).explain().toString().contains("its disk is nearly full, and it takes no entries"));
        cluster.disks.get(full).room(DiskRoom.PLENTY);
        cluster.await(() -> cluster.machines.get(full).commands().contains("c4"));
        cluster.await(() -> roomOf(full).isPlenty());
    }

    @Test
    void whenAllAreNearlyFullCommandsAreRefusedReadsAreServedAndItGoesOnByItself() {
        fill(DiskRoom.LOW, 1, 2, 3);
        cluster.await(() -> cluster.awaitLeader().status().peers().stream().allMatch(peer -> peer.trouble() != null));
        RaftServer server = cluster.awaitLeader();
        RequestRefusedException refused = assertThrows(RequestRefusedException.class, () -> get(server.propose(bytes("x"))));
        assertEquals(Refusal.Reason.DISK_FULL, refused.reason());
        String message = String.valueOf(refused.getMessage());
        assertTrue(message.startsWith("Nothing happened: the disk of this leader, " + server.replica() + ", is nearly full"), message);
        assertTrue(text(get(server.read(bytes("all")))).endsWith("fills"));
        assertEquals(1, server.metrics().values().get("disk_nearly_full"));
        assertEquals(-1, server.metrics().values().get("disk_usable_bytes"));
        assertTrue(server.explain().toString().contains("Free some space there"), () -> server.explain().toString());

        for (int nodeId = 1; nodeId <= 3; nodeId++) {
            cluster.disks.get(nodeId).room(DiskRoom.PLENTY);
        }
        cluster.await(() -> {
            try {
                return cluster.propose("after").equals("did after");
            } catch (RequestRefusedException e) {
                return false;       // nobody has looked yet
            }
        });
        cluster.await(() -> cluster.awaitLeader().metrics().values().get("disk_nearly_full") == 0);
    }

    @Test
    void withoutAQuorumThatHasRoomTheOthersAreNamed() {
        int leader = leader();
        int one = leader % 3 + 1;
        int other = one % 3 + 1;
        fill(DiskRoom.LOW, one, other);
        RaftServer server = cluster.awaitLeader();
        cluster.await(() -> server.status().peers().stream().allMatch(peer -> peer.trouble() != null));
        String message = String.valueOf(assertThrows(RequestRefusedException.class, () -> get(server.propose(bytes("x")))).getMessage());
        for (ServerStatus.Peer peer : server.status().peers()) {
            assertNotNull(peer.replica());
            assertTrue(message.contains(peer.replica().toString()), message);
        }
        assertTrue(message.endsWith("and reads go on meanwhile"), message);
    }

    @Test
    void aServerThatStartsOnAFullDiskKnowsIt() {
        int node = leader() % 3 + 1;
        cluster.stop(node);
        cluster.disks.get(node).room(DiskRoom.NONE);
        cluster.start(node);
        cluster.await(() -> roomOf(node) == DiskRoom.NONE);
        cluster.propose("after");
        assertFalse(cluster.machines.get(node).commands().contains("after"));
    }
}
