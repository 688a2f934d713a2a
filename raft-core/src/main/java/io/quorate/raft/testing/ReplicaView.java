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

    /** Only while it runs. */
    NodeStatus status();

    /** Whether its log, as given to the disk so far, has exactly this entry. */
    boolean logContains(EntryId id);

    /** The identity of the entry at this index of its log. */
    EntryId logAt(long index);

    /** What a crash at this moment would leave for certain. */
    HardState durableState();

    /** Whether a crash at this moment would leave exactly this entry. */
    boolean diskContains(EntryId id);
}
