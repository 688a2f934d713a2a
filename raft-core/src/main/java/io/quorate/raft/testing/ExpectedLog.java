package io.quorate.raft.testing;

import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.core.TermTable;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a storage must hold, in the simplest form. A value: a write gives a new one.
 *
 * @param base     what the entries stand on
 * @param snapshot the newest; null before the first
 */
record ExpectedLog(HardState hardState, EntryId base, List<Entry> entries, @Nullable SnapshotId snapshot) {

    static final ExpectedLog EMPTY = new ExpectedLog(HardState.INITIAL, List.of());

    ExpectedLog {
        entries = List.copyOf(entries);
    }

    /** A log that was never compacted. */
    ExpectedLog(HardState hardState, List<Entry> entries) {
        this(hardState, EntryId.ZERO, entries, null);
    }

    ExpectedLog after(List<Storage.Write> batch) {
        ExpectedLog log = this;
        for (Storage.Write write : batch) {
            log = log.after(write);
        }
        return log;
    }

    ExpectedLog after(Storage.Write write) {
        SnapshotId install = write.install();
        if (install != null) {
            return holds(install.last()) ? new ExpectedLog(write.hardState(), base, entries, install)
                : new ExpectedLog(write.hardState(), install.last(), List.of(), install);
        }
        List<Entry> changed = new ArrayList<>(entries.subList(0, (int) (write.firstIndex() - base.index() - 1)));
        changed.addAll(write.entries());
        return new ExpectedLog(write.hardState(), base, changed, snapshot);
    }

    /** After a snapshot was taken. */
    ExpectedLog after(SnapshotId taken) {
        return new ExpectedLog(hardState, base, entries, taken);
    }

    boolean holds(EntryId id) {
        return id.index() >= base.index() && id.index() <= lastIndex() && termAt(id.index()) == id.term();
    }

    long lastIndex() {
        return base.index() + entries.size();
    }

    long nextIndex() {
        return lastIndex() + 1;
    }

    /** Where the newest snapshot ends; 0 without one. */
    long covered() {
        return snapshot == null ? 0 : snapshot.index();
    }

    /** The term at an index, which is the base's or an entry's. */
    long termAt(long index) {
        return index == base.index() ? base.term() : entry(index).term();
    }

    private Entry entry(long index) {
        return entries.get((int) (index - base.index() - 1));
    }

    /** What is wrong with these terms, or an empty string: they may reach further back than this knows. */
    String objectionTo(TermTable terms) {
        String found = "the terms were found to be " + terms;
        if (terms.lastIndex() != lastIndex() || terms.base().index() > covered()) {
            return found + ", of a log that ends at " + lastIndex() + " behind a snapshot up to " + covered();
        }
        for (long index = Math.max(base.index(), terms.base().index()); index <= lastIndex(); index++) {
            if (terms.termAt(index) != termAt(index)) {
                return found + ", though at " + index + " it is " + termAt(index);
            }
        }
        return "";
    }

    /** What is wrong with this answer to a read, or an empty string. */
    String objectionTo(List<Entry> read, long firstIndex, long lastIndex, int bytesMax) {
        return objectionTo(read, firstIndex, lastIndex, bytesMax, base.index() + 1);
    }

    /** The same, of a storage that holds entries from {@code firstThere} on. */
    String objectionTo(List<Entry> read, long firstIndex, long lastIndex, int bytesMax, long firstThere) {
        long last = Math.min(lastIndex, lastIndex());
        long begin = Math.max(firstThere, base.index() + 1);
        String asked = "read(" + firstIndex + ", " + lastIndex + ", " + bytesMax + ") of a log that ends at " + lastIndex() + " gave ";
        if (read.isEmpty()) {
            return firstIndex > last || firstIndex < begin ? "" : asked + "nothing";
        }
        if (firstIndex < begin) {
            return asked + read.get(0) + ", though it begins at " + begin;
        }
        long bytes = 0;
        for (int i = 0; i < read.size(); i++) {
            Entry entry = read.get(i);
            long index = firstIndex + i;
            if (index > last) {
                return asked + entry + " behind the last";
            }
            if (!entry.equals(entry(index))) {
                return asked + entry + " at " + index + ", where " + entry(index) + " was written";
            }
            if (!entry.isIntact()) {
                return asked + entry + " with a wrong checksum";
            }
            bytes += entry.size();
        }
        return read.size() > 1 && bytes > bytesMax ? asked + read.size() + " entries of " + bytes + " bytes" : "";
    }

    /** What is wrong with these entries as all that is left of the log, from {@code firstThere} on, or an empty string. */
    String objectionTo(List<Entry> found, long firstThere) {
        if (firstThere <= base.index() || firstThere > covered() + 1) {
            return "the log was found to begin at " + firstThere + ", on a snapshot up to " + covered() + " and behind " + base;
        }
        long lastFound = firstThere + found.size() - 1;
        for (long index = firstThere; index <= Math.min(lastFound, lastIndex()); index++) {
            Entry entry = found.get((int) (index - firstThere));
            if (!entry.equals(entry(index))) {
                return entry + " was found at " + index + ", where " + entry(index) + " was written";
            }
        }
        return lastFound == lastIndex() ? "" : "the log was found to end at " + lastFound + ", not at " + lastIndex();
    }
}
