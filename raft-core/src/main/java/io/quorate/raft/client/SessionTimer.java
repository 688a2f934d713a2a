package io.quorate.raft.client;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** The time as a session's client knows it; tests have one of their own. */
interface SessionTimer {

    /** The JDK's own timer thread, which needs none of ours and is no reason for a process to go on. */
    SessionTimer OF_THE_JDK = new SessionTimer() {

        @Override
        public long nanoTime() {
            return System.nanoTime();
        }

        @Override
        public Runnable after(long nanos, Runnable task) {
            CompletableFuture<Void> due = new CompletableFuture<Void>().completeOnTimeout(null, Math.max(0, nanos), TimeUnit.NANOSECONDS);
            due.thenRunAsync(task);
            return () -> due.cancel(false);
        }
    };

    /** A monotonic clock's reading. */
    long nanoTime();

    /**
     * Runs this later, once, on some thread.
     *
     * @return what makes it unnecessary; it may run all the same if it is due
     */
    Runnable after(long nanos, Runnable task);
}
