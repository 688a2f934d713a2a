package io.quorate.raft;

import static io.quorate.raft.Cluster.bytes;
import static io.quorate.raft.Cluster.get;
import static io.quorate.raft.Cluster.text;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.client.RaftAdmin;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.core.Refusal;
import io.quorate.raft.testing.InMemoryDisk;
import io.quorate.raft.testing.InMemoryNetwork;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Servers whose group changes while they run, administered on the spot and from outside. */
@Timeout(120)
class AdministrationTest {

    private final Cluster cluster = new Cluster(3);

    @AfterEach
    void close() {
        cluster.close();
    }

    // ---- membership

    @Test
    void aNewNodeComesInByOneCallAndHoldsEverything() {
        cluster.startAll();
        cluster.propose("a");
        startNewcomer(4);
        ServerStatus.Stranger stranger = awaitStranger(4);
        assertEquals(InMemoryNetwork.address(4), stranger.address());
        assertTrue(cluster.servers.get(4).status().problem().contains("was founded without it"), cluster.servers.get(4).status().problem());

        Membership stated = atLeader(leader -> leader.changeMembership(MembershipTarget.from(leader.membership())
            .withVoter(new Member(stranger.replica(), stranger.address()))));
        assertNotNull(stated.goal());
        awaitReached(4);
        assertEquals("did b", cluster.propose("b"));
        cluster.await(() -> cluster.machines.get(4).commands().equals(List.of("a", "b")));
        assertEquals(4, cluster.servers.get(4).membership().voters().size());
        assertNull(cluster.servers.get(4).status().problem());
    }

    @Test
    void aWipedNodeComesBackByOneCall() {
        cluster.startAll();
        cluster.propose("a");
        int leaderId = cluster.awaitLeader().replica().nodeId();
        int wiped = leaderId == 1 ? 2 : 1;
        cluster.stop(wiped);
        cluster.wipe(wiped);
        cluster.start(wiped);
        ServerStatus.Stranger stranger = awaitStranger(wiped);
        atLeader(leader -> leader.changeMembership(MembershipTarget.from(leader.membership())
            .withVoter(new Member(stranger.replica(), stranger.address()))));
        awaitReached(3);
        cluster.await(() -> cluster.machines.get(wiped).commands().equals(List.of("a")));
        assertTrue(cluster.awaitLeader().membership().isVoter(stranger.replica()));
    }

    @Test
    void aRemovedNodeGoesAndTheOthersGoOn() {
        cluster.startAll();
        cluster.propose("a");
        int removed = cluster.awaitLeader().replica().nodeId();     // the leader itself: the hardest to remove
        atLeader(leader -> leader.changeMembership(MembershipTarget.from(leader.membership()).without(removed)));
        cluster.await(() -> cluster.servers.entrySet().stream().filter(each -> each.getKey() != removed)
            .allMatch(each -> each.getValue().membership().members().size() == 2 && each.getValue().membership().goal() == null));
        cluster.stop(removed);
        assertEquals("did b", cluster.propose("b"));
    }

    @Test
    void whoChangesWhatHeHasNotSeenIsRefusedAndWhoAsksAFollowerIsSentOn() {
        cluster.startAll();
        cluster.propose("a");
        RaftServer leader = cluster.awaitLeader();
        Membership present = leader.membership();
        Membership.Goal goal = MembershipTarget.from(present).without(present.voters().get(2).id().nodeId()).goal();
        RequestRefusedException refused = assertThrows(RequestRefusedException.class,
            () -> get(leader.changeMembership(present.version() + 1, goal)));
        assertEquals(Refusal.Reason.OTHER_VERSION, refused.reason());
        assertTrue(refused.getMessage().contains("the membership has version 1, not 2"), refused.getMessage());
        NotLeaderException elsewhere = assertThrows(NotLeaderException.class,
            () -> get(follower(leader).changeMembership(present.version(), goal)));
        assertEquals(leader.replica().nodeId(), elsewhere.leaderNodeId());
        assertEquals(present, leader.membership());
    }

    // ---- transfer

    @Test
    void leadershipGoesToWhoIsNamed() {
        cluster.startAllPatient();
        cluster.propose("a");
        RaftServer leader = cluster.awaitLeader();
        RaftServer target = follower(leader);
        awaitHeard(leader, target);
        assertNull(get(leader.transferLeadership(target.replica().nodeId())));
        cluster.await(() -> target.status().state() == ServerStatus.State.LEADER);
        assertEquals("did b", cluster.propose("b"));
        NotLeaderException elsewhere = assertThrows(NotLeaderException.class, () -> get(leader.transferLeadership()));
        assertTrue(elsewhere.getMessage().startsWith("Nothing happened"), elsewhere.getMessage());
    }

    /** It may not have the membership yet in which that node has a vote. */
    @Test
    void whoDoesNotLeadDoesNotJudgeWhoCould() {
        cluster.startAllPatient();
        cluster.propose("a");
        RaftServer leader = cluster.awaitLeader();
        RaftServer other = follower(leader);
        cluster.await(() -> leader.replica().equals(other.status().leader()));
        NotLeaderException elsewhere = assertThrows(NotLeaderException.class, () -> get(other.transferLeadership(9)));
        assertEquals(leader.replica().nodeId(), elsewhere.leaderNodeId());
    }

    @Test
    void leadershipDoesNotGoToWhoCannotLead() {
        cluster.startAll();
        cluster.propose("a");
        RaftServer leader = cluster.awaitLeader();
        RequestRefusedException nobody = assertThrows(RequestRefusedException.class, () -> get(leader.transferLeadership(9)));
        assertEquals(Refusal.Reason.NO_TARGET, nobody.reason());
        assertTrue(nobody.getMessage().contains("node 9 has no vote in this group"), nobody.getMessage());
        RequestRefusedException self = assertThrows(RequestRefusedException.class,
            () -> get(leader.transferLeadership(leader.replica().nodeId())));
        assertEquals(Refusal.Reason.NO_TARGET, self.reason());
        assertThrows(IllegalArgumentException.class, () -> leader.transferLeadership(0));
        assertEquals("did b", cluster.propose("b"));
    }

    /** The other may have heard of it, and lead: whoever was told that nothing happened would hand over once more. */
    @Test
    void aHandOverThatNobodyAnswersIsUnknown() {
        for (int nodeId : cluster.members.keySet()) {
            cluster.start(nodeId, builder -> builder.config(RaftConfig.DEFAULT.withElectionTimeout(Duration.ofSeconds(2))));
        }
        cluster.propose("a");
        RaftServer leader = cluster.awaitLeader();
        RaftServer target = follower(leader);
        get(target.read(bytes("all"), Freshness.local().notBefore(leader.status().lastIndex())));     // else it could not lead at all
        cluster.servers.values().stream().filter(server -> server != leader)
            .forEach(server -> cluster.network.cutOneWay(leader.replica().nodeId(), server.replica().nodeId()));
        OutcomeUnknownException unknown =
            assertThrows(OutcomeUnknownException.class, () -> get(leader.transferLeadership(target.replica().nodeId())));
        assertTrue(unknown.getMessage().startsWith("Perhaps it happens"), unknown.getMessage());
        assertTrue(leader.status().state() != ServerStatus.State.LEADER || leader.status().term() > 1, "and this replica does not lead on");
    }

    @Test
    void aLeaderThatIsClosedHandsOverFirst() {
        cluster.startAllPatient();
        cluster.propose("a");
        RaftServer leader = cluster.awaitLeader();
        long term = leader.status().term();
        cluster.stop(leader.replica().nodeId());
        assertTrue(cluster.servers.values().stream().anyMatch(server -> server.status().term() > term),
            "when it has closed, the next term has begun");
        assertEquals("did b", cluster.propose("b"));
    }

    @Test
    void aLeaderWhomNobodyCanSucceedClosesAllTheSame() {
        cluster.startAll();
        cluster.propose("a");
        RaftServer leader = cluster.awaitLeader();
        cluster.servers.values().stream().filter(server -> server != leader).toList()
            .forEach(server -> cluster.stop(server.replica().nodeId()));
        leader.close();
        assertEquals(ServerStatus.State.STOPPED, leader.status().state());
    }

    // ---- explain and metrics

    @Test
    void aServerExplainsItselfAndCounts() {
        cluster.startAll();
        cluster.propose("a");
        RaftServer leader = cluster.awaitLeader();
        get(leader.read(bytes("all")));
        // Nothing holds it up, whatever the machine that this runs on does to the process.
        cluster.await(() -> leader.explain().findings().stream().allMatch(Finding.Paused.class::isInstance));
        Metrics metrics = leader.metrics();
        assertTrue(metrics.electionsWon() >= 1 && metrics.electionsStarted() >= metrics.electionsWon(), metrics::toString);
        assertTrue(metrics.diskWrite().count() > 0 && metrics.diskWait().count() > 0, metrics::toString);
        assertTrue(metrics.entriesWritten() >= 2 && metrics.bytesWritten() > 0, metrics::toString);
        assertTrue(metrics.read().count() >= 1, metrics::toString);
        assertEquals(2, metrics.lags().size());
        Metrics all = cluster.servers.values().stream().map(RaftServer::metrics)
            .max((one, other) -> Long.compare(one.commit().count(), other.commit().count())).orElseThrow();
        assertTrue(all.commit().count() >= 1 && all.commit().maxNanos() > 0, all::toString);

        for (RaftServer server : List.copyOf(cluster.servers.values())) {
            if (server != leader) {
                cluster.stop(server.replica().nodeId());
            }
        }
        cluster.await(() -> leader.explain().findings().stream().anyMatch(Finding.NoQuorum.class::isInstance));
        assertTrue(leader.metrics().messagesUnsent() > metrics.messagesUnsent(), leader.metrics()::toString);
        assertTrue(leader.metrics().values().keySet().containsAll(List.of("messages_dropped", "messages_unsent",
            "snapshot_messages_dropped")), leader.metrics().values()::toString);
        leader.close();
        assertInstanceOf(Finding.Stopped.class, leader.explain().findings().get(0));
        assertEquals(metrics.electionsWon(), leader.metrics().electionsWon());
    }

    // ---- from outside

    @Test
    void anAdministratorDoesTheSameFromOutside() {
        cluster.startAllPatient();
        cluster.propose("a");
        RaftServer leader = cluster.awaitLeader();
        int leaderId = leader.replica().nodeId();
        RaftServer target = follower(leader);
        startNewcomer(4);
        awaitStranger(4);
        var members = assertInstanceOf(ClientResponse.Members.class, ask(leaderId, new ClientRequest.Members(true)));
        assertEquals(leader.membership(), members.membership());
        assertEquals(List.of(new Member(cluster.disks.get(4).replica(), InMemoryNetwork.address(4))), members.strangers());
        assertInstanceOf(ClientResponse.Unavailable.class, ask(4, new ClientRequest.Members(false)));

        Membership.Goal goal = MembershipTarget.from(members.membership()).withLearner(members.strangers().get(0)).goal();
        var refused = assertInstanceOf(ClientResponse.Refused.class, ask(leaderId, new ClientRequest.ChangeMembership(77, goal)));
        assertEquals(Refusal.Reason.OTHER_VERSION, refused.reason());
        var stated = assertInstanceOf(ClientResponse.Members.class, ask(leaderId, new ClientRequest.ChangeMembership(1, goal)));
        assertEquals(2, stated.membership().version());
        cluster.await(() -> cluster.machines.get(4).commands().equals(List.of("a")));

        awaitHeard(leader, target);
        assertEquals(new ClientResponse.Transferred(), ask(leaderId, new ClientRequest.Transfer(target.replica().nodeId())));
        assertInstanceOf(ClientResponse.Explanation.class, ask(4, new ClientRequest.Explain()));
        var metrics = assertInstanceOf(ClientResponse.Metrics.class, ask(leaderId, new ClientRequest.Metrics()));
        assertTrue(metrics.values().get("commit_count") >= 1, metrics::toString);
    }

    /** A state that can be captured. */
    private static final class Text implements StateMachine {

        private String state = "";

        @Override
        public byte[] apply(Command command) {
            state += text(command.bytes());
            return bytes(state);
        }

        @Override
        public byte[] query(byte[] query) {
            return bytes(state);
        }

        @Override
        public Snapshot snapshot() {
            byte[] captured = bytes(state);
            return out -> out.write(captured);
        }

        @Override
        public void restore(InputStream in) throws IOException {
            state = text(in.readAllBytes());
        }
    }

    @Test
    void anAdministratorTakesASnapshotAndCopiesIt(@TempDir Path directory) throws IOException {
        cluster.members.keySet().forEach(nodeId -> cluster.start(nodeId, builder -> builder.stateMachine(new Text())));
        RaftServer leader = cluster.awaitLeader();
        String address = leader.address();
        assertEquals("a", atLeader(server -> server.propose(bytes("a")).thenApply(Cluster::text)));
        try (RaftAdmin admin = RaftAdmin.builder(cluster.network.clientTransport(), List.of(address)).build()) {
            Path file = directory.resolve("copy");
            assertThrows(RequestFailedException.class, () -> get(admin.backup(address, file)), "there is nothing to copy yet");
            ClientResponse.SnapshotTaken taken = get(admin.takeSnapshot(address));
            assertTrue(taken.last().index() >= 2 && taken.bytes() > 0, taken::toString);
            EntryId copied = get(admin.backup(address, file));
            assertEquals(taken.last(), copied);
            Path onTheSpot = directory.resolve("on-the-spot");
            get(leader.backup(onTheSpot));
            assertArrayEquals(Files.readAllBytes(onTheSpot), Files.readAllBytes(file));

            InMemoryDisk restored = new InMemoryDisk(9, 999);
            assertNotEquals(leader.status().clusterId(), Backup.open(file).restore(restored.open(), "memory:9"));
            try (Cluster other = new Cluster(0)) {
                other.disks.put(9, restored);
                other.members.put(9, "memory:9");
                other.start(9, builder -> builder.stateMachine(new Text()));
                assertEquals("ab", other.propose("b"));
            }
            assertEquals(leader.metrics().snapshotBytes(), taken.bytes());
            assertEquals(1, leader.metrics().snapshotsTaken());
        }
        assertInstanceOf(ClientResponse.Failed.class, ask(leader.replica().nodeId(),
            new ClientRequest.BackupPiece(new EntryId(1, 77), 0, 10)));
    }

    @Test
    void aServerCanBeToldToServeNoAdministrators() {
        cluster.start(1, RaftServer.Builder::withoutAdministration);
        cluster.start(2);
        cluster.start(3);
        cluster.propose("a");
        for (ClientRequest.Admin request : List.of(new ClientRequest.Members(false), new ClientRequest.Transfer(2),
            new ClientRequest.Explain(),
            new ClientRequest.Metrics(), new ClientRequest.TakeSnapshot(), new ClientRequest.Backup())) {
            var failed = assertInstanceOf(ClientResponse.Failed.class, ask(1, request));
            assertTrue(failed.why().contains("serve no administrators"), failed.why());
        }
        assertInstanceOf(ClientResponse.Status.class, ask(1, new ClientRequest.Status()));
        assertFalse(ask(2, new ClientRequest.Explain()) instanceof ClientResponse.Failed);
    }

    // ---- help

    private ClientResponse ask(int nodeId, ClientRequest request) {
        return get(cluster.network.clientTransport().call(InMemoryNetwork.address(nodeId), request, TimeUnit.SECONDS.toNanos(20)));
    }

    private void startNewcomer(int nodeId) {
        cluster.disks.put(nodeId, new InMemoryDisk(nodeId, 5000 + nodeId));
        cluster.start(nodeId, builder -> builder.members(Map.of(nodeId, InMemoryNetwork.address(nodeId), 1, InMemoryNetwork.address(1),
            2, InMemoryNetwork.address(2), 3, InMemoryNetwork.address(3))));
    }

    /** Waits until all others have been asked by this one: any of them may be the one that a test looks at. */
    private ServerStatus.Stranger awaitStranger(int nodeId) {
        cluster.await(() -> cluster.servers.entrySet().stream()
            .allMatch(each -> each.getKey() == nodeId || stranger(each.getValue(), nodeId).isPresent()));
        return cluster.servers.values().stream().flatMap(server -> stranger(server, nodeId).stream()).findAny().orElseThrow();
    }

    private static Optional<ServerStatus.Stranger> stranger(RaftServer server, int nodeId) {
        return server.status().strangers().stream().filter(stranger -> stranger.replica().nodeId() == nodeId).findAny();
    }

    /** Waits until a leader has heard from another, to whom it does not hand over before; whoever voted for it may not be that one. */
    private void awaitHeard(RaftServer leader, RaftServer other) {
        cluster.await(() -> leader.status().peers().stream()
            .anyMatch(peer -> other.replica().equals(peer.replica()) && peer.heardNanosAgo() >= 0));
    }

    private void awaitReached(int voters) {
        cluster.await(() -> cluster.servers.values().stream().allMatch(server -> {
            Membership membership = server.membership();
            return membership != null && membership.goal() == null && !membership.isJoint() && membership.voters().size() == voters;
        }));
    }

    private RaftServer follower(RaftServer leader) {
        return cluster.servers.values().stream().filter(server -> server != leader && !server.replica().equals(leader.replica()))
            .findFirst().orElseThrow();
    }

    private interface Asking<T> {
        CompletableFuture<T> of(RaftServer leader);
    }

    /** Asks whoever leads, until it is done: leaders may change while a test starts. */
    private <T> T atLeader(Asking<T> asking) {
        for (;;) {
            try {
                return get(asking.of(leaderNow()));
            } catch (NotLeaderException e) {
                // nothing happened; the next leader takes it
            }
        }
    }

    private RaftServer leaderNow() {
        RaftServer[] found = new RaftServer[1];
        cluster.await(() -> {
            for (RaftServer server : cluster.servers.values()) {
                if (server.status().state() == ServerStatus.State.LEADER) {
                    found[0] = server;
                }
            }
            return found[0] != null;
        });
        return found[0];
    }
}
