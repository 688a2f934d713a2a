package io.quorate.raft.testing;

import io.quorate.raft.FoundingMessage;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.core.ReplicaId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * A whole group in one thread, in virtual time, from one seed: several nodes, their disks, the network between them and some clients, with
 * everything going wrong that a {@link FaultPlan} asks for.
 *
 * <p>After each event every invariant of the group is checked. In the end the faults stop, a random minimal quorum is healed (the other
 * nodes stay away for good), and that quorum must elect a leader, take a write, answer a read and agree. The same seed gives the same
 * run, event by event.
 */
public final class Simulation {

    /** How long, in election timeouts, a healed quorum may take. Candidates may have backed off sixteenfold, up to 32 timeouts, twice. */
    private static final int HEAL_TIMEOUTS_MAX = 100;
    private static final int TRACE_LENGTH = 400;
    /** How many messages wait for a paused node; the rest is lost. */
    static final int PENDING_MESSAGES_MAX = 10_000;

    /**
     * What a run came to.
     *
     * @param seed         that repeats it
     * @param turns        how many batches nodes have digested
     * @param traceHash    of everything that happened, in order
     * @param lastTerm     the highest term
     * @param committed    how many entries were committed
     * @param acknowledged how many proposals were answered as done
     * @param readsServed  how many reads were answered
     * @param crashes      how many crashes there were
     * @param healNanos    how long the healed quorum took to do its work
     * @param happenings   how often each thing that may go wrong did
     */
    public record Report(long seed, long turns, long traceHash, long lastTerm, long committed, long acknowledged, long readsServed,
                         long crashes, long healNanos, Map<String, Long> happenings) { }

    private record Scheduled(long atNanos, long sequence, Runnable task) { }

    private final long seed;
    private final FaultPlan plan;
    private final RaftConfig config;
    private final SplittableRandom random;
    private final PriorityQueue<Scheduled> agenda =
        new PriorityQueue<>(Comparator.comparingLong(Scheduled::atNanos).thenComparingLong(Scheduled::sequence));
    private final Map<Integer, String> addresses = new TreeMap<>();
    private final List<SimulatedReplica> replicas = new ArrayList<>();
    private final GroupInvariants invariants;
    private final boolean[][] isCut;                      // from, to
    private final long[][] struckUntil;                   // likewise: cut also, until then
    private final long[] lateUntil;                       // what is sent to this node before then may take elections to arrive
    private final Map<Happening, Long> happenings = new EnumMap<>(Happening.class);
    private final Deque<Object[]> trace = new ArrayDeque<>();

    private long now;
    private long sequence;
    private long traceHash;
    private long turns;
    private long crashes;
    private long nextCommand = 1;
    private boolean isHealing;
    private final List<SimulatedReplica> wiped = new ArrayList<>();

    // What clients know.
    private long acknowledged;
    private long readsServed;
    private long observedIndex;   // everything up to here has been told to some client
    private final Map<Long, Long> applied = new HashMap<>();      // where each command stands that some replica has applied
    private final Set<Long> failedForCertain = new HashSet<>();   // of those whose callers were told that nothing happened

    private Simulation(long seed, int nodes, FaultPlan plan) {
        this.seed = seed;
        this.plan = plan;
        config = plan.config();
        random = new SplittableRandom(seed);
        isCut = new boolean[nodes][nodes];
        struckUntil = new long[nodes][nodes];
        lateUntil = new long[nodes];
        for (int i = 1; i <= nodes; i++) {
            addresses.put(i, "node-" + i);
        }
        for (int i = 1; i <= nodes; i++) {
            replicas.add(new SimulatedReplica(this, i));
        }
        invariants = new GroupInvariants(replicas);
    }

    /**
     * Runs one seed with the faults that the seed itself draws.
     *
     * @param seed     any number
     * @param nodes    how many, 1 to 7
     * @param timeouts for how many election timeouts faults go on
     * @throws SimulationFailure if an invariant broke, or the healed quorum made no progress
     */
    public static Report run(long seed, int nodes, int timeouts) {
        return run(seed, nodes, timeouts, FaultPlan.swarm(new SplittableRandom(seed ^ 0x5DEECE66DL)));
    }

    /** Runs one seed with these faults. */
    public static Report run(long seed, int nodes, int timeouts, FaultPlan plan) {
        Simulation simulation = new Simulation(seed, nodes, plan);
        try {
            return simulation.run(timeouts);
        } catch (RuntimeException | AssertionError e) {
            throw simulation.failure(nodes, timeouts, e);
        }
    }

    private Report run(int timeouts) {
        for (SimulatedReplica replica : replicas) {
            replica.start();
        }
        long t = plan.electionTimeoutNanos();
        every(t / 20, this::clientActs);
        every(plan.partitionMean() * t, this::cutLinks);
        every(plan.crashMean() * t, this::crashOne);
        every(plan.pauseMean() * t, this::pauseOne);
        runUntil(timeouts * t);
        return heal();
    }

    // ---- time

    long now() {
        return now;
    }

    void after(long nanos, Runnable task) {
        agenda.add(new Scheduled(now + nanos, sequence++, task));
    }

    /** Does this again and again until healing, after pauses around {@code meanNanos}; never if that is 0. */
    private void every(long meanNanos, Runnable task) {
        if (meanNanos > 0) {
            after(random.nextLong(2 * meanNanos), () -> {
                if (!isHealing) {
                    task.run();
                    every(meanNanos, task);
                }
            });
        }
    }

    private void runUntil(long nanos) {
        while (!agenda.isEmpty() && agenda.peek().atNanos <= nanos) {
            runNext();
        }
        now = nanos;
    }

    private void runNext() {
        Scheduled next = agenda.remove();
        now = next.atNanos;
        next.task.run();
    }

    // ---- the end: faults stop, and a minimal quorum must do its work

    private Report heal() {
        isHealing = true;
        List<SimulatedReplica> core = new ArrayList<>(replicas);
        core.removeAll(wiped);
        for (int i = core.size() - 1; i > 0; i--) {
            Collections.swap(core, i, random.nextInt(i + 1));
        }
        core = core.subList(0, replicas.size() / 2 + 1);
        if (core.stream().noneMatch(SimulatedReplica::isFounded)) {
            count(Happening.FOUNDING_FAILED);
            return report(core, 0);   // a group that is not founded yet needs all of its members for that
        }
        for (boolean[] row : isCut) {
            Arrays.fill(row, false);
        }
        for (long[] row : struckUntil) {
            Arrays.fill(row, 0);
        }
        for (SimulatedReplica replica : replicas) {
            if (!core.contains(replica)) {
                replica.crash(false);
            } else if (replica.isUp()) {
                replica.resume();
            } else {
                replica.start();
            }
        }
        long healedAt = now;
        long giveUpAt = now + HEAL_TIMEOUTS_MAX * plan.electionTimeoutNanos();
        boolean isServed = false;
        long acknowledgedBefore = acknowledged;
        long readsBefore = readsServed;
        long askAgainAt = now;
        while (true) {
            if (agenda.isEmpty() || agenda.peek().atNanos > giveUpAt) {
                throw new InvariantBroken("Progress", "a healed quorum " + core + " did not do its work in " + HEAL_TIMEOUTS_MAX
                    + " election timeouts: served " + isServed);
            }
            runNext();
            isServed |= acknowledged > acknowledgedBefore && readsServed > readsBefore;
            if (isServed && agree(core)) {
                break;
            }
            if (!isServed && now >= askAgainAt) {
                askAgainAt = now + plan.electionTimeoutNanos() / 4;
                for (SimulatedReplica replica : core) {
                    replica.propose(nextCommand++, 1);
                    replica.read();
                }
            }
        }
        for (SimulatedReplica replica : core) {
            if (replica.appliedIndex() < observedIndex) {
                throw new InvariantBroken("NothingAcknowledgedIsLost", replica + " ends before " + observedIndex);
            }
        }
        return report(core, now - healedAt);
    }

    private Report report(List<SimulatedReplica> core, long healNanos) {
        long lastTerm = 0;
        long committed = 0;
        for (SimulatedReplica replica : core) {
            lastTerm = Math.max(lastTerm, replica.durableState().term());
            committed = Math.max(committed, replica.durableState().commitIndex());
        }
        Map<String, Long> counts = new TreeMap<>();
        happenings.forEach((what, times) -> counts.put(what.name(), times));
        return new Report(seed, turns, traceHash, lastTerm, committed, acknowledged, readsServed, crashes, healNanos, counts);
    }

    private static boolean agree(List<SimulatedReplica> core) {
        for (SimulatedReplica replica : core) {
            if (replica.node() == null) {
                return false;
            }
        }
        long lastIndex = core.get(0).status().lastIndex();
        int leaders = 0;
        for (SimulatedReplica replica : core) {
            NodeStatus status = replica.status();
            leaders += status.role() == RoleName.LEADER ? 1 : 0;
            if (status.lastIndex() != lastIndex || status.commitIndex() != lastIndex || replica.appliedIndex() != lastIndex
                || replica.hasOpenCalls()) {
                return false;
            }
        }
        return leaders == 1;
    }

    // ---- clients

    private void clientActs() {
        SimulatedReplica replica = replicas.get(random.nextInt(replicas.size()));
        if (!replica.isUp()) {
            return;
        }
        if (random.nextBoolean()) {
            replica.propose(nextCommand++, random.nextInt(8) == 0 ? random.nextInt(3000) : random.nextInt(100));
        } else {
            replica.read();
        }
    }

    /** A client has been told that its command is done, at this index: there it stands, and nowhere else (I24). */
    void onAcknowledged(long command, long index) {
        Long at = applied.get(command);
        if (at == null || at != index) {
            throw new InvariantBroken("DoneMeansApplied", "command " + command + " is done at " + index + ", but was applied at " + at);
        }
        acknowledged++;
        observedIndex = Math.max(observedIndex, index);
    }

    /**
     * A client's read was answered.
     *
     * @param floor        what clients had been told before it was asked
     * @param appliedIndex what the answer shows
     */
    void onReadServed(ReplicaId by, long floor, long appliedIndex) {
        if (appliedIndex < floor) {   // I22
            throw new InvariantBroken("ReadsAreFresh", by + " answers a read from " + appliedIndex + ", but " + floor + " was told before");
        }
        readsServed++;
        observedIndex = Math.max(observedIndex, appliedIndex);
    }

    /** A client was told that nothing happened, and nothing will: it must stay so (I25). */
    void onFailedForCertain(long command) {
        failedForCertain.add(command);
        if (applied.containsKey(command)) {
            throw new InvariantBroken("FailedMeansNeverApplied", "command " + command + " failed for certain, but was applied");
        }
    }

    void onApplied(long command, long index) {
        Long before = applied.putIfAbsent(command, index);
        if (before != null && before != index) {
            throw new InvariantBroken("AppliedOnce", "command " + command + " is applied at " + index + ", but was at " + before);
        }
        if (failedForCertain.contains(command)) {
            throw new InvariantBroken("FailedMeansNeverApplied", "command " + command + " is applied, but has failed for certain");
        }
    }

    long observedIndex() {
        return observedIndex;
    }

    /** How long a client waits. */
    long callTimeout() {
        return 10 * plan.electionTimeoutNanos();
    }

    // ---- the network

    void send(Message message) {
        SimulatedReplica to = replicas.get(message.to().nodeId() - 1);
        int boot = to.boot();
        carry(message.from().nodeId(), message.to().nodeId(), () -> {
            if (to.boot() != boot) {
                count(Happening.MESSAGE_OVER_A_RESTART);
            }
            to.deliver(message);
        });
    }

    void send(FoundingMessage message) {
        SimulatedReplica to = replicas.get(message.to() - 1);
        carry(message.from(), message.to(), () -> to.deliver(message));
    }

    private void carry(int from, int to, Runnable delivery) {
        if (isCutOff(from, to)) {
            count(isCutOff(to, from) ? Happening.MESSAGE_CUT_OFF : Happening.MESSAGE_CUT_OFF_ONE_WAY);
            return;
        }
        if (!isHealing && random.nextInt(100) < plan.lossPercent()) {
            count(Happening.MESSAGE_LOST);
            return;
        }
        after(messageDelay(to), delivery);
        if (!isHealing && random.nextInt(100) < plan.duplicatePercent()) {
            count(Happening.MESSAGE_REPEATED);
            after(messageDelay(to) + random.nextLong(plan.lateNanos() + 1), delivery);
        }
    }

    private boolean isCutOff(int from, int to) {
        return isCut[from - 1][to - 1] || now < struckUntil[from - 1][to - 1];
    }

    private long messageDelay(int to) {
        if (!isHealing && now < lateUntil[to - 1] && random.nextInt(3) == 0) {
            count(Happening.MESSAGE_LATE);
            return random.nextLong(5 * plan.electionTimeoutNanos());
        }
        if (!isHealing && random.nextInt(100) < plan.latePercent()) {
            count(Happening.MESSAGE_LATE);
            return random.nextLong(plan.lateNanos() + 1);
        }
        return random.nextLong((isHealing ? plan.electionTimeoutNanos() / 1000 : plan.delayNanosMax()) + 1);
    }

    private void cutLinks() {
        int nodes = replicas.size();
        int kind = random.nextInt(6);
        int chosen = random.nextInt(nodes);
        long half = random.nextLong();
        for (int i = 0; i < nodes; i++) {
            for (int j = 0; j < nodes; j++) {
                isCut[i][j] = i != j && switch (kind) {
                    case 0 -> false;                                                  // healed
                    case 1 -> (half >> i & 1) != (half >> j & 1);                     // two halves
                    case 2 -> i == chosen || j == chosen;                             // one alone
                    case 3 -> j == chosen;                                            // one that hears nothing
                    case 4 -> Math.abs(i - j) > 1;                                    // a chain
                    default -> random.nextInt(3) == 0;                                // single directions
                };
            }
        }
        note("cut", Arrays.deepToString(isCut));
    }

    // ---- processes and disks

    private void crashOne() {
        SimulatedReplica replica = replicas.get(random.nextInt(replicas.size()));
        if (replica.isUp()) {
            crash(replica);
        }
    }

    /** Kills it, and starts it again after a while: at once, or after some elections. */
    void crash(SimulatedReplica replica) {
        crashes++;
        replica.crash(random.nextInt(3) == 0);
        if (plan.isWiping() && wiped.size() < (replicas.size() - 1) / 2 && random.nextInt(4) == 0) {
            replica.wipe();
            count(Happening.DISK_LOST);
            wiped.add(replica);
        }
        long t = plan.electionTimeoutNanos();
        after(random.nextBoolean() ? random.nextLong(t / 10) : random.nextLong(10 * t), () -> {
            if (!replica.isUp() && !isHealing) {
                replica.start();
            }
        });
    }

    private void pauseOne() {
        SimulatedReplica replica = replicas.get(random.nextInt(replicas.size()));
        if (replica.isUp()) {
            long t = plan.electionTimeoutNanos();
            long nanos = random.nextLong(t / 10, plan.pauseMax() * t);
            if (nanos > t) {
                count(Happening.LONG_PAUSE);
            }
            note(replica.id(), "pauses for " + nanos);
            replica.pause();
            int boot = replica.boot();
            after(nanos, () -> {
                if (replica.isUp() && replica.boot() == boot) {
                    replica.resume();
                }
            });
        }
    }

    // ---- strikes: at moments at which little stands between the rules and their violation

    /** What hangs in the balance. */
    enum Balance {
        /** A candidate's vote for itself is given to its disk; then others are asked for theirs. */
        VOTES(3, 1),
        /** A leader's own term has nothing committed: what it has inherited may still be lost, or come back. */
        INHERITANCE(1, 1),
        /** Likewise, and some of that stands on a quorum already. */
        INHERITANCE_ON_A_QUORUM(4, 1),
        /** A leader replicates, as it does most of the time. */
        ENTRIES(1, 50);

        private final int times;
        private final int per;

        Balance(int times, int per) {
            this.times = times;
            this.per = per;
        }
    }

    /** A replica has taken its turn at such a moment. Chance alone seldom meets it just then. */
    void onBalance(SimulatedReplica replica, Balance balance) {
        if (isHealing || random.nextInt(1000 * balance.per) >= plan.strikePermille() * balance.times) {
            return;
        }
        note(replica.id(), "is struck over", balance);
        if (random.nextInt(3) == 0) {   // what answers it gets, it gets in another term
            lateUntil[replica.nodeId() - 1] = now + random.nextLong(3 * plan.electionTimeoutNanos());
        }
        if (balance == Balance.VOTES) {
            strikeCandidate(replica);
        } else {
            strikeLeader(replica);
        }
    }

    /** Its own vote takes long to become durable; meanwhile the leader it had given up is heard again, commits, and falls silent. */
    private void strikeCandidate(SimulatedReplica replica) {
        long t = plan.electionTimeoutNanos();
        long heard = random.nextLong(t / 5, 3 * t / 2);
        replica.stallDisk(random.nextBoolean() ? random.nextLong(5 * t) : heard + random.nextLong(t, 3 * t));
        for (SimulatedReplica other : replicas) {
            if (other.isLeader()) {
                reconnect(other);
                after(random.nextLong(heard), () -> {
                    if (other.isLeader() && !isHealing) {
                        proposeSome(other);
                    }
                });
                long silence = random.nextLong(t, 4 * t);
                after(heard, () -> {
                    if (!isHealing) {
                        cutOff(other, 0, silence);
                    }
                });
            }
        }
    }

    private void strikeLeader(SimulatedReplica replica) {
        long t = plan.electionTimeoutNanos();
        proposeSome(replica);   // what it takes now may be lost, be kept, or come back later
        int kind = random.nextInt(4);
        if (kind == 0) {
            after(random.nextLong(random.nextBoolean() ? t / 50 : t / 2), () -> {
                if (replica.isUp() && !isHealing) {
                    crash(replica);
                }
            });
        } else if (kind == 1) {   // it is deposed while its disk still writes what it took
            cutOff(replica, 0, random.nextLong(t, 5 * t));
            replica.stallDisk(random.nextLong(t, 8 * t));
        } else {                  // perhaps one other still hears it
            cutOff(replica, random.nextInt(replicas.size() + 1), random.nextLong(t / 2, 4 * t));
        }
    }

    private void proposeSome(SimulatedReplica replica) {
        for (int i = random.nextInt(6); i > 0; i--) {
            replica.propose(nextCommand++, random.nextInt(400));
        }
    }

    private void reconnect(SimulatedReplica replica) {
        int here = replica.nodeId() - 1;
        for (int i = 0; i < replicas.size(); i++) {
            isCut[here][i] = false;
            isCut[i][here] = false;
            struckUntil[here][i] = 0;
            struckUntil[i][here] = 0;
        }
    }

    /** Cuts every link of a node for a while, but for those with one other, if that is not 0. */
    private void cutOff(SimulatedReplica replica, int spared, long nanos) {
        int here = replica.nodeId() - 1;
        for (int i = 0; i < replicas.size(); i++) {
            if (i != here && i != spared - 1) {
                struckUntil[here][i] = now + nanos;
                struckUntil[i][here] = now + nanos;
            }
        }
    }

    boolean crashesInFlush() {
        return !isHealing && plan.crashInSends() > 0 && random.nextInt(20_000) < plan.crashInSends();
    }

    /** How long a write takes on a disk that does not answer before {@code stalledUntil}. */
    long diskDelay(long stalledUntil) {
        if (isHealing) {
            return random.nextLong(plan.electionTimeoutNanos() / 1000);
        }
        long nanos = random.nextLong((random.nextInt(100) < plan.slowDiskPercent() ? plan.slowDiskNanosMax() : plan.diskNanosMax()) + 1);
        nanos = Math.max(nanos, stalledUntil - now);
        if (nanos > plan.electionTimeoutNanos()) {
            count(Happening.SLOW_WRITE);
        }
        return nanos;
    }

    long applyDelay() {
        return isHealing || plan.slowApplyNanosMax() == 0 ? 0 : random.nextLong(plan.slowApplyNanosMax());
    }

    /** How long a node takes to get to what has arrived. */
    long turnDelay() {
        return random.nextLong(plan.electionTimeoutNanos() / 10_000);
    }

    SplittableRandom split() {
        return random.split();
    }

    /** Every node's address. */
    Map<Integer, String> addresses() {
        return addresses;
    }

    FaultPlan plan() {
        return plan;
    }

    RaftConfig config() {
        return config;
    }

    GroupInvariants invariants() {
        return invariants;
    }

    // ---- the trace

    void count(Happening what) {
        happenings.merge(what, 1L, Long::sum);
    }

    void countTurn() {
        turns++;
    }

    void hash(long value) {
        traceHash = (traceHash ^ value) * 0x9E3779B97F4A7C15L + Long.rotateLeft(traceHash, 17);
    }

    void note(Object... what) {
        if (trace.size() == TRACE_LENGTH) {
            trace.removeFirst();
        }
        Object[] line = new Object[what.length + 1];
        line[0] = now;
        System.arraycopy(what, 0, line, 1, what.length);
        trace.addLast(line);
    }

    private SimulationFailure failure(int nodes, int timeouts, Throwable cause) {
        StringBuilder text = new StringBuilder();
        for (Object[] line : trace) {
            text.append(String.format("%12.3f ms", (long) line[0] / 1e6));
            for (int i = 1; i < line.length; i++) {
                text.append(' ').append(Objects.toString(line[i]));
            }
            text.append('\n');
        }
        text.append(cause).append("\nRepeat it with Simulation.run(").append(seed).append("L, ").append(nodes).append(", ").append(timeouts)
            .append(", plan)\nplan: ").append(plan).append('\n');
        for (SimulatedReplica replica : replicas) {
            text.append(replica).append('\n');
        }
        return new SimulationFailure(text.toString(), cause);
    }
}
