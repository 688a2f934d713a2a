package io.quorate.raft.testing;

import io.quorate.raft.StateMachine;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Stops instances of a machine, restores others from their snapshots, and holds these against the instance that never stopped.
 *
 * <p>States are compared by what they answer and by the results of the commands that follow, not by the bytes of their snapshots: those may
 * stand in the order of a hash map, which differs from instance to instance and harms nobody. Each state is left to go on for some
 * commands, some states to the end of the log, and one line of instances is stopped and restored at every single command.
 */
final class SnapshotChecks {

    /** How many commands a restored instance goes on for, unless it goes on to the end. */
    private static final int GO_ON = 16;

    /** Of how many states does one go on to the end. */
    private static final int TO_THE_END = 16;

    /** At how many states of the log the checks look that do not look at each. */
    private static final int SAMPLES = 16;

    private static final int CAPTURED_EVERY = 8;

    /** How many commands are applied between capturing a state and writing it. */
    private static final int WRITTEN_LATER = 8;

    private final MachineCheck check;
    private final int last;

    SnapshotChecks(MachineCheck check) {
        this.check = check;
        last = check.log().size();
    }

    /** Whether the machine has snapshots: it says so at once. */
    boolean hasSnapshots() {
        return check.create().snapshot() != null;
    }

    void run() throws IOException {
        restoreAtEveryIndex();
        restoreOverDirtyStates();
        writeLater();
        writeWhileApplying();
        failToWrite();
        failToRead();
        readInPieces();
    }

    /** The snapshot of an instance that has been fed the log up to this state. */
    byte[] snapshotAt(int state) throws IOException {
        StateMachine machine = check.create();
        check.replay(MachinePromise.SAME_COMMANDS_SAME_RESULTS, "another instance", machine).goSilently(0, state);
        return bytes(MachinePromise.RESTORED_GOES_ON_THE_SAME, state, capture(machine, state));
    }

    // ------------------------------------------------------------------------------------------------------------- stopping, restoring

    private void restoreAtEveryIndex() throws IOException {
        MachinePromise promise = MachinePromise.RESTORED_GOES_ON_THE_SAME;
        StateMachine live = check.create();
        StateMachine chained = check.create();
        for (int state = 0; state <= last; state++) {
            if (state > 0) {
                check.replay(MachinePromise.SNAPSHOT_CHANGES_NOTHING, "an instance of which snapshots are taken", live)
                    .go(state - 1, state);
            }
            StateMachine restored = restored(promise, state, bytes(promise, state, capture(live, state)));
            check.replay(promise, "an instance restored from a snapshot taken " + after(state), restored).go(state, goesOnTo(state));

            chained = restored(promise, state, bytes(promise, state, capture(chained, state)));
            if (state < last) {
                check.replay(promise, "an instance restored from a snapshot after every command", chained).go(state, state + 1);
            }
        }
    }

    private int goesOnTo(int state) {
        return state % TO_THE_END == 0 ? last : Math.min(state + GO_ON, last);
    }

    private void restoreOverDirtyStates() throws IOException {
        MachinePromise promise = MachinePromise.RESTORE_REPLACES;
        StateMachine live = check.create();
        StateMachine dirty = check.create();
        soil(dirty, 0);
        int reached = 0;
        for (int sample = 0; sample <= SAMPLES; sample++) {
            int state = (int) ((long) last * sample / SAMPLES);
            check.replay(MachinePromise.SNAPSHOT_CHANGES_NOTHING, "an instance of which snapshots are taken", live)
                .goSilently(reached, state);
            reached = state;
            byte[] snapshot = bytes(promise, state, capture(live, state));
            restore(promise, state, dirty, new ByteArrayInputStream(snapshot), "the machine was at another state before");
            check.replay(promise, "an instance at another state, restored from a snapshot taken " + after(state), dirty)
                .go(state, goesOnTo(state));
            soil(dirty, state);
        }
    }

    /** Leaves the machine at a state that differs from this one in whatever the log can make of it. */
    private void soil(StateMachine machine, int state) {
        long index = check.log().steps().get(last - 1).index();
        long timeNanos = check.log().steps().get(last - 1).timeNanos();
        LiveMachine live = new LiveMachine(machine);
        for (int step = last - 1; step >= 0; step--) {
            MachineLog.Step command = check.log().steps().get(step);
            index++;
            check.requireApplied(step, live.apply(command.at(index, timeNanos)),
                " (in the opposite order, by an instance that was at state " + state + ")");
        }
    }

    // -------------------------------------------------------------------------------------------------------------- captured and late

    private record Captured(int state, StateMachine.Snapshot snapshot) { }

    private void writeLater() throws IOException {
        StateMachine live = check.create();
        MachineReplay replay = check.replay(MachinePromise.SNAPSHOT_CHANGES_NOTHING,
            "an instance of which snapshots are taken, and written some commands later", live);
        Deque<Captured> waiting = new ArrayDeque<>();
        for (int state = 0; state <= last; state++) {
            if (state > 0) {
                replay.go(state - 1, state);
            }
            if (state % CAPTURED_EVERY == 0) {
                waiting.add(new Captured(state, capture(live, state)));
            }
            while (!waiting.isEmpty() && (state == last || waiting.element().state() + WRITTEN_LATER <= state)) {
                Captured captured = waiting.remove();
                ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                OnAnotherThread.run("contract-snapshot",
                    () -> write(MachinePromise.SNAPSHOT_IS_CAPTURED, captured.state(), captured.snapshot(), bytes));
                requireCaptured(captured.state(), bytes.toByteArray(), (state - captured.state()) + " commands later");
            }
        }
    }

    /** The stream applies commands whenever it is written to: what two threads may do by chance happens here each time. */
    private void writeWhileApplying() throws IOException {
        for (int sample = 0; sample < SAMPLES; sample++) {
            int state = (int) ((long) last * sample / SAMPLES);
            StateMachine live = check.create();
            MachineReplay replay = check.replay(MachinePromise.SNAPSHOT_CHANGES_NOTHING,
                "an instance that applied commands while a snapshot was written", live);
            replay.goSilently(0, state);
            StateMachine.Snapshot snapshot = capture(live, state);
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            int[] reached = {state};
            write(MachinePromise.SNAPSHOT_IS_CAPTURED, state, snapshot, new OutputStream() {
                @Override
                public void write(int b) throws IOException {
                    write(new byte[] {(byte) b}, 0, 1);
                }

                @Override
                public void write(byte[] from, int offset, int length) throws IOException {
                    bytes.write(from, offset, length);
                    if (reached[0] < last) {
                        replay.goSilently(reached[0], reached[0] + 1);
                        reached[0]++;
                    }
                }
            });
            requireCaptured(state, bytes.toByteArray(), "while " + (reached[0] - state) + " more commands were applied");
            replay.go(reached[0], last);
        }
    }

    private void requireCaptured(int state, byte[] snapshot, String when) throws IOException {
        MachinePromise promise = MachinePromise.SNAPSHOT_IS_CAPTURED;
        check.replay(promise, "an instance restored from a snapshot taken " + after(state) + " and written " + when,
            restored(promise, state, snapshot)).go(state, Math.min(state + GO_ON, last));
    }

    // ------------------------------------------------------------------------------------------------------------------ streams that fail

    private void failToWrite() throws IOException {
        StateMachine machine = check.create();
        check.replay(MachinePromise.SAME_COMMANDS_SAME_RESULTS, "another instance", machine).goSilently(0, last);
        int size = bytes(MachinePromise.WRITE_FAILURE_IS_THROWN, last, capture(machine, last)).length;
        for (int limit : new int[] {0, size / 2, size - 1}) {
            FullDisk disk = new FullDisk(limit);
            Throwable thrown = null;
            try {
                capture(machine, last).writeTo(disk);
            } catch (IOException | RuntimeException e) {
                thrown = e;
            }
            if (disk.hasFailed && thrown == null) {
                throw check.broken(MachinePromise.WRITE_FAILURE_IS_THROWN, last, "the stream threw an IOException behind " + limit + " of "
                    + size + " bytes, and writeTo returned as if all was well", null);
            }
        }
    }

    private void failToRead() throws IOException {
        byte[] snapshot = snapshotAt(last);
        StateMachine machine = check.create();
        for (int limit : new int[] {0, snapshot.length / 2, snapshot.length - 1}) {
            BadDisk disk = new BadDisk(snapshot, limit);
            Throwable thrown = null;
            try {
                machine.restore(disk);
            } catch (IOException | RuntimeException e) {
                thrown = e;
            }
            if (disk.hasFailed && thrown == null) {
                throw check.broken(MachinePromise.READ_FAILURE_IS_THROWN, last, "the stream threw an IOException behind " + limit + " of "
                    + snapshot.length + " bytes, and restore returned as if all was well", null);
            }
            restore(MachinePromise.RESTORE_REPLACES, last, machine, new ByteArrayInputStream(snapshot),
                "a restore whose stream threw an IOException went before");
            check.replay(MachinePromise.RESTORE_REPLACES, "an instance restored after a restore that failed", machine).stay(last);
        }
    }

    private void readInPieces() throws IOException {
        MachinePromise promise = MachinePromise.RESTORE_READS_ANY_STREAM;
        for (int state : new int[] {0, last / 2, last}) {
            StateMachine machine = check.create();
            restore(promise, state, machine, new Pieces(snapshotAt(state)), "from a stream that returns few bytes at a time");
            check.replay(promise, "an instance restored from a stream that returns few bytes at a time, taken " + after(state), machine)
                .go(state, goesOnTo(state));
        }
    }

    private static final class FullDisk extends OutputStream {

        private int left;
        private boolean hasFailed;

        private FullDisk(int left) {
            this.left = left;
        }

        @Override
        public void write(int b) throws IOException {
            if (left-- <= 0) {
                hasFailed = true;
                left = 0;
                throw new IOException("no space left on this simulated device");
            }
        }
    }

    private static final class BadDisk extends InputStream {

        private final byte[] bytes;
        private final int limit;
        private int position;
        private boolean hasFailed;

        private BadDisk(byte[] bytes, int limit) {
            this.bytes = bytes;
            this.limit = limit;
        }

        @Override
        public int read() throws IOException {
            if (position >= limit) {
                hasFailed = true;
                throw new IOException("this simulated device cannot read its block");
            }
            return bytes[position++] & 0xFF;
        }

        /** Unlike the inherited one, which keeps an exception to itself once it has bytes to return. */
        @Override
        public int read(byte[] to, int offset, int length) throws IOException {
            for (int i = 0; i < length; i++) {
                to[offset + i] = (byte) read();
            }
            return length;
        }
    }

    private static final class Pieces extends FilterInputStream {

        private int turn;

        private Pieces(byte[] bytes) {
            super(new ByteArrayInputStream(bytes));
        }

        @Override
        public int read(byte[] to, int offset, int length) throws IOException {
            return super.read(to, offset, Math.min(length, 1 + turn++ % 3));
        }

        @Override
        public long skip(long count) throws IOException {
            return super.skip(Math.min(count, 1));
        }

        @Override
        public int available() {
            return 0;
        }

        @Override
        public boolean markSupported() {
            return false;
        }
    }

    // ------------------------------------------------------------------------------------------------------------------- single steps

    private static String after(int state) {
        return state == 0 ? "before any command" : "after " + state + " commands";
    }

    private StateMachine.Snapshot capture(StateMachine machine, int state) {
        StateMachine.@Nullable Snapshot snapshot;
        try {
            snapshot = machine.snapshot();
        } catch (RuntimeException e) {
            throw check.broken(MachinePromise.SNAPSHOTS_ALWAYS_OR_NEVER, state, "snapshot() threw " + e, e);
        }
        if (snapshot == null) {
            throw check.broken(MachinePromise.SNAPSHOTS_ALWAYS_OR_NEVER, state, "snapshot() returned null, and did not do so before", null);
        }
        return snapshot;
    }

    private byte[] bytes(MachinePromise promise, int state, StateMachine.Snapshot snapshot) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        write(promise, state, snapshot, bytes);
        return bytes.toByteArray();
    }

    private void write(MachinePromise promise, int state, StateMachine.Snapshot snapshot, OutputStream out) {
        try {
            snapshot.writeTo(out);
        } catch (IOException | RuntimeException e) {
            throw check.broken(promise, state, "writeTo threw " + e, e);
        }
    }

    private StateMachine restored(MachinePromise promise, int state, byte[] snapshot) {
        StateMachine machine = check.create();
        restore(promise, state, machine, new ByteArrayInputStream(snapshot), "a new machine");
        return machine;
    }

    private void restore(MachinePromise promise, int state, StateMachine machine, InputStream in, String how) {
        try {
            machine.restore(in);
        } catch (IOException | RuntimeException e) {
            throw check.broken(promise, state, "restore (" + how + ") threw " + e, e);
        }
    }
}
