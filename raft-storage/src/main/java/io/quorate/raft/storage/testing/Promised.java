package io.quorate.raft.storage.testing;

import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.core.TermTable;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/**
 * What a storage has promised, kept in the simplest way: the model that it is held against. A value; a write gives another one.
 *
 * @param founding  null while the directory is blank
 * @param hardState the last
 * @param terms     of the whole log, also where a snapshot covers it; not to be changed
 * @param entries   the last ones, up to where the log ends
 * @param snapshot  the newest, or null
 */
record Promised(@Nullable FoundingRecord founding, HardState hardState, TermTable terms, List<Entry> entries,
                @Nullable SnapshotId snapshot) {

    static final Promised BLANK = new Promised(null, HardState.INITIAL, new TermTable(EntryId.ZERO), List.of(), null);

    Promised founded(FoundingRecord record) {
        return new Promised(record, hardState, terms, entries, snapshot);
    }

    Promised after(Storage.Write write) {
        SnapshotId install = write.install();
        if (install != null) {
            boolean isHeld = install.last().equals(entryAt(install.index()));
            TermTable standing = isHeld ? terms : new TermTable(install.last());
            return new Promised(founding, next(write.hardState(), standing), standing, isHeld ? entries : List.of(), install);
        }
        TermTable longer = new TermTable(terms);
        longer.truncate(write.firstIndex());
        List<Entry> kept = new ArrayList<>(entries.subList(0, (int) (write.firstIndex() - firstIndex())));
        for (Entry entry : write.entries()) {
            longer.append(entry.term(), entry.index());
            kept.add(entry);
        }
        return new Promised(founding, next(write.hardState(), longer), longer, List.copyOf(kept), snapshot);
    }

    /** No commit index is unlearned, not even by a replica that cuts off what is damaged and knows less for a while. */
    private HardState next(HardState written, TermTable log) {
        return new HardState(written.term(), written.votedFor(),
            Math.min(Math.max(hardState.commitIndex(), written.commitIndex()), log.lastIndex()));
    }

    /** With a snapshot of its own state, unless it has a newer one. */
    Promised with(SnapshotId taken) {
        return snapshot != null && snapshot.index() >= taken.index() ? this : new Promised(founding, hardState, terms, entries, taken);
    }

    /** With what a storage knows of the terms before the log's first entry. */
    Promised learning(TermTable known) {
        return known.base().index() < terms.base().index() ? new Promised(founding, hardState, new TermTable(known), entries, snapshot)
            : this;
    }

    @Nullable EntryId entryAt(long index) {
        return terms.covers(index) ? new EntryId(terms.termAt(index), index) : null;
    }

    long firstIndex() {
        return terms.lastIndex() - entries.size() + 1;
    }

    /** The entries from here on that are known. */
    List<Entry> from(long index) {
        return entries.subList((int) Math.min(entries.size(), Math.max(0, index - firstIndex())), entries.size());
    }

    /**
     * What is different in a storage that was just recovered, or null.
     *
     * @param storage   to read entries
     * @param unsettled snapshots that may be there, and may not
     * @param isDamaged whether the disk has damaged the entry of this index: only such a one may be named
     */
    @Nullable String difference(Storage.Recovered found, Storage storage, List<SnapshotId> unsettled, LongPredicate isDamaged) {
        for (EntryId entry : found.damaged()) {
            if (!entry.equals(entryAt(entry.index())) || !isDamaged.test(entry.index())) {
                return "it says that entry " + entry + " is damaged";
            }
        }
        long last = found.damaged().isEmpty() ? terms.lastIndex() : found.damaged().get(0).index() - 1;
        if (!found.hardState().equals(hardState)) {
            return "the hard state is " + found.hardState() + " and not " + hardState;
        }
        TermTable other = found.log().terms();
        if (!other.last().equals(entryAt(last))) {
            return "the log ends with " + other.last() + " and not with " + entryAt(last);
        }
        for (long index = Math.max(other.base().index(), terms.base().index()); index <= last; index++) {
            if (other.termAt(index) != terms.termAt(index)) {
                return "the log is " + other + " and not " + terms;
            }
        }
        SnapshotId newest = found.log().snapshot();
        FoundingRecord record = founding;
        boolean isMine = snapshot != null ? newest.equals(snapshot)
            : record != null && newest.equals(SnapshotId.ofFounding(record.membership()));
        if (!isMine && !unsettled.contains(newest)) {
            return "the snapshot is " + newest + " and not " + snapshot;
        }
        for (Entry entry : from(newest.index() + 1)) {
            if (found.damaged().contains(entry.id())) {
                continue;
            }
            List<Entry> read = storage.read(entry.index(), entry.index(), Integer.MAX_VALUE);
            if (!read.equals(List.of(entry))) {
                return "in place of entry " + entry.id() + " it reads " + read.stream().map(Entry::id).toList();
            }
        }
        return null;
    }

    @Override
    public String toString() {
        return (founding == null ? "blank" : hardState + " " + terms) + (snapshot == null ? "" : " on " + snapshot.last());
    }
}
