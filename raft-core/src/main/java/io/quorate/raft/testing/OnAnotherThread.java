package io.quorate.raft.testing;

import java.io.IOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;

/** Runs something on a new thread and waits for its end. What it throws is thrown here. */
final class OnAnotherThread {

    interface Task {
        void run() throws IOException;
    }

    private OnAnotherThread() { }

    static void run(String threadName, Task task) throws IOException {
        FutureTask<@Nullable Void> future = new FutureTask<>(() -> {
            task.run();
            return null;
        });
        Thread thread = new Thread(future, threadName);
        thread.setDaemon(true);
        thread.start();
        try {
            future.get();
        } catch (InterruptedException e) {
            thread.interrupt();
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while " + threadName + " was running; nothing is proven", e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            } else if (e.getCause() instanceof RuntimeException exception) {
                throw exception;
            } else if (e.getCause() instanceof IOException exception) {
                throw exception;
            }
            throw new IllegalStateException(threadName, e.getCause());
        }
    }
}
