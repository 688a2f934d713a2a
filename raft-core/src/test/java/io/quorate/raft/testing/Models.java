package io.quorate.raft.testing;

import io.quorate.raft.testing.Operation.Kind;
import io.quorate.raft.testing.Operation.Outcome;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Sequential models for tests, with commands as text. */
final class Models {

    private Models() { }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static String text(byte @Nullable [] bytes) {
        return new String(Objects.requireNonNull(bytes), StandardCharsets.UTF_8);
    }

    /** The state behind, or null if this operation had another answer than the model gives. */
    private static <S> @Nullable S answered(Operation operation, String answer, S state) {
        return operation.outcome() == Outcome.DONE && !text(operation.output()).equals(answer) ? null : state;
    }

    /** One register for each key: {@code key put value}, {@code key cas expected value}, and {@code key} to read. */
    static final class Registers implements SequentialModel<String> {

        @Override
        public String initial() {
            return "-";
        }

        @Override
        public @Nullable String step(String state, Operation operation) {
            String[] words = text(operation.input()).split(" ");
            boolean fits = words.length < 3 || words[1].equals("put") || words[2].equals(state);
            if (operation.kind() == Kind.READ) {
                return text(operation.output()).equals(state) ? state : null;    // of unknown reads it is never asked
            }
            return answered(operation, fits ? "done" : "not done", fits ? words[words.length - 1] : state);
        }

        @Override
        public Object keyOf(Operation operation) {
            return text(operation.input()).split(" ")[0];
        }

        @Override
        public @Nullable String wouldAnswer(String state, Operation operation) {
            return operation.kind() == Kind.READ ? state : null;
        }
    }

    /** A queue: {@code add value}, {@code take}. */
    static final class Queue implements SequentialModel<List<String>> {

        @Override
        public List<String> initial() {
            return List.of();
        }

        @Override
        public @Nullable List<String> step(List<String> state, Operation operation) {
            String[] words = text(operation.input()).split(" ");
            if (words[0].equals("add")) {
                List<String> longer = new ArrayList<>(state);
                longer.add(words[1]);
                return answered(operation, "done", List.copyOf(longer));
            }
            return state.isEmpty() ? answered(operation, "nothing", state)
                : answered(operation, state.get(0), List.copyOf(state.subList(1, state.size())));
        }
    }

    /** Accounts with 100 each: {@code move from to amount}, refused if that is not there, and a query for the sum of all. */
    static final class Bank implements SequentialModel<Map<String, Integer>> {

        @Override
        public Map<String, Integer> initial() {
            return Map.of("a", 100, "b", 100);
        }

        @Override
        public @Nullable Map<String, Integer> step(Map<String, Integer> state, Operation operation) {
            if (operation.kind() == Kind.READ) {
                return answered(operation, new TreeMap<>(state).toString(), state);
            }
            String[] words = text(operation.input()).split(" ");
            int amount = Integer.parseInt(words[3]);
            if (state.get(words[1]) < amount) {
                return answered(operation, "too little", state);
            }
            Map<String, Integer> after = new TreeMap<>(state);
            after.merge(words[1], -amount, Integer::sum);
            after.merge(words[2], amount, Integer::sum);
            return answered(operation, "done", Map.copyOf(after));
        }
    }

    /** A table of what each command or query does and answers in each state: any deterministic service, if a small one. */
    record Table(int[][] next, int[][] answers) implements SequentialModel<Integer> {

        @Override
        public Integer initial() {
            return 0;
        }

        @Override
        public @Nullable Integer step(Integer state, Operation operation) {
            int column = operation.input()[0];
            boolean isAnswered = operation.outcome() == Outcome.DONE;
            if (isAnswered && Objects.requireNonNull(operation.output())[0] != answers[state][column]) {
                return null;
            }
            return operation.kind() == Kind.READ ? state : Integer.valueOf(next[state][column]);
        }
    }
}
