package io.quorate.raft.core;

import java.util.List;

/**
 * What storage knows of its log when a node starts.
 *
 * @param base  the snapshot the log stands on; of a young group, the founding record's membership at {@link EntryId#ZERO}
 * @param terms the term of each entry behind the base; its owner gives it away
 * @param tail  the last entries, as many as storage cares to hand over at once: they end at {@code terms.lastIndex()}; may be empty
 */
public record LogView(SnapshotId base, TermTable terms, List<Entry> tail) {

    public LogView {
        tail = List.copyOf(tail);
        if (!base.last().equals(terms.base())) {
            throw new IllegalArgumentException("The log stands on " + base.last() + ", its terms on " + terms.base());
        }
        if (!tail.isEmpty() && tail.get(tail.size() - 1).index() != terms.lastIndex()) {
            throw new IllegalArgumentException("The tail does not end with the log, at " + terms.lastIndex());
        }
    }

    /** The log of a replica that has just been founded. */
    public static LogView empty(Membership founding) {
        return new LogView(new SnapshotId(EntryId.ZERO, founding), new TermTable(EntryId.ZERO), List.of());
    }
}
