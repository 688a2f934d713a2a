package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.quorate.raft.Backup;
import io.quorate.raft.ClusterId;
import io.quorate.raft.Command;
import io.quorate.raft.RaftObserver;
import io.quorate.raft.RaftServer;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.StateMachine;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.testing.InMemoryNetwork;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A group on disks is copied to a file, and another begins with that. */
class BackupTest {

    /** Its state is all the bytes of its commands. */
    private static final class Bytes implements StateMachine {

        private final ByteArrayOutputStream state = new ByteArrayOutputStream();

        @Override
        public byte[] apply(Command command) {
            state.writeBytes(command.bytes());
            return new byte[0];
        }

        @Override
        public byte[] query(byte[] query) {
            return state.toByteArray();
        }

        @Override
        public Snapshot snapshot() {
            byte[] captured = state.toByteArray();
            return out -> out.write(captured);
        }

        @Override
        public void restore(InputStream in) throws IOException {
            state.reset();
            in.transferTo(state);
        }
    }

    @TempDir
    private Path directory;

    @Test
    void aNewGroupBeginsWithTheStateOfTheOldOneUnderAnotherName() throws Exception {
        Path file = directory.resolve("backup");
        byte[] state = new byte[1_000_000];
        new Random(1).nextBytes(state);
        ClusterId old;
        long index;
        try (RaftServer server = start("old", 1)) {
            server.propose(state).get(30, TimeUnit.SECONDS);
            index = server.backup(file).get(30, TimeUnit.SECONDS).index();
            server.propose(new byte[1]).get(30, TimeUnit.SECONDS);      // not in the backup
            old = server.status().clusterId();
        }
        ClusterId restored;
        try (FileStorage blank = FileStorage.open(directory.resolve("new"), 7)) {
            restored = Backup.open(file).restore(blank, InMemoryNetwork.address(7));
        }
        assertEquals(old, Backup.open(file).group());
        for (int i = 0; i < 2; i++) {
            try (RaftServer server = start("new", 7)) {
                assertArrayEquals(state, server.read(new byte[0]).get(30, TimeUnit.SECONDS));
                assertEquals(restored, server.status().clusterId());
                assertEquals(index + 1 + i, server.status().lastIndex(), "indexes go on");
            }
        }
        try (FileStorage used = FileStorage.open(directory.resolve("new"), 7)) {
            assertThrows(IllegalStateException.class, () -> Backup.open(file).restore(used, InMemoryNetwork.address(7)));
        }
    }

    @Test
    void aDamagedBackupLeavesTheDirectoryToAnotherTry() throws Exception {
        Path file = directory.resolve("backup");
        try (RaftServer server = start("old", 1)) {
            server.propose(new byte[200_000]).get(30, TimeUnit.SECONDS);
            server.backup(file).get(30, TimeUnit.SECONDS);
        }
        byte[] whole = Files.readAllBytes(file);
        byte[] damaged = whole.clone();
        damaged[150_000] ^= 1;
        Files.write(file, damaged);
        for (int i = 0; i < 2; i++) {
            try (FileStorage blank = FileStorage.open(directory.resolve("new"), 1)) {
                assertThrows(IOException.class, () -> Backup.open(file).restore(blank, InMemoryNetwork.address(1)));
            }
        }
        Files.write(file, whole);
        try (FileStorage blank = FileStorage.open(directory.resolve("new"), 1)) {
            Backup.open(file).restore(blank, InMemoryNetwork.address(1));
        }
        try (RaftServer server = start("new", 1)) {
            assertEquals(200_000, server.read(new byte[0]).get(30, TimeUnit.SECONDS).length);
        }
    }

    /** A group of one, when it leads. */
    private RaftServer start(String name, int nodeId) throws Exception {
        CompletableFuture<Void> leads = new CompletableFuture<>();
        RaftServer server = RaftServer.builder()
            .members(Map.of(nodeId, InMemoryNetwork.address(nodeId)))
            .storage(FileStorage.open(directory.resolve(name), nodeId))
            .transport(new InMemoryNetwork().transport())
            .stateMachine(new Bytes())
            .config(RaftConfig.DEFAULT.withElectionTimeout(Duration.ofMillis(150)))
            .observer(new RaftObserver() {
                @Override
                public void onChange(ServerStatus.State state, long term, @Nullable ReplicaId leader) {
                    if (state == ServerStatus.State.LEADER) {
                        leads.complete(null);
                    }
                }
            }).start();
        leads.get(30, TimeUnit.SECONDS);
        return server;
    }
}
