package io.quorate.raft.election;

/**
 * Which lease: where in the log it was granted, and a number that its client drew for it.
 *
 * <p>As with {@link io.quorate.raft.SessionId}, the index alone would name another lease in a group that was restored or recovered from an
 * earlier state. Whoever knows the id may refresh and revoke the lease, and change what belongs to it.
 *
 * @param index  of the command that granted it
 * @param number drawn by the client at random, of all 64 bits
 */
public record LeaseId(long index, long number) implements Comparable<LeaseId> {

    public LeaseId {
        if (index < 1) {
            throw new IllegalArgumentException("No lease is granted at " + index);
        }
    }

    @Override
    public int compareTo(LeaseId other) {
        int byIndex = Long.compare(index, other.index);
        return byIndex != 0 ? byIndex : Long.compare(number, other.number);
    }

    /** For people: such as {@code 42-9c03f1e2}, with half of the number. */
    @Override
    public String toString() {
        return index + "-" + Long.toHexString(number >>> 32);
    }
}
