package io.quorate.raft.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** What of the log is in memory, and what that takes. */
class RaftLogTest {

    private static final int SIZE = 1000;
    private static final byte[] PAYLOAD = new byte[SIZE - Entry.HEADER_BYTES];
    private static final byte[] NOTHING = new byte[0];

    private final RaftLog log = new RaftLog(LogView.empty(Cluster.voters(3)));

    @Test
    void anEntryCountsAsWhatItTakesOfMemory() {
        append(100, PAYLOAD);
        log.evict(100, 10 * (SIZE + Entry.OBJECT_BYTES));
        assertEquals(91, log.firstInMemory());
        log.evict(100, 10 * (SIZE + Entry.OBJECT_BYTES) - 1);
        assertEquals(92, log.firstInMemory());
    }

    /** However small entries are, no more of them stay than there is memory for. */
    @Test
    void emptyEntriesCountToo() {
        append(100_000, NOTHING);
        log.evict(100_000, 1 << 20);
        long count = log.lastIndex() - log.firstInMemory() + 1;
        assertEquals((1 << 20) / (Entry.HEADER_BYTES + Entry.OBJECT_BYTES), count);
    }

    @Test
    void onTheWireAnEntryCountsAsItsBytesAlone() {
        append(100, PAYLOAD);
        assertEquals(10, log.entries(1, 100, 10 * SIZE).size());
        assertEquals(10 * SIZE, log.bytes(1, 10));
    }

    @Test
    void theRingIsShortAgainWhenTheTailIs() {
        append(100_000, NOTHING);
        assertTrue(log.ringLength() >= 100_000, () -> log.ringLength() + " places");
        append(1000, PAYLOAD);
        log.evict(100_500, Long.MAX_VALUE);
        assertEquals(1, log.firstInMemory());
        log.evict(101_000, 500 * (SIZE + Entry.OBJECT_BYTES));
        assertEquals(100_501, log.firstInMemory());
        assertTrue(log.ringLength() < 8 * 500, () -> log.ringLength() + " places for 500 entries");
        assertHolds(100_501, 101_000);
        append(10_000, NOTHING);
        assertHolds(100_501, 111_000);
        log.truncate(100_502);
        log.evict(100_501, Long.MAX_VALUE);
        assertEquals(RaftLog.RING_LENGTH_MIN, log.ringLength());
        assertHolds(100_501, 100_501);
    }

    /** One that is as long as before costs nothing, also when much comes and goes between two looks. */
    @Test
    void theRingStaysAsItIsWhileTheLoadDoes() {
        append(1000, NOTHING);
        log.evict(1000, 1);
        assertEquals(RaftLog.RING_LENGTH_MIN, log.ringLength());
        append(1000, NOTHING);
        int length = log.ringLength();
        for (int i = 0; i < 1000; i++) {
            log.evict(log.lastIndex(), 200 * (Entry.HEADER_BYTES + Entry.OBJECT_BYTES));
            assertEquals(length, log.ringLength());
            append(1 + i % 700, NOTHING);
            assertEquals(length, log.ringLength());
        }
    }

    private void append(int count, byte[] payload) {
        for (int i = 0; i < count; i++) {
            log.append(Entry.of(log.lastIndex() + 1, 1, Entry.Kind.COMMAND, 0, payload));
        }
    }

    private void assertHolds(long first, long last) {
        List<Entry> entries = log.entries(first, last, Long.MAX_VALUE);
        assertEquals(last - first + 1, entries.size());
        assertEquals(last, log.lastIndex());
        long bytes = 0;
        for (int i = 0; i < entries.size(); i++) {
            assertEquals(first + i, entries.get(i).index());
            bytes += entries.get(i).size();
        }
        assertEquals(bytes, log.bytes(first, last));
    }
}
