package io.quorate.raft.testing;

import io.quorate.raft.Command;
import io.quorate.raft.Freshness;
import io.quorate.raft.SessionCommand;
import io.quorate.raft.Storage;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.NodeStatus;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One thing that must hold. The methods tell what has happened, each as soon as it has; an invariant overrides those it needs, remembers
 * what it needs, and throws when what it is told cannot be.
 *
 * <p>All of them are told of everything in runs of thousands of seeds, so each answers in constant time, on average over a run.
 */
abstract class Invariant {

    // ---- processes

    /** A process has started on the replica's disk: founded or blank, before its first turn. */
    void onStarted(ReplicaView replica) { }

    /** The process is gone, at whatever point; its open calls will not be heard of again. Told before the disk is replaced, if it is. */
    void onCrashed(ReplicaView replica) { }

    /** The process stands still from now on: SIGSTOP, a garbage collection, or a clock that does not move. */
    void onPaused(ReplicaView replica) { }

    /** It goes on. */
    void onResumed(ReplicaView replica) { }

    /** The replica's storage has failed its process. */
    void onStorageFailed(ReplicaView replica) { }

    /** The server has stopped itself and says why; a status asked for from now on would say so. Null: for no stated reason. */
    void onStopped(ReplicaView replica, @Nullable Throwable cause) { }

    // ---- the node

    /** A message has arrived; a later turn digests it. Meant for this very incarnation. */
    void onDelivered(ReplicaView replica, Message message) { }

    /**
     * The node was stepped with a message that is none of its business: meant for another incarnation, or from another group.
     *
     * @param before all of the node's state, as something that can be compared
     * @param after  likewise
     */
    void onForeign(ReplicaView replica, Message message, Object before, Object after) { }

    /** The node sends a message. */
    void onSend(ReplicaView replica, Message message) { }

    /** The node has asked for a write, which the disk has not begun. Told before {@code onTurn} of the turn that asked. */
    void onWrite(ReplicaView replica, Storage.Write write) { }

    /** Whether a write installs a snapshot of which the log holds all, and more, which stays. To be asked in {@link #onWrite}. */
    static boolean isUnderLog(ReplicaView replica, Storage.Write write) {
        return write.install() != null && replica.status().lastIndex() > write.install().index();
    }

    /** A snapshot up to this entry has come from another replica, whole. */
    void onFetched(ReplicaView replica, EntryId last) { }

    /** Before its node began, this was written to a log with damage: a cut, or an installation. It starts when that is whole. */
    void onReplaced(ReplicaView replica, Storage.Write write) { }

    /** The disk holds this write and all before it, whether the process has been told, or lives. Told again after each such change. */
    void onDurable(ReplicaView replica, long writeId) { }

    /** The node has digested a batch, and everything it asked for was done. Only of a founded replica. */
    void onTurn(ReplicaView replica, NodeStatus status) { }

    /** For the first time a replica knows this entry to be committed. Indexes come in order, none left out; before {@code onTurn}. */
    void onCommitted(ReplicaView replica, NodeStatus status, EntryId entry) { }

    // ---- the state machine

    /** The replica's state machine is about to be given a command. */
    void onApply(ReplicaView replica, long index, byte[] command) { }

    /** It has answered. */
    void onApplied(ReplicaView replica, long index, byte[] result) { }

    /**
     * It has answered a command of sessions.
     *
     * @param said           what it was commanded
     * @param hasTakenEffect whether the user's machine was asked
     * @param result         the answer, encoded
     */
    void onSession(ReplicaView replica, Command command, SessionCommand said, boolean hasTakenEffect, byte[] result) { }

    /** It is about to be told this replicated time, before the entry at this index. */
    void onTime(ReplicaView replica, long index, long timeNanos) { }

    /** Its whole state after this index has this digest. */
    void onState(ReplicaView replica, long index, long digest) { }

    /** Its state was replaced by one that holds the commands up to this index; 0 if it holds none. */
    void onRestored(ReplicaView replica, long index) { }

    // ---- clients, whose calls are numbered from 1 on, one after the other

    /**
     * A client calls a replica: it proposes, or reads.
     *
     * @param freshness   how fresh a read's answer must be; null for a proposal
     * @param withinNanos in virtual time and while the process runs, how long the call may take at most
     */
    void onCall(ReplicaView replica, long call, @Nullable Freshness freshness, long withinNanos) { }

    /** With that call, a command of so many bytes. */
    void onProposed(ReplicaView replica, int bytes) { }

    /** The command of this call is applied at this index, at this replica. */
    void onCallApplied(ReplicaView replica, long call, long index) { }

    /** The caller was told that its command is done, at this index. */
    void onDone(long call, long index) { }

    /**
     * The caller was answered, and told that it was from the state after this index.
     *
     * @param commandIndex the last command in the state that gave the answer; 0 if there was none
     */
    void onReadServed(long call, long index, long commandIndex) { }

    /** The caller was told that it failed: for certain, or perhaps. Also of a call that is refused at once. */
    void onFailed(long call, boolean isForCertain) { }

    // ---- the course of a run

    /** A fault begins. Needs to be told only where {@link #onQuorumHealthy} was. */
    void onFault() { }

    /** From now on a quorum of replicas works and hears each other, and a leader is among them; faults hit others, or a leader alone. */
    void onQuorumHealthy() { }

    /** From now on there are no faults at all, and a leader is in office. */
    void onFaultFree() { }

    /** There is nothing to do: all is applied everywhere, no call is open, and until {@link #onBusy} no client calls. */
    void onIdle() { }

    /** Clients call again. */
    void onBusy() { }

    /**
     * From now on these replicas, a quorum, work without faults; the others are gone.
     *
     * @param hasClients whether new writes and reads will come; the quorum has to agree without them too
     */
    void onHeal(List<? extends ReplicaView> core, boolean hasClients) { }

    /** The healed quorum agrees, and no call is open. */
    void onHealed(List<? extends ReplicaView> core) { }

    /** The run ends here. */
    void onEnd() { }

    /** As in {@code docs/invariants.md} and in what {@link #broken} says. */
    final String name() {
        return getClass().getSimpleName();
    }

    /** What to throw: in a line of its own behind an {@code if}, so that a check that holds costs no formatting. */
    final InvariantBroken broken(String seen, @Nullable Object... values) {
        return new InvariantBroken(name(), String.format(seen, values));
    }
}
