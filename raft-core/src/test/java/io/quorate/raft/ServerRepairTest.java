package io.quorate.raft;

import static io.quorate.raft.Cluster.bytes;
import static io.quorate.raft.Cluster.get;
import static io.quorate.raft.Cluster.text;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.testing.InMemoryDisk;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Servers with real threads whose disks have damaged entries: they get them back from each other, or say that nobody has them. */
class ServerRepairTest {

    /** What is to be applied is read from the disk, an entry at a time. */
    private static final RaftConfig FORGETFUL = new RaftConfig(200_000_000, 1 << 20, 1, 1 << 20, 1 << 20, 1);

    private final Cluster cluster = new Cluster(3);

    @AfterEach
    void close() {
        cluster.close();
    }

    @Test
    void withOneDamagedEntryOnEachDiskTheGroupServesAndHeals() {
        proposeAndStop(9);
        List<EntryId> damaged = new ArrayList<>();
        for (int nodeId = 1; nodeId <= 3; nodeId++) {
            damaged.add(cluster.disks.get(nodeId).damage(2 + nodeId));
        }
        cluster.startAll();
        cluster.propose("after");
        assertAllHave(10);
        for (int nodeId = 1; nodeId <= 3; nodeId++) {
            assertEquals(List.of(), cluster.disks.get(nodeId).damaged());
            assertTrue(cluster.disks.get(nodeId).log().stream().map(Entry::id).toList().containsAll(damaged));
            Metrics metrics = cluster.servers.get(nodeId).metrics();
            assertEquals(1, metrics.damageFound());
            assertEquals(1, metrics.entriesRepaired());
        }
    }

    @Test
    void whatIsDamagedSideBySideAndMoreThanOneQuestionHoldsComesBackToo() {
        proposeAndStop(3 * RepairMessage.WANTED_MAX);
        int nodeId = 2;
        for (long index = 2; index < 2 + 2 * RepairMessage.WANTED_MAX; index++) {
            assertNotNull(cluster.disks.get(nodeId).damage(index));
        }
        cluster.startAll();
        assertAllHave(3 * RepairMessage.WANTED_MAX);
        assertEquals(List.of(), cluster.disks.get(nodeId).damaged());
    }

    @Test
    void whileItLacksEntriesAReplicaTakesNoPartAndSaysWhatItWaitsFor() {
        proposeAndStop(5);
        EntryId damaged = cluster.disks.get(1).damage(3);
        RaftServer server = cluster.start(1);
        cluster.await(() -> server.status().state() == ServerStatus.State.REPAIRING);
        String explanation = server.explain().toString();
        assertTrue(explanation.contains(String.valueOf(damaged)) && explanation.contains("no answer yet from [2#"), explanation);
        assertEquals(ServerStatus.State.REPAIRING, cluster.watchers.get(1).state());
        NotLeaderException refused = assertThrows(NotLeaderException.class, () -> get(server.propose(bytes("x"))));
        assertTrue(refused.getMessage().contains("damaged"), refused.getMessage());
        assertThrows(NotLeaderException.class, () -> get(server.read(bytes("all"))));
        assertThrows(NotLeaderException.class, () -> get(server.read(bytes("all"), Freshness.local())));

        // With one other it could be a quorum, if it voted; but that other has what it lacks.
        cluster.start(2);
        cluster.propose("after");
        cluster.await(() -> cluster.machines.get(1).commands().size() == 6);
    }

    @Test
    void anEntryThatIsDamagedOnEveryDiskIsSaidToBeLostAndAllStop() {
        proposeAndStop(5);
        EntryId lost = null;
        for (int nodeId = 1; nodeId <= 3; nodeId++) {
            lost = cluster.disks.get(nodeId).damage(3);
            cluster.disks.get(nodeId).damage(3 + nodeId);       // these could be had
        }
        cluster.startAll();
        for (int nodeId = 1; nodeId <= 3; nodeId++) {
            int each = nodeId;
            cluster.await(() -> cluster.watchers.get(each).wasStopped());
            StorageException cause = assertInstanceOf(StorageException.class, cluster.watchers.get(nodeId).cause());
            assertTrue(cause.getMessage().contains("Entry " + lost + " is damaged")
                && cause.getMessage().contains("every other member has said"), cause.getMessage());
        }
    }

    @Test
    void aReplicaThatIsAloneCannotHealAndSaysSo() {
        try (Cluster alone = new Cluster(1)) {
            alone.startAll();
            alone.propose("a");
            alone.stop(1);
            EntryId lost = alone.disks.get(1).damage(2);
            alone.start(1);
            alone.await(() -> alone.watchers.get(1).wasStopped());
            assertTrue(String.valueOf(alone.watchers.get(1).cause()).contains("Entry " + lost + " is damaged"));
        }
    }

    @Test
    void whatTheOthersHaveOnlyInASnapshotIsReplacedByThatSnapshot() {
        cluster.startAll();
        proposeMany("c", 8);
        int down = follower();
        cluster.await(() -> cluster.machines.get(down).commands().size() == 8);
        cluster.stop(down);
        cluster.propose("more");
        cluster.await(() -> cluster.servers.keySet().stream().allMatch(nodeId -> cluster.machines.get(nodeId).commands().size() == 9));
        cluster.servers.values().forEach(server -> get(server.takeSnapshot()));
        cluster.await(() -> cluster.servers.keySet().stream().allMatch(nodeId -> cluster.disks.get(nodeId).log().isEmpty()));

        assertNotNull(cluster.disks.get(down).damage(4));
        cluster.start(down);
        cluster.await(() -> cluster.machines.get(down).commands().size() == 9);
        assertEquals(1, cluster.machines.get(down).restores());
        cluster.propose("after");
        assertAllHave(10);
    }

    @Test
    void whoKnowsNothingOfALaterMemberIsHealedByIt() {
        cluster.startAll();
        proposeMany("c", 4);
        RaftServer leader = cluster.awaitLeader();
        int leaderId = leader.replica().nodeId();
        int wiped = follower();
        int damaged = cluster.members.keySet().stream().filter(each -> each != leaderId && each != wiped).findFirst().orElseThrow();
        cluster.stop(wiped);
        cluster.wipe(wiped);
        cluster.start(wiped);
        cluster.await(() -> !leader.status().strangers().isEmpty());
        ServerStatus.Stranger stranger = leader.status().strangers().get(0);
        get(leader.changeMembership(MembershipTarget.from(leader.membership())
            .withVoter(new Member(stranger.replica(), stranger.address()))));
        cluster.await(() -> cluster.servers.values().stream().map(RaftServer::membership)
            .allMatch(each -> each != null && each.goal() == null && !each.isJoint() && each.isVoter(stranger.replica())));
        assertAllHave(4);

        // Of the later member its log tells only behind the damage; the other one that it knows is gone.
        cluster.stop(damaged);
        cluster.stop(leaderId);
        assertNotNull(cluster.disks.get(damaged).damage(3));
        cluster.start(damaged);
        cluster.propose("after");
        assertAllHave(5);
    }

    @Test
    void anUncommittedSuffixThatTheOthersHaveReplacedIsCutOff() {
        cluster.startAll();
        cluster.propose("first");
        int old = leader();
        cluster.network.isolate(old);
        long last = cluster.disks.get(old).lastIndex();
        List<CompletableFuture<byte[]>> lost = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            lost.add(cluster.servers.get(old).propose(bytes("lost " + i)));
        }
        cluster.await(() -> cluster.disks.get(old).lastIndex() == last + 3);
        cluster.stop(old);
        cluster.network.heal();
        cluster.awaitLeader();
        int one = cluster.servers.keySet().iterator().next();
        cluster.await(() -> cluster.servers.get(one).status().commitIndex() > last);

        // The others' log ends before this, but what is committed there is of a later term.
        assertEquals(last + 1, cluster.servers.get(one).status().lastIndex());
        EntryId damaged = cluster.disks.get(old).damage(last + 3);
        cluster.start(old);
        cluster.propose("after");
        assertAllHave(2);
        assertTrue(cluster.disks.get(old).log().stream().noneMatch(entry -> entry.id().equals(damaged)));
        assertEquals(3, lost.size());
    }

    @Test
    void aFollowerWaitsAtADamagedEntryAndGoesOnWhenItIsBack() {
        cluster.members.keySet().forEach(nodeId -> cluster.start(nodeId, builder -> builder.config(FORGETFUL)));
        cluster.propose("first");
        waitAtADamagedEntry(follower());
    }

    @Test
    void aLeaderWaitsAtADamagedEntryAndGoesOnWhenItIsBack() {
        cluster.members.keySet().forEach(nodeId -> cluster.start(nodeId, builder -> builder.config(FORGETFUL)));
        cluster.propose("first");
        waitAtADamagedEntry(leader());
    }

    private void waitAtADamagedEntry(int nodeId) {
        CompletableFuture<Void> gate = new CompletableFuture<>();
        List<CompletableFuture<byte[]>> calls = waitFor(gate, nodeId);
        RaftServer leader = cluster.awaitLeader();
        RaftServer server = cluster.servers.get(nodeId);
        InMemoryDisk disk = cluster.disks.get(nodeId);
        calls.add(leader.propose(bytes("fourth")));
        awaitDurable(nodeId, "fourth");
        long index = indexOf(disk, "third");
        assertNotNull(disk.damage(index));
        // Nobody can give it back for now.
        cluster.network.isolate(nodeId);
        gate.complete(null);
        cluster.await(() -> server.metrics().damageFound() == 1);
        assertEquals(index - 1, server.status().appliedIndex());
        assertEquals("first,wait,second", text(get(server.read(bytes("all"), Freshness.local())).result()));
        assertTrue(server.explain().toString().contains("damaged"), server.explain().toString());

        cluster.network.heal();
        assertAllHave(5);
        assertEquals(List.of(), disk.damaged());
        cluster.propose("after");
        assertAllHave(6);
        cluster.await(() -> calls.stream().allMatch(CompletableFuture::isDone));
        assertEquals(1, server.metrics().entriesRepaired());
    }

    @Test
    void aFollowerGoesOnFromASnapshotIfTheOthersHaveNothingElseAndKeepsWhatFollows() {
        cluster.members.keySet().forEach(nodeId -> cluster.start(nodeId, builder -> builder.config(FORGETFUL)));
        cluster.propose("first");
        goOnFromASnapshot(follower());
    }

    @Test
    void aLeaderGoesOnFromASnapshotIfTheOthersHaveNothingElseAndKeepsWhatFollows() {
        cluster.members.keySet().forEach(nodeId -> cluster.start(nodeId, builder -> builder.config(FORGETFUL)));
        cluster.propose("first");
        goOnFromASnapshot(leader());
    }

    private void goOnFromASnapshot(int nodeId) {
        CompletableFuture<Void> gate = new CompletableFuture<>();
        List<CompletableFuture<byte[]>> calls = waitFor(gate, nodeId);
        RaftServer leader = cluster.awaitLeader();
        RaftServer server = cluster.servers.get(nodeId);
        InMemoryDisk disk = cluster.disks.get(nodeId);
        List<Integer> others = cluster.servers.keySet().stream().filter(each -> each != nodeId).toList();
        cluster.await(() -> others.stream().allMatch(each -> cluster.machines.get(each).commands().size() == 4));
        others.forEach(each -> get(cluster.servers.get(each).takeSnapshot()));
        cluster.await(() -> others.stream().allMatch(each -> cluster.disks.get(each).log().isEmpty()));
        calls.add(leader.propose(bytes("fourth")));
        awaitDurable(nodeId, "fourth");
        assertNotNull(disk.damage(indexOf(disk, "third")));
        gate.complete(null);

        assertAllHave(5);
        assertEquals(1, cluster.machines.get(nodeId).restores());
        assertEquals(List.of(), disk.damaged());
        assertTrue(indexOf(disk, "fourth") > 0, "what follows the snapshot has stayed");
        assertEquals(0, server.metrics().entriesRepaired());
        cluster.propose("after");
        assertAllHave(6);
        cluster.await(() -> calls.stream().allMatch(CompletableFuture::isDone));
    }

    /**
     * Until the gate opens, the machine of this node is busy with the second command. Two more are durable and committed there; the first of
     * them may have been handed to the applier already, which it is from memory, but not the other.
     */
    private List<CompletableFuture<byte[]>> waitFor(CompletableFuture<Void> gate, int nodeId) {
        cluster.await(() -> cluster.machines.get(nodeId).commands().size() == 1);
        cluster.machines.get(nodeId).gate(gate);
        RaftServer leader = cluster.awaitLeader();
        List<CompletableFuture<byte[]>> calls = new ArrayList<>();
        calls.add(leader.propose(bytes("wait")));
        cluster.await(() -> cluster.machines.get(nodeId).isWaiting());
        for (String command : List.of("second", "third")) {
            calls.add(leader.propose(bytes(command)));
            awaitDurable(nodeId, command);
        }
        return calls;
    }

    // ---- help

    /**
     * Waits until the node knows that this command is committed and durable. Having done what follows from that, at the latest before the
     * next one is durable, it lets go of all up to here, and must have it read.
     */
    private void awaitDurable(int nodeId, String command) {
        InMemoryDisk disk = cluster.disks.get(nodeId);
        RaftServer server = cluster.servers.get(nodeId);
        cluster.await(() -> indexOf(disk, command) > 0 && server.status().commitIndex() >= indexOf(disk, command)
            && server.status().durableIndex() >= indexOf(disk, command));
    }

    /** Where this command stands on the disk; 0 if it does not. */
    private static long indexOf(InMemoryDisk disk, String command) {
        return disk.log().stream().filter(entry -> text(entry.payload()).equals(command)).mapToLong(Entry::index).findFirst().orElse(0);
    }

    private void proposeAndStop(int commands) {
        cluster.startAll();
        proposeMany("c", commands);
        assertAllHave(commands);
        List.copyOf(cluster.servers.keySet()).forEach(cluster::stop);
    }

    private void proposeMany(String prefix, int count) {
        RaftServer leader = cluster.awaitLeader();
        cluster.propose(prefix);
        List<CompletableFuture<byte[]>> all = new ArrayList<>();
        for (int i = 1; i < count; i++) {
            all.add(leader.propose(bytes(prefix + i)));
        }
        all.forEach(Cluster::get);
    }

    private void assertAllHave(int commands) {
        cluster.await(() -> cluster.servers.keySet().stream()
            .allMatch(nodeId -> cluster.machines.get(nodeId).commands().size() == commands));
        List<String> expected = cluster.machines.get(cluster.servers.keySet().iterator().next()).commands();
        cluster.servers.keySet().forEach(nodeId -> assertEquals(expected, cluster.machines.get(nodeId).commands()));
    }

    private int leader() {
        return cluster.awaitLeader().replica().nodeId();
    }

    private int follower() {
        int leader = leader();
        return cluster.servers.keySet().stream().filter(nodeId -> nodeId != leader).findFirst().orElseThrow();
    }
}
