package io.quorate.examples.bank;

import io.quorate.raft.Command;
import io.quorate.raft.StateMachine;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * A hundred customers with two accounts each. A transfer happens once, however often its client asks for it, and is answered each time
 * as it was answered first.
 *
 * <p>The bank remembers every answer it has given. One that runs for years would let its clients tell up to which number they have all
 * their answers, forget those, and refuse whoever asks for one of them again.
 */
final class Bank implements StateMachine {

    private final int[] current = new int[100];
    private final int[] savings = new int[100];
    private final Map<String, String> answers = new HashMap<>();      // by the id of the transfer

    Bank() {
        Arrays.fill(current, 100);
        Arrays.fill(savings, 100);
    }

    @Override
    public byte[] apply(Command command) {
        Transfer transfer;
        try {
            transfer = Transfer.parse(command.bytes());
        } catch (IllegalArgumentException e) {
            return bytes("refused: " + e.getMessage());               // an exception would stop every replica
        }
        String answer = answers.get(transfer.id());
        if (answer == null) {
            answer = move(transfer.customer(), transfer.amount());
            answers.put(transfer.id(), answer);
        }
        return bytes(answer);
    }

    private String move(int customer, int amount) {
        if (current[customer] < amount || savings[customer] < -amount) {
            return "refused: " + balances(customer);
        }
        current[customer] -= amount;
        savings[customer] += amount;
        return "done: " + balances(customer);
    }

    /** A customer's balances; the query is the customer's number. */
    @Override
    public byte[] query(byte[] query) {
        return bytes(balances(Integer.parseInt(new String(query, StandardCharsets.US_ASCII))));
    }

    private String balances(int customer) {
        return current[customer] + " and " + savings[customer];
    }

    /** All the money there is. */
    int total() {
        return Arrays.stream(current).sum() + Arrays.stream(savings).sum();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
