package io.quorate.raft.runtime;

import io.quorate.raft.ServerStatus;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Where the other nodes are to be found: the first that says so counts.
 *
 * <p>The goal comes first, for it says where things are going: of two disks of one node, or two addresses, it names the one that stays.
 * Then the membership, committed or not, those first who stay. What follows names nodes that the membership does not: a group that this
 * replica was told of when it was admitted and whose log it does not have yet; blank replicas that ask; and, before the first change of the
 * membership is known here, whom the operator named.
 */
final class PeerAddresses {

    private PeerAddresses() { }

    static SortedMap<Integer, String> of(int selfNodeId, @Nullable Membership membership, @Nullable Membership told,
                                         List<ServerStatus.Stranger> strangers, Map<Integer, String> initialMembers) {
        SortedMap<Integer, String> found = new TreeMap<>();
        if (membership != null) {
            add(found, membership);
        }
        if (told != null && (membership == null || told.version() > membership.version())) {
            add(found, told);
        }
        for (ServerStatus.Stranger stranger : strangers) {
            if (!stranger.address().isEmpty()) {
                found.putIfAbsent(stranger.replica().nodeId(), stranger.address());
            }
        }
        if (membership == null || membership.version() == 1) {
            initialMembers.forEach(found::putIfAbsent);
        }
        found.remove(selfNodeId);
        return found;
    }

    private static void add(SortedMap<Integer, String> found, Membership membership) {
        Membership.Goal goal = membership.goal();
        if (goal != null) {
            add(found, goal.voters());
            add(found, goal.learners());
        }
        add(found, membership.voters());
        add(found, membership.learners());
        add(found, membership.outgoing());
    }

    private static void add(SortedMap<Integer, String> found, List<Member> members) {
        for (Member member : members) {
            found.putIfAbsent(member.id().nodeId(), member.address());
        }
    }
}
