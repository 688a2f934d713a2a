package io.quorate.raft;

import io.quorate.raft.core.DiskRoom;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.LogView;
import io.quorate.raft.core.SnapshotId;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import org.jspecify.annotations.Nullable;

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
     * @param install    a snapshot that was received and is complete, newer than the one that is there: the log stands on it from now on.
     *                   What is behind it stays if the log's entry at its index is the snapshot's last, and else the whole log goes;
     *                   {@code firstIndex} is then the one behind the snapshot, and there are no {@code entries}. Null in every other write
     */
    record Write(long id, HardState hardState, long firstIndex, List<Entry> entries, @Nullable SnapshotId install) {

        public Write {
            if (install != null && (!entries.isEmpty() || firstIndex != install.index() + 1)) {
                throw new IllegalArgumentException("A write installs a snapshot or brings entries, not both");
            }
        }

        /** A write that installs nothing. */
        public Write(long id, HardState hardState, long firstIndex, List<Entry> entries) {
            this(id, hardState, firstIndex, entries, null);
        }
    }

    /** Who this directory is, as of now: always the same replica, in a boot that rises with each opening. */
    Identity identity();

    /**
     * What was durable when the directory was opened; asked for before the first write, of a founded replica, and once; but again after
     * what it named as damaged has been repaired, replaced or covered by an installation.
     *
     * @throws StorageException if it cannot be read, or damage is found that leaves open what was written
     */
    Recovered recover();

    /**
     * What was durable at opening.
     *
     * @param hardState the last; with damage, its commit index may lie behind what is handed over of the log
     * @param log       the whole log, of which the tail is handed over at once; if something is damaged, what is whole before it
     * @param damaged   entries behind the newest snapshot that are lost, but for their names, rising. Until they are there again nothing may
     *                  be built on this log: no vote, no acknowledgement, no application. Entries between and behind them can be read
     */
    record Recovered(HardState hardState, LogView log, List<EntryId> damaged) {

        public Recovered {
            damaged = List.copyOf(damaged);
        }

        /** Of a log that is whole. */
        public Recovered(HardState hardState, LogView log) {
            this(hardState, log, List.of());
        }
    }

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
     * <p>Refuses a whole batch that would leave a gap, replace what the newest snapshot covers, or install what is not complete; whose
     * entries do not follow each other, or whose ids do not rise; and any write into a blank directory: nothing of it is kept. The type of
     * the exception is not promised, for no replica asks such a thing.
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
     * @throws EntryDamagedException if the first of them is damaged; not final. A later one that is ends the list before it
     * @throws StorageException      if they cannot be read
     */
    List<Entry> read(long firstIndex, long lastIndex, int bytesMax);

    /**
     * The newest snapshot, taken here or installed. It can be read until it is closed, whatever becomes of it meanwhile. Any thread.
     *
     * @return null if there is none
     * @throws StorageException if it cannot be opened
     */
    @Nullable StoredSnapshot snapshot();

    /**
     * Begins a snapshot of this replica's own state. Any thread, one at a time, beside everything else.
     *
     * <p>A replica that has no entries yet may be given a state to begin with in the same way, before it is started: the log stands on it
     * from the next opening on.
     *
     * @param snapshot newer than the one that is there, and applied here, so that its last entry is in the log, or is where the log begins;
     *                 or the same, if the storage has told that the one that is there is damaged: it then takes its place
     * @throws IllegalArgumentException if it is not newer, and nothing is known to be wrong with the one that is there
     * @throws IllegalStateException    if its last entry is not in the log
     * @throws StorageException         if it cannot be begun
     */
    SnapshotOutput beginSnapshot(SnapshotId snapshot);

    /**
     * Begins to receive another replica's snapshot, or goes on with it, also after a restart. Another one that was begun is forgotten, but
     * for one that is complete and so may be installed; that one stays until another is complete, or stands in {@link #snapshot()}. Any
     * thread, one at a time, beside everything else.
     *
     * @param snapshot which
     * @throws StorageException if it cannot be begun
     */
    SnapshotInput receiveSnapshot(SnapshotId snapshot);

    /** How many bytes of log stand behind the newest snapshot, more or less. Any thread. */
    long logBytes();

    /** The first entry that can still be read; one behind the last if there is none. Any thread. */
    long firstIndex();

    /**
     * Lets go of old entries that a snapshot covers. What is kept of them, for replicas that lag, is the storage's choice, within its
     * bounds. On the thread that calls {@code write}.
     *
     * @param wantedIndex entries from here on are wanted for a replica that is being helped at the moment; {@link Long#MAX_VALUE} if none
     *                    is
     * @throws StorageException if it failed; final, like a failed write
     */
    void compact(long wantedIndex);

    /** A snapshot that is stored, in the form in which it travels: a manifest, and the state that the user's machine wrote. */
    interface StoredSnapshot extends AutoCloseable {

        SnapshotId id();

        /**
         * The state, from its first byte to its last; each call begins anew. A damaged one ends in an exception (a {@link StorageException}
         * that names the damage) before it ends. Closed with this.
         */
        InputStream state() throws IOException;

        /** How many bytes {@link #state} has. */
        long stateBytes();

        /** How many bytes it takes to move it. */
        long transferBytes();

        /**
         * Reads a part of what is moved. One thread at a time.
         *
         * @param offset   from here on, of {@link #transferBytes}
         * @param bytesMax at most so many
         * @return at least one byte, unless the offset is the end
         * @throws StorageException if it cannot be read, or is damaged
         */
        byte[] read(long offset, int bytesMax);

        @Override
        void close();
    }

    /** A snapshot that is being taken. Closed without {@code commit}, it was never there. */
    interface SnapshotOutput extends AutoCloseable {

        /** Takes the state. */
        OutputStream state();

        /**
         * It is whole: makes it durable, as the newest one; on return it is. If a newer one was installed meanwhile, that one stays, and
         * this one goes.
         *
         * @throws StorageException if that failed; it was never there then, and the log is as it was
         */
        void commit();

        @Override
        void close();
    }

    /** A snapshot that is being received. Closed before it is complete, it can be gone on with. */
    interface SnapshotInput extends AutoCloseable {

        /** How many bytes are here: where to go on. */
        long received();

        /**
         * Takes the next bytes.
         *
         * @param offset what {@link #received} says
         * @throws StorageException if they cannot be written
         */
        void write(long offset, byte[] bytes);

        /**
         * All bytes are here: checks them, and makes them durable for a {@link Write#install}.
         *
         * @return false if they are not what its maker wrote; nothing of them is kept then, and they may be received again
         * @throws StorageException if that failed
         */
        boolean complete();

        @Override
        void close();
    }

    /**
     * While a write always waits, {@link #maintain} is called once for so many bytes of entries that are written. Storage that prepares a
     * segment in pieces makes them larger than what it needs for so many, so that it is ready before the one that is being written is full.
     */
    long MAINTAINED_BYTES = 64 << 10;

    /**
     * Does one bounded piece of work off the critical path, such as preparing a segment. Called on the thread that calls {@code write},
     * while no write waits, or if one always does, once for {@link #MAINTAINED_BYTES}; once the replica has been founded.
     *
     * @return true if there may be more to do
     * @throws StorageException if it failed; final, like a failed write
     */
    default boolean maintain() {
        return false;
    }

    /**
     * Puts entries back that are damaged here, as other replicas have them: the same term at the same index is the same entry. Durable on
     * return. On the thread that calls {@code write}; also while {@link #recover} has named damage.
     *
     * @param entries intact, rising; those that are not damaged here are passed over
     * @return which are there again. Of several damaged entries side by side it may need all at once
     * @throws StorageException if that failed; final, like a failed write
     */
    default List<EntryId> repair(List<Entry> entries) {
        return List.of();
    }

    /**
     * Reads a piece of what was written long ago, and tells what has been damaged meanwhile; the next call goes on behind it. On the thread
     * that calls {@code write}, while no write waits. Damage that a snapshot covers is forgotten together with what is before it, and not
     * told.
     *
     * @param bytesMax read about so many
     */
    default Scrubbed scrub(int bytesMax) {
        return Scrubbed.NOTHING;
    }

    /**
     * What a piece of scrubbing has found.
     *
     * @param bytes             how many were read
     * @param damaged           entries behind the newest snapshot, rising
     * @param isSnapshotDamaged whether the newest snapshot cannot be relied on any more: another one should be taken, which may be of
     *                          the same state
     * @param isRoundDone       whether all has been looked at: the next call begins anew
     * @param problem           damage that no other replica can put right, and because of which the next opening would refuse the
     *                          directory, though it does no harm until then: where, and what to do. A snapshot that covers that piece of the log,
     *                          and then {@link #compact}, lets go of it. Null if there is none
     */
    record Scrubbed(long bytes, List<EntryId> damaged, boolean isSnapshotDamaged, boolean isRoundDone, @Nullable String problem) {

        /** There is nothing to look at. */
        public static final Scrubbed NOTHING = new Scrubbed(0, List.of(), false, true);

        /** Without a problem. */
        public Scrubbed(long bytes, List<EntryId> damaged, boolean isSnapshotDamaged, boolean isRoundDone) {
            this(bytes, damaged, isSnapshotDamaged, isRoundDone, null);
        }

        public Scrubbed {
            damaged = List.copyOf(damaged);
        }
    }

    /**
     * How much room the disk has for entries. In any case there is room for hard states, and for an installation of what has been received;
     * and entries that are written all the same are written as long as they fit. Any thread; {@link #write} and {@link #maintain} find out
     * that it has become less, and {@code maintain}, that it is plenty again.
     */
    default DiskRoom room() {
        return DiskRoom.PLENTY;
    }

    /** How many bytes this storage could still claim of its disk, more or less; -1 if that is not known. Any thread. */
    default long usableBytes() {
        return -1;
    }

    /** Lets go of the directory. May be called twice; afterwards nothing is read or written any more. */
    @Override
    void close();
}
