package io.quorate.benchmarks.harness;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class TallyTest {

    private static final byte[] ONE = {0, 0, 0, 0, 0, 0, 0, 1};
    private static final byte[] TWO = {0, 0, 0, 0, 0, 0, 0, 2};

    private static Tally of(byte[]... commands) {
        Tally tally = new Tally();
        for (byte[] command : commands) {
            tally.apply(command, 0);
        }
        return tally;
    }

    @Test
    void anotherOrderShows() {
        assertNotEquals(of(ONE, TWO).sum(), of(TWO, ONE).sum());
    }

    @Test
    void aCommandThatIsLostShows() {
        assertNotEquals(of(ONE, TWO).count(), of(ONE).count());
    }

    @Test
    void anArrayAndABufferOfTheSameBytesCountTheSame() {
        Tally tally = new Tally();
        tally.apply(ByteBuffer.wrap(new byte[] {9, 0, 0, 0, 0, 0, 0, 0, 1}, 1, 8));
        assertEquals(of(ONE).toString(), tally.toString());
    }

    @Test
    void aRestoredOneGoesOnAsTheOneThatWasCaptured() {
        Tally captured = of(ONE);
        Tally restored = new Tally();
        restored.restore(captured.count(), captured.sum());
        restored.apply(TWO, 0);
        assertEquals(of(ONE, TWO).toString(), restored.toString());
    }
}
