package io.quorate.raft.testing;

import io.quorate.raft.Command;
import io.quorate.raft.Freshness;
import io.quorate.raft.SessionCommand;
import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.RaftConfig;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What must hold in every group at every moment, whatever goes wrong: the list of all invariants, each of which is told of everything that
 * happens. Their classes stand in {@link ElectionInvariants}, {@link LogInvariants}, {@link CommitInvariants}, {@link
 * MembershipInvariants}, {@link DurabilityInvariants}, {@link ApplyInvariants}, {@link SessionInvariants}, {@link ClientInvariants} and
 * {@link LivenessInvariants}; numbers in their comments are those of {@code docs/invariants.md}. The hooks are those of {@link Invariant}.
 */
final class GroupInvariants {

    /** The hooks that a class answers: those of {@link Invariant} that it overrides. */
    private static final ClassValue<Set<String>> HOOKS = new ClassValue<>() {
        @Override
        protected Set<String> computeValue(Class<?> type) {
            Set<String> names = new HashSet<>();
            for (Class<?> each = type; each != Invariant.class; each = each.getSuperclass()) {
                for (Method method : each.getDeclaredMethods()) {
                    names.add(method.getName());
                }
            }
            return names;
        }
    };

    private final GroupHistory history = new GroupHistory();
    private final Invariant[] all;
    // Those that answer a hook which is called all the time: to ask the others too would be a good part of a run's time.
    private final Invariant[] onDelivered;
    private final Invariant[] onSend;
    private final Invariant[] onWrite;
    private final Invariant[] onDurable;
    private final Invariant[] onTurn;
    private final Invariant[] onCommitted;
    private final Invariant[] onApply;
    private final Invariant[] onApplied;
    private final Invariant[] onSession;
    private final Invariant[] onTime;
    private final Invariant[] onState;
    private final Invariant[] onCall;
    private final Invariant[] onCallApplied;
    private final Invariant[] onDone;
    private final Invariant[] onReadServed;
    private final Invariant[] onFailed;

    /**
     * @param replicas     all of the group, up or not
     * @param config       that of every node
     * @param virtualNanos the time of the run
     * @param excused      names of invariants that the faults of this run may break: they are not asked. {@link Fault#EVERYTHING}: none is
     */
    GroupInvariants(List<? extends ReplicaView> replicas, RaftConfig config, LongSupplier virtualNanos, Set<String> excused) {
        List<Invariant> every = new ArrayList<>();
        every.addAll(LogInvariants.all(history));
        every.addAll(ElectionInvariants.all(history, config));
        every.addAll(CommitInvariants.all(history, replicas));
        every.addAll(MembershipInvariants.all(history));
        every.addAll(DurabilityInvariants.all(replicas));
        every.addAll(ApplyInvariants.all(history));
        every.addAll(SessionInvariants.all());
        every.addAll(ClientInvariants.all(history, replicas, virtualNanos));
        every.addAll(LivenessInvariants.all(replicas, config, virtualNanos));
        boolean isNothingOwed = excused.equals(Fault.EVERYTHING);
        Set<String> unknown = new HashSet<>(isNothingOwed ? Set.of() : excused);
        every.forEach(invariant -> unknown.remove(invariant.name()));
        if (!unknown.isEmpty()) {
            throw new IllegalArgumentException("No invariants have the names " + unknown);
        }
        every.removeIf(invariant -> isNothingOwed || excused.contains(invariant.name()));
        all = every.toArray(new Invariant[0]);
        onDelivered = answering("onDelivered");
        onSend = answering("onSend");
        onWrite = answering("onWrite");
        onDurable = answering("onDurable");
        onTurn = answering("onTurn");
        onCommitted = answering("onCommitted");
        onApply = answering("onApply");
        onApplied = answering("onApplied");
        onSession = answering("onSession");
        onTime = answering("onTime");
        onState = answering("onState");
        onCall = answering("onCall");
        onCallApplied = answering("onCallApplied");
        onDone = answering("onDone");
        onReadServed = answering("onReadServed");
        onFailed = answering("onFailed");
    }

    private Invariant[] answering(String hook) {
        List<Invariant> answering = new ArrayList<>();
        for (Invariant invariant : all) {
            if (HOOKS.get(invariant.getClass()).contains(hook)) {
                answering.add(invariant);
            }
        }
        if (answering.isEmpty() && all.length > 0) {
            throw new IllegalStateException("No invariant answers " + hook);
        }
        return answering.toArray(new Invariant[0]);
    }

    /** Those to ask; for tests that plant violations. */
    List<Invariant> all() {
        return List.of(all);
    }

    /** Up to where anybody knows entries to be committed. */
    long committedIndex() {
        return history.committedIndex();
    }

    /** What is known to be committed at this index; null if nothing is. */
    @Nullable EntryId committedAt(long index) {
        return index >= 1 && index <= history.committedIndex() ? history.committedAt(index) : null;
    }

    /** The last membership that anybody knows to be committed; null if that is still the founding one. */
    @Nullable Membership committedMembership() {
        for (long index = history.committedIndex(); index > 0; index--) {
            Entry entry = history.committedEntry(index);
            if (entry != null && entry.kind() == Entry.Kind.MEMBERSHIP) {
                return Membership.of(entry);
            }
        }
        return null;
    }

    /** Whether these replicas have one leader and the same log, all of it committed and applied. */
    boolean agree(List<? extends ReplicaView> core) {
        return LivenessInvariants.agree(core);
    }

    // ---- each hook, as in Invariant

    void onTurn(ReplicaView replica) {
        NodeStatus status = replica.status();
        while (history.committedIndex() < status.commitIndex()) {
            EntryId entry = replica.logAt(history.committedIndex() + 1);
            history.commits(entry, status.term());
            for (Invariant invariant : onCommitted) {
                invariant.onCommitted(replica, status, entry);
            }
        }
        for (Invariant invariant : onTurn) {
            invariant.onTurn(replica, status);
        }
    }

    void onStarted(ReplicaView replica) {
        for (Invariant invariant : all) {
            invariant.onStarted(replica);
        }
    }

    void onCrashed(ReplicaView replica) {
        for (Invariant invariant : all) {
            invariant.onCrashed(replica);
        }
    }

    void onPaused(ReplicaView replica) {
        for (Invariant invariant : all) {
            invariant.onPaused(replica);
        }
    }

    void onResumed(ReplicaView replica) {
        for (Invariant invariant : all) {
            invariant.onResumed(replica);
        }
    }

    void onStorageFailed(ReplicaView replica) {
        for (Invariant invariant : all) {
            invariant.onStorageFailed(replica);
        }
    }

    void onStopped(ReplicaView replica, @Nullable Throwable cause) {
        for (Invariant invariant : all) {
            invariant.onStopped(replica, cause);
        }
    }

    void onDelivered(ReplicaView replica, Message message) {
        for (Invariant invariant : onDelivered) {
            invariant.onDelivered(replica, message);
        }
    }

    void onForeign(ReplicaView replica, Message message, Object before, Object after) {
        for (Invariant invariant : all) {
            invariant.onForeign(replica, message, before, after);
        }
    }

    void onSend(ReplicaView replica, Message message) {
        for (Invariant invariant : onSend) {
            invariant.onSend(replica, message);
        }
    }

    void onWrite(ReplicaView replica, Storage.Write write) {
        for (Invariant invariant : onWrite) {
            invariant.onWrite(replica, write);
        }
    }

    void onFetched(ReplicaView replica, EntryId last) {
        for (Invariant invariant : all) {
            invariant.onFetched(replica, last);
        }
    }

    void onReplaced(ReplicaView replica, Storage.Write write) {
        for (Invariant invariant : all) {
            invariant.onReplaced(replica, write);
        }
    }

    void onDurable(ReplicaView replica, long writeId) {
        for (Invariant invariant : onDurable) {
            invariant.onDurable(replica, writeId);
        }
    }

    void onApply(ReplicaView replica, long index, byte[] command) {
        for (Invariant invariant : onApply) {
            invariant.onApply(replica, index, command);
        }
    }

    void onApplied(ReplicaView replica, long index, byte[] result) {
        for (Invariant invariant : onApplied) {
            invariant.onApplied(replica, index, result);
        }
    }

    void onSession(ReplicaView replica, Command command, SessionCommand said, boolean hasTakenEffect, byte[] result) {
        for (Invariant invariant : onSession) {
            invariant.onSession(replica, command, said, hasTakenEffect, result);
        }
    }

    void onTime(ReplicaView replica, long index, long timeNanos) {
        for (Invariant invariant : onTime) {
            invariant.onTime(replica, index, timeNanos);
        }
    }

    void onState(ReplicaView replica, long index, long digest) {
        for (Invariant invariant : onState) {
            invariant.onState(replica, index, digest);
        }
    }

    void onRestored(ReplicaView replica, long index) {
        for (Invariant invariant : all) {
            invariant.onRestored(replica, index);
        }
    }

    void onProposed(ReplicaView replica, int bytes) {
        for (Invariant invariant : all) {
            invariant.onProposed(replica, bytes);
        }
    }

    void onCall(ReplicaView replica, long call, @Nullable Freshness freshness, long withinNanos) {
        for (Invariant invariant : onCall) {
            invariant.onCall(replica, call, freshness, withinNanos);
        }
    }

    void onCallApplied(ReplicaView replica, long call, long index) {
        for (Invariant invariant : onCallApplied) {
            invariant.onCallApplied(replica, call, index);
        }
    }

    void onDone(long call, long index) {
        for (Invariant invariant : onDone) {
            invariant.onDone(call, index);
        }
    }

    void onReadServed(long call, long index, long commandIndex) {
        for (Invariant invariant : onReadServed) {
            invariant.onReadServed(call, index, commandIndex);
        }
    }

    void onFailed(long call, boolean isForCertain) {
        for (Invariant invariant : onFailed) {
            invariant.onFailed(call, isForCertain);
        }
    }

    void onFault() {
        for (Invariant invariant : all) {
            invariant.onFault();
        }
    }

    void onQuorumHealthy() {
        for (Invariant invariant : all) {
            invariant.onQuorumHealthy();
        }
    }

    void onFaultFree() {
        for (Invariant invariant : all) {
            invariant.onFaultFree();
        }
    }

    void onIdle() {
        for (Invariant invariant : all) {
            invariant.onIdle();
        }
    }

    void onBusy() {
        for (Invariant invariant : all) {
            invariant.onBusy();
        }
    }

    void onHeal(List<? extends ReplicaView> core, boolean hasClients) {
        for (Invariant invariant : all) {
            invariant.onHeal(core, hasClients);
        }
    }

    void onHealed(List<? extends ReplicaView> core) {
        for (Invariant invariant : all) {
            invariant.onHealed(core);
        }
    }

    void onEnd() {
        for (Invariant invariant : all) {
            invariant.onEnd();
        }
    }
}
