package io.quorate.raft.client;

import static io.quorate.raft.Cluster.get;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.Cluster;
import io.quorate.raft.ClusterId;
import io.quorate.raft.NotLeaderException;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.OverloadedException;
import io.quorate.raft.RequestFailedException;
import io.quorate.raft.RequestRefusedException;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.ServerStoppedException;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.core.Refusal;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.testing.InMemoryNetwork;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class RaftAdminTest {

    private static final Member ONE = new Member(new ReplicaId(1, 11), "a");
    private static final Member TWO = new Member(new ReplicaId(2, 22), "b");
    private static final Membership.Goal GOAL = new Membership.Goal(List.of(ONE, TWO), List.of());
    private static final Membership STATED = new Membership(4, List.of(ONE), List.of(), List.of(TWO), GOAL);
    private static final Membership SETTLED = Membership.of(6, List.of(ONE, TWO));
    private static final EntryId SNAPSHOT = new EntryId(3, 1000);

    private final Script script = new Script();
    private RaftAdmin admin = admin(Duration.ofSeconds(20), "a");

    @AfterEach
    void close() {
        admin.close();
        assertTrue(script.isClosed);
    }

    // ---- the group

    @Test
    void aGoalIsStatedAtTheLeaderAndWaitedFor() {
        admin = admin(Duration.ofSeconds(20), "a");
        script.at("a", new ClientResponse.NotLeader(2, "b")).at("b", new ClientResponse.Members(STATED, List.of()))
            .at("b", new ClientResponse.Members(Membership.of(3, List.of(ONE)), List.of()))     // who leads no longer, and knows it not
            .at("b", new ClientResponse.Members(STATED, List.of())).at("b", new ClientResponse.Members(SETTLED, List.of(ONE)));
        assertEquals(STATED, get(admin.changeMembership(3, GOAL)));
        assertEquals(new ClientRequest.ChangeMembership(3, GOAL), script.requests().get(1));
        assertEquals(SETTLED, get(admin.awaitSettled(4, Duration.ofSeconds(20))));
        assertEquals(new ClientResponse.Members(SETTLED, List.of(ONE)), get(admin.members()));
    }

    /** It may be undone, and the next goal would be refused. */
    @Test
    void aMembershipThatIsNotCommittedIsNotSettled() {
        script.at("a", new ClientResponse.Members(SETTLED, List.of(), false));
        assertThrows(OutcomeUnknownException.class, () -> get(admin.awaitSettled(4, Duration.ofMillis(300))));
        script.at("a", new ClientResponse.Members(SETTLED, List.of()));
        assertEquals(SETTLED, get(admin.awaitSettled(4, Duration.ofSeconds(20))));
    }

    @Test
    void aJointMembershipIsNotSettled() {
        Membership joint = new Membership(5, List.of(ONE, TWO), List.of(ONE), List.of());
        script.at("a", new ClientResponse.Members(joint, List.of()));
        assertThrows(OutcomeUnknownException.class, () -> get(admin.awaitSettled(4, Duration.ofMillis(300))));
        script.at("a", new ClientResponse.Members(SETTLED, List.of()));
        assertEquals(SETTLED, get(admin.awaitSettled(4, Duration.ofSeconds(20))));
    }

    @Test
    void aRefusalSaysWhyAndIsNotRepeated() {
        script.at("a", new ClientResponse.Refused(Refusal.Reason.OTHER_VERSION, "Nothing happened: the version is 9"));
        RequestRefusedException thrown = assertThrows(RequestRefusedException.class, () -> get(admin.changeMembership(3, GOAL)));
        assertEquals(Refusal.Reason.OTHER_VERSION, thrown.reason());
        assertEquals("Nothing happened: the version is 9", thrown.getMessage());
        assertEquals(1, script.asked().size());
    }

    @Test
    void whatAMomentCuresIsTriedAgain() {
        script.at("a", new ClientResponse.Refused(Refusal.Reason.TOO_EARLY, "-")).at("a", new ClientResponse.Refused(
                Refusal.Reason.NO_QUORUM, "-")).at("a", new ClientResponse.Refused(Refusal.Reason.OVERLOADED, "-"))
            .at("a", new ClientResponse.Refused(Refusal.Reason.NOT_LEADER, "-")).at("a", new ClientResponse.Members(STATED, List.of()));
        assertEquals(STATED, get(admin.changeMembership(3, GOAL)));
        assertEquals(5, script.asked().size());
    }

    @Test
    void aChangeWhoseOutcomeIsUnknownIsNeverRepeated() {
        script.failing("a", new TimeoutException());
        assertThrows(OutcomeUnknownException.class, () -> get(admin.changeMembership(3, GOAL)));
        assertEquals(1, script.asked().size());
    }

    // ---- handing over

    /** A group behind one address, at which whoever leads answers; each transfer changes who that is, and is answered. */
    private final class Leaders {

        private final Deque<ClientResponse> answers = new ArrayDeque<>();
        private final Deque<Office> then = new ArrayDeque<>();
        private Office now = new Office(1, 5);
        private int transfers;

        private record Office(int nodeId, long term) { }

        private Leaders() {
            script.at("a", this::answer);
        }

        /** So the next transfer is answered, and then this node leads in that term. */
        private Leaders transfer(ClientResponse answer, int nodeId, long term) {
            answers.add(answer);
            then.add(new Office(nodeId, term));
            return this;
        }

        private synchronized int transfers() {
            return transfers;
        }

        private synchronized CompletableFuture<ClientResponse> answer(ClientRequest request) {
            if (request instanceof ClientRequest.Members) {
                return CompletableFuture.completedFuture(new ClientResponse.Members(SETTLED, List.of()));
            } else if (request instanceof ClientRequest.Status) {
                ReplicaId self = new ReplicaId(now.nodeId, 1);
                return CompletableFuture.completedFuture(new ClientResponse.Status(new ServerStatus(self, 1, new ClusterId(1, 2),
                    ServerStatus.State.LEADER, now.term, self, "a", 1, 1, 1, 1, 1, List.of(), null)));
            }
            transfers++;
            ClientResponse answer = answers.remove();
            now = then.remove();
            return answer == LOST ? CompletableFuture.failedFuture(new TimeoutException()) : CompletableFuture.completedFuture(answer);
        }
    }

    private static final ClientResponse DONE = new ClientResponse.Transferred();
    private static final ClientResponse UNKNOWN = new ClientResponse.Unknown("another was told to lead", null);
    private static final ClientResponse LOST = new ClientResponse.Unavailable("stands for an answer that never comes");

    @Test
    void aHandOverIsDoneWhenAnotherLeads() {
        Leaders leaders = new Leaders().transfer(DONE, 2, 6).transfer(DONE, 3, 7).transfer(UNKNOWN, 2, 9).transfer(LOST, 1, 10);
        for (int i = 0; i < 4; i++) {
            get(admin.transfer());
        }
        assertEquals(4, leaders.transfers());
        assertEquals(new Leaders.Office(1, 10), leaders.now);
    }

    /** The second hand-over could have brought back the leader whose machine is to be switched off. */
    @Test
    void aHandOverWhoseOutcomeIsUnknownIsNotAskedForOnceMore() {
        Leaders leaders = new Leaders().transfer(UNKNOWN, 1, 7);
        RequestRefusedException again = assertThrows(RequestRefusedException.class, () -> get(admin.transfer()));
        assertEquals(Refusal.Reason.TRANSFER_FAILED, again.reason());
        assertTrue(again.getMessage().contains("node 1 leads again, in term 7"), again.getMessage());
        leaders.transfer(LOST, 3, 8);
        RequestRefusedException third = assertThrows(RequestRefusedException.class, () -> get(admin.transfer(2)));
        assertTrue(third.getMessage().contains("node 3 leads, in term 8"), third.getMessage());
        leaders.transfer(DONE, 3, 9);
        assertThrows(RequestRefusedException.class, () -> get(admin.transfer(2)), "a later term has begun, and it is not the target's");
        assertEquals(3, leaders.transfers());
    }

    /** He goes in his own term, or still holds it: nothing can be said before a later one is heard of. */
    @Test
    void aLeaderThatHasNotGoneYetIsWaitedFor() {
        admin = admin(Duration.ofMillis(300), "a");
        for (ClientResponse answer : List.of(UNKNOWN, LOST)) {
            Leaders leaders = new Leaders().transfer(answer, 1, 5);
            OutcomeUnknownException thrown = assertThrows(OutcomeUnknownException.class, () -> get(admin.transfer()));
            assertTrue(thrown.getMessage().startsWith("Perhaps another leads"), thrown.getMessage());
            assertFalse(thrown.getMessage().contains("Nothing happened"), thrown.getMessage());
            assertEquals(1, leaders.transfers());
        }
    }

    @Test
    void whoIsSaidToLeadInAnEarlierTermLeadsNoMore() {
        admin = admin(Duration.ofMillis(300), "a");
        Leaders leaders = new Leaders().transfer(UNKNOWN, 2, 4);
        assertThrows(OutcomeUnknownException.class, () -> get(admin.transfer()));
        assertEquals(1, leaders.transfers());
    }

    @Test
    void aLeaderThatWasDeposedBeforeItHandedOverNeedNotDoSo() {
        Leaders leaders = new Leaders().transfer(new ClientResponse.NotLeader(2, "a"), 2, 6);
        get(admin.transfer());
        assertEquals(1, leaders.transfers());
        leaders.transfer(new ClientResponse.Refused(Refusal.Reason.NOT_LEADER, "-"), 1, 7).transfer(DONE, 3, 8);
        get(admin.transfer(3));
        assertEquals(3, leaders.transfers(), "nothing had happened, and it is still another that is to lead");
        leaders.transfer(new ClientResponse.Refused(Refusal.Reason.TOO_EARLY, "-"), 3, 8).transfer(DONE, 1, 9);
        get(admin.transfer());
        assertEquals(5, leaders.transfers());
    }

    @Test
    void aHandOverThatIsRefusedSaysWhy() {
        Leaders leaders = new Leaders().transfer(new ClientResponse.Refused(Refusal.Reason.NO_TARGET, "Nothing happened: nobody"), 1, 5);
        RequestRefusedException thrown = assertThrows(RequestRefusedException.class, () -> get(admin.transfer()));
        assertEquals(Refusal.Reason.NO_TARGET, thrown.reason());
        assertEquals("Nothing happened: nobody", thrown.getMessage());
        assertEquals(1, leaders.transfers());
    }

    @Test
    void whereNobodyLeadsNothingIsHandedOver() {
        admin = admin(Duration.ofMillis(300), "a");
        script.at("a", new ClientResponse.NotLeader(0, null));
        assertThrows(NotLeaderException.class, () -> get(admin.transfer()));
        assertThrows(IllegalArgumentException.class, () -> admin.transfer(-1));
    }

    @Test
    void closingEndsAHandOver() {
        new Leaders().transfer(UNKNOWN, 1, 5);
        CompletableFuture<Void> asked = admin.transfer();
        while (script.requests().stream().noneMatch(request -> request instanceof ClientRequest.Transfer)) {
            Thread.onSpinWait();
        }
        admin.close();
        assertThrows(OutcomeUnknownException.class, () -> get(asked));
        assertThrows(ServerStoppedException.class, () -> get(admin.transfer()));
    }

    /** What it says to the others is lost, so nobody hears of the hand-over; they elect another by themselves. */
    @Test
    void aHandOverThatIsLostInARealGroupEndsWithAnotherLeaderAllTheSame() {
        try (Cluster cluster = new Cluster(3)) {
            for (int nodeId : cluster.members.keySet()) {
                cluster.start(nodeId, builder -> builder.config(RaftConfig.DEFAULT.withElectionTimeout(Duration.ofSeconds(1))));
            }
            cluster.propose("a");
            int drained = cluster.awaitLeader().replica().nodeId();
            cluster.members.keySet().stream().filter(nodeId -> nodeId != drained)
                .forEach(nodeId -> cluster.network.cutOneWay(drained, nodeId));
            try (RaftAdmin real = RaftAdmin.builder(cluster.network.clientTransport(), List.of(InMemoryNetwork.address(drained))).build()) {
                get(real.transfer());
            }
            assertTrue(cluster.servers.get(drained).status().state() != ServerStatus.State.LEADER);
            assertTrue(cluster.servers.values().stream().anyMatch(server -> server.status().state() == ServerStatus.State.LEADER));
        }
    }

    @Test
    void aServerWithoutAdministrationSaysSo() {
        script.at("a", new ClientResponse.Failed("administration is switched off"));
        for (CompletableFuture<?> call : List.of(admin.members(), admin.transfer(), admin.explain("a"), admin.takeSnapshot("a"))) {
            RequestFailedException thrown = assertThrows(RequestFailedException.class, () -> get(call));
            assertTrue(thrown.getMessage().contains("administration is switched off"), thrown.getMessage());
        }
    }

    // ---- a single replica

    @Test
    void aReplicaAnswersForItself() {
        script.at("a", new ClientResponse.Explanation(List.of("No leader: nobody was heard."))).at("a",
                new ClientResponse.Metrics(new TreeMap<>(Map.of("elections", 3L))))
            .at("a", new ClientResponse.SnapshotTaken(SNAPSHOT, 77)).at("a", new ClientResponse.NotLeader(0, null));
        assertEquals(List.of("No leader: nobody was heard."), get(admin.explain("a")));
        assertEquals(Map.of("elections", 3L), get(admin.metrics("a")));
        assertEquals(new ClientResponse.SnapshotTaken(SNAPSHOT, 77), get(admin.takeSnapshot("a")));
        assertThrows(RequestFailedException.class, () -> get(admin.explain("a")));      // asked once
        assertThrows(RequestFailedException.class, () -> get(admin.status("z")));
        assertEquals(5, script.asked().size());
    }

    @Test
    void aSnapshotThatIsNotKnownToBeTakenMayBeTakenYet() {
        script.failing("a", new TimeoutException()).at("a", new ClientResponse.Unknown("it is being written", null))
            .at("a", new ClientResponse.Overloaded("too many wait"))
            .at("a", new ClientResponse.Unavailable("this server has stopped"));
        OutcomeUnknownException silent = assertThrows(OutcomeUnknownException.class, () -> get(admin.takeSnapshot("a")));
        assertTrue(silent.getMessage().contains("the replica at a"), silent.getMessage());
        assertThrows(OutcomeUnknownException.class, () -> get(admin.takeSnapshot("a")));
        assertThrows(OverloadedException.class, () -> get(admin.takeSnapshot("a")));
        assertThrows(RequestFailedException.class, () -> get(admin.takeSnapshot("a")));
        assertThrows(RequestFailedException.class, () -> get(admin.takeSnapshot("z")), "nobody was asked");
        assertEquals(5, script.asked().size());
    }

    // ---- backups

    @Test
    void aReplicaThatIsTooBusyForAPieceIsAskedAgain(@TempDir Path directory) throws Exception {
        byte[] content = content(3 * SnapshotMessage.PIECE_BYTES_MAX);
        AtomicInteger number = new AtomicInteger();
        script.at("a", request -> number.incrementAndGet() == 2 ? CompletableFuture.completedFuture(new ClientResponse.Overloaded("busy"))
            : answer(request, SNAPSHOT, content));
        get(admin.backup("a", directory.resolve("file")));
        assertArrayEquals(content, Files.readAllBytes(directory.resolve("file")));
    }

    @Test
    void aSnapshotIsCopiedPieceByPiece(@TempDir Path directory) throws Exception {
        byte[] content = content(5 * SnapshotMessage.PIECE_BYTES_MAX + 123);
        script.at("a", request -> answer(request, SNAPSHOT, content));
        Path file = directory.resolve("group.backup");
        assertEquals(SNAPSHOT, get(admin.backup("a", file)));
        assertArrayEquals(content, Files.readAllBytes(file));
        assertFalse(Files.exists(directory.resolve("group.backup.part")));
        assertEquals(7, script.requests().size());
        assertThrows(RequestFailedException.class, () -> get(admin.backup("a", file)));     // it is there already
        assertArrayEquals(content, Files.readAllBytes(file));
    }

    @Test
    void anEmptySnapshotIsAnEmptyFile(@TempDir Path directory) throws Exception {
        script.at("a", request -> answer(request, SNAPSHOT, new byte[0]));
        get(admin.backup("a", directory.resolve("empty")));
        assertEquals(0, Files.size(directory.resolve("empty")));
    }

    @Test
    void aBrokenConnectionCostsThePiecesUnderWay(@TempDir Path directory) throws Exception {
        byte[] content = content(9 * SnapshotMessage.PIECE_BYTES_MAX);
        AtomicInteger number = new AtomicInteger();
        script.at("a", request -> number.incrementAndGet() % 5 == 3 ? CompletableFuture.failedFuture(new IllegalStateException("reset"))
            : answer(request, SNAPSHOT, content));
        get(admin.backup("a", directory.resolve("file")));
        assertArrayEquals(content, Files.readAllBytes(directory.resolve("file")));
    }

    @Test
    void piecesMayBeShorterThanAskedFor(@TempDir Path directory) throws Exception {
        byte[] content = content(2 * SnapshotMessage.PIECE_BYTES_MAX);
        AtomicInteger number = new AtomicInteger();
        script.at("a", request -> !(request instanceof ClientRequest.BackupPiece piece) ? answer(request, SNAPSHOT, content)
            : answer(new ClientRequest.BackupPiece(piece.snapshot(), piece.offset(),
                Math.min(piece.bytesMax(), 1000 + 40_000 * number.incrementAndGet())), SNAPSHOT, content));
        get(admin.backup("a", directory.resolve("file")));
        assertArrayEquals(content, Files.readAllBytes(directory.resolve("file")));
    }

    @Test
    void aSnapshotThatMakesRoomForANewerOneIsBegunAnew(@TempDir Path directory) throws Exception {
        byte[] old = content(6 * SnapshotMessage.PIECE_BYTES_MAX);
        byte[] content = content(3 * SnapshotMessage.PIECE_BYTES_MAX + 5);
        EntryId newer = new EntryId(3, 2000);
        AtomicInteger number = new AtomicInteger();
        script.at("a", request -> number.incrementAndGet() < 4 ? answer(request, SNAPSHOT, old) : answer(request, newer, content));
        assertEquals(newer, get(admin.backup("a", directory.resolve("file"))));
        assertArrayEquals(content, Files.readAllBytes(directory.resolve("file")));
    }

    @Test
    void whatIsNotTheRightPieceIsNotWritten(@TempDir Path directory) {
        byte[] content = content(2 * SnapshotMessage.PIECE_BYTES_MAX);
        List<UnaryOperator<ClientResponse.BackupPiece>> wrong = List.of(
            piece -> new ClientResponse.BackupPiece(new EntryId(9, 9), piece.offset(), piece.bytes()),
            piece -> new ClientResponse.BackupPiece(piece.snapshot(), piece.offset() + 1, piece.bytes()),
            piece -> new ClientResponse.BackupPiece(piece.snapshot(), piece.offset(), new byte[0]));
        for (UnaryOperator<ClientResponse.BackupPiece> each : wrong) {
            Script lying = new Script().at("a", request -> answer(request, SNAPSHOT, content).thenApply(response ->
                response instanceof ClientResponse.BackupPiece piece ? each.apply(piece) : response));
            try (RaftAdmin other = RaftAdmin.builder(lying, List.of("a")).build()) {
                assertThrows(RequestFailedException.class, () -> get(other.backup("a", directory.resolve("file"))));
            }
            assertFalse(Files.exists(directory.resolve("file")) || Files.exists(directory.resolve("file.part")));
        }
    }

    @Test
    void aBackupThatCannotGoOnFailsAndSaysWhy(@TempDir Path directory) {
        admin = admin(Duration.ofMillis(200), "a");
        script.at("a", new ClientResponse.Failed("there is no snapshot yet"));
        RequestFailedException none = assertThrows(RequestFailedException.class, () -> get(admin.backup("a", directory.resolve("x"))));
        assertTrue(none.getMessage().contains("there is no snapshot yet"), none.getMessage());
        RequestFailedException away = assertThrows(RequestFailedException.class, () -> get(admin.backup("z", directory.resolve("x"))));
        assertTrue(away.getMessage().contains("nothing came from z"), away.getMessage());
        Path nowhere = directory.resolve("no/such/directory");
        Script whole = new Script().at("a", request -> answer(request, SNAPSHOT, new byte[9]));
        try (RaftAdmin other = RaftAdmin.builder(whole, List.of("a")).build()) {
            RequestFailedException full = assertThrows(RequestFailedException.class, () -> get(other.backup("a", nowhere)));
            assertTrue(full.getMessage().contains("cannot write"), full.getMessage());
        }
    }

    @Test
    void closingEndsWhatWaits(@TempDir Path directory) {
        script.at("a", new ClientResponse.Members(STATED, List.of()));
        CompletableFuture<Membership> settling = admin.awaitSettled(4, Duration.ofMinutes(5));
        CompletableFuture<EntryId> copying = admin.backup("z", directory.resolve("x"));
        while (script.asked().size() < 4) {
            Thread.onSpinWait();
        }
        admin.close();
        assertThrows(ServerStoppedException.class, () -> get(settling));
        assertInstanceOf(RuntimeException.class, assertThrows(RuntimeException.class, () -> get(copying)));
        assertThrows(ServerStoppedException.class, () -> get(admin.backup("a", directory.resolve("y"))));
    }

    // ---- with a real group

    @Test
    void itAdministersARealGroup() {
        try (Cluster cluster = new Cluster(3); RaftAdmin real =
                RaftAdmin.builder(cluster.network.clientTransport(), List.copyOf(cluster.members.values())).build()) {
            cluster.startAll();
            Membership founding = get(real.members()).membership();
            assertEquals(1, founding.version());
            assertEquals(3, founding.voters().size());
            Membership.Goal fewer = new Membership.Goal(founding.voters().subList(0, 2), founding.voters().subList(2, 3));
            assertEquals(fewer, get(real.changeMembership(1, fewer)).goal());
            Membership settled = get(real.awaitSettled(2, Duration.ofSeconds(30)));
            assertEquals(fewer.voters(), settled.voters());
            assertEquals(fewer.learners(), settled.learners());
            RequestRefusedException late = assertThrows(RequestRefusedException.class, () -> get(real.changeMembership(1, fewer)));
            assertEquals(Refusal.Reason.OTHER_VERSION, late.reason());
            int before = cluster.awaitLeader().replica().nodeId();
            int next = before == 1 ? 2 : 1;
            get(real.transfer(next));
            String address = InMemoryNetwork.address(next);
            assertEquals(settled, get(real.status(address)).membership());
            assertFalse(get(real.metrics(address)).isEmpty());
            assertEquals(next, get(real.status(get(real.status(address)).leaderAddress())).replica().nodeId());
        }
    }

    private static CompletableFuture<ClientResponse> answer(ClientRequest request, EntryId snapshot, byte[] content) {
        if (request instanceof ClientRequest.Backup) {
            return CompletableFuture.completedFuture(new ClientResponse.Backup(snapshot, content.length));
        }
        ClientRequest.BackupPiece piece = (ClientRequest.BackupPiece) request;
        if (!piece.snapshot().equals(snapshot)) {
            return CompletableFuture.completedFuture(new ClientResponse.Failed("that snapshot is gone"));
        }
        int from = (int) piece.offset();
        return CompletableFuture.completedFuture(new ClientResponse.BackupPiece(snapshot, from,
            Arrays.copyOfRange(content, from, Math.min(content.length, from + piece.bytesMax()))));
    }

    private static byte[] content(int size) {
        byte[] content = new byte[size];
        for (int i = 0; i < size; i++) {
            content[i] = (byte) (i * 31 ^ i >> 11 ^ size);
        }
        return content;
    }

    private RaftAdmin admin(Duration timeout, String... addresses) {
        if (admin != null) {
            admin.close();
        }
        return RaftAdmin.builder(script, List.of(addresses)).callTimeout(timeout).build();
    }
}
