package io.quorate.raft.testing;

import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Who belongs to the group: I13. */
final class MembershipInvariants {

    private MembershipInvariants() { }

    static List<Invariant> all(GroupHistory history) {
        return List.of(new LastMembershipIsInForce(), new OneMembershipIsUncommitted(), new MembershipsFollowACommit(history),
            new NeighboursShareAQuorum());
    }

    /** A membership and the entry that holds it; for what a log stands on, the last entry of the snapshot. */
    private record At(EntryId entry, Membership membership) { }

    /** The memberships of each replica's log, as its writes tell of them. */
    private abstract static class OfLogs extends Invariant {

        private static final class Log {
            private @Nullable Membership founding;             // of what the log began with; null until it is seen
            private final List<At> memberships = new ArrayList<>();
            private final List<At> beforeInstall = new ArrayList<>();     // what the last install has replaced
            private long installedIndex;                                  // up to where that covers; 0 if there was none
            private final List<At> known = new ArrayList<>();             // all that ever stood in it
        }

        private final PerReplica<Log> logs = new PerReplica<>(Log::new);

        /** What a crash has left of it is on the disk; the last before that stays, for a snapshot covers it. */
        @Override
        void onStarted(ReplicaView replica) {
            Log log = logs.of(replica);
            List<At> before = new ArrayList<>(log.memberships);
            if (replica.diskSnapshotIndex() < log.installedIndex) {
                before.addAll(log.beforeInstall);     // it was lost
            }
            log.memberships.clear();
            // What a lost write had cut is there again; what a snapshot covers need not be there any more.
            for (At each : log.known) {
                if (replica.diskContains(each.entry)
                    || before.contains(each) && each.entry.index() <= replica.diskSnapshotIndex()) {
                    log.memberships.remove(each);
                    log.memberships.add(each);
                }
            }
            log.memberships.sort(Comparator.comparingLong(each -> each.entry.index()));
        }

        @Override
        void onReplaced(ReplicaView replica, Storage.Write write) {
            SnapshotId installed = write.install();
            if (installed != null) {
                logs.of(replica).known.add(new At(installed.last(), installed.membership()));
            }
        }

        @Override
        void onWrite(ReplicaView replica, Storage.Write write) {
            Log log = logs.of(replica);
            List<At> memberships = log.memberships;
            SnapshotId installed = write.install();
            if (installed != null) {
                log.installedIndex = installed.index();
                log.beforeInstall.clear();
                log.beforeInstall.addAll(memberships);
                At under = new At(installed.last(), installed.membership());
                boolean stays = isUnderLog(replica, write);
                memberships.removeIf(each -> !stays || each.entry.index() <= installed.index());
                memberships.add(0, under);
                log.known.add(under);
                return;
            }
            memberships.removeIf(each -> each.entry.index() >= write.firstIndex());
            for (Entry entry : write.entries()) {
                if (entry.kind() == Entry.Kind.MEMBERSHIP) {
                    Membership before = last(replica);
                    At at = new At(entry.id(), Membership.of(entry));
                    memberships.add(at);
                    log.known.add(at);
                    onMembership(replica, before, at.entry, at.membership);
                }
            }
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            Log log = logs.of(replica);
            if (log.founding == null && log.memberships.isEmpty()) {
                log.founding = status.membership();     // it has written none yet
            }
        }

        /** The last in this replica's log; null before anything is known of it. */
        @Nullable Membership last(ReplicaView replica) {
            Log log = logs.of(replica);
            return log.memberships.isEmpty() ? log.founding : log.memberships.get(log.memberships.size() - 1).membership;
        }

        /** How many in this replica's log stand behind this index. */
        long countBehind(ReplicaView replica, long index) {
            return logs.of(replica).memberships.stream().filter(each -> each.entry.index() > index).count();
        }

        void onMembership(ReplicaView replica, @Nullable Membership before, EntryId entry, Membership membership) { }
    }

    /** The membership in force is that of the last membership entry in the log, committed or not; else that of what the log stands on. */
    static final class LastMembershipIsInForce extends OfLogs {

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            super.onTurn(replica, status);
            Membership last = last(replica);
            if (!status.membership().equals(last)) {
                throw broken("%s goes by %s, and the last in its log is %s", replica.id(), status.membership(), last);
            }
        }
    }

    /** In no log is more than one membership behind what is committed. */
    static final class OneMembershipIsUncommitted extends OfLogs {

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            super.onTurn(replica, status);
            // Who follows may not know yet that the earlier ones are committed.
            if (status.role() == RoleName.LEADER && countBehind(replica, status.commitIndex()) > 1) {
                throw broken("%s leads with %d memberships behind its commit at %d", replica.id(),
                    countBehind(replica, status.commitIndex()), status.commitIndex());
            }
        }
    }

    /** A leader makes no membership before an entry of its own term is committed (Ongaro's correction of single-server changes). */
    static final class MembershipsFollowACommit extends OfLogs {

        private final GroupHistory history;
        private final PerReplica<List<EntryId>> made = new PerReplica<>(ArrayList::new);      // since its last turn

        MembershipsFollowACommit(GroupHistory history) {
            this.history = history;
        }

        @Override
        void onMembership(ReplicaView replica, @Nullable Membership before, EntryId entry, Membership membership) {
            made.of(replica).add(entry);
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            super.onTurn(replica, status);
            List<EntryId> entries = made.of(replica);
            for (EntryId entry : entries) {
                boolean isItsOwn = status.role() == RoleName.LEADER && entry.term() == status.term();
                if (isItsOwn && (status.commitIndex() == 0 || history.committedTermAt(status.commitIndex()) != status.term())) {
                    throw broken("%s leads term %d, has committed nothing of it, and has made membership entry %s", replica.id(),
                        status.term(), entry);
                }
            }
            entries.clear();
        }
    }

    /** Each membership follows the one before by one version, and no quorum of the one can decide without one of the other. */
    static final class NeighboursShareAQuorum extends OfLogs {

        @Override
        void onMembership(ReplicaView replica, @Nullable Membership before, EntryId entry, Membership membership) {
            if (before == null) {
                return;
            }
            if (membership.version() != before.version() + 1) {
                throw broken("%s has version %d of the membership at %s behind version %d", replica.id(), membership.version(), entry,
                    before.version());
            }
            // Two majorities of one set share a member; so it is enough that the two have a half in common.
            boolean isShared = halves(before).stream().anyMatch(halves(membership)::contains);
            if (!isShared) {
                throw broken("%s goes at %s from %s to %s, of which quorums need share nobody", replica.id(), entry, before, membership);
            }
        }

        private static List<Set<ReplicaId>> halves(Membership membership) {
            return membership.isJoint() ? List.of(ids(membership.voters()), ids(membership.outgoing()))
                : List.of(ids(membership.voters()));
        }

        private static Set<ReplicaId> ids(List<Member> members) {
            return members.stream().map(Member::id).collect(Collectors.toSet());
        }
    }
}
