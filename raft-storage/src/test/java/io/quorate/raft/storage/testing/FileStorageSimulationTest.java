package io.quorate.raft.storage.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.SnapshotPolicy;
import io.quorate.raft.storage.testing.SimulatedFiles.Operation;
import io.quorate.raft.testing.Fault;
import io.quorate.raft.testing.FaultPlan;
import io.quorate.raft.testing.Registers;
import io.quorate.raft.testing.SimulatedDisk;
import io.quorate.raft.testing.Simulation;
import io.quorate.raft.testing.SimulationFailure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whole groups on the real storage, over disks on which everything goes wrong. */
class FileStorageSimulationTest {

    private static final int SEEDS = 200;
    private static final int TIMEOUTS = 30;
    private static final int DISK_FAULTS = 12;      // besides those that the swarm draws
    private static final int DAMAGES = 10;          // likewise, where disks lie
    private static final SnapshotPolicy OFTEN =
        SnapshotPolicy.DEFAULT.withLogBytesMin(400).withLogToSnapshotRatio(1).withRetryPause(Duration.ofSeconds(1));

    private static Simulation<Registers> simulation(long seed, SimulatedDisk.Maker disks) {
        Simulation<Registers> simulation = Registers.simulation().disks(disks);
        return seed % 2 == 0 ? simulation : simulation.snapshots(OFTEN);
    }

    /** Everything may go wrong, and disks and processes more often than elsewhere. */
    private static FaultPlan plan(long seed) {
        FaultPlan plan = FaultPlan.swarm(seed, 0, TIMEOUTS);
        SplittableRandom random = new SplittableRandom(~seed);
        List<Fault> faults = new ArrayList<>(plan.faults());
        for (int i = 0; i < DISK_FAULTS; i++) {
            long at = 1 + random.nextLong(plan.faultyNanos());
            int node = 1 + random.nextInt(plan.nodes());
            long down = random.nextLong(3 * plan.electionTimeoutNanos());
            faults.add(random.nextBoolean() ? new Fault.FailDisk(at, node, down) : new Fault.Crash(at, node, down, random.nextBoolean()));
        }
        if (seed % 4 < 2) {
            damage(plan, faults, random);
        }
        return plan.withFaults(faults);
    }

    /** Fewer than half of the nodes have disks that lie, so that what was acknowledged is left on a quorum; entries rot on any. */
    private static void damage(FaultPlan plan, List<Fault> faults, SplittableRandom random) {
        int liars = (plan.nodes() - 1) / 2;
        int first = random.nextInt(plan.nodes());
        for (int i = 0; i < DAMAGES && liars > 0; i++) {
            long at = 1 + random.nextLong(plan.faultyNanos());
            int liar = 1 + (first + random.nextInt(liars)) % plan.nodes();
            faults.add(new Fault.DamageDisk(at, liar, random.nextLong() >>> 1));
            if (random.nextInt(3) == 0) {
                faults.add(new Fault.DamageEntry(at, 1 + random.nextInt(plan.nodes()), random.nextLong() >>> 1));
            }
        }
    }

    private static Simulation.Report run(long seed) {
        return simulation(seed, FileStorageDisk.maker()).run(seed, plan(seed));
    }

    @Test
    void whateverDisksDoGroupsKeepWhatTheyAcknowledged() {
        Map<String, Long> happened = new TreeMap<>();
        for (long seed = 1; seed <= SEEDS; seed++) {
            Simulation.Report report = run(seed);
            assertTrue(report.isLinearizable() || report.acknowledged() == 0, report::toString);
            report.happenings().forEach((what, count) -> happened.merge(what, count, Long::sum));
        }
        for (String what : List.of("FILES_WRITE_FAILED", "FILES_FORCE_FAILED", "FILES_CREATE_FAILED", "FILES_RENAME_FAILED",
            "FILES_SYNC_DIRECTORY_FAILED", "FILES_READ_FAILED", "FILES_OPEN_FAILED", "FILES_DISK_FULL", "FILES_DEAD", "FILES_DIED_WRITING",
            "FILES_UNSYNCED_TORN", "FILES_UNSYNCED_LOST", "FILES_UNSYNCED_SEEN_BY_NEXT_PROCESS", "SNAPSHOT_TAKEN", "SNAPSHOT_INSTALLED",
            "DISK_HANGS", "SLOW_WRITE", "FILES_WRITE_HANGS", "FILES_FORCE_HANGS", "FILES_CREATE_HANGS", "FILES_RENAME_HANGS",
            "FILES_SYNC_DIRECTORY_HANGS", "FILES_DIED_WHILE_DISK_HANGS", "FILES_WRITTEN_BEFORE_DISK_ANSWERS", "FILES_READ_WHILE_DISK_HANGS",
            "FILES_SNAPSHOT_TAKEN_WHILE_DISK_HANGS",
            "DISK_FAILED", "CRASH_WRITE_KEPT", "CRASH_WRITE_LOST",
            "FILES_BIT_TURNED_IN_LOG", "FILES_BIT_TURNED_IN_SNAPSHOT", "FILES_BIT_TURNED", "FILES_WRITE_LOST", "FILES_WRITE_MISDIRECTED",
            "FILES_SECTOR_LOST_IN_LOG", "FILES_SECTOR_LOST_IN_ENTRIES", "FILES_SECTOR_LOST_IN_SNAPSHOT", "FILES_SECTOR_LOST",
            "FILES_READ_REFUSED", "FILES_WRITE_REFUSED",
            "FILES_ENTRIES_NAMED_FOR_LOST_SECTOR", "FILES_LOST_SECTOR_REPAIRED", "FILES_DIRECTORY_REFUSED_FOR_LOST_SECTOR",
            "FILES_DAMAGED_ENTRIES_NAMED", "FILES_DAMAGE_FOUND_WHILE_RUNNING", "FILES_DAMAGED_ENTRY_REPAIRED", "FILES_DIRECTORY_REFUSED",
            "FILES_DAMAGED_SNAPSHOT_FOUND", "FILES_SNAPSHOT_REFUSED", "FILES_DAMAGE_BEYOND_REPAIR_FOUND", "FILES_DAMAGE_DOES_NO_HARM",
            "FILES_LAST_WRITE_FORGOTTEN", "STARTED_WITH_DAMAGE", "BEGAN_REPAIRED", "DISK_LOST")) {
            assertTrue(happened.getOrDefault(what, 0L) > 0, () -> what + " did not happen: " + happened);
        }
    }

    @Test
    void theSameSeedGivesTheSameRun() {
        assertEquals(run(3).traceHash(), run(3).traceHash());
    }

    @ParameterizedTest
    @EnumSource(value = Operation.class, names = {"FORCE", "SYNC_DIRECTORY"})
    void aStorageThatForgetsToSyncIsCaught(Operation forgotten) {
        SimulatedDisk.Maker disks = FileStorageDisk.maker(files -> files.ignore(forgotten));
        SimulationFailure failure = assertThrows(SimulationFailure.class, () -> {
            for (long seed = 1; seed <= 20; seed++) {
                simulation(seed, disks).unexplained().run(seed, plan(seed));
            }
        });
        assertEquals("StorageBroken", failure.invariant());
    }

    @ParameterizedTest
    @EnumSource(Lie.class)
    void damageOfWhichTheModelIsNotToldIsCaught(Lie lie) {
        SimulatedDisk.Maker disks = FileStorageDisk.maker(lie::tell);
        SimulationFailure failure = assertThrows(SimulationFailure.class, () -> {
            for (long seed = 1; seed <= 20; seed++) {
                simulation(seed, disks).unexplained().run(seed, plan(seed));
            }
        });
        assertEquals("StorageBroken", failure.invariant());
    }

    /** What is done to the directory that a process finds. */
    private enum Lie {
        BIT_TURNED {
            @Override
            void tell(SimulatedFiles files) {
                files.list().stream().filter(name -> name.startsWith("log-")).forEach(name -> files.flip(name, 300, 0));
            }
        },
        WRITE_LOST {
            @Override
            void tell(SimulatedFiles files) {
                files.loseWrite();
            }
        },
        WRITE_MISDIRECTED {
            @Override
            void tell(SimulatedFiles files) {
                files.list().stream().filter(name -> name.startsWith("log-")).forEach(name -> files.misdirectWrite(name, 1));
            }
        };

        abstract void tell(SimulatedFiles files);
    }
}
