package io.quorate.raft.election;

import io.quorate.raft.Answer;
import io.quorate.raft.Freshness;
import io.quorate.raft.client.RaftClient;
import io.quorate.raft.client.Session;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ThreadLocalRandom;

/** The group whose state machine is {@link LeasedKeys}, as its clients reach it, and what else they need of the world: time and chance. */
interface Group {

    /** A session, in which commands take effect exactly once. */
    CompletableFuture<Session> openSession(Session.Options options);

    /** As {@link RaftClient#read(byte[], Freshness, Duration)}. */
    CompletableFuture<Answer> read(byte[] query, Freshness freshness, Duration timeout);

    /**
     * The highest recovery epoch that was met. An answer is of this epoch for certain if it was the same before the question and after the
     * answer.
     */
    int epoch();

    /** A monotonic clock's reading. */
    long nanoTime();

    /**
     * Runs this later, once, on some thread.
     *
     * @return what makes it unnecessary; it may run all the same if it is due
     */
    Runnable after(long nanos, Runnable task);

    /** A number from 0 up to before the bound. */
    long random(long bound);

    /** A number that nobody can guess, of all 64 bits. */
    long drawNumber();

    /** Runs what is the user's, where he has not said otherwise. */
    Executor executor();

    /** Asks, and decodes the answer; fails also if that is none of {@link LeasedKeys}. */
    default CompletableFuture<KeyAnswer> ask(KeyQuery query, Freshness freshness, Duration timeout) {
        try {
            return read(query.encode(), freshness, timeout).thenApply(answer -> KeyAnswer.decode(answer.result()));
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    /** The group of this client, the JDK's clock, and a thread for what is due. */
    static Group of(RaftClient client) {
        return new Group() {

            private final SecureRandom numbers = new SecureRandom();

            @Override
            public CompletableFuture<Session> openSession(Session.Options options) {
                return Session.open(client, options);
            }

            @Override
            public CompletableFuture<Answer> read(byte[] query, Freshness freshness, Duration timeout) {
                return client.read(query, freshness, timeout);
            }

            @Override
            public int epoch() {
                return client.epoch();
            }

            @Override
            public long nanoTime() {
                return System.nanoTime();
            }

            @Override
            public Runnable after(long nanos, Runnable task) {
                return ElectionTimer.after(nanos, task);
            }

            @Override
            public long random(long bound) {
                return ThreadLocalRandom.current().nextLong(bound);
            }

            @Override
            public long drawNumber() {
                return numbers.nextLong();
            }

            @Override
            public Executor executor() {
                return ForkJoinPool.commonPool();
            }
        };
    }
}
