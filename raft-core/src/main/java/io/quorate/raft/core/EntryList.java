package io.quorate.raft.core;

import java.util.AbstractList;
import java.util.List;
import java.util.Objects;
import java.util.RandomAccess;

/**
 * Entries one behind the other, as a list that never changes. Lists share the array that holds their entries, also a part of one and what
 * {@linkplain #copyOf is copied} of one: an entry on its way through a replica stands in many lists, and a copy for each of them would
 * cost more than the entry itself does besides its bytes.
 */
public final class EntryList extends AbstractList<Entry> implements RandomAccess {

    static final EntryList EMPTY = new EntryList(new Entry[0], 0, 0);

    private final Entry[] array;
    private final int offset;
    private final int size;

    private EntryList(Entry[] array, int offset, int size) {
        this.array = array;
        this.offset = offset;
        this.size = size;
    }

    /** The entries in this array, which is the list's from now on: nobody changes it any more. */
    public static EntryList over(Entry[] entries) {
        return entries.length == 0 ? EMPTY : new EntryList(entries, 0, entries.length);
    }

    /** The same entries, whatever becomes of the other list; the very list, if nothing can become of it. */
    public static EntryList copyOf(List<Entry> entries) {
        if (entries instanceof EntryList unchanging) {
            return unchanging;
        }
        Entry[] copy = entries.toArray(new Entry[0]);
        for (Entry entry : copy) {
            Objects.requireNonNull(entry);
        }
        return over(copy);
    }

    @Override
    public Entry get(int at) {
        return array[offset + Objects.checkIndex(at, size)];
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public EntryList subList(int from, int to) {
        Objects.checkFromToIndex(from, to, size);
        return to - from == size ? this : new EntryList(array, offset + from, to - from);
    }
}
