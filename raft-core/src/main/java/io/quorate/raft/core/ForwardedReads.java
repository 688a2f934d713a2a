package io.quorate.raft.core;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads asked of a replica that does not lead, until the leader has told what they must see (thesis 6.4).
 *
 * <p>All that wait share a question to the leader. Those that arrive while it is on its way gather for the next one, for the answer may
 * be older than they are. A question or its answer may be lost, so after a while all are asked for again, under a number that was
 * never used before: an answer to an old question, however late it comes, is good for the reads that were waiting when that was asked,
 * and for no others. Numbers begin with the boot, so that no start mistakes an answer meant for an earlier one for its own.
 *
 * <p>Belongs to the node and not to a role: who waits here does not care who leads, or whether this replica campaigns meanwhile.
 *
 * <p>An answer is remembered: what it said holds all that was acknowledged before its question was asked, which is fresh enough for who
 * does not mind so much staleness.
 */
final class ForwardedReads {

    /** How many reads may wait; further ones are refused as overload. */
    static final int WAITING_MAX = 1 << 16;
    private static final int FORGOTTEN_MAX = 1024;
    private static final int ASKED_MAX = 64;   // with one question in each heartbeat interval: six election timeouts of travelling

    private record Asked(long id, long atNanos, long lastNumber) { }

    private final long intervalNanos;
    private final Map<Long, Long> waiting = new HashMap<>();      // requests, each with the number in which it came
    private final ArrayDeque<Long> order = new ArrayDeque<>();    // the same as they came, and some that are forgotten by now
    private final ArrayDeque<Asked> asked = new ArrayDeque<>();   // of the leader below, in this order
    private @Nullable ReplicaId leader;                           // who was asked last
    private long term;                                            // in which
    private long lastId;
    private long lastNumber;         // of the read that arrived last
    private boolean isConfirmed;     // whether any question was ever answered
    private long confirmedIndex;     // the newest answer
    private long confirmedNanos;     // when its question was asked

    ForwardedReads(RaftConfig config, long boot) {
        intervalNanos = config.heartbeatNanos();
        lastId = (boot & Integer.MAX_VALUE) << Integer.SIZE;
    }

    boolean hasRoom() {
        return waiting.size() < WAITING_MAX;
    }

    /** How many reads wait. */
    int size() {
        return waiting.size();
    }

    void add(long requestId) {
        waiting.put(requestId, ++lastNumber);
        order.addLast(requestId);
    }

    /** Nobody waits for this one's answer any more. */
    void remove(long requestId) {
        waiting.remove(requestId);
        if (order.size() > 2 * waiting.size() + FORGOTTEN_MAX) {
            order.removeIf(each -> !waiting.containsKey(each));
        }
    }

    /**
     * Whether the leader is to be asked now; if so, by {@link #lastId}.
     *
     * @param theLeader of this term, if it is known, and another
     */
    boolean ask(@Nullable ReplicaId theLeader, long theTerm, long nowNanos) {
        if (theTerm != term || theLeader == null || !theLeader.equals(leader)) {
            asked.clear();   // who was asked leads no longer, and will not answer
            leader = theLeader;
            term = theTerm;
        }
        if (leader == null || waiting.isEmpty() || !asked.isEmpty() && !Nanos.reached(nowNanos, asked.peekLast().atNanos + intervalNanos)) {
            return false;
        }
        if (asked.size() == ASKED_MAX) {
            asked.removeFirst();
        }
        asked.addLast(new Asked(++lastId, nowNanos, lastNumber));
        return true;
    }

    /** By what number the leader was asked last. */
    long lastId() {
        return lastId;
    }

    /** The leader has answered this question: takes the reads that it is good for. */
    void takeAnswered(long id, long readIndex, LongConsumer requests) {
        Asked question = find(id);
        if (question == null) {
            return;
        }
        while (asked.peekFirst() != question) {
            asked.removeFirst();   // a later answer says all that an earlier one could
        }
        asked.removeFirst();
        isConfirmed = true;
        confirmedIndex = Math.max(confirmedIndex, readIndex);
        confirmedNanos = question.atNanos;
        take(question.lastNumber, requests);
    }

    /** This replica leads: takes all. */
    void takeAll(LongConsumer requests) {
        asked.clear();
        take(lastNumber, requests);
    }

    /** Whether the leader is to be asked once more if it does not answer. */
    boolean isAwaiting() {
        return !waiting.isEmpty() && !asked.isEmpty();
    }

    /** When; only if so. */
    long deadline() {
        return asked.getLast().atNanos + intervalNanos;
    }

    /** Whether the newest answer holds all that was acknowledged longer ago than this. */
    boolean isFresh(long staleNanosMax, long nowNanos) {
        return isConfirmed && nowNanos - confirmedNanos < staleNanosMax;
    }

    /** What the newest answer said. */
    long confirmedIndex() {
        return confirmedIndex;
    }

    /** When the question was asked that the newest answer answers. */
    long confirmedNanos() {
        return confirmedNanos;
    }

    @Override
    public String toString() {
        return waiting.size() + " reads wait" + (asked.isEmpty() ? "" : ", " + leader + " was asked");
    }

    private void take(long upToNumber, LongConsumer requests) {
        for (Long request = order.peekFirst(); request != null; request = order.peekFirst()) {
            Long number = waiting.get(request);
            if (number != null && number > upToNumber) {
                return;
            }
            order.removeFirst();
            if (number != null) {
                waiting.remove(request);
                requests.accept(request);
            }
        }
    }

    private @Nullable Asked find(long id) {
        for (Asked question : asked) {
            if (question.id == id) {
                return question;
            }
        }
        return null;
    }
}
