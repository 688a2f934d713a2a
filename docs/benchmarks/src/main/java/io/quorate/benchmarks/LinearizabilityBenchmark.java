package io.quorate.benchmarks;

import io.quorate.raft.testing.History;
import io.quorate.raft.testing.LinearizabilityChecker;
import io.quorate.raft.testing.LinearizabilityChecker.NotLinearizable;
import io.quorate.raft.testing.LinearizabilityChecker.Verdict;
import io.quorate.raft.testing.Operation;
import io.quorate.raft.testing.Operation.Kind;
import io.quorate.raft.testing.Operation.Outcome;
import io.quorate.raft.testing.SequentialModel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Tells how long the linearizability checker takes for histories of 10,000 operations of 20 clients, all of whom nearly always have one
 * open: over 20 keys and over a single one, with and without operations of unknown outcome, good and with a stale read close to the end.
 * Good histories are those of registers that are atomic, each operation taking effect at a random moment between call and return.
 *
 * <p>All over one key, with hundreds of unknown operations and no order to find, is the case that nobody can decide in general; it is here
 * to show how soon a budget is spent.
 */
public final class LinearizabilityBenchmark {

    private static final int OPERATIONS = 10_000;
    private static final int CLIENTS = 20;
    private static final int SEEDS = 3;

    /** One register for each key. Commands are {@code key put value} and {@code key cas expected value}, a query is a key. */
    private record Registers() implements SequentialModel<String> {

        @Override
        public String initial() {
            return "";
        }

        @Override
        public @Nullable String step(String state, Operation operation) {
            String[] words = text(operation.input()).split(" ", -1);
            String output = operation.outcome() == Outcome.DONE ? text(Objects.requireNonNull(operation.output())) : null;
            return switch (operation.kind()) {
                case READ -> state.equals(output) ? state : null;
                case PROPOSE -> {
                    boolean isDone = words[1].equals("put") || words[2].equals(state);
                    yield output != null && isDone != output.equals("done") ? null : isDone ? words[words.length - 1] : state;
                }
            };
        }

        @Override
        public Object keyOf(Operation operation) {
            return text(operation.input()).split(" ", 2)[0];
        }
    }

    private enum Phase { IDLE, CALLED, EFFECTIVE }

    /** Somebody with an operation on its way. */
    private static final class Client {
        private int number;
        private Phase phase = Phase.IDLE;
        private long handle;
        private Kind kind = Kind.READ;
        private String input = "";
        private String output = "";

        private Client(int number) {
            this.number = number;
        }
    }

    private LinearizabilityBenchmark() { }

    /** Runs the benchmark, and prints one line for each kind of history. */
    public static void main(String[] arguments) {
        for (int keys : new int[] {20, 1}) {
            for (double unknown : new double[] {0, 0.01, 0.05}) {
                measure(keys, unknown, false);
                measure(keys, unknown, true);
            }
        }
    }

    private static void measure(int keys, double unknown, boolean isBroken) {
        Map<String, Integer> verdicts = new TreeMap<>();
        long worstNanos = 0;
        for (int seed = 1; seed <= SEEDS; seed++) {
            List<Operation> history = history(new SplittableRandom(seed), keys, unknown);
            if (isBroken) {
                plantStaleRead(history);
            }
            long start = System.nanoTime();
            Verdict verdict = LinearizabilityChecker.check(new Registers(), history);
            worstNanos = Math.max(worstNanos, System.nanoTime() - start);
            verdicts.merge(verdict.getClass().getSimpleName(), 1, Integer::sum);
            if (isBroken ? verdict.isLinearizable() : verdict instanceof NotLinearizable) {
                throw new IllegalStateException("a wrong verdict on seed " + seed + ": " + verdict);
            }
        }
        System.out.println("bench: linearizability operations=" + OPERATIONS + " clients=" + CLIENTS + " keys=" + keys
            + " unknown=" + unknown + " planted=" + (isBroken ? "stale read" : "nothing") + " verdicts=" + verdicts + " worst_ms="
            + TimeUnit.NANOSECONDS.toMillis(worstNanos));
    }

    private static List<Operation> history(SplittableRandom random, int keys, double unknown) {
        History history = new History();
        Map<String, String> registers = new HashMap<>();
        List<Client> clients = new ArrayList<>();
        for (int number = 0; number < CLIENTS; number++) {
            clients.add(new Client(number));
        }
        int numbers = CLIENTS;
        int invoked = 0;
        while (invoked < OPERATIONS) {
            Client client = clients.get(random.nextInt(CLIENTS));
            switch (client.phase) {
                case IDLE -> {
                    String key = "k" + random.nextInt(keys);
                    int choice = random.nextInt(4);
                    client.kind = choice < 2 ? Kind.READ : Kind.PROPOSE;
                    client.input = choice < 2 ? key : choice == 2 ? key + " put v" + invoked
                        : key + " cas " + registers.getOrDefault(key, "") + " v" + invoked;
                    client.handle = history.invoke(client.number, client.kind, bytes(client.input));
                    client.phase = Phase.CALLED;
                    invoked++;
                }
                case CALLED -> {
                    if (client.kind == Kind.READ || random.nextDouble() >= unknown / 2) {
                        client.output = effect(registers, client.input);
                    }
                    client.phase = Phase.EFFECTIVE;
                }
                case EFFECTIVE -> {
                    // Half of those unknown took effect.
                    if (client.output.isEmpty() && client.kind == Kind.PROPOSE || random.nextDouble() < unknown / 2) {
                        history.unknown(client.handle);
                        client.number = numbers++;
                    } else {
                        history.done(client.handle, bytes(client.output));
                    }
                    client.output = "";
                    client.phase = Phase.IDLE;
                }
            }
        }
        return new ArrayList<>(history.operations());
    }

    private static String effect(Map<String, String> registers, String input) {
        String[] words = input.split(" ", -1);
        String before = registers.getOrDefault(words[0], "");
        if (words.length == 1) {
            return before;
        }
        if (words[1].equals("put") || words[2].equals(before)) {
            registers.put(words[0], words[words.length - 1]);
            return "done";
        }
        return "not done";
    }

    /** Lets a late read see the first value that its key ever had, which is long overwritten. */
    private static void plantStaleRead(List<Operation> history) {
        for (int i = OPERATIONS * 95 / 100; i < OPERATIONS; i++) {
            Operation read = history.get(i);
            if (read.kind() == Kind.READ && read.outcome() == Outcome.DONE) {
                history.set(i, new Operation(read.client(), read.kind(), read.input(), read.invokedAt(), read.completedAt(),
                    read.outcome(), bytes("")));
                return;
            }
        }
        throw new IllegalStateException("no read to spoil");
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
