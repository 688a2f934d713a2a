package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.LogView;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.storage.testing.SimulatedFiles;
import io.quorate.raft.storage.testing.SimulatedFiles.Loss;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A life with snapshots: taken, received, installed over a log that is kept and over one that goes, and the log dropped behind them. It is
 * ended at each of its operations on the disk. What is found then is the log as it was before the step or as it was to be after it, on
 * the snapshot that belongs to it, and never a mixture.
 */
class SnapshotCrashTest {

    private static final FileStorage.Options OPTIONS = Logs.TINY.withPartBytes(1 << 10).withLogTailBytes(300);
    private static final SnapshotId TAKEN = Snapshot.at(12, 2);
    private static final SnapshotId SAME_HISTORY = Snapshot.at(25, 2);
    private static final SnapshotId OTHER_HISTORY = Snapshot.at(28, 5);
    private static final SnapshotId LAST = Snapshot.at(33, 5);
    private static final Map<SnapshotId, byte[]> TRANSFERS = new HashMap<>();

    /** What should be there: a snapshot, and the entries that may be read. */
    private record Model(@Nullable SnapshotId snapshot, TreeMap<Long, Entry> entries, HardState hardState) {

        static final Model EMPTY = new Model(null, new TreeMap<>(), HardState.INITIAL);

        Model after(Storage.Write write) {
            TreeMap<Long, Entry> changed = new TreeMap<>(entries);
            SnapshotId install = write.install();
            if (install == null) {
                changed.tailMap(write.firstIndex(), true).clear();
                write.entries().forEach(entry -> changed.put(entry.index(), entry));
            } else if (!changed.containsKey(install.index()) || !changed.get(install.index()).id().equals(install.last())) {
                changed.clear();
            }
            return new Model(install == null ? snapshot : install, changed, write.hardState());
        }

        Model on(SnapshotId taken) {
            return new Model(taken, entries, hardState);
        }

        long covered() {
            return snapshot == null ? 0 : snapshot.index();
        }

        EntryId last() {
            return entries.isEmpty() ? snapshot == null ? EntryId.ZERO : snapshot.last() : entries.lastEntry().getValue().id();
        }

        /** What is wrong with what was found, or an empty string. */
        String objectionTo(Storage.Recovered recovered, FileStorage storage) {
            LogView log = recovered.log();
            if (!log.snapshot().last().equals(snapshot == null ? EntryId.ZERO : snapshot.last())
                || snapshot != null && !log.snapshot().equals(snapshot)) {
                return "it stands on " + log.snapshot() + ", not " + snapshot;
            }
            if (!log.terms().last().equals(last())) {
                return "it ends with " + log.terms().last() + ", not " + last();
            }
            long first = storage.firstIndex();
            if (first > covered() + 1 || first < (entries.isEmpty() ? covered() + 1 : entries.firstKey())) {
                return "it begins at " + first + " behind " + snapshot;
            }
            for (long index = first; index <= log.terms().lastIndex(); index++) {
                if (!storage.read(index, index, 1).equals(List.of(entries.get(index)))) {
                    return "at " + index + " there is not " + entries.get(index);
                }
            }
            HardState found = recovered.hardState();
            return found.term() == hardState.term() ? "" : "the term is " + found.term() + ", not " + hardState.term();
        }
    }

    /** One life, as far as it comes. */
    private static final class Life {

        private final SimulatedFiles files;
        private final boolean triesAgain;
        private final List<Model> possible = new ArrayList<>(List.of(Model.EMPTY));   // as last reported, and what may be after that
        private long writeId;

        Life(SimulatedFiles files, boolean triesAgain) {
            this.files = files;
            this.triesAgain = triesAgain;
        }

        void run() throws IOException {
            FileStorage storage = Logs.start(files, OPTIONS);
            try {
                live(storage);
            } finally {
                close(storage);
            }
        }

        private void live(FileStorage storage) throws IOException {
            storage.recover();
            for (int i = 0; i < 5; i++) {
                write(storage, append(1 + 4 * i, 4 + 4 * i, 2));
            }
            take(storage, TAKEN);
            Snapshot.compact(storage, Long.MAX_VALUE);
            write(storage, append(21, 23, 2), append(24, 27, 2));
            receive(storage, SAME_HISTORY);
            write(storage, install(SAME_HISTORY));
            Snapshot.compact(storage, Long.MAX_VALUE);
            write(storage, append(28, 30, 3));
            receive(storage, OTHER_HISTORY);
            write(storage, append(31, 31, 3), install(OTHER_HISTORY), append(29, 32, 5));
            write(storage, append(33, 34, 5));
            Snapshot.compact(storage, Long.MAX_VALUE);
            take(storage, LAST);
            storage.compact(30);
            storage.maintain();
            storage.compact(Long.MAX_VALUE);
            storage.maintain();      // what is still to be deleted stays for the next opening
        }

        /** However it ended, no file stays open. */
        private void close(FileStorage storage) {
            try {
                storage.close();
            } finally {
                assertEquals(List.of(), files.held());
            }
        }

        private Storage.Write append(long first, long last, long term) {
            return Logs.append(++writeId, first, last, term, 90);
        }

        private Storage.Write install(SnapshotId id) {
            return new Storage.Write(++writeId, new HardState(Math.max(3, id.last().term()), null, 0), id.index() + 1, List.of(), id);
        }

        private Model now() {
            return possible.get(possible.size() - 1);
        }

        private void write(FileStorage storage, Storage.Write... batch) {
            for (Storage.Write write : batch) {
                if (write.install() != null) {   // of a term that is known, nothing else may be
                    possible.add(new Model(now().snapshot(), now().entries(), write.hardState()));
                }
                possible.add(now().after(write));
            }
            storage.write(List.of(batch));
            reported();
        }

        private void reported() {
            Model last = now();
            possible.clear();
            possible.add(last);
        }

        private void take(FileStorage storage, SnapshotId id) throws IOException {
            possible.add(now().on(id));
            orAgain(() -> Snapshot.take(storage, id, state(id)));
            reported();
        }

        private void receive(FileStorage storage, SnapshotId id) throws IOException {
            orAgain(() -> {
                byte[] transfer = transfer(id);
                try (Storage.SnapshotInput input = storage.receiveSnapshot(id)) {
                    for (int from = (int) input.received(); from < transfer.length; from = (int) input.received()) {
                        input.write(from, Arrays.copyOfRange(transfer, from, Math.min(transfer.length, from + 700)));
                    }
                    assertTrue(input.complete());
                }
            });
        }

        private void orAgain(Work work) throws IOException {
            try {
                work.run();
            } catch (IOException | StorageException e) {
                if (!triesAgain) {
                    throw e;
                }
                work.run();
            }
        }
    }

    private interface Work {
        void run() throws IOException;
    }

    private static byte[] state(SnapshotId id) {
        byte[] state = new byte[2500];
        new Random(id.index()).nextBytes(state);
        return state;
    }

    private static byte[] transfer(SnapshotId id) throws IOException {
        if (!TRANSFERS.containsKey(id)) {
            TRANSFERS.put(id, Snapshot.transferOf(id, state(id)));
        }
        return TRANSFERS.get(id);
    }

    private static int operations() throws IOException {
        SimulatedFiles files = new SimulatedFiles();
        new Life(files, false).run();
        return files.operations();
    }

    /** Lives on, whatever was there: as far as it comes. Returns whether it ended as it should. */
    private static boolean ends(Life life) throws IOException {
        try {
            life.run();
            return true;
        } catch (IOException | StorageException e) {
            assertTrue(String.valueOf(e.getMessage()).contains("simulated failure"), e::toString);
            return false;
        }
    }

    @ParameterizedTest
    @EnumSource(Loss.class)
    void whereverItEndsTheOldLogIsFoundOrTheNewOneOnItsSnapshot(Loss loss) throws IOException {
        int operations = operations();
        assertTrue(operations > 150, "only " + operations);
        int installed = 0;
        for (int at = 1; at <= operations; at++) {
            for (int seed = 0; seed < (loss == Loss.TEARS ? 3 : 1); seed++) {
                SimulatedFiles files = new SimulatedFiles();
                files.dieAt(at);
                Life life = new Life(files, false);
                ends(life);
                SimulatedFiles left = files.restart(loss, new Random(seed));
                Model found = expectOneOf(life.possible, left, "operation " + at + ", seed " + seed);
                installed += OTHER_HISTORY.equals(found.snapshot()) ? 1 : 0;
                goOn(found, left, "operation " + at + ", seed " + seed);
            }
        }
        assertTrue(installed > 10, "the log that goes was found gone " + installed + " times");
    }

    private static Model expectOneOf(List<Model> possible, SimulatedFiles files, String when) throws IOException {
        FileStorage storage = Logs.start(files, OPTIONS);
        Storage.Recovered recovered = storage.recover();
        List<String> objections = new ArrayList<>();
        for (Model model : possible) {
            String objection = model.objectionTo(recovered, storage);
            if (objection.isEmpty()) {
                expectState(model, storage, when);
                expectNoLeftovers(model, files, when);
                return model;
            }
            objections.add(objection);
        }
        throw new AssertionError(when + ": " + recovered + " " + objections);
    }

    private static void expectState(Model model, FileStorage storage, String when) throws IOException {
        SnapshotId id = model.snapshot();
        if (id == null) {
            assertNull(storage.snapshot(), when);
        } else {
            assertArrayEquals(state(id), Snapshot.state(storage), when);
        }
    }

    /** Of snapshots there are the newest one's files, and those of one that can be received on. */
    private static void expectNoLeftovers(Model model, SimulatedFiles files, String when) {
        for (String file : files.list()) {
            SnapshotName name = SnapshotName.of(file);
            if (name != null) {
                boolean isNewest = name.index() == model.covered() && files.list().contains(name.manifest());
                assertTrue(isNewest || files.list().contains(name.received()), when + ": " + file + " in " + files.list());
            }
            assertTrue(!file.endsWith(".tmp"), when + ": " + file);
        }
    }

    /** It lives on from there: whatever was cut short can be done again, over another loss of power. */
    private static void goOn(Model model, SimulatedFiles files, String when) throws IOException {
        SimulatedFiles same = files.restart(Loss.NONE, new Random(1));
        FileStorage storage = Logs.start(same, OPTIONS);
        storage.recover();
        long next = model.last().index() + 1;
        Storage.Write more = Logs.append(1, next, next + 8, 9, 70);
        storage.write(List.of(more));
        Model then = model.after(more).on(Snapshot.at(next + 4, 9));
        Snapshot.take(storage, Snapshot.at(next + 4, 9), state(Snapshot.at(next + 4, 9)));
        Snapshot.compact(storage, Long.MAX_VALUE);
        storage.close();
        expectOneOf(List.of(then), same.restart(Loss.LOSES_ALL, new Random(1)), when + ", later");
    }

    @Test
    void afterAFailedFsyncTheNextProcessTrustsNothingThatIsOnlyInTheCache() throws IOException {
        int operations = operations();
        for (int at = 1; at <= operations; at++) {
            SimulatedFiles files = new SimulatedFiles();
            files.failOnceAt(at);
            Life life = new Life(files, false);
            ends(life);
            // The process starts again on the same kernel, which shows what it failed to write; then the power fails.
            SimulatedFiles same = files.restart(Loss.NONE, new Random());
            Model promised = expectOneOf(life.possible, same, "operation " + at);
            expectOneOf(List.of(promised), same.restart(Loss.LOSES_ALL, new Random()), "operation " + at + ", without power");
        }
    }

    @Test
    void aSnapshotThatFailedIsTakenOrReceivedAgainAndIsWhole() throws IOException {
        int operations = operations();
        int ended = 0;
        for (int at = 1; at <= operations; at++) {
            SimulatedFiles files = new SimulatedFiles();
            files.failOnceAt(at);
            Life life = new Life(files, true);
            ended += ends(life) ? 1 : 0;
            expectOneOf(life.possible, files.restart(Loss.LOSES_ALL, new Random()), "operation " + at);
        }
        assertTrue(ended > 40, "only " + ended + " lives went on behind a failure of a snapshot");
    }
}
