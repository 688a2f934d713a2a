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
    /** Nodes of which dropped messages are counted apart; those of any further ones, of which a stranger may name many, count as node 0's. */
    static final int NODES_MAX = 256;
    private static final int OTHERS = 0;
    private final Map<Integer, LongAdder> dropped = new ConcurrentHashMap<>();

    void dropped(int nodeId) {
        boolean hasRoom = dropped.size() < NODES_MAX || dropped.containsKey(nodeId);
        dropped.computeIfAbsent(hasRoom ? nodeId : OTHERS, any -> new LongAdder()).increment();
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
