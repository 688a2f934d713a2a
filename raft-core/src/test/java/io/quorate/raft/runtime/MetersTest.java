package io.quorate.raft.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Latency;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class MetersTest {

    // ---- histograms

    @Property
    void everyDurationHasABucketThatIsAtMostAnEighthTooLong(@ForAll @LongRange(min = 0) long nanos) {
        int bucket = Histogram.bucketOf(nanos);
        assertTrue(nanos <= Histogram.uptoOf(bucket), () -> nanos + " in " + bucket);
        assertTrue(bucket == 0 || nanos > Histogram.uptoOf(bucket - 1), () -> nanos + " in " + bucket);
        assertTrue(Histogram.uptoOf(bucket) - nanos <= nanos / 8, () -> nanos + " counted as " + Histogram.uptoOf(bucket));
    }

    @Property(tries = 200)
    void aQuantileIsTheRightOneButForTheBucketsWidth(@ForAll @Size(min = 1, max = 200) List<@LongRange(min = 0, max = 1L << 40) Long> all) {
        Histogram histogram = new Histogram();
        all.forEach(histogram::record);
        Latency read = histogram.read();
        long[] sorted = all.stream().mapToLong(Long::longValue).sorted().toArray();
        assertEquals(all.size(), read.count());
        assertEquals(Arrays.stream(sorted).sum(), read.totalNanos());
        assertEquals(sorted[sorted.length - 1], read.maxNanos());
        for (double share : new double[] {0, 0.25, 0.5, 0.9, 0.99, 1}) {
            long exact = sorted[(int) Math.max(1, Math.ceil(share * sorted.length)) - 1];
            long told = read.quantileNanos(share);
            assertTrue(told >= exact && told <= exact + exact / 8, () -> share + " of " + all + ": " + told);
        }
    }

    @Test
    void whatNeverHappenedTookNoTime() {
        Latency none = new Histogram().read();
        assertEquals(new Latency(0, 0, 0, List.of()), none);
        assertEquals(0, none.meanNanos());
        assertEquals(0, none.quantileNanos(0.99));
        assertThrows(IllegalArgumentException.class, () -> none.quantileNanos(Double.NaN));
        assertThrows(IllegalArgumentException.class, () -> none.quantileNanos(1.1));
    }

    @Test
    void aClockThatWentBackCountsAsNoTime() {
        Histogram histogram = new Histogram();
        histogram.record(-5);
        assertEquals(List.of(new Latency.Bucket(0, 1)), histogram.read().buckets());
    }

    // ---- pending writes

    @Test
    void theOldestWriteTellsForHowLongTheDiskHasNotAnswered() {
        PendingWrites writes = new PendingWrites();
        Histogram latency = new Histogram();
        assertEquals(0, writes.oldestNanos(500));
        writes.add(1, 100);
        writes.add(2, 150);
        writes.add(3, 180);
        assertEquals(400, writes.oldestNanos(500));
        writes.written(2, 600, latency);
        assertEquals(2, latency.read().count());
        assertEquals(500 + 450, latency.read().totalNanos());
        assertEquals(1, writes.size());
        assertEquals(420, writes.oldestNanos(600));
        writes.written(2, 700, latency);
        writes.written(3, 700, latency);
        writes.written(9, 700, latency);
        assertEquals(0, writes.size());
        assertEquals(3, latency.read().count());
    }

    @Test
    void aDiskThatHangsForLongIsRememberedWhole() {
        PendingWrites writes = new PendingWrites();
        Histogram latency = new Histogram();
        long id = 1;
        for (; id <= 40; id++) {
            writes.add(id, id);
        }
        writes.written(30, 100, new Histogram());
        for (; id <= 1000; id++) {
            writes.add(id, id);
        }
        assertEquals(970, writes.size());
        writes.written(1000, 2000, latency);
        assertEquals(970, latency.read().count());
        assertEquals(2000 - 31, latency.read().maxNanos());
        long expected = 0;
        for (long each = 31; each <= 1000; each++) {
            expected += 2000 - each;
        }
        assertEquals(expected, latency.read().totalNanos());
    }
}
