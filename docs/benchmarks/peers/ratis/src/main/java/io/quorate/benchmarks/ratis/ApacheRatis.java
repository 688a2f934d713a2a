package io.quorate.benchmarks.ratis;

import io.quorate.benchmarks.harness.Group;
import io.quorate.benchmarks.harness.Ports;
import io.quorate.benchmarks.harness.ReplicatedSystem;
import io.quorate.benchmarks.harness.Tally;
import io.quorate.benchmarks.harness.Versions;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.ratis.conf.RaftProperties;
import org.apache.ratis.grpc.GrpcConfigKeys;
import org.apache.ratis.io.MD5Hash;
import org.apache.ratis.protocol.ClientId;
import org.apache.ratis.protocol.Message;
import org.apache.ratis.protocol.RaftClientRequest;
import org.apache.ratis.protocol.RaftGroup;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.protocol.SnapshotManagementRequest;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.RaftServerConfigKeys;
import org.apache.ratis.server.protocol.TermIndex;
import org.apache.ratis.server.storage.FileInfo;
import org.apache.ratis.server.storage.RaftStorage;
import org.apache.ratis.statemachine.TransactionContext;
import org.apache.ratis.statemachine.impl.BaseStateMachine;
import org.apache.ratis.statemachine.impl.SimpleStateMachineStorage;
import org.apache.ratis.statemachine.impl.SingleFileSnapshotInfo;
import org.apache.ratis.thirdparty.com.google.protobuf.UnsafeByteOperations;
import org.apache.ratis.util.MD5FileUtil;
import org.apache.ratis.util.SizeInBytes;
import org.apache.ratis.util.TimeDuration;

/**
 * Apache Ratis on gRPC. What its configuration page offers for throughput is set as far as it helped here: segments that are preallocated
 * whole, a larger write buffer, a flow control window of 10 MiB. Two more were tried and made it slower, and stay as they are: the pause of
 * 1 ms between appends (without it both processors were busy with appends that brought one entry each), and 8 appends in flight (with 128
 * it reached about half). Its election timeout is raised to 1 to 2 s, as the other libraries have it: with 150 to 300 ms it loses its
 * leader when two processors do the work of three machines.
 */
public final class ApacheRatis implements ReplicatedSystem {

    @Override
    public String name() {
        return "ratis-grpc";
    }

    @Override
    public String version() {
        return Versions.of("org.apache.ratis", "ratis-server");
    }

    @Override
    public Group open(Path directory, int replicas) throws IOException {
        return new Replicas(directory, Ports.free(replicas));
    }

    private static RaftProperties properties(Path directory, int port) {
        RaftProperties properties = new RaftProperties();
        RaftServerConfigKeys.setStorageDir(properties, List.of(directory.toFile()));
        RaftServerConfigKeys.Log.setSegmentSizeMax(properties, SizeInBytes.valueOf("64MB"));
        RaftServerConfigKeys.Log.setPreallocatedSize(properties, SizeInBytes.valueOf("64MB"));
        RaftServerConfigKeys.Log.setWriteBufferSize(properties, SizeInBytes.valueOf("8MB"));
        RaftServerConfigKeys.Log.Appender.setBufferByteLimit(properties, SizeInBytes.valueOf("4MB"));
        RaftServerConfigKeys.Log.setPurgeUptoSnapshotIndex(properties, true);
        RaftServerConfigKeys.Log.setPurgeGap(properties, 1);
        RaftServerConfigKeys.Write.setElementLimit(properties, 1 << 14);
        RaftServerConfigKeys.Rpc.setTimeoutMin(properties, TimeDuration.valueOf(1, TimeUnit.SECONDS));
        RaftServerConfigKeys.Rpc.setTimeoutMax(properties, TimeDuration.valueOf(2, TimeUnit.SECONDS));
        GrpcConfigKeys.Server.setHost(properties, "127.0.0.1");
        GrpcConfigKeys.Server.setPort(properties, port);
        GrpcConfigKeys.setFlowControlWindow(properties, SizeInBytes.valueOf("10MB"));
        return properties;
    }

    private static final class Replicas implements Group {

        private static final long SNAPSHOT_MILLIS = 30_000;

        private final ClientId client = ClientId.randomId();
        private final List<RaftServer> servers = new ArrayList<>();
        private final List<Tally> tallies = new ArrayList<>();
        private final RaftGroupId groupId = RaftGroupId.valueOf(UUID.randomUUID());
        private volatile RaftServer leader;
        private long callId;

        private Replicas(Path directory, List<Integer> ports) throws IOException {
            List<RaftPeer> peers = new ArrayList<>();
            for (int port : ports) {
                peers.add(RaftPeer.newBuilder().setId("r" + port).setAddress("127.0.0.1:" + port).build());
            }
            RaftGroup group = RaftGroup.valueOf(groupId, peers);
            for (int i = 0; i < peers.size(); i++) {
                Tally tally = new Tally();
                Path place = Files.createDirectories(directory.resolve("node" + i));
                RaftServer server = RaftServer.newBuilder().setServerId(peers.get(i).getId()).setGroup(group)
                    .setProperties(properties(place, ports.get(i))).setStateMachine(new Machine(tally)).build();
                server.start();
                servers.add(server);
                tallies.add(tally);
            }
            leader = servers.get(0);
        }

        @Override
        public void propose(byte[] command, Completion completion) {
            RaftServer asked = leader;
            RaftClientRequest request = RaftClientRequest.newBuilder().setClientId(client).setServerId(asked.getId()).setGroupId(groupId)
                .setCallId(++callId).setMessage(Message.valueOf(UnsafeByteOperations.unsafeWrap(command)))
                .setType(RaftClientRequest.writeRequestType()).build();
            try {
                asked.submitClientRequestAsync(request).whenComplete((reply, failure) -> {
                    if (failure == null && reply.isSuccess()) {
                        completion.done();
                    } else {
                        findLeader();
                        completion.failed(failure == null ? reply.getException() : failure);
                    }
                });
            } catch (IOException e) {
                completion.failed(e);
            }
        }

        private void findLeader() {
            for (RaftServer server : servers) {
                try {
                    if (server.getDivision(groupId).getInfo().isLeader()) {
                        leader = server;
                    }
                } catch (IOException e) {
                    continue;       // it is not there yet
                }
            }
        }

        @Override
        public void compact() throws IOException {
            for (RaftServer server : servers) {
                RaftPeerId id = server.getId();
                server.snapshotManagement(SnapshotManagementRequest.newCreate(client, id, groupId, ++callId, SNAPSHOT_MILLIS));
            }
        }

        @Override
        public List<Tally> tallies() {
            return tallies;
        }

        @Override
        public void close() throws IOException {
            for (RaftServer server : servers) {
                server.close();
            }
        }
    }

    private static final class Machine extends BaseStateMachine {

        private final Tally tally;
        private final SimpleStateMachineStorage storage = new SimpleStateMachineStorage();

        private Machine(Tally tally) {
            this.tally = tally;
        }

        @Override
        public void initialize(RaftServer server, RaftGroupId groupId, RaftStorage raftStorage) throws IOException {
            super.initialize(server, groupId, raftStorage);
            storage.init(raftStorage);
            load();
        }

        @Override
        public void reinitialize() throws IOException {
            load();
        }

        private void load() throws IOException {
            SingleFileSnapshotInfo snapshot = storage.loadLatestSnapshot();
            if (snapshot != null) {
                String[] words = Files.readString(snapshot.getFile().getPath()).split(" ");
                tally.restore(Long.parseLong(words[0]), Long.parseLong(words[1]));
                setLastAppliedTermIndex(snapshot.getTermIndex());
            }
        }

        @Override
        public SimpleStateMachineStorage getStateMachineStorage() {
            return storage;
        }

        @Override
        public CompletableFuture<Message> applyTransaction(TransactionContext transaction) {
            tally.apply(transaction.getStateMachineLogEntry().getLogData().asReadOnlyByteBuffer());
            updateLastAppliedTermIndex(transaction.getLogEntry().getTerm(), transaction.getLogEntry().getIndex());
            return CompletableFuture.completedFuture(Message.EMPTY);
        }

        @Override
        public long takeSnapshot() throws IOException {
            TermIndex last = getLastAppliedTermIndex();
            File file = storage.getSnapshotFile(last.getTerm(), last.getIndex());
            Files.writeString(file.toPath(), tally.count() + " " + tally.sum());
            MD5Hash sum = MD5FileUtil.computeAndSaveMd5ForFile(file);
            storage.updateLatestSnapshot(new SingleFileSnapshotInfo(new FileInfo(file.toPath(), sum), last));
            return last.getIndex();
        }
    }
}
