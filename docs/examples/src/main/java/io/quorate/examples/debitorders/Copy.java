package io.quorate.examples.debitorders;

import io.quorate.examples.KvServer;
import io.quorate.examples.Running;
import io.quorate.examples.election.ElectionServer;
import io.quorate.examples.election.PauseWatch;
import io.quorate.examples.election.Threads;
import io.quorate.examples.election.WiredTransport;
import io.quorate.examples.launcher.ReplicaMain;
import io.quorate.raft.client.RaftClient;
import io.quorate.raft.election.Elections;
import io.quorate.raft.election.LeaderTask;
import io.quorate.raft.election.Leadership;
import io.quorate.raft.netty.NettyClientTransport;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * One of three copies of the service. Each is a replica of the group that keeps the leases, and a candidate for the office of the
 * scheduler, so that the service needs no other system but its ledger. Its candidate is a client of the group like any other: the group's
 * leader and the holder of the office need not be the same copy.
 */
final class Copy implements Running {

    /** Of the office, and of the scheduler in the ledger. */
    static final String NAME = "debit-orders";
    /** Of the lease: a copy that dies is replaced after that. */
    static final Duration TTL = Duration.ofSeconds(2);

    private static final Duration PAUSE_BEYOND = Duration.ofMillis(500);
    private static final List<String> OWN_OPTIONS = List.of("--plan", "--ledger", "--links");

    private final Running replica;
    private final RaftClient client;
    private final Elections elections;

    private Copy(Running replica, int number, Map<Integer, String> addresses, Map<String, String> own, PrintStream out) {
        this.replica = replica;
        Voice voice = new Voice(number, out);
        // Only the run that tries to break all this needs wires of its own for each copy. A service uses its transport as it is.
        WiredTransport transport = new WiredTransport(new NettyClientTransport(), Wires.linksOf(number, own.get("--links"), addresses));
        client = RaftClient.builder(transport, List.copyOf(addresses.values())).build();
        elections = Elections.open(client, Elections.Options.DEFAULT.withTtl(TTL));
        PauseWatch pauses = new PauseWatch(TTL.plus(PAUSE_BEYOND), (leadership, millis, isValid) -> voice.tell("woke after " + millis
            + " ms with fence " + leadership.fencingToken() + " valid: " + isValid));
        DebitTask task = new DebitTask(NAME, Path.of(own.get("--plan")), own.get("--ledger"), voice::tell);
        elections.election(NAME).campaign(addresses.get(number).getBytes(StandardCharsets.UTF_8), new LeaderTask<Leadership>() {
            @Override
            public void start(Leadership leadership) throws Exception {
                pauses.watch(leadership);
                task.start(leadership);
            }

            @Override
            public void stop(Leadership leadership, Leadership.Reason why) throws Exception {
                task.stop(leadership, why);
            }
        }, Threads.daemons(1, "leader-task"));
    }

    private record Voice(int number, PrintStream out) {
        void tell(String what) {
            synchronized (out) {
                out.println("copy " + number + " " + what);
                out.flush();
            }
        }
    }

    /** Runs it, as {@link ReplicaMain} does. The command line is the replica's, with what is this service's own among it. */
    public static void main(String[] arguments) {
        ReplicaMain.run(arguments, Copy::start);
    }

    private static Optional<? extends Running> start(List<String> arguments, PrintStream out) throws KvServer.StartFailedException {
        Map<String, String> own = new TreeMap<>();
        Map<String, String> replicas = new TreeMap<>();
        List<String> others = new ArrayList<>();
        for (int i = 0; i + 1 < arguments.size(); i += 2) {
            String name = arguments.get(i);
            String value = arguments.get(i + 1);
            if (OWN_OPTIONS.contains(name)) {
                own.put(name, value);
            } else {
                replicas.put(name, value);
                others.addAll(List.of(name, value));
            }
        }
        Map<Integer, String> addresses = new TreeMap<>();
        for (String member : replicas.getOrDefault("--members", "").split(",")) {
            addresses.put(Integer.parseInt(member.substring(0, member.indexOf('='))), member.substring(member.indexOf('=') + 1));
        }
        int number = Integer.parseInt(replicas.getOrDefault("--id", ""));
        return ElectionServer.start(others, out).map(replica -> new Copy(replica, number, addresses, own, out));
    }

    @Override
    public int awaitStop() {
        return replica.awaitStop();
    }

    @Override
    public void close() {
        elections.close();      // first: the next copy begins at once, while this one's replica still helps to decide so
        client.close();
        replica.close();
    }
}
