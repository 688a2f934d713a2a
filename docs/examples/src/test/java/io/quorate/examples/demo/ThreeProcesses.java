package io.quorate.examples.demo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.quorate.examples.KvClient;
import io.quorate.examples.launcher.LocalGroup;
import io.quorate.examples.launcher.ReadBack;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.netty.NettyClientTransport;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.SortedMap;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Three replicas in processes of their own, and a client that writes without end and remembers what was acknowledged. */
final class ThreeProcesses implements AutoCloseable {

    static final List<String> OPTIONS = List.of("--election-timeout", "300", "--segment-mib", "1");
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final byte[] EXTRA = "extra".getBytes(StandardCharsets.UTF_8);
    private static final int ENDLESS = 10_000_000;
    private static final InputFile INPUT = InputFile.of(IntStream.range(0, 500).mapToObj(i -> "line " + i + " of the test's input")
        .reduce((one, other) -> one + "\n" + other).orElseThrow().getBytes(StandardCharsets.UTF_8));

    final LocalGroup group;
    final KvClient client;
    private final Workload workload;
    private final NettyClientTransport transport = new NettyClientTransport();

    /** Starts all three, and the writing. */
    ThreeProcesses(LocalGroup group) {
        this.group = group;
        try {
            group.startAll();
        } catch (RuntimeException e) {
            group.close();
            throw e;
        }
        client = new KvClient(group.addresses(), Duration.ofSeconds(10));
        workload = new Workload(client, INPUT, ENDLESS);
        workload.start();
    }

    /** Waits until so many more writes are acknowledged. */
    void awaitMore(int writes) throws DemoException {
        workload.awaitAcknowledged(workload.acknowledged() + writes, PATIENCE);
    }

    int acknowledged() {
        return workload.acknowledged();
    }

    LocalGroup.Leadership leader() {
        return group.awaitLeaderAfter(0, PATIENCE);
    }

    /** One of the nodes that do not lead. */
    int follower() {
        return leader().nodeId() % 3 + 1;
    }

    static int anyNode() {
        return ThreadLocalRandom.current().nextInt(1, 4);
    }

    /** What a write of a client that waits only for so long comes to: null if it is done. */
    @Nullable Throwable putWithin(Duration timeout) {
        try (KvClient impatient = new KvClient(group.addresses(), timeout)) {
            impatient.put(EXTRA, new byte[0]).join();
            return null;
        } catch (CompletionException e) {
            return e.getCause();
        }
    }

    /** How this node is, or null if it does not answer. */
    @Nullable ServerStatus status(int nodeId) {
        try {
            return client.status(group.address(nodeId)).join();
        } catch (CompletionException e) {
            return null;
        }
    }

    /** Ends the writing, and proves that each of these nodes has everything that was acknowledged, and that all have the same. */
    void assertNothingLost(int... nodes) throws DemoException {
        workload.finish(PATIENCE);
        SortedMap<byte[], byte[]> expected = workload.expected();
        assertEquals(workload.acknowledged(), expected.size());
        ReadBack readBack = new ReadBack(transport, PATIENCE);
        long index = readBack.confirmedIndex(group.addresses());
        for (int node : nodes) {
            SortedMap<byte[], byte[]> contents = readBack.contents(group.address(node), index);
            assertEquals(0, ReadBack.missing(expected, contents), "missing at node " + node + " of " + expected.size());
            contents.remove(EXTRA);
            assertEquals(expected.size(), contents.size(), "node " + node + " holds what nobody wrote");
            assertArrayEquals(readBack.digest(group.address(nodes[0]), index), readBack.digest(group.address(node), index),
                "digest of node " + node);
        }
    }

    static int[] all() {
        return new int[] {1, 2, 3};
    }

    static String told(@Nullable Throwable failure) {
        return failure == null ? "nothing failed" : failure.getClass().getSimpleName() + ": " + failure.getMessage();
    }

    @Override
    public void close() {
        workload.close();
        client.close();
        transport.close();
        group.close();
    }

}
