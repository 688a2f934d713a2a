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

    private final ReplicaId own;
    private Quorum quorum;
    private long[] echoed;            // by position: the newest round each member has echoed
    private long[] heldNanos;         // by position: for how long each said with that echo that it holds its vote
    private int self;                 // own position, or -1: a leader outside the membership does not count itself
    private final ArrayDeque<Begun> begun = new ArrayDeque<>();   // those that no quorum has echoed yet
    private long newest;
    private long confirmed;           // the newest that a quorum has echoed
    private long confirmedNanos;      // when that one began

    Rounds(Quorum quorum, ReplicaId self, long nowNanos) {
        own = self;
        this.quorum = quorum;
        this.self = quorum.position(self);
        echoed = new long[quorum.size()];
        heldNanos = new long[quorum.size()];
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

    /** The newest round that the member at this position has echoed; 0 if none, and of who is no member. */
    long echoed(int position) {
        return position < echoed.length ? echoed[position] : 0;
    }

    /** The membership has changed: who stays has echoed what it has echoed, and from now on the next quorum confirms. */
    void enter(Quorum next) {
        int[] before = next.positionsIn(quorum);
        long[] wasEchoed = echoed;
        long[] wasHeld = heldNanos;
        quorum = next;
        self = next.position(own);
        echoed = new long[before.length];
        heldNanos = new long[before.length];
        for (int i = 0; i < before.length; i++) {
            echoed[i] = before[i] >= 0 ? wasEchoed[before[i]] : 0;
            heldNanos[i] = before[i] >= 0 ? wasHeld[before[i]] : 0;
        }
        confirm();
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

    /** The same from who does not say whether it holds its vote. */
    void onEcho(int position, long round) {
        onEcho(position, round, 0);
    }

    /**
     * The replica at this position has echoed this round; who is no member confirms nothing by it.
     *
     * @param holds for how long it says that it holds its vote, from when it said so
     */
    void onEcho(int position, long round, long holds) {
        if (position >= echoed.length || round > newest) {
            return;
        }
        if (round > echoed[position]) {
            heldNanos[position] = holds;
            echoed[position] = round;
            confirm();
        } else if (round == echoed[position]) {
            heldNanos[position] = Math.max(heldNanos[position], holds);   // each was true, from the begin of that round on
        }
    }

    /**
     * For how long, from the begin of the newest round that a quorum has echoed, a quorum holds its votes. Only what was said with an
     * echo of that round or a later one is known to last so long. Who leads does not vote.
     */
    long heldNanos() {
        long[] held = new long[echoed.length];
        for (int i = 0; i < held.length; i++) {
            held[i] = i == self ? Long.MAX_VALUE : echoed[i] >= confirmed ? heldNanos[i] : 0;
        }
        return quorum.reached(held);
    }

    private void confirm() {
        confirmed = Math.max(confirmed, quorum.reached(echoed));   // what one quorum has confirmed, a later one does not take back
        while (!begun.isEmpty() && begun.peekFirst().round <= confirmed) {
            confirmedNanos = begun.removeFirst().atNanos;
        }
    }
}
