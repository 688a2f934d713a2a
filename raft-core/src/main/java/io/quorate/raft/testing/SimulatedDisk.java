package io.quorate.raft.testing;

import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Storage;
import io.quorate.raft.core.DiskRoom;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The disk of a simulated node. It stays when processes come and go, and the simulation asks it what is durable: what a process was told
 * is, and what the next one will find.
 *
 * <p>The default is an {@link InMemoryDisk}. One that runs a storage of your own knows by a model beside it what that storage has promised,
 * holds it to that at each death of a process, and throws if it does not keep it.
 *
 * <p>All of it is used by one thread, and must depend on nothing but the calls and on what {@link Maker#blank} was given.
 */
public interface SimulatedDisk {

    /** Makes disks. */
    interface Maker {

        /**
         * A blank disk.
         *
         * @param nodeId      the node whose disk it is
         * @param incarnation tells this disk from all others the node has had or will have; not 0. It may also be the seed of what the disk
         *                    draws
         * @param isCramped   whether little is handed over on recovery, so that the rest must be read
         */
        SimulatedDisk blank(int nodeId, long incarnation, boolean isCramped);
    }

    /** Whose disk this is. */
    ReplicaId replica();

    /**
     * Opens the disk, under the next boot number, after a {@link #crash} if it was open before.
     *
     * @throws io.quorate.raft.StorageException if the disk fails at that; the process does not come up then
     */
    Storage open();

    /**
     * Its disk thread begins to write this. What it is told of that it will be told by {@link Storage#write}, which is called with the very
     * same list when the disk has taken its time; until then other threads go on, and the process may die. A disk may do some of it now, as
     * one that hangs in the middle of a write has done.
     */
    default void begin(List<Storage.Write> writing) {
        // A disk on which all of it happens at the end.
    }

    /**
     * The process that has the disk open dies.
     *
     * @param writing   what it was just writing, and did not hear the end of; perhaps nothing
     * @param keepsWrite whether that is wholly durable all the same; otherwise the disk decides how much of it
     * @return the last of these writes, or of those that have failed, that is durable; 0 if none is
     */
    long crash(List<Storage.Write> writing, boolean keepsWrite);

    /**
     * The next write, or founding, fails, or another operation soon.
     *
     * @param why for the exception's message
     */
    void failWrites(String why);

    /** It is nearly full from now on, or quite full, or has room again; what it says by {@link Storage#room} follows sooner or later. */
    default void room(DiskRoom room) {
        // A disk that is never full.
    }

    /** What was to fail does not fail any more, unless it has failed already. */
    void mend();

    /** Whether a write that was begun has failed, which nobody has heard yet; or the next one may, though nothing is made to fail now. */
    default boolean hasFailed() {
        return false;
    }

    /**
     * Lets an entry behind the newest snapshot rot, if this disk can.
     *
     * @param dice which
     * @return which; null if nothing happened
     */
    default @Nullable EntryId damageAny(long dice) {
        return null;
    }

    /** Which entries are damaged, rising. */
    default List<EntryId> damaged() {
        return List.of();
    }

    /** These entries are as they were before they were damaged. Asked while nobody has it open. */
    default void undamage(List<EntryId> entries) {
        throw new UnsupportedOperationException("Nothing is damaged");
    }

    /**
     * Damages something, if this disk can: bits turn, wherever it may be, or the next write is lost, or comes to a wrong place.
     *
     * @param dice what
     * @return whether anything was, or will be
     */
    default boolean damageBytes(long dice) {
        return false;
    }

    /** Whether more is damaged than entries, perhaps, so that no other process can run on it when this one has died. */
    default boolean isSuspect() {
        return false;
    }

    /** Whether the newest snapshot is damaged, perhaps. */
    default boolean isSnapshotSuspect() {
        return false;
    }

    /**
     * Why no process can run on this disk any more; null if one can. It is damaged, and whatever is opened on it refuses it, or should if it
     * could know. Asked while nobody has it open.
     */
    default @Nullable String refusal() {
        return null;
    }

    /** Another disk with what is on this one now: a backup, or a clone. Nobody has it open. */
    SimulatedDisk copy();

    /** How the group began, or null while the disk is blank. */
    @Nullable FoundingRecord founding();

    /** The last durable hard state. */
    HardState hardState();

    /** The durable entries, at least those behind the newest snapshot. */
    List<Entry> log();

    /** Where the durable log ends. */
    long lastIndex();

    /** The durable entry that stands or stood here, whether in the log or covered by the snapshot it stands on; null if nobody knows. */
    @Nullable EntryId entryAt(long index);

    /** Whether exactly this entry is durable: in the log, or covered by the snapshot it stands on. */
    default boolean contains(EntryId entry) {
        return entry.index() >= 1 && entry.equals(entryAt(entry.index()));
    }

    /** The newest snapshot, or null if there is none. */
    @Nullable SnapshotId snapshotId();

    /** The run is over, whatever has become of it: nothing more is asked of this disk but {@link #happenings}. */
    default void end() {
        // A disk that holds nothing.
    }

    /** How often each thing that may go wrong with this disk did, by a name: for the {@link Simulation.Report}. */
    default Map<String, Long> happenings() {
        return Map.of();
    }
}
