package io.quorate.raft.testing;

import io.quorate.raft.Freshness;
import io.quorate.raft.core.NodeStatus;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** What must hold of what clients are told. Whether all of it fits one order is for the linearizability checker to say. */
final class ClientInvariants {

    private ClientInvariants() { }

    static List<Invariant> all(GroupHistory history, List<? extends ReplicaView> replicas, LongSupplier virtualNanos) {
        return List.of(new EveryCallCompletesOnce(), new EveryCallCompletesInTime(virtualNanos), new DoneMeansApplied(),
            new FailedMeansNeverApplied(), new ReadsAreFresh(), new StaleReadsAreBounded(replicas), new ReadsNeverGoBack(),
            new ReadsTellTheirState(history), new NothingAcknowledgedIsLost(history));
    }

    /** I25: a call completes once, while its process lives, and none is left over. */
    static final class EveryCallCompletesOnce extends Invariant {

        private static final class Process {
            private final Set<Long> calls = new HashSet<>();   // those that are open
        }

        private final PerReplica<Process> processes = new PerReplica<>(Process::new);
        private final Map<Long, Process> open = new HashMap<>();   // where each open call is

        @Override
        void onCall(ReplicaView replica, long call, @Nullable Freshness freshness, long withinNanos) {
            Process process = processes.of(replica);
            process.calls.add(call);
            if (open.put(call, process) != null) {
                throw broken("call %d is made twice", call);
            }
        }

        @Override
        void onDone(long call, long index) {
            complete(call, "done");
        }

        @Override
        void onReadServed(long call, long index, long commandIndex) {
            complete(call, "served");
        }

        @Override
        void onFailed(long call, boolean isForCertain) {
            complete(call, "failed");
        }

        @Override
        void onCrashed(ReplicaView replica) {
            Process process = processes.of(replica);
            process.calls.forEach(open::remove);
            process.calls.clear();
        }

        @Override
        void onHealed(List<? extends ReplicaView> core) {
            if (!open.isEmpty()) {
                throw broken("calls %s are still open", open.keySet());
            }
        }

        private void complete(long call, String how) {
            Process process = open.remove(call);
            if (process == null) {
                throw broken("call %d has %s, but was never made, has completed before, or its process has died", call, how);
            }
            process.calls.remove(call);
        }
    }

    /** I25: a call completes within the time that was promised; what its process stood still is not counted. */
    static final class EveryCallCompletesInTime extends Invariant {

        private static final class Process {
            private boolean isPaused;
            private long pausedAt;
            private long pausedNanos;                                     // in all earlier pauses
            private final ArrayDeque<Open> calls = new ArrayDeque<>();    // as they came; completed ones leave from the front
        }

        private static final class Open {
            private final long call;
            private final Process process;
            private final long sinceNanos;
            private final long withinNanos;
            private boolean isCompleted;

            private Open(long call, Process process, long sinceNanos, long withinNanos) {
                this.call = call;
                this.process = process;
                this.sinceNanos = sinceNanos;
                this.withinNanos = withinNanos;
            }
        }

        private final LongSupplier virtualNanos;
        private final PerReplica<Process> processes = new PerReplica<>(Process::new);
        private final Map<Long, Open> open = new HashMap<>();

        EveryCallCompletesInTime(LongSupplier virtualNanos) {
            this.virtualNanos = virtualNanos;
        }

        @Override
        void onStarted(ReplicaView replica) {
            processes.renew(replica);
        }

        @Override
        void onCrashed(ReplicaView replica) {
            for (Open left : processes.of(replica).calls) {
                open.remove(left.call);
            }
            processes.renew(replica);
        }

        @Override
        void onPaused(ReplicaView replica) {
            Process process = processes.of(replica);
            if (!process.isPaused) {
                process.isPaused = true;
                process.pausedAt = virtualNanos.getAsLong();
            }
        }

        @Override
        void onResumed(ReplicaView replica) {
            Process process = processes.of(replica);
            if (process.isPaused) {
                process.isPaused = false;
                process.pausedNanos += virtualNanos.getAsLong() - process.pausedAt;
            }
        }

        @Override
        void onCall(ReplicaView replica, long call, @Nullable Freshness freshness, long withinNanos) {
            Process process = processes.of(replica);
            Open made = new Open(call, process, runningNanos(process), withinNanos);
            process.calls.addLast(made);
            open.put(call, made);
        }

        @Override
        void onDone(long call, long index) {
            complete(call);
        }

        @Override
        void onReadServed(long call, long index, long commandIndex) {
            complete(call);
        }

        @Override
        void onFailed(long call, boolean isForCertain) {
            complete(call);
        }

        /** Looks at the oldest call: any other is looked at when it is the oldest, or completes. */
        @Override
        void onTurn(ReplicaView replica, NodeStatus status) {
            Process process = processes.of(replica);
            while (!process.calls.isEmpty() && process.calls.peekFirst().isCompleted) {
                process.calls.removeFirst();
            }
            Open oldest = process.calls.peekFirst();
            if (oldest != null) {
                check(oldest);
            }
        }

        private void complete(long call) {
            Open completed = open.remove(call);
            if (completed != null) {
                check(completed);
                completed.isCompleted = true;
            }
        }

        private void check(Open of) {
            long nanos = runningNanos(of.process) - of.sinceNanos;
            if (nanos > of.withinNanos) {
                throw broken("call %d takes %d ns, but may take %d", of.call, nanos, of.withinNanos);
            }
        }

        /** The virtual time without the process's pauses. */
        private long runningNanos(Process process) {
            return (process.isPaused ? process.pausedAt : virtualNanos.getAsLong()) - process.pausedNanos;
        }
    }

    /** I24, I25: who is told that his command is done at an index finds it there. */
    static final class DoneMeansApplied extends Invariant {
        private final NumberedLongs applied = new NumberedLongs();   // by call

        @Override
        void onCallApplied(ReplicaView replica, long call, long index) {
            if (!applied.has(call)) {
                applied.put(call, index);
            }
        }

        @Override
        void onDone(long call, long index) {
            if (!applied.has(call)) {
                throw broken("call %d is done at %d, but was not applied", call, index);
            }
            if (applied.get(call) != index) {
                throw broken("call %d is done at %d, but was applied at %d", call, index, applied.get(call));
            }
        }
    }

    /** I25: who is told that nothing happened, and nothing will, can rely on it. */
    static final class FailedMeansNeverApplied extends Invariant {
        private final NumberedLongs applied = new NumberedLongs();   // by call: where
        private final NumberedLongs failed = new NumberedLongs();    // by call: 1 if it has

        @Override
        void onCallApplied(ReplicaView replica, long call, long index) {
            applied.put(call, index);
            if (failed.has(call)) {
                throw broken("%s applies call %d at %d, but it has failed for certain", replica.id(), call, index);
            }
        }

        @Override
        void onFailed(long call, boolean isForCertain) {
            if (isForCertain) {
                failed.put(call, 1);
                if (applied.has(call)) {
                    throw broken("call %d failed for certain, but was applied", call);
                }
            }
        }
    }

    /** I22: a read that asks for no less shows everything that any client had been told before it began. */
    static final class ReadsAreFresh extends Invariant {
        private final NumberedLongs floors = new NumberedLongs();   // by read: what had been told before it began
        private long toldIndex;

        @Override
        void onCall(ReplicaView replica, long call, @Nullable Freshness freshness, long withinNanos) {
            if (freshness != null) {
                floors.put(call, isFresh(freshness.mode()) ? toldIndex : 0);
            }
        }

        @Override
        void onDone(long call, long index) {
            toldIndex = Math.max(toldIndex, index);
        }

        @Override
        void onReadServed(long call, long index, long commandIndex) {
            if (!floors.has(call)) {
                throw broken("read %d is answered, but was never asked", call);
            }
            if (index < floors.get(call)) {
                throw broken("read %d is answered from %d, but %d was told before it began", call, index, floors.get(call));
            }
            toldIndex = Math.max(toldIndex, index);
        }

        private static boolean isFresh(Freshness.Mode mode) {
            return mode == Freshness.Mode.LINEARIZABLE || mode == Freshness.Mode.LEASE;
        }
    }

    /**
     * I22: a read that may be so stale shows everything that any client had been told longer ago than this, by the clock of the replica
     * that it asked. A clock that leaps back is none to reckon by: what it repeats is not counted, and of reads that are open then nothing
     * is expected.
     */
    static final class StaleReadsAreBounded extends Invariant {

        private static final class Replica {
            private final TreeMap<Long, Long> told = new TreeMap<>();   // at which of its clock's times: up to which index
            private int leaps;
        }

        private record Asked(ReplicaView replica, int leaps, long floor, long staleNanosMax) { }

        private final List<? extends ReplicaView> all;
        private final PerReplica<Replica> replicas = new PerReplica<>(Replica::new);
        private final Map<Long, Asked> open = new HashMap<>();
        private long toldIndex;

        StaleReadsAreBounded(List<? extends ReplicaView> all) {
            this.all = all;
        }

        @Override
        void onCall(ReplicaView replica, long call, @Nullable Freshness freshness, long withinNanos) {
            if (freshness != null && freshness.mode() == Freshness.Mode.AT_MOST) {
                SimulatedClock.Steady now = replica.steadyClock();
                Map.Entry<Long, Long> before = toldTo(replica, now).lowerEntry(now.nanos() - freshness.staleNanosMax());
                open.put(call, new Asked(replica, now.leaps(), before == null ? 0 : before.getValue(), freshness.staleNanosMax()));
            }
        }

        @Override
        void onDone(long call, long index) {
            tell(index);
        }

        @Override
        void onReadServed(long call, long index, long commandIndex) {
            Asked asked = open.remove(call);
            if (asked != null && index < asked.floor && asked.leaps == asked.replica.steadyClock().leaps()) {
                throw broken("read %d at %s is answered from %d, but %d was told more than %d ns before it began", call, asked.replica.id(),
                    index, asked.floor, asked.staleNanosMax);
            }
            tell(index);
        }

        @Override
        void onFailed(long call, boolean isForCertain) {
            open.remove(call);
        }

        private void tell(long index) {
            if (index <= toldIndex) {
                return;
            }
            toldIndex = index;
            for (ReplicaView replica : all) {
                SimulatedClock.Steady now = replica.steadyClock();
                toldTo(replica, now).put(Math.max(0, now.nanos()), index);
            }
        }

        private TreeMap<Long, Long> toldTo(ReplicaView replica, SimulatedClock.Steady now) {
            Replica of = replicas.of(replica);
            if (of.leaps != now.leaps()) {
                of.leaps = now.leaps();
                of.told.clear();
                of.told.put(0L, toldIndex);     // all of it was told before the clock could be reckoned by again
            }
            return of.told;
        }
    }

    /** I26: who says up to where he has seen is shown no less, whichever replica he asks, and however little fresh the answer need be. */
    static final class ReadsNeverGoBack extends Invariant {
        private final NumberedLongs seen = new NumberedLongs();   // by read

        @Override
        void onCall(ReplicaView replica, long call, @Nullable Freshness freshness, long withinNanos) {
            if (freshness != null) {
                seen.put(call, freshness.minIndex());
            }
        }

        @Override
        void onReadServed(long call, long index, long commandIndex) {
            if (seen.has(call) && index < seen.get(call)) {
                throw broken("read %d is answered from %d, but who asks has seen %d", call, index, seen.get(call));
            }
        }
    }

    /** Each answer, also one that nobody was asked for, is of a state that the group has reached, and says of which. */
    static final class ReadsTellTheirState extends Invariant {
        private final GroupHistory history;
        private final BitSet commands = new BitSet();   // indexes at which anybody has applied one

        ReadsTellTheirState(GroupHistory history) {
            this.history = history;
        }

        @Override
        void onApply(ReplicaView replica, long index, byte[] command) {
            commands.set((int) index);
        }

        @Override
        void onReadServed(long call, long index, long commandIndex) {
            if (index > history.committedIndex()) {
                throw broken("read %d is answered from %d, but %d is committed", call, index, history.committedIndex());
            }
            int next = commands.nextSetBit((int) commandIndex + 1);
            if (commandIndex > index || next >= 0 && next <= index) {
                throw broken("read %d is answered from %d, but by a state whose last command is %d, of commands at %s", call, index,
                    commandIndex, commands);
            }
        }
    }

    /** I24: what any client was told stands on every disk of the healed quorum, and is applied there. */
    static final class NothingAcknowledgedIsLost extends Invariant {
        private final GroupHistory history;
        private long toldIndex;

        NothingAcknowledgedIsLost(GroupHistory history) {
            this.history = history;
        }

        @Override
        void onDone(long call, long index) {
            toldIndex = Math.max(toldIndex, index);
        }

        @Override
        void onReadServed(long call, long index, long commandIndex) {
            toldIndex = Math.max(toldIndex, index);
        }

        @Override
        void onHealed(List<? extends ReplicaView> core) {
            if (toldIndex > history.committedIndex()) {
                throw broken("clients were told of %d, but %d is committed", toldIndex, history.committedIndex());
            }
            for (ReplicaView replica : core) {
                if (replica.appliedIndex() < toldIndex) {
                    throw broken("%s has applied %d, but clients were told of %d", replica.id(), replica.appliedIndex(), toldIndex);
                }
                for (long index = 1; index <= toldIndex; index++) {
                    if (!replica.diskContains(history.committedAt(index))) {
                        throw broken("the disk of %s does not have %s, of which clients were told", replica.id(),
                            history.committedAt(index));
                    }
                }
            }
        }
    }
}
