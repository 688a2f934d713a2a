package io.quorate.raft.testing;

import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Identity;
import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.ReplicaId;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Holds a {@link Storage} of your own against every sentence of its contract that can be checked from outside. One line in a test of any
 * framework:
 *
 * <pre>{@code
 * StorageContract.of(nodeId -> {
 *     Path directory = Files.createTempDirectory("storage");
 *     return () -> MyStorage.open(directory, nodeId);
 * }).check();
 * }</pre>
 *
 * <p>What does not hold is thrown as a {@link ContractBroken} that begins with the sentence. What a crash leaves is checked only if the
 * directory can {@linkplain Directory#crash() die}, and how entries come back that were damaged only if it can be
 * {@linkplain Directory#damage damaged}. What this cannot see: whether a device keeps what it said was durable when the power fails, and
 * what becomes of a write that never returned.
 */
public final class StorageContract {

    static final String INCARNATION = "Each blank directory draws an incarnation of its own";
    static final String IDENTITY = "A directory keeps its replica over all openings, and each opening raises its boot";
    static final String FOUNDING = "A directory is founded once, and whatever it was founded with is there at every opening";
    static final String BLANK = "A blank directory has nothing to recover and takes no write";
    static final String EMPTY = "What was founded and not written to has no entries, no term and no vote";
    static final String ENTRIES = "Entries that were written are there at the next opening";
    static final String HARD_STATE = "The hard state of the last write is there at the next opening, also if it came without entries";
    static final String HARD_STATE_RIDES = "The hard state that came with entries is durable no later than they are";
    static final String REPLACED = "A write replaces the log from its first index on";
    static final String CUT = "A write without entries cuts the log at its first index";
    static final String BATCH = "The writes of a batch are done in their order";
    static final String BYTES = "Entries of every kind and size come back byte for byte";
    static final String MANY = "A batch may bring thousands of entries";
    static final String TAIL = "What recovery hands over at once is the end of the log";
    static final String READ_RANGE = "A read gives entries from the first wanted on, and none behind the last wanted";
    static final String READ_BYTES = "A read stops before its bytes are exceeded, but not before the first entry";
    static final String READ_BEYOND = "A read beyond the end of the log gives nothing";
    static final String READ_BESIDE = "A read beside a write gives a part of one log, as it was before the write or after it";
    static final String MAINTAIN = "Maintenance changes nothing that can be asked for, and comes to an end";
    static final String GAP = "A write that would leave a gap is refused, and nothing of its batch is kept";
    static final String ORDER = "Entries that do not follow each other are refused, and nothing of their batch is kept";
    static final String IDS = "Writes whose ids do not rise are refused, and nothing of their batch is kept";
    static final String NOTHING = "A batch without a write is refused";
    static final String CLOSED = "A closed storage does nothing more, and may be closed again";
    static final String ONCE = "A directory is open once: a second opening is refused, or the first writes nothing any more";
    static final String CRASH = "What was founded and what was written outlasts the death of the process";
    static final String LIFE = "Whatever a replica writes is what it finds again";

    private static final int MAINTENANCE_MAX = 1_000_000;

    /** Where blank directories come from. */
    @FunctionalInterface
    public interface Device {

        /** A blank directory of this node that nobody else uses; a new one at each call. */
        Directory blank(int nodeId) throws Exception;
    }

    /** A data directory, which is opened again and again. */
    @FunctionalInterface
    public interface Directory {

        /** Opens it, or refuses because it is open. */
        Storage open() throws Exception;

        /**
         * The process that has it open dies: what it has open is not closed, and nothing of it runs. For a storage on files, a copy of
         * all files at this moment is what a dead process leaves; a test that can also take back what was not fsynced checks more.
         *
         * <p>Called while no other call is under way. The storage that was open is asked for nothing more, but closed in the end.
         *
         * @return what the next process finds, or null if this cannot be arranged
         */
        default @Nullable Directory crash() throws Exception {
            return null;
        }

        /**
         * Damages an entry of the log, as a disk does that loses a sector long after it was written: no other entry, and nothing that a
         * crash might have left so. Called while it is open, and no other call under way.
         *
         * @return false if this cannot be arranged; nothing has happened then
         */
        default boolean damage(long index) throws Exception {
            return false;
        }
    }

    private final Device device;
    private final long seed;
    private final int lives;

    private StorageContract(Device device, long seed, int lives) {
        this.device = device;
        this.seed = seed;
        this.lives = lives;
    }

    /** The contract, to be held against what is opened on this device. */
    public static StorageContract of(Device device) {
        return new StorageContract(device, 1, 20);
    }

    /** The same, with other random lives: the first from this seed, each further one from the next. */
    public StorageContract withSeed(long first) {
        return new StorageContract(device, first, lives);
    }

    /** The same, with so many random lives. */
    public StorageContract withLives(int count) {
        return new StorageContract(device, seed, count);
    }

    /**
     * Checks all sentences, up to the first that does not hold.
     *
     * @return the sentences that were checked: the one about a process's death is missing if no directory can die, and those about damage
     *     if none can be damaged
     * @throws ContractBroken if one does not hold
     */
    public List<String> check() {
        return ContractCheck.runAll(checks());
    }

    /** Checks one sentence. */
    void check(String sentence) {
        ContractCheck.runAll(checks().stream().filter(check -> check.sentence().equals(sentence)).toList());
    }

    private List<ContractCheck> checks() {
        List<ContractCheck> checks = new ArrayList<>();
        checks.add(new ContractCheck(INCARNATION, this::incarnation));
        checks.add(blank(IDENTITY, this::identity));
        checks.add(blank(FOUNDING, this::founding));
        checks.add(blank(BLANK, this::blankness));
        checks.add(blank(EMPTY, this::emptiness));
        checks.add(founded(ENTRIES, this::entries));
        checks.add(founded(HARD_STATE, this::hardState));
        checks.add(founded(HARD_STATE_RIDES, this::hardStateRides));
        checks.add(founded(REPLACED, this::replaced));
        checks.add(founded(CUT, this::cut));
        checks.add(founded(BATCH, this::batch));
        checks.add(founded(BYTES, this::bytes));
        checks.add(founded(MANY, this::many));
        checks.add(founded(TAIL, this::tail));
        checks.add(founded(READ_RANGE, this::readRange));
        checks.add(founded(READ_BYTES, this::readBytes));
        checks.add(founded(READ_BEYOND, this::readBeyond));
        checks.add(founded(READ_BESIDE, trial -> new StorageReaders(trial).run()));
        checks.add(founded(MAINTAIN, this::maintenance));
        checks.add(founded(GAP, this::gap));
        checks.add(founded(ORDER, this::order));
        checks.add(founded(IDS, this::ids));
        checks.add(founded(NOTHING, trial -> trial.refuses("a batch without a write", () -> trial.storage().write(List.of()))));
        checks.add(founded(CLOSED, this::closed));
        checks.add(founded(ONCE, this::once));
        checks.addAll(new StorageSnapshotChecks(device).all());
        checks.addAll(new StorageDamageChecks(device).all());
        checks.add(new ContractCheck(CRASH, this::crashed));
        checks.add(new ContractCheck(LIFE, this::lives));
        return checks;
    }

    // ---------------------------------------------------------------------------------------------------------------- who it is

    private boolean incarnation() throws Exception {
        Set<ReplicaId> seen = new HashSet<>();
        for (int i = 0; i < 3; i++) {
            try (StorageTrial trial = new StorageTrial(INCARNATION, device)) {
                Identity identity = trial.storage().identity();
                trial.check(identity.replica().nodeId() == StorageTrial.NODE_ID, "made for node " + StorageTrial.NODE_ID + ", it is "
                    + identity);
                trial.check(identity.isBlank() && identity.boot() == 1, "at its first opening it is " + identity);
                trial.check(seen.add(identity.replica()), identity.replica() + " is drawn twice");
            }
        }
        return true;
    }

    private void identity(StorageTrial trial) throws Exception {
        Identity before = trial.storage().identity();
        for (int i = 0; i < 4; i++) {
            if (i == 2) {
                trial.storage().found(trial.founding());
            }
            trial.reopen();
            before = expectNextBoot(trial, before);
        }
    }

    private static Identity expectNextBoot(StorageTrial trial, Identity before) {
        Identity now = trial.storage().identity();
        trial.check(now.replica().equals(before.replica()), before.replica() + " became " + now.replica());
        trial.check(now.boot() > before.boot(), "boot " + now.boot() + " came after boot " + before.boot());
        return now;
    }

    private void founding(StorageTrial trial) throws Exception {
        FoundingRecord record = trial.founding();
        trial.storage().found(record);
        for (int i = 0; i < 3; i++) {
            expectFounding(trial, record);
            try {
                trial.storage().found(new FoundingRecord(record.clusterId(), 0, record.membership()));
                throw trial.broken("it was founded again");
            } catch (IllegalStateException e) {
                expectFounding(trial, record);
            }
            trial.reopen();
        }
        trial.check(trial.find().recovered().log().snapshot().membership().equals(record.membership()),
            "the log does not stand on the membership of the founding");
    }

    private static void expectFounding(StorageTrial trial, FoundingRecord record) {
        FoundingRecord found = trial.storage().identity().founding();
        trial.check(record.equals(found), "founded with " + record + ", it says " + found);
    }

    private void blankness(StorageTrial trial) throws Exception {
        trial.refuses("recovery", () -> trial.storage().recover());
        trial.refuses("a write", () -> trial.storage().write(List.of(trial.append(1, StorageTrial.entry(1, 1, 9)))));
        trial.reopen();
        trial.check(trial.storage().identity().isBlank(), "it is founded");
        trial.storage().found(trial.founding());
        trial.expect(ExpectedLog.EMPTY);
    }

    private void emptiness(StorageTrial trial) throws Exception {
        trial.storage().found(trial.founding());
        trial.expect(ExpectedLog.EMPTY);
        trial.reopen();
        StorageTrial.Found found = trial.find();
        trial.check(found.recovered().hardState().equals(HardState.INITIAL), "there is " + found.recovered().hardState());
        trial.check(found.recovered().log().snapshot().last().equals(EntryId.ZERO), "there is " + found.recovered().log().snapshot());
    }

    // ------------------------------------------------------------------------------------------------------------------- writing

    private void entries(StorageTrial trial) throws Exception {
        write(trial, trial.append(1, StorageTrial.entry(1, 1, 10), StorageTrial.entry(2, 1, 20)));
        write(trial, trial.append(3, StorageTrial.entry(3, 2, 30)));
        trial.reopen();
        List<Entry> expected = List.of(StorageTrial.entry(1, 1, 10), StorageTrial.entry(2, 1, 20), StorageTrial.entry(3, 2, 30));
        trial.check(new ExpectedLog(HardState.INITIAL, expected).objectionTo(trial.find().entries(), 1));
    }

    private void hardState(StorageTrial trial) throws Exception {
        Entry entry = StorageTrial.entry(1, 1, 10);
        write(trial, trial.append(1, entry));
        HardState vote = new HardState(4, new ReplicaId(7, Long.MIN_VALUE), 0);
        write(trial, trial.write(new HardState(3, null, 0), 2, List.of()));
        write(trial, trial.write(vote, 2, List.of()));
        trial.reopen();
        expectHardState(trial, vote);
        HardState committed = new HardState(4, new ReplicaId(7, Long.MIN_VALUE), 1);
        write(trial, trial.write(committed, 2, List.of()));
        HardState noVote = new HardState(Long.MAX_VALUE, null, 1);
        trial.reopen();
        expectHardState(trial, committed);
        write(trial, trial.write(noVote, 2, List.of()));
        trial.reopen();
        expectHardState(trial, noVote);
    }

    private void hardStateRides(StorageTrial trial) throws Exception {
        HardState state = new HardState(9, trial.storage().identity().replica(), 0);
        write(trial, trial.write(state, 1, List.of(StorageTrial.entry(1, 2, 10), StorageTrial.entry(2, 9, 10))));
        trial.reopen();
        expectHardState(trial, state);
    }

    private static void expectHardState(StorageTrial trial, HardState expected) {
        HardState found = trial.storage().recover().hardState();
        trial.check(found.equals(expected), "written was " + expected + ", found " + found);
    }

    private void replaced(StorageTrial trial) throws Exception {
        ExpectedLog log = ExpectedLog.EMPTY;
        log = write(trial, log, trial.write(new HardState(1, null, 0), 1, StorageTrial.entries(1, 6, 1, 10)));
        log = write(trial, log, trial.write(new HardState(2, null, 0), 4, StorageTrial.entries(4, 4, 2, 700)));
        trial.reopen();
        trial.expect(log);
        log = write(trial, log, trial.write(new HardState(3, null, 0), 1, StorageTrial.entries(1, 2, 3, 5)));
        log = write(trial, log, trial.write(new HardState(3, null, 0), 3, StorageTrial.entries(3, 5, 3, 5)));
        trial.check(log.objectionTo(trial.storage().read(1, 5, Integer.MAX_VALUE), 1, 5, Integer.MAX_VALUE));
        trial.reopen();
        trial.expect(log);
    }

    private void cut(StorageTrial trial) throws Exception {
        ExpectedLog log = ExpectedLog.EMPTY;
        log = write(trial, log, trial.write(new HardState(1, null, 0), 1, StorageTrial.entries(1, 6, 1, 10)));
        log = write(trial, log, trial.write(new HardState(2, null, 0), 4, List.of()));
        trial.check(trial.storage().read(4, 6, Integer.MAX_VALUE).isEmpty(), "what was cut off can be read");
        trial.reopen();
        trial.expect(log);
        log = write(trial, log, trial.write(new HardState(2, null, 0), 1, List.of()));
        trial.reopen();
        trial.expect(log);
    }

    private void batch(StorageTrial trial) throws Exception {
        List<Storage.Write> batch = new ArrayList<>();
        batch.add(trial.write(new HardState(1, null, 0), 1, StorageTrial.entries(1, 5, 1, 10)));
        batch.add(trial.write(new HardState(2, new ReplicaId(7, 7), 0), 4, StorageTrial.entries(4, 4, 2, 10)));
        batch.add(trial.write(new HardState(2, new ReplicaId(7, 7), 3), 5, StorageTrial.entries(5, 9, 2, 10)));
        batch.add(trial.write(new HardState(5, null, 3), 8, List.of()));
        batch.add(trial.write(new HardState(5, new ReplicaId(8, 8), 4), 8, List.of()));
        trial.storage().write(batch);
        ExpectedLog log = ExpectedLog.EMPTY.after(batch);
        trial.check(log.objectionTo(trial.storage().read(1, 9, Integer.MAX_VALUE), 1, 9, Integer.MAX_VALUE));
        trial.reopen();
        trial.expect(log);
    }

    private void bytes(StorageTrial trial) throws Exception {
        List<Entry> entries = new ArrayList<>();
        long time = Long.MIN_VALUE;
        for (Entry.Kind kind : Entry.Kind.values()) {
            entries.add(Entry.of(entries.size() + 1L, 1, kind, time, new byte[0]));
            time = Long.MAX_VALUE;
        }
        entries.add(Entry.of(entries.size() + 1L, Long.MAX_VALUE, Entry.Kind.COMMAND, 0, new byte[4096]));
        entries.add(sharing(entries.size() + 1L));
        byte[] largest = new byte[Entry.PAYLOAD_BYTES_MAX];
        for (int i = 0; i < largest.length; i += 97) {
            largest[i] = (byte) (i ^ i >> 8 ^ i >> 16);
        }
        entries.add(Entry.of(entries.size() + 1L, Long.MAX_VALUE, Entry.Kind.COMMAND, 0, largest));
        Storage.Write write = trial.write(new HardState(Long.MAX_VALUE, null, 0), 1, entries);
        write(trial, write);
        ExpectedLog log = ExpectedLog.EMPTY.after(write);
        for (Entry entry : entries) {
            trial.check(log.objectionTo(trial.storage().read(entry.index(), entry.index(), 1), entry.index(), entry.index(), 1));
        }
        trial.reopen();
        trial.expect(log);
    }

    /** An entry in the middle of an array, as those that came over a network are. */
    private static Entry sharing(long index) {
        Entry entry = Entry.of(index, Long.MAX_VALUE, Entry.Kind.COMMAND, 0, new byte[] {1, 2, 3});
        byte[] array = new byte[entry.size() + 20];
        System.arraycopy(entry.array(), entry.offset(), array, 7, entry.size());
        return Entry.decode(array, 7, array.length);
    }

    private void many(StorageTrial trial) throws Exception {
        List<Storage.Write> batch = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            batch.add(trial.write(new HardState(1 + i, null, 0), 1 + 100L * i, StorageTrial.entries(1 + 100L * i, 100L + 100L * i, 1 + i,
                40)));
        }
        trial.storage().write(batch);
        trial.reopen();
        trial.expect(ExpectedLog.EMPTY.after(batch));
    }

    private void tail(StorageTrial trial) throws Exception {
        List<Entry> entries = new ArrayList<>();
        for (int i = 1; i <= 40; i++) {
            entries.add(StorageTrial.entry(i, (i + 9) / 10, i % 7 == 0 ? 5000 : 30));
        }
        write(trial, trial.write(new HardState(4, null, 0), 1, entries));
        trial.reopen();
        List<Entry> tail = trial.storage().recover().log().tail();
        trial.check(tail.size() <= entries.size() && tail.equals(entries.subList(entries.size() - tail.size(), entries.size())),
            "of 40 entries it was " + tail);
    }

    // ------------------------------------------------------------------------------------------------------------------- reading

    private void readRange(StorageTrial trial) {
        ExpectedLog log = tenEntries(trial);
        for (long first = 1; first <= 10; first++) {
            for (long last = first; last <= 12; last++) {
                trial.check(log.objectionTo(trial.storage().read(first, last, Integer.MAX_VALUE), first, last, Integer.MAX_VALUE));
            }
        }
        trial.check(!trial.storage().read(1, Long.MAX_VALUE, Integer.MAX_VALUE).isEmpty(),
            "a read to the last possible index gave nothing");
    }

    private void readBytes(StorageTrial trial) {
        ExpectedLog log = tenEntries(trial);
        int all = log.entries().stream().mapToInt(Entry::size).sum();
        for (int bytesMax = 0; bytesMax <= all + 1; bytesMax++) {
            trial.check(log.objectionTo(trial.storage().read(1, 10, bytesMax), 1, 10, bytesMax));
        }
    }

    private void readBeyond(StorageTrial trial) throws Exception {
        trial.check(trial.storage().read(1, 5, 100).isEmpty(), "a log without entries gave some");
        tenEntries(trial);
        for (int i = 0; i < 2; i++) {
            trial.check(trial.storage().read(11, 11, 100).isEmpty(), "there is something at 11");
            trial.check(trial.storage().read(5000, Long.MAX_VALUE, Integer.MAX_VALUE).isEmpty(), "there is something at 5000");
            trial.reopen();
            trial.storage().recover();
        }
    }

    private static ExpectedLog tenEntries(StorageTrial trial) {
        List<Entry> entries = new ArrayList<>();
        for (int i = 1; i <= 10; i++) {
            entries.add(StorageTrial.entry(i, (i + 4) / 5, 7 * i % 5));
        }
        return write(trial, ExpectedLog.EMPTY, trial.write(new HardState(3, null, 0), 1, entries));
    }

    // ------------------------------------------------------------------------------------------------------------ all the rest

    private void maintenance(StorageTrial trial) throws Exception {
        ExpectedLog log = ExpectedLog.EMPTY;
        for (int i = 0; i < 3; i++) {
            log = write(trial, log, trial.write(new HardState(1 + i, null, i), 1 + 4L * i, StorageTrial.entries(1 + 4L * i, 5 + 4L * i,
                1 + i, 300)));
            int pieces = 0;
            while (trial.storage().maintain()) {
                trial.check(++pieces < MAINTENANCE_MAX, "after " + pieces + " pieces of work there may still be more");
            }
            trial.check(log.objectionTo(trial.storage().read(1, 99, Integer.MAX_VALUE), 1, 99, Integer.MAX_VALUE));
        }
        trial.reopen();
        trial.expect(log);
    }

    private void gap(StorageTrial trial) throws Exception {
        HardState state = new HardState(2, null, 0);
        refusesWhole(trial, "a write from index 12 on, behind 10 entries", List.of(trial.write(state, 12, List.of())));
        refusesWhole(trial, "an entry at index 12, behind 10 entries", List.of(trial.write(state, 12, StorageTrial.entries(12, 12, 2, 9))));
        refusesWhole(trial, "a gap that a later write of the batch leaves", List.of(
            trial.write(state, 8, StorageTrial.entries(8, 8, 2, 9)), trial.write(state, 11, StorageTrial.entries(11, 11, 2, 9))));
        refusesWhole(trial, "a write from index 0 on", List.of(trial.write(state, 0, List.of())));
    }

    private void order(StorageTrial trial) throws Exception {
        HardState state = new HardState(5, null, 0);
        refusesWhole(trial, "an entry 12 in a write from 11 on",
            List.of(trial.write(state, 11, StorageTrial.entries(12, 12, 3, 9))));
        refusesWhole(trial, "entry 13 behind entry 11", List.of(trial.write(state, 11,
            List.of(StorageTrial.entry(11, 3, 9), StorageTrial.entry(13, 3, 9)))));
        refusesWhole(trial, "entry 11 of term 4 before entry 12 of term 3", List.of(trial.write(state, 11,
            List.of(StorageTrial.entry(11, 4, 9), StorageTrial.entry(12, 3, 9)))));
        refusesWhole(trial, "entry 11 of term 1 behind one of term 2",
            List.of(trial.write(state, 11, StorageTrial.entries(11, 11, 1, 9))));
    }

    private void ids(StorageTrial trial) throws Exception {
        HardState state = new HardState(2, null, 0);
        ExpectedLog log = refounded(trial);
        trial.refuses("one id twice in a batch", () -> trial.storage().write(List.of(
            new Storage.Write(900, state, 11, StorageTrial.entries(11, 11, 2, 9)),
            new Storage.Write(900, state, 12, StorageTrial.entries(12, 12, 2, 9)))));
        trial.reopen();
        trial.expect(log);
        Storage.Write first = trial.write(state, 11, StorageTrial.entries(11, 11, 2, 9));
        log = write(trial, log, first);
        trial.refuses("the id of the write before", () -> trial.storage().write(List.of(
            new Storage.Write(first.id(), state, 12, StorageTrial.entries(12, 12, 2, 9)))));
        trial.reopen();
        trial.expect(log);
    }

    /** The batch is refused; an exception is final, so that a new opening tells what became of it: nothing. */
    private static void refusesWhole(StorageTrial trial, String what, List<Storage.Write> batch) throws Exception {
        ExpectedLog log = refounded(trial);
        List<Storage.Write> numbered = new ArrayList<>();   // so that the ids are no reason to refuse
        batch.forEach(write -> numbered.add(trial.write(write.hardState(), write.firstIndex(), write.entries())));
        trial.refuses(what, () -> trial.storage().write(numbered));
        trial.reopen();
        trial.expect(log);
    }

    /** Brings the log to ten entries, whatever it had before, and the storage to where it can be written. */
    private static ExpectedLog refounded(StorageTrial trial) throws Exception {
        List<Entry> entries = new ArrayList<>();
        for (int i = 1; i <= 10; i++) {
            entries.add(StorageTrial.entry(i, (i + 4) / 5, 9));
        }
        trial.reopen();
        trial.storage().recover();
        HardState state = new HardState(2, null, 0);
        return write(trial, ExpectedLog.EMPTY, trial.write(state, 1, entries));
    }

    private void closed(StorageTrial trial) throws Exception {
        ExpectedLog log = tenEntries(trial);
        Storage storage = trial.storage();
        storage.close();
        storage.close();
        trial.refuses("a write", () -> storage.write(List.of(trial.append(11, StorageTrial.entry(11, 3, 9)))));
        trial.refuses("a read", () -> storage.read(1, 1, 100));
        storage.close();
        trial.reopen();
        trial.expect(log);
    }

    private void once(StorageTrial trial) throws Exception {
        ExpectedLog log = tenEntries(trial);
        Storage.Write write = trial.append(11, StorageTrial.entry(11, 3, 9));
        Storage second;
        try {
            second = trial.openBeside();
        } catch (Exception e) {
            log = write(trial, log, write);     // the refused opening must not have disturbed who was there
            trial.reopen();
            trial.expect(log);
            return;
        }
        trial.refuses("what the first opening writes after a second", () -> trial.storage().write(List.of(write)));
        trial.goOnWith(second);
        trial.expect(log);
    }

    private boolean crashed() throws Exception {
        try (StorageTrial trial = new StorageTrial(CRASH, device)) {
            Identity blank = trial.storage().identity();
            if (!trial.crash()) {
                return false;
            }
            Identity again = expectNextBoot(trial, blank);
            FoundingRecord record = trial.founding();
            trial.storage().found(record);
            trial.crash();
            expectNextBoot(trial, again);
            expectFounding(trial, record);
            trial.storage().recover();
            ExpectedLog log = tenEntries(trial);
            trial.crash();
            trial.expect(log);
            log = write(trial, log, trial.write(new HardState(8, new ReplicaId(7, 7), 2), 11, List.of()));
            trial.crash();
            trial.expect(log);
            log = write(trial, log, trial.write(new HardState(9, new ReplicaId(7, 7), 2), 4, StorageTrial.entries(4, 6, 9, 500)));
            trial.crash();
            trial.crash();
            trial.expect(log);
            return true;
        }
    }

    private boolean lives() throws Exception {
        for (int i = 0; i < lives; i++) {
            String sentence = LIFE + " (seed " + (seed + i) + ")";
            try (StorageTrial trial = StorageTrial.founded(sentence, device)) {
                new StorageLife(trial, new SplittableRandom(seed + i)).live();
            }
        }
        return true;
    }

    // -------------------------------------------------------------------------------------------------------------------- how

    private interface Body {
        void run(StorageTrial trial) throws Exception;
    }

    private ContractCheck blank(String sentence, Body body) {
        return new ContractCheck(sentence, () -> {
            try (StorageTrial trial = new StorageTrial(sentence, device)) {
                body.run(trial);
                return true;
            }
        });
    }

    private ContractCheck founded(String sentence, Body body) {
        return new ContractCheck(sentence, () -> {
            try (StorageTrial trial = StorageTrial.founded(sentence, device)) {
                body.run(trial);
                return true;
            }
        });
    }

    private static void write(StorageTrial trial, Storage.Write write) {
        trial.storage().write(List.of(write));
    }

    private static ExpectedLog write(StorageTrial trial, ExpectedLog log, Storage.Write write) {
        write(trial, write);
        return log.after(write);
    }
}
