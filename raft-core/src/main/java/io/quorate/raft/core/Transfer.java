package io.quorate.raft.core;

import java.util.ArrayDeque;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One hand-over of leadership: to whom, how far it has come, and the proposals that wait for its end (thesis 3.10).
 *
 * <p>While the target lacks much, proposals go on, so that a hopeless transfer costs nobody anything. Once it has nearly everything they
 * are held, or the log would run away from it for ever. When it has everything it is told to campaign; from then on no entry may be added
 * at all, for voters that had one more would refuse the target.
 *
 * <p>Before the target was told, a transfer that takes too long is given up and nothing has happened. Afterwards it cannot be called back:
 * the leader waits a little, and then leaves its office all the same.
 */
final class Transfer {

    private final Event.@Nullable Transfer request;   // null if nobody asked: the leader wants to be rid of its office
    private final boolean isForDisk;                  // because the own disk does not answer: pointless when it does
    private final ReplicaId target;
    private final ArrayDeque<Event.Propose> held = new ArrayDeque<>();
    private long heldBytes;
    private boolean isHolding;
    private boolean isSent;
    private long deadline;

    private Transfer(Event.@Nullable Transfer request, boolean isForDisk, ReplicaId target, long deadline) {
        this.request = request;
        this.isForDisk = isForDisk;
        this.target = target;
        this.deadline = deadline;
    }

    /** Somebody has asked for it; by this time the target must have caught up. */
    static Transfer asked(Event.Transfer request, ReplicaId target, long deadline) {
        return new Transfer(request, false, target, deadline);
    }

    /** The leader wants it. */
    static Transfer wanted(boolean isForDisk, ReplicaId target, long deadline) {
        return new Transfer(null, isForDisk, target, deadline);
    }

    /** Who asked, or null if nobody did. */
    Event.@Nullable Transfer request() {
        return request;
    }

    boolean isForDisk() {
        return isForDisk;
    }

    ReplicaId target() {
        return target;
    }

    /** When its present step must be done. */
    long deadline() {
        return deadline;
    }

    /** Whether proposals wait for the end of the transfer. */
    boolean isHolding() {
        return isHolding;
    }

    /** The target lacks so little that waiting for it is worth while. */
    void beginHolding() {
        isHolding = true;
    }

    /** Whether the target may have been told to campaign. */
    boolean isSent() {
        return isSent;
    }

    /** The target is told to campaign now; by this time somebody must have raised the term. */
    void onSent(long newDeadline) {
        isHolding = true;
        isSent = true;
        deadline = newDeadline;
    }

    void hold(Event.Propose proposal, long bytes) {
        held.addLast(proposal);
        heldBytes += bytes;
    }

    /** How many bytes wait. */
    long heldBytes() {
        return heldBytes;
    }

    /** Hands over what waits, in its order. */
    void takeHeld(Consumer<Event.Propose> proposals) {
        heldBytes = 0;
        for (Event.Propose proposal = held.pollFirst(); proposal != null; proposal = held.pollFirst()) {
            proposals.accept(proposal);
        }
    }

    @Override
    public String toString() {
        return (isSent ? "handed over to " : "handing over to ") + target + (held.isEmpty() ? "" : ", " + held.size() + " proposals wait");
    }
}
