package io.quorate.raft.storage.testing;

import io.quorate.raft.storage.testing.SimulatedFiles.Operation;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * What a disk thread does, standing still before one operation of the disk that does not return, until it is told to go on.
 *
 * <p>Whoever simulates has one thread, and what stands still needs another one: but only one of the two ever runs, and hands over to the
 * other at known points, so that one seed is still one run.
 */
final class HungTask {

    private final SimulatedFiles files;
    private final Runnable task;
    private final Thread thread;
    private final Semaphore goesOn = new Semaphore(0);
    private final Semaphore stands = new Semaphore(0);
    private int left;                           // operations before the one that hangs
    private boolean isOver;
    private @Nullable Operation hangsIn;
    private @Nullable Throwable failure;

    /**
     * Begins it, and returns when it stands still, or is over if it never asks for so much.
     *
     * @param operations how many are done before the one that hangs; reads and openings are none
     */
    HungTask(SimulatedFiles files, int operations, Runnable task) {
        this.files = files;
        this.task = task;
        left = operations;
        thread = new Thread(this::run, "simulated-disk");
        thread.setDaemon(true);
        files.before(this::before);
        thread.start();
        stands.acquireUninterruptibly();
    }

    private void run() {
        try {
            task.run();
        } catch (RuntimeException | Error e) {
            failure = e;        // for end()
        } finally {
            isOver = true;
            stands.release();
        }
    }

    /** Others use the disk too: nothing holds them up. */
    private void before(Operation operation) {
        if (Thread.currentThread() != thread || operation == Operation.READ || operation == Operation.OPEN || left-- != 0) {
            return;
        }
        hangsIn = operation;
        stands.release();
        goesOn.acquireUninterruptibly();
    }

    /** In what it stands still, or did; null if it never had to. */
    @Nullable Operation hangsIn() {
        return hangsIn;
    }

    /** The disk answers: lets it come to its end, and throws what it throws. */
    void end() {
        if (!isOver) {
            goesOn.release();
            stands.acquireUninterruptibly();
        }
        files.before(operation -> { });
        if (failure instanceof RuntimeException exception) {
            throw exception;
        } else if (failure instanceof Error error) {
            throw error;
        }
    }
}
