package io.quorate.examples.election;

import io.quorate.examples.Running;
import io.quorate.examples.launcher.ReplicaMain;
import io.quorate.raft.client.RaftClient;
import io.quorate.raft.election.Elections;
import io.quorate.raft.election.LeaderTask;
import io.quorate.raft.election.Leadership;
import io.quorate.raft.netty.NettyClientTransport;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** A candidate for an office, in a process of its own, that does nothing with it but to say so. It is a client of the group. */
final class CandidateMain implements Running, LeaderTask<Leadership> {

    /** A pause that is reported outlasts each lease by this. */
    private static final Duration PAUSE_BEYOND = Duration.ofMillis(500);

    private final int number;
    private final PrintStream out;
    private final RaftClient client;
    private final Elections elections;
    private final PauseWatch pauses;
    private final CompletableFuture<Integer> stopped = new CompletableFuture<>();

    private CandidateMain(List<String> arguments, PrintStream out) {
        this.out = out;
        number = Integer.parseInt(arguments.get(0));
        Duration ttl = Duration.ofMillis(Long.parseLong(arguments.get(2)));
        pauses = new PauseWatch(ttl.plus(PAUSE_BEYOND), (leadership, millis, isValid) ->
            tell("woke after " + millis + " ms with fence " + leadership.fencingToken() + " valid: " + isValid));
        client = RaftClient.builder(new NettyClientTransport(), List.of(arguments.get(3).split(","))).build();
        elections = Elections.open(client, Elections.Options.DEFAULT.withTtl(ttl));
        elections.election(arguments.get(1)).campaign(("candidate " + number).getBytes(StandardCharsets.UTF_8), this,
            Threads.daemons(1, "leader-task"));
        tell("stands");
    }

    /**
     * Runs it.
     *
     * @param arguments as {@link ReplicaMain} says; then its number, the office's name, the lease's time to live in milliseconds, and the
     *                  group's addresses
     */
    public static void main(String[] arguments) {
        ReplicaMain.run(arguments, (own, out) -> Optional.of(new CandidateMain(own, out)));
    }

    @Override
    public void start(Leadership leadership) {
        tell("leads with fence " + leadership.fencingToken());
        pauses.watch(leadership);
    }

    @Override
    public void stop(Leadership leadership, Leadership.Reason why) {
        tell("stops: " + why);
    }

    @Override
    public int awaitStop() {
        return stopped.join();
    }

    @Override
    public void close() {
        elections.close();
        client.close();
        stopped.complete(0);
    }

    private void tell(String what) {
        synchronized (out) {
            out.println("candidate " + number + " " + what);
            out.flush();
        }
    }
}
