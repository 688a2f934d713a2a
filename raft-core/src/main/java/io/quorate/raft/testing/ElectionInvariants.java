package io.quorate.raft.testing;

import io.quorate.raft.Storage;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.core.ReplicaId;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What must hold of terms, votes and roles. */
final class ElectionInvariants {

    private ElectionInvariants() { }

    static List<Invariant> all(GroupHistory history, RaftConfig config) {
        return List.of(new ElectionSafety(history), new OneVotePerTerm(), new TermsNeverGoBack(), new LeadersVotedForThemselves(),
            new OneLeaderIsLearned(), new RolesGoForward(), new EveryRoleHasADeadline(config));
    }

    /** I1: at most one leader in a term, ever. */
    static final class ElectionSafety extends Invariant {
        private final GroupHistory history;

        ElectionSafety(GroupHistory history) {
            this.history = history;
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            if (status.role() == RoleName.LEADER) {
                ReplicaId leader = history.leads(status.term(), replica.id());
                if (!leader.equals(replica.id())) {
                    throw broken("%s leads term %d, but so did %s", replica.id(), status.term(), leader);
                }
            }
        }
    }

    /** I2: a replica grants its vote of a term to one candidate, over all its restarts: in what it says, and on its disk. */
    static final class OneVotePerTerm extends Invariant {

        private static final class Votes {
            private final Map<Long, ReplicaId> byTerm = new HashMap<>();
            private long lastTerm;
            private @Nullable ReplicaId lastCandidate;
        }

        private final PerReplica<Votes> votes = new PerReplica<>(Votes::new);

        @Override
        void onStarted(ReplicaView replica) {
            onDisk(replica);
        }

        @Override
        void onDurable(ReplicaView replica, long writeId) {
            onDisk(replica);
        }

        @Override
        void onSend(ReplicaView replica, Message message) {
            if (message instanceof Message.Vote vote && vote.granted()) {
                cast(replica, vote.term(), vote.to());
            } else if (message instanceof Message.RequestVote request) {
                cast(replica, request.term(), replica.id());
            }
        }

        private void onDisk(ReplicaView replica) {
            HardState state = replica.durableState();
            if (state.votedFor() != null) {
                cast(replica, state.term(), state.votedFor());
            }
        }

        private void cast(ReplicaView voter, long term, ReplicaId candidate) {
            Votes of = votes.of(voter);
            if (of.lastTerm == term && candidate.equals(of.lastCandidate)) {
                return;
            }
            ReplicaId known = of.byTerm.putIfAbsent(term, candidate);
            if (known != null && !known.equals(candidate)) {
                throw broken("%s votes for %s in term %d, but voted for %s", voter.id(), candidate, term, known);
            }
            of.lastTerm = term;
            of.lastCandidate = candidate;
        }
    }

    /** I3: a replica's term, and its vote within a term, never go back, in what it says and on its disk; the term covers its log. */
    static final class TermsNeverGoBack extends Invariant {

        private static final class Terms {
            private long said;       // by any of its processes
            private long current;    // of this process; what is neither said nor written, a crash may undo
            private HardState durable = HardState.INITIAL;
        }

        private final PerReplica<Terms> terms = new PerReplica<>(Terms::new);

        @Override
        void onStarted(ReplicaView replica) {
            onDisk(replica);
            terms.of(replica).current = replica.durableState().term();
            long lastIndex = replica.diskLastIndex();
            if (lastIndex > 0 && replica.logAt(lastIndex).term() > replica.durableState().term()) {
                throw broken("%s starts in term %d, but its log ends with %s", replica.id(), replica.durableState().term(),
                    replica.logAt(lastIndex));
            }
        }

        @Override
        void onDurable(ReplicaView replica, long writeId) {
            onDisk(replica);
        }

        @Override
        void onSend(ReplicaView replica, Message message) {
            Terms of = terms.of(replica);
            if (message.term() < of.said) {
                throw broken("%s says term %d after term %d", replica.id(), message.term(), of.said);
            }
            of.said = message.term();
        }

        @Override
        void onWrite(ReplicaView replica, Storage.Write write) {
            int last = write.entries().size() - 1;
            if (last >= 0 && write.entries().get(last).term() > write.hardState().term()) {
                throw broken("%s writes %s in term %d", replica.id(), write.entries().get(last), write.hardState().term());
            }
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            Terms of = terms.of(replica);
            if (status.term() < of.current || status.term() < of.said || status.term() < of.durable.term()) {
                throw broken("%s is in term %d, but was in %d, has said %d, and written %s", replica.id(), status.term(), of.current,
                    of.said, of.durable);
            }
            of.current = status.term();
        }

        private void onDisk(ReplicaView replica) {
            Terms of = terms.of(replica);
            HardState state = replica.durableState();
            HardState before = of.durable;
            boolean isVoteKept = before.votedFor() == null || before.votedFor().equals(state.votedFor());
            if (state.term() < before.term() || state.term() == before.term() && !isVoteKept) {
                throw broken("the disk of %s has %s, but had %s", replica.id(), state, before);
            }
            of.durable = state;
        }
    }

    /** I18: a leader's own vote of its term is for itself, and durable. */
    static final class LeadersVotedForThemselves extends Invariant {

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            if (status.role() == RoleName.LEADER) {
                HardState durable = replica.durableState();
                if (durable.term() != status.term() || !replica.id().equals(durable.votedFor())) {
                    throw broken("%s leads term %d, but on its disk is %s", replica.id(), status.term(), durable);
                }
            }
        }
    }

    /** I18: whoever learns who leads a term learns the same, and nothing else later. */
    static final class OneLeaderIsLearned extends Invariant {

        private static final class Learned {
            private long term;
            private @Nullable ReplicaId leader;
        }

        private final PerReplica<Learned> learned = new PerReplica<>(Learned::new);
        private final Map<Long, ReplicaId> byTerm = new HashMap<>();

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            ReplicaId leader = status.leader();
            if (leader == null) {
                return;
            }
            Learned of = learned.of(replica);
            if (of.term == status.term() && leader.equals(of.leader)) {
                return;
            }
            ReplicaId known = byTerm.putIfAbsent(status.term(), leader);
            if (known != null && !known.equals(leader)) {
                throw broken("%s takes %s for the leader of term %d, but that is %s", replica.id(), leader, status.term(), known);
            }
            of.term = status.term();
            of.leader = leader;
        }
    }

    /**
     * I18: within a term, the way up is one: from candidate to leader. Whoever is not a candidate when the term begins will not be one in
     * it; so a leader that has stepped down does not lead that term again, nor one that was restarted, since its term is on its disk.
     */
    static final class RolesGoForward extends Invariant {

        private static final class Career {
            private @Nullable RoleName role;   // null: the process has not had a turn
            private long term;
        }

        private final PerReplica<Career> careers = new PerReplica<>(Career::new);

        @Override
        void onStarted(ReplicaView replica) {
            Career of = careers.of(replica);
            of.role = null;
            of.term = replica.durableState().term();
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            Career of = careers.of(replica);
            RoleName role = status.role();
            boolean isSameTerm = status.term() == of.term;
            boolean isOnItsWay = isSameTerm && (of.role == RoleName.CANDIDATE || of.role == RoleName.LEADER);
            if (role == RoleName.LEADER && !isOnItsWay) {
                throw broken("%s leads term %d, but was %s of term %d", replica.id(), status.term(), of.role, of.term);
            }
            if (role == RoleName.CANDIDATE && isSameTerm && of.role != RoleName.CANDIDATE) {
                throw broken("%s is a candidate of term %d, but was %s in it", replica.id(), status.term(), of.role);
            }
            of.role = role;
            of.term = status.term();
        }
    }

    /** I18: nobody waits for ever: every role has a time at which it acts though nothing comes. */
    static final class EveryRoleHasADeadline extends Invariant {

        /** Patience is drawn from one to two election timeouts, and that grows sixteenfold after lost candidacies. */
        private static final int PATIENCE_TIMEOUTS_MAX = 32;

        private final RaftConfig config;

        EveryRoleHasADeadline(RaftConfig config) {
            this.config = config;
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            long nanos = replica.nanosUntilDeadline();
            if (status.role() == RoleName.LEADER) {
                if (nanos > config.heartbeatNanos()) {
                    throw broken("%s leads and would be silent for %d ns", replica.id(), nanos);
                }
            } else if (nanos > PATIENCE_TIMEOUTS_MAX * config.electionTimeoutNanos() && !isWaitingForItsDisk(replica, status)) {
                throw broken("%s is %s and would wait for %d ns", replica.id(), status.role(), nanos);
            }
        }

        /** A candidate's patience begins when its own vote is durable. */
        private static boolean isWaitingForItsDisk(ReplicaView replica, NodeStatus status) {
            boolean isTold = replica.durableState().term() == status.term() && !replica.hasMail();
            return status.role() == RoleName.CANDIDATE && !isTold;
        }
    }
}
