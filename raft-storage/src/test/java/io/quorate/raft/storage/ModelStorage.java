package io.quorate.raft.storage;

import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.LogView;
import io.quorate.raft.core.SnapshotId;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a storage should hold, kept in the simplest way: a snapshot, and all entries since the log last began. Values: each step gives a new
 * one. It is the judge of every crash and of every damaged byte.
 */
record ModelStorage(@Nullable SnapshotId snapshot, TreeMap<Long, Entry> entries, HardState hardState) {

    static final ModelStorage EMPTY = new ModelStorage(null, new TreeMap<>(), HardState.INITIAL);

    ModelStorage after(Storage.Write write) {
        TreeMap<Long, Entry> changed = new TreeMap<>(entries);
        SnapshotId install = write.install();
        if (install == null) {
            changed.tailMap(write.firstIndex(), true).clear();
            write.entries().forEach(entry -> changed.put(entry.index(), entry));
        } else if (!changed.containsKey(install.index()) || !changed.get(install.index()).id().equals(install.last())) {
            changed.clear();
        }
        return new ModelStorage(install == null ? snapshot : install, changed, hardStateAfter(write));
    }

    /** The hard state alone, as if nothing of what else the write brings had come to be. */
    ModelStorage afterHardStateOf(Storage.Write write) {
        return new ModelStorage(snapshot, entries, hardStateAfter(write));
    }

    private HardState hardStateAfter(Storage.Write write) {
        HardState next = write.hardState();
        return new HardState(next.term(), next.votedFor(), Math.max(next.commitIndex(), hardState.commitIndex()));
    }

    ModelStorage on(SnapshotId taken) {
        return new ModelStorage(taken, entries, hardState);
    }

    /** Where the snapshot ends; 0 if there is none. */
    long covered() {
        return snapshot == null ? 0 : snapshot.index();
    }

    EntryId last() {
        return entries.isEmpty() ? snapshot == null ? EntryId.ZERO : snapshot.last() : entries.lastEntry().getValue().id();
    }

    /** As a restarted node may use it: the commit index never points behind the log. */
    HardState recoveredHardState() {
        return new HardState(hardState.term(), hardState.votedFor(), Math.min(hardState.commitIndex(), last().index()));
    }

    /** The state that every snapshot of a test has at this entry. */
    static byte[] state(SnapshotId id) {
        byte[] state = new byte[2500];
        new Random(id.index()).nextBytes(state);
        return state;
    }

    /** What is wrong with what was found, whole, or an empty string. */
    String objectionTo(Storage.Recovered recovered, FileStorage storage) throws IOException {
        LogView log = recovered.log();
        if (!recovered.damaged().isEmpty()) {
            return "damaged are " + recovered.damaged();
        }
        if (!log.snapshot().last().equals(snapshot == null ? EntryId.ZERO : snapshot.last())
            || snapshot != null && !log.snapshot().equals(snapshot)) {
            return "it stands on " + log.snapshot() + ", not " + snapshot;
        }
        if (!log.terms().last().equals(last())) {
            return "it ends with " + log.terms().last() + ", not " + last();
        }
        if (!recovered.hardState().equals(recoveredHardState())) {
            return "it says " + recovered.hardState() + ", not " + recoveredHardState();
        }
        String objection = objectionToEntries(log, storage);
        return objection.isEmpty() ? objectionToState(storage) : objection;
    }

    private String objectionToEntries(LogView log, FileStorage storage) {
        long first = storage.firstIndex();
        long last = log.terms().lastIndex();
        if (first > covered() + 1 || first < (entries.isEmpty() ? covered() + 1 : entries.firstKey())) {
            return "it begins at " + first + " behind " + snapshot;
        }
        List<Entry> expected = new ArrayList<>(entries.tailMap(first, true).values());
        List<Entry> found = first > last ? List.of() : storage.read(first, last, Integer.MAX_VALUE);
        if (!found.equals(expected)) {
            return "from " + first + " on there is " + found + ", not " + expected;
        }
        for (Entry entry : expected) {
            if (log.terms().termAt(entry.index()) != entry.term()) {
                return "the terms are " + log.terms() + ", but at " + entry.index() + " there is " + entry.term();
            }
        }
        int tail = log.tail().size();
        if (tail > expected.size() || !log.tail().equals(expected.subList(expected.size() - tail, expected.size()))) {
            return "its tail is " + log.tail() + " of " + expected;
        }
        List<Entry> memberships = entries.tailMap(covered(), false).values().stream()
            .filter(entry -> entry.kind() == Entry.Kind.MEMBERSHIP).toList();
        return log.memberships().equals(memberships) ? "" : "its memberships are " + log.memberships() + ", not " + memberships;
    }

    private String objectionToState(FileStorage storage) throws IOException {
        try (Storage.StoredSnapshot stored = storage.snapshot()) {
            if (stored == null || snapshot == null) {
                return stored == null && snapshot == null ? "" : "there is the snapshot " + (stored == null ? null : stored.id());
            }
            return stored.id().equals(snapshot) && Arrays.equals(state(snapshot), stored.state().readAllBytes()) ? ""
                : "there is another state under " + stored.id();
        }
    }
}
