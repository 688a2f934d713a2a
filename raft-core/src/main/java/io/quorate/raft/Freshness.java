package io.quorate.raft;

import java.time.Duration;

/**
 * How fresh the answer to a read must be.
 *
 * @param mode          what is asked of others before the answer is given
 * @param staleNanosMax with {@link Mode#AT_MOST}, how old the answer may be; else 0
 * @param minIndex      the answer is given only from a state after this index; 0 if any will do. The index of an earlier answer or result
 *                      makes sure that one never sees time go backwards, whichever replica answers
 */
public record Freshness(Mode mode, long staleNanosMax, long minIndex) {

    /** What is asked of others before an answer is given. */
    public enum Mode {
        /** A quorum confirms the leader: the answer holds all that was acknowledged to anybody before the read. */
        LINEARIZABLE,
        /** The same promise, as long as clocks keep to the configured bound; asks nobody while the leader's lease runs. */
        LEASE,
        /** The answer may lack what was acknowledged within a stated time before the read. */
        AT_MOST,
        /** Nobody is asked: the answer may be of any age. */
        LOCAL
    }

    private static final Freshness LINEARIZABLE = new Freshness(Mode.LINEARIZABLE, 0, 0);

    public Freshness {
        if (minIndex < 0) {
            throw new IllegalArgumentException("An index is not negative: " + minIndex);
        }
        if (mode == Mode.AT_MOST ? staleNanosMax < 1 : staleNanosMax != 0) {
            throw new IllegalArgumentException("A bound of " + staleNanosMax + " ns does not go with " + mode);
        }
    }

    /** Holds all that was acknowledged to anybody before the read. */
    public static Freshness linearizable() {
        return LINEARIZABLE;
    }

    /** The same, as long as clocks keep to the configured bound. */
    public static Freshness lease() {
        return new Freshness(Mode.LEASE, 0, 0);
    }

    /** Holds all that was acknowledged longer ago than this. */
    public static Freshness atMost(Duration stale) {
        return new Freshness(Mode.AT_MOST, stale.toNanos(), 0);
    }

    /** Whatever this replica has. */
    public static Freshness local() {
        return new Freshness(Mode.LOCAL, 0, 0);
    }

    /** The same, and from a state after this index at least. */
    public Freshness notBefore(long index) {
        return new Freshness(mode, staleNanosMax, index);
    }
}
