package io.quorate.raft.runtime;

import io.quorate.raft.SnapshotPolicy;
import java.util.random.RandomGenerator;

/**
 * Says when the log is long enough for a snapshot. It is asked again and again and remembers nothing but its bound, so that nothing is
 * missed while a snapshot is being written: if the log is too long when that is done, the next one is due.
 */
final class SnapshotTrigger {

    /** What is added to the bound by chance, at most, so that the replicas of a group do not all write at once. */
    static final int JITTER_PERMILLE_MAX = 250;

    private final SnapshotPolicy policy;
    private final RandomGenerator random;
    private volatile long logBytesMax;
    private boolean isPausing;
    private long pauseEndsNanos;

    SnapshotTrigger(SnapshotPolicy policy, RandomGenerator random) {
        this.policy = policy;
        this.random = random;
        onSnapshot(0);
    }

    /** Whether a log of this length is due. */
    boolean isDue(long logBytes, long nowNanos) {
        return !isPausing(nowNanos) && logBytes > logBytesMax;
    }

    /** Whether the last one failed, and not long ago. */
    boolean isPausing(long nowNanos) {
        if (isPausing && nowNanos - pauseEndsNanos >= 0) {
            isPausing = false;
        }
        return isPausing;
    }

    /** A log that is longer is due. Any thread. */
    long logBytesMax() {
        return logBytesMax;
    }

    /** There is a new snapshot of this length, or the first that is known. */
    void onSnapshot(long snapshotBytes) {
        long bytes = snapshotBytes > Long.MAX_VALUE / 2 / policy.logToSnapshotRatio()
            ? Long.MAX_VALUE / 2 : Math.max(policy.logBytesMin(), policy.logToSnapshotRatio() * snapshotBytes);
        logBytesMax = bytes + bytes / 1000 * random.nextInt(JITTER_PERMILLE_MAX + 1);
        isPausing = false;
    }

    /** It failed: what made it fail, a full disk, is mostly still there at once. */
    void onFailed(long nowNanos) {
        isPausing = true;
        pauseEndsNanos = nowNanos + policy.retryPause().toNanos();
    }

    /** After how many nanoseconds a pause ends; {@link Long#MAX_VALUE} if there is none. */
    long nanosUntil(long nowNanos) {
        return isPausing ? Math.max(0, pauseEndsNanos - nowNanos) : Long.MAX_VALUE;
    }
}
