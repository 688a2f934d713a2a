package io.quorate.raft.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.testing.RecordedEffects;
import io.quorate.raft.testing.RecordedEffects.Effect;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One replica's disk in a {@link Cluster}: what it holds outlives crashes, and writes complete on it in their order. */
final class TestDisk {

    /** A snapshot: what it is, the terms of all it covers, and the state of the machine, which is all it has ever applied. */
    record Stored(SnapshotId id, TermTable terms, List<Entry> state) { }

    private final Membership founding;
    private HardState hardState = HardState.INITIAL;
    private TermTable terms = new TermTable(EntryId.ZERO);
    private final List<Entry> entries = new ArrayList<>();   // those that are kept: consecutive, to the end of the log
    private @Nullable Stored snapshot;
    private @Nullable Stored received;

    TestDisk(Membership founding) {
        this.founding = founding;
    }

    /** Everything is gone, and this is there instead. */
    void replaceBy(HardState newHardState, List<Entry> log) {
        hardState = newHardState;
        terms = new TermTable(EntryId.ZERO);
        entries.clear();
        snapshot = null;
        received = null;
        log.forEach(this::append);
    }

    HardState hardState() {
        return hardState;
    }

    long lastIndex() {
        return terms.lastIndex();
    }

    EntryId last() {
        return terms.last();
    }

    List<Entry> entries() {
        return List.copyOf(entries);
    }

    @Nullable Stored snapshot() {
        return snapshot;
    }

    @Nullable Stored received() {
        return received;
    }

    /** What of these is kept, if the first of them is: else nothing. */
    List<Entry> read(long firstIndex, long lastIndex, long bytesMax) {
        List<Entry> read = new ArrayList<>();
        long bytes = 0;
        for (Entry entry : entries) {
            if (entry.index() < firstIndex || entry.index() > lastIndex) {
                continue;
            }
            bytes += entry.size();
            if (read.isEmpty() ? entry.index() > firstIndex : bytes > bytesMax) {
                break;
            }
            read.add(entry);
        }
        return read;
    }

    /** What a node begins with. */
    LogView view() {
        SnapshotId id = snapshot == null ? SnapshotId.ofFounding(founding) : snapshot.id;
        return new LogView(id, new TermTable(terms), entries,
            entries.stream().filter(entry -> entry.kind() == Entry.Kind.MEMBERSHIP && entry.index() > id.index()).toList());
    }

    /** The state to begin with: that of the snapshot. */
    List<Entry> state() {
        return snapshot == null ? List.of() : snapshot.state;
    }

    void complete(Effect effect) {
        if (effect instanceof RecordedEffects.Write write) {
            hardState = write.hardState();
            if (write.firstIndex() <= lastIndex()) {
                assertTrue(write.firstIndex() > state().size(), () -> "cuts into the snapshot: " + write);
                terms.truncate(write.firstIndex());
                entries.removeIf(entry -> entry.index() >= write.firstIndex());
            }
            write.entries().forEach(this::append);
        } else if (effect instanceof RecordedEffects.Install install) {
            Stored arrived = received;
            assertNotNull(arrived, "nothing was received");
            assertEquals(arrived.id, install.snapshot());
            hardState = install.hardState();
            EntryId last = arrived.id.last();
            if (!terms.covers(last.index()) || terms.termAt(last.index()) != last.term()) {
                terms = new TermTable(arrived.terms);
                entries.clear();
            }
            snapshot = arrived;
            received = null;
        } else {
            throw new AssertionError("Not for a disk: " + effect);
        }
    }

    /** Takes a snapshot of this state. */
    SnapshotId take(List<Entry> state) {
        Membership membership = founding;
        for (Entry entry : state) {
            membership = entry.kind() == Entry.Kind.MEMBERSHIP ? Membership.of(entry) : membership;
        }
        Entry last = state.get(state.size() - 1);
        TermTable covered = new TermTable(terms);
        if (last.index() < covered.lastIndex()) {
            covered.truncate(last.index() + 1);
        }
        SnapshotId id = new SnapshotId(last.id(), membership, last.timeNanos());
        snapshot = new Stored(id, covered, List.copyOf(state));
        return id;
    }

    /** Another's snapshot is here, whole. */
    void receive(Stored other) {
        received = other;
    }

    /** Forgets the entries up to here, which the snapshot must cover. */
    void drop(long index) {
        assertTrue(index <= state().size(), "not covered");
        entries.removeIf(entry -> entry.index() <= index);
    }

    /** Forgets the terms of what the snapshot covers, too. */
    void dropTerms() {
        drop(state().size());
        TermTable kept = new TermTable(view().snapshot().last());
        for (long index = kept.lastIndex() + 1; index <= terms.lastIndex(); index++) {
            kept.append(terms.termAt(index), index);
        }
        terms = kept;
    }

    private void append(Entry entry) {
        terms.append(entry.term(), entry.index());
        entries.add(entry);
    }
}
