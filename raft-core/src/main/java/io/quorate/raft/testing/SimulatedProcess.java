package io.quorate.raft.testing;

import io.quorate.raft.FoundingMessage;
import io.quorate.raft.Freshness;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.RaftObserver;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.SnapshotInfo;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.Transport;
import io.quorate.raft.core.InvariantViolation;
import io.quorate.raft.core.Membership;
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
 * One process of a simulated node, from its start to its end: the real server without its threads, that is the parts of {@link
 * PassiveServer}, turned in virtual time.
 */
final class SimulatedProcess {

    /** How many messages wait for a paused process; the rest is lost. */
    private static final int WAITING_MESSAGES_MAX = 10_000;

    /** Ends a turn in its middle: the process dies between two effects. */
    private static final class ProcessDied extends RuntimeException {

        private static final long serialVersionUID = 1;

        private ProcessDied() {
            super(null, null, false, false);
        }
    }

    /** Who asks. */
    interface Caller {

        void done(byte[] result, long index);

        /** Why it was not done, or perhaps it was; null if the process died. */
        void failed(@Nullable Throwable why);
    }

    /** Numbered over the whole run. */
    private record OpenCall(long number, Caller caller) { }

    private final SimulatedGroup group;
    private final SimulatedReplica replica;
    private final Ailments ailments;
    private final SplittableRandom random;
    private final SimulatedClock clock;
    private final Storage storage;
    private final PassiveServer server;
    private final Companion companion;

    private boolean isOver;
    private boolean isPaused;
    private boolean isTurnDue;
    private long wakeAt;
    private int waitingMessages;
    private final Map<ReplicaId, Long> knownBoots = new HashMap<>();   // of those that it has heard
    private final List<Storage.Write> toWrite = new ArrayList<>();
    private List<Storage.Write> writing = List.of();
    private long writtenIndex;          // where the log ends, as given to the disk
    private boolean isReading;
    private boolean isApplying;
    private boolean isTaking;
    private boolean isMoving;
    private boolean isCompacting;
    private boolean isMending;
    private boolean wasRepairing;       // its node has not begun
    private boolean isWatching;
    private final Map<Long, OpenCall> openCalls = new LinkedHashMap<>();
    private @Nullable RoleName lastRole;
    private long lastTerm;
    private long lastCommit;
    private long lastVersion;                // of the membership in force
    private long countedTerm;           // of the leader whose inheritance has been counted

    SimulatedProcess(SimulatedGroup group, SimulatedReplica replica, Storage storage, Ailments ailments, SimulatedClock clock,
                     SplittableRandom random) {
        this.group = group;
        this.replica = replica;
        this.ailments = ailments;
        this.random = random;
        this.clock = clock;
        this.storage = storage;
        server = new PassiveServer(group.addresses(), group.config(), group.setup().snapshots(), storage, new End(),
            new WatchedMachine(group, replica, ailments), new Counting(), random.split(), clock::nanos);
        writtenIndex = replica.diskLastIndex();
        wasRepairing = isRepairing();
        companion = group.companions().beside(group, replica, this);
    }

    // --------------------------------------------------------------------------------------------------------------- its ends

    /** It dies. */
    void crash(boolean keepsWrite) {
        RaftNode node = node();
        if (node != null && node.role() == RoleName.LEADER && node.status().commitIndex() < node.status().lastIndex()) {
            group.count(Happening.CRASH_OF_BUSY_LEADER);
        }
        if (!writing.isEmpty()) {
            boolean isKept = loseWriting(keepsWrite) == writing.get(writing.size() - 1).id();
            group.count(isKept ? Happening.CRASH_WRITE_KEPT : keepsWrite ? Happening.DISK_FAILED : Happening.CRASH_WRITE_LOST);
        } else {
            loseWriting(keepsWrite);
        }
        if (server.taker().isWritten()) {
            group.count(Happening.CRASH_WHILE_TAKING);
        }
        isOver = true;
        replica.onProcessEnded(null);
        group.onCrashed(replica, keepsWrite);
        group.invariants().onCrashed(replica);
        for (OpenCall call : openCalls.values()) {
            call.caller.failed(null);
        }
    }

    /** Of what the disk was just writing, it may have all, or nothing, or a part; which is what the next process will find. */
    private long loseWriting(boolean keepsWrite) {
        long kept = replica.loseWriting(writing, keepsWrite);
        if (kept > 0) {
            group.invariants().onDurable(replica, kept);
        }
        return kept;
    }

    /** It stops by itself, as a server does when its disk fails, its state machine throws or an invariant is broken. */
    void stop(Throwable cause) {
        server.closeLoop(cause);
        ServerStatus status = server.loop().stoppedStatus(cause);
        server.closeApplier(cause);
        if (status.state() != ServerStatus.State.STOPPED || status.problem() == null) {
            throw new InvariantBroken("StoppedSaysWhy", replica.id() + " has stopped for " + cause + ", and its status is " + status);
        }
        isOver = true;
        loseWriting(false);
        replica.onProcessEnded(cause);
        group.onStopped(replica, cause);
        group.invariants().onStopped(replica, cause);
    }

    private void stopForItsDisk(StorageException cause) {
        group.count(Happening.DISK_FAILED);
        group.invariants().onStorageFailed(replica);
        stop(cause);
        group.restartAfter(replica, ailments.downNanos());
    }

    void pause() {
        isPaused = true;
        group.invariants().onPaused(replica);
    }

    void resume() {
        isPaused = false;
        group.invariants().onResumed(replica);
        requestTurn();
        companion.onResumed();
    }

    boolean isPaused() {
        return isPaused;
    }

    /** Nothing is wrong any more: what waits for the disk need not wait longer. */
    void heal() {
        resume();
        startWriting();
        startReading();
    }

    // ------------------------------------------------------------------------------------------------------------------ messages

    /** Takes a message, unless too many wait already. */
    boolean deliver(Message message, long senderBoot) {
        if (waitingMessages >= WAITING_MESSAGES_MAX) {
            return false;
        }
        knownBoots.merge(message.from(), senderBoot, Math::max);
        waitingMessages++;
        group.invariants().onDelivered(replica, message);
        server.mailbox().post(message);
        requestTurn();
        return true;
    }

    boolean deliver(FoundingMessage message) {
        if (waitingMessages >= WAITING_MESSAGES_MAX) {
            return false;
        }
        waitingMessages++;
        server.mailbox().post(message);
        requestTurn();
        return true;
    }

    boolean deliver(SnapshotMessage message) {
        if (waitingMessages >= WAITING_MESSAGES_MAX || server.loop().isBlank() && !server.loop().isRepairing()) {
            return false;
        }
        server.transfer().post(message);
        startMoving();
        return true;
    }

    boolean deliver(RepairMessage message) {
        if (waitingMessages >= WAITING_MESSAGES_MAX) {
            return false;
        }
        waitingMessages++;
        server.mailbox().post(message);
        requestTurn();
        return true;
    }

    /** The youngest boot of this replica that it has heard. */
    long knownBoot(ReplicaId other) {
        return knownBoots.getOrDefault(other, 0L);
    }

    /** The number that its disk gives to this boot. */
    long bootNumber() {
        return storage.identity().boot();
    }

    // --------------------------------------------------------------------------------------------------------------------- calls

    void propose(long call, byte[] command, Caller caller) {
        group.invariants().onProposed(replica, command.length);
        submit(new OpenCall(call, caller), null, completion -> server.propose(command, group.callTimeout(), completion));
    }

    void read(long call, byte[] query, Freshness freshness, Caller caller) {
        submit(new OpenCall(call, caller), freshness, completion -> server.read(query, freshness, group.callTimeout(), completion));
    }

    /** What operators ask for is no client's call: it changes nothing that clients see, and what comes of it is the group's affair. */
    void transfer(long call, int toNode, Caller caller) {
        operate(new OpenCall(call, caller), completion -> server.transfer(toNode, group.callTimeout(), completion));
    }

    void changeMembership(long call, long expectedVersion, Membership.Goal goal, Caller caller) {
        operate(new OpenCall(call, caller),
            completion -> server.changeMembership(expectedVersion, goal, group.callTimeout(), completion));
    }

    private void operate(OpenCall call, Submission submission) {
        openCalls.put(call.number, call);
        RuntimeException refused = submission.submit(new Completion() {
            @Override
            public void done(byte[] result, long index) {
                openCalls.remove(call.number);
                call.caller.done(result, index);
            }

            @Override
            public void failed(Throwable why) {
                openCalls.remove(call.number);
                call.caller.failed(why);
            }
        });
        if (refused != null) {
            openCalls.remove(call.number);
            call.caller.failed(refused);
        }
        requestTurn();
    }

    int openCalls() {
        return openCalls.size();
    }

    private interface Submission {
        @Nullable RuntimeException submit(Completion completion);
    }

    private void submit(OpenCall call, @Nullable Freshness freshness, Submission submission) {
        openCalls.put(call.number, call);
        group.invariants().onCall(replica, call.number, freshness, group.callBound());
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

    /** Runs the task later, unless the process is over by then. */
    void after(long nanos, Runnable task) {
        group.agenda().after(nanos, () -> {
            if (isOver) {
                return;
            }
            try {
                task.run();
            } catch (StorageException e) {
                stopForItsDisk(e);      // on whatever thread it comes up
            }
        });
    }

    void requestTurn() {
        if (!isOver && !isTurnDue && !isPaused) {
            isTurnDue = true;
            after(group.turnDelay(random), this::turn);
        }
    }

    private void sleep() {
        long loopNanos = server.loop().nanosUntilDeadline(clock.nanos());
        long clockNanos = isApplying ? loopNanos : Math.min(loopNanos, server.applier().nanosUntilDeadline(clock.nanos()));
        long moveNanos = isMoving ? clockNanos : Math.min(clockNanos, server.transfer().nanosUntilDeadline(clock.nanos()));
        long nanos = clock.realNanos(Math.min(moveNanos, 1L << 50)) + 1;
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
            server.loop().turn(clock.nanos());
        } catch (ProcessDied e) {
            group.count(Happening.CRASH_WITHIN_FLUSH);
            takeWrites();   // asked for, and lost with the process; others may have been told of the entries
            crash(false);
            group.restartAfter(replica, ailments.downNanos());
            return;
        } catch (InvariantViolation e) {
            if (group.owesNothing()) {
                stop(e);        // it notices that its disk, or another's, has forgotten
                return;
            }
            throw e;
        }
        group.onTurn(replica);
        RaftNode node = node();
        if (wasRepairing && node != null) {
            wasRepairing = false;
            writtenIndex = replica.diskLastIndex();
            group.count(Happening.BEGAN_REPAIRED);
            group.invariants().onStarted(replica);
        }
        if (node != null && (node.role() != lastRole || node.term() != lastTerm)) {
            group.onBecame(replica, node.role(), node.term());
        }
        takeWrites();
        if (node != null) {
            group.invariants().onTurn(replica);
            look(node.status());
        }
        companion.onTurn();
        startWriting();
        startReading();
        startMending();
        startCompacting();
        watchRoom();
        startApplying();
        startTaking();
        startMoving();
        if (server.mailbox().hasMail()) {
            requestTurn();
        }
        sleep();
    }

    /** Counts what has become of it in this turn, and lets it be struck where it is precarious. */
    private void look(NodeStatus status) {
        RoleName role = status.role();
        boolean isNew = role != lastRole || status.term() != lastTerm;
        if (status.membership().version() != lastVersion) {
            lastVersion = status.membership().version();
            if (status.membership().isJoint()) {
                group.count(Happening.JOINT_MEMBERSHIP);
            }
        }
        if (status.commitIndex() > lastCommit) {
            lastCommit = status.commitIndex();
            group.onCommitted(replica, lastCommit);
        }
        if (lastRole == RoleName.LEADER && isNew) {
            group.count(status.term() == lastTerm ? Happening.STEP_DOWN_FOR_SILENCE : Happening.STEP_DOWN_FOR_HIGHER_TERM);
        } else if (lastRole == RoleName.CANDIDATE && isNew && role != RoleName.LEADER) {
            group.count(Happening.ELECTION_LOST);
        }
        Fault.Balance balance = role == RoleName.CANDIDATE && isNew ? Fault.Balance.VOTES : null;
        if (role == RoleName.LEADER) {
            balance = group.strikes().balance(replica, status);
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
            group.strikes().onBalance(replica, balance);
        }
    }

    private void startApplying() {
        if (!isApplying && (server.applier().hasWork() || server.applier().nanosUntilDeadline(clock.nanos()) == 0)) {
            isApplying = true;
            after(ailments.applyDelay(), this::apply);
        }
    }

    private void apply() {
        isApplying = false;
        if (isPaused) {
            return;   // goes on with the turn after the pause
        }
        try {
            server.applier().turn(clock.nanos());
        } catch (WatchedMachine.ThrownInApply e) {
            group.count(Happening.APPLY_THREW);
            stop(e);
            group.restartAfter(replica, ailments.downNanos());
            return;
        }
        startApplying();
        startTaking();
        requestTurn();
    }

    // ------------------------------------------------------------------------------------------------------------------ snapshots

    /** Writing a snapshot out is one step, making it durable another: the process may die in between. */
    private void startTaking() {
        if (!isTaking && server.taker().hasWork()) {
            isTaking = true;
            afterDisk(this::take);
        }
    }

    private void take() {
        isTaking = false;
        if (isPaused) {
            return;   // goes on with the turn after the pause
        }
        server.taker().turn();
        startTaking();
        startApplying();
        requestTurn();
    }

    private void startMoving() {
        if (!isMoving && (server.transfer().hasWork() || server.transfer().nanosUntilDeadline(clock.nanos()) == 0)) {
            isMoving = true;
            afterDisk(this::move);
        }
    }

    private void move() {
        isMoving = false;
        if (isPaused) {
            return;   // likewise
        }
        try {
            server.transfer().turn(clock.nanos());
        } catch (ProcessDied e) {
            group.count(Happening.CRASH_WITHIN_FLUSH);
            crash(false);
            group.restartAfter(replica, ailments.downNanos());
            return;
        }
        startMoving();
        requestTurn();
    }

    private void startCompacting() {
        if (!isCompacting && server.compactor().hasWork()) {
            isCompacting = true;
            afterDisk(() -> {
                isCompacting = false;
                server.compactor().turn();
                startCompacting();
            });
        }
    }

    // ------------------------------------------------------------------------------------------------------------------ the disk

    private void takeWrites() {
        for (Storage.Write write : server.writer().take()) {
            if (write.install() != null) {
                group.count(Happening.SNAPSHOT_INSTALLED);
            } else if (write.firstIndex() <= writtenIndex) {
                group.count(Happening.TRUNCATION);
            }
            toWrite.add(write);
            group.onWrite(replica, write);
            group.invariants().onWrite(replica, write);
            writtenIndex = write.firstIndex() + write.entries().size() - 1;
        }
    }

    private void startWriting() {
        if (!writing.isEmpty() || toWrite.isEmpty()) {
            return;
        }
        writing = List.copyOf(toWrite);   // all that waited while the disk was busy
        toWrite.clear();
        replica.beginWriting(writing);
        afterDisk(this::write);
    }

    private void write() {
        List<Storage.Write> batch = writing;
        writing = List.of();
        server.writer().write(batch);
        group.invariants().onDurable(replica, batch.get(batch.size() - 1).id());
        group.onWritten(replica);
        requestTurn();
        startWriting();
    }

    private void startReading() {
        if (!isReading && server.reader().hasWork()) {
            isReading = true;
            group.count(Happening.ENTRIES_READ_FROM_DISK);
            afterDisk(() -> {
                isReading = false;
                server.reader().turn();
                requestTurn();
            });
        }
    }

    /** Its disk thread reads again all that was written long ago. */
    void scrub() {
        afterDisk(() -> {
            if (toWrite.isEmpty() && writing.isEmpty()) {
                server.scrubAll();
                requestTurn();
            }
        });
    }

    /** Whether its node cannot begin for what is damaged in the log. */
    boolean isRepairing() {
        return server.loop().isRepairing();
    }

    private void startMending() {
        if (!isMending && server.mender().hasWork()) {
            isMending = true;
            afterDisk(this::mend);
        }
    }

    private void mend() {
        isMending = false;
        long putBack = server.mender().putBack();
        Storage.Write before = server.mender().replacement();
        try {
            server.mender().turn();
            group.count(Happening.ENTRY_REPAIRED, server.mender().putBack() - putBack);
            Storage.Write replacement = server.mender().replacement();
            if (replacement != null && replacement != before) {
                group.count(Happening.DAMAGE_REPLACED);
                group.invariants().onReplaced(replica, replacement);
            }
        } catch (StorageException e) {
            stopForItsDisk(e);
            return;
        } catch (ProcessDied e) {
            group.count(Happening.CRASH_WITHIN_FLUSH);
            crash(false);
            group.restartAfter(replica, ailments.downNanos());
            return;
        }
        startMending();
        requestTurn();
    }

    /** A disk that is nearly full is looked at again and again. */
    private void watchRoom() {
        server.watchRoom();
        if (!isWatching && !storage.room().isPlenty() && node() != null) {
            isWatching = true;
            group.count(Happening.DISK_NEARLY_FULL);
            afterDisk(() -> after(patience(), () -> {
                isWatching = false;
                while (server.maintain()) {
                    continue;
                }
                requestTurn();
            }));
        }
    }

    private void afterDisk(Runnable task) {
        long dueAt = group.now() + ailments.diskDelay();
        after(Math.min(dueAt - group.now(), patience()), () -> whenDiskAnswers(task, dueAt));
    }

    /** A disk that is slow, or hangs, is asked again and again, for it may answer sooner than it seemed: it is mended when the group is. */
    private void whenDiskAnswers(Runnable task, long dueAt) {
        long slowNanos = group.isHealing() ? 0 : dueAt - group.now();
        long hangNanos = ailments.hangsUntil() - group.now();
        if (Math.max(slowNanos, hangNanos) <= 0) {
            task.run();
            return;
        }
        if (hangNanos > 0) {
            group.count(Happening.DISK_HANGS);
        }
        after(Math.min(Math.max(slowNanos, hangNanos), patience()), () -> whenDiskAnswers(task, dueAt));
    }

    private long patience() {
        return group.plan().electionTimeoutNanos() / 2;
    }

    // ------------------------------------------------------------------------------------------------------------------ its parts

    PassiveServer server() {
        return server;
    }

    /** Null while it is blank. */
    @Nullable RaftNode node() {
        return server.loop().node();
    }

    @Override
    public String toString() {
        RaftNode node = node();
        String what = node == null ? replica.id() + " is blank: " + server.loop().status().problem() : node.toString();
        return (isPaused ? "paused: " : "") + what + " applied " + server.applier().appliedIndex() + " open calls "
            + openCalls.size();
    }

    /** Counts what becomes of snapshots. */
    private final class Counting implements RaftObserver {

        @Override
        public void onSnapshotTaken(SnapshotInfo snapshot) {
            group.count(Happening.SNAPSHOT_TAKEN);
        }

        @Override
        public void onSnapshotFetched(SnapshotInfo snapshot) {
            group.count(Happening.SNAPSHOT_FETCHED);
            group.invariants().onFetched(replica, snapshot.last());
        }

        @Override
        public void onSnapshotFailed(Throwable why) {
            group.count(Happening.SNAPSHOT_FETCH_FAILED);
        }
    }

    /** What the server sends goes through the group's network. */
    private final class End implements Transport {

        @Override
        public void start(Local local, Map<Integer, String> peers, Receiver receiver) {
            throw new IllegalStateException("The simulation delivers to the mailbox");
        }

        @Override
        public void founded(Local local) {
            group.onFounded(replica);
        }

        @Override
        public void peers(Map<Integer, String> peers) {
            // Nodes are found by their number.
        }

        @Override
        public void send(Message message) {
            dieIfDue();
            group.invariants().onSend(replica, message);
            companion.onSend(message);
            group.network().send(replica, message);
        }

        @Override
        public void send(FoundingMessage message) {
            dieIfDue();
            group.network().send(replica, message);
        }

        @Override
        public void send(SnapshotMessage message) {
            dieIfDue();
            group.network().send(replica, message);
        }

        @Override
        public void send(RepairMessage message) {
            dieIfDue();
            group.network().send(replica, message);
        }

        private void dieIfDue() {
            if (ailments.diesBeforeSend()) {
                throw new ProcessDied();
            }
        }

        @Override
        public String advertisedAddress() {
            return "node-" + replica.nodeId();
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
}
