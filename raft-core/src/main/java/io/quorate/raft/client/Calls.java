package io.quorate.raft.client;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.NotLeaderException;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.OverloadedException;
import io.quorate.raft.RequestFailedException;
import io.quorate.raft.RequestRefusedException;
import io.quorate.raft.ServerStoppedException;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.Refusal;
import io.quorate.raft.runtime.Budget;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Calls to a group, each going from attempt to attempt until it is answered or its time is up.
 *
 * <p>Addresses are asked in turn, and hints to the leader followed; who does not answer is left alone for a while ({@link Endpoints}). What
 * certainly did not happen is tried again after a pause that grows and is drawn at random; what perhaps did is tried again only if that
 * does no harm.
 *
 * <p>On its own it asks one thing: how a replica is that is to show whether it answers again, or that has just turned out to lead. Who
 * answers that says also who the members are.
 */
final class Calls {

    /** How many bytes of requests may be open at once. */
    static final long BYTES_MAX = 128L << 20;

    /** For how long a call that may be repeated waits for one replica before it asks another. */
    private static final long REPEATED_ATTEMPT_NANOS = Duration.ofSeconds(2).toNanos();
    private static final long PAUSE_MIN_NANOS = Duration.ofMillis(10).toNanos();
    private static final long PAUSE_MAX_NANOS = Duration.ofMillis(500).toNanos();
    private static final int CALL_BYTES = 500;
    /** A call that gave a replica less time than this says nothing about it when that time is up. */
    static final long PATIENCE_NANOS = Duration.ofMillis(500).toNanos();
    private static final long LOOK_NANOS = Duration.ofSeconds(2).toNanos();
    /** How often the leader is asked who the members are, at most, and while there are calls at least. */
    private static final long LEARN_MIN_NANOS = Duration.ofSeconds(1).toNanos();
    private static final long LEARN_MAX_NANOS = Duration.ofSeconds(30).toNanos();
    /** How often one is told that a disk is full before it is believed: another replica may be about to lead that has room. */
    static final int FULL_ATTEMPTS = 8;

    /** Whom a call is for, and whether doing it twice does harm. */
    enum Manner {
        /** The leader alone can do it, and twice is not the same as once. */
        ONCE_AT_LEADER,
        /** The leader does it best. */
        REPEATED_AT_LEADER,
        /** Any replica can. */
        REPEATED_ANYWHERE
    }

    private final ClientTransport transport;
    private final Endpoints endpoints;
    private final Budget budget = new Budget(BYTES_MAX);
    private final ScheduledThreadPoolExecutor scheduler;
    private final Set<Call> open = ConcurrentHashMap.newKeySet();
    private final Set<CompletableFuture<?>> waiting = ConcurrentHashMap.newKeySet();     // for the one thread
    private volatile @Nullable String leader;                   // the address that answered last
    private final AtomicLong learnedNanos = new AtomicLong(System.nanoTime() - LEARN_MAX_NANOS);     // when members were last asked for
    private volatile boolean isClosed;

    Calls(ClientTransport transport, List<String> addresses) {
        if (addresses.isEmpty()) {
            throw new IllegalArgumentException("Give the address of at least one member of the group");
        }
        this.transport = transport;
        endpoints = new Endpoints(addresses, Calls::jitter);
        scheduler = new ScheduledThreadPoolExecutor(1, work -> {
            Thread thread = new Thread(work, "quorate-client");
            thread.setDaemon(true);
            return thread;
        });
        scheduler.setRemoveOnCancelPolicy(true);
    }

    /** The timeout in nanoseconds. */
    static long nanosOf(Duration timeout) {
        if (timeout.isNegative() || timeout.isZero() || timeout.compareTo(Duration.ofDays(365)) > 0) {
            throw new IllegalArgumentException("A call's timeout is more than 0 and at most 365 days, not " + timeout);
        }
        return timeout.toNanos();
    }

    /**
     * Calls the group.
     *
     * @param payloadBytes how long the caller's own bytes are
     * @param expected     what an answer is
     */
    <R extends ClientResponse> CompletableFuture<R> start(ClientRequest request, int payloadBytes, Manner manner, Class<R> expected,
                                                          long timeoutNanos) {
        int bytes = CALL_BYTES + payloadBytes;
        if (!budget.take(bytes)) {
            return CompletableFuture.failedFuture(new OverloadedException("Nothing happened: " + budget.taken()
                + " bytes of requests are open in this client, and " + BYTES_MAX + " is the most; try again after a pause"));
        }
        Call call = new Call(request, manner, expected, timeoutNanos);
        open.add(call);
        call.future.whenComplete((done, failure) -> {
            open.remove(call);
            budget.give(bytes);
        });
        if (isClosed) {
            call.onClosed();
        } else {
            call.attempt();
        }
        return call.future.thenApply(expected::cast);
    }

    /** Calls the replica at this address, once. Fails with {@link RequestFailedException} unless it is answered as expected. */
    <R extends ClientResponse> CompletableFuture<R> ask(String address, ClientRequest request, Class<R> expected, long timeoutNanos) {
        if (isClosed) {
            return CompletableFuture.failedFuture(closed());
        }
        return send(address, request, timeoutNanos).handle((response, failure) -> {
            if (expected.isInstance(response)) {
                return expected.cast(response);
            }
            throw new RequestFailedException("The replica at " + address + " did not answer " + request.getClass().getSimpleName() + ": "
                + (failure == null ? said(response) : describe(failure)));
        });
    }

    /**
     * Lets the replica at this address do something, once. Fails with {@link OutcomeUnknownException} if it was asked and perhaps does it,
     * with {@link OverloadedException} if it has too much to do, else with {@link RequestFailedException}: nothing happened.
     */
    <R extends ClientResponse> CompletableFuture<R> order(String address, ClientRequest request, Class<R> expected, long timeoutNanos) {
        if (isClosed) {
            return CompletableFuture.failedFuture(closed());
        }
        String what = "the replica at " + address + " was asked for " + request.getClass().getSimpleName() + ", and ";
        return send(address, request, timeoutNanos).handle((response, failure) -> {
            if (expected.isInstance(response)) {
                return expected.cast(response);
            } else if (response instanceof ClientResponse.Unknown unknown) {
                throw new OutcomeUnknownException("Perhaps it happens: " + what + "says: " + unknown.why());
            } else if (response instanceof ClientResponse.Overloaded overloaded) {
                throw new OverloadedException("Nothing happened: " + what + "says: " + overloaded.why());
            } else if (response != null) {
                throw new RequestFailedException("Nothing happened: " + what + "says: " + said(response));
            } else if (causeOf(failure) instanceof ClientTransport.NotSentException) {
                throw new RequestFailedException("Nothing happened: the replica at " + address + " was not asked: " + describe(failure));
            }
            throw new OutcomeUnknownException("Perhaps it happens: " + what + "did not answer: " + describe(failure));
        });
    }

    /** What a replica said in place of an answer, in its own words if it used some. */
    static String said(ClientResponse response) {
        return response instanceof ClientResponse.Failed failed ? failed.why() : String.valueOf(response);
    }

    /** Calls the replica at this address, once, and completes as the transport says. */
    CompletableFuture<ClientResponse> call(String address, ClientRequest request, long timeoutNanos) {
        return isClosed ? CompletableFuture.failedFuture(closed()) : send(address, request, timeoutNanos);
    }

    /** Asks the replica at this address, once, and notes what that says about it. */
    private CompletableFuture<ClientResponse> send(String address, ClientRequest request, long timeoutNanos) {
        long begun = System.nanoTime();
        CompletableFuture<ClientResponse> answer;
        try {
            answer = transport.call(address, request, timeoutNanos);
        } catch (RuntimeException e) {
            answer = CompletableFuture.failedFuture(e);
        }
        return answer.whenComplete((response, failure) -> {
            long now = System.nanoTime();
            if (response != null) {
                endpoints.onAnswer(address, now);
                learn(response);
            } else if (now - begun >= timeoutNanos && timeoutNanos < PATIENCE_NANOS) {
                endpoints.onNothing(address, begun);
            } else {
                endpoints.onFailure(address, begun, now, failure == null ? "no answer" : describe(failure));
            }
        });
    }

    private void learn(ClientResponse response) {
        Membership membership = response instanceof ClientResponse.Status status ? status.status().membership()
            : response instanceof ClientResponse.Members members ? members.membership() : null;
        if (membership != null) {
            learnedNanos.set(System.nanoTime());
            endpoints.learn(membership, transport.epoch());
        }
    }

    /** The replica at this address has done what was asked of it: it knows the members, and is asked who they are now and then. */
    private void learnFrom(String address, boolean isNews) {
        long last = learnedNanos.get();
        long now = System.nanoTime();
        if (now - last > (isNews ? LEARN_MIN_NANOS : LEARN_MAX_NANOS) && learnedNanos.compareAndSet(last, now)) {
            look(address);
        }
    }

    /** Asks a replica how it is, for nobody who waits. */
    private void look(String address) {
        if (!isClosed) {
            send(address, new ClientRequest.Status(), LOOK_NANOS).whenComplete((response, failure) -> {
                if (!(response instanceof ClientResponse.Status)) {
                    learnedNanos.set(System.nanoTime() - LEARN_MAX_NANOS + LEARN_MIN_NANOS);       // another is asked soon
                }
            });
        }
    }

    /** Does this on the one thread, after a while; or fails the future, when this is closed before. */
    void after(long nanos, Runnable step, CompletableFuture<?> orFail) {
        try {
            waiting.add(orFail);
            scheduler.schedule(() -> {
                waiting.remove(orFail);
                try {
                    step.run();
                } catch (RuntimeException | Error e) {
                    orFail.completeExceptionally(e);    // else it would wait for ever
                }
            }, nanos, TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException e) {
            orFail.completeExceptionally(closed());
        }
        if (isClosed) {
            orFail.completeExceptionally(closed());
        }
    }

    /** The highest recovery epoch met. */
    int epoch() {
        return transport.epoch();
    }

    @Override
    public String toString() {
        return endpoints.toString();
    }

    /** Where the leader answered last, as far as is known. */
    @Nullable String leader() {
        return leader;
    }

    /** Closes the transport, and completes every open call. */
    void close() {
        isClosed = true;
        scheduler.shutdownNow();
        for (Call call : open) {
            call.onClosed();
        }
        for (CompletableFuture<?> future : waiting) {
            future.completeExceptionally(closed());
        }
        transport.close();
    }

    private static long jitter(long nanos) {
        return ThreadLocalRandom.current().nextLong(nanos);
    }

    private static ServerStoppedException closed() {
        return new ServerStoppedException("Nothing happened: this client is closed", null);
    }

    /** What a future failed with, without what is wrapped around it. */
    static Throwable causeOf(Throwable failure) {
        return failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
    }

    static String describe(Throwable failure) {
        Throwable cause = causeOf(failure);
        return cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
    }

    /** Where a call is. Only a call that is not out can be said to have had no effect. */
    private enum Phase { BETWEEN_ATTEMPTS, OUT, CLOSED }

    /**
     * One call, from attempt to attempt; there is one at a time, so only {@link #close} needs care: it must know whether the request may
     * have left, and no attempt may begin after it.
     */
    private final class Call {

        private final ClientRequest request;
        private final boolean wantsLeader;
        private final boolean isRepeatable;
        private final Class<? extends ClientResponse> expected;
        private final long timeoutNanos;
        private final long deadlineNanos;
        private final CompletableFuture<ClientResponse> future = new CompletableFuture<>();
        private final Map<String, String> said = new TreeMap<>();    // what each address said last
        private final int start = ThreadLocalRandom.current().nextInt(1 << 20);
        private int turn;                           // counted from there
        private @Nullable String hint;              // where to go now
        private int hintsFollowed;                  // without a pause
        private long pauseNanos = PAUSE_MIN_NANOS;
        private long begunNanos;                    // when the last attempt was
        private boolean isOverloaded;               // by the last answer
        private int fullAnswers;                    // that a disk is full
        private final AtomicReference<Phase> phase = new AtomicReference<>(Phase.BETWEEN_ATTEMPTS);

        Call(ClientRequest request, Manner manner, Class<? extends ClientResponse> expected, long timeoutNanos) {
            this.request = request;
            this.expected = expected;
            this.timeoutNanos = timeoutNanos;
            wantsLeader = manner != Manner.REPEATED_ANYWHERE;
            isRepeatable = manner != Manner.ONCE_AT_LEADER;
            deadlineNanos = System.nanoTime() + timeoutNanos;
            hint = wantsLeader ? leader : null;
        }

        void attempt() {
            long left = deadlineNanos - System.nanoTime();
            if (left <= 0) {
                fail(outOfTime());
                return;
            }
            long now = System.nanoTime();
            Endpoints.Choice choice = endpoints.choose(hint, start, turn, now);
            if (choice == null) {
                endpoints.reasons().forEach(said::putIfAbsent);
                again(Math.min(left, Math.min(endpoints.dueNanos(now) - now, Breaker.NEED_NANOS) + jitter(PAUSE_MIN_NANOS)));
                return;
            }
            if (!phase.compareAndSet(Phase.BETWEEN_ATTEMPTS, Phase.OUT)) {
                return;
            }
            hint = null;
            turn = choice.nextTurn();
            begunNanos = now;
            if (choice.probe() != null) {
                look(choice.probe());
            }
            String address = choice.address();
            send(address, request, isRepeatable ? Math.min(left, REPEATED_ATTEMPT_NANOS) : left)
                .whenComplete((response, failure) -> onAnswer(address, response, failure));
        }

        private void onAnswer(String address, @Nullable ClientResponse response, @Nullable Throwable failure) {
            isOverloaded = false;
            if (response == null) {
                onFailure(address, failure == null ? new IllegalStateException("no answer") : causeOf(failure));
            } else if (expected.isInstance(response)) {
                boolean isNews = wantsLeader && !address.equals(leader);
                if (wantsLeader) {
                    leader = address;
                }
                learnFrom(address, isNews);
                future.complete(response);
            } else if (response instanceof ClientResponse.NotLeader notLeader) {
                onNotLeader(address, notLeader);
            } else if (response instanceof ClientResponse.Overloaded overloaded) {
                said.put(address, overloaded.why());
                isOverloaded = true;
                hint = wantsLeader ? address : null;     // it is the leader that is busy; others would only send us back
                pause();
            } else if (response instanceof ClientResponse.Unavailable unavailable) {
                said.put(address, unavailable.why());
                forget(address);
                pause();
            } else if (response instanceof ClientResponse.Unknown unknown) {
                said.put(address, unknown.why());
                unknown(address, unknown.why(), unknown.entry());
            } else if (response instanceof ClientResponse.Refused refused) {
                onRefused(address, refused);
            } else if (response instanceof ClientResponse.Failed failed) {
                fail(new RequestFailedException("Nothing happened: the replica at " + address + " says: " + failed.why()));
            } else {
                fail(new RequestFailedException("Nothing happened: the replica at " + address + " answered " + request + " with "
                    + response));
            }
        }

        private void onNotLeader(String address, ClientResponse.NotLeader answer) {
            forget(address);
            String there = answer.leaderAddress();
            said.put(address, there == null ? "knows no leader" : "says that node " + answer.leaderNodeId() + " leads, at " + there);
            if (there == null || there.isEmpty() || there.equals(address)) {
                pause();
                return;
            }
            endpoints.learn(there);
            hint = there;
            if (hintsFollowed <= endpoints.all().size()) {
                hintsFollowed++;
                soon();
            } else {
                pause();
            }
        }

        private void onRefused(String address, ClientResponse.Refused refused) {
            said.put(address, refused.why());
            switch (refused.reason()) {
                case NOT_LEADER -> {
                    forget(address);
                    pause();
                }
                case NO_QUORUM, TOO_EARLY -> pause();       // it leads, or will no longer: the next attempt finds out
                case OVERLOADED -> {
                    isOverloaded = true;
                    hint = address;
                    pause();
                }
                case DISK_FULL -> {
                    fullAnswers++;
                    if (fullAnswers == FULL_ATTEMPTS) {
                        fail(new RequestRefusedException(refused.reason(), refused.why()));
                    } else {
                        pause();
                    }
                }
                case TOO_LARGE, OTHER_VERSION, CHANGE_PENDING, TRANSFER_PENDING, NO_TARGET, TRANSFER_FAILED ->
                    fail(new RequestRefusedException(refused.reason(), refused.why()));
            }
        }

        private void onFailure(String address, Throwable cause) {
            said.put(address, describe(cause));
            forget(address);
            if (cause instanceof ClientTransport.NotSentException) {
                pause();
            } else {
                unknown(address, describe(cause), null);
            }
        }

        private void unknown(String address, String why, @Nullable EntryId entry) {
            if (isRepeatable) {
                forget(address);
                pause();
            } else {
                fail(new OutcomeUnknownException("Perhaps it happened: the request was sent to " + address + ", and then: " + why
                    + (entry == null ? "; read the state before you repeat it" : "; wait for the outcome of entry " + entry
                        + ", or read the state, before you repeat it"), entry));
            }
        }

        private void forget(String address) {
            if (address.equals(leader)) {
                leader = null;
            }
        }

        /** Tries again at once; on the scheduler, so that a chain of hints does not become a deep stack. */
        private void soon() {
            schedule(0);
        }

        private void pause() {
            hintsFollowed = 0;
            long now = System.nanoTime();
            if (now - begunNanos > PAUSE_MAX_NANOS) {
                pauseNanos = PAUSE_MIN_NANOS;       // the attempt has taken longer than any pause, and need not be slowed down
            }
            long drawn = pauseNanos / 2 + jitter(pauseNanos);
            pauseNanos = Math.min(2 * pauseNanos, PAUSE_MAX_NANOS);
            schedule(Math.min(drawn, Math.max(0, deadlineNanos - now)));
        }

        private void schedule(long nanos) {
            // Only now: until here the last attempt's outcome had to be looked at.
            if (phase.compareAndSet(Phase.OUT, Phase.BETWEEN_ATTEMPTS)) {
                again(nanos);
            }
        }

        private void again(long nanos) {
            try {
                scheduler.schedule(this::attempt, nanos, TimeUnit.NANOSECONDS);
            } catch (RejectedExecutionException e) {
                onClosed();
            }
        }

        private RuntimeException outOfTime() {
            if (request instanceof ClientRequest.AwaitOutcome await) {
                return new OutcomeUnknownException("Perhaps it happened: what became of entry " + await.entry() + " was not settled within "
                    + TimeUnit.NANOSECONDS.toMillis(timeoutNanos) + " ms; asked were " + said + ". Wait again", await.entry());
            }
            if (isOverloaded) {
                return new OverloadedException("Nothing happened: the group was overloaded until the call's time was up: " + said);
            }
            if (fullAnswers > 0) {
                return new RequestRefusedException(Refusal.Reason.DISK_FULL, "Nothing happened: a disk was nearly full until the call's "
                    + "time was up: " + said);
            }
            return new NotLeaderException("Nothing happened: " + (wantsLeader ? "no leader" : "no replica") + " answered within "
                + TimeUnit.NANOSECONDS.toMillis(timeoutNanos) + " ms; asked were " + (said.isEmpty() ? "none of " + endpoints.all() : said)
                + ". See whether a majority of the group runs and can be reached from here");
        }

        void onClosed() {
            boolean isCertain = isRepeatable || phase.compareAndSet(Phase.BETWEEN_ATTEMPTS, Phase.CLOSED) || phase.get() == Phase.CLOSED;
            fail(isCertain
                ? closed()
                : new OutcomeUnknownException("Perhaps it happened: this client was closed before the answer to the request came; read the "
                    + "state before you repeat it"));
        }

        private void fail(RuntimeException why) {
            future.completeExceptionally(why);
        }
    }
}
