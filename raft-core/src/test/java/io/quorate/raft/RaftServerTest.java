package io.quorate.raft;

import static io.quorate.raft.Cluster.bytes;
import static io.quorate.raft.Cluster.get;
import static io.quorate.raft.Cluster.text;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.client.RaftClient;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.testing.InMemoryDisk;
import io.quorate.raft.testing.InMemoryNetwork;
import io.quorate.raft.testing.InMemoryStorage;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class RaftServerTest {

    private Cluster cluster = new Cluster(3);

    @AfterEach
    void nothingIsLeftBehind() {
        cluster.close();
        List<String> left = new ArrayList<>();
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.isAlive() && thread.getName().startsWith("quorate-") && !thread.getName().endsWith("-stop")) {
                left.add(thread.getName());
            }
        }
        assertEquals(List.of(), left, "threads left behind");
    }

    // ---- founding, proposing, reading

    @Test
    void threeBlankServersFoundAGroupAndReplicateCommands() {
        cluster.startAll();
        assertEquals("did a", cluster.propose("a"));
        assertEquals("did b", cluster.propose("b"));
        cluster.await(() -> cluster.machines.values().stream().allMatch(machine -> machine.commands().equals(List.of("a", "b"))));
        FoundingRecord record = cluster.watchers.get(1).record();
        assertNotNull(record);
        cluster.watchers.values().forEach(watcher -> assertEquals(record, watcher.record()));
    }

    @Test
    void aServerAloneServesAtOnce() {
        single();
        assertEquals("did a", cluster.propose("a"));
        assertEquals("a", text(get(cluster.servers.get(1).read(bytes("all")))));
        assertEquals("a", text(get(cluster.servers.get(1).read(bytes("all"), Freshness.local())).result()));
    }

    @Test
    void aReadAtTheLeaderSeesWhatWasAcknowledged() {
        cluster.startAll();
        for (int i = 0; i < 20; i++) {
            cluster.propose("c" + i);
            String state = readAtLeader();
            assertTrue(state.endsWith("c" + i), state);
        }
    }

    @Test
    void followersTurnCallersAwayAndNameTheLeader() {
        cluster.startAll();
        RaftServer leader = cluster.awaitLeader();
        int leaderId = leader.replica().nodeId();
        RaftServer follower = cluster.servers.get(leaderId == 1 ? 2 : 1);
        NotLeaderException proposing = assertThrows(NotLeaderException.class, () -> get(follower.propose(bytes("x"))));
        assertEquals(leaderId, proposing.leaderNodeId());
        assertEquals(InMemoryNetwork.address(leaderId), proposing.leaderAddress());
    }

    @Test
    void manyCommandsAtOnceAreAppliedInOneOrderEverywhere() {
        cluster.startAllPatient();
        RaftServer leader = cluster.awaitLeader();
        List<CompletableFuture<byte[]>> futures = new ArrayList<>();
        for (int i = 0; i < 2000; i++) {
            futures.add(leader.propose(bytes("c" + i)));
        }
        for (int i = 0; i < 2000; i++) {
            assertEquals("did c" + i, text(get(futures.get(i))));
        }
        List<String> commands = cluster.machines.get(leader.replica().nodeId()).commands();
        assertEquals(2000, commands.size());
        cluster.await(() -> cluster.machines.values().stream().allMatch(machine -> machine.commands().equals(commands)));
    }

    /** Keeps what it was told, and where. */
    private static final class Told implements Callback {

        private final CompletableFuture<String> outcome = new CompletableFuture<>();
        private volatile @Nullable Thread thread;

        @Override
        public void done(byte[] result, long index) {
            thread = Thread.currentThread();
            outcome.complete(text(result) + " at " + index);
        }

        @Override
        public void failed(Throwable why) {
            thread = Thread.currentThread();
            outcome.complete(why.getClass().getSimpleName());
        }

        private String outcome() throws Exception {
            return outcome.get(20, TimeUnit.SECONDS);
        }
    }

    @Test
    void aCallbackHearsWhatTheFutureWouldHave() throws Exception {
        cluster.startAll();
        cluster.propose("a");
        RaftServer leader = cluster.awaitLeader();
        Told done = new Told();
        leader.propose(bytes("b"), done);
        String outcome = done.outcome();
        assertTrue(outcome.startsWith("did b at "), outcome);
        assertEquals("quorate-" + leader.replica().nodeId() + "-apply", Objects.requireNonNull(done.thread).getName());
        long index = Long.parseLong(outcome.substring("did b at ".length()));
        assertEquals("a,b", text(get(leader.read(bytes("all"), Freshness.local().notBefore(index))).result()));

        Told tooLarge = new Told();
        leader.propose(new byte[Entry.PAYLOAD_BYTES_MAX + 1], tooLarge);
        assertSame(Thread.currentThread(), tooLarge.thread, "it is refused at once");
        assertEquals("CommandTooLargeException", tooLarge.outcome());

        Told atFollower = new Told();
        cluster.servers.get(leader.replica().nodeId() % 3 + 1).propose(bytes("c"), atFollower);
        assertEquals("NotLeaderException", atFollower.outcome());
    }

    @Test
    void aCallbackThatThrowsHasNoEffect() {
        cluster.startAll();
        cluster.propose("a");
        RaftServer leader = cluster.awaitLeader();
        leader.propose(bytes("b"), new Callback() {
            @Override
            public void done(byte[] result, long index) {
                throw new IllegalStateException("a caller's mistake");
            }

            @Override
            public void failed(Throwable why) {
                throw new IllegalStateException("a caller's mistake");
            }
        });
        assertEquals("did c", text(get(leader.propose(bytes("c")))));
        assertEquals(List.of("a", "b", "c"), cluster.machines.get(leader.replica().nodeId()).commands());
    }

    @Test
    void anotherLeaderTakesOverAndTheOldOneComesBack() {
        cluster.startAll();
        cluster.propose("a");
        int first = cluster.awaitLeader().replica().nodeId();
        cluster.stop(first);
        assertEquals("did b", cluster.propose("b"));
        assertNotEquals(first, cluster.awaitLeader().replica().nodeId());

        cluster.start(first);
        cluster.await(() -> cluster.machines.get(first).commands().equals(List.of("a", "b")));
    }

    @Test
    void everythingAcknowledgedIsThereAfterARestartOfAll() {
        cluster.startAll();
        for (int i = 0; i < 50; i++) {
            cluster.propose("c" + i);
        }
        ClusterId group = cluster.watchers.get(1).record().clusterId();
        for (int nodeId = 1; nodeId <= 3; nodeId++) {
            cluster.stop(nodeId);
        }
        cluster.startAll();
        String state = readAtLeader();
        assertTrue(state.startsWith("c0,") && state.endsWith(",c49"), state);
        ServerStatus status = cluster.servers.get(1).status();
        assertEquals(group, status.clusterId());
        assertEquals(2, status.boot());
    }

    @Test
    void entriesThatRecoveryDoesNotHandOverAreReadFromStorage() {
        cluster.close();
        cluster = new Cluster(1);
        cluster.disks.put(1, new InMemoryDisk(1, 77, 2));
        cluster.start(1);
        for (int i = 0; i < 20; i++) {
            cluster.propose("c" + i);
        }
        cluster.stop(1);
        cluster.start(1);
        String state = readAtLeader();
        assertTrue(state.startsWith("c0,") && state.endsWith(",c19"), state);
    }

    @Test
    void aWipedServerStaysBlankSaysWhyAndTheOthersGoOn() {
        cluster.startAll();
        cluster.propose("a");
        ReplicaId before = cluster.servers.get(1).replica();
        ClusterId group = cluster.watchers.get(1).record().clusterId();
        cluster.stop(1);
        cluster.wipe(1);
        RaftServer wiped = cluster.start(1);
        cluster.await(() -> String.valueOf(wiped.status().problem()).contains("was founded without it"));
        ServerStatus status = wiped.status();
        assertEquals(ServerStatus.State.BLANK, status.state());
        assertNull(status.clusterId());
        assertTrue(status.problem().contains(group.toString()) && status.problem().contains(before.toString()), status.problem());
        assertThrows(NotLeaderException.class, () -> get(wiped.propose(bytes("x"))));
        assertThrows(NotLeaderException.class, () -> get(wiped.read(bytes("x"))));
        assertThrows(NotLeaderException.class, () -> get(wiped.read(bytes("x"), Freshness.local())));

        RaftServer blank = cluster.servers.remove(1);
        try {
            assertEquals("did b", cluster.propose("b"));
            assertEquals(ServerStatus.State.BLANK, blank.status().state());
        } finally {
            blank.close();
        }
    }

    // ---- bad input

    @Test
    void aCommandThatIsTooLargeIsTurnedAwayAtOnce() {
        single();
        cluster.awaitLeader();
        CompletableFuture<byte[]> future = cluster.servers.get(1).propose(new byte[Entry.PAYLOAD_BYTES_MAX + 1]);
        assertTrue(future.isCompletedExceptionally());
        assertThrows(CommandTooLargeException.class, () -> get(future));
    }

    @Test
    void theLargestAndTheSmallestCommandPass() {
        single();
        cluster.awaitLeader();
        assertEquals("did ", text(get(cluster.servers.get(1).propose(new byte[0]))));
        assertEquals(4 + Entry.PAYLOAD_BYTES_MAX, get(cluster.servers.get(1).propose(new byte[Entry.PAYLOAD_BYTES_MAX])).length);
    }

    @Test
    void aBuilderWithoutItsPartsSaysWhichIsMissing() {
        IllegalStateException thrown = assertThrows(IllegalStateException.class, () -> RaftServer.builder().start());
        assertTrue(thrown.getMessage().contains("members"), thrown.getMessage());
        thrown = assertThrows(IllegalStateException.class, () -> RaftServer.builder().members(cluster.members).start());
        assertTrue(thrown.getMessage().contains("storage"), thrown.getMessage());
    }

    @Test
    void membersThatDoNotIncludeThisNodeAreTurnedAwayAndEverythingIsClosed() {
        InMemoryStorage storage = new InMemoryDisk(9, 1).open();
        assertThrows(IllegalArgumentException.class, () -> RaftServer.builder().members(cluster.members).storage(storage)
            .transport(cluster.network.transport()).stateMachine(new Cluster.Journal()).start());
        assertThrows(StorageException.class, () -> storage.read(1, 1, 1));
    }

    @Test
    void aTransportThatCannotStartLeavesNothingRunning() {
        aClosedTransportDoesNotStart();
    }

    @Test
    void aFoundedReplicaWhoseTransportCannotStartLeavesNothingRunningEither() {
        single();
        cluster.propose("a");
        cluster.stop(1);
        aClosedTransportDoesNotStart();
    }

    private void aClosedTransportDoesNotStart() {
        Transport transport = cluster.network.transport();
        transport.close();
        InMemoryStorage storage = cluster.disks.get(1).open();
        assertThrows(TransportException.class, () -> RaftServer.builder().members(cluster.members).storage(storage)
            .transport(transport).stateMachine(new Cluster.Journal()).start());
        assertThrows(StorageException.class, () -> storage.read(1, 1, 1));
    }

    @Test
    void whatFailsBeforeTheTransportIsStartedLeavesNothingRunningEither() {
        single();
        cluster.propose("a");
        cluster.stop(1);
        InMemoryStorage storage = cluster.disks.get(1).open();
        List<Throwable> told = new ArrayList<>();
        AssertionError error = assertThrows(AssertionError.class, () -> RaftServer.builder().members(cluster.members).storage(storage)
            .transport(cluster.network.transport()).stateMachine(new Cluster.Journal()).observer(new RaftObserver() {

                @Override
                public void onMembership(Membership membership) {
                    throw new AssertionError("an observer that breaks");
                }

                @Override
                public void onStopped(@Nullable Throwable cause) {
                    told.add(cause);
                }
            }).start());
        assertEquals(List.of(error), told);
        assertThrows(StorageException.class, () -> storage.read(1, 1, 1));
    }

    @Test
    void aStateMachineThatFailsWhileTheTransportStartsIsWhyTheServerDoesNotStart() {
        single();
        cluster.propose("a");
        cluster.propose("b");
        cluster.stop(1);
        Transport transport = cluster.network.transport();
        InMemoryStorage storage = cluster.disks.get(1).open();
        CompletableFuture<Boolean> isClosed = new CompletableFuture<>();
        Transport slow = (Transport) Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {Transport.class},
            (proxy, method, arguments) -> {
                if (method.getName().equals("start")) {
                    isClosed.join();
                    throw new IllegalStateException("This transport is closed");
                }
                Object result = method.invoke(transport, arguments);
                if (method.getName().equals("close")) {
                    isClosed.complete(true);
                }
                return result;
            });
        Cluster.Journal broken = new Cluster.Journal();
        broken.onApplied(() -> {
            throw new IllegalStateException("the machine breaks");
        });
        ServerStoppedException why = assertThrows(ServerStoppedException.class, () -> RaftServer.builder().members(cluster.members)
            .storage(storage).transport(slow).stateMachine(broken).start());
        assertTrue(String.valueOf(why.getCause()).contains("the machine breaks"), String.valueOf(why.getCause()));
        assertThrows(StorageException.class, () -> storage.read(1, 1, 1));
    }

    @Test
    void whatIsKnownAsCommittedIsAppliedWhileTheTransportStarts() {
        single();
        cluster.propose("a");
        cluster.propose("b");
        cluster.stop(1);
        Transport transport = cluster.network.transport();
        cluster.start(1, builder -> builder.transport((Transport) Proxy.newProxyInstance(getClass().getClassLoader(),
            new Class<?>[] {Transport.class}, (proxy, method, arguments) -> {
                if (method.getName().equals("start")) {
                    cluster.await(() -> cluster.machines.get(1).commands().contains("a"));
                }
                return method.invoke(transport, arguments);
            })));
        assertEquals("did c", cluster.propose("c"));
        assertEquals(List.of("a", "b", "c"), cluster.machines.get(1).commands());
    }

    @Test
    void aFailingQueryFailsItsCallerAlone() {
        single();
        cluster.propose("a");
        assertEquals("no such query",
            assertThrows(IllegalArgumentException.class, () -> get(cluster.servers.get(1).read(bytes("throw")))).getMessage());
        assertEquals("a", readAtLeader());
    }

    // ---- time

    @Test
    void aCommandWithoutAQuorumMayHaveHappenedWhenItsTimeIsUp() {
        cluster.startAll();
        RaftServer leader = cluster.awaitLeader();
        cluster.network.isolate(leader.replica().nodeId());
        CompletableFuture<byte[]> future = leader.propose(bytes("x"), Duration.ofMillis(100));
        assertThrows(OutcomeUnknownException.class, () -> get(future));
    }

    @Test
    void aReadWithoutAQuorumFailsAndNothingHappened() {
        cluster.startAll();
        RaftServer leader = cluster.awaitLeader();
        cluster.network.isolate(leader.replica().nodeId());
        assertThrows(NotLeaderException.class, () -> get(leader.read(bytes("x"), Duration.ofMillis(50))));
    }

    @Test
    void aCommandThatAnotherLeaderReplacedHasCertainlyFailed() {
        cluster.startAll();
        cluster.propose("a");
        RaftServer old = cluster.awaitLeader();
        int oldId = old.replica().nodeId();
        cluster.network.isolate(oldId);
        CompletableFuture<byte[]> lost = old.propose(bytes("lost"), Duration.ofSeconds(60));
        cluster.servers.remove(oldId);
        assertEquals("did b", cluster.propose("b"));
        assertFalse(lost.isDone());
        cluster.network.heal();
        assertThrows(NotLeaderException.class, () -> get(lost));
        cluster.servers.put(oldId, old);
        cluster.await(() -> cluster.machines.get(oldId).commands().equals(List.of("a", "b")));
    }

    /** The leader that took the command was cut off; what became of it, any replica tells in the end, that one too. */
    @Test
    void anUnknownOutcomeIsSettledAtAnyReplica() {
        cluster.startAll();
        cluster.propose("a");
        RaftServer old = cluster.awaitLeader();
        int oldId = old.replica().nodeId();
        cluster.network.isolate(oldId);
        EntryId lost = unknown(old.propose(bytes("lost"), Duration.ofMillis(100)));
        assertThrows(OutcomeUnknownException.class, () -> get(old.awaitOutcome(lost, Duration.ofMillis(50))),
            "nothing is certain here yet");
        CompletableFuture<Boolean> early = old.awaitOutcome(lost, Duration.ofSeconds(60));
        cluster.servers.remove(oldId);
        cluster.propose("b");
        for (RaftServer server : cluster.servers.values()) {
            assertFalse(get(server.awaitOutcome(lost)));
        }
        assertFalse(early.isDone());
        try (RaftClient client = RaftClient.builder(cluster.network.clientTransport(), List.copyOf(cluster.members.values())).build()) {
            assertFalse(get(client.awaitOutcome(lost, Duration.ofSeconds(20))));
        }
        cluster.network.heal();
        assertFalse(get(early));
        assertFalse(get(old.awaitOutcome(lost)));
        cluster.servers.put(oldId, old);
    }

    /** Its leader has it, was cut off before a quorum had answered, and comes back as the one that leads. */
    @Test
    void aCommandThatIsDoneAfterAllIsSettledAsDone() {
        cluster = new Cluster(1);
        RaftServer server = cluster.start(1);
        cluster.propose("a");
        cluster.disks.get(1).holdWrites();
        EntryId slow = unknown(server.propose(bytes("slow"), Duration.ofMillis(50)));
        CompletableFuture<Boolean> settled = server.awaitOutcome(slow, Duration.ofSeconds(60));
        assertFalse(settled.isDone());
        cluster.disks.get(1).releaseWrites();
        assertTrue(get(settled));
        assertTrue(get(server.awaitOutcome(slow)));
        assertFalse(get(server.awaitOutcome(new EntryId(slow.term() + 1, slow.index()))));
        cluster.stop(1);
        assertThrows(ServerStoppedException.class, () -> get(server.awaitOutcome(slow)));
    }

    private static EntryId unknown(CompletableFuture<byte[]> future) {
        EntryId entry = assertThrows(OutcomeUnknownException.class, () -> get(future)).entry();
        assertNotNull(entry);
        return entry;
    }

    @Test
    void aTimeoutThatMakesNoSenseIsTurnedAway() {
        single();
        assertThrows(IllegalArgumentException.class, () -> cluster.servers.get(1).propose(bytes("x"), Duration.ofMillis(-1)));
        assertThrows(IllegalArgumentException.class, () -> cluster.servers.get(1).read(bytes("x"), Duration.ofDays(400)));
    }

    // ---- stopping

    @Test
    void closingCompletesWhatIsOpenAndLaterCallsSayThatTheServerHasStopped() {
        cluster.startAll();
        RaftServer leader = cluster.awaitLeader();
        cluster.network.isolate(leader.replica().nodeId());
        CompletableFuture<byte[]> proposing = leader.propose(bytes("x"), Duration.ofMinutes(1));
        leader.status();        // the raft thread has seen the proposal when it has answered this
        leader.close();
        assertThrows(OutcomeUnknownException.class, () -> get(proposing));
        assertThrows(ServerStoppedException.class, () -> get(leader.propose(bytes("y"))));
        assertThrows(ServerStoppedException.class, () -> get(leader.read(bytes("y"))));
        assertThrows(ServerStoppedException.class, () -> get(leader.read(bytes("y"), Freshness.local())));
        ServerStatus status = leader.status();
        assertEquals(ServerStatus.State.STOPPED, status.state());
        assertEquals("closed", status.problem());
        assertEquals(Optional.empty(), get(leader.stopped().toCompletableFuture()));
        leader.close();
    }

    @Test
    void aServerMayBeClosedFromTheApplyThread() {
        single();
        RaftServer server = cluster.awaitLeader();
        CompletableFuture<Void> closing = server.propose(bytes("a")).thenAccept(result -> server.close());
        get(closing);
        assertEquals(Optional.empty(), get(server.stopped().toCompletableFuture()));
    }

    @Test
    void theStatusMayBeAskedForOnTheApplyThreadWhileTheServerStops() {
        single();
        RaftServer server = cluster.awaitLeader();
        CompletableFuture<Void> gate = new CompletableFuture<>();
        cluster.machines.get(1).gate(gate);
        CompletableFuture<ServerStatus> asked = server.propose(bytes("wait")).thenApply(result -> server.status());
        CompletableFuture<byte[]> next = server.propose(bytes("next"));
        cluster.await(cluster.machines.get(1)::isWaiting);
        CompletableFuture<Void> closing = CompletableFuture.runAsync(server::close);
        cluster.await(() -> server.propose(bytes("x")).isCompletedExceptionally());
        gate.complete(null);
        assertEquals(1, get(asked).replica().nodeId());
        get(closing);
        assertTrue(next.isDone());
    }

    @Test
    void aFailedDiskStopsTheServerAndItSaysWhy() {
        single();
        cluster.propose("a");
        RaftServer server = cluster.servers.get(1);
        cluster.disks.get(1).failWrites("no space left on device");
        CompletableFuture<byte[]> proposing = server.propose(bytes("b"));
        OutcomeUnknownException unknown = assertThrows(OutcomeUnknownException.class, () -> get(proposing));
        assertInstanceOf(StorageException.class, unknown.getCause());
        Throwable cause = get(server.stopped().toCompletableFuture()).orElseThrow();
        assertEquals("no space left on device", cause.getMessage());
        assertSame(cause, cluster.watchers.get(1).cause());
        assertEquals(ServerStatus.State.STOPPED, server.status().state());
        assertTrue(server.status().problem().contains("no space left on device"), server.status().problem());
        ServerStoppedException later = assertThrows(ServerStoppedException.class, () -> get(server.propose(bytes("c"))));
        assertSame(cause, later.getCause());
    }

    @Test
    void aDiskThatFailsAtTheFoundingStopsTheServer() {
        cluster.close();
        cluster = new Cluster(1);
        InMemoryStorage storage = cluster.disks.get(1).open();
        cluster.disks.get(1).failWrites("read-only file system");
        RaftServer server = RaftServer.builder().members(cluster.members).storage(storage).transport(cluster.network.transport())
            .stateMachine(new Cluster.Journal()).start();
        assertEquals("read-only file system", get(server.stopped().toCompletableFuture()).orElseThrow().getMessage());
    }

    @Test
    void theOthersGoOnWhenOneDiskFails() {
        cluster.startAll();
        cluster.propose("a");
        int leader = cluster.awaitLeader().replica().nodeId();
        cluster.disks.get(leader).failWrites("EIO");
        cluster.servers.get(leader).propose(bytes("perhaps"));
        cluster.await(() -> cluster.watchers.get(leader).wasStopped());
        cluster.servers.remove(leader).close();
        assertEquals("did b", cluster.propose("b"));
    }

    @Test
    void aHeldDiskDelaysACommandAndNothingElse() {
        single();
        cluster.propose("a");
        RaftServer server = cluster.servers.get(1);
        cluster.disks.get(1).holdWrites();
        CompletableFuture<byte[]> first = server.propose(bytes("b"));
        cluster.disks.get(1).awaitHeldWrite();
        CompletableFuture<byte[]> second = server.propose(bytes("c"));
        assertEquals(ServerStatus.State.LEADER, server.status().state());
        assertFalse(first.isDone());
        assertFalse(second.isDone());
        cluster.disks.get(1).releaseWrites();
        assertEquals("did b", text(get(first)));
        assertEquals("did c", text(get(second)));
    }

    @Test
    void whatComesWhileOneWriteIsUnderWayIsTheNextAndGoesAsOne() {
        single();
        cluster.propose("a");
        RaftServer server = cluster.servers.get(1);
        InMemoryDisk disk = cluster.disks.get(1);
        disk.holdWrites();
        List<CompletableFuture<byte[]>> answers = new ArrayList<>();
        answers.add(server.propose(bytes("b")));
        disk.awaitHeldWrite();
        for (int i = 0; i < 50; i++) {
            answers.add(server.propose(bytes("c" + i)));
        }
        server.status();
        server.status();     // in a later turn of the raft thread, so all of them wait for the disk by now
        long before = disk.writes();
        disk.releaseWrites();
        answers.forEach(Cluster::get);
        assertEquals(before + 2, disk.writes());
    }

    @Test
    void anExceptionFromTheStateMachineStopsTheServer() {
        single();
        cluster.propose("a");
        RaftServer server = cluster.servers.get(1);
        OutcomeUnknownException unknown = assertThrows(OutcomeUnknownException.class, () -> get(server.propose(bytes("throw"))));
        assertEquals("the machine refuses throw", unknown.getCause().getMessage());
        assertEquals("the machine refuses throw", get(server.stopped().toCompletableFuture()).orElseThrow().getMessage());
    }

    @Test
    void anErrorInAThreadStopsTheServerToo() {
        single();
        cluster.propose("a");
        RaftServer server = cluster.servers.get(1);
        assertThrows(OutcomeUnknownException.class, () -> get(server.propose(bytes("error"))));
        assertInstanceOf(AssertionError.class, get(server.stopped().toCompletableFuture()).orElseThrow());
    }

    /** When the cause is that the system has no more threads to give, a stop that needed one would leave a leader that never applies. */
    @Test
    void aServerStopsOnAThreadThatWasThereBefore() {
        single();
        cluster.propose("a");
        RaftServer server = cluster.servers.get(1);
        Set<Thread> before = Thread.getAllStackTraces().keySet();
        CompletableFuture<Thread> stopping = server.stopped().thenApply(cause -> Thread.currentThread()).toCompletableFuture();
        assertThrows(OutcomeUnknownException.class, () -> get(server.propose(bytes("error"))));
        assertTrue(before.contains(get(stopping)));
    }

    @Test
    void anExceptionOnTheRaftThreadStopsTheServerAndCompletesWhatIsOpen() {
        Breaking transport = new Breaking(cluster.network.transport());
        cluster.start(1, builder -> builder.transport(transport));
        cluster.start(2);
        cluster.start(3);
        cluster.awaitLeader();
        RaftServer server = cluster.servers.get(1);
        transport.broken = true;
        CompletableFuture<byte[]> call = server.propose(bytes("x"));
        assertEquals("the transport broke", get(server.stopped().toCompletableFuture()).orElseThrow().getMessage());
        assertTrue(call.isCompletedExceptionally());
        cluster.servers.remove(1);
    }

    @Test
    void anObserverThatThrowsHasNoEffect() {
        cluster.close();
        cluster = new Cluster(1);
        cluster.start(1, builder -> builder.observer(new RaftObserver() {
            @Override
            public void onChange(ServerStatus.State state, long term, @Nullable ReplicaId leader) {
                cluster.watchers.get(1).onChange(state, term, leader);
                throw new IllegalStateException("observers may fail");
            }

            @Override
            public void onFounded(FoundingRecord record) {
                throw new IllegalStateException("observers may fail");
            }
        }));
        assertEquals("did a", cluster.propose("a"));
    }

    @Test
    void anObserverMayAskForTheStatus() {
        cluster.close();
        cluster = new Cluster(1);
        CompletableFuture<ServerStatus> asked = new CompletableFuture<>();
        AtomicReference<@Nullable RaftServer> self = new AtomicReference<>();
        CompletableFuture<Void> isSet = new CompletableFuture<>();
        self.set(cluster.start(1, builder -> builder.observer(new RaftObserver() {
            @Override
            public void onChange(ServerStatus.State state, long term, @Nullable ReplicaId leader) {
                cluster.watchers.get(1).onChange(state, term, leader);
                isSet.join();
                asked.complete(self.get().status());
            }
        })));
        isSet.complete(null);
        assertEquals(1, get(asked).replica().nodeId());
    }

    @Test
    void aYoungerBootOfACopiedDirectoryStopsTheOlder() {
        single();
        cluster.propose("a");
        RaftServer older = cluster.servers.get(1);
        InMemoryDisk copy = new InMemoryDisk(1, older.replica().incarnation());
        copy.open().close();
        cluster.disks.put(1, copy);
        RaftServer younger = cluster.start(1);
        Throwable cause = get(older.stopped().toCompletableFuture()).orElseThrow();
        assertTrue(cause.getMessage().contains("boot 2 of this very replica"), cause.getMessage());
        assertNotEquals(ServerStatus.State.STOPPED, younger.status().state());
    }

    @Test
    void noUserCodeRunsOnTheRaftThread() {
        cluster.startAll();
        RaftServer leader = cluster.awaitLeader();
        int leaderId = leader.replica().nodeId();
        RaftServer follower = cluster.servers.get(leaderId == 1 ? 2 : 1);
        CompletableFuture<Void> gate = new CompletableFuture<>();
        cluster.machines.get(leaderId).gate(gate);
        // The apply thread is held up, so what is chained here runs when the call completes and not before.
        leader.propose(bytes("wait"));
        cluster.await(cluster.machines.get(leaderId)::isWaiting);
        CompletableFuture<String> done = leader.propose(bytes("x")).handle((result, failure) -> Thread.currentThread().getName());
        gate.complete(null);
        assertEquals("quorate-" + leaderId + "-apply", get(done));
        for (int i = 0; i < 100; i++) {
            String name = get(follower.propose(bytes("x")).handle((result, failure) -> Thread.currentThread().getName()));
            assertFalse(name.endsWith("-raft"), name);
        }
    }

    // ---- deadlines of what is held up

    @Test
    void everyCallEndsAtItsDeadlineThoughTheStateMachineHangs() {
        cluster.startAll();
        RaftServer leader = cluster.awaitLeader();
        int leaderId = leader.replica().nodeId();
        CompletableFuture<Void> gate = new CompletableFuture<>();
        cluster.machines.get(leaderId).gate(gate);
        Duration soon = Duration.ofSeconds(1);
        CompletableFuture<byte[]> hanging = leader.propose(bytes("wait"), soon);
        cluster.await(cluster.machines.get(leaderId)::isWaiting);
        CompletableFuture<byte[]> behind = leader.propose(bytes("b"), soon);
        CompletableFuture<String> on = behind.handle((result, failure) -> Thread.currentThread().getName());
        CompletableFuture<byte[]> read = leader.read(bytes("all"), soon);
        CompletableFuture<Answer> local = leader.read(bytes("all"), Freshness.local(), soon);
        CompletableFuture<Boolean> outcome = leader.awaitOutcome(new EntryId(99, 9999), soon);
        CompletableFuture<SnapshotInfo> snapshot = leader.takeSnapshot(soon);
        CompletableFuture<?> change = leader.changeMembership(leader.membership().version(),
            MembershipTarget.from(leader.membership()).goal(), soon);

        // Before anybody waits for the other future: who does may run what hangs on it.
        assertEquals("quorate-" + leaderId + "-late", get(on));
        assertTrue(assertThrows(OutcomeUnknownException.class, () -> get(hanging)).entry() != null);
        assertTrue(assertThrows(OutcomeUnknownException.class, () -> get(behind)).entry() != null);
        assertThrows(OverloadedException.class, () -> get(read));
        assertThrows(OverloadedException.class, () -> get(local));
        assertThrows(OutcomeUnknownException.class, () -> get(outcome));
        assertThrows(OverloadedException.class, () -> get(snapshot));
        assertThrows(RaftException.class, () -> get(change));
        assertFalse(gate.isDone());
        gate.complete(null);
        assertEquals("did c", cluster.propose("c"), "and it goes on");
        cluster.await(() -> cluster.machines.get(leaderId).commands().equals(List.of("wait", "b", "c")));
    }

    @Test
    void whoeverAsksHowAServerIsDoesNotWaitForEverForAnObserverThatBlocks() {
        cluster.close();
        cluster = new Cluster(1);
        CompletableFuture<Void> gate = new CompletableFuture<>();
        CompletableFuture<Void> isBlocked = new CompletableFuture<>();
        RaftServer server = cluster.start(1, builder -> builder.callTimeout(Duration.ofMillis(100)).observer(new RaftObserver() {
            @Override
            public void onChange(ServerStatus.State state, long term, @Nullable ReplicaId leader) {
                isBlocked.complete(null);
                gate.join();
            }
        }));
        try {
            get(isBlocked);
            assertThrows(OverloadedException.class, server::status);
            assertThrows(OverloadedException.class, server::explain);
            assertThrows(OverloadedException.class, server::metrics);
            assertThrows(OverloadedException.class, server::membership);
            Thread.currentThread().interrupt();
            assertThrows(OverloadedException.class, server::status);
            assertTrue(Thread.interrupted(), "an interrupt is kept");
        } finally {
            gate.complete(null);
        }
        assertEquals(1, server.status().replica().nodeId());
    }

    @Test
    void tooManyOpenBytesAreRefused() {
        single();
        RaftServer server = cluster.awaitLeader();
        CompletableFuture<Void> gate = new CompletableFuture<>();
        cluster.machines.get(1).gate(gate);
        server.propose(bytes("wait"));
        cluster.await(cluster.machines.get(1)::isWaiting);
        List<CompletableFuture<Answer>> open = new ArrayList<>();
        byte[] large = new byte[16 << 20];
        CompletableFuture<Answer> refused = null;
        for (int i = 0; i < 20 && refused == null; i++) {
            CompletableFuture<Answer> future = server.read(large, Freshness.local());
            if (future.isDone()) {
                refused = future;
            } else {
                open.add(future);
            }
        }
        CompletableFuture<Answer> last = refused;
        assertNotNull(last);
        assertThrows(OverloadedException.class, () -> get(last));
        gate.complete(null);
        open.forEach(Cluster::get);
        assertEquals("did a", cluster.propose("a"));
    }

    // ---- status and clients

    @Test
    void theStatusTellsOfThePeers() {
        cluster.startAll();
        cluster.propose("a");
        RaftServer leader = cluster.awaitLeader();
        cluster.await(() -> leader.status().peers().stream().allMatch(peer -> peer.matchIndex() == leader.status().lastIndex()));
        ServerStatus status = leader.status();
        assertEquals(ServerStatus.State.LEADER, status.state());
        assertEquals(leader.replica(), status.leader());
        assertEquals(leader.address(), status.leaderAddress());
        assertEquals(status.commitIndex(), status.appliedIndex());
        assertNull(status.problem());
        assertEquals(2, status.peers().size());
        for (ServerStatus.Peer peer : status.peers()) {
            assertTrue(peer.heardNanosAgo() >= 0);
            assertEquals("replicate", peer.replication());
            assertNull(peer.trouble());
        }
        int other = status.peers().get(0).nodeId();
        cluster.network.cut(leader.replica().nodeId(), other);
        assertNotNull(leader.status().peers().get(0).trouble());
    }

    @Test
    void aBlankServerTellsWhomItWaitsFor() {
        RaftServer server = cluster.start(1);
        cluster.await(() -> String.valueOf(server.status().problem()).contains("no answer from nodes [2, 3]"));
        ServerStatus status = server.status();
        assertEquals(ServerStatus.State.BLANK, status.state());
        assertEquals(List.of(2, 3), status.peers().stream().map(ServerStatus.Peer::nodeId).toList());
        assertNotNull(status.peers().get(0).trouble());
    }

    @Test
    void clientRequestsAreAnsweredInTheirOwnWords() {
        cluster.startAll();
        RaftServer leader = cluster.awaitLeader();
        int leaderId = leader.replica().nodeId();
        int followerId = leaderId == 1 ? 2 : 1;
        var done = assertInstanceOf(ClientResponse.Done.class, ask(leaderId, new ClientRequest.Propose(bytes("a"))));
        assertEquals("did a", text(done.result()));
        var read = assertInstanceOf(ClientResponse.Done.class, ask(leaderId, read("all", Freshness.linearizable())));
        assertEquals("a", text(read.result()));
        assertTrue(read.index() >= done.index());
        var local = assertInstanceOf(ClientResponse.Done.class, ask(followerId, read("all", Freshness.local().notBefore(done.index()))));
        assertEquals("a", text(local.result()));
        assertEquals(new ClientResponse.NotLeader(leaderId, InMemoryNetwork.address(leaderId)),
            ask(followerId, new ClientRequest.Propose(bytes("b"))));
        var failed = assertInstanceOf(ClientResponse.Failed.class, ask(leaderId, read("throw", Freshness.linearizable())));
        assertTrue(failed.why().contains("no such query"), failed.why());
        assertInstanceOf(ClientResponse.Failed.class, ask(leaderId, new ClientRequest.Propose(new byte[Entry.PAYLOAD_BYTES_MAX + 1])));
        var status = assertInstanceOf(ClientResponse.Status.class, ask(leaderId, new ClientRequest.Status()));
        assertEquals(leader.replica(), status.status().replica());
    }

    private static ClientRequest read(String query, Freshness freshness) {
        return new ClientRequest.Read(bytes(query), freshness);
    }

    private ClientResponse ask(int nodeId, ClientRequest request) {
        return get(cluster.network.clientTransport().call(InMemoryNetwork.address(nodeId), request, TimeUnit.SECONDS.toNanos(20)));
    }

    private void single() {
        cluster.close();
        cluster = new Cluster(1);
        cluster.start(1);
    }

    private String readAtLeader() {
        for (;;) {
            try {
                return text(get(cluster.awaitLeader().read(bytes("all"))));
            } catch (NotLeaderException e) {
                // it has just lost its office; ask the next
            }
        }
    }

    /** A transport that breaks its promise never to throw. */
    private static final class Breaking implements Transport {

        private final Transport inner;
        private volatile boolean broken;

        Breaking(Transport inner) {
            this.inner = inner;
        }

        @Override
        public void start(Local local, Map<Integer, String> peers, Receiver receiver) {
            inner.start(local, peers, receiver);
        }

        @Override
        public void founded(Local local) {
            inner.founded(local);
        }

        @Override
        public void peers(Map<Integer, String> peers) {
            inner.peers(peers);
        }

        @Override
        public void send(Message message) {
            if (broken) {
                throw new IllegalStateException("the transport broke");
            }
            inner.send(message);
        }

        @Override
        public void send(FoundingMessage message) {
            inner.send(message);
        }

        @Override
        public void send(SnapshotMessage message) {
            inner.send(message);
        }

        @Override
        public void send(RepairMessage message) {
            inner.send(message);
        }

        @Override
        public String advertisedAddress() {
            return inner.advertisedAddress();
        }

        @Override
        public @Nullable String trouble(int nodeId) {
            return inner.trouble(nodeId);
        }

        @Override
        public void close() {
            inner.close();
        }
    }
}
