package io.quorate.raft.testing;

import io.quorate.raft.testing.Operation.Kind;
import io.quorate.raft.testing.Operation.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;

/**
 * Histories of clients of one object that is atomic: each operation takes effect at a random moment between call and return. What is
 * unknown to a client took effect at such a moment, or never did, or does so later than its client can tell.
 */
final class AtomicRuns {

    /** What a client asks for. */
    record Question(Kind kind, byte[] input) { }

    private enum Phase { IDLE, CALLED, EFFECTIVE }

    private static final class Client {
        private int number;
        private Phase phase = Phase.IDLE;
        private long handle;
        private Question question = new Question(Kind.READ, new byte[0]);
        private byte[] output = {};
    }

    private AtomicRuns() { }

    /**
     * @param effect   does what is asked for, and answers
     * @param question what somebody asks for next
     * @param unknown  how often an operation's outcome is
     */
    static List<Operation> run(SplittableRandom random, int clients, int operations, double unknown,
                               Function<SplittableRandom, Question> question, Function<Question, byte[]> effect) {
        History history = new History();
        List<Client> all = new ArrayList<>();
        for (int i = 0; i < clients; i++) {
            Client client = new Client();
            client.number = i;
            all.add(client);
        }
        List<Question> late = new ArrayList<>();
        int numbers = clients;
        for (int invoked = 0; invoked < operations; ) {
            Client client = all.get(random.nextInt(clients));
            switch (client.phase) {
                case IDLE -> {
                    client.question = question.apply(random);
                    client.handle = history.invoke(client.number, client.question.kind(), client.question.input());
                    client.phase = Phase.CALLED;
                    invoked++;
                }
                case CALLED -> {
                    if (random.nextDouble() < unknown) {
                        history.unknown(client.handle);
                        client.number = numbers++;
                        client.phase = Phase.IDLE;
                        late.add(client.question);
                    } else {
                        client.output = effect.apply(client.question);
                        client.phase = Phase.EFFECTIVE;
                    }
                }
                case EFFECTIVE -> {
                    history.done(client.handle, client.output);
                    client.phase = Phase.IDLE;
                }
            }
            if (!late.isEmpty() && random.nextInt(4 * clients) == 0) {
                effect.apply(late.remove(random.nextInt(late.size())));
            }
        }
        return new ArrayList<>(history.operations());
    }

    /** The same operation with another answer. */
    static Operation answering(Operation operation, byte[] output) {
        return new Operation(operation.client(), operation.kind(), operation.input(), operation.invokedAt(), operation.completedAt(),
            Outcome.DONE, output);
    }
}
