package io.quorate.raft.testing;

import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.core.ReplicaId;
import java.util.List;

/** What must hold of logs: who makes entries, what an entry's identity means, and how a log looks. */
final class LogInvariants {

    private LogInvariants() { }

    /**
     * In this order: the later ones look behind a write's first entry, where the first one has seen that there is no gap; and who made an
     * entry is asked before it is known.
     */
    static List<Invariant> all(GroupHistory history) {
        return List.of(new LogsHaveNoGaps(), new OnlyTheLeaderMakesEntries(history), new LeadersOnlyAppend(), new LogMatching(history),
            new IndexesAreOrdered(), new MemoryIsWhatTheDiskHas());
    }

    /** I15: entries follow each other without a gap, and their terms never fall. */
    static final class LogsHaveNoGaps extends Invariant {

        private static final class Log {
            private long lastIndex;   // as given to the disk
        }

        private final PerReplica<Log> logs = new PerReplica<>(Log::new);

        @Override
        void onStarted(ReplicaView replica) {
            logs.of(replica).lastIndex = replica.diskLastIndex();
        }

        @Override
        void onWrite(ReplicaView replica, Storage.Write write) {
            Log log = logs.of(replica);
            long index = write.firstIndex() - 1;
            if (write.install() != null) {
                log.lastIndex = isUnderLog(replica, write) ? log.lastIndex : index;     // a log that goes on from there needs no other
                return;
            }
            if (index < 0 || index > log.lastIndex || write.entries().isEmpty() && index != log.lastIndex) {
                throw broken("%s writes from %d on, but its log ends at %d", replica.id(), write.firstIndex(), log.lastIndex);
            }
            long term = write.entries().isEmpty() ? 0 : replica.logAt(index).term();
            for (Entry entry : write.entries()) {
                if (entry.index() != index + 1 || entry.term() < term) {
                    throw broken("%s writes %s behind index %d, term %d", replica.id(), entry, index, term);
                }
                index = entry.index();
                term = entry.term();
            }
            log.lastIndex = index;
        }
    }

    /** I4: only the leader of a term makes entries of that term. */
    static final class OnlyTheLeaderMakesEntries extends Invariant {
        private final GroupHistory history;

        OnlyTheLeaderMakesEntries(GroupHistory history) {
            this.history = history;
        }

        @Override
        void onWrite(ReplicaView replica, Storage.Write write) {
            for (Entry entry : write.entries()) {
                if (!history.isMade(entry.id())) {
                    // It may have led in the middle of a batch only, and so be seen to lead by what it made.
                    ReplicaId leader = history.leads(entry.term(), replica.id());
                    if (!leader.equals(replica.id())) {
                        throw broken("%s made %s, but %s leads that term", replica.id(), entry, leader);
                    }
                }
            }
        }
    }

    /** I4: a leader never cuts or replaces what stands in its log. */
    static final class LeadersOnlyAppend extends Invariant {

        private static final class Log {
            private long term;         // led at the end of the last turn, or 0
            private long lastIndex;    // then
            private EntryId last = EntryId.ZERO;
            private long writtenFrom;  // the least since; 0 if nothing was
        }

        private final PerReplica<Log> logs = new PerReplica<>(Log::new);

        @Override
        void onStarted(ReplicaView replica) {
            logs.renew(replica);
        }

        @Override
        void onWrite(ReplicaView replica, Storage.Write write) {
            if (isUnderLog(replica, write)) {
                return;
            }
            Log log = logs.of(replica);
            log.writtenFrom = log.writtenFrom == 0 ? write.firstIndex() : Math.min(log.writtenFrom, write.firstIndex());
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            Log log = logs.of(replica);
            if (status.role() != RoleName.LEADER) {
                log.term = 0;
            } else {
                if (log.term == status.term()) {
                    boolean isWrittenBehind = log.writtenFrom == 0 || log.writtenFrom > log.lastIndex;
                    if (!isWrittenBehind || status.lastIndex() < log.lastIndex || !replica.logAt(log.lastIndex).equals(log.last)) {
                        throw broken("%s leads term %d and writes from %d on, but its log went to %s", replica.id(), status.term(),
                            log.writtenFrom, log.last);
                    }
                }
                if (log.term != status.term() || log.lastIndex != status.lastIndex()) {
                    log.term = status.term();
                    log.lastIndex = status.lastIndex();
                    log.last = replica.logAt(log.lastIndex);
                }
            }
            log.writtenFrom = 0;
        }
    }

    /** I5, I6: an identity means one content and one predecessor; so logs with an entry in common are the same up to it. */
    static final class LogMatching extends Invariant {
        private final GroupHistory history;

        LogMatching(GroupHistory history) {
            this.history = history;
        }

        /** What a disk gives back ends with something that was made; all before follows from that. */
        @Override
        void onStarted(ReplicaView replica) {
            long lastIndex = replica.diskLastIndex();
            if (lastIndex > 0 && !history.isMade(replica.logAt(lastIndex))) {
                throw broken("%s starts with %s, which nobody made", replica.id(), replica.logAt(lastIndex));
            }
        }

        @Override
        void onWrite(ReplicaView replica, Storage.Write write) {
            List<Entry> entries = write.entries();
            if (entries.isEmpty()) {
                return;
            }
            EntryId before = replica.logAt(write.firstIndex() - 1);
            for (Entry entry : entries) {
                GroupHistory.Made known = history.makes(entry, before);
                if (!known.previous().equals(before) || known.entry() != entry && !known.entry().equals(entry)) {
                    throw broken("%s has %s behind %s, but it is %s", replica.id(), entry, before, known);
                }
                before = entry.id();
            }
        }
    }

    /** I15: what is applied is committed and durable, what is committed or durable stands in the log. */
    static final class IndexesAreOrdered extends Invariant {

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            long applied = replica.appliedIndex();
            long durable = status.durableIndex();
            long committed = status.commitIndex();
            // A log that was just put on a snapshot begins behind what the machine is about to be restored to.
            long restored = Math.max(applied, Math.max(status.fetchIndex(), status.snapshotIndex()));
            boolean isWithinLog = status.firstIndex() - 1 <= restored && Math.max(committed, durable) <= status.lastIndex();
            if (!isWithinLog || applied > Math.min(committed, durable)) {
                throw broken("%s has applied %d: %s", replica.id(), applied, status);
            }
        }
    }

    /** I15: what the node believes to be durable is, and when every write is, memory and disk are the same. */
    static final class MemoryIsWhatTheDiskHas extends Invariant {

        private static final class Writes {
            private long asked;
            private long durable;
            private boolean isNew = true;   // something has changed since the last look
            private long durableIndex;      // then
            private long term;              // then
        }

        private final PerReplica<Writes> writes = new PerReplica<>(Writes::new);

        @Override
        void onStarted(ReplicaView replica) {
            writes.renew(replica);
        }

        @Override
        void onWrite(ReplicaView replica, Storage.Write write) {
            Writes of = writes.of(replica);
            of.asked = write.id();
            of.isNew = true;
        }

        @Override
        void onDurable(ReplicaView replica, long writeId) {
            Writes of = writes.of(replica);
            of.durable = writeId;
            of.isNew = true;
        }

        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            Writes of = writes.of(replica);
            long durable = status.durableIndex();
            if (!of.isNew && of.durableIndex == durable && of.term == status.term()) {
                return;
            }
            of.isNew = false;
            of.durableIndex = durable;
            of.term = status.term();
            if (durable > 0 && !replica.diskContains(replica.logAt(durable))) {
                throw broken("%s believes %s to be durable", replica.id(), replica.logAt(durable));
            }
            if (of.asked == of.durable) {
                long last = status.lastIndex();
                if (replica.durableState().term() != status.term() || replica.diskLastIndex() != last
                    || last > 0 && !replica.diskContains(replica.logAt(last))) {
                    throw broken("%s has written all, and its disk %s with a log of %d entries, but it is %s", replica.id(),
                        replica.durableState(), replica.diskLastIndex(), status);
                }
            }
        }
    }
}
