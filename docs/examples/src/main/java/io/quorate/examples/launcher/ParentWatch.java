package io.quorate.examples.launcher;

import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** Ends this process soon after its parent. Maven does not end what it has started when it is interrupted itself. */
public final class ParentWatch {

    private static final int CHECK_MILLIS = 100;

    private ParentWatch() { }

    /** From now on. Whose parent has ended is given another, at once, even while the old one's exit code waits to be fetched. */
    public static void endWithParent() {
        Optional<ProcessHandle> parent = ProcessHandle.current().parent();
        Executors.newSingleThreadScheduledExecutor(work -> {
            Thread thread = new Thread(work, "parent-watch");
            thread.setDaemon(true);
            return thread;
        }).scheduleWithFixedDelay(() -> {
            if (!ProcessHandle.current().parent().equals(parent)) {
                System.exit(1);
            }
        }, CHECK_MILLIS, CHECK_MILLIS, TimeUnit.MILLISECONDS);
    }
}
