package io.quorate.raft.testing;

import io.quorate.raft.Command;
import io.quorate.raft.StateMachine;
import io.quorate.raft.core.Entry;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The state machine that the kit's own runs replicate: some numbered registers that are set, compared and set, and read; with a workload
 * that asks for all of that in all sizes, and the sequential model that histories are held against. It is also an example for yours.
 *
 * <p>A command is a kind, a register, a value and, for compare-and-set, the value expected; what follows is padding. It answers with the
 * value before. An empty command is one too, and does nothing.
 */
public final class Registers implements StateMachine {

    /** How many registers there are. */
    public static final int REGISTERS = 10;

    private static final byte SET = 1;
    private static final byte COMPARE_AND_SET = 2;
    private static final int COMMAND_BYTES = 1 + 1 + 8 + 8;
    private static final byte[] OVERSIZED = new byte[Entry.PAYLOAD_BYTES_MAX + 1];

    private final long[] values = new long[REGISTERS];

    /** All registers are 0. */
    public Registers() { }

    /** This simulation with all of it. */
    public static Simulation<Registers> simulation() {
        return Simulation.of(Registers::new).workload(Asking::new).model(new Model())
            .digest(registers -> Arrays.hashCode(registers.values));
    }

    @Override
    public byte[] apply(Command command) {
        ByteBuffer payload = command.payload().duplicate();
        if (!payload.hasRemaining()) {
            return new byte[0];
        }
        byte kind = payload.get();
        int register = payload.get();
        long value = payload.getLong();
        long expected = payload.getLong();
        long before = values[register];
        if (kind == SET || before == expected) {
            values[register] = value;
        }
        return bytes(before);
    }

    @Override
    public byte[] query(byte[] query) {
        return bytes(values[query[0]]);
    }

    @Override
    public Snapshot snapshot() {
        long[] captured = values.clone();
        return out -> write(captured, out);
    }

    private static void write(long[] values, OutputStream out) throws IOException {
        DataOutputStream data = new DataOutputStream(out);
        for (long value : values) {
            data.writeLong(value);
        }
        data.flush();
    }

    @Override
    public void restore(InputStream in) throws IOException {
        DataInputStream data = new DataInputStream(in);
        for (int i = 0; i < values.length; i++) {
            values[i] = data.readLong();
        }
    }

    private static byte[] bytes(long value) {
        return ByteBuffer.allocate(Long.BYTES).putLong(value).array();
    }

    /** What clients ask. Every value is set once, so that a history tells which command a reader has seen. */
    static final class Asking implements Workload {

        private long nextValue = 1;

        @Override
        public Request next(int client, RandomGenerator random) {
            int register = random.nextInt(REGISTERS);
            int kind = random.nextInt(100);
            if (kind == 0) {
                return Request.read(new byte[] {REGISTERS});       // there is none of that number
            } else if (kind < 40) {
                return Request.read(new byte[] {(byte) register});
            } else if (kind < 42) {
                return Request.propose(new byte[0]);
            } else if (kind == 42 && random.nextInt(10) == 0) {
                return Request.propose(OVERSIZED);     // refused
            }
            int padding = random.nextInt(8) == 0 ? random.nextInt(3000) : random.nextInt(100);
            boolean compares = kind < 60;
            return Request.propose(ByteBuffer.allocate(COMMAND_BYTES + padding).put(compares ? COMPARE_AND_SET : SET).put((byte) register)
                .putLong(nextValue++).putLong(compares ? random.nextLong(Math.max(1, nextValue - 20), nextValue + 1) : 0).array());
        }
    }

    /** One register. */
    static final class Model implements SequentialModel<Long> {

        @Override
        public Long initial() {
            return 0L;
        }

        @Override
        public Object keyOf(Operation operation) {
            byte[] input = operation.input();
            return input.length == 0 ? -1 : (int) (operation.kind() == Operation.Kind.READ ? input[0] : input[1]);
        }

        @Override
        public @Nullable Long step(Long value, Operation operation) {
            byte[] output = operation.output();
            byte[] input = operation.input();
            if (input.length == 0) {
                return value;
            }
            if (output != null && !Arrays.equals(output, bytes(value))) {
                return null;
            }
            if (operation.kind() == Operation.Kind.READ) {
                return value;
            }
            ByteBuffer command = ByteBuffer.wrap(input);
            return command.get(0) == SET || command.getLong(10) == value ? command.getLong(2) : value;
        }
    }
}
