package io.quorate.examples.chaos;

import io.quorate.examples.KvRequest;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.RaftException;
import io.quorate.raft.client.RaftClient;
import io.quorate.raft.testing.History;
import io.quorate.raft.testing.Operation;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SortedMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The steady load: clients that each have one operation open at a time.
 *
 * <p>Half of them put, get and delete a few registers that they share, and all they did and heard is recorded, to be checked for
 * linearizability. The registers are new ones every second, so that a mistake is found among few operations. The other half put one value
 * after the other under keys that nobody touches again: each that was acknowledged must be there in the end, on every replica.
 */
final class Load implements AutoCloseable {

    private static final int CLIENTS = 8;
    private static final int REGISTERS = 4;
    private static final long PAUSE_MILLIS = 2;             // between two operations of one client
    private static final long AFTER_FAILURE_MILLIS = 50;

    private final RaftClient client;
    private final History history = new History();
    private final long begin = System.nanoTime();
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(work -> {
        Thread worker = new Thread(work, "load");
        worker.setDaemon(true);
        return worker;
    });
    // All below: guarded by this, which is notified of every answer.
    private final SplittableRandom random;
    private final SortedMap<byte[], byte[]> acknowledged = new TreeMap<>(Arrays::compareUnsigned);     // under keys of their own
    private int nextClient;
    private int open;
    private boolean isEnding;
    private long operations;
    private long done;
    private long refused;
    private long unknown;
    private long lastDoneNanos = System.nanoTime();
    private long longestPauseNanos;
    private @Nullable Throwable lastFailure;
    private @Nullable Throwable defect;      // of the client, or of this; the history is worth nothing then

    Load(RaftClient client, long seed) {
        this.client = client;
        random = new SplittableRandom(seed);
    }

    void start() {
        for (int i = 0; i < CLIENTS; i++) {
            next(i % 2 == 0, newClient(), 0);
        }
    }

    private synchronized int newClient() {
        return nextClient++;
    }

    private void next(boolean sharesRegisters, int number, long delayMillis) {
        thread.schedule(() -> operate(sharesRegisters, number), delayMillis, TimeUnit.MILLISECONDS);
    }

    private void operate(boolean sharesRegisters, int number) {
        KvRequest request;
        synchronized (this) {
            if (isEnding) {
                return;
            }
            open++;
            operations++;
            request = sharesRegisters ? onARegister() : onItsOwn();
        }
        byte[] input = request.encode();
        boolean isRead = request instanceof KvRequest.Get;
        long handle = sharesRegisters ? history.invoke(number, isRead ? Operation.Kind.READ : Operation.Kind.PROPOSE, input) : -1;
        CompletableFuture<byte[]> answer = isRead ? client.read(input) : client.propose(input);
        answer.handleAsync((output, failure) -> {
            if (failure != null && !(cause(failure) instanceof RaftException)) {
                throw new IllegalStateException("the client says neither that nothing happened nor that perhaps it did", cause(failure));
            }
            int goesOnAs = number;
            if (failure == null) {
                if (sharesRegisters) {
                    history.done(handle, output);
                }
            } else if (!isRead && cause(failure) instanceof OutcomeUnknownException) {
                if (sharesRegisters) {
                    history.unknown(handle);
                }
                goesOnAs = newClient();
            } else if (sharesRegisters) {
                history.failed(handle);
            }
            onAnswer(request, sharesRegisters, failure == null ? null : cause(failure));
            next(sharesRegisters, goesOnAs, failure == null ? PAUSE_MILLIS : AFTER_FAILURE_MILLIS);
            return true;
        }, thread).exceptionally(this::onDefect);
    }

    private synchronized boolean onDefect(Throwable failure) {
        defect = cause(failure);
        notifyAll();
        return false;
    }

    private void requireSound() throws ChaosException {
        if (defect != null) {
            throw new ChaosException("the load itself is broken: " + defect + (defect.getCause() == null ? "" : ": " + defect.getCause()));
        }
    }

    private KvRequest onARegister() {
        long second = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begin);
        byte[] key = bytes("register-" + second + "-" + random.nextInt(REGISTERS));
        return switch (random.nextInt(8)) {
            case 0 -> new KvRequest.Delete(key);
            case 1, 2, 3 -> new KvRequest.Put(key, bytes("value-" + operations));
            default -> new KvRequest.Get(key);
        };
    }

    private KvRequest onItsOwn() {
        return new KvRequest.Put(bytes(String.format("own-%012d", operations)), bytes("value-" + operations));
    }

    private synchronized void onAnswer(KvRequest request, boolean sharesRegisters, @Nullable Throwable failure) {
        open--;
        if (failure == null) {
            done++;
            long now = System.nanoTime();
            longestPauseNanos = Math.max(longestPauseNanos, now - lastDoneNanos);
            lastDoneNanos = now;
            if (!sharesRegisters && request instanceof KvRequest.Put put) {
                acknowledged.put(put.key(), put.value());
            }
        } else if (failure instanceof OutcomeUnknownException) {
            unknown++;
            lastFailure = failure;
        } else {
            refused++;
            lastFailure = failure;
        }
        notifyAll();
    }

    /** Waits until something that is asked from now on has been answered. */
    synchronized void awaitProgress(long patienceMillis) throws ChaosException {
        long before = done + CLIENTS;        // as many answers may belong to earlier questions
        long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(patienceMillis);
        while (done <= before) {
            requireSound();
            long left = TimeUnit.NANOSECONDS.toMillis(until - System.nanoTime());
            if (left <= 0) {
                throw new ChaosException("nothing was answered for " + patienceMillis + " ms though a majority runs and is connected"
                    + (lastFailure == null ? "" : "; the last failure: " + lastFailure));
            }
            Monitors.await(this, left);
        }
    }

    /** Begins no more operations, and waits until all are answered, as they must be within the calls' timeout. */
    synchronized void finish(long patienceMillis) throws ChaosException {
        isEnding = true;
        long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(patienceMillis);
        while (open > 0) {
            requireSound();
            long left = TimeUnit.NANOSECONDS.toMillis(until - System.nanoTime());
            if (left <= 0) {
                throw new ChaosException(open + " operations were not answered at all within " + patienceMillis + " ms");
            }
            Monitors.await(this, left);
        }
        requireSound();
    }

    synchronized long operations() {
        return operations;
    }

    synchronized long done() {
        return done;
    }

    /** How often nothing happened, and how often nobody knew. */
    synchronized String failures() {
        return refused + " refused, " + unknown + " unknown";
    }

    /** The longest time between two answers. */
    synchronized long longestPauseMillis() {
        return TimeUnit.NANOSECONDS.toMillis(longestPauseNanos);
    }

    /** What was acknowledged under keys that nobody touched again. */
    synchronized SortedMap<byte[], byte[]> acknowledged() {
        return new TreeMap<>(acknowledged);
    }

    History history() {
        return history;
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }

    private static Throwable cause(Throwable failure) {
        return failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
