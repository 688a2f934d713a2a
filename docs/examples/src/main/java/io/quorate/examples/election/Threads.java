package io.quorate.examples.election;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Threads for tasks and listeners; none of them keeps its process alive. */
public final class Threads {

    private Threads() { }

    /** So many of this name. */
    public static ExecutorService daemons(int count, String name) {
        return Executors.newFixedThreadPool(count, work -> {
            Thread thread = new Thread(work, name);
            thread.setDaemon(true);
            return thread;
        });
    }
}
