package io.quorate.raft.core;

import java.util.List;

/**
 * Which members make a quorum. One function serves votes, commits and rounds: a majority of the voters and, while the membership is
 * joint, also a majority of the outgoing ones (§6). Learners and strangers count for nothing.
 *
 * <p>Members stand in arrays by position: the order of {@link Membership#members()}.
 */
final class Quorum {

    private final List<Member> members;
    private final int[] voters;
    private final int[] outgoing;
    private final long[] scratch;

    Quorum(Membership membership) {
        members = membership.members();
        voters = positions(membership.voters());
        outgoing = positions(membership.outgoing());
        scratch = new long[members.size()];
    }

    /** How many members there are, learners included. */
    int size() {
        return members.size();
    }

    Member member(int position) {
        return members.get(position);
    }

    /** Where this replica stands, or -1 if the membership does not name it: then nothing that it says is counted. */
    int position(ReplicaId id) {
        for (int i = 0; i < members.size(); i++) {
            if (members.get(i).id().equals(id)) {
                return i;
            }
        }
        return -1;
    }

    /** Where each of these members stood before the membership changed, or -1 for who was none. */
    int[] positionsIn(Quorum before) {
        int[] positions = new int[members.size()];
        for (int i = 0; i < positions.length; i++) {
            positions[i] = before.position(members.get(i).id());
        }
        return positions;
    }

    /** Whether the member at this position counts, in either half. */
    boolean isVoter(int position) {
        return isAmong(voters, position) || isAmong(outgoing, position);
    }

    /** Whether it counts, and will go on doing so when the outgoing half is left. */
    boolean isStaying(int position) {
        return isAmong(voters, position);
    }

    /** Whether these members are a quorum. */
    boolean isReached(boolean[] yes) {
        return isMajority(voters, yes) && (outgoing.length == 0 || isMajority(outgoing, yes));
    }

    /** The largest value that a quorum has reached, where each member has reached {@code values[position]}. */
    long reached(long[] values) {
        long reached = majorityOf(voters, values);
        return outgoing.length == 0 ? reached : Math.min(reached, majorityOf(outgoing, values));
    }

    private static boolean isAmong(int[] half, int position) {
        for (int each : half) {
            if (each == position) {
                return true;
            }
        }
        return false;
    }

    private static boolean isMajority(int[] half, boolean[] yes) {
        int count = 0;
        for (int position : half) {
            if (yes[position]) {
                count++;
            }
        }
        return count > half.length / 2;
    }

    private long majorityOf(int[] half, long[] values) {
        for (int n = 0; n < half.length; n++) {   // insertion sort, descending: halves are small
            long value = values[half[n]];
            int at = n;
            while (at > 0 && scratch[at - 1] < value) {
                scratch[at] = scratch[at - 1];
                at--;
            }
            scratch[at] = value;
        }
        return scratch[half.length / 2];
    }

    private int[] positions(List<Member> half) {
        int[] positions = new int[half.size()];
        for (int i = 0; i < positions.length; i++) {
            positions[i] = position(half.get(i).id());
        }
        return positions;
    }
}
