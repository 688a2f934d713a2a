package io.quorate.raft.client;

import io.quorate.raft.Answer;
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
import io.quorate.raft.core.EntryId;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Calls a group from outside it: finds the leader, follows it, and tries again what certainly did not happen.
 *
 * <p>It asks the addresses it was given in turn and follows every hint to the leader. A refused request (no leader there, overloaded, not
 * even sent) is tried again after a pause that grows and is drawn at random, until the call's deadline. A command whose outcome is unknown
 * is <em>never</em> sent again: {@link OutcomeUnknownException} leaves that decision to the caller, and a {@link Session} needs none.
 * Reads may always be repeated, and are.
 *
 * <p>A replica that does not answer is left alone for a while, which doubles with each failure; then it is asked how it is, by nobody who
 * waits. Where nobody else is left, or a replica names it as the leader, it is asked all the same, ten times a second at most. Now and then
 * the client asks who the members are. It calls those that it was not told of only where none of the given ones is of use: so it finds its
 * group when the machines that it started with are long gone, and after all replicas were down.
 *
 * <p>Every future completes, at the deadline at the latest, and when the client is closed. Futures complete on the transport's threads, or
 * on the client's one (a daemon, {@code quorate-client}): what is chained to them must not block. Thread-safe.
 */
public final class RaftClient implements AutoCloseable {

    /** How long a call may take unless the builder says otherwise. */
    public static final Duration CALL_TIMEOUT = Duration.ofSeconds(10);

    /** How many bytes of requests may be open at once. */
    public static final long CALL_BYTES_MAX = Calls.BYTES_MAX;

    private final Calls calls;
    private final long callTimeoutNanos;
    private final AtomicReference<Seen> newest = new AtomicReference<>(new Seen(0, 0));

    /** The newest state that this client has seen, and its epoch: in the next one indexes may be lower, and stand for something else. */
    private record Seen(int epoch, long index) {

        private static Seen newer(Seen one, Seen other) {
            boolean isOther = one.epoch == other.epoch ? one.index < other.index : one.epoch < other.epoch;
            return isOther ? other : one;
        }
    }

    private RaftClient(Builder builder) {
        calls = new Calls(builder.transport, builder.addresses);
        callTimeoutNanos = builder.callTimeoutNanos;
    }

    /**
     * A client of the group at these addresses.
     *
     * @param transport the client's from now on, which closes it
     * @param addresses of some members, as {@code host:port}, which are asked first; the others are learned
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
        return propose(command, callTimeoutNanos);
    }

    /** The same, with a deadline of its own. */
    public CompletableFuture<byte[]> propose(byte[] command, Duration timeout) {
        return propose(command, Calls.nanosOf(timeout));
    }

    private CompletableFuture<byte[]> propose(byte[] command, long timeoutNanos) {
        if (command.length > Entry.PAYLOAD_BYTES_MAX) {
            return CompletableFuture.failedFuture(new CommandTooLargeException("Nothing happened: the command has " + command.length
                + " bytes, and at most " + Entry.PAYLOAD_BYTES_MAX + " are possible"));
        }
        return calls.start(new ClientRequest.Propose(command), command.length, Calls.Manner.ONCE_AT_LEADER, ClientResponse.Done.class,
            timeoutNanos).thenApply(done -> seen(done).result());
    }

    /** Answers a query from a state that includes everything acknowledged to anybody before this call. Fails as {@link #propose}. */
    public CompletableFuture<byte[]> read(byte[] query) {
        return read(query, Freshness.linearizable()).thenApply(Answer::result);
    }

    /**
     * Answers a query from a state as fresh as this, and never from one that is older than what this client has seen: it reads its own
     * writes, and what it reads does not go back in time (but for a recovery from a lost quorum, which may have lost some of it).
     * Linearizable reads, and reads under a lease, are asked of the leader, the others of any replica. Fails as {@link #propose}, but
     * never with {@link OutcomeUnknownException}.
     *
     * @param query not changed until the future completes
     */
    public CompletableFuture<Answer> read(byte[] query, Freshness freshness) {
        return read(query, freshness, callTimeoutNanos);
    }

    /** The same, with a deadline of its own. */
    public CompletableFuture<Answer> read(byte[] query, Freshness freshness, Duration timeout) {
        return read(query, freshness, Calls.nanosOf(timeout));
    }

    private CompletableFuture<Answer> read(byte[] query, Freshness freshness, long timeoutNanos) {
        boolean wantsLeader = freshness.mode() == Freshness.Mode.LINEARIZABLE || freshness.mode() == Freshness.Mode.LEASE;
        // What a quorum confirms holds all that anybody has seen.
        Freshness wanted = wantsLeader ? freshness : freshness.notBefore(Math.max(freshness.minIndex(), lastIndex()));
        return calls.start(new ClientRequest.Read(query, wanted), query.length,
            wantsLeader ? Calls.Manner.REPEATED_AT_LEADER : Calls.Manner.REPEATED_ANYWHERE, ClientResponse.Done.class, timeoutNanos)
            .thenApply(done -> new Answer(seen(done).result(), done.index()));
    }

    /**
     * Tells whether an entry was applied, as soon as that is certain: true if it was, with the effect that its command had then; false if
     * it was not, and never will be. Any replica is asked, as often as it takes.
     *
     * <p>Fails with {@link OutcomeUnknownException} if it is not certain in time: wait again.
     *
     * @param entry as {@link OutcomeUnknownException#entry} named it
     */
    public CompletableFuture<Boolean> awaitOutcome(EntryId entry) {
        return awaitOutcome(entry, callTimeoutNanos);
    }

    /** The same, with a deadline of its own. */
    public CompletableFuture<Boolean> awaitOutcome(EntryId entry, Duration timeout) {
        return awaitOutcome(entry, Calls.nanosOf(timeout));
    }

    private CompletableFuture<Boolean> awaitOutcome(EntryId entry, long timeoutNanos) {
        return calls.start(new ClientRequest.AwaitOutcome(entry), 0, Calls.Manner.REPEATED_ANYWHERE, ClientResponse.Settled.class,
            timeoutNanos).thenApply(ClientResponse.Settled::isApplied);
    }

    /**
     * How the replica at this address is.
     *
     * <p>Fails with {@link RequestFailedException} if it did not answer; the message says why.
     */
    public CompletableFuture<ServerStatus> status(String address) {
        return calls.ask(address, new ClientRequest.Status(), ClientResponse.Status.class, callTimeoutNanos)
            .thenApply(ClientResponse.Status::status);
    }

    /**
     * The index of the newest state that this client has seen in the {@linkplain #epoch epoch} of now; 0 if it has seen none. Reads of
     * another that begin there see no older.
     */
    public long lastIndex() {
        Seen seen = newest.get();
        return seen.epoch == calls.epoch() ? seen.index : 0;
    }

    /**
     * The highest recovery epoch that this client has met, as {@link ClientTransport#epoch} says it: of replicas that were left behind in
     * a lower one nothing is heard any more. An answer is certainly of this epoch if it was the same before the call and after its answer.
     */
    public int epoch() {
        return calls.epoch();
    }

    /** Closes the transport, and completes every open call: with {@link OutcomeUnknownException} if its command may have been sent. */
    @Override
    public void close() {
        calls.close();
    }

    /** Which addresses it knows, the given ones first, and which of them it leaves alone for a while, and why. */
    @Override
    public String toString() {
        return "RaftClient[" + calls + ", index " + lastIndex() + ", epoch " + epoch() + "]";
    }

    private ClientResponse.Done seen(ClientResponse.Done done) {
        newest.accumulateAndGet(new Seen(calls.epoch(), done.index()), Seen::newer);
        return done;
    }

    /** What a client is made of. */
    public static final class Builder {

        private final ClientTransport transport;
        private final List<String> addresses;
        private long callTimeoutNanos = CALL_TIMEOUT.toNanos();

        private Builder(ClientTransport transport, List<String> addresses) {
            this.transport = transport;
            this.addresses = List.copyOf(addresses);
            if (addresses.isEmpty()) {
                throw new IllegalArgumentException("Give the address of at least one member of the group");
            }
        }

        /** How long a call may take; 10 s unless this is called. */
        public Builder callTimeout(Duration timeout) {
            callTimeoutNanos = Calls.nanosOf(timeout);
            return this;
        }

        /** A client; it connects when it is first used. */
        public RaftClient build() {
            return new RaftClient(this);
        }
    }
}
