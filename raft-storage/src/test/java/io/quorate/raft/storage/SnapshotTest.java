package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.ClusterId;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.LogView;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.storage.testing.SimulatedFiles;
import io.quorate.raft.storage.testing.SimulatedFiles.Loss;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Snapshots in files: what there is of them at each moment, and what is left of the log behind them. */
class SnapshotTest {

    private static final FileStorage.Options SMALL = Logs.TINY.withPartBytes(1 << 10).withLogTailBytes(0);

    private final SimulatedFiles files = new SimulatedFiles();
    private FileStorage storage;

    @BeforeEach
    void open() throws IOException {
        storage = Logs.start(files, SMALL);
        storage.recover();
        storage.write(List.of(Logs.append(1, 1, 60, 2, 50)));
    }

    private List<String> snapshotFiles() {
        return files.list().stream().filter(name -> name.startsWith("snapshot-")).toList();
    }

    private FileStorage restarted() throws IOException {
        return Logs.start(files.restart(Loss.LOSES_ALL, new Random(1)), SMALL);
    }

    @Test
    void theStateComesBackWhateverItsSize() throws IOException {
        Random random = new Random(3);
        int block = (1 << 10) - SnapshotManifest.BLOCK_CRC_BYTES;
        int index = 1;
        for (int size : new int[] {0, 1, block - 1, block, block + 1, 2 * block, 5 * block + 17}) {
            byte[] state = new byte[size];
            random.nextBytes(state);
            Snapshot.take(storage, Snapshot.at(index, 2), state);
            assertArrayEquals(state, Snapshot.state(storage), size + " bytes");
            FileStorage again = restarted();
            LogView log = again.recover().log();
            assertEquals(Snapshot.at(index, 2), log.snapshot());
            assertArrayEquals(state, Snapshot.state(again), size + " bytes after a restart");
            index++;
        }
        assertEquals(7, snapshotFiles().size(), "the newest only: a manifest and six parts, of which the last is not full");
    }

    @Test
    void aSnapshotThatIsGivenUpLeavesNothing() throws IOException {
        try (Storage.SnapshotOutput output = storage.beginSnapshot(Snapshot.at(5, 2))) {
            output.state().write(new byte[5000]);
            assertFalse(snapshotFiles().isEmpty());
        }
        assertEquals(List.of(), snapshotFiles());
        assertNull(storage.snapshot());
    }

    @Test
    void anOlderSnapshotStaysAsLongAsSomebodyReadsIt() throws IOException {
        byte[] first = new byte[4000];
        Arrays.fill(first, (byte) 1);
        Snapshot.take(storage, Snapshot.at(5, 2), first);
        Storage.StoredSnapshot reader = Snapshot.open(storage);
        Storage.StoredSnapshot other = Snapshot.open(storage);
        InputStream stream = reader.state();
        stream.readNBytes(10);
        Snapshot.take(storage, Snapshot.at(6, 2), new byte[] {2});
        assertArrayEquals(new byte[] {2}, Snapshot.state(storage));
        other.close();
        other.close();
        assertEquals(3990, stream.readAllBytes().length);
        assertArrayEquals(Snapshot.transfer(reader), Snapshot.transfer(reader));
        assertTrue(snapshotFiles().size() > 2);
        InputStream unfinished = reader.state();
        unfinished.readNBytes(10);
        reader.close();
        assertEquals(2, snapshotFiles().size());
        assertThrows(StorageException.class, () -> reader.read(0, 1));
        assertThrows(IOException.class, unfinished::read, "what is closed has not come to its end");
        assertThrows(IOException.class, () -> unfinished.read(new byte[10]));
    }

    @Test
    void aSnapshotThatIsOvertakenByAnInstalledOneIsNotKept() throws IOException {
        Storage.SnapshotOutput slow = storage.beginSnapshot(Snapshot.at(5, 2));
        slow.state().write(new byte[5000]);
        Snapshot.receive(storage, Snapshot.at(70, 3), new byte[] {7});
        storage.write(List.of(Snapshot.install(2, Snapshot.at(70, 3))));
        slow.commit();
        slow.close();
        assertArrayEquals(new byte[] {7}, Snapshot.state(storage));
        assertEquals(2, snapshotFiles().size());
    }

    @Test
    void compactingDropsWholeSegmentsBehindTheSnapshotAndTheirPlacesFromMemory() throws IOException {
        storage.write(List.of(Logs.append(2, 61, 100, 2, 50)));
        int before = segments().size();
        Snapshot.compact(storage, Long.MAX_VALUE);
        assertEquals(before, segments().size(), "without a snapshot everything stays");
        for (int i = 0; i < 30; i++) {
            storage.write(List.of(Logs.append(3 + i, 101 + 5 * i, 105 + 5 * i, 2, 50)));
        }
        long all = storage.logBytes();
        Snapshot.take(storage, Snapshot.at(200, 2), new byte[9]);
        assertTrue(storage.logBytes() < all / 3 && storage.logBytes() > 50 * 86, "" + storage.logBytes());
        Snapshot.compact(storage, Long.MAX_VALUE);
        long first = storage.firstIndex();
        assertTrue(first > 190 && first <= 201, "" + first);
        assertEquals(List.of(), storage.read(first - 1, 250, 1000));
        assertEquals(Logs.entries(first, 250, 2, 50), storage.read(first, 250, Integer.MAX_VALUE));
        assertEquals(segments().get(0), SegmentHeader.fileName(SegmentHeader.idOf(segments().get(0))));
        FileStorage again = restarted();
        LogView log = again.recover().log();
        assertEquals("(0@0) 1@2 ..250", log.terms().toString());
        assertEquals(first, again.firstIndex());
        assertEquals(Logs.entries(first, 250, 2, 50), again.read(first, 250, Integer.MAX_VALUE));
    }

    /** A log may have hundreds of segments, and each takes the disk some time: a write waits for one of them at most. */
    @Test
    void compactingDeletesNoFileItselfAndMaintainingOneAtATimeTheOldestFirst() throws IOException {
        for (int i = 0; i < 30; i++) {
            storage.write(List.of(Logs.append(2 + i, 61 + 5 * i, 65 + 5 * i, 2, 50)));
        }
        Snapshot.take(storage, Snapshot.at(200, 2), new byte[9]);
        List<String> all = segments();
        storage.compact(Long.MAX_VALUE);
        assertEquals(all, segments());
        assertTrue(storage.firstIndex() > 190, "" + storage.firstIndex());
        int deleted = 0;
        while (storage.maintain()) {
            int now = all.size() - segments().size();
            assertTrue(now == deleted || now == deleted + 1, deleted + " were deleted, now " + now);
            deleted = now;
            assertEquals(all.subList(deleted, all.size()), segments());
        }
        assertTrue(deleted > 10, "" + deleted);
    }

    @Test
    void aTailStaysBehindTheSnapshotAndMoreOfItForAReplicaThatIsBeingHelped() throws IOException {
        storage.close();
        FileStorage.Options options = SMALL.withLogTailBytes(2000);
        storage = FileStorage.open(files, 1, options);
        storage.recover();
        for (int i = 0; i < 60; i++) {
            storage.write(List.of(Logs.append(2 + i, 61 + 5 * i, 65 + 5 * i, 2, 50)));
        }
        Snapshot.take(storage, Snapshot.at(360, 2), new byte[9]);
        Snapshot.compact(storage, 1);
        long helped = storage.firstIndex();
        Snapshot.compact(storage, helped + 20);
        assertTrue(storage.firstIndex() <= helped + 20);
        Snapshot.compact(storage, Long.MAX_VALUE);
        long first = storage.firstIndex();
        long kept = bytes(first);
        assertTrue(kept >= 1500 && kept <= 2000 + 1024, "kept " + kept);
        assertTrue(bytes(helped) >= 7000 && bytes(helped) <= 8000 + 1024, "kept " + bytes(helped));
    }

    /** Five entries stand in a frame, and that with an empty one in a segment. */
    private static long bytes(long first) {
        return (361 - first) / 5 * (SegmentHeader.BYTES + 2 * FrameHeader.BYTES + 5 * Logs.entry(1, 2, 50).size());
    }

    private List<String> segments() {
        return files.list().stream().filter(name -> SegmentHeader.idOf(name) != 0).toList();
    }

    @Test
    void installingKeepsTheSuffixOnlyOfTheSameHistory() throws IOException {
        for (long term : new long[] {2, 3}) {
            SnapshotId id = Snapshot.at(40, term);
            SimulatedFiles disk = files.copy();
            FileStorage replica = Logs.start(disk, SMALL);
            replica.recover();
            Snapshot.receive(replica, id, new byte[3000]);
            replica.write(List.of(Snapshot.install(1, id)));
            assertEquals(term == 2 ? Logs.entries(41, 60, 2, 50) : List.of(), replica.read(41, 60, Integer.MAX_VALUE));
            assertEquals(term == 2 ? Logs.entries(1, 40, 2, 50) : List.of(), replica.read(1, 40, Integer.MAX_VALUE));
            long next = term == 2 ? 61 : 41;
            replica.write(List.of(Logs.append(2, next, next + 3, 9, 9)));
            FileStorage again = Logs.start(disk.restart(Loss.LOSES_ALL, new Random(1)), SMALL);
            LogView log = again.recover().log();
            assertEquals(id, log.snapshot());
            assertEquals(term == 2 ? "(0@0) 1@2 61@9 ..64" : "(40@3) 41@9 ..44", log.terms().toString());
            assertEquals(term == 2 ? 1 : 41, again.firstIndex());
        }
    }

    @Test
    void entriesMayStandInTheBatchThatInstallsBeforeItAndBehindIt() throws IOException {
        SnapshotId id = Snapshot.at(70, 3);
        Snapshot.receive(storage, id, new byte[10]);
        storage.write(List.of(Logs.append(2, 61, 62, 2, 50), Snapshot.install(3, id), Logs.append(4, 71, 72, 9, 5)));
        LogView log = restarted().recover().log();
        assertEquals("(70@3) 71@9 ..72", log.terms().toString());
        assertEquals(Logs.entries(71, 72, 9, 5), log.tail());
    }

    @Test
    void whatIsInstalledMustBeCompleteAndNewerAndNothingOfABadBatchIsKept() throws IOException {
        SnapshotId id = Snapshot.at(70, 3);
        assertRefused(List.of(Snapshot.install(2, id)));
        Storage.SnapshotInput input = storage.receiveSnapshot(id);
        input.write(0, new byte[3]);
        assertRefused(List.of(Snapshot.install(2, id)));
        Snapshot.receive(storage, id, new byte[3]);
        assertRefused(List.of(Logs.append(2, 61, 61, 2, 5), Snapshot.install(3, Snapshot.at(71, 3))));
        Snapshot.receive(storage, id, new byte[3]);
        assertRefused(List.of(Snapshot.install(2, id), Snapshot.install(3, id)));
        Snapshot.receive(storage, Snapshot.at(50, 2), new byte[3]);
        Snapshot.take(storage, Snapshot.at(50, 2), new byte[3]);
        assertRefused(List.of(Snapshot.install(2, Snapshot.at(50, 2))));
        assertRefused(List.of(Logs.append(2, 61, 61, 2, 5), Logs.append(3, 50, 50, 3, 5)));
    }

    private void assertRefused(List<Storage.Write> batch) throws IOException {
        assertThrows(RuntimeException.class, () -> storage.write(batch));
        storage.close();
        storage = FileStorage.open(files, 1, SMALL);
        assertEquals(60, storage.recover().log().terms().lastIndex());
    }

    @Test
    void whatWasReceivedIsGoneOnWithFromTheByteOrAfterARestartFromThePart() throws IOException {
        SnapshotId id = Snapshot.at(70, 3);
        byte[] state = new byte[5000];
        new Random(1).nextBytes(state);
        byte[] transfer = Snapshot.transferOf(id, state);
        int manifestBytes = transfer.length - 5000 - 5 * SnapshotManifest.BLOCK_CRC_BYTES;
        Storage.SnapshotInput input = storage.receiveSnapshot(id);
        input.write(0, Arrays.copyOf(transfer, 7));
        input.write(7, Arrays.copyOfRange(transfer, 7, manifestBytes + 2 * 1024 + 100));
        input.close();
        assertEquals(manifestBytes + 2 * 1024 + 100, storage.receiveSnapshot(id).received());

        FileStorage again = restarted();
        again.recover();
        Storage.SnapshotInput more = again.receiveSnapshot(id);
        long at = more.received();
        assertEquals(manifestBytes + 2 * 1024, at);
        assertThrows(IllegalArgumentException.class, () -> more.write(at - 1, new byte[1]));
        more.write(at, Arrays.copyOfRange(transfer, (int) at, transfer.length));
        assertTrue(more.complete());
        again.write(List.of(Snapshot.install(1, id)));
        assertArrayEquals(state, Snapshot.state(again));
        assertArrayEquals(transfer, Snapshot.transfer(Snapshot.open(again)));
    }

    /** Otherwise what is left of the one would be deleted, and the other with it. */
    @Test
    void aSnapshotsNumberIsUsedOnce() throws IOException {
        SnapshotId id = Snapshot.at(50, 2);
        Storage.SnapshotInput input = storage.receiveSnapshot(id);
        input.write(0, Arrays.copyOf(Snapshot.transferOf(id, new byte[5000]), 3000));
        input.close();
        FileStorage again = restarted();
        again.recover();
        Snapshot.take(again, id, new byte[4000]);
        assertArrayEquals(new byte[4000], Snapshot.state(again));
    }

    @Test
    void whoReceivedASnapshotHasNoMoreToDoWithItWhenItIsInstalled() throws IOException {
        SnapshotId id = Snapshot.at(70, 3);
        Snapshot.receive(storage, id, new byte[3000]);
        Storage.SnapshotInput input = storage.receiveSnapshot(id);
        storage.write(List.of(Snapshot.install(2, id)));
        assertThrows(StorageException.class, input::complete);
        input.close();
        Snapshot.receive(storage, Snapshot.at(80, 3), new byte[3]);
        assertArrayEquals(new byte[3000], Snapshot.state(storage));
    }

    @Test
    void whatIsCompleteIsSoAfterARestartToo() throws IOException {
        SnapshotId id = Snapshot.at(70, 3);
        Snapshot.receive(storage, id, new byte[3000]);
        assertNull(storage.snapshot());
        FileStorage again = restarted();
        again.recover();
        Storage.SnapshotInput input = again.receiveSnapshot(id);
        assertEquals(Snapshot.transferOf(id, new byte[3000]).length, input.received());
        assertTrue(input.complete());
        again.write(List.of(Snapshot.install(1, id)));
        assertArrayEquals(new byte[3000], Snapshot.state(again));
    }

    @Test
    void aCrashWhileOneIsInstalledAndTheNextIsBeingReceivedLosesNeither() throws IOException {
        SnapshotId installed = Snapshot.at(70, 3);
        SnapshotId next = Snapshot.at(80, 3);
        byte[] transfer = Snapshot.transferOf(next, new byte[3000]);
        int wentOn = 0;
        for (int operation = 1; operation <= 6; operation++) {
            SimulatedFiles disk = files.copy();
            FileStorage replica = Logs.start(disk, SMALL);
            replica.recover();
            Snapshot.receive(replica, installed, new byte[3000]);
            replica.receiveSnapshot(next).write(0, Arrays.copyOf(transfer, 2500));
            disk.dieAt(operation);
            try {
                replica.write(List.of(Snapshot.install(1, installed)));
            } catch (StorageException e) {
                wentOn++;
            }
            FileStorage again = Logs.start(disk.restart(Loss.KEEPS_ALL, new Random(1)), SMALL);
            LogView log = again.recover().log();
            assertEquals(log.terms().lastIndex() == 70 ? installed.index() : 0, log.snapshot().index(), "operation " + operation);
            assertTrue(again.receiveSnapshot(next).received() > 1024, "operation " + operation);
        }
        assertTrue(wentOn > 3, "it was installed after " + wentOn + " operations already");
    }

    /** Nobody needs it, unless a crash came while it was installed: then it is what the log stands on. */
    @Test
    void aReceivedManifestThatCannotBeReadIsDroppedIfTheLogDoesNotStandOnIt() throws IOException {
        SnapshotId id = Snapshot.at(70, 3);
        int dropped = 0;
        int refused = 0;
        for (int operation = 1; operation <= 4; operation++) {
            SimulatedFiles disk = files.copy();
            FileStorage replica = Logs.start(disk, SMALL);
            replica.recover();
            Snapshot.receive(replica, id, new byte[3000]);
            disk.dieAt(operation);
            assertThrows(StorageException.class, () -> replica.write(List.of(Snapshot.install(1, id))));
            SimulatedFiles left = disk.restart(Loss.LOSES_ALL, new Random(1));
            boolean standsOnIt = Logs.start(left.copy(), SMALL).recover().log().terms().lastIndex() == 70;
            List<String> received = left.list().stream().filter(name -> name.endsWith(".received")).toList();
            assertEquals(1, received.size());
            left.makeUnreadable(received.get(0), 0, 1);
            FileStorage again = Logs.start(left, SMALL);
            if (standsOnIt) {
                StorageException refusal = assertThrows(StorageException.class, again::recover);
                assertTrue(String.valueOf(refusal.getMessage()).startsWith("Damage in /simulated/" + received.get(0) + " at offset 0: it"
                    + " cannot be read"), refusal::getMessage);
                assertTrue(left.list().containsAll(received));
                refused++;
            } else {
                assertEquals(60, again.recover().log().terms().lastIndex());
                assertEquals(0, again.receiveSnapshot(id).received());
                dropped++;
            }
        }
        assertTrue(dropped > 0 && refused > 0, dropped + " dropped, " + refused + " refused");
    }

    @Test
    void whatIsBeingReceivedGoesWhenANewerOneIsThere() throws IOException {
        SnapshotId old = Snapshot.at(50, 2);
        byte[] transfer = Snapshot.transferOf(old, new byte[5000]);
        for (int length : new int[] {3, 2000, 3000, transfer.length}) {
            SimulatedFiles disk = files.copy();
            FileStorage replica = Logs.start(disk, SMALL);
            replica.recover();
            List<String> held = disk.held();
            Storage.SnapshotInput input = replica.receiveSnapshot(old);
            input.write(0, Arrays.copyOf(transfer, length));
            Snapshot.take(replica, Snapshot.at(55, 2), new byte[10]);
            assertEquals(2, disk.list().stream().filter(name -> name.startsWith("snapshot-")).count(), length + " bytes: " + disk.list());
            assertEquals(held, disk.held(), length + " bytes");
            assertThrows(StorageException.class, () -> input.write(length, new byte[1]));
            assertThrows(StorageException.class, input::complete);
        }
    }

    @Test
    void whatWasReceivedWithAnyByteWrongIsNotCompleteAndNothingOfItStays() throws IOException {
        SnapshotId id = Snapshot.at(70, 3);
        byte[] transfer = Snapshot.transferOf(id, new byte[1500]);
        for (int at = 0; at < transfer.length; at += 1 + at / 200) {
            byte[] damaged = transfer.clone();
            damaged[at] ^= 4;
            Storage.SnapshotInput input = storage.receiveSnapshot(id);
            input.write(0, damaged);
            assertFalse(input.complete(), "byte " + at);
            assertEquals(List.of(), snapshotFiles(), "byte " + at);
        }
        for (int length : new int[] {0, 5, 100, transfer.length - 1}) {
            Storage.SnapshotInput input = storage.receiveSnapshot(id);
            input.write(0, Arrays.copyOf(transfer, length));
            assertFalse(input.complete(), length + " bytes");
        }
        Storage.SnapshotInput longer = storage.receiveSnapshot(id);
        longer.write(0, Arrays.copyOf(transfer, transfer.length + 1));
        assertFalse(longer.complete());
        Storage.SnapshotInput other = storage.receiveSnapshot(Snapshot.at(71, 3));
        other.write(0, transfer);
        assertFalse(other.complete(), "it is another one");
        assertEquals(List.of(), snapshotFiles());
    }

    @Test
    void damageToAStoredSnapshotIsNamedByFileAndOffsetBeforeAnyWrongByteIsGivenAway() throws IOException {
        byte[] state = new byte[3000];
        new Random(1).nextBytes(state);
        Snapshot.take(storage, Snapshot.at(50, 2), state);
        String part = snapshotFiles().stream().filter(name -> name.endsWith("-00000001.part")).findFirst().orElseThrow();
        byte[] bytes = files.bytes(part).clone();
        bytes[700] ^= 1;
        files.put(part, bytes);
        try (Storage.StoredSnapshot stored = Snapshot.open(storage)) {
            InputStream in = stored.state();
            assertArrayEquals(Arrays.copyOf(state, 1020), in.readNBytes(1020));
            StorageCorruptException refusal = assertThrows(StorageCorruptException.class, in::read);
            assertEquals("/simulated/" + part, refusal.file());
            assertEquals(0, refusal.offset());
            assertThrows(StorageCorruptException.class, () -> Snapshot.transfer(stored));
        }
        files.put(part, Arrays.copyOf(bytes, 900));
        assertEquals(900, assertThrows(StorageCorruptException.class, () -> Snapshot.state(storage)).offset());
        files.remove(part);
        String missing = String.valueOf(assertThrows(StorageCorruptException.class, () -> Snapshot.state(storage)).getMessage());
        assertTrue(missing.contains("missing"), missing);
    }

    @Test
    void aBlockOfAnotherPlaceOrAnotherSnapshotIsDamage() throws IOException {
        Snapshot.take(storage, Snapshot.at(50, 2), new byte[3000]);
        String first = snapshotFiles().get(0);
        String second = snapshotFiles().get(1);
        byte[] kept = files.bytes(second).clone();
        files.put(second, files.bytes(first));
        assertThrows(StorageCorruptException.class, () -> Snapshot.state(storage));
        files.put(second, kept);
        Snapshot.state(storage);
    }

    @Test
    void aPartOfAnotherSnapshotOfTheSameEntryIsDamage() throws IOException {
        SimulatedFiles disk = files.copy();
        FileStorage other = Logs.start(disk, SMALL);
        other.recover();
        byte[] ones = new byte[3000];
        Arrays.fill(ones, (byte) 1);
        Snapshot.take(storage, Snapshot.at(50, 2), new byte[3000]);
        Snapshot.take(other, Snapshot.at(50, 2), ones);
        String part = snapshotFiles().get(1);
        files.put(part, disk.bytes(part));   // each block of it is whole, and in its place
        assertEquals("/simulated/" + part, assertThrows(StorageCorruptException.class, () -> Snapshot.state(storage)).file());
        byte[] mixed = Snapshot.transfer(Snapshot.open(storage));
        SimulatedFiles third = new SimulatedFiles();
        FileStorage receiver = Logs.start(third, SMALL);
        receiver.recover();
        Storage.SnapshotInput input = receiver.receiveSnapshot(Snapshot.at(50, 2));
        input.write(0, mixed);
        assertFalse(input.complete());
    }

    @Test
    void aReadThatMeetsACompactionGivesWhatItHasOrNothing() throws IOException {
        for (int i = 0; i < 30; i++) {
            storage.write(List.of(Logs.append(3 + i, 61 + 5 * i, 65 + 5 * i, 2, 50)));
        }
        Snapshot.take(storage, Snapshot.at(200, 2), new byte[9]);
        storage.read(61, 61, 1);        // so that the next one knows where it is, and needs not read that first
        files.afterRead(() -> Snapshot.compact(storage, Long.MAX_VALUE));
        List<Entry> read = storage.read(61, 210, Integer.MAX_VALUE);
        assertTrue(!read.isEmpty() && read.size() < 140, "" + read.size());
        assertEquals(Logs.entries(61, 60 + read.size(), 2, 50), read);
        assertEquals(List.of(), storage.read(61, 210, Integer.MAX_VALUE));
    }

    @Test
    void aReadThatMeetsACompactionBeforeItKnowsWhereItIsGivesNothing() throws IOException {
        for (int i = 0; i < 30; i++) {
            storage.write(List.of(Logs.append(3 + i, 61 + 5 * i, 65 + 5 * i, 2, 50)));
        }
        Snapshot.take(storage, Snapshot.at(200, 2), new byte[9]);
        files.afterRead(() -> Snapshot.compact(storage, Long.MAX_VALUE));
        assertEquals(List.of(), storage.read(61, 210, Integer.MAX_VALUE));
        assertTrue(storage.firstIndex() > 61);
    }

    @Test
    void aSegmentThatIsGoneThoughItsEntriesAreWantedIsDamage() throws IOException {
        String holding = segments().get(1);
        files.remove(holding);
        StorageCorruptException refusal = assertThrows(StorageCorruptException.class, () -> storage.read(1, 60, Integer.MAX_VALUE));
        assertEquals("/simulated/" + holding, refusal.file());
    }

    @Test
    void aDamagedManifestIsRefusedAtOpening() throws IOException {
        Snapshot.take(storage, Snapshot.at(50, 2), new byte[3000]);
        String manifest = snapshotFiles().stream().filter(name -> name.endsWith(".manifest")).findFirst().orElseThrow();
        byte[] bytes = files.bytes(manifest).clone();
        bytes[30] ^= 1;
        files.put(manifest, bytes);
        FileStorage again = restarted();
        assertEquals("/simulated/" + manifest, assertThrows(StorageCorruptException.class, again::recover).file());
    }

    @Test
    void aManifestOfANewerVersionIsNotTakenForDamage() throws IOException {
        Snapshot.take(storage, Snapshot.at(50, 2), new byte[1500]);
        String manifest = snapshotFiles().stream().filter(name -> name.endsWith(".manifest")).findFirst().orElseThrow();
        byte[] bytes = files.bytes(manifest).clone();
        bytes[7] = 2;
        int end = bytes.length - 4;
        int seal = new Crc(storage.identity().replica().incarnation()).add(bytes, 0, end).value();
        ByteBuffer.wrap(bytes).putInt(end, seal);
        files.put(manifest, bytes);
        FileStorage again = restarted();
        StorageException refusal = assertThrows(StorageException.class, again::recover);
        assertEquals(StorageException.class, refusal.getClass(), refusal::toString);
        assertTrue(String.valueOf(refusal.getMessage()).contains("has format version 2, and this version of Quorate reads up to 1"),
            refusal::getMessage);
    }

    @Test
    void aSnapshotThatSomebodyCopiedIntoTheDirectoryIsRefusedAndNotTakenForTheReplicasOwn() throws IOException {
        SimulatedFiles disk = new SimulatedFiles();
        FileStorage other = Logs.start(disk, SMALL);
        other.recover();
        Snapshot.take(other, Snapshot.at(500, 7), new byte[10]);
        disk.list().stream().filter(name -> name.startsWith("snapshot-")).forEach(name -> files.put(name, disk.bytes(name)));
        FileStorage again = restarted();
        assertTrue(String.valueOf(assertThrows(StorageCorruptException.class, again::recover).getMessage()).contains("another directory"));
    }

    @Test
    void aSnapshotMayBeRestoredInAnotherGroup() throws IOException {
        SnapshotId id = Snapshot.at(70, 3);
        SimulatedFiles disk = new SimulatedFiles();
        FileStorage blank = FileStorage.open(disk, 1, SMALL);
        blank.found(new FoundingRecord(new ClusterId(77, 77), 0, id.membership()));
        blank.recover();
        Snapshot.receive(blank, id, new byte[3000]);
        blank.write(List.of(Snapshot.install(1, id), Logs.append(2, 71, 71, 9, 5)));
        FileStorage again = Logs.start(disk.restart(Loss.LOSES_ALL, new Random(1)), SMALL);
        assertEquals("(70@3) 71@9 ..71", again.recover().log().terms().toString());
        assertArrayEquals(new byte[3000], Snapshot.state(again));
    }

    @Test
    void aLogWhoseSnapshotIsGoneIsRefused() throws IOException {
        storage.write(List.of(Logs.append(2, 61, 100, 2, 50)));
        Snapshot.take(storage, Snapshot.at(90, 2), new byte[3000]);
        Snapshot.compact(storage, Long.MAX_VALUE);
        assertTrue(storage.firstIndex() > 1);
        snapshotFiles().forEach(files::remove);
        FileStorage again = restarted();
        StorageCorruptException refusal = assertThrows(StorageCorruptException.class, again::recover);
        assertTrue(String.valueOf(refusal.getMessage()).contains("a snapshot of what it held"), refusal::getMessage);
    }

    @Test
    void aFailureWhileTakingOrReceivingLeavesTheStorageUsable() throws IOException {
        SnapshotId own = Snapshot.at(50, 2);
        SnapshotId other = Snapshot.at(70, 3);
        byte[] transfer = Snapshot.transferOf(other, new byte[3000]);
        List<String> held = files.held();
        for (int operation = 1; operation < 9; operation++) {
            files.failOnceAt(operation);
            assertThrows(IOException.class, () -> takeAsIo(own));
            files.failOnceAt(operation);
            Storage.SnapshotInput input = storage.receiveSnapshot(other);
            assertThrows(StorageException.class, () -> input.write(0, transfer));
            assertThrows(StorageException.class, input::complete);
            assertEquals(List.of(), snapshotFiles(), "operation " + operation);
            assertEquals(held, files.held(), "operation " + operation);
            assertNull(storage.snapshot());
        }
        Snapshot.take(storage, own, new byte[3000]);
        storage.write(List.of(Logs.append(2, 61, 61, 2, 5)));
        assertEquals(own, restarted().recover().log().snapshot());
    }

    private void takeAsIo(SnapshotId id) throws IOException {
        try {
            Snapshot.take(storage, id, new byte[3000]);
        } catch (StorageException e) {
            throw new IOException(e);
        }
    }

    @Test
    void onlyAsManyTermsAreKeptAsAManifestHolds() throws IOException {
        int terms = SnapshotManifest.TERMS_MAX + 50;
        long id = 2;
        for (int i = 0; i < terms; i++) {
            storage.write(List.of(new Storage.Write(id++, new HardState(3 + i, null, 0), 61 + i, Logs.entries(61 + i, 61 + i, 3 + i, 1))));
        }
        Snapshot.take(storage, Snapshot.at(60 + terms, 2 + terms), new byte[1]);
        Snapshot.compact(storage, Long.MAX_VALUE);
        LogView log = restarted().recover().log();
        assertEquals(SnapshotManifest.TERMS_MAX, log.terms().starts().size());
        assertEquals(60 + terms, log.terms().lastIndex());
        assertEquals(111, log.terms().base().index());
    }

    @Test
    void aReplicaWithoutEntriesMayBeGivenAStateToBeginWith() throws IOException {
        SimulatedFiles disk = new SimulatedFiles();
        FileStorage blank = Logs.start(disk, SMALL);
        blank.recover();
        Snapshot.take(blank, Snapshot.at(70, 6), new byte[] {5});
        blank.close();
        FileStorage again = Logs.start(disk, SMALL);
        Storage.Recovered recovered = again.recover();
        assertEquals("(70@6) ..70", recovered.log().terms().toString());
        assertEquals(6, recovered.hardState().term());
        again.write(List.of(Logs.append(1, 71, 72, 6, 5)));
        FileStorage third = Logs.start(disk.restart(Loss.LOSES_ALL, new Random(1)), SMALL);
        assertEquals("(70@6) ..72", third.recover().log().terms().toString());
        assertArrayEquals(new byte[] {5}, Snapshot.state(third));
    }
}
