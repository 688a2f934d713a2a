package io.quorate.raft.core;

/**
 * Where the entries that are made here are laid out: small ones behind one another in pages, so that those of a batch can be copied at
 * once, and none has the cost of an array of its own: 0.89 of the processor time under 256 outstanding commands of 256 bytes. A page lives
 * for as long as one of its entries does, and they go in their order.
 */
final class EntryPages {

    static final int PAGE_BYTES = 16 << 10;
    /** Larger ones have an array each: beside their bytes that costs little, and less than what they could leave empty of a page. */
    static final int SMALL_BYTES_MAX = PAGE_BYTES / 16;

    private byte[] page = new byte[0];
    private int used;

    /** As {@link Entry#of}. */
    Entry add(long index, long term, Entry.Kind kind, long timeNanos, byte[] payload) {
        if (payload.length > SMALL_BYTES_MAX - Entry.HEADER_BYTES) {
            return Entry.of(index, term, kind, timeNanos, payload);
        }
        int size = Entry.HEADER_BYTES + payload.length;
        if (size > page.length - used) {
            page = new byte[PAGE_BYTES];
            used = 0;
        }
        Entry entry = Entry.lay(page, used, index, term, kind, timeNanos, payload);
        used += size;
        return entry;
    }
}
