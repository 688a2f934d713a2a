package io.quorate.raft.testing;

import io.quorate.raft.testing.Operation.Kind;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The states of a model as far as they were reached, each once, with the steps between them: the model is asked once about an operation in
 * a state, and two states are the same when they are one object.
 *
 * <p>Operations that ask the same and were told the same are one <em>deed</em>, whoever did them and whenever: a model cannot tell them
 * apart.
 */
final class ModelStates<S> {

    /** A state, with the deeds tried in it and where they lead, as a hash table with open addressing. */
    static final class State<S> {
        private final @Nullable S value;                  // null: where an impossible step leads
        private final int number;
        private int[] deeds = {};                         // plus 1; 0 is a free place
        private @Nullable State<S>[] results;
        private int size;

        private State(@Nullable S value, int number) {
            this.value = value;
            this.number = number;
            results = newArray(0);
        }

        S value() {
            return Objects.requireNonNull(value);
        }

        /** In the order in which states were reached. */
        int number() {
            return number;
        }

        private @Nullable State<S> result(int deed) {
            return deeds.length == 0 ? null : results[place(deed)];
        }

        private void remember(int deed, State<S> result) {
            if (2 * size >= deeds.length) {
                grow();
            }
            int place = place(deed);
            deeds[place] = deed + 1;
            results[place] = result;
            size++;
        }

        private int place(int deed) {
            int mask = deeds.length - 1;
            int place = deed * 0x9E3779B9 >>> 7 & mask;
            while (deeds[place] != 0 && deeds[place] != deed + 1) {
                place = place + 1 & mask;
            }
            return place;
        }

        private void grow() {
            int[] oldDeeds = deeds;
            @Nullable State<S>[] oldResults = results;
            deeds = new int[Math.max(4, 2 * oldDeeds.length)];
            results = newArray(deeds.length);
            for (int i = 0; i < oldDeeds.length; i++) {
                if (oldDeeds[i] != 0) {
                    int place = place(oldDeeds[i] - 1);
                    deeds[place] = oldDeeds[i];
                    results[place] = oldResults[i];
                }
            }
        }

        @SuppressWarnings("unchecked")
        private static <S> @Nullable State<S>[] newArray(int length) {
            return (State<S>[]) new State<?>[length];
        }
    }

    /** What a model may look at in an operation. Its outcome is known by its output. */
    private record Asked(Kind kind, byte[] input, byte @Nullable [] output) {

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Asked that && kind == that.kind && Arrays.equals(input, that.input)
                && Arrays.equals(output, that.output);
        }

        @Override
        public int hashCode() {
            return 31 * Arrays.hashCode(input) + Arrays.hashCode(output);
        }
    }

    private static final int BYTES_PER_STATE = 120;
    private static final int BYTES_PER_STEP = 24;

    private final SequentialModel<S> model;
    private final Map<Asked, Integer> deeds = new HashMap<>();
    private final Map<S, State<S>> states = new HashMap<>();
    private final State<S> impossible = new State<>(null, -1);
    private long bytes;

    ModelStates(SequentialModel<S> model) {
        this.model = model;
    }

    /** The number of the deed that this operation is. */
    int deed(Operation operation) {
        return deeds.computeIfAbsent(new Asked(operation.kind(), operation.input(), operation.output()), asked -> deeds.size());
    }

    State<S> initial() {
        return state(model.initial());
    }

    /** Roughly what the states and steps fill, not counting what the model's own values refer to. */
    long bytes() {
        return bytes;
    }

    boolean isImpossible(State<S> state) {
        return state == impossible;
    }

    /**
     * The state that an operation leads to.
     *
     * @param deed the operation's
     */
    State<S> step(State<S> state, Operation operation, int deed) {
        State<S> result = state.result(deed);
        if (result == null) {
            S value = model.step(state.value(), operation);
            result = value == null ? impossible : state(value);
            if (operation.kind() == Kind.READ && result != state && result != impossible) {
                throw new IllegalStateException("the model lets a READ change the state from " + state.value() + " to " + value + ": "
                    + model.describe(operation));
            }
            state.remember(deed, result);
            bytes += BYTES_PER_STEP;
        }
        return result;
    }

    private State<S> state(S value) {
        State<S> known = states.get(value);
        if (known == null) {
            known = new State<>(value, states.size());
            states.put(value, known);
            bytes += BYTES_PER_STATE;
        }
        return known;
    }
}
