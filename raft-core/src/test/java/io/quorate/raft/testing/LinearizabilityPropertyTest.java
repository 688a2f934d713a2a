package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.testing.AtomicRuns.Question;
import io.quorate.raft.testing.LinearizabilityChecker.Linearizable;
import io.quorate.raft.testing.LinearizabilityChecker.Verdict;
import io.quorate.raft.testing.Models.Table;
import io.quorate.raft.testing.Operation.Kind;
import io.quorate.raft.testing.Operation.Outcome;
import java.util.List;
import java.util.SplittableRandom;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;

/** Compares the checker with one that tries every order, on services that nobody thought of: random tables of steps and answers. */
class LinearizabilityPropertyTest {

    @Property(tries = 8000, edgeCases = EdgeCasesMode.NONE)
    void theVerdictIsThatOfTryingEveryOrder(@ForAll long seed, @ForAll @IntRange(min = 1, max = 8) int operations,
                                            @ForAll @IntRange(min = 1, max = 5) int clients, @ForAll @IntRange(max = 3) int lies,
                                            @ForAll @DoubleRange(max = 0.5) double unknown) {
        SplittableRandom random = new SplittableRandom(seed);
        Table table = table(random);
        List<Operation> history = run(random, table, clients, operations, unknown);
        for (int i = 0; i < lies; i++) {
            lie(random, history);
        }
        assertSameVerdict(table, history);
    }

    @Property(tries = 200, edgeCases = EdgeCasesMode.NONE)
    void anAtomicObjectIsNeverCalledBroken(@ForAll long seed, @ForAll @IntRange(min = 1, max = 300) int operations,
                                           @ForAll @IntRange(min = 1, max = 12) int clients,
                                           @ForAll @DoubleRange(max = 0.2) double unknown) {
        SplittableRandom random = new SplittableRandom(seed);
        Table table = table(random);
        List<Operation> history = run(random, table, clients, operations, unknown);
        Verdict verdict = LinearizabilityChecker.check(table, history);
        assertTrue(verdict.isLinearizable(), verdict::toString);
        for (List<Operation> order : ((Linearizable) verdict).orders().values()) {
            assertTrue(BruteForce.isOrder(table, history, order), () -> "not an order: " + order);
        }
    }

    /** A small table, in which states are few enough for operations to hide, repeat and undo each other. */
    private static Table table(SplittableRandom random) {
        int states = 2 + random.nextInt(3);
        int columns = 2 + random.nextInt(4);
        int answers = 1 + random.nextInt(3);
        int[][] next = new int[states][columns];
        int[][] answer = new int[states][columns];
        for (int column = 0; column < columns; column++) {
            int blind = random.nextInt(states);
            boolean isBlind = random.nextInt(3) == 0;     // a plain write
            boolean isLoud = random.nextInt(3) == 0;      // answers with the state
            for (int state = 0; state < states; state++) {
                next[state][column] = isBlind ? blind : random.nextInt(states);
                answer[state][column] = isBlind ? 0 : isLoud ? state : random.nextInt(answers);
            }
        }
        return new Table(next, answer);
    }

    private static List<Operation> run(SplittableRandom random, Table table, int clients, int operations, double unknown) {
        int[] state = {table.initial()};
        return AtomicRuns.run(random, clients, operations, unknown,
            choice -> new Question(choice.nextInt(3) == 0 ? Kind.READ : Kind.PROPOSE,
                new byte[] {(byte) choice.nextInt(table.next()[0].length)}),
            question -> {
                int column = question.input()[0];
                byte[] answer = {(byte) table.answers()[state[0]][column]};
                state[0] = question.kind() == Kind.READ ? state[0] : table.next()[state[0]][column];
                return answer;
            });
    }

    /** One operation had another answer, another outcome, or another time. */
    private static void lie(SplittableRandom random, List<Operation> history) {
        int index = random.nextInt(history.size());
        Operation operation = history.get(index);
        if (operation.outcome() != Outcome.DONE) {
            return;
        }
        history.set(index, switch (random.nextInt(4)) {
            case 0 -> new Operation(operation.client(), operation.kind(), operation.input(), operation.invokedAt(), operation.completedAt(),
                Outcome.FAILED, null);
            case 1 -> new Operation(1000 + index, operation.kind(), operation.input(), operation.invokedAt(), Operation.NEVER,
                Outcome.UNKNOWN, null);
            default -> AtomicRuns.answering(operation, new byte[] {(byte) random.nextInt(4)});
        });
    }

    private static void assertSameVerdict(Table table, List<Operation> history) {
        Verdict verdict = LinearizabilityChecker.check(table, history);
        assertEquals(BruteForce.isLinearizable(table, history), verdict.isLinearizable(), () -> history + "\n" + verdict);
        if (verdict instanceof Linearizable linearizable) {
            for (List<Operation> order : linearizable.orders().values()) {
                assertTrue(BruteForce.isOrder(table, history, order), () -> "not an order of " + history + ": " + order);
            }
        }
    }
}
