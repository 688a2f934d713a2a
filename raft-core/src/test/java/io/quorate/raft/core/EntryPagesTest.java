package io.quorate.raft.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/** Entries that are laid out in pages are the entries that they would be in arrays of their own. */
class EntryPagesTest {

    @Property(tries = 100)
    void anEntryOfAPageIsTheSameEntry(@ForAll List<byte[]> payloads) {
        EntryPages pages = new EntryPages();
        List<Entry> expected = new ArrayList<>();
        List<Entry> laid = new ArrayList<>();
        for (int n = 0; n < 20; n++) {
            for (byte[] payload : payloads) {
                long index = laid.size() + 1;
                expected.add(Entry.of(index, 3, Entry.Kind.COMMAND, 10 * index, payload));
                laid.add(pages.add(index, 3, Entry.Kind.COMMAND, 10 * index, payload));
            }
        }
        assertEquals(expected, laid);   // all of them at the end, so that none was laid over another
        assertTrue(laid.stream().allMatch(Entry::isIntact));
    }

    @Example
    void smallOnesStandBehindOneAnotherUntilAPageIsFull() {
        EntryPages pages = new EntryPages();
        byte[] payload = new byte[EntryPages.SMALL_BYTES_MAX - Entry.HEADER_BYTES];
        int fit = EntryPages.PAGE_BYTES / EntryPages.SMALL_BYTES_MAX;
        Entry before = pages.add(1, 1, Entry.Kind.COMMAND, 0, payload);
        for (int n = 2; n <= fit; n++) {
            Entry next = pages.add(n, 1, Entry.Kind.COMMAND, 0, payload);
            assertSame(before.array(), next.array());
            assertEquals(before.offset() + before.size(), next.offset());
            before = next;
        }
        assertEquals(before.array().length, before.offset() + before.size());
        assertNotSame(before.array(), pages.add(fit + 1, 1, Entry.Kind.COMMAND, 0, payload).array());
    }

    @Example
    void aLargeOneHasAnArrayOfItsOwnAndThePageGoesOn() {
        EntryPages pages = new EntryPages();
        Entry first = pages.add(1, 1, Entry.Kind.COMMAND, 0, new byte[3]);
        Entry large = pages.add(2, 1, Entry.Kind.COMMAND, 0, new byte[EntryPages.SMALL_BYTES_MAX - Entry.HEADER_BYTES + 1]);
        Entry third = pages.add(3, 1, Entry.Kind.COMMAND, 0, new byte[3]);
        assertEquals(large.size(), large.array().length);
        assertSame(first.array(), third.array());
        assertEquals(first.size(), third.offset());
        assertThrows(IllegalArgumentException.class, () -> pages.add(0, 1, Entry.Kind.COMMAND, 0, new byte[3]));
        assertThrows(IllegalArgumentException.class,
            () -> pages.add(4, 1, Entry.Kind.COMMAND, 0, new byte[Entry.PAYLOAD_BYTES_MAX + 1]));
    }
}
