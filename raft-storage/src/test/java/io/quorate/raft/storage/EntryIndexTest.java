package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.stream.IntStream;
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
}
