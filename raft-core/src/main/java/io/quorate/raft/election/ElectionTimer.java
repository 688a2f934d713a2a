package io.quorate.raft.election;

import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Runs what is due, on one daemon thread that all elections share and that is no reason for a process to go on. Nothing of the user's
 * runs here unless he chains it to a future of which it is said that it may; what he does on the JDK's common pool, be it ever so long,
 * keeps nothing from being renewed in time.
 */
final class ElectionTimer {

    private static final ScheduledThreadPoolExecutor THREAD = new ScheduledThreadPoolExecutor(1, task -> {
        Thread thread = new Thread(task, "quorate-elections");
        thread.setDaemon(true);
        return thread;
    });

    static {
        THREAD.setRemoveOnCancelPolicy(true);
    }

    private ElectionTimer() { }

    /** As {@link Group#after}. */
    static Runnable after(long nanos, Runnable task) {
        ScheduledFuture<?> due = THREAD.schedule(task, Math.max(0, nanos), TimeUnit.NANOSECONDS);
        return () -> due.cancel(false);
    }
}
