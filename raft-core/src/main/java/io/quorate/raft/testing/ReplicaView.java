package io.quorate.raft.testing;

import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.ReplicaId;

/** What invariants may see of a replica, its disk included. */
interface ReplicaView {

    // ---- always

    /** Which replica stands on the node's present disk. */
    ReplicaId id();

    /** How often it has been started. */
    int boot();

    /** Whether it is running. */
    boolean isUp();

    /** Whether it belongs to a group. */
    boolean isFounded();

    /** Whether its node has begun: it does not before its log is repaired. */
    default boolean hasBegun() {
        return true;
    }

    /** What a crash at this moment would leave for certain. */
    HardState durableState();

    /** Where the log ends that a crash at this moment would leave for certain. */
    long diskLastIndex();

    /** The last entry that is covered by the snapshot that a crash at this moment would leave; 0 if there is none. */
    default long diskSnapshotIndex() {
        return 0;
    }

    /** Whether a crash at this moment would leave exactly this entry. */
    boolean diskContains(EntryId id);

    /** Whether this disk, or one that the node has lost for good, contains exactly this entry. */
    boolean anyDiskContains(EntryId id);

    /** Its clock, as far as it can be counted on. */
    SimulatedClock.Steady steadyClock();

    // ---- only while it runs

    /** How far its state machine has applied. */
    long appliedIndex();

    /** How many bytes the process has set aside for calls that are open. */
    long callBytes();

    /** How many bytes it has set aside for messages that wait. */
    long mailBytes();

    /** Whether anything waits for the next turn. */
    boolean hasMail();

    // ---- only while it runs and is founded

    /** The node's own account. */
    NodeStatus status();

    /** For how long, by its own clock, the node would do nothing if nothing came. Not positive if it is late. */
    long nanosUntilDeadline();

    /** Whether its log has exactly this entry. */
    boolean logContains(EntryId id);

    /** The identity of the entry at this index, which its log must cover. */
    EntryId logAt(long index);
}
