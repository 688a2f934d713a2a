package io.quorate.raft.testing;

import io.quorate.raft.testing.ModelStates.State;
import org.jspecify.annotations.Nullable;

/**
 * How far an order has come: what stands in it, and the state behind it. Two orders that come to the same configuration have the same future.
 *
 * <p>Sets are bits in arrays, which are shared and never changed. Of the operations that were answered only those still open need to be told:
 * all that are over stand in the order, otherwise it would not have come that far.
 */
final class Configuration<S> {

    private static final int BYTES = 88;                  // with its places in the tables that know it

    private final @Nullable Configuration<S> before;
    private final int[] added;
    private final int turn;
    private final State<S> state;
    private final long[] placed;
    private final long[] taken;
    /** Its next in the chain of those that differ in {@code taken} alone; {@link KnownConfigurations} keeps it. */
    @Nullable Configuration<S> nextAlike;

    /**
     * One that continues another.
     *
     * @param before the one it continues; null for an empty order
     * @param added  what stands in the order behind {@code before}, in that order
     * @param turn   the first return whose operation is not placed
     * @param state  behind the order
     * @param placed the slots of open operations that were answered and stand in the order
     * @param taken  the operations of unknown outcome that stand in the order
     */
    Configuration(@Nullable Configuration<S> before, int[] added, int turn, State<S> state, long[] placed, long[] taken) {
        this.before = before;
        this.added = added;
        this.turn = turn;
        this.state = state;
        this.placed = placed;
        this.taken = taken;
    }

    @Nullable Configuration<S> before() {
        return before;
    }

    int[] added() {
        return added;
    }

    int turn() {
        return turn;
    }

    State<S> state() {
        return state;
    }

    long[] placed() {
        return placed;
    }

    long[] taken() {
        return taken;
    }

    /** Roughly what it fills. */
    long bytes() {
        return BYTES + 4L * added.length + 8L * placed.length + (before != null && before.taken == taken ? 0 : 16 + 8L * taken.length);
    }
}
