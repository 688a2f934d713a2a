package io.quorate.raft.testing;

import io.quorate.raft.core.RaftConfig;
import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * What goes wrong in one simulated run, and how often. Times are counted in election timeouts (T) so that a plan means the same to a fast
 * and a slow group; a mean of 0 switches a fault off.
 *
 * @param electionTimeoutNanos T
 * @param lossPercent          of messages that never arrive
 * @param duplicatePercent     of messages that arrive twice, the second time up to {@code lateNanos} later
 * @param delayNanosMax        of a usual message; messages overtake each other
 * @param latePercent          of messages that take up to {@code lateNanos} instead
 * @param lateNanos            the longest delay: across elections and restarts
 * @param partitionMean        T between cuts of the network: halves, one node alone, single directions
 * @param crashMean            T between crashes; a crash loses what the disk had not confirmed, wholly or in part
 * @param crashInSends         of 20,000 messages, how many does their sender not survive: a flush is cut off between two effects
 * @param pauseMean            T between pauses of a process, as by a garbage collection or SIGSTOP
 * @param pauseMax             the longest pause, in T
 * @param diskNanosMax         of a usual write
 * @param slowDiskPercent      of writes that take up to {@code slowDiskNanosMax} instead
 * @param slowDiskNanosMax     the slowest write; may exceed T
 * @param slowApplyNanosMax    how long applying a hand-out may take
 * @param strikePermille       of the turns at which votes or entries hang in the balance that end in a crash, a cut or a stalled disk
 * @param isSkewed             whether clocks run at different rates, from different origins, some close to overflow
 * @param isWiping             whether a minority of nodes lose their disks for good; such a node must stay silent
 * @param isCramped            whether byte budgets are so small that every bound is reached
 */
public record FaultPlan(long electionTimeoutNanos, int lossPercent, int duplicatePercent, long delayNanosMax, int latePercent,
                        long lateNanos, int partitionMean, int crashMean, int crashInSends, int pauseMean, int pauseMax, long diskNanosMax,
                        int slowDiskPercent, long slowDiskNanosMax, long slowApplyNanosMax, int strikePermille, boolean isSkewed,
                        boolean isWiping, boolean isCramped) {

    /** Nothing goes wrong: one second of election timeout, quick network and disks. */
    public static FaultPlan none() {
        long t = Duration.ofSeconds(1).toNanos();
        return new FaultPlan(t, 0, 0, t / 1000, 0, 0, 0, 0, 0, 0, 0, t / 1000, 0, 0, 0, 0, false, false, false);
    }

    /** Each fault is off or on, with an intensity, as the random numbers have it. */
    public static FaultPlan swarm(RandomGenerator random) {
        long t = random.nextBoolean() ? Duration.ofSeconds(1).toNanos() : Duration.ofMillis(150).toNanos();
        return new FaultPlan(t,
            random.nextBoolean() ? random.nextInt(1, 30) : 0,
            random.nextBoolean() ? random.nextInt(1, 30) : 0,
            random.nextBoolean() ? t / 1000 : t / random.nextInt(10, 100),
            random.nextBoolean() ? random.nextInt(1, 10) : 0,
            t * random.nextInt(1, 8),
            random.nextBoolean() ? random.nextInt(3, 20) : 0,
            random.nextBoolean() ? random.nextInt(3, 20) : 0,
            random.nextBoolean() ? random.nextInt(1, 5) : 0,
            random.nextInt(4) == 0 ? random.nextInt(3, 20) : 0,
            random.nextInt(4) == 0 ? 100 : 10,
            random.nextBoolean() ? t / 5000 : t / random.nextInt(2, 50),
            random.nextBoolean() ? random.nextInt(1, 20) : 0,
            t * random.nextInt(1, 4),
            random.nextInt(4) == 0 ? t / random.nextInt(1, 20) : 0,
            random.nextInt(4) > 0 ? random.nextInt(20, 500) : 0,
            random.nextBoolean(),
            random.nextInt(4) == 0,
            random.nextBoolean());
    }

    /** The configuration that the nodes of such a run get. */
    public RaftConfig config() {
        RaftConfig config = RaftConfig.DEFAULT.withElectionTimeout(Duration.ofNanos(electionTimeoutNanos));
        return isCramped ? new RaftConfig(electionTimeoutNanos, 2000, 500, 600, 200, 300) : config;
    }
}
