package io.quorate.raft.testing;

import io.quorate.raft.testing.Operation.Kind;
import io.quorate.raft.testing.Operation.Outcome;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Records what clients asked and what they were told, in the one order in which it happened, for the {@link LinearizabilityChecker}.
 *
 * <pre>{@code
 *   long handle = history.invoke(client, Operation.Kind.PROPOSE, command);     // before the call leaves
 *   history.done(handle, result);                                              // after the answer has come
 * }</pre>
 *
 * <p>Tell the truth about failures, since everything hangs on it. {@link #failed} says that nothing happened and nothing will; a time-out,
 * a lost connection or a closed server is {@link #unknown}. What was called failed but did happen looks like a value out of nowhere; what
 * was called unknown but did fail only costs the checker some work. An operation that is still open counts as unknown.
 *
 * <p>A client does one operation at a time. One whose operation is unknown may still have it under way, so it is never heard of again: its
 * next operation is that of a new client, with a number of its own.
 *
 * <p>Positions are given out in the order in which these methods are called, and any thread may call them. With real threads an
 * {@code invoke} must return before its call begins, and {@code done} be called after its answer is there: recording an operation as longer
 * than it was hides some violations and invents none, recording it as shorter would invent some.
 */
public final class History {

    /** An operation as far as it is known. */
    private static final class Recorded {
        private final int client;
        private final Kind kind;
        private final byte[] input;
        private final long invokedAt;
        private @Nullable Outcome outcome;                // null while it is open
        private long completedAt = Operation.NEVER;
        private byte @Nullable [] output;

        private Recorded(int client, Kind kind, byte[] input, long invokedAt) {
            this.client = client;
            this.kind = kind;
            this.input = input;
            this.invokedAt = invokedAt;
        }

        private Operation operation() {
            return new Operation(client, kind, input, invokedAt, completedAt, outcome == null ? Outcome.UNKNOWN : outcome, output);
        }
    }

    private final List<Recorded> recorded = new ArrayList<>();         // all fields: guarded by this
    private final Map<Integer, Recorded> latest = new HashMap<>();     // by client
    private long events;

    /** An empty history. */
    public History() { }

    /**
     * A client begins an operation.
     *
     * @param client any number that has no operation open or unknown
     * @param kind   what it asks for
     * @param input  the command or query; shared, and not to be changed
     * @return a handle, to tell what came of it
     * @throws IllegalStateException if the client's operation before is open, or its outcome unknown
     */
    public synchronized long invoke(int client, Kind kind, byte[] input) {
        Recorded before = latest.get(client);
        if (before != null && before.outcome == null) {
            throw new IllegalStateException("client " + client + " begins an operation while its last is open: " + before.operation());
        }
        if (before != null && before.outcome == Outcome.UNKNOWN) {
            throw new IllegalStateException("client " + client + " begins an operation, but its last may still be under way: "
                + before.operation() + "; go on with a new client number");
        }
        Recorded operation = new Recorded(client, Objects.requireNonNull(kind, "kind"), Objects.requireNonNull(input, "input"), events++);
        latest.put(client, operation);
        recorded.add(operation);
        return recorded.size() - 1;
    }

    /**
     * It was answered.
     *
     * @param handle what {@code invoke} returned
     * @param output the answer; shared, and not to be changed
     * @throws IllegalStateException if the operation is not open
     */
    public synchronized void done(long handle, byte[] output) {
        Objects.requireNonNull(output, "output");
        Recorded operation = end(handle, Outcome.DONE);
        operation.output = output;
        operation.completedAt = events++;
    }

    /**
     * It was refused, and for certain nothing happened.
     *
     * @param handle what {@code invoke} returned
     * @throws IllegalStateException if the operation is not open
     */
    public synchronized void failed(long handle) {
        end(handle, Outcome.FAILED).completedAt = events++;
    }

    /**
     * Its client has given up: perhaps it happened, perhaps it will.
     *
     * @param handle what {@code invoke} returned
     * @throws IllegalStateException if the operation is not open
     */
    public synchronized void unknown(long handle) {
        end(handle, Outcome.UNKNOWN);
    }

    private Recorded end(long handle, Outcome outcome) {
        Recorded operation = recorded.get(Math.toIntExact(Objects.checkIndex(handle, recorded.size())));
        if (operation.outcome != null) {
            throw new IllegalStateException("told to be " + outcome + ", but it has ended: " + operation.operation());
        }
        operation.outcome = outcome;
        return operation;
    }

    /** All operations so far in the order of their calls; those still open are unknown. */
    public synchronized List<Operation> operations() {
        List<Operation> operations = new ArrayList<>(recorded.size());
        for (Recorded operation : recorded) {
            operations.add(operation.operation());
        }
        return List.copyOf(operations);
    }
}
