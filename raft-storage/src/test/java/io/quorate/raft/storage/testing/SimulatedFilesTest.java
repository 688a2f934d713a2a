package io.quorate.raft.storage.testing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.storage.testing.SimulatedFiles.Loss;
import io.quorate.raft.storage.testing.SimulatedFiles.OpenFile;
import io.quorate.raft.storage.testing.SimulatedFiles.Operation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Each fault of the simulated disk is seen to happen, and nothing else with it. */
@Timeout(60)
class SimulatedFilesTest {

    private static final int SECTOR = 512;

    private final SimulatedFiles files = new SimulatedFiles();
    private final SplittableRandom random = new SplittableRandom(1);

    /** A durable file of so many sectors, all of them filled with this letter. */
    private OpenFile durable(String name, int sectors, char letter) throws IOException {
        OpenFile file = files.create(name);
        write(file, 0, sectors, letter);
        file.force();
        files.syncDirectory();
        return file;
    }

    private static void write(OpenFile file, int sector, int sectors, char letter) throws IOException {
        file.write(ByteBuffer.wrap(String.valueOf(letter).repeat(sectors * SECTOR).getBytes()), (long) sector * SECTOR);
    }

    /** A letter for each sector; a dot for one of zeros, an exclamation mark for one that is not of one piece. */
    private static String letters(SimulatedFiles files, String name) {
        byte[] bytes = files.bytes(name);
        StringBuilder letters = new StringBuilder();
        for (int at = 0; at < bytes.length; at += SECTOR) {
            Set<Byte> some = new TreeSet<>();
            for (int i = at; i < Math.min(bytes.length, at + SECTOR); i++) {
                some.add(bytes[i]);
            }
            byte first = some.iterator().next();
            letters.append(some.size() > 1 ? '!' : first == 0 ? '.' : (char) first);
        }
        return letters.toString();
    }

    private Set<String> torn(String name) {
        return random.longs(300).mapToObj(seed -> files.restart(Loss.TEARS, new SplittableRandom(seed)))
            .map(left -> left.list().contains(name) ? letters(left, name) : "none").collect(Collectors.toCollection(TreeSet::new));
    }

    private static String message(org.junit.jupiter.api.function.Executable what) {
        return String.valueOf(assertThrows(IOException.class, what).getMessage());
    }

    // --------------------------------------------------------------------------------------------------------------- loss of power

    @Test
    void whatWasNotSyncedIsLostWhollyOrPartlyOrOutOfOrder() throws IOException {
        OpenFile file = durable("a", 2, 'x');
        write(file, 0, 1, 'y');
        write(file, 1, 1, 'z');
        assertEquals("yz", letters(files, "a"));
        assertEquals("yz", letters(files.restart(Loss.NONE, random), "a"));
        assertEquals("yz", letters(files.restart(Loss.KEEPS_ALL, random), "a"));
        assertEquals("xx", letters(files.restart(Loss.LOSES_ALL, random), "a"));
        assertEquals(Set.of("xx", "yx", "xz", "yz"), torn("a"));
    }

    @Test
    void oneWriteIsTornBetweenItsSectors() throws IOException {
        OpenFile file = durable("a", 2, 'x');
        write(file, 0, 2, 'y');
        assertEquals(Set.of("xx", "yx", "xy", "yy"), torn("a"));
    }

    @Test
    void ofASectorWrittenTwiceEitherWriteMayBeTheOneThatIsThere() throws IOException {
        OpenFile file = durable("a", 1, 'x');
        write(file, 0, 1, 'y');
        write(file, 0, 1, 'z');
        assertEquals(Set.of("x", "y", "z"), torn("a"));
    }

    @Test
    void aFileMayHaveGrownAndNotHaveItsBytes() throws IOException {
        OpenFile file = durable("a", 1, 'x');
        write(file, 1, 1, 'y');
        assertEquals(Set.of("x", "x.", "xy"), torn("a"));
    }

    @Test
    void whatWasSyncedStays() throws IOException {
        OpenFile file = durable("a", 2, 'x');
        write(file, 0, 2, 'y');
        file.force();
        assertEquals(List.of(), files.unsynced());
        assertEquals(Set.of("yy"), torn("a"));
    }

    @Test
    void aNewNameIsThereOnceTheDirectoryIsSyncedWhateverWasDoneToTheFile() throws IOException {
        OpenFile file = files.create("a");
        write(file, 0, 1, 'x');
        file.force();
        assertEquals(List.of("a"), files.list());
        assertEquals(List.of(), files.restart(Loss.LOSES_ALL, random).list());
        assertEquals(Set.of("none", "x"), torn("a"));
        files.syncDirectory();
        assertEquals(Set.of("x"), torn("a"));
    }

    @Test
    void aSyncedNameSaysNothingOfTheContents() throws IOException {
        OpenFile file = files.create("a");
        write(file, 0, 1, 'x');
        files.syncDirectory();
        assertEquals("", letters(files.restart(Loss.LOSES_ALL, random), "a"));
    }

    @Test
    void namesThatChangedAreLostEachForItself() throws IOException {
        durable("a", 1, 'x');
        durable("b", 1, 'y');
        durable("c", 1, 'z');
        files.rename("a", "b");
        files.delete("c");
        assertEquals(List.of("b"), files.list());
        Set<String> seen = new TreeSet<>();
        for (int i = 0; i < 200; i++) {
            SimulatedFiles left = files.restart(Loss.TEARS, random);
            seen.add(left.list().stream().map(name -> name + letters(left, name)).collect(Collectors.joining(" ")));
        }
        assertEquals(Set.of("ax by cz", "bx cz", "ax by", "bx"), seen);
        files.syncDirectory();
        assertEquals(List.of("b"), files.restart(Loss.LOSES_ALL, random).list());
    }

    @Test
    void everySubsetOfTheUnsyncedChangesCanBeHad() throws IOException {
        OpenFile file = durable("a", 4, 'x');
        write(file, 0, 1, 'y');
        write(file, 2, 2, 'z');
        files.create("b");
        assertEquals(List.of("a at 0", "a at 1024", "a at 1536", "create b"), files.unsynced());
        List<String> left = files.restarts(8).map(each -> letters(each, "a") + each.list().size()).toList();
        assertEquals(16, left.size());
        assertEquals(16, Set.copyOf(left).size());
        assertTrue(left.containsAll(Set.of("xxxx1", "yxzz2", "xxxz1", "yxzx2")), left::toString);
        // If there are more than may be told apart, neighbours go together.
        assertEquals(Set.of("xxxx1", "yxzx1", "xxxz2", "yxzz2"),
            files.restarts(2).map(each -> letters(each, "a") + each.list().size()).collect(Collectors.toSet()));
        assertEquals("xxzx", letters(files.restart(change -> change == 1), "a"));
    }

    // ------------------------------------------------------------------------------------------------------------------- failures

    @Test
    void afterAFailedForceTheBytesAreStillSeenAndGoneAtTheNextLossOfPower() throws IOException {
        OpenFile file = durable("a", 1, 'x');
        write(file, 0, 1, 'y');
        files.fail(Operation.FORCE, 0);
        assertEquals("simulated failure: fsync a", message(file::force));
        file.force();   // says nothing, for nothing is dirty
        assertEquals("y", letters(files, "a"));
        assertEquals("y", letters(files.restart(Loss.NONE, random), "a"));
        assertEquals("x", letters(files.restart(Loss.KEEPS_ALL, random), "a"));
    }

    @Test
    void aFailedWriteHasComeHalfWay() throws IOException {
        OpenFile file = durable("a", 4, 'x');
        files.fail(Operation.WRITE, 1);
        write(file, 0, 1, 'y');
        assertEquals("simulated failure: write 1536 bytes to a at 512", message(() -> write(file, 1, 3, 'z')));
        assertEquals("yz!x", letters(files, "a"));
        write(file, 3, 1, 'w');
        assertEquals("yz!w", letters(files, "a"));
    }

    @Test
    void aReadAndEachChangeOfTheDirectoryCanFail() throws IOException {
        OpenFile file = durable("a", 1, 'x');
        for (Operation operation : Operation.values()) {
            files.fail(operation, 0);
        }
        assertTrue(message(() -> file.read(ByteBuffer.allocate(1), 0)).contains("read a at 0"));
        assertEquals(1, file.read(ByteBuffer.allocate(1), 0));
        assertTrue(message(() -> files.create("b")).contains("create b"));
        assertTrue(message(() -> files.rename("a", "c")).contains("rename a to c"));
        assertTrue(message(() -> files.delete("a")).contains("delete a"));
        assertTrue(message(files::syncDirectory).contains("sync directory"));
        assertEquals(List.of("a"), files.list());
        files.rename("a", "c");
        files.syncDirectory();
        assertEquals(List.of("c"), files.restart(Loss.LOSES_ALL, random).list());
    }

    @Test
    void whoIsDeadDoesNothingAnyMoreAndTheKernelLivesOn() throws IOException {
        OpenFile file = durable("a", 2, 'x');
        files.dieAt(2);
        write(file, 0, 2, 'y');
        message(file::force);
        message(() -> write(file, 0, 2, 'z'));
        message(files::syncDirectory);
        SimulatedFiles next = files.restart(Loss.NONE, random);
        assertEquals("zy", letters(next, "a"), "what it died of came half way");
        next.open("a").force();
        assertEquals("zy", letters(next.restart(Loss.LOSES_ALL, random), "a"));
    }

    @Test
    void aDiskCanBeFullAtEveryByte() throws IOException {
        durable("a", 1, 'x');
        for (int room = 0; room < 2 * SECTOR; room++) {
            SimulatedFiles full = files.copy();
            full.limit(SECTOR + room);
            OpenFile file = full.create("b");
            assertEquals("No space left on device", message(() -> write(file, 0, 2, 'y')));
            assertEquals(room, file.size());
            assertEquals(0, full.room());
            write(full.open("a"), 0, 1, 'z');       // needs no more room
            assertThrows(IOException.class, () -> full.restart(Loss.KEEPS_ALL, random).open("a").write(ByteBuffer.allocate(1), SECTOR));
            full.delete("b");
            assertEquals(room, full.room());
            write(full.create("c"), 0, room / SECTOR, 'w');
        }
    }

    // ---------------------------------------------------------------------------------------------------------------- disks that lie

    @Test
    void aLostWriteIsSeenUntilPowerIsLost() throws IOException {
        OpenFile file = durable("a", 2, 'x');
        files.loseWrite();
        write(file, 0, 1, 'y');
        write(file, 1, 1, 'z');
        file.force();
        assertEquals("yz", letters(files, "a"));
        assertEquals("xz", letters(files.restart(Loss.KEEPS_ALL, random), "a"));
    }

    @Test
    void aMisdirectedWriteIsWhereItDoesNotBelong() throws IOException {
        OpenFile file = durable("a", 3, 'x');
        durable("b", 2, 'v');
        files.misdirectWrite("b", 1);
        write(file, 1, 1, 'y');
        file.force();
        assertEquals("xyx", letters(files, "a"));
        assertEquals("vv", letters(files, "b"));
        SimulatedFiles left = files.restart(Loss.LOSES_ALL, random);
        assertEquals("xxx", letters(left, "a"));
        assertEquals("vy", letters(left, "b"));
    }

    @Test
    void aWriteThatWasToComeIntoAFileThatIsGoneComesNowhere() throws IOException {
        OpenFile a = durable("a", 2, 'a');
        durable("b", 2, 'b');
        files.misdirectWrite("b", 0);
        files.delete("b");
        files.syncDirectory();
        write(a, 0, 1, 'x');
        a.force();
        assertEquals("aa", letters(files.restart(Loss.KEEPS_ALL, random), "a"));
    }

    @Test
    void aBitTurnsInWhatIsNotOnTheDiskYet() throws IOException {
        durable("a", 1, 'a');
        write(files.create("b"), 0, 1, 'b');
        files.flip("b", 7, 0);
        assertEquals('c', files.bytes("b")[7]);
    }

    @Test
    void whatAnHonestDiskWouldHaveIsKnownBesideWhatThisOneHas() throws IOException {
        OpenFile a = durable("a", 3, 'a');
        write(a, 2, 1, 'z');
        files.keepHonest();
        assertEquals(Set.of(), files.damaged());
        files.flip("a", 5, 0);
        assertEquals(Set.of("a"), files.damaged());
        assertTrue(files.isDamaged("a", 5, 6));
        assertFalse(files.isDamaged("a", 6, 3 * SECTOR));
        files.loseWrite();
        write(a, 1, 1, 'x');
        a.force();
        assertFalse(files.isDamaged("a", 6, 3 * SECTOR), "it is still seen");
        write(files.create("b"), 0, 1, 'b');
        assertFalse(files.isDurable());

        SimulatedFiles next = files.restart(Loss.LOSES_ALL, random);
        assertTrue(next.isDurable());
        assertEquals(List.of("a"), next.list());
        assertEquals("!az", letters(next, "a"));
        assertEquals("axz", letters(next.honest(), "a"));
        assertTrue(next.isDamaged("a", 5, 6) && next.isDamaged("a", SECTOR, 2 * SECTOR));
        assertFalse(next.isDamaged("a", 2 * SECTOR, 3 * SECTOR));
        next.undoDamage();
        assertEquals("axz", letters(next, "a"));
        assertEquals(Set.of(), next.damaged());
    }

    @Test
    void aBitTurnsForAllWhoReadAndForGood() throws IOException {
        durable("a", 1, 'x');
        byte[] before = files.bytes("a");
        OpenFile reader = files.open("a");
        files.flip("a", 100, 3);
        byte[] after = before.clone();
        after[100] ^= 8;
        ByteBuffer read = ByteBuffer.allocate(SECTOR);
        assertEquals(SECTOR, reader.read(read, 0));
        assertArrayEquals(after, read.array());
        assertArrayEquals(after, files.restart(Loss.LOSES_ALL, random).bytes("a"));
        files.damage("a", 99, new byte[] {1, before[100]});
        assertEquals(99, Arrays.mismatch(before, files.bytes("a")));
        assertTrue(files.flip(random).matches("a at \\d+"));
        assertEquals("", new SimulatedFiles().flip(random));
    }

    // --------------------------------------------------------------------------------------------------------------- slow and hung

    @Test
    void operationsTakeTheTimeThatATestGivesThem() throws IOException {
        AtomicLong now = new AtomicLong();
        List<Operation> asked = new ArrayList<>();
        files.before(operation -> {
            asked.add(operation);
            now.addAndGet(operation == Operation.FORCE ? 1000 : 10);
        });
        durable("a", 1, 'x').read(ByteBuffer.allocate(1), 0);
        files.rename("a", "b");
        files.delete("b");
        assertEquals(List.of(Operation.CREATE, Operation.WRITE, Operation.FORCE, Operation.SYNC_DIRECTORY, Operation.READ, Operation.RENAME,
            Operation.DELETE), asked);
        assertEquals(1060, now.get());
    }

    @Test
    void anOperationThatHangsHoldsUpNobodyElse() throws Exception {
        OpenFile file = durable("a", 1, 'x');
        CountDownLatch hangs = new CountDownLatch(1);
        CountDownLatch goesOn = new CountDownLatch(1);
        files.before(operation -> {
            if (operation == Operation.FORCE) {
                hangs.countDown();
                try {
                    goesOn.await();
                } catch (InterruptedException e) {
                    throw new UncheckedIOException(new IOException("timed out"));
                }
            }
        });
        List<String> failures = new ArrayList<>();
        Thread thread = new Thread(() -> {
            try {
                file.force();
            } catch (IOException e) {
                failures.add(e.getMessage());
            }
        });
        thread.start();
        hangs.await();
        assertEquals(1, file.read(ByteBuffer.allocate(1), 0));
        write(file, 0, 1, 'y');
        assertFalse(files.unsynced().isEmpty());
        goesOn.countDown();
        thread.join();
        assertEquals(List.of(), files.unsynced());
        assertEquals(List.of(), failures);
        files.before(operation -> {
            throw new UncheckedIOException(new IOException("the bus is reset"));
        });
        assertEquals("the bus is reset", message(file::force));
    }

    @Test
    void aSectorThatIsNotGivenBackIsThereAgainWhenItIsWrittenOverAsAWhole() throws IOException {
        OpenFile file = durable("a", 4, 'x');
        files.makeUnreadable("a", SECTOR + 7, 1);
        assertEquals("simulated failure: read a at 0", message(() -> file.read(ByteBuffer.allocate(SECTOR + 1), 0)));
        assertEquals(SECTOR, file.read(ByteBuffer.allocate(SECTOR), 0));
        assertEquals(2 * SECTOR, file.read(ByteBuffer.allocate(9 * SECTOR), 2 * SECTOR));
        assertEquals("simulated failure: write a at 1000", message(() -> file.write(ByteBuffer.wrap(new byte[SECTOR]), 1000)));
        assertEquals("xxxx", letters(files, "a"));
        write(file, 1, 2, 'y');
        assertEquals(2 * SECTOR, file.read(ByteBuffer.allocate(2 * SECTOR), SECTOR));
        assertEquals(4 * SECTOR, files.copy().open("a").read(ByteBuffer.allocate(4 * SECTOR), 0));
        OpenFile lost = files.restart(Loss.LOSES_ALL, random).open("a");
        assertEquals("simulated failure: read a at 512", message(() -> lost.read(ByteBuffer.allocate(1), SECTOR)));
        assertEquals(1, files.restart(Loss.KEEPS_ALL, random).open("a").read(ByteBuffer.allocate(1), SECTOR));
        file.force();
        assertEquals(1, files.restart(Loss.LOSES_ALL, random).open("a").read(ByteBuffer.allocate(1), SECTOR));
        assertEquals(2, files.happenings().values().stream().mapToLong(Long::longValue).sum());
    }

    @Test
    void whatWasAskedForAndIsMendedDoesNotHappen() throws IOException {
        OpenFile file = durable("a", 1, 'x');
        files.dieAt(1);
        files.fail(Operation.FORCE, 0);
        files.limit(SECTOR);
        files.loseWrite();
        files.misdirectWrite("a", 0);
        files.mend();
        write(file, 1, 1, 'y');
        file.force();
        assertEquals("xy", letters(files.restart(Loss.LOSES_ALL, random), "a"));
    }
}
