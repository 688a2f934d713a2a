package io.quorate.examples.chaos;

import io.quorate.examples.KvRequest;
import io.quorate.raft.client.RaftClient;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * As many commands as the group takes: one for each of a few hundred keys is always open, and puts the key's next number. What is not
 * acknowledged is repeated until it is, so in the end each key must have the last number that was begun. The state stays as large as it is.
 */
final class Flood implements AutoCloseable {

    private static final int KEYS = 256;
    private static final int VALUE_BYTES = 100;
    private static final long AFTER_FAILURE_MILLIS = 20;

    private final RaftClient client;
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(work -> {
        Thread worker = new Thread(work, "flood");
        worker.setDaemon(true);
        return worker;
    });
    // All below: guarded by this, which is notified of every acknowledgement.
    private final long[] numbers = new long[KEYS];
    private int open;
    private boolean isEnding;
    private long acknowledged;
    private long repeated;
    private long lastNanos = System.nanoTime();
    private long longestPauseNanos;
    private @Nullable Throwable lastFailure;

    Flood(RaftClient client) {
        this.client = client;
    }

    void start() {
        for (int key = 0; key < KEYS; key++) {
            begin(key);
        }
    }

    private void begin(int key) {
        synchronized (this) {
            if (isEnding) {
                return;
            }
            open++;
            numbers[key]++;
        }
        put(key);
    }

    private void put(int key) {
        byte[] value;
        synchronized (this) {
            value = value(numbers[key]);
        }
        client.propose(new KvRequest.Put(key(key), value).encode()).whenCompleteAsync((result, failure) -> {
            if (failure == null) {
                onAcknowledged();
                begin(key);
            } else {
                synchronized (this) {
                    repeated++;
                    lastFailure = failure;
                }
                thread.schedule(() -> put(key), AFTER_FAILURE_MILLIS, TimeUnit.MILLISECONDS);
            }
        }, thread);
    }

    private synchronized void onAcknowledged() {
        long now = System.nanoTime();
        longestPauseNanos = Math.max(longestPauseNanos, now - lastNanos);
        lastNanos = now;
        open--;
        acknowledged++;
        notifyAll();
    }

    /** Waits until so many commands are acknowledged in all. */
    synchronized void awaitAcknowledged(long wanted, long patienceMillis) throws ChaosException {
        while (acknowledged < wanted) {
            long left = patienceMillis - TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - lastNanos);
            if (left <= 0) {
                throw new ChaosException("nothing was acknowledged for " + patienceMillis + " ms"
                    + (lastFailure == null ? "" : "; the last failure: " + lastFailure));
            }
            Monitors.await(this, left);
        }
    }

    /** Begins no more commands, and waits until all that were begun are acknowledged. */
    void finish(long patienceMillis) throws ChaosException {
        synchronized (this) {
            isEnding = true;
            lastNanos = System.nanoTime();
            while (open > 0) {
                if (System.nanoTime() - lastNanos > TimeUnit.MILLISECONDS.toNanos(patienceMillis)) {
                    throw new ChaosException(open + " commands were never acknowledged; the last failure: " + lastFailure);
                }
                Monitors.await(this, 100);
            }
        }
    }

    synchronized long acknowledged() {
        return acknowledged;
    }

    synchronized long repeated() {
        return repeated;
    }

    synchronized long longestPauseMillis() {
        return TimeUnit.NANOSECONDS.toMillis(longestPauseNanos);
    }

    /** What each key must have once all is finished. */
    synchronized SortedMap<byte[], byte[]> expected() {
        SortedMap<byte[], byte[]> expected = new TreeMap<>(Arrays::compareUnsigned);
        for (int key = 0; key < KEYS; key++) {
            expected.put(key(key), value(numbers[key]));
        }
        return expected;
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }

    private static byte[] key(int key) {
        return ("flood-" + key).getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] value(long number) {
        return ByteBuffer.allocate(VALUE_BYTES).putLong(number).array();
    }
}
