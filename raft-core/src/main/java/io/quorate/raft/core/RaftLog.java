package io.quorate.raft.core;

import java.util.List;

/**
 * The log as the algorithm sees it: the term of every entry, and the last entries themselves.
 *
 * <p>The tail in memory is bounded in bytes, by what it takes there and not on the disk: small entries take more for what is kept beside
 * them than for themselves, and whoever collects garbage copies both. Entries leave it from the front, but not before they are committed
 * and durable; older ones are read from storage by whoever needs them, off the raft thread.
 *
 * <p>Terms are kept through snapshots: the log knows what stood where even if storage has dropped the entries. Only a snapshot from
 * another replica makes it forget: then the log begins behind that.
 */
final class RaftLog {

    /** The ring is not made shorter than this. */
    static final int RING_LENGTH_MIN = 64;
    /** A ring is far too large, and made shorter, when this many times what it holds would have place in it. */
    private static final int RING_SLACK_MAX = 8;

    private TermTable terms;
    private Entry[] ring = new Entry[RING_LENGTH_MIN];   // a power of two; the entry at index i stands at i & (length - 1)
    private long[] begins = new long[RING_LENGTH_MIN];   // and here where it begins, if all in memory stood behind one another
    private long end;                       // where the last one ends
    private long tailFirst;                 // the first index in memory; lastIndex + 1 if none is
    private long unwrittenFirst;            // entries from here on have not been given to storage
    private EntryList recent = EntryList.EMPTY;     // the last list made in this flush: disk and peers want the same
    private long newestNanos;               // the newest stamp seen, also on entries that were cut off again; never falls

    RaftLog(LogView view) {
        terms = new TermTable(view.terms());
        tailFirst = terms.lastIndex() + 1;
        unwrittenFirst = tailFirst;
        newestNanos = view.snapshot().timeNanos();
        List<Entry> tail = view.tail();
        if (!tail.isEmpty()) {
            newestNanos = Math.max(newestNanos, tail.get(tail.size() - 1).timeNanos());     // stamps do not fall along the log
            tailFirst = tail.get(0).index();
            makeRoomFor(tail.size());
            for (Entry entry : tail) {
                put(entry);
            }
        }
    }

    /** The first entry that can be named. Storage may have dropped it, and others up to the newest snapshot. */
    long firstIndex() {
        return terms.base().index() + 1;
    }

    long lastIndex() {
        return terms.lastIndex();
    }

    /** The last entry, or what the log stands on. */
    EntryId last() {
        return terms.last();
    }

    /** The newest replicated time that this log has ever held, in nanoseconds. */
    long newestNanos() {
        return newestNanos;
    }

    /** Whether the term at this index is known: it is in the log, or what the log stands on. */
    boolean covers(long index) {
        return terms.covers(index);
    }

    /** The identity of the entry at this index, which the log must cover. */
    EntryId idAt(long index) {
        return new EntryId(terms.termAt(index), index);
    }

    long termAt(long index) {
        return terms.termAt(index);
    }

    /** Whether exactly this entry stands in the log. */
    boolean contains(EntryId id) {
        return terms.covers(id.index()) && terms.termAt(id.index()) == id.term();
    }

    /** The last entry at or before this one whose term is no higher: where another log with this entry can still agree with ours. */
    EntryId lastAgreeing(EntryId other) {
        return terms.lastWithTermAtMost(other.term(), other.index());
    }

    /** Adds the entry behind the last one. */
    void append(Entry entry) {
        terms.append(entry.term(), entry.index());
        makeRoomFor(entry.index() - tailFirst + 1);
        put(entry);
        newestNanos = Math.max(newestNanos, entry.timeNanos());
    }

    /** Forgets the entries from {@code firstIndex} on. */
    void truncate(long firstIndex) {
        end = begin(Math.max(firstIndex, tailFirst));
        for (long index = Math.max(firstIndex, tailFirst); index <= lastIndex(); index++) {
            ring[slot(index)] = null;
        }
        terms.truncate(firstIndex);
        recent = EntryList.EMPTY;
        tailFirst = Math.min(tailFirst, firstIndex);
        unwrittenFirst = Math.min(unwrittenFirst, firstIndex);
    }

    /** The log is what this snapshot covers, and nothing else: whatever stood in it was another history, or less of this one. */
    void install(SnapshotId snapshot) {
        terms = new TermTable(snapshot.last());
        ring = new Entry[RING_LENGTH_MIN];
        begins = new long[RING_LENGTH_MIN];
        recent = EntryList.EMPTY;
        tailFirst = snapshot.index() + 1;
        unwrittenFirst = tailFirst;
        newestNanos = Math.max(newestNanos, snapshot.timeNanos());
    }

    boolean isInMemory(long index) {
        return index >= tailFirst && index <= lastIndex();
    }

    /** The entry at this index, which must be in memory. */
    Entry inMemory(long index) {
        checkInMemory(index);
        return ring[slot(index)];
    }

    private void checkInMemory(long index) {
        if (!isInMemory(index)) {
            throw new IllegalArgumentException("Entry " + index + " is not in memory: " + this);
        }
    }

    /** The first index in memory, or one behind the last entry. */
    long firstInMemory() {
        return tailFirst;
    }

    /**
     * Entries in memory from {@code firstIndex} on, not beyond {@code lastIndex}, and not more than {@code bytesMax} unless the first alone
     * is larger.
     */
    EntryList entries(long firstIndex, long lastIndex, long bytesMax) {
        checkInMemory(firstIndex);
        long last = firstIndex;
        while (last < lastIndex && bytes(firstIndex, last + 1) <= bytesMax) {
            last++;
        }
        int size = (int) (last - firstIndex + 1);
        long from = recent.isEmpty() ? -1 : firstIndex - recent.get(0).index();
        if (from < 0 || from + size > recent.size()) {
            recent = copy(firstIndex, size);
            from = 0;
        }
        return recent.subList((int) from, (int) from + size);
    }

    private EntryList copy(long firstIndex, int size) {
        Entry[] entries = new Entry[size];
        for (int i = 0; i < size; i++) {
            entries[i] = ring[slot(firstIndex + i)];
        }
        return EntryList.over(entries);
    }

    /** How many bytes these entries have that are in memory: from the first to the last of them. */
    long bytes(long firstIndex, long lastIndex) {
        return begin(lastIndex + 1) - begin(firstIndex);
    }

    /** How much of the memory they take. */
    long memoryBytes(long firstIndex, long lastIndex) {
        return bytes(firstIndex, lastIndex) + (lastIndex - firstIndex + 1) * Entry.OBJECT_BYTES;
    }

    boolean hasUnwritten() {
        return unwrittenFirst <= lastIndex();
    }

    /** From where on the log has changed since the last write: one behind the last entry if it has not. */
    long unwrittenFirst() {
        return unwrittenFirst;
    }

    /** Hands over what storage has not been given yet; all of it is in memory. */
    EntryList takeUnwritten() {
        EntryList entries = hasUnwritten() ? entries(unwrittenFirst, lastIndex(), Long.MAX_VALUE) : EntryList.EMPTY;
        unwrittenFirst = lastIndex() + 1;
        return entries;
    }

    /** Lets entries at or before {@code lastIndex} go from memory until what is left takes at most {@code bytesMax} there. */
    void evict(long lastIndex, long bytesMax) {
        recent = EntryList.EMPTY;
        while (memoryBytes(tailFirst, lastIndex()) > bytesMax && tailFirst <= Math.min(lastIndex, lastIndex())) {
            ring[slot(tailFirst)] = null;   // without a look at it: it has long left the processor's caches
            tailFirst++;
        }
        long count = lastIndex() - tailFirst + 1;
        if (ring.length > RING_LENGTH_MIN && count < ring.length / RING_SLACK_MAX) {
            // To a third on average: so that it is worth its copy before there is another, whether the log grows now or goes on to shrink.
            resize(Math.max(RING_LENGTH_MIN, Integer.highestOneBit((int) count) << 2));
        }
    }

    /** For how many entries there is place before another ring is needed. */
    int ringLength() {
        return ring.length;
    }

    @Override
    public String toString() {
        return terms + (tailFirst <= lastIndex() ? " [" + tailFirst + ".. in memory]" : "");
    }

    private void put(Entry entry) {
        int slot = slot(entry.index());
        ring[slot] = entry;
        begins[slot] = end;
        end += entry.size();
    }

    /** Where the entry at this index begins; where the last one ends, if it is one behind that. */
    private long begin(long index) {
        return index > lastIndex() ? end : begins[slot(index)];
    }

    private int slot(long index) {
        return (int) index & (ring.length - 1);
    }

    private void makeRoomFor(long count) {
        if (count > ring.length) {
            resize(Integer.highestOneBit((int) count) << 1);
        }
    }

    /** Another ring with what is in memory; it all fits. */
    private void resize(int length) {
        Entry[] other = new Entry[length];
        long[] otherBegins = new long[length];
        int places = Math.min(ring.length, length);     // behind the last entry there is nothing, and it is not known here where that is
        for (long index = tailFirst; index < tailFirst + places; index++) {
            Entry entry = ring[slot(index)];
            if (entry != null) {
                other[(int) index & (length - 1)] = entry;
                otherBegins[(int) index & (length - 1)] = begins[slot(index)];
            }
        }
        ring = other;
        begins = otherBegins;
    }
}
