package io.quorate.raft.testing;

import io.quorate.raft.testing.LinearizabilityChecker.Budget;
import io.quorate.raft.testing.ModelStates.State;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Searches an order of the operations of one key in which each sees what it saw.
 *
 * <p>An order is at {@linkplain Turns turn} t when all operations before the t-th stand in it and the t-th does not. So what may follow is
 * what was called before the t-th returned and does not stand in the order yet; in particular nothing that was called after a return comes
 * before what returned.
 *
 * <p>These rules keep the search small, and none loses an order:
 * <ul>
 * <li>Nothing is placed before a return demands it (Lowe's just-in-time linearization). An order that exists can be followed operation by
 *     operation up to the one that is due.</li>
 * <li>An answered operation that is possible now and leaves the state as it is, as a read, is placed at once: wherever an order has it
 *     later, it may as well have it here.</li>
 * <li>Of operations that asked the same and were told the same, the one that must return first comes first; of those with unknown outcome,
 *     the one that was called first. In any order they can change places.</li>
 * <li>An unknown operation that leaves the state as it is does nothing that its absence does not.</li>
 * <li>No configuration is searched twice, nor one that is in vain beside another (see {@link KnownConfigurations}). That works best when
 *     unknown operations are taken sparingly. So orders within one turn are lengthened evenly, the shortest first, whereas one that reaches a
 *     later turn is followed up at once.</li>
 * </ul>
 * The search keeps its own stack, since histories are longer than the stacks of threads are deep.
 */
final class OrderSearch<S> {

    enum Result { FOUND, IMPOSSIBLE, TOO_EXPENSIVE }

    /** The orders that are being lengthened within one turn. */
    private static final class Frame<S> {
        private final int turn;
        private final Deque<Configuration<S>> waiting = new ArrayDeque<>();
        private int candidate;                            // of the first one waiting, to try next

        private Frame(Configuration<S> first) {
            turn = first.turn();
            waiting.add(first);
        }
    }

    private final SequentialModel<S> model;
    private final Budget budget;
    private final Turns turns;
    private final ModelStates<S> states;
    private final KnownConfigurations<S> known = new KnownConfigurations<>();
    private final int[] deeds;                            // by operation
    private final int[] alikeBefore;                      // by operation: the last before it that is the same deed, or -1

    private Configuration<S> farthest;
    private long looks;
    private long bytes;
    private int[] added = new int[16];                    // what is being placed
    private int addedSize;

    OrderSearch(SequentialModel<S> model, List<Operation> history, Budget budget) {
        this.model = model;
        this.budget = budget;
        turns = new Turns(history);
        states = new ModelStates<>(model);
        deeds = new int[history.size()];
        alikeBefore = new int[history.size()];
        int[] latest = new int[history.size()];           // by deed
        Arrays.fill(latest, -1);
        for (int i = 0; i < deeds.length; i++) {
            deeds[i] = states.deed(turns.operation(i));
            alikeBefore[i] = latest[deeds[i]];
            latest[deeds[i]] = i;
        }
        farthest = settled(null, 0, states.initial(), Bits.none(turns.slotCount()), Bits.none(turns.unknown()));
    }

    Result run() {
        Deque<Frame<S>> frames = new ArrayDeque<>();
        if (farthest.turn() < turns.answered()) {
            known.add(farthest);
            frames.push(new Frame<>(farthest));
        }
        while (farthest.turn() < turns.answered()) {
            if (steps() > budget.steps() || bytes() > budget.bytes()) {
                return Result.TOO_EXPENSIVE;
            }
            Frame<S> frame = frames.peek();
            if (frame == null) {
                return Result.IMPOSSIBLE;
            }
            Configuration<S> next = lengthened(frame);
            if (next == null) {
                frames.pop();
            } else if (known.add(next)) {
                bytes += next.bytes();
                farthest = isFarther(next, farthest) ? next : farthest;
                if (next.turn() == frame.turn) {
                    frame.waiting.add(next);
                } else {
                    frames.push(new Frame<>(next));
                }
            }
        }
        return Result.FOUND;
    }

    /** The next longer order that the frame has to offer, or null when there is none. */
    private @Nullable Configuration<S> lengthened(Frame<S> frame) {
        int[] open = turns.openAt(frame.turn);
        int unknown = turns.unknownAt(frame.turn);
        while (true) {
            Configuration<S> from = frame.waiting.peek();
            if (from == null) {
                return null;
            }
            while (frame.candidate < open.length + unknown) {
                int candidate = frame.candidate++;
                Configuration<S> next = candidate < open.length ? afterAnswered(from, open[candidate])
                    : afterUnknown(from, turns.answered() + candidate - open.length);
                if (next != null) {
                    return next;
                }
            }
            frame.waiting.remove();
            frame.candidate = 0;
        }
    }

    private @Nullable Configuration<S> afterAnswered(Configuration<S> from, int operation) {
        if (Bits.isIn(from.placed(), turns.slot(operation)) || hasUrgentTwin(from, operation)) {
            return null;
        }
        State<S> state = step(from.state(), operation);
        if (states.isImpossible(state)) {
            return null;
        }
        long[] placed = from.placed().clone();
        Bits.add(placed, turns.slot(operation));
        return settled(from, operation, state, placed, from.taken());
    }

    /** Whether another that asked the same and was told the same could be placed as well, and must return earlier. */
    private boolean hasUrgentTwin(Configuration<S> from, int operation) {
        int twin = alikeBefore[operation];
        return twin >= 0 && turns.isOpenAt(twin, from.turn()) && !Bits.isIn(from.placed(), turns.slot(twin));
    }

    private @Nullable Configuration<S> afterUnknown(Configuration<S> from, int operation) {
        int twin = alikeBefore[operation];
        if (isTaken(from, operation) || twin >= 0 && !isTaken(from, twin)) {
            return null;
        }
        State<S> state = step(from.state(), operation);
        if (states.isImpossible(state) || state == from.state()) {
            return null;
        }
        long[] taken = from.taken().clone();
        Bits.add(taken, operation - turns.answered());
        return settled(from, operation, state, from.placed().clone(), taken);
    }

    private boolean isTaken(Configuration<S> configuration, int operation) {
        return Bits.isIn(configuration.taken(), operation - turns.answered());
    }

    /**
     * The configuration after an operation and all that may as well follow it at once.
     *
     * @param before    the configuration before; null for an empty order, to which no operation is added
     * @param operation that is added
     * @param state     behind it
     * @param placed    with it; changed here
     * @param taken     with it
     */
    private Configuration<S> settled(@Nullable Configuration<S> before, int operation, State<S> state, long[] placed, long[] taken) {
        addedSize = 0;
        int turn = 0;
        if (before != null) {
            turn = before.turn();
            append(operation);
        }
        long triedBefore = -1;
        while (turn < turns.answered()) {
            for (int open : turns.openAt(turn)) {
                if (turns.operation(open).invokedAt() > triedBefore && !Bits.isIn(placed, turns.slot(open)) && step(state, open) == state) {
                    Bits.add(placed, turns.slot(open));
                    append(open);
                }
            }
            if (!Bits.isIn(placed, turns.slot(turn))) {
                break;
            }
            triedBefore = turns.operation(turn).completedAt();
            Bits.remove(placed, turns.slot(turn));
            turn++;
        }
        return new Configuration<>(before, Arrays.copyOf(added, addedSize), turn, state, placed, taken);
    }

    private void append(int operation) {
        added = addedSize == added.length ? Arrays.copyOf(added, 2 * addedSize) : added;
        added[addedSize++] = operation;
    }

    private State<S> step(State<S> state, int operation) {
        looks++;
        return states.step(state, turns.operation(operation), deeds[operation]);
    }

    private static boolean isFarther(Configuration<?> one, Configuration<?> other) {
        if (one.turn() != other.turn()) {
            return one.turn() > other.turn();
        }
        int more = Bits.count(one.placed()) - Bits.count(other.placed());
        return more > 0 || more == 0 && Bits.count(one.taken()) < Bits.count(other.taken());
    }

    /** How many were taken: looks at an operation in a state, and comparisons of configurations. */
    long steps() {
        return looks + known.comparisons();
    }

    /** Roughly what the search has filled. */
    long bytes() {
        return bytes + turns.bytes() + states.bytes();
    }

    /** The order that was found; if none was, one that came farthest. */
    List<Operation> order() {
        List<Operation> order = new ArrayList<>();
        for (Configuration<S> at = farthest; at != null; at = at.before()) {
            for (int i = at.added().length - 1; i >= 0; i--) {
                order.add(turns.operation(at.added()[i]));
            }
        }
        Collections.reverse(order);
        return List.copyOf(order);
    }

    /** The state behind {@link #order}. */
    S state() {
        return farthest.state().value();
    }

    /** The answered operations of which one had to follow {@link #order} next; all are impossible then. */
    List<Operation> cannotFollow() {
        List<Operation> cannotFollow = new ArrayList<>();
        for (int open : turns.openAt(farthest.turn())) {
            if (!Bits.isIn(farthest.placed(), turns.slot(open))) {
                cannotFollow.add(turns.operation(open));
            }
        }
        return cannotFollow;
    }

    /** How many operations of unknown outcome are not in {@link #order}, although they were called in time. */
    int idle() {
        int idle = 0;
        for (int unknown = 0; unknown < turns.unknownAt(farthest.turn()); unknown++) {
            idle += Bits.isIn(farthest.taken(), unknown) ? 0 : 1;
        }
        return idle;
    }
}
