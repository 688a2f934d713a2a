package io.quorate.examples;

import io.quorate.raft.FoundingRecord;
import io.quorate.raft.RaftObserver;
import io.quorate.raft.RaftServer;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.SnapshotPolicy;
import io.quorate.raft.StateMachine;
import io.quorate.raft.StorageException;
import io.quorate.raft.TransportException;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.netty.NettyTransport;
import io.quorate.raft.storage.FileStorage;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** One replica of the key-value store, as a program. It prints a line for each change of its state, and logs to the standard error. */
public final class KvServer implements Running {

    /** What this program ends with. */
    public static final int EXIT_OK = 0;
    /** The replica ran, and had to stop: its disk failed, or it found something broken. */
    public static final int EXIT_FAILED = 1;
    /** The command line is wrong. */
    public static final int EXIT_USAGE = 2;
    /** The data directory cannot be used: in use, another node's, or damaged. */
    public static final int EXIT_DATA = 3;
    /** The address cannot be used: most often because another process has the port. */
    public static final int EXIT_ADDRESS = 4;

    private static final String HELP = """
        Runs one replica of a replicated key-value store. It stops on Ctrl-C.

          --id N                   which node of the group this is (required)
          --members LIST           the group's first members, the same on each node (required):
                                   1=host:port,2=host:port,3=host:port
                                   for a node that is to come into a group that lives: itself, and members of it
          --data DIR               this replica's data directory; made if missing (required)
          --listen host:port       where to listen; this node's address in --members unless given
          --advertise host:port    where others reach this node; as in --members unless given
          --election-timeout MS    how long a silent leader is trusted, in milliseconds; 1000 unless given, 150 or more
          --segment-mib N          size of the log's files in MiB; 64 unless given
          --snapshot-mib N         a snapshot is taken when the log behind the last one has so many MiB, or four times
                                   as many as that one; 64 unless given
          --log-tail-mib N         how many MiB of log to keep behind a snapshot for replicas that lag; 64 unless given
          --no-administration      refuses what only administrators ask: changes of the membership and the like
          --insecure               allows to listen where other hosts can connect: nothing is encrypted yet,
                                   and nobody is asked who he is
          --help                   prints this

        It ends with 0 when it was stopped, 1 if it failed while it ran, 2 for a wrong command line, 3 if the data directory and 4 if the
        address cannot be used.
        """;
    private static final int ELECTION_TIMEOUT_MILLIS_MIN = 150;
    private static final int SEGMENT_MIB_MAX = 1024;
    private static final int SNAPSHOT_MIB_MAX = 1 << 20;
    private static final int PRINT_SECONDS = 2;

    private final PrintStream out;
    private final int nodeId;
    private final NettyTransport transport;
    private final RaftServer server;
    private final ExecutorService printer;

    private KvServer(Settings settings, PrintStream out, Function<Path, StateMachine> machines) {
        this.out = out;
        nodeId = settings.nodeId;
        // Printing may block, on a stopped terminal or a full pipe; no thread of the replica must.
        printer = Executors.newSingleThreadExecutor(work -> {
            Thread thread = new Thread(work, "printer");
            thread.setDaemon(true);
            return thread;
        });
        FileStorage storage = FileStorage.open(settings.data, nodeId,
            FileStorage.Options.defaults().withSegmentBytes(settings.segmentMib << 20)
                .withLogTailBytes((long) settings.logTailMib << 20));
        StateMachine machine;
        try {
            machine = machines.apply(settings.data);      // now that no other process has this directory
            tellIfGroupBeganOtherwise(settings, storage.identity().founding());
            transport = settings.transport();
        } catch (RuntimeException e) {
            storage.close();
            throw e;
        }
        server = RaftServer.builder()
            .members(settings.members)
            .storage(storage)
            .transport(transport)
            .stateMachine(machine)
            .config(RaftConfig.DEFAULT.withElectionTimeout(Duration.ofMillis(settings.electionTimeoutMillis)))
            .snapshots(SnapshotPolicy.DEFAULT.withLogBytesMin((long) settings.snapshotMib << 20))
            .observer(new Narrator())
            .start();
        print("listens at " + server.address() + ", boot " + storage.identity().boot() + " of " + settings.data);
    }

    /**
     * A founded replica knows its group from its own log, which may have changed since: others came and went, or moved. So the command line
     * does not decide; but if it differs from how the group began, perhaps this is not the directory that was meant.
     */
    private void tellIfGroupBeganOtherwise(Settings settings, @Nullable FoundingRecord founding) {
        if (founding == null) {
            return;
        }
        Map<Integer, String> members = new TreeMap<>();
        founding.membership().members().forEach(member -> members.put(member.id().nodeId(), member.address()));
        if (!members.equals(settings.members)) {
            print("is a member of group " + founding.clusterId() + " already, which began with " + members + "; --members is looked at"
                + " only by an empty data directory");
        }
    }

    /** Runs a replica until it is stopped. */
    public static void main(String[] arguments) {
        run(arguments, data -> new KvStateMachine());
    }

    /** The same with another state than the store's. */
    public static void run(String[] arguments, Function<Path, StateMachine> machines) {
        Optional<KvServer> started;
        try {
            started = start(List.of(arguments), System.out, machines);
        } catch (StartFailedException e) {
            System.err.println("error: " + e.getMessage());
            System.exit(e.exitCode());
            return;
        }
        if (started.isPresent()) {
            KvServer running = started.get();
            Runtime.getRuntime().addShutdownHook(new Thread(running::close, "shutdown"));
            System.exit(running.awaitStop());
        }
    }

    /**
     * Starts a replica as this command line says.
     *
     * @return the replica, or nothing if only help was wanted
     * @throws StartFailedException if it cannot be started; nothing runs then
     */
    public static Optional<KvServer> start(List<String> arguments, PrintStream out) throws StartFailedException {
        return start(arguments, out, data -> new KvStateMachine());
    }

    /**
     * The same with another state than the store's.
     *
     * @param machines makes or opens the one that belongs to this data directory; not in it, for that is the log's
     */
    public static Optional<KvServer> start(List<String> arguments, PrintStream out, Function<Path, StateMachine> machines)
            throws StartFailedException {
        try {
            Settings settings = Settings.of(arguments);
            if (settings == null) {
                out.print(HELP);
                return Optional.empty();
            }
            return Optional.of(new KvServer(settings, out, machines));
        } catch (UsageException | IllegalArgumentException e) {
            throw new StartFailedException(EXIT_USAGE, e);
        } catch (StorageException e) {
            throw new StartFailedException(EXIT_DATA, e);
        } catch (TransportException e) {
            throw new StartFailedException(EXIT_ADDRESS, e);
        }
    }

    @Override
    public int awaitStop() {
        Optional<Throwable> cause = server.stopped().toCompletableFuture().join();
        cause.ifPresent(why -> System.err.println("error: node " + nodeId + " had to stop: " + why.getMessage()));
        return cause.isPresent() ? EXIT_FAILED : EXIT_OK;
    }

    /** Stops the replica. Returns when its port and its directory are free. */
    @Override
    public void close() {
        server.close();
        NettyTransport.Counters counters = transport.counters();
        print("has stopped: connections accepted " + counters.connectionsAccepted() + ", refused " + counters.connectionsRefused()
            + ", closed for damaged frames " + counters.damagedFrames() + ", for forbidden frames " + counters.forbiddenFrames());
        printer.shutdown();
        try {
            printer.awaitTermination(PRINT_SECONDS, TimeUnit.SECONDS);   // if nobody reads, what is left is not worth waiting for
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void print(String what) {
        try {
            printer.execute(() -> {
                out.println("node " + nodeId + " " + what);
                out.flush();
            });
        } catch (RejectedExecutionException e) {
            // It has been closed, and said so; nothing that comes later is news.
        }
    }

    /** Why a replica did not start. */
    public static final class StartFailedException extends Exception {

        private static final long serialVersionUID = 1;

        private final int exitCode;

        StartFailedException(int exitCode, Exception cause) {
            super(cause.getMessage(), cause);
            this.exitCode = exitCode;
        }

        /** What the program ends with. */
        public int exitCode() {
            return exitCode;
        }
    }

    /** Tells what the replica goes through. */
    private final class Narrator implements RaftObserver {

        @Override
        public void onFounded(FoundingRecord record) {
            print("is a member of group " + record.clusterId());
        }

        @Override
        public void onChange(ServerStatus.State state, long term, @Nullable ReplicaId leader) {
            if (state == ServerStatus.State.LEADER) {
                print("leads in term " + term);
            } else if (leader != null) {
                print("follows node " + leader.nodeId() + " in term " + term);
            } else {
                print("knows no leader in term " + term);
            }
        }
    }

    /** What the command line says. */
    private record Settings(int nodeId, Map<Integer, String> members, Path data, String listen, String advertise,
                            int electionTimeoutMillis, int segmentMib, int snapshotMib, int logTailMib, boolean isAdministered,
                            boolean isInsecure) {

        /** Null if only help is wanted. */
        static @Nullable Settings of(List<String> arguments) throws UsageException {
            Options options = Options.parse(arguments,
                Set.of("--id", "--members", "--data", "--listen", "--advertise", "--election-timeout", "--segment-mib",
                    "--snapshot-mib", "--log-tail-mib"),
                Set.of("--no-administration", "--insecure", "--help"));
            if (options.has("--help")) {
                return null;
            }
            int nodeId = Options.number("--id", options.required("--id"), 1, Integer.MAX_VALUE);
            Map<Integer, String> members = options.members("--members");
            String own = members.get(nodeId);
            if (own == null) {
                throw new UsageException("--id " + nodeId + " is not among --members, which has " + members.keySet()
                    + "; correct one of the two");
            }
            String listen = options.optional("--listen");
            String advertise = options.optional("--advertise");
            return new Settings(nodeId, members, path(options.required("--data")),
                listen == null ? own : Options.address("--listen", listen),
                advertise == null ? own : Options.address("--advertise", advertise),
                options.number("--election-timeout", ELECTION_TIMEOUT_MILLIS_MIN, 3_600_000, 1000),
                options.number("--segment-mib", 1, SEGMENT_MIB_MAX, 64), options.number("--snapshot-mib", 1, SNAPSHOT_MIB_MAX, 64),
                options.number("--log-tail-mib", 0, SNAPSHOT_MIB_MAX, 64), !options.has("--no-administration"),
                options.has("--insecure"));
        }

        private static Path path(String text) throws UsageException {
            try {
                return Path.of(text);
            } catch (InvalidPathException e) {
                throw new UsageException("--data " + text + " is no path: " + e.getReason());
            }
        }

        NettyTransport transport() {
            NettyTransport.Builder builder = NettyTransport.builder().bind(listen).advertise(advertise);
            if (!isAdministered) {
                builder.administration(false);
            }
            if (isInsecure) {
                return builder.insecure().build();
            }
            if (isOpenToOthers()) {
                throw new IllegalArgumentException("--listen " + listen + " is open to other hosts, nothing is encrypted yet, and nobody is"
                    + " asked who he is; listen on a loopback address, or give --insecure if the network keeps strangers out");
            }
            return builder.build();
        }

        private boolean isOpenToOthers() {
            String host = listen.substring(0, listen.lastIndexOf(':'));
            try {
                return !InetAddress.getByName(host).isLoopbackAddress();
            } catch (UnknownHostException e) {
                return false;       // the transport says what is wrong with it
            }
        }
    }
}
