package io.quorate.raft.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class InboxTest {

    private final Waker waker = new Waker();
    private final Inbox<Integer> inbox = new Inbox<>(waker);

    @Test
    void whatOneThreadAddsIsTakenInItsOrder() {
        inbox.add(1);
        inbox.add(2);
        inbox.add(3);

        assertEquals(List.of(1, 2, 3), drain());
    }

    @Test
    void theHandHoldsWhatHadComeBeforeTheFill() {
        inbox.add(1);
        inbox.fill();
        inbox.add(2);

        assertEquals(1, inbox.poll());
        assertTrue(inbox.isHandEmpty());
        assertNull(inbox.poll());
        assertTrue(inbox.hasMore());
        assertEquals(List.of(2), drain());
        assertFalse(inbox.hasMore());
    }

    @Test
    void aFillLeavesAHandAloneThatIsNotEmpty() {
        inbox.add(1);
        inbox.add(2);
        inbox.fill();
        inbox.poll();
        inbox.add(3);
        inbox.fill();

        assertEquals(2, inbox.poll());
        assertTrue(inbox.isHandEmpty());
    }

    @Test
    void closingGivesBackWhatNobodyPolledInItsOrderAndRefusesTheRest() {
        inbox.add(1);
        inbox.add(2);
        inbox.fill();
        inbox.poll();
        inbox.add(3);
        inbox.add(4);

        assertEquals(List.of(2, 3, 4), inbox.close());
        assertFalse(inbox.add(5));
        assertFalse(inbox.hasMore());
        assertEquals(List.of(), drain());
        assertEquals(List.of(), inbox.close());
    }

    @Test
    void manyThreadsLoseNothingWhileTheConsumerSleepsInBetween() throws InterruptedException {
        int threads = 4;
        int each = 20_000;
        CountDownLatch go = new CountDownLatch(1);
        List<Thread> producers = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            int producer = i;
            Thread thread = new Thread(() -> {
                awaitUninterruptibly(go);
                for (int j = 0; j < each; j++) {
                    inbox.add(producer * each + j);
                }
            });
            thread.start();
            producers.add(thread);
        }
        go.countDown();
        int[] nextOf = new int[threads];
        int taken = 0;
        while (taken < threads * each) {
            inbox.fill();
            for (Integer item = inbox.poll(); item != null; item = inbox.poll()) {
                int producer = item / each;
                assertEquals(nextOf[producer]++, item % each, "order of producer " + producer);
                taken++;
            }
            waker.sleep(TimeUnit.SECONDS.toNanos(20), inbox::hasMore);     // a lost wake-up would end in the test's timeout
        }
        for (Thread thread : producers) {
            thread.join();
        }
        assertEquals(threads * each, taken);
        assertFalse(inbox.hasMore());
    }

    @Test
    void everyItemAddedBesideTheClosingIsEitherGivenBackOrRefused() throws InterruptedException {
        for (int round = 0; round < 200; round++) {
            Inbox<Integer> contested = new Inbox<>(new Waker());
            AtomicInteger accepted = new AtomicInteger();
            CountDownLatch go = new CountDownLatch(1);
            Thread producer = new Thread(() -> {
                awaitUninterruptibly(go);
                while (contested.add(1)) {
                    accepted.incrementAndGet();
                }
            });
            producer.start();
            go.countDown();
            int left = contested.close().size();
            producer.join();
            assertEquals(accepted.get(), left);
        }
    }

    @Test
    void whatIsAddedQuietlyWakesNobody() {
        assertFalse(Wakers.isWoken(waker, () -> inbox.addQuietly(1)));
        assertTrue(Wakers.isWoken(waker, () -> inbox.add(2)));
        assertEquals(List.of(1, 2), drain());
    }

    /** The first takes the sleeper away, so there is nobody whom the second could wake. */
    @Test
    void aThreadIsWokenOnceByAllWhoBringSomething() {
        assertTrue(Wakers.isWoken(waker, () -> {
            inbox.add(1);
            assertFalse(waker.hasSleeper());
            inbox.add(2);
        }));
        assertEquals(List.of(1, 2), drain());
    }

    @Test
    void theSleeperWakesForWorkForTheEndAndNotForNothing() throws InterruptedException {
        CountDownLatch woken = new CountDownLatch(1);
        Thread sleeper = new Thread(() -> {
            while (!inbox.hasMore()) {
                waker.sleep(TimeUnit.HOURS.toNanos(1), inbox::hasMore);
            }
            woken.countDown();
        });
        sleeper.start();
        inbox.add(1);
        assertTrue(woken.await(20, TimeUnit.SECONDS));
        sleeper.join();

        waker.end();
        inbox.close();
        waker.sleep(TimeUnit.HOURS.toNanos(1), inbox::hasMore);   // returns at once, or the test times out
        assertFalse(inbox.hasMore());
    }

    @Test
    void anInterruptIsForgottenAfterOneSleep() {
        Thread.currentThread().interrupt();
        waker.sleep(TimeUnit.HOURS.toNanos(1), () -> false);
        assertFalse(Thread.currentThread().isInterrupted());
    }

    private List<Integer> drain() {
        List<Integer> items = new ArrayList<>();
        inbox.fill();
        for (Integer item = inbox.poll(); item != null; item = inbox.poll()) {
            items.add(item);
        }
        return items;
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
