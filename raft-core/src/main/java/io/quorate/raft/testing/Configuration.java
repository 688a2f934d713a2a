package io.quorate.raft.testing;

import io.quorate.raft.testing.ModelStates.State;
import org.jspecify.annotations.Nullable;

/**
 * How far an order has come: what stands in it, and the state behind it.
 *
 * <p>An open operation is <em>placed</em> when it stands at a place that the rest of the order hangs on. It is <em>excused</em> when it is
 * placed, or when there is a place in the order at which it may stand or not without any difference to the rest; so it need not come any
 * more, but still may. Of operations that are over nothing is told: all of them stand in the order, otherwise it would not have come that
 * far.
 *
 * <p>Sets are bits in arrays, which are shared and never changed.
 */
final class Configuration<S> {

    private static final int BYTES = 112;                 // with its places in the table that knows it

    private final @Nullable Configuration<S> before;
    private final int[] added;
    private final int chosen;
    private final int turn;
    private final State<S> state;
    private final long[] placed;
    private final long[] excused;
    private final long[] taken;
    /** The next in the chain of those of one turn and state, which {@link KnownConfigurations} keeps. */
    @Nullable Configuration<S> nextAlike;

    /**
     * One that continues another.
     *
     * @param before  the one it continues; null for an empty order
     * @param added   what comes behind {@code before}, in this order: what is chosen, and what this excuses
     * @param chosen  the one that is placed, or of unknown outcome and taken; -1 if none is
     * @param turn    the first whose operation has not passed
     * @param state   behind the order
     * @param placed  slots of open operations
     * @param excused likewise, with all of {@code placed}
     * @param taken   the operations of unknown outcome that stand in the order
     */
    Configuration(@Nullable Configuration<S> before, int[] added, int chosen, int turn, State<S> state, long[] placed, long[] excused,
                  long[] taken) {
        this.before = before;
        this.added = added;
        this.chosen = chosen;
        this.turn = turn;
        this.state = state;
        this.placed = placed;
        this.excused = excused;
        this.taken = taken;
    }

    /**
     * Whether every future of the other, which is of the same turn and state, is one of this too: what is placed here is placed there, what
     * need not come there need not come here, and what is taken here is taken there. What is of unknown outcome need never come.
     */
    boolean covers(Configuration<S> other) {
        return Bits.isSubset(placed, other.placed) && Bits.isSubset(other.excused, excused) && Bits.isSubset(taken, other.taken);
    }

    @Nullable Configuration<S> before() {
        return before;
    }

    int[] added() {
        return added;
    }

    int chosen() {
        return chosen;
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

    long[] excused() {
        return excused;
    }

    long[] taken() {
        return taken;
    }

    /** Roughly what it fills. */
    long bytes() {
        return BYTES + 4L * added.length + 16L * placed.length + (before != null && before.taken == taken ? 0 : 16 + 8L * taken.length);
    }
}
