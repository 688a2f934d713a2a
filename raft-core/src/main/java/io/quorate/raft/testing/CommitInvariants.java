package io.quorate.raft.testing;

import io.quorate.raft.Storage;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.NodeStatus.RoleName;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What must hold of what is committed: where it stands, for ever, and how a replica comes to know of it. */
final class CommitInvariants {

    private CommitInvariants() { }

    static List<Invariant> all(GroupHistory history, List<? extends ReplicaView> replicas) {
        return List.of(new CommittedIsDurableOnAQuorum(replicas), new CommittedNeverChanges(history), new CommittedIsNeverCut(),
            new CommittedStaysOnDisk(history), new LeaderCompleteness(history, replicas), new CommitIsMonotonic(),
            new LeadersCommitTheirOwnTerm(), new FollowersCommitWhatIsProved());
    }

    /** What a process knows to be committed when it starts: what a snapshot covers was committed when it was taken. */
    private static long committedAtStart(ReplicaView replica) {
        return Math.max(replica.durableState().commitIndex(), replica.diskSnapshotIndex());
    }

    /** I7: a leader has every entry that was committed in earlier terms, also if that becomes known later. */
    static final class LeaderCompleteness extends Invariant {

        private static final class Office {
            private long term;   // led at the end of the last turn, or 0
        }

        private final GroupHistory history;
        private final List<? extends ReplicaView> replicas;
        private final PerReplica<Office> offices = new PerReplica<>(Office::new);

        LeaderCompleteness(GroupHistory history, List<? extends ReplicaView> replicas) {
            this.history = history;
            this.replicas = replicas;
        }

        @Override
        void onStarted(ReplicaView replica) {
            offices.of(replica).term = 0;
        }

        @Override
        void onCrashed(ReplicaView replica) {
            offices.of(replica).term = 0;
        }

        @Override
        void onCommitted(ReplicaView replica, NodeStatus status, EntryId entry) {
            for (ReplicaView other : replicas) {
                long term = offices.of(other).term;
                if (term > status.term() && !other.logContains(entry)) {
                    throw broken("%s leads term %d without %s, which was committed in term %d", other.id(), term, entry, status.term());
                }
            }
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            Office office = offices.of(replica);
            if (status.role() != RoleName.LEADER) {
                office.term = 0;
            } else if (office.term != status.term()) {
                office.term = status.term();
                for (long index = 1; index <= history.committedIndex(); index++) {   // all, but once for each term
                    if (history.commitTermAt(index) < status.term() && !replica.logContains(history.committedAt(index))) {
                        throw broken("%s leads term %d without the committed %s", replica.id(), status.term(), history.committedAt(index));
                    }
                }
            }
        }
    }

    /** I9: what one replica calls committed at an index is what every other does, for ever. */
    static final class CommittedNeverChanges extends Invariant {

        private static final class Commit {
            private long index;       // looked at last
            private boolean isNew;    // the log has changed since
        }

        private final GroupHistory history;
        private final PerReplica<Commit> commits = new PerReplica<>(Commit::new);

        CommittedNeverChanges(GroupHistory history) {
            this.history = history;
        }

        @Override
        void onStarted(ReplicaView replica) {
            commits.of(replica).isNew = true;
        }

        @Override
        void onWrite(ReplicaView replica, Storage.Write write) {
            commits.of(replica).isNew = true;
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            Commit commit = commits.of(replica);
            long index = status.commitIndex();
            if (index == commit.index && !commit.isNew) {
                return;
            }
            commit.index = index;
            commit.isNew = false;
            if (index > 0 && replica.logAt(index).term() != history.committedTermAt(index)) {
                throw broken("%s has committed %s, but %s was", replica.id(), replica.logAt(index), history.committedAt(index));
            }
        }
    }

    /** I9: no replica cuts its log at or below what it knows to be committed, whatever it puts there. */
    static final class CommittedIsNeverCut extends Invariant {

        private static final class Commit {
            private long index;   // at the end of the last turn
        }

        private final PerReplica<Commit> commits = new PerReplica<>(Commit::new);

        @Override
        void onStarted(ReplicaView replica) {
            commits.of(replica).index = committedAtStart(replica);
        }

        @Override
        void onWrite(ReplicaView replica, Storage.Write write) {
            long index = commits.of(replica).index;
            if (write.firstIndex() <= index && !isUnderLog(replica, write)) {
                throw broken("%s writes from %d on, but knew %d to be committed", replica.id(), write.firstIndex(), index);
            }
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            commits.of(replica).index = status.commitIndex();
        }
    }

    /** I9, I10: the part of the committed entries that a disk has only grows: whoever counted it may go on counting it. */
    static final class CommittedStaysOnDisk extends Invariant {

        private static final class Held {
            private long index;   // all that is committed up to here is on this disk
        }

        private final GroupHistory history;
        private final PerReplica<Held> disks = new PerReplica<>(Held::new);

        CommittedStaysOnDisk(GroupHistory history) {
            this.history = history;
        }

        @Override
        void onStarted(ReplicaView replica) {
            look(replica);
        }

        @Override
        void onDurable(ReplicaView replica, long writeId) {
            look(replica);
        }

        private void look(ReplicaView replica) {
            Held held = disks.of(replica);
            if (held.index > 0 && !replica.diskContains(history.committedAt(held.index))) {
                throw broken("the disk of %s no longer has the committed %s", replica.id(), history.committedAt(held.index));
            }
            long end = Math.min(history.committedIndex(), replica.diskLastIndex());
            while (held.index < end && replica.diskContains(history.committedAt(held.index + 1))) {
                held.index++;
            }
        }
    }

    /** I10: an entry is durable on a quorum, of both halves if the membership is joint, before anybody calls it committed. */
    static final class CommittedIsDurableOnAQuorum extends Invariant {

        private static final class Counted {
            private @Nullable Membership by;
        }

        private final List<? extends ReplicaView> replicas;
        private final PerReplica<Counted> counted = new PerReplica<>(Counted::new);

        CommittedIsDurableOnAQuorum(List<? extends ReplicaView> replicas) {
            this.replicas = replicas;
        }

        @Override
        void onStarted(ReplicaView replica) {
            counted.renew(replica);
        }

        /** Counted by the membership in force when the turn began: what is committed in it may be followed by another in the same turn. */
        @Override
        void onCommitted(ReplicaView replica, NodeStatus status, EntryId entry) {
            Membership before = counted.of(replica).by;
            Membership membership = before == null ? status.membership() : before;
            require(replica, entry, membership.voters());
            if (membership.isJoint()) {
                require(replica, entry, membership.outgoing());
            }
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            counted.of(replica).by = status.membership();
        }

        private void require(ReplicaView replica, EntryId entry, List<Member> voters) {
            int copies = 0;
            for (Member voter : voters) {
                for (ReplicaView other : replicas) {
                    // A disk may be lost between its answer and the commit; it counts all the same.
                    if (other.id().nodeId() == voter.id().nodeId() && other.anyDiskContains(entry)) {
                        copies++;
                    }
                }
            }
            if (copies <= voters.size() / 2) {
                throw broken("%s commits %s, of which %d of the disks of %s have a copy", replica.id(), entry, copies, voters);
            }
        }
    }

    /** I11: a commit index never goes back while its process runs, nor behind what its disk knew when it started. */
    static final class CommitIsMonotonic extends Invariant {

        private static final class Commit {
            private long index;
        }

        private final PerReplica<Commit> commits = new PerReplica<>(Commit::new);

        @Override
        void onStarted(ReplicaView replica) {
            commits.of(replica).index = committedAtStart(replica);
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            Commit commit = commits.of(replica);
            if (status.commitIndex() < commit.index || status.commitIndex() < status.firstIndex() - 1) {
                throw broken("%s commits %d after %d", replica.id(), status.commitIndex(), commit.index);
            }
            commit.index = status.commitIndex();
        }
    }

    /** I11: a leader's commit index moves only onto an entry of its own term: an older one on a quorum may still be replaced (§5.4.2). */
    static final class LeadersCommitTheirOwnTerm extends Invariant {

        private static final class Commit {
            private long index;
        }

        private final PerReplica<Commit> commits = new PerReplica<>(Commit::new);

        @Override
        void onStarted(ReplicaView replica) {
            commits.of(replica).index = committedAtStart(replica);
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            Commit commit = commits.of(replica);
            if (status.commitIndex() != commit.index) {
                commit.index = status.commitIndex();
                if (status.role() == RoleName.LEADER && replica.logAt(commit.index).term() != status.term()) {
                    throw broken("%s leads term %d and commits %s", replica.id(), status.term(), replica.logAt(commit.index));
                }
            }
        }
    }

    /**
     * I11: a follower commits no further than one append has shown to be the leader's log, and to be committed there (§5.3). It may have had
     * room for the first of its entries alone.
     */
    static final class FollowersCommitWhatIsProved extends Invariant {

        private record Proof(Message.AppendEntries append, long index) {

            private boolean isOf(EntryId entry) {
                long behind = entry.index() - append.prev().index();
                if (behind < 0 || entry.index() > index) {
                    return entry.index() == index;     // it shows that as much is committed, and that the log is the leader's further on
                }
                return entry.equals(behind == 0 ? append.prev() : append.entries().get((int) behind - 1).id());
            }
        }

        private static final class Commit {
            private long index;
            private long term;
            private final List<Proof> proofs = new ArrayList<>();   // of more than index
            private final Set<EntryId> offered = new HashSet<>();   // last entries of snapshots: committed, whatever becomes of the term
        }

        private final PerReplica<Commit> commits = new PerReplica<>(Commit::new);

        @Override
        void onStarted(ReplicaView replica) {
            Commit commit = commits.renew(replica);
            commit.index = committedAtStart(replica);
        }

        @Override
        void onDelivered(ReplicaView replica, Message message) {
            if (message instanceof Message.AppendEntries append) {
                Commit commit = commits.of(replica);
                long index = Math.min(append.commitIndex(), append.lastIndex());
                if (index > commit.index && append.term() >= commit.term) {   // another has no effect
                    commit.proofs.add(new Proof(append, index));
                }
            } else if (message instanceof Message.SnapshotOffer offer) {
                commits.of(replica).offered.add(offer.snapshot().last());
            }
        }

        @Override
        void onFetched(ReplicaView replica, EntryId last) {
            commits.of(replica).offered.add(last);
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            Commit commit = commits.of(replica);
            if (status.commitIndex() != commit.index) {
                if (status.role() != RoleName.LEADER && !isProved(replica, commit, status.commitIndex())) {
                    throw broken("%s commits %s after %d, which nobody has proved to it", replica.id(), replica.logAt(status.commitIndex()),
                        commit.index);
                }
                commit.index = status.commitIndex();
                commit.proofs.removeIf(proof -> proof.index <= commit.index);
            }
            if (status.term() != commit.term) {
                commit.term = status.term();
                commit.proofs.removeIf(proof -> proof.append.term() < commit.term);
            }
        }

        private static boolean isProved(ReplicaView replica, Commit commit, long index) {
            EntryId entry = replica.logAt(index);
            return commit.proofs.stream().anyMatch(proof -> proof.isOf(entry)) || commit.offered.contains(entry);
        }
    }
}
