package io.quorate.raft.core;

/**
 * For how long a leader can know, without asking anybody, that nobody else leads (thesis 6.4.1).
 *
 * <p>Whoever has heard a leader promises to vote for nobody else for a while, and says with each answer for how long. So from the begin of
 * the round that a quorum has echoed, nobody can be elected for as long as the shortest of a quorum's promises lasts. The promises run on
 * others' clocks: if those are up to so much faster than the own, this clock may count only so much less; and a little is left to chance.
 *
 * <p>What makes the leader's own will break the promises ends the lease for good: once its successor may campaign, there is none for the
 * rest of the term; nor is there for a leader that has led the group to a membership without it, because a voter that is alone by that
 * keeps no promise over a restart. After a pause what was known before it is not trusted: a new round must tell.
 */
final class Lease {

    /** Which part of the election timeout is left to chance. */
    static final int MARGIN_DIVISOR = 100;

    private final int driftPermille;
    private final long marginNanos;
    private boolean isGivenUp;
    private long soundNanos;   // rounds that began before this prove nothing

    Lease(RaftConfig config, long nowNanos) {
        driftPermille = config.leaseDriftPermille();
        marginNanos = config.electionTimeoutNanos() / MARGIN_DIVISOR;
        soundNanos = nowNanos;
    }

    /** Somebody else may campaign whatever was promised to this leader, from now on. */
    void giveUp() {
        isGivenUp = true;
    }

    boolean isGivenUp() {
        return isGivenUp;
    }

    void onPause(long nowNanos) {
        soundNanos = nowNanos;
    }

    /**
     * For how much longer nobody else can lead; 0 if that is not known.
     *
     * @param begunNanos when the newest round began that a quorum has echoed
     * @param heldNanos  the smallest promise of a quorum, given with an echo of that round or a later one; {@link Long#MAX_VALUE} if no
     *                   other voter is needed
     */
    long remainingNanos(long begunNanos, long heldNanos, long nowNanos) {
        if (driftPermille == 0 || isGivenUp || !Nanos.reached(begunNanos, soundNanos)) {
            return 0;
        }
        if (heldNanos == Long.MAX_VALUE) {
            return Long.MAX_VALUE;
        }
        long length = heldNanos * (1000 - driftPermille) / 1000 - marginNanos;
        return Math.max(0, begunNanos + length - nowNanos);
    }
}
