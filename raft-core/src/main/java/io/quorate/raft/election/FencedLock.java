package io.quorate.raft.election;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * A lock of one name among processes: who comes first has it, and the others wait in their order. Made by {@link Elections#lock}.
 *
 * <p>It belongs to whoever got it, not to a thread, and is not reentrant: who asks twice waits for himself. It is lost when the lease is,
 * so a lock alone protects nothing from a holder who was paused; send the {@linkplain Hold#fencingToken fencing token} with all that is
 * done under it, and let the receiver refuse what is lower than the highest it has seen.
 */
public final class FencedLock {

    private static final Duration TIMEOUT_MAX = Duration.ofDays(365);

    /** The lock, while it is held. */
    public static final class Hold implements AutoCloseable {

        private final Leadership leadership;

        private Hold(Leadership leadership) {
            this.leadership = leadership;
        }

        /** As {@link Leadership#fencingToken}: higher than that of every earlier hold of this lock. */
        public long fencingToken() {
            return leadership.fencingToken();
        }

        /** As {@link Leadership#isValid}: whether nobody else can hold the lock now. */
        public boolean isValid() {
            return leadership.isValid();
        }

        /** As {@link Leadership#remaining}. */
        public Duration remaining() {
            return leadership.remaining();
        }

        /** Completes when the lock is not held any more, with the reason. */
        public CompletionStage<Leadership.Reason> released() {
            return leadership.revoked();
        }

        /** Lets the next have it. Completes when that is done; with an exception if it will be free only when the lease has ended. */
        public CompletionStage<Void> unlock() {
            return leadership.resign();
        }

        /** The same, and waits for nothing. */
        @Override
        public void close() {
            unlock();
        }

        @Override
        public String toString() {
            return "Hold[" + leadership + "]";
        }
    }

    private final Elections elections;
    private final String name;
    private final String prefix;

    FencedLock(Elections elections, String name, String prefix) {
        this.elections = elections;
        this.name = name;
        this.prefix = prefix;
    }

    /** Its name. */
    public String name() {
        return name;
    }

    /** Waits until the lock is free and all who came before have had it. Cancel the future to wait no more. Fails if these are closed. */
    public CompletableFuture<Hold> lock() {
        CompletableFuture<Leadership> elected = Election.once(elections, prefix, new byte[0]);
        CompletableFuture<Hold> held = new CompletableFuture<>();
        elected.whenComplete((leadership, failure) -> {
            if (failure != null) {
                held.completeExceptionally(failure);
            } else if (!held.complete(new Hold(leadership))) {
                leadership.resign();
            }
        });
        held.whenComplete((hold, failure) -> {
            if (failure != null) {
                elected.cancel(false);
            }
        });
        return held;
    }

    /** The same, but waits no longer than this: completes with nothing then, and the lock is not held. */
    public CompletableFuture<Optional<Hold>> tryLock(Duration timeout) {
        if (timeout.isNegative() || timeout.compareTo(TIMEOUT_MAX) > 0) {
            throw new IllegalArgumentException("Nobody waits for " + timeout + "; 365 days is the most");
        }
        CompletableFuture<Hold> lock = lock();
        CompletableFuture<Optional<Hold>> tried = new CompletableFuture<>();
        Runnable timer = elections.group().after(timeout.toNanos(), () -> {
            lock.cancel(false);     // or it is held by now, and says so
        });
        lock.whenComplete((hold, failure) -> {
            timer.run();
            if (hold != null) {
                if (!tried.complete(Optional.of(hold))) {
                    hold.unlock();
                }
            } else if (lock.isCancelled()) {
                elections.complete(tried, Optional.empty());
            } else {
                tried.completeExceptionally(failure);
            }
        });
        tried.whenComplete((hold, failure) -> {
            if (failure != null) {
                lock.cancel(false);
            }
        });
        return tried;
    }

    @Override
    public String toString() {
        return "FencedLock[" + name + "]";
    }
}
