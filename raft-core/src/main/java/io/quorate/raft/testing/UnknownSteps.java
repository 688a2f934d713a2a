package io.quorate.raft.testing;

import io.quorate.raft.testing.ModelStates.State;
import java.util.Arrays;

/**
 * Where the operations of unknown outcome lead, a row of numbers for each state: two states are compared with regard to hundreds of such
 * operations at once. Asking about each pair of them apart takes most of the time when there are many.
 */
final class UnknownSteps<S> {

    static final int IMPOSSIBLE = -1;

    private static final int[] EMPTY = {};

    private final ModelStates<S> states;
    private final Turns turns;
    private final int[] deeds;
    private int[][] rows = {};                            // by state
    private long bytes;

    /**
     * Rows for a history.
     *
     * @param deeds by operation
     */
    UnknownSteps(ModelStates<S> states, Turns turns, int[] deeds) {
        this.states = states;
        this.turns = turns;
        this.deeds = deeds;
    }

    /** The numbers of the states behind the operations of unknown outcome, of the first {@code count} at least. */
    int[] row(State<S> state, int count) {
        if (state.number() >= rows.length) {
            int old = rows.length;
            rows = Arrays.copyOf(rows, Math.max(64, 2 * state.number()));
            Arrays.fill(rows, old, rows.length, EMPTY);
        }
        int[] row = rows[state.number()];
        if (row.length < count) {
            int length = Math.min(turns.unknown(), Math.max(count, 2 * row.length));
            bytes += 4L * (length - row.length);
            int filled = row.length;
            row = Arrays.copyOf(row, length);
            for (int i = filled; i < length; i++) {
                int operation = turns.answered() + i;
                State<S> next = states.step(state, turns.operation(operation), deeds[operation]);
                row[i] = states.isImpossible(next) ? IMPOSSIBLE : next.number();
            }
            rows[state.number()] = row;
        }
        return row;
    }

    /** Roughly what the rows fill. */
    long bytes() {
        return bytes + 8L * rows.length;
    }
}
