package io.quorate.raft.testing;

import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Event;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.LogView;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.RaftNode;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.core.TermTable;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One node of a simulated group: its process, which comes and goes, and its disk, which stays. */
final class SimulatedReplica implements ReplicaView {

    private record OpenRead(long index, long floor) { }

    private final Simulation simulation;
    private final ReplicaId id;
    private final Membership membership;
    private final double clockRate;
    private final long clockOrigin;

    // The disk.
    private HardState durable = HardState.INITIAL;
    private final List<Entry> disk = new ArrayList<>();       // the entry at index i stands at i - 1

    // The process.
    private int boot;
    private @Nullable RaftNode node;
    private boolean isPaused;
    private boolean isTurnDue;
    private long wakeAt;
    private final ArrayDeque<Event> inbox = new ArrayDeque<>();
    private List<Entry> log = new ArrayList<>();        // as given to the disk, durable or not
    private final ArrayDeque<RecordedEffects.Write> toWrite = new ArrayDeque<>();
    private List<RecordedEffects.Write> writing = List.of();
    private final ArrayDeque<RecordedEffects.Apply> toApply = new ArrayDeque<>();
    private boolean isApplying;
    private long appliedIndex;
    private final Map<Long, EntryId> proposals = new HashMap<>();   // by index
    private final Set<Long> openProposals = new HashSet<>();        // neither accepted nor refused
    private final Map<Long, Long> openReads = new HashMap<>();      // to what they must show
    private final List<OpenRead> readables = new ArrayList<>();

    SimulatedReplica(Simulation simulation, ReplicaId id, Membership membership) {
        this.simulation = simulation;
        this.id = id;
        this.membership = membership;
        var random = simulation.split();
        boolean isSkewed = simulation.plan().isSkewed();
        clockRate = isSkewed ? 0.95 + random.nextDouble() / 10 : 1;
        clockOrigin = !isSkewed ? 0 : random.nextBoolean() ? Long.MAX_VALUE - random.nextLong(20_000_000_000L) : random.nextLong();
    }

    // ---- the process

    void start() {
        boot++;
        TermTable terms = new TermTable(EntryId.ZERO);
        for (Entry entry : disk) {
            terms.append(entry.term(), entry.index());
        }
        int cached = simulation.plan().isCramped() ? disk.size() / 2 : 0;
        LogView view = new LogView(new SnapshotId(EntryId.ZERO, membership), terms, disk.subList(cached, disk.size()));
        log = new ArrayList<>(disk);
        node = new RaftNode(simulation.config(), id, durable, view, simulation.split(), clock());
        simulation.note(id, "starts", node);
        sleep();
    }

    /** Loses the process. What the disk was just writing is there wholly or not at all: it is one frame. */
    void crash(boolean isWriteKept) {
        simulation.note(id, "crashes", isWriteKept ? "keeps" : "loses", writing.size(), "writes");
        node = null;
        isPaused = false;
        isTurnDue = false;
        isApplying = false;
        wakeAt = 0;
        appliedIndex = 0;
        inbox.clear();
        toWrite.clear();
        if (isWriteKept) {
            writing.forEach(this::persist);
        }
        writing = List.of();
        toApply.clear();
        proposals.clear();
        openProposals.clear();
        openReads.clear();
        readables.clear();
    }

    void pause() {
        isPaused = true;
    }

    void resume() {
        isPaused = false;
        requestTurn();
    }

    void post(Event event) {
        inbox.addLast(event);
        requestTurn();
    }

    int inboxSize() {
        return inbox.size();
    }

    void propose(long requestId, byte[] command) {
        openProposals.add(requestId);
        post(new Event.Propose(requestId, command));
    }

    void read(long requestId, long floor) {
        openReads.put(requestId, floor);
        post(new Event.Read(requestId));
    }

    /** Whether a request was neither accepted, answered nor refused. */
    boolean hasOpenRequests() {
        return !openProposals.isEmpty() || !openReads.isEmpty() || !readables.isEmpty();
    }

    long appliedIndex() {
        return appliedIndex;
    }

    private long clock() {
        return clockOrigin + (long) (simulation.now() * clockRate);
    }

    /** Runs the task later, unless the process has died by then. */
    private void after(long nanos, Runnable task) {
        int thisBoot = boot;
        simulation.after(nanos, () -> {
            if (node != null && boot == thisBoot) {
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
        long nanos = (long) (Math.max(0, Math.min(running().deadline() - clock(), 1L << 50)) / clockRate) + 1;
        long at = simulation.now() + nanos;
        if (wakeAt <= simulation.now() || at < wakeAt) {
            wakeAt = at;
            after(nanos, this::turn);
        }
    }

    private void turn() {
        if (isPaused) {
            isTurnDue = false;
            return;
        }
        isTurnDue = false;
        simulation.countTurn();
        RaftNode running = running();
        running.step(new Event.Tick(clock()));
        int count = simulation.leavesSome() ? inbox.size() / 2 : inbox.size();
        for (int i = 0; i < count; i++) {
            Event event = inbox.removeFirst();
            simulation.note(id, "<-", event);
            running.step(event);
        }
        RecordedEffects recorded = new RecordedEffects();
        running.flush(recorded, inbox.isEmpty());
        for (RecordedEffects.Effect effect : recorded.take()) {
            if (simulation.crashesInFlush()) {
                simulation.crash(this);
                return;
            }
            simulation.note(id, "->", effect);
            perform(effect);
        }
        simulation.hash(simulation.now() * 31 + id.nodeId());
        simulation.invariants().onTurn(this);
        if (!inbox.isEmpty()) {
            requestTurn();
        }
        sleep();
    }

    private void perform(RecordedEffects.Effect effect) {
        if (effect instanceof RecordedEffects.Write write) {
            simulation.hash(write.writeId() * 31 + write.firstIndex() * 7 + write.entries().hashCode());
            replaceSuffix(log, write);
            simulation.invariants().onWrite(this, write.hardState(), write.entries());
            toWrite.addLast(write);
            startWriting();
        } else if (effect instanceof RecordedEffects.Send send) {
            simulation.hash(send.message().hashCode());
            simulation.invariants().onSend(this, send.message());
            simulation.send(send.message());
        } else if (effect instanceof RecordedEffects.Accepted accepted) {
            openProposals.remove(accepted.requestId());
            proposals.put(accepted.at().index(), accepted.at());
        } else if (effect instanceof RecordedEffects.Apply apply) {
            simulation.hash(apply.firstIndex() * 31 + apply.lastIndex());
            toApply.addLast(apply);
            startApplying();
        } else if (effect instanceof RecordedEffects.Readable readable) {
            Long floor = openReads.remove(readable.requestId());
            if (floor != null) {
                readables.add(new OpenRead(readable.index(), floor));
                serveReads();
            }
        } else if (effect instanceof RecordedEffects.Refuse refuse) {
            openProposals.remove(refuse.requestId());
            openReads.remove(refuse.requestId());
        } else if (effect instanceof RecordedEffects.ReadEntries read) {
            after(simulation.diskDelay(), () -> post(new Event.EntriesRead(read.peer(), read.term(), read.firstIndex(), readFromDisk(read))));
        }
    }

    private List<Entry> readFromDisk(RecordedEffects.ReadEntries read) {
        List<Entry> entries = new ArrayList<>();
        long bytes = 0;
        for (long index = read.firstIndex(); index <= Math.min(read.lastIndex(), disk.size()); index++) {
            Entry entry = disk.get((int) index - 1);
            bytes += entry.size();
            if (!entries.isEmpty() && bytes > read.bytesMax()) {
                break;
            }
            entries.add(entry);
        }
        return entries;
    }

    // ---- the state machine

    private void startApplying() {
        if (isApplying || toApply.isEmpty()) {
            return;
        }
        isApplying = true;
        after(simulation.applyDelay(), () -> {
            isApplying = false;
            RecordedEffects.Apply apply = toApply.removeFirst();
            List<Entry> entries = apply.entries().isEmpty()
                ? List.copyOf(disk.subList((int) apply.firstIndex() - 1, (int) apply.lastIndex())) : apply.entries();
            for (Entry entry : entries) {
                simulation.invariants().onApply(this, entry);
                appliedIndex = entry.index();
                EntryId proposed = proposals.remove(entry.index());
                if (entry.id().equals(proposed)) {
                    simulation.onAcknowledged(entry.index());
                }
            }
            post(new Event.Applied(appliedIndex));
            serveReads();
            startApplying();
        });
    }

    private void serveReads() {
        readables.removeIf(read -> {
            if (read.index > appliedIndex) {
                return false;
            }
            simulation.onReadServed(id, read.floor, appliedIndex);
            return true;
        });
    }

    // ---- the disk

    private void startWriting() {
        if (!writing.isEmpty() || toWrite.isEmpty()) {
            return;
        }
        writing = List.copyOf(toWrite);   // all that waited while the disk was busy
        toWrite.clear();
        after(simulation.diskDelay(), () -> {
            writing.forEach(this::persist);
            long lastId = writing.get(writing.size() - 1).writeId();
            writing = List.of();
            post(new Event.Written(lastId));
            startWriting();
        });
    }

    private void persist(RecordedEffects.Write write) {
        durable = write.hardState();
        replaceSuffix(disk, write);
    }

    private static void replaceSuffix(List<Entry> log, RecordedEffects.Write write) {
        log.subList((int) write.firstIndex() - 1, log.size()).clear();
        log.addAll(write.entries());
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
    public NodeStatus status() {
        return running().status();
    }

    @Override
    public boolean logContains(EntryId entry) {
        return contains(log, entry);
    }

    @Override
    public EntryId logAt(long index) {
        return index == 0 ? EntryId.ZERO : log.get((int) index - 1).id();
    }

    @Override
    public HardState durableState() {
        return durable;
    }

    @Override
    public boolean diskContains(EntryId entry) {
        return contains(disk, entry);
    }

    @Override
    public String toString() {
        return node == null ? id + " is down" : (isPaused ? "paused: " : "") + node;
    }

    private RaftNode running() {
        if (node == null) {
            throw new IllegalStateException(id + " is down");
        }
        return node;
    }

    private static boolean contains(List<Entry> log, EntryId entry) {
        return entry.index() >= 1 && entry.index() <= log.size() && log.get((int) entry.index() - 1).term() == entry.term();
    }
}
