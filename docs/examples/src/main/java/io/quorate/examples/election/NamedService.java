package io.quorate.examples.election;

import io.quorate.raft.client.RaftClient;
import io.quorate.raft.election.Election;
import io.quorate.raft.election.Elections;
import io.quorate.raft.election.LeaderState;
import io.quorate.raft.election.LeaderTask;
import io.quorate.raft.election.Leadership;
import io.quorate.raft.election.Observation;
import io.quorate.raft.netty.NettyClientTransport;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A named service of which one candidate leads, in the manner of kingsmoot: a candidate joins with its endpoint, and is told which role it
 * has. What that library does over etcd, this does over {@link Elections}, with what is missing there: the leader has a fencing token,
 * knows by its own clock how long it leads, and may take its time in the callback without losing its lease for that.
 *
 * <p>Callbacks come one at a time, each candidate's on a thread of its own, which ends when this is closed and the candidate has been told.
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
         * @throws Exception if the role cannot be taken on, whichever it is: then the membership is given up. Who was to lead lets others
         *                   try; who was to follow, or to be no member, leaves the line of those who wait. Told {@link Role#NOT_A_MEMBER}
         *                   if that is not what failed, the candidate waits, longer each time, and stands again behind the others
         */
        void updateMembership(Membership membership) throws Exception;
    }

    private static final Duration TTL = Duration.ofSeconds(2);
    private static final Duration PAUSE = Duration.ofSeconds(1);        // of who has given up following; twice as long each time
    private static final int PAUSE_DOUBLINGS_MAX = 6;

    private final RaftClient client;
    private final boolean isOwnClient;
    private final Elections elections;
    private final Election election;
    private final Duration pause;
    private final List<Member> members = new ArrayList<>();     // guarded by this
    private boolean isClosed;                                   // likewise

    /**
     * The service of this name.
     *
     * @param endpoints of the group that keeps the leases, or of some of its members
     */
    public NamedService(String serviceName, List<String> endpoints) {
        this(serviceName, RaftClient.builder(new NettyClientTransport(), endpoints).build(), true, TTL, PAUSE);
    }

    /** The same through a client that is there already and stays open. */
    NamedService(String serviceName, RaftClient client, Duration ttl) {
        this(serviceName, client, ttl, PAUSE);
    }

    /** The same with another pause for who gives up following; that doubles each time. */
    NamedService(String serviceName, RaftClient client, Duration ttl, Duration pause) {
        this(serviceName, client, false, ttl, pause);
    }

    private NamedService(String serviceName, RaftClient client, boolean isOwnClient, Duration ttl, Duration pause) {
        this.pause = pause;
        this.client = client;
        this.isOwnClient = isOwnClient;
        elections = Elections.open(client, Elections.Options.DEFAULT.withTtl(ttl));
        election = elections.election(serviceName);
    }

    /**
     * Stands for leader from now on, until this is closed.
     *
     * @param endpoint what followers are told when it leads
     * @throws IllegalStateException if this is closed
     */
    public synchronized void join(String endpoint, Candidate candidate) {
        if (isClosed) {
            throw new IllegalStateException("This service is closed");
        }
        Member member = new Member(endpoint, candidate);
        members.add(member);
        member.stand();
    }

    /**
     * Leaves: who leads here is told that it does not any more, and then the next one leads at once. A candidate's thread ends as soon as
     * its last callback has returned.
     */
    @Override
    public void close() {
        synchronized (this) {
            isClosed = true;
        }
        elections.close();
        synchronized (this) {
            members.forEach(Member::end);
        }
        if (isOwnClient) {
            client.close();
        }
    }

    /** Somebody who has joined. */
    private final class Member {

        private final String endpoint;
        private final Candidate candidate;
        private final ScheduledThreadPoolExecutor thread;

        // Guarded by the service.
        private int standings;                             // how often it has stood
        private @Nullable Observation<LeaderState> states;
        private io.quorate.raft.election.@Nullable Candidate standing;

        // On the thread.
        private int givenUp;                               // the standing that was given up last
        private int failures;                              // since it has followed or led

        private Member(String endpoint, Candidate candidate) {
            this.endpoint = endpoint;
            this.candidate = candidate;
            thread = new ScheduledThreadPoolExecutor(1, work -> {
                Thread worker = new Thread(work, "candidate-" + endpoint);
                worker.setDaemon(true);
                return worker;
            });
            thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);      // who pauses does not stand again
        }

        private void stand() {
            synchronized (NamedService.this) {
                if (isClosed) {
                    return;
                }
                int now = ++standings;
                states = election.states(state -> tell(state, now), thread);
                standing = election.campaign(endpoint.getBytes(StandardCharsets.UTF_8), new LeaderTask<Leadership>() {
                    @Override
                    public void start(Leadership leadership) throws Exception {
                        candidate.updateMembership(new Membership(Role.LEADER, endpoint, leadership.fencingToken()));
                        failures = 0;
                    }

                    @Override
                    public void stop(Leadership leadership, Leadership.Reason why) {
                        tell(Membership.NONE, now);       // who leads instead is told as soon as it is known
                    }
                }, thread);
            }
        }

        private void tell(LeaderState state, int now) {
            if (now == givenUp) {
                return;
            }
            if (state instanceof LeaderState.Follower follower && !follower.leader().equals(endpoint)) {
                tell(new Membership(Role.FOLLOWER, follower.leader(), 0), now);
            } else if (state instanceof LeaderState.Unknown) {
                tell(Membership.NONE, now);
            }
        }

        private void tell(Membership membership, int now) {
            try {
                candidate.updateMembership(membership);
                if (membership.role() == Role.FOLLOWER) {
                    failures = 0;
                }
            } catch (Exception e) {
                giveUp(membership.role(), now);
            }
        }

        /** As if it had never joined: it leaves the line, or the office, and comes back later. */
        private void giveUp(Role failed, int now) {
            synchronized (NamedService.this) {
                if (isClosed || now == givenUp || states == null || standing == null) {
                    return;     // it leaves already
                }
                givenUp = now;
                states.close();
                standing.withdraw().whenComplete((nothing, failure) -> whenLeft(failed));
            }
        }

        private void whenLeft(Role failed) {
            synchronized (NamedService.this) {
                if (isClosed) {
                    return;     // and the thread is about to end
                }
                thread.execute(() -> {
                    if (failed != Role.NOT_A_MEMBER) {
                        try {
                            candidate.updateMembership(Membership.NONE);
                        } catch (Exception e) {
                            // It is none all the same, and waits no longer for that.
                        }
                    }
                    long nanos = pause.toNanos() << Math.min(failures++, PAUSE_DOUBLINGS_MAX);
                    thread.schedule(this::stand, nanos, TimeUnit.NANOSECONDS);
                });
            }
        }

        /** It has left, or is about to: then its thread is needed until it has been told. */
        private void end() {
            if (standing == null) {
                thread.shutdown();
            } else {
                standing.withdraw().whenComplete((nothing, failure) -> thread.shutdown());
            }
        }
    }
}
