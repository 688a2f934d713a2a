package io.quorate.raft.testing;

import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.core.ReplicaId;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What must hold in every group at every moment, whatever goes wrong. Each invariant is a small class that remembers what it needs; all are
 * asked after every event. Numbers in names are those of {@code docs/invariants.md}.
 */
final class GroupInvariants {

    /** One thing that must hold. The methods tell what has happened; an invariant overrides those it needs. */
    abstract static class Invariant {

        /** A replica has digested a batch, and everything it asked for was done. */
        void onTurn(ReplicaView replica, NodeStatus status) { }

        /** A replica gives its disk a new suffix, which begins behind {@code previous}. */
        void onWrite(ReplicaView replica, EntryId previous, List<Entry> entries) { }

        /** A replica sends a message. */
        void onSend(ReplicaView replica, Message message) { }

        /** A replica's state machine applies a command. */
        void onApply(ReplicaView replica, long index, byte[] command) { }

        final void require(boolean holds, String seen, Object... values) {
            if (!holds) {
                throw new InvariantBroken(getClass().getSimpleName(), String.format(seen, values));
            }
        }
    }

    private final List<Invariant> all;
    private final Committed committed;

    GroupInvariants(List<? extends ReplicaView> replicas) {
        Leaders leaders = new Leaders();
        committed = new Committed();
        Entries entries = new Entries();
        all = List.of(new ElectionSafety(leaders), new OneVotePerTerm(), new TermsNeverGoBack(), new OnlyTheLeaderMakesEntries(leaders),
            new LogMatching(entries), new CommittedIsDurableOnAQuorum(replicas, committed), new LeaderCompleteness(committed),
            new StateMachineSafety(committed, entries), new CommitIsMonotonic(), new AnswersAreDurable(), new MatchIsTrue(replicas),
            new IndexesAreOrdered());
    }

    private GroupInvariants() {
        committed = new Committed();
        all = List.of();
    }

    /** Nothing is owed. */
    static GroupInvariants none() {
        return new GroupInvariants();
    }

    /** Those to ask; for tests that plant violations. */
    List<Invariant> all() {
        return all;
    }

    /** Up to where anybody knows entries to be committed. */
    long committedIndex() {
        return committed.lastIndex();
    }

    void onTurn(ReplicaView replica) {
        NodeStatus status = replica.status();
        for (Invariant invariant : all) {
            invariant.onTurn(replica, status);
        }
    }

    void onWrite(ReplicaView replica, EntryId previous, List<Entry> entries) {
        for (Invariant invariant : all) {
            invariant.onWrite(replica, previous, entries);
        }
    }

    void onSend(ReplicaView replica, Message message) {
        for (Invariant invariant : all) {
            invariant.onSend(replica, message);
        }
    }

    void onApply(ReplicaView replica, long index, byte[] command) {
        for (Invariant invariant : all) {
            invariant.onApply(replica, index, command);
        }
    }

    /** Who has led which term: shared by those that need it. */
    static final class Leaders {
        private final Map<Long, ReplicaId> byTerm = new HashMap<>();
    }

    private record Made(Entry entry, EntryId previous) { }

    /** Every entry that was ever made, with the one before it. */
    static final class Entries {
        private final Map<EntryId, Made> byId = new HashMap<>();
    }

    /** What is committed: the entry at each index, for ever. */
    static final class Committed {
        private final Map<Long, EntryId> byIndex = new HashMap<>();
        private long lastIndex;

        long lastIndex() {
            return lastIndex;
        }
    }

    /** I1: at most one leader in a term, ever. */
    static final class ElectionSafety extends Invariant {
        private final Leaders leaders;

        ElectionSafety(Leaders leaders) {
            this.leaders = leaders;
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            if (status.role() == RoleName.LEADER) {
                ReplicaId known = leaders.byTerm.putIfAbsent(status.term(), replica.id());
                require(known == null || known.equals(replica.id()), "%s leads term %d, but so did %s", replica.id(), status.term(), known);
            }
        }
    }

    /** I2: a replica grants its vote of a term to one candidate, over all its restarts. */
    static final class OneVotePerTerm extends Invariant {
        private record Ballot(ReplicaId voter, long term) { }

        private final Map<Ballot, ReplicaId> votes = new HashMap<>();

        @Override
        void onSend(ReplicaView replica, Message message) {
            if (message instanceof Message.Vote vote && vote.granted()) {
                cast(replica.id(), vote.term(), vote.to());
            } else if (message instanceof Message.RequestVote request) {
                cast(replica.id(), request.term(), replica.id());
            }
        }

        private void cast(ReplicaId voter, long term, ReplicaId candidate) {
            ReplicaId known = votes.putIfAbsent(new Ballot(voter, term), candidate);
            require(known == null || known.equals(candidate),
                "%s votes for %s in term %d, but voted for %s", voter, candidate, term, known);
        }
    }

    /** I3: a replica's term never goes back, and covers its log. */
    static final class TermsNeverGoBack extends Invariant {
        private final Map<ReplicaId, Long> said = new HashMap<>();

        @Override
        void onSend(ReplicaView replica, Message message) {
            long before = said.getOrDefault(replica.id(), 0L);
            require(message.term() >= before, "%s says term %d after term %d", replica.id(), message.term(), before);
            said.put(replica.id(), message.term());
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            require(status.term() >= said.getOrDefault(replica.id(), 0L), "%s is in term %d, but has said %s", replica.id(), status.term(),
                said.get(replica.id()));
            require(status.term() >= replica.logAt(status.lastIndex()).term(), "%s is in term %d, its log ends with %s", replica.id(),
                status.term(), replica.logAt(status.lastIndex()));
        }
    }

    /** I4: only the leader of a term makes entries of that term. */
    static final class OnlyTheLeaderMakesEntries extends Invariant {
        private final Leaders leaders;
        private final Map<EntryId, ReplicaId> makers = new HashMap<>();

        OnlyTheLeaderMakesEntries(Leaders leaders) {
            this.leaders = leaders;
        }

        @Override
        void onWrite(ReplicaView replica, EntryId previous, List<Entry> entries) {
            for (Entry entry : entries) {
                if (makers.putIfAbsent(entry.id(), replica.id()) == null) {
                    // It may have led in the middle of a batch only, and so be seen to lead by what it made.
                    ReplicaId leader = leaders.byTerm.putIfAbsent(entry.term(), replica.id());
                    require(leader == null || leader.equals(replica.id()),
                        "%s made %s, but %s leads that term", replica.id(), entry, leader);
                }
            }
        }
    }

    /** I5, I6: an identity means one content and one predecessor; so logs with an entry in common are the same up to it. */
    static final class LogMatching extends Invariant {
        private final Entries entries;

        LogMatching(Entries entries) {
            this.entries = entries;
        }

        @Override
        void onWrite(ReplicaView replica, EntryId previous, List<Entry> written) {
            EntryId before = previous;
            for (Entry entry : written) {
                Made made = new Made(entry, before);
                Made known = entries.byId.putIfAbsent(entry.id(), made);
                require(known == null || known.equals(made), "%s has %s, but it is %s", replica.id(), made, known);
                before = entry.id();
            }
        }
    }

    /** I9, I10, I11: what a replica calls committed is what was committed, for ever, and durable on a majority when it first is. */
    static final class CommittedIsDurableOnAQuorum extends Invariant {
        private final List<? extends ReplicaView> replicas;
        private final Committed committed;

        CommittedIsDurableOnAQuorum(List<? extends ReplicaView> replicas, Committed committed) {
            this.replicas = replicas;
            this.committed = committed;
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            while (committed.lastIndex < status.commitIndex()) {
                long index = committed.lastIndex + 1;
                EntryId id = replica.logAt(index);
                int copies = 0;
                for (ReplicaView other : replicas) {
                    copies += other.anyDiskContains(id) ? 1 : 0;   // a disk may be lost between its answer and the commit
                }
                require(copies > replicas.size() / 2, "%s commits %s, of which %d disks have a copy", replica.id(), id, copies);
                committed.byIndex.put(index, id);
                committed.lastIndex = index;
            }
            EntryId last = replica.logAt(status.commitIndex());
            require(status.commitIndex() == 0 || last.equals(committed.byIndex.get(last.index())),
                "%s has committed %s, but %s was", replica.id(),
                last, committed.byIndex.get(last.index()));
        }
    }

    /** I7: a leader has every entry that was committed in earlier terms. */
    static final class LeaderCompleteness extends Invariant {
        private final Committed committed;
        private final Map<ReplicaId, Long> checkedTerms = new HashMap<>();

        LeaderCompleteness(Committed committed) {
            this.committed = committed;
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            if (status.role() != RoleName.LEADER || checkedTerms.getOrDefault(replica.id(), 0L) == status.term()) {
                return;
            }
            checkedTerms.put(replica.id(), status.term());
            for (EntryId id : committed.byIndex.values()) {
                require(id.term() > status.term() || replica.logContains(id), "%s leads term %d without the committed %s", replica.id(),
                    status.term(), id);
            }
        }
    }

    /** I8, I16: replicas apply the committed commands, each once, in order, none left out. */
    static final class StateMachineSafety extends Invariant {
        private record Boot(ReplicaId replica, int boot) { }

        private final Committed committed;
        private final Entries entries;
        private final Map<Boot, Long> applied = new HashMap<>();

        StateMachineSafety(Committed committed, Entries entries) {
            this.committed = committed;
            this.entries = entries;
        }

        @Override
        void onApply(ReplicaView replica, long index, byte[] command) {
            long before = applied.getOrDefault(new Boot(replica.id(), replica.boot()), 0L);
            require(index > before, "%s applies %d after %d", replica.id(), index, before);
            for (long skipped = before + 1; skipped < index; skipped++) {
                Entry entry = committedAt(skipped);
                require(entry != null && entry.kind() != Entry.Kind.COMMAND,
                    "%s applies %d after %d and leaves out %s", replica.id(), index,
                    before, entry);
            }
            Entry entry = committedAt(index);
            require(entry != null && entry.kind() == Entry.Kind.COMMAND && Arrays.equals(entry.payload(), command),
                "%s applies a command of %d bytes at %d, but %s is committed", replica.id(), command.length, index, entry);
            require(entry != null && replica.diskContains(entry.id()), "%s applies %s, which its disk does not have", replica.id(), entry);
            applied.put(new Boot(replica.id(), replica.boot()), index);
        }

        private @Nullable Entry committedAt(long index) {
            Made made = entries.byId.get(committed.byIndex.get(index));
            return made == null ? null : made.entry;
        }
    }

    /** I11: a commit index never goes back while its replica runs. */
    static final class CommitIsMonotonic extends Invariant {
        private record Boot(ReplicaId replica, int boot) { }

        private final Map<Boot, Long> commits = new HashMap<>();

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            Long before = commits.put(new Boot(replica.id(), replica.boot()), status.commitIndex());
            require(before == null || status.commitIndex() >= before, "%s commits %d after %d", replica.id(), status.commitIndex(), before);
        }
    }

    /** I12, I14: what a message says is durable at its sender when it leaves. */
    static final class AnswersAreDurable extends Invariant {

        @Override
        void onSend(ReplicaView replica, Message message) {
            HardState durable = replica.durableState();
            require(durable.term() >= message.term(), "%s sends %s, but only term %d is durable", replica.id(), message, durable.term());
            if (message instanceof Message.Vote vote && vote.granted()) {
                require(durable.term() > vote.term() || vote.to().equals(durable.votedFor()), "%s sends %s, but its durable vote is for %s",
                    replica.id(), vote, durable.votedFor());
            } else if (message instanceof Message.RequestVote request) {
                require(durable.term() > request.term() || replica.id().equals(durable.votedFor()),
                    "%s sends %s, but its durable vote is for %s",
                    replica.id(), request, durable.votedFor());
                require(request.last().index() == 0 || replica.diskContains(request.last()),
                    "%s advertises %s, which is not durable", replica.id(),
                    request);
            } else if (message instanceof Message.AppendAccepted accepted && accepted.matchIndex() > 0) {
                EntryId match = replica.logAt(accepted.matchIndex());
                require(replica.diskContains(match), "%s acknowledges %s, which is not durable", replica.id(), match);
            }
        }
    }

    /** I12: a leader believes of a peer only what is durable there. */
    static final class MatchIsTrue extends Invariant {
        private final List<? extends ReplicaView> replicas;

        MatchIsTrue(List<? extends ReplicaView> replicas) {
            this.replicas = replicas;
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            for (NodeStatus.Peer peer : status.peers()) {
                for (ReplicaView other : replicas) {
                    // A peer that has gone on to a later term may have replaced what it acknowledged in this one.
                    if (peer.matchIndex() > 0 && other.id().equals(peer.member().id()) && other.durableState().term() <= status.term()) {
                        EntryId match = replica.logAt(peer.matchIndex());
                        require(other.diskContains(match), "%s believes that %s has %s", replica.id(), other.id(), match);
                    }
                }
            }
        }
    }

    /** I15: commitIndex and durableIndex lie within the log. */
    static final class IndexesAreOrdered extends Invariant {

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            require(status.durableIndex() <= status.lastIndex() && status.commitIndex() <= status.lastIndex(),
                "%s: %s", replica.id(), status);
        }
    }
}
