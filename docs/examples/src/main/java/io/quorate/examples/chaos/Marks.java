package io.quorate.examples.chaos;

import io.quorate.examples.KvRequest;
import io.quorate.raft.client.RaftClient;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A load that shows each single loss. It puts rising numbers under keys, and leaves a key alone whose number was acknowledged until somebody
 * has looked whether the number is there: a later one would hide that it was lost. A key whose number perhaps was put is left alone for
 * ever, so that no such number comes late and passes for a loss.
 */
final class Marks implements AutoCloseable {

    private static final int OPEN = 64;
    private static final long AFTER_FAILURE_MILLIS = 20;

    private final RaftClient client;
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(work -> {
        Thread worker = new Thread(work, "marks");
        worker.setDaemon(true);
        return worker;
    });
    // All below: guarded by this, which is notified of every answer.
    private final SortedMap<byte[], Long> acknowledged = new TreeMap<>(Arrays::compareUnsigned);     // the newest of each key
    private final Deque<byte[]> free = new ArrayDeque<>();
    private final Deque<byte[]> unseen = new ArrayDeque<>();      // acknowledged, and not looked for since
    private int keys;
    private int open;
    private long begun;
    private long answered;
    private long perhaps;
    private long lastNanos = System.nanoTime();
    private long longestPauseNanos;
    private boolean isEnding;
    private @Nullable Throwable lastFailure;

    Marks(RaftClient client) {
        this.client = client;
    }

    void start() {
        for (int i = 0; i < OPEN; i++) {
            next();
        }
    }

    private void next() {
        byte[] key;
        long number;
        synchronized (this) {
            if (isEnding) {
                return;
            }
            key = free.isEmpty() ? String.format("mark-%08d", keys++).getBytes(StandardCharsets.US_ASCII) : free.remove();
            number = ++begun;
            open++;
        }
        byte[] value = ByteBuffer.allocate(Long.BYTES).putLong(number).array();
        client.propose(new KvRequest.Put(key, value).encode()).whenCompleteAsync((result, failure) -> {
            onAnswer(key, number, failure);
            if (failure == null) {
                next();
            } else {
                thread.schedule(this::next, AFTER_FAILURE_MILLIS, TimeUnit.MILLISECONDS);
            }
        }, thread);
    }

    private synchronized void onAnswer(byte[] key, long number, @Nullable Throwable failure) {
        open--;
        if (failure == null) {
            acknowledged.put(key, number);
            unseen.add(key);
            answered++;
            long now = System.nanoTime();
            longestPauseNanos = Math.max(longestPauseNanos, now - lastNanos);
            lastNanos = now;
        } else {
            perhaps++;
            lastFailure = failure;
        }
        notifyAll();
    }

    /** Waits until so many more are acknowledged than are now. */
    synchronized void awaitMore(long wanted, long patienceMillis) throws ChaosException {
        long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(patienceMillis);
        long target = answered + wanted;
        while (answered < target) {
            long left = TimeUnit.NANOSECONDS.toMillis(until - System.nanoTime());
            if (left <= 0) {
                throw new ChaosException((target - answered) + " of " + wanted + " commands were not acknowledged within " + patienceMillis
                    + " ms" + (lastFailure == null ? "" : "; the last failure: " + lastFailure));
            }
            Monitors.await(this, left);
        }
    }

    /** Begins nothing more, and waits until all is answered. */
    synchronized void finish(long patienceMillis) throws ChaosException {
        isEnding = true;
        long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(patienceMillis);
        while (open > 0) {
            long left = TimeUnit.NANOSECONDS.toMillis(until - System.nanoTime());
            if (left <= 0) {
                throw new ChaosException(open + " commands were not answered at all within " + patienceMillis + " ms");
            }
            Monitors.await(this, left);
        }
    }

    /** What has been acknowledged so far: of each key the newest number. */
    synchronized SortedMap<byte[], Long> acknowledged() {
        return new TreeMap<>(acknowledged);
    }

    /** These were found everywhere, so their keys may be used again, unless they have been meanwhile. */
    synchronized void seen(SortedMap<byte[], Long> found) {
        for (int i = unseen.size(); i > 0; i--) {
            byte[] key = unseen.remove();
            Deque<byte[]> to = acknowledged.get(key).equals(found.get(key)) ? free : unseen;
            to.add(key);
        }
    }

    /** How many of these keys have not at least this number. */
    static int missing(SortedMap<byte[], Long> expected, SortedMap<byte[], byte[]> contents) {
        int missing = 0;
        for (var mark : expected.entrySet()) {
            byte[] value = contents.get(mark.getKey());
            if (value == null || value.length != Long.BYTES || ByteBuffer.wrap(value).getLong() < mark.getValue()) {
                missing++;
            }
        }
        return missing;
    }

    synchronized long answered() {
        return answered;
    }

    /** How many failed: refused, or perhaps done. */
    synchronized long perhaps() {
        return perhaps;
    }

    synchronized long longestPauseMillis() {
        return TimeUnit.NANOSECONDS.toMillis(longestPauseNanos);
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }
}
