package io.quorate.benchmarks.microraft;

import io.microraft.RaftConfig;
import io.microraft.RaftEndpoint;
import io.microraft.RaftNode;
import io.microraft.model.RaftModelFactory;
import io.microraft.model.impl.DefaultRaftModelFactory;
import io.microraft.statemachine.StateMachine;
import io.microraft.store.sqlite.RaftSqliteStore;
import io.quorate.benchmarks.harness.Group;
import io.quorate.benchmarks.harness.Ports;
import io.quorate.benchmarks.harness.ReplicatedSystem;
import io.quorate.benchmarks.harness.Tally;
import io.quorate.benchmarks.harness.Versions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * MicroRaft with the store it ships, SQLite, which forces every batch; and with a transport over TCP that is made here, for it ships none.
 * Its options are left as they are, but for one: up to 5000 commands that wait, a snapshot every 50,000.
 */
public final class MicroRaftSqlite implements ReplicatedSystem {

    private static final String GROUP = "bench";
    /**
     * Instead of 1000: a follower stores the entries of a message with one statement. With more than 999 parameters these become its text,
     * which with 4 KiB an entry is longer than SQLite takes, so that the follower stays behind for good.
     */
    private static final int APPENDED_AT_ONCE = 400;

    @Override
    public String name() {
        return "microraft-sqlite";
    }

    @Override
    public String version() {
        return Versions.of("io.microraft", "microraft");
    }

    @Override
    public Group open(Path directory, int replicas) throws IOException {
        System.setProperty("org.jooq.no-logo", "true");
        System.setProperty("org.jooq.no-tips", "true");
        return new Replicas(directory, Ports.free(replicas));
    }

    private static final class Replicas implements Group {

        private final List<RaftNode> nodes = new ArrayList<>();
        private final List<Wire> wires = new ArrayList<>();
        private final List<Tally> tallies = new ArrayList<>();
        private volatile RaftNode leader;

        private Replicas(Path directory, List<Integer> freePorts) throws IOException {
            RaftModelFactory models = new DefaultRaftModelFactory();
            RaftConfig config = RaftConfig.newBuilder().setAppendEntriesRequestBatchSize(APPENDED_AT_ONCE).build();
            Map<Integer, Integer> ports = new TreeMap<>();
            List<RaftEndpoint> members = new ArrayList<>();
            for (int number = 0; number < freePorts.size(); number++) {
                ports.put(number, freePorts.get(number));
                members.add(new Endpoint(number));
            }
            for (int number = 0; number < members.size(); number++) {
                Tally tally = new Tally();
                Path place = Files.createDirectories(directory.resolve("node" + number));
                Wire wire = new Wire(number, ports, new Codec(models, GROUP));
                RaftNode node = RaftNode.newBuilder().setGroupId(GROUP).setLocalEndpoint(members.get(number))
                    .setInitialGroupMembers(members).setConfig(config).setModelFactory(models).setTransport(wire)
                    .setStateMachine(new Machine(tally))
                    .setStore(RaftSqliteStore.create(place.resolve("raft.db").toFile(), models, new StoreBytes())).build();
                wire.deliverTo(node);
                nodes.add(node);
                wires.add(wire);
                tallies.add(tally);
            }
            nodes.forEach(node -> node.start().join());
            leader = nodes.get(0);
        }

        @Override
        public void propose(byte[] command, Completion completion) {
            leader.replicate(command).whenComplete((result, failure) -> {
                if (failure == null) {
                    completion.done();
                } else {
                    findLeader();
                    completion.failed(failure);
                }
            });
        }

        private void findLeader() {
            RaftEndpoint endpoint = leader.getTerm().getLeaderEndpoint();
            if (endpoint != null) {
                leader = nodes.get(((Endpoint) endpoint).number());
            }
        }

        /** Each takes a snapshot every 50,000 commands by itself, and lets go of what lies before. */
        @Override
        public void compact() {
            return;
        }

        @Override
        public List<Tally> tallies() {
            return tallies;
        }

        @Override
        public void close() throws IOException {
            CompletableFuture.allOf(nodes.stream().map(RaftNode::terminate).toArray(CompletableFuture<?>[]::new)).join();
            for (Wire wire : wires) {
                wire.close();
            }
        }
    }

    private record Machine(Tally tally) implements StateMachine {

        private static final byte[] NEW_TERM = new byte[0];
        private static final Object NOTHING = "";

        @Override
        public Object runOperation(long index, Object operation) {
            byte[] command = (byte[]) operation;
            if (command.length > 0) {
                tally.apply(command, 0);
            }
            return NOTHING;
        }

        @Override
        public void takeSnapshot(long index, Consumer<Object> chunks) {
            chunks.accept(new long[] {tally.count(), tally.sum()});
        }

        @Override
        public void installSnapshot(long index, List<Object> chunks) {
            long[] state = (long[]) chunks.get(0);
            tally.restore(state[0], state[1]);
        }

        @Override
        public Object getNewTermOperation() {
            return NEW_TERM;
        }
    }
}
