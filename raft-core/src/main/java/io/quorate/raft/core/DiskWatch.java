package io.quorate.raft.core;

/**
 * Tells a leader for how long its own disk has owed what another voter's disk has done.
 *
 * <p>Heartbeats wait for no disk, so a leader whose disk hangs would lead for ever and acknowledge nothing. But a slow disk is no reason to
 * go if all are slow: then the next leader would be no better, and a group could spend its life electing. So the time runs only while
 * another is ahead, and begins anew with each write that completes.
 */
final class DiskWatch {

    private long durableIndex;
    private boolean isBehind;
    private long behindSinceNanos;

    /**
     * How it stands now.
     *
     * @param ownIndex   durable on the own disk
     * @param otherIndex the most that is known to be durable on another voter's
     */
    void observe(long ownIndex, long otherIndex, long nowNanos) {
        if (!isBehind || ownIndex > durableIndex) {
            behindSinceNanos = nowNanos;
        }
        isBehind = ownIndex < otherIndex;
        durableIndex = ownIndex;
    }

    /** The process was paused, and its disk's thread with it. */
    void onPause(long nowNanos) {
        behindSinceNanos = nowNanos;
    }

    /** For how long another has been ahead while no write completed here; 0 if none is. */
    long behindNanos(long nowNanos) {
        return isBehind ? nowNanos - behindSinceNanos : 0;
    }
}
