package io.quorate.raft.election;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The thread on which elections do what is due. */
class ElectionTimerTest {

    @Test
    void whatIsDueRunsOnAThreadOfItsOwnThatKeepsNoProcessAlive() throws Exception {
        CompletableFuture<Thread> first = new CompletableFuture<>();
        CompletableFuture<Thread> second = new CompletableFuture<>();
        ElectionTimer.after(0, () -> {
            first.complete(Thread.currentThread());
            throw new IllegalStateException("what fails does not take the thread with it");
        });
        Thread thread = first.get(30, TimeUnit.SECONDS);
        ElectionTimer.after(1_000_000, () -> second.complete(Thread.currentThread()));
        assertSame(thread, second.get(30, TimeUnit.SECONDS));
        assertTrue(thread.isDaemon());
        assertEquals("quorate-elections", thread.getName());
    }

    @Test
    void whatIsCancelledDoesNotRun() throws Exception {
        CompletableFuture<Void> cancelled = new CompletableFuture<>();
        CompletableFuture<Boolean> later = new CompletableFuture<>();
        Runnable cancel = ElectionTimer.after(TimeUnit.HOURS.toNanos(1), () -> cancelled.complete(null));
        cancel.run();
        ElectionTimer.after(0, () -> later.complete(cancelled.isDone()));
        assertEquals(false, later.get(30, TimeUnit.SECONDS));
    }
}
