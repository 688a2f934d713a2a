package io.quorate.raft.core;

import java.util.List;

/**
 * What storage knows of its log when a node starts.
 *
 * @param snapshot    the newest; the log needs nothing before its end, though it may still hold entries before. Of a young group, the
 *                    founding record's membership at {@link EntryId#ZERO}
 * @param terms       the term of each entry, kept through snapshots: it reaches back behind the snapshot, usually to the very
 *                    beginning; its owner gives it away
 * @param tail        the last entries, as many as storage cares to hand over at once: they end at {@code terms.lastIndex()}; at least
 *                    the last one, if there are entries behind the snapshot
 * @param memberships all membership entries behind the snapshot, in their order
 */
public record LogView(SnapshotId snapshot, TermTable terms, List<Entry> tail, List<Entry> memberships) {

    public LogView {
        tail = List.copyOf(tail);
        memberships = List.copyOf(memberships);
        long snapshotIndex = snapshot.index();
        if (!terms.covers(snapshotIndex) || terms.termAt(snapshotIndex) != snapshot.last().term()) {
            throw new IllegalArgumentException("The log stands on " + snapshot.last() + ", its terms are " + terms);
        }
        if (tail.isEmpty() ? terms.lastIndex() > snapshotIndex : tail.get(tail.size() - 1).index() != terms.lastIndex()) {
            throw new IllegalArgumentException("The tail does not end with the log, at " + terms.lastIndex());
        }
        for (Entry entry : memberships) {
            if (entry.kind() != Entry.Kind.MEMBERSHIP || entry.index() <= snapshotIndex || entry.index() > terms.lastIndex()) {
                throw new IllegalArgumentException(entry + " is no membership entry between " + snapshotIndex + " and "
                    + terms.lastIndex());
            }
        }
    }

    /** The log of a replica that has just been founded. */
    public static LogView empty(Membership founding) {
        return new LogView(SnapshotId.ofFounding(founding), new TermTable(EntryId.ZERO), List.of(), List.of());
    }
}
