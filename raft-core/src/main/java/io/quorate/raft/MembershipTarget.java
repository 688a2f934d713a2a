package io.quorate.raft;

import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.ReplicaId;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a group is to become, said as a difference from what it is.
 *
 * <pre>{@code
 * server.changeMembership(MembershipTarget.from(server.membership())
 *     .without(3)
 *     .withVoter(new Member(new ReplicaId(4, incarnation), "d:4000")));
 * }</pre>
 *
 * <p>Each method returns another target; none is changed. A node stands in it once: naming it again, with another disk or in another
 * role, replaces what it was. The version of the membership it began with goes along, so that nobody overwrites a change he has not seen.
 */
public final class MembershipTarget {

    /** How many members a group may have, learners included: what is said of all of them at once still fits every message. */
    public static final int MEMBERS_MAX = 64;
    /** How many bytes an address may have; {@code host:port} has at most 261. */
    public static final int ADDRESS_BYTES_MAX = 300;

    private final long version;
    private final List<Member> voters;
    private final List<Member> learners;

    private MembershipTarget(long version, List<Member> voters, List<Member> learners) {
        this.version = version;
        this.voters = List.copyOf(voters);
        this.learners = List.copyOf(learners);
    }

    /** Begins with where the group is going: with its goal if it has not reached that yet, else with what it is. */
    public static MembershipTarget from(Membership membership) {
        Membership.Goal goal = membership.goal();
        return goal == null ? ofPresent(membership) : new MembershipTarget(membership.version(), goal.voters(), goal.learners());
    }

    /**
     * Begins with the voters as they count now, whatever the goal is. Stated as it is, this gives up a goal that has not been reached; of a
     * joint membership the voters to come are taken, for there is no way back from there.
     */
    public static MembershipTarget ofPresent(Membership membership) {
        Membership.Goal goal = membership.goal();
        List<Member> learners = new ArrayList<>(membership.learners());
        if (goal != null) {
            // Who was to become a voter came in as a learner for that alone.
            learners.removeIf(learner -> named(goal.voters(), learner.id()));
        }
        learners.removeIf(learner -> at(membership.voters(), learner.id().nodeId()) != null);
        return new MembershipTarget(membership.version(), membership.voters(), learners);
    }

    /** With this replica as a voter, once it has caught up; another disk of its node goes. */
    public MembershipTarget withVoter(Member voter) {
        MembershipTarget others = without(voter.id().nodeId());
        return new MembershipTarget(version, plus(others.voters, voter), others.learners);
    }

    /** With this replica as a learner, for good; another disk of its node goes. */
    public MembershipTarget withLearner(Member learner) {
        MembershipTarget others = without(learner.id().nodeId());
        return new MembershipTarget(version, others.voters, plus(others.learners, learner));
    }

    /** Without this node. */
    public MembershipTarget without(int nodeId) {
        return new MembershipTarget(version, minus(voters, nodeId), minus(learners, nodeId));
    }

    /**
     * With this node, as it is, at another address.
     *
     * @throws IllegalArgumentException if the node does not stand in the target
     */
    public MembershipTarget readdressed(int nodeId, String address) {
        Member voter = at(voters, nodeId);
        if (voter != null) {
            return withVoter(new Member(voter.id(), address));
        }
        Member learner = at(learners, nodeId);
        if (learner != null) {
            return withLearner(new Member(learner.id(), address));
        }
        throw new IllegalArgumentException("Node " + nodeId + " is not among " + this);
    }

    /** Of the membership that this began with. */
    public long version() {
        return version;
    }

    /**
     * The same for {@link RaftServer#changeMembership(long, Membership.Goal)}.
     *
     * @throws IllegalArgumentException if no voter is left
     */
    public Membership.Goal goal() {
        return new Membership.Goal(voters, learners);
    }

    @Override
    public String toString() {
        return "voters " + voters + (learners.isEmpty() ? "" : ", learners " + learners) + ", from version " + version;
    }

    private static boolean named(List<Member> members, ReplicaId id) {
        return members.stream().anyMatch(member -> member.id().equals(id));
    }

    private static @Nullable Member at(List<Member> members, int nodeId) {
        return members.stream().filter(member -> member.id().nodeId() == nodeId).findFirst().orElse(null);
    }

    private static List<Member> plus(List<Member> members, Member more) {
        List<Member> all = new ArrayList<>(members);
        all.add(more);
        return all;
    }

    private static List<Member> minus(List<Member> members, int nodeId) {
        return members.stream().filter(member -> member.id().nodeId() != nodeId).toList();
    }
}
