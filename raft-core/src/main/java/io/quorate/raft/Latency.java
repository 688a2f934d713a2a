package io.quorate.raft;

import java.util.List;

/**
 * How long something took, each time since the server started: counts by length, in buckets whose bounds are at most an eighth apart.
 *
 * @param count      how often
 * @param totalNanos all together
 * @param maxNanos   the longest
 * @param buckets    those that are not empty, shortest first; their counts add up to {@code count}
 */
public record Latency(long count, long totalNanos, long maxNanos, List<Bucket> buckets) {

    /**
     * How often something took longer than the bucket before this one allows, and at most this.
     *
     * @param uptoNanos the longest that is counted here
     * @param count     how often
     */
    public record Bucket(long uptoNanos, long count) { }

    public Latency {
        buckets = List.copyOf(buckets);
    }

    /** The mean; 0 if it never happened. */
    public long meanNanos() {
        return count == 0 ? 0 : totalNanos / count;
    }

    /**
     * A time that this share of all took at most, too long by an eighth at the worst; 0 if it never happened.
     *
     * @param share between 0 and 1, as 0.99
     */
    public long quantileNanos(double share) {
        if (!(share >= 0 && share <= 1)) {
            throw new IllegalArgumentException("A share is between 0 and 1, not " + share);
        }
        long wanted = Math.max(1, (long) Math.ceil(share * count));
        long seen = 0;
        for (Bucket bucket : buckets) {
            seen += bucket.count;
            if (seen >= wanted) {
                return Math.min(bucket.uptoNanos, maxNanos);
            }
        }
        return maxNanos;
    }

    @Override
    public String toString() {
        return "Latency[" + count + " times, mean " + meanNanos() + " ns, half " + quantileNanos(0.5) + " ns, 99 of 100 "
            + quantileNanos(0.99) + " ns, longest " + maxNanos + " ns]";
    }
}
