package io.quorate.simulation;

import io.quorate.raft.Sessions;
import io.quorate.raft.SnapshotPolicy;
import io.quorate.raft.netty.SimulatedWire;
import io.quorate.raft.storage.testing.FileStorageDisk;
import io.quorate.raft.testing.FaultPlan;
import io.quorate.raft.testing.Registers;
import io.quorate.raft.testing.Simulation;
import io.quorate.raft.testing.SimulationFailure;
import java.nio.file.Path;
import java.time.Duration;
import java.util.SplittableRandom;

/**
 * What one seed runs: everything in it is drawn by the seed, so that the seed alone repeats it. The plan draws the size of the group and
 * what goes wrong; the rest is drawn here, from random numbers of its own, for a plan must not tell whether there is a wire.
 *
 * @param seed         any number
 * @param timeouts     for how many election timeouts faults go on
 * @param clients      how many ask
 * @param hasWire      whether messages travel as bytes
 * @param hasSnapshots whether nodes take snapshots all the time, and let go of the log behind them
 * @param hasSessions  whether clients propose in sessions
 * @param kind         of its plan
 * @param hasFiles     whether the nodes keep what they write in files, on disks that forget what was not synced
 */
record SeedRun(long seed, int timeouts, int clients, boolean hasWire, boolean hasSnapshots, boolean hasSessions, Kind kind,
               boolean hasFiles) {

    /** Of plans. */
    enum Kind {
        /** Everything may go wrong. */
        SWARM,
        /** All that goes wrong befalls one node, and may not disturb the others. */
        MINORITY,
        /** Nothing goes wrong. */
        CALM,
        /** A disk forgets what it had promised. */
        FORGETFUL
    }

    /** So short that many groups are healed before they are founded, and a few cannot be any more. */
    private static final int TIMEOUTS_OF_A_SHORT_RUN_MAX = 5;
    private static final int TIMEOUTS_OF_A_LONG_RUN = 1000;
    private static final int CLIENTS_MAX = 20;
    /** Long enough to be idle for a while, and busy again. */
    private static final int CALM_TIMEOUTS_MIN = 60;
    /** A few commands, and a snapshot is due. */
    private static final int LOG_BYTES_MIN = 400;
    /** Replies to a few commands, and there is no room for more. */
    private static final Sessions.Options SESSIONS = new Sessions.Options(Duration.ofDays(1), 500, 5000);

    /** One whose nodes keep what they write in memory. */
    private SeedRun(long seed, int timeouts, int clients, boolean hasWire, boolean hasSnapshots, boolean hasSessions, Kind kind) {
        this(seed, timeouts, clients, hasWire, hasSnapshots, hasSessions, kind, false);
    }

    /** The same, with files. */
    SeedRun withFiles() {
        return new SeedRun(seed, timeouts, clients, hasWire, hasSnapshots, hasSessions, kind, true);
    }

    /** What the ordinary build runs. One seed in five is short. */
    static SeedRun ordinary(long seed) {
        SplittableRandom random = random(seed);
        boolean hasWire = random.nextBoolean();
        int timeouts = random.nextInt(5) == 0 ? random.nextInt(1, TIMEOUTS_OF_A_SHORT_RUN_MAX + 1) : Simulation.TIMEOUTS;
        Kind kind = kind(random);
        boolean hasSnapshots = random.nextBoolean() && kind == Kind.SWARM;
        return new SeedRun(seed, timeouts, Simulation.CLIENTS, hasWire, hasSnapshots, hasSessions(seed), kind);
    }

    /** One disk forgets; nothing else goes wrong. */
    static SeedRun forgetful(long seed) {
        return new SeedRun(seed, Simulation.TIMEOUTS, Simulation.CLIENTS, random(seed).nextBoolean(), false, false, Kind.FORGETFUL);
    }

    /**
     * Of eleven seeds one is long, one short, one forgets, one is calm or has a single victim, and others differ in length; half have
     * more clients or fewer.
     */
    static SeedRun deep(long seed) {
        SplittableRandom random = random(seed);
        boolean hasWire = random.nextBoolean();
        int clients = random.nextBoolean() ? random.nextInt(1, CLIENTS_MAX + 1) : Simulation.CLIENTS;
        boolean hasSnapshots = random.nextBoolean();
        boolean hasSessions = hasSessions(seed);
        return switch (random.nextInt(11)) {
            case 10 -> new SeedRun(seed, Simulation.TIMEOUTS, clients, hasWire, false, hasSessions,
                random.nextBoolean() ? Kind.MINORITY : Kind.CALM);
            case 0 -> new SeedRun(seed, TIMEOUTS_OF_A_LONG_RUN, clients, hasWire, hasSnapshots, hasSessions, Kind.SWARM);
            case 1 -> new SeedRun(seed, Simulation.TIMEOUTS, clients, hasWire, false, false, Kind.FORGETFUL);
            case 2 -> new SeedRun(seed, random.nextInt(1, TIMEOUTS_OF_A_SHORT_RUN_MAX + 1), clients, hasWire, hasSnapshots, hasSessions,
                Kind.SWARM);
            case 3 -> new SeedRun(seed, random.nextInt(TIMEOUTS_OF_A_SHORT_RUN_MAX, 50), clients, hasWire, hasSnapshots, hasSessions,
                Kind.SWARM);
            case 4, 5 -> new SeedRun(seed, random.nextInt(150, 300), clients, hasWire, hasSnapshots, hasSessions,
                Kind.SWARM);
            default -> new SeedRun(seed, Simulation.TIMEOUTS, clients, hasWire, hasSnapshots, hasSessions, Kind.SWARM);
        };
    }

    /** Of ten one has a single victim, and of twenty one none. */
    private static Kind kind(SplittableRandom random) {
        int drawn = random.nextInt(20);
        return drawn == 0 ? Kind.CALM : drawn <= 2 ? Kind.MINORITY : Kind.SWARM;
    }

    /** One in three, which is a draw of its own. */
    private static boolean hasSessions(long seed) {
        return new SplittableRandom(seed ^ 0x6A09E667F3BCC909L).nextInt(3) == 0;
    }

    private static SplittableRandom random(long seed) {
        return new SplittableRandom(seed ^ 0x2545F4914F6CDD1DL);
    }

    /** Runs it. A failure is thrown as it is found, at once. */
    Simulation.Report run() {
        return simulation().unexplained().run(seed, plan());
    }

    /**
     * Runs it again, to say more about how it failed: cuts its plan down and draws a picture, which takes hundreds of runs.
     *
     * @param found    what {@link #run} has thrown
     * @param pictures where the picture goes
     * @return what there is to say
     */
    Throwable explain(Throwable found, Path pictures) {
        if (!(found instanceof SimulationFailure)) {
            return new AssertionError("seed " + seed + " ends with " + found + "\n" + whatItRuns(), found);     // no memory, say
        }
        try {
            simulation().pictures(pictures).run(seed, plan());
        } catch (SimulationFailure explained) {
            return new AssertionError(explained.getMessage() + '\n' + whatItRuns(), explained);
        } catch (RuntimeException | Error e) {      // no place for the picture, say; there may be other failures to explain
            return new AssertionError(found.getMessage() + "\nIt cannot be explained: " + e + '\n' + whatItRuns(), e);
        }
        return new AssertionError("seed " + seed + " failed once, and passes when it is run again: it cannot be repeated\n" + whatItRuns(),
            found);
    }

    private String whatItRuns() {
        return "where\nSimulation<Registers> simulation = Registers.simulation()"
            + (clients == Simulation.CLIENTS ? "" : ".clients(" + clients + ")") + (hasWire ? ".wire(new SimulatedWire())" : "")
            + (hasSnapshots ? ".snapshots(SnapshotPolicy.DEFAULT.withLogBytesMin(" + LOG_BYTES_MIN + ").withLogToSnapshotRatio(1))" : "")
            + (hasSessions ? ".sessions(new Sessions.Options(Duration.ofDays(" + SESSIONS.timeoutMax().toDays() + "), "
                + SESSIONS.sessionReplyBytesMax() + ", " + SESSIONS.bytesMax() + "))" : "")
            + (hasFiles ? ".disks(FileStorageDisk.maker())" : "") + ';';
    }

    private Simulation<Registers> simulation() {
        Simulation<Registers> simulation = Registers.simulation().clients(clients);
        if (hasSnapshots) {
            simulation = simulation.snapshots(SnapshotPolicy.DEFAULT.withLogBytesMin(LOG_BYTES_MIN).withLogToSnapshotRatio(1));
        }
        if (hasSessions) {
            simulation = simulation.sessions(SESSIONS);
        }
        if (hasFiles) {
            simulation = simulation.disks(FileStorageDisk.maker());
        }
        return hasWire ? simulation.wire(new SimulatedWire()) : simulation;
    }

    private FaultPlan plan() {
        return switch (kind) {
            case SWARM -> FaultPlan.swarm(seed, 0, timeouts);
            case MINORITY -> FaultPlan.disturbedMinority(seed);
            case CALM -> FaultPlan.none(1 + (int) Math.floorMod(seed, 7L), Duration.ofSeconds(Math.max(timeouts, CALM_TIMEOUTS_MIN)));
            case FORGETFUL -> FaultPlan.forgetfulDisk(seed);
        };
    }
}
