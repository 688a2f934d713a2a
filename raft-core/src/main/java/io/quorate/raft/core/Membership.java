package io.quorate.raft.core;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Who belongs to the group and who counts, at one point of the log.
 *
 * <p>While {@code outgoing} is not empty the membership is joint: whatever needs a quorum needs one of {@code voters} and one
 * of {@code outgoing} (§6). The lists are sorted by replica, so that a membership has one form.
 *
 * @param version  1 for the founding record; each membership entry raises it
 * @param voters   whose votes and disks count
 * @param outgoing the voters of the membership being left; empty when not joint
 * @param learners who receive the log and count for nothing
 * @param goal     what the group is to become, while it is not that yet; else null
 */
public record Membership(long version, List<Member> voters, List<Member> outgoing, List<Member> learners, @Nullable Goal goal) {

    /**
     * Who shall belong to the group in the end: each a replica of its own node.
     *
     * @param voters   who shall count; at least one
     * @param learners who shall receive the log for good, and count for nothing
     */
    public record Goal(List<Member> voters, List<Member> learners) {

        public Goal {
            voters = sorted(voters);
            learners = sorted(learners);
            if (voters.isEmpty()) {
                throw new IllegalArgumentException("A group has at least one voter");
            }
            Set<Integer> nodes = new HashSet<>();
            for (List<Member> half : List.of(voters, learners)) {
                for (Member member : half) {
                    if (!nodes.add(member.id().nodeId())) {
                        throw new IllegalArgumentException("Node " + member.id().nodeId() + " is named twice");
                    }
                    MembershipCodec.requireAddress(member);
                }
            }
            if (nodes.size() > MembershipCodec.MEMBERS_MAX) {   // so that no list on the way there is longer
                throw new IllegalArgumentException(nodes.size() + " members; at most " + MembershipCodec.MEMBERS_MAX);
            }
        }

        /** All that it names, sorted by replica. */
        public List<Member> members() {
            List<Member> all = new ArrayList<>(voters);
            all.addAll(learners);
            return sorted(all);
        }
    }

    public Membership {
        voters = sorted(voters);
        outgoing = sorted(outgoing);
        learners = sorted(learners);
        if (version < 1) {
            throw new IllegalArgumentException("A membership's version is 1 or more, not " + version);
        }
        if (voters.isEmpty()) {
            throw new IllegalArgumentException("A membership has at least one voter");
        }
        distinct(voters);
        distinct(outgoing);
        distinct(learners);
        for (Member learner : learners) {
            if (named(voters, learner.id()) || named(outgoing, learner.id())) {
                throw new IllegalArgumentException("A replica is a voter or a learner, not both: " + learner);
            }
        }
    }

    /** A membership that is what it was to become. */
    public Membership(long version, List<Member> voters, List<Member> outgoing, List<Member> learners) {
        this(version, voters, outgoing, learners, null);
    }

    /** The plain membership of these voters: not joint, no learners. */
    public static Membership of(long version, List<Member> voters) {
        return new Membership(version, voters, List.of(), List.of());
    }

    /** What stands in a membership entry, as {@link MembershipCodec} lays it out. */
    public static Membership of(Entry entry) {
        if (entry.kind() != Entry.Kind.MEMBERSHIP) {
            throw new IllegalArgumentException("No membership stands in entry " + entry);
        }
        return MembershipCodec.decode(entry.payload());
    }

    /** Whether whatever needs a quorum needs two. */
    public boolean isJoint() {
        return !outgoing.isEmpty();
    }

    /** Whether the replica counts in either half. */
    public boolean isVoter(ReplicaId id) {
        return named(voters, id) || named(outgoing, id);
    }

    /** Whether the group is one voter alone, which has nobody to wait for. */
    public boolean isSingleVoter() {
        return voters.size() == 1 && outgoing.isEmpty();
    }

    /**
     * The membership that states this goal: the first step towards it, and the only one if these are the voters already.
     *
     * <p>Who is to become a voter receives the log as a learner first; who is named neither as a voter now nor in the goal goes; addresses
     * are the goal's at once. A joint membership is left by it, towards the voters that it was to have.
     */
    public Membership withGoal(Goal stated) {
        if (areSame(stated.voters(), voters)) {
            return new Membership(version + 1, stated.voters(), List.of(), stated.learners());
        }
        List<Member> receiving = new ArrayList<>();
        for (Member member : stated.members()) {
            if (!named(voters, member.id())) {
                receiving.add(member);
            }
        }
        return new Membership(version + 1, readdressed(voters, stated), List.of(), receiving, stated);
    }

    /** The voters that the goal names, as long as the joint step is still to come: it waits for them. */
    public List<Member> awaited() {
        return goal == null || isJoint() ? List.of() : goal.voters();
    }

    /** The joint membership, in which the goal's voters and those of now both decide (§6). */
    public Membership enterJoint() {
        if (goal == null || isJoint()) {
            throw new IllegalStateException("No joint step leads on from " + this);
        }
        List<Member> receiving = new ArrayList<>();
        for (Member member : goal.learners()) {
            if (!named(voters, member.id())) {
                receiving.add(member);
            }
        }
        return new Membership(version + 1, goal.voters(), voters, receiving, goal);
    }

    /** What a joint membership leads to: its outgoing voters go, or stay as learners if the goal says so. */
    public Membership leaveJoint() {
        if (!isJoint()) {
            throw new IllegalStateException("Nothing is to be left: " + this);
        }
        return new Membership(version + 1, voters, List.of(), goal == null ? learners : goal.learners());
    }

    /** All members, each once, sorted by replica: the order in which positions are counted everywhere. */
    public List<Member> members() {
        List<Member> all = new ArrayList<>(voters);
        for (Member member : outgoing) {
            if (!named(voters, member.id())) {
                all.add(member);
            }
        }
        all.addAll(learners);
        return sorted(all);
    }

    /** The member with this id, or null. */
    public @Nullable Member member(ReplicaId id) {
        for (Member member : members()) {
            if (member.id().equals(id)) {
                return member;
            }
        }
        return null;
    }

    private static List<Member> sorted(List<Member> members) {
        List<Member> sorted = new ArrayList<>(members);
        sorted.sort(Comparator.comparing(Member::id));
        return List.copyOf(sorted);
    }

    private static boolean areSame(List<Member> one, List<Member> other) {
        boolean areSame = one.size() == other.size();
        for (int i = 0; areSame && i < one.size(); i++) {   // both are sorted
            areSame = one.get(i).id().equals(other.get(i).id());
        }
        return areSame;
    }

    private static List<Member> readdressed(List<Member> members, Goal goal) {
        List<Member> readdressed = new ArrayList<>();
        for (Member member : members) {
            Member stated = member;
            for (Member named : goal.members()) {
                if (named.id().equals(member.id())) {
                    stated = named;
                }
            }
            readdressed.add(stated);
        }
        return readdressed;
    }

    private static void distinct(List<Member> members) {
        Set<ReplicaId> seen = new HashSet<>();
        for (Member member : members) {
            if (!seen.add(member.id())) {
                throw new IllegalArgumentException("A replica is named twice: " + member.id());
            }
        }
    }

    private static boolean named(List<Member> members, ReplicaId id) {
        for (Member member : members) {
            if (member.id().equals(id)) {
                return true;
            }
        }
        return false;
    }
}
