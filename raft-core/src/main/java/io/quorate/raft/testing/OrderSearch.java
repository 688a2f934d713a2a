package io.quorate.raft.testing;

import io.quorate.raft.testing.LinearizabilityChecker.Budget;
import io.quorate.raft.testing.ModelStates.State;
import io.quorate.raft.testing.Operation.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Searches an order of the operations of one key in which each sees what it saw.
 *
 * <p>An order is at {@linkplain Turns turn} t when all operations before the t-th stand in it and the t-th has yet to pass. So what may
 * follow is what was called before the t-th returned and does not stand in the order; in particular nothing that was called after a return
 * comes before what returned.
 *
 * <p>These rules keep the search small, and none loses an order:
 * <ul>
 * <li>Nothing is placed before a return demands it (Lowe's just-in-time linearization). An order that exists can be followed operation by
 *     operation up to the one that is due.</li>
 * <li>An operation that is possible now and leaves the state as it is, as a read whose answer is the present one, is excused: it may stand
 *     here. (It may still come later, since a command that changes nothing here may be what brings a state about there.)</li>
 * <li>An operation is also excused when it may stand just before one that is placed, since that hides it: the state behind is the same.
 *     Without this, n writers at a time make 2^n configurations, as any of them may or may not have been overwritten.</li>
 * <li>Of operations that asked the same and were told the same, the one that must return first comes first; of those with unknown outcome,
 *     the one that was called first. In any order they can change places.</li>
 * <li>An operation of unknown outcome is taken only if somebody notices: something that may follow it is excused, or leads elsewhere than
 *     without it. Otherwise whatever follows does as well without it.</li>
 * <li>No configuration is searched twice, nor one that another {@linkplain Configuration#covers covers}. To have as many as possible
 *     covered, orders within one turn are lengthened evenly, the shortest first, whereas one that reaches a later turn is followed up at
 *     once.</li>
 * </ul>
 * The search keeps its own stack, since histories are longer than the stacks of threads are deep.
 */
final class OrderSearch<S> {

    enum Result { FOUND, IMPOSSIBLE, TOO_EXPENSIVE }

    /** The orders that are being lengthened within one turn. */
    private static final class Frame<S> {
        private final int turn;
        private final Deque<Configuration<S>> waiting = new ArrayDeque<>();
        private int candidate = PASS;                     // to try next behind the first one waiting

        private Frame(Configuration<S> first) {
            turn = first.turn();
            waiting.add(first);
        }
    }

    /** Instead of a candidate: the turn's operation is excused, and nothing is placed. */
    private static final int PASS = -1;

    private final Budget budget;
    private final Turns turns;
    private final ModelStates<S> states;
    private final KnownConfigurations<S> known = new KnownConfigurations<>();
    private final int[] deeds;                            // by operation
    private final int[] alikeBefore;                      // by operation: the last before it that is the same deed, or -1

    private final UnknownSteps<S> unknownSteps;

    private Configuration<S> farthest;
    private long looks;
    private long bytes;
    private int[] added = new int[16];                    // what is being placed and excused
    private int addedSize;

    OrderSearch(SequentialModel<S> model, List<Operation> history, Budget budget) {
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
        unknownSteps = new UnknownSteps<>(states, turns, deeds);
        long[] nothing = Bits.none(turns.slotCount());
        farthest = settled(null, PASS, 0, states.initial(), nothing, nothing.clone(), Bits.none(turns.unknown()));
    }

    Result run() {
        Deque<Frame<S>> frames = new ArrayDeque<>();
        known.add(farthest);
        frames.push(new Frame<>(farthest));
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
        int candidates = open.length + turns.unknownAt(frame.turn);
        while (true) {
            Configuration<S> from = frame.waiting.peek();
            if (from == null) {
                return null;
            }
            while (frame.candidate < candidates) {
                int candidate = frame.candidate++;
                Configuration<S> next = candidate == PASS ? passed(from) : candidate < open.length ? placed(from, open[candidate])
                    : taken(from, turns.answered() + candidate - open.length);
                if (next != null) {
                    return next;
                }
            }
            frame.waiting.remove();
            frame.candidate = PASS;
        }
    }

    private @Nullable Configuration<S> passed(Configuration<S> from) {
        int slot = turns.slot(from.turn());
        if (!Bits.isIn(from.excused(), slot)) {
            return null;
        }
        long[] excused = from.excused().clone();
        Bits.remove(excused, slot);
        addedSize = 0;
        return settled(from, PASS, from.turn() + 1, from.state(), from.placed().clone(), excused, from.taken());
    }

    private @Nullable Configuration<S> placed(Configuration<S> from, int operation) {
        int slot = turns.slot(operation);
        if (Bits.isIn(from.placed(), slot) || hasUrgentTwin(from, operation)) {
            return null;
        }
        State<S> state = step(from.state(), operation);
        // One that changes nothing is excused already, which serves as well and more cheaply.
        if (states.isImpossible(state) || state == from.state()) {
            return null;
        }
        long[] placed = from.placed().clone();
        long[] excused = from.excused().clone();
        addedSize = 0;
        excuseHidden(from, operation, state, excused);
        Bits.add(placed, slot);
        Bits.add(excused, slot);
        append(operation);
        return settled(from, operation, from.turn(), state, placed, excused, from.taken());
    }

    /** Whether another that asked the same and was told the same could be placed as well, and must come and return earlier. */
    private boolean hasUrgentTwin(Configuration<S> from, int operation) {
        int twin = alikeBefore[operation];
        return twin >= 0 && turns.isOpenAt(twin, from.turn()) && !Bits.isIn(from.excused(), turns.slot(twin));
    }

    private @Nullable Configuration<S> taken(Configuration<S> from, int operation) {
        int twin = alikeBefore[operation];
        if (isTaken(from, operation) || twin >= 0 && !isTaken(from, twin)) {
            return null;
        }
        State<S> state = step(from.state(), operation);
        // Nobody notices one that changes nothing, which is quickly seen; most of those that compare and swap are of this kind.
        if (states.isImpossible(state) || state == from.state() || !isNoticed(from, operation, state)) {
            return null;
        }
        long[] excused = from.excused().clone();
        long[] taken = from.taken().clone();
        Bits.add(taken, operation - turns.answered());
        addedSize = 0;
        excuseHidden(from, operation, state, excused);
        append(operation);
        return settled(from, operation, from.turn(), state, from.placed().clone(), excused, taken);
    }

    private boolean isTaken(Configuration<S> configuration, int operation) {
        return Bits.isIn(configuration.taken(), operation - turns.answered());
    }

    /** Whether anything that may follow within this turn tells the state behind an unknown operation from the one before it. */
    private boolean isNoticed(Configuration<S> from, int operation, State<S> state) {
        for (int open : turns.openAt(from.turn())) {
            int slot = turns.slot(open);
            if (!Bits.isIn(from.placed(), slot)) {
                State<S> next = step(state, open);
                boolean isNoticed = next == state ? !Bits.isIn(from.excused(), slot)
                    : !states.isImpossible(next) && next != step(from.state(), open);
                if (isNoticed) {
                    return true;
                }
            }
        }
        int count = turns.unknownAt(from.turn());
        int[] here = unknownSteps.row(state, count);
        int[] before = unknownSteps.row(from.state(), count);
        for (int i = differing(here, before, 0, count); i < count; i = differing(here, before, i + 1, count)) {
            int unknown = turns.answered() + i;
            if (unknown != operation && !isTaken(from, unknown) && here[i] != state.number() && here[i] != UnknownSteps.IMPOSSIBLE) {
                return true;
            }
        }
        return false;
    }

    /** The first place from {@code first} on at which the rows differ; {@code count} if there is none before. */
    private int differing(int[] one, int[] other, int first, int count) {
        looks++;
        int place = Arrays.mismatch(one, first, count, other, first, count);
        return place < 0 ? count : first + place;
    }

    /**
     * Excuses those that an operation hides: any choice of them may stand just before it, since each is possible whether or not others are
     * there, and the state behind is the same.
     */
    private void excuseHidden(Configuration<S> from, int operation, State<S> state, long[] excused) {
        for (int open : turns.openAt(from.turn())) {
            if (open == operation || Bits.isIn(excused, turns.slot(open))) {
                continue;
            }
            State<S> between = step(from.state(), open);
            if (states.isImpossible(between) || step(between, operation) != state) {
                continue;
            }
            boolean isFree = true;
            for (int i = 0; i < addedSize && isFree; i++) {
                isFree = step(step(from.state(), added[i]), open) == between;
            }
            if (isFree) {
                Bits.add(excused, turns.slot(open));
                append(open);
            }
        }
    }

    /**
     * The configuration when all is excused that leaves the state as it is, and what is placed or asks for nothing more has passed.
     *
     * @param before  the configuration before; null for an empty order
     * @param chosen  the operation that was placed or taken behind it, or {@code PASS}
     * @param turn    the turn from which to go on
     * @param state   behind the order
     * @param placed  changed here
     * @param excused changed here
     * @param taken   as it is now
     */
    private Configuration<S> settled(@Nullable Configuration<S> before, int chosen, int turn, State<S> state, long[] placed, long[] excused,
                                     long[] taken) {
        while (turn < turns.answered()) {
            for (int open : turns.openAt(turn)) {
                if (!Bits.isIn(excused, turns.slot(open)) && step(state, open) == state) {
                    Bits.add(excused, turns.slot(open));
                    append(open);
                }
            }
            int slot = turns.slot(turn);
            boolean isOver = turns.operation(turn).kind() == Kind.READ ? Bits.isIn(excused, slot) : Bits.isIn(placed, slot);
            if (!isOver) {
                break;
            }
            Bits.remove(placed, slot);
            Bits.remove(excused, slot);
            turn++;
        }
        return new Configuration<>(before, Arrays.copyOf(added, addedSize), chosen, turn, state, placed, excused, taken);
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
        return Bits.count(one.excused()) > Bits.count(other.excused());
    }

    /** How many were taken: looks at an operation in a state, and comparisons of configurations. */
    long steps() {
        return looks + known.comparisons();
    }

    /** Roughly what the search has filled. */
    long bytes() {
        return bytes + turns.bytes() + states.bytes() + unknownSteps.bytes();
    }

    /** The order that was found; if none was, one that came farthest. */
    List<Operation> order() {
        List<Configuration<S>> path = new ArrayList<>();
        BitSet chosen = new BitSet();
        for (Configuration<S> at = farthest; at != null; at = at.before()) {
            path.add(at);
            if (at.chosen() != PASS) {
                chosen.set(at.chosen());
            }
        }
        Collections.reverse(path);
        List<Operation> order = new ArrayList<>();
        for (Configuration<S> at : path) {
            for (int operation : at.added()) {
                if (operation == at.chosen() || !chosen.get(operation)) {
                    order.add(turns.operation(operation));
                }
            }
        }
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
            if (!Bits.isIn(farthest.excused(), turns.slot(open))) {
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
