package io.quorate.raft.election;

/**
 * A number that is higher than all before it, so that what an earlier leader sends can be told from what the present one does.
 *
 * <p>It is one {@code long}: the group's recovery epoch in the high 16 bits, and below it the log index at which the office was granted. An
 * index is granted once, and a later grant stands behind an earlier one in the log. A group that was recovered from a lost quorum may use
 * indexes again that were used before; its epoch is higher.
 */
public final class FencingToken {

    /** Of recovery epochs: one more would make the token negative, and lower than all before. */
    public static final int EPOCH_MAX = 0x7FFF;

    /** Of log indexes. */
    public static final long INDEX_MAX = (1L << 48) - 1;

    private FencingToken() { }

    /**
     * The token of what was granted there.
     *
     * @throws IllegalArgumentException if one of the two has no place in it
     */
    public static long of(int epoch, long index) {
        if (epoch < 0 || epoch > EPOCH_MAX) {
            throw new IllegalArgumentException("The epoch in a fencing token is between 0 and " + EPOCH_MAX + ", not " + epoch);
        }
        if (index < 1 || index > INDEX_MAX) {
            throw new IllegalArgumentException("The index in a fencing token is between 1 and " + INDEX_MAX + ", not " + index);
        }
        return (long) epoch << 48 | index;
    }

    /** Of which recovery epoch of the group it is. */
    public static int epoch(long token) {
        return (int) (token >>> 48);
    }

    /** At which index of the log it was granted. */
    public static long index(long token) {
        return token & INDEX_MAX;
    }

    /** For people. */
    public static String toString(long token) {
        return epoch(token) == 0 ? Long.toString(index(token)) : epoch(token) + ":" + index(token);
    }
}
