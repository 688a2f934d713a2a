package io.quorate.raft.testing;

import io.quorate.raft.testing.Operation.Kind;
import io.quorate.raft.testing.Operation.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Tries every order, by the definition and with no thought of speed: what the checker is compared with. */
final class BruteForce {

    private BruteForce() { }

    static <S> boolean isLinearizable(SequentialModel<S> model, List<Operation> history) {
        List<Operation> happened = history.stream().filter(operation -> operation.outcome() != Outcome.FAILED).toList();
        return canGoOn(model, model.initial(), happened);
    }

    private static <S> boolean canGoOn(SequentialModel<S> model, S state, List<Operation> left) {
        if (left.stream().allMatch(operation -> operation.outcome() == Outcome.UNKNOWN)) {
            return true;
        }
        for (int i = 0; i < left.size(); i++) {
            Operation next = left.get(i);
            boolean isOvertaken = left.stream().anyMatch(other -> other.completedAt() < next.invokedAt());
            S after = isOvertaken || next.outcome() == Outcome.UNKNOWN && next.kind() == Kind.READ ? null : model.step(state, next);
            if (after != null) {
                List<Operation> others = new ArrayList<>(left);
                others.remove(i);
                if (canGoOn(model, after, others)) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Whether an order is one: possible step by step, in real time, and with all that was answered in it. */
    static <S> boolean isOrder(SequentialModel<S> model, List<Operation> history, List<Operation> order) {
        S state = model.initial();
        long latestCall = -1;
        for (Operation operation : order) {
            S after = model.step(state, operation);
            if (after == null || operation.outcome() == Outcome.FAILED || operation.completedAt() < latestCall) {
                return false;
            }
            state = Objects.requireNonNull(after);
            latestCall = Math.max(latestCall, operation.invokedAt());
        }
        return order.stream().distinct().count() == order.size() && history.containsAll(order)
            && history.stream().allMatch(operation -> operation.outcome() != Outcome.DONE || order.contains(operation));
    }
}
