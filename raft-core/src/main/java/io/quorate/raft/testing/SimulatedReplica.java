package io.quorate.raft.testing;

import io.quorate.raft.Command;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.RaftObserver;
import io.quorate.raft.StateMachine;
import io.quorate.raft.Storage;
import io.quorate.raft.Transport;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.core.RaftNode;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.runtime.Completion;
import io.quorate.raft.runtime.PassiveServer;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
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

    /** Ends a turn in its middle: the process dies between two effects. */
    private static final class ProcessDied extends RuntimeException {

        private static final long serialVersionUID = 1;

        private ProcessDied() {
            super(null, null, false, false);
        }
    }

    private final Simulation simulation;
    private final int nodeId;
    private final SplittableRandom random;
    private final double clockRate;
    private final long clockOrigin;
    private InMemoryDisk disk;
    private long stalledUntil;          // the disk answers nothing before
    private final List<InMemoryDisk> lostDisks = new ArrayList<>();

    // The process.
    private int boot;
    private @Nullable PassiveServer server;
    private @Nullable InMemoryStorage storage;
    private boolean isPaused;
    private boolean isTurnDue;
    private long wakeAt;
    private int waitingMessages;
    private final List<Storage.Write> toWrite = new ArrayList<>();
    private List<Storage.Write> writing = List.of();
    private long writtenIndex;          // where the log ends, as given to the disk
    private boolean isReading;
    private boolean isApplying;
    private int openCalls;
    private @Nullable RoleName lastRole;
    private long lastTerm;
    private long countedTerm;           // of the leader whose inheritance has been counted

    SimulatedReplica(Simulation simulation, int nodeId) {
        this.simulation = simulation;
        this.nodeId = nodeId;
        random = simulation.split();
        boolean isSkewed = simulation.plan().isSkewed();
        clockRate = isSkewed ? 0.95 + random.nextDouble() / 10 : 1;
        clockOrigin = !isSkewed ? 0 : random.nextBoolean() ? Long.MAX_VALUE - random.nextLong(20_000_000_000L) : random.nextLong();
        disk = newDisk();
    }

    // ---- the process

    void start() {
        boot++;
        InMemoryStorage opened = disk.open();
        storage = opened;
        writtenIndex = disk.lastIndex();
        PassiveServer started = new PassiveServer(simulation.addresses(), simulation.config(), opened, new End(), new Recorder(),
            RaftObserver.NONE, random.split(), this::clock);
        server = started;
        simulation.note(id(), "starts, boot", boot, started.loop().node());
        requestTurn();
    }

    /** Loses the process. What the disk was just writing is there wholly or not at all: it is one frame. */
    void crash(boolean isWriteKept) {
        simulation.note(id(), "crashes,", isWriteKept ? "keeps" : "loses", writing.size(), "writes");
        if (!writing.isEmpty()) {
            simulation.count(isWriteKept ? Happening.CRASH_WRITE_KEPT : Happening.CRASH_WRITE_LOST);
        }
        if (isLeader() && status().commitIndex() < status().lastIndex()) {
            simulation.count(Happening.CRASH_OF_BUSY_LEADER);
        }
        if (isWriteKept && !writing.isEmpty() && storage != null) {
            storage.write(writing);
        }
        disk.crash(InMemoryDisk.Unreturned.LOST);
        server = null;
        storage = null;
        isPaused = false;
        isTurnDue = false;
        wakeAt = 0;
        waitingMessages = 0;
        toWrite.clear();
        writing = List.of();
        isReading = false;
        isApplying = false;
        openCalls = 0;
        lastRole = null;
        stalledUntil = 0;
    }

    /** What its disk is given from now on is not written before this time has passed. */
    void stallDisk(long nanos) {
        stalledUntil = simulation.now() + nanos;
    }

    /** While it is down: its machine is replaced, with an empty disk. */
    void wipe() {
        lostDisks.add(disk);
        disk = newDisk();
        simulation.note(id(), "has a new disk");
    }

    void pause() {
        isPaused = true;
    }

    void resume() {
        isPaused = false;
        requestTurn();
    }

    /** Delivers a message, unless too many wait already. */
    void deliver(Message message) {
        if (server != null && waitingMessages < Simulation.PENDING_MESSAGES_MAX) {
            waitingMessages++;
            simulation.note(id(), "<-", message);
            server.mailbox().post(message);
            requestTurn();
        }
    }

    void deliver(FoundingMessage message) {
        if (server != null && waitingMessages < Simulation.PENDING_MESSAGES_MAX) {
            waitingMessages++;
            simulation.note(id(), "<-", message);
            server.mailbox().post(message);
            requestTurn();
        }
    }

    /** Proposes a command that begins with a number of its own. */
    void propose(long number, int padding) {
        byte[] command = ByteBuffer.allocate(8 + padding).putLong(number).array();
        submit("propose " + number, completion -> running().propose(command, simulation.callTimeout(), completion),
            (result, index) -> simulation.onAcknowledged(number, index),
            why -> {
                if (!(why instanceof OutcomeUnknownException)) {
                    simulation.onFailedForCertain(number);
                }
            });
    }

    /** Asks for the last applied index, which must not lie before what clients have been told by now. */
    void read() {
        long floor = simulation.observedIndex();
        submit("read", completion -> running().read(new byte[0], simulation.callTimeout(), completion),
            (result, index) -> simulation.onReadServed(id(), floor, ByteBuffer.wrap(result).getLong()), why -> { });
    }

    /** Whether a call of this process has not completed. */
    boolean hasOpenCalls() {
        return openCalls > 0;
    }

    long appliedIndex() {
        return running().applier().appliedIndex();
    }

    private interface Submission {
        @Nullable RuntimeException submit(Completion completion);
    }

    private interface OnDone {
        void done(byte[] result, long index);
    }

    private interface OnFailed {
        void failed(Throwable why);
    }

    private void submit(String what, Submission submission, OnDone onDone, OnFailed onFailed) {
        int thisBoot = boot;
        openCalls++;
        RuntimeException refused = submission.submit(new Completion() {
            @Override
            public void done(byte[] result, long index) {
                end("done at " + index);
                onDone.done(result, index);
            }

            @Override
            public void failed(Throwable why) {
                end(why.toString());
                onFailed.failed(why);
            }

            private void end(String how) {
                if (boot != thisBoot || server == null) {
                    throw new InvariantBroken("EveryCallCompletesOnce", what + " completes after its process died: " + how);
                }
                openCalls--;
                simulation.note(id(), what, how);
            }
        });
        if (refused != null) {
            openCalls--;
            onFailed.failed(refused);
        }
        requestTurn();
    }

    private long clock() {
        return clockOrigin + (long) (simulation.now() * clockRate);
    }

    /** Runs the task later, unless the process has died by then. */
    private void after(long nanos, Runnable task) {
        int thisBoot = boot;
        simulation.after(nanos, () -> {
            if (server != null && boot == thisBoot) {
                task.run();
            }
        });
    }

    private void requestTurn() {
        if (!isTurnDue && !isPaused) {
            isTurnDue = true;
            after(simulation.turnDelay(), this::turn);
        }
    }

    private void sleep() {
        long loopNanos = running().loop().nanosUntilDeadline(clock());
        long clockNanos = isApplying ? loopNanos : Math.min(loopNanos, running().applier().nanosUntilDeadline(clock()));
        long nanos = (long) (Math.min(clockNanos, 1L << 50) / clockRate) + 1;
        long at = simulation.now() + nanos;
        if (wakeAt <= simulation.now() || at < wakeAt) {
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
        simulation.countTurn();
        waitingMessages = 0;
        try {
            running().loop().turn(clock());
        } catch (ProcessDied e) {
            simulation.count(Happening.CRASH_WITHIN_FLUSH);
            takeWrites();   // asked for, and lost with the process; others may have been told of the entries
            simulation.crash(this);
            return;
        }
        simulation.hash(simulation.now() * 31 + nodeId);
        takeWrites();
        if (node() != null) {
            simulation.invariants().onTurn(this);
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
        if (lastRole == RoleName.LEADER && isNew) {
            simulation.count(status.term() == lastTerm ? Happening.STEP_DOWN_FOR_SILENCE : Happening.STEP_DOWN_FOR_HIGHER_TERM);
        } else if (lastRole == RoleName.CANDIDATE && isNew && role != RoleName.LEADER) {
            simulation.count(Happening.ELECTION_LOST);
        }
        Simulation.Balance balance = role == RoleName.CANDIDATE && isNew ? Simulation.Balance.VOTES : null;
        if (role == RoleName.LEADER) {
            balance = balance(status);
            if (isNew) {
                simulation.count(Happening.ELECTION_WON);
                if (balance != Simulation.Balance.ENTRIES) {
                    simulation.count(Happening.INHERITANCE);
                }
            }
            if (balance == Simulation.Balance.INHERITANCE_ON_A_QUORUM && countedTerm != status.term()) {
                countedTerm = status.term();
                simulation.count(Happening.INHERITANCE_ON_A_QUORUM);
            }
        }
        lastRole = role;
        lastTerm = status.term();
        if (balance != null) {
            simulation.onBalance(this, balance);
        }
    }

    private Simulation.Balance balance(NodeStatus status) {
        long uncommitted = simulation.invariants().committedIndex() + 1;
        if (uncommitted > status.lastIndex() || logAt(uncommitted).term() == status.term()) {
            return Simulation.Balance.ENTRIES;
        }
        long reached = quorumIndex(status);
        return reached >= uncommitted && logAt(reached).term() < status.term() ? Simulation.Balance.INHERITANCE_ON_A_QUORUM
            : Simulation.Balance.INHERITANCE;
    }

    /** Up to where a quorum holds a leader's log, as far as the leader knows. */
    private static long quorumIndex(NodeStatus status) {
        long[] held = new long[status.peers().size() + 1];
        for (int i = 0; i < held.length - 1; i++) {
            held[i] = Math.max(0, status.peers().get(i).matchIndex());
        }
        held[held.length - 1] = status.durableIndex();
        Arrays.sort(held);
        return held[(held.length - 1) / 2];
    }

    private void takeWrites() {
        for (Storage.Write write : running().writer().take()) {
            simulation.note(id(), "->", write);
            simulation.hash(write.id() * 31 + write.firstIndex() * 7 + write.entries().hashCode());
            if (write.firstIndex() <= writtenIndex) {
                simulation.count(Happening.TRUNCATION);
            }
            toWrite.add(write);
            if (!write.entries().isEmpty()) {
                simulation.invariants().onWrite(this, previousOf(write), write.entries());
            }
            writtenIndex = write.firstIndex() + write.entries().size() - 1;
        }
    }

    private EntryId previousOf(Storage.Write write) {
        if (write.firstIndex() > writtenIndex + 1) {
            throw new InvariantBroken("NoGaps", id() + " writes from " + write.firstIndex() + " behind " + writtenIndex);
        }
        return logAt(write.firstIndex() - 1);
    }

    private void startApplying() {
        if (!isApplying && (running().applier().hasWork() || running().applier().nanosUntilDeadline(clock()) == 0)) {
            isApplying = true;
            after(simulation.applyDelay(), () -> {
                isApplying = false;
                if (isPaused) {
                    return;   // goes on with the turn after the pause
                }
                running().applier().turn(clock());
                startApplying();
                requestTurn();
            });
        }
    }

    // ---- the disk

    private InMemoryDisk newDisk() {
        return new InMemoryDisk(nodeId, random.nextLong() | 1, simulation.plan().isCramped() ? 10 : Integer.MAX_VALUE);
    }

    private void startWriting() {
        if (!writing.isEmpty() || toWrite.isEmpty()) {
            return;
        }
        writing = List.copyOf(toWrite);   // all that waited while the disk was busy
        toWrite.clear();
        after(simulation.diskDelay(stalledUntil), () -> {
            List<Storage.Write> batch = writing;
            writing = List.of();
            running().writer().write(batch);
            requestTurn();
            startWriting();
        });
    }

    private void startReading() {
        if (!isReading && running().reader().hasWork()) {
            isReading = true;
            simulation.count(Happening.ENTRIES_READ_FROM_DISK);
            after(simulation.diskDelay(stalledUntil), () -> {
                isReading = false;
                running().reader().turn();
                requestTurn();
            });
        }
    }

    // ---- what the process is given

    private final class End implements Transport {

        @Override
        public void start(Local local, Map<Integer, String> peers, Receiver receiver) {
            throw new IllegalStateException("The simulation delivers to the mailbox");
        }

        @Override
        public void founded(Local local) {
            simulation.note(id(), "is founded:", local);
        }

        @Override
        public void peers(Map<Integer, String> peers) {
            // Nodes are found by their number.
        }

        @Override
        public void send(Message message) {
            if (simulation.crashesInFlush()) {
                throw new ProcessDied();
            }
            simulation.note(id(), "->", message);
            simulation.hash(message.hashCode());
            if (!isFounded()) {
                throw new InvariantBroken("BlankIsSilent", id() + " belongs to no group and sends " + message);
            }
            simulation.invariants().onSend(SimulatedReplica.this, message);
            simulation.send(message);
        }

        @Override
        public void send(FoundingMessage message) {
            if (simulation.crashesInFlush()) {
                throw new ProcessDied();
            }
            simulation.hash(message.hashCode());
            simulation.send(message);
        }

        @Override
        public String advertisedAddress() {
            return "node-" + nodeId;
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

    /** Remembers the last command's index. */
    private final class Recorder implements StateMachine {
        private long lastIndex;

        @Override
        public byte[] apply(Command command) {
            byte[] bytes = command.bytes();
            simulation.hash(command.index());
            simulation.invariants().onApply(SimulatedReplica.this, command.index(), bytes);
            simulation.onApplied(ByteBuffer.wrap(bytes).getLong(), command.index());
            lastIndex = command.index();
            return new byte[0];
        }

        @Override
        public byte[] query(byte[] query) {
            return ByteBuffer.allocate(8).putLong(lastIndex).array();
        }
    }

    // ---- what invariants see

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

    /** Whether it is part of the group. */
    boolean isFounded() {
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
    public boolean diskContains(EntryId entry) {
        return disk.contains(entry);
    }

    @Override
    public boolean anyDiskContains(EntryId entry) {
        return disk.contains(entry) || lostDisks.stream().anyMatch(lost -> lost.contains(entry));
    }

    @Override
    public String toString() {
        PassiveServer running = server;
        if (running == null) {
            return id() + " is down";
        }
        RaftNode node = running.loop().node();
        return (isPaused ? "paused: " : "") + (node == null ? id() + " is blank: " + running.loop().status().problem() : node.toString())
            + " applied " + running.applier().appliedIndex() + " open calls " + openCalls;
    }

    int nodeId() {
        return nodeId;
    }

    boolean isLeader() {
        RaftNode node = node();
        return node != null && node.role() == RoleName.LEADER;
    }

    @Nullable RaftNode node() {
        return server == null ? null : server.loop().node();
    }

    private PassiveServer running() {
        if (server == null) {
            throw new IllegalStateException(id() + " is down");
        }
        return server;
    }
}
