package io.quorate.raft.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.Membership.Goal;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.From;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

/** Whatever goals are stated one after the other, each step is safe and the last goal is reached. */
class MembershipPropertyTest {

    private static final int NODES = 6;

    /** What each node is to be: 0 nothing, 1 a voter, 2 a learner, 3 a voter on its second disk, 4 a learner on that. */
    @Provide
    Arbitrary<int[]> goals() {
        return Arbitraries.integers().between(0, 4).array(int[].class).ofSize(NODES).filter(parts -> {
            boolean hasVoter = false;
            for (int part : parts) {
                hasVoter |= part == 1 || part == 3;
            }
            return hasVoter;
        });
    }

    /** After how many steps the next goal is stated: sometimes before the one before is reached. */
    @Property(tries = 500)
    void anyGoalIsReachedInFewSafeSteps(@ForAll("goals") int[] first, @ForAll @Size(min = 1, max = 4) List<@From("goals") int[]> goals,
                                        @ForAll @Size(4) List<@IntRange(max = 3) Integer> patience) {
        Membership membership = new Membership(1, goal(first).voters(), List.of(), goal(first).learners());
        for (int i = 0; i < goals.size(); i++) {
            Goal goal = goal(goals.get(i));
            boolean isLast = i == goals.size() - 1;
            Membership next = membership.withGoal(goal);
            requireSafe(membership, next);
            membership = next;
            int steps = 1;
            for (; isUnderWay(membership) && (isLast || steps <= patience.get(i)); steps++) {
                assertTrue(steps <= 3, "too many steps");
                next = membership.isJoint() ? membership.leaveJoint() : membership.enterJoint();
                requireSafe(membership, next);
                membership = next;
            }
            if (isLast) {
                assertEquals(new Membership(membership.version(), goal.voters(), List.of(), goal.learners()), membership);
            }
        }
    }

    private static boolean isUnderWay(Membership membership) {
        return membership.isJoint() || membership.goal() != null;
    }

    private static void requireSafe(Membership before, Membership after) {
        assertEquals(before.version() + 1, after.version());
        assertArrayEquals(MembershipCodec.encode(after), MembershipCodec.encode(MembershipCodec.decode(MembershipCodec.encode(after))));
        assertEquals(after, MembershipCodec.decode(MembershipCodec.encode(after)));
        List<ReplicaId> all = new ArrayList<>();
        for (Membership membership : List.of(before, after)) {
            for (Member member : membership.members()) {
                if (membership.isVoter(member.id()) && !all.contains(member.id())) {
                    all.add(member.id());
                }
            }
        }
        for (int bits = 0; bits < 1 << all.size(); bits++) {
            int some = bits;
            Predicate<ReplicaId> isIn = id -> (some >> all.indexOf(id) & 1) != 0;
            assertFalse(isQuorum(before, isIn) && isQuorum(after, isIn.negate()), () -> before + " and " + after + " decide apart");
        }
    }

    private static boolean isQuorum(Membership membership, Predicate<ReplicaId> isIn) {
        Quorum quorum = new Quorum(membership);
        boolean[] yes = new boolean[quorum.size()];
        for (int i = 0; i < yes.length; i++) {
            yes[i] = isIn.test(quorum.member(i).id());
        }
        return quorum.isReached(yes);
    }

    private static Goal goal(int[] parts) {
        List<Member> voters = new ArrayList<>();
        List<Member> learners = new ArrayList<>();
        for (int n = 1; n <= NODES; n++) {
            int part = parts[n - 1];
            if (part > 0) {
                (part % 2 == 1 ? voters : learners).addAll(Cluster.members(part > 2 ? n + 100 : n));
            }
        }
        return new Goal(voters, learners);
    }
}
