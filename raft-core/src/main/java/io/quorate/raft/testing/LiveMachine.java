package io.quorate.raft.testing;

import io.quorate.raft.Command;
import io.quorate.raft.StateMachine;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A machine that is fed as the server feeds it: woken up when it wants to be, given a read-only view into a larger array; and whose
 * outcomes are looked at.
 */
final class LiveMachine implements MachineReplay.Subject {

    private static final int BEFORE_PAYLOAD = 5;     // a payload stands somewhere in an entry, which stands somewhere in a message

    private final StateMachine machine;
    private final boolean isBufferReused;
    private byte @Nullable [] lastReturned;
    private boolean wantsThePast;

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
        Outcome outcome = Outcome.of(() -> {
            wakeUpFor(step.index() - 1, step.otherNanos());
            wakeUpFor(step.index(), step.timeNanos());
            lastReturned = machine.apply(new Command(step.index(), buffer, step.timeNanos()));
            return lastReturned;
        });
        if (isBufferReused) {
            Arrays.fill(message, (byte) 0xA5);
        }
        return outcome;
    }

    private void wakeUpFor(long index, long timeNanos) {
        if (timeNanos >= machine.wakeUpNanos()) {
            machine.onTime(index, timeNanos);
            wantsThePast |= machine.wakeUpNanos() <= timeNanos;
        }
    }

    @Override
    public Outcome wakeUp() {
        return Outcome.of(() -> (machine.wakeUpNanos() + " ns").getBytes(StandardCharsets.US_ASCII));
    }

    /** Whether it has ever been told the time and still wanted to be. */
    boolean wantsThePast() {
        return wantsThePast;
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
