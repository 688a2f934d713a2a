package io.quorate.raft.election;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** When a task is started and stopped, and when its office goes to somebody else. */
class OfficeTest {

    private static final long SECOND = 1_000_000_000L;
    private static final Office.Patience PATIENCE = new Office.Patience(Duration.ofSeconds(10), Duration.ofSeconds(5));

    private final List<String> told = new ArrayList<>();            // what happened, in its order
    private final Queue<Runnable> executor = new ArrayDeque<>();    // what the task's executor has been given
    private final CompletableFuture<Void> given = new CompletableFuture<>();    // to somebody else
    private long now = 77 * SECOND;
    private long endNanos = Validity.FOREVER;
    private long lastEndNanos = Validity.ENDED;
    private @Nullable RuntimeException failure;                     // of the next start
    private boolean isShutDown;
    private Consumer<Runnable> beforeRefusal = call -> { };         // what happens meanwhile to a call that the executor refuses
    private int changes;

    private final Office<Leadership> office = new Office<>(new Task(), this::execute, PATIENCE, bound -> bound - 1, () -> now, new Giver());

    private final class Task implements LeaderTask<Leadership> {

        @Override
        public void start(Leadership leadership) {
            told.add("start " + leadership.fencingToken());
            RuntimeException thrown = failure;
            if (thrown != null) {
                throw thrown;
            }
        }

        @Override
        public void stop(Leadership leadership, Leadership.Reason why) {
            told.add("stop " + leadership.fencingToken() + " " + why + (leadership.isValid() ? ", valid" : ", over"));
        }
    }

    private final class Giver implements Office.Hands<Leadership> {

        @Override
        public CompletionStage<?> giveAway(Leadership leadership, Leadership.Reason why) {
            told.add("give away " + leadership.fencingToken() + " " + why + (leadership.isValid() ? ", valid" : ""));
            return given;
        }

        @Override
        public void changed() {
            changes++;
        }
    }

    private void execute(Runnable call) {
        if (isShutDown) {
            beforeRefusal.accept(call);
            throw new RejectedExecutionException("it was shut down");
        }
        executor.add(call);
    }

    /** Lets the executor do what it was given, and what follows from that. */
    private void runAll() {
        for (Runnable next = executor.poll(); next != null; next = executor.poll()) {
            next.run();
        }
    }

    private Leadership grant(long token) {
        Leadership granted = office.grant(token, new Validity() {

            @Override
            public long endNanos() {
                return endNanos;
            }

            @Override
            public long lastEndNanos() {
                return lastEndNanos;
            }
        }, term -> term);
        assertNotNull(granted, "the office was vacant");
        return granted;
    }

    private static Leadership.@Nullable Reason reason(Leadership leadership) {
        return leadership.revoked().toCompletableFuture().getNow(null);
    }

    private void pass(long nanos) {
        now += nanos;
        office.onTime();
    }

    @Test
    void aTermThatIsGivenBackIsStoppedBeforeItGoes() {
        Leadership first = grant(5);
        runAll();

        CompletionStage<Void> resigned = first.resign();

        assertTrue(first.isValid());
        assertNull(reason(first));
        assertEquals(List.of("start 5"), told);
        runAll();
        assertEquals(List.of("start 5", "stop 5 RESIGNED, valid", "give away 5 RESIGNED"), told);
        assertFalse(first.isValid());
        assertEquals(Leadership.Reason.RESIGNED, reason(first));
        assertFalse(resigned.toCompletableFuture().isDone());
        assertFalse(office.isVacant(), "it has not gone yet");
        given.complete(null);
        assertTrue(resigned.toCompletableFuture().isDone());
        assertTrue(office.isVacant());
    }

    @Test
    void whoeverClosesIsToldWhenTheTaskCannotBeStopped() {
        grant(5);
        executor.clear();       // it takes the task, and drops it
        endNanos = now + 2 * SECOND;
        CompletableFuture<Void> closed = office.close().toCompletableFuture();
        assertEquals(2 * SECOND, office.nanosUntilDeadline());
        pass(2 * SECOND);
        assertEquals(8 * SECOND, office.nanosUntilDeadline());
        pass(8 * SECOND);
        pass(SECOND);           // it stands no more, but backs off as ever
        assertEquals(4 * SECOND, office.nanosUntilDeadline());
        pass(4 * SECOND - 1);
        assertFalse(closed.isDone());

        pass(1);

        assertTrue(assertThrows(CompletionException.class, closed::join).getCause().getMessage().contains("has not stopped"));
        assertEquals(List.of(), told);
        assertEquals(office.nanosUntilDeadline(), Office.NEVER);
    }

    @Test
    void aTermThatIsLostIsInvalidAtOnceAndStopped() {
        Leadership first = grant(5);
        runAll();

        office.lose();

        assertFalse(first.isValid());
        assertEquals(Leadership.Reason.LOST, reason(first));
        runAll();
        assertEquals(List.of("start 5", "stop 5 LOST, over"), told, "there is nothing left to give");
        assertTrue(office.isVacant());
    }

    @Test
    void aTermIsLostWhenItsTimeIsUp() {
        endNanos = now + 3 * SECOND;
        Leadership first = grant(5);
        runAll();
        assertEquals(3 * SECOND, office.nanosUntilDeadline());

        pass(3 * SECOND - 1);
        assertTrue(first.isValid());
        assertEquals(Duration.ofNanos(1), first.remaining());
        assertNull(reason(first));

        now++;
        assertFalse(first.isValid(), "before anybody has looked");
        office.onTime();
        assertEquals(Leadership.Reason.LOST, reason(first));
        endNanos = now + SECOND;
        assertFalse(first.isValid(), "it is over for good");
    }

    @Test
    void aTermThatIsRenewedGoesOn() {
        endNanos = now + 3 * SECOND;
        Leadership first = grant(5);
        runAll();

        endNanos = now + 5 * SECOND;
        pass(4 * SECOND);

        assertTrue(first.isValid());
        assertEquals(SECOND, office.nanosUntilDeadline());
    }

    @Test
    void aTermInDoubtIsInvalidAndNotStoppedBeforeItIsCertainlyLost() {
        endNanos = Validity.ENDED;
        lastEndNanos = now + 3 * SECOND;
        Leadership first = grant(5);
        runAll();

        pass(2 * SECOND);
        assertFalse(first.isValid());
        assertNull(reason(first));
        assertEquals(SECOND, office.nanosUntilDeadline());

        endNanos = now + SECOND / 2;
        assertTrue(first.isValid(), "the doubt is over");

        endNanos = Validity.ENDED;
        pass(SECOND);
        assertEquals(Leadership.Reason.LOST, reason(first));
    }

    @Test
    void theStopOfWhatIsLostWhileItStartsWaitsForTheStart() {
        Leadership first = grant(5);

        office.lose();

        assertFalse(first.isValid());
        assertEquals(1, executor.size(), "nothing but the start");
        executor.remove().run();
        assertEquals(List.of("start 5"), told);
        assertFalse(office.isVacant(), "the stop is still to come");
        runAll();
        assertEquals(List.of("start 5", "stop 5 LOST, over"), told);
    }

    @Test
    void theStopOfWhatIsGivenBackWhileItStartsWaitsForTheStart() {
        Leadership first = grant(5);

        first.resign();
        assertEquals(1, executor.size());
        runAll();

        assertEquals(List.of("start 5", "stop 5 RESIGNED, valid", "give away 5 RESIGNED"), told);
    }

    @Test
    void aStartThatThrowsIsStoppedAndGivenAwayAndTriedAgainAfterLongerAndLongerPauses() {
        failure = new IllegalStateException("the work cannot be done");
        given.complete(null);
        List<Long> pauses = new ArrayList<>();
        for (long token = 5; token < 13; token++) {
            told.clear();
            Leadership failed = grant(token);
            runAll();
            assertEquals(List.of("start " + token, "stop " + token + " START_FAILED, valid", "give away " + token + " START_FAILED"), told);
            assertEquals(Leadership.Reason.START_FAILED, reason(failed));
            assertFalse(office.isVacant());
            assertTrue(office.isUnable(), "somebody else had better do it");
            pauses.add(office.nanosUntilDeadline() / SECOND);
            pass(office.nanosUntilDeadline() - 1);
            assertFalse(office.isVacant());
            pass(1);
            assertTrue(office.isVacant());
            assertFalse(office.isUnable());
        }
        assertEquals(List.of(1L, 2L, 4L, 8L, 16L, 32L, 60L, 60L), pauses);

        failure = null;
        Leadership able = grant(20);
        runAll();
        able.resign();
        runAll();
        failure = new IllegalStateException("once more");
        grant(21);
        runAll();
        assertEquals(SECOND, office.nanosUntilDeadline(), "what could be done once is tried again soon");
    }

    @Test
    void aStartThatHangsIsNotWaitedFor() {
        Leadership first = grant(5);
        assertEquals(10 * SECOND, office.nanosUntilDeadline());

        pass(10 * SECOND);

        assertFalse(first.isValid());
        assertEquals(Leadership.Reason.START_TOO_SLOW, reason(first));
        assertEquals(List.of("give away 5 START_TOO_SLOW"), told);
        given.complete(null);
        pass(100 * SECOND);
        assertFalse(office.isVacant(), "nobody is started beside it");
        assertTrue(office.isUnable());
        assertNull(office.grant(6, () -> Validity.FOREVER, term -> term));

        runAll();
        assertEquals(List.of("give away 5 START_TOO_SLOW", "start 5", "stop 5 START_TOO_SLOW, over"), told);
        assertTrue(office.isVacant());
    }

    @Test
    void aStopThatHangsIsNotWaitedForWhenTheOfficeIsGivenBack() {
        Leadership first = grant(5);
        runAll();
        CompletionStage<Void> resigned = first.resign();
        assertEquals(5 * SECOND, office.nanosUntilDeadline());

        pass(5 * SECOND);

        assertFalse(first.isValid());
        assertEquals(List.of("start 5", "give away 5 RESIGNED"), told);
        given.complete(null);
        assertTrue(resigned.toCompletableFuture().isDone());
        assertFalse(office.isVacant(), "nobody is started beside it");
        runAll();
        assertEquals(List.of("start 5", "give away 5 RESIGNED", "stop 5 RESIGNED, over"), told, "given away once");
        assertTrue(office.isVacant());
    }

    @Test
    void whatIsLostWhileItIsGivenBackIsNotGivenAway() {
        Leadership first = grant(5);
        runAll();
        CompletionStage<Void> resigned = first.resign();

        office.lose();

        assertFalse(first.isValid());
        assertTrue(resigned.toCompletableFuture().isDone());
        runAll();
        assertEquals(List.of("start 5", "stop 5 RESIGNED, over"), told);
        assertTrue(office.isVacant());
    }

    @Test
    void thereIsOneStopHoweverOftenItEnds() {
        Leadership first = grant(5);
        runAll();

        first.resign();
        first.resign();
        office.lose();
        office.lose();
        office.close();
        runAll();

        assertEquals(List.of("start 5", "stop 5 RESIGNED, over"), told);
    }

    @Test
    void aResignationOfWhatIsOverChangesNothing() {
        Leadership first = grant(5);
        runAll();
        office.lose();
        runAll();
        Leadership second = grant(6);
        runAll();

        assertTrue(first.resign().toCompletableFuture().isDone());

        runAll();
        assertTrue(second.isValid());
    }

    @Test
    void aTokenThatIsNotHigherIsRefused() {
        given.complete(null);
        grant(5).resign();
        runAll();

        assertThrows(IllegalStateException.class, () -> grant(5));
        assertThrows(IllegalStateException.class, () -> grant(4));
        assertEquals(6, grant(6).fencingToken());
    }

    @Test
    void whoHoldsTheOfficeIsNotGrantedItAgain() {
        grant(5);

        assertFalse(office.isVacant());
        assertNull(office.grant(6, () -> Validity.FOREVER, term -> term));
    }

    @Test
    void closingGivesTheOfficeBackAndNoneIsGrantedAfterIt() {
        Leadership first = grant(5);
        runAll();

        CompletionStage<Void> closed = office.close();

        runAll();
        assertEquals(List.of("start 5", "stop 5 CLOSED, valid", "give away 5 CLOSED"), told);
        assertFalse(closed.toCompletableFuture().isDone());
        given.complete(null);
        assertTrue(closed.toCompletableFuture().isDone());
        assertEquals(Leadership.Reason.CLOSED, reason(first));
        assertFalse(office.isVacant());
        assertNull(office.grant(6, () -> Validity.FOREVER, term -> term));
    }

    @Test
    void closingAVacantOfficeIsDoneAtOnce() {
        assertTrue(office.close().toCompletableFuture().isDone());
    }

    @Test
    void aHandOverThatFailsEndsTheTermAllTheSame() {
        Leadership first = grant(5);
        runAll();
        CompletionStage<Void> resigned = first.resign();
        runAll();

        given.completeExceptionally(new IllegalStateException("nobody is there"));

        assertTrue(resigned.toCompletableFuture().isCompletedExceptionally());
        assertFalse(first.isValid());
        assertTrue(office.isVacant());
    }

    @Test
    void theOwnerIsToldToLookAgain() {
        Leadership first = grant(5);
        runAll();
        int before = changes;

        first.resign();
        runAll();

        assertTrue(changes > before);
        before = changes;
        given.complete(null);
        assertTrue(changes > before, "it is vacant again");
    }

    @Test
    @Timeout(30)
    void anExecutorThatWasShutDownDoesNotKeepTheTaskFromItsStop() throws Exception {
        Leadership first = grant(5);
        runAll();
        isShutDown = true;

        CompletableFuture<Void> resigned = first.resign().toCompletableFuture();
        given.complete(null);

        resigned.get(30, TimeUnit.SECONDS);
        assertEquals(List.of("start 5", "stop 5 RESIGNED, valid", "give away 5 RESIGNED"), told);
    }

    @Test
    void aStartThatTheExecutorRefusesHasFailedAndIsNeitherCalledNorStopped() {
        isShutDown = true;

        Leadership first = grant(5);

        assertEquals(List.of("give away 5 START_FAILED"), told, "nothing has begun, so nothing is stopped");
        assertFalse(first.isValid());
        assertEquals(Leadership.Reason.START_FAILED, reason(first));
        assertTrue(office.isUnable(), "somebody else had better do it");
        CompletionStage<Void> resigned = first.resign();
        office.lose();
        assertFalse(resigned.toCompletableFuture().isDone(), "it has not gone yet");
        given.complete(null);
        assertTrue(resigned.toCompletableFuture().isDone());

        assertFalse(office.isVacant(), "it backs off");
        assertEquals(SECOND, office.nanosUntilDeadline());
        pass(SECOND);
        assertTrue(office.isVacant());
        isShutDown = false;
        assertTrue(grant(6).isValid());
        runAll();
        assertEquals(List.of("give away 5 START_FAILED", "start 6"), told);
    }

    @Test
    void anExecutorThatRefusesAgainAndAgainIsTriedAfterLongerAndLongerPauses() {
        isShutDown = true;
        given.complete(null);
        List<Long> pauses = new ArrayList<>();
        for (long token = 5; token < 8; token++) {
            grant(token);
            pauses.add(office.nanosUntilDeadline() / SECOND);
            pass(office.nanosUntilDeadline());
        }
        assertEquals(List.of(1L, 2L, 4L), pauses);
        assertTrue(office.close().toCompletableFuture().isDone(), "there is nothing to stop");
    }

    @Test
    void whatWasLostWhenItsStartIsRefusedIsNotGivenAwayNorStopped() {
        isShutDown = true;
        beforeRefusal = call -> office.lose();

        Leadership first = grant(5);

        assertEquals(Leadership.Reason.LOST, reason(first));
        assertEquals(List.of(), told);
        pass(SECOND);
        assertTrue(office.isVacant());
    }

    @Test
    void whatWasClosedWhenItsStartIsRefusedIsGivenAwayAndClosed() {
        List<CompletionStage<Void>> closed = new ArrayList<>();
        isShutDown = true;
        beforeRefusal = call -> closed.add(office.close());

        Leadership first = grant(5);

        assertEquals(Leadership.Reason.CLOSED, reason(first));
        assertEquals(List.of("give away 5 CLOSED"), told);
        given.complete(null);
        assertTrue(closed.get(0).toCompletableFuture().isDone());
    }

    @Test
    void anExecutorThatTakesACallAndThrowsHasNotTakenIt() {
        isShutDown = true;
        beforeRefusal = executor::add;

        grant(5);
        runAll();

        assertEquals(List.of("give away 5 START_FAILED"), told);
    }

    @Test
    void anExecutorThatMakesACallAndThrowsHasMadeIt() {
        isShutDown = true;
        beforeRefusal = Runnable::run;

        Leadership first = grant(5);

        assertTrue(first.isValid());
        assertEquals(List.of("start 5"), told);
        first.resign();
        assertEquals(List.of("start 5", "stop 5 RESIGNED, valid", "give away 5 RESIGNED"), told);
    }
}
