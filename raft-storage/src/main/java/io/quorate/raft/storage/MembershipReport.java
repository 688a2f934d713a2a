package io.quorate.raft.storage;

import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.ReplicaId;

/** Replicas and memberships as the tool shows them. */
final class MembershipReport {

    private MembershipReport() { }

    static Report of(Membership membership) {
        Membership.Goal goal = membership.goal();
        return new Report().put("version", membership.version()).putAll("voters", membership.voters(), MembershipReport::of)
            .putAll("outgoing", membership.outgoing(), MembershipReport::of)
            .putAll("learners", membership.learners(), MembershipReport::of)
            .put("goal", goal == null ? null : new Report().putAll("voters", goal.voters(), MembershipReport::of)
                .putAll("learners", goal.learners(), MembershipReport::of));
    }

    static Report of(Member member) {
        return of(member.id()).put("address", member.address());
    }

    /** The incarnation as its 16 hexadecimal digits, of which messages show the last four. */
    static Report of(ReplicaId replica) {
        return new Report().put("node", replica.nodeId()).put("incarnation", String.format("%016x", replica.incarnation()));
    }
}
