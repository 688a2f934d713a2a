package io.quorate.benchmarks;

import io.quorate.benchmarks.harness.Group;
import io.quorate.benchmarks.harness.Ports;
import io.quorate.benchmarks.harness.ReplicatedSystem;
import io.quorate.benchmarks.harness.Tally;
import io.quorate.benchmarks.harness.Versions;
import io.quorate.raft.Callback;
import io.quorate.raft.RaftServer;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.netty.NettyTransport;
import io.quorate.raft.storage.FileStorage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.HdrHistogram.Histogram;

/** Quorate as it comes: no option is set. */
public final class QuorateSystem implements ReplicatedSystem {

    @Override
    public String name() {
        return "quorate";
    }

    @Override
    public String version() {
        return Versions.of("io.quorate", "raft-core");
    }

    @Override
    public Group open(Path directory, int replicas) throws IOException {
        return new Replicas(directory, members(Ports.free(replicas)));
    }

    private static Map<Integer, String> members(List<Integer> ports) {
        Map<Integer, String> members = new TreeMap<>();
        for (int i = 0; i < ports.size(); i++) {
            members.put(i + 1, "127.0.0.1:" + ports.get(i));
        }
        return members;
    }

    private static final class Replicas implements Group {

        private final List<RaftServer> servers = new ArrayList<>();
        private final List<Tally> tallies = new ArrayList<>();
        private final List<WatchedStorage> disks = new ArrayList<>();
        private volatile RaftServer leader;

        private Replicas(Path directory, Map<Integer, String> members) {
            members.forEach((nodeId, address) -> {
                Tally tally = new Tally();
                WatchedStorage disk = new WatchedStorage(FileStorage.open(directory.resolve("node" + nodeId), nodeId));
                tallies.add(tally);
                disks.add(disk);
                servers.add(RaftServer.builder()
                    .members(members)
                    .storage(disk)
                    .transport(NettyTransport.builder().bind(address).build())
                    .stateMachine(new TallyMachine(tally))
                    .start());
            });
            leader = servers.get(0);
        }

        @Override
        public void propose(byte[] command, Completion completion) {
            RaftServer asked = leader;
            asked.propose(command, new Callback() {

                @Override
                public void done(byte[] result, long index) {
                    completion.done();
                }

                @Override
                public void failed(Throwable why) {
                    findLeader(asked);
                    completion.failed(why);
                }
            });
        }

        private void findLeader(RaftServer asked) {
            if (leader == asked) {
                leader = servers.get((servers.indexOf(asked) + 1) % servers.size());
            }
        }

        /** Replicas take snapshots by themselves, every 64 MiB of log, and let go of the log before. */
        @Override
        public void compact() {
            return;
        }

        @Override
        public List<Tally> tallies() {
            return tallies;
        }

        /** How much one fsync of the leader makes durable. */
        @Override
        public SortedMap<String, Object> facts() {
            SortedMap<String, Object> facts = new TreeMap<>();
            for (int i = 0; i < servers.size(); i++) {
                Histogram bytes = disks.get(i).takeBytesPerWrite();
                if (servers.get(i).status().state() == ServerStatus.State.LEADER) {
                    facts.put("writeBytesMedian", bytes.getValueAtPercentile(50));
                    facts.put("writeBytesMean", Math.round(bytes.getMean()));
                }
            }
            return facts;
        }

        @Override
        public void close() {
            servers.forEach(RaftServer::close);
        }
    }
}
