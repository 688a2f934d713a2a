package io.quorate.raft.testing;

import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.ReplicaId;

/** What invariants may see of a replica, its disk included. */
interface ReplicaView {

    ReplicaId id();

    /** How often it has been started. */
    int boot();

    /** Whether it is running. */
    boolean isUp();

    /** Only while it runs and is founded. */
    NodeStatus status();

    /** Whether its log has exactly this entry. */
    boolean logContains(EntryId id);

    /** The identity of the entry at this index of its log. */
    EntryId logAt(long index);

    /** What a crash at this moment would leave for certain. */
    HardState durableState();

    /** Whether a crash at this moment would leave exactly this entry. */
    boolean diskContains(EntryId id);

    /** Whether this disk, or one that the node has lost for good, contains exactly this entry. */
    boolean anyDiskContains(EntryId id);
}
