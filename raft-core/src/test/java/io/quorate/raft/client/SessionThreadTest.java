package io.quorate.raft.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The thread on which sessions do what is due. */
class SessionThreadTest {

    @Test
    void whatIsDueRunsOnAThreadOfItsOwnThatKeepsNoProcessAlive() throws Exception {
        CompletableFuture<Thread> first = new CompletableFuture<>();
        CompletableFuture<Thread> second = new CompletableFuture<>();
        SessionTimer.OF_THE_JDK.after(0, () -> {
            first.complete(Thread.currentThread());
            throw new IllegalStateException("what fails does not take the thread with it");
        });
        Thread thread = first.get(30, TimeUnit.SECONDS);
        SessionTimer.OF_THE_JDK.after(1_000_000, () -> second.complete(Thread.currentThread()));
        assertSame(thread, second.get(30, TimeUnit.SECONDS));
        assertTrue(thread.isDaemon());
        assertEquals("quorate-sessions", thread.getName());
    }

    @Test
    void whatIsCancelledDoesNotRun() throws Exception {
        CompletableFuture<Void> cancelled = new CompletableFuture<>();
        CompletableFuture<Boolean> later = new CompletableFuture<>();
        Runnable cancel = SessionTimer.OF_THE_JDK.after(TimeUnit.HOURS.toNanos(1), () -> cancelled.complete(null));
        cancel.run();
        SessionTimer.OF_THE_JDK.after(0, () -> later.complete(cancelled.isDone()));
        assertEquals(false, later.get(30, TimeUnit.SECONDS));
    }
}
