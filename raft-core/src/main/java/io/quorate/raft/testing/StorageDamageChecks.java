package io.quorate.raft.testing;

import io.quorate.raft.EntryDamagedException;
import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import java.util.ArrayList;
import java.util.List;

/** What {@link StorageContract} says of entries that are damaged long after they were written. */
final class StorageDamageChecks {

    static final String NAMED = "A damaged entry is named by recovery, which hands over what is whole before it";
    static final String READ = "A damaged entry ends a read before it, and is named if it is the first; all others can be read";
    static final String REPAIRED = "A damaged entry that was put back is there again, now and at the next opening";
    static final String OTHERS = "Only the very entry that is damaged is put back, and nothing else is changed";
    static final String RUNNING = "An entry that is damaged while the storage is open can be put back while it is, between writes";
    static final String REPLACED = "A write that replaces a damaged entry ends the damage";
    static final String COVERED = "Damage that the newest snapshot covers is forgotten, and the log begins behind it";
    static final String SCRUBBED = "Scrubbing looks at everything in the end, and names nothing that is whole";

    private static final HardState STATE = new HardState(3, null, 9);
    private static final int PIECES_MAX = 1_000_000;

    private final StorageContract.Device device;

    StorageDamageChecks(StorageContract.Device device) {
        this.device = device;
    }

    List<ContractCheck> all() {
        return List.of(check(NAMED, this::named), check(READ, this::read), check(REPAIRED, this::repaired), check(OTHERS, this::others),
            check(RUNNING, this::running), check(REPLACED, this::replaced), check(COVERED, this::covered),
            new ContractCheck(SCRUBBED, this::scrubbed));
    }

    private interface Body {
        void run(StorageTrial trial, ExpectedLog log) throws Exception;
    }

    /** Of a log of twelve entries, of which 4 and 8 are damaged, unless the author cannot damage them. */
    private ContractCheck check(String sentence, Body body) {
        return new ContractCheck(sentence, () -> {
            try (StorageTrial trial = StorageTrial.founded(sentence, device)) {
                ExpectedLog log = twelveEntries(trial);
                if (!trial.damage(4) || !trial.damage(8)) {
                    return false;
                }
                body.run(trial, log);
                return true;
            }
        });
    }

    /** In several batches, of three terms. */
    private static ExpectedLog twelveEntries(StorageTrial trial) {
        ExpectedLog log = ExpectedLog.EMPTY;
        for (int first = 1; first <= 12; first += 3) {
            List<Entry> entries = new ArrayList<>();
            for (int index = first; index < first + 3; index++) {
                entries.add(StorageTrial.entry(index, (index + 5) / 6, 20 * index));
            }
            Storage.Write write = trial.write(STATE, first, entries);
            trial.storage().write(List.of(write));
            log = log.after(write);
        }
        return log;
    }

    private static EntryId id(ExpectedLog log, long index) {
        return new EntryId(log.termAt(index), index);
    }

    private static Entry entry(ExpectedLog log, long index) {
        return log.entries().get((int) index - 1);
    }

    /** Opens it again; recovery must name these. */
    private static Storage.Recovered expectDamaged(StorageTrial trial, ExpectedLog log, long... indexes) throws Exception {
        trial.reopen();
        return expectStillDamaged(trial, log, indexes);
    }

    private static Storage.Recovered expectStillDamaged(StorageTrial trial, ExpectedLog log, long... indexes) {
        List<EntryId> expected = new ArrayList<>();
        for (long index : indexes) {
            expected.add(id(log, index));
        }
        Storage.Recovered recovered = trial.storage().recover();
        trial.check(recovered.damaged().equals(expected), "damaged are " + expected + ", named was " + recovered.damaged());
        return recovered;
    }

    private void named(StorageTrial trial, ExpectedLog log) throws Exception {
        for (int i = 0; i < 2; i++) {
            Storage.Recovered recovered = expectDamaged(trial, log, 4, 8);
            trial.check(recovered.hardState().equals(log.hardState()), "the hard state is " + recovered.hardState());
            ExpectedLog prefix = new ExpectedLog(recovered.hardState(), log.entries().subList(0, 3));
            trial.check(prefix.objectionTo(recovered.log().terms()));
            List<Entry> tail = recovered.log().tail();
            trial.check(!tail.isEmpty() && tail.equals(prefix.entries().subList(3 - tail.size(), 3)), "the tail before 4 is " + tail);
        }
    }

    private void read(StorageTrial trial, ExpectedLog log) throws Exception {
        expectReads(trial, log);
        expectDamaged(trial, log, 4, 8);
        expectReads(trial, log);
    }

    private static void expectReads(StorageTrial trial, ExpectedLog log) {
        for (int first = 1; first <= 12; first++) {
            long from = first;
            if (first == 4 || first == 8) {
                try {
                    trial.storage().read(from, 12, Integer.MAX_VALUE);
                    throw trial.broken("a read from " + from + " on gave something");
                } catch (EntryDamagedException e) {
                    trial.check(e.entry().equals(id(log, from)), "a read from " + from + " on named " + e.entry());
                }
                continue;
            }
            int last = first < 4 ? 3 : first < 8 ? 7 : 12;
            List<Entry> found = trial.storage().read(from, 12, Integer.MAX_VALUE);
            trial.check(found.equals(log.entries().subList(first - 1, last)), "a read from " + from + " on gave " + found);
        }
    }

    private void repaired(StorageTrial trial, ExpectedLog log) throws Exception {
        List<Entry> entries = List.of(entry(log, 4), entry(log, 8));
        List<EntryId> ids = expectDamaged(trial, log, 4, 8).damaged();
        List<EntryId> back = trial.storage().repair(entries);
        trial.check(back.equals(ids), "put back was " + entries + ", the answer was " + back);
        trial.expect(log);
        trial.reopen();
        trial.expect(log);
    }

    private void others(StorageTrial trial, ExpectedLog log) throws Exception {
        expectDamaged(trial, log, 4, 8);
        Entry whole = Entry.of(5, log.termAt(5), Entry.Kind.COMMAND, 0, new byte[9]);
        Entry other = StorageTrial.entry(4, 7, 80);
        List<EntryId> back = trial.storage().repair(List.of(other, whole, StorageTrial.entry(99, 3, 10)));
        trial.check(back.isEmpty(), "none of these is damaged, the answer was " + back);
        expectStillDamaged(trial, log, 4, 8);
        back = trial.storage().repair(List.of(entry(log, 7), entry(log, 8)));
        trial.check(back.equals(List.of(id(log, 8))), "entries 7 and 8 were given, the answer was " + back);
        expectStillDamaged(trial, log, 4);
        expectDamaged(trial, log, 4);
        trial.storage().repair(List.of(entry(log, 4)));
        trial.expect(log);
    }

    private void running(StorageTrial trial, ExpectedLog log) throws Exception {
        ExpectedLog now = log;
        for (long index : new long[] {8, 4}) {
            Storage.Write write = trial.write(STATE, now.nextIndex(), List.of(StorageTrial.entry(now.nextIndex(), 3, 50)));
            trial.storage().write(List.of(write));
            now = now.after(write);
            try {
                trial.storage().read(index, index, 100);
                throw trial.broken("entry " + index + " can be read");
            } catch (EntryDamagedException e) {
                List<EntryId> back = trial.storage().repair(List.of(entry(now, index)));
                trial.check(back.equals(List.of(e.entry())), "entry " + index + " was put back, the answer was " + back);
            }
        }
        trial.check(now.objectionTo(trial.storage().read(1, 99, Integer.MAX_VALUE), 1, 99, Integer.MAX_VALUE));
        trial.reopen();
        trial.expect(now);
    }

    private void replaced(StorageTrial trial, ExpectedLog log) throws Exception {
        expectDamaged(trial, log, 4, 8);
        Storage.Write cut = trial.write(STATE, 7, List.of());
        trial.storage().write(List.of(cut));
        expectStillDamaged(trial, log, 4);
        Storage.Write replacement = trial.write(STATE, 4, List.of(StorageTrial.entry(4, 3, 20), StorageTrial.entry(5, 3, 30)));
        trial.storage().write(List.of(replacement));
        ExpectedLog now = log.after(cut).after(replacement);
        HardState found = new HardState(3, null, 5);        // no further than the log
        ExpectedLog restarted = new ExpectedLog(found, now.entries());
        Storage.Recovered recovered = expectStillDamaged(trial, log);
        trial.check(restarted.objectionTo(recovered.log().terms()));
        trial.check(restarted.objectionTo(trial.storage().read(1, 99, Integer.MAX_VALUE), 1, 99, Integer.MAX_VALUE));
        recovered = expectDamaged(trial, log);
        trial.check(restarted.objectionTo(recovered.log().terms()));
    }

    private void covered(StorageTrial trial, ExpectedLog log) throws Exception {
        trial.take(StorageTrial.snapshotAt(6, log.termAt(6)));
        for (int i = 0; i < 2; i++) {
            trial.check(trial.storage().read(4, 12, Integer.MAX_VALUE).isEmpty(), "the log has something at 4");
            trial.check(trial.storage().firstIndex() > 4 && trial.storage().firstIndex() <= 7, "the log begins at "
                + trial.storage().firstIndex());
            expectDamaged(trial, log, 8);
        }
        List<EntryId> back = trial.storage().repair(List.of(entry(log, 4), entry(log, 8)));
        trial.check(back.equals(List.of(id(log, 8))), "the answer to entries 4 and 8 was " + back);
        trial.expect(log.after(StorageTrial.snapshotAt(6, log.termAt(6))));
    }

    private boolean scrubbed() throws Exception {
        try (StorageTrial trial = StorageTrial.founded(SCRUBBED, device)) {
            ExpectedLog log = twelveEntries(trial);
            for (int i = 0; i < 2; i++) {
                List<EntryId> found = scrub(trial);
                trial.check(found.isEmpty(), "all is whole, and it named " + found);
            }
            trial.check(log.objectionTo(trial.storage().read(1, 99, Integer.MAX_VALUE), 1, 99, Integer.MAX_VALUE));
            if (trial.damage(4)) {
                List<EntryId> found = scrub(trial);
                trial.check(List.of(id(log, 4)).containsAll(found), "only " + id(log, 4) + " is damaged, and it named " + found);
                if (!found.isEmpty()) {
                    trial.storage().repair(List.of(entry(log, 4)));
                }
                expectDamaged(trial, log, found.isEmpty() ? new long[] {4} : new long[0]);
            }
            return true;
        }
    }

    /** A whole round, in pieces. */
    private static List<EntryId> scrub(StorageTrial trial) {
        List<EntryId> found = new ArrayList<>();
        for (int pieces = 1; ; pieces++) {
            Storage.Scrubbed scrubbed = trial.storage().scrub(100);
            trial.check(!scrubbed.isSnapshotDamaged() && scrubbed.problem() == null, "nothing like " + scrubbed + " has happened");
            found.addAll(scrubbed.damaged());
            if (scrubbed.isRoundDone()) {
                return found;
            }
            trial.check(pieces < PIECES_MAX, "after " + pieces + " pieces no round is done");
        }
    }
}
