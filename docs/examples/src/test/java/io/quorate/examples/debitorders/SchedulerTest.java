package io.quorate.examples.debitorders;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.quorate.examples.debitorders.Scheduler.End;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Two schedulers, of which one has slept: what the fence is for, without a clock and without a process. */
@Timeout(30)
final class SchedulerTest {

    private static final Plan PLAN = new Plan(0, 1, 5, 4);
    private static final String NAME = "debit-orders";

    @TempDir
    private Path directory;

    private OrderLedger ledger(boolean isFenced) throws IOException {
        return OrderLedger.open(directory.resolve("orders.txt"), () -> 0, isFenced);
    }

    private OrderCheck check() throws IOException {
        return OrderCheck.of(OrderLedger.read(directory.resolve("orders.txt")), PLAN);
    }

    /** A scheduler to which this happens between its question whether it leads and its order. */
    private static Scheduler scheduler(IntConsumer during) {
        return new Scheduler(NAME, PLAN, new Scheduler.Preparation() {
            @Override
            public void awaitDue(int number) { }

            @Override
            public void workOut(int number) {
                during.accept(number);
            }
        });
    }

    private static End run(Scheduler scheduler, Ledger ledger, long fence) {
        try {
            return scheduler.run(ledger, fence, () -> true);
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private End runWhileTheFirstSleeps(OrderLedger ledger) {
        return run(scheduler(number -> {
            if (number == 7) {
                assertEquals(End.DONE, run(scheduler(other -> { }), ledger, 9));
            }
        }), ledger, 5);
    }

    @Test
    void aHolderWhoSleptBetweenQuestionAndOrderIsStopped() throws IOException {
        try (OrderLedger ledger = ledger(true)) {
            assertEquals(End.OVERTAKEN, runWhileTheFirstSleeps(ledger));
            assertEquals(1, ledger.staleRequests());
        }
        assertEquals(new OrderCheck(PLAN.orders(), 0, 0, 0, 0, 0), check());
    }

    @Test
    void withoutTheFenceHeWouldChargeCustomersTwice() throws IOException {
        try (OrderLedger ledger = ledger(false)) {
            assertEquals(End.DONE, runWhileTheFirstSleeps(ledger));
        }
        assertEquals(PLAN.orders() - 7, check().duplicates());
    }

    @Test
    void aHolderWhoKnowsThatItIsOverStopsByItself() throws IOException, InterruptedException {
        try (OrderLedger ledger = ledger(true)) {
            int[] asked = {0};
            assertEquals(End.NOT_VALID, scheduler(number -> { }).run(ledger, 5, () -> ++asked[0] <= 3));
        }
        assertEquals(3, check().orders());
    }

    @Test
    void theNextHolderGoesOnWhereTheLastOneStopped() throws IOException, InterruptedException {
        try (OrderLedger ledger = ledger(true)) {
            int[] asked = {0};
            scheduler(number -> { }).run(ledger, 5, () -> ++asked[0] <= 3);
            assertEquals(End.DONE, run(scheduler(number -> { }), ledger, 6));
        }
        assertEquals(new OrderCheck(PLAN.orders(), 0, 0, 0, 0, 0), check());
    }

    @Test
    void anOrderWhoseAnswerIsLostEndsTheTermOfOffice() throws IOException {
        try (OrderLedger ledger = ledger(true)) {
            Ledger deaf = new Ledger() {
                @Override
                public Verdict claim(String scheduler, long fence) throws IOException {
                    return ledger.claim(scheduler, fence);
                }

                @Override
                public Verdict create(String scheduler, long fence, String orderId) throws IOException {
                    ledger.create(scheduler, fence, orderId);
                    throw new IOException("no answer");
                }
            };
            assertThrows(IOException.class, () -> scheduler(number -> { }).run(deaf, 5, () -> true));
            assertEquals(End.DONE, run(scheduler(number -> { }), ledger, 6));
        }
        assertEquals(new OrderCheck(PLAN.orders(), 0, 0, 0, 0, 0), check());
    }
}
