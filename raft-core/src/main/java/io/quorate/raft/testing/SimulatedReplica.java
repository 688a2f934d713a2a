package io.quorate.raft.testing;

import io.quorate.raft.FoundingMessage;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.RaftObserver;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.Transport;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.InvariantViolation;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.core.RaftNode;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.runtime.Completion;
import io.quorate.raft.runtime.PassiveServer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * One node of a simulated group: its process, which comes and goes, and its disk, which stays.
 *
 * <p>The process is the real one, without its threads: the parts of {@link PassiveServer}, turned in virtual time.
 */
final class SimulatedReplica implements ReplicaView {

    /** How many messages wait for a paused node; the rest is lost. */
    private static final int WAITING_MESSAGES_MAX = 10_000;

    /** Ends a turn in its middle: the process dies between two effects. */
    private static final class ProcessDied extends RuntimeException {

        private static final long serialVersionUID = 1;

        private ProcessDied() {
            super(null, null, false, false);
        }
    }

    /** What a state machine under {@link Fault.ThrowInApply} throws. */
    static final class ThrownInApply extends RuntimeException {

        private static final long serialVersionUID = 1;

        ThrownInApply() {
            super("the simulation makes this apply fail");
        }
    }

    private final SimulatedGroup group;
    private final int nodeId;
    private final SplittableRandom random;
    private final SimulatedClock clock;
    private final List<InMemoryDisk> lostDisks = new ArrayList<>();
    private InMemoryDisk disk;
    private @Nullable InMemoryDisk savedDisk;

    // What is wrong with it.
    private long hangsUntil;            // the disk answers nothing before
    private long slowUntil;             // writes are slow before
    private long writeNanosMax;
    private long slowApplyUntil;
    private long applyNanosMax;
    private int sendsLeft = -1;         // the process dies after so many; never if negative
    private boolean throwsInApply;
    private long downNanos;             // for how long it is down when that, or a failing disk, has stopped it

    // The process.
    private int boot;                   // how often it has been started, on whatever disk
    private @Nullable PassiveServer server;
    private @Nullable InMemoryStorage storage;
    private boolean isPaused;
    private boolean isTurnDue;
    private long wakeAt;
    private int waitingMessages;
    private @Nullable Message lastMessage;
    private final Map<ReplicaId, Long> knownBoots = new HashMap<>();   // of those that it has heard
    private final List<Storage.Write> toWrite = new ArrayList<>();
    private List<Storage.Write> writing = List.of();
    private long writtenIndex;          // where the log ends, as given to the disk
    private boolean isReading;
    private boolean isApplying;
    private final Map<Long, OpenCall> openCalls = new LinkedHashMap<>();
    private @Nullable RoleName lastRole;
    private long lastTerm;
    private long lastCommit;
    private long countedTerm;           // of the leader whose inheritance has been counted
    private @Nullable String stopReason;

    SimulatedReplica(SimulatedGroup group, int nodeId, SplittableRandom random) {
        this.group = group;
        this.nodeId = nodeId;
        this.random = random;
        clock = new SimulatedClock(group.agenda());
        disk = newDisk();
    }

    /** A second process of the same replica, on a copy of its disk. */
    SimulatedReplica(SimulatedReplica original) {
        group = original.group;
        nodeId = original.nodeId;
        random = original.random.split();
        clock = new SimulatedClock(group.agenda());
        disk = original.disk.copy();
        boot = original.boot;
    }

    // --------------------------------------------------------------------------------------------------------------- the process

    void start() {
        boot++;
        InMemoryStorage opened = disk.open();
        storage = opened;
        writtenIndex = disk.lastIndex();
        PassiveServer started = new PassiveServer(group.addresses(), group.config(), opened, new End(),
            new WatchedMachine(group, this), RaftObserver.NONE,
            random.split(), clock::nanos);
        server = started;
        stopReason = null;
        group.onStarted(this);
        group.invariants().onStarted(this);
        requestTurn();
    }

    /** Loses the process. What the disk was just writing is there wholly or not at all: it is one frame. */
    void crash(boolean keepsWrite) {
        if (!writing.isEmpty()) {
            group.count(keepsWrite ? Happening.CRASH_WRITE_KEPT : Happening.CRASH_WRITE_LOST);
        }
        if (isLeader() && status().commitIndex() < status().lastIndex()) {
            group.count(Happening.CRASH_OF_BUSY_LEADER);
        }
        if (keepsWrite && !writing.isEmpty() && storage != null) {
            try {
                storage.write(writing);
                group.invariants().onDurable(this, writing.get(writing.size() - 1).id());
            } catch (StorageException e) {
                group.count(Happening.DISK_FAILED);     // and nobody will ever know
            }
        }
        end();
        group.onCrashed(this, keepsWrite);
        group.invariants().onCrashed(this);
        List<OpenCall> lost = List.copyOf(openCalls.values());
        openCalls.clear();
        for (OpenCall call : lost) {
            call.caller.failed(null);
        }
    }

    /** The server stops by itself, as it does when its disk fails, its state machine throws or an invariant is broken. */
    private void stop(Throwable cause) {
        PassiveServer stopping = running();
        stopReason = cause.toString();
        stopping.closeLoop(cause);
        ServerStatus status = stopping.loop().stoppedStatus(cause);
        stopping.closeApplier(cause);
        if (status.state() != ServerStatus.State.STOPPED || status.problem() == null) {
            throw new InvariantBroken("StoppedSaysWhy", id() + " has stopped for " + cause + ", and its status is " + status);
        }
        end();
        group.onStopped(this, cause);
        group.invariants().onStopped(this, cause);
    }

    private void end() {
        disk.crash(InMemoryDisk.Unreturned.LOST);
        server = null;
        storage = null;
        isPaused = false;
        isTurnDue = false;
        wakeAt = 0;
        waitingMessages = 0;
        knownBoots.clear();
        toWrite.clear();
        writing = List.of();
        isReading = false;
        isApplying = false;
        lastRole = null;
        lastCommit = 0;
        hangsUntil = 0;
        sendsLeft = -1;
        throwsInApply = false;
    }

    /** While it is down: its machine is replaced, with an empty disk. */
    void wipe() {
        lostDisks.add(disk);
        disk = newDisk();
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
        InMemoryDisk saved = savedDisk;
        if (saved != null) {
            lostDisks.add(disk);
            disk = saved;
            savedDisk = null;
        }
    }

    void pause() {
        isPaused = true;
        group.invariants().onPaused(this);
    }

    void resume() {
        isPaused = false;
        group.invariants().onResumed(this);
        requestTurn();
    }

    /** Nothing is wrong with it any more. */
    void heal() {
        hangsUntil = 0;
        slowUntil = 0;
        slowApplyUntil = 0;
        sendsLeft = -1;
        throwsInApply = false;
        disk.mend();
        clock.rate(1000);
        if (isUp()) {
            resume();
            startWriting();      // at once, not when the hanging disk would have answered
            startReading();
        }
    }

    // -------------------------------------------------------------------------------------------------------------------- faults

    SimulatedClock clock() {
        return clock;
    }

    void slowDisk(long forNanos, long nanosMax) {
        slowUntil = group.now() + forNanos;
        writeNanosMax = nanosMax;
    }

    /** What its disk is given from now on is not written before this time has passed. */
    void hangDisk(long forNanos) {
        hangsUntil = Math.max(hangsUntil, group.now() + forNanos);
    }

    void failDisk(long down) {
        disk.failWrites("the simulation makes this write fail");
        downNanos = down;
    }

    void slowApply(long forNanos, long nanosMax) {
        slowApplyUntil = group.now() + forNanos;
        applyNanosMax = nanosMax;
    }

    void throwInApply(long down) {
        throwsInApply = true;
        downNanos = down;
    }

    void crashAfterSends(int sends, long down) {
        sendsLeft = sends;
        downNanos = down;
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

    // ------------------------------------------------------------------------------------------------------------------ messages

    /** Delivers a message, unless too many wait already or nobody is there. */
    boolean deliver(Message message, long senderBoot) {
        if (server == null || waitingMessages >= WAITING_MESSAGES_MAX) {
            return false;
        }
        knownBoots.merge(message.from(), senderBoot, Math::max);
        waitingMessages++;
        lastMessage = message;
        group.invariants().onDelivered(this, message);
        server.mailbox().post(message);
        requestTurn();
        return true;
    }

    boolean deliver(FoundingMessage message) {
        if (server == null || waitingMessages >= WAITING_MESSAGES_MAX) {
            return false;
        }
        waitingMessages++;
        server.mailbox().post(message);
        requestTurn();
        return true;
    }

    /**
     * Whether the sender is an older boot of a replica than one that this process has heard. Every transport refuses that, and tells it;
     * what is still on the way from an older process arrives all the same.
     */
    boolean refuses(SimulatedReplica sender) {
        long known = knownBoots.getOrDefault(sender.id(), 0L);
        if (sender.bootNumber() >= known) {
            return false;
        }
        sender.after(0, () -> sender.stop(new IllegalStateException("boot " + known + " of this very replica is running")));
        return true;
    }

    /** The number that its disk gives to this boot. */
    long bootNumber() {
        InMemoryStorage opened = storage;
        return opened == null ? 0 : opened.identity().boot();
    }

    // --------------------------------------------------------------------------------------------------------------------- calls

    /** Who asks. */
    interface Caller {

        void done(byte[] result, long index);

        /** Why it was not done, or perhaps it was; null if the process died. */
        void failed(@Nullable Throwable why);
    }

    /** Numbered over the whole run. */
    private record OpenCall(long number, Caller caller) { }

    void propose(long call, byte[] command, Caller caller) {
        submit(new OpenCall(call, caller), false, completion -> running().propose(command, group.callTimeout(), completion));
    }

    void read(long call, byte[] query, Caller caller) {
        submit(new OpenCall(call, caller), true, completion -> running().read(query, group.callTimeout(), completion));
    }

    /** Whether a call of this process has not completed. */
    boolean hasOpenCalls() {
        return !openCalls.isEmpty();
    }

    private interface Submission {
        @Nullable RuntimeException submit(Completion completion);
    }

    private void submit(OpenCall call, boolean isRead, Submission submission) {
        openCalls.put(call.number, call);
        group.invariants().onCall(this, call.number, isRead, group.callBound());
        RuntimeException refused = submission.submit(new Completion() {
            @Override
            public void done(byte[] result, long index) {
                openCalls.remove(call.number);
                call.caller.done(result, index);
            }

            @Override
            public void failed(Throwable why) {
                fail(call, why);
            }
        });
        if (refused != null) {
            fail(call, refused);
        }
        requestTurn();
    }

    private void fail(OpenCall call, Throwable why) {
        openCalls.remove(call.number);
        group.invariants().onFailed(call.number, !(why instanceof OutcomeUnknownException));
        call.caller.failed(why);
    }

    // --------------------------------------------------------------------------------------------------------------------- turns

    /** Runs the task later, unless the process has died by then. */
    private void after(long nanos, Runnable task) {
        int thisBoot = boot;
        group.agenda().after(nanos, () -> {
            if (server != null && boot == thisBoot) {
                task.run();
            }
        });
    }

    private void requestTurn() {
        if (server != null && !isTurnDue && !isPaused) {
            isTurnDue = true;
            after(group.turnDelay(random), this::turn);
        }
    }

    private void sleep() {
        long loopNanos = running().loop().nanosUntilDeadline(clock.nanos());
        long clockNanos = isApplying ? loopNanos : Math.min(loopNanos, running().applier().nanosUntilDeadline(clock.nanos()));
        long nanos = clock.realNanos(Math.min(clockNanos, 1L << 50)) + 1;
        long at = group.now() + nanos;
        if (wakeAt <= group.now() || at < wakeAt) {
            wakeAt = at;
            after(nanos, this::turn);
        }
    }

    /** One batch of the raft thread, and whatever becomes possible by it. */
    private void turn() {
        isTurnDue = false;
        if (isPaused) {
            return;
        }
        waitingMessages = 0;
        try {
            running().loop().turn(clock.nanos());
        } catch (ProcessDied e) {
            group.count(Happening.CRASH_WITHIN_FLUSH);
            takeWrites();   // asked for, and lost with the process; others may have been told of the entries
            crash(false);
            group.restartAfter(this, downNanos);
            return;
        } catch (StorageException e) {
            stopForItsDisk(e);      // it was to be founded
            return;
        } catch (InvariantViolation e) {
            if (group.owesNothing()) {
                stop(e);        // it notices that its disk, or another's, has forgotten
                return;
            }
            throw e;
        }
        group.onTurn(this);
        RaftNode node = node();
        if (node != null && (node.role() != lastRole || node.term() != lastTerm)) {
            group.onBecame(this, node.role(), node.term());
        }
        takeWrites();
        if (node != null) {
            group.invariants().onTurn(this);
            look(status());
        }
        startWriting();
        startReading();
        startApplying();
        if (running().mailbox().hasMail()) {
            requestTurn();
        }
        sleep();
    }

    /** Counts what has become of it in this turn, and lets it be struck where it is precarious. */
    private void look(NodeStatus status) {
        RoleName role = status.role();
        boolean isNew = role != lastRole || status.term() != lastTerm;
        if (status.commitIndex() > lastCommit) {
            lastCommit = status.commitIndex();
            group.onCommitted(this, lastCommit);
        }
        if (lastRole == RoleName.LEADER && isNew) {
            group.count(status.term() == lastTerm ? Happening.STEP_DOWN_FOR_SILENCE : Happening.STEP_DOWN_FOR_HIGHER_TERM);
        } else if (lastRole == RoleName.CANDIDATE && isNew && role != RoleName.LEADER) {
            group.count(Happening.ELECTION_LOST);
        }
        Fault.Balance balance = role == RoleName.CANDIDATE && isNew ? Fault.Balance.VOTES : null;
        if (role == RoleName.LEADER) {
            balance = balance(status);
            if (isNew) {
                group.count(Happening.ELECTION_WON);
                if (balance != Fault.Balance.ENTRIES) {
                    group.count(Happening.INHERITANCE);
                }
            }
            if (balance == Fault.Balance.INHERITANCE_ON_A_QUORUM && countedTerm != status.term()) {
                countedTerm = status.term();
                group.count(Happening.INHERITANCE_ON_A_QUORUM);
            }
        }
        lastRole = role;
        lastTerm = status.term();
        if (balance != null) {
            group.strikes().onBalance(this, balance);
        }
    }

    private Fault.Balance balance(NodeStatus status) {
        long uncommitted = group.invariants().committedIndex() + 1;
        if (uncommitted > status.lastIndex() || logAt(uncommitted).term() == status.term()) {
            return Fault.Balance.ENTRIES;
        }
        long reached = Strikes.quorumIndex(status);
        return reached >= uncommitted && logAt(reached).term() < status.term() ? Fault.Balance.INHERITANCE_ON_A_QUORUM
            : Fault.Balance.INHERITANCE;
    }

    private void takeWrites() {
        for (Storage.Write write : running().writer().take()) {
            if (write.firstIndex() <= writtenIndex) {
                group.count(Happening.TRUNCATION);
            }
            toWrite.add(write);
            group.onWrite(this, write);
            group.invariants().onWrite(this, write);
            writtenIndex = write.firstIndex() + write.entries().size() - 1;
        }
    }

    private void startApplying() {
        if (!isApplying && (running().applier().hasWork() || running().applier().nanosUntilDeadline(clock.nanos()) == 0)) {
            isApplying = true;
            after(applyDelay(), this::apply);
        }
    }

    private void apply() {
        isApplying = false;
        if (isPaused) {
            return;   // goes on with the turn after the pause
        }
        try {
            running().applier().turn(clock.nanos());
        } catch (ThrownInApply e) {
            group.count(Happening.APPLY_THREW);
            stop(e);
            group.restartAfter(this, downNanos);
            return;
        }
        startApplying();
        requestTurn();
    }

    private long applyDelay() {
        if (group.now() >= slowApplyUntil) {
            return 0;
        }
        group.count(Happening.SLOW_APPLY);
        return random.nextLong(applyNanosMax + 1);
    }

    // ------------------------------------------------------------------------------------------------------------------ the disk

    private InMemoryDisk newDisk() {
        return new InMemoryDisk(nodeId, random.nextLong() | 1, group.plan().isCramped() ? 10 : Integer.MAX_VALUE);
    }

    private void startWriting() {
        if (!writing.isEmpty() || toWrite.isEmpty()) {
            return;
        }
        writing = List.copyOf(toWrite);   // all that waited while the disk was busy
        toWrite.clear();
        afterDisk(this::write);
    }

    private void write() {
        List<Storage.Write> batch = writing;
        writing = List.of();
        try {
            running().writer().write(batch);
            group.invariants().onDurable(this, batch.get(batch.size() - 1).id());
        } catch (StorageException e) {
            stopForItsDisk(e);
            return;
        }
        group.onWritten(this);
        requestTurn();
        startWriting();
    }

    private void stopForItsDisk(StorageException cause) {
        group.count(Happening.DISK_FAILED);
        group.invariants().onStorageFailed(this);
        stop(cause);
        group.restartAfter(this, downNanos);
    }

    private void startReading() {
        if (!isReading && running().reader().hasWork()) {
            isReading = true;
            group.count(Happening.ENTRIES_READ_FROM_DISK);
            afterDisk(() -> {
                isReading = false;
                running().reader().turn();
                requestTurn();
            });
        }
    }

    /** Does this when the disk answers; a disk that hangs is asked again when it no longer does, which may be sooner than it seemed. */
    private void afterDisk(Runnable task) {
        after(diskDelay(), () -> whenDiskAnswers(task));
    }

    private void whenDiskAnswers(Runnable task) {
        if (group.now() >= hangsUntil) {
            task.run();
        } else {
            group.count(Happening.DISK_HANGS);
            after(Math.min(hangsUntil - group.now(), group.plan().electionTimeoutNanos() / 2), () -> whenDiskAnswers(task));
        }
    }

    private long diskDelay() {
        if (group.isHealing()) {
            return random.nextLong(group.plan().electionTimeoutNanos() / 1000);
        }
        long nanos = random.nextLong((group.now() < slowUntil ? writeNanosMax : group.plan().diskNanosMax()) + 1);
        if (nanos > group.plan().electionTimeoutNanos()) {
            group.count(Happening.SLOW_WRITE);
        }
        return nanos;
    }

    // -------------------------------------------------------------------------------------------------- what the process is given

    /** Whether the next apply is to throw; asked once for each. */
    boolean throwsInApply() {
        boolean isDue = throwsInApply;
        throwsInApply = false;
        return isDue;
    }

    private final class End implements Transport {

        @Override
        public void start(Local local, Map<Integer, String> peers, Receiver receiver) {
            throw new IllegalStateException("The simulation delivers to the mailbox");
        }

        @Override
        public void founded(Local local) {
            group.onFounded(SimulatedReplica.this);
        }

        @Override
        public void peers(Map<Integer, String> peers) {
            // Nodes are found by their number.
        }

        @Override
        public void send(Message message) {
            dieIfDue();
            group.invariants().onSend(SimulatedReplica.this, message);
            group.network().send(SimulatedReplica.this, message);
        }

        @Override
        public void send(FoundingMessage message) {
            dieIfDue();
            group.network().send(SimulatedReplica.this, message);
        }

        private void dieIfDue() {
            if (sendsLeft >= 0 && sendsLeft-- == 0) {
                throw new ProcessDied();
            }
        }

        @Override
        public String advertisedAddress() {
            return group.addresses().get(nodeId);
        }

        @Override
        public @Nullable String trouble(int peer) {
            return null;
        }

        @Override
        public void close() {
            // Nothing is held.
        }
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
        return server != null;
    }

    @Override
    public boolean isFounded() {
        return disk.founding() != null;
    }

    @Override
    public NodeStatus status() {
        RaftNode node = node();
        if (node == null) {
            throw new IllegalStateException(id() + " is blank");
        }
        return node.status();
    }

    @Override
    public long appliedIndex() {
        return running().applier().appliedIndex();
    }

    @Override
    public long callBytes() {
        return running().callBytes();
    }

    @Override
    public long mailBytes() {
        return running().mailbox().peerBytes();
    }

    @Override
    public boolean hasMail() {
        return running().mailbox().hasMail();
    }

    @Override
    public long nanosUntilDeadline() {
        RaftNode node = node();
        if (node == null) {
            throw new IllegalStateException(id() + " is blank");
        }
        return node.deadline() - clock.latest();
    }

    @Override
    public boolean logContains(EntryId entry) {
        RaftNode node = node();
        return node != null && entry.equals(node.entryAt(entry.index()));
    }

    @Override
    public EntryId logAt(long index) {
        RaftNode node = node();
        EntryId entry = node == null ? null : node.entryAt(index);
        if (entry == null) {
            throw new IllegalStateException(id() + " has no entry " + index);
        }
        return entry;
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
    public boolean diskContains(EntryId entry) {
        return disk.contains(entry);
    }

    @Override
    public boolean anyDiskContains(EntryId entry) {
        if (disk.contains(entry)) {
            return true;
        }
        for (InMemoryDisk lost : lostDisks) {
            if (lost.contains(entry)) {
                return true;
            }
        }
        return false;
    }

    @Override
    public String toString() {
        PassiveServer running = server;
        if (running == null) {
            return id() + (stopReason == null ? " is down" : " has stopped: " + stopReason);
        }
        RaftNode node = running.loop().node();
        return (isPaused ? "paused: " : "") + (node == null ? id() + " is blank: " + running.loop().status().problem() : node.toString())
            + " applied " + running.applier().appliedIndex() + " open calls " + openCalls.size();
    }

    int nodeId() {
        return nodeId;
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

    @Nullable RaftNode node() {
        return server == null ? null : server.loop().node();
    }

    /** The server; only while it is up. */
    PassiveServer running() {
        if (server == null) {
            throw new IllegalStateException(id() + " is down");
        }
        return server;
    }
}
