package io.quorate.raft.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A list of entries never changes, and so is shared and not copied. */
class EntryListTest {

    private final List<Entry> four = List.of(Cluster.entry(1, 1), Cluster.entry(2, 1), Cluster.entry(3, 2), Cluster.entry(4, 2));

    @Test
    void itEqualsAnyListOfTheSameEntries() {
        EntryList entries = EntryList.copyOf(four);
        assertEquals(four, entries);
        assertEquals(entries, four);
        assertEquals(four.hashCode(), entries.hashCode());
        assertEquals(four.toString(), entries.toString());
        assertEquals(List.of(), EntryList.over(new Entry[0]));
    }

    @Test
    void whatBecomesOfTheListThatItWasCopiedOfIsNothingToIt() {
        List<Entry> other = new ArrayList<>(four);
        EntryList entries = EntryList.copyOf(other);
        other.clear();
        assertEquals(four, entries);
    }

    @Test
    void nobodyChangesIt() {
        EntryList entries = EntryList.copyOf(four);
        assertThrows(UnsupportedOperationException.class, () -> entries.set(0, four.get(1)));
        assertThrows(UnsupportedOperationException.class, () -> entries.remove(0));
        assertThrows(UnsupportedOperationException.class, () -> entries.add(four.get(0)));
    }

    @Test
    void oneThatIsCopiedIsShared() {
        EntryList entries = EntryList.copyOf(four);
        assertSame(entries, EntryList.copyOf(entries));
        assertSame(entries, entries.subList(0, 4));
        assertNotSame(entries, EntryList.copyOf(four));
    }

    @Test
    void aPartIsAListOfItsOwn() {
        EntryList middle = EntryList.copyOf(four).subList(1, 3);
        assertEquals(four.subList(1, 3), middle);
        assertEquals(four.subList(2, 3), middle.subList(1, 2));
        assertThrows(IndexOutOfBoundsException.class, () -> middle.get(2));
        assertThrows(IndexOutOfBoundsException.class, () -> middle.get(-1));
        assertThrows(IndexOutOfBoundsException.class, () -> middle.subList(0, 3));
    }

    @Test
    void thereIsAnEntryAtEachPlace() {
        assertThrows(NullPointerException.class, () -> EntryList.copyOf(Arrays.asList(four.get(0), null)));
    }
}
