package io.quorate.examples.election;

import io.quorate.examples.launcher.Directories;
import io.quorate.examples.launcher.Forwarder;
import io.quorate.examples.launcher.FreePorts;
import io.quorate.raft.RaftServer;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.Sessions;
import io.quorate.raft.client.RaftClient;
import io.quorate.raft.election.LeasedKeys;
import io.quorate.raft.netty.NettyClientTransport;
import io.quorate.raft.netty.NettyTransport;
import io.quorate.raft.storage.FileStorage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A group of three that keeps leases, in this one process and a directory that is deleted at the end, for programs that show something. */
final class SmallGroup implements AutoCloseable {

    private static final Duration ELECTION = Duration.ofSeconds(60);
    private static final long LOOK_MILLIS = 20;
    private static final Duration CALL_TIMEOUT = Duration.ofSeconds(5);

    private final Path directory;
    private final Map<Integer, String> members = new TreeMap<>();
    private final List<RaftServer> servers = new ArrayList<>();

    SmallGroup() throws IOException {
        directory = Files.createTempDirectory("quorate-small-");
        for (int port : FreePorts.find(3)) {
            members.put(members.size() + 1, "127.0.0.1:" + port);
        }
        members.forEach((nodeId, address) -> servers.add(RaftServer.builder()
            .members(members)
            .storage(FileStorage.open(directory.resolve("node" + nodeId), nodeId))
            .transport(NettyTransport.builder().bind(address).build())
            .stateMachine(Sessions.around(new LeasedKeys()))
            .start()));
        awaitLeader();
    }

    private void awaitLeader() {
        long begin = System.nanoTime();
        while (servers.stream().noneMatch(server -> server.status().state() == ServerStatus.State.LEADER)) {
            if (System.nanoTime() - begin > ELECTION.toNanos()) {
                close();
                throw new IllegalStateException("The group has no leader after " + ELECTION);
            }
            Holders.pause(LOOK_MILLIS);
        }
    }

    /** Where its replicas are reached. */
    List<String> addresses() {
        return List.copyOf(members.values());
    }

    /** A way to this group that can be cut for one client alone. */
    final class Line implements AutoCloseable {

        private final Map<String, Forwarder> wires = new TreeMap<>();
        private final RaftClient client;

        Line() {
            Map<String, String> ways = new TreeMap<>();
            for (String address : addresses()) {
                Forwarder wire = new Forwarder();
                wire.forwardTo(address);
                wires.put(address, wire);
                ways.put(address, wire.address());
            }
            client = RaftClient.builder(new WiredTransport(new NettyClientTransport(), ways), addresses())
                .callTimeout(CALL_TIMEOUT).build();
        }

        /** Who is at its end. */
        RaftClient client() {
            return client;
        }

        void cut() {
            wires.values().forEach(Forwarder::cut);
        }

        void mend() {
            wires.values().forEach(Forwarder::restore);
        }

        @Override
        public void close() {
            client.close();
            wires.values().forEach(Forwarder::close);
        }
    }

    @Override
    public void close() {
        servers.forEach(RaftServer::close);
        Directories.deleteQuietly(directory);
    }
}
