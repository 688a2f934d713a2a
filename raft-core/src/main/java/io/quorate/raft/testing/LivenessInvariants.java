package io.quorate.raft.testing;

import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.core.ReplicaId;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What must happen in the end, and what must not go on for ever or grow without bound. Most of these begin to ask only when they are told
 * that the faults have stopped, or never hit a quorum.
 */
final class LivenessInvariants {

    private LivenessInvariants() { }

    static List<Invariant> all(List<? extends ReplicaView> replicas, RaftConfig config, LongSupplier virtualNanos) {
        return List.of(new HealedQuorumLeads(config, virtualNanos), new HealedQuorumAgrees(config, virtualNanos),
            new EveryPeerIsReached(config, virtualNanos), new FewLeaderChanges(), new MemoryIsBounded(config),
            new MemoryIsGivenBack(replicas, config, virtualNanos), new SteadyTerm(), new OnlyHeartbeatsWhenIdle(config, virtualNanos));
    }

    /** Whether these replicas have one leader, whose membership is settled for now, and its members among them the same log, all applied. */
    static boolean agree(List<? extends ReplicaView> core) {
        ReplicaView leader = null;
        for (ReplicaView replica : core) {
            if (!replica.isUp() || !replica.isFounded()) {
                return false;
            }
            if (replica.status().role() == RoleName.LEADER) {
                if (leader != null) {
                    return false;
                }
                leader = replica;
            }
        }
        if (leader == null || !leader.status().change().isCommitted() || leader.status().membership().isJoint()
            || !leader.status().membership().isVoter(leader.id())) {
            return false;       // it has another step to make, or to hand over
        }
        long lastIndex = leader.status().lastIndex();
        for (ReplicaView replica : core) {
            // Whoever was needed for a membership that is being left may have been let go before it heard the last.
            boolean isMember = leader.status().membership().member(replica.id()) != null;
            NodeStatus status = replica.status();
            if (isMember && (status.lastIndex() != lastIndex || status.commitIndex() != lastIndex || replica.appliedIndex() != lastIndex
                || status.backlog().waitingReads() > 0)) {
                return false;
            }
        }
        return true;
    }

    /** Counts from when the faults stopped. */
    private abstract static class AfterHealing extends Invariant {
        private final LongSupplier virtualNanos;
        private final long electionTimeoutNanos;
        private long healedAt = -1;
        private List<? extends ReplicaView> core = List.of();

        private AfterHealing(RaftConfig config, LongSupplier virtualNanos) {
            this.virtualNanos = virtualNanos;
            electionTimeoutNanos = config.electionTimeoutNanos();
        }

        @Override
        void onHeal(List<? extends ReplicaView> replicas, boolean hasClients) {
            healedAt = virtualNanos.getAsLong();
            core = List.copyOf(replicas);
        }

        final boolean isHealing() {
            return healedAt >= 0;
        }

        final void stop() {
            healedAt = -1;
        }

        final List<? extends ReplicaView> core() {
            return core;
        }

        final long nanosSince(long atNanos) {
            return virtualNanos.getAsLong() - atNanos;
        }

        final long now() {
            return virtualNanos.getAsLong();
        }

        /** In election timeouts. */
        final boolean isHealingSince(int timeouts) {
            return isHealing() && nanosSince(healedAt) > timeouts * electionTimeoutNanos;
        }

        final long electionTimeoutNanos() {
            return electionTimeoutNanos;
        }
    }

    /** I27: a healed quorum has a leader within a bound. */
    static final class HealedQuorumLeads extends AfterHealing {

        /** Candidates may have backed off sixteenfold, and so wait 32 election timeouts, twice if the first one loses. */
        static final int TIMEOUTS_MAX = 70;

        HealedQuorumLeads(RaftConfig config, LongSupplier virtualNanos) {
            super(config, virtualNanos);
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            if (isHealing() && status.role() == RoleName.LEADER) {
                stop();
            } else if (isHealingSince(TIMEOUTS_MAX)) {
                throw broken("%s were healed %d election timeouts ago and have no leader", core(), TIMEOUTS_MAX);
            }
        }

        @Override
        void onEnd() {
            if (isHealing()) {
                throw broken("%s were healed, and have no leader in the end", core());
            }
        }
    }

    /** I27: a healed quorum does the work its clients have for it, and agrees; it agrees also if they have none. */
    static final class HealedQuorumAgrees extends AfterHealing {

        /** As for the leader, and once more for what follows. */
        static final int TIMEOUTS_MAX = 100;

        private boolean needsWrite;
        private boolean needsRead;

        HealedQuorumAgrees(RaftConfig config, LongSupplier virtualNanos) {
            super(config, virtualNanos);
        }

        @Override
        void onHeal(List<? extends ReplicaView> core, boolean hasClients) {
            super.onHeal(core, hasClients);
            needsWrite = hasClients;
            needsRead = hasClients;
        }

        @Override
        void onDone(long call, long index) {
            needsWrite = false;
        }

        @Override
        void onReadServed(long call, long index, long commandIndex) {
            needsRead = false;
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            if (isHealingSince(TIMEOUTS_MAX)) {
                throw broken("%s were healed %d election timeouts ago and have not done their work: write due %s, read due %s", core(),
                    TIMEOUTS_MAX, needsWrite, needsRead);
            }
        }

        @Override
        void onHealed(List<? extends ReplicaView> core) {
            if (!isHealing() || needsWrite || needsRead || !agree(core)) {
                throw broken("%s do not agree, or have not done their work: write due %s, read due %s", core, needsWrite, needsRead);
            }
            stop();
        }

        @Override
        void onEnd() {
            if (isHealing()) {
                throw broken("%s were healed, and have not done their work in the end: write due %s, read due %s", core(), needsWrite,
                    needsRead);
            }
        }
    }

    /** I29: no peer is parked: none that is healed is probed for longer than a bound without a moment of replication between. */
    static final class EveryPeerIsReached extends AfterHealing {

        /** A question and its answer for each term of the logs, and nothing is lost any more. */
        static final int TIMEOUTS_MAX = 2;
        /** Patience with a source that is gone for good, and then the time to fetch another's snapshot; perhaps to repair a log with it. */
        static final int SNAPSHOT_TIMEOUTS_MAX = 30;

        private long term;                             // of the leader that is looked at
        private long[] probedSince = new long[0];      // by position among its peers; -1 while it replicates, or the peer is not healed
        private boolean[] fetches = new boolean[0];    // likewise: it needs a snapshot

        EveryPeerIsReached(RaftConfig config, LongSupplier virtualNanos) {
            super(config, virtualNanos);
        }

        @Override
        void onHeal(List<? extends ReplicaView> core, boolean hasClients) {
            super.onHeal(core, hasClients);
            term = 0;   // whoever leads has the whole time from here
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            if (!isHealing() || status.role() != RoleName.LEADER || status.term() < term) {
                return;
            }
            List<NodeStatus.Peer> peers = status.peers();
            if (status.term() != term || probedSince.length != peers.size()) {
                term = status.term();
                probedSince = new long[peers.size()];
                fetches = new boolean[peers.size()];
                Arrays.fill(probedSince, -1);
            }
            for (int i = 0; i < probedSince.length; i++) {
                NodeStatus.Peer peer = peers.get(i);
                ReplicaView healed = ofCore(peer.member().id());
                boolean isFetching = "snapshot".equals(peer.replication()) || healed != null && !healed.hasBegun();
                if ("replicate".equals(peer.replication()) || healed == null) {
                    probedSince[i] = -1;
                } else if (probedSince[i] < 0 || fetches[i] != isFetching) {
                    probedSince[i] = now();
                    fetches[i] = isFetching;
                } else if (nanosSince(probedSince[i]) > (isFetching ? SNAPSHOT_TIMEOUTS_MAX : TIMEOUTS_MAX) * electionTimeoutNanos()) {
                    throw broken("%s has not reached %s in %d ns", replica.id(), peer, nanosSince(probedSince[i]));
                }
            }
        }

        private @Nullable ReplicaView ofCore(ReplicaId id) {
            for (ReplicaView replica : core()) {
                if (replica.id().equals(id)) {
                    return replica;
                }
            }
            return null;
        }
    }

    /**
     * I28: while a quorum works, a fault costs at most one change of leader. Faults that cost none do not save theirs up for later ones;
     * only the one before the last, which may be going on still, may cost its change after the last has begun.
     */
    static final class FewLeaderChanges extends Invariant {
        private boolean isAsked;
        private long term;       // of the last known leader
        private int allowed;     // since the last fault began: 1, and another if the one before had not cost its change yet
        private int changes;     // likewise

        @Override
        void onQuorumHealthy() {
            isAsked = true;
            allowed = 0;
            changes = 0;
        }

        @Override
        void onFault() {
            allowed = changes < allowed ? 2 : 1;
            changes = 0;
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            if (status.role() == RoleName.LEADER && status.term() > term) {
                term = status.term();
                changes++;
                if (isAsked && changes > allowed) {
                    throw broken("%s leads term %d: changes of leader since the last fault began: %d, of which faults account for %d",
                        replica.id(), term, changes, allowed);
                }
            }
        }
    }

    /** I30: what a node keeps for others stays within the configured bytes, but for one append, or one entry that is larger. */
    static final class MemoryIsBounded extends Invariant {
        private final RaftConfig config;
        private long largest;   // of all entries and appends
        private long largestInMemory;   // of the same

        MemoryIsBounded(RaftConfig config) {
            this.config = config;
            largest = config.appendBytesMax();
            int entriesMax = config.appendBytesMax() / Entry.HEADER_BYTES;
            largestInMemory = largest + (long) entriesMax * Entry.OBJECT_BYTES;
        }

        @Override
        void onWrite(ReplicaView replica, Storage.Write write) {
            for (Entry entry : write.entries()) {
                onEntry(entry.size());
            }
        }

        @Override
        void onProposed(ReplicaView replica, int bytes) {
            onEntry(Entry.HEADER_BYTES + bytes);    // a leader that hands over holds it before it is an entry
        }

        private void onEntry(int size) {
            largest = Math.max(largest, size);
            largestInMemory = Math.max(largestInMemory, size + Entry.OBJECT_BYTES);
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            NodeStatus.Backlog backlog = status.backlog();
            boolean isBounded = isBounded(backlog.unappliedBytes(), config.unappliedBytesMax(), largestInMemory)
                && isBounded(backlog.uncommittedBytes(), config.uncommittedBytesMax(), largestInMemory);
            if (status.role() == RoleName.LEADER) {
                for (NodeStatus.Peer peer : status.peers()) {
                    isBounded &= isBounded(peer.inflightBytes(), config.inflightBytesMax(), largest);
                }
            }
            if (!isBounded) {
                throw broken("%s holds more than %s allows: %s", replica.id(), config, status);
            }
        }

        private static boolean isBounded(long bytes, long bytesMax, long beyond) {
            return bytes >= 0 && bytes < bytesMax + beyond;
        }
    }

    /** I30: what is held for others is given back: all of it once a group has nothing to do, and a message's bytes once it is digested. */
    static final class MemoryIsGivenBack extends Invariant {

        /** How long the last answers may be on their way, in election timeouts. */
        static final int TIMEOUTS_MAX = 1;

        private final List<? extends ReplicaView> replicas;
        private final LongSupplier virtualNanos;
        private final long electionTimeoutNanos;
        private long idleSince = -1;
        private final PerReplica<Log> logs = new PerReplica<>(Log::new);

        private static final class Log {
            private long lastIndex;
        }

        MemoryIsGivenBack(List<? extends ReplicaView> replicas, RaftConfig config, LongSupplier virtualNanos) {
            this.replicas = replicas;
            electionTimeoutNanos = config.electionTimeoutNanos();
            this.virtualNanos = virtualNanos;
        }

        @Override
        void onIdle() {
            idleSince = virtualNanos.getAsLong();
        }

        @Override
        void onBusy() {
            idleSince = -1;
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            if (!replica.hasMail() && replica.mailBytes() != 0) {
                throw broken("%s has no mail, and %d bytes of it", replica.id(), replica.mailBytes());
            }
            Log log = logs.of(replica);
            if (status.lastIndex() != log.lastIndex) {
                log.lastIndex = status.lastIndex();
                if (idleSince >= 0) {
                    idleSince = virtualNanos.getAsLong();     // a state machine has waited for a time, and that has come
                }
            }
            if (idleSince >= 0 && virtualNanos.getAsLong() - idleSince > TIMEOUTS_MAX * electionTimeoutNanos) {
                NodeStatus.Backlog backlog = status.backlog();
                boolean isEmpty = replica.callBytes() == 0 && backlog.unappliedBytes() == 0 && backlog.uncommittedBytes() == 0
                    && backlog.waitingReads() == 0;
                for (NodeStatus.Peer peer : status.peers()) {
                    isEmpty &= peer.inflightBytes() == 0 || !isUp(peer.member().id());   // an absent peer's window stays full
                }
                if (!isEmpty) {
                    throw broken("%s has nothing to do, but %d bytes of calls: %s", replica.id(), replica.callBytes(), status);
                }
            }
        }

        private boolean isUp(ReplicaId id) {
            for (ReplicaView replica : replicas) {
                if (replica.id().equals(id)) {
                    return replica.isUp();
                }
            }
            return false;
        }
    }

    /** I32: without faults nobody is elected, nobody asks to be, and no term begins. */
    static final class SteadyTerm extends Invariant {
        private boolean isAsked;
        private long term;   // the one that began last

        @Override
        void onFaultFree() {
            isAsked = true;
        }

        @Override
        void onFault() {
            isAsked = false;
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            if (status.term() > term) {
                term = status.term();
                if (isAsked) {
                    throw broken("%s begins term %d, though nothing was wrong", replica.id(), term);
                }
            }
        }

        @Override
        void onSend(ReplicaView replica, Message message) {
            if (isAsked && (message instanceof Message.PreVote || message instanceof Message.RequestVote)) {
                throw broken("%s sends %s, though nothing was wrong", replica.id(), message);
            }
        }
    }

    /**
     * I32: a group with nothing to do and nothing wrong says nothing but heartbeats, one each way in each interval; and the time, once each
     * time that a state machine waits for it.
     */
    static final class OnlyHeartbeatsWhenIdle extends Invariant {
        private static final int MESSAGES_PER_ENTRY = 2;     // it, and that it is committed; each is answered

        private final LongSupplier virtualNanos;
        private final RaftConfig config;
        private boolean isFaultFree;
        private boolean isIdle;
        private long idleSince;
        private final PerReplica<Said> said = new PerReplica<>(Said::new);
        private long timeEntries;       // sent while idle
        private long timeIndex;         // of the newest
        private boolean isTimeTold;     // whether it has been told to a state machine

        private static final class Said {
            private long since = -1;   // which idle time is counted
            private long heartbeats;
            private int peers;         // how many it has
        }

        OnlyHeartbeatsWhenIdle(RaftConfig config, LongSupplier virtualNanos) {
            this.config = config;
            this.virtualNanos = virtualNanos;
        }

        @Override
        void onFaultFree() {
            isFaultFree = true;
        }

        @Override
        void onFault() {
            isFaultFree = false;
        }

        @Override
        void onIdle() {
            isIdle = true;
            idleSince = virtualNanos.getAsLong();
            timeEntries = 0;
        }

        @Override
        void onBusy() {
            isIdle = false;
        }

        @Override
        void onTime(ReplicaView replica, long index, long timeNanos) {
            isTimeTold |= index >= timeIndex;
        }

        private void onTimeSent(ReplicaView replica, Entry entry) {
            if (entry.index() <= timeIndex) {
                return;
            }
            if (timeEntries > 0 && !isTimeTold) {
                throw broken("%s has nothing to do and writes the time at %d and at %d, and nobody was told it", replica.id(), timeIndex,
                    entry.index());
            }
            timeIndex = entry.index();
            isTimeTold = false;
            timeEntries++;
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            if (isFaultFree && isIdle) {
                said.of(replica).peers = status.peers().size();
            }
        }

        @Override
        void onSend(ReplicaView replica, Message message) {
            if (!isFaultFree || !isIdle) {
                return;
            }
            boolean isHeartbeat = message instanceof Message.AppendAccepted;
            if (message instanceof Message.AppendEntries append) {
                isHeartbeat = append.entries().stream().allMatch(entry -> entry.kind() == Entry.Kind.TIME);
            }
            if (!isHeartbeat) {
                throw broken("%s has nothing to do and sends %s", replica.id(), message);
            }
            if (message instanceof Message.AppendEntries append) {
                append.entries().forEach(entry -> onTimeSent(replica, entry));
            }
            Said of = said.of(replica);
            if (of.since != idleSince) {
                of.since = idleSince;
                of.heartbeats = 0;
            }
            of.heartbeats++;
            // What was said last may still be answered when idleness begins; and clocks are not exactly those of the run.
            long intervals = (virtualNanos.getAsLong() - idleSince) / config.heartbeatNanos() * 11 / 10 + 2;
            if (of.peers > 0 && of.heartbeats > (intervals + MESSAGES_PER_ENTRY * timeEntries) * of.peers) {
                throw broken("%s has nothing to do and sends heartbeat %d to %d peers within %d intervals", replica.id(), of.heartbeats,
                    of.peers, intervals);
            }
        }
    }
}
