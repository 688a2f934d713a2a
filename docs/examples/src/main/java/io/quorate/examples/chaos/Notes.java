package io.quorate.examples.chaos;

import io.quorate.examples.ledger.LedgerRecords;
import io.quorate.raft.client.RaftClient;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Numbered notes for a ledger: first large ones, as fast as the group takes them; then small ones, so many a second. One that is not
 * acknowledged is written again until it is, so in the end each must be in the ledger, perhaps more than once. What a note says follows
 * from its number.
 */
final class Notes implements AutoCloseable {

    private static final int LARGE_BYTES = 1 << 18;
    private static final int SMALL_BYTES = 1 << 10;
    private static final int LARGE_OPEN_MAX = 16;
    private static final int SMALL_OPEN_MAX = 4096;       // while nobody answers
    private static final long PER_SECOND = 100;
    private static final long AFTER_FAILURE_MILLIS = 20;

    private final RaftClient client;
    private final int large;
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(work -> {
        Thread worker = new Thread(work, "notes");
        worker.setDaemon(true);
        return worker;
    });
    // All below: guarded by this, which is notified of every acknowledgement.
    private int begun;
    private int open;
    private boolean isEnding;
    private long acknowledged;
    private long lastNanos = System.nanoTime();
    private long longestPauseNanos;
    private @Nullable Throwable lastFailure;

    /** @param mib how much all the large notes are together */
    Notes(RaftClient client, int mib) {
        this.client = client;
        large = (int) (((long) mib << 20) / LARGE_BYTES);
    }

    /** Writes the large notes, and returns when all are acknowledged. */
    void fill(long patienceMillis) throws ChaosException {
        for (int i = 0; i < Math.min(large, LARGE_OPEN_MAX); i++) {
            begin();
        }
        awaitAcknowledged(large, patienceMillis);
    }

    /** Writes small ones from now on. */
    void start() {
        synchronized (this) {
            lastNanos = System.nanoTime();
            longestPauseNanos = 0;
        }
        thread.scheduleAtFixedRate(this::begin, 0, TimeUnit.SECONDS.toNanos(1) / PER_SECOND, TimeUnit.NANOSECONDS);
    }

    private void begin() {
        int number;
        synchronized (this) {
            if (isEnding || open >= SMALL_OPEN_MAX) {
                return;
            }
            number = begun++;
            open++;
        }
        write(number);
    }

    private void write(int number) {
        client.propose(note(number)).whenCompleteAsync((result, failure) -> {
            if (failure == null) {
                onAcknowledged();
            } else {
                synchronized (this) {
                    lastFailure = failure;
                }
                thread.schedule(() -> write(number), AFTER_FAILURE_MILLIS, TimeUnit.MILLISECONDS);
            }
        }, thread);
    }

    private void onAcknowledged() {
        boolean isFilling;
        synchronized (this) {
            long now = System.nanoTime();
            longestPauseNanos = Math.max(longestPauseNanos, now - lastNanos);
            lastNanos = now;
            open--;
            acknowledged++;
            isFilling = begun < large;
            notifyAll();
        }
        if (isFilling) {
            begin();
        }
    }

    /** Waits until so many notes are acknowledged in all. */
    synchronized void awaitAcknowledged(long wanted, long patienceMillis) throws ChaosException {
        while (acknowledged < wanted) {
            pause(patienceMillis);
        }
    }

    /** Begins no more notes, and waits until all that were begun are acknowledged. */
    synchronized void finish(long patienceMillis) throws ChaosException {
        isEnding = true;
        while (open > 0) {
            pause(patienceMillis);
        }
    }

    private void pause(long patienceMillis) throws ChaosException {
        long left = patienceMillis - TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - lastNanos);
        if (left <= 0) {
            throw new ChaosException("nothing was acknowledged for " + patienceMillis + " ms"
                + (lastFailure == null ? "" : "; the last failure: " + lastFailure));
        }
        try {
            wait(left);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ChaosException("interrupted");
        }
    }

    synchronized long acknowledged() {
        return acknowledged;
    }

    /** The longest time between two answers since small notes are written. */
    synchronized long longestPauseMillis() {
        return TimeUnit.NANOSECONDS.toMillis(longestPauseNanos);
    }

    /** How many of all notes this ledger has not, or not as they were written; once all are acknowledged. */
    synchronized int missing(Path ledger) throws ChaosException {
        BitSet found = new BitSet();
        try (LedgerRecords records = LedgerRecords.of(ledger)) {
            while (records.next()) {
                byte[] note = records.command();
                int number = note.length < Long.BYTES ? -1 : (int) ByteBuffer.wrap(note).getLong();
                if (number >= 0 && number < begun && Arrays.equals(note, note(number))) {
                    found.set(number);
                }
            }
        } catch (IOException e) {
            throw new ChaosException("cannot read " + ledger + ": " + e);
        }
        return begun - found.cardinality();
    }

    private byte[] note(int number) {
        ByteBuffer note = ByteBuffer.allocate(number < large ? LARGE_BYTES : SMALL_BYTES).putLong(number);
        long noise = number + 1L;
        while (note.hasRemaining()) {
            noise ^= noise << 13;
            noise ^= noise >>> 7;
            noise ^= noise << 17;
            note.putLong(noise);
        }
        return note.array();
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }
}
