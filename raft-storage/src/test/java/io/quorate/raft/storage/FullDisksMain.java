package io.quorate.raft.storage;

import io.quorate.raft.Command;
import io.quorate.raft.NotLeaderException;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.RaftServer;
import io.quorate.raft.RequestRefusedException;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.StateMachine;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.core.Refusal;
import io.quorate.raft.testing.InMemoryNetwork;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Three servers under load, in one process, each with its data directory on a small file system of its own, which fill up and have room
 * again: see {@link TmpfsTest}. Ends with 0 if all went as it must.
 */
final class FullDisksMain implements AutoCloseable {

    private static final long WAIT_NANOS = TimeUnit.SECONDS.toNanos(60);
    private static final int COMMAND_BYTES = 4 << 10;
    private static final FileStorage.Options OPTIONS = FileStorage.Options.defaults().withSegmentBytes(1 << 20);

    /** Remembers the numbers of all its commands. */
    private static final class Numbers implements StateMachine {

        private final TreeSet<Long> applied = new TreeSet<>();

        @Override
        public byte[] apply(Command command) {
            applied.add(ByteBuffer.wrap(command.bytes()).getLong());
            return new byte[0];
        }

        @Override
        public byte[] query(byte[] query) {
            ByteBuffer all = ByteBuffer.allocate(applied.size() * Long.BYTES);
            applied.forEach(all::putLong);
            return all.array();
        }
    }

    private final Path base;
    private final InMemoryNetwork network = new InMemoryNetwork();
    private final Map<Integer, RaftServer> servers = new TreeMap<>();
    private final List<Long> acknowledged = new ArrayList<>();
    private long next;
    private int refused;

    private FullDisksMain(Path base) {
        this.base = base;
    }

    /** @param arguments the directory that holds the file systems 1, 2 and 3 */
    public static void main(String[] arguments) throws IOException {
        Thread parent = new Thread(() -> {
            try {
                while (System.in.read() >= 0) {
                    continue;
                }
            } catch (IOException e) {
                // as good as its end
            }
            Runtime.getRuntime().halt(2);
        });
        parent.setDaemon(true);
        parent.start();
        try (FullDisksMain group = new FullDisksMain(Path.of(arguments[0]))) {
            group.run();
        }
    }

    private void run() throws IOException {
        start();
        write(100);
        int full = leader();
        fill(full);
        int before = acknowledged.size();
        until("the lead has passed from a full disk", () -> {
            write(1);
            return leader() != full;
        });
        say("handed over after " + (acknowledged.size() - before) + " more");
        write(50);

        for (int nodeId = 1; nodeId <= 3; nodeId++) {
            fill(nodeId);
        }
        before = acknowledged.size();
        until("commands are refused", () -> {
            tryToWrite();
            return refused > 3;
        });
        say("refused after " + (acknowledged.size() - before) + " more");
        check();

        close();
        start();        // on disks without a byte left, twice
        close();
        start();
        check();
        int still = refused;
        until("commands are refused after a restart too", () -> {
            tryToWrite();
            return refused > still;
        });
        check();

        for (int nodeId = 1; nodeId <= 3; nodeId++) {
            Files.delete(filler(nodeId));
        }
        write(100);     // by itself
        check();
        close();
        start();
        check();
        say("good, " + acknowledged.size() + " acknowledged, " + refused + " refused");
    }

    private static void say(String what) {
        System.out.println(what);
    }

    private void start() {
        Map<Integer, String> members = new TreeMap<>();
        for (int nodeId = 1; nodeId <= 3; nodeId++) {
            members.put(nodeId, InMemoryNetwork.address(nodeId));
        }
        for (int nodeId = 1; nodeId <= 3; nodeId++) {
            servers.put(nodeId, RaftServer.builder().members(members)
                .storage(FileStorage.open(base.resolve(String.valueOf(nodeId)).resolve("data"), nodeId, OPTIONS))
                .transport(network.transport()).stateMachine(new Numbers())
                .config(RaftConfig.DEFAULT.withElectionTimeout(Duration.ofMillis(500))).start());
        }
    }

    @Override
    public void close() {
        servers.values().forEach(RaftServer::close);
        servers.clear();
    }

    private Path filler(int nodeId) {
        return base.resolve(String.valueOf(nodeId)).resolve("filler");
    }

    /** Takes every byte that is left. */
    private void fill(int nodeId) throws IOException {
        try (FileChannel file = FileChannel.open(filler(nodeId), StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
            for (int bytes = 1 << 16; bytes > 0; ) {
                try {
                    file.write(ByteBuffer.allocate(bytes));
                } catch (IOException e) {
                    bytes /= 2;
                }
            }
        }
    }

    private int leader() {
        int[] found = new int[1];
        until("somebody leads", () -> {
            for (Map.Entry<Integer, RaftServer> each : servers.entrySet()) {
                ServerStatus status = each.getValue().status();
                if (status.state() == ServerStatus.State.STOPPED) {
                    throw new IllegalStateException(status.problem());
                }
                found[0] = status.state() == ServerStatus.State.LEADER ? each.getKey() : found[0];
            }
            return found[0] > 0;
        });
        return found[0];
    }

    private void write(int count) {
        int enough = acknowledged.size() + count;
        until(count + " more are acknowledged", () -> {
            tryToWrite();
            return acknowledged.size() >= enough;
        });
    }

    private void tryToWrite() {
        long number = ++next;
        byte[] command = ByteBuffer.allocate(COMMAND_BYTES).putLong(number).array();
        RuntimeException failure = outcome(() -> servers.get(leader()).propose(command).get(30, TimeUnit.SECONDS));
        if (failure == null) {
            acknowledged.add(number);
        } else if (failure instanceof RequestRefusedException why && why.reason() == Refusal.Reason.DISK_FULL) {
            refused++;
        } else if (!(failure instanceof NotLeaderException) && !(failure instanceof OutcomeUnknownException)) {
            throw failure;
        }
    }

    private interface Call {
        void run() throws ExecutionException, InterruptedException, TimeoutException;
    }

    private static RuntimeException outcome(Call call) {
        try {
            call.run();
            return null;
        } catch (ExecutionException e) {
            return e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
        } catch (InterruptedException | TimeoutException e) {
            return new IllegalStateException(e);
        }
    }

    /** Reads, and compares with what was acknowledged. */
    private void check() {
        Set<Long> seen = new HashSet<>();
        until("a read is served", () -> outcome(() -> {
            ByteBuffer all = ByteBuffer.wrap(servers.get(leader()).read(new byte[0]).get(30, TimeUnit.SECONDS));
            while (all.hasRemaining()) {
                seen.add(all.getLong());
            }
        }) == null);
        if (!seen.containsAll(acknowledged)) {
            throw new IllegalStateException("LOST: acknowledged " + acknowledged + ", seen " + new TreeSet<>(seen));
        }
    }

    private interface Condition {
        boolean holds();
    }

    private static void until(String what, Condition condition) {
        long begun = System.nanoTime();
        while (!condition.holds()) {
            if (System.nanoTime() - begun > WAIT_NANOS) {
                throw new IllegalStateException("In vain: " + what);
            }
            Thread.onSpinWait();
        }
    }
}
