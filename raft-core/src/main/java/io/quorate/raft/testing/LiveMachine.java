package io.quorate.raft.testing;

import io.quorate.raft.Command;
import io.quorate.raft.StateMachine;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A machine that is fed as the server feeds it: a read-only view into a larger array; and whose outcomes are looked at. */
final class LiveMachine implements MachineReplay.Subject {

    private static final int BEFORE_PAYLOAD = 5;     // a payload stands somewhere in an entry, which stands somewhere in a message

    private final StateMachine machine;
    private final boolean isBufferReused;
    private byte @Nullable [] lastReturned;

    LiveMachine(StateMachine machine) {
        this(machine, false);
    }

    /** @param isBufferReused whether the payload's bytes become something else after each call */
    LiveMachine(StateMachine machine, boolean isBufferReused) {
        this.machine = machine;
        this.isBufferReused = isBufferReused;
    }

    @Override
    public Outcome apply(MachineLog.Step step) {
        byte[] payload = step.payload();
        byte[] message = new byte[BEFORE_PAYLOAD + payload.length];
        System.arraycopy(payload, 0, message, BEFORE_PAYLOAD, payload.length);
        ByteBuffer buffer = ByteBuffer.wrap(message, BEFORE_PAYLOAD, payload.length).slice().asReadOnlyBuffer();
        lastReturned = null;
        Outcome outcome = Outcome.of(() -> lastReturned = machine.apply(new Command(step.index(), buffer)));
        if (isBufferReused) {
            Arrays.fill(message, (byte) 0xA5);
        }
        return outcome;
    }

    @Override
    public Outcome ask(byte[] query) {
        lastReturned = null;
        return Outcome.of(() -> lastReturned = machine.query(query));
    }

    /** The very array that the last call returned; null if it returned none. */
    byte @Nullable [] lastReturned() {
        return lastReturned;
    }
}
