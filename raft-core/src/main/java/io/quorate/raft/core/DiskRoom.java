package io.quorate.raft.core;

/** How much room a replica's disk has for entries. Hard states, which are small, have room in any case. */
public enum DiskRoom {

    /** Enough for all that may come until the disk says otherwise. */
    PLENTY,
    /** What is under way has room, and little more: nothing new should be begun. */
    LOW,
    /** No entries should be given to it any more. */
    NONE;

    /** Whether anything new may be begun. */
    public boolean isPlenty() {
        return this == PLENTY;
    }
}
