package io.quorate.raft.election;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** The number that tells an earlier leader from the present one. */
class FencingTokenTest {

    @Test
    void aLaterIndexAndEvenMoreALaterEpochIsHigher() {
        assertTrue(FencingToken.of(0, 2) > FencingToken.of(0, 1));
        assertTrue(FencingToken.of(1, 1) > FencingToken.of(0, FencingToken.INDEX_MAX));
        assertTrue(FencingToken.of(FencingToken.EPOCH_MAX, 1) > FencingToken.of(FencingToken.EPOCH_MAX - 1, FencingToken.INDEX_MAX));
        assertTrue(FencingToken.of(FencingToken.EPOCH_MAX, FencingToken.INDEX_MAX) > 0);
    }

    @Test
    void itTellsWhatItIsMadeOf() {
        long token = FencingToken.of(3, 1234);

        assertEquals(3, FencingToken.epoch(token));
        assertEquals(1234, FencingToken.index(token));
        assertEquals("3:1234", FencingToken.toString(token));
        assertEquals("1234", FencingToken.toString(FencingToken.of(0, 1234)));
    }

    @Test
    void whatHasNoPlaceInItIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> FencingToken.of(FencingToken.EPOCH_MAX + 1, 1));
        assertThrows(IllegalArgumentException.class, () -> FencingToken.of(-1, 1));
        assertThrows(IllegalArgumentException.class, () -> FencingToken.of(0, 0));
        assertThrows(IllegalArgumentException.class, () -> FencingToken.of(0, FencingToken.INDEX_MAX + 1));
    }
}
