package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Freshness;
import io.quorate.raft.NotLeaderException;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.Sessions;
import io.quorate.raft.SnapshotPolicy;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.election.LeasedKeys;
import io.quorate.raft.election.SimulatedElections;
import io.quorate.raft.election.SimulatedElections.Calm;
import io.quorate.raft.election.SimulatedElections.Clocks;
import java.lang.reflect.RecordComponent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Named elections and watches, with the real code of clients and members, in groups under all faults that leave clocks within their bound:
 * crashes, cuts, pauses, changes of the membership, and those of the clients themselves. And with clocks that are worse, which must show.
 */
class LeasedElectionsSimulationTest {

    private static final int SEEDS = Integer.getInteger("simulation.elections.seeds", 8);
    private static final int TIMEOUTS = 40;
    private static final int CALM_TIMEOUTS = 45;
    private static final int QUIET_TIMEOUTS = 65;
    private static final int END_TIMEOUTS = 75;
    private static final long CALLS_FROM = 2_000_000;      // beyond the numbers of all other calls
    private static final Sessions.Options SESSIONS = new Sessions.Options(Duration.ofHours(1), 100_000, 10 << 20);
    private static final LeasedKeys.Options KEYS = new LeasedKeys.Options(Duration.ofHours(1), 1000, 1 << 20, 1 << 20);
    private static final LeasedKeys.Options FORGETFUL = new LeasedKeys.Options(Duration.ofHours(1), 1000, 1 << 20, 3000);
    private static final SnapshotPolicy OFTEN = SnapshotPolicy.DEFAULT.withLogBytesMin(2000).withLogToSnapshotRatio(1)
        .withRetryPause(Duration.ofSeconds(1));

    /** One run. */
    private static SimulatedElections run(long seed, FaultPlan plan, LeasedKeys.Options keys, Clocks clocks) {
        SimulatedElections[] own = new SimulatedElections[1];
        Setup.Check record = new Setup.Check("Changes", machine -> own[0].record((LeasedKeys) machine));
        Setup setup = new Setup(() -> new LeasedKeys(keys), () -> (client, random) -> Workload.Request.read(new byte[] {9}), 1, null, null,
            keys == KEYS ? List.of(record) : List.of(), machine -> machine.toString().hashCode(), OFTEN,
            new Setup.InSessions(SESSIONS, machine -> Sessions.around(machine, SESSIONS)),
            (node, incarnation, isCramped) -> new InMemoryDisk(node, incarnation, isCramped ? 10 : Integer.MAX_VALUE),
            () -> Companion.Maker.NONE);
        SimulatedGroup group = new SimulatedGroup(seed, plan, setup, null);
        long t = plan.electionTimeoutNanos();
        own[0] = new SimulatedElections(new Reached(group), seed, t, clocks, new Calm(CALM_TIMEOUTS * t, QUIET_TIMEOUTS * t), true);
        own[0].start();
        if (keys == KEYS) {
            group.agenda().at(plan.faultyNanos() - 1, () -> own[0].checkObservers(own[0].latest()));
        }
        group.run();
        if (keys == KEYS) {
            own[0].checkWatches();
        }
        return own[0];
    }

    /** The simulated group, as its clients reach it. */
    private static final class Reached implements SimulatedElections.World {

        private final SimulatedGroup group;
        private long nextCall = CALLS_FROM;

        private Reached(SimulatedGroup group) {
            this.group = group;
        }

        @Override
        public long now() {
            return group.now();
        }

        @Override
        public void after(long nanos, Runnable task) {
            group.agenda().after(nanos, () -> {
                if (!group.isHealing()) {
                    task.run();
                }
            });
        }

        @Override
        public int nodes() {
            return group.replicas().size();
        }

        @Override
        public boolean isMember(int node) {
            return group.replicas().stream().filter(SimulatedReplica::isLeader)
                .allMatch(leader -> leader.status().membership().member(group.replica(node).id()) != null);
        }

        @Override
        public boolean isOver() {
            return group.isHealing();
        }

        @Override
        public void propose(int node, byte[] command, SimulatedElections.Caller caller) {
            SimulatedReplica replica = group.replica(node);
            if (!replica.isUp()) {
                caller.failed(new NotLeaderException("Nothing happened: nobody listens there"), 0);
                return;
            }
            long call = nextCall++;
            replica.propose(call, WatchedMachine.wrapCommand(call, command), new SimulatedProcess.Caller() {
                @Override
                public void done(byte[] result, long index) {
                    group.invariants().onDone(call, index);
                    caller.done(result, index);
                }

                @Override
                public void failed(@Nullable Throwable why) {
                    caller.failed(why == null ? new OutcomeUnknownException("Perhaps: the process died") : why, leaderAt(replica));
                }
            });
        }

        @Override
        public void read(int node, byte[] query, Freshness freshness, SimulatedElections.Caller caller) {
            SimulatedReplica replica = group.replica(node);
            if (!replica.isUp()) {
                caller.failed(new NotLeaderException("Nothing happened: nobody listens there"), 0);
                return;
            }
            long call = nextCall++;
            replica.read(call, WatchedMachine.wrapQuery(query), freshness, new SimulatedProcess.Caller() {
                @Override
                public void done(byte[] result, long index) {
                    group.invariants().onReadServed(call, index, WatchedMachine.indexOf(result));
                    caller.done(WatchedMachine.answerOf(result), index);
                }

                @Override
                public void failed(@Nullable Throwable why) {
                    caller.failed(why, leaderAt(replica));
                }
            });
        }

        private static int leaderAt(SimulatedReplica replica) {
            ReplicaId leader = replica.leader();
            return leader == null ? 0 : leader.nodeId();
        }
    }

    /**
     * What the seed draws, but clocks keep to the bound that replicated time rests on, and disks forget nothing. Long before the end all
     * of it is over.
     */
    private static FaultPlan plan(long seed) {
        FaultPlan drawn = FaultPlan.swarm(seed, 0, TIMEOUTS);
        List<Fault> faults = new ArrayList<>();
        for (int i = 0; i < drawn.faults().size(); i++) {
            Fault fault = drawn.faults().get(i);
            if (i % 3 > 0) {
                continue;      // or the group would have hardly a moment in which anybody can be elected
            }
            if (fault instanceof Fault.ClockRate rate) {
                faults.add(new Fault.ClockRate(rate.atNanos(), rate.node(), 990 + rate.permille() % 21));
            } else if (!(fault instanceof Fault.ClockJump && fault.atNanos() > 0) && fault.mayBreak().isEmpty()
                && endNanos(fault) <= CALM_TIMEOUTS * drawn.electionTimeoutNanos()) {
                faults.add(fault);
            }
        }
        faults.add(new Fault.ClockRate(1, 1, 1010));     // and never none at all, in which nobody would talk for a while
        long t = drawn.electionTimeoutNanos();
        return new FaultPlan(drawn.nodes(), t, END_TIMEOUTS * t, drawn.delayNanosMax(), drawn.diskNanosMax(), drawn.isCramped(),
            drawn.leaseDriftPermille(), faults);
    }

    /** When it is over, as its own parts say. */
    private static long endNanos(Fault fault) {
        long nanos = fault.atNanos();
        for (RecordComponent part : fault.getClass().getRecordComponents()) {
            if (part.getName().equals("forNanos") || part.getName().equals("downNanos")) {
                try {
                    nanos += (long) part.getAccessor().invoke(fault);
                } catch (ReflectiveOperationException e) {
                    throw new AssertionError(e);
                }
            }
        }
        return nanos;
    }

    @Test
    void neverDoTwoLeadAndTokensGrowAndWatchersHearEverythingOnceAndInTheEndWhoeverStandsLeads() {
        long elected = 0;
        long electedInCalm = 0;
        long calmTimeouts = 0;
        long lost = 0;
        long resigned = 0;
        long told = 0;
        long resumed = 0;
        for (long seed = 1; seed <= SEEDS; seed++) {
            FaultPlan plan = plan(seed);
            SimulatedElections run = run(seed, plan, KEYS, Clocks.WITHIN_THE_BOUND);
            elected += run.elected();
            electedInCalm += run.electedInCalm();
            calmTimeouts += run.calmNanos() / plan.electionTimeoutNanos();
            lost += run.lost();
            resigned += run.resigned();
            told += run.told();
            resumed += run.resumed();
        }
        assertTrue(elected - electedInCalm > 6L * SEEDS, "hardly anybody led: " + elected);
        assertTrue(electedInCalm > 20L * SEEDS && calmTimeouts > (END_TIMEOUTS - CALM_TIMEOUTS) * SEEDS * 2L / 3,
            "hardly anybody was led in the end: " + electedInCalm + " elected, in " + calmTimeouts + " timeouts");
        assertTrue(lost > SEEDS && resigned > SEEDS, "offices ended in one way only: " + lost + " lost, " + resigned + " resigned");
        assertTrue(told > 40L * SEEDS && resumed > SEEDS, "hardly anything was told: " + told + ", resumed " + resumed);
    }

    @Test
    void whoWatchesAGroupThatForgetsSoonIsToldWhatHeMissed() {
        long elected = 0;
        long missed = 0;
        for (long seed = 100; seed < 100 + SEEDS / 3; seed++) {
            SimulatedElections run = run(seed, plan(seed), FORGETFUL, Clocks.WITHIN_THE_BOUND);
            elected += run.elected();
            missed += run.missed();
        }
        assertTrue(elected > SEEDS / 2 && missed > 0, "elected " + elected + ", missed " + missed);
    }

    @Test
    void candidatesWhoseClocksAreTooSlowAreCaughtLeadingBesideTheNext() {
        SimulatedElections.Broken caught = null;
        for (long seed = 1; seed <= 3 * SEEDS && caught == null; seed++) {
            try {
                run(seed, plan(seed), KEYS, new Clocks(400, 1010));
            } catch (SimulatedElections.Broken e) {
                caught = e;
            }
        }
        assertNotNull(caught, "nobody noticed");
        assertTrue(String.valueOf(caught.getMessage()).contains("is led by"), caught::toString);
    }

    /** A leader whose clock is too fast lets leases end too soon. */
    @Test
    void membersWhoseClocksAreTooFastAreCaught() {
        SimulatedElections.Broken caught = null;
        for (long seed = 1; seed <= 3 * SEEDS && caught == null; seed++) {
            FaultPlan good = plan(seed);
            List<Fault> faults = new ArrayList<>(good.faults());
            faults.removeIf(Fault.ClockRate.class::isInstance);
            for (int node = 1; node <= good.nodes(); node++) {
                faults.add(new Fault.ClockRate(0, node, 3000));
            }
            try {
                run(seed, good.withFaults(faults), KEYS, Clocks.WITHIN_THE_BOUND);
            } catch (SimulatedElections.Broken e) {
                caught = e;
            }
        }
        assertNotNull(caught, "nobody noticed");
        assertTrue(String.valueOf(caught.getMessage()).contains("is led by"), caught::toString);
    }
}
