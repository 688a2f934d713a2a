package io.quorate.examples.election;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How the loop that is written by hand ends. */
@Timeout(120)
final class LeaderLoopTest {

    private static final long JOIN_MILLIS = 30_000;
    private static final long LISTED_MILLIS = 500;      // by then it waits for the watch, most likely, and no more for the list

    /** A thread that waits for the next election. */
    private static final class Waiter {

        private final CompletableFuture<Boolean> heard = new CompletableFuture<>();
        private final Thread thread;

        private Waiter(LeaderLoop loop) {
            thread = new Thread(() -> {
                try {
                    heard.complete(loop.waitForNextElection());
                } catch (RuntimeException | Error e) {
                    heard.completeExceptionally(e);
                }
            }, "waiter");
            thread.setDaemon(true);
            thread.start();
            while (thread.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            Holders.pause(LISTED_MILLIS);
        }

        private boolean heard() throws Exception {
            boolean wasDeleted = heard.get(JOIN_MILLIS, TimeUnit.MILLISECONDS);
            thread.join(JOIN_MILLIS);
            return wasDeleted;
        }
    }

    private static LeaderLoop loop(SmallGroup.Line line, String name) {
        return new LeaderLoop(line.client(), "jobs/billing", name.getBytes(StandardCharsets.UTF_8), Duration.ofSeconds(30));
    }

    private static List<Thread> refreshers() {
        return Thread.getAllStackTraces().keySet().stream().filter(thread -> thread.getName().equals("lease-refresher")).toList();
    }

    @Test
    void whoWaitsForTheNextElectionIsLetGoWhenAnotherThreadClosesTheLoop() throws Exception {
        List<Thread> before = refreshers();      // of another test, that end just now
        try (SmallGroup group = new SmallGroup(); SmallGroup.Line first = group.new Line(); SmallGroup.Line second = group.new Line();
             SmallGroup.Line third = group.new Line()) {
            LeaderLoop leads = loop(first, "a");
            LeaderLoop waits = loop(second, "b");
            LeaderLoop isCutOff = loop(third, "c");
            assertTrue(leads.becomeLeader());
            assertFalse(waits.becomeLeader());
            assertFalse(isCutOff.becomeLeader());

            Waiter waiter = new Waiter(waits);
            waits.close();
            assertFalse(waiter.heard(), "the key is still there");
            assertFalse(waits.waitForNextElection(), "nor does it wait from then on");
            assertFalse(waits.becomeLeader());

            waiter = new Waiter(isCutOff);
            third.cut();
            assertThrows(CompletionException.class, isCutOff::close, "its lease cannot be revoked");
            assertFalse(waiter.heard());

            assertTrue(leads.leads());
            leads.close();
            assertFalse(leads.leads());
        }
        for (Thread refresher : refreshers()) {
            refresher.join(JOIN_MILLIS);
            assertFalse(refresher.isAlive(), () -> before.contains(refresher) ? "another test's" : "of a loop that was closed");
        }
    }

    @Test
    void whoWaitsForTheNextElectionHearsThatTheKeyIsGone() throws Exception {
        try (SmallGroup group = new SmallGroup(); SmallGroup.Line first = group.new Line(); SmallGroup.Line second = group.new Line()) {
            LeaderLoop leads = loop(first, "a");
            try (LeaderLoop waits = loop(second, "b")) {
                assertTrue(leads.becomeLeader());
                assertFalse(waits.becomeLeader());
                Waiter waiter = new Waiter(waits);
                leads.close();
                assertTrue(waiter.heard());
                assertTrue(waits.becomeLeader());
            }
        }
    }
}
