package io.quorate.raft.netty;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/** Counts what happens on all connections of one end. Any thread. */
final class Tally {

    final LongAdder connectionsAccepted = new LongAdder();
    final LongAdder connectionsRefused = new LongAdder();
    final LongAdder damagedFrames = new LongAdder();
    final LongAdder forbiddenFrames = new LongAdder();
    final LongAdder bytesIn = new LongAdder();
    final LongAdder bytesOut = new LongAdder();
    private final Map<Integer, LongAdder> dropped = new ConcurrentHashMap<>();

    void dropped(int nodeId) {
        dropped.computeIfAbsent(nodeId, any -> new LongAdder()).increment();
    }

    long dropped() {
        return dropped.values().stream().mapToLong(LongAdder::sum).sum();
    }

    NettyTransport.Counters read() {
        Map<Integer, Long> droppedByNode = new TreeMap<>();
        dropped.forEach((nodeId, count) -> droppedByNode.put(nodeId, count.sum()));
        return new NettyTransport.Counters(connectionsAccepted.sum(), connectionsRefused.sum(), damagedFrames.sum(), forbiddenFrames.sum(),
            droppedByNode, bytesIn.sum(), bytesOut.sum());
    }
}
