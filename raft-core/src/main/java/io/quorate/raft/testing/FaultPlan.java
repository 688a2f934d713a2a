package io.quorate.raft.testing;

import io.quorate.raft.core.RaftConfig;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What goes wrong in one simulated run, and when: a value, which can be printed, parsed, compared and cut down. Together with a seed, which
 * decides what is left to chance (the delay of each message, what clients ask), it makes a run.
 *
 * <p>{@link #swarm} draws one: each kind of fault is on or off, with an intensity of its own, so that rare combinations come up. A plan of
 * your own is as good; see {@link Fault} for what there is.
 *
 * @param nodes                how many, 1 to 7
 * @param electionTimeoutNanos T, the unit of time in which groups live
 * @param faultyNanos          for how long faults go on; then a random minimal quorum is healed and must make progress
 * @param delayNanosMax        of a usual message; messages overtake each other
 * @param diskNanosMax         of a usual write
 * @param isCramped            whether byte budgets are so small that every bound is reached
 * @param leaseDriftPermille   as in {@link RaftConfig#leaseDriftPermille}; 0 without leases. Reads by lease are safe only if faults let
 *                             clocks differ by no more than this and never leap: a plan in which they do asks whether that is noticed
 * @param faults               in the order of their times
 */
public record FaultPlan(int nodes, long electionTimeoutNanos, long faultyNanos, long delayNanosMax, long diskNanosMax, boolean isCramped,
                        int leaseDriftPermille, List<Fault> faults) {

    /** The largest group. */
    public static final int NODES_MAX = 7;

    public FaultPlan {
        require(nodes >= 1 && nodes <= NODES_MAX, "A group has 1 to 7 nodes, not " + nodes);
        RaftConfig.DEFAULT.withElectionTimeout(Duration.ofNanos(electionTimeoutNanos));     // throws if it is impossible
        for (long nanos : new long[] {faultyNanos, delayNanosMax, diskNanosMax}) {
            require(nanos >= 0 && nanos <= Fault.NANOS_MAX, "A plan's times are 0 or more, and at most a day, not " + nanos);
        }
        RaftConfig.DEFAULT.withLeases(leaseDriftPermille);                                  // likewise
        faults = faults.stream().sorted(Comparator.comparingLong(Fault::atNanos)).toList();
        Set<Integer> wiped = new HashSet<>();
        for (Fault fault : faults) {
            require(fault.atNanos() >= 0, fault + " is before the beginning");
            require(fault.atNanos() <= faultyNanos, fault + " comes when faults are over, which is at " + faultyNanos);
            require(!(fault instanceof Fault.Cut cut) || (cut.links() & ~Links.all(nodes)) == 0,
                fault + " cuts links of nodes that are not there: there are " + nodes);
            if (fault instanceof Fault.OfNode ofNode) {
                require(ofNode.node() >= 1 && ofNode.node() <= nodes, fault + " befalls a node that is not there: there are " + nodes);
            }
            if (fault instanceof Fault.Wipe wipe) {
                wiped.add(wipe.node());
            }
        }
        require(wiped.size() <= (nodes - 1) / 2, "Of " + nodes + " nodes at most " + (nodes - 1) / 2
            + " may lose their disks, for what was acknowledged must be left somewhere; not " + wiped);
    }

    /** Without leases. */
    public FaultPlan(int nodes, long electionTimeoutNanos, long faultyNanos, long delayNanosMax, long diskNanosMax, boolean isCramped,
                     List<Fault> faults) {
        this(nodes, electionTimeoutNanos, faultyNanos, delayNanosMax, diskNanosMax, isCramped, 0, faults);
    }

    /** Nothing goes wrong for this long: one second of election timeout, quick network and disks. */
    public static FaultPlan none(int nodes, Duration faultless) {
        long t = Duration.ofSeconds(1).toNanos();
        return new FaultPlan(nodes, t, faultless.toNanos(), t / 1000, t / 1000, false, List.of());
    }

    /**
     * The plan that this seed draws.
     *
     * @param seed     any number
     * @param nodes    how many, 1 to 7; or 0 to have that drawn too
     * @param timeouts for how many election timeouts faults go on
     */
    public static FaultPlan swarm(long seed, int nodes, int timeouts) {
        return new Swarm(seed, nodes, timeouts).draw();
    }

    /**
     * Of those plans in which disks forget what they had promised ({@link Fault.RollBack}, {@link Fault.CloneDisk}), the one that this seed
     * draws. Nothing else goes wrong, and such a run only asks whether the fault is reported.
     */
    public static FaultPlan forgetfulDisk(long seed) {
        return Swarm.drawForgetful(seed);
    }

    /**
     * Of those plans in which all that goes wrong befalls one node, the one that this seed draws. The others may not be disturbed by it: at
     * most one change of leaders for each fault.
     */
    public static FaultPlan disturbedMinority(long seed) {
        return Swarm.drawMinority(seed);
    }

    /** The same, with other faults. */
    public FaultPlan withFaults(List<Fault> others) {
        return new FaultPlan(nodes, electionTimeoutNanos, faultyNanos, delayNanosMax, diskNanosMax, isCramped, leaseDriftPermille,
            others);
    }

    /** The same, with leases that are safe as long as clocks differ by no more than this. */
    public FaultPlan withLeases(int driftPermille) {
        return new FaultPlan(nodes, electionTimeoutNanos, faultyNanos, delayNanosMax, diskNanosMax, isCramped, driftPermille, faults);
    }

    /** The same, but healed at this time; what would have gone wrong later does not. */
    FaultPlan until(long nanos) {
        List<Fault> earlier = faults.stream().filter(fault -> fault.atNanos() < nanos).toList();
        return new FaultPlan(nodes, electionTimeoutNanos, Math.min(faultyNanos, nanos), delayNanosMax, diskNanosMax, isCramped,
            leaseDriftPermille, earlier);
    }

    /** The configuration that the nodes of such a run get. */
    public RaftConfig config() {
        RaftConfig config = RaftConfig.DEFAULT.withElectionTimeout(Duration.ofNanos(electionTimeoutNanos)).withLeases(leaseDriftPermille);
        return isCramped ? new RaftConfig(electionTimeoutNanos, 4000, 1000, 600, 200, 600, config.leaseDriftPermille()) : config;
    }

    /** What such a run does not owe: see {@link Fault#mayBreak}. */
    Set<String> mayBreak() {
        Set<String> broken = new HashSet<>();
        faults.forEach(fault -> broken.addAll(fault.mayBreak()));
        return broken;
    }

    /**
     * Whether faults befall fewer than half of the nodes, and no link between the others: so that the others must not be disturbed. All
     * of them have had time to elect a leader before.
     */
    boolean isHarmless() {
        Set<Integer> victims = new HashSet<>();
        for (Fault fault : faults) {
            if (fault instanceof Fault.OfNode ofNode) {
                victims.add(ofNode.node());
            }
        }
        return victims.size() <= (nodes - 1) / 2 && faults.stream().allMatch(fault -> fault.atNanos()
            > 2L * SimulatedGroup.CALM_TIMEOUTS * electionTimeoutNanos && isAmong(victims, fault));
    }

    private static boolean isAmong(Set<Integer> victims, Fault fault) {
        if (fault instanceof Fault.Cut cut) {
            for (int from = 1; from <= NODES_MAX; from++) {
                for (int to = 1; to <= NODES_MAX; to++) {
                    if (Links.contains(cut.links(), from, to) && !victims.contains(from) && !victims.contains(to)) {
                        return false;
                    }
                }
            }
        }
        return fault instanceof Fault.OfNode || fault instanceof Fault.Cut;
    }

    /** The plan that {@link #toString} gave this text. */
    public static FaultPlan parse(String text) {
        List<Fault> faults = new ArrayList<>();
        FaultPlan plan = null;
        for (String each : text.split(";")) {
            if (plan == null) {
                plan = PlanText.parse(FaultPlan.class, each.strip());
            } else if (!each.isBlank()) {
                faults.add(PlanText.parseFault(each.strip()));
            }
        }
        if (plan == null) {
            throw new IllegalArgumentException("A plan begins with FaultPlan[...]");
        }
        return plan.withFaults(faults);
    }

    /** On one line; {@link #parse} reads it. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(PlanText.of(this));
        for (Fault fault : faults) {
            text.append("; ").append(PlanText.of((Record) fault));
        }
        return text.toString();
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalArgumentException(otherwise);
        }
    }
}
