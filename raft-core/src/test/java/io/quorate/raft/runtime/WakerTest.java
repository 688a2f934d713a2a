package io.quorate.raft.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class WakerTest {

    private final RecordingPoller poller = new RecordingPoller();
    private final Waker waker = new Waker(poller);

    @Test
    void whoCarriesSomethingWaitsInIt() {
        waker.sleep(5, () -> false);
        assertEquals(List.of("poll 5"), poller.told());
    }

    @Test
    void whatIsCarriedIsLookedAfterThoughThereIsNoTimeToRest() {
        waker.sleep(5, () -> true);
        waker.sleep(0, () -> false);
        waker.sleep(-1, () -> false);
        waker.end();
        waker.sleep(5, () -> false);
        assertEquals(List.of("poll 0", "poll 0", "poll 0", "poll 0"), poller.told());
    }

    @Test
    void whoWaitsSoIsWokenSoAndOnce() {
        poller.meanwhile(() -> {
            assertTrue(waker.hasSleeper());
            waker.wake();
            waker.wake();
            assertFalse(waker.hasSleeper());
        });
        waker.sleep(5, () -> false);
        assertEquals(List.of("poll 5", "wake"), poller.told());
        waker.wake();
        assertEquals(List.of(), poller.told(), "nobody sleeps");
    }

    @Test
    void whoLeavesStaysForAsLongAsWhatHeCarriedNeedsHim() {
        waker.leave();
        assertEquals(List.of("leave"), poller.told());
        new Waker().leave();
    }
}
