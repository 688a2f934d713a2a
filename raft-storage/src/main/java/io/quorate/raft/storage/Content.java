package io.quorate.raft.storage;

import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.InvariantViolation;
import io.quorate.raft.core.TermTable;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What goes into one frame: a batch of writes, merged. Of replaced entries only the last replacement is left, and of the hard states the
 * last.
 *
 * @param base if not null, the whole log goes, and begins anew behind this entry; there are no entries then
 */
record Content(long writeId, HardState hardState, long firstIndex, List<Entry> entries, @Nullable EntryId base) {

    /** The most bytes of entries in one frame: with their index they fit a segment whose offsets are ints. */
    static final int LENGTH_MAX = 256 << 20;

    /** What goes into a frame of entries. */
    Content(long writeId, HardState hardState, long firstIndex, List<Entry> entries) {
        this(writeId, hardState, firstIndex, entries, null);
    }

    /** The log goes, and begins anew behind this entry. */
    static Content reset(long writeId, HardState hardState, EntryId base) {
        return new Content(writeId, hardState, base.index() + 1, List.of(), base);
    }

    /** Merges at least one write, of which the first follows a log that ends before {@code nextIndex}. */
    static Content merge(List<Storage.Write> batch, long nextIndex) {
        if (batch.isEmpty()) {
            throw new IllegalArgumentException("A batch has at least one write");
        }
        long firstIndex = nextIndex;
        List<Entry> entries = new ArrayList<>(countOf(batch));
        for (Storage.Write write : batch) {
            long end = firstIndex + entries.size();
            if (write.firstIndex() < 1 || write.firstIndex() > end) {
                throw new InvariantViolation("write " + write.id() + " begins at " + write.firstIndex() + ", but the log would end before "
                    + end);
            }
            if (write.firstIndex() <= firstIndex) {
                firstIndex = write.firstIndex();
                entries.clear();
            } else {
                entries.subList((int) (write.firstIndex() - firstIndex), entries.size()).clear();
            }
            addAll(write.entries(), entries);
        }
        Storage.Write last = batch.get(batch.size() - 1);
        return new Content(last.id(), last.hardState(), firstIndex, entries);
    }

    private static int countOf(List<Storage.Write> batch) {
        int count = 0;
        for (int i = 0; i < batch.size(); i++) {
            count += batch.get(i).entries().size();
        }
        return count;
    }

    /** As the list does it by itself, but without an array in between. */
    private static void addAll(List<Entry> more, List<Entry> entries) {
        for (int i = 0; i < more.size(); i++) {
            entries.add(more.get(i));
        }
    }

    /** What an empty frame says: all as before. */
    static Content nothingAfter(LogState state) {
        return new Content(state.lastWriteId(), state.hardState(), state.nextIndex(), List.of());
    }

    /**
     * Looks at everything before the first byte is written.
     *
     * @param before  the hard state it follows
     * @param terms   of the log it follows
     * @param covered where the newest snapshot ends: nothing up to there is ever replaced
     * @throws InvariantViolation if it cannot follow this state
     * @throws StorageException   if an entry was damaged on its way here
     */
    void check(HardState before, TermTable terms, long covered) {
        String objection = LogState.objection(before, hardState);
        if (!objection.isEmpty()) {
            throw new InvariantViolation("write " + writeId + ": " + objection);
        }
        if (firstIndex <= covered) {
            throw new InvariantViolation("write " + writeId + " replaces entries from " + firstIndex + " on, though a snapshot covers"
                + " them up to " + covered);
        }
        long term = terms.termAt(firstIndex - 1);
        long length = 0;
        for (Entry entry : entries) {
            length += entry.size();
        }
        if (length > LENGTH_MAX) {
            throw new IllegalArgumentException("write " + writeId + " brings " + length + " bytes of entries at once; at most "
                + LENGTH_MAX);
        }
        for (int i = 0; i < entries.size(); i++) {
            Entry entry = entries.get(i);
            if (entry.index() != firstIndex + i || entry.term() < term || entry.term() > hardState.term()) {
                throw new InvariantViolation("write " + writeId + ": " + entry.id() + " cannot stand at " + (firstIndex + i)
                    + " behind an entry of term " + term + " in term " + hardState.term());
            }
            if (!entry.isIntact()) {
                throw new StorageException("Entry " + entry.id() + " was damaged in memory before it was written; nothing was written."
                    + " Restart this replica; if it happens again, suspect the machine's memory.");
            }
            term = entry.term();
        }
    }

    /** Of all entries, in bytes. */
    int length() {
        int length = 0;
        for (Entry entry : entries) {
            length += entry.size();
        }
        return length;
    }
}
