package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Command;
import io.quorate.raft.NotLeaderException;
import io.quorate.raft.RaftObserver;
import io.quorate.raft.RaftServer;
import io.quorate.raft.StateMachine;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.storage.testing.SimulatedFiles;
import io.quorate.raft.storage.testing.SimulatedFiles.Loss;
import io.quorate.raft.testing.InMemoryNetwork;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Three servers on simulated disks, with the storage as it is: they heal each other, or say that nobody can. */
class GroupRepairTest {

    private static final FileStorage.Options OPTIONS = FileStorage.Options.defaults().withSegmentBytes(2 << 10);
    private static final int COMMANDS = 60;
    private static final long WAIT_SECONDS = 30;

    /** Remembers all its commands. */
    private static final class Journal implements StateMachine {

        private final List<String> commands = new ArrayList<>();

        @Override
        public synchronized byte[] apply(Command command) {
            commands.add(new String(command.bytes(), StandardCharsets.UTF_8));
            return new byte[0];
        }

        @Override
        public byte[] query(byte[] query) {
            return String.join(",", commands()).getBytes(StandardCharsets.UTF_8);
        }

        synchronized List<String> commands() {
            return List.copyOf(commands);
        }
    }

    private final InMemoryNetwork network = new InMemoryNetwork();
    private final Map<Integer, SimulatedFiles> disks = new TreeMap<>();
    private final Map<Integer, RaftServer> servers = new TreeMap<>();
    private final Map<Integer, Journal> machines = new TreeMap<>();
    private final Map<Integer, CompletableFuture<Throwable>> stops = new TreeMap<>();
    private final List<String> proposed = new ArrayList<>();

    /** All have the same log, over several segments, and are stopped. */
    @BeforeEach
    void life() throws Exception {
        for (int nodeId = 1; nodeId <= 3; nodeId++) {
            disks.put(nodeId, new SimulatedFiles());
        }
        startAll();
        for (int i = 0; i < COMMANDS; i++) {
            propose("command number " + i + ", and so on");
        }
        awaitAll();
        stopAll();
        disks.replaceAll((nodeId, disk) -> disk.restart(Loss.LOSES_ALL, new Random(nodeId)));
    }

    @AfterEach
    void stopAll() {
        servers.values().forEach(RaftServer::close);
        servers.clear();
    }

    private void startAll() {
        for (int nodeId = 1; nodeId <= 3; nodeId++) {
            CompletableFuture<Throwable> stop = new CompletableFuture<>();
            Journal machine = new Journal();
            stops.put(nodeId, stop);
            machines.put(nodeId, machine);
            servers.put(nodeId, RaftServer.builder()
                .members(Map.of(1, InMemoryNetwork.address(1), 2, InMemoryNetwork.address(2), 3, InMemoryNetwork.address(3)))
                .storage(FileStorage.open(disks.get(nodeId), nodeId, 1000 + nodeId, OPTIONS))
                .transport(network.transport())
                .stateMachine(machine)
                .config(RaftConfig.DEFAULT.withElectionTimeout(Duration.ofMillis(200)))
                .observer(new RaftObserver() {
                    @Override
                    public void onStopped(@Nullable Throwable cause) {
                        stop.complete(cause == null ? new IllegalStateException("it was closed") : cause);
                    }
                }).start());
        }
    }

    /** Until somebody leads, who takes it: while they start, leaders may change. */
    private void propose(String command) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
        while (System.nanoTime() - end < 0) {
            for (RaftServer server : servers.values()) {
                try {
                    server.propose(command.getBytes(StandardCharsets.UTF_8)).get(WAIT_SECONDS, TimeUnit.SECONDS);
                    proposed.add(command);
                    return;
                } catch (ExecutionException e) {
                    assertInstanceOf(NotLeaderException.class, e.getCause(), "nothing happened, and the next one is asked");
                }
            }
            Thread.onSpinWait();
        }
        throw new AssertionError("nobody leads");
    }

    private void awaitAll() {
        await(() -> machines.values().stream().allMatch(machine -> machine.commands().size() == proposed.size()));
        machines.values().forEach(machine -> assertEquals(proposed, machine.commands()));
    }

    private static void await(BooleanSupplier condition) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() - end < 0, "waited in vain");
            Thread.yield();
        }
    }

    /** Turns a bit of the entry that holds this command; returns its name. */
    private EntryId damage(int nodeId, String command) {
        SimulatedFiles disk = disks.get(nodeId);
        byte[] wanted = command.getBytes(StandardCharsets.UTF_8);
        for (String name : disk.list()) {
            byte[] bytes = disk.bytes(name);
            for (int at = Entry.HEADER_BYTES; name.startsWith("log-") && at + wanted.length <= bytes.length; at++) {
                if (Arrays.mismatch(bytes, at, at + wanted.length, wanted, 0, wanted.length) < 0) {
                    EntryId id = Entry.decode(bytes, at - Entry.HEADER_BYTES, bytes.length).id();
                    disk.flip(name, at + 3, 5);
                    return id;
                }
            }
        }
        throw new AssertionError(command + " is not on the disk of node " + nodeId);
    }

    @Test
    void withOneDamagedEntryOnEachDiskTheGroupServesAndHeals() throws Exception {
        List<EntryId> damaged = new ArrayList<>();
        for (int nodeId = 1; nodeId <= 3; nodeId++) {
            damaged.add(damage(nodeId, proposed.get(7 * nodeId)));
        }
        assertEquals(3, damaged.stream().distinct().count());
        startAll();
        propose("after");
        awaitAll();
        servers.values().forEach(server -> {
            assertEquals(1, server.metrics().damageFound());
            assertEquals(1, server.metrics().entriesRepaired());
        });
        stopAll();
        // All of it is durable: nobody has to ask again.
        disks.replaceAll((nodeId, disk) -> disk.restart(Loss.LOSES_ALL, new Random(nodeId)));
        startAll();
        awaitAll();
        servers.values().forEach(server -> assertEquals(0, server.metrics().damageFound()));
    }

    @Test
    void anEntryThatIsDamagedOnEveryDiskIsSaidToBeLostAndAllStop() throws Exception {
        List<EntryId> lost = new ArrayList<>();
        for (int nodeId = 1; nodeId <= 3; nodeId++) {
            lost.add(damage(nodeId, proposed.get(20)));
            damage(nodeId, proposed.get(30 + nodeId));      // these could be had
        }
        assertEquals(1, lost.stream().distinct().count());
        startAll();
        for (CompletableFuture<Throwable> stop : stops.values()) {
            StorageException cause = assertInstanceOf(StorageException.class, stop.get(WAIT_SECONDS, TimeUnit.SECONDS));
            String message = String.valueOf(cause.getMessage());
            assertTrue(message.contains("Entry " + lost.get(0) + " is damaged") && message.contains("every other member has said"), message);
        }
        machines.values().forEach(machine -> assertTrue(machine.commands().size() <= 20, "nothing is applied from there on"));
    }
}
