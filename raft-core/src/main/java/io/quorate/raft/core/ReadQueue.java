package io.quorate.raft.core;

import java.util.ArrayDeque;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

/**
 * The linearizable reads that a leader has yet to confirm (thesis 6.4).
 *
 * <p>A read must not rely on a quorum's answer to anything said before the read arrived. So reads wait for the next round; all that
 * wait share it, and while it is on its way the following ones gather for one more. Other replicas' questions wait along with them.
 */
final class ReadQueue {

    /** How many reads may wait; further ones are refused as overload. */
    static final int WAITING_MAX = 1 << 16;

    /** A question of another replica, on behalf of all reads that wait there. */
    record Question(ReplicaId asker, long id) { }

    private ArrayDeque<Long> arrived = new ArrayDeque<>();
    private ArrayDeque<Long> asked = new ArrayDeque<>();   // share the round on its way
    private ArrayDeque<Question> arrivedQuestions = new ArrayDeque<>();
    private ArrayDeque<Question> askedQuestions = new ArrayDeque<>();
    private long round;        // the one on its way, if any asked
    private long readIndex;    // the commit index when it began

    boolean hasRoom() {
        return size() < WAITING_MAX;
    }

    /** How many reads wait. Others' questions are not counted: there are never more than two of each member. */
    int size() {
        return arrived.size() + asked.size();
    }

    void add(long requestId) {
        arrived.addLast(requestId);
    }

    /** Another replica asks. Its newer question serves all that the one before was asked for, and takes its place. */
    void add(Question question) {
        arrivedQuestions.removeIf(older -> older.asker.equals(question.asker));
        arrivedQuestions.addLast(question);
    }

    /** Whether reads wait for a round to begin, and none is on its way. */
    boolean wantsRound() {
        return !isUnderWay() && !(arrived.isEmpty() && arrivedQuestions.isEmpty());
    }

    /** A round begins now; it answers every read that has arrived. */
    void roundBegins(long newRound, long commitIndex) {
        round = newRound;
        readIndex = commitIndex;
        ArrayDeque<Long> empty = asked;
        asked = arrived;
        arrived = empty;
        ArrayDeque<Question> emptyQuestions = askedQuestions;
        askedQuestions = arrivedQuestions;
        arrivedQuestions = emptyQuestions;
    }

    /** A quorum has echoed this round: takes the reads that it answers, and the questions. */
    void takeConfirmed(long echoedRound, LongConsumer requests, Consumer<Question> questions) {
        if (!isUnderWay() || echoedRound < round) {
            return;
        }
        drain(asked, requests);
        while (!askedQuestions.isEmpty()) {
            questions.accept(askedQuestions.removeFirst());
        }
    }

    /** The commit index when the last round began: what its reads must see. */
    long readIndex() {
        return readIndex;
    }

    /** Leadership ends: takes all reads. Who has asked for others will ask again, whoever leads then. */
    void takeAll(LongConsumer requests) {
        drain(asked, requests);
        drain(arrived, requests);
    }

    private boolean isUnderWay() {
        return !(asked.isEmpty() && askedQuestions.isEmpty());
    }

    private static void drain(ArrayDeque<Long> queue, LongConsumer requests) {
        for (Long id = queue.pollFirst(); id != null; id = queue.pollFirst()) {
            requests.accept(id);
        }
    }
}
