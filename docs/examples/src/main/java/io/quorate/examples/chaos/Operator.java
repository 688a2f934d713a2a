package io.quorate.examples.chaos;

import io.quorate.raft.ClientResponse;
import io.quorate.raft.MembershipTarget;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.client.RaftAdmin;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.netty.NettyClientTransport;
import java.time.Duration;
import java.util.List;
import java.util.SortedMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Asks the group for changes of its membership and of its leader, as its operator does: again, until the group is what it should be. */
final class Operator implements AutoCloseable {

    private static final long PATIENCE_NANOS = Duration.ofMinutes(5).toNanos();     // a large state takes a while
    private static final Duration CALL_TIMEOUT = Duration.ofSeconds(5);
    private static final long PAUSE_MILLIS = 100;

    private final RaftAdmin admin;

    Operator(List<String> addresses) {
        admin = RaftAdmin.builder(new NettyClientTransport(), addresses).callTimeout(CALL_TIMEOUT).build();
    }

    /** Makes this node a learner, and returns when it is one. */
    void demote(int nodeId) throws ChaosException {
        pursue("make " + nodeId + " a learner", membership -> named(membership.learners(), nodeId) != null, members -> {
            Member voter = named(members.membership().voters(), nodeId);
            return voter == null ? null : MembershipTarget.from(members.membership()).withLearner(voter);
        });
    }

    /** Makes this node a voter, and returns when it is one. */
    void promote(int nodeId) throws ChaosException {
        pursue("make " + nodeId + " a voter", membership -> named(membership.voters(), nodeId) != null, members -> {
            Member learner = named(members.membership().learners(), nodeId);
            return learner == null ? null : MembershipTarget.from(members.membership()).withVoter(learner);
        });
    }

    /** Lets the blank disk of this node in for the one that is lost, and returns when it counts and the old one does not. */
    void replace(int nodeId, ReplicaId lost) throws ChaosException {
        pursue("replace " + lost, membership -> {
            Member voter = named(membership.voters(), nodeId);
            return voter != null && !voter.id().equals(lost);
        }, members -> {
            Member blank = named(members.strangers(), nodeId);
            return blank == null ? null : MembershipTarget.from(members.membership()).without(nodeId).withVoter(blank);
        });
    }

    /** Which disk of this node counts now. */
    ReplicaId voter(int nodeId) throws ChaosException {
        long until = System.nanoTime() + PATIENCE_NANOS;
        while (System.nanoTime() < until) {
            ClientResponse.Members members = answer(admin.members());
            Member voter = members == null ? null : named(members.membership().voters(), nodeId);
            if (voter != null) {
                return voter.id();
            }
            pause();
        }
        throw new ChaosException("node " + nodeId + " is no voter");
    }

    private interface Aim {
        /** What to ask for; null if it cannot be asked for yet. */
        @Nullable MembershipTarget from(ClientResponse.Members members);
    }

    private void pursue(String what, Predicate<Membership> isReached, Aim aim) throws ChaosException {
        long until = System.nanoTime() + PATIENCE_NANOS;
        ClientResponse.Members last = null;
        while (System.nanoTime() < until) {
            ClientResponse.Members members = answer(admin.members());
            if (members != null) {
                last = members;
                boolean isSettled = members.membership().goal() == null && !members.membership().isJoint();
                if (isSettled && isReached.test(members.membership())) {
                    return;
                }
                MembershipTarget target = isSettled ? aim.from(members) : null;
                if (target != null) {
                    answer(admin.changeMembership(target.version(), target.goal()));
                }
            }
            pause();
        }
        throw new ChaosException("could not " + what + "; the last that was heard: " + last);
    }

    /** Asks for this node as the leader. It may be refused, or come to nothing: nobody is promised that he will lead. */
    void transferTo(int nodeId) {
        answer(admin.transfer(nodeId));
    }

    /** Asks the replica at this address for a snapshot. It may be durable much later. */
    void askForSnapshot(String address) {
        answer(admin.takeSnapshot(address));
    }

    /** How the replica at this address is, or null if it does not answer. */
    @Nullable ServerStatus status(String address) {
        return answer(admin.status(address));
    }

    /** How much the replica at this address has applied, or -1 if it does not answer. */
    long appliedIndex(String address) {
        ServerStatus status = status(address);
        return status == null ? -1 : status.appliedIndex();
    }

    /** What the replica at this address has counted, or null if it does not answer. */
    @Nullable SortedMap<String, Long> metrics(String address) {
        return answer(admin.metrics(address));
    }

    private static <T> @Nullable T answer(CompletableFuture<T> asked) {
        try {
            return asked.join();
        } catch (CompletionException e) {
            return null;      // refused, unknown or not heard: it is looked at again, and asked for again
        }
    }

    private static void pause() throws ChaosException {
        try {
            TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ChaosException("interrupted");
        }
    }

    private static @Nullable Member named(List<Member> members, int nodeId) {
        return members.stream().filter(member -> member.id().nodeId() == nodeId).findFirst().orElse(null);
    }

    @Override
    public void close() {
        admin.close();
    }
}
