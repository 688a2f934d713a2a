package io.quorate.raft;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import org.jspecify.annotations.Nullable;

/**
 * Your replicated state. Every replica applies the same commands in the same order, so {@code apply} must be deterministic: its
 * result and its effect on the state depend on nothing but the commands so far. No clock, no randomness, no I/O that can differ.
 * {@link io.quorate.raft.testing.StateMachineContract} checks in one line that a machine keeps to what is asked of it here.
 *
 * <p>All methods are called on one thread, the apply thread, never two at a time, so the state needs no locks. A method that
 * blocks holds up applying and reading on this replica, not replication. ({@link Snapshot#writeTo} alone is called elsewhere.)
 *
 * <p><b>Time.</b> A machine never reads a clock, for replicas apply at different times, and again after a restart. What it may go by is
 * {@linkplain Command#timeNanos replicated time}, which comes with each command. If something is to happen when time has passed and nobody
 * commands anything (a lease runs out, a reminder is due), it says {@linkplain #wakeUpNanos when}, and is {@linkplain #onTime told}.
 *
 * <p>An exception from {@code apply} or {@code onTime} stops the server: a replica that skipped a command would no longer be a copy. Report
 * what a user did wrong in the result instead. That holds for commands of older versions of your program too: they stay in the log.
 *
 * <p><b>Snapshots.</b> So that its log does not grow for ever, the server now and then {@linkplain #snapshot captures} the state, writes it
 * out on another thread while commands go on being applied, and lets go of the log before it. It {@linkplain #restore restores} the newest
 * when it starts, before it applies anything, and whenever this replica lags so far behind that the others have let go of what it lacks. A
 * machine without snapshots has its whole log kept, and applied again at each start.
 *
 * <p><b>State on disk.</b> A machine that keeps its state on a disk of its own says by {@link #appliedIndex} how much it has; it is not
 * given that again, neither as commands nor as a snapshot. It owes some care for that: {@code apply} makes a command's effect and its index
 * durable together or not at all, in the order of the commands (late is fine: what a crash takes away is applied again); and {@code
 * restore} replaces all of the state and its index in one step (write the new state aside, then switch), so that a crash in its middle
 * leaves the old state with its old index, or else a state whose index is 0.
 */
public interface StateMachine {

    /** The {@link #appliedIndex} of a machine that keeps its state in memory, so that it is empty at each start. */
    long IN_MEMORY = -1;

    /**
     * Applies a committed command.
     *
     * @return the result, for the caller of {@code propose}; not changed afterwards by either side
     */
    byte[] apply(Command command);

    /**
     * The replicated time at which this machine wants to be {@linkplain #onTime told} that it has come; {@link Long#MAX_VALUE} if it waits
     * for nothing, as it is unless overridden. Asked before and after each entry, so it must be quick, change nothing, and depend on the
     * state alone: a machine that was restored from a snapshot wants what the captured one wanted.
     *
     * <p>A time that has passed already is told before the next entry, whenever there is one; nothing is hurried for its sake.
     */
    default long wakeUpNanos() {
        return Long.MAX_VALUE;
    }

    /**
     * The time that was {@linkplain #wakeUpNanos wanted} has come. Called on every replica at the same place of the log: before whatever is
     * done for the first entry, of a command or not, whose time is the wanted one or later. When this returns, the machine should want a
     * later time or none.
     *
     * @param index     of that entry; if it is a command, {@link #apply} is called with the same index next
     * @param timeNanos replicated time, the same on every replica: the entry's, which may be much later than what was wanted
     */
    default void onTime(long index, long timeNanos) {
        throw new UnsupportedOperationException(getClass().getName() + " wants to be woken up but does not override "
            + "StateMachine.onTime(long, long); override both of them or neither");
    }

    /**
     * Up to which command this machine's state was durable when it was opened. Asked once, before anything else: commands up to here are
     * not applied again, nor is the time told that came before them, and no snapshot is restored that holds no more. Override this if, and
     * only if, the machine keeps its state on a disk of its own.
     *
     * @return the {@linkplain Command#index index} of the last command that the state holds, whatever it was told of the time since; 0 if
     *     the state is empty; {@link #IN_MEMORY} if the machine keeps nothing
     */
    default long appliedIndex() {
        return IN_MEMORY;
    }

    /**
     * Answers a query from the present state without changing it. An exception goes to the caller of {@code read} and has no other
     * effect.
     *
     * @param query as the caller gave it
     * @return the answer; not changed afterwards by either side
     */
    byte[] query(byte[] query);

    /**
     * Captures the present state without changing it. It must be quick, since nothing is applied meanwhile: copy references to values that
     * never change, or a structure that is copied when it is next written to. The slow part is left to {@link Snapshot#writeTo}.
     *
     * @return what writes the captured state out later, while commands go on being applied; null, each time, if this machine has no
     *     snapshots: its log is kept whole
     */
    default @Nullable Snapshot snapshot() {
        return null;
    }

    /**
     * Replaces the whole state by the one that was captured. Nothing remains of the state before, whatever it was: a new machine's, one
     * that is further on, or what a restore that failed has left. Called only if {@link #snapshot} returns snapshots.
     *
     * @param in what {@link Snapshot#writeTo} wrote, perhaps another process of another version on another machine, and then the end of
     *     the stream. It arrives whole or an exception tells of it; read it with methods that wait for as much as they are asked for
     *     ({@code readNBytes}, {@code DataInputStream}), since a plain {@code read} may return less. It need not be closed
     * @throws IOException if the stream threw it, or if this is no snapshot of such a machine; never to be swallowed, since a state
     *     restored in part is no copy
     */
    default void restore(InputStream in) throws IOException {
        throw new UnsupportedOperationException(getClass().getName() + " returns snapshots but does not override "
            + "StateMachine.restore(InputStream); override both of them or neither");
    }

    /** A captured state: unaffected by commands that are applied later. */
    interface Snapshot {

        /**
         * Writes the captured state. Called at most once, perhaps never, on another thread than the machine's methods and beside them.
         * How often it writes and how much at a time is its own choice; nothing may be left in a buffer when it returns. It need not
         * close the stream.
         *
         * @throws IOException if the stream threw it; never to be swallowed (as {@code PrintStream} does), since half a snapshot would
         *     pass for a whole one
         */
        void writeTo(OutputStream out) throws IOException;
    }
}
