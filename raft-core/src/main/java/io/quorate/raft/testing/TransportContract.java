package io.quorate.raft.testing;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.ClusterId;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.Freshness;
import io.quorate.raft.Identity;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.Transport;
import io.quorate.raft.client.ClientTransport;
import io.quorate.raft.core.DiskRoom;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.NodeStatus;
import io.quorate.raft.core.Refusal;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Holds a {@link Transport} of your own against every sentence of its contract that can be checked from outside. One line in a test of any
 * framework:
 *
 * <pre>{@code
 * TransportContract.of((nodeId, address) -> new MyTransport(address == null ? "127.0.0.1:0" : address)).check();
 * }</pre>
 *
 * <p>What does not hold is thrown as a {@link ContractBroken} that begins with the sentence. It runs with real threads and, where the
 * transport has them, real sockets, so that it can miss what happens rarely; it waits for conditions, never for a time to pass, and gives
 * up after a {@linkplain #withPatience patience} of 20 seconds. What this cannot see: a line that is cut without a word, bytes that are
 * damaged on the way, addresses that lead elsewhere after a while, and what happens under days of load.
 *
 * <p>A transport may lose messages, and may deliver one twice; it may not deliver an older one behind a younger while a connection lasts.
 */
public final class TransportContract {

    static final String DELIVERY = "A message of every kind arrives in one piece, equal to what was sent";
    static final String SNAPSHOTS = "Questions for pieces of snapshots and their answers arrive in one piece, equal to what was sent";
    static final String REPAIRS = "Questions for damaged entries and their answers arrive in one piece, equal to what was sent";
    static final String PIECES = "Pieces of snapshots do not hold up messages";
    static final String LARGEST = "The largest entry passes";
    static final String ADDRESS = "After the start, the advertised address is known";
    static final String UNSTARTED = "What is sent before the start is dropped";
    static final String FOUNDING = "While either end is blank, only founding messages pass; once both are founded, all do";
    static final String ORDER = "What one thread sends to one peer arrives in that order";
    static final String AWAY = "What is sent to a peer that is away is dropped at once, and trouble says that it is away";
    static final String STUCK = "Sending does not wait for a peer that takes nothing";
    static final String BACK = "A peer that comes back is reached again by itself, and the trouble with it is over";
    static final String MOVED = "A peer that has moved is reached where the new address says";
    static final String CALLERS = "Who calls is answered, whatever this end was told of him";
    static final String LOST = "When a peer's process ends, who is connected to it is told";
    static final String OTHER_CLUSTER = "Nothing passes between two clusters";
    static final String LOWER_EPOCH = "Nothing passes between two recovery epochs";
    static final String WRONG_NODE = "Nothing for one node is delivered to another";
    static final String INCARNATION = "Any incarnation of a node is heard";
    static final String OLDER_BOOT = "Of two boots of a replica the older is refused and told of the younger";
    static final String FAILING = "A receiver that fails harms neither the sender nor what comes later";
    static final String CLOSED = "Nothing is delivered any more when close has returned";
    static final String FREED = "Close frees the address, may be called twice, and what is sent afterwards is dropped";
    static final String STARTED_ONCE = "A transport is started once";
    static final String REQUESTS = "Every request arrives as it was asked, and every answer as it was given";
    static final String TIME = "A request brings the time for which its client will wait";
    static final String FIRST_ANSWER = "Of two answers the first counts";
    static final String NOT_SENT = "A request to nobody is certainly not sent";
    static final String TIMEOUT = "A request that is not answered ends with its time, and is not said to be unsent";
    static final String LEFT_BEHIND = "A client that has met a recovery epoch is answered by nobody of a lower one";
    static final String CLIENT_CLOSED = "Open requests end when their client is closed";

    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final int BURST = 20_000;
    private static final int ORDERED = 1000;
    private static final int PIECES_SENT = 400;
    private static final int PIECES_BEFORE_MAX = 100;           // what the sockets' buffers hold
    private static final long PIECE_NANOS = 1_000_000;          // for which a receiver is busy with one
    private static final int STUCK_MESSAGES = 2000;
    private static final int STUCK_BYTES = 32 << 10;

    /** Where transports come from that can reach each other. */
    @FunctionalInterface
    public interface Network {

        /**
         * A transport of this node, not yet started.
         *
         * @param address null for any free one; else what another transport of this node advertised before it was closed
         */
        Transport transport(int nodeId, @Nullable String address) throws Exception;
    }

    private final Network network;
    private final @Nullable Supplier<ClientTransport> clients;
    private final long patienceNanos;

    private TransportContract(Network network, @Nullable Supplier<ClientTransport> clients, long patienceNanos) {
        this.network = network;
        this.clients = clients;
        this.patienceNanos = patienceNanos;
    }

    /** The contract, to be held against the transports of this network. */
    public static TransportContract of(Network network) {
        return new TransportContract(network, null, PATIENCE.toNanos());
    }

    /** The same, with its counterpart for clients: each call makes a new one. */
    public TransportContract withClients(Supplier<ClientTransport> maker) {
        return new TransportContract(network, maker, patienceNanos);
    }

    /** The same, giving up after this time. What is well takes none of it. */
    public TransportContract withPatience(Duration patience) {
        return new TransportContract(network, clients, patience.toNanos());
    }

    /**
     * Checks all sentences, up to the first that does not hold.
     *
     * @return the sentences that were checked: those about requests are missing without a {@linkplain #withClients client}
     * @throws ContractBroken if one does not hold
     */
    public List<String> check() {
        return ContractCheck.runAll(checks());
    }

    /** Checks one sentence. */
    void check(String sentence) {
        ContractCheck.runAll(checks().stream().filter(check -> check.sentence().equals(sentence)).toList());
    }

    private List<ContractCheck> checks() {
        List<ContractCheck> checks = new ArrayList<>();
        checks.add(peers(ADDRESS, this::address));
        checks.add(peers(UNSTARTED, this::unstarted));
        checks.add(peers(DELIVERY, this::delivery));
        checks.add(peers(SNAPSHOTS, this::snapshots));
        checks.add(peers(REPAIRS, this::repairs));
        checks.add(peers(PIECES, this::pieces));
        checks.add(peers(LARGEST, this::largest));
        checks.add(peers(FOUNDING, this::founding));
        checks.add(peers(ORDER, this::order));
        checks.add(peers(AWAY, this::away));
        checks.add(peers(STUCK, this::stuck));
        checks.add(peers(BACK, this::back));
        checks.add(peers(MOVED, this::moved));
        checks.add(peers(CALLERS, this::callers));
        checks.add(peers(LOST, this::lost));
        checks.add(peers(OTHER_CLUSTER, trial ->
            strangers(trial, trial.member(3, 1, new ClusterId(0x51, 2), TransportTrial.EPOCH))));
        checks.add(peers(LOWER_EPOCH, trial ->
            strangers(trial, trial.member(3, 1, TransportTrial.CLUSTER, TransportTrial.EPOCH - 1))));
        checks.add(peers(WRONG_NODE, this::wrongNode));
        checks.add(peers(INCARNATION, this::incarnation));
        checks.add(peers(OLDER_BOOT, this::olderBoot));
        checks.add(peers(FAILING, this::failing));
        checks.add(peers(CLOSED, this::closed));
        checks.add(peers(FREED, this::freed));
        checks.add(peers(STARTED_ONCE, this::startedOnce));
        checks.add(requests(REQUESTS, this::requests));
        checks.add(requests(TIME, this::time));
        checks.add(requests(FIRST_ANSWER, this::firstAnswer));
        checks.add(requests(NOT_SENT, this::notSent));
        checks.add(requests(TIMEOUT, this::timeout));
        checks.add(requests(LEFT_BEHIND, this::leftBehind));
        checks.add(requests(CLIENT_CLOSED, this::clientClosed));
        return checks;
    }

    // ------------------------------------------------------------------------------------------------------------------ delivery

    private void address(TransportTrial trial) throws Exception {
        TransportEnd one = trial.start(trial.member(1));
        String address = one.transport.advertisedAddress();
        trial.check(!address.isBlank() && !address.endsWith(":0"), "it is \"" + address + "\"");
        String again = one.transport.advertisedAddress();
        trial.check(address.equals(again), "it was " + address + " and is " + again);
    }

    private void unstarted(TransportTrial trial) throws Exception {
        TransportEnd two = trial.start(trial.member(2));
        try (Transport transport = network.transport(1, null)) {
            TransportEnd one = new TransportEnd(trial.member(1), transport);
            transport.send(trial.numbered(one, 2));
            transport.send(trial.question(one, 2));
        }
        trial.check(two.messages.isEmpty() && two.foundings.isEmpty(), "it was delivered");
    }

    private void delivery(TransportTrial trial) throws Exception {
        TransportEnd one = trial.start(trial.member(1));
        TransportEnd two = trial.start(trial.member(2));
        TransportTrial.meet(one, two);
        List<Message> kinds = kinds(one.replica(), two.replica());
        for (Message message : kinds) {
            trial.await(message + " to arrive", () -> {
                one.transport.send(message);
                for (Message arrived : two.messages) {
                    trial.check(kinds.contains(arrived), "sent was " + message + ", there came " + arrived);
                    trial.check(!(arrived instanceof Message.AppendEntries append) || append.entries().stream().allMatch(Entry::isIntact),
                        "an entry of " + arrived + " is not intact");
                }
                return two.messages.contains(message);
            });
        }
        FoundingMessage founding = new FoundingMessage(1, one.replica().incarnation(), 2, two.replica().incarnation(), Long.MIN_VALUE,
            one.identity().founding(), false, membership(one.replica(), two.replica()), "ein.example:1");
        trial.await(founding + " to arrive", () -> {
            one.transport.send(founding);
            return !two.foundings.isEmpty();
        });
        trial.check(two.foundings.get(0).equals(founding), "sent was " + founding + ", there came " + two.foundings.get(0));
        trial.check(one.transport.trouble(2) == null, "all arrived, but there is trouble: " + one.transport.trouble(2));
    }

    /** Each with numbers that are told apart from zero, from each other, and from what fits an int. */
    private static List<Message> kinds(ReplicaId from, ReplicaId to) {
        long big = Long.MAX_VALUE / 3;
        EntryId last = new EntryId(big, big + 1);
        List<Entry> entries = new ArrayList<>();
        for (Entry.Kind kind : Entry.Kind.values()) {
            entries.add(Entry.of(big + 2 + entries.size(), big, kind, -entries.size(), new byte[100 * entries.size()]));
        }
        return List.of(
            new Message.AppendEntries(from, to, 1, EntryId.ZERO, List.of(), 0, 0, 0),
            new Message.AppendEntries(from, to, big + 1, last, entries, big + 2, big + 3, big + 4),
            new Message.AppendAccepted(from, to, big, big + 1, big + 2, big + 3, big + 4, big + 5, DiskRoom.NONE),
            new Message.AppendRejected(from, to, big, last, new EntryId(1, 2), big + 3),
            new Message.AppendRejected(from, to, big, EntryId.ZERO, EntryId.ZERO, 0),
            new Message.PreVote(from, to, 0, EntryId.ZERO, 0),
            new Message.PreVote(from, to, big, last, big + 2),
            new Message.PreVoteAnswer(from, to, big, null, big + 1, 0),
            new Message.PreVoteAnswer(from, to, 0, Message.Denial.HEARS_LEADER, big + 1, 0),
            new Message.RequestVote(from, to, big + 1, last, 0),
            new Message.Vote(from, to, big, null),
            new Message.Vote(from, to, 0, Message.Denial.HEARS_LEADER),
            new Message.TimeoutNow(from, to, big),
            new Message.SnapshotOffer(from, to, big, new SnapshotId(last, membership(from, to), big + 2), big + 3),
            new Message.ReadRequest(from, to, big, big + 1),
            new Message.ReadAnswer(from, to, big, big + 1, big + 2));
    }

    /** In a joint step towards another goal, with every list filled. */
    private static Membership membership(ReplicaId one, ReplicaId two) {
        Member first = new Member(one, "one.example:1");
        Member second = new Member(two, "zwei-straße.example:2");
        Member third = new Member(new ReplicaId(3, Long.MIN_VALUE), "");
        return new Membership(1L << 40, List.of(first), List.of(first, second), List.of(third),
            new Membership.Goal(List.of(second, third), List.of(first)));
    }

    private void snapshots(TransportTrial trial) throws Exception {
        TransportEnd one = trial.start(trial.member(1));
        TransportEnd two = trial.start(trial.member(2));
        TransportTrial.meet(one, two);
        long big = Long.MAX_VALUE / 3;
        EntryId last = new EntryId(big, big + 1);
        byte[] largest = new byte[SnapshotMessage.PIECE_BYTES_MAX];
        for (int i = 0; i < largest.length; i++) {
            largest[i] = (byte) (i ^ i >> 8 ^ i >> 16);
        }
        List<SnapshotMessage> kinds = List.of(
            new SnapshotMessage.Ask(one.replica(), two.replica(), last, big + 2, SnapshotMessage.PIECE_BYTES_MAX),
            new SnapshotMessage.Piece(one.replica(), two.replica(), last, big + 2, big + 3 + largest.length, largest),
            new SnapshotMessage.Piece(one.replica(), two.replica(), EntryId.ZERO, 0, 0, new byte[0]),
            new SnapshotMessage.Gone(one.replica(), two.replica(), last));
        for (SnapshotMessage message : kinds) {
            trial.await(message + " to arrive", () -> {
                one.transport.send(message);
                for (SnapshotMessage arrived : two.snapshots) {
                    trial.check(kinds.contains(arrived), "sent was " + message + ", there came " + arrived);
                }
                return two.snapshots.contains(message);
            });
        }
    }

    private void repairs(TransportTrial trial) throws Exception {
        TransportEnd one = trial.start(trial.member(1));
        TransportEnd two = trial.start(trial.member(2));
        TransportTrial.meet(one, two);
        ReplicaId from = one.replica();
        ReplicaId to = two.replica();
        long big = Long.MAX_VALUE / 3;
        List<EntryId> wanted = new ArrayList<>();
        List<RepairMessage.Missing> missing = new ArrayList<>();
        RepairMessage.Why[] whys = RepairMessage.Why.values();
        for (int i = 0; i < RepairMessage.WANTED_MAX; i++) {
            wanted.add(new EntryId(big, big + i));
            missing.add(new RepairMessage.Missing(wanted.get(i), whys[i % whys.length]));
        }
        SnapshotId snapshot = new SnapshotId(new EntryId(big, big + wanted.size()), membership(from, to), big + 2);
        List<Entry> apart = List.of(Entry.of(3, 2, Entry.Kind.COMMAND, 4, new byte[] {5}), Entry.of(7, 2, Entry.Kind.NO_OP, 4, new byte[0]),
            Entry.of(big, big, Entry.Kind.COMMAND, big, new byte[RepairMessage.ANSWER_BYTES_MAX]));
        List<RepairMessage> kinds = List.of(
            new RepairMessage.EntryRequest(from, to, big, wanted),
            new RepairMessage.EntryRequest(from, to, 0, List.of(new EntryId(1, 1))),
            new RepairMessage.EntryAnswer(from, to, big, apart, missing, snapshot, membership(to, from)),
            new RepairMessage.EntryAnswer(from, to, 0, List.of(), List.of(), null, null));
        for (RepairMessage message : kinds) {
            trial.await(message + " to arrive", () -> {
                one.transport.send(message);
                for (RepairMessage arrived : two.repairs) {
                    trial.check(kinds.contains(arrived), "sent was " + message + ", there came " + arrived);
                }
                return two.repairs.contains(message);
            });
        }
    }

    /**
     * A burst of pieces, and one message behind it, which may wait for as many as are in the hands of the hosts already. A transport that
     * delivers on the sending thread has delivered them all before, and lets nothing wait.
     */
    private void pieces(TransportTrial trial) throws Exception {
        TransportEnd one = trial.start(trial.member(1));
        TransportEnd two = trial.start(trial.member(2));
        TransportTrial.meet(one, two);
        trial.reach(one, two);
        ThreadLocal<Boolean> isSender = ThreadLocal.withInitial(() -> false);
        two.onSnapshot = piece -> {
            if (!isSender.get()) {
                LockSupport.parkNanos(PIECE_NANOS);
            }
        };
        AtomicInteger before = new AtomicInteger();
        Message message = trial.numbered(one, 2);
        AtomicInteger behind = new AtomicInteger();
        two.onMessage = arrived -> {
            if (arrived.equals(message)) {
                behind.compareAndSet(0, 1 + two.snapshots.size() - before.get());
            }
        };
        SnapshotMessage piece = new SnapshotMessage.Piece(one.replica(), two.replica(), EntryId.ZERO, 0, 1L << 40,
            new byte[SnapshotMessage.PIECE_BYTES_MAX]);
        trial.mustReturn("sending pieces", () -> {
            isSender.set(true);
            for (int i = 0; i < PIECES_SENT; i++) {
                one.transport.send(piece);
            }
            before.set(two.snapshots.size());
            one.transport.send(message);
        });
        trial.await("a message behind pieces", () -> {
            if (behind.get() == 0) {
                one.transport.send(message);
            }
            return behind.get() > 0;
        });
        trial.check(behind.get() - 1 <= PIECES_BEFORE_MAX, "it came behind " + (behind.get() - 1) + " of " + PIECES_SENT + " pieces");
    }

    private void largest(TransportTrial trial) throws Exception {
        TransportEnd one = trial.start(trial.member(1));
        TransportEnd two = trial.start(trial.member(2));
        TransportTrial.meet(one, two);
        trial.reach(one, two);
        byte[] payload = new byte[Entry.PAYLOAD_BYTES_MAX];
        for (int i = 0; i < payload.length; i += 89) {
            payload[i] = (byte) (i ^ i >> 8 ^ i >> 16);
        }
        Message message = new Message.AppendEntries(one.replica(), two.replica(), 1, EntryId.ZERO,
            List.of(Entry.of(1, 1, Entry.Kind.COMMAND, 0, payload)), 0, 0, 1);
        one.transport.send(message);
        AtomicInteger waits = new AtomicInteger();
        trial.await("an entry of " + payload.length + " bytes", () -> {
            if (waits.incrementAndGet() % 2000 == 0) {
                one.transport.send(message);
            }
            return two.messages.contains(message);
        });
    }

    private void founding(TransportTrial trial) throws Exception {
        TransportEnd one = trial.start(trial.blank(1));
        TransportEnd two = trial.start(trial.blank(2));
        TransportTrial.meet(one, two);
        expectFoundingAlone(trial, one, two);
        one.founded(trial.member(1));
        expectFoundingAlone(trial, one, two);
        expectFoundingAlone(trial, two, one);
        two.founded(trial.member(2));
        trial.reach(one, two);
        trial.reach(two, one);
    }

    private static void expectFoundingAlone(TransportTrial trial, TransportEnd from, TransportEnd to) {
        for (int i = 0; i < 2; i++) {       // a message before the first that must arrive, and one behind it
            from.transport.send(trial.numbered(from, to.nodeId()));
            FoundingMessage question = trial.question(from, to.nodeId());
            trial.await(question + " to arrive", () -> {
                from.transport.send(question);
                return to.foundings.contains(question);
            });
        }
        trial.check(to.messages.isEmpty(), "between " + from.identity() + " and " + to.identity() + " there came " + to.messages);
    }

    private void order(TransportTrial trial) throws Exception {
        TransportEnd one = trial.start(trial.member(1));
        TransportEnd two = trial.start(trial.member(2));
        TransportEnd three = trial.start(trial.member(3));
        TransportTrial.meet(one, two, three);
        trial.reach(one, two);
        trial.reach(one, three);
        two.messages.clear();
        three.messages.clear();
        Thread other = new Thread(() -> sendInOrder(trial, one, 10 * ORDERED, two, three), "transport-contract-order");
        other.setDaemon(true);
        other.start();
        trial.mustReturn("sending", () -> sendInOrder(trial, one, 20 * ORDERED, two, three));
        other.join();
        for (TransportEnd to : List.of(two, three)) {
            expectOrder(trial, to, 10 * ORDERED);
            expectOrder(trial, to, 20 * ORDERED);
        }
    }

    private static void sendInOrder(TransportTrial trial, TransportEnd from, long base, TransportEnd... to) {
        for (int i = 1; i <= ORDERED; i++) {
            for (TransportEnd each : to) {
                from.transport.send(inOrder(from, each, base + i));
            }
        }
        for (TransportEnd each : to) {
            Message last = inOrder(from, each, base + ORDERED);
            trial.await("the last of " + ORDERED + " messages", () -> {
                from.transport.send(last);
                return each.messages.contains(last);
            });
        }
    }

    private static Message inOrder(TransportEnd from, TransportEnd to, long number) {
        return new Message.RequestVote(from.replica(), to.replica(), number, EntryId.ZERO, 0);
    }

    private static void expectOrder(TransportTrial trial, TransportEnd at, long base) {
        long before = 0;
        for (Message message : at.messages) {
            if (message instanceof Message.RequestVote && message.term() > base && message.term() <= base + ORDERED) {
                trial.check(message.term() >= before, "at node " + at.nodeId() + " number " + (message.term() - base) + " came behind "
                    + (before - base));
                before = message.term();
            }
        }
    }

    // ---------------------------------------------------------------------------------------------------------- who is not there

    private void away(TransportTrial trial) throws Exception {
        TransportEnd one = trial.start(trial.member(1));
        TransportEnd two = trial.start(trial.member(2));
        Map<Integer, String> addresses = TransportTrial.addresses(one, two);
        two.transport.close();
        one.transport.peers(addresses);
        for (int i = 0; i < 2; i++) {
            trial.mustReturn("sending to a peer that is away", () -> {
                for (int k = 0; k < BURST; k++) {
                    one.transport.send(trial.numbered(one, 2));
                }
                one.transport.send(trial.question(one, 2));
                one.transport.send(trial.numbered(one, 77));
            });
            trial.await("a word of trouble", () -> isTrouble(one, 2));
        }
    }

    private static boolean isTrouble(TransportEnd end, int nodeId) {
        String trouble = end.transport.trouble(nodeId);
        return trouble != null && !trouble.isBlank();
    }

    private void stuck(TransportTrial trial) throws Exception {
        TransportEnd one = trial.start(trial.member(1));
        TransportEnd two = trial.start(trial.member(2));
        TransportTrial.meet(one, two);
        trial.reach(one, two);
        CountDownLatch release = new CountDownLatch(1);
        ThreadLocal<Boolean> isSender = ThreadLocal.withInitial(() -> false);
        two.onMessage = message -> {
            if (!isSender.get()) {      // who delivers on the sending thread has no other
                awaitQuietly(release);
            }
        };
        Message message = new Message.AppendEntries(one.replica(), two.replica(), 1, EntryId.ZERO,
            List.of(Entry.of(1, 1, Entry.Kind.COMMAND, 0, new byte[STUCK_BYTES])), 0, 0, 1);
        try {
            trial.mustReturn("sending to a peer that takes nothing", () -> {
                isSender.set(true);
                for (int i = 0; i < STUCK_MESSAGES; i++) {
                    one.transport.send(message);
                }
            });
        } finally {
            release.countDown();
        }
        trial.reach(one, two);
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void back(TransportTrial trial) throws Exception {
        TransportEnd one = trial.start(trial.member(1));
        TransportEnd two = trial.start(trial.member(2));
        TransportTrial.meet(one, two);
        trial.reach(one, two);
        for (int boot = 2; boot <= 3; boot++) {
            Map<Integer, String> addresses = TransportTrial.addresses(one, two);
            two.transport.close();
            trial.await("a word of trouble", () -> {
                one.transport.send(trial.numbered(one, 2));
                return isTrouble(one, 2);
            });
            two = trial.start(trial.member(2, boot, TransportTrial.CLUSTER, TransportTrial.EPOCH), addresses.get(2), addresses);
            trial.reach(one, two);
            trial.reach(two, one);
            trial.check(one.transport.trouble(2) == null, "it is reached, but there is trouble: " + one.transport.trouble(2));
        }
    }

    private void moved(TransportTrial trial) throws Exception {
        TransportEnd one = trial.start(trial.member(1));
        TransportEnd two = trial.start(trial.member(2));
        TransportTrial.meet(one, two);
        trial.reach(one, two);
        two.transport.close();
        TransportEnd moved = trial.start(trial.member(2, 2, TransportTrial.CLUSTER, TransportTrial.EPOCH));
        TransportTrial.meet(one, moved);
        trial.reach(one, moved);
        trial.reach(moved, one);
    }

    private void callers(TransportTrial trial) throws Exception {
        TransportEnd one = trial.start(trial.member(1));
        TransportEnd two = trial.start(trial.member(2));
        two.transport.peers(TransportTrial.addresses(one));         // and one is not told of two
        trial.reach(two, one);
        trial.reach(one, two);
        TransportTrial.meet(one, two);
        trial.reach(one, two);
        two.transport.close();
        TransportEnd moved = trial.start(trial.member(2, 2, TransportTrial.CLUSTER, TransportTrial.EPOCH));
        moved.transport.peers(TransportTrial.addresses(one));       // and one is not told that two has moved
        trial.reach(moved, one);
        trial.reach(one, moved);
        TransportEnd blank = trial.start(trial.blank(4));
        blank.transport.peers(TransportTrial.addresses(one));       // and one has never heard of four
        FoundingMessage answer = new FoundingMessage(1, one.replica().incarnation(), 4, blank.replica().incarnation(), 1,
            one.identity().founding(), false);
        trial.await(answer + " to arrive", () -> {
            blank.transport.send(trial.question(blank, 1));
            one.transport.send(answer);
            return blank.foundings.contains(answer);
        });
        trial.check(blank.foundings.stream().allMatch(answer::equals), "there came " + blank.foundings);
    }

    private void lost(TransportTrial trial) throws Exception {
        TransportEnd one = trial.start(trial.member(1));
        TransportEnd two = trial.start(trial.member(2));
        TransportEnd three = trial.start(trial.member(3));
        TransportTrial.meet(one, two, three);
        for (TransportEnd end : List.of(two, three)) {
            trial.reach(one, end);
            trial.reach(end, one);
        }
        two.transport.close();
        trial.await("a word that node 2 is lost", () -> one.lost.contains(2));
        trial.reach(one, three);
        trial.check(!one.lost.contains(3) && !three.lost.contains(1), "node 1 heard " + one.lost + ", and node 3 " + three.lost);
    }

    // ------------------------------------------------------------------------------------------------------------- who is refused

    /** Node 3, a stranger, and node 2 say nothing to each other; node 1 and node 2 do. */
    private void strangers(TransportTrial trial, Identity stranger) throws Exception {
        TransportEnd one = trial.start(trial.member(1));
        TransportEnd two = trial.start(trial.member(2));
        TransportEnd three = trial.start(stranger);
        TransportTrial.meet(one, two, three);
        expectSilence(trial, three, two);
        expectSilence(trial, two, three);
        trial.reach(one, two);
        expectSilence(trial, three, two);
    }

    private static void expectSilence(TransportTrial trial, TransportEnd from, TransportEnd to) {
        trial.await("a word of trouble", () -> {
            from.transport.send(trial.numbered(from, to.nodeId()));
            from.transport.send(trial.question(from, to.nodeId()));
            expectUnheard(trial, from.nodeId(), to);
            return isTrouble(from, to.nodeId());
        });
    }

    private static void expectUnheard(TransportTrial trial, int from, TransportEnd to) {
        trial.check(!to.hasHeard(from), "node " + to.nodeId() + ", " + to.identity() + ", has heard node " + from);
    }

    private void wrongNode(TransportTrial trial) throws Exception {
        TransportEnd one = trial.start(trial.member(1));
        TransportEnd three = trial.start(trial.member(3));
        String address = three.transport.advertisedAddress();
        one.transport.peers(Map.of(2, address));
        trial.await("a word of trouble", () -> {
            one.transport.send(trial.numbered(one, 2));
            one.transport.send(trial.question(one, 2));
            expectUnheard(trial, 1, three);
            return isTrouble(one, 2);
        });
        one.transport.peers(Map.of(2, address, 3, address));
        trial.reach(one, three);
        trial.check(three.messages.stream().allMatch(message -> message.to().nodeId() == 3) && three.foundings.isEmpty(),
            "node 3 has heard " + three.messages + three.foundings);
    }

    private void incarnation(TransportTrial trial) throws Exception {
        TransportEnd one = trial.start(trial.member(1));
        TransportEnd two = trial.start(trial.member(2));
        TransportTrial.meet(one, two);
        trial.reach(one, two);
        two.transport.close();
        ReplicaId wiped = new ReplicaId(2, -two.replica().incarnation());
        TransportEnd again = trial.start(new Identity(wiped, 1, two.identity().founding()));
        TransportTrial.meet(one, again);
        trial.reach(one, again);        // also what is meant for the old disk: the core judges that
        Message vote = new Message.Vote(wiped, one.replica(), 7, Message.Denial.HEARS_LEADER);
        trial.await(vote + " to arrive", () -> {
            again.transport.send(vote);
            return one.messages.contains(vote);
        });
    }

    private void olderBoot(TransportTrial trial) throws Exception {
        TransportEnd old = trial.start(trial.member(1));
        TransportEnd two = trial.start(trial.member(2));
        TransportTrial.meet(old, two);
        trial.reach(old, two);
        TransportEnd young = trial.start(trial.member(1, 2, TransportTrial.CLUSTER, TransportTrial.EPOCH));
        TransportTrial.meet(young, two);
        trial.reach(young, two);
        expectTold(trial, old, two);
        TransportEnd copy = trial.start(trial.member(1));
        copy.transport.peers(TransportTrial.addresses(two));
        expectTold(trial, copy, two);
        trial.reach(young, two);
        trial.check(young.youngerBoots.isEmpty(), "the younger boot was told of a younger one: " + young.youngerBoots);
    }

    private static void expectTold(TransportTrial trial, TransportEnd old, TransportEnd two) {
        trial.await("the older boot to be told of the younger", () -> {
            old.transport.send(trial.numbered(old, 2));
            return !old.youngerBoots.isEmpty();
        });
        trial.check(old.youngerBoots.get(0) == 2, "of boot 2 it was told as boot " + old.youngerBoots.get(0));
        Message late = trial.numbered(old, 2);
        for (int i = 0; i < 100; i++) {
            old.transport.send(late);
        }
        trial.await("a word of trouble", () -> {
            old.transport.send(late);
            return isTrouble(old, 2);
        });
        trial.check(!two.messages.contains(late), "the older boot is still heard");
    }

    // ---------------------------------------------------------------------------------------------------------- beginning and end

    private void failing(TransportTrial trial) throws Exception {
        TransportEnd one = trial.start(trial.member(1));
        TransportEnd two = trial.start(trial.member(2));
        TransportTrial.meet(one, two);
        AtomicInteger failures = new AtomicInteger();
        two.onMessage = message -> {
            if (failures.incrementAndGet() <= 3) {
                throw new IllegalStateException("a receiver that fails, as the contract check wants it");
            }
        };
        trial.await("a message behind three failures", () -> {
            one.transport.send(trial.numbered(one, 2));
            return failures.get() > 3;
        });
    }

    private void closed(TransportTrial trial) throws Exception {
        TransportEnd one = trial.start(trial.member(1));
        TransportEnd two = trial.start(trial.member(2));
        TransportEnd three = trial.start(trial.member(3));
        TransportTrial.meet(one, two, three);
        trial.reach(one, two);
        two.onMessage = message -> LockSupport.parkNanos(2_000_000);    // so that one is under way most of the time
        AtomicBoolean isDone = new AtomicBoolean();
        Thread flood = new Thread(() -> {
            while (!isDone.get()) {
                one.transport.send(trial.numbered(one, 2));
                Thread.yield();
            }
        }, "transport-contract-flood");
        flood.setDaemon(true);
        flood.start();
        try {
            int before = two.messages.size();
            trial.await("messages to come", () -> two.messages.size() > before + 20);
            trial.mustReturn("close", () -> {
                two.transport.close();
                two.isOver = true;
                trial.check(two.inside.get() == 0, "a delivery was still under way");
            });
            trial.reach(one, three);
            for (int i = 0; i < 100; i++) {
                one.transport.send(trial.numbered(one, 2));
            }
            trial.reach(one, three);
        } finally {
            isDone.set(true);
            flood.join();
        }
        trial.check(two.late.get() == 0, two.late + " deliveries came later");
    }

    private void freed(TransportTrial trial) throws Exception {
        TransportEnd one = trial.start(trial.member(1));
        TransportEnd two = trial.start(trial.member(2));
        TransportTrial.meet(one, two);
        trial.reach(one, two);
        String address = one.transport.advertisedAddress();
        one.transport.close();
        one.transport.close();
        one.transport.send(trial.numbered(one, 2));
        one.transport.send(trial.question(one, 2));
        one.transport.peers(Map.of());
        TransportEnd next = trial.start(trial.member(1, 2, TransportTrial.CLUSTER, TransportTrial.EPOCH), address,
            TransportTrial.addresses(two));
        trial.reach(next, two);
        one.transport.close();      // of who has been gone for long
        trial.reach(next, two);
        trial.reach(two, next);
    }

    private void startedOnce(TransportTrial trial) throws Exception {
        TransportEnd one = trial.start(trial.member(1));
        for (int i = 0; i < 2; i++) {
            try {
                one.transport.start(new Transport.Local(one.identity()), Map.of(), one);
            } catch (RuntimeException e) {
                one.transport.close();      // and not after it was closed either
                continue;
            }
            throw trial.broken("it was started again");
        }
    }

    // ------------------------------------------------------------------------------------------------------------------- clients

    private void requests(TransportTrial trial, ClientTransport client) throws Exception {
        TransportEnd one = trial.start(trial.member(1));
        byte[] bytes = {0, 1, -1, 127, -128};
        EntryId entry = new EntryId(1L << 40, 1L << 41);
        Membership membership = membership(one.replica(), trial.replica(2));
        List<ClientRequest> asked = List.of(new ClientRequest.Propose(bytes), new ClientRequest.Propose(new byte[0]),
            new ClientRequest.Read(bytes, Freshness.linearizable()), new ClientRequest.Read(bytes, Freshness.lease().notBefore(1L << 40)),
            new ClientRequest.Read(bytes, Freshness.atMost(Duration.ofNanos(Long.MAX_VALUE)).notBefore(Long.MAX_VALUE)),
            new ClientRequest.Read(bytes, Freshness.local()), new ClientRequest.AwaitOutcome(entry), new ClientRequest.Status(),
            new ClientRequest.ChangeMembership(1L << 40, new Membership.Goal(membership.voters(), membership.learners())),
            new ClientRequest.Transfer(0), new ClientRequest.Transfer(Integer.MAX_VALUE), new ClientRequest.TakeSnapshot(),
            new ClientRequest.Backup(), new ClientRequest.BackupPiece(entry, 1L << 42, SnapshotMessage.PIECE_BYTES_MAX),
            new ClientRequest.Explain(), new ClientRequest.Metrics(), new ClientRequest.Members(true),
            new ClientRequest.Members(false));
        ServerStatus status = new ServerStatus(one.replica(), 1, TransportTrial.CLUSTER, ServerStatus.State.FOLLOWER, 2,
            trial.replica(3), "three.example:3", 4, 5, 6, 7, 8, List.of(new ServerStatus.Peer(null, 2, "two.example:2", -1, -1,
            null, "away", NodeStatus.CatchUp.BEHIND)), null, membership, List.of(new ServerStatus.Stranger(trial.replica(4), "x", 5)),
            new ServerStatus.Elections(1, true, 2, List.of(new NodeStatus.Denied(trial.replica(2), Message.Denial.LOG_IS_NEWER)), null,
                true, 3, -1),
            new ServerStatus.Disk(1, 2, 3, 4, 5, null, 6, 7, -1, true, "full", null, DiskRoom.LOW, 1L << 41), new ServerStatus.Load(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
        List<ClientResponse> given = List.of(new ClientResponse.Done(bytes, 7), new ClientResponse.Done(new byte[0], Long.MAX_VALUE),
            new ClientResponse.NotLeader(3, "three.example:3"), new ClientResponse.NotLeader(0, null), new ClientResponse.Overloaded("a"),
            new ClientResponse.Failed("b"), new ClientResponse.Unavailable("c"), new ClientResponse.Unknown("d", null),
            new ClientResponse.Unknown("e", new EntryId(3, 4)), new ClientResponse.Settled(true), new ClientResponse.Settled(false),
            new ClientResponse.Refused(Refusal.Reason.OTHER_VERSION, "f"), new ClientResponse.Status(status));
        List<ClientResponse> givenToAdmins = List.of(
            new ClientResponse.Members(membership, membership.learners()),
            new ClientResponse.Members(membership, List.of(), false), new ClientResponse.Transferred(),
            new ClientResponse.SnapshotTaken(entry, 1L << 42), new ClientResponse.Backup(entry, 1L << 43),
            new ClientResponse.BackupPiece(entry, 1L << 42, bytes), new ClientResponse.Explanation(List.of("g", "ü")),
            new ClientResponse.Metrics(new TreeMap<>(Map.of("h", Long.MIN_VALUE, "i", 1L))), new ClientResponse.Failed("j"));
        for (int i = 0; i < Math.max(asked.size(), given.size()); i++) {
            exchange(trial, client, one, asked.get(i % asked.size()), given.get(i % given.size()));
        }
        for (ClientResponse response : givenToAdmins) {
            exchange(trial, client, one, new ClientRequest.Members(true), response);
        }
    }

    private void exchange(TransportTrial trial, ClientTransport client, TransportEnd one, ClientRequest request, ClientResponse response)
            throws Exception {
        List<ClientRequest> arrived = new ArrayList<>();
        one.service = (come, reply) -> {
            arrived.add(come);
            new Thread(() -> reply.accept(response), "transport-contract-reply").start();
        };
        ClientResponse answer = client.call(one.transport.advertisedAddress(), request, patienceNanos)
            .get(patienceNanos, TimeUnit.NANOSECONDS);
        trial.check(arrived.size() == 1 && isSame(request, arrived.get(0)), "asked was " + request + ", there came " + arrived);
        trial.check(isSame(response, answer), "answered was " + response + ", there came " + answer);
    }

    private void time(TransportTrial trial, ClientTransport client) throws Exception {
        TransportEnd one = trial.start(trial.member(1));
        for (long nanos : new long[] {patienceNanos, patienceNanos + TimeUnit.HOURS.toNanos(100)}) {
            client.call(one.transport.advertisedAddress(), new ClientRequest.Status(), nanos).get(patienceNanos, TimeUnit.NANOSECONDS);
            long said = one.timeouts.get(one.timeouts.size() - 1);
            // A little more for rounding; less by what it took to come here.
            trial.check(said > nanos - patienceNanos && said <= nanos + TimeUnit.MILLISECONDS.toNanos(2),
                "its client waits for " + nanos + " ns, there came " + said);
        }
    }

    private static boolean isSame(ClientRequest one, ClientRequest other) {
        if (one instanceof ClientRequest.Propose a && other instanceof ClientRequest.Propose b) {
            return Arrays.equals(a.command(), b.command());
        }
        if (one instanceof ClientRequest.Read a && other instanceof ClientRequest.Read b) {
            return Arrays.equals(a.query(), b.query()) && a.freshness().equals(b.freshness());
        }
        return one.equals(other);
    }

    private static boolean isSame(ClientResponse one, ClientResponse other) {
        if (one instanceof ClientResponse.Done a && other instanceof ClientResponse.Done b) {
            return Arrays.equals(a.result(), b.result()) && a.index() == b.index();
        }
        if (one instanceof ClientResponse.BackupPiece a && other instanceof ClientResponse.BackupPiece b) {
            return a.snapshot().equals(b.snapshot()) && a.offset() == b.offset() && Arrays.equals(a.bytes(), b.bytes());
        }
        return one.equals(other);
    }

    private void firstAnswer(TransportTrial trial, ClientTransport client) throws Exception {
        TransportEnd one = trial.start(trial.member(1));
        AtomicInteger asked = new AtomicInteger();
        one.service = (request, reply) -> {
            int number = asked.incrementAndGet();
            reply.accept(new ClientResponse.Overloaded("first " + number));
            reply.accept(new ClientResponse.Failed("second " + number));
        };
        for (int i = 1; i <= 3; i++) {
            ClientResponse answer = client.call(one.transport.advertisedAddress(), new ClientRequest.Status(), patienceNanos)
                .get(patienceNanos, TimeUnit.NANOSECONDS);
            trial.check(answer.equals(new ClientResponse.Overloaded("first " + i)), "request " + i + " was answered " + answer);
        }
    }

    private void notSent(TransportTrial trial, ClientTransport client) throws Exception {
        TransportEnd one = trial.start(trial.member(1));
        String address = one.transport.advertisedAddress();
        one.transport.close();
        Throwable end = endOf(trial, client.call(address, new ClientRequest.Status(), patienceNanos));
        trial.check(end instanceof ClientTransport.NotSentException, "it ends with " + end);
    }

    private void timeout(TransportTrial trial, ClientTransport client) throws Exception {
        TransportEnd one = trial.start(trial.member(1));
        CountDownLatch arrived = new CountDownLatch(1);
        one.service = (request, reply) -> reply.accept(new ClientResponse.Overloaded("known"));
        client.call(one.transport.advertisedAddress(), new ClientRequest.Status(), patienceNanos).get(patienceNanos, TimeUnit.NANOSECONDS);
        one.service = (request, reply) -> arrived.countDown();
        Throwable end = endOf(trial, client.call(one.transport.advertisedAddress(), new ClientRequest.Status(),
            Math.min(patienceNanos / 4, TimeUnit.MILLISECONDS.toNanos(200))));
        trial.check(arrived.getCount() > 0 || !(end instanceof ClientTransport.NotSentException), "it ends with " + end);
    }

    private void leftBehind(TransportTrial trial, ClientTransport client) throws Exception {
        TransportEnd old = trial.start(trial.member(1, 1, TransportTrial.CLUSTER, TransportTrial.EPOCH - 1));
        TransportEnd recovered = trial.start(trial.member(2));
        exchange(trial, client, old, new ClientRequest.Status(), new ClientResponse.Overloaded("before"));
        trial.check(client.epoch() == TransportTrial.EPOCH - 1, "of epoch " + (TransportTrial.EPOCH - 1) + " was met, and told "
            + client.epoch());
        CompletableFuture<Consumer<ClientResponse>> late = new CompletableFuture<>();
        old.service = (request, reply) -> late.complete(reply);
        CompletableFuture<ClientResponse> open = client.call(old.transport.advertisedAddress(), new ClientRequest.Status(),
            10 * patienceNanos);
        Consumer<ClientResponse> reply = late.get(patienceNanos, TimeUnit.NANOSECONDS);
        exchange(trial, client, recovered, new ClientRequest.Status(), new ClientResponse.Overloaded("since"));
        trial.check(client.epoch() == TransportTrial.EPOCH, "epoch " + TransportTrial.EPOCH + " was met, and told " + client.epoch());
        reply.accept(new ClientResponse.Overloaded("late"));
        Throwable end = endOf(trial, open);
        trial.check(!(end instanceof ClientTransport.NotSentException), "what was asked before ends with " + end);
        end = endOf(trial, client.call(old.transport.advertisedAddress(), new ClientRequest.Status(), patienceNanos));
        trial.check(end instanceof ClientTransport.NotSentException, "what was asked since ends with " + end);
        exchange(trial, client, recovered, new ClientRequest.Status(), new ClientResponse.Overloaded("still"));
    }

    private void clientClosed(TransportTrial trial, ClientTransport client) throws Exception {
        TransportEnd one = trial.start(trial.member(1));
        CountDownLatch arrived = new CountDownLatch(1);
        one.service = (request, reply) -> arrived.countDown();
        CompletableFuture<ClientResponse> call = client.call(one.transport.advertisedAddress(), new ClientRequest.Status(),
            10 * patienceNanos);
        trial.check(arrived.await(patienceNanos, TimeUnit.NANOSECONDS), "the request did not arrive");
        client.close();
        Throwable end = endOf(trial, call);
        trial.check(!(end instanceof ClientTransport.NotSentException), "it ends with " + end);
        endOf(trial, client.call(one.transport.advertisedAddress(), new ClientRequest.Status(), patienceNanos));
    }

    /** The exception with which a call ends; it must end. */
    private Throwable endOf(TransportTrial trial, CompletableFuture<ClientResponse> call) throws InterruptedException {
        try {
            throw trial.broken("it is answered " + call.get(patienceNanos, TimeUnit.NANOSECONDS));
        } catch (TimeoutException e) {
            throw trial.broken("it does not end");
        } catch (ExecutionException e) {
            return e.getCause();
        }
    }

    // ---------------------------------------------------------------------------------------------------------------------- how

    private interface PeersBody {
        void run(TransportTrial trial) throws Exception;
    }

    private interface RequestsBody {
        void run(TransportTrial trial, ClientTransport client) throws Exception;
    }

    private ContractCheck peers(String sentence, PeersBody body) {
        return new ContractCheck(sentence, () -> {
            try (TransportTrial trial = new TransportTrial(sentence, network, patienceNanos)) {
                body.run(trial);
                return true;
            }
        });
    }

    private ContractCheck requests(String sentence, RequestsBody body) {
        return new ContractCheck(sentence, () -> {
            Supplier<ClientTransport> maker = clients;
            if (maker == null) {
                return false;
            }
            try (TransportTrial trial = new TransportTrial(sentence, network, patienceNanos); ClientTransport client = maker.get()) {
                body.run(trial, client);
                return true;
            }
        });
    }
}
