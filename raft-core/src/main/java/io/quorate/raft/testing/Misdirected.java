package io.quorate.raft.testing;

import io.quorate.raft.core.Message;
import io.quorate.raft.core.ReplicaId;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;

/** Makes of a message one that is meant for somebody else, whatever kind it is. */
final class Misdirected {

    private Misdirected() { }

    static Message to(Message message, ReplicaId other) {
        RecordComponent[] components = message.getClass().getRecordComponents();
        Object[] values = new Object[components.length];
        try {
            for (int i = 0; i < values.length; i++) {
                values[i] = components[i].getName().equals("to") ? other : components[i].getAccessor().invoke(message);
            }
            Class<?>[] types = Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
            return message.getClass().getDeclaredConstructor(types).newInstance(values);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("A message is a public record: " + message, e);
        }
    }
}
