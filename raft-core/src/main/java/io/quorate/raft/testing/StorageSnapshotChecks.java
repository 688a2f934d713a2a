package io.quorate.raft.testing;

import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.MembershipCodec;
import io.quorate.raft.core.SnapshotId;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What {@link StorageContract} says of snapshots, and of the log behind them. */
final class StorageSnapshotChecks {

    static final String TAKEN = "A snapshot that was committed is the newest, with its state byte for byte, now and at the next opening";
    static final String GIVEN_UP = "A snapshot that was not committed was never there";
    static final String READ = "A snapshot can be read until it is closed, whatever becomes of it meanwhile";
    static final String OWN = "A snapshot is taken of what the log holds, and is newer than the one that is there; else it is refused";
    static final String BEGIN = "A replica without entries stands on the state it was given to begin with, from the next opening on";
    static final String MEMBERSHIPS = "Recovery hands over all membership entries behind the newest snapshot";
    static final String COMPACTED = "Compacting lets go of nothing that the newest snapshot does not cover, and what is left can be read";
    static final String LOG_BYTES = "The log behind the snapshot grows with entries, and is shorter behind a newer snapshot";
    static final String COVERED = "What the newest snapshot covers is not replaced, and nothing of a batch that would is kept";
    static final String MOVED = "What one replica reads of a snapshot, another receives; it is the newest once it is installed, and not before";
    static final String RESUMED = "A snapshot that was received in part is gone on with, at another opening too";
    static final String OTHERWISE = "What is not all that its maker wrote is not complete, and may be received anew";
    static final String FORGOTTEN = "Another snapshot that is received puts the one before out of the way, but not one that is complete";
    static final String KEPT = "Behind an installed snapshot the log stays if it holds the snapshot's last entry";
    static final String GONE = "The whole log goes if it does not hold the last entry of the snapshot that is installed";
    static final String BATCH = "Writes before and behind an installation, in one batch, are done in their order";
    static final String READY = "Only a snapshot that is complete and newer is installed, and nothing of another batch is kept";
    static final String OVERTAKEN = "A snapshot that is committed when a newer one was installed meanwhile is not kept";
    static final String CRASH = "What was taken, what is complete and what was installed outlast the death of the process";

    private final StorageContract.Device device;

    StorageSnapshotChecks(StorageContract.Device device) {
        this.device = device;
    }

    List<ContractCheck> all() {
        List<ContractCheck> checks = new ArrayList<>();
        checks.add(check(TAKEN, this::taken));
        checks.add(check(GIVEN_UP, this::givenUp));
        checks.add(check(READ, this::read));
        checks.add(check(OWN, this::own));
        checks.add(check(BEGIN, this::begin));
        checks.add(check(MEMBERSHIPS, this::memberships));
        checks.add(check(COMPACTED, this::compacted));
        checks.add(check(LOG_BYTES, this::logBytes));
        checks.add(check(COVERED, this::covered));
        checks.add(check(MOVED, this::moved));
        checks.add(check(RESUMED, this::resumed));
        checks.add(check(OTHERWISE, this::otherwise));
        checks.add(check(FORGOTTEN, this::forgotten));
        checks.add(check(KEPT, this::kept));
        checks.add(check(GONE, this::gone));
        checks.add(check(BATCH, this::batch));
        checks.add(check(READY, this::ready));
        checks.add(check(OVERTAKEN, this::overtaken));
        checks.add(new ContractCheck(CRASH, this::crashed));
        return checks;
    }

    private interface Body {
        void run(StorageTrial trial) throws Exception;
    }

    private ContractCheck check(String sentence, Body body) {
        return new ContractCheck(sentence, () -> {
            try (StorageTrial trial = StorageTrial.founded(sentence, device)) {
                body.run(trial);
                return true;
            }
        });
    }

    /** Ten entries: five of term 1, five of term 2. */
    private static ExpectedLog tenEntries(StorageTrial trial) {
        List<Entry> entries = new ArrayList<>(StorageTrial.entries(1, 5, 1, 30));
        entries.addAll(StorageTrial.entries(6, 10, 2, 30));
        return write(trial, ExpectedLog.EMPTY, trial.write(new HardState(2, null, 0), 1, entries));
    }

    private static ExpectedLog write(StorageTrial trial, ExpectedLog log, Storage.Write... batch) {
        trial.storage().write(List.of(batch));
        return log.after(List.of(batch));
    }

    private static void expectAgain(StorageTrial trial, ExpectedLog log) throws Exception {
        trial.reopen();
        trial.expect(log);
    }

    // ------------------------------------------------------------------------------------------------------------------- taking

    private void taken(StorageTrial trial) throws Exception {
        ExpectedLog log = tenEntries(trial);
        trial.expectSnapshot(null);
        for (SnapshotId id : List.of(StorageTrial.snapshotAt(3, 1), StorageTrial.snapshotAt(5, 1), StorageTrial.snapshotAt(10, 2))) {
            trial.take(id);
            trial.expectSnapshot(id);
            log = log.after(id);
            expectAgain(trial, log);
        }
    }

    private void givenUp(StorageTrial trial) throws Exception {
        ExpectedLog log = tenEntries(trial);
        try (Storage.SnapshotOutput output = trial.storage().beginSnapshot(StorageTrial.snapshotAt(3, 1))) {
            StorageTrial.writeState(output, StorageTrial.snapshotAt(3, 1));
        }
        trial.expectSnapshot(null);
        expectAgain(trial, log);
        trial.take(StorageTrial.snapshotAt(3, 1));
        trial.storage().beginSnapshot(StorageTrial.snapshotAt(4, 1)).close();
        expectAgain(trial, log.after(StorageTrial.snapshotAt(3, 1)));
    }

    private void read(StorageTrial trial) throws Exception {
        tenEntries(trial);
        SnapshotId id = StorageTrial.snapshotAt(4, 1);
        trial.take(id);
        byte[] expected = StorageTrial.stateOf(id);
        try (Storage.StoredSnapshot stored = trial.newest(); Storage.StoredSnapshot second = trial.newest()) {
            byte[] transfer = trial.transfer(second);
            InputStream state = stored.state();
            byte[] beginning = state.readNBytes(50);
            trial.take(StorageTrial.snapshotAt(7, 2));
            trial.take(StorageTrial.snapshotAt(8, 2));
            trial.storage().compact(Long.MAX_VALUE);
            byte[] rest = state.readAllBytes();
            trial.check(Arrays.equals(beginning, Arrays.copyOf(expected, 50))
                && Arrays.equals(rest, Arrays.copyOfRange(expected, 50, expected.length)), "its state ended after " + rest.length
                + " more bytes, or became another, when there was a newer snapshot");
            trial.expectState(stored);
            trial.check(Arrays.equals(transfer, trial.transfer(stored)), "what is moved of it changed");
        }
        trial.expectSnapshot(StorageTrial.snapshotAt(8, 2));
    }

    private void own(StorageTrial trial) throws Exception {
        ExpectedLog log = tenEntries(trial).after(StorageTrial.snapshotAt(6, 2));
        trial.take(StorageTrial.snapshotAt(6, 2));
        for (SnapshotId id : List.of(StorageTrial.snapshotAt(6, 2), StorageTrial.snapshotAt(5, 1), StorageTrial.snapshotAt(7, 1),
            StorageTrial.snapshotAt(11, 2))) {
            trial.refuses("a snapshot of " + id.last() + " behind one of 6@2, in a log up to 10@2", () -> take(trial, id));
        }
        trial.expectSnapshot(StorageTrial.snapshotAt(6, 2));
        expectAgain(trial, log);
    }

    private static void take(StorageTrial trial, SnapshotId id) {
        try {
            trial.take(id);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void begin(StorageTrial trial) throws Exception {
        SnapshotId id = StorageTrial.snapshotAt(33, 4);
        trial.take(id);
        ExpectedLog log = new ExpectedLog(new HardState(4, null, 0), id.last(), List.of(), id);
        expectAgain(trial, log);
        log = write(trial, log, trial.append(34, StorageTrial.entry(34, 5, 9)));
        expectAgain(trial, log);
    }

    // ------------------------------------------------------------------------------------------------------------------ the log

    private void memberships(StorageTrial trial) throws Exception {
        List<Entry> entries = new ArrayList<>();
        for (int i = 1; i <= 12; i++) {
            Membership membership = StorageTrial.snapshotAt(i, 1).membership();
            entries.add(i % 3 == 0 ? Entry.of(i, 1, Entry.Kind.MEMBERSHIP, 0, MembershipCodec.encode(membership))
                : StorageTrial.entry(i, 1, 2000));
        }
        ExpectedLog log = write(trial, ExpectedLog.EMPTY, trial.write(new HardState(1, null, 0), 1, entries));
        expectAgain(trial, log);
        log = write(trial, log, trial.append(12, StorageTrial.entry(12, 2, 9)));
        expectAgain(trial, log);
        trial.take(StorageTrial.snapshotAt(6, 1));
        expectAgain(trial, log.after(StorageTrial.snapshotAt(6, 1)));
    }

    private void compacted(StorageTrial trial) throws Exception {
        ExpectedLog log = ExpectedLog.EMPTY;
        for (int i = 1; i <= 8; i++) {
            long first = 1 + 10L * (i - 1);
            log = write(trial, log, trial.write(new HardState(i, null, 0), first, StorageTrial.entries(first, first + 9, i, 900)));
            trial.storage().compact(Long.MAX_VALUE);
            expectAll(trial, log);
            if (i % 2 == 0) {
                SnapshotId id = StorageTrial.snapshotAt(first + 2, i);
                trial.take(id);
                log = log.after(id);
                expectAll(trial, log);
                trial.storage().compact(first);
                expectAll(trial, log);
            }
            expectAgain(trial, log);
        }
        for (int i = 0; i < 100; i++) {
            trial.storage().compact(Long.MAX_VALUE);
        }
        expectAll(trial, log);
        expectAgain(trial, log);
    }

    /** All that is there can be read, and nothing that is not. */
    private static void expectAll(StorageTrial trial, ExpectedLog log) {
        long firstThere = trial.storage().firstIndex();
        trial.check(firstThere <= log.covered() + 1, "it begins at " + firstThere + ", and the snapshot ends at " + log.covered());
        for (long first = 1; first <= log.lastIndex() + 1; first += 1 + first % 7) {
            trial.check(log.objectionTo(trial.storage().read(first, first + 5, 3000), first, first + 5, 3000, firstThere));
        }
    }

    private void logBytes(StorageTrial trial) throws Exception {
        long before = trial.storage().logBytes();
        ExpectedLog log = tenEntries(trial);
        long ten = trial.storage().logBytes();
        long bytes = log.entries().stream().mapToLong(Entry::size).sum();
        trial.check(ten >= before + bytes, "it was " + before + " bytes and is " + ten + " after " + bytes + " bytes of entries");
        trial.take(StorageTrial.snapshotAt(8, 2));
        long two = trial.storage().logBytes();
        trial.check(two < ten && two >= bytes / 5, "behind entry 8 of 10, of " + bytes + " bytes, there are " + two);
        trial.take(StorageTrial.snapshotAt(10, 2));
        trial.check(trial.storage().logBytes() < two, "behind all entries there are " + trial.storage().logBytes());
    }

    private void covered(StorageTrial trial) throws Exception {
        ExpectedLog log = tenEntries(trial);
        SnapshotId id = StorageTrial.snapshotAt(8, 2);
        trial.take(id);
        log = log.after(id);
        HardState state = new HardState(7, null, 0);
        for (long first = 7; first <= 8; first++) {
            Storage.Write harmless = trial.write(state, 10, StorageTrial.entries(10, 12, 7, 5));
            Storage.Write harmful = trial.write(state, first, StorageTrial.entries(first, first, 7, 5));
            trial.refuses("a write from index " + first + " on, behind a snapshot up to 8",
                () -> trial.storage().write(List.of(harmless, harmful)));
            expectAgain(trial, log);
        }
        log = write(trial, log, trial.write(state, 9, List.of()));
        expectAgain(trial, log);
    }

    // ---------------------------------------------------------------------------------------------------------------- receiving

    private void moved(StorageTrial trial) throws Exception {
        ExpectedLog log = tenEntries(trial);
        for (SnapshotId id : List.of(StorageTrial.snapshotAt(5, 1), StorageTrial.snapshotAt(14, 2), StorageTrial.snapshotAt(15, 3))) {
            SnapshotId before = log.snapshot();
            trial.receive(id);
            trial.expectSnapshot(before);
            log = write(trial, log, trial.install(3, id));
            trial.expectSnapshot(id);
            expectAgain(trial, log);
            expectMovesOn(trial, id);
        }
    }

    /** What was installed can be sent on. */
    private void expectMovesOn(StorageTrial trial, SnapshotId id) throws Exception {
        try (StorageTrial other = StorageTrial.founded(MOVED, device); Storage.StoredSnapshot stored = trial.newest();
             Storage.SnapshotInput input = other.storage().receiveSnapshot(id)) {
            other.receive(input, trial.transfer(stored));
            other.check(input.complete(), "what was installed and is sent on is not complete");
            other.storage().write(List.of(other.install(3, id)));
            other.expectSnapshot(id);
        }
    }

    private void resumed(StorageTrial trial) throws Exception {
        ExpectedLog log = tenEntries(trial);
        SnapshotId id = StorageTrial.snapshotAt(14, 2);
        byte[] transfer = trial.transferOf(id);
        int written = 0;
        for (int i = 1; written < transfer.length; i++) {
            try (Storage.SnapshotInput input = trial.storage().receiveSnapshot(id)) {
                int received = (int) input.received();
                trial.check(i % 2 == 0 ? received <= written : received == written, received + " bytes are here, of " + written);
                trial.refuses("bytes from elsewhere", () -> input.write(received + 1, new byte[1]));
                written = Math.min(transfer.length, written + 700);
                input.write(received, Arrays.copyOfRange(transfer, received, written));
            }
            if (i % 2 == 1) {
                expectAgain(trial, log);
            }
        }
        try (Storage.SnapshotInput input = trial.storage().receiveSnapshot(id)) {
            trial.receive(input, transfer);
            trial.check(input.complete(), "received in pieces, it is not complete");
        }
        log = write(trial, log, trial.install(3, id));
        expectAgain(trial, log);
    }

    private void otherwise(StorageTrial trial) throws Exception {
        ExpectedLog log = tenEntries(trial);
        SnapshotId id = StorageTrial.snapshotAt(14, 2);
        byte[] transfer = trial.transferOf(id);
        for (int at = 0; at < transfer.length; at += 1 + at / 3) {
            byte[] damaged = transfer.clone();
            damaged[at] ^= 0x40;
            expectIncomplete(trial, id, damaged, "with byte " + at + " wrong");
        }
        expectIncomplete(trial, id, new byte[0], "of which nothing is here");
        expectIncomplete(trial, id, Arrays.copyOf(transfer, transfer.length - 1), "without its last byte");
        expectIncomplete(trial, id, Arrays.copyOf(transfer, transfer.length + 1), "with a byte more");
        expectIncomplete(trial, StorageTrial.snapshotAt(15, 2), transfer, "of which 14@2 was sent");
        trial.receive(id);
        log = write(trial, log, trial.install(3, id));
        expectAgain(trial, log);
    }

    private static void expectIncomplete(StorageTrial trial, SnapshotId id, byte[] transfer, String what) {
        try (Storage.SnapshotInput input = trial.storage().receiveSnapshot(id)) {
            trial.check(input.received() == 0, input.received() + " bytes stayed of what was not complete");
            input.write(0, transfer);
            trial.check(!input.complete(), "a snapshot " + what + " is complete");
        }
    }

    private void forgotten(StorageTrial trial) throws Exception {
        ExpectedLog log = tenEntries(trial);
        SnapshotId first = StorageTrial.snapshotAt(14, 2);
        SnapshotId second = StorageTrial.snapshotAt(17, 2);
        byte[] transfer = trial.transferOf(first);
        try (Storage.SnapshotInput input = trial.storage().receiveSnapshot(first)) {
            input.write(0, Arrays.copyOf(transfer, 90));
        }
        trial.storage().receiveSnapshot(second).close();
        try (Storage.SnapshotInput input = trial.storage().receiveSnapshot(first)) {
            trial.check(input.received() == 0, input.received() + " bytes are here, though another one was begun since");
        }
        trial.receive(first);
        trial.storage().receiveSnapshot(second).close();
        log = write(trial, log, trial.install(3, first));
        expectAgain(trial, log);
    }

    // --------------------------------------------------------------------------------------------------------------- installing

    private void kept(StorageTrial trial) throws Exception {
        ExpectedLog log = tenEntries(trial);
        for (SnapshotId id : List.of(StorageTrial.snapshotAt(4, 1), StorageTrial.snapshotAt(8, 2), StorageTrial.snapshotAt(10, 2))) {
            trial.receive(id);
            log = write(trial, log, trial.install(3, id));
            expectAll(trial, log);
            expectAgain(trial, log);
        }
        trial.storage().compact(Long.MAX_VALUE);
        log = write(trial, log, trial.append(11, StorageTrial.entry(11, 3, 9)));
        expectAgain(trial, log);
    }

    private void gone(StorageTrial trial) throws Exception {
        ExpectedLog log = tenEntries(trial);
        for (SnapshotId id : List.of(StorageTrial.snapshotAt(8, 3), StorageTrial.snapshotAt(12, 3), StorageTrial.snapshotAt(13, 4))) {
            trial.receive(id);
            log = write(trial, log, trial.install(4, id));
            expectAll(trial, log);
            long next = log.nextIndex();
            log = write(trial, log, trial.write(new HardState(4, null, 0), next, StorageTrial.entries(next, next + 1, 4, 9)));
            log = id.index() == 12 ? write(trial, log, trial.write(new HardState(4, null, 0), next, List.of())) : log;
            expectAll(trial, log);
            expectAgain(trial, log);
        }
        trial.storage().compact(Long.MAX_VALUE);
        expectAgain(trial, log);
    }

    private void batch(StorageTrial trial) throws Exception {
        ExpectedLog log = tenEntries(trial);
        for (SnapshotId id : List.of(StorageTrial.snapshotAt(12, 3), StorageTrial.snapshotAt(14, 9))) {
            trial.receive(id);
            HardState state = new HardState(id.last().term(), null, 0);
            long next = log.nextIndex();
            long end = id.index() == 12 ? 14 : id.index();   // the first is held by the log when its turn comes
            log = write(trial, log, trial.write(state, next, StorageTrial.entries(next, next + 3, 3, 9)),
                trial.install(id.last().term(), id), trial.write(state, end + 1, StorageTrial.entries(end + 1, end + 2, id.last().term(),
                    9)));
            expectAll(trial, log);
            expectAgain(trial, log);
        }
    }

    private void ready(StorageTrial trial) throws Exception {
        ExpectedLog log = tenEntries(trial);
        SnapshotId id = StorageTrial.snapshotAt(14, 3);
        refusesInstall(trial, log, id, "of which nothing was received");
        try (Storage.SnapshotInput input = trial.storage().receiveSnapshot(id)) {
            input.write(0, trial.transferOf(id));
        }
        refusesInstall(trial, log, id, "that was not said to be complete");
        trial.receive(StorageTrial.snapshotAt(15, 3));
        refusesInstall(trial, log, id, "other than the one that is complete");
        trial.receive(StorageTrial.snapshotAt(6, 2));
        trial.take(StorageTrial.snapshotAt(6, 2));
        refusesInstall(trial, log.after(StorageTrial.snapshotAt(6, 2)), StorageTrial.snapshotAt(6, 2), "that is no newer");
    }

    private static void refusesInstall(StorageTrial trial, ExpectedLog log, SnapshotId id, String what) throws Exception {
        Storage.Write before = trial.append(11, StorageTrial.entry(11, 3, 9));
        trial.refuses("the installation of one " + what, () -> trial.storage().write(List.of(before, trial.install(3, id))));
        expectAgain(trial, log);
    }

    private void overtaken(StorageTrial trial) throws Exception {
        ExpectedLog log = tenEntries(trial);
        SnapshotId newer = StorageTrial.snapshotAt(9, 2);
        trial.receive(newer);
        try (Storage.SnapshotOutput output = trial.storage().beginSnapshot(StorageTrial.snapshotAt(8, 2))) {
            StorageTrial.writeState(output, StorageTrial.snapshotAt(8, 2));
            log = write(trial, log, trial.install(3, newer));
            output.commit();
        }
        trial.expectSnapshot(newer);
        expectAgain(trial, log);
    }

    private boolean crashed() throws Exception {
        try (StorageTrial trial = StorageTrial.founded(CRASH, device)) {
            ExpectedLog log = tenEntries(trial);
            SnapshotId own = StorageTrial.snapshotAt(4, 1);
            trial.take(own);
            if (!trial.crash()) {
                return false;
            }
            log = log.after(own);
            trial.expect(log);
            SnapshotId received = StorageTrial.snapshotAt(14, 3);
            trial.receive(received);
            trial.crash();
            trial.expect(log);
            byte[] transfer = trial.transferOf(received);
            try (Storage.SnapshotInput input = trial.storage().receiveSnapshot(received)) {
                trial.check(input.received() == transfer.length, "of what was complete there are " + input.received() + " bytes left");
                trial.check(input.complete(), "what was complete is no longer");
            }
            log = write(trial, log, trial.install(3, received));
            trial.crash();
            trial.expect(log);
            log = write(trial, log, trial.append(15, StorageTrial.entry(15, 3, 9)));
            trial.storage().compact(Long.MAX_VALUE);
            trial.crash();
            trial.expect(log);
            return true;
        }
    }
}
