package io.quorate.benchmarks;

import io.quorate.benchmarks.harness.Tally;
import io.quorate.raft.Command;
import io.quorate.raft.StateMachine;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;

/** A {@link Tally} as Quorate's state machine. */
final class TallyMachine implements StateMachine {

    private static final byte[] EMPTY = new byte[0];

    private final Tally tally;

    TallyMachine(Tally tally) {
        this.tally = tally;
    }

    @Override
    public byte[] apply(Command command) {
        tally.apply(command.payload());
        return EMPTY;
    }

    @Override
    public byte[] query(byte[] query) {
        return EMPTY;
    }

    @Override
    public Snapshot snapshot() {
        long count = tally.count();
        long sum = tally.sum();
        return out -> {
            DataOutputStream data = new DataOutputStream(out);
            data.writeLong(count);
            data.writeLong(sum);
            data.flush();
        };
    }

    @Override
    public void restore(InputStream in) throws IOException {
        DataInputStream data = new DataInputStream(in);
        long count = data.readLong();
        tally.restore(count, data.readLong());
    }
}
