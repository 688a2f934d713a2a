package io.quorate.raft;

import io.quorate.raft.core.EntryId;

/**
 * A snapshot that is durable.
 *
 * @param last  the last entry that it covers
 * @param bytes how long it is when it is moved or copied
 */
public record SnapshotInfo(EntryId last, long bytes) {

    /** The index of the last entry that it covers. */
    public long index() {
        return last.index();
    }
}
