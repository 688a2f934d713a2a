package io.quorate.raft.core;

import java.util.Arrays;
import java.util.List;

/**
 * The term of every entry of a log, kept as the index where each term begins.
 *
 * <p>A log has few terms, so this answers for old entries what would otherwise need the disk. The table begins behind a base
 * (the snapshot the log stands on) and ends with the last entry.
 */
public final class TermTable {

    private EntryId base;
    private long lastIndex;
    private long[] terms = new long[8];        // strictly rising; terms[0] belongs to the base
    private long[] firstIndexes = new long[8]; // rising; where in the log the term begins
    private int size;

    /** The table of an empty log that stands on {@code base}. */
    public TermTable(EntryId base) {
        this.base = base;
        lastIndex = base.index();
        put(base.term(), base.index());
    }

    /**
     * The table of a log whose terms begin {@linkplain #starts() there} and which ends with {@code lastIndex}.
     *
     * @throws IllegalArgumentException if there is no such log
     */
    public static TermTable of(List<EntryId> starts, long lastIndex) {
        TermTable table = new TermTable(starts.get(0));
        for (EntryId start : starts.subList(1, starts.size())) {
            if (start.index() <= table.lastIndex || start.term() <= table.terms[table.size - 1]) {
                throw new IllegalArgumentException("Terms cannot begin at " + starts);
            }
            if (table.lastIndex == 0 && start.index() > 1) {   // there would be entries of no term
                throw new IllegalArgumentException("Terms cannot begin at " + starts);
            }
            table.put(start.term(), start.index());
            table.lastIndex = start.index();
        }
        if (lastIndex < table.lastIndex || table.lastIndex == 0 && lastIndex > 0) {
            throw new IllegalArgumentException("A log whose terms begin at " + starts + " cannot end at " + lastIndex);
        }
        table.lastIndex = lastIndex;
        return table;
    }

    /** A copy that changes on its own. */
    public TermTable(TermTable other) {
        base = other.base;
        lastIndex = other.lastIndex;
        terms = other.terms.clone();
        firstIndexes = other.firstIndexes.clone();
        size = other.size;
    }

    /** What the log stands on: the last entry before its first. */
    public EntryId base() {
        return base;
    }

    public long lastIndex() {
        return lastIndex;
    }

    public EntryId last() {
        return new EntryId(terms[size - 1], lastIndex);
    }

    /** Where the terms begin: the base, then the first entry of each further term, in their order. */
    public List<EntryId> starts() {
        EntryId[] starts = new EntryId[size];
        for (int i = 0; i < size; i++) {
            starts[i] = new EntryId(terms[i], firstIndexes[i]);
        }
        return List.of(starts);
    }

    /** Whether the term at this index is known: it is the base or an entry of the log. */
    public boolean covers(long index) {
        return index >= base.index() && index <= lastIndex;
    }

    /**
     * The term of the entry at this index.
     *
     * @throws IllegalArgumentException if the index is outside the table; there is no answer that could be mistaken for a term
     */
    public long termAt(long index) {
        if (!covers(index)) {
            throw new IllegalArgumentException("No term is known at " + index + ": the log is " + this);
        }
        return terms[position(index)];
    }

    /** Adds the entry behind the last one. */
    public void append(long term, long index) {
        append(term, index, index);
    }

    /** Adds entries of one term behind the last one: from the first to the last of these, at least one. */
    public void append(long term, long from, long to) {
        if (from != lastIndex + 1 || to < from || term < terms[size - 1] || term < 1) {
            throw new IllegalArgumentException("Entry " + from + "@" + term + " cannot follow " + last());
        }
        if (term > terms[size - 1]) {
            put(term, from);
        }
        lastIndex = to;
    }

    /** Forgets the entries from {@code firstIndex} on. */
    public void truncate(long firstIndex) {
        if (firstIndex <= base.index() || firstIndex > lastIndex + 1) {
            throw new IllegalArgumentException("Cannot cut at " + firstIndex + ": the log is " + this);
        }
        while (size > 1 && firstIndexes[size - 1] >= firstIndex) {
            size--;
        }
        lastIndex = firstIndex - 1;
    }

    /** Forgets the entries before {@code index}: the one there becomes the base. */
    public void forgetBefore(long index) {
        base = new EntryId(termAt(index), index);
        int position = position(index);
        size -= position;
        System.arraycopy(terms, position, terms, 0, size);
        System.arraycopy(firstIndexes, position, firstIndexes, 0, size);
        firstIndexes[0] = index;
    }

    /**
     * The last entry at or before {@code index} whose term is at most {@code term}: where a log with such an entry can still
     * agree with this one. The base if there is none behind it.
     */
    public EntryId lastWithTermAtMost(long term, long index) {
        long at = Math.min(index, lastIndex);
        if (at <= base.index()) {
            return base;
        }
        int position = position(at);
        while (position > 0 && terms[position] > term) {
            at = firstIndexes[position] - 1;
            position--;
        }
        return at <= base.index() || terms[position] > term ? base : new EntryId(terms[position], at);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TermTable that
            && base.equals(that.base)
            && lastIndex == that.lastIndex
            && Arrays.equals(terms, 0, size, that.terms, 0, that.size)
            && Arrays.equals(firstIndexes, 0, size, that.firstIndexes, 0, that.size);
    }

    @Override
    public int hashCode() {
        return Long.hashCode(lastIndex) * 31 + Long.hashCode(terms[size - 1]);
    }

    /** Each term with the index where it begins, as in {@code (0@0) 1@1 5@3 ..9}. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("(").append(base).append(')');
        for (int i = 1; i < size; i++) {
            text.append(' ').append(firstIndexes[i]).append('@').append(terms[i]);
        }
        return text.append(" ..").append(lastIndex).toString();
    }

    private int position(long index) {
        int position = size - 1;
        while (firstIndexes[position] > index) {   // the newest terms are asked for most
            position--;
        }
        return position;
    }

    private void put(long term, long firstIndex) {
        if (size == terms.length) {
            terms = Arrays.copyOf(terms, size * 2);
            firstIndexes = Arrays.copyOf(firstIndexes, size * 2);
        }
        terms[size] = term;
        firstIndexes[size] = firstIndex;
        size++;
    }
}
