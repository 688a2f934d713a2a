package io.quorate.benchmarks.harness;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The replicated state of every library that is measured: how many commands were applied, and a sum over their first bytes that depends on
 * their order. So a replica that lost a command, or applied two in another order, shows.
 */
public final class Tally {

    /** A command has at least so many bytes. */
    public static final int COMMAND_BYTES_MIN = 8;

    private static final long FACTOR = 31;

    private final AtomicLong count = new AtomicLong();      // written by the applying thread alone
    private long sum;       // published by count

    /** Applies a command. */
    public void apply(byte[] command, int offset) {
        long word = 0;
        for (int i = 0; i < COMMAND_BYTES_MIN; i++) {
            word = word << 8 | command[offset + i] & 0xFF;
        }
        apply(word);
    }

    /** Applies a command that lies at the buffer's position, which does not move. */
    public void apply(ByteBuffer command) {
        apply(command.getLong(command.position()));
    }

    private void apply(long word) {
        sum = sum * FACTOR + word;
        count.setRelease(count.getPlain() + 1);
    }

    /** Becomes what another was when it was captured. */
    public void restore(long newCount, long newSum) {
        sum = newSum;
        count.setRelease(newCount);
    }

    /** How many were applied. */
    public long count() {
        return count.getAcquire();
    }

    /** The sum over them; of a moment at which nothing is being applied. */
    public long sum() {
        count.getAcquire();
        return sum;
    }

    @Override
    public String toString() {
        return count() + " commands, sum " + Long.toHexString(sum());
    }
}
