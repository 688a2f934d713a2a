package io.quorate.raft.testing;

import static io.quorate.raft.testing.Models.bytes;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.testing.LinearizabilityChecker.Verdict;
import io.quorate.raft.testing.Operation.Kind;
import io.quorate.raft.testing.Operation.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class HistoryTest {

    private final History history = new History();

    @Test
    void operationsStandInTheOrderOfTheirCallsWithPlacesInOneOrderOfAllEvents() {
        long put = history.invoke(1, Kind.PROPOSE, bytes("put"));
        long get = history.invoke(2, Kind.READ, bytes("get"));
        history.done(get, bytes("a"));
        history.done(put, bytes("ok"));
        long refused = history.invoke(1, Kind.PROPOSE, bytes("put"));
        history.failed(refused);

        assertEquals(List.of(
            new Operation(1, Kind.PROPOSE, bytes("put"), 0, 3, Outcome.DONE, bytes("ok")),
            new Operation(2, Kind.READ, bytes("get"), 1, 2, Outcome.DONE, bytes("a")),
            new Operation(1, Kind.PROPOSE, bytes("put"), 4, 5, Outcome.FAILED, null)), history.operations());
    }

    @Test
    void whatIsOpenAndWhatIsUnknownNeverCompletes() {
        history.unknown(history.invoke(1, Kind.PROPOSE, bytes("a")));
        history.invoke(2, Kind.PROPOSE, bytes("b"));

        for (Operation operation : history.operations()) {
            assertEquals(Outcome.UNKNOWN, operation.outcome());
            assertEquals(Operation.NEVER, operation.completedAt());
        }
    }

    @Test
    void aClientHasOneOperationAtATime() {
        history.invoke(1, Kind.PROPOSE, bytes("a"));

        assertTrue(assertThrows(IllegalStateException.class, () -> history.invoke(1, Kind.READ, bytes("b"))).getMessage()
            .startsWith("client 1 begins an operation while its last is open"));
        assertEquals(1, history.operations().size());
    }

    @Test
    void aClientWithAnUnknownOperationIsNeverHeardOfAgain() {
        history.unknown(history.invoke(1, Kind.PROPOSE, bytes("a")));

        assertTrue(assertThrows(IllegalStateException.class, () -> history.invoke(1, Kind.READ, bytes("b"))).getMessage()
            .endsWith("go on with a new client number"));
        history.invoke(2, Kind.READ, bytes("b"));
    }

    @Test
    void anOperationEndsOnce() {
        long first = history.invoke(1, Kind.PROPOSE, bytes("a"));
        history.failed(first);
        long second = history.invoke(1, Kind.PROPOSE, bytes("a"));
        history.unknown(second);

        assertThrows(IllegalStateException.class, () -> history.done(first, bytes("b")));
        assertThrows(IllegalStateException.class, () -> history.done(second, bytes("b")));
        assertThrows(IndexOutOfBoundsException.class, () -> history.failed(2));
    }

    @Test
    void anOperationHasAnOutputWhenItIsDoneAndAnEndUnlessItIsUnknown() {
        byte[] input = bytes("a");
        assertThrows(IllegalArgumentException.class, () -> new Operation(1, Kind.READ, input, 0, 1, Outcome.DONE, null));
        assertThrows(IllegalArgumentException.class, () -> new Operation(1, Kind.READ, input, 0, 1, Outcome.FAILED, input));
        assertThrows(IllegalArgumentException.class, () -> new Operation(1, Kind.READ, input, 0, 1, Outcome.UNKNOWN, null));
        assertThrows(IllegalArgumentException.class, () -> new Operation(1, Kind.READ, input, 0, Operation.NEVER, Outcome.DONE, input));
        assertThrows(IllegalArgumentException.class, () -> new Operation(1, Kind.READ, input, 1, 1, Outcome.FAILED, null));
        assertThrows(IllegalArgumentException.class, () -> new Operation(1, Kind.READ, input, -1, 1, Outcome.FAILED, null));
    }

    @Test
    void operationsAreEqualWhenTheirBytesAre() {
        Operation operation = new Operation(1, Kind.READ, bytes("a"), 0, 1, Outcome.DONE, bytes("b"));
        Operation same = new Operation(1, Kind.READ, bytes("a"), 0, 1, Outcome.DONE, bytes("b"));

        assertEquals(operation, same);
        assertEquals(operation.hashCode(), same.hashCode());
        assertNotEquals(operation, new Operation(1, Kind.READ, bytes("x"), 0, 1, Outcome.DONE, bytes("b")));
        assertNotEquals(operation, new Operation(1, Kind.READ, bytes("a"), 0, 1, Outcome.DONE, bytes("x")));
    }

    @Test
    void anOperationShowsTextAsTextAndOtherBytesAsDigits() {
        assertEquals("[4..7] client 1 PROPOSE \"put a\" -> 0x00ff",
            new Operation(1, Kind.PROPOSE, bytes("put a"), 4, 7, Outcome.DONE, new byte[] {0, -1}).toString());
        assertEquals("[4..] client 1 PROPOSE \"" + "a".repeat(64) + "\"... (65 bytes) -> ?",
            new Operation(1, Kind.PROPOSE, bytes("a".repeat(65)), 4, Operation.NEVER, Outcome.UNKNOWN, null).toString());
    }

    @Test
    void threadsMayRecordTheirOwnOperations() throws InterruptedException {
        AtomicReference<String> register = new AtomicReference<>("-");
        List<Thread> threads = new ArrayList<>();
        for (int client = 0; client < 4; client++) {
            int number = client;
            threads.add(new Thread(() -> {
                for (int i = 0; i < 500; i++) {
                    String value = number + "." + i;
                    long put = history.invoke(number, Kind.PROPOSE, bytes("x put " + value));
                    register.set(value);
                    history.done(put, bytes("done"));
                    long get = history.invoke(number, Kind.READ, bytes("x"));
                    history.done(get, bytes(register.get()));
                }
            }));
        }
        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            thread.join();
        }

        assertEquals(4000, history.operations().size());
        Verdict verdict = LinearizabilityChecker.check(new Models.Registers(), history.operations());
        assertTrue(verdict.isLinearizable(), verdict::toString);
    }
}
