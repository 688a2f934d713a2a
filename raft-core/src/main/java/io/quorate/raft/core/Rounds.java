package io.quorate.raft.core;

import java.util.ArrayDeque;

/**
 * The rounds of one leader, and how much a quorum has confirmed of them.
 *
 * <p>Every append carries the newest round and every answer echoes it. Whoever echoes a round has followed this leader at some moment
 * after the round <em>began</em>; so reads, leases and check-quorum all count from the begin, never from the answer.
 */
final class Rounds {

    private record Begun(long round, long atNanos) { }

    private final Quorum quorum;
    private final long[] echoed;      // by position: the newest round each member has echoed
    private final int self;           // own position, or -1: a leader outside the membership does not count itself
    private final ArrayDeque<Begun> begun = new ArrayDeque<>();   // those that no quorum has echoed yet
    private long newest;
    private long confirmed;           // the newest that a quorum has echoed
    private long confirmedNanos;      // when that one began

    Rounds(Quorum quorum, ReplicaId self, long nowNanos) {
        this.quorum = quorum;
        this.self = quorum.position(self);
        echoed = new long[quorum.size()];
        confirmedNanos = nowNanos;
    }

    long newest() {
        return newest;
    }

    /** The newest round that a quorum has echoed. */
    long confirmed() {
        return confirmed;
    }

    /** When the newest round that a quorum has echoed began; before any, when leadership did. */
    long confirmedNanos() {
        return confirmedNanos;
    }

    long begin(long nowNanos) {
        newest++;
        begun.addLast(new Begun(newest, nowNanos));
        if (self >= 0) {
            echoed[self] = newest;
            confirm();
        }
        return newest;
    }

    /** The member at this position has echoed this round. */
    void onEcho(int position, long round) {
        if (round > echoed[position] && round <= newest) {
            echoed[position] = round;
            confirm();
        }
    }

    private void confirm() {
        confirmed = quorum.reached(echoed);
        while (!begun.isEmpty() && begun.peekFirst().round <= confirmed) {
            confirmedNanos = begun.removeFirst().atNanos;
        }
    }
}
