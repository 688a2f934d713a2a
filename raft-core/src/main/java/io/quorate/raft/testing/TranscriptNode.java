package io.quorate.raft.testing;

import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.LogView;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.core.RaftNode;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.core.TermTable;
import io.quorate.raft.testing.RecordedEffects.Write;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** One replica of a transcript: its node while it is up, and its disk, of which a crash leaves what was durable. */
final class TranscriptNode implements ReplicaView {

    /** Draws what the transcript says, the last value again and again; so another source of randomness changes no transcript. */
    private static final class Draws implements RandomGenerator {
        private final ArrayDeque<Long> next = new ArrayDeque<>();

        @Override
        public long nextLong() {
            return 0;
        }

        @Override
        public long nextLong(long bound) {
            long drawn = next.size() > 1 ? next.removeFirst() : next.getFirst();
            return Math.min(drawn, bound - 1);
        }
    }

    private final int nodeId;
    private final RaftConfig config;
    private final Membership membership;
    private final LongSupplier clock;
    private final Draws draws = new Draws();
    private final ArrayDeque<Write> pending = new ArrayDeque<>();
    private final List<Entry> lostEntries = new ArrayList<>();   // of disks that were replaced
    private final List<Entry> disk = new ArrayList<>();
    private HardState hardState = HardState.INITIAL;
    private ReplicaId id;
    private int boot;
    private @Nullable RaftNode node;
    private long appliedIndex;
    private boolean isHeld;

    TranscriptNode(int nodeId, RaftConfig config, Membership membership, LongSupplier clock) {
        this.nodeId = nodeId;
        this.config = config;
        this.membership = membership;
        this.clock = clock;
        id = idOf(nodeId);
    }

    /** The replica that a group's membership names. */
    static ReplicaId idOf(int nodeId) {
        return new ReplicaId(nodeId, 1);
    }

    // ---- its life

    /** From now on election timeouts are an election timeout plus these, one by one; the last one stays. */
    void draw(List<Long> nanos) {
        draws.next.clear();
        draws.next.addAll(nanos);
    }

    void start() {
        boot++;
        isHeld = false;
        TermTable terms = new TermTable(EntryId.ZERO);
        for (Entry entry : disk) {
            terms.append(entry.term(), entry.index());
        }
        LogView log = new LogView(SnapshotId.ofFounding(membership), terms, List.copyOf(disk),
            disk.stream().filter(entry -> entry.kind() == Entry.Kind.MEMBERSHIP).toList());
        node = new RaftNode(config, id, boot, hardState, log, draws, clock.getAsLong());
    }

    /** Loses what it had in mind and what had not become durable. */
    void crash() {
        node = null;
        pending.clear();
        appliedIndex = 0;
    }

    /** The disk is gone for good; a blank one is another replica. */
    void replaceDisk() {
        lostEntries.addAll(disk);
        setDisk(HardState.INITIAL, List.of());
        id = new ReplicaId(nodeId, id.incarnation() + 1);
    }

    /** The disk holds these entries from now on: those that it has already, as they are. */
    void setDisk(HardState state, List<Entry> entries) {
        hardState = state;
        List<Entry> before = List.copyOf(disk);
        disk.clear();
        for (Entry entry : entries) {
            disk.add(before.stream().filter(known -> known.id().equals(entry.id())).findFirst().orElse(entry));
        }
    }

    // ---- its node

    /** Null while it is down. */
    @Nullable RaftNode node() {
        return node;
    }

    boolean isHeld() {
        return isHeld;
    }

    void hold(boolean held) {
        isHeld = held;
    }

    void applied(long index) {
        appliedIndex = index;
    }

    // ---- its disk

    /** Puts a write behind those that are pending, and returns the entries it will replace. */
    List<Entry> issue(Write write) {
        List<Entry> ahead = new ArrayList<>(disk);
        for (Write earlier : pending) {
            carryOut(earlier, ahead);
        }
        pending.addLast(write);
        return List.copyOf(ahead.subList((int) write.firstIndex() - 1, ahead.size()));
    }

    boolean hasPending() {
        return !pending.isEmpty();
    }

    /** The oldest pending write becomes durable. */
    Write complete() {
        Write write = pending.removeFirst();
        hardState = write.hardState();
        carryOut(write, disk);
        return write;
    }

    List<Entry> disk() {
        return Collections.unmodifiableList(disk);
    }

    private static void carryOut(Write write, List<Entry> entries) {
        entries.subList((int) write.firstIndex() - 1, entries.size()).clear();
        entries.addAll(write.entries());
    }

    // ---- what invariants see

    @Override
    public ReplicaId id() {
        return id;
    }

    @Override
    public int boot() {
        return boot;
    }

    @Override
    public boolean isUp() {
        return node != null;
    }

    @Override
    public long appliedIndex() {
        return appliedIndex;
    }

    @Override
    public boolean isFounded() {
        return true;
    }

    @Override
    public long callBytes() {
        return 0;
    }

    @Override
    public long mailBytes() {
        return 0;
    }

    @Override
    public boolean hasMail() {
        return false;
    }

    @Override
    public SimulatedClock.Steady steadyClock() {
        return new SimulatedClock.Steady(0, clock.getAsLong());
    }

    @Override
    public long nanosUntilDeadline() {
        return up().deadline() - clock.getAsLong();
    }

    @Override
    public NodeStatus status() {
        return up().status();
    }

    @Override
    public boolean logContains(EntryId entry) {
        return entry.equals(up().entryAt(entry.index()));
    }

    @Override
    public EntryId logAt(long index) {
        EntryId entry = index == 0 ? EntryId.ZERO : up().entryAt(index);
        if (entry == null) {
            throw new IllegalArgumentException(TranscriptText.name(id) + " has no entry at " + index);
        }
        return entry;
    }

    @Override
    public HardState durableState() {
        return hardState;
    }

    @Override
    public long diskLastIndex() {
        return disk.size();
    }

    @Override
    public boolean diskContains(EntryId entry) {
        return entry.index() == 0 || contains(disk, entry);
    }

    @Override
    public boolean anyDiskContains(EntryId entry) {
        return diskContains(entry) || contains(lostEntries, entry);
    }

    private RaftNode up() {
        if (node == null) {
            throw new IllegalArgumentException(TranscriptText.name(id) + " is down");
        }
        return node;
    }

    private static boolean contains(List<Entry> entries, EntryId id) {
        return entries.stream().anyMatch(entry -> entry.id().equals(id));
    }
}
