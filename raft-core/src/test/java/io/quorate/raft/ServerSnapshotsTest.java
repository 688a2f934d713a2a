package io.quorate.raft;

import static io.quorate.raft.Cluster.bytes;
import static io.quorate.raft.Cluster.get;
import static io.quorate.raft.Cluster.text;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.client.RaftAdmin;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.testing.InMemoryDisk;
import io.quorate.raft.testing.InMemoryNetwork;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Snapshots of servers with real threads: taken, moved, restored, copied to files, and made the beginning of new groups. */
class ServerSnapshotsTest {

    private static final SnapshotPolicy OFTEN = SnapshotPolicy.DEFAULT.withLogBytesMin(500).withLogToSnapshotRatio(1);

    /** Nothing stays in memory that a follower could be given instead. */
    private static final RaftConfig FORGETFUL = new RaftConfig(200_000_000, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 1);

    private final Cluster cluster = new Cluster(3);

    @TempDir
    private Path directory;

    @AfterEach
    void close() {
        cluster.close();
    }

    @Test
    void aFollowerThatWasDownReturnsThroughASnapshotWhileCommandsGoOn() {
        cluster.members.keySet().forEach(nodeId -> cluster.start(nodeId, builder -> builder.snapshots(OFTEN).config(FORGETFUL)));
        cluster.propose("first");
        int down = follower();
        cluster.await(() -> cluster.machines.get(down).commands().size() == 1);
        cluster.stop(down);
        proposeMany("while it is down", 100);
        cluster.await(() -> cluster.disks.entrySet().stream().filter(each -> each.getKey() != down)
            .allMatch(each -> each.getValue().log().isEmpty() || each.getValue().log().get(0).index() > 50));

        cluster.start(down, builder -> builder.snapshots(OFTEN).config(FORGETFUL));
        proposeMany("while it returns", 50);
        cluster.await(() -> cluster.machines.get(down).commands().size() == 151);
        assertTrue(cluster.machines.get(down).restores() > 0);
        assertEquals(List.copyOf(cluster.machines.get(leader()).commands()), cluster.machines.get(down).commands());
    }

    @Test
    void whoeverWaitsForASnapshotThatHangsIsToldAtHisDeadline() {
        cluster.startAll();
        cluster.propose("a");
        RaftServer leader = cluster.servers.get(leader());
        Cluster.Journal machine = cluster.machines.get(leader.replica().nodeId());
        CompletableFuture<Void> gate = new CompletableFuture<>();
        machine.writerGate(gate);
        Duration soon = Duration.ofMillis(100);
        CompletableFuture<SnapshotInfo> taken = leader.takeSnapshot(soon);
        cluster.await(machine::isWriting);
        assertThrows(OutcomeUnknownException.class, () -> get(taken));
        assertThrows(OverloadedException.class, () -> get(leader.takeSnapshot(soon)), "it waits for the next");
        assertThrows(OverloadedException.class, () -> get(leader.backup(directory.resolve("backup"), soon)));
        try (RaftAdmin admin = RaftAdmin.builder(cluster.network.clientTransport(), List.of(leader.address())).callTimeout(soon).build()) {
            assertThrows(RaftException.class, () -> get(admin.takeSnapshot(leader.address())));
        }
        gate.complete(null);
        assertTrue(get(leader.takeSnapshot()).bytes() > 0);
    }

    @Test
    void commandsGoOnWhileASnapshotIsWrittenAndCloseDoesNotWaitForAllOfIt() {
        cluster.startAll();
        cluster.propose("a");
        int leader = leader();
        CompletableFuture<Void> gate = new CompletableFuture<>();
        cluster.machines.get(leader).writerGate(gate);
        cluster.machines.get(leader).endless();
        CompletableFuture<SnapshotInfo> taken = cluster.servers.get(leader).takeSnapshot();
        cluster.await(() -> cluster.machines.get(leader).isWriting());
        assertEquals("did b", cluster.propose("b"));
        assertEquals("a,b", text(get(cluster.servers.get(leader).read(bytes("all")))));

        CompletableFuture<Void> closed = CompletableFuture.runAsync(() -> cluster.stop(leader));
        cluster.await(() -> cluster.watchers.get(leader).wasStopped() || isNamed("quorate-" + leader + "-stop"));
        gate.complete(null);        // it would write for ever now, and is stopped at the next byte
        get(closed);
        assertThrows(ServerStoppedException.class, () -> get(taken));
        assertEquals(null, cluster.disks.get(leader).snapshotId());
    }

    @Test
    void anyReplicaTakesASnapshotWhenItIsAskedTo() {
        cluster.startAll();
        cluster.propose("a");
        int nodeId = follower();
        cluster.await(() -> cluster.machines.get(nodeId).commands().size() == 1);
        SnapshotInfo taken = get(cluster.servers.get(nodeId).takeSnapshot());
        assertEquals(cluster.servers.get(nodeId).status().appliedIndex(), taken.index());
        assertTrue(taken.bytes() > 0);
        assertEquals(taken, get(cluster.servers.get(nodeId).takeSnapshot()), "nothing is new");
        cluster.stop(nodeId);
        cluster.start(nodeId);
        cluster.await(() -> cluster.machines.get(nodeId).commands().equals(List.of("a")));
        assertEquals(1, cluster.machines.get(nodeId).restores());
        assertThrows(ServerStoppedException.class, () -> {
            RaftServer server = cluster.servers.get(nodeId);
            server.close();
            get(server.takeSnapshot());
        });
    }

    // ---- backups

    @Test
    void aBackupBeginsANewGroupOfWhichOthersBecomeMembers() throws IOException {
        cluster.startAll();
        proposeMany("old", 20);
        Path file = directory.resolve("backup");
        SnapshotInfo saved = get(cluster.servers.get(leader()).backup(file));
        assertEquals(List.of(file), files());
        Backup backup = Backup.open(file);
        assertEquals(saved.last(), backup.snapshot().last());
        assertEquals(cluster.watchers.get(1).record().clusterId(), backup.group());

        try (Cluster other = new Cluster(3)) {
            ClusterId restored;
            try (Storage blank = other.disks.get(1).open()) {
                restored = backup.restore(blank, InMemoryNetwork.address(1));
            }
            assertNotEquals(backup.group(), restored);
            other.startAll();
            other.await(() -> other.watchers.get(1).state() == ServerStatus.State.LEADER);
            RaftServer first = other.servers.get(1);
            assertEquals(restored, first.status().clusterId());
            assertEquals(20, text(get(first.read(bytes("all")))).split(",").length);
            get(first.propose(bytes("new")));

            for (int nodeId = 2; nodeId <= 3; nodeId++) {
                int newcomer = nodeId;
                other.await(() -> first.status().strangers().stream().anyMatch(each -> each.replica().nodeId() == newcomer));
                ReplicaId replica = first.status().strangers().stream().map(ServerStatus.Stranger::replica)
                    .filter(each -> each.nodeId() == newcomer).findAny().orElseThrow();
                get(first.changeMembership(MembershipTarget.from(first.membership())
                    .withVoter(new io.quorate.raft.core.Member(replica, InMemoryNetwork.address(newcomer)))));
                other.await(() -> first.membership().goal() == null && first.membership().voters().size() == newcomer
                    && !first.membership().isJoint());
                other.await(() -> other.machines.get(newcomer).commands().equals(other.machines.get(1).commands()));
                assertEquals(1, other.machines.get(newcomer).restores());
            }
            other.stop(1);
            other.propose("without the first");
            assertEquals(22, other.machines.get(2).commands().size());
        }
    }

    @Test
    void aRestoredGroupOutlivesARestart() throws IOException {
        cluster.startAll();
        proposeMany("old", 5);
        Path file = directory.resolve("backup");
        get(cluster.servers.get(leader()).backup(file));
        try (Cluster other = new Cluster(1)) {
            try (Storage blank = other.disks.get(1).open()) {
                Backup.open(file).restore(blank, InMemoryNetwork.address(1));
            }
            for (int i = 0; i < 3; i++) {
                other.startAll();
                other.propose("again");
                assertEquals(6 + i, other.machines.get(1).commands().size());
                other.stop(1);
            }
        }
    }

    /** Whatever is interrupted, and wherever: the directory leads nothing until all of the state is there, and then it does. */
    @Test
    void aRestoreThatIsInterruptedMayBeGoneOnWith() throws IOException {
        cluster.startAll();
        proposeMany("old", 5);
        Path file = directory.resolve("backup");
        get(cluster.servers.get(leader()).backup(file));
        for (int steps = 0; steps < 3; steps++) {
            try (Cluster other = new Cluster(1)) {
                int allowed = steps;
                try (Storage failing = new FailingStorage(other.disks.get(1).open(), allowed)) {
                    assertThrows(StorageException.class, () -> Backup.open(file).restore(failing, InMemoryNetwork.address(1)));
                }
                RaftServer half = other.start(1);
                assertThrows(NotLeaderException.class, () -> get(half.propose(bytes("x"))));
                other.await(() -> half.status().state() == ServerStatus.State.FOLLOWER);
                other.stop(1);
                try (Storage again = other.disks.get(1).open()) {
                    Backup.open(file).restore(again, InMemoryNetwork.address(1));
                }
                other.startAll();
                other.propose("new");
                assertEquals(6, other.machines.get(1).commands().size());
            }
        }
    }

    @Test
    void aBackupIsNotMixedWithAGroupThatIsThereAlready() throws IOException {
        cluster.startAll();
        cluster.propose("a");
        Path file = directory.resolve("backup");
        get(cluster.servers.get(leader()).backup(file));
        cluster.stop(1);
        try (Storage storage = cluster.disks.get(1).open()) {
            assertThrows(IllegalStateException.class, () -> Backup.open(file).restore(storage, "a"));
        }
        InMemoryDisk restored = new InMemoryDisk(1, 77);
        try (Storage storage = restored.open()) {
            Backup.open(file).restore(storage, "a");
        }
        try (Storage storage = restored.open()) {
            assertThrows(IllegalStateException.class, () -> Backup.open(file).restore(storage, "a"));
        }
    }

    @Test
    void whatIsNoWholeBackupIsRefused() throws IOException {
        cluster.startAll();
        cluster.propose("a");
        Path file = directory.resolve("backup");
        get(cluster.servers.get(leader()).backup(file));
        byte[] whole = Files.readAllBytes(file);
        for (int i = 0; i < whole.length; i++) {
            byte[] damaged = whole.clone();
            damaged[i] ^= 1;
            Files.write(file, damaged);
            InMemoryDisk disk = new InMemoryDisk(1, 77);
            int at = i;
            try (Storage blank = disk.open()) {
                assertThrows(IOException.class, () -> Backup.open(file).restore(blank, "a"), () -> "byte " + at);
            }
            assertEquals(null, disk.snapshotId());
        }
        for (int length = 0; length < whole.length; length++) {
            Files.write(file, java.util.Arrays.copyOf(whole, length));
            assertThrows(IOException.class, () -> Backup.open(file));
        }
    }

    @Test
    void aBackupDoesNotReplaceAFileAndLeavesNothingWhenItFails() throws IOException {
        cluster.startAll();
        cluster.propose("a");
        Path file = Files.writeString(directory.resolve("backup"), "precious");
        RaftServer server = cluster.servers.get(leader());
        AssertionError failure = assertThrows(AssertionError.class, () -> get(server.backup(file)));
        assertInstanceOf(FileAlreadyExistsException.class, failure.getCause().getCause());
        assertEquals("precious", Files.readString(file));
        assertThrows(AssertionError.class, () -> get(server.backup(directory.resolve("no such directory").resolve("backup"))));
        assertEquals(List.of(file), files());
        assertEquals("did b", cluster.propose("b"));
    }

    @Test
    void aBackupThatCannotBeWrittenWhereItIsWantedDoesNotStopTheServer() {
        cluster.startAll();
        cluster.propose("a");
        RaftServer server = cluster.servers.get(leader());
        assertThrows(AssertionError.class, () -> get(server.backup(directory.getRoot())));
        Path unwritable = FileSystems.getFileSystem(URI.create("jrt:/")).getPath("/backup");
        assertThrows(RuntimeException.class, () -> get(server.backup(unwritable)));
        assertThrows(NullPointerException.class, () -> server.backup(null));
        assertEquals("did b", cluster.propose("b"));
        assertNotEquals(ServerStatus.State.STOPPED, server.status().state());
    }

    // ---- help

    /** A disk that fails after so many steps: writes, and snapshots begun or made durable. */
    private static final class FailingStorage extends ForwardingStorage {

        private int allowed;

        FailingStorage(Storage inner, int allowed) {
            super(inner);
            this.allowed = allowed;
        }

        private void step() {
            if (allowed-- == 0) {
                throw new StorageException("EIO");
            }
        }

        @Override
        public void write(List<Write> batch) {
            step();
            inner.write(batch);
        }

        @Override
        public SnapshotOutput beginSnapshot(io.quorate.raft.core.SnapshotId snapshot) {
            step();
            SnapshotOutput output = inner.beginSnapshot(snapshot);
            return new SnapshotOutput() {
                @Override
                public OutputStream state() {
                    return output.state();
                }

                @Override
                public void commit() {
                    step();
                    output.commit();
                }

                @Override
                public void close() {
                    output.close();
                }
            };
        }
    }

    private void proposeMany(String what, int count) {
        for (int i = 0; i < count; i++) {
            cluster.propose(what + " " + i);
        }
    }

    private int leader() {
        return cluster.awaitLeader().replica().nodeId();
    }

    private int follower() {
        int leader = leader();
        return cluster.servers.keySet().stream().filter(nodeId -> nodeId != leader).findFirst().orElseThrow();
    }

    private List<Path> files() throws IOException {
        try (var files = Files.list(directory)) {
            return new ArrayList<>(files.toList());
        }
    }

    private static boolean isNamed(String thread) {
        return Thread.getAllStackTraces().keySet().stream().anyMatch(each -> each.getName().equals(thread));
    }
}
