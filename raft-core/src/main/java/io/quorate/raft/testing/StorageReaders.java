package io.quorate.raft.testing;

import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.HardState;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Reads on several threads while another writes, appending and replacing. Whatever is read must be a part of one of the logs that there
 * were between the beginning of the read and its end.
 */
final class StorageReaders {

    private static final int READERS = 2;
    private static final int BATCHES = 80;
    private static final int LENGTH_MAX = 60;

    private final StorageTrial trial;
    private final ExpectedLog[] logs = new ExpectedLog[2 * BATCHES + 1];    // after each write
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private final AtomicLong reads = new AtomicLong();      // begun
    private volatile int begun;     // the newest log that may be seen
    private volatile int done;      // the oldest log that may be seen

    StorageReaders(StorageTrial trial) {
        this.trial = trial;
        logs[0] = ExpectedLog.EMPTY;
    }

    void run() throws InterruptedException {
        List<Thread> readers = new ArrayList<>();
        for (int i = 0; i < READERS; i++) {
            long seed = i;
            Thread reader = new Thread(() -> readUntilDone(seed), "storage-contract-reader-" + i);
            reader.setDaemon(true);
            readers.add(reader);
            reader.start();
        }
        try {
            SplittableRandom random = new SplittableRandom(1);
            for (int i = 0; i < BATCHES && failure.get() == null; i++) {
                writeTwo(2 * i, random);
            }
        } finally {
            done = Integer.MAX_VALUE;
            for (Thread reader : readers) {
                reader.join();
            }
        }
        Throwable failed = failure.get();
        if (failed instanceof ContractBroken broken) {
            throw broken;
        } else if (failed != null) {
            ContractBroken broken = trial.broken("a read beside a write fails with " + failed);
            broken.initCause(failed);
            throw broken;
        }
    }

    private void writeTwo(int at, SplittableRandom random) {
        List<Storage.Write> batch = List.of(next(at, random), next(at + 1, random));
        awaitRead();
        begun = at + 2;     // a log between the two writes of a batch may be seen as well
        trial.storage().write(batch);
        done = at + 2;
    }

    /** Returns when a read has just begun, so that the write falls into it. */
    private void awaitRead() {
        long seen = reads.get();
        while (reads.get() == seen && failure.get() == null) {
            Thread.yield();
        }
    }

    private Storage.Write next(int at, SplittableRandom random) {
        ExpectedLog log = logs[at];
        long term = 1 + at;     // every write makes entries of its own
        long first = random.nextBoolean() && log.lastIndex() < LENGTH_MAX ? log.nextIndex() : 1 + random.nextLong(log.nextIndex());
        List<Entry> entries = StorageTrial.entries(first, first + random.nextInt(8), term, random.nextInt(400));
        Storage.Write write = trial.write(new HardState(term, null, 0), first, entries);
        logs[at + 1] = log.after(write);
        return write;
    }

    private void readUntilDone(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        try {
            for (int oldest = done; oldest != Integer.MAX_VALUE; oldest = done) {
                long first = 1 + random.nextInt(LENGTH_MAX / 2);
                long last = first + random.nextInt(20);
                int bytesMax = random.nextInt(4000);
                reads.incrementAndGet();
                List<Entry> read = trial.storage().read(first, last, bytesMax);
                expectOneOf(oldest, begun, read, first, last, bytesMax);
            }
        } catch (RuntimeException | Error e) {
            failure.compareAndSet(null, e);
        }
    }

    private void expectOneOf(int oldest, int newest, List<Entry> read, long first, long last, int bytesMax) {
        String objection = "";
        for (int i = oldest; i <= newest; i++) {
            objection = logs[i].objectionTo(read, first, last, bytesMax);
            if (objection.isEmpty()) {
                return;
            }
        }
        throw trial.broken("in the log after write " + newest + " and in all since write " + oldest + ": " + objection);
    }
}
