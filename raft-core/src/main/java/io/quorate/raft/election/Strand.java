package io.quorate.raft.election;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs tasks one at a time and in order, on threads of an executor. What stands behind it has no locks: answers, timers and callers come
 * from many threads, and take effect one after the other.
 */
final class Strand implements Executor {

    private static final Logger LOG = LoggerFactory.getLogger(Strand.class);

    private final Executor executor;
    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final AtomicInteger waiting = new AtomicInteger();

    /** On whichever thread brings a task while none runs; so no task may wait for anything. */
    Strand() {
        this(Runnable::run);
    }

    /** On this executor's threads, for what is the user's. */
    Strand(Executor executor) {
        this.executor = executor;
    }

    /** Throws what the executor throws if that refuses; all that has waited is dropped then, and the strand goes on with what comes. */
    @Override
    public void execute(Runnable task) {
        tasks.add(task);
        if (waiting.getAndIncrement() == 0) {
            try {
                executor.execute(this::drain);
            } catch (RuntimeException e) {       // a RejectedExecutionException; without this nobody would ever drain
                do {
                    tasks.remove();
                } while (waiting.decrementAndGet() > 0);
                throw e;
            }
        }
    }

    /** Runs this, and what it throws holds up nothing of what comes behind it. */
    static void runGuarded(Runnable part) {
        try {
            part.run();
        } catch (RuntimeException | Error e) {
            LOG.error("A part of a task has failed; the next goes on", e);
        }
    }

    /** How many tasks have not ended. */
    int waiting() {
        return waiting.get();
    }

    private void drain() {
        do {
            Runnable task = tasks.remove();
            try {
                task.run();
            } catch (RuntimeException | Error e) {      // or the others would wait for ever
                LOG.error("A task has failed; the next goes on", e);
            }
        } while (waiting.decrementAndGet() > 0);
    }
}
