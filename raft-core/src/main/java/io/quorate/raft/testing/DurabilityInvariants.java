package io.quorate.raft.testing;

import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.core.ReplicaId;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What must hold of what replicas say to each other and believe of each other: nothing that a disk does not back. */
final class DurabilityInvariants {

    private DurabilityInvariants() { }

    static List<Invariant> all(List<? extends ReplicaView> replicas) {
        return List.of(new AnswersAreDurable(), new AcknowledgedIsTheLeaders(replicas), new MatchIsTrue(replicas),
            new MatchNeverShrinks(), new LossIsTrue(replicas), new MatchLiesBelowNext(), new BlankIsSilent(), new ForeignChangesNothing(),
            new StorageFailureSilences());
    }

    /** I2, I12, I14: what a message says is durable at its sender when it leaves: the term, the vote, the entries. */
    static final class AnswersAreDurable extends Invariant {

        @Override
        void onSend(ReplicaView replica, Message message) {
            HardState durable = replica.durableState();
            if (durable.term() != message.term()) {
                throw broken("%s sends %s, but term %d is durable", replica.id(), message, durable.term());
            }
            if (message instanceof Message.Vote vote) {
                if (vote.granted() && !vote.to().equals(durable.votedFor())) {
                    throw broken("%s sends %s, but its durable vote is for %s", replica.id(), vote, durable.votedFor());
                }
            } else if (message instanceof Message.RequestVote request) {
                if (!replica.id().equals(durable.votedFor())) {
                    throw broken("%s sends %s, but its durable vote is for %s", replica.id(), request, durable.votedFor());
                }
                if (request.last().index() > 0 && !replica.diskContains(request.last())) {
                    throw broken("%s advertises %s, which is not durable", replica.id(), request);
                }
            } else if (message instanceof Message.AppendAccepted accepted && accepted.matchIndex() > 0) {
                EntryId match = replica.logAt(accepted.matchIndex());
                if (!replica.diskContains(match)) {
                    throw broken("%s acknowledges %s, which is not durable", replica.id(), match);
                }
            }
        }
    }

    /** I12: what a replica acknowledges to a leader is what that leader has shown to it, and stands in that leader's log. */
    static final class AcknowledgedIsTheLeaders extends Invariant {

        private static final class Peer {
            private long ledTerm;                                      // at the end of the last turn, or 0
            private long term;                                         // of what was shown last
            private long shownIndex;                                   // the furthest that an append of that term reaches
            private final Map<Long, Long> shown = new HashMap<>();     // likewise, of other terms
            private long offerTerm;                                    // the last in which a snapshot was offered
        }

        private final List<? extends ReplicaView> replicas;
        private final PerReplica<Peer> peers = new PerReplica<>(Peer::new);

        AcknowledgedIsTheLeaders(List<? extends ReplicaView> replicas) {
            this.replicas = replicas;
        }

        @Override
        void onStarted(ReplicaView replica) {
            peers.renew(replica);
        }

        @Override
        void onCrashed(ReplicaView replica) {
            peers.of(replica).ledTerm = 0;
        }

        @Override
        void onStopped(ReplicaView replica, @Nullable Throwable cause) {
            peers.of(replica).ledTerm = 0;      // also if it has no log to lead by until that is repaired
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            peers.of(replica).ledTerm = status.role() == RoleName.LEADER ? status.term() : 0;
        }

        @Override
        void onDelivered(ReplicaView replica, Message message) {
            if (message instanceof Message.AppendEntries append) {
                Peer peer = peers.of(replica);
                if (append.term() != peer.term) {
                    peer.shown.put(peer.term, peer.shownIndex);
                    peer.term = append.term();
                    peer.shownIndex = peer.shown.getOrDefault(peer.term, -1L);
                }
                peer.shownIndex = Math.max(peer.shownIndex, append.lastIndex());
            } else if (message instanceof Message.SnapshotOffer offer) {
                Peer peer = peers.of(replica);
                peer.offerTerm = Math.max(peer.offerTerm, offer.term());    // a late one takes nothing back
            }
        }

        @Override
        void onSend(ReplicaView replica, Message message) {
            if (message instanceof Message.AppendAccepted accepted) {
                Peer peer = peers.of(replica);
                long shown = accepted.term() == peer.term ? peer.shownIndex : peer.shown.getOrDefault(accepted.term(), -1L);
                // Who is offered a snapshot tells what it knows to be committed: that stands in every later leader's log.
                boolean isCommitted = peer.offerTerm == accepted.term() && accepted.verifiedIndex() <= replica.status().commitIndex();
                if (accepted.verifiedIndex() > shown && !isCommitted) {
                    throw broken("%s sends %s, but was shown the log of that term up to %d", replica.id(), accepted, shown);
                }
                ReplicaView leader = accepted.verifiedIndex() == 0 ? null : running(accepted.to());
                // Behind a snapshot that is being installed nobody knows any more what stood there; it was committed.
                boolean isNamed = accepted.verifiedIndex() >= replica.status().firstIndex() - 1;
                if (leader != null && isNamed && peers.of(leader).ledTerm == accepted.term()
                    && !leader.logContains(replica.logAt(accepted.verifiedIndex()))) {
                    throw broken("%s sends %s, but has %s there, which that leader has not", replica.id(), accepted,
                        replica.logAt(accepted.verifiedIndex()));
                }
            }
        }

        private @Nullable ReplicaView running(ReplicaId id) {
            for (ReplicaView replica : replicas) {
                if (replica.id().equals(id)) {
                    return replica.isUp() ? replica : null;
                }
            }
            return null;
        }
    }

    /** I12: a leader believes of a peer only what is durable there, and its own. */
    static final class MatchIsTrue extends Invariant {

        private static final class Known {
            private long changes;                       // of this replica's disk
            private long term;                          // in which it leads
            private long[] matched = new long[0];       // by position among its peers: what was looked at last
            private long[] changesThen = new long[0];   // of the peer's disk
        }

        private final List<? extends ReplicaView> replicas;
        private final PerReplica<Known> known = new PerReplica<>(Known::new);

        MatchIsTrue(List<? extends ReplicaView> replicas) {
            this.replicas = replicas;
        }

        @Override
        void onStarted(ReplicaView replica) {
            known.of(replica).changes++;
        }

        @Override
        void onDurable(ReplicaView replica, long writeId) {
            known.of(replica).changes++;
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            if (status.role() != RoleName.LEADER) {
                return;
            }
            Known of = known.of(replica);
            List<NodeStatus.Peer> peers = status.peers();
            if (of.term != status.term() || of.matched.length != peers.size()) {
                of.term = status.term();
                of.matched = new long[peers.size()];
                of.changesThen = new long[peers.size()];
            }
            for (int i = 0; i < of.matched.length; i++) {
                NodeStatus.Peer peer = peers.get(i);
                if (peer.matchIndex() > 0) {
                    look(replica, status, peer, of, i);
                }
            }
        }

        private void look(ReplicaView replica, NodeStatus status, NodeStatus.Peer peer, Known of, int position) {
            ReplicaId id = peer.member().id();
            for (ReplicaView other : replicas) {
                if (other.id().equals(id)) {
                    long changes = known.of(other).changes;
                    if (of.matched[position] == peer.matchIndex() && of.changesThen[position] == changes) {
                        return;   // nothing is new
                    }
                    of.matched[position] = peer.matchIndex();
                    of.changesThen[position] = changes;
                    EntryId match = replica.logAt(peer.matchIndex());
                    // A peer that has gone on to a later term may have replaced what it acknowledged in this one.
                    if (other.durableState().term() <= status.term() && !other.diskContains(match)) {
                        throw broken("%s believes that %s has %s", replica.id(), id, match);
                    }
                    return;
                }
            }
        }
    }

    /** I12: what a leader believes of a peer only grows while it leads, unless it reports that the peer's disk has lost something. */
    static final class MatchNeverShrinks extends Invariant {

        private static final class Beliefs {
            private long term;
            private long version;                      // of the membership: with each, peers may come anew and stand elsewhere
            private long[] matched = new long[0];      // by position among the peers
            private List<NodeStatus.Peer> peers = List.of();
        }

        private final PerReplica<Beliefs> beliefs = new PerReplica<>(Beliefs::new);

        @Override
        void onStarted(ReplicaView replica) {
            beliefs.renew(replica);
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            if (status.role() != RoleName.LEADER) {
                return;
            }
            Beliefs of = beliefs.of(replica);
            List<NodeStatus.Peer> peers = status.peers();
            long version = status.membership().version();
            if (of.term != status.term() || of.version != version || of.matched.length != peers.size()) {
                // Who left and came back begins anew; within two steps somebody may have done both.
                of.matched = of.term == status.term() && of.version + 1 == version ? moved(of, peers) : new long[peers.size()];
                of.term = status.term();
                of.version = version;
            }
            of.peers = peers;
            for (int i = 0; i < of.matched.length; i++) {
                NodeStatus.Peer peer = peers.get(i);
                if (peer.matchIndex() < of.matched[i] && !peer.hasLostEntries()) {
                    throw broken("%s believed that %s has %d entries, and now %d", replica.id(), peer.member().id(), of.matched[i],
                        peer.matchIndex());
                }
                of.matched[i] = peer.matchIndex();
            }
        }

        /** What was believed of those who stay, where they stand now. */
        private static long[] moved(Beliefs before, List<NodeStatus.Peer> peers) {
            long[] matched = new long[peers.size()];
            for (int i = 0; i < matched.length; i++) {
                for (int j = 0; j < before.matched.length; j++) {
                    if (before.peers.get(j).member().id().equals(peers.get(i).member().id())) {
                        matched[i] = before.matched[j];
                    }
                }
            }
            return matched;
        }
    }

    /** I12: a leader finds that a disk has lost entries only if it has: it would believe that peer nothing for a while. */
    static final class LossIsTrue extends Invariant {

        private static final class Disk {
            private long lastIndex;   // when a write was last durable
            private boolean hasLost;
        }

        private final List<? extends ReplicaView> replicas;
        private final PerReplica<Disk> disks = new PerReplica<>(Disk::new);

        LossIsTrue(List<? extends ReplicaView> replicas) {
            this.replicas = replicas;
        }

        @Override
        void onDurable(ReplicaView replica, long writeId) {
            disks.of(replica).lastIndex = replica.diskLastIndex();
        }

        @Override
        void onStarted(ReplicaView replica) {
            Disk disk = disks.of(replica);
            disk.hasLost |= replica.diskLastIndex() < disk.lastIndex;
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            if (status.role() == RoleName.LEADER) {
                for (NodeStatus.Peer peer : status.peers()) {
                    if (peer.hasLostEntries() && !hasLost(peer.member().id())) {
                        throw broken("%s has found a loss on a disk that has lost nothing: %s", replica.id(), peer);
                    }
                }
            }
        }

        private boolean hasLost(ReplicaId id) {
            for (ReplicaView other : replicas) {
                if (other.id().equals(id)) {
                    return disks.of(other).hasLost;
                }
            }
            return true;   // that disk is gone altogether
        }
    }

    /** I12: a leader sends what lies behind that which it knows to be there, and within its log. */
    static final class MatchLiesBelowNext extends Invariant {

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            if (status.role() == RoleName.LEADER) {
                for (NodeStatus.Peer peer : status.peers()) {
                    if (peer.matchIndex() < 0 || peer.matchIndex() >= peer.nextIndex() || peer.nextIndex() > status.lastIndex() + 1) {
                        throw broken("%s, whose log ends at %d, has %s", replica.id(), status.lastIndex(), peer);
                    }
                }
            }
        }
    }

    /** I19: whoever belongs to no group says nothing in any term. */
    static final class BlankIsSilent extends Invariant {

        @Override
        void onSend(ReplicaView replica, Message message) {
            if (!replica.isFounded()) {
                throw broken("%s belongs to no group and sends %s", replica.id(), message);
            }
            if (!message.from().equals(replica.id())) {
                throw broken("%s sends %s", replica.id(), message);
            }
        }
    }

    /** I19: a message that was meant for another incarnation, or comes from another group, changes nothing. */
    static final class ForeignChangesNothing extends Invariant {

        @Override
        void onForeign(ReplicaView replica, Message message, Object before, Object after) {
            if (!before.equals(after)) {
                throw broken("%s was not meant by %s, but by it came from %s to %s", replica.id(), message, before, after);
            }
        }
    }

    /** I20: once its storage has failed, a process says nothing more, and stops; and it says why. */
    static final class StorageFailureSilences extends Invariant {

        private static final class Process {
            private boolean hasFailed;    // and has not stopped yet
            private boolean isSilenced;
        }

        private final PerReplica<Process> processes = new PerReplica<>(Process::new);

        @Override
        void onStarted(ReplicaView replica) {
            processes.renew(replica);
        }

        @Override
        void onCrashed(ReplicaView replica) {
            processes.renew(replica);
        }

        @Override
        void onStorageFailed(ReplicaView replica) {
            Process process = processes.of(replica);
            process.hasFailed = true;
            process.isSilenced = true;
        }

        @Override
        void onStopped(ReplicaView replica, @Nullable Throwable cause) {
            Process process = processes.of(replica);
            if (process.hasFailed && cause == null) {
                throw broken("the storage of %s has failed, and it stops without saying so", replica.id());
            }
            process.hasFailed = false;
            process.isSilenced = true;
        }

        @Override
        void onSend(ReplicaView replica, Message message) {
            if (processes.of(replica).isSilenced) {
                throw broken("%s sends %s, but its storage has failed, or it has stopped", replica.id(), message);
            }
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            if (processes.of(replica).hasFailed) {
                throw broken("the storage of %s has failed, and it goes on: %s", replica.id(), status);
            }
        }
    }
}
