package io.quorate.raft;

import io.quorate.raft.core.Entry;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.LogView;
import java.util.List;

/**
 * An opened data directory of one replica: its identity, its hard state and its log.
 *
 * <p>A storage is passive: each method does its work and returns. {@code found} and {@code write} are called on one thread at a time;
 * {@code read} may run beside them on others. Every failure is final: after an exception from {@code found} or {@code write} the storage
 * is only closed, and what became of the failed batch is learned at the next opening. A failed fsync is never retried.
 *
 * <p>A directory is open once: who opens it beside another is refused, or else the other writes nothing any more. After {@code close}, or
 * after the death of the process, the next opening finds all that was reported as done.
 *
 * <p>{@link io.quorate.raft.testing.StorageContract} holds an implementation against all this.
 */
public interface Storage extends AutoCloseable {

    /**
     * Replace the log's entries from {@code firstIndex} on by {@code entries}, and the hard state by {@code hardState}.
     *
     * @param id         rises from write to write, and begins anew with each opening
     * @param hardState  durable no later than the entries
     * @param firstIndex the first index that changes; one behind the last entry if only the hard state changes
     * @param entries    consecutive from {@code firstIndex}, their terms never falling; may be empty
     */
    record Write(long id, HardState hardState, long firstIndex, List<Entry> entries) { }

    /** Who this directory is, as of now: always the same replica, in a boot that rises with each opening. */
    Identity identity();

    /** What was durable when the directory was opened; asked for once, before the first write, of a founded replica. */
    Recovered recover();

    /**
     * What was durable at opening.
     *
     * @param hardState the last
     * @param log       the whole log, of which the tail is handed over at once
     */
    record Recovered(HardState hardState, LogView log) { }

    /**
     * Makes a blank directory a member of a group; durable on return.
     *
     * @throws IllegalStateException if the directory is not blank
     * @throws StorageException      if it cannot be made durable
     */
    void found(FoundingRecord record);

    /**
     * Makes all of these durable, in their order, and returns when they are.
     *
     * <p>Refuses a whole batch that would leave a gap, whose entries do not follow each other, or whose ids do not rise, and any write
     * into a blank directory: nothing of it is kept. The type of the exception is not promised, for no replica asks such a thing.
     *
     * @param batch at least one, ids rising
     * @throws StorageException if that failed; nothing of the batch may be relied on, nor any later write tried
     */
    void write(List<Write> batch);

    /**
     * Reads durable entries.
     *
     * @param firstIndex the first wanted
     * @param lastIndex  the last wanted, inclusive
     * @param bytesMax   stop before this many bytes, but not before the first entry
     * @return consecutive from {@code firstIndex}, at least one but perhaps fewer than would fit, each intact, all of one log as it was
     *     at some moment of the call; empty if the log no longer begins so early, or ends before, which a replacement may have brought
     *     about meanwhile
     * @throws StorageException if they cannot be read or are damaged
     */
    List<Entry> read(long firstIndex, long lastIndex, int bytesMax);

    /**
     * Does one bounded piece of work off the critical path, such as preparing a segment. Called on the thread that calls {@code write},
     * while no write waits, once the replica has been founded.
     *
     * @return true if there may be more to do
     * @throws StorageException if it failed; final, like a failed write
     */
    default boolean maintain() {
        return false;
    }

    /** Lets go of the directory. May be called twice; afterwards nothing is read or written any more. */
    @Override
    void close();
}
