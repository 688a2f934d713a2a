package io.quorate.raft.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class RaftConfigTest {

    @Test
    void whatNoTransportNeedsToCarryIsRefused() {
        assertEquals("appendBytesMax is at most 33554468, not 33554469",
            assertThrows(IllegalArgumentException.class, () -> new RaftConfig(1_000_000_000, 1, 1, 1, Entry.SIZE_MAX + 1, 1)).getMessage());
        assertEquals(Entry.SIZE_MAX, new RaftConfig(1_000_000_000, 1, 1, 1, Entry.SIZE_MAX, 1).appendBytesMax());
    }

    @Test
    void budgetsArePositiveAndTimeoutsSane() {
        assertEquals("inflightBytesMax is 1 or more, not 0",
            assertThrows(IllegalArgumentException.class, () -> new RaftConfig(1_000_000_000, 1, 1, 0, 1, 1)).getMessage());
        assertThrows(IllegalArgumentException.class, () -> RaftConfig.DEFAULT.withElectionTimeout(Duration.ofMillis(9)));
        assertThrows(IllegalArgumentException.class, () -> RaftConfig.DEFAULT.withElectionTimeout(Duration.ofHours(2)));
        assertEquals(15_000_000, RaftConfig.DEFAULT.withElectionTimeout(Duration.ofMillis(150)).heartbeatNanos());
    }
}
