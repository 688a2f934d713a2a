package io.quorate.raft.testing;

import io.quorate.raft.MembershipTarget;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.RaftNode;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * The operator of a simulated group. He asks whoever leads to hand over, or for another membership, and does not wait for what comes of it:
 * it may be refused, forgotten with its leader, replaced by what he asks next, or pursued by leaders he never met.
 */
final class SimulatedOperator {

    private final SimulatedGroup group;
    private long nextCall = -1;          // his calls are counted apart from those of clients

    SimulatedOperator(SimulatedGroup group) {
        this.group = group;
    }

    /** Asks for this node as the leader, or for whoever is fit if it is 0. */
    void handOver(int node) {
        SimulatedReplica leader = leader();
        if (leader != null) {
            leader.transfer(nextCall--, node, outcome(Happening.LEADERSHIP_TRANSFERRED));
        }
    }

    /** Asks for another membership, as the dice have it. */
    void change(long dice) {
        SimulatedReplica leader = leader();
        RaftNode node = leader == null ? null : leader.node();
        if (leader == null || node == null) {
            return;
        }
        SplittableRandom random = new SplittableRandom(dice);
        Membership membership = node.membership();
        MembershipTarget target = draw(membership, random);
        if (target == null) {
            return;
        }
        long version = random.nextInt(10) == 0 ? membership.version() - 1 : target.version();     // he has not looked, for once
        leader.changeMembership(nextCall--, Math.max(1, version), target.goal(), outcome(Happening.MEMBERSHIP_CHANGED));
    }

    private @Nullable MembershipTarget draw(Membership membership, SplittableRandom random) {
        MembershipTarget now = random.nextInt(4) == 0 ? MembershipTarget.ofPresent(membership) : MembershipTarget.from(membership);
        List<Member> voters = now.goal().voters();
        List<Member> learners = now.goal().learners();
        List<Member> others = others(now);
        return switch (random.nextInt(8)) {
            case 0 -> voters.size() > 1 ? now.withLearner(any(voters, random)) : null;
            case 1 -> voters.size() > 1 ? now.without(any(voters, random).id().nodeId()) : null;
            case 2, 3 -> learners.isEmpty() ? null : now.withVoter(any(learners, random));
            case 4, 5 -> others.isEmpty() ? null : now.withVoter(any(others, random));
            case 6 -> shuffled(membership, random);
            default -> now;      // gives up what was asked for, or asks for it once more
        };
    }

    /** Everybody may become anything, at once. */
    private MembershipTarget shuffled(Membership membership, SplittableRandom random) {
        MembershipTarget target = MembershipTarget.ofPresent(membership);
        Member certain = any(members(), random);
        for (Member member : members()) {
            target = switch (member.equals(certain) ? 0 : random.nextInt(4)) {
                case 0, 1 -> target.withVoter(member);
                case 2 -> target.withLearner(member);
                default -> target.without(member.id().nodeId());
            };
        }
        return target;
    }

    private List<Member> others(MembershipTarget target) {
        List<Member> others = new ArrayList<>(members());
        others.removeAll(target.goal().voters());
        others.removeAll(target.goal().learners());
        return others;
    }

    /** All replicas on the disks that their nodes have now. */
    private List<Member> members() {
        List<Member> members = new ArrayList<>();
        for (SimulatedReplica replica : group.replicas()) {
            members.add(new Member(replica.id(), group.addresses().get(replica.nodeId())));
        }
        return members;
    }

    private static Member any(List<Member> members, SplittableRandom random) {
        return members.get(random.nextInt(members.size()));
    }

    /** Of those who believe that they lead, the one in the latest term. */
    private @Nullable SimulatedReplica leader() {
        SimulatedReplica latest = null;
        long term = -1;
        for (SimulatedReplica replica : group.replicas()) {
            RaftNode node = replica.node();
            if (node != null && replica.isLeader() && node.term() > term) {
                term = node.term();
                latest = replica;
            }
        }
        return latest;
    }

    private SimulatedProcess.Caller outcome(Happening good) {
        return new SimulatedProcess.Caller() {
            @Override
            public void done(byte[] result, long index) {
                group.count(good);
            }

            @Override
            public void failed(@Nullable Throwable why) {
                group.count(Happening.OPERATOR_REFUSED);
            }
        };
    }
}
