package io.quorate.raft.core;

/**
 * The identity of an entry: no two entries of a group with different contents ever share one (log matching, §5.3).
 *
 * <p>Ordered as logs are compared in elections: by term, then by index (§5.4.1).
 *
 * @param term  the term of the leader that made the entry; 0 only at index 0
 * @param index the position in the log, counted from 1; 0 stands before the first entry
 */
public record EntryId(long term, long index) implements Comparable<EntryId> {

    /** What stands before the first entry of every log. */
    public static final EntryId ZERO = new EntryId(0, 0);

    public EntryId {
        if (term < 0 || index < 0 || (term == 0) != (index == 0)) {
            throw new IllegalArgumentException("No entry has term " + term + " at index " + index);
        }
    }

    /** Whether a log that ends here is at least as up-to-date as one that ends at {@code other} (§5.4.1). */
    public boolean isAtLeast(EntryId other) {
        return compareTo(other) >= 0;
    }

    @Override
    public int compareTo(EntryId other) {
        int byTerm = Long.compare(term, other.term);
        return byTerm != 0 ? byTerm : Long.compare(index, other.index);
    }

    @Override
    public String toString() {
        return index + "@" + term;
    }
}
