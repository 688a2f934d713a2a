package io.quorate.raft.core;

import java.util.List;

/**
 * What a {@link RaftNode} wants done. Called only from {@link RaftNode#flush}, in the order of the methods below; an
 * implementation must not call back into the node, and may do each thing as soon as it is asked.
 */
public interface Effects {

    /**
     * Make this durable, after all earlier writes: replace the log's entries from {@code firstIndex} on by these, and the hard
     * state by this. Tell {@link Event.Written} when it is.
     *
     * @param writeId    one more than the last write's
     * @param hardState  to be durable no later than the entries
     * @param firstIndex the first index that changes; one behind the last entry if only the hard state changes
     * @param entries    the new suffix; empty if only the hard state changes
     */
    void write(long writeId, HardState hardState, long firstIndex, List<Entry> entries);

    /**
     * Make this durable, after all earlier writes: the log stands on this snapshot, which was fetched before. Entries behind it stay if
     * the log's entry at its index is the snapshot's last; else the whole log goes. Also a write, told by the same {@link Event.Written}.
     *
     * @param writeId   one more than the last write's
     * @param hardState to be durable no later than the snapshot
     * @param snapshot  fetched and whole
     */
    void install(long writeId, HardState hardState, SnapshotId snapshot);

    /** Send this at once: whatever it promises is already durable. It may be lost. */
    void send(Message message);

    /**
     * The request has become this entry. It is done when exactly this entry is applied, and has certainly failed when another
     * is applied at its index.
     */
    void accepted(long requestId, EntryId at);

    /**
     * Replace the state machine's state by that of this snapshot, which is installed, durably. What comes to be applied next follows it.
     * Everything handed out before is applied. Tell {@link Event.Applied} with its index when it is done.
     */
    void restore(SnapshotId snapshot);

    /**
     * These entries are committed, and durable here.
     *
     * @param firstIndex the first
     * @param lastIndex  the last, inclusive
     * @param entries    all of them, or empty if they must be read from storage (not on this thread)
     */
    void apply(long firstIndex, long lastIndex, List<Entry> entries);

    /**
     * A read may be answered from the state after {@code index}.
     *
     * @param requestId       as in {@link Event.Read}
     * @param index           apply up to here first
     * @param validUntilNanos a lease's end, to be checked once more after the read; {@link Long#MAX_VALUE} when a quorum was asked
     */
    void readable(long requestId, long index, long validUntilNanos);

    /** The request was turned away; nothing happened. */
    void refuse(long requestId, Refusal why);

    /** The request, a transfer, has come to its good end. */
    void done(long requestId);

    /** What becomes of the request, a transfer, is not known here: who is to lead was told so, and this replica does not lead any more. */
    void unknown(long requestId);

    /**
     * Fetch this snapshot, not on this thread, and tell {@link Event.SnapshotFetched} or {@link Event.FetchFailed}. One at a time is asked
     * for; the driver goes on with it whatever becomes of the term or the leader.
     *
     * @param snapshot which
     * @param source   from whom
     */
    void fetchSnapshot(SnapshotId snapshot, ReplicaId source);

    /**
     * Read old entries for a slow peer, not on this thread, and bring them with {@link Event.EntriesRead}.
     *
     * @param peer       for whom
     * @param term       to be given back
     * @param firstIndex the first wanted
     * @param lastIndex  the last wanted, inclusive; fewer are welcome, but at least one
     * @param bytesMax   stop before this many bytes, but not before the first entry
     */
    void readEntries(ReplicaId peer, long term, long firstIndex, long lastIndex, int bytesMax);
}
