package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Command;
import io.quorate.raft.StateMachine;
import io.quorate.raft.testing.StateMachineContract.Factory;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Scanner;
import java.util.Set;
import java.util.TimeZone;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Each promise of a state machine, broken on purpose by a machine that is otherwise good, is found under its name. */
class StateMachineContractTest {

    static StateMachineContract contract(Factory factory) {
        return StateMachineContract.of(factory).commands(Tally::draw).queries(Tally::draw).commandCount(100).seed(1);
    }

    private static ContractBroken assertBroken(String check, StateMachineContract contract) {
        ContractBroken broken = assertThrows(ContractBroken.class, contract::check);
        assertEquals(check, broken.check(), broken::getMessage);
        return broken;
    }

    private static void assertBroken(String check, Factory factory) {
        assertBroken(check, contract(factory));
    }

    // ---------------------------------------------------------------------------------------------------------------- good machines

    @Test
    void aGoodMachinePasses() {
        AtomicInteger made = new AtomicInteger();
        StateMachineContract.of(() -> {
            made.incrementAndGet();
            return new Tally();
        }).commands(Tally::draw).queries(Tally::draw).olderCommands(List.of(Tally.bytes("old"), new byte[0])).check();
        assertTrue(made.get() > 2 * StateMachineContract.DEFAULT_COMMAND_COUNT, "restored at every index, twice: " + made);
    }

    /** Without snapshots, without queries, and with results too long to be kept. */
    @Test
    void aMachineThatOnlyHasResultsPasses() {
        StateMachineContract.of(Echo::new).commands(random -> new byte[random.nextInt(1000)]).commandCount(1).check();
    }

    private static final class Echo implements StateMachine {
        @Override
        public byte[] apply(Command command) {
            return command.bytes();
        }

        @Override
        public byte[] query(byte[] query) {
            throw new UnsupportedOperationException("nobody asks");
        }
    }

    /**
     * Snapshots of equal states whose bytes stand in an accidental order, a restore that reads ahead (the stream ends where the snapshot
     * does), and a query that always throws, with a message that is never the same.
     */
    @Test
    void whatDoesNoHarmPasses() {
        contract(() -> new Tally() {
            @Override
            String answer(String word) {
                if (word.equals("inn")) {
                    throw new IllegalArgumentException("no such word, asked by " + new Object());
                }
                return super.answer(word);
            }

            @Override
            public Snapshot snapshot() {
                Map<String, Long> unordered = new IdentityHashMap<>();
                counts.forEach((word, count) -> unordered.put(new String(word.toCharArray()), count));
                long captured = total;
                return out -> write(out, unordered, captured);
            }

            @Override
            public void restore(InputStream from) throws IOException {
                super.restore(new BufferedInputStream(from));
            }
        }).check();
    }

    @Test
    void theDefaultsOfTheJvmAreAsBefore() {
        Locale locale = Locale.getDefault();
        Locale display = Locale.getDefault(Locale.Category.DISPLAY);
        Locale format = Locale.getDefault(Locale.Category.FORMAT);
        TimeZone zone = TimeZone.getDefault();
        try {
            Locale.setDefault(Locale.Category.DISPLAY, Locale.CANADA);
            Locale.setDefault(Locale.Category.FORMAT, Locale.GERMANY);
            TimeZone.setDefault(TimeZone.getTimeZone("Africa/Nairobi"));
            assertBroken("SameInAnyPlace", UpperCase::new);
            assertSame(locale, Locale.getDefault());
            assertSame(Locale.CANADA, Locale.getDefault(Locale.Category.DISPLAY));
            assertSame(Locale.GERMANY, Locale.getDefault(Locale.Category.FORMAT));
            assertEquals("Africa/Nairobi", TimeZone.getDefault().getID());
        } finally {
            Locale.setDefault(locale);
            Locale.setDefault(Locale.Category.DISPLAY, display);
            Locale.setDefault(Locale.Category.FORMAT, format);
            TimeZone.setDefault(zone);
        }
    }

    // --------------------------------------------------------------------------------------------------------- commands that fail

    @Test
    void aCommandThatIsRefusedByAnExceptionIsFound() {
        assertBroken("EveryCommandApplies", () -> new Tally() {
            @Override
            String count(String word) {
                if (counts.getOrDefault(word, 0L) > 5) {
                    throw new IllegalArgumentException("too many");
                }
                return super.count(word);
            }
        });
        assertBroken("EveryCommandApplies", () -> new Tally() {
            @Override
            public byte[] apply(Command command) {
                return super.apply(new Command(command.index(), ByteBuffer.wrap(command.payload().array())));     // read-only: has none
            }
        });
    }

    @Test
    void aCommandThatOnlyAppliesInTheUsualOrderIsFound() {
        assertBroken("EveryCommandApplies", contract(() -> new Tally() {
            @Override
            String count(String word) {
                if (total == 0 && !word.equals("begin")) {
                    throw new IllegalStateException("not begun");
                }
                return super.count(word);
            }
        }).olderCommands(List.of(Tally.bytes("begin"))));
    }

    @Test
    void anOlderCommandThatNoLongerAppliesIsFound() {
        ContractBroken broken = assertBroken("OlderCommandsStillApply", contract(() -> new Tally() {
            @Override
            String count(String word) {
                if (word.startsWith("v1:")) {
                    throw new IllegalArgumentException("unknown command");
                }
                return super.count(word);
            }
        }).olderCommands(List.of(Tally.bytes("one"), Tally.bytes("v1:two"))));
        assertTrue(broken.getMessage().contains("olderCommands[1]"), broken::getMessage);
        assertInstanceOf(IllegalArgumentException.class, broken.getCause());
    }

    /** Older commands come again among the newer ones: one that only applies to the beginning of a log is found. */
    @Test
    void anOlderCommandThatOnlyAppliesFirstIsFound() {
        assertBroken("OlderCommandsStillApply", contract(() -> new Tally() {
            @Override
            String count(String word) {
                if (word.startsWith("v1:") && total > 0) {
                    throw new IllegalArgumentException("unknown command");
                }
                return super.count(word);
            }
        }).olderCommands(List.of(Tally.bytes("v1:two"))));
    }

    @Test
    @SuppressWarnings("NullAway")
    void aResultOfNullIsFound() {
        assertBroken("ResultsAreNotNull", () -> new Tally() {
            @Override
            public byte[] apply(Command command) {
                return null;
            }
        });
        assertBroken("ResultsAreNotNull", () -> new Tally() {
            @Override
            public byte[] query(byte[] query) {
                return null;
            }
        });
    }

    // ---------------------------------------------------------------------------------------------------------------------- time

    /** Forgets all that was counted every hour, and tells when it last did. */
    private static class Hourly extends Tally {

        static final long HOUR = 3_600_000_000_000L;

        long dueNanos = HOUR;
        long forgotten;

        @Override
        public long wakeUpNanos() {
            return dueNanos;
        }

        @Override
        public void onTime(long index, long timeNanos) {
            counts.clear();
            forgotten = index;
            dueNanos = timeNanos + HOUR;
        }

        @Override
        String answer(String word) {
            return super.answer(word) + ", forgotten at " + forgotten;
        }

        @Override
        public Snapshot snapshot() {
            long[] captured = {dueNanos, forgotten};
            Snapshot rest = super.snapshot();
            return out -> {
                new DataOutputStream(out).writeLong(captured[0]);
                new DataOutputStream(out).writeLong(captured[1]);
                rest.writeTo(out);
            };
        }

        @Override
        public void restore(InputStream from) throws IOException {
            DataInputStream in = new DataInputStream(from);
            long[] read = {in.readLong(), in.readLong()};
            super.restore(from);
            dueNanos = read[0];
            forgotten = read[1];
        }
    }

    @Test
    void aMachineThatWaitsForTimesPasses() {
        AtomicInteger told = new AtomicInteger();
        contract(() -> new Hourly() {
            @Override
            public void onTime(long index, long timeNanos) {
                told.incrementAndGet();
                super.onTime(index, timeNanos);
            }
        }).check();
        assertTrue(told.get() > 100, "told " + told + " times");
        contract(Hourly::new).inAnotherJvm().check();
    }

    /** Each time that it is told it does the right thing, but the next time depends on more than the state. */
    @Test
    void aWakeUpByTheClockIsFound() {
        assertBroken("SameCommandsSameResults", () -> new Hourly() {
            @Override
            public long wakeUpNanos() {
                return dueNanos + System.nanoTime() % 1000;
            }
        });
    }

    @Test
    void aWakeUpThatIsNotInTheSnapshotIsFound() {
        assertBroken("RestoredGoesOnTheSame", () -> new Hourly() {
            @Override
            public void restore(InputStream from) throws IOException {
                super.restore(from);
                dueNanos = HOUR;
            }
        });
    }

    @Test
    void aQueryThatPutsOffAWakeUpIsFound() {
        assertBroken("QueryChangesNothing", () -> new Hourly() {
            @Override
            public byte[] query(byte[] query) {
                dueNanos++;
                return super.query(query);
            }
        });
    }

    @Test
    void aMachineThatGoesOnWantingATimeThatItWasToldIsFound() {
        assertBroken("WakeUpsLieAhead", () -> new Hourly() {
            @Override
            public void onTime(long index, long timeNanos) {
                super.onTime(index, timeNanos);
                dueNanos = timeNanos;
            }
        });
    }

    @Test
    void aMachineThatCannotBeToldTheTimeItWantsIsFound() {
        ContractBroken broken = assertBroken("EveryCommandApplies", contract(() -> new Tally() {
            @Override
            public long wakeUpNanos() {
                return 1;
            }
        }));
        assertInstanceOf(UnsupportedOperationException.class, broken.getCause());
        assertBroken("EveryCommandApplies", () -> new Tally() {
            @Override
            public long wakeUpNanos() {
                throw new IllegalStateException("no wish");
            }
        });
    }

    // ------------------------------------------------------------------------------------------------------------- indeterminism

    /** A word or two more in each result. */
    private abstract static class Remark extends Tally {
        abstract Object remark();

        @Override
        String count(String word) {
            return super.count(word) + " " + remark();
        }
    }

    @Test
    void aClockIsFound() {
        assertBroken("SameCommandsSameResults", () -> new Remark() {
            @Override
            Object remark() {
                return System.nanoTime();
            }
        });
        assertBroken("SameCommandsSameResults", () -> new Remark() {
            @Override
            Object remark() {
                return LocalDateTime.now(ZoneId.of("UTC")).getNano();
            }
        });
    }

    /** By an instance that waits for the next second. Should a second have begun before that, another check finds it: then once more. */
    @Test
    void aClockOfWholeSecondsIsFound() {
        Set<String> found = new HashSet<>();
        for (int tries = 0; tries < 20 && !found.contains("SameLater"); tries++) {
            ContractBroken broken = assertThrows(ContractBroken.class, contract(() -> new Remark() {
                @Override
                Object remark() {
                    return Instant.now().getEpochSecond();
                }
            }).commandCount(10)::check);
            found.add(broken.check());
        }
        assertTrue(found.contains("SameLater"), found::toString);
    }

    @Test
    void randomNumbersAreFound() {
        assertBroken("SameCommandsSameResults", () -> new Remark() {
            private final Random random = new Random();

            @Override
            Object remark() {
                return random.nextInt();
            }
        });
    }

    @Test
    void theOrderOfIdentityHashCodesIsFound() {
        assertBroken("SameCommandsSameResults", () -> new Remark() {
            private final Set<Object> things = new HashSet<>();
            private final Map<Object, Integer> numbers = new IdentityHashMap<>();

            @Override
            Object remark() {
                Object thing = new Object();
                things.add(thing);
                numbers.put(thing, numbers.size());
                return things.stream().map(each -> String.valueOf(numbers.get(each))).collect(Collectors.joining(","));
            }
        });
        assertBroken("SameCommandsSameResults", () -> new Tally() {
            private final Map<Object, Integer> numbers = new IdentityHashMap<>();

            @Override
            String count(String word) {
                numbers.put(new Object(), numbers.size());
                return super.count(word);
            }

            @Override
            String answer(String word) {
                return numbers.values().toString();
            }
        });
    }

    @Test
    void anAnswerThatDiffersAtOneStateAloneIsFound() {
        assertBroken("SameCommandsSameResults", () -> new Tally() {
            @Override
            String answer(String word) {
                return super.answer(word) + (total == 50 ? System.identityHashCode(this) : 0);
            }
        });
    }

    @Test
    void aCounterThatAllInstancesShareIsFound() {
        AtomicInteger shared = new AtomicInteger();
        assertBroken("SameCommandsSameResults", () -> new Remark() {
            @Override
            Object remark() {
                return shared.incrementAndGet();
            }
        });
    }

    private static final class ResetByEachNew extends Tally {
        private static Map<String, Long> shared = new HashMap<>();

        private ResetByEachNew() {
            shared = new HashMap<>();
        }

        @Override
        String count(String word) {
            return word + shared.merge(word, 1L, Long::sum);
        }
    }

    @Test
    void aStateThatEachNewInstanceTakesFromTheOthersIsFound() {
        assertBroken("InstancesShareNothing", ResetByEachNew::new);
    }

    @Test
    void aDependenceOnTheThreadIsFound() {
        assertBroken("SameOnAnyThread", () -> new Remark() {
            @Override
            Object remark() {
                return Thread.currentThread().getName();
            }
        });
        assertBroken("SameOnAnyThread", () -> new Remark() {
            private final ThreadLocal<String> confined = new ThreadLocal<>();

            {
                confined.set("here");
            }

            @Override
            Object remark() {
                return String.valueOf(confined.get());
            }
        });
    }

    private static final class UpperCase extends Tally {
        @Override
        String count(String word) {
            return super.count(word.toUpperCase(Locale.getDefault()));
        }
    }

    @Test
    void theDefaultLocaleIsFound() {
        assertBroken("SameInAnyPlace", UpperCase::new);
        assertBroken("SameInAnyPlace", () -> new Remark() {
            @Override
            Object remark() {
                return String.format("%d", total);
            }
        });
        assertBroken("SameInAnyPlace", () -> new Tally() {
            @Override
            String answer(String word) {
                return String.format("%.2f", total / 2.0);
            }
        });
    }

    @Test
    void theDefaultTimeZoneIsFound() {
        assertBroken("SameInAnyPlace", () -> new Remark() {
            @Override
            Object remark() {
                return LocalDateTime.ofInstant(Instant.ofEpochSecond(total), ZoneId.systemDefault());
            }
        });
    }

    // ---------------------------------------------------------------------------------------------------- queries, arrays, buffers

    @Test
    void aQueryThatChangesTheStateIsFound() {
        assertBroken("QueryChangesNothing", () -> new Tally() {       // seen in answers
            @Override
            String answer(String word) {
                total++;
                return super.answer(word);
            }
        });
        assertBroken("QueryChangesNothing", () -> new Tally() {       // seen in results alone
            @Override
            String answer(String word) {
                String answer = super.answer(word);
                counts.remove("inn");
                return word.equals("inn") ? "" : answer;
            }
        });
        assertBroken("QueryChangesNothing", () -> new Tally() {       // seen in the last answers alone
            private int cached = -1;

            @Override
            String answer(String word) {
                cached = cached < 0 ? (int) total : cached;
                return super.answer(word) + cached;
            }
        });
        assertBroken("QueryChangesNothing", () -> new Tally() {       // in the caller's array
            @Override
            public byte[] query(byte[] query) {
                byte[] answer = super.query(query);
                Arrays.sort(query);
                return answer;
            }
        });
    }

    @Test
    void aResultThatIsChangedLaterIsFound() {
        assertBroken("ResultsStayAsTheyAre", () -> new Tally() {
            private final byte[] sameEachTime = new byte[8];

            @Override
            public byte[] apply(Command command) {
                super.apply(command);
                return ByteBuffer.wrap(sameEachTime).putLong(total).array();
            }
        });
        assertBroken("ResultsStayAsTheyAre", () -> new Tally() {
            private final byte[] state = new byte[1];

            @Override
            String count(String word) {
                state[0]++;
                return super.count(word);
            }

            @Override
            public byte[] query(byte[] query) {
                return state;
            }
        });
    }

    @Test
    void aPayloadThatIsKeptIsFound() {
        assertBroken("PayloadIsNotKept", () -> new Tally() {
            private ByteBuffer previous = ByteBuffer.allocate(1);

            @Override
            public byte[] apply(Command command) {
                byte[] result = Tally.bytes(text(super.apply(command)) + previous.get(0));
                previous = command.payload().duplicate();
                return result;
            }
        });
    }

    // -------------------------------------------------------------------------------------------------------------------- snapshots

    @Test
    void aSnapshotThatForgetsAFieldIsFound() {
        assertBroken("RestoredGoesOnTheSame", () -> new Tally() {
            private String longest = "";

            @Override
            String count(String word) {
                longest = word.length() > longest.length() ? word : longest;
                return super.count(word) + longest;
            }
        });
    }

    @Test
    void aSnapshotThatIsNotFlushedIsFound() {
        assertBroken("RestoredGoesOnTheSame", () -> new Tally() {
            @Override
            public Snapshot snapshot() {
                Snapshot whole = super.snapshot();
                return out -> whole.writeTo(new BufferedOutputStream(out));
            }
        });
    }

    @Test
    void aSnapshotOfARestoredMachineThatIsNoneIsFound() {
        assertBroken("RestoredGoesOnTheSame", () -> new Tally() {
            private boolean isRestored;

            @Override
            public Snapshot snapshot() {
                Map<String, Long> captured = isRestored ? Map.of() : new HashMap<>(counts);
                long capturedTotal = total;
                return out -> write(out, captured, capturedTotal);
            }

            @Override
            public void restore(InputStream from) throws IOException {
                super.restore(from);
                isRestored = true;
            }
        });
    }

    /** Only one state of a hundred, and only some commands later. */
    @Test
    void aSnapshotThatIsWrongAtOneIndexIsFound() {
        assertBroken("RestoredGoesOnTheSame", () -> new Tally() {
            @Override
            public void restore(InputStream from) throws IOException {
                super.restore(from);
                if (total == 41) {
                    counts.merge("one", 1L, Long::sum);
                }
            }
        });
    }

    @Test
    void aMachineThatCannotRestoreIsFound() {
        ContractBroken broken = assertBroken("RestoredGoesOnTheSame", contract(() -> new StateMachine() {
            @Override
            public byte[] apply(Command command) {
                return new byte[0];
            }

            @Override
            public byte[] query(byte[] query) {
                return query;
            }

            @Override
            public Snapshot snapshot() {
                return out -> { };
            }
        }));
        assertTrue(broken.getMessage().contains("override both of them or neither"), broken::getMessage);
    }

    @Test
    void aMachineThatSometimesHasNoSnapshotIsFound() {
        assertBroken("SnapshotsAlwaysOrNever", () -> new Tally() {
            @Override
            @SuppressWarnings("NullAway")
            public Snapshot snapshot() {
                return total == 7 ? null : super.snapshot();
            }
        });
    }

    @Test
    void aSnapshotThatChangesTheStateIsFound() {
        assertBroken("SnapshotChangesNothing", () -> new Tally() {
            @Override
            public Snapshot snapshot() {
                Snapshot snapshot = super.snapshot();
                if (total == 50) {
                    counts.clear();
                }
                return snapshot;
            }
        });
    }

    @Test
    void aRestoreThatMergesIsFound() {
        assertBroken("RestoreReplacesTheState", () -> new Tally() {
            @Override
            public void restore(InputStream from) throws IOException {
                Map<String, Long> before = Map.copyOf(counts);
                super.restore(from);
                before.forEach(counts::putIfAbsent);
            }
        });
    }

    @Test
    void aRestoreThatStumblesOverAFailedOneIsFound() {
        assertBroken("RestoreReplacesTheState", () -> new Tally() {
            private boolean isRestoring;

            @Override
            public void restore(InputStream from) throws IOException {
                if (isRestoring) {
                    throw new IllegalStateException("restoring already");
                }
                isRestoring = true;
                super.restore(from);
                isRestoring = false;
            }
        });
    }

    @Test
    void aSnapshotThatIsNotCapturedIsFound() {
        assertBroken("SnapshotIsCaptured", () -> new Tally() {
            @Override
            public Snapshot snapshot() {
                return out -> write(out, counts, total);
            }
        });
    }

    /** A copy is made for the first command after snapshot(), but only until writeTo has begun. */
    @Test
    void aSnapshotThatIsGivenUpWhenItIsWrittenIsFound() {
        assertBroken("SnapshotIsCaptured", () -> new Tally() {
            private boolean isShared;

            @Override
            String count(String word) {
                if (isShared) {
                    counts = new HashMap<>(counts);
                    isShared = false;
                }
                return super.count(word);
            }

            @Override
            public Snapshot snapshot() {
                isShared = true;
                Map<String, Long> captured = counts;
                long capturedTotal = total;
                return out -> {
                    if (counts == captured) {
                        isShared = false;
                    }
                    write(out, captured, capturedTotal);
                };
            }
        });
    }

    @Test
    void aWriteFailureThatIsSwallowedIsFound() {
        assertBroken("WriteFailureIsThrown", () -> new Tally() {
            @Override
            public Snapshot snapshot() {
                Snapshot snapshot = super.snapshot();
                return out -> {
                    PrintStream print = new PrintStream(out, false, StandardCharsets.UTF_8);
                    snapshot.writeTo(print);
                    print.flush();
                };
            }
        });
    }

    @Test
    void aReadFailureThatIsSwallowedIsFound() {
        assertBroken("ReadFailureIsThrown", () -> new Tally() {
            @Override
            public void restore(InputStream from) throws IOException {
                Scanner scanner = new Scanner(from, StandardCharsets.ISO_8859_1).useDelimiter("\\A");
                byte[] read = (scanner.hasNext() ? scanner.next() : "\0".repeat(12)).getBytes(StandardCharsets.ISO_8859_1);
                super.restore(new ByteArrayInputStream(Arrays.copyOf(read, read.length + 100)));
            }
        });
    }

    @Test
    void aRestoreThatExpectsTheWholeStreamAtOnceIsFound() {
        assertBroken("RestoreReadsAnyStream", () -> new Tally() {
            @Override
            public void restore(InputStream from) throws IOException {
                byte[] buffer = new byte[10_000];
                int length = from.read(buffer);
                super.restore(new ByteArrayInputStream(buffer, 0, Math.max(0, length)));
            }
        });
        assertBroken("RestoreReadsAnyStream", () -> new Tally() {
            @Override
            public void restore(InputStream from) throws IOException {
                byte[] buffer = new byte[Math.max(from.available(), 12)];
                new DataInputStream(from).readFully(buffer);
                super.restore(new ByteArrayInputStream(buffer));
            }
        });
    }

    // ------------------------------------------------------------------------------------------------------------- seeds and refusals

    @Test
    void whatAFailurePrintsShowsItAgain() {
        Factory factory = () -> new Tally() {
            @Override
            String answer(String word) {
                if (total > 30) {
                    total++;
                }
                return super.answer(word);
            }
        };
        ContractBroken broken = assertBroken("QueryChangesNothing",
            StateMachineContract.of(factory).commands(Tally::draw).queries(Tally::draw).olderCommands(List.of(new byte[0])));
        String message = broken.getMessage();
        long seed = Long.parseLong(message.replaceAll("(?s).*\\.seed\\((-?\\d+)L\\).*", "$1"));
        int count = Integer.parseInt(message.replaceAll("(?s).*\\.commandCount\\((\\d+)\\).*", "$1"));
        assertTrue(count < 31, message);
        ContractBroken again = assertBroken("QueryChangesNothing", StateMachineContract.of(factory).commands(Tally::draw)
            .queries(Tally::draw).olderCommands(List.of(new byte[0])).seed(seed).commandCount(count));
        assertEquals(message.replaceAll("of \\d+ commands", ""), again.getMessage().replaceAll("of \\d+ commands", ""));
    }

    @Test
    void withoutCommandsNothingIsProven() {
        assertThrows(IllegalStateException.class, StateMachineContract.of(Tally::new)::check);
        assertThrows(IllegalArgumentException.class, () -> StateMachineContract.of(Tally::new).commandCount(0));
    }

    @Test
    @SuppressWarnings("NullAway")
    void whatTheUserGivesIsNeverNull() {
        assertThrows(IllegalArgumentException.class, contract(() -> null)::check);
        assertThrows(IllegalArgumentException.class, contract(Tally::new).commands(random -> null)::check);
        assertThrows(IllegalArgumentException.class, contract(Tally::new).queries(random -> null)::check);
    }
}
