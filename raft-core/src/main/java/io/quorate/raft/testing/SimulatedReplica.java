package io.quorate.raft.testing;

import io.quorate.raft.FoundingMessage;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Freshness;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.DiskRoom;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.core.RaftNode;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** One node of a simulated group: its disk and clock, which stay, what is wrong with them, and its process, which comes and goes. */
final class SimulatedReplica implements ReplicaView {

    /** Why an older boot stops. That transports tell it is held by the contract of transports, and that a server then stops by its test. */
    static final class YoungerBootRuns extends RuntimeException {

        private static final long serialVersionUID = 1;

        private YoungerBootRuns(long boot) {
            super("boot " + boot + " of this very replica is running");
        }
    }

    private final SimulatedGroup group;
    private final int nodeId;
    private final SplittableRandom random;
    private final SimulatedClock clock;
    private final Ailments ailments;
    private final List<SimulatedDisk> lostDisks = new ArrayList<>();
    private long wipedNanos = Long.MIN_VALUE;       // when it lost the last of them
    private SimulatedDisk disk;
    private @Nullable SimulatedDisk savedDisk;
    private int boot;                       // how often it has been started, on whatever disk
    private @Nullable SimulatedProcess process;
    private @Nullable String stopReason;
    private @Nullable Message lastMessage;

    SimulatedReplica(SimulatedGroup group, int nodeId, SplittableRandom random) {
        this.group = group;
        this.nodeId = nodeId;
        this.random = random;
        clock = new SimulatedClock(group.agenda());
        ailments = new Ailments(group, random);
        disk = newDisk();
    }

    /** A second process of the same replica, on a copy of its disk. */
    SimulatedReplica(SimulatedReplica original) {
        group = original.group;
        nodeId = original.nodeId;
        random = original.random.split();
        clock = new SimulatedClock(group.agenda());
        ailments = new Ailments(group, random);
        disk = original.disk.copy();
        boot = original.boot;
    }

    // --------------------------------------------------------------------------------------------------------------- the process

    void start() {
        String refusal = disk.refusal();
        if (refusal != null) {
            if (!refusal.equals(stopReason)) {
                stopReason = refusal;
                group.onRefused(this, random.nextInt(4) > 0, ailments.downNanos() + random.nextLong(group.plan().electionTimeoutNanos()));
            }
            return;
        }
        boot++;
        SimulatedProcess started;
        try {
            started = new SimulatedProcess(group, this, disk.open(), ailments, clock, random);
        } catch (StorageException e) {
            group.count(Happening.DISK_FAILED);
            stopReason = e.toString();
            disk.crash(List.of(), false);
            group.restartAfter(this, ailments.downNanos() + group.plan().electionTimeoutNanos() / 10);
            return;
        }
        process = started;
        stopReason = null;
        group.onStarted(this);
        if (started.isRepairing()) {
            group.count(Happening.STARTED_WITH_DAMAGE);      // what it says of its log counts from when its node begins
        } else {
            group.invariants().onStarted(this);
        }
        started.requestTurn();
    }

    /** Loses its process. */
    void crash(boolean keepsWrite) {
        running().crash(keepsWrite);
    }

    /** Its process gives this to its disk, and waits. */
    void beginWriting(List<Storage.Write> writing) {
        disk.begin(writing);
    }

    /** Its process ends, and with it what it was just writing; returns the last of that which is durable, 0 if nothing is. */
    long loseWriting(List<Storage.Write> writing, boolean keepsWrite) {
        return disk.crash(writing, keepsWrite);
    }

    /** Its process has crashed, or stopped for this cause. */
    void onProcessEnded(@Nullable Throwable cause) {
        process = null;
        stopReason = cause == null ? null : cause.toString();
        ailments.onProcessEnded();
    }

    /** The run is over. */
    void end() {
        disk.end();
    }

    void pause() {
        running().pause();
    }

    void resume() {
        running().resume();
    }

    /** Nothing is wrong with it any more. */
    void heal() {
        ailments.heal();
        disk.mend();
        clock.rate(1000);
        if (process != null) {
            process.heal();
        }
    }

    // -------------------------------------------------------------------------------------------------------------------- faults

    SimulatedClock clock() {
        return clock;
    }

    Ailments ailments() {
        return ailments;
    }

    void failDisk() {
        disk.failWrites("the simulation makes this write fail");
    }

    /** One of its entries rots. */
    void damageEntry(long dice) {
        if (disk.damageAny(dice / 2) != null) {
            group.count(Happening.ENTRY_DAMAGED);
            if (process != null && dice % 2 == 0) {
                process.scrub();
            }
        }
    }

    /** Anything on its disk is damaged. */
    void damageDisk(long dice) {
        if (disk.damageBytes(dice / 2) && process != null && dice % 2 == 0) {
            process.scrub();
        }
    }

    /**
     * The group is to be healed: if its node cannot begin, and perhaps never can, it is found out whether a process can run at
     * all; also if its disk has failed.
     */
    void stopIfSuspect() {
        disk.mend();
        if (process != null && (process.isRepairing() && disk.isSuspect() || disk.hasFailed())) {
            process.crash(false);
        }
    }

    /** Whether a process runs on its disk, or could. */
    boolean mayRun() {
        return process != null || disk.refusal() == null;
    }

    /** Of what is damaged here, what none of these could give back. */
    List<EntryId> beyondRepair(List<SimulatedReplica> core) {
        // In place of what is applied a snapshot of the own state must come, when there is more to capture.
        long appliedIndex = process == null || process.isRepairing() ? 0 : appliedIndex();
        return disk.damaged().stream()
            .filter(entry -> core.stream().noneMatch(other -> other != this && other.mayGive(entry, entry.index() > appliedIndex)))
            .toList();
    }

    /** These are as they were before, and whoever waits for them begins anew. */
    void undamage(List<EntryId> entries) {
        // A snapshot is taken anew from what is applied; if it needs this one to get there, it never is.
        boolean isSnapshotLost = node() != null && disk.isSnapshotSuspect() && appliedIndex() < diskSnapshotIndex();
        if (!entries.isEmpty() || isSnapshotLost) {
            group.count(Happening.DAMAGE_BEYOND_REPAIR, Math.max(1, entries.size()));
            if (process != null) {
                crash(false);
            }
            disk.undamage(entries);
        }
    }

    private boolean mayGive(EntryId entry, boolean isSnapshotEnough) {
        SnapshotId snapshot = disk.snapshotId();
        if (isSnapshotEnough && snapshot != null && snapshot.index() >= entry.index()) {
            return true;
        }
        return !disk.damaged().contains(entry) && disk.log().stream().anyMatch(each -> each.id().equals(entry));
    }

    void diskRoom(DiskRoom room) {
        disk.room(room);
    }

    /** While it is down: its machine is replaced, with an empty disk. */
    void wipe() {
        lostDisks.add(disk);
        wipedNanos = group.now();
        disk = newDisk();
    }

    /** Whether this is its replica, or was since then. */
    boolean wasThere(ReplicaId replica, long sinceNanos) {
        return id().equals(replica) || wipedNanos >= sinceNanos && lostDisks.stream().anyMatch(lost -> lost.replica().equals(replica));
    }

    /** Makes a backup of its disk. */
    void saveDisk() {
        savedDisk = disk.copy();
    }

    boolean hasSavedDisk() {
        return savedDisk != null;
    }

    /** While it is down: its disk is as it was in the backup. */
    void rollBack() {
        SimulatedDisk saved = savedDisk;
        if (saved != null) {
            lostDisks.add(disk);
            disk = saved;
            savedDisk = null;
        }
    }

    /** Its last message arrives again, meant for another incarnation. */
    void goAstray() {
        Message message = lastMessage;
        RaftNode node = node();
        if (message != null && node != null) {
            Message misdirected = Misdirected.to(message, new ReplicaId(nodeId, id().incarnation() ^ 2));
            String before = node.toString();
            node.step(misdirected);
            group.invariants().onForeign(this, misdirected, before, node.toString());
            group.count(Happening.MESSAGE_ASTRAY);
        }
    }

    private SimulatedDisk newDisk() {
        return group.setup().disks().blank(nodeId, random.nextLong() | 1, group.plan().isCramped());
    }

    // ---------------------------------------------------------------------------------------------------------- messages and calls

    /** Delivers a message, unless nobody is there or too many wait already. */
    boolean deliver(Message message, long senderBoot) {
        if (process == null || !process.deliver(message, senderBoot)) {
            return false;
        }
        lastMessage = message;
        return true;
    }

    boolean deliver(FoundingMessage message) {
        return process != null && process.deliver(message);
    }

    boolean deliver(SnapshotMessage message) {
        return process != null && process.deliver(message);
    }

    boolean deliver(RepairMessage message) {
        return process != null && process.deliver(message);
    }

    /**
     * Whether the sender is an older boot of a replica than one that this process has heard. Every transport refuses that, and tells it;
     * what is still on the way from an older process arrives all the same.
     */
    boolean refuses(SimulatedReplica sender) {
        long known = process == null ? 0 : process.knownBoot(sender.id());
        if (sender.bootNumber() >= known) {
            return false;
        }
        SimulatedProcess older = sender.running();
        older.after(0, () -> older.stop(new YoungerBootRuns(known)));
        return true;
    }

    /** The number that its disk gives to this boot. */
    long bootNumber() {
        return process == null ? 0 : process.bootNumber();
    }

    void propose(long call, byte[] command, SimulatedProcess.Caller caller) {
        running().propose(call, command, caller);
    }

    void transfer(long call, int toNode, SimulatedProcess.Caller caller) {
        running().transfer(call, toNode, caller);
    }

    void changeMembership(long call, long expectedVersion, Membership.Goal goal, SimulatedProcess.Caller caller) {
        running().changeMembership(call, expectedVersion, goal, caller);
    }

    void read(long call, byte[] query, Freshness freshness, SimulatedProcess.Caller caller) {
        running().read(call, query, freshness, caller);
    }

    /** Whether a call of this process has not completed. */
    boolean hasOpenCalls() {
        return process != null && process.openCalls() > 0;
    }

    // ------------------------------------------------------------------------------------------------------- what invariants see

    @Override
    public ReplicaId id() {
        return disk.replica();
    }

    @Override
    public int boot() {
        return boot;
    }

    @Override
    public boolean isUp() {
        return process != null;
    }

    @Override
    public boolean isFounded() {
        return disk.founding() != null;
    }

    @Override
    public NodeStatus status() {
        return runningNode().status();
    }

    @Override
    public SimulatedClock.Steady steadyClock() {
        return clock.steady();
    }

    @Override
    public long appliedIndex() {
        return running().server().applier().appliedIndex();
    }

    @Override
    public long callBytes() {
        return running().server().callBytes();
    }

    @Override
    public long mailBytes() {
        return running().server().mailbox().peerBytes();
    }

    @Override
    public boolean hasMail() {
        return running().server().mailbox().hasMail();
    }

    @Override
    public long nanosUntilDeadline() {
        return runningNode().deadline() - clock.latest();
    }

    @Override
    public boolean logContains(EntryId entry) {
        return entry.equals(entryAt(entry.index()));
    }

    @Override
    public EntryId logAt(long index) {
        EntryId entry = entryAt(index);
        if (entry == null) {
            throw new IllegalStateException(id() + " has no entry " + index);
        }
        return entry;
    }

    /**
     * Of what lies before the snapshot on which the node's log stands, the disk knows what it was; unless the disk has yet to be put on that
     * snapshot, and had not come so far. Then it is what the group has committed there, for nothing else is in snapshots.
     */
    private @Nullable EntryId entryAt(long index) {
        RaftNode node = node();
        EntryId entry = node == null ? null : node.entryAt(index);
        if (entry != null || node == null || index >= node.status().firstIndex()) {
            return entry;
        }
        EntryId onDisk = disk.entryAt(index);
        return onDisk == null ? group.invariants().committedAt(index) : onDisk;
    }

    @Override
    public HardState durableState() {
        return disk.hardState();
    }

    @Override
    public long diskLastIndex() {
        return disk.lastIndex();
    }

    @Override
    public long diskSnapshotIndex() {
        SnapshotId snapshot = disk.snapshotId();
        return snapshot == null ? 0 : snapshot.index();
    }

    @Override
    public boolean diskContains(EntryId entry) {
        return disk.contains(entry);
    }

    @Override
    public boolean anyDiskContains(EntryId entry) {
        if (disk.contains(entry)) {
            return true;
        }
        for (SimulatedDisk lost : lostDisks) {
            if (lost.contains(entry)) {
                return true;
            }
        }
        return false;
    }

    @Override
    public String toString() {
        return process != null ? process.toString() : id() + (stopReason == null ? " is down" : " has stopped: " + stopReason);
    }

    int nodeId() {
        return nodeId;
    }

    /** What its disks have gone through. */
    List<Map<String, Long>> diskHappenings() {
        List<Map<String, Long>> all = new ArrayList<>();
        lostDisks.forEach(lost -> all.add(lost.happenings()));
        all.add(disk.happenings());
        return all;
    }

    /** The memberships of its log behind this index, durable or not; and, if wanted, the one it was founded with. */
    List<Membership> memberships(long index, boolean isFoundingWanted) {
        List<Membership> memberships = new ArrayList<>();
        FoundingRecord record = disk.founding();
        if (isFoundingWanted && record != null) {
            memberships.add(record.membership());
        }
        for (Entry entry : disk.log()) {
            if (entry.index() > index && entry.kind() == Entry.Kind.MEMBERSHIP) {
                memberships.add(Membership.of(entry));
            }
        }
        RaftNode node = node();
        if (node != null && !node.status().change().isCommitted()) {
            memberships.add(node.membership());
        }
        return memberships;
    }

    boolean isLeader() {
        RaftNode node = node();
        return node != null && node.role() == RoleName.LEADER;
    }

    /** The leader it follows or is; null if it knows none. */
    @Nullable ReplicaId leader() {
        RaftNode node = node();
        return node == null ? null : node.leader();
    }

    /** Null while it is down or blank. */
    @Override
    public boolean hasBegun() {
        return node() != null;
    }

    @Nullable RaftNode node() {
        return process == null ? null : process.node();
    }

    private RaftNode runningNode() {
        RaftNode node = node();
        if (node == null) {
            throw new IllegalStateException(this + ": it has no node");
        }
        return node;
    }

    private SimulatedProcess running() {
        if (process == null) {
            throw new IllegalStateException(id() + " is down");
        }
        return process;
    }
}
