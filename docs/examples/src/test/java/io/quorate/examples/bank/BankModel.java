package io.quorate.examples.bank;

import io.quorate.raft.testing.Operation;
import io.quorate.raft.testing.Operation.Kind;
import io.quorate.raft.testing.SequentialModel;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** What a customer is promised, said once more: a transfer happens once, and whoever asks again hears the same answer. */
final class BankModel implements SequentialModel<BankModel.Accounts> {

    record Accounts(int current, int savings, Map<String, String> answers) {

        Accounts after(Transfer transfer) {
            if (answers.containsKey(transfer.id())) {
                return this;
            }
            Map<String, String> answered = new HashMap<>(answers);
            Accounts moved = new Accounts(current - transfer.amount(), savings + transfer.amount(), answered);
            boolean isRefused = moved.current < 0 || moved.savings < 0;
            answered.put(transfer.id(), isRefused ? "refused: " + balances() : "done: " + moved.balances());
            return isRefused ? new Accounts(current, savings, answered) : moved;
        }

        String balances() {
            return current + " and " + savings;
        }
    }

    @Override
    public Accounts initial() {
        return new Accounts(100, 100, Map.of());
    }

    /** Customers have nothing to do with each other, so the operations of each are checked apart, which is much quicker. */
    @Override
    public Object keyOf(Operation operation) {
        return operation.kind() == Kind.READ ? Integer.parseInt(text(operation.input())) : Transfer.parse(operation.input()).customer();
    }

    /** Null where the answer that a client had is impossible. */
    @Override
    public Accounts step(Accounts before, Operation operation) {
        boolean isPossible = operation.output() == null || text(operation.output()).equals(wouldAnswer(before, operation));
        return !isPossible ? null : operation.kind() == Kind.READ ? before : before.after(Transfer.parse(operation.input()));
    }

    @Override
    public String wouldAnswer(Accounts before, Operation operation) {
        if (operation.kind() == Kind.READ) {
            return before.balances();
        }
        Transfer transfer = Transfer.parse(operation.input());
        return before.after(transfer).answers.get(transfer.id());
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.US_ASCII);
    }
}
