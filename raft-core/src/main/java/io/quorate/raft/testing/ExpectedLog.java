package io.quorate.raft.testing;

import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.TermTable;
import java.util.ArrayList;
import java.util.List;

/** What a storage must hold, in the simplest form. A value: a write gives a new one. */
record ExpectedLog(HardState hardState, List<Entry> entries) {

    static final ExpectedLog EMPTY = new ExpectedLog(HardState.INITIAL, List.of());

    ExpectedLog {
        entries = List.copyOf(entries);
    }

    ExpectedLog after(List<Storage.Write> batch) {
        ExpectedLog log = this;
        for (Storage.Write write : batch) {
            log = log.after(write);
        }
        return log;
    }

    ExpectedLog after(Storage.Write write) {
        List<Entry> changed = new ArrayList<>(entries.subList(0, (int) write.firstIndex() - 1));
        changed.addAll(write.entries());
        return new ExpectedLog(write.hardState(), changed);
    }

    long lastIndex() {
        return entries.size();
    }

    long nextIndex() {
        return entries.size() + 1L;
    }

    /** The term at an index; 0 before the first. */
    long termAt(long index) {
        return index == 0 ? 0 : entries.get((int) index - 1).term();
    }

    TermTable terms() {
        TermTable terms = new TermTable(EntryId.ZERO);
        entries.forEach(entry -> terms.append(entry.term(), entry.index()));
        return terms;
    }

    /** What is wrong with this answer to a read, or an empty string. */
    String objectionTo(List<Entry> read, long firstIndex, long lastIndex, int bytesMax) {
        long last = Math.min(lastIndex, lastIndex());
        String asked = "read(" + firstIndex + ", " + lastIndex + ", " + bytesMax + ") of a log that ends at " + lastIndex() + " gave ";
        if (read.isEmpty()) {
            return firstIndex > last ? "" : asked + "nothing";
        }
        long bytes = 0;
        for (int i = 0; i < read.size(); i++) {
            Entry entry = read.get(i);
            long index = firstIndex + i;
            if (index > last) {
                return asked + entry + " behind the last";
            }
            if (!entry.equals(entries.get((int) index - 1))) {
                return asked + entry + " at " + index + ", where " + entries.get((int) index - 1) + " was written";
            }
            if (!entry.isIntact()) {
                return asked + entry + " with a wrong checksum";
            }
            bytes += entry.size();
        }
        return read.size() > 1 && bytes > bytesMax ? asked + read.size() + " entries of " + bytes + " bytes" : "";
    }

    /** What is wrong with these entries as the whole log, or an empty string. */
    String objectionTo(List<Entry> found) {
        int both = Math.min(entries.size(), found.size());
        for (int i = 0; i < both; i++) {
            if (!entries.get(i).equals(found.get(i))) {
                return found.get(i) + " was found at " + (i + 1) + ", where " + entries.get(i) + " was written";
            }
        }
        return entries.size() == found.size() ? "" : "the log was found to end at " + found.size() + ", not at " + entries.size();
    }
}
