package io.quorate.benchmarks.jgroups;

import io.quorate.benchmarks.harness.Group;
import io.quorate.benchmarks.harness.Ports;
import io.quorate.benchmarks.harness.ReplicatedSystem;
import io.quorate.benchmarks.harness.Tally;
import io.quorate.benchmarks.harness.Versions;
import java.io.ByteArrayInputStream;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jgroups.JChannel;
import org.jgroups.raft.Options;
import org.jgroups.raft.RaftHandle;
import org.jgroups.raft.StateMachine;

/**
 * jgroups-raft on TCP, with its log in files that it forces. The stack is JGroups' own for TCP, with the protocols that jgroups-raft adds,
 * and without SLF4J: with it JGroups formats trace messages that nobody reads. Two defaults are changed in its favour: it does not take a
 * snapshot for every megabyte of log, and its cache of the log's end holds all that is ever under way here.
 */
public final class JGroupsRaft implements ReplicatedSystem {

    @Override
    public String name() {
        return "jgroups-raft";
    }

    @Override
    public String version() {
        return Versions.of("org.jgroups", "jgroups-raft");
    }

    @Override
    public Group open(Path directory, int replicas) throws Exception {
        return new Replicas(directory, Ports.free(replicas));
    }

    private static final class Replicas implements Group {

        private static final Options OPTIONS = Options.create(true);        // nobody wants what the state machine returned

        private final List<RaftHandle> handles = new ArrayList<>();
        private final List<Tally> tallies = new ArrayList<>();
        private RaftHandle leader;

        private Replicas(Path directory, List<Integer> ports) throws Exception {
            String hosts = ports.stream().map(port -> "127.0.0.1[" + port + "]").collect(Collectors.joining(","));
            String members = IntStream.rangeClosed(1, ports.size()).mapToObj(id -> "r" + id).collect(Collectors.joining(","));
            for (int id = 1; id <= ports.size(); id++) {
                Tally tally = new Tally();
                JChannel channel = new JChannel(stack(ports.get(id - 1), hosts, members, "r" + id, directory)).name("r" + id);
                handles.add(new RaftHandle(channel, new Machine(tally)));
                tallies.add(tally);
                channel.connect("bench");
            }
            leader = handles.get(0);
        }

        private static InputStream stack(int port, String hosts, String members, String id, Path directory) throws IOException {
            try (InputStream in = JGroupsRaft.class.getResourceAsStream("/stack.xml")) {
                String stack = new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .replace("${bench.port}", Integer.toString(port))
                    .replace("${bench.hosts}", hosts)
                    .replace("${bench.members}", members)
                    .replace("${bench.id}", id)
                    .replace("${bench.logs}", directory.toString());
                return new ByteArrayInputStream(stack.getBytes(StandardCharsets.UTF_8));
            }
        }

        @Override
        public void propose(byte[] command, Completion completion) {
            try {
                leader.setAsync(command, 0, command.length, OPTIONS).whenComplete((result, failure) -> {
                    if (failure == null) {
                        completion.done();
                    } else {
                        completion.failed(failure);
                    }
                });
            } catch (Exception e) {
                findLeader();
                completion.failed(e);
            }
        }

        private void findLeader() {
            for (RaftHandle handle : handles) {
                if (handle.isLeader()) {
                    leader = handle;
                }
            }
        }

        @Override
        public void compact() throws Exception {
            for (RaftHandle handle : handles) {
                handle.snapshot();
            }
        }

        @Override
        public List<Tally> tallies() {
            return tallies;
        }

        @Override
        public void close() {
            handles.forEach(handle -> handle.channel().close());
        }
    }

    private record Machine(Tally tally) implements StateMachine {

        @Override
        public byte[] apply(byte[] data, int offset, int length, boolean serializeResponse) {
            tally.apply(data, offset);
            return null;
        }

        @Override
        public void readContentFrom(DataInput in) throws IOException {
            long count = in.readLong();
            tally.restore(count, in.readLong());
        }

        @Override
        public void writeContentTo(DataOutput out) throws IOException {
            out.writeLong(tally.count());
            out.writeLong(tally.sum());
        }
    }
}
