package io.quorate.raft.testing;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.random.RandomGenerator;

/**
 * The commands that all instances of a contract check are fed, and the queries they are asked.
 *
 * <p>State s is what s commands have made of a new machine. Command s and query q have random numbers of their own, so a shorter log of
 * the same seed is the beginning of the longer one, and a failure at command 17 can be repeated with 18.
 *
 * @param steps   one command each, in order
 * @param queries to be asked at any state
 */
record MachineLog(List<Step> steps, List<byte[]> queries) {

    /** How many of the queries are asked at an ordinary state; those of the next state are the next ones. */
    private static final int QUERIES_PER_STATE = 2;

    private static final long COMMANDS = 1;
    private static final long QUERIES = 2;
    private static final long ORDER = 3;
    private static final long TIMES = 4;

    /**
     * @param index      in the log that a group would have: entries that are no commands leave gaps
     * @param timeNanos  its replicated time, no less than that of the step before
     * @param otherNanos the time of the entry at the index before, if that is no command and has more to say than the time; else -1
     * @param payload    the command
     * @param drawn      how many commands have been drawn by now
     * @param older      which of the older commands this is, from 0; -1 for none of them
     */
    record Step(long index, long timeNanos, long otherNanos, byte[] payload, int drawn, int older) {

        /** The same command elsewhere in a log. */
        Step at(long otherIndex, long otherTimeNanos) {
            return new Step(otherIndex, otherTimeNanos, -1, payload, drawn, older);
        }

        @Override
        public String toString() {
            return (older < 0 ? "command number " + drawn : "olderCommands[" + older + "]") + ", index " + index + ", time " + timeNanos
                + " ns, " + Outcome.shown(payload, payload.length);
        }
    }

    /** Sees the commands and queries in the order in which an instance meets them. */
    interface Visitor {
        void apply(int step) throws IOException;

        /** When does the machine want to be woken up, in this state? */
        void wakeUp(int state) throws IOException;

        void ask(int state, int query) throws IOException;
    }

    static MachineLog draw(long seed, int commandCount, Function<? super RandomGenerator, byte[]> commands, List<byte[]> older,
                           int queryCount, Function<? super RandomGenerator, byte[]> queries) {
        Steps steps = new Steps(seed);
        SplittableRandom order = random(seed, ORDER, 0);
        for (int i = 0; i < older.size(); i++) {
            steps.add(nextIndex(steps.index, order), older.get(i), 0, i);
        }
        for (int drawn = 1; drawn <= commandCount; drawn++) {
            steps.add(nextIndex(steps.index, order), given(commands.apply(random(seed, COMMANDS, drawn)), "commands"), drawn, -1);
            // While a group is upgraded, leaders of the older version may come back and propose older commands after newer ones.
            if (!older.isEmpty() && order.nextInt(8) == 0) {
                int again = order.nextInt(older.size());
                steps.add(nextIndex(steps.index, order), older.get(again), drawn, again);
            }
        }
        List<byte[]> asked = new ArrayList<>();
        for (int query = 0; query < queryCount; query++) {
            asked.add(given(queries.apply(random(seed, QUERIES, query)), "queries"));
        }
        return new MachineLog(steps.all, asked);
    }

    /** The log as it grows. Its times come in bursts and after pauses of nanoseconds or hours, for who knows what a machine waits for. */
    private static final class Steps {

        private final List<Step> all = new ArrayList<>();
        private final SplittableRandom times;
        private long index;
        private long timeNanos;

        Steps(long seed) {
            times = random(seed, TIMES, 0);
        }

        void add(long nextIndex, byte[] payload, int drawn, int older) {
            long otherNanos = nextIndex == index + 1 ? -1 : pause();
            all.add(new Step(nextIndex, pause(), otherNanos, payload, drawn, older));
            index = nextIndex;
        }

        private long pause() {
            if (times.nextInt(3) > 0) {
                timeNanos += times.nextLong(1L << times.nextInt(1, 44));
            }
            return timeNanos;
        }
    }

    private static SplittableRandom random(long seed, long purpose, long number) {
        return new SplittableRandom(new SplittableRandom(seed ^ purpose << 56 ^ number * 0x9E3779B97F4A7C15L).nextLong());
    }

    private static long nextIndex(long index, SplittableRandom order) {
        return index + (order.nextInt(4) == 0 ? order.nextInt(2, 7) : 1);
    }

    private static byte[] given(byte[] bytes, String what) {
        if (bytes == null) {
            throw new IllegalArgumentException("the function given to " + what + " returned null; an empty array is a value, null is not");
        }
        return bytes.clone();
    }

    int size() {
        return steps.size();
    }

    /** Goes from one state to another: its queries, then command by command and the queries after it; all queries at the end. */
    void visit(int from, int to, Visitor visitor) throws IOException {
        visitor.wakeUp(from);
        for (int step = from; step < to; step++) {
            visitor.apply(step);
            visitor.wakeUp(step + 1);
            for (int i = 0; i < Math.min(QUERIES_PER_STATE, queries.size()); i++) {
                visitor.ask(step + 1, (step * QUERIES_PER_STATE + i) % queries.size());
            }
        }
        for (int query = 0; query < queries.size(); query++) {
            visitor.ask(to, query);
        }
    }

    void writeTo(DataOutputStream out) throws IOException {
        out.writeInt(steps.size());
        for (Step step : steps) {
            out.writeLong(step.index());
            out.writeLong(step.timeNanos());
            out.writeLong(step.otherNanos());
            write(out, step.payload());
        }
        out.writeInt(queries.size());
        for (byte[] query : queries) {
            write(out, query);
        }
    }

    static MachineLog readFrom(DataInputStream in) throws IOException {
        List<Step> steps = new ArrayList<>();
        for (int left = in.readInt(); left > 0; left--) {
            steps.add(new Step(in.readLong(), in.readLong(), in.readLong(), read(in), 0, -1));
        }
        List<byte[]> queries = new ArrayList<>();
        for (int left = in.readInt(); left > 0; left--) {
            queries.add(read(in));
        }
        return new MachineLog(steps, queries);
    }

    static void write(DataOutputStream out, byte[] bytes) throws IOException {
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    static byte[] read(DataInputStream in) throws IOException {
        byte[] bytes = new byte[in.readInt()];
        in.readFully(bytes);
        return bytes;
    }
}
