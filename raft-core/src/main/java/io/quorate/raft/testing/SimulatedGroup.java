package io.quorate.raft.testing;

import io.quorate.raft.FoundingMessage;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.Storage;
import io.quorate.raft.core.DiskRoom;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.InvariantViolation;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.core.ReplicaId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One run of a whole group in one thread, in virtual time: several nodes with their disks and clocks, the network between them, some
 * clients, and everything going wrong that a {@link FaultPlan} says.
 *
 * <p>After each event every invariant of the group is checked. In the end the faults stop, a random minimal quorum is healed (the other
 * nodes stay away for good), and that quorum must elect a leader, agree without any new request, then take a write, answer a read, and
 * agree again.
 */
final class SimulatedGroup {

    /** How long, in election timeouts, a healed quorum may take. Candidates may have backed off sixteenfold, up to 32 timeouts, twice. */
    static final int HEAL_TIMEOUTS_MAX = 100;
    /**
     * When a group without faults has a leader, unless its disks are so slow that votes are split: then up to twice as late. When, if there
     * are no faults at all, clients fall silent, all is done, and clients go on.
     */
    static final int CALM_TIMEOUTS = 5;
    private static final int LATELY_TIMEOUTS = 10;      // a message is hardly ever longer on its way
    private static final int QUIET_TIMEOUTS = 20;
    /** What is longer is refused, and takes its time to hash. */
    private static final int HASHED_BYTES_MAX = 1 << 20;
    private static final int IDLE_TIMEOUTS = 32;
    private static final int BUSY_TIMEOUTS = 40;

    private final long seed;
    private final FaultPlan plan;
    private final Setup setup;
    private final Trace.@Nullable Recorder recorder;
    private final RaftConfig config;
    private final Agenda agenda = new Agenda();
    private final Map<Integer, String> addresses = new TreeMap<>();
    private final SplittableRandom random;
    private final SimulatedNetwork network;
    private final SimulatedClients clients;
    private final Strikes strikes;
    private final SimulatedOperator operator;
    private final Companion.Maker companions;
    private final List<SimulatedReplica> replicas = new ArrayList<>();     // by node; of a cloned one, the younger
    private final GroupInvariants invariants;
    private final boolean owesNothing;
    private final List<SimulatedReplica> wiped = new ArrayList<>();
    private final List<SimulatedReplica> cloned = new ArrayList<>();       // the older ones
    private final Map<Happening, Long> happenings = new EnumMap<>(Happening.class);

    private long hash;
    private long turns;
    private long crashes;
    private boolean isHealing;
    private boolean isForgetfulReported;

    SimulatedGroup(long seed, FaultPlan plan, Setup setup, Trace.@Nullable Recorder recorder) {
        this.seed = seed;
        this.plan = plan;
        this.setup = setup;
        this.recorder = recorder;
        config = plan.config();
        owesNothing = plan.mayBreak().equals(Fault.EVERYTHING);
        random = new SplittableRandom(seed);
        for (int node = 1; node <= plan.nodes(); node++) {
            addresses.put(node, "node-" + node);
        }
        network = new SimulatedNetwork(this, plan.nodes(), setup.wire(), random.split());
        clients = new SimulatedClients(this, random.split());
        strikes = new Strikes(this);
        operator = new SimulatedOperator(this);
        companions = setup.companions().get();
        for (int node = 1; node <= plan.nodes(); node++) {
            replicas.add(new SimulatedReplica(this, node, random.split()));
        }
        invariants = new GroupInvariants(replicas, config, agenda::now, plan.mayBreak());
    }

    /** Runs to the end. Throws whatever is found broken. */
    Simulation.Report run() {
        try {
            return live();
        } finally {
            replicas.forEach(SimulatedReplica::end);
            cloned.forEach(SimulatedReplica::end);
        }
    }

    private Simulation.Report live() {
        for (Fault fault : plan.faults()) {
            if (fault.atNanos() == 0) {
                befall(fault);      // clocks begin where they begin
            } else {
                agenda.at(fault.atNanos(), () -> {
                    if (!isHealing) {
                        befall(fault);
                    }
                });
            }
        }
        for (Fault fault : plan.faults()) {
            if (fault instanceof Fault.RollBack rollBack) {
                agenda.at(rollBack.savedNanos(), () -> replicas.forEach(SimulatedReplica::saveDisk));
            }
        }
        replicas.forEach(SimulatedReplica::start);
        clients.start();
        if (plan.isHarmless()) {
            whenCalm(CALM_TIMEOUTS, () -> {
                count(Happening.QUORUM_IS_HEALTHY);
                invariants.onQuorumHealthy();
            });
        }
        if (plan.faults().isEmpty()) {
            whenCalm(CALM_TIMEOUTS, () -> {
                count(Happening.NOTHING_GOES_WRONG);
                invariants.onFaultFree();
            });
            later(IDLE_TIMEOUTS * plan.electionTimeoutNanos(), invariants::onIdle);
            later(BUSY_TIMEOUTS * plan.electionTimeoutNanos(), invariants::onBusy);
        }
        agenda.runUntil(plan.faultyNanos());
        invariants.onFault();       // whoever does not belong to the healed quorum is taken away
        invariants.onBusy();        // and the others are asked again
        if (owesNothing) {
            if (!isForgetfulReported) {
                throw new InvariantBroken("Reported", "nobody has noticed " + plan.faults());
            }
            return report(replicas, 0);
        }
        return new Healing().run();
    }

    // ------------------------------------------------------------------------------------------------------------------- faults

    private void befall(Fault fault) {
        if (plan.isHarmless()) {
            invariants.onFault();
        }
        if (fault instanceof Fault.OfNode ofNode) {
            befall(ofNode, replica(ofNode.node()));
        } else if (fault instanceof Fault.Noise noise) {
            network.begin(noise);
        } else if (fault instanceof Fault.Cut cut) {
            network.cut(cut.links(), cut.forNanos());
        } else if (fault instanceof Fault.Strike strike) {
            strikes.arm(strike);
        } else if (fault instanceof Fault.HandOver handOver) {
            operator.handOver(handOver.toNode());
        } else if (fault instanceof Fault.ChangeMembership change) {
            operator.change(change.dice());
        }
    }

    private void befall(Fault.OfNode fault, SimulatedReplica replica) {
        if (!(fault instanceof Fault.Stray)) {
            traceFault(fault.node(), PlanText.of((Record) fault));
        }
        if (fault instanceof Fault.ClockJump jump) {
            if (now() > 0) {
                count(Happening.CLOCK_JUMP);
            }
            replica.clock().jump(jump.byNanos());
        } else if (fault instanceof Fault.ClockRate rate) {
            count(Happening.CLOCK_RATE);
            replica.clock().rate(rate.permille());
        } else if (fault instanceof Fault.SlowDisk slow) {
            replica.ailments().slowDisk(slow.forNanos(), slow.writeNanosMax());
        } else if (fault instanceof Fault.HangDisk hang) {
            replica.ailments().hangDisk(hang.forNanos());
        } else if (fault instanceof Fault.FullDisk full) {
            fillDisk(replica, full);
        } else if (fault instanceof Fault.SlowApply slow) {
            replica.ailments().slowApply(slow.forNanos(), slow.applyNanosMax());
        } else if (fault instanceof Fault.DamageEntry damage) {
            replica.damageEntry(damage.dice());
        } else if (fault instanceof Fault.DamageDisk damage) {
            replica.damageDisk(damage.dice());
        } else if (fault instanceof Fault.RollBack rollBack) {
            rollBack(rollBack);
        } else if (!replica.isUp()) {
            return;       // the others befall a process
        } else if (fault instanceof Fault.Stray) {
            replica.goAstray();
        } else if (fault instanceof Fault.Crash crash) {
            crash(replica, crash.keepsWrite(), crash.downNanos());
        } else if (fault instanceof Fault.CrashInFlush crash) {
            replica.ailments().dieAfterSends(crash.sends());
            replica.ailments().downFor(crash.downNanos());
        } else if (fault instanceof Fault.Wipe wipe) {
            crash(replica, false, wipe.downNanos());
            replica.wipe();
            wiped.add(replica);
            count(Happening.DISK_LOST);
        } else if (fault instanceof Fault.Pause pause) {
            pause(replica, pause.forNanos());
        } else if (fault instanceof Fault.FailDisk fail) {
            replica.failDisk();
            replica.ailments().downFor(fail.downNanos());
        } else if (fault instanceof Fault.ThrowInApply thrown) {
            replica.ailments().throwInApply();
            replica.ailments().downFor(thrown.downNanos());
        } else if (fault instanceof Fault.Flood flood) {
            count(Happening.FLOOD);
            clients.flood(replica, flood.requests());
        } else if (fault instanceof Fault.CloneDisk) {
            count(Happening.DISK_CLONED);
            SimulatedReplica clone = new SimulatedReplica(replica);
            replicas.set(fault.node() - 1, clone);
            cloned.add(replica);
            clone.start();
        }
    }

    void crash(SimulatedReplica replica, boolean keepsWrite, long downNanos) {
        if (replica.isUp()) {
            replica.crash(keepsWrite);
            restartAfter(replica, downNanos);
        }
    }

    /** Starts a replica that is down. */
    void restartAfter(SimulatedReplica replica, long nanos) {
        later(nanos, () -> {
            if (!replica.isUp() && replicas.contains(replica)) {
                replica.start();
            }
        });
    }

    /**
     * No process can run on its disk any more: an operator replaces that by an empty one, unless he would have replaced half of them then,
     * or nobody does.
     */
    void onRefused(SimulatedReplica replica, boolean isNoticed, long nanos) {
        Set<Integer> replaced = new HashSet<>(Set.of(replica.nodeId()));
        wiped.forEach(each -> replaced.add(each.nodeId()));
        plan.faults().stream().filter(Fault.Wipe.class::isInstance).forEach(fault -> replaced.add(((Fault.Wipe) fault).node()));
        boolean isReplaced = isNoticed && replaced.size() <= (plan.nodes() - 1) / 2;
        traceFault(replica.nodeId(), "its disk is damaged" + (isReplaced ? ", and will be replaced" : ""));
        if (isReplaced) {
            wiped.add(replica);
            later(nanos, () -> {
                if (!replica.isUp() && replicas.contains(replica)) {
                    replica.wipe();
                    count(Happening.DISK_LOST);
                    replica.start();
                }
            });
        }
    }

    private void fillDisk(SimulatedReplica replica, Fault.FullDisk fault) {
        replica.diskRoom(fault.isToTheBrim() ? DiskRoom.NONE : DiskRoom.LOW);
        agenda.after(fault.forNanos(), () -> replica.diskRoom(DiskRoom.PLENTY));
    }

    private void pause(SimulatedReplica replica, long nanos) {
        count(nanos > 10 * plan.electionTimeoutNanos() ? Happening.LONG_PAUSE : Happening.PAUSE);
        replica.pause();
        trace(() -> new Trace.Paused(now(), replica.nodeId()));
        int boot = replica.boot();
        agenda.after(nanos, () -> {
            if (replica.isUp() && replica.boot() == boot) {
                trace(() -> new Trace.Resumed(now(), replica.nodeId()));
                replica.resume();
            }
        });
    }

    /** Makes the copy, and brings it back to a node that does not lead: what a leader forgets, its followers bring back. */
    private void rollBack(Fault.RollBack fault) {
        SimulatedReplica victim = replica(fault.node());
        if (victim.isLeader()) {
            victim = replica(fault.node() % plan.nodes() + 1);
        }
        SimulatedReplica chosen = victim;
        if (chosen.hasSavedDisk()) {
            crash(chosen, false, fault.downNanos());
            chosen.rollBack();
            count(Happening.DISK_ROLLED_BACK);
        }
    }

    /** The memberships that may be in force at whoever leads next: the last that is committed, and all that are not. */
    private List<Membership> memberships() {
        List<Membership> memberships = new ArrayList<>();
        Membership committed = invariants.committedMembership();
        if (committed != null) {
            memberships.add(committed);
        }
        for (SimulatedReplica replica : replicas) {
            if (replica.mayRun()) {
                memberships.addAll(replica.memberships(invariants.committedIndex(), committed == null));
            }
        }
        return memberships;
    }

    /** After some election timeouts, or as soon after that as all follow one leader, but no later than after twice as many. */
    private void whenCalm(int timeouts, Runnable task) {
        later(timeouts * plan.electionTimeoutNanos(), () -> {
            boolean isCalm = agenda.now() >= 2L * CALM_TIMEOUTS * plan.electionTimeoutNanos();
            if (isCalm || isLedAsOne()) {
                task.run();
            } else {
                whenCalm(1, task);
            }
        });
    }

    private boolean isLedAsOne() {
        for (SimulatedReplica replica : replicas) {
            ReplicaId leader = replica.isUp() && replica.isFounded() ? replica.status().leader() : null;
            if (leader == null || !leader.equals(replicas.get(0).status().leader())) {
                return false;
            }
        }
        return true;
    }

    /** Runs the task then, unless faults are over. */
    void later(long nanos, Runnable task) {
        agenda.after(nanos, () -> {
            if (!isHealing) {
                task.run();
            }
        });
    }

    // ----------------------------------------------------------------------------------------------------------------- the end

    /** The end: faults stop, and a minimal quorum must do its work. */
    private final class Healing {

        private final List<SimulatedReplica> core = new ArrayList<>(replicas);
        private final long healedAt = now();

        private Healing() {
            replicas.forEach(SimulatedReplica::stopIfSuspect);
            for (int i = core.size() - 1; i > 0; i--) {
                Collections.swap(core, i, random.nextInt(i + 1));
            }
            List<Membership> memberships = memberships();
            core.removeIf(replica -> !replica.mayRun());
            // One after the other is left out whom no membership needs that may still count.
            for (SimulatedReplica replica : List.copyOf(core)) {
                core.remove(replica);
                if (!isQuorumOfAll(memberships)) {
                    core.add(replica);
                }
            }
        }

        private boolean isQuorumOfAll(List<Membership> memberships) {
            return memberships.stream().allMatch(each -> isMajority(each.voters()) && (!each.isJoint() || isMajority(each.outgoing()))
                && (each.goal() == null || !mayBeReached(each.goal(), each) || isMajority(each.goal().voters())));
        }

        /** Whether all are there, or were lately, whom the next step waits for: a leader may have heard them, and take it. */
        private boolean mayBeReached(Membership.Goal goal, Membership membership) {
            long lately = now() - LATELY_TIMEOUTS * plan.electionTimeoutNanos();
            return goal.voters().stream().filter(member -> !membership.isVoter(member.id()))
                .allMatch(member -> replicas.stream().anyMatch(replica -> replica.wasThere(member.id(), lately)));
        }

        private boolean isMajority(List<Member> half) {
            return half.stream().filter(member -> core.stream().anyMatch(replica -> replica.id().equals(member.id()))).count()
                > half.size() / 2;
        }

        private Simulation.Report run() {
            isHealing = true;
            if (!isQuorumOfAll(memberships())) {
                count(Happening.QUORUM_LOST);
                return report(replicas, 0);
            }
            if (core.stream().noneMatch(SimulatedReplica::isFounded)) {
                count(Happening.FOUNDING_FAILED);
                return report(core, 0);   // a group that is not founded yet needs all of its members for that
            }
            trace(() -> new Trace.Healed(now()));
            network.heal();
            strikes.heal();
            for (SimulatedReplica replica : replicas) {
                boolean isInCore = core.contains(replica);
                replica.heal();
                if (!isInCore && replica.isUp()) {
                    replica.crash(false);
                }
            }
            // What is damaged on all of these is more than a group has to cope with.
            Map<SimulatedReplica, List<EntryId>> beyondRepair = new LinkedHashMap<>();
            core.forEach(replica -> beyondRepair.put(replica, replica.beyondRepair(core)));
            beyondRepair.forEach(SimulatedReplica::undamage);
            for (SimulatedReplica replica : core) {
                if (!replica.isUp()) {
                    replica.start();
                }
            }
            await(false);
            await(true);
            long healNanos = now() - healedAt;
            invariants.onIdle();
            agenda.runUntil(now() + 3 * plan.electionTimeoutNanos());
            invariants.onEnd();
            return report(core, healNanos);
        }

        /** The healed quorum must agree: after new work of clients, or without. */
        private void await(boolean hasClients) {
            invariants.onHeal(core, hasClients);
            long giveUpAt = now() + HEAL_TIMEOUTS_MAX * plan.electionTimeoutNanos();
            long writes = clients.probedWrites();
            long reads = clients.probedReads();
            long askAgainAt = now();
            boolean isServed = !hasClients;
            while (!isServed || !agrees()) {
                if (agenda.nextAt() > giveUpAt) {
                    invariants.onEnd();
                    throw new IllegalStateException("The healed quorum did not do its work, and no invariant says so");
                }
                agenda.runNext();
                isServed |= clients.probedWrites() > writes && clients.probedReads() > reads;
                if (!isServed && now() >= askAgainAt) {
                    askAgainAt = now() + plan.electionTimeoutNanos() / 4;
                    core.forEach(clients::probe);
                }
            }
            core.removeAll(List.copyOf(core).stream().filter(this::isLeftBehind).toList());
            invariants.onHealed(core);
        }

        /** Whether it was needed for a membership that has been left since, and belongs to the group no more. */
        private boolean isLeftBehind(SimulatedReplica replica) {
            return core.stream().filter(SimulatedReplica::isLeader)
                .allMatch(leader -> leader.status().membership().member(replica.id()) == null);
        }

        private boolean agrees() {
            return core.stream().noneMatch(replica -> replica.hasOpenCalls() || replica.node() == null) && invariants.agree(core);
        }
    }

    private Simulation.Report report(List<SimulatedReplica> core, long healNanos) {
        boolean isLinearizable = isHistoryLinearizable();
        long lastTerm = 0;
        long committed = 0;
        for (SimulatedReplica replica : core) {
            lastTerm = Math.max(lastTerm, replica.durableState().term());
            committed = Math.max(committed, replica.durableState().commitIndex());
        }
        Map<String, Long> counts = new TreeMap<>();
        for (Happening what : Happening.values()) {
            counts.put(what.name(), happenings.getOrDefault(what, 0L));
        }
        for (SimulatedReplica replica : replicas) {
            replica.diskHappenings().forEach(each -> each.forEach((what, count) -> counts.merge(what, count, Long::sum)));
        }
        return new Simulation.Report(seed, plan, hash, turns, now(), lastTerm, committed, clients.acknowledged(), clients.readsServed(),
            happenings.getOrDefault(Happening.ELECTION_WON, 0L), crashes, healNanos, isLinearizable, counts);
    }

    private boolean isHistoryLinearizable() {
        SequentialModel<?> model = setup.model();
        return model != null && !owesNothing && isLinearizable(model);
    }

    private <S> boolean isLinearizable(SequentialModel<S> model) {
        LinearizabilityChecker.Verdict verdict = LinearizabilityChecker.check(model, clients.history().operations());
        if (verdict instanceof LinearizabilityChecker.Undecided) {
            throw new InvariantBroken("Undecided", verdict + "\nLet the model have more keys, or runs fewer timeouts or clients");
        } else if (!verdict.isLinearizable()) {
            throw new InvariantBroken("Linearizability", verdict.toString());
        }
        return true;
    }

    // --------------------------------------------------------------------------------------------------------------- what happens

    void onStarted(SimulatedReplica replica) {
        trace(() -> new Trace.Started(now(), replica.nodeId(), replica.boot()));
        add(replica.nodeId() * 31 + replica.boot());
    }

    void onFounded(SimulatedReplica replica) {
        traceFault(replica.nodeId(), "is founded");
    }

    void onCrashed(SimulatedReplica replica, boolean keepsWrite) {
        crashes += isHealing ? 0 : 1;
        trace(() -> new Trace.Crashed(now(), replica.nodeId(), keepsWrite ? "what it was writing is kept" : ""));
    }

    void onStopped(SimulatedReplica replica, Throwable cause) {
        crashes++;
        isForgetfulReported |= cause instanceof InvariantViolation || cause instanceof SimulatedReplica.YoungerBootRuns;
        trace(() -> new Trace.Stopped(now(), replica.nodeId(), cause.toString()));
    }

    void onTurn(SimulatedReplica replica) {
        turns++;
        add(now() * 31 + replica.nodeId());
        if (owesNothing && replica.isLeader()) {
            isForgetfulReported |= happenings.containsKey(Happening.DISK_ROLLED_BACK)
                && replica.status().peers().stream().anyMatch(NodeStatus.Peer::hasLostEntries);
        }
    }

    void onBecame(SimulatedReplica replica, NodeStatus.RoleName role, long term) {
        trace(() -> new Trace.Became(now(), replica.nodeId(), role, term));
    }

    void onCommitted(SimulatedReplica replica, long index) {
        trace(() -> new Trace.Committed(now(), replica.nodeId(), index));
    }

    void onWrite(SimulatedReplica replica, Storage.Write write) {
        add(write.id() * 31 + write.firstIndex() * 7 + write.entries().hashCode());
    }

    void onWritten(SimulatedReplica replica) {
        trace(() -> new Trace.Wrote(now(), replica.nodeId(), replica.diskLastIndex(), replica.durableState().toString()));
    }

    void onApplied(SimulatedReplica replica, long index, byte[] result) {
        add(index * 31 + Arrays.hashCode(result));
        trace(() -> new Trace.Applied(now(), replica.nodeId(), index));
    }

    void onAsked(SimulatedReplica replica, int client, Operation.Kind kind, byte[] input) {
        add(kind.ordinal() * 31L + (input.length > HASHED_BYTES_MAX ? input.length : Arrays.hashCode(input)));
        trace(() -> new Trace.ClientAsked(now(), replica.nodeId(), client, kind + " " + Operation.text(input)));
    }

    void onAnswered(SimulatedReplica replica, int client, long answerHash, Supplier<String> how) {
        add(answerHash);
        trace(() -> new Trace.ClientAnswered(now(), replica.nodeId(), client, how.get()));
    }

    void traceSend(long id, Message message) {
        // These say why in an enum, whose hash is another in each JVM.
        boolean saysWhy = message instanceof Message.PreVoteAnswer || message instanceof Message.Vote
            || message instanceof Message.AppendAccepted || message instanceof Message.AppendRejected;
        add(saysWhy ? message.toString().hashCode() : message.hashCode());
        trace(() -> Trace.Sent.of(now(), id, message));
    }

    void traceSend(long id, FoundingMessage message) {
        add(message.hashCode());
        trace(() -> Trace.Sent.of(now(), id, message));
    }

    void traceSend(long id, SnapshotMessage message) {
        add(message.hashCode());
        trace(() -> Trace.Sent.of(now(), id, message));
    }

    void traceSend(long id, RepairMessage message) {
        add(message.hashCode());
        trace(() -> Trace.Sent.of(now(), id, message));
    }

    void traceArrival(long id, int to) {
        trace(() -> new Trace.Arrived(now(), to, id));
    }

    void traceLost(long id, String why) {
        trace(() -> new Trace.Lost(now(), id, why));
    }

    void traceCut(long links, long until) {
        trace(() -> {
            List<Trace.Link> cut = new ArrayList<>();
            for (int from = 1; from <= plan.nodes(); from++) {
                for (int to = 1; to <= plan.nodes(); to++) {
                    if (Links.contains(links, from, to)) {
                        cut.add(new Trace.Link(from, to));
                    }
                }
            }
            return new Trace.Cut(now(), until, cut);
        });
    }

    void traceFault(int node, String what) {
        trace(() -> new Trace.Fault(now(), node, what));
    }

    private void trace(Supplier<Trace.Event> event) {
        if (recorder != null) {
            recorder.record(event.get());
        }
    }

    private void add(long value) {
        hash = (hash ^ value) * 0x9E3779B97F4A7C15L + Long.rotateLeft(hash, 17);
    }

    void count(Happening what) {
        count(what, 1);
    }

    void count(Happening what, long times) {
        happenings.merge(what, times, Long::sum);
    }

    // ------------------------------------------------------------------------------------------------------------------ its parts

    Agenda agenda() {
        return agenda;
    }

    long now() {
        return agenda.now();
    }

    FaultPlan plan() {
        return plan;
    }

    Setup setup() {
        return setup;
    }

    RaftConfig config() {
        return config;
    }

    SimulatedNetwork network() {
        return network;
    }

    SimulatedClients clients() {
        return clients;
    }

    Companion.Maker companions() {
        return companions;
    }

    Strikes strikes() {
        return strikes;
    }

    GroupInvariants invariants() {
        return invariants;
    }

    List<SimulatedReplica> replicas() {
        return replicas;
    }

    /** The node with this number. */
    SimulatedReplica replica(int node) {
        return replicas.get(node - 1);
    }

    /** Every node's address. */
    Map<Integer, String> addresses() {
        return addresses;
    }

    /** Whether clients are silent for a while, to see what an idle group does. */
    boolean isQuiet() {
        long t = plan.electionTimeoutNanos();
        return plan.faults().isEmpty() && now() > QUIET_TIMEOUTS * t && now() <= BUSY_TIMEOUTS * t;
    }

    boolean isHealing() {
        return isHealing;
    }

    /** Whether disks forget in this run, so that no invariant is owed. */
    boolean owesNothing() {
        return owesNothing;
    }

    /** How long a call may take. */
    long callTimeout() {
        return 10 * plan.electionTimeoutNanos();
    }

    /** How long a call may take in virtual time, at a process that runs: clocks may be slow, or leap back, and so may state machines. */
    long callBound() {
        return 3 * callTimeout();
    }

    /** How long a node takes to get to what has arrived. */
    long turnDelay(SplittableRandom dice) {
        return dice.nextLong(plan.electionTimeoutNanos() / 10_000);
    }
}
