package io.quorate.raft.election;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.junit.jupiter.api.Test;

/** Who is told what about who leads. */
class StateBoardTest {

    private static final LeaderState UNKNOWN = new LeaderState.Unknown();
    private static final LeaderState A = new LeaderState.Follower("a:1");
    private static final LeaderState B = new LeaderState.Follower("b:1");

    private final StateBoard board = new StateBoard();
    private final Queue<Runnable> executor = new ArrayDeque<>();
    private final List<LeaderState> told = new ArrayList<>();

    private void runAll() {
        for (Runnable next = executor.poll(); next != null; next = executor.poll()) {
            next.run();
        }
    }

    @Test
    void nothingIsKnownAtFirst() {
        board.subscribe(told::add, executor::add);
        runAll();

        assertEquals(List.of(UNKNOWN), told);
    }

    @Test
    void aLateSubscriberIsToldThePresentStateFirstAndThenWhatFollows() {
        board.post(A);
        board.subscribe(told::add, executor::add);
        runAll();
        board.post(B);
        runAll();
        board.post(B);
        runAll();

        assertEquals(List.of(A, B), told);
    }

    @Test
    void whoIsSlowMissesWhatIsBetweenAndNeverTheLast() {
        board.subscribe(told::add, executor::add);
        board.post(A);
        board.post(UNKNOWN);
        board.post(B);
        assertEquals(1, executor.size(), "one call for all of it");
        runAll();

        assertEquals(List.of(B), told);
    }

    @Test
    void whatIsPostedWhileOneIsToldIsToldAfterIt() {
        board.subscribe(state -> {
            told.add(state);
            if (state.equals(UNKNOWN)) {
                board.post(A);
            }
        }, executor::add);
        runAll();

        assertEquals(List.of(UNKNOWN, A), told);
    }

    @Test
    void whoFailsIsToldTheNextAllTheSame() {
        board.subscribe(state -> {
            told.add(state);
            throw new IllegalStateException("the subscriber is broken");
        }, executor::add);
        runAll();
        board.post(A);
        runAll();

        assertEquals(List.of(UNKNOWN, A), told);
    }

    @Test
    void whoHasEndedHisSubscriptionIsToldNothing() throws Exception {
        AutoCloseable subscription = board.subscribe(told::add, executor::add);
        subscription.close();
        runAll();
        board.post(A);
        runAll();

        assertEquals(List.of(), told);
    }
}
