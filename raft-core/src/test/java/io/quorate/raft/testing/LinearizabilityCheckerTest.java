package io.quorate.raft.testing;

import static io.quorate.raft.testing.Models.bytes;
import static io.quorate.raft.testing.Models.text;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.testing.AtomicRuns.Question;
import io.quorate.raft.testing.LinearizabilityChecker.Budget;
import io.quorate.raft.testing.LinearizabilityChecker.Linearizable;
import io.quorate.raft.testing.LinearizabilityChecker.NotLinearizable;
import io.quorate.raft.testing.LinearizabilityChecker.Undecided;
import io.quorate.raft.testing.LinearizabilityChecker.Verdict;
import io.quorate.raft.testing.Operation.Kind;
import io.quorate.raft.testing.Operation.Outcome;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** Histories that are known to be good or bad, each for one reason. */
class LinearizabilityCheckerTest {

    private final History history = new History();
    private final Map<String, Long> open = new HashMap<>();
    private int clients;

    /** Somebody begins what a name will end. */
    private void begin(String name, String input) {
        open.put(name, history.invoke(clients++, isRead(input) ? Kind.READ : Kind.PROPOSE, bytes(input)));
    }

    private void end(String name, String output) {
        history.done(open.remove(name), bytes(output));
    }

    /** One operation, over before the next begins. */
    private void does(String input, String output) {
        begin("one", input);
        end("one", output);
    }

    private static boolean isRead(String input) {
        return !input.contains(" ") && !input.equals("take");
    }

    private Verdict registers() {
        return LinearizabilityChecker.check(new Models.Registers(), history.operations());
    }

    private void assertGood(Verdict verdict) {
        assertTrue(verdict.isLinearizable(), verdict::toString);
    }

    private NotLinearizable assertBroken(Verdict verdict) {
        assertFalse(verdict.isLinearizable(), verdict::toString);
        return assertInstanceOf(NotLinearizable.class, verdict);
    }

    @Test
    void nothingAtAllIsLinearizable() {
        assertGood(registers());
    }

    @Test
    void oneAfterTheOtherIsLinearizable() {
        does("x put 1", "done");
        does("x", "1");
        does("x cas 1 2", "done");
        does("x cas 1 3", "not done");
        does("x", "2");
        assertGood(registers());
    }

    @Test
    void aReadDuringAWriteMaySeeTheOldOrTheNew() {
        does("x put 1", "done");
        begin("w", "x put 2");
        does("x", "1");
        does("x", "2");
        end("w", "done");
        assertGood(registers());
    }

    @Test
    void oneReaderMayNotSeeTheOldAfterAnotherHasSeenTheNew() {
        does("x put 1", "done");
        begin("w", "x put 2");
        does("x", "2");
        does("x", "1");
        end("w", "done");
        assertBroken(registers());
    }

    @Test
    void aStaleReadIsBroken() {
        does("x put 1", "done");
        does("x put 2", "done");
        does("x", "1");
        assertBroken(registers());
    }

    @Test
    void aValueNeverWrittenIsBroken() {
        begin("w", "x put 1");
        does("x", "7");
        end("w", "done");
        assertBroken(registers());
    }

    @Test
    void twoThatSwapTheSameValueAreALostUpdate() {
        does("x put 1", "done");
        begin("a", "x cas 1 2");
        begin("b", "x cas 1 3");
        end("a", "done");
        end("b", "done");
        assertBroken(registers());
    }

    @Test
    void swapsAtOneTimeTakeTheOrderThatTheirAnswersDemand() {
        begin("c", "x cas 2 3");
        begin("b", "x cas 1 2");
        begin("a", "x put 1");
        end("c", "done");
        end("b", "done");
        end("a", "done");
        does("x", "3");
        assertGood(registers());
    }

    @Test
    void anOperationIsNotBeforeOneThatWasOverWhenItBegan() {
        begin("a", "x cas 1 2");
        end("a", "done");
        does("x put 1", "done");
        assertBroken(registers());
    }

    @Test
    void writesAtOneTimeAreSeenInOneOrderByAll() {
        begin("a", "x put 1");
        begin("b", "x put 2");
        does("x", "1");
        does("x", "2");
        end("a", "done");
        end("b", "done");
        assertGood(registers());
        does("x", "1");
        assertBroken(registers());
    }

    @Test
    void anUnknownWriteMayTakeEffectLate() {
        history.unknown(history.invoke(100, Kind.PROPOSE, bytes("x put 1")));
        does("x put 2", "done");
        does("x", "2");
        does("x", "1");
        assertGood(registers());
    }

    @Test
    void anUnknownWriteTakesEffectOnce() {
        history.unknown(history.invoke(100, Kind.PROPOSE, bytes("x put 1")));
        does("x", "1");
        does("x put 2", "done");
        does("x", "1");
        assertBroken(registers());
    }

    @Test
    void anUnknownWriteMayNeverTakeEffect() {
        history.unknown(history.invoke(100, Kind.PROPOSE, bytes("x put 1")));
        does("x put 2", "done");
        does("x", "2");
        assertGood(registers());
    }

    @Test
    void anUnknownWriteTakesNoEffectBeforeItsCall() {
        does("x", "1");
        history.unknown(history.invoke(100, Kind.PROPOSE, bytes("x put 1")));
        assertBroken(registers());
    }

    @Test
    void unknownOperationsMayBuildOnEachOther() {
        history.unknown(history.invoke(100, Kind.PROPOSE, bytes("x cas 1 2")));
        history.unknown(history.invoke(101, Kind.PROPOSE, bytes("x put 1")));
        does("x", "2");
        assertGood(registers());
    }

    @Test
    void whichOfTwoUnknownOperationsIsSpentMayMatterLater() {
        history.unknown(history.invoke(100, Kind.PROPOSE, bytes("x put 1")));
        history.unknown(history.invoke(101, Kind.PROPOSE, bytes("x cas - 1")));
        does("x", "1");
        does("x put 5", "done");
        does("x", "1");
        assertGood(registers());
        does("x put 6", "done");
        does("x", "1");
        assertBroken(registers());
    }

    @Test
    void anUnknownReadTellsNothing() {
        does("x put 1", "done");
        history.unknown(history.invoke(100, Kind.READ, bytes("x")));
        does("x", "1");
        assertGood(registers());
    }

    @Test
    void anOperationStillOpenMayHaveTakenEffect() {
        begin("w", "x put 1");
        does("x", "1");
        assertGood(registers());
    }

    @Test
    void aRefusedWriteIsNeverSeen() {
        history.failed(history.invoke(100, Kind.PROPOSE, bytes("x put 1")));
        does("x", "-");
        assertGood(registers());
        does("x", "1");
        assertBroken(registers());
    }

    @Test
    void aCommandThatChangedNothingMayStillBeWhatBringsAStateAboutLater() {
        does("x put 1", "done");
        begin("again", "x put 1");
        does("x put 2", "done");
        does("x", "1");
        end("again", "done");
        assertGood(registers());
    }

    @Test
    void aWriteMayBeHiddenByAnotherOrComeAfterIt() {
        begin("a", "x put 1");
        begin("b", "x put 2");
        end("b", "done");
        does("x", "2");
        end("a", "done");
        assertGood(registers());
        does("x", "1");
        assertGood(registers());
    }

    @Test
    void oneThatIsExcusedDoesNotStandInTheWayOfOneAlike() {
        begin("early", "x cas - 1");
        does("x put 5", "done");                          // hides it
        does("x put -", "done");
        begin("late", "x cas - 1");
        does("x", "1");
        end("early", "done");
        end("late", "done");
        assertGood(registers());
    }

    @Test
    void eachKeyIsForItself() {
        does("x put 1", "done");
        does("y put 2", "done");
        does("x", "1");
        does("y", "2");
        Verdict verdict = registers();
        assertGood(verdict);
        assertEquals(Set.of("x", "y"), ((Linearizable) verdict).orders().keySet());
        does("y", "1");
        assertEquals("y", assertBroken(registers()).key());
    }

    @Test
    void aQueueGivesItsElementsInTheOrderInWhichTheyCame() {
        begin("a", "add 1");
        begin("b", "add 2");
        end("a", "done");
        end("b", "done");
        does("take", "2");
        does("take", "1");
        does("take", "nothing");
        assertGood(LinearizabilityChecker.check(new Models.Queue(), history.operations()));
        does("add 3", "done");
        does("add 4", "done");
        does("take", "4");
        NotLinearizable broken = assertBroken(LinearizabilityChecker.check(new Models.Queue(), history.operations()));
        assertEquals(List.of("3", "4"), broken.state());
    }

    @Test
    void twoTakersOfOneElementAreBroken() {
        does("add 1", "done");
        begin("a", "take");
        begin("b", "take");
        end("a", "1");
        end("b", "1");
        assertBroken(LinearizabilityChecker.check(new Models.Queue(), history.operations()));
    }

    @Test
    void moneyOnItsWayIsNotSeenTwiceNorMissing() {
        begin("move", "move a b 60");
        does("sums", "{a=100, b=100}");
        does("sums", "{a=40, b=160}");
        end("move", "done");
        does("move a b 60", "too little");
        assertGood(LinearizabilityChecker.check(new Models.Bank(), history.operations()));
        does("sums", "{a=40, b=100}");
        assertBroken(LinearizabilityChecker.check(new Models.Bank(), history.operations()));
    }

    @Test
    void theReportShowsTheLongestOrderAndWhatCannotFollow() {
        does("x put 1", "done");
        does("x put 2", "done");
        history.unknown(history.invoke(100, Kind.PROPOSE, bytes("x put 5")));
        begin("slow", "x cas 9 8");
        does("x", "1");
        end("slow", "done");
        does("x", "2");

        NotLinearizable broken = assertBroken(registers());
        assertEquals("x", broken.key());
        assertEquals("2", broken.state());
        assertEquals(List.of("x put 1", "x put 2"), broken.longestOrder().stream().map(operation -> text(operation.input())).toList());
        assertEquals(List.of("x", "x cas 9 8"),
            broken.cannotFollow().stream().map(blocked -> text(blocked.operation().input())).toList());
        assertEquals("""
            Not linearizable: no order explains what the clients of key x saw.
            The longest order found, 2 operations:
                [0..1] client 0 PROPOSE "x put 1" -> "done"
                [2..3] client 1 PROPOSE "x put 2" -> "done"
            leads to the state
                2
            in which none of those can follow of which one must be next:
                [6..7] client 3 READ "x" -> "1": would be answered 2
                [5..8] client 2 PROPOSE "x cas 9 8" -> "done": impossible in this state
            No choice among the 1 of unknown outcome that might have taken effect too helps.
            In [x..y], x is the position of the call and y that of the return.""", broken.toString());
    }

    @Test
    void ofOrdersThatComeEquallyFarTheOneThatExplainsMostIsShown() {
        begin("swap", "x cas 1 2");
        begin("write", "x put 1");
        does("x", "never written");
        end("swap", "done");
        end("write", "done");
        NotLinearizable broken = assertBroken(registers());
        assertEquals(List.of("x put 1", "x cas 1 2"), broken.longestOrder().stream().map(operation -> text(operation.input())).toList());
        assertEquals("2", broken.state());
    }

    @Test
    void aLongOrderIsShownByItsEnd() {
        for (int i = 0; i < 30; i++) {
            does("x put " + i, "done");
        }
        does("x", "7");
        NotLinearizable broken = assertBroken(registers());
        assertEquals(30, broken.longestOrder().size());
        assertTrue(broken.toString().contains("30 operations, of which these are the last 20:\n    [20..21]"), broken::toString);
    }

    @Test
    void aSpentBudgetDecidesNothing() {
        // Adders whose order nobody can tell until the end, and then it is impossible.
        for (int i = 0; i < 6; i++) {
            begin("a" + i, "add " + i);
        }
        for (int i = 0; i < 6; i++) {
            end("a" + i, "done");
        }
        does("take", "nothing");
        for (Budget small : List.of(new Budget(1000, 1 << 30), new Budget(1 << 30, 50_000))) {
            Verdict verdict = LinearizabilityChecker.check(new Models.Queue(), history.operations(), small);
            assertFalse(verdict.isLinearizable());
            Undecided undecided = assertInstanceOf(Undecided.class, verdict);
            assertEquals(List.of("everything"), undecided.keys());
            assertTrue(undecided.spent().steps() > small.steps() || undecided.spent().bytes() > small.bytes(), undecided::toString);
            assertTrue(undecided.toString().startsWith("Undecided: the budget did not suffice for key everything."), undecided::toString);
        }
        assertBroken(LinearizabilityChecker.check(new Models.Queue(), history.operations()));
    }

    /** Queues, named by the command's last word. */
    private static final class Queues implements SequentialModel<List<String>> {
        private final Models.Queue queue = new Models.Queue();

        @Override
        public List<String> initial() {
            return queue.initial();
        }

        @Override
        public List<String> step(List<String> state, Operation operation) {
            return queue.step(state, operation);
        }

        @Override
        public Object keyOf(Operation operation) {
            String input = text(operation.input());
            return input.substring(input.lastIndexOf(' ') + 1);
        }
    }

    @Test
    void aBrokenKeyWinsOverAnUndecidedOneWhicheverComesFirst() {
        Budget budget = new Budget(20_000, 1 << 30);
        for (boolean isHardLarger : new boolean[] {true, false}) {
            History both = new History();
            List<Long> handles = new ArrayList<>();
            for (int i = 0; i < 9; i++) {
                handles.add(both.invoke(i, Kind.PROPOSE, bytes("add " + i + " hard")));
            }
            handles.forEach(handle -> both.done(handle, bytes("done")));
            both.done(both.invoke(0, Kind.PROPOSE, bytes("take hard")), bytes("nothing"));
            for (int i = 0; i < 50; i++) {
                both.failed(both.invoke(0, Kind.PROPOSE, bytes("take hard")));
            }
            assertEquals(List.of("hard"),
                assertInstanceOf(Undecided.class, LinearizabilityChecker.check(new Queues(), both.operations(), budget)).keys());
            for (int i = 0; i < (isHardLarger ? 2 : 30); i++) {
                both.done(both.invoke(0, Kind.PROPOSE, bytes("add " + i + " easy")), bytes("done"));
            }
            both.done(both.invoke(0, Kind.PROPOSE, bytes("take easy")), bytes("1"));
            assertEquals("easy", assertBroken(LinearizabilityChecker.check(new Queues(), both.operations(), budget)).key());
        }
    }

    @Test
    void whatSmallKeysLeaveOverIsForTheLargeOne() {
        for (int i = 0; i < 6; i++) {
            begin("a" + i, "add " + i + " hard");
        }
        for (int i = 0; i < 6; i++) {
            end("a" + i, "done");
        }
        does("take hard", "nothing");
        long enough = 1;
        while (LinearizabilityChecker.check(new Queues(), history.operations(), new Budget(enough, 1 << 30)) instanceof Undecided) {
            enough *= 2;
        }
        for (int i = 0; i < 9; i++) {
            does("add " + i + " easy" + i, "done");
        }
        assertBroken(LinearizabilityChecker.check(new Queues(), history.operations(), new Budget(2 * enough, 1 << 30)));
    }

    @Test
    void operationsThatAreAlikeAreNotTriedInEveryOrder() {
        for (int i = 0; i < 30; i++) {
            begin("a" + i, "add 1");
        }
        for (int i = 0; i < 30; i++) {
            end("a" + i, "done");
        }
        does("take", "nothing");
        assertBroken(LinearizabilityChecker.check(new Models.Queue(), history.operations(), new Budget(200_000, 10 << 20)));
    }

    @Test
    void unknownOperationsThatAreAlikeAreNotTriedInEveryOrder() {
        for (int i = 0; i < 30; i++) {
            history.unknown(history.invoke(100 + i, Kind.PROPOSE, bytes("add 1")));
        }
        does("take", "2");
        assertBroken(LinearizabilityChecker.check(new Models.Queue(), history.operations(), new Budget(200_000, 10 << 20)));
    }

    private void assertBrokenWithin(long steps) {
        assertBroken(LinearizabilityChecker.check(new Models.Registers(), history.operations(), new Budget(steps, 10 << 20)));
    }

    @Test
    void ofManyWritersNotEveryChoiceOfThoseOverwrittenIsTried() {
        for (int i = 0; i < 12; i++) {
            begin("w" + i, "x put " + i);
        }
        for (int i = 0; i < 12; i++) {
            end("w" + i, "done");
        }
        does("x", "never written");
        assertBrokenWithin(4_500);
    }

    @Test
    void norOfThoseThatAnUnknownOneHasOverwritten() {
        for (int i = 0; i < 12; i++) {
            begin("w" + i, "x put " + i);
        }
        history.unknown(history.invoke(100, Kind.PROPOSE, bytes("x put u")));
        does("x", "u");
        does("x", "never written");
        for (int i = 0; i < 12; i++) {
            end("w" + i, "done");
        }
        assertBrokenWithin(3_500);
    }

    @Test
    void nothingElseIsTriedWhereAReadIsDueThatMayStandWhereItIs() {
        for (int i = 0; i < 12; i++) {
            begin("w" + i, "x put " + i);
        }
        for (int i = 0; i < 10; i++) {
            does("x", "-");
        }
        for (int i = 0; i < 12; i++) {
            end("w" + i, "done");
        }
        assertGood(LinearizabilityChecker.check(new Models.Registers(), history.operations(), new Budget(6_000, 10 << 20)));
        does("x", "never written");
        assertBrokenWithin(6_000);
    }

    @Test
    void unknownWritesThatNobodyNoticesCostLittle() {
        for (int i = 0; i < 30; i++) {
            history.unknown(history.invoke(100 + i, Kind.PROPOSE, bytes("x put u" + i)));
        }
        for (int i = 0; i < 10; i++) {
            does("x put " + i, "done");
        }
        does("x", "never written");
        assertBrokenWithin(2_600);
    }

    @Test
    void aHistoryThatIsNoneIsRefused() {
        Operation one = new Operation(1, Kind.READ, bytes("x"), 0, 3, Outcome.DONE, bytes("-"));
        Operation tied = new Operation(2, Kind.READ, bytes("x"), 1, 3, Outcome.DONE, bytes("-"));
        Operation twice = new Operation(1, Kind.READ, bytes("x"), 1, 2, Outcome.DONE, bytes("-"));
        assertThrows(IllegalArgumentException.class, () -> LinearizabilityChecker.check(new Models.Registers(), List.of(one, tied)));
        assertThrows(IllegalArgumentException.class, () -> LinearizabilityChecker.check(new Models.Registers(), List.of(twice, one)));
    }

    @Test
    void aModelThatChangesItsStateForAReadIsRefused() {
        SequentialModel<Integer> counting = new SequentialModel<>() {
            @Override
            public Integer initial() {
                return 0;
            }

            @Override
            public Integer step(Integer state, Operation operation) {
                return state + 1;
            }
        };
        does("x", "1");
        assertThrows(IllegalStateException.class, () -> LinearizabilityChecker.check(counting, history.operations()));
    }

    /** As the benchmark, but smaller. */
    @Test
    void manyClientsOfOneRegisterAreCheckedWithinAFractionOfTheBudget() {
        Map<String, String> values = new HashMap<>();
        int[] written = {0};
        Function<SplittableRandom, Question> question = random -> {
            int choice = random.nextInt(4);
            return choice < 2 ? new Question(Kind.READ, bytes("x")) : new Question(Kind.PROPOSE, bytes(choice == 2 ? "x put " + ++written[0]
                : "x cas " + values.getOrDefault("x", "-") + " " + ++written[0]));
        };
        Function<Question, byte[]> effect = asked -> {
            String[] words = text(asked.input()).split(" ");
            String value = values.getOrDefault("x", "-");
            boolean fits = words.length < 3 || words[1].equals("put") || words[2].equals(value);
            if (fits && words.length > 1) {
                values.put("x", words[words.length - 1]);
            }
            return bytes(words.length == 1 ? value : fits ? "done" : "not done");
        };
        for (double unknown : new double[] {0, 0.05}) {
            values.clear();
            List<Operation> run = AtomicRuns.run(new SplittableRandom(1), 20, 1000, unknown, question, effect);
            assertGood(LinearizabilityChecker.check(new Models.Registers(), run, new Budget(20_000_000, 32 << 20)));
            int late = 950;
            while (run.get(late).kind() != Kind.READ || run.get(late).outcome() != Outcome.DONE) {
                late++;
            }
            run.set(late, AtomicRuns.answering(run.get(late), bytes("-")));
            assertBroken(LinearizabilityChecker.check(new Models.Registers(), run, new Budget(20_000_000, 32 << 20)));
        }
    }
}
