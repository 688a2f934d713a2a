package io.quorate.raft.runtime;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.Command;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.RaftObserver;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.SnapshotPolicy;
import io.quorate.raft.StateMachine;
import io.quorate.raft.Transport;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.testing.InMemoryDisk;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A group whose servers are turned in rounds, from one thread and in virtual time: any moment of it can be held, and looked at for as long
 * as one likes. What one sends in a round the others have in the next.
 */
final class PassiveGroup {

    static final RaftConfig CONFIG = RaftConfig.DEFAULT.withLeases(10);
    static final long T = CONFIG.electionTimeoutNanos();

    /** So many rounds end whatever goes on without time passing. */
    private static final int ROUNDS = 40;
    /** After so many in which nobody sends anything, nothing goes on any more. */
    private static final int QUIET_ROUNDS = 4;
    private static final long CALL_NANOS = Duration.ofSeconds(10).toNanos();

    /** A server and what belongs to it. */
    final class Node {

        final int id;
        final InMemoryDisk disk;
        final Queue<Object> arriving = new ArrayDeque<>();
        PassiveServer server;
        ClientService clients;
        boolean isStopped;

        Node(int id) {
            this.id = id;
            disk = new InMemoryDisk(id, 100 + id);
            start();
        }

        /** Runs from now on, with what the disk has. */
        void start() {
            arriving.clear();
            isStopped = false;
            server = new PassiveServer(members(id), CONFIG, SnapshotPolicy.DEFAULT, 0, disk.open(), new Wire(id), new Machine(),
                RaftObserver.NONE, new SplittableRandom(id), () -> now);
            clients = new ClientService(disk.replica(), server, CALL_NANOS, true);
        }

        void stop() {
            isStopped = true;
            server.closeLoop(null);
            server.closeApplier(null);
            server.closeSnapshots(null);
        }

        ServerStatus status() {
            List<ServerStatus> answers = new ArrayList<>();
            server.ask(answers::add);
            server.loop().turn(now);
            return answers.get(0);
        }

        /** Asks, and turns nothing yet. */
        Answer ask(ClientRequest request, long timeoutNanos) {
            Answer answer = new Answer();
            clients.serve(request, timeoutNanos, answer.responses::add);
            return answer;
        }

        private void turn() {
            for (int left = arriving.size(); left > 0; left--) {
                Object message = arriving.remove();
                if (message instanceof Message raft) {
                    server.mailbox().post(raft);
                } else if (message instanceof FoundingMessage founding) {
                    server.mailbox().post(founding);
                } else if (message instanceof RepairMessage repair) {
                    server.mailbox().post(repair);
                } else if (message instanceof SnapshotMessage snapshot) {
                    server.transfer().post(snapshot);
                }
            }
            server.loop().turn(now);
            while (server.hasDiskWork() && server.turnDisk()) {
                // all that waits
            }
            server.watchRoom();
            server.applier().turn(now);
            server.taker().turn();
            server.transfer().turn(now);
            server.applier().turn(now);
        }
    }

    /** What has come of a request. */
    static final class Answer {

        private final List<ClientResponse> responses = new ArrayList<>();

        /** Null while it is open. */
        @Nullable ClientResponse response() {
            if (responses.size() > 1) {
                throw new AssertionError("answered more than once: " + responses);
            }
            return responses.isEmpty() ? null : responses.get(0);
        }
    }

    private final class Wire implements Transport {

        private final int from;

        Wire(int from) {
            this.from = from;
        }

        private void send(int to, Object message) {
            sent++;
            Node node = nodes.get(to);
            if (node != null && !node.isStopped && !isCut.test(new Link(from, to)) && !isDropped.test(message)) {
                node.arriving.add(message);
            }
        }

        @Override
        public void start(Local local, Map<Integer, String> peers, Receiver receiver) { }

        @Override
        public void founded(Local local) { }

        @Override
        public void peers(Map<Integer, String> peers) { }

        @Override
        public void send(Message message) {
            send(message.to().nodeId(), message);
        }

        @Override
        public void send(FoundingMessage message) {
            send(message.to(), message);
        }

        @Override
        public void send(SnapshotMessage message) {
            send(message.to().nodeId(), message);
        }

        @Override
        public void send(RepairMessage message) {
            send(message.to().nodeId(), message);
        }

        @Override
        public String advertisedAddress() {
            return address(from);
        }

        @Override
        public @Nullable String trouble(int nodeId) {
            return null;
        }

        @Override
        public void close() { }
    }

    /** Counts its commands, and has snapshots. */
    private static final class Machine implements StateMachine {

        private int commands;

        @Override
        public byte[] apply(Command command) {
            commands++;
            return new byte[] {(byte) commands};
        }

        @Override
        public byte[] query(byte[] query) {
            if (query.length > 0) {
                throw new IllegalArgumentException("no such query");
            }
            return new byte[] {(byte) commands};
        }

        @Override
        public Snapshot snapshot() {
            int captured = commands;
            return out -> out.write(captured);
        }

        @Override
        public void restore(InputStream in) throws IOException {
            commands = in.read();
        }
    }

    private record Link(int from, int to) { }

    final Map<Integer, Node> nodes = new TreeMap<>();
    private final int founders;
    private long now = 1_000_000;
    private long sent;
    private Predicate<Link> isCut = link -> false;
    private Predicate<Object> isDropped = message -> false;

    /** @param founders how many nodes found the group */
    PassiveGroup(int founders) {
        this.founders = founders;
        for (int id = 1; id <= founders; id++) {
            nodes.put(id, new Node(id));
        }
    }

    static String address(int nodeId) {
        return "node" + nodeId;
    }

    private Map<Integer, String> members(int nodeId) {
        Map<Integer, String> members = new HashMap<>();
        members.put(nodeId, address(nodeId));
        for (int id = 1; id <= founders; id++) {
            members.put(id, address(id));
        }
        return members;
    }

    /** A blank node that asks to be let in. */
    Node join() {
        Node node = new Node(nodes.size() + 1);
        nodes.put(node.id, node);
        return node;
    }

    /** One round for each. */
    void round() {
        nodes.values().stream().filter(node -> !node.isStopped).forEach(Node::turn);
    }

    /** What goes on without time passing goes on. */
    void settle() {
        int quiet = 0;
        for (int i = 0; i < ROUNDS && quiet < QUIET_ROUNDS; i++) {
            long before = sent;
            round();
            quiet = sent == before ? quiet + 1 : 0;
        }
    }

    /** So much time passes, in steps in which something can go on. */
    void pass(long nanos) {
        long end = now + nanos;
        while (now < end) {
            now = Math.min(end, now + T / 20);
            settle();
        }
    }

    /** So much time passes at once, as if all had stood still. */
    void leap(long nanos) {
        now += nanos;
        settle();
    }

    /** Time passes until this holds. */
    void until(BooleanSupplier condition) {
        for (int i = 0; i < 2000; i++) {
            int quiet = 0;
            for (int round = 0; round < ROUNDS && quiet < QUIET_ROUNDS; round++) {
                if (condition.getAsBoolean()) {
                    return;
                }
                long before = sent;
                round();
                quiet = sent == before ? quiet + 1 : 0;
            }
            now += T / 20;
        }
        throw new AssertionError("in vain: " + nodes.values().stream().map(node -> node.status().toString()).toList());
    }

    /** Nothing passes between this node and the others. */
    void isolate(int nodeId) {
        isCut = link -> link.from == nodeId || link.to == nodeId;
    }

    /** Such messages do not arrive. */
    void drop(Predicate<Object> messages) {
        isDropped = messages;
    }

    void heal() {
        isCut = link -> false;
        isDropped = message -> false;
    }

    /** Who leads and has committed something in its term, and is followed by all members that run. */
    Node leader() {
        until(() -> leading() != null);
        return leading();
    }

    private @Nullable Node leading() {
        for (Node node : nodes.values()) {
            if (!node.isStopped && node.server.loop().node() != null && node.status().state() == ServerStatus.State.LEADER) {
                ServerStatus status = node.status();
                boolean isFollowed = status.commitIndex() == status.lastIndex() && nodes.values().stream()
                    .filter(other -> !other.isStopped && !other.server.loop().isBlank() && status.membership() != null
                        && status.membership().member(other.disk.replica()) != null)
                    .allMatch(other -> node.disk.replica().equals(other.status().leader())
                        && other.status().appliedIndex() == status.commitIndex());
                if (isFollowed) {
                    return node;
                }
            }
        }
        return null;
    }

    /** Some node that is none of these, and a member. */
    Node otherThan(Node... these) {
        return nodes.values().stream().filter(node -> node.id <= founders && !List.of(these).contains(node)).findFirst().orElseThrow();
    }
}
