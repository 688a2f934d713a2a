package io.quorate.raft.core;

import java.time.Duration;

/**
 * What an operator may choose. Everything else is a named constant where it is used.
 *
 * <p>What waits in memory counts as what it takes there: for each entry {@link Entry#OBJECT_BYTES} more than its bytes. What is on its
 * way counts as its bytes alone.
 *
 * @param electionTimeoutNanos  T: how long a silent leader is trusted; timeouts are drawn from [T, 2T)
 * @param uncommittedBytesMax   how many bytes of proposals may wait for their commit before new ones are refused
 * @param unappliedBytesMax     how many bytes of committed entries may be handed out and not yet applied
 * @param inflightBytesMax      how many bytes of entries may be on their way to one peer
 * @param appendBytesMax        how many bytes of entries one message carries, at most {@link Entry#SIZE_MAX}; a single larger entry
 *                              goes alone
 * @param cachedBytesMax        how many bytes of memory the log's tail may take; with more, peers that lag need the disk less often, and
 *                              collecting garbage takes longer, above all if commands are small
 * @param leaseDriftPermille    by how many thousandths any two replicas' clocks may differ in how fast they run, for leases to be safe;
 *                              0 if there are to be no leases
 */
public record RaftConfig(long electionTimeoutNanos, long uncommittedBytesMax, long unappliedBytesMax, long inflightBytesMax,
                         int appendBytesMax, long cachedBytesMax, int leaseDriftPermille) {

    /** The most that clocks may differ in leases' reckoning: a tenth. */
    public static final int LEASE_DRIFT_PERMILLE_MAX = 100;

    private static final long READ_APPENDS = 4;

    /** One second of election timeout, and budgets that fit a small heap. */
    public static final RaftConfig DEFAULT =
        new RaftConfig(Duration.ofSeconds(1).toNanos(), 64L << 20, 64L << 20, 4L << 20, 512 << 10, 8L << 20, 0);

    public RaftConfig {
        if (electionTimeoutNanos < Duration.ofMillis(10).toNanos() || electionTimeoutNanos > Duration.ofHours(1).toNanos()) {
            throw new IllegalArgumentException("electionTimeoutNanos is between 10 ms and 1 h, not " + electionTimeoutNanos);
        }
        positive("uncommittedBytesMax", uncommittedBytesMax);
        positive("unappliedBytesMax", unappliedBytesMax);
        positive("inflightBytesMax", inflightBytesMax);
        positive("appendBytesMax", appendBytesMax);
        positive("cachedBytesMax", cachedBytesMax);
        if (leaseDriftPermille < 0 || leaseDriftPermille > LEASE_DRIFT_PERMILLE_MAX) {
            throw new IllegalArgumentException("leaseDriftPermille is between 0 and " + LEASE_DRIFT_PERMILLE_MAX + ", not "
                + leaseDriftPermille);
        }
        if (appendBytesMax > Entry.SIZE_MAX) {   // every transport carries one entry of any legal size, and need not carry more
            throw new IllegalArgumentException("appendBytesMax is at most " + Entry.SIZE_MAX + ", not " + appendBytesMax);
        }
    }

    /** Without leases. */
    public RaftConfig(long electionTimeoutNanos, long uncommittedBytesMax, long unappliedBytesMax, long inflightBytesMax,
                      int appendBytesMax, long cachedBytesMax) {
        this(electionTimeoutNanos, uncommittedBytesMax, unappliedBytesMax, inflightBytesMax, appendBytesMax, cachedBytesMax, 0);
    }

    /** The same with another election timeout. 150 ms is the shortest that is tested. */
    public RaftConfig withElectionTimeout(Duration timeout) {
        return new RaftConfig(timeout.toNanos(), uncommittedBytesMax, unappliedBytesMax, inflightBytesMax, appendBytesMax, cachedBytesMax,
            leaseDriftPermille);
    }

    /**
     * The same with leases: reads that ask for no more may be answered without asking a quorum.
     *
     * @param driftPermille by how many thousandths any two replicas' clocks may differ in how fast they run; the same everywhere. Clocks
     *                      of machines stay within 1, also while they are being set right. 0 for no leases
     */
    public RaftConfig withLeases(int driftPermille) {
        return new RaftConfig(electionTimeoutNanos, uncommittedBytesMax, unappliedBytesMax, inflightBytesMax, appendBytesMax,
            cachedBytesMax, driftPermille);
    }

    /** Whether leases are used. */
    public boolean hasLeases() {
        return leaseDriftPermille > 0;
    }

    /** How often a leader is heard: a tenth of the election timeout. */
    public long heartbeatNanos() {
        return electionTimeoutNanos / 10;
    }

    /**
     * How many bytes of old entries are read at once for a peer that lags: one entry that is larger comes alone. Four messages, since the
     * disk's thread reads once between two writes, and a write may bring more than one message carries: such a peer would never catch up.
     * But no more than half of what may be on its way, so that the next is read while this is.
     */
    int readBytesMax() {
        return (int) Math.max(appendBytesMax, Math.min(inflightBytesMax / 2, READ_APPENDS * appendBytesMax));
    }

    private static void positive(String name, long value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " is 1 or more, not " + value);
        }
    }
}
