package io.quorate.raft.client;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.CommandTooLargeException;
import io.quorate.raft.Freshness;
import io.quorate.raft.NotLeaderException;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.OverloadedException;
import io.quorate.raft.RequestFailedException;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.ServerStoppedException;
import io.quorate.raft.core.Entry;
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
 * Calls a group from outside it: finds the leader, follows it, and tries again what certainly did not happen.
 *
 * <p>It asks the addresses it was given in turn and follows every hint to the leader. A refused request (no leader there, overloaded, not
 * even sent) is tried again after a pause that grows and is drawn at random, until the call's deadline. A command whose outcome is unknown
 * is <em>never</em> sent again: {@link OutcomeUnknownException} leaves that decision to the caller. Reads may always be repeated, and are.
 *
 * <p>Every future completes, at the deadline at the latest, and when the client is closed. Futures complete on the transport's threads, or
 * on the client's one (a daemon, {@code quorate-client}): what is chained to them must not block. Thread-safe.
 */
public final class RaftClient implements AutoCloseable {

    /** How long a call may take unless the builder says otherwise. */
    public static final Duration CALL_TIMEOUT = Duration.ofSeconds(10);

    /** How many bytes of requests may be open at once. */
    public static final long CALL_BYTES_MAX = 128L << 20;

    /** For how long a read waits for one replica before it asks another. */
    private static final long READ_ATTEMPT_NANOS = Duration.ofSeconds(2).toNanos();
    private static final long PAUSE_MIN_NANOS = Duration.ofMillis(10).toNanos();
    private static final long PAUSE_MAX_NANOS = Duration.ofMillis(500).toNanos();
    private static final int CALL_BYTES = 500;

    private final ClientTransport transport;
    private final List<String> addresses;
    private final long callTimeoutNanos;
    private final Budget budget = new Budget(CALL_BYTES_MAX);
    private final ScheduledThreadPoolExecutor scheduler;
    private final Set<Call> open = ConcurrentHashMap.newKeySet();
    private final AtomicLong lastIndex = new AtomicLong();      // the newest state this client has seen
    private volatile @Nullable String leader;                   // the address that answered last
    private volatile boolean isClosed;

    private RaftClient(Builder builder) {
        transport = builder.transport;
        addresses = builder.addresses;
        callTimeoutNanos = builder.callTimeout.toNanos();
        scheduler = new ScheduledThreadPoolExecutor(1, work -> {
            Thread thread = new Thread(work, "quorate-client");
            thread.setDaemon(true);
            return thread;
        });
        scheduler.setRemoveOnCancelPolicy(true);
    }

    /**
     * A client of the group at these addresses.
     *
     * @param transport the client's from now on, which closes it
     * @param addresses of some members, as {@code host:port}; the others are learned from hints
     */
    public static Builder builder(ClientTransport transport, List<String> addresses) {
        return new Builder(transport, addresses);
    }

    /**
     * Replicates a command, and completes with what the state machine returned for it.
     *
     * <p>Fails with {@link NotLeaderException} if no leader was found in time (the message tells what each address said), {@link
     * OverloadedException}, {@link CommandTooLargeException}, {@link RequestFailedException}, {@link ServerStoppedException} (this client
     * is closed): nothing happened. With {@link OutcomeUnknownException}: perhaps it did.
     *
     * @param command at most 32 MiB; not changed until the future completes
     */
    public CompletableFuture<byte[]> propose(byte[] command) {
        if (command.length > Entry.PAYLOAD_BYTES_MAX) {
            return CompletableFuture.failedFuture(new CommandTooLargeException("Nothing happened: the command has " + command.length
                + " bytes, and at most " + Entry.PAYLOAD_BYTES_MAX + " are possible"));
        }
        return start(new ClientRequest.Propose(command), command.length, true).thenApply(RaftClient::result);
    }

    /** Answers a query from a state that includes everything acknowledged to anybody before this call. Fails as {@link #propose}. */
    public CompletableFuture<byte[]> read(byte[] query) {
        return start(new ClientRequest.Read(query, Freshness.linearizable()), query.length, true).thenApply(RaftClient::result);
    }

    /**
     * Answers a query from the state of whichever replica answers, which may be old, but never older than what this client has seen: it
     * reads its own writes, and what it reads does not go back in time. Fails as {@link #propose}.
     */
    public CompletableFuture<byte[]> localRead(byte[] query) {
        return start(new ClientRequest.Read(query, Freshness.local().notBefore(lastIndex.get())), query.length, false).thenApply(RaftClient::result);
    }

    /**
     * How the replica at this address is.
     *
     * <p>Fails with {@link RequestFailedException} if it did not answer; the message says why.
     */
    public CompletableFuture<ServerStatus> status(String address) {
        if (isClosed) {
            return CompletableFuture.failedFuture(closed());
        }
        return transport.call(address, new ClientRequest.Status(), callTimeoutNanos).handle((response, failure) -> {
            if (response instanceof ClientResponse.Status status) {
                return status.status();
            }
            throw new RequestFailedException("The replica at " + address + " did not tell its status: "
                + (failure == null ? response : describe(failure)));
        });
    }

    /** Closes the transport, and completes every open call: with {@link OutcomeUnknownException} if its command may have been sent. */
    @Override
    public void close() {
        isClosed = true;
        scheduler.shutdownNow();
        for (Call call : open) {
            call.onClosed();
        }
        transport.close();
    }

    private CompletableFuture<ClientResponse.Done> start(ClientRequest request, int payloadBytes, boolean wantsLeader) {
        int bytes = CALL_BYTES + payloadBytes;
        if (!budget.take(bytes)) {
            return CompletableFuture.failedFuture(new OverloadedException("Nothing happened: " + budget.taken()
                + " bytes of requests are open in this client, and " + CALL_BYTES_MAX + " is the most; try again after a pause"));
        }
        Call call = new Call(request, wantsLeader, System.nanoTime() + callTimeoutNanos);
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
        return call.future;
    }

    private static byte[] result(ClientResponse.Done done) {
        return done.result();
    }

    private static ServerStoppedException closed() {
        return new ServerStoppedException("Nothing happened: this client is closed", null);
    }

    private static String describe(Throwable failure) {
        Throwable cause = failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
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
        private final boolean isRead;
        private final long deadlineNanos;
        private final CompletableFuture<ClientResponse.Done> future = new CompletableFuture<>();
        private final Map<String, String> said = new TreeMap<>();    // what each address said last
        private int next = ThreadLocalRandom.current().nextInt(addresses.size());
        private @Nullable String hint;              // where to go now
        private int hintsFollowed;                  // without a pause
        private long pauseNanos = PAUSE_MIN_NANOS;
        private boolean isOverloaded;               // by the last answer
        private final AtomicReference<Phase> phase = new AtomicReference<>(Phase.BETWEEN_ATTEMPTS);

        Call(ClientRequest request, boolean wantsLeader, long deadlineNanos) {
            this.request = request;
            this.wantsLeader = wantsLeader;
            this.deadlineNanos = deadlineNanos;
            isRead = !(request instanceof ClientRequest.Propose);
            hint = wantsLeader ? leader : null;
        }

        void attempt() {
            long left = deadlineNanos - System.nanoTime();
            if (left <= 0) {
                fail(outOfTime());
                return;
            }
            if (!phase.compareAndSet(Phase.BETWEEN_ATTEMPTS, Phase.OUT)) {
                return;
            }
            String address = target();
            long timeout = isRead ? Math.min(left, READ_ATTEMPT_NANOS) : left;
            CompletableFuture<ClientResponse> answer;
            try {
                answer = transport.call(address, request, timeout);
            } catch (RuntimeException e) {
                answer = CompletableFuture.failedFuture(e);
            }
            answer.whenComplete((response, failure) -> onAnswer(address, response, failure));
        }

        private String target() {
            String known = hint;
            hint = null;
            if (known != null) {
                return known;
            }
            next = (next + 1) % addresses.size();
            return addresses.get(next);
        }

        private void onAnswer(String address, @Nullable ClientResponse response, @Nullable Throwable failure) {
            isOverloaded = false;
            if (response == null) {
                Throwable cause = failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
                onFailure(address, cause == null ? new IllegalStateException("no answer") : cause);
            } else if (response instanceof ClientResponse.Done done) {
                lastIndex.accumulateAndGet(done.index(), Math::max);
                if (wantsLeader) {
                    leader = address;
                }
                future.complete(done);
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
                unknown(address, unknown.why());
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
            if (there != null && !there.equals(address) && hintsFollowed <= addresses.size()) {
                hintsFollowed++;
                hint = there;
                soon();
            } else {
                hint = there != null && !there.equals(address) ? there : null;
                pause();
            }
        }

        private void onFailure(String address, Throwable cause) {
            said.put(address, describe(cause));
            forget(address);
            if (cause instanceof ClientTransport.NotSentException) {
                pause();
            } else {
                unknown(address, describe(cause));
            }
        }

        private void unknown(String address, String why) {
            if (isRead) {
                forget(address);
                pause();
            } else {
                OutcomeUnknownException unknown = new OutcomeUnknownException("Perhaps it happened: the command was sent to " + address
                    + ", and then: " + why + "; read the state before you repeat it");
                fail(unknown);
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
            long left = Math.max(0, deadlineNanos - System.nanoTime());
            long drawn = pauseNanos / 2 + ThreadLocalRandom.current().nextLong(pauseNanos);
            pauseNanos = Math.min(2 * pauseNanos, PAUSE_MAX_NANOS);
            schedule(Math.min(drawn, left));
        }

        private void schedule(long nanos) {
            // Only now: until here the last attempt's outcome had to be looked at.
            if (!phase.compareAndSet(Phase.OUT, Phase.BETWEEN_ATTEMPTS)) {
                return;
            }
            try {
                scheduler.schedule(this::attempt, nanos, TimeUnit.NANOSECONDS);
            } catch (RejectedExecutionException e) {
                onClosed();
            }
        }

        private RuntimeException outOfTime() {
            if (isOverloaded) {
                return new OverloadedException("Nothing happened: the group was overloaded until the call's time was up: " + said);
            }
            return new NotLeaderException("Nothing happened: " + (wantsLeader ? "no leader" : "no replica") + " answered within "
                + TimeUnit.NANOSECONDS.toMillis(callTimeoutNanos) + " ms; asked were " + (said.isEmpty() ? "none of " + addresses : said)
                + ". See whether a majority of the group runs and can be reached from here");
        }

        void onClosed() {
            boolean isCertain = isRead || phase.compareAndSet(Phase.BETWEEN_ATTEMPTS, Phase.CLOSED) || phase.get() == Phase.CLOSED;
            fail(isCertain
                ? closed()
                : new OutcomeUnknownException("Perhaps it happened: this client was closed before the answer to the command came; read the "
                    + "state before you repeat it"));
        }

        private void fail(RuntimeException why) {
            future.completeExceptionally(why);
        }
    }

    /** What a client is made of. */
    public static final class Builder {

        private final ClientTransport transport;
        private final List<String> addresses;
        private Duration callTimeout = CALL_TIMEOUT;

        private Builder(ClientTransport transport, List<String> addresses) {
            this.transport = transport;
            this.addresses = List.copyOf(addresses);
            if (addresses.isEmpty()) {
                throw new IllegalArgumentException("Give the address of at least one member of the group");
            }
        }

        /** How long a call may take; 10 s unless this is called. */
        public Builder callTimeout(Duration timeout) {
            if (timeout.isNegative() || timeout.isZero() || timeout.compareTo(Duration.ofDays(365)) > 0) {
                throw new IllegalArgumentException("A call's timeout is more than 0 and at most 365 days, not " + timeout);
            }
            callTimeout = timeout;
            return this;
        }

        /** A client; it connects when it is first used. */
        public RaftClient build() {
            return new RaftClient(this);
        }
    }
}
