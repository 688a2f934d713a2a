package io.quorate.raft.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.testing.RecordedEffects;
import io.quorate.raft.testing.RecordedEffects.Effect;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * A group of nodes whose network and disks are moved by hand: a test is a script of what arrives, what becomes durable, who crashes.
 *
 * <p>Replicas are numbered from 1; those whom the founding membership does not name are blank and wait to be admitted. {@link #wipe} gives
 * node n a second disk, which is replica 100 + n. Nothing is delivered and no write completes unless the script says so; a deadline is
 * judged only by {@link #timeout}. All share one clock. Without {@link #draws} every election timeout is exactly T. Whatever a node does is
 * also held against {@link Checks}.
 */
final class Cluster {

    static final long T = RaftConfig.DEFAULT.electionTimeoutNanos();

    /** One replica: its node while it is up, its disk always. */
    private static final class Replica {
        private final int number;
        private final ReplicaId id;
        private final TestDisk disk;
        private @Nullable RaftNode node;
        private final ArrayDeque<Effect> pending = new ArrayDeque<>();   // writes and installs
        private final List<Effect> effects = new ArrayList<>();
        private final List<Entry> applied = new ArrayList<>();
        private RecordedEffects.@Nullable FetchSnapshot fetching;
        private long draw;
        private boolean hangs;
        private long boot;
        private long ratePermille = 1000;   // of its clock
        private long setGlobalNanos;        // when the rate was set, on everybody's clock and on its own
        private long setLocalNanos;

        private Replica(int number, Membership founding) {
            this.number = number;
            id = id(number);
            disk = new TestDisk(founding);
        }

        private RaftNode node() {
            assertNotNull(node, id + " is down");
            return node;
        }
    }

    private final RaftConfig config;
    private final Membership membership;
    private final List<Replica> replicas = new ArrayList<>();
    private final List<Message> network = new ArrayList<>();
    private final List<Message> history = new ArrayList<>();
    private final Checks checks;
    private long now;
    private long lastRequestId;
    private int conflictingInstalls;

    private Cluster(RaftConfig config, Membership membership, long nowNanos, List<String> logs) {
        this.config = config;
        this.membership = membership;
        now = nowNanos;
        checks = new Checks(membership);
        for (int n = 1; n <= logs.size(); n++) {
            Replica replica = new Replica(n, membership);
            replicas.add(replica);
            List<Entry> log = log(logs.get(n - 1));
            long term = log.isEmpty() ? 0 : log.get(log.size() - 1).term();
            replica.disk.replaceBy(new HardState(term, null, 0), log);
            checks.onDisk(log);
            checks.onDurable(replica.id, log);
            start(n);
        }
        now += T;   // the promises of the start have run out
    }

    /** All empty, in term 0. */
    static Cluster of(int size) {
        return of(RaftConfig.DEFAULT, size);
    }

    static Cluster of(RaftConfig config, int size) {
        return new Cluster(config, voters(size), 0, IntStream.range(0, size).mapToObj(n -> "").toList());
    }

    /** One replica for each log, given as the terms of its entries, in the term of its last entry. */
    static Cluster of(String... logs) {
        return of(RaftConfig.DEFAULT, voters(logs.length), 0, logs);
    }

    /** With another membership, clock or configuration. */
    static Cluster of(RaftConfig config, Membership membership, long nowNanos, String... logs) {
        return new Cluster(config, membership, nowNanos, List.of(logs));
    }

    /** Led by replica 1, all quiet; of so many founders and so many replicas in all: the others are blank. */
    static Cluster led(int founders, int replicas) {
        Cluster c = of(RaftConfig.DEFAULT, voters(founders), 0, Collections.nCopies(replicas, "").toArray(new String[0]));
        c.elect(1, IntStream.rangeClosed(2, founders).toArray());
        c.settle();
        return c;
    }

    static ReplicaId id(int n) {
        return n < 100 ? new ReplicaId(n, 0xA0 + n) : new ReplicaId(n - 100, 0xB0 + n - 100);
    }

    static List<Member> members(int... numbers) {
        return IntStream.of(numbers).mapToObj(n -> new Member(id(n), "host" + n + ":1")).toList();
    }

    /** That these shall be the voters, and nobody a learner. */
    static Membership.Goal goal(int... voters) {
        return new Membership.Goal(members(voters), List.of());
    }

    static Membership voters(int size) {
        return Membership.of(1, members(IntStream.rangeClosed(1, size).toArray()));
    }

    /** The log with entries of these terms, as in {@code "1 1 4 4 5"}. */
    static List<Entry> log(String terms) {
        List<Entry> entries = new ArrayList<>();
        for (String term : terms.isBlank() ? new String[0] : terms.trim().split(" +")) {
            entries.add(entry(entries.size() + 1, Long.parseLong(term)));
        }
        return entries;
    }

    static Entry entry(long index, long term) {
        return Entry.of(index, term, Entry.Kind.COMMAND, 0, (index + "@" + term).getBytes(StandardCharsets.UTF_8));
    }

    static RaftConfig config(long uncommitted, long unapplied, long inflight, int append, long cached) {
        return new RaftConfig(T, uncommitted, unapplied, inflight, append, cached);
    }

    // ---- time

    long now() {
        return now;
    }

    /** From now on this replica's clock runs so fast: at 1000, it runs as everybody's time does. */
    void clockRuns(int n, long permille) {
        long local = clock(n);
        Replica replica = replica(n);
        replica.ratePermille = permille;
        replica.setGlobalNanos = now;
        replica.setLocalNanos = local;
    }

    /** What this replica's clock shows. */
    long clock(int n) {
        Replica replica = replica(n);
        return replica.ratePermille == 1000 && replica.setGlobalNanos == replica.setLocalNanos ? now
            : replica.setLocalNanos + (now - replica.setGlobalNanos) * replica.ratePermille / 1000;
    }

    /** The time when this replica's clock shows this. */
    private long everybodys(int n, long local) {
        Replica replica = replica(n);
        return replica.ratePermille == 1000 && replica.setGlobalNanos == replica.setLocalNanos ? local
            : replica.setGlobalNanos + ((local - replica.setLocalNanos) * 1000 + replica.ratePermille - 1) / replica.ratePermille;
    }

    /** Time passes, and nobody notices before something else happens to it. */
    void pass(long nanos) {
        now += nanos;
    }

    /** From now on, election timeouts of this replica are T (doubled as the rule says) plus this. */
    void draws(int n, long nanos) {
        replica(n).draw = nanos;
    }

    /** Time passes until this replica's deadline, and it acts on it. */
    void timeout(int n) {
        RaftNode node = node(n);
        node.step(new Event.Tick(clock(n)));
        now = Nanos.later(now, everybodys(n, node.deadline()));
        tick(n);
    }

    /** The replica learns the time and judges its deadlines. */
    void tick(int n) {
        node(n).step(new Event.Tick(clock(n)));
        flush(n, true);
    }

    // ---- nodes

    /** Loses what was not durable, and whatever it had in mind. */
    void crash(int... numbers) {
        for (int n : numbers) {
            Replica replica = replica(n);
            checks.onCrash(replica.id, replica.disk.hardState());
            replica.node = null;
            replica.pending.clear();
            replica.applied.clear();
            replica.fetching = null;
        }
    }

    /** Begins anew from what is durable, with all entries in memory that the disk still has. */
    void restart(int... numbers) {
        for (int n : numbers) {
            crash(n);
            start(n);
        }
    }

    /** Begins anew from what is durable, with no more than so many of the last entries in memory. */
    void restartWithTail(int n, int count) {
        crash(n);
        LogView whole = replica(n).disk.view();
        List<Entry> tail = whole.tail().subList(Math.max(0, whole.tail().size() - count), whole.tail().size());
        start(n, new LogView(whole.snapshot(), whole.terms(), tail, whole.memberships()));
    }

    /** Begins anew with this hard state and log. */
    void restartWith(int n, HardState hardState, String terms) {
        Replica replica = replica(n);
        crash(n);
        replica.disk.replaceBy(hardState, log(terms));
        start(n);
    }

    /** This node's disk is lost, and its process stays down: a new process begins with a blank disk, as another replica. */
    void wipe(int n) {
        crash(n);
        replicas.add(new Replica(n + 100, membership));
        start(n + 100);
    }

    private void start(int n) {
        start(n, replica(n).disk.view());
    }

    private void start(int n, LogView log) {
        Replica replica = replica(n);
        replica.applied.addAll(replica.disk.state());
        replica.node = new RaftNode(config, replica.id, ++replica.boot, replica.disk.hardState(), log,
            () -> replica.draw << 1, clock(n));
    }

    RaftNode node(int n) {
        return replica(n).node();
    }

    // ---- events

    /** Becomes a leader by the votes of these others; its first appends are on their way, its first entry is not durable yet. */
    void elect(int candidate, int... others) {
        now += T;   // nobody is bound to an earlier leader
        timeout(candidate);
        int[] all = IntStream.concat(IntStream.of(candidate), IntStream.of(others)).toArray();
        for (int attempts = 0; role(candidate) != RoleName.LEADER; ) {
            boolean isMoving = false;
            for (int n : all) {
                isMoving |= role(candidate) != RoleName.LEADER && writeAll(n);
            }
            Message next = find(message -> !isAppend(message) && isAmong(message, all));
            if (next != null && role(candidate) != RoleName.LEADER) {
                network.remove(next);
                deliver(next);
                isMoving = true;
            }
            if (!isMoving) {   // it has learned a term from those who refused, and asks again
                assertEquals(true, ++attempts < 5, () -> "not elected: " + this);
                timeout(candidate);
            }
        }
        network.removeIf(message -> !isAppend(message) && isAmong(message, all));
    }

    /** A leader is heard by nobody until it steps down, and is elected once more by these; then nothing is on its way. */
    void leadAgain(int leader, int... others) {
        while (role(leader) == RoleName.LEADER) {
            timeout(leader);
            dropAll();
        }
        elect(leader, others);
        settle();
        dropAll();
    }

    /** Proposes a command of this many bytes; the id of the request. */
    long propose(int n, int payloadBytes) {
        byte[] command = new byte[payloadBytes];
        Arrays.fill(command, (byte) n);
        return step(n, new Event.Propose(++lastRequestId, command), lastRequestId);
    }

    long propose(int n) {
        return propose(n, 10);
    }

    long read(int n) {
        return step(n, new Event.Read(++lastRequestId), lastRequestId);
    }

    /** States a goal, as who has seen the membership that is in force at this leader; the id of the request. */
    long change(int leader, Membership.Goal goal) {
        return change(leader, node(leader).membership().version(), goal);
    }

    long change(int n, long expectedVersion, Membership.Goal goal) {
        return step(n, new Event.ChangeMembership(++lastRequestId, expectedVersion, goal), lastRequestId);
    }

    /** Heartbeats go out among these replicas until the membership that this leader has in force is one without a goal, and committed. */
    void reachGoal(int leader, int... others) {
        for (int i = 0; i < 50; i++) {
            NodeStatus status = node(leader).status();
            if (status.membership().goal() == null && !status.membership().isJoint() && status.change().isCommitted()) {
                return;
            }
            heartbeat(leader, others);
        }
        throw new AssertionError("the goal is not reached: " + this);
    }

    /** Asks for a transfer, to this replica or, if 0, to whom the leader likes best; the id of the request. */
    long transfer(int n, int target) {
        return step(n, new Event.Transfer(++lastRequestId, target == 0 ? null : id(target)), lastRequestId);
    }

    /** Reads by the leader's lease, if it has one. */
    long readByLease(int n) {
        return step(n, new Event.Read(++lastRequestId, true, 0), lastRequestId);
    }

    /** Reads what may be so old. */
    long readStale(int n, long staleNanosMax) {
        return step(n, new Event.Read(++lastRequestId, false, staleNanosMax), lastRequestId);
    }

    void applied(int n, long index) {
        step(n, new Event.Applied(index), 0);
    }

    /** The machine cannot go on behind this entry, and gives back what it has been handed. */
    void handBack(int n, long index) {
        List<Entry> applied = replica(n).applied;
        applied.subList((int) index, applied.size()).clear();
        step(n, new Event.HandedBack(index), 0);
    }

    long step(int n, Event event, long result) {
        node(n).step(new Event.Tick(clock(n)));
        node(n).step(event);
        flush(n, false);
        return result;
    }

    /** Steps all of these as one batch. */
    void batch(int n, Event... events) {
        node(n).step(new Event.Tick(clock(n)));
        for (Event event : events) {
            node(n).step(event);
        }
        flush(n, false);
    }

    // ---- the network

    /** Delivers this message, once more if it has been delivered before; to a replica that is down it is lost. */
    void deliver(Message message) {
        int node = message.to().nodeId();
        int to = numbers().contains(node + 100) && message.to().equals(id(node + 100)) ? node + 100 : node;
        if (numbers().contains(to) && isUp(to)) {   // else it is lost
            step(to, message, 0);
        }
    }

    /** Delivers the oldest message of this kind on its way between these two. */
    <M extends Message> M deliver(Class<M> kind, int from, int to) {
        M message = take(kind, from, to);
        deliver(message);
        return message;
    }

    /** Delivers all appends on their way between these two and completes the writes there; the answers stay on their way. */
    void bring(int from, int to) {
        for (Message.AppendEntries append : sent(Message.AppendEntries.class, from, to)) {
            lose(append);
            deliver(append);
        }
        writeAll(to);
    }

    /** Takes the oldest message of this kind out of the network: to lose it, keep it back, or deliver it twice. */
    <M extends Message> M take(Class<M> kind, int from, int to) {
        Message message = find(m -> kind.isInstance(m) && m.from().equals(id(from)) && m.to().equals(id(to)));
        assertNotNull(message, () -> "no " + kind.getSimpleName() + " from " + from + " to " + to + " in " + network);
        network.remove(message);
        return kind.cast(message);
    }

    /** Takes this message out of the network. */
    void lose(Message message) {
        assertTrue(network.remove(message), () -> "not on its way: " + message);
    }

    /** All messages of this kind on their way between these two, oldest first; they stay there. */
    <M extends Message> List<M> sent(Class<M> kind, int from, int to) {
        return network.stream().filter(kind::isInstance).map(kind::cast)
            .filter(m -> m.from().equals(id(from)) && m.to().equals(id(to))).toList();
    }

    /** All messages of this kind that ever left the one for the other. */
    <M extends Message> List<M> history(Class<M> kind, int from, int to) {
        return history.stream().filter(kind::isInstance).map(kind::cast)
            .filter(m -> m.from().equals(id(from)) && m.to().equals(id(to))).toList();
    }

    List<Message> network() {
        return List.copyOf(network);
    }


    /** Loses everything that is on its way. */
    void dropAll() {
        network.clear();
    }

    /** Delivers all messages among these replicas and completes all their writes, until nothing moves any more. */
    void settle(int... numbers) {
        settleUntil(() -> false, numbers);
    }

    /** The same, but stops as soon as this holds. */
    void settleUntil(BooleanSupplier isEnough, int... numbers) {
        int[] among = numbers.length > 0 ? numbers : numbers().stream().mapToInt(n -> n).toArray();
        boolean isMoving = true;
        for (int turn = 0; isMoving && !isEnough.getAsBoolean(); turn++) {
            assertEquals(true, turn < 10_000, () -> "never settles: " + this);
            isMoving = false;
            for (int n : among) {
                isMoving |= isUp(n) && !replica(n).hangs && writeAll(n);
            }
            Message next = isEnough.getAsBoolean() ? null : find(message -> isAmong(message, among));
            if (next != null) {
                network.remove(next);
                deliver(next);
                isMoving = true;
            }
        }
    }

    /** Ordinary life for this long: messages and writes take no time, deadlines are met; draws should differ, or candidates may duel. */
    void live(long nanos) {
        long end = now + nanos;
        settle();
        for (Replica next = nextToWake(); next != null && next.node().deadline() - end < 0; next = nextToWake()) {
            now = Nanos.later(now, next.node().deadline());
            tick(next.number);
            settle();
        }
        now = end;
    }

    private @Nullable Replica nextToWake() {
        Replica first = null;
        for (Replica replica : replicas) {
            if (replica.node != null && (first == null || replica.node.deadline() - first.node().deadline() < 0)) {
                first = replica;
            }
        }
        return first;
    }

    /** A leader's heartbeat and all that follows from it among these replicas. */
    void heartbeat(int leader, int... others) {
        timeout(leader);
        settle(others.length == 0 ? others : IntStream.concat(IntStream.of(leader), IntStream.of(others)).toArray());
    }

    // ---- disks

    /** From now on nothing settles on this disk, or, if it answers again, everything does. */
    void hangs(int n, boolean hangs) {
        replica(n).hangs = hangs;
    }

    /** The oldest write that was not durable is now. */
    void write(int n) {
        Replica replica = replica(n);
        Effect write = replica.pending.removeFirst();
        complete(replica, write);
        step(n, new Event.Written(writeId(write)), 0);
    }

    /** Completes all pending writes of this replica, one by one; whether there were any. */
    boolean writeAll(int n) {
        boolean isAny = false;
        while (!replica(n).pending.isEmpty()) {
            write(n);
            isAny = true;
        }
        return isAny;
    }

    /** All pending writes of this replica become durable at once: storage tells of the last only. */
    void writeTogether(int n) {
        Replica replica = replica(n);
        long last = writeId(replica.pending.peekLast());
        replica.pending.forEach(write -> complete(replica, write));
        replica.pending.clear();
        step(n, new Event.Written(last), 0);
    }

    /** What was given to the disk and is not durable yet. */
    List<RecordedEffects.Write> pending(int n) {
        return replica(n).pending.stream().filter(RecordedEffects.Write.class::isInstance).map(RecordedEffects.Write.class::cast).toList();
    }

    /** Of that, the snapshots to be installed. */
    List<SnapshotId> pendingInstalls(int n) {
        return replica(n).pending.stream().filter(RecordedEffects.Install.class::isInstance)
            .map(write -> ((RecordedEffects.Install) write).snapshot()).toList();
    }

    /** The disk answers what it was asked to read. */
    boolean answerReads(int n) {
        List<RecordedEffects.ReadEntries> asked = takeEffects(n, RecordedEffects.ReadEntries.class);
        for (RecordedEffects.ReadEntries read : asked) {
            step(n, new Event.EntriesRead(read.peer(), read.term(), read.firstIndex(),
                replica(n).disk.read(read.firstIndex(), read.lastIndex(), read.bytesMax())), 0);
        }
        return !asked.isEmpty();
    }

    /** The same as {@link #writeAll}, but the node does not learn it. */
    void persist(int n) {
        replica(n).pending.forEach(write -> complete(replica(n), write));
        replica(n).pending.clear();
    }

    // ---- snapshots

    /** The state machine has done all it was given. */
    boolean applyAll(int n) {
        boolean isNew = replica(n).applied.size() > node(n).appliedIndex();
        applied(n, replica(n).applied.size());
        return isNew;
    }

    /** A snapshot of the state after this entry is durable, and the node knows it; the log stays as it was. */
    SnapshotId snapshot(int n, long index) {
        SnapshotId taken = replica(n).disk.take(replica(n).applied.subList(0, (int) index));
        step(n, new Event.SnapshotTaken(taken), 0);
        return taken;
    }

    /** The same, and the entries that it covers are dropped. */
    SnapshotId compact(int n, long index) {
        SnapshotId taken = snapshot(n, index);
        drop(n, index);
        return taken;
    }

    /** The disk drops the entries up to here. */
    void drop(int n, long index) {
        replica(n).disk.drop(index);
    }

    /** The disk of a replica that is down drops all that its snapshot covers, and the terms of it. */
    void dropTerms(int n) {
        replica(n).disk.dropTerms();
    }

    /** What is being fetched, or null. */
    @Nullable SnapshotId fetching(int n) {
        return replica(n).fetching == null ? null : replica(n).fetching.snapshot();
    }

    /** The bytes of what is being fetched are all there: the node does not know it yet. */
    void receive(int n) {
        RecordedEffects.FetchSnapshot fetch = replica(n).fetching;
        assertNotNull(fetch, () -> "nothing is being fetched: " + this);
        TestDisk.Stored stored = replica(fetch.source().nodeId()).disk.snapshot();
        assertNotNull(stored);
        assertEquals(fetch.snapshot(), stored.id());
        replica(n).disk.receive(stored);
    }

    /** What is being fetched has arrived, or does so now, and the node learns it. */
    void fetch(int n) {
        RecordedEffects.FetchSnapshot fetch = replica(n).fetching;
        assertNotNull(fetch, () -> "nothing is being fetched: " + this);
        TestDisk.Stored received = replica(n).disk.received();
        if (received == null || !received.id().equals(fetch.snapshot())) {
            receive(n);
        }
        replica(n).fetching = null;
        step(n, new Event.SnapshotFetched(fetch.snapshot()), 0);
    }

    /** What is being fetched does not come. */
    void failFetch(int n) {
        RecordedEffects.FetchSnapshot fetch = replica(n).fetching;
        assertNotNull(fetch, () -> "nothing is being fetched: " + this);
        replica(n).fetching = null;
        step(n, new Event.FetchFailed(fetch.snapshot()), 0);
    }

    /** Everything moves until nothing does: messages, disks, readers of old entries, fetches, state machines. But no time passes. */
    void serve() {
        boolean isMoving = true;
        for (int turn = 0; isMoving; turn++) {
            assertEquals(true, turn < 1000, () -> "never comes to rest: " + this);
            settle();
            isMoving = false;
            for (int n = 1; n <= replicas.size(); n++) {
                if (replica(n).node != null) {
                    isMoving |= answerReads(n) | applyAll(n);
                    if (mayFetch(n)) {
                        fetch(n);
                        isMoving = true;
                    }
                }
            }
        }
    }

    /** How far the newest snapshot on the disk reaches. */
    long diskSnapshotIndex(int n) {
        return replica(n).disk.state().size();
    }

    /** How many snapshots were to be installed over a log that had something else where they end. */
    int conflictingInstalls() {
        return conflictingInstalls;
    }

    /** Whether the source of what is being fetched has it. */
    boolean mayFetch(int n) {
        RecordedEffects.FetchSnapshot fetch = replica(n).fetching;
        TestDisk.Stored stored = fetch == null ? null : replica(fetch.source().nodeId()).disk.snapshot();
        return stored != null && stored.id().equals(fetch.snapshot());
    }

    // ---- what can be seen

    /** The numbers of all replicas, those that are down included. */
    List<Integer> numbers() {
        return replicas.stream().map(replica -> replica.number).toList();
    }

    boolean isUp(int n) {
        return replica(n).node != null;
    }

    RoleName role(int n) {
        return node(n).role();
    }

    long term(int n) {
        return node(n).term();
    }

    long commit(int n) {
        return node(n).commitIndex();
    }

    /** The terms of the entries in the log, as in {@code "1 1 4"}. */
    String log(int n) {
        RaftLog log = node(n).log();
        return LongStream.rangeClosed(log.firstIndex(), log.lastIndex()).mapToObj(index -> Long.toString(log.termAt(index)))
            .collect(Collectors.joining(" "));
    }

    /** The same of what is durable. */
    String disk(int n) {
        return replica(n).disk.entries().stream().map(entry -> Long.toString(entry.term())).collect(Collectors.joining(" "));
    }

    HardState hardState(int n) {
        return replica(n).disk.hardState();
    }

    /** The state of the machine: all entries it was given, or restored from, since the last start. */
    List<Entry> applied(int n) {
        return List.copyOf(replica(n).applied);
    }

    /** Everything of this kind that the node has asked for since it was last taken. */
    <E extends Effect> List<E> takeEffects(int n, Class<E> kind) {
        List<E> taken = replica(n).effects.stream().filter(kind::isInstance).map(kind::cast).toList();
        replica(n).effects.removeIf(kind::isInstance);
        return taken;
    }

    @Override
    public String toString() {
        return replicas.stream().map(replica -> replica.node == null ? replica.id + " down" : replica.node.toString())
            .collect(Collectors.joining("\n", "at " + now + "\n", "\nnetwork " + network));
    }

    private void flush(int n, boolean inboxDrained) {
        Replica replica = replica(n);
        RecordedEffects recorded = new RecordedEffects();
        replica.node().flush(recorded, inboxDrained);
        for (Effect effect : recorded.take()) {
            replica.effects.add(effect);
            if (effect instanceof RecordedEffects.Write write) {
                checks.onDisk(write.entries());
                replica.pending.addLast(write);
            } else if (effect instanceof RecordedEffects.Install install) {
                checks.onInstall(install, replica.applied.size(), replica.node().appliedIndex());
                TermTable terms = replica.disk.view().terms();
                conflictingInstalls += terms.covers(install.snapshot().index()) ? 1 : 0;
                replica.pending.addLast(install);
            } else if (effect instanceof RecordedEffects.Restore restore) {
                TestDisk.Stored stored = replica.disk.snapshot();
                assertNotNull(stored);
                assertEquals(stored.id(), restore.snapshot());
                checks.onRestore(stored.state(), replica.applied.size());
                replica.applied.clear();
                replica.applied.addAll(stored.state());
            } else if (effect instanceof RecordedEffects.FetchSnapshot fetch) {
                assertEquals(null, replica.fetching, "one at a time");
                replica.fetching = fetch;
            } else if (effect instanceof RecordedEffects.Send send) {
                checks.onSend(send.message(), replica.disk);
                network.add(send.message());
                history.add(send.message());
            } else if (effect instanceof RecordedEffects.Apply apply) {
                List<Entry> entries = apply.entries().isEmpty()
                    ? replica.disk.read(apply.firstIndex(), apply.lastIndex(), Long.MAX_VALUE) : apply.entries();
                assertEquals(apply.lastIndex() - apply.firstIndex() + 1, entries.size());
                checks.onApply(entries, replica.applied.size() + 1, replica.disk);
                replica.applied.addAll(entries);
            }
        }
        checks.onNode(replica.node());
    }

    private void complete(Replica replica, Effect write) {
        replica.disk.complete(write);
        checks.onDurable(replica.id, write instanceof RecordedEffects.Write entries ? entries.entries() : replica.disk.state());
    }

    private static long writeId(Effect write) {
        return write instanceof RecordedEffects.Write entries ? entries.writeId() : ((RecordedEffects.Install) write).writeId();
    }

    private Replica replica(int n) {
        for (Replica replica : replicas) {
            if (replica.number == n) {
                return replica;
            }
        }
        throw new AssertionError("no replica " + n);
    }

    private @Nullable Message find(Predicate<Message> predicate) {
        return network.stream().filter(predicate).findFirst().orElse(null);
    }

    private static boolean isAppend(Message message) {
        return message instanceof Message.AppendEntries || message instanceof Message.AppendAccepted
            || message instanceof Message.AppendRejected || message instanceof Message.SnapshotOffer;
    }

    private static boolean isAmong(Message message, int[] numbers) {
        return IntStream.of(numbers).anyMatch(n -> id(n).equals(message.from()))
            && IntStream.of(numbers).anyMatch(n -> id(n).equals(message.to()));
    }
}
