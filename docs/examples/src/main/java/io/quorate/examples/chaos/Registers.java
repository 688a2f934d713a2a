package io.quorate.examples.chaos;

import io.quorate.examples.KvAnswer;
import io.quorate.examples.KvRequest;
import io.quorate.raft.testing.Operation;
import io.quorate.raft.testing.SequentialModel;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What the store should do, key by key: a value is there until it is replaced or taken away. The state is the value, if there is one. */
final class Registers implements SequentialModel<Optional<String>> {

    @Override
    public Optional<String> initial() {
        return Optional.empty();
    }

    @Override
    public Object keyOf(Operation operation) {
        return text(key(request(operation)));
    }

    @Override
    public @Nullable Optional<String> step(Optional<String> state, Operation operation) {
        KvRequest request = request(operation);
        byte[] output = operation.output();
        KvAnswer answer = output == null ? null : KvAnswer.decode(output);
        if (request instanceof KvRequest.Get) {
            boolean isTrue = answer != null && (answer.kind() == KvAnswer.Kind.VALUE
                ? state.isPresent() && Arrays.equals(answer.bytes(), state.get().getBytes(StandardCharsets.UTF_8))
                : answer.kind() == KvAnswer.Kind.NONE && state.isEmpty());
            return isTrue ? state : null;
        }
        if (answer != null && answer.kind() != (state.isPresent() ? KvAnswer.Kind.VALUE : KvAnswer.Kind.NONE)) {
            return null;     // it says whether there was a value before
        }
        return request instanceof KvRequest.Put put ? Optional.of(text(put.value())) : Optional.empty();
    }

    @Override
    public String describe(Operation operation) {
        byte[] output = operation.output();
        return operation.kind() + " " + request(operation) + " by client " + operation.client() + " from " + operation.invokedAt()
            + " to " + (operation.completedAt() == Operation.NEVER ? "?" : operation.completedAt())
            + " -> " + (output == null ? operation.outcome() : KvAnswer.decode(output));
    }

    private static KvRequest request(Operation operation) {
        return KvRequest.decode(ByteBuffer.wrap(operation.input()));
    }

    private static byte[] key(KvRequest request) {
        if (request instanceof KvRequest.Put put) {
            return put.key();
        } else if (request instanceof KvRequest.Delete delete) {
            return delete.key();
        }
        return ((KvRequest.Get) request).key();
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
