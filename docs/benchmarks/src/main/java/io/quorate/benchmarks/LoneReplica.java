package io.quorate.benchmarks;

import io.quorate.benchmarks.harness.Cell;
import io.quorate.benchmarks.harness.Group;
import io.quorate.benchmarks.harness.Report;
import io.quorate.benchmarks.harness.Tally;
import io.quorate.raft.MembershipTarget;
import io.quorate.raft.RaftServer;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.SnapshotPolicy;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.netty.NettyTransport;
import io.quorate.raft.storage.FileStorage;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One replica of Quorate in a process of its own, which does what it is told line by line. Times that it reports are those of the clock
 * that all processes of a machine share ({@link System#nanoTime} on Linux), so whoever started it can set them off against its own.
 */
public final class LoneReplica {

    private static final long PROBE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);
    private static final long WATCH_NANOS = TimeUnit.MILLISECONDS.toNanos(1);
    private static final String SNAPSHOTS = "snapshots";

    private final RaftServer server;
    private final Tally tally;
    private final Cell cell;
    private final long beganNanos;
    private final byte[] command;
    private volatile @Nullable Probe probe;
    private long cpuNanos;

    private LoneReplica(RaftServer server, Tally tally, long beganNanos, int commandBytes, int outstanding) {
        this.server = server;
        this.tally = tally;
        this.beganNanos = beganNanos;
        command = new byte[commandBytes];
        cell = new Cell(new Alone(server, tally), commandBytes, outstanding, 0);
    }

    /**
     * Runs it.
     *
     * @param arguments node id, {@code id=address} of all with commas between them, directory, bytes of a command, outstanding, the
     *                  election timeout in milliseconds, and {@code snapshots} if it is to take any
     */
    public static void main(String[] arguments) throws Exception {
        int nodeId = Integer.parseInt(arguments[0]);
        Map<Integer, String> members = new TreeMap<>();
        for (String member : arguments[1].split(",")) {
            String[] pair = member.split("=");
            members.put(Integer.parseInt(pair[0]), pair[1]);
        }
        Tally tally = new Tally();
        long begin = System.nanoTime();
        try (RaftServer server = RaftServer.builder()
            .members(members)
            .storage(FileStorage.open(Path.of(arguments[2]), nodeId))
            .transport(NettyTransport.builder().bind(Objects.requireNonNull(members.get(nodeId))).build())
            .stateMachine(new TallyMachine(tally))
            .config(RaftConfig.DEFAULT.withElectionTimeout(Duration.ofMillis(Long.parseLong(arguments[5]))))
            .snapshots(arguments[6].equals(SNAPSHOTS) ? SnapshotPolicy.DEFAULT : SnapshotPolicy.DEFAULT.withLogBytesMin(Long.MAX_VALUE / 2))
            .start()) {
            LoneReplica replica = new LoneReplica(server, tally, begin, Integer.parseInt(arguments[3]), Integer.parseInt(arguments[4]));
            Report.print(Map.of("ready", System.nanoTime()));
            BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                Report.print(replica.obey(line));
            }
        } catch (Exception | LinkageError e) {
            e.printStackTrace();
            Report.print(Map.of("failed", e.toString()));
        }
        Runtime.getRuntime().halt(0);
    }

    private Map<String, Object> obey(String order) throws Exception {
        String[] words = order.split(" ");
        return switch (words[0]) {
            case "state" -> state();
            case "usage" -> usage();
            case "reach" -> reach(Long.parseLong(words[1]));
            case "admit" -> admit(Integer.parseInt(words[1]));
            case "probe" -> probe();
            case "rest" -> rest();
            default -> cell.obey(order);
        };
    }

    private Map<String, Object> state() {
        ServerStatus status = server.status();
        return Map.of("state", status.state(), "applied", status.appliedIndex(), "last", status.lastIndex(), "strangers",
            status.strangers().size(), "count", tally.count());
    }

    /** Processor time of this process since the last time it was asked. */
    private Map<String, Object> usage() {
        long before = cpuNanos;
        cpuNanos = Clock.ofProcess().cpuNanos();
        return Map.of("cpuNanos", cpuNanos - before);
    }

    /** Waits until so much is applied; how long that took since the data directory was opened, and how much memory was used at most. */
    private Map<String, Object> reach(long index) {
        while (server.status().appliedIndex() < index) {
            LockSupport.parkNanos(WATCH_NANOS);
        }
        long now = System.nanoTime();
        long peak = 0;
        for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
            if (pool.getType() == MemoryType.HEAP) {
                peak += pool.getPeakUsage().getUsed();
            }
        }
        System.gc();
        return Map.of("reachedNanos", now, "sinceOpenNanos", now - beganNanos, "peakHeapBytes", peak, "heapBytes",
            ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
    }

    /** Lets a blank replica of this node in, in place of the one that was there. */
    private Map<String, Object> admit(int nodeId) throws Exception {
        ServerStatus status = server.status();
        Membership membership = Objects.requireNonNull(status.membership());
        Member member = status.strangers().stream().filter(stranger -> stranger.replica().nodeId() == nodeId)
            .map(stranger -> new Member(stranger.replica(), stranger.address())).findFirst().orElseThrow();
        long begin = System.nanoTime();
        server.changeMembership(MembershipTarget.from(membership).withVoter(member)).get();
        return Map.of("beganNanos", begin, "last", status.lastIndex());
    }

    /** From now on proposes, one command after the other, and tells of the first that is committed. */
    private Map<String, Object> probe() {
        Probe next = new Probe();
        probe = next;
        Thread thread = new Thread(next, "probe");
        thread.setDaemon(true);
        thread.start();
        return Map.of("probing", true);
    }

    private Map<String, Object> rest() {
        probe = null;
        return Map.of("resting", true);
    }

    private final class Probe implements Runnable {

        private final AtomicBoolean isTold = new AtomicBoolean();

        @Override
        public void run() {
            while (probe == this) {
                server.propose(command).thenRun(() -> {
                    if (isTold.compareAndSet(false, true)) {
                        Report.print(Map.of("committedNanos", System.nanoTime()));
                    }
                });
                LockSupport.parkNanos(PROBE_NANOS);
            }
        }
    }

    /** The replica of this process as a group: to be loaded only while it leads. */
    private record Alone(RaftServer server, Tally tally) implements Group {

        @Override
        public void propose(byte[] command, Completion completion) {
            server.propose(command).whenComplete((result, failure) -> {
                if (failure == null) {
                    completion.done();
                } else {
                    completion.failed(failure);
                }
            });
        }

        @Override
        public void compact() {
            return;
        }

        @Override
        public List<Tally> tallies() {
            return List.of(tally);
        }

        @Override
        public void close() {
            server.close();
        }
    }
}
