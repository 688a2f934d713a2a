package io.quorate.raft.core;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** Quorums against their definition: more than half of the voters, and of the outgoing ones if there are any. */
class QuorumPropertyTest {

    /** What each of up to seven replicas is: bit 1 a voter, bit 2 an outgoing one, neither a learner. */
    @Provide
    Arbitrary<int[]> parts() {
        return Arbitraries.integers().between(0, 3).array(int[].class).ofMinSize(1).ofMaxSize(7)
            .filter(parts -> Arrays.stream(parts).anyMatch(part -> (part & 1) != 0));
    }

    @Property(tries = 2000)
    void aQuorumIsReachedWhenMoreThanHalfOfEachHalfSaysYes(@ForAll("parts") int[] parts, @ForAll int bits) {
        Quorum quorum = new Quorum(membership(parts));
        boolean[] yes = new boolean[parts.length];
        for (int i = 0; i < yes.length; i++) {
            yes[i] = (bits >> i & 1) != 0;
        }
        assertEquals(isQuorum(parts, yes), quorum.isReached(yes));
    }

    @Property(tries = 2000)
    void theReachedValueIsTheLargestThatAQuorumHas(@ForAll("parts") int[] parts, @ForAll int seed) {
        Quorum quorum = new Quorum(membership(parts));
        long[] values = new long[parts.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = seed >> 3 * i & 7;   // small, so that some are equal
        }
        long expected = Long.MIN_VALUE;
        for (long candidate : values) {
            boolean[] yes = new boolean[values.length];
            for (int i = 0; i < values.length; i++) {
                yes[i] = values[i] >= candidate;
            }
            if (isQuorum(parts, yes)) {
                expected = Math.max(expected, candidate);
            }
        }
        long[] before = values.clone();
        assertEquals(expected, quorum.reached(values));
        assertEquals(expected, quorum.reached(values), "asked twice");
        assertEquals(Arrays.toString(before), Arrays.toString(values), "the values are left as they were");
    }

    @Property(tries = 500)
    void everyMemberHasItsPositionAndAStrangerHasNone(@ForAll("parts") int[] parts) {
        Quorum quorum = new Quorum(membership(parts));
        assertEquals(parts.length, quorum.size());
        for (int i = 0; i < parts.length; i++) {
            assertEquals(i, quorum.position(Cluster.id(i + 1)));
            assertEquals(Cluster.id(i + 1), quorum.member(i).id());
        }
        assertEquals(-1, quorum.position(Cluster.id(parts.length + 1)));
        assertEquals(-1, quorum.position(new ReplicaId(1, 0xBAD)));
    }

    private static boolean isQuorum(int[] parts, boolean[] yes) {
        for (int half = 1; half <= 2; half++) {
            int all = 0;
            int those = 0;
            for (int i = 0; i < parts.length; i++) {
                if ((parts[i] & half) != 0) {
                    all++;
                    those += yes[i] ? 1 : 0;
                }
            }
            if (all > 0 && 2 * those <= all) {
                return false;
            }
        }
        return true;
    }

    private static Membership membership(int[] parts) {
        List<Member> voters = new ArrayList<>();
        List<Member> outgoing = new ArrayList<>();
        List<Member> learners = new ArrayList<>();
        for (int i = 0; i < parts.length; i++) {
            Member member = Cluster.members(i + 1).get(0);
            if ((parts[i] & 1) != 0) {
                voters.add(member);
            }
            if ((parts[i] & 2) != 0) {
                outgoing.add(member);
            }
            if (parts[i] == 0) {
                learners.add(member);
            }
        }
        return new Membership(1, voters, outgoing, learners);
    }
}
