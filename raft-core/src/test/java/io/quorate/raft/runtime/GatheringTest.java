package io.quorate.raft.runtime;

import static io.quorate.raft.runtime.Recorder.command;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.HardState;
import io.quorate.raft.testing.InMemoryStorage;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** {@link LogWriter#gather}: which batches wait for more, for how many, and what ends it. */
class GatheringTest {

    private static final List<String> NOT_AT_ALL = List.of();
    private static final List<String> IN_VAIN = List.of("poll 100000");
    private static final List<String> UNTIL_WOKEN = List.of("poll 100000", "wake");

    private final RecordingPoller poller = new RecordingPoller();
    private final Waker diskThread = new Waker(poller);
    private final LogWriter writer = new LogWriter(InMemoryStorage.blank(1, 11), new Mailbox(), diskThread, new Meters(), () -> 0);
    private long writes;
    private long lastIndex;

    @Test
    void fewWaitForHalfAsManyAsTheLastBatchHad() {
        takeBatchOf(4, 1);
        poller.meanwhile(() -> addEntries(1));
        addEntries(1);
        assertEquals(IN_VAIN, gather(), "two are not enough");
        assertEquals(2, writer.take().size());
    }

    @Test
    void whoWaitsForMoreIsWokenWhenThereAreEnough() {
        takeBatchOf(4, 1);
        poller.meanwhile(() -> {
            addEntries(1);
            addEntries(1);
        });
        addEntries(1);
        assertEquals(UNTIL_WOKEN, gather());
        assertEquals(3, writer.take().size());
    }

    @Test
    void whatIsEnoughWaitsForNoMore() {
        takeBatchOf(4);
        addEntries(2);
        assertEquals(NOT_AT_ALL, gather());
    }

    @Test
    void nothingWaitsForNothing() {
        takeBatchOf(4);
        assertEquals(NOT_AT_ALL, gather());
    }

    @Test
    void theFirstOfAllAndWhoGoesOnAloneWaitForNobody() {
        addEntries(1);
        assertEquals(NOT_AT_ALL, gather());
        writer.take();
        addEntries(1);
        assertEquals(NOT_AT_ALL, gather());
    }

    @Test
    void aVoteWaitsForNobodyAndEndsAWait() {
        takeBatchOf(6);
        addEntries(0);
        addEntries(1);
        assertEquals(NOT_AT_ALL, gather());
        takeAll(2);
        takeBatchOf(6);
        addEntries(1);
        poller.meanwhile(() -> addEntries(0));
        assertEquals(UNTIL_WOKEN, gather());
    }

    @Test
    void aVoteThatIsWrittenMakesNobodyWait() {
        addEntries(0);
        addEntries(1);
        takeAll(2);
        addEntries(1);
        assertEquals(NOT_AT_ALL, gather());
    }

    @Test
    void inVainItIsWaitedForOnce() {
        takeBatchOf(4);
        addEntries(1);
        assertEquals(IN_VAIN, gather());
        assertEquals(1, writer.take().size());
        addEntries(1);
        assertEquals(NOT_AT_ALL, gather(), "the last batch was of one entry");
    }

    @Test
    void whoHasGatheredIsWokenByWhateverComesThen() {
        takeBatchOf(6);       // so that one more would not be enough either
        addEntries(1);
        assertEquals(IN_VAIN, gather());
        writer.take();
        assertTrue(Wakers.isWoken(diskThread, () -> addEntries(1)));
    }

    /** What the disk thread did in its sleep, if it slept. */
    private List<String> gather() {
        writer.gather();
        return poller.told();
    }

    /** One batch of writes of so many entries each. */
    private void takeBatchOf(int... counts) {
        for (int count : counts) {
            addEntries(count);
        }
        takeAll(counts.length);
    }

    private void takeAll(int writes) {
        assertEquals(writes, writer.take().size());
    }

    /** One write, which is a vote if it has no entries. */
    private void addEntries(int count) {
        long firstIndex = lastIndex + 1;
        lastIndex += count;
        List<Entry> entries = LongStream.rangeClosed(firstIndex, lastIndex).mapToObj(index -> command(index, 1, "a")).toList();
        writer.add(new Storage.Write(++writes, new HardState(2, null, 0), firstIndex, entries));
    }
}
