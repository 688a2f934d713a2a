package io.quorate.raft.client;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.NotLeaderException;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.RequestFailedException;
import io.quorate.raft.RequestRefusedException;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.Refusal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.SortedMap;
import java.util.concurrent.CompletableFuture;

/**
 * Administers a group from outside it: who belongs to it, who leads, snapshots, and what each replica says of itself. Servers that refuse
 * administrators refuse all of this.
 *
 * <p>What concerns the group is asked of the leader, who is found as {@link RaftClient} finds him; what concerns a replica is asked of
 * the replica at that address, once. Every future completes: with the answer, or with an exception that tells whether anything happened
 * ({@link OutcomeUnknownException}: perhaps). A server that serves no administrators is a {@link RequestFailedException} that says so.
 *
 * <p>Futures complete on the transport's threads, or on the one of this class (a daemon, {@code quorate-client}): what is chained to them
 * must not block. Thread-safe.
 */
public final class RaftAdmin implements AutoCloseable {

    /** How long a call may take unless the builder says otherwise. */
    public static final Duration CALL_TIMEOUT = Duration.ofSeconds(60);

    private static final long POLL_NANOS = Duration.ofMillis(100).toNanos();

    private final Calls calls;
    private final long callTimeoutNanos;

    private RaftAdmin(Builder builder) {
        calls = new Calls(builder.transport, builder.addresses);
        callTimeoutNanos = builder.callTimeoutNanos;
    }

    /**
     * An administrator of the group at these addresses.
     *
     * @param transport the administrator's from now on, which closes it
     * @param addresses of some members, as {@code host:port}; the others are learned from hints
     */
    public static Builder builder(ClientTransport transport, List<String> addresses) {
        return new Builder(transport, addresses);
    }

    // ------------------------------------------------------------------------------------------------------------------ the group

    /**
     * Who belongs to the group, as the leader has it, and who asks to. Fails with {@link NotLeaderException} if no leader was found in
     * time.
     */
    public CompletableFuture<ClientResponse.Members> members() {
        return members(callTimeoutNanos);
    }

    /**
     * States who shall belong to the group in the end. Completes, with the membership that states it, as soon as that is committed: the
     * group then goes there by itself, whoever leads it; {@link #awaitSettled} waits for it. A goal that is not reached yet is replaced by
     * the next one, also by the present voters.
     *
     * <p>Fails with {@link RequestRefusedException}: nothing happened, and the reason tells why (another version than this, a change that
     * is not committed yet). Fails also as {@link RaftClient#propose} does.
     *
     * @param expectedVersion of the membership that the caller has seen
     * @param goal            who shall belong to the group
     */
    public CompletableFuture<Membership> changeMembership(long expectedVersion, Membership.Goal goal) {
        return calls.start(new ClientRequest.ChangeMembership(expectedVersion, goal), 0, Calls.Manner.ONCE_AT_LEADER,
            ClientResponse.Members.class, callTimeoutNanos).thenApply(ClientResponse.Members::membership);
    }

    /**
     * Completes when the group is what it is to become, and that is committed: no goal is left to be reached, and the next one may be
     * stated. Asks the leader again and again.
     *
     * @param version of the membership that states the goal, as {@link #changeMembership} told it: an older one, which a leader that was
     *                cut off may still hold, does not count
     * @param timeout for how long; then it fails with {@link OutcomeUnknownException}, and the group goes on towards its goal
     */
    public CompletableFuture<Membership> awaitSettled(long version, Duration timeout) {
        CompletableFuture<Membership> settled = new CompletableFuture<>();
        pollSettled(settled, version, System.nanoTime() + Calls.nanosOf(timeout));
        return settled;
    }

    /** Lets anybody lead but who leads now: whoever is best placed. Completes and fails as {@link #transfer(int)}. */
    public CompletableFuture<Void> transfer() {
        return transfer(0);
    }

    /**
     * Lets another node lead. Completes when it does, as it says itself.
     *
     * <p>Leadership is handed over once: a leader that lost it before it could hand over is no obstacle, but none is asked to go because
     * of what became of an earlier one that had been asked. Fails with {@link RequestRefusedException}: its message says that nothing
     * happened, or, with {@link Refusal.Reason#TRANSFER_FAILED}, that the leader has left its office and who leads instead of the one that
     * should, be it the same one again. With {@link OutcomeUnknownException}: perhaps another leads. Fails also with {@link
     * NotLeaderException} and {@link RequestFailedException}: nothing happened.
     *
     * @param nodeId who shall lead; 0 for whoever is best placed
     */
    public CompletableFuture<Void> transfer(int nodeId) {
        if (nodeId < 0) {
            throw new IllegalArgumentException("A node id is 1 or more, not " + nodeId);
        }
        return new HandOver(calls, nodeId, callTimeoutNanos).start();
    }

    // ------------------------------------------------------------------------------------------------------------- a single replica

    /** How the replica at this address is. Fails with {@link RequestFailedException} if it did not answer. */
    public CompletableFuture<ServerStatus> status(String address) {
        return calls.ask(address, new ClientRequest.Status(), ClientResponse.Status.class, callTimeoutNanos)
            .thenApply(ClientResponse.Status::status);
    }

    /** What holds the replica at this address up, in sentences; none if nothing does. Fails as {@link #status}. */
    public CompletableFuture<List<String>> explain(String address) {
        return calls.ask(address, new ClientRequest.Explain(), ClientResponse.Explanation.class, callTimeoutNanos)
            .thenApply(ClientResponse.Explanation::sentences);
    }

    /** What the replica at this address has counted and measured, by name; each name tells its unit. Fails as {@link #status}. */
    public CompletableFuture<SortedMap<String, Long>> metrics(String address) {
        return calls.ask(address, new ClientRequest.Metrics(), ClientResponse.Metrics.class, callTimeoutNanos)
            .thenApply(ClientResponse.Metrics::values);
    }

    /**
     * Lets the replica at this address take a snapshot. Completes when it is durable there, which takes long if the state is large.
     *
     * <p>Fails with {@link OutcomeUnknownException} if the replica was asked and is not known to be done: the snapshot may be taken yet.
     * With {@link io.quorate.raft.OverloadedException}: it has too much to do, and nothing happened. With {@link
     * RequestFailedException}: nothing happened.
     */
    public CompletableFuture<ClientResponse.SnapshotTaken> takeSnapshot(String address) {
        return calls.order(address, new ClientRequest.TakeSnapshot(), ClientResponse.SnapshotTaken.class, callTimeoutNanos);
    }

    /**
     * Copies the newest snapshot of the replica at this address into a file here. A connection that breaks is made again, and the copy goes
     * on where it was; a snapshot that makes room for a newer one meanwhile is begun anew. The file appears when it is whole and durable;
     * until then there is one beside it whose name ends in {@code .part}.
     *
     * <p>Fails with {@link RequestFailedException} if the replica does not answer for a call's time, has no snapshot, or the file cannot be
     * written or is there already.
     *
     * @return the last entry that the snapshot covers
     */
    public CompletableFuture<EntryId> backup(String address, Path file) {
        return new BackupFile(calls, address, file, callTimeoutNanos).start();
    }

    /** Closes the transport, and completes every open call. */
    @Override
    public void close() {
        calls.close();
    }

    private CompletableFuture<ClientResponse.Members> members(long timeoutNanos) {
        return calls.start(new ClientRequest.Members(true), 0, Calls.Manner.REPEATED_AT_LEADER, ClientResponse.Members.class, timeoutNanos);
    }

    private void pollSettled(CompletableFuture<Membership> settled, long version, long deadlineNanos) {
        long left = deadlineNanos - System.nanoTime();
        if (left <= 0) {
            settled.completeExceptionally(new OutcomeUnknownException("The group has not reached its goal in time, and goes on towards it;"
                + " ask for its members, and let the leader explain what it waits for"));
            return;
        }
        members(left).whenComplete((members, failure) -> {
            if (failure != null) {
                settled.completeExceptionally(Calls.causeOf(failure));
                return;
            }
            Membership membership = members.membership();
            if (membership.version() >= version && membership.goal() == null && !membership.isJoint() && members.isCommitted()) {
                settled.complete(membership);
            } else {
                calls.after(POLL_NANOS, () -> pollSettled(settled, version, deadlineNanos), settled);
            }
        });
    }

    /** What an administrator is made of. */
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

        /** How long a call may take; 60 s unless this is called. */
        public Builder callTimeout(Duration timeout) {
            callTimeoutNanos = Calls.nanosOf(timeout);
            return this;
        }

        /** An administrator; it connects when it is first used. */
        public RaftAdmin build() {
            return new RaftAdmin(this);
        }
    }
}
