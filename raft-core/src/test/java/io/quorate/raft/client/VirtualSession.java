package io.quorate.raft.client;

import java.util.concurrent.CompletableFuture;
import java.util.function.LongUnaryOperator;

/** Sessions with another clock and other chance, for tests of what is built on them in other packages. */
public final class VirtualSession {

    /** A clock of a test's own. */
    public interface Clock {

        long nanoTime();

        Runnable after(long nanos, Runnable task);
    }

    private VirtualSession() { }

    public static CompletableFuture<Session> open(Session.Proposer proposer, Session.Options options, Clock clock, LongUnaryOperator random,
                                                  long number) {
        return Session.open(proposer, options, new SessionTimer() {
            @Override
            public long nanoTime() {
                return clock.nanoTime();
            }

            @Override
            public Runnable after(long nanos, Runnable task) {
                return clock.after(nanos, task);
            }
        }, random, number);
    }
}
