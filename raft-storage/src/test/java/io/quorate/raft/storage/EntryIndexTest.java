package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Where entries are, also when some of them are let go of while somebody asks. */
class EntryIndexTest {

    private static final int ENTRIES = 50_000;      // more than are let go of at once
    private static final int SIZE = 100;

    private final EntryIndex index = new EntryIndex();

    /** Two segments. */
    @BeforeEach
    void fill() {
        int half = ENTRIES / 2;
        int[] offsets = IntStream.range(0, half).map(i -> 1000 + i * SIZE).toArray();
        index.replace(1, 1, offsets, half, 1000 + half * SIZE);
        index.replace(half + 1, 2, offsets, half, 1000 + half * SIZE);
    }

    @Test
    void theFirstWithinSoManyBytesIsCountedFromTheEntryAskedFor() {
        assertEquals(990, index.firstWithin(10 * SIZE, 1000));
        assertEquals(1, index.firstWithin(10 * SIZE, 5));
        assertEquals(ENTRIES - 9, index.firstWithin(10 * SIZE, ENTRIES + 1));
    }

    @Test
    void whoAsksForAnEntryThatWasLetGoOfMeanwhileIsToldOfTheFirstThatIsThere() {
        for (long first : new long[] {20_000, 40_000, ENTRIES + 1}) {
            index.raiseFirst(first);
            assertEquals(first, index.firstWithin(10 * SIZE, 5));
            assertEquals(first, index.firstWithin(0, first - 1));
            assertEquals(first <= ENTRIES / 2 ? 1 : 2, index.segmentOfEntry(5));
            assertEquals(List.of(), index.places(5, 9, 10).stretches());
        }
    }

    @Test
    void whereTheEntriesOfASealedSegmentAreIsKeptOnlyForAWhileAndHowMuchLogThereIsIsKnownAllTheSame() {
        for (int segment = 3; segment <= 2 + EntryIndex.KEPT_SEGMENTS; segment++) {
            index.replace(ENTRIES + 1 + 10L * (segment - 3), segment, IntStream.range(0, 10).map(i -> 200 + i * SIZE).toArray(), 10, 1200);
        }
        long last = ENTRIES + 10L * EntryIndex.KEPT_SEGMENTS;
        long bytes = index.bytesFrom(1000);
        assertNotNull(offsetsAt(1));
        for (int segment = 1; segment <= 2 + EntryIndex.KEPT_SEGMENTS; segment++) {
            index.sealed(segment, 64 << 20);
        }
        assertNull(offsetsAt(1));
        assertNull(offsetsAt(ENTRIES));
        assertArrayEquals(new int[] {200, 300}, offsetsAt(ENTRIES + 1));
        assertArrayEquals(new int[] {1000, 1100}, offsetsAt(last - 1));
        assertEquals(bytes, index.bytesFrom(1000));
        assertEquals(990, index.firstWithin(10 * SIZE, 1000));
        index.keep(1, new int[] {1, 2, 3});
        assertArrayEquals(new int[] {1, 2}, offsetsAt(1));
        assertNull(offsetsAt(ENTRIES + 11), "it was asked for longer ago than the others");
    }

    private int @Nullable [] offsetsAt(long first) {
        return index.places(first, first + 1, 2).stretches().get(0).offsets();
    }

    @Test
    void anEntryThatWasReplacedIsNotWhereItWasAnyMore() {
        assertTrue(index.isAt(ENTRIES, 2, ENTRIES / 2 - 1));
        assertFalse(index.isAt(ENTRIES, 1, ENTRIES / 2 - 1));
        index.replace(ENTRIES - 1, 2, new int[] {9_000_000, 9_000_100}, 2, 9_000_200);
        assertFalse(index.isAt(ENTRIES, 2, ENTRIES / 2 - 1));
        assertTrue(index.isAt(ENTRIES, 2, ENTRIES / 2 + 1));
        assertTrue(index.isAt(ENTRIES - 2, 2, ENTRIES / 2 - 3));
        index.replace(ENTRIES, 2, new int[0], 0, 9_000_300);
        assertFalse(index.isAt(ENTRIES, 2, ENTRIES / 2 + 1));
        assertEquals(ENTRIES / 2 + 2, index.countOf(2));
    }

    @Test
    void theLastEntriesOfASegmentStayInMemoryIfABlockHasAPartOfTheIndexAndOfThem() {
        int half = ENTRIES / 2;
        int end = 1000 + half * SIZE;
        index.sealed(1, (end + 8191) / 4096 * 4096 + (int) SegmentSeal.bytes(half));
        assertEquals(0, index.lastOffsetsOf(1).length, "the index begins with a block");
        index.sealed(2, end + 10 + (int) SegmentSeal.bytes(half));
        int[] last = index.lastOffsetsOf(2);
        assertEquals(1000 + (half - 1) * SIZE, last[last.length - 1]);
        int block = (end + 10) / 4096 * 4096;
        assertTrue(last[0] <= block && last[0] + SIZE > block, last[0] + " and the block at " + block);
    }
}
