package io.quorate.raft.core;

import java.util.ArrayDeque;
import java.util.function.LongConsumer;

/**
 * The linearizable reads that a leader has yet to confirm (thesis 6.4).
 *
 * <p>A read must not rely on a quorum's answer to anything said before the read arrived. So reads wait for the next round; all that
 * wait share it, and while it is on its way the following ones gather for one more.
 */
final class ReadQueue {

    /** How many reads may wait; further ones are refused as overload. */
    static final int WAITING_MAX = 1 << 16;

    private ArrayDeque<Long> arrived = new ArrayDeque<>();
    private ArrayDeque<Long> asked = new ArrayDeque<>();   // share the round on its way
    private long round;        // the one on its way, if any asked
    private long readIndex;    // the commit index when it began

    boolean hasRoom() {
        return size() < WAITING_MAX;
    }

    /** How many reads wait. */
    int size() {
        return arrived.size() + asked.size();
    }

    void add(long requestId) {
        arrived.addLast(requestId);
    }

    /** Whether reads wait for a round to begin, and none is on its way. */
    boolean wantsRound() {
        return asked.isEmpty() && !arrived.isEmpty();
    }

    /** A round begins now; it answers every read that has arrived. */
    void roundBegins(long newRound, long commitIndex) {
        round = newRound;
        readIndex = commitIndex;
        ArrayDeque<Long> empty = asked;
        asked = arrived;
        arrived = empty;
    }

    /** A quorum has echoed this round: takes the reads that it answers. */
    boolean takeConfirmed(long echoedRound, LongConsumer requests) {
        if (asked.isEmpty() || echoedRound < round) {
            return false;
        }
        drain(asked, requests);
        return true;
    }

    /** The commit index when the last round began: what its reads must see. */
    long readIndex() {
        return readIndex;
    }

    /** Leadership ends: takes all. */
    void takeAll(LongConsumer requests) {
        drain(asked, requests);
        drain(arrived, requests);
    }

    private static void drain(ArrayDeque<Long> queue, LongConsumer requests) {
        for (Long id = queue.pollFirst(); id != null; id = queue.pollFirst()) {
            requests.accept(id);
        }
    }
}
