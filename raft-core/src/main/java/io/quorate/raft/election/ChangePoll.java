package io.quorate.raft.election;

import io.quorate.raft.Answer;
import io.quorate.raft.Freshness;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks a group for changes, again and again, and hands each on once and in order, whichever replicas answer.
 *
 * <p>A question waits at the replica until that has applied something more than the last answer held, so a change is told as soon as it is
 * there, and an idle group is asked seldom. That no change is lost or told twice rests on the index alone: all replicas have the same
 * changes at the same indexes, an answer says up to where it is complete, and the next question goes on from there. In a group that was
 * recovered the same indexes may stand for something else, so after that one begins anew.
 *
 * <p>It is used, and uses its sink, on one strand. When something was handed on, it waits until it is told to {@link #resume}.
 */
final class ChangePoll {

    /** Between one question and the next: how late a change may be told, and how often a busy group is asked at most. */
    static final long PAUSE_NANOS = Duration.ofMillis(20).toNanos();

    /** For how long a question waits at a replica. */
    static final Duration WAIT = Duration.ofSeconds(2);

    private static final Logger LOG = LoggerFactory.getLogger(ChangePoll.class);
    private static final long FAILED_PAUSE_MAX_NANOS = Duration.ofSeconds(1).toNanos();

    /** Who is told. */
    interface Sink {

        /** What has changed after everything before. Go on with {@link #resume}. */
        void onChanges(KeyAnswer.Changes changes);

        /** What has changed is not known any more from where this has come to. This poll has ended. */
        void onGap();
    }

    private final Group group;
    private final Executor strand;
    private final List<String> prefixes;
    private final Sink sink;
    private final int epoch;
    private long index;               // all up to here has been handed on; KeyQuery.NOW before the first answer
    private long seenIndex;           // the state that was asked last had come to here
    private long askedNanos;          // when it was asked last
    private long failedPauseNanos = PAUSE_NANOS;
    private boolean isAnswered;
    private boolean isOver;

    /** @param after the index of the last change that is known, or {@link KeyQuery#NOW} */
    ChangePoll(Group group, Executor strand, List<String> prefixes, long after, Sink sink) {
        this.group = group;
        this.strand = strand;
        this.prefixes = prefixes;
        this.sink = sink;
        epoch = group.epoch();
        index = after;
    }

    /** Asks for what is there already. */
    void start() {
        ask(Math.max(0, index));
    }

    /** What was handed on is digested. */
    void resume() {
        // What was told may be less than there is; if nothing was, there is no more before something else happens.
        askSoon(seenIndex);
    }

    private void askSoon(long notBefore) {
        long sinceNanos = group.nanoTime() - askedNanos;
        group.after(Math.max(0, PAUSE_NANOS - sinceNanos), () -> strand.execute(() -> ask(notBefore)));
    }

    /** Whether there was an answer; the first comes without waiting for a change. */
    boolean isAnswered() {
        return isAnswered;
    }

    void close() {
        isOver = true;
    }

    private void ask(long notBefore) {
        if (isOver) {
            return;
        }
        if (group.epoch() != epoch) {
            end();
            return;
        }
        askedNanos = group.nanoTime();
        CompletableFuture<Answer> answered;
        try {
            answered = group.read(new KeyQuery.Changes(index, prefixes).encode(), Freshness.local().notBefore(notBefore), WAIT);
        } catch (RuntimeException e) {
            answered = CompletableFuture.failedFuture(e);
        }
        answered.whenComplete((answer, failure) -> strand.execute(() -> onAnswer(answer, notBefore)));
    }

    private void onAnswer(@Nullable Answer answer, long notBefore) {
        if (isOver) {
            return;
        }
        KeyAnswer told = decoded(answer);
        if (answer == null && group.nanoTime() - askedNanos >= WAIT.toNanos() / 2) {
            failedPauseNanos = PAUSE_NANOS;     // nothing has happened for so long: no reason to ask less often
            askSoon(notBefore);
            return;
        }
        if (answer == null || told == null) {
            long pause = failedPauseNanos / 2 + group.random(failedPauseNanos);
            failedPauseNanos = Math.min(2 * failedPauseNanos, FAILED_PAUSE_MAX_NANOS);
            group.after(pause, () -> strand.execute(() -> ask(notBefore)));
            return;
        }
        failedPauseNanos = PAUSE_NANOS;
        if (group.epoch() != epoch || !(told instanceof KeyAnswer.Changes changes)) {
            end();
            return;
        }
        isAnswered = true;
        boolean isFirst = index == KeyQuery.NOW;
        index = changes.index();
        if (isFirst || !changes.changes().isEmpty()) {
            seenIndex = index;
            sink.onChanges(changes);
        } else {
            seenIndex = Math.max(index, answer.index()) + 1;
            resume();
        }
    }

    /** Null for none, and for one that another kind of state machine has given. */
    private static @Nullable KeyAnswer decoded(@Nullable Answer answer) {
        try {
            return answer == null ? null : KeyAnswer.decode(answer.result());
        } catch (IllegalArgumentException e) {
            LOG.warn("The group has not answered as LeasedKeys does: {}", e.getMessage());
            return null;
        }
    }

    private void end() {
        isOver = true;
        sink.onGap();
    }
}
