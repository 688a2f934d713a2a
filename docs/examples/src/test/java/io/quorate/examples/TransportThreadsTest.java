package io.quorate.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.examples.launcher.FreePorts;
import io.quorate.raft.RaftServer;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.netty.NettyTransport;
import io.quorate.raft.storage.FileStorage;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Servers on real sockets and files, whose raft threads do the transport's work, or whose transports have threads of their own. */
@Timeout(120)
class TransportThreadsTest {

    private static final int COMMANDS = 2000;

    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void aGroupServesWhoeverDoesItsTransportsWork(int ioThreads) throws Exception {
        Map<Integer, String> members = new TreeMap<>();
        for (int port : FreePorts.find(3)) {
            members.put(members.size() + 1, "127.0.0.1:" + port);
        }
        List<RaftServer> servers = new ArrayList<>();
        try {
            members.forEach((nodeId, address) -> servers.add(RaftServer.builder()
                .members(members)
                .storage(FileStorage.open(directory.resolve("node" + nodeId), nodeId))
                .transport(NettyTransport.builder().bind(address).ioThreads(ioThreads).build())
                .stateMachine(new KvStateMachine())
                .start()));
            RaftServer leader = leader(servers);
            List<CompletableFuture<byte[]>> results = new ArrayList<>();
            for (int i = 0; i < COMMANDS; i++) {
                results.add(leader.propose(new KvRequest.Put(bytes("key" + i % 10), bytes("value" + i)).encode()));
            }
            for (CompletableFuture<byte[]> result : results) {
                result.get(30, TimeUnit.SECONDS);
            }
            byte[] answer = leader.read(new KvRequest.Get(bytes("key9")).encode()).get(30, TimeUnit.SECONDS);
            String text = new String(answer, StandardCharsets.UTF_8);
            assertTrue(text.endsWith("value1999"), text);
        } finally {
            servers.forEach(RaftServer::close);
        }
        assertEquals(List.of(), Thread.getAllStackTraces().keySet().stream().filter(Thread::isAlive).map(Thread::getName)
            .filter(name -> name.startsWith("quorate-net") || name.endsWith("-raft")).toList());
        assertTrue(servers.stream().allMatch(server -> server.stopped().toCompletableFuture().join().isEmpty()));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static RaftServer leader(List<RaftServer> servers) {
        return Poll.until("a leader", () -> servers.stream().filter(server -> server.status().state() == ServerStatus.State.LEADER)
            .findFirst().orElse(null));
    }
}
