package io.quorate.examples;

import io.quorate.raft.*;
import io.quorate.raft.client.RaftClient;
import io.quorate.raft.netty.*;
import io.quorate.raft.storage.FileStorage;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.*;

/** A replicated sum. Arguments: a directory, and the three replicas' addresses, all in this one process for once. */
public final class EmbeddingExample {

    /** The replicated state: every replica applies the same commands in the same order. */
    private static final class Sum implements StateMachine {
        private long sum;

        @Override public byte[] apply(Command command) { return toBytes(sum += command.payload().getLong()); }
        @Override public byte[] query(byte[] query) { return toBytes(sum); }
    }

    public static void main(String[] arguments) throws Exception {
        Map<Integer, String> members = Map.of(1, arguments[1], 2, arguments[2], 3, arguments[3]);
        List<RaftServer> servers = new ArrayList<>();
        members.forEach((nodeId, address) -> servers.add(RaftServer.builder()
            .members(members).storage(FileStorage.open(Path.of(arguments[0], "node" + nodeId), nodeId))
            .transport(NettyTransport.builder().bind(address).build()).stateMachine(new Sum()).start()));
        try (RaftClient client = RaftClient.builder(new NettyClientTransport(), List.copyOf(members.values())).build()) {
            byte[] result = client.propose(toBytes(42)).get();    // finds the leader; applied and durable on a majority now
            byte[] answer = client.read(new byte[0]).get();       // contains all that was acknowledged to anybody before
            System.out.println("sum " + ByteBuffer.wrap(result).getLong() + ", read " + ByteBuffer.wrap(answer).getLong());
        }
        servers.forEach(RaftServer::close);
    }

    private static byte[] toBytes(long value) { return ByteBuffer.allocate(Long.BYTES).putLong(value).array(); }
}
