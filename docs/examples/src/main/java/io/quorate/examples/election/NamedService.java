package io.quorate.examples.election;

import io.quorate.raft.client.RaftClient;
import io.quorate.raft.election.Election;
import io.quorate.raft.election.Elections;
import io.quorate.raft.election.LeaderState;
import io.quorate.raft.election.LeaderTask;
import io.quorate.raft.election.Leadership;
import io.quorate.raft.netty.NettyClientTransport;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;

/**
 * A named service of which one candidate leads, in the manner of kingsmoot: a candidate joins with its endpoint, and is told which role it
 * has. What that library does over etcd, this does over {@link Elections}, with what is missing there: the leader has a fencing token,
 * knows by its own clock how long it leads, and may take its time in the callback without losing its lease for that.
 *
 * <p>Callbacks come one at a time, each candidate's on a thread of its own.
 */
public final class NamedService implements AutoCloseable {

    /** What a candidate is at the moment. */
    public enum Role {
        /** It does the work. */
        LEADER,
        /** Somebody else does, who is named. */
        FOLLOWER,
        /** It is not known here who does: this candidate is cut off, has not been let in yet, or nobody leads. */
        NOT_A_MEMBER
    }

    /**
     * What a candidate is told.
     *
     * @param endpoint      the leader's; empty if it is not known
     * @param fencingToken  to be sent along with all that the leader does; 0 for all others
     */
    public record Membership(Role role, String endpoint, long fencingToken) {

        private static final Membership NONE = new Membership(Role.NOT_A_MEMBER, "", 0);
    }

    /** Who wants to lead. */
    @FunctionalInterface
    public interface Candidate {

        /**
         * The role has changed. Work that the leader does is begun here, not done.
         *
         * @throws Exception if the role of the leader cannot be taken on: then it is given up, and others are let try
         */
        void updateMembership(Membership membership) throws Exception;
    }

    private static final Duration TTL = Duration.ofSeconds(2);

    private final RaftClient client;
    private final boolean isOwnClient;
    private final Elections elections;
    private final Election election;

    /**
     * The service of this name.
     *
     * @param endpoints of the group that keeps the leases, or of some of its members
     */
    public NamedService(String serviceName, List<String> endpoints) {
        this(serviceName, RaftClient.builder(new NettyClientTransport(), endpoints).build(), true, TTL);
    }

    /** The same through a client that is there already and stays open. */
    NamedService(String serviceName, RaftClient client, Duration ttl) {
        this(serviceName, client, false, ttl);
    }

    private NamedService(String serviceName, RaftClient client, boolean isOwnClient, Duration ttl) {
        this.client = client;
        this.isOwnClient = isOwnClient;
        elections = Elections.open(client, Elections.Options.DEFAULT.withTtl(ttl));
        election = elections.election(serviceName);
    }

    /**
     * Stands for leader from now on, until this is closed.
     *
     * @param endpoint what followers are told when it leads
     */
    public void join(String endpoint, Candidate candidate) {
        ExecutorService thread = Threads.daemons(1, "candidate-" + endpoint);
        election.states(state -> tell(endpoint, candidate, state), thread);
        election.campaign(endpoint.getBytes(StandardCharsets.UTF_8), new LeaderTask<Leadership>() {
            @Override
            public void start(Leadership leadership) throws Exception {
                candidate.updateMembership(new Membership(Role.LEADER, endpoint, leadership.fencingToken()));
            }

            @Override
            public void stop(Leadership leadership, Leadership.Reason why) throws Exception {
                candidate.updateMembership(Membership.NONE);       // who leads instead is told as soon as it is known
            }
        }, thread);
    }

    private static void tell(String endpoint, Candidate candidate, LeaderState state) {
        try {
            if (state instanceof LeaderState.Follower follower && !follower.leader().equals(endpoint)) {
                candidate.updateMembership(new Membership(Role.FOLLOWER, follower.leader(), 0));
            } else if (state instanceof LeaderState.Unknown) {
                candidate.updateMembership(Membership.NONE);
            }
        } catch (Exception e) {
            // There is no role to give up.
        }
    }

    /** Leaves: who leads here is told that it does not any more, and then the next one leads at once. */
    @Override
    public void close() {
        elections.close();
        if (isOwnClient) {
            client.close();
        }
    }
}
