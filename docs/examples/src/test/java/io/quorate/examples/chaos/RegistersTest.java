package io.quorate.examples.chaos;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.examples.KvRequest;
import io.quorate.examples.KvStateMachine;
import io.quorate.raft.Command;
import io.quorate.raft.testing.History;
import io.quorate.raft.testing.LinearizabilityChecker;
import io.quorate.raft.testing.Operation;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** What the chaos program takes for linearizable: all that the store does, and nothing that it must not do. */
final class RegistersTest {

    private final KvStateMachine store = new KvStateMachine();
    private final History history = new History();

    @Test
    void whatTheStoreAnswersIsLinearizable() {
        put("a", "1");
        get("a");
        get("b");
        put("a", "2");
        delete("a");
        delete("a");
        get("a");
        assertTrue(isLinearizable());
    }

    @Test
    void anAcknowledgedWriteThatIsLostIsNoticed() {
        put("a", "1");
        byte[] none = answer(new KvRequest.Get(bytes("nothing")));
        record(new KvRequest.Get(bytes("a")), none);
        assertFalse(isLinearizable());
    }

    @Test
    void anOldValueIsNoticed() {
        put("a", "1");
        byte[] old = answer(new KvRequest.Get(bytes("a")));
        put("a", "2");
        record(new KvRequest.Get(bytes("a")), old);
        assertFalse(isLinearizable());
    }

    @Test
    void aWriteWhoseAnswerDeniesTheOneBeforeIsNoticed() {
        byte[] first = answer(new KvRequest.Put(bytes("a"), bytes("1")));
        record(new KvRequest.Put(bytes("a"), bytes("1")), first);
        record(new KvRequest.Put(bytes("a"), bytes("2")), first);       // it says, too, that there was no value
        assertFalse(isLinearizable());
    }

    private void put(String key, String value) {
        KvRequest put = new KvRequest.Put(bytes(key), bytes(value));
        record(put, answer(put));
    }

    private void get(String key) {
        KvRequest get = new KvRequest.Get(bytes(key));
        record(get, answer(get));
    }

    private void delete(String key) {
        KvRequest delete = new KvRequest.Delete(bytes(key));
        record(delete, answer(delete));
    }

    /** What the store does and says. */
    private byte[] answer(KvRequest request) {
        return request instanceof KvRequest.Get ? store.query(request.encode())
            : store.apply(new Command(1, ByteBuffer.wrap(request.encode())));
    }

    /** One client asked this, and was told that. */
    private void record(KvRequest request, byte[] answer) {
        Operation.Kind kind = request instanceof KvRequest.Get ? Operation.Kind.READ : Operation.Kind.PROPOSE;
        history.done(history.invoke(1, kind, request.encode()), answer);
    }

    private boolean isLinearizable() {
        return LinearizabilityChecker.check(new Registers(), history.operations()) instanceof LinearizabilityChecker.Linearizable;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
