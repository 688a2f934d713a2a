package io.quorate.examples.demo;

import io.quorate.examples.KvClient;
import io.quorate.raft.ServerStoppedException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.BitSet;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Puts piece after piece under its running number, several at a time, and remembers what was acknowledged. A put that failed, or whose
 * outcome is unknown, is repeated until it is acknowledged: under its own number that changes nothing the second time.
 */
final class Workload implements AutoCloseable {

    private static final int OUTSTANDING = 64;

    private final KvClient client;
    private final InputFile input;
    private final ExecutorService thread = Executors.newSingleThreadExecutor(work -> {      // all answers are looked at by one thread
        Thread worker = new Thread(work, "workload");
        worker.setDaemon(true);
        return worker;
    });
    // All below: guarded by this, which is notified of every acknowledgement.
    private final BitSet acknowledged = new BitSet();
    private int commands;           // how many there are to be
    private int next;
    private int count;
    private int repeated;
    private long lastAckNanos = System.nanoTime();
    private long longestPauseNanos;
    private @Nullable Throwable lastFailure;

    Workload(KvClient client, InputFile input, int commands) {
        this.client = client;
        this.input = input;
        this.commands = commands;
    }

    /** The key of this running number; as text, so that they stand in order. */
    static byte[] key(int number) {
        return String.format("%09d", number).getBytes(StandardCharsets.US_ASCII);
    }

    void start() {
        for (int i = 0; i < OUTSTANDING; i++) {
            putNext();
        }
    }

    private void putNext() {
        int number;
        synchronized (this) {
            if (next == commands) {
                return;
            }
            number = next++;
        }
        put(number);
    }

    private void put(int number) {
        try {
            client.put(key(number), input.piece(number)).whenCompleteAsync((had, failure) -> onAnswer(number, failure), thread);
        } catch (RejectedExecutionException e) {
            // This was closed.
        }
    }

    private void onAnswer(int number, @Nullable Throwable failure) {
        if (failure == null) {
            onAcknowledged(number);
            putNext();
            return;
        }
        Throwable cause = failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        if (cause instanceof ServerStoppedException) {
            return;     // the client was closed
        }
        synchronized (this) {
            repeated++;
            lastFailure = cause;
        }
        put(number);
    }

    private synchronized void onAcknowledged(int number) {
        long now = System.nanoTime();
        longestPauseNanos = Math.max(longestPauseNanos, now - lastAckNanos);
        lastAckNanos = now;
        if (!acknowledged.get(number)) {
            acknowledged.set(number);
            count++;
        }
        notifyAll();
    }

    /** How many commands were acknowledged. */
    synchronized int acknowledged() {
        return count;
    }

    /** How often a put was repeated. */
    synchronized int repeated() {
        return repeated;
    }

    /** Forgets the pauses so far. */
    synchronized void beginMeasuringPauses() {
        longestPauseNanos = 0;
    }

    /** The longest time between two acknowledgements since then. */
    synchronized long longestPauseMillis() {
        return TimeUnit.NANOSECONDS.toMillis(longestPauseNanos);
    }

    /**
     * Waits until so many commands are acknowledged.
     *
     * @param patience for how long there may be no acknowledgement at all
     * @throws DemoException if there was none for so long
     */
    synchronized void awaitAcknowledged(int wanted, Duration patience) throws DemoException {
        long since = System.nanoTime();
        while (count < wanted) {
            long left = patience.toNanos() - (System.nanoTime() - Math.max(since, lastAckNanos));
            if (left <= 0) {
                throw new DemoException("nothing was acknowledged for " + patience.toSeconds() + " s, after " + count + " commands"
                    + (lastFailure == null ? "" : "; the last failure: " + lastFailure.getMessage()));
            }
            try {
                wait(TimeUnit.NANOSECONDS.toMillis(left) + 1);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new DemoException("interrupted");
            }
        }
    }

    /** Begins no more commands, and waits until all that were begun are acknowledged. */
    void finish(Duration patience) throws DemoException {
        int begun;
        synchronized (this) {
            commands = next;
            begun = next;
        }
        awaitAcknowledged(begun, patience);
    }

    /** What was acknowledged, and so must be there. */
    synchronized SortedMap<byte[], byte[]> expected() {
        SortedMap<byte[], byte[]> expected = new TreeMap<>(Arrays::compareUnsigned);
        acknowledged.stream().forEach(number -> expected.put(key(number), input.piece(number)));
        return expected;
    }

    /** Puts nothing more. The client stays open. */
    @Override
    public void close() {
        thread.shutdownNow();
    }
}
