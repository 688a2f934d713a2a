package io.quorate.raft;

import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.testing.InMemoryDisk;
import io.quorate.raft.testing.InMemoryNetwork;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Servers with real threads on disks and a network in memory. */
public final class Cluster implements AutoCloseable {

    private static final long WAIT_SECONDS = 30;

    /** A state machine whose state is the list of its commands; some commands and queries misbehave on purpose. */
    public static final class Journal implements StateMachine {

        private final List<String> commands = new ArrayList<>();     // guarded by this, for tests look in from outside
        private volatile @Nullable CompletableFuture<Void> gate;
        private volatile @Nullable Runnable onApplied;
        private volatile boolean isWaiting;
        private volatile @Nullable CompletableFuture<Void> writerGate;
        private volatile boolean isEndless;
        private volatile boolean isWriting;
        private int restores;                                        // guarded by this

        public Journal() { }

        /** Runs this on the applying thread, whenever something was applied. */
        public void onApplied(Runnable listener) {
            onApplied = listener;
        }

        @Override
        public byte[] apply(Command command) {
            String text = text(command.bytes());
            CompletableFuture<Void> wait = gate;
            if (text.startsWith("wait") && wait != null) {
                isWaiting = true;
                wait.join();
            }
            if (text.startsWith("throw")) {
                throw new IllegalStateException("the machine refuses " + text);
            }
            if (text.startsWith("error")) {
                throw new AssertionError("the machine breaks at " + text);
            }
            synchronized (this) {
                commands.add(text);
            }
            Runnable listener = onApplied;
            if (listener != null) {
                listener.run();
            }
            return bytes("did " + text);
        }

        @Override
        public byte[] query(byte[] query) {
            if (text(query).equals("throw")) {
                throw new IllegalArgumentException("no such query");
            }
            return bytes(String.join(",", commands()));
        }

        @Override
        public Snapshot snapshot() {
            List<String> captured = commands();
            return out -> {
                CompletableFuture<Void> wait = writerGate;
                if (wait != null) {
                    isWriting = true;
                    wait.join();
                }
                DataOutputStream data = new DataOutputStream(out);
                data.writeInt(captured.size());
                for (String command : captured) {
                    data.writeUTF(command);
                }
                while (isEndless) {
                    data.write(0);
                }
                data.flush();
            };
        }

        @Override
        public void restore(InputStream in) throws IOException {
            DataInputStream data = new DataInputStream(in);
            List<String> restored = new ArrayList<>();
            for (int i = data.readInt(); i > 0; i--) {
                restored.add(data.readUTF());
            }
            synchronized (this) {
                commands.clear();
                commands.addAll(restored);
                restores++;
            }
            Runnable listener = onApplied;
            if (listener != null) {
                listener.run();
            }
        }

        /** How often a snapshot was restored. */
        public synchronized int restores() {
            return restores;
        }

        /** Whether a snapshot is being written that waits. */
        public boolean isWriting() {
            return isWriting;
        }

        /** Snapshots are not written until the future completes. */
        public void writerGate(CompletableFuture<Void> future) {
            writerGate = future;
        }

        /** Snapshots are never written to their end. */
        public void endless() {
            isEndless = true;
        }

        public synchronized List<String> commands() {
            return List.copyOf(commands);
        }

        /** Whether a command has come that waits. */
        public boolean isWaiting() {
            return isWaiting;
        }

        /** Commands that begin with "wait" do so until the future completes. */
        public void gate(CompletableFuture<Void> future) {
            gate = future;
        }
    }

    /** Waits for what an observer tells. */
    public final class Watcher implements RaftObserver {

        private volatile boolean wasStopped;
        private volatile @Nullable Throwable cause;
        private volatile ServerStatus.State state = ServerStatus.State.BLANK;
        private volatile @Nullable ReplicaId leader;
        private volatile long term;
        private volatile @Nullable FoundingRecord record;

        Watcher() { }

        @Override
        public void onChange(ServerStatus.State newState, long newTerm, @Nullable ReplicaId newLeader) {
            state = newState;
            term = newTerm;
            leader = newLeader;
            changed();
        }

        @Override
        public void onFounded(FoundingRecord newRecord) {
            record = newRecord;
            changed();
        }

        @Override
        public void onStopped(@Nullable Throwable why) {
            cause = why;
            wasStopped = true;
            changed();
        }

        public boolean wasStopped() {
            return wasStopped;
        }

        public @Nullable Throwable cause() {
            return cause;
        }

        public ServerStatus.State state() {
            return state;
        }

        public @Nullable ReplicaId leader() {
            return leader;
        }

        public @Nullable FoundingRecord record() {
            return record;
        }
    }

    public final InMemoryNetwork network = new InMemoryNetwork();
    public final Map<Integer, String> members = new TreeMap<>();
    public final Map<Integer, InMemoryDisk> disks = new TreeMap<>();
    public final Map<Integer, RaftServer> servers = new TreeMap<>();
    public final Map<Integer, Journal> machines = new TreeMap<>();
    public final Map<Integer, Watcher> watchers = new TreeMap<>();
    private final Object change = new Object();
    private long changes;      // guarded by change
    private long incarnations = 1000;

    public Cluster(int size) {
        for (int nodeId = 1; nodeId <= size; nodeId++) {
            members.put(nodeId, InMemoryNetwork.address(nodeId));
            disks.put(nodeId, new InMemoryDisk(nodeId, incarnations++));
        }
    }

    public static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    public static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    public void startAll() {
        members.keySet().forEach(this::start);
    }

    /** Starts all with a second's patience, for a test that counts on one leader while the machine is busy. */
    public void startAllPatient() {
        for (int nodeId : members.keySet()) {
            start(nodeId, builder -> builder.config(RaftConfig.DEFAULT.withElectionTimeout(Duration.ofSeconds(1))));
        }
    }

    public RaftServer start(int nodeId) {
        return start(nodeId, builder -> builder);
    }

    public RaftServer start(int nodeId, UnaryOperator<RaftServer.Builder> more) {
        Journal machine = new Journal();
        machine.onApplied(this::changed);
        Watcher watcher = new Watcher();
        machines.put(nodeId, machine);
        watchers.put(nodeId, watcher);
        RaftServer server = more.apply(RaftServer.builder()
            .members(members)
            .storage(disks.get(nodeId).open())
            .transport(network.transport())
            .stateMachine(machine)
            .config(RaftConfig.DEFAULT.withElectionTimeout(Duration.ofMillis(200)))
            .observer(watcher)).start();
        servers.put(nodeId, server);
        return server;
    }

    public void stop(int nodeId) {
        servers.remove(nodeId).close();
    }

    /** A new, blank disk for this node. */
    public void wipe(int nodeId) {
        disks.put(nodeId, new InMemoryDisk(nodeId, incarnations++));
    }

    /** The running server that leads and is known to all others to lead. */
    public RaftServer awaitLeader() {
        int[] found = new int[1];
        await(() -> {
            ReplicaId leader = null;
            for (Map.Entry<Integer, RaftServer> each : servers.entrySet()) {
                ReplicaId known = watchers.get(each.getKey()).leader();
                if (known == null || leader != null && !leader.equals(known)) {
                    return false;
                }
                leader = known;
            }
            if (leader == null || !servers.containsKey(leader.nodeId())
                || watchers.get(leader.nodeId()).state() != ServerStatus.State.LEADER) {
                return false;
            }
            found[0] = leader.nodeId();
            return true;
        });
        return servers.get(found[0]);
    }

    /** Proposes until it is done: leaders may change while a test starts. */
    public String propose(String command) {
        for (;;) {
            try {
                return text(get(awaitLeader().propose(bytes(command))));
            } catch (NotLeaderException e) {
                // nothing happened; the next leader takes it
            }
        }
    }

    /** Waits until what observers can change, or tests report with {@link #changed}, makes this true. */
    public void await(BooleanSupplier condition) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
        long seen = changes();
        while (!condition.getAsBoolean()) {      // not under the lock: the condition may wait for a thread that reports a change
            if (System.nanoTime() - end > 0) {
                throw new AssertionError("waited in vain; " + describe());
            }
            seen = awaitChange(seen);
        }
    }

    private long changes() {
        synchronized (change) {
            return changes;
        }
    }

    /** Returns when something has changed since, or after a moment: not everything that tests wait for is reported. */
    private long awaitChange(long seen) {
        synchronized (change) {
            if (changes == seen) {
                try {
                    change.wait(20);
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            }
            return changes;
        }
    }

    public void changed() {
        synchronized (change) {
            changes++;
            change.notifyAll();
        }
    }

    /** The future's result; its exception as it is. */
    public static <T> T get(CompletableFuture<T> future) {
        try {
            return future.get(WAIT_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException | CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new AssertionError(e);
        } catch (InterruptedException | TimeoutException e) {
            throw new AssertionError("the future did not complete", e);
        }
    }

    private String describe() {
        StringBuilder text = new StringBuilder();
        watchers.forEach((nodeId, watcher) -> text.append(nodeId).append(": ").append(watcher.state()).append(" t").append(watcher.term)
            .append(" leader ").append(watcher.leader()).append(watcher.wasStopped() ? " stopped by " + watcher.cause() : "").append("; "));
        return text.toString();
    }

    @Override
    public void close() {
        disks.values().forEach(InMemoryDisk::releaseWrites);
        machines.values().forEach(machine -> {
            CompletableFuture<Void> gate = machine.gate;
            if (gate != null) {
                gate.complete(null);
            }
            CompletableFuture<Void> writerGate = machine.writerGate;
            if (writerGate != null) {
                writerGate.complete(null);
            }
        });
        servers.values().forEach(RaftServer::close);
    }
}
