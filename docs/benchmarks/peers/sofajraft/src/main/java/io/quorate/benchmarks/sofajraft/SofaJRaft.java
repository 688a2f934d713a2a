package io.quorate.benchmarks.sofajraft;

import com.alipay.sofa.jraft.Closure;
import com.alipay.sofa.jraft.Iterator;
import com.alipay.sofa.jraft.Node;
import com.alipay.sofa.jraft.RaftGroupService;
import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.conf.Configuration;
import com.alipay.sofa.jraft.core.StateMachineAdapter;
import com.alipay.sofa.jraft.entity.PeerId;
import com.alipay.sofa.jraft.entity.Task;
import com.alipay.sofa.jraft.error.RaftError;
import com.alipay.sofa.jraft.option.NodeOptions;
import com.alipay.sofa.jraft.storage.snapshot.SnapshotReader;
import com.alipay.sofa.jraft.storage.snapshot.SnapshotWriter;
import io.quorate.benchmarks.harness.Group;
import io.quorate.benchmarks.harness.Ports;
import io.quorate.benchmarks.harness.ReplicatedSystem;
import io.quorate.benchmarks.harness.Tally;
import io.quorate.benchmarks.harness.Versions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;

/**
 * SOFAJRaft with its log in RocksDB and Bolt between the replicas. Its options are left as they are, which is what its user guide advises:
 * pipelined replication with 256 messages in flight, batches of 32 tasks, ring buffers of 16384, fsync on. Snapshots are taken when the
 * measurement asks for them, not every hour.
 */
public final class SofaJRaft implements ReplicatedSystem {

    @Override
    public String name() {
        return "sofajraft";
    }

    @Override
    public String version() {
        return Versions.of("com.alipay.sofa", "jraft-core");
    }

    @Override
    public Group open(Path directory, int replicas) throws IOException {
        return new Replicas(directory, Ports.free(replicas));
    }

    private static final class Replicas implements Group {

        private final List<RaftGroupService> services = new ArrayList<>();
        private final List<Node> nodes = new ArrayList<>();
        private final List<Tally> tallies = new ArrayList<>();
        private volatile Node leader;

        private Replicas(Path directory, List<Integer> ports) throws IOException {
            Configuration members = new Configuration();
            String all = ports.stream().map(port -> "127.0.0.1:" + port).collect(Collectors.joining(","));
            if (!members.parse(all)) {
                throw new IOException("No configuration: " + all);
            }
            for (PeerId peer : members.getPeers()) {
                Tally tally = new Tally();
                Path place = Files.createDirectories(directory.resolve("node" + peer.getPort()));
                NodeOptions options = new NodeOptions();
                options.setInitialConf(members);
                options.setFsm(new Machine(tally));
                options.setLogUri(place.resolve("log").toString());
                options.setRaftMetaUri(place.resolve("meta").toString());
                options.setSnapshotUri(place.resolve("snapshot").toString());
                options.setSnapshotIntervalSecs(0);
                RaftGroupService service = new RaftGroupService("bench", peer, options);
                services.add(service);
                nodes.add(service.start());
                tallies.add(tally);
            }
            leader = nodes.get(0);
        }

        @Override
        public void propose(byte[] command, Completion completion) {
            leader.apply(new Task(ByteBuffer.wrap(command), status -> {
                if (status.isOk()) {
                    completion.done();
                } else {
                    findLeader();
                    completion.failed(new IOException(status.toString()));
                }
            }));
        }

        private void findLeader() {
            for (Node node : nodes) {
                if (node.isLeader(false)) {
                    leader = node;
                }
            }
        }

        @Override
        public void compact() {
            List<CompletableFuture<Status>> taken = new ArrayList<>();
            for (Node node : nodes) {
                CompletableFuture<Status> done = new CompletableFuture<>();
                node.snapshot(done::complete);
                taken.add(done);
            }
            taken.forEach(CompletableFuture::join);
        }

        @Override
        public List<Tally> tallies() {
            return tallies;
        }

        @Override
        public void close() {
            services.forEach(RaftGroupService::shutdown);
        }
    }

    private static final class Machine extends StateMachineAdapter {

        private static final String FILE = "tally";

        private final Tally tally;

        private Machine(Tally tally) {
            this.tally = tally;
        }

        @Override
        public void onApply(Iterator entries) {
            while (entries.hasNext()) {
                tally.apply(entries.getData());
                Closure done = entries.done();
                if (done != null) {
                    done.run(Status.OK());
                }
                entries.next();
            }
        }

        @Override
        public void onSnapshotSave(SnapshotWriter writer, Closure done) {
            try {
                Files.writeString(Path.of(writer.getPath(), FILE), tally.count() + " " + tally.sum());
                done.run(writer.addFile(FILE) ? Status.OK() : new Status(RaftError.EIO, "no file added"));
            } catch (IOException e) {
                done.run(new Status(RaftError.EIO, e.toString()));
            }
        }

        @Override
        public boolean onSnapshotLoad(SnapshotReader reader) {
            try {
                String[] words = Files.readString(Path.of(reader.getPath(), FILE)).split(" ");
                tally.restore(Long.parseLong(words[0]), Long.parseLong(words[1]));
                return true;
            } catch (IOException e) {
                return false;
            }
        }
    }
}
