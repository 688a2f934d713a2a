package io.quorate.raft.testing;

import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.NodeStatus;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What must hold of state machines: the same commands, the same times, the same answers, the same state. */
final class ApplyInvariants {

    private ApplyInvariants() { }

    static List<Invariant> all(GroupHistory history) {
        return List.of(new StateMachineSafety(history), new SameResults(), new SameState(), new AppliedOnce(), new TimeNeverFalls(history),
            new TimeIsTheEntrys(history));
    }

    /** I8, I16: each process applies the committed commands, each once, in order, none left out, and from its own disk. */
    static final class StateMachineSafety extends Invariant {

        private static final class Applied {
            private long index;
        }

        private final GroupHistory history;
        private final PerReplica<Applied> applied = new PerReplica<>(Applied::new);

        StateMachineSafety(GroupHistory history) {
            this.history = history;
        }

        @Override
        void onStarted(ReplicaView replica) {
            applied.renew(replica);
        }

        @Override
        void onApply(ReplicaView replica, long index, byte[] command) {
            Applied before = applied.of(replica);
            if (index <= before.index) {
                throw broken("%s applies %d after %d", replica.id(), index, before.index);
            }
            for (long skipped = before.index + 1; skipped < index; skipped++) {
                Entry entry = history.committedEntry(skipped);
                if (entry == null || entry.kind() == Entry.Kind.COMMAND) {
                    throw broken("%s applies %d after %d and leaves out %s", replica.id(), index, before.index, entry);
                }
            }
            Entry entry = history.committedEntry(index);
            if (entry == null || entry.kind() != Entry.Kind.COMMAND || !isPayload(entry, command)) {
                throw broken("%s applies a command of %d bytes at %d, but %s is committed", replica.id(), command.length, index, entry);
            }
            if (!replica.diskContains(entry.id())) {
                throw broken("%s applies %s, which its disk does not have", replica.id(), entry);
            }
            before.index = index;
        }

        /** Whoever is given a state goes on behind it: as if he had applied what it holds. */
        @Override
        void onRestored(ReplicaView replica, long index) {
            Applied before = applied.of(replica);
            Entry last = history.committedEntry(index);
            if (index < before.index || index > 0 && (last == null || last.kind() != Entry.Kind.COMMAND)) {
                throw broken("%s is given a state of the commands up to %d, where %s is committed, after it has applied %d", replica.id(),
                    index, last, before.index);
            }
            before.index = index;
        }

        private static boolean isPayload(Entry entry, byte[] command) {
            int from = entry.payloadOffset();
            return Arrays.equals(entry.array(), from, from + entry.payloadSize(), command, 0, command.length);
        }
    }

    /** I8: the command at an index has one result, on every replica and in every process. */
    static final class SameResults extends Invariant {
        private byte[] @Nullable [] results = new byte[64][];   // by index

        @Override
        void onApplied(ReplicaView replica, long index, byte[] result) {
            if (index >= results.length) {
                results = Arrays.copyOf(results, (int) Math.max(index + 1, 2L * results.length));
            }
            byte[] known = results[(int) index];
            if (known == null) {
                results[(int) index] = result.clone();
            } else if (!Arrays.equals(known, result)) {
                throw broken("%s answers the command at %d by %s, but the answer was %s", replica.id(), index, Arrays.toString(result),
                    Arrays.toString(known));
            }
        }
    }

    /** I8: the state after an index is one, on every replica and in every process. */
    static final class SameState extends Invariant {
        private final NumberedLongs digests = new NumberedLongs();   // by index

        @Override
        void onState(ReplicaView replica, long index, long digest) {
            if (!digests.has(index)) {
                digests.put(index, digest);
            } else if (digests.get(index) != digest) {
                throw broken("the state of %s after %d has the digest %016x, but it was %016x", replica.id(), index, digest,
                    digests.get(index));
            }
        }
    }

    /** I33: the stamps of committed entries never fall. */
    static final class TimeNeverFalls extends Invariant {
        private final GroupHistory history;
        private long timeNanos;

        TimeNeverFalls(GroupHistory history) {
            this.history = history;
        }

        @Override
        void onCommitted(ReplicaView replica, NodeStatus status, EntryId id) {
            Entry entry = history.committedEntry(id.index());
            if (entry == null) {
                return;     // the business of others
            }
            if (entry.timeNanos() < timeNanos) {
                throw broken("%s is stamped %d, and an entry before it %d", entry, entry.timeNanos(), timeNanos);
            }
            timeNanos = entry.timeNanos();
        }
    }

    /** I33: what a state machine is told is the stamp of the entry before which it is told it. */
    static final class TimeIsTheEntrys extends Invariant {
        private final GroupHistory history;

        TimeIsTheEntrys(GroupHistory history) {
            this.history = history;
        }

        @Override
        void onTime(ReplicaView replica, long index, long timeNanos) {
            Entry entry = history.committedEntry(index);
            if (entry == null || entry.timeNanos() != timeNanos) {
                throw broken("%s is told the time %d before index %d, where %s is committed, stamped %d", replica.id(), timeNanos, index,
                    entry, entry == null ? -1 : entry.timeNanos());
            }
        }
    }

    /** I16: a call stands at one index, however often it was sent on, and whoever applies it. */
    static final class AppliedOnce extends Invariant {
        private final NumberedLongs applied = new NumberedLongs();   // by call

        @Override
        void onCallApplied(ReplicaView replica, long call, long index) {
            if (!applied.has(call)) {
                applied.put(call, index);
            } else if (applied.get(call) != index) {
                throw broken("%s applies call %d at %d, but it was applied at %d", replica.id(), call, index, applied.get(call));
            }
        }
    }
}
