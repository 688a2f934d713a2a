package io.quorate.raft.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Transport;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class WakerTest {

    private final List<String> polled = new ArrayList<>();
    private Runnable meanwhile = () -> { };
    private final Waker waker = new Waker(new Transport.Poller() {

        @Override
        public void poll(long nanos) {
            polled.add("poll " + nanos);
            meanwhile.run();
        }

        @Override
        public void wake() {
            polled.add("wake");
        }

        @Override
        public void leave() {
            polled.add("leave");
        }
    });

    @Test
    void whoCarriesSomethingWaitsInIt() {
        waker.sleep(5, () -> false);
        assertEquals(List.of("poll 5"), polled);
    }

    @Test
    void whatIsCarriedIsLookedAfterThoughThereIsNoTimeToRest() {
        waker.sleep(5, () -> true);
        waker.sleep(0, () -> false);
        waker.sleep(-1, () -> false);
        waker.end();
        waker.sleep(5, () -> false);
        assertEquals(List.of("poll 0", "poll 0", "poll 0", "poll 0"), polled);
    }

    @Test
    void whoWaitsSoIsWokenSoAndOnce() {
        meanwhile = () -> {
            assertTrue(waker.hasSleeper());
            waker.wake();
            waker.wake();
            assertFalse(waker.hasSleeper());
        };
        waker.sleep(5, () -> false);
        assertEquals(List.of("poll 5", "wake"), polled);
        waker.wake();
        assertEquals(List.of("poll 5", "wake"), polled, "nobody sleeps");
    }

    @Test
    void whoLeavesStaysForAsLongAsWhatHeCarriedNeedsHim() {
        waker.leave();
        assertEquals(List.of("leave"), polled);
        new Waker().leave();
    }
}
