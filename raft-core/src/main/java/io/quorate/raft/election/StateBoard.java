package io.quorate.raft.election;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says who leads, to whoever wants to know. Each subscriber is told the present state first, then what follows, one at a time; one that is
 * slower than the changes misses those between, and never the last.
 */
final class StateBoard {

    private static final Logger LOG = LoggerFactory.getLogger(StateBoard.class);

    private final List<Subscription> subscriptions = new CopyOnWriteArrayList<>();
    private volatile LeaderState state = new LeaderState.Unknown();

    LeaderState state() {
        return state;
    }

    /** From now on that is the state. One thread at a time. */
    void post(LeaderState next) {
        if (!next.equals(state)) {
            state = next;
            subscriptions.forEach(Subscription::wake);
        }
    }

    /** Until this is closed, the subscriber is told, on this executor. */
    AutoCloseable subscribe(Consumer<? super LeaderState> subscriber, Executor executor) {
        Subscription subscription = new Subscription(subscriber, executor);
        subscriptions.add(subscription);
        subscription.wake();
        return subscription;
    }

    private final class Subscription implements AutoCloseable {

        private final Consumer<? super LeaderState> subscriber;
        private final Executor executor;
        private boolean isScheduled;                    // guarded by this, as the others
        private boolean isClosed;
        private @Nullable LeaderState told;             // null before the first

        private Subscription(Consumer<? super LeaderState> subscriber, Executor executor) {
            this.subscriber = subscriber;
            this.executor = executor;
        }

        private void wake() {
            synchronized (this) {
                if (isScheduled || isClosed) {
                    return;
                }
                isScheduled = true;
            }
            try {
                executor.execute(this::tell);
            } catch (RuntimeException e) {              // an executor that was shut down
                LOG.warn("Who leads could not be told, for the executor refuses it", e);
                synchronized (this) {
                    isScheduled = false;
                }
            }
        }

        private void tell() {
            for (LeaderState next = next(); next != null; next = next()) {
                try {
                    subscriber.accept(next);
                } catch (RuntimeException e) {
                    LOG.warn("A subscriber failed at {}; nothing else is affected", next, e);
                }
            }
        }

        /** What is to be told next; null if nothing is, and then the next change schedules it again. */
        private synchronized @Nullable LeaderState next() {
            LeaderState now = state;
            if (isClosed || now.equals(told)) {
                isScheduled = false;
                return null;
            }
            told = now;
            return now;
        }

        @Override
        public void close() {
            synchronized (this) {
                isClosed = true;
            }
            subscriptions.remove(this);
        }
    }
}
