package io.quorate.raft.runtime;

import io.quorate.raft.Latency;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Counts durations in buckets, eight to each doubling. One thread records, without locks, waiting or garbage; any thread reads, and may
 * miss what is being recorded at that moment.
 */
final class Histogram {

    private static final int SUB_BITS = 3;
    private static final int SUBS = 1 << SUB_BITS;

    private final AtomicLongArray counts = new AtomicLongArray(bucketOf(Long.MAX_VALUE) + 1);
    private final AtomicLong total = new AtomicLong();
    private final AtomicLong max = new AtomicLong();

    /** It took this long. One thread at a time. */
    void record(long nanos) {
        long length = Math.max(0, nanos);
        int bucket = bucketOf(length);
        counts.setOpaque(bucket, counts.getPlain(bucket) + 1);
        total.setOpaque(total.getPlain() + length);
        if (length > max.getPlain()) {
            max.setOpaque(length);
        }
    }

    Latency read() {
        List<Latency.Bucket> buckets = new ArrayList<>();
        long count = 0;
        for (int i = 0; i < counts.length(); i++) {
            long here = counts.getOpaque(i);
            if (here > 0) {
                buckets.add(new Latency.Bucket(uptoOf(i), here));
                count += here;
            }
        }
        return new Latency(count, total.getOpaque(), max.getOpaque(), buckets);
    }

    /** What is shorter than the first doublings has a bucket for each length. */
    static int bucketOf(long nanos) {
        if (nanos < SUBS) {
            return (int) nanos;
        }
        int doublings = Long.SIZE - 1 - Long.numberOfLeadingZeros(nanos) - SUB_BITS;
        return (doublings << SUB_BITS) + (int) (nanos >>> doublings);
    }

    /** The longest that is counted in this bucket. */
    static long uptoOf(int bucket) {
        if (bucket < 2 * SUBS) {
            return bucket;
        }
        int doublings = (bucket >> SUB_BITS) - 1;
        long lead = (bucket & (SUBS - 1)) + SUBS;
        return ((lead + 1) << doublings) - 1;
    }
}
