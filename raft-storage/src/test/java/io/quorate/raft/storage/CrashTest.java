package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.StorageException;
import io.quorate.raft.storage.testing.SimulatedFiles;
import io.quorate.raft.storage.testing.SimulatedFiles.Loss;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * A life ended at each of its operations on the disk, with each subset of what was not durable then: nothing that was reported is missing,
 * nothing is there that was not asked for, no term and no vote goes back, and it goes on from there.
 *
 * <p>Up to eight unsynced changes (sectors, sizes, names) are lost and kept in all ways; of more, as while a segment is filled with zeros,
 * groups of neighbours are, and a sample of others.
 */
class CrashTest {

    private static final FileStorage.Options OPTIONS = Life.options(8 << 10);
    private static final int CHANGES_MAX = 8;
    private static final int AGAIN_CHANGES_MAX = 3;
    private static final int SAMPLES = 16;

    private static Life life(SimulatedFiles files, boolean triesAgain) {
        return new Life(files, OPTIONS, triesAgain, true);
    }

    private static int operations() throws IOException {
        SimulatedFiles files = new SimulatedFiles();
        assertTrue(life(files, false).run());
        return files.operations();
    }

    /** Each disk that the next process may find, but none twice. */
    private static List<SimulatedFiles> left(SimulatedFiles files, int changesMax, int seed) {
        int samplesWanted = files.unsynced().size() > changesMax ? SAMPLES : 0;
        Stream<SimulatedFiles> samples = IntStream.range(0, samplesWanted)
            .mapToObj(i -> files.restart(Loss.TEARS, new Random(seed + 31L * i)));
        Set<String> seen = new HashSet<>();
        return Stream.concat(files.restarts(changesMax), samples).filter(left -> seen.add(fingerprint(left))).toList();
    }

    private static String fingerprint(SimulatedFiles files) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-1");
            for (String name : files.list()) {
                digest.update(name.getBytes(StandardCharsets.UTF_8));
                digest.update((byte) 0);
                digest.update(files.bytes(name));
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Life endedAt(int operation, SimulatedFiles files) throws IOException {
        files.dieAt(operation);
        Life life = life(files, false);
        life.run();
        return life;
    }

    @Test
    void whereverItEndsWhatWasReportedIsFoundAndItGoesOn() throws IOException {
        int operations = operations();
        assertTrue(operations > 250, "only " + operations);
        int disks = 0;
        int ahead = 0;      // those where a step was done though nobody was told
        for (int at = 1; at <= operations; at++) {
            SimulatedFiles files = new SimulatedFiles();
            Life life = endedAt(at, files);
            for (SimulatedFiles left : left(files, CHANGES_MAX, at)) {
                disks++;
                try {
                    ahead += life.goOn(life.possible(), left) != life.possible().get(0) ? 1 : 0;
                } catch (AssertionError | StorageException e) {
                    throw new AssertionError("operation " + at + ", disk " + disks + ": " + e.getMessage(), e);
                }
            }
        }
        assertTrue(disks > 5_000, "only " + disks);
        assertTrue(ahead > 300, "only " + ahead);
    }

    @Test
    void whoeverDiesAgainWhileItRecoversTakesNothingBackThatTheSecondProcessFound() throws IOException {
        assertTrue(dieTwice(AGAIN_CHANGES_MAX, 1) > 5_000);
    }

    /** Of the disks that are left each time, takes one; returns how many were judged in the end. */
    private static int dieTwice(int changesMax, int round) throws IOException {
        int operations = operations();
        int judged = 0;
        for (int at = 1; at <= operations; at++) {
            SimulatedFiles files = new SimulatedFiles();
            Life life = endedAt(at, files);
            List<SimulatedFiles> found = left(files, CHANGES_MAX, at);
            SimulatedFiles left = found.get(new Random(31L * at + round).nextInt(found.size()));
            int again = 1;
            for (int some = -1; some != 0; again++) {
                try {
                    some = life.dieAgain(left.copy(), again, (disk, seed) -> left(disk, changesMax, seed), at);
                } catch (AssertionError | StorageException e) {
                    throw new AssertionError("round " + round + ", operation " + at + ", then " + again + ": " + e.getMessage(), e);
                }
                judged += Math.max(0, some);
            }
        }
        return judged;
    }

    /** The power stays on: the next process sees all that was written, whatever became of it on the disk. */
    @Test
    void aProcessThatIsKilledAnywhereLeavesWhatWasReported() throws IOException {
        int operations = operations();
        for (int at = 1; at <= operations; at++) {
            SimulatedFiles files = new SimulatedFiles();
            Life life = endedAt(at, files);
            life.goOn(life.possible(), files.restart(Loss.NONE, new Random()));
        }
    }

    @Test
    void afterAFailedFsyncTheNextProcessTrustsNothingThatIsOnlyInTheCache() throws IOException {
        int operations = operations();
        int forgotten = 0;
        for (int at = 1; at <= operations; at++) {
            SimulatedFiles files = new SimulatedFiles();
            files.failOnceAt(at);
            Life life = life(files, false);
            life.run();
            // The process starts again on the same kernel, which shows what it failed to write; then the power fails.
            SimulatedFiles same = files.restart(Loss.NONE, new Random());
            ModelStorage promised = life.expectOneOf(life.possible(), same);
            forgotten += life.possible().size() > 1 && promised == life.possible().get(life.possible().size() - 1) ? 1 : 0;
            assertEquals(promised, life.expectOneOf(List.of(promised), same.restart(Loss.LOSES_ALL, new Random())), "operation " + at);
        }
        assertTrue(forgotten > 20, "only " + forgotten + " times the kernel showed what was not durable");
    }

    @Test
    void aSnapshotThatFailedIsTakenOrReceivedAgainAndIsWhole() throws IOException {
        int operations = operations();
        int ended = 0;
        for (int at = 1; at <= operations; at++) {
            SimulatedFiles files = new SimulatedFiles();
            files.failOnceAt(at);
            Life life = life(files, true);
            ended += life.run() ? 1 : 0;
            life.expectOneOf(life.possible(), files.restart(Loss.LOSES_ALL, new Random()));
        }
        assertTrue(ended > 40, "only " + ended + " lives went on behind a failure of a snapshot");
    }

    /**
     * Dies twice with more subsets and other disks in each round, for the profile {@code deep}.
     *
     * @param arguments for how many seconds
     */
    public static void main(String[] arguments) throws IOException {
        long begin = System.nanoTime();
        long nanos = TimeUnit.SECONDS.toNanos(Long.parseLong(arguments[0]));
        long judged = 0;
        int rounds = 0;
        while (rounds == 0 || System.nanoTime() - begin < nanos) {
            judged += dieTwice(CHANGES_MAX, ++rounds);
        }
        System.out.printf("storage: died twice, anywhere: rounds=%d disks=%d seconds=%d%n", rounds, judged,
            TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begin));
    }
}
