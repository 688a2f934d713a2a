package io.quorate.raft;

import java.time.Duration;

/**
 * When a replica takes snapshots of its own accord, and how fast it fetches another's.
 *
 * <p>A snapshot is taken when the log behind the last one is longer than {@code logBytesMin} and than {@code logToSnapshotRatio} times that
 * snapshot, so that writing snapshots costs at most a fixed share of writing the log. Each time a replica adds up to a quarter to that
 * by chance, so that not all of a group write at once. One that is due while another is being written is taken when that is done.
 *
 * @param logBytesMin         a log shorter than this is left alone; at least 1
 * @param logToSnapshotRatio  how many times as long as the last snapshot the log becomes; at least 1
 * @param fetchBytesPerSecond at most so much of another replica's snapshot is asked for; at least one {@linkplain
 *                            SnapshotMessage#PIECE_BYTES_MAX piece}
 * @param retryPause          how long nothing is tried of its own accord after a snapshot has failed; more than 0
 */
public record SnapshotPolicy(long logBytesMin, int logToSnapshotRatio, long fetchBytesPerSecond, Duration retryPause) {

    /** 64 MiB, 4 times, 64 MiB per second, a minute. */
    public static final SnapshotPolicy DEFAULT = new SnapshotPolicy(64L << 20, 4, 64L << 20, Duration.ofMinutes(1));

    private static final int RATIO_MAX = 1000;

    public SnapshotPolicy {
        if (logBytesMin < 1 || logBytesMin > Long.MAX_VALUE / 2) {
            throw new IllegalArgumentException("logBytesMin is at least 1, and at most half of what fits a long, not " + logBytesMin);
        }
        if (logToSnapshotRatio < 1 || logToSnapshotRatio > RATIO_MAX) {
            throw new IllegalArgumentException("logToSnapshotRatio is between 1 and " + RATIO_MAX + ", not " + logToSnapshotRatio);
        }
        if (fetchBytesPerSecond < SnapshotMessage.PIECE_BYTES_MAX) {
            throw new IllegalArgumentException("fetchBytesPerSecond is at least " + SnapshotMessage.PIECE_BYTES_MAX + ", not "
                + fetchBytesPerSecond);
        }
        if (retryPause.isNegative() || retryPause.isZero() || retryPause.compareTo(Duration.ofDays(1)) > 0) {
            throw new IllegalArgumentException("retryPause is more than 0 and at most a day, not " + retryPause);
        }
    }

    /** The same, but a log shorter than this is left alone. */
    public SnapshotPolicy withLogBytesMin(long bytes) {
        return new SnapshotPolicy(bytes, logToSnapshotRatio, fetchBytesPerSecond, retryPause);
    }

    /** The same, but the log becomes so many times as long as the last snapshot. */
    public SnapshotPolicy withLogToSnapshotRatio(int ratio) {
        return new SnapshotPolicy(logBytesMin, ratio, fetchBytesPerSecond, retryPause);
    }

    /** The same, but at most so much of another's snapshot is asked for in a second. */
    public SnapshotPolicy withFetchBytesPerSecond(long bytes) {
        return new SnapshotPolicy(logBytesMin, logToSnapshotRatio, bytes, retryPause);
    }

    /** The same, but this long nothing is tried after a snapshot has failed. */
    public SnapshotPolicy withRetryPause(Duration pause) {
        return new SnapshotPolicy(logBytesMin, logToSnapshotRatio, fetchBytesPerSecond, pause);
    }
}
