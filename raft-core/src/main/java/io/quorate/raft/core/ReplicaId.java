package io.quorate.raft.core;

/**
 * One disk's life as a member of a group: a node and the incarnation of its data directory.
 *
 * <p>The incarnation is a random number drawn when a data directory is first opened, so that the old and the new disk of
 * one node are two replicas: a node that lost its disk has lost its votes and its entries with it.
 *
 * @param nodeId      the node, as its operator numbers it; 1 or more
 * @param incarnation the data directory, by the number drawn at its first opening; not 0
 */
public record ReplicaId(int nodeId, long incarnation) implements Comparable<ReplicaId> {

    public ReplicaId {
        if (nodeId < 1) {
            throw new IllegalArgumentException("A node id is 1 or more, not " + nodeId);
        }
        if (incarnation == 0) {
            throw new IllegalArgumentException("An incarnation is not 0 (node " + nodeId + ")");
        }
    }

    @Override
    public int compareTo(ReplicaId other) {
        int byNode = Integer.compare(nodeId, other.nodeId);
        return byNode != 0 ? byNode : Long.compareUnsigned(incarnation, other.incarnation);
    }

    /** The node and the last digits of the incarnation, as in {@code 3#9f04}. */
    @Override
    public String toString() {
        return nodeId + "#" + String.format("%04x", incarnation & 0xFFFF);
    }
}
