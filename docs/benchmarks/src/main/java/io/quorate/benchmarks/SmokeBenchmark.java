package io.quorate.benchmarks;

import io.quorate.raft.Command;
import io.quorate.raft.RaftServer;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.StateMachine;
import io.quorate.raft.client.RaftClient;
import io.quorate.raft.netty.NettyClientTransport;
import io.quorate.raft.netty.NettyTransport;
import io.quorate.raft.storage.FileStorage;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Tells whether replication is as fast as it was: three replicas in this one process, fsynced files, sockets on loopback, a state machine
 * that does nothing, and a fixed number of proposals outstanding at the leader. All three share this machine's processors and disk, so the
 * numbers compare one build with another on one machine, and say little about three machines.
 */
public final class SmokeBenchmark {

    private static final int OUTSTANDING = 64;
    private static final int PAYLOAD_BYTES = 128;
    private static final long WARMUP_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final long MEASURED_NANOS = TimeUnit.SECONDS.toNanos(10);
    private static final int SAMPLES_MAX = 4_000_000;

    /** Does nothing, so that nothing but replication is measured. */
    private static final class Nothing implements StateMachine {

        private static final byte[] EMPTY = new byte[0];

        @Override
        public byte[] apply(Command command) {
            return EMPTY;
        }

        @Override
        public byte[] query(byte[] query) {
            return EMPTY;
        }
    }

    private final RaftServer leader;
    private final byte[] payload = new byte[PAYLOAD_BYTES];
    private final long begin = System.nanoTime();
    private final long[] latenciesNanos = new long[SAMPLES_MAX];      // this and below: guarded by this
    private int samples;
    private int open;
    private final CompletableFuture<Void> done = new CompletableFuture<>();

    private SmokeBenchmark(RaftServer leader) {
        this.leader = leader;
    }

    /** Runs the benchmark, and prints one line. */
    public static void main(String[] arguments) throws Exception {
        Path directory = Files.createTempDirectory("quorate-bench-");
        Runtime.getRuntime().addShutdownHook(new Thread(() -> Benchmarks.delete(directory), "clean-up"));
        List<RaftServer> servers = start(directory, members());
        try {
            new SmokeBenchmark(awaitLeader(servers)).run();
        } finally {
            servers.forEach(RaftServer::close);
        }
    }

    private static Map<Integer, String> members() throws IOException {
        Map<Integer, String> members = new TreeMap<>();
        List<ServerSocket> held = new ArrayList<>();      // all at once, so that no port comes twice
        try {
            for (int nodeId = 1; nodeId <= 3; nodeId++) {
                ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                held.add(socket);
                members.put(nodeId, "127.0.0.1:" + socket.getLocalPort());
            }
        } finally {
            for (ServerSocket socket : held) {
                socket.close();
            }
        }
        return members;
    }

    private static List<RaftServer> start(Path directory, Map<Integer, String> members) {
        List<RaftServer> servers = new ArrayList<>();
        members.forEach((nodeId, address) -> servers.add(RaftServer.builder()
            .members(members)
            .storage(FileStorage.open(directory.resolve("node" + nodeId), nodeId))
            .transport(NettyTransport.builder().bind(address).build())
            .stateMachine(new Nothing())
            .start()));
        return servers;
    }

    private static RaftServer awaitLeader(List<RaftServer> servers) throws Exception {
        List<String> addresses = servers.stream().map(RaftServer::address).toList();
        try (RaftClient client = RaftClient.builder(new NettyClientTransport(), addresses).build()) {
            client.propose(new byte[PAYLOAD_BYTES]).get();
        }
        for (RaftServer server : servers) {
            if (server.status().state() == ServerStatus.State.LEADER) {
                return server;
            }
        }
        throw new IllegalStateException("The leader was deposed before anything was measured; is this machine very busy?");
    }

    private void run() throws Exception {
        synchronized (this) {
            open = OUTSTANDING;
        }
        for (int i = 0; i < OUTSTANDING; i++) {
            propose();
        }
        done.get();
        report();
    }

    private void propose() {
        long start = System.nanoTime();
        leader.propose(payload).whenComplete((result, failure) -> {
            if (failure != null) {
                done.completeExceptionally(failure);
            } else {
                onAcknowledged(start);
            }
        });
    }

    private void onAcknowledged(long start) {
        long now = System.nanoTime();
        boolean isOver = now - begin >= WARMUP_NANOS + MEASURED_NANOS;
        synchronized (this) {
            if (!isOver && now - begin >= WARMUP_NANOS && samples < SAMPLES_MAX) {
                latenciesNanos[samples++] = now - start;
            }
            if (isOver && --open == 0) {
                done.complete(null);
            }
        }
        if (!isOver) {
            propose();
        }
    }

    private synchronized void report() {
        long[] sorted = Arrays.copyOf(latenciesNanos, samples);
        Arrays.sort(sorted);
        System.out.println("bench: replicas=3 payload_bytes=" + PAYLOAD_BYTES + " outstanding=" + OUTSTANDING + " operations=" + samples
            + " ops_per_s=" + samples / TimeUnit.NANOSECONDS.toSeconds(MEASURED_NANOS) + " p50_us=" + micros(sorted, 0.50) + " p99_us="
            + micros(sorted, 0.99));
    }

    private static long micros(long[] sorted, double share) {
        return sorted.length == 0 ? -1 : TimeUnit.NANOSECONDS.toMicros(sorted[(int) (share * (sorted.length - 1))]);
    }
}
