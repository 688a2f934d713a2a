package io.quorate.raft.core;

import java.util.ArrayList;
import java.util.List;

/**
 * Who said no when this node last campaigned, and why: what an operator wants to know when nobody leads.
 *
 * <p>The answers to an attempt come one by one, so those to the one before are kept until the first has come. Once a leader is known, they
 * are of no interest any more.
 */
final class Denials {

    private List<NodeStatus.Denied> heard = List.of();
    private boolean isOfPreviousAttempt;

    /** A new attempt begins. */
    void onAttempt() {
        isOfPreviousAttempt = true;
    }

    /** This voter answered the present attempt so. */
    void onDenied(ReplicaId voter, Message.Denial why) {
        List<NodeStatus.Denied> next = isOfPreviousAttempt ? new ArrayList<>() : new ArrayList<>(heard);
        isOfPreviousAttempt = false;
        next.removeIf(denied -> denied.voter().equals(voter));
        next.add(new NodeStatus.Denied(voter, why));
        heard = List.copyOf(next);
    }

    /** Somebody leads. */
    void clear() {
        heard = List.of();
    }

    List<NodeStatus.Denied> list() {
        return heard;
    }
}
