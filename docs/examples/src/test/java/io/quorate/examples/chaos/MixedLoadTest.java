package io.quorate.examples.chaos;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.examples.KvServer;
import io.quorate.examples.launcher.FreePorts;
import io.quorate.raft.Command;
import io.quorate.raft.Freshness;
import io.quorate.raft.client.RaftClient;
import io.quorate.raft.netty.NettyClientTransport;
import io.quorate.raft.testing.History;
import io.quorate.raft.testing.LinearizabilityChecker;
import io.quorate.raft.testing.Operation;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the scenario {@code client} does in processes, in small: with servers of this process, on real disks and real sockets. */
@Timeout(180)
final class MixedLoadTest {

    private static final int NODES = 3;
    private static final int OPERATIONS = 1200;
    private static final int BETWEEN = 200;
    private static final long PATIENCE_MILLIS = 60_000;

    @TempDir
    private Path directory;

    private final Map<Integer, KvServer> servers = new TreeMap<>();
    private final List<Integer> ports = FreePorts.find(NODES + 1);

    @Test
    void aClientBringsAllToItsEndWhileReplicasAndTheWholeGroupAreRestarted() throws Exception {
        for (int node = 1; node <= NODES; node++) {
            start(node);
        }
        List<String> addresses = new ArrayList<>();
        ports.forEach(port -> addresses.add("127.0.0.1:" + port));      // at the last one nobody listens
        try (RaftClient client = RaftClient.builder(new NettyClientTransport(), addresses).build();
             MixedLoad load = new MixedLoad(client, OPERATIONS, 200, 16, 1)) {
            load.start();
            for (int round = 1; !load.isOver(); round++) {
                load.awaitMore(BETWEEN, PATIENCE_MILLIS);
                List<Integer> victims = round % 3 == 0 ? List.of(1, 2, 3) : List.of(round % NODES + 1);
                victims.forEach(node -> servers.remove(node).close());
                for (int node : victims) {
                    start(node);
                }
            }
            assertTrue(load.isComplete(), load::figures);
            LinearizabilityChecker.Verdict verdict = load.verdict();
            assertTrue(verdict.isLinearizable(), verdict::toString);
            Tally.Audit audit = Tally.Audit.decode(client.read(new Tally.Request(Tally.Kind.AUDIT, 0, 0, 0, 0).encode(),
                Freshness.linearizable(), Duration.ofMinutes(1)).join().result());
            MixedLoad.Effects effects = load.effects(audit.applied());
            assertTrue(effects.areExactlyOnce(), effects::toString);
            expectToBeFound(load, audit.applied());
        } finally {
            servers.values().forEach(KvServer::close);
        }
    }

    /** Each thing that may be wrong is told apart. */
    private static void expectToBeFound(MixedLoad load, Map<Long, Integer> applied) {
        long some = applied.keySet().iterator().next();
        Map<Long, Integer> lost = new TreeMap<>(applied);
        lost.remove(some);
        assertEquals(new MixedLoad.Effects(1, 0, 0, 0), load.effects(lost));
        Map<Long, Integer> twice = new TreeMap<>(applied);
        twice.put(some, 2);
        assertEquals(new MixedLoad.Effects(0, 1, 0, 0), load.effects(twice));
        Map<Long, Integer> strange = new TreeMap<>(applied);
        strange.put(-1L, 1);
        assertEquals(new MixedLoad.Effects(0, 0, 0, 1), load.effects(strange));
        assertFalse(load.effects(strange).areExactlyOnce());
    }

    @Test
    void whatTakesEffectTwiceIsNotLinearizable() {
        History history = new History();
        byte[] add = new Tally.Request(Tally.Kind.ADD, 1, 7, 5, 0).encode();
        byte[] get = new Tally.Request(Tally.Kind.GET, 0, 7, 0, 0).encode();
        Tally tally = new Tally();
        long adding = history.invoke(1, Operation.Kind.PROPOSE, add);
        history.done(adding, tally.apply(new Command(1, ByteBuffer.wrap(add))));
        long reading = history.invoke(1, Operation.Kind.READ, get);
        history.done(reading, tally.query(get));
        assertTrue(LinearizabilityChecker.check(new TallyModel(), history.operations()).isLinearizable());
        tally.apply(new Command(2, ByteBuffer.wrap(add)));
        reading = history.invoke(1, Operation.Kind.READ, get);
        history.done(reading, tally.query(get));
        assertFalse(LinearizabilityChecker.check(new TallyModel(), history.operations()).isLinearizable());
        assertEquals(Map.of(1L, 2), Tally.Audit.decode(tally.query(new Tally.Request(Tally.Kind.AUDIT, 0, 0, 0, 0).encode())).applied());
    }

    private void start(int node) throws KvServer.StartFailedException {
        StringBuilder members = new StringBuilder();
        for (int each = 1; each <= NODES; each++) {
            members.append(each == 1 ? "" : ",").append(each).append("=127.0.0.1:").append(ports.get(each - 1));
        }
        servers.put(node, TallyMain.start(List.of("--id", String.valueOf(node), "--members", members.toString(), "--data",
            directory.resolve("node" + node).toString(), "--election-timeout", "300", "--segment-mib", "1"),
            new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8)).orElseThrow());
    }
}
