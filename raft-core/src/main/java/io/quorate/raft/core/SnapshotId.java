package io.quorate.raft.core;

/**
 * Everything the algorithm knows of a snapshot: what it covers and who were the members there.
 *
 * <p>A group begins with the snapshot of nothing: {@link EntryId#ZERO} and the membership of its founding record.
 *
 * @param last       the last entry the snapshot covers
 * @param membership the membership in force after that entry
 */
public record SnapshotId(EntryId last, Membership membership) { }
