package io.quorate.examples.bank;

import io.quorate.raft.testing.Operation.Kind;
import io.quorate.raft.testing.Operation.Outcome;
import io.quorate.raft.testing.Workload;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import java.util.random.RandomGenerator;

/** Clients that move money and look at balances. A transfer whose outcome its client does not know is asked for again, now or later. */
final class Transfers implements Workload {

    private final Map<Integer, Queue<Request>> unsettled = new HashMap<>();     // by client
    private int lastNumber;

    @Override
    public Request next(int client, RandomGenerator random) {
        Queue<Request> mine = unsettled.computeIfAbsent(client, key -> new ArrayDeque<>());
        if (!mine.isEmpty() && random.nextBoolean()) {
            return mine.remove();
        }
        return random.nextInt(4) == 0 ? Request.read(balances(random)) : Request.propose(transfer(client, ++lastNumber, random));
    }

    @Override
    public void onOutcome(int client, Request request, Outcome outcome, byte[] output) {
        if (request.kind() == Kind.PROPOSE && outcome == Outcome.UNKNOWN) {
            unsettled.get(client).add(request);
        }
    }

    static byte[] transfer(int client, int number, RandomGenerator random) {
        return new Transfer(client, number, random.nextInt(100), random.nextInt(-60, 61)).encode();
    }

    static byte[] balances(RandomGenerator random) {
        return String.valueOf(random.nextInt(100)).getBytes(StandardCharsets.US_ASCII);
    }
}
