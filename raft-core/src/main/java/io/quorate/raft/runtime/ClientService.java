package io.quorate.raft.runtime;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.CommandTooLargeException;
import io.quorate.raft.Explanation;
import io.quorate.raft.NotLeaderException;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.OverloadedException;
import io.quorate.raft.RequestFailedException;
import io.quorate.raft.RequestRefusedException;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.ServerStoppedException;
import io.quorate.raft.SnapshotInfo;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.MembershipCodec;
import io.quorate.raft.core.ReplicaId;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Answers what clients ask of this replica over the network: each request once, on whichever thread knows the answer. */
public final class ClientService {

    /** No client is waited for any longer. Its call takes room until then, also when it has gone, and no sum of a time and this overflows. */
    static final long WAIT_NANOS_MAX = 3_600_000_000_000L;

    private static final Logger LOG = LoggerFactory.getLogger(ClientService.class);

    private final ReplicaId replica;
    private final PassiveServer parts;
    private final long callTimeoutNanos;
    private final boolean isAdministered;

    /**
     * @param callTimeoutNanos for clients that do not say for how long they wait
     * @param isAdministered   whether administrators are served too
     */
    public ClientService(ReplicaId replica, PassiveServer parts, long callTimeoutNanos, boolean isAdministered) {
        this.replica = replica;
        this.parts = parts;
        this.callTimeoutNanos = callTimeoutNanos;
        this.isAdministered = isAdministered;
    }

    /**
     * Answers a request.
     *
     * @param timeoutNanos for how long the client waits, {@link Long#MAX_VALUE} if it did not say; {@link #WAIT_NANOS_MAX} at most
     * @param reply        takes the answer, once, on any thread
     */
    public void serve(ClientRequest request, long timeoutNanos, Consumer<ClientResponse> reply) {
        long waitNanos = timeoutNanos == Long.MAX_VALUE ? callTimeoutNanos : Math.min(timeoutNanos, WAIT_NANOS_MAX);
        if (request instanceof ClientRequest.Admin admin) {
            if (isAdministered) {
                administer(admin, waitNanos, reply);
            } else {
                answer(reply, new ClientResponse.Failed("Nothing happened: this server was told to serve no administrators; ask another, "
                    + "or start it without that"));
            }
        } else if (request instanceof ClientRequest.Propose propose) {
            Reply completion = new Reply(reply, ClientResponse.Done::new);
            completion.unless(parts.propose(propose.command(), waitNanos, completion));
        } else if (request instanceof ClientRequest.Read read) {
            Reply completion = new Reply(reply, ClientResponse.Done::new);
            completion.unless(parts.read(read.query(), read.freshness(), waitNanos, completion));
        } else if (request instanceof ClientRequest.AwaitOutcome await) {
            Reply completion = new Reply(reply, (result, index) -> new ClientResponse.Settled(PassiveServer.isApplied(result)));
            completion.unless(parts.awaitOutcome(await.entry(), waitNanos, completion));
        } else if (request instanceof ClientRequest.Status) {
            tell(reply, ClientResponse.Status::new);
        } else {
            notServed(request, reply);
        }
    }

    private void administer(ClientRequest.Admin request, long waitNanos, Consumer<ClientResponse> reply) {
        if (request instanceof ClientRequest.ChangeMembership change) {
            Reply completion = new Reply(reply, (result, index) -> new ClientResponse.Members(MembershipCodec.decode(result), List.of()));
            completion.unless(parts.changeMembership(change.expectedVersion(), change.goal(), waitNanos, completion));
        } else if (request instanceof ClientRequest.Transfer transfer) {
            Reply completion = new Reply(reply, (result, index) -> new ClientResponse.Transferred());
            completion.unless(parts.transfer(transfer.targetNodeId(), waitNanos, completion));
        } else if (request instanceof ClientRequest.Members members) {
            tell(reply, status -> members(members.isOfLeader(), status));
        } else if (request instanceof ClientRequest.TakeSnapshot) {
            takeSnapshot(waitNanos, reply);
        } else if (request instanceof ClientRequest.Backup) {
            parts.transfer().backup(waitNanos, response -> answer(reply, response));
        } else if (request instanceof ClientRequest.BackupPiece piece) {
            parts.transfer().backupPiece(piece, waitNanos, response -> answer(reply, response));
        } else if (request instanceof ClientRequest.Explain) {
            tell(reply, status -> new ClientResponse.Explanation(Explanation.of(status).sentences()));
        } else if (request instanceof ClientRequest.Metrics) {
            if (!parts.askMetrics(metrics -> answer(reply, new ClientResponse.Metrics(metrics.values())))) {
                answer(reply, new ClientResponse.Unavailable("Nothing happened: this server has stopped"));
            }
        } else {
            notServed(request, reply);
        }
    }

    private static ClientResponse members(boolean isOfLeader, ServerStatus status) {
        Membership membership = status.membership();
        if (isOfLeader && status.state() != ServerStatus.State.LEADER) {
            ReplicaId leader = status.leader();
            return new ClientResponse.NotLeader(leader == null ? 0 : leader.nodeId(), status.leaderAddress());
        }
        return membership == null
            ? new ClientResponse.Unavailable("Nothing happened: this replica is blank and belongs to no group yet; ask another")
            : new ClientResponse.Members(membership,
                status.strangers().stream().map(stranger -> new Member(stranger.replica(), stranger.address())).toList(),
                status.elections() == null || status.elections().isMembershipCommitted());
    }

    private void takeSnapshot(long waitNanos, Consumer<ClientResponse> reply) {
        RuntimeException refused = parts.takeSnapshot(waitNanos, new SnapshotCompletion() {
            @Override
            public void done(SnapshotInfo snapshot) {
                answer(reply, new ClientResponse.SnapshotTaken(snapshot.last(), snapshot.bytes()));
            }

            @Override
            public void failed(Throwable why) {
                answer(reply, why instanceof ServerStoppedException || why instanceof OverloadedException
                    || why instanceof OutcomeUnknownException ? responseTo(why)
                    : new ClientResponse.Failed("No snapshot was taken, and nothing else has happened: " + why.getMessage()));
            }
        });
        if (refused != null) {
            answer(reply, responseTo(refused));
        }
    }

    private void notServed(ClientRequest request, Consumer<ClientResponse> reply) {
        answer(reply, new ClientResponse.Failed("Nothing happened: this server does not serve " + request));
    }

    private void tell(Consumer<ClientResponse> reply, Function<ServerStatus, ClientResponse> what) {
        if (!parts.ask(status -> answer(reply, what.apply(status)))) {
            answer(reply, new ClientResponse.Unavailable("Nothing happened: this server has stopped"));
        }
    }

    private void answer(Consumer<ClientResponse> reply, ClientResponse response) {
        try {
            reply.accept(response);
        } catch (RuntimeException e) {
            LOG.warn("Replica {}: the transport could not take an answer for a client", replica, e);
        }
    }

    private static ClientResponse responseTo(Throwable why) {
        String message = String.valueOf(why.getMessage());
        if (why instanceof NotLeaderException notLeader) {
            return new ClientResponse.NotLeader(notLeader.leaderNodeId(), notLeader.leaderAddress());
        } else if (why instanceof OverloadedException) {
            return new ClientResponse.Overloaded(message);
        } else if (why instanceof OutcomeUnknownException unknown) {
            return new ClientResponse.Unknown(message, unknown.entry());
        } else if (why instanceof RequestRefusedException refused) {
            return new ClientResponse.Refused(refused.reason(), message);
        } else if (why instanceof ServerStoppedException) {
            return new ClientResponse.Unavailable(message);
        } else if (why instanceof CommandTooLargeException || why instanceof RequestFailedException) {
            return new ClientResponse.Failed(message);
        }
        return new ClientResponse.Failed("the query failed: " + why);
    }

    /** What a client is told of the bytes and the index that his call ended with. */
    private interface Wording {
        ClientResponse of(byte[] result, long index);
    }

    /** A client's answer. */
    private final class Reply implements Completion {

        private final Consumer<ClientResponse> reply;
        private final Wording wording;

        Reply(Consumer<ClientResponse> reply, Wording wording) {
            this.reply = reply;
            this.wording = wording;
        }

        @Override
        public void done(byte[] result, long index) {
            answer(reply, wording.of(result, index));
        }

        @Override
        public void failed(Throwable why) {
            answer(reply, responseTo(why));
        }

        void unless(@Nullable RuntimeException refused) {
            if (refused != null) {
                failed(refused);
            }
        }
    }
}
