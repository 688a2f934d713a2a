package io.quorate.raft.testing;

import io.quorate.raft.testing.Operation.Kind;
import io.quorate.raft.testing.Operation.Outcome;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Tells whether what clients saw can be explained by one object that did their operations one after the other, each at some moment between
 * its call and its return (Herlihy and Wing, "Linearizability: A Correctness Condition for Concurrent Objects", TOPLAS 1990).
 *
 * <pre>{@code
 *   Verdict verdict = LinearizabilityChecker.check(new Register(), history.operations());
 *   assertTrue(verdict.isLinearizable(), verdict::toString);
 * }</pre>
 *
 * <p>What may not be known of an operation is taken seriously. One that {@code FAILED} takes no part. One that is {@code UNKNOWN} may take
 * effect at any moment after its call, or never; an unknown {@code READ} says nothing at all.
 *
 * <p>The question is hard in general: an order must be searched. The search is that of Wing and Gong ("Testing and Verifying Concurrent
 * Objects", JPDC 1993) with the improvements of Lowe ("Testing for linearizability", CCPE 2017): operations on different keys are searched
 * apart, operations are placed only when the return of one of them demands it, and no configuration (the operations placed, and the state
 * then) is searched twice. {@code OrderSearch} says how, and what it adds for operations of unknown outcome. A search takes no longer than
 * its {@link Budget}; when that is spent the verdict is {@link Undecided}, which is not a kind of "fine".
 */
public final class LinearizabilityChecker {

    /** How many operations of an order a report shows, the last ones. */
    private static final int SHOWN_OPERATIONS_MAX = 20;

    /**
     * How much a check may cost, all keys together.
     *
     * @param steps how often the search may look at an operation in a state or compare two configurations; many millions are done in a
     *              second, unless the model is slow
     * @param bytes roughly how much memory it may fill with what it remembers at a time, not counting what the model's states refer to
     */
    public record Budget(long steps, long bytes) {

        /** Well under a minute with a quick model, and a quarter of a gigabyte. */
        public static final Budget DEFAULT = new Budget(500_000_000, 256 << 20);

        /** Checks that there is something to spend. */
        public Budget {
            if (steps <= 0 || bytes <= 0) {
                throw new IllegalArgumentException("a budget of " + steps + " steps and " + bytes + " bytes decides nothing");
            }
        }
    }

    /** What a check came to. As text it is a report for people. */
    public sealed interface Verdict {

        /** Whether the history is proven to be linearizable. Undecided is not. */
        default boolean isLinearizable() {
            return this instanceof Linearizable;
        }
    }

    /**
     * There is an order that explains everything.
     *
     * @param orders for each key the order that was found. Operations of unknown outcome that it does not need are not in it
     */
    public record Linearizable(Map<Object, List<Operation>> orders) implements Verdict {

        @Override
        public String toString() {
            return "Linearizable: " + orders.values().stream().mapToInt(List::size).sum() + " operations on " + orders.size()
                + (orders.size() == 1 ? " key" : " keys");
        }
    }

    /**
     * No order explains what the clients of one key saw.
     *
     * @param key          whose operations these are
     * @param longestOrder of the orders that were found, one that goes furthest: of the operations that are over first, it explains most
     * @param state        the model's state behind it
     * @param cannotFollow the operations of which one had to come next: the first to return among them is the first of the list
     * @param idle         how many operations of unknown outcome might have taken effect too; no choice of them helps
     * @param report       all this for people, the order shortened
     */
    public record NotLinearizable(Object key, List<Operation> longestOrder, Object state, List<Blocked> cannotFollow, int idle,
                                  String report) implements Verdict {

        @Override
        public String toString() {
            return report;
        }
    }

    /**
     * An operation that cannot follow, and why.
     *
     * @param operation that is impossible in the state it finds
     * @param why       for people
     */
    public record Blocked(Operation operation, String why) { }

    /**
     * The budget is spent, and neither is proven.
     *
     * @param keys   those undecided; all others are linearizable
     * @param spent  by all keys: steps altogether, and bytes by the one that took most
     * @param budget what there was
     */
    public record Undecided(List<Object> keys, Budget spent, Budget budget) implements Verdict {

        @Override
        public String toString() {
            return "Undecided: the budget did not suffice for " + (keys.size() == 1 ? "key " : keys.size() + " keys, the first ")
                + keys.get(0) + ". Spent were " + spent.steps + " of " + budget.steps + " steps, and at most " + spent.bytes + " of "
                + budget.bytes + " bytes at a time. This says nothing about the history, good or bad. Give it more, record shorter"
                + " histories, or let the model's keyOf divide them into more keys.";
        }
    }

    private LinearizabilityChecker() { }

    /**
     * Checks with {@link Budget#DEFAULT}.
     *
     * @param model   what the service would do if it did one operation after the other
     * @param history its operations in any order, as from {@link History#operations()}
     */
    public static <S> Verdict check(SequentialModel<S> model, List<Operation> history) {
        return check(model, history, Budget.DEFAULT);
    }

    /**
     * Checks. If one key is broken, that is the verdict, whether or not others are undecided.
     *
     * @param model   what the service would do if it did one operation after the other
     * @param history its operations in any order, as from {@link History#operations()}
     * @param budget  for all keys together
     * @throws IllegalArgumentException if two events of the history have the same position, or one client has two operations at a time
     * @throws IllegalStateException    if the model lets a {@code READ} change the state
     */
    public static <S> Verdict check(SequentialModel<S> model, List<Operation> history, Budget budget) {
        requireOneOrder(history);
        Map<Object, List<Operation>> byKey = byKey(model, history);
        List<Object> smallestFirst = new ArrayList<>(byKey.keySet());
        smallestFirst.sort(Comparator.comparingInt(key -> byKey.get(key).size()));
        List<Object> undecided = new ArrayList<>();
        long steps = 0;
        long bytes = 0;
        for (int i = 0; i < smallestFirst.size(); i++) {
            Object key = smallestFirst.get(i);
            // What small keys leave over is for the large ones; no key gets less than an equal part.
            long share = Math.max(1, (budget.steps - steps) / (smallestFirst.size() - i));
            OrderSearch<S> search = new OrderSearch<>(model, byKey.get(key), new Budget(share, budget.bytes));
            switch (search.run()) {
                case FOUND -> byKey.put(key, search.order());
                case IMPOSSIBLE -> {
                    return broken(model, key, search);
                }
                case TOO_EXPENSIVE -> undecided.add(key);
            }
            steps += search.steps();
            bytes = Math.max(bytes, search.bytes());
        }
        return undecided.isEmpty() ? new Linearizable(Collections.unmodifiableMap(byKey))
            : new Undecided(List.copyOf(undecided), new Budget(steps, bytes), budget);
    }

    private static void requireOneOrder(List<Operation> history) {
        Set<Long> positions = new HashSet<>();
        Map<Integer, Operation> latest = new LinkedHashMap<>();
        List<Operation> byCall = new ArrayList<>(history);
        byCall.sort(Comparator.comparingLong(Operation::invokedAt));
        for (Operation operation : byCall) {
            if (!positions.add(operation.invokedAt())
                || operation.completedAt() != Operation.NEVER && !positions.add(operation.completedAt())) {
                throw new IllegalArgumentException("another event has the same position as one of " + operation);
            }
            Operation before = latest.put(operation.client(), operation);
            if (before != null && before.completedAt() > operation.invokedAt()) {
                throw new IllegalArgumentException("one client, two operations at a time: " + before + " and " + operation);
            }
        }
    }

    /** What has to be explained, by key. What failed has not happened, and a read that nobody saw answered tells nothing. */
    private static <S> Map<Object, List<Operation>> byKey(SequentialModel<S> model, List<Operation> history) {
        Map<Object, List<Operation>> byKey = new LinkedHashMap<>();
        for (Operation operation : history) {
            if (operation.outcome() == Outcome.DONE || operation.outcome() == Outcome.UNKNOWN && operation.kind() == Kind.PROPOSE) {
                byKey.computeIfAbsent(model.keyOf(operation), key -> new ArrayList<>()).add(operation);
            }
        }
        return byKey;
    }

    private static <S> NotLinearizable broken(SequentialModel<S> model, Object key, OrderSearch<S> search) {
        List<Operation> order = search.order();
        S state = search.state();
        List<Blocked> cannotFollow = new ArrayList<>();
        for (Operation operation : search.cannotFollow()) {
            String answer = model.wouldAnswer(state, operation);
            cannotFollow.add(new Blocked(operation, answer == null ? "impossible in this state" : "would be answered " + answer));
        }
        return new NotLinearizable(key, order, state, List.copyOf(cannotFollow), search.idle(),
            report(model, key, order, state, cannotFollow, search.idle()));
    }

    private static <S> String report(SequentialModel<S> model, Object key, List<Operation> order, S state, List<Blocked> cannotFollow,
                                     int idle) {
        StringBuilder report = new StringBuilder("Not linearizable: no order explains what the clients of key ").append(key)
            .append(" saw.\nThe longest order found, ").append(order.size()).append(order.size() == 1 ? " operation" : " operations");
        int hidden = Math.max(0, order.size() - SHOWN_OPERATIONS_MAX);
        report.append(hidden == 0 ? ":" : ", of which these are the last " + SHOWN_OPERATIONS_MAX + ":");
        for (Operation operation : order.subList(hidden, order.size())) {
            report.append("\n    ").append(model.describe(operation));
        }
        report.append("\nleads to the state\n    ").append(state).append("\nin which none of those can follow of which one must be next:");
        for (Blocked blocked : cannotFollow) {
            report.append("\n    ").append(model.describe(blocked.operation)).append(": ").append(blocked.why);
        }
        if (idle > 0) {
            report.append("\nNo choice among the ").append(idle).append(" of unknown outcome that might have taken effect too helps.");
        }
        return report.append("\nIn [x..y], x is the position of the call and y that of the return.").toString();
    }
}
