package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Identity;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.InvariantViolation;
import io.quorate.raft.core.ReplicaId;
import java.io.ByteArrayOutputStream;
import io.quorate.raft.storage.testing.SimulatedFiles;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The storage on real files. */
class FileStorageTest {

    private static final FileStorage.Options SMALL = Logs.TINY.withSegmentBytes(8 << 10);

    @TempDir
    private Path parent;

    private Path directory() {
        return parent.resolve("a/data");
    }

    private FileStorage founded() {
        FileStorage storage = FileStorage.open(directory(), 1, SMALL);
        storage.found(Logs.founding(storage));
        storage.recover();
        return storage;
    }

    private static void write(FileStorage storage, Storage.Write... batch) {
        storage.write(List.of(batch));
    }

    private static String messageOf(Throwable thrown) {
        return String.valueOf(thrown.getMessage());
    }

    @Test
    void whatWasWrittenIsFoundAgain() {
        FileStorage storage = founded();
        List<Entry> entries = Logs.entries(1, 200, 3, 100);
        HardState hardState = new HardState(3, Logs.OTHER, 150);
        for (int i = 0; i < 200; i += 10) {
            write(storage, new Storage.Write(1 + i, hardState, 1 + i, entries.subList(i, i + 10)));
        }
        assertEquals(entries, storage.read(1, 200, Integer.MAX_VALUE));
        storage.close();

        FileStorage again = FileStorage.open(directory(), 1, SMALL.withTailBytesMax(1000));
        Storage.Recovered recovered = again.recover();
        assertEquals(hardState, recovered.hardState());
        assertEquals(new EntryId(3, 200), recovered.log().terms().last());
        assertEquals(EntryId.ZERO, recovered.log().snapshot().last());
        assertEquals(Logs.founding(again).membership(), recovered.log().snapshot().membership());
        assertEquals(entries.subList(194, 200), recovered.log().tail());
        assertEquals(entries, again.read(1, 200, Integer.MAX_VALUE));
        again.close();
        assertTrue(segments().size() > 3, "rolled over " + segments());
    }

    private List<String> segments() {
        try (var files = Files.list(directory())) {
            return files.map(file -> file.getFileName().toString()).filter(name -> name.startsWith("log-")).sorted().toList();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aNewDirectoryDrawsAnIncarnationAndCountsItsOpenings() {
        FileStorage storage = FileStorage.open(directory(), 4, SMALL);
        Identity first = storage.identity();
        assertTrue(first.isBlank());
        assertEquals(4, first.replica().nodeId());
        assertEquals(1, first.boot());
        storage.close();
        FileStorage again = FileStorage.open(directory(), 4, SMALL);
        assertEquals(new Identity(first.replica(), 2, null), again.identity());
        again.close();
        FileStorage elsewhere = FileStorage.open(parent.resolve("b"), 4, SMALL);
        assertNotEquals(first.replica(), elsewhere.identity().replica());
        elsewhere.close();
    }

    @Test
    void theFoundingRecordIsKeptAndThereIsOnlyOne() {
        FileStorage storage = FileStorage.open(directory(), 1, SMALL);
        FoundingRecord record = Logs.founding(storage);
        storage.found(record);
        assertEquals(record, storage.identity().founding());
        assertTrue(messageOf(assertThrows(IllegalStateException.class, () -> storage.found(record))).contains("founded before"));
        storage.close();
        FileStorage again = FileStorage.open(directory(), 1, SMALL);
        assertEquals(record, again.identity().founding());
        again.close();
    }

    @Test
    void aBlankDirectoryHasNothingToRecover() {
        FileStorage storage = FileStorage.open(directory(), 1, SMALL);
        assertTrue(messageOf(assertThrows(IllegalStateException.class, storage::recover)).contains("found it first"));
        assertFalse(storage.maintain());
        storage.close();
    }

    @Test
    void nothingIsReadOrWrittenBeforeRecovery() {
        FileStorage storage = FileStorage.open(directory(), 1, SMALL);
        storage.found(Logs.founding(storage));
        assertThrows(IllegalStateException.class, () -> write(storage, Logs.append(1, 1, 1, 1, 1)));
        assertThrows(IllegalStateException.class, () -> storage.read(1, 1, 1));
        storage.recover();
        assertTrue(messageOf(assertThrows(IllegalStateException.class, storage::recover)).contains("once"));
        storage.close();
    }

    @Test
    void aFrameLargerThanASegmentGetsASegmentOfItsOwn() throws IOException {
        FileStorage storage = founded();
        write(storage, Logs.append(1, 1, 3, 1, 100));
        write(storage, Logs.append(2, 4, 6, 1, 3_000_000));
        write(storage, Logs.append(3, 7, 9, 1, 100));
        assertEquals(Logs.entry(5, 1, 3_000_000), storage.read(5, 5, 1).get(0));
        assertTrue(Files.size(directory().resolve(SegmentHeader.fileName(2))) > 9_000_000);
        assertEquals(8 << 10, Files.size(directory().resolve(SegmentHeader.fileName(3))));
        storage.close();
        FileStorage again = FileStorage.open(directory(), 1, SMALL);
        assertEquals(9, again.recover().log().terms().lastIndex());
        assertEquals(Logs.entries(3, 7, 1, 100).get(0), again.read(3, 7, 1 << 24).get(0));
        assertEquals(5, again.read(3, 7, 1 << 24).size());
        again.close();
    }

    @Test
    void aReadStopsBeforeItsBytesButGivesTheFirstEntry() {
        FileStorage storage = founded();
        write(storage, Logs.append(1, 1, 5, 1, 64));
        assertEquals(1, storage.read(2, 5, 0).size());
        assertEquals(1, storage.read(2, 5, 199).size());
        assertEquals(2, storage.read(2, 5, 200).size());
        assertEquals(4, storage.read(2, 99, 1000).size());
        assertEquals(List.of(), storage.read(6, 99, 1000));
        assertThrows(IllegalArgumentException.class, () -> storage.read(0, 5, 1000));
        assertThrows(IllegalArgumentException.class, () -> storage.read(3, 2, 1000));
        storage.close();
    }

    @Test
    void aBatchOfManyWritesIsOneWriteToDiskAndOneForce() throws IOException {
        SimulatedFiles files = new SimulatedFiles();
        try (FileStorage storage = Logs.start(files, FileStorage.Options.defaults().withSegmentBytes(64 << 10))) {
            storage.recover();
            storage.write(List.of(Logs.append(1, 1, 1, 3, 100)));     // its term is new, and so brings an empty frame
            int operations = files.operations();
            int forces = files.forces();
            List<Storage.Write> batch = new ArrayList<>();
            for (int id = 2; id <= 50; id++) {
                batch.add(Logs.append(id, id, id, 3, 100));
            }
            storage.write(batch);
            assertEquals(operations + 2, files.operations());
            assertEquals(forces + 1, files.forces());
        }
    }

    @Test
    void mergedWritesLeaveNoGapAndNothingReplaced() {
        FileStorage storage = founded();
        HardState two = new HardState(2, null, 0);
        HardState three = new HardState(3, Logs.OTHER, 1);
        write(storage, Logs.append(1, 1, 9, 1, 10));
        write(storage, new Storage.Write(2, two, 8, Logs.entries(8, 9, 2, 10)), new Storage.Write(3, two, 6, Logs.entries(6, 6, 2, 10)));
        assertEquals(ids("1@1 2@1 3@1 4@1 5@1 6@2"), ids(storage));
        write(storage, new Storage.Write(4, two, 5, Logs.entries(5, 8, 2, 10)), new Storage.Write(5, three, 7, Logs.entries(7, 7, 3, 10)),
            new Storage.Write(6, three, 8, List.of()), new Storage.Write(7, three, 8, Logs.entries(8, 8, 3, 10)));
        assertEquals(ids("1@1 2@1 3@1 4@1 5@2 6@2 7@3 8@3"), ids(storage));
        storage.close();
        FileStorage again = FileStorage.open(directory(), 1, SMALL);
        assertEquals(three, again.recover().hardState());
        assertEquals(ids("1@1 2@1 3@1 4@1 5@2 6@2 7@3 8@3"), ids(again));
        again.close();
    }

    private static List<String> ids(String text) {
        return List.of(text.split(" "));
    }

    private static List<String> ids(FileStorage storage) {
        return storage.read(1, 1000, 1 << 20).stream().map(entry -> entry.id().toString()).toList();
    }

    @Test
    void aCommitIndexIsFoundAgainAtItsHighestButNotBehindTheLog() {
        FileStorage storage = founded();
        write(storage, new Storage.Write(1, new HardState(1, null, 3), 1, Logs.entries(1, 3, 1, 10)));
        write(storage, new Storage.Write(2, new HardState(1, null, 2), 4, Logs.entries(4, 4, 1, 10)));
        storage.close();
        FileStorage again = FileStorage.open(directory(), 1, SMALL);
        assertEquals(3, again.recover().hardState().commitIndex());
        write(again, new Storage.Write(3, new HardState(1, null, 3), 2, List.of()));
        again.close();
        FileStorage last = FileStorage.open(directory(), 1, SMALL);
        assertEquals(1, last.recover().hardState().commitIndex());
        last.close();
    }

    @Test
    void aWriteBehindAGapIsRefused() {
        FileStorage storage = founded();
        assertTrue(messageOf(assertThrows(InvariantViolation.class, () -> write(storage, Logs.append(1, 2, 2, 1, 10))))
            .contains("begins at 2"));
        assertTrue(messageOf(assertThrows(StorageException.class, () -> write(storage, Logs.append(1, 1, 1, 1, 10))))
            .contains("has failed before"));
        storage.close();
    }

    @Test
    void aTermOrAVoteIsNeverTakenBack() {
        FileStorage storage = founded();
        write(storage, new Storage.Write(1, new HardState(5, Logs.OTHER, 0), 1, List.of()));
        assertThrows(InvariantViolation.class, () -> write(storage, new Storage.Write(2, new HardState(4, null, 0), 1, List.of())));
        storage.close();
        FileStorage again = FileStorage.open(directory(), 1, SMALL);
        again.recover();
        HardState otherVote = new HardState(5, new ReplicaId(2, 2), 0);
        assertThrows(InvariantViolation.class, () -> write(again, new Storage.Write(2, otherVote, 1, List.of())));
        again.close();
    }

    @Test
    void entriesOutOfOrderAreRefused() {
        FileStorage storage = founded();
        HardState two = new HardState(2, null, 0);
        write(storage, new Storage.Write(1, two, 1, Logs.entries(1, 1, 2, 1)));
        assertThrows(InvariantViolation.class, () -> write(storage, new Storage.Write(2, two, 2, Logs.entries(2, 2, 1, 1))));
        storage.close();
        FileStorage again = FileStorage.open(directory(), 1, SMALL);
        again.recover();
        assertThrows(InvariantViolation.class, () -> write(again, new Storage.Write(2, two, 2, Logs.entries(3, 3, 2, 1))));
        again.close();
    }

    @Test
    void anEntryDamagedInMemoryIsNotWritten() {
        FileStorage storage = founded();
        Entry damaged = Logs.entry(1, 1, 10);
        damaged.array()[damaged.payloadOffset()] ^= 1;
        assertTrue(messageOf(assertThrows(StorageException.class,
            () -> write(storage, new Storage.Write(1, new HardState(1, null, 0), 1, List.of(damaged))))).contains("nothing was written"));
        storage.close();
        FileStorage again = FileStorage.open(directory(), 1, SMALL);
        assertEquals(HardState.INITIAL, again.recover().hardState());
        again.close();
    }

    @Test
    void theDirectoryOfAnotherNodeIsRefusedByBothNames() {
        FileStorage.open(directory(), 1, SMALL).close();
        String message = messageOf(assertThrows(StorageException.class, () -> FileStorage.open(directory(), 2, SMALL)));
        assertTrue(message.contains("belongs to node 1") && message.contains("node 2 was to be started"), message);
        FileStorage.open(directory(), 1, SMALL).close();
    }

    @Test
    void anIdentityDamagedAtAnyByteIsRefused() throws IOException {
        founded().close();
        Path file = directory().resolve(IdentityFile.NAME);
        byte[] bytes = Files.readAllBytes(file);
        for (int at = 0; at < bytes.length; at++) {
            byte[] damaged = bytes.clone();
            damaged[at] ^= 0x20;
            Files.write(file, damaged);
            StorageException refusal = assertThrows(StorageException.class, () -> FileStorage.open(directory(), 1, SMALL));
            assertTrue(messageOf(refusal).contains(file.toRealPath().toString()), refusal::getMessage);
        }
        for (int length = 0; length < bytes.length; length++) {
            Files.write(file, Arrays.copyOf(bytes, length));
            assertThrows(StorageCorruptException.class, () -> FileStorage.open(directory(), 1, SMALL));
        }
        Files.write(file, bytes);
        FileStorage.open(directory(), 1, SMALL).close();
    }

    @Test
    void anIdentityOfANewerFormatIsRefusedAsSuch() throws IOException {
        founded().close();
        Path file = directory().resolve(IdentityFile.NAME);
        byte[] bytes = Files.readAllBytes(file);
        bytes[7] = 2;
        Files.write(file, bytes);
        assertTrue(messageOf(assertThrows(StorageException.class, () -> FileStorage.open(directory(), 1, SMALL)))
            .contains("has format version 2, and this version of Quorate reads up to 1"));
    }

    @Test
    void aLogWithoutItsIdentityIsRefused() throws IOException {
        founded().close();
        Files.delete(directory().resolve(IdentityFile.NAME));
        assertTrue(messageOf(assertThrows(StorageException.class, () -> FileStorage.open(directory(), 1, SMALL)))
            .contains("a log but no identity"));
    }

    @Test
    void aLogUnderABlankIdentityIsNotFoundedAgain() throws IOException {
        FileStorage blank = FileStorage.open(directory(), 1, SMALL);
        blank.close();
        byte[] identity = Files.readAllBytes(directory().resolve(IdentityFile.NAME));
        FileStorage storage = FileStorage.open(directory(), 1, SMALL);
        storage.found(Logs.founding(storage));
        storage.recover();
        write(storage, Logs.append(1, 1, 1, 1, 10));
        storage.close();
        Files.write(directory().resolve(IdentityFile.NAME), identity);
        FileStorage again = FileStorage.open(directory(), 1, SMALL);
        assertTrue(messageOf(assertThrows(StorageException.class, () -> again.found(Logs.founding(again))))
            .contains("it is not the identity of this log"));
        again.close();
    }

    @Test
    void whatACrashLeftUnfinishedIsDeleted() throws IOException {
        founded().close();
        Files.write(directory().resolve("identity.tmp"), new byte[3]);
        Files.write(directory().resolve("spare.seg.tmp"), new byte[3]);
        Files.write(directory().resolve("large.seg"), new byte[3]);
        FileStorage storage = FileStorage.open(directory(), 1, SMALL);
        for (String name : List.of("identity.tmp", "spare.seg.tmp", "large.seg")) {
            assertFalse(Files.exists(directory().resolve(name)), name);
        }
        storage.close();
    }

    @Test
    void aSpareIsPreparedInStepsAndKeptOverARestart() throws IOException {
        FileStorage.Options large = SMALL.withSegmentBytes(3 << 20);
        FileStorage storage = FileStorage.open(directory(), 1, large);
        storage.found(Logs.founding(storage));
        storage.recover();
        for (int i = 1; i < (3 << 20) / Spare.STEP_BYTES; i++) {
            assertTrue(storage.maintain());
        }
        assertFalse(storage.maintain());
        assertFalse(storage.maintain());
        storage.close();
        Path spare = directory().resolve(Spare.NAME);
        assertEquals(3 << 20, Files.size(spare));
        Object key = Files.readAttributes(spare, BasicFileAttributes.class).fileKey();
        FileStorage again = FileStorage.open(directory(), 1, large);
        again.recover();
        assertFalse(again.maintain());
        write(again, Logs.append(1, 1, 2, 1, 1 << 20));
        write(again, Logs.append(2, 3, 4, 1, 1 << 20));
        assertEquals(key, Files.readAttributes(directory().resolve(SegmentHeader.fileName(2)),
            BasicFileAttributes.class).fileKey());
        again.close();
    }

    @Test
    void aSpareOfAnotherSizeOrWithSomethingInItIsNotUsed() throws IOException {
        founded().close();
        Path spare = directory().resolve(Spare.NAME);
        byte[] begun = new byte[8 << 10];
        begun[70] = 1;
        for (byte[] bytes : List.of(new byte[5000], begun)) {
            Files.write(spare, bytes);
            FileStorage storage = FileStorage.open(directory(), 1, SMALL);
            storage.recover();
            assertFalse(Files.exists(spare));
            storage.close();
        }
    }

    @Test
    void aNewDirectoryIsForItsOwnerAlone() throws IOException {
        FileStorage.open(directory(), 1, SMALL).close();
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(directory())));
    }

    @Test
    void aPathThatIsAFileIsRefused() throws IOException {
        Path file = parent.resolve("file");
        Files.write(file, new byte[1]);
        assertTrue(messageOf(assertThrows(StorageException.class, () -> FileStorage.open(file, 1, SMALL))).contains(file.toString()));
    }

    @Test
    void aDirectoryIsOpenOnceInAProcess() {
        FileStorage storage = FileStorage.open(directory(), 1, SMALL);
        String message = messageOf(assertThrows(StorageLockedException.class, () -> FileStorage.open(directory(), 1, SMALL)));
        assertTrue(message.contains("already open in this very process (pid " + ProcessHandle.current().pid()), message);
        assertThrows(StorageLockedException.class, () -> FileStorage.open(directory().resolve("../data"), 1, SMALL));
        storage.close();
        storage.close();
        FileStorage.open(directory(), 1, SMALL).close();
    }

    @Test
    void aLockHeldByOtherCodeOfThisProcessIsRespected() throws IOException {
        FileStorage.open(directory(), 1, SMALL).close();
        try (FileChannel channel = FileChannel.open(directory().resolve("lock"), StandardOpenOption.WRITE);
             FileLock lock = channel.lock()) {
            assertTrue(messageOf(assertThrows(StorageLockedException.class, () -> FileStorage.open(directory(), 1, SMALL)))
                .contains("by other code in this very process"));
            assertTrue(lock.isValid());
        }
        FileStorage.open(directory(), 1, SMALL).close();
    }

    @Test
    void anInterruptedReaderHarmsNobodyElse() {
        FileStorage storage = founded();
        write(storage, Logs.append(1, 1, 5, 1, 64));
        Thread.currentThread().interrupt();
        assertTrue(messageOf(assertThrows(StorageException.class, () -> storage.read(1, 5, 1000))).contains("interrupted"));
        assertTrue(Thread.interrupted());
        assertEquals(5, storage.read(1, 5, 1000).size());
        write(storage, Logs.append(2, 6, 6, 1, 64));
        assertEquals(6, storage.read(1, 9, 1000).size());
        storage.close();
    }

    @Test
    void anInterruptFromBeforeDoesNotHarmAWriter() {
        FileStorage storage = founded();
        Thread.currentThread().interrupt();
        write(storage, Logs.append(1, 1, 5, 1, 64));
        storage.maintain();
        storage.close();
        assertTrue(Thread.interrupted(), "it is not swallowed either");
        FileStorage again = FileStorage.open(directory(), 1, SMALL);
        assertEquals(5, again.recover().log().terms().lastIndex());
        again.close();
    }

    @Test
    void aBatchOfTooManyBytesIsRefusedBeforeItIsWritten() {
        FileStorage storage = founded();
        byte[] payload = new byte[Entry.PAYLOAD_BYTES_MAX];
        List<Entry> entries = new ArrayList<>();
        for (int index = 1; index <= 8; index++) {
            entries.add(Entry.of(index, 1, Entry.Kind.COMMAND, 0, payload));
        }
        assertTrue(messageOf(assertThrows(IllegalArgumentException.class,
            () -> write(storage, new Storage.Write(1, new HardState(1, null, 0), 1, entries)))).contains("at most " + (256 << 20)));
        storage.close();
        FileStorage again = FileStorage.open(directory(), 1, SMALL);
        assertEquals(0, again.recover().log().terms().lastIndex());
        again.close();
    }

    @Test
    void readersBesideAWriterSeeWholeAndConsecutiveLogs() throws Exception {
        FileStorage storage = founded();
        AtomicLong durable = new AtomicLong();
        AtomicBoolean done = new AtomicBoolean();
        write(storage, Logs.append(1, 1, 10, 1, 30));
        durable.set(10);
        Callable<Long> reader = () -> {
            long reads = 0;
            while (!done.get()) {
                long known = durable.get();
                List<Entry> entries = storage.read(1, Long.MAX_VALUE, 1 << 20);
                assertTrue(entries.size() >= 10, "the first ten stay");
                assertTrue(entries.size() >= known - 12, known + " were durable, and never are more than 12 replaced");
                long term = 1;
                for (int i = 0; i < entries.size(); i++) {
                    Entry entry = entries.get(i);
                    assertEquals(Logs.entry(i + 1, entry.term(), 30), entry);
                    assertTrue(entry.term() >= term, "terms of one log never fall");
                    term = entry.term();
                }
                reads++;
            }
            return reads;
        };
        ExecutorService readers = Executors.newFixedThreadPool(2);
        try {
            List<Future<Long>> results = List.of(readers.submit(reader), readers.submit(reader));
            long last = 10;
            for (long term = 2; term < 150; term++) {
                write(storage, Logs.append(term * 10, last + 1, last + 8, term, 30));
                last += 8;
                durable.set(last);
                if (term % 3 == 0) {
                    last -= 12 - term % 7;
                    last = Math.max(10, last);
                    durable.set(last);
                    write(storage, Logs.append(term * 10 + 1, last + 1, last + 3, term + 1, 30));
                    term++;
                    last += 3;
                }
            }
            done.set(true);
            for (Future<Long> result : results) {
                assertTrue(result.get() > 0);
            }
        } finally {
            done.set(true);
            readers.shutdownNow();
        }
        storage.close();
    }

    @Test
    void withoutFsyncItWorksTheSameAndSaysSo() {
        PrintStream err = System.err;
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        System.setErr(new PrintStream(said, true, StandardCharsets.UTF_8));
        FileStorage storage;
        try {
            storage = FileStorage.open(directory(), 1, SMALL.unsafeNoFsync());
        } finally {
            System.setErr(err);
        }
        String warning = said.toString(StandardCharsets.UTF_8);
        assertTrue(warning.contains("WARN") && warning.contains("fsync is off for " + directory()), warning);
        storage.found(Logs.founding(storage));
        storage.recover();
        write(storage, Logs.append(1, 1, 5, 1, 64));
        storage.close();
        FileStorage again = FileStorage.open(directory(), 1, SMALL);
        assertEquals(5, again.recover().log().terms().lastIndex());
        again.close();
    }

    @Test
    void aClosedStorageIsOfNoUse() {
        FileStorage storage = founded();
        storage.close();
        assertThrows(StorageException.class, () -> write(storage, Logs.append(1, 1, 1, 1, 1)));
        assertThrows(StorageException.class, () -> storage.read(1, 1, 1));
        assertThrows(StorageException.class, storage::maintain);
    }

    @Test
    void optionsOutOfRangeAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> SMALL.withSegmentBytes(10));
        assertThrows(IllegalArgumentException.class, () -> SMALL.withTailBytesMax(-1));
        assertThrows(IllegalArgumentException.class, () -> FileStorage.open(directory(), 0));
    }
}
