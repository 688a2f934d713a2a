package io.quorate.raft.testing;

import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Event;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.InvariantViolation;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.core.RaftNode;
import io.quorate.raft.testing.RecordedEffects.Effect;
import io.quorate.raft.testing.TranscriptNetwork.Link;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * The group that a transcript moves by hand, and the lines that tell what it does.
 *
 * <p>Nothing is delivered, no write completes and no deadline is judged unless a command says so. Reading old entries and applying
 * committed ones are done at once: no scenario is about them. All nodes share one clock, which begins where the promises of the start have
 * run out. Whatever a node does is held against {@link GroupInvariants}.
 */
final class TranscriptGroup {

    private static final int TURNS_MAX = 20_000;
    private static final int ATTEMPTS_MAX = 5;

    /** What a disk holds when the group begins. */
    record Disk(HardState state, List<Entry> entries) { }

    private final long electionTimeoutNanos;
    private final Map<Integer, TranscriptNode> nodes = new TreeMap<>();
    private final TranscriptNetwork network = new TranscriptNetwork();
    private final Map<Long, String> requests = new HashMap<>();
    private long lastRequestId;
    private long lastReadNumber;
    private long now;
    private @Nullable GroupInvariants invariants;   // null once a disk has lost what it held: then nothing can be promised

    private final TranscriptLines lines = new TranscriptLines();
    private @Nullable TranscriptNode stopped;       // by a broken invariant of its own, and no command has expected it yet

    TranscriptGroup(int size, RaftConfig config, Membership membership, Map<Integer, Disk> disks, Map<Integer, List<Long>> draws) {
        electionTimeoutNanos = config.electionTimeoutNanos();
        for (int n = 1; n <= size; n++) {
            TranscriptNode node = new TranscriptNode(n, config, membership, this::now);
            Disk disk = disks.get(n);
            if (disk != null) {
                node.setDisk(disk.state(), disk.entries());
            }
            node.draw(draws.getOrDefault(n, List.of(0L)));
            nodes.put(n, node);
        }
        lines.result(TranscriptText.membership(membership));
        invariants = new GroupInvariants(List.copyOf(nodes.values()), config, this::now, Set.of());
        tellInvariants(disks);
        now = -electionTimeoutNanos;
        for (TranscriptNode node : nodes.values()) {
            start(node);
        }
        now = 0;
    }

    static Member member(int nodeId) {
        return new Member(TranscriptNode.idOf(nodeId), TranscriptText.name(nodeId));
    }

    /** The lines since they were last taken. */
    List<String> takeLines() {
        return lines.take();
    }

    List<Integer> all() {
        return List.copyOf(nodes.keySet());
    }

    // ---- commands: time

    void pass(long nanos) {
        now += nanos;
        tellTime();
    }

    void tick(int n) {
        tellTime();
        step(up(n), null, true);
    }

    /** Time passes until this node's deadline, and it acts on it. */
    void timeout(int n) {
        TranscriptNode node = up(n);
        RaftNode raft = raft(node);
        raft.step(new Event.Tick(now));
        now = Math.max(now, raft.deadline());
        tick(n);
    }

    void heartbeat(int n) {
        require(raft(up(n)).role() == RoleName.LEADER, TranscriptText.name(n) + " does not lead");
        timeout(n);
    }

    void draw(int n, List<Long> nanos) {
        node(n).draw(nanos);
    }

    // ---- commands: clients

    void propose(int n, String command) {
        requests.put(++lastRequestId, command);
        step(up(n), new Event.Propose(lastRequestId, command.getBytes(StandardCharsets.UTF_8)), false);
    }

    void read(int n) {
        requests.put(++lastRequestId, "read " + ++lastReadNumber);
        step(up(n), new Event.Read(lastRequestId), false);
    }

    void transfer(int n, int target) {
        requests.put(++lastRequestId, "the transfer to " + TranscriptText.name(target));
        step(up(n), new Event.Transfer(lastRequestId, node(target).id()), false);
    }

    /** The connection to this peer broke. */
    void lost(int n, int peer) {
        step(up(n), new Event.PeerLost(node(peer).id()), false);
    }

    /** As one who has seen the membership that is in force at this node. */
    void change(int n, List<Integer> voters, List<Integer> learners) {
        Membership.Goal goal = new Membership.Goal(voters.stream().map(this::present).toList(), learners.stream().map(this::present).toList());
        requests.put(++lastRequestId, "the change");
        step(up(n), new Event.ChangeMembership(lastRequestId, raft(up(n)).membership().version(), goal), false);
    }

    private Member present(int n) {
        return new Member(node(n).id(), TranscriptText.name(n));
    }

    // ---- commands: disks

    /** The oldest writes become durable, one by one, but not more than so many. */
    void write(int n, int countMax) {
        TranscriptNode node = up(n);
        require(node.hasPending(), TranscriptText.name(n) + " has no write pending");
        for (int i = 0; i < countMax && node.hasPending() && node.isUp(); i++) {
            writeOne(node);
        }
    }

    /** The disk refuses the oldest write, and the node stops, as its server would. */
    void fail(int n) {
        TranscriptNode node = up(n);
        require(node.hasPending(), TranscriptText.name(n) + " has no write pending that could fail");
        tell(checks -> checks.onStorageFailed(node));
        crash(node);
        lines.result(TranscriptText.name(n) + ": its disk fails: it stops");
    }

    /** The disk turns out to hold this and nothing else. */
    void setDisk(int n, Disk disk) {
        TranscriptNode node = node(n);
        require(!node.isUp(), TranscriptText.name(n) + " is up: crash it first");
        node.setDisk(disk.state(), disk.entries());
        if (invariants != null) {
            lines.result("(a disk does not hold what it held: nothing is checked from here on)");
        }
        invariants = null;
    }

    /** The node comes back with a blank disk, and so as another replica. */
    void replaceDisk(int n) {
        TranscriptNode node = node(n);
        crash(node);
        node.replaceDisk();
        lines.forget(n);
        start(node);
    }

    // ---- commands: processes

    void crash(int n) {
        crash(up(n));
    }

    void restart(int n) {
        TranscriptNode node = node(n);
        crash(node);
        start(node);
    }

    void hold(int n) {
        up(n).hold(true);
    }

    /** Ends a hold: everything that was digested meanwhile leads to one flush. */
    void flush(int n) {
        TranscriptNode node = up(n);
        require(node.isHeld(), TranscriptText.name(n) + " is not held");
        node.hold(false);
        step(node, null, true);
    }

    void expectStop(int n) {
        require(stopped == node(n), TranscriptText.name(n) + " has not stopped");
        stopped = null;
    }

    /** A node that stopped must be expected to: else the transcript tells of something that it does not speak about. */
    void requireNoStop() {
        require(stopped == null, stopped == null ? "" : TranscriptText.name(stopped.id()) + " has stopped, and no expect-stop follows");
    }

    // ---- commands: the network

    TranscriptNetwork network() {
        return network;
    }

    void deliver(Link link, int position) {
        hand(network.take(link, position), true);
    }

    void deliver(String name) {
        hand(network.kept(name), true);
    }

    void deliverAll(Link link) {
        for (int left = network.count(link); left > 0; left--) {
            deliver(link, 1);
        }
    }

    void drop(Link link, int position) {
        lines.result("lost: " + TranscriptText.sent(network.take(link, position)));
    }

    void dropAll(Link link) {
        for (int left = network.count(link); left > 0; left--) {
            drop(link, 1);
        }
    }

    void keep(Link link, int position, String name) {
        Message message = network.take(link, position);
        network.keep(message, name);
        lines.result("kept: " + TranscriptText.sent(message));
    }

    void repeat(Link link) {
        hand(network.lastDelivered(link), true);
    }

    // ---- commands: many steps at once

    /** Delivers every message among these nodes and completes all their writes until nothing moves any more; tells everything. */
    void stabilize(List<Integer> among) {
        moveAll(among);
    }

    /** The same; tells only what came of it. */
    void settle(List<Integer> among) {
        lines.tellDetails(false);
        moveAll(among);
        lines.tellDetails(true);
    }

    /** The candidate becomes leader by the votes of these others, once nobody is bound to an earlier leader. Its first appends are out. */
    void elect(int candidate, List<Integer> others) {
        lines.tellDetails(false);
        List<Integer> among = new ArrayList<>(others);
        among.add(candidate);
        int before = network.waiting().size();
        now += electionTimeoutNanos;
        timeout(candidate);
        for (int attempts = 0; !leads(candidate); ) {
            boolean isMoving = false;
            for (int n : among) {
                TranscriptNode node = up(n);
                while (!leads(candidate) && node.hasPending()) {
                    writeOne(node);
                    isMoving = true;
                }
            }
            Message next = leads(candidate) ? null : network.takeAmong(among, before);
            if (next != null) {
                hand(next, false);
                isMoving = true;
            }
            if (!isMoving) {   // it has learned a term from those who refused, and asks again
                require(++attempts < ATTEMPTS_MAX, TranscriptText.name(candidate) + " is not elected by these");
                timeout(candidate);
            }
        }
        network.dropElections(before);
        lines.tellDetails(true);
    }

    /** A stretch of ordinary life: messages and writes take no time, deadlines are met. */
    void run(long nanos) {
        for (TranscriptNode node : nodes.values()) {
            require(!node.isHeld(), TranscriptText.name(node.id()) + " is held");
        }
        lines.tellDetails(false);
        lines.beginCounts();
        runTo(now + nanos);
        lines.prefix("");
        lines.tellDetails(true);
        lines.result("at " + TranscriptText.millis(now) + "; " + lines.counts());
    }

    private void runTo(long end) {
        lines.prefix("at " + TranscriptText.millis(now) + " ");
        moveAll(all());
        int turns = 0;
        for (TranscriptNode next = nextToWake(end); next != null; next = nextToWake(end)) {
            require(++turns < TURNS_MAX, "these nodes have a deadline that never passes");
            now = Math.max(now, raft(next).deadline());
            lines.prefix("at " + TranscriptText.millis(now) + " ");
            step(next, null, true);
            moveAll(all());
        }
        now = end;
    }

    // ---- commands: looking

    void tellStatus(int n) {
        TranscriptNode node = node(n);
        HardState state = node.durableState();
        String disk = "disk " + TranscriptText.terms(node.disk().stream().map(Entry::id).toList()) + ", term " + state.term() + ", vote "
            + TranscriptText.vote(state);
        RaftNode raft = node.node();
        if (raft == null) {
            lines.result(TranscriptText.name(node.id()) + ": down; " + disk);
            return;
        }
        NodeStatus status = raft.status();
        List<EntryId> log = LongStream.rangeClosed(1, status.lastIndex()).mapToObj(node::logAt).toList();
        String text = TranscriptText.role(status) + "; log " + TranscriptText.terms(log) + ", durable " + status.durableIndex()
            + ", commit " + status.commitIndex() + ", applied " + node.appliedIndex() + "; " + disk + "; " + deadline(raft);
        if (status.role() == RoleName.LEADER && !status.peers().isEmpty()) {
            text += "; " + status.peers().stream().map(TranscriptText::peer).collect(Collectors.joining(", "));
        }
        lines.result(text);
    }

    /** The entries of the disk, with what they say. */
    void tellLog(int n) {
        lines.result(TranscriptText.name(node(n).id()) + ": disk " + TranscriptText.entries(node(n).disk()));
    }

    void tellNetwork() {
        if (network.waiting().isEmpty()) {
            lines.result("nothing is on its way");
        }
        network.waiting().forEach(message -> lines.result(TranscriptText.sent(message)));
    }

    // ---- steps

    /** Also of one that is down: then nothing happens. */
    private void crash(TranscriptNode node) {
        if (node.isUp()) {
            tell(checks -> checks.onCrashed(node));
        }
        node.crash();
    }

    private void start(TranscriptNode node) {
        guard(node, () -> {
            node.start();
            tell(checks -> checks.onStarted(node));
            raft(node).step(new Event.Tick(now));
            settleEffects(node, false);
        });
    }

    private void step(TranscriptNode node, @Nullable Event event, boolean judgesDeadlines) {
        guard(node, () -> {
            RaftNode raft = raft(node);
            raft.step(new Event.Tick(now));
            if (event != null) {
                raft.step(event);
            }
            if (!node.isHeld()) {
                settleEffects(node, judgesDeadlines);
            }
        });
    }

    /** A node that finds an invariant broken stops: that is a result like any other. */
    private void guard(TranscriptNode node, Runnable action) {
        try {
            action.run();
        } catch (InvariantViolation e) {
            String self = node.node() == null ? "" : raft(node).toString();
            lines.result(TranscriptText.name(node.id()) + ": stops: " + TranscriptText.stop(e.getMessage(), self));
            tell(checks -> checks.onStopped(node, e));
            crash(node);
            stopped = node;
        }
    }

    private void settleEffects(TranscriptNode node, boolean judgesDeadlines) {
        RaftNode raft = raft(node);
        RecordedEffects recorded = new RecordedEffects();
        raft.flush(recorded, judgesDeadlines);
        lines.turned(raft.status());
        List<Entry> applied = new ArrayList<>();
        List<Event> answers = new ArrayList<>();
        for (Effect effect : recorded.take()) {
            carryOut(node, effect, applied, answers);
        }
        tell(checks -> checks.onTurn(node));
        for (Entry entry : applied) {
            if (entry.kind() == Entry.Kind.COMMAND) {
                tell(checks -> checks.onApply(node, entry.index(), entry.payload()));
            }
            node.applied(entry.index());
        }
        if (!answers.isEmpty()) {
            answers.forEach(raft::step);
            settleEffects(node, false);
        }
    }

    private void carryOut(TranscriptNode node, Effect effect, List<Entry> applied, List<Event> answers) {
        String name = TranscriptText.name(node.id());
        if (effect instanceof RecordedEffects.Write write) {
            List<Entry> replaced = node.issue(write);
            lines.detail(name + ": " + TranscriptText.write(write, replaced));
            tell(checks -> checks.onWrite(node,
                new Storage.Write(write.writeId(), write.hardState(), write.firstIndex(), write.entries())));
        } else if (effect instanceof RecordedEffects.Send send) {
            tell(checks -> checks.onSend(node, send.message()));
            send(send.message());
        } else if (effect instanceof RecordedEffects.Accepted accepted) {
            lines.result(name + ": makes " + requests.get(accepted.requestId()) + " entry " + accepted.at());
        } else if (effect instanceof RecordedEffects.Apply apply) {
            List<Entry> entries = apply.entries().isEmpty()
                ? node.disk().subList((int) apply.firstIndex() - 1, (int) apply.lastIndex()) : apply.entries();
            lines.result(name + ": applies " + TranscriptText.entries(entries));
            applied.addAll(entries);
            answers.add(new Event.Applied(apply.lastIndex()));
        } else if (effect instanceof RecordedEffects.Readable readable) {
            lines.result(name + ": answers " + requests.get(readable.requestId()) + " from the state at " + readable.index());
        } else if (effect instanceof RecordedEffects.Refuse refuse) {
            lines.result(name + ": refuses " + requests.get(refuse.requestId()) + ": " + TranscriptText.refusal(refuse.why()));
        } else if (effect instanceof RecordedEffects.Done done) {
            lines.result(name + ": " + requests.get(done.requestId()) + " is done");
        } else if (effect instanceof RecordedEffects.Unknown unknown) {
            lines.result(name + ": does not know what becomes of " + requests.get(unknown.requestId()));
        } else if (effect instanceof RecordedEffects.ReadEntries read) {
            lines.detail(name + ": reads " + read.firstIndex() + " to " + read.lastIndex() + " from its disk for "
                + TranscriptText.name(read.peer()));
            answers.add(new Event.EntriesRead(read.peer(), read.term(), read.firstIndex(),
                node.disk().subList((int) read.firstIndex() - 1, (int) read.lastIndex())));
        } else {
            throw new IllegalArgumentException("No transcript can write " + effect);
        }
    }

    private void send(Message message) {
        lines.sent(message, !network.send(message));
    }

    private void hand(Message message, boolean isWhole) {
        TranscriptNode node = node(message.to().nodeId());
        network.delivered(message);
        String name = TranscriptText.name(node.id());
        if (!node.isUp()) {
            lines.received(message, isWhole, true, " (lost: " + name + " is down)");
            return;
        }
        if (message.to().equals(node.id())) {
            lines.received(message, isWhole, false, "");
            tell(checks -> checks.onDelivered(node, message));
            step(node, message, false);
        } else {
            lines.received(message, isWhole, false, " (here is " + name + ")");
            String before = raft(node).toString();
            step(node, message, false);
            tell(checks -> checks.onForeign(node, message, before, raft(node).toString()));
        }
    }

    private void writeOne(TranscriptNode node) {
        long writeId = node.complete().writeId();
        tell(checks -> checks.onDurable(node, writeId));
        lines.detail(TranscriptText.name(node.id()) + ": write " + writeId + " is durable");
        step(node, new Event.Written(writeId), false);
    }

    private void moveAll(List<Integer> among) {
        boolean isMoving = true;
        for (int turn = 0; isMoving; turn++) {
            require(turn < TURNS_MAX, "these nodes never come to rest");
            isMoving = false;
            for (int n : among) {
                TranscriptNode node = node(n);
                while (node.isUp() && !node.isHeld() && node.hasPending()) {
                    writeOne(node);
                    isMoving = true;
                }
            }
            Message next = network.takeAmong(among, 0);
            if (next != null) {
                hand(next, false);
                isMoving = true;
            }
        }
    }

    /** Of the nodes that are up, the one whose deadline comes first, if it comes by then. */
    private @Nullable TranscriptNode nextToWake(long end) {
        TranscriptNode next = null;
        for (TranscriptNode node : nodes.values()) {
            RaftNode raft = node.node();
            if (raft != null && raft.deadline() <= (next == null ? end : raft(next).deadline() - 1)) {
                next = node;
            }
        }
        return next;
    }

    // ---- what is told

    private void tellTime() {
        lines.detail("at " + TranscriptText.millis(now));
    }

    private String deadline(RaftNode raft) {
        long left = raft.deadline() - now;
        return left > 1000 * electionTimeoutNanos ? "no deadline" : "deadline at " + TranscriptText.millis(raft.deadline());
    }

    // ---- helpers

    /** What stood on the disks at the beginning was made by nobody of this group. */
    private void tellInvariants(Map<Integer, Disk> disks) {
        TranscriptNode past = new TranscriptNode(nodes.size() + 1, RaftConfig.DEFAULT, Membership.of(1, List.of(member(1))), this::now);
        for (Disk disk : disks.values()) {
            long term = disk.entries().isEmpty() ? 0 : disk.entries().get(disk.entries().size() - 1).term();
            tell(checks -> checks.onWrite(past, new Storage.Write(1, new HardState(term, null, 0), 1, disk.entries())));
        }
    }

    private void tell(Consumer<GroupInvariants> event) {
        if (invariants != null) {
            event.accept(invariants);
        }
    }

    private long now() {
        return now;
    }

    private boolean leads(int n) {
        RaftNode raft = node(n).node();
        return raft != null && raft.role() == RoleName.LEADER;
    }

    private TranscriptNode node(int n) {
        TranscriptNode node = nodes.get(n);
        if (node == null) {
            throw new IllegalArgumentException("there is no node " + TranscriptText.name(n));
        }
        return node;
    }

    private TranscriptNode up(int n) {
        TranscriptNode node = node(n);
        require(node.isUp(), TranscriptText.name(n) + " is down");
        return node;
    }

    private static RaftNode raft(TranscriptNode node) {
        RaftNode raft = node.node();
        if (raft == null) {
            throw new IllegalArgumentException(TranscriptText.name(node.id()) + " is down");
        }
        return raft;
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalArgumentException(otherwise);
        }
    }
}
