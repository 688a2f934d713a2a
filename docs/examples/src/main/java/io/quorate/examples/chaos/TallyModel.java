package io.quorate.examples.chaos;

import io.quorate.raft.testing.Operation;
import io.quorate.raft.testing.SequentialModel;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** What {@link Tally} should do, key by key. The state is the number. */
final class TallyModel implements SequentialModel<Long> {

    @Override
    public Long initial() {
        return 0L;
    }

    @Override
    public Object keyOf(Operation operation) {
        return request(operation).key();
    }

    @Override
    public @Nullable Long step(Long state, Operation operation) {
        byte[] output = operation.output();
        if (output != null && Tally.number(output) != state) {
            return null;
        }
        return request(operation).after(state);
    }

    @Override
    public String wouldAnswer(Long state, Operation operation) {
        return String.valueOf(state);
    }

    @Override
    public String describe(Operation operation) {
        byte[] output = operation.output();
        return request(operation) + " by client " + operation.client() + " from " + operation.invokedAt() + " to "
            + (operation.completedAt() == Operation.NEVER ? "?" : operation.completedAt()) + " -> "
            + (output == null ? operation.outcome() : Tally.number(output));
    }

    private static Tally.Request request(Operation operation) {
        return Tally.Request.decode(ByteBuffer.wrap(operation.input()));
    }
}
