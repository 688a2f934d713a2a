package io.quorate.raft.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.util.concurrent.DefaultPromise;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** How long is waited for an end, and how much is remembered of strangers. */
class IoThreadsTest {

    /** A node with a hundred connections to machines that are gone would take minutes to close. */
    @Test
    void theTimeToCloseIsThatOfAllConnectionsTogether() {
        IoThreads threads = new IoThreads("quorate-test", 1);
        List<Long> waits = new ArrayList<>();
        List<Future<?>> never = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            never.add(new DefaultPromise<Void>(GlobalEventExecutor.INSTANCE) {
                @Override
                public boolean awaitUninterruptibly(long time, TimeUnit unit) {
                    waits.add(unit.toNanos(time));
                    long begin = System.nanoTime();
                    while (System.nanoTime() - begin < unit.toNanos(time)) {
                        Thread.onSpinWait();
                    }
                    return false;
                }
            });
        }
        threads.awaitAll(never, 1_000_000);
        assertEquals(3, waits.size());
        assertTrue(waits.get(0) > 0);
        assertEquals(List.of(0L, 0L), waits.subList(1, 3));
        threads.close(true);
    }

    @Test
    void ofStrangersWhoNameEverOtherNodesNotMoreIsRememberedThanThatThereWereSome() {
        Tally tally = new Tally();
        for (int nodeId = 1; nodeId <= Tally.NODES_MAX + 5; nodeId++) {
            tally.dropped(nodeId);
        }
        tally.dropped(1);
        Map<Integer, Long> dropped = tally.read().droppedMessages();
        assertEquals(Tally.NODES_MAX + 1, dropped.size());
        assertEquals(5, dropped.get(0));
        assertEquals(2, dropped.get(1));
        assertEquals(Tally.NODES_MAX + 6, tally.dropped());
    }
}
