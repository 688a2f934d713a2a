package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.Identity;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.Transport;
import io.quorate.raft.TransportException;
import io.quorate.raft.client.ClientTransport;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.Message;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The network in memory keeps the contract, and who breaks one sentence of it is caught by that sentence. */
@Timeout(120)
class TransportContractTest {

    private static final Duration IMPATIENT = Duration.ofMillis(700);     // of a check that must wait in vain

    private final InMemoryNetwork network = new InMemoryNetwork();

    @Test
    void theNetworkInMemoryKeepsTheContract() {
        List<String> checked = TransportContract.of((nodeId, address) -> network.transport()).withClients(network::clientTransport).check();
        assertEquals(31, checked.size(), checked::toString);
    }

    @Test
    void withoutAClientNothingIsSaidOfRequests() {
        List<String> checked = TransportContract.of((nodeId, address) -> network.transport()).check();
        assertTrue(checked.contains(TransportContract.FREED), checked::toString);
        assertFalse(checked.contains(TransportContract.REQUESTS), checked::toString);
    }

    /** Passes everything on; each test overrides what it breaks. */
    private static class Wrapped implements Transport {

        final Transport inner;

        Wrapped(Transport inner) {
            this.inner = inner;
        }

        @Override
        public void start(Local local, Map<Integer, String> peers, Receiver receiver) {
            inner.start(local, peers, receiver);
        }

        @Override
        public void founded(Local local) {
            inner.founded(local);
        }

        @Override
        public void peers(Map<Integer, String> peers) {
            inner.peers(peers);
        }

        @Override
        public void send(Message message) {
            inner.send(message);
        }

        @Override
        public void send(FoundingMessage message) {
            inner.send(message);
        }

        @Override
        public void send(SnapshotMessage message) {
            inner.send(message);
        }

        @Override
        public void send(RepairMessage message) {
            inner.send(message);
        }

        @Override
        public String advertisedAddress() {
            return inner.advertisedAddress();
        }

        @Override
        public @Nullable String trouble(int nodeId) {
            return inner.trouble(nodeId);
        }

        @Override
        public void close() {
            inner.close();
        }
    }

    /** Passes everything on to a receiver; each test overrides what it breaks. */
    private static class WrappedReceiver implements Transport.Receiver {

        final Transport.Receiver inner;

        WrappedReceiver(Transport.Receiver inner) {
            this.inner = inner;
        }

        @Override
        public void onMessage(Message message) {
            inner.onMessage(message);
        }

        @Override
        public void onFounding(FoundingMessage message) {
            inner.onFounding(message);
        }

        @Override
        public void onSnapshot(SnapshotMessage message) {
            inner.onSnapshot(message);
        }

        @Override
        public void onRepair(RepairMessage message) {
            inner.onRepair(message);
        }

        @Override
        public void onClientRequest(ClientRequest request, long timeoutNanos, Consumer<ClientResponse> reply) {
            inner.onClientRequest(request, timeoutNanos, reply);
        }

        @Override
        public void onPeerLost(int nodeId) {
            inner.onPeerLost(nodeId);
        }

        @Override
        public void onYoungerBoot(int reporter, long boot) {
            inner.onYoungerBoot(reporter, boot);
        }
    }

    /** A transport that asks nobody who he is: what comes to an address is delivered there. */
    private static final class Credulous implements Transport {

        private final Map<String, Receiver> receivers;
        private final String address;
        private final boolean forgetsMoves;
        private volatile Map<Integer, String> peers = Map.of();

        Credulous(Map<String, Receiver> receivers, String address, boolean forgetsMoves) {
            this.receivers = receivers;
            this.address = address;
            this.forgetsMoves = forgetsMoves;
        }

        static TransportContract.Network network(boolean forgetsMoves) {
            Map<String, Receiver> receivers = new ConcurrentHashMap<>();
            AtomicInteger ports = new AtomicInteger();
            return (nodeId, address) -> new Credulous(receivers, address == null ? "x:" + ports.incrementAndGet() : address, forgetsMoves);
        }

        @Override
        public void start(Local local, Map<Integer, String> others, Receiver receiver) {
            receivers.put(address, receiver);
            peers = Map.copyOf(others);
        }

        @Override
        public void founded(Local local) {
            // It makes no difference.
        }

        @Override
        public void peers(Map<Integer, String> others) {
            if (!forgetsMoves || peers.isEmpty()) {
                peers = Map.copyOf(others);
            }
        }

        @Override
        public void send(Message message) {
            Receiver receiver = receiver(message.to().nodeId());
            if (receiver != null) {
                receiver.onMessage(message);
            }
        }

        @Override
        public void send(FoundingMessage message) {
            Receiver receiver = receiver(message.to());
            if (receiver != null) {
                receiver.onFounding(message);
            }
        }

        @Override
        public void send(SnapshotMessage message) {
            Receiver receiver = receiver(message.to().nodeId());
            if (receiver != null) {
                receiver.onSnapshot(message);
            }
        }

        @Override
        public void send(RepairMessage message) {
            Receiver receiver = receiver(message.to().nodeId());
            if (receiver != null) {
                receiver.onRepair(message);
            }
        }

        private @Nullable Receiver receiver(int nodeId) {
            return receivers.get(peers.getOrDefault(nodeId, ""));
        }

        @Override
        public String advertisedAddress() {
            return address;
        }

        @Override
        public @Nullable String trouble(int nodeId) {
            return receiver(nodeId) == null ? "nobody there" : null;
        }

        @Override
        public void close() {
            receivers.remove(address);
        }
    }

    // ------------------------------------------------------------------------------------------------------------------ delivery

    @Test
    void thePortIsNotSaid() {
        assertCaught(TransportContract.ADDRESS, "x:0", with(inner -> new Wrapped(inner) {
            @Override
            public String advertisedAddress() {
                return "x:0";
            }
        }));
    }

    @Test
    void sendingBeforeTheStartFails() {
        assertCaught(TransportContract.UNSTARTED, "NullPointerException", with(inner -> new Wrapped(inner) {
            private @Nullable Receiver own;

            @Override
            public void start(Local local, Map<Integer, String> peers, Receiver receiver) {
                own = receiver;
                inner.start(local, peers, receiver);
            }

            @Override
            public void send(Message message) {
                Objects.requireNonNull(own);
                inner.send(message);
            }
        }));
    }

    @Test
    void aFieldIsForgotten() {
        assertCaught(TransportContract.DELIVERY, "holdsNanos=0", with(inner -> new Wrapped(inner) {
            @Override
            public void send(Message message) {
                inner.send(!(message instanceof Message.AppendAccepted accepted) ? message : new Message.AppendAccepted(accepted.from(),
                    accepted.to(), accepted.term(), accepted.matchIndex(), accepted.verifiedIndex(), accepted.round(), 0,
                    accepted.appliedIndex()));
            }
        }));
    }

    @Test
    void anAppendComesInPieces() {
        assertCaught(TransportContract.DELIVERY, "there came AppendEntries", with(inner -> new Wrapped(inner) {
            @Override
            public void send(Message message) {
                if (message instanceof Message.AppendEntries append && append.entries().size() > 1) {
                    inner.send(new Message.AppendEntries(append.from(), append.to(), append.term(), append.prev(),
                        append.entries().subList(0, 1), append.commitIndex(), append.appliedIndex(), append.round()));
                } else {
                    inner.send(message);
                }
            }
        }));
    }

    @Test
    void aKindOfMessageIsLost() {
        assertInVain(TransportContract.DELIVERY, "PreVoteAnswer", with(inner -> new Wrapped(inner) {
            @Override
            public void send(Message message) {
                if (!(message instanceof Message.PreVoteAnswer)) {
                    inner.send(message);
                }
            }
        }));
    }

    @Test
    void theFoundingRecordIsLost() {
        assertCaught(TransportContract.DELIVERY, "founding=null", with(inner -> new Wrapped(inner) {
            @Override
            public void send(FoundingMessage message) {
                inner.send(new FoundingMessage(message.from(), message.incarnation(), message.to(), message.toIncarnation(),
                    message.membersDigest(), null, message.isQuestion()));
            }
        }));
    }

    @Test
    void aLargeEntryDoesNotPass() {
        assertInVain(TransportContract.LARGEST, "in vain", with(inner -> new Wrapped(inner) {
            @Override
            public void send(Message message) {
                if (!(message instanceof Message.AppendEntries append)
                        || append.entries().stream().mapToInt(Entry::size).sum() <= Entry.PAYLOAD_BYTES_MAX) {
                    inner.send(message);
                }
            }
        }));
    }

    @Test
    void aBlankHearsMessages() {
        assertCaught(TransportContract.FOUNDING, "there came [PreVote", TransportContract.of(Credulous.network(false)));
    }

    @Test
    void itGoesOnInABlanksName() {
        assertInVain(TransportContract.FOUNDING, "in vain for a message", with(inner -> new Wrapped(inner) {
            @Override
            public void founded(Local local) {
                // stays as it was
            }
        }));
    }

    @Test
    void messagesOvertakeEachOther() {
        assertCaught(TransportContract.ORDER, "came behind", with(inner -> new Wrapped(inner) {
            private final ThreadLocal<@Nullable Message> held = new ThreadLocal<>();

            @Override
            public void send(Message message) {
                Message before = held.get();
                if (before == null && message.term() % 100 == 0 && message.to().nodeId() == 2) {
                    held.set(message);
                    return;
                }
                inner.send(message);
                if (before != null && message.to().nodeId() == 2) {
                    held.remove();
                    inner.send(before);
                }
            }
        }));
    }

    @Test
    void aMessageMayComeTwice() {
        TransportContract contract = TransportContract.of((nodeId, address) -> new Wrapped(network.transport()) {
            @Override
            public void send(Message message) {
                inner.send(message);
                inner.send(message);
            }
        });
        assertTrue(contract.check().contains(TransportContract.ORDER));
    }

    // ---------------------------------------------------------------------------------------------------------- who is not there

    @Test
    void sendingWaitsUntilThePeerIsThere() {
        assertInVain(TransportContract.AWAY, "has not returned", with(inner -> new Wrapped(inner) {
            @Override
            public void send(Message message) {
                while (inner.trouble(message.to().nodeId()) != null && !Thread.interrupted()) {
                    LockSupport.parkNanos(1_000_000);
                }
                inner.send(message);
            }
        }));
    }

    @Test
    void sendingToAPeerThatIsAwayFails() {
        assertCaught(TransportContract.AWAY, "fails with", with(inner -> new Wrapped(inner) {
            @Override
            public void send(Message message) {
                String trouble = inner.trouble(message.to().nodeId());
                if (trouble != null) {
                    throw new TransportException(trouble);
                }
                inner.send(message);
            }
        }));
    }

    @Test
    void nothingIsSaidOfAPeerThatIsAway() {
        assertInVain(TransportContract.AWAY, "a word of trouble", with(inner -> new Wrapped(inner) {
            @Override
            public @Nullable String trouble(int nodeId) {
                return null;
            }
        }));
    }

    /** Sends on a thread of its own, from a queue of so many. */
    private static final class Queued extends Wrapped {

        private final BlockingQueue<Message> queue = new ArrayBlockingQueue<>(10);
        private final Thread thread = new Thread(() -> {
            try {
                while (true) {
                    inner.send(queue.take());
                }
            } catch (InterruptedException e) {
                // the end
            }
        });

        Queued(Transport inner) {
            super(inner);
            thread.setDaemon(true);
            thread.start();
        }

        @Override
        public void send(Message message) {
            try {
                queue.put(message);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        @Override
        public void close() {
            inner.close();
            thread.interrupt();
        }
    }

    @Test
    void sendingWaitsForRoomInAQueue() {
        assertInVain(TransportContract.STUCK, "has not returned", with(Queued::new));
    }

    @Test
    void aPeerThatWasLostIsLostForEver() {
        assertInVain(TransportContract.BACK, "in vain for a message", with(inner -> new Wrapped(inner) {
            private final Set<Integer> lost = ConcurrentHashMap.newKeySet();

            @Override
            public void send(Message message) {
                if (inner.trouble(message.to().nodeId()) != null) {
                    lost.add(message.to().nodeId());
                }
                if (!lost.contains(message.to().nodeId())) {
                    inner.send(message);
                }
            }
        }));
    }

    @Test
    void troubleThatIsOverIsStillTold() {
        assertCaught(TransportContract.BACK, "there is trouble: once", with(inner -> new Wrapped(inner) {
            private boolean hadTrouble;

            @Override
            public @Nullable String trouble(int nodeId) {
                String trouble = inner.trouble(nodeId);
                hadTrouble |= trouble != null;
                return hadTrouble ? "once there was some" : null;
            }
        }));
    }

    @Test
    void anAddressThatChangedIsNotFollowed() {
        assertDoesNotThrow(() -> TransportContract.of(Credulous.network(false)).check(TransportContract.MOVED));
        assertInVain(TransportContract.MOVED, "in vain", TransportContract.of(Credulous.network(true)));
    }

    @Test
    void aPieceIsCutShort() {
        assertCaught(TransportContract.SNAPSHOTS, "there came Piece", with(inner -> new Wrapped(inner) {
            @Override
            public void send(SnapshotMessage message) {
                inner.send(!(message instanceof SnapshotMessage.Piece piece) || piece.bytes().length == 0 ? message
                    : new SnapshotMessage.Piece(piece.from(), piece.to(), piece.snapshot(), piece.offset(), piece.totalBytes(),
                        new byte[piece.bytes().length]));
            }
        }));
    }

    @Test
    void anAnswerDoesNotTellWhyAnEntryIsMissing() {
        assertCaught(TransportContract.REPAIRS, "there came EntryAnswer", with(inner -> new Wrapped(inner) {
            @Override
            public void send(RepairMessage message) {
                inner.send(!(message instanceof RepairMessage.EntryAnswer answer) ? message
                    : new RepairMessage.EntryAnswer(answer.from(), answer.to(), answer.round(), answer.entries(), List.of(),
                        answer.snapshot(), answer.membership()));
            }
        }));
    }

    @Test
    void piecesStandInFrontOfMessages() {
        assertCaught(TransportContract.PIECES, "it came behind", with(inner -> new Wrapped(inner) {
            @Override
            public void start(Local local, Map<Integer, String> peers, Receiver receiver) {
                BlockingQueue<Runnable> queue = new LinkedBlockingQueue<>();
                Thread thread = new Thread(() -> {
                    try {
                        for (Runnable next = queue.take(); next != null; next = queue.poll(5, TimeUnit.SECONDS)) {
                            next.run();
                        }
                    } catch (InterruptedException e) {
                        // the end
                    }
                });
                thread.setDaemon(true);
                thread.start();
                inner.start(local, peers, new WrappedReceiver(receiver) {
                    @Override
                    public void onMessage(Message message) {
                        queue.add(() -> receiver.onMessage(message));
                    }

                    @Override
                    public void onSnapshot(SnapshotMessage message) {
                        queue.add(() -> receiver.onSnapshot(message));
                    }
                });
            }
        }));
    }

    @Test
    void aCallerThatNobodyToldOfIsNotAnswered() {
        assertInVain(TransportContract.CALLERS, "from node 1 to node 2", TransportContract.of(Credulous.network(false)));
    }

    @Test
    void aLostPeerIsWaitedForInSilence() {
        assertInVain(TransportContract.LOST, "node 2 is lost", with(inner -> losing(inner, (nodeId, receiver) -> { })));
    }

    @Test
    void whoLivesIsSaidToBeLost() {
        assertCaught(TransportContract.LOST, "node 1 heard [3, 2]", with(inner -> losing(inner, (nodeId, receiver) -> {
            receiver.onPeerLost(3);
            receiver.onPeerLost(nodeId);
        })));
    }

    private static Wrapped losing(Transport inner, java.util.function.BiConsumer<Integer, Transport.Receiver> onPeerLost) {
        return new Wrapped(inner) {
            @Override
            public void start(Local local, Map<Integer, String> peers, Receiver receiver) {
                inner.start(local, peers, new WrappedReceiver(receiver) {
                    @Override
                    public void onPeerLost(int nodeId) {
                        onPeerLost.accept(nodeId, receiver);
                    }
                });
            }
        };
    }

    // ------------------------------------------------------------------------------------------------------------- who is refused

    @Test
    void anotherClusterIsHeard() {
        assertCaught(TransportContract.OTHER_CLUSTER, "has heard node 3", TransportContract.of(Credulous.network(false)));
    }

    @Test
    void anotherClustersFoundingMessagesAreHeard() {
        assertCaught(TransportContract.OTHER_CLUSTER, "has heard node 3", with(inner -> new Wrapped(inner) {
            @Override
            public void start(Local local, Map<Integer, String> peers, Receiver receiver) {
                Identity identity = local.identity();
                inner.start(new Local(new Identity(identity.replica(), identity.boot(), null)), peers, receiver);
            }
        }));
    }

    @Test
    void aLowerEpochIsHeard() {
        assertCaught(TransportContract.LOWER_EPOCH, "has heard node 3", TransportContract.of(Credulous.network(false)));
    }

    @Test
    void whoeverLivesAtAnAddressHearsWhatComes() {
        assertCaught(TransportContract.WRONG_NODE, "has heard node 1", TransportContract.of(Credulous.network(false)));
    }

    @Test
    void anIncarnationIsJudged() {
        assertInVain(TransportContract.INCARNATION, "in vain", with(inner -> new Wrapped(inner) {
            @Override
            public void start(Local local, Map<Integer, String> peers, Receiver receiver) {
                inner.start(local, peers, new WrappedReceiver(receiver) {
                    @Override
                    public void onMessage(Message message) {
                        if (message.to().equals(local.identity().replica())) {
                            receiver.onMessage(message);
                        }
                    }
                });
            }
        }));
    }

    @Test
    void theOlderBootIsNotTold() {
        assertInVain(TransportContract.OLDER_BOOT, "in vain for the older boot", TransportContract.of(Credulous.network(false)));
    }

    @Test
    void theOlderBootIsToldTheWrongNumber() {
        assertCaught(TransportContract.OLDER_BOOT, "as boot 3", with(inner -> new Wrapped(inner) {
            @Override
            public void start(Local local, Map<Integer, String> peers, Receiver receiver) {
                inner.start(local, peers, new WrappedReceiver(receiver) {
                    @Override
                    public void onYoungerBoot(int reporter, long boot) {
                        receiver.onYoungerBoot(reporter, boot + 1);
                    }
                });
            }
        }));
    }

    // ---------------------------------------------------------------------------------------------------------- beginning and end

    @Test
    void aFailureOfTheReceiverIsThrownAtTheSender() {
        assertCaught(TransportContract.FAILING, "there came java.lang.IllegalStateException",
            TransportContract.of(Credulous.network(false)));
    }

    @Test
    void aQueueIsDeliveredAfterClose() {
        assertCaught(TransportContract.CLOSED, "", with(inner -> new Wrapped(inner) {
            private final BlockingQueue<Message> queue = new LinkedBlockingQueue<>();

            @Override
            public void start(Local local, Map<Integer, String> peers, Receiver receiver) {
                Thread thread = new Thread(() -> {
                    try {
                        for (Message next = queue.take(); next != null; next = queue.poll(1, TimeUnit.SECONDS)) {
                            receiver.onMessage(next);
                        }
                    } catch (InterruptedException e) {
                        // the end
                    }
                });
                thread.setDaemon(true);
                thread.start();
                inner.start(local, peers, new WrappedReceiver(receiver) {
                    @Override
                    public void onMessage(Message message) {
                        queue.add(message);
                    }
                });
            }
        }));
    }

    @Test
    void aSecondCloseFails() {
        assertCaught(TransportContract.FREED, "there came java.lang.IllegalStateException", with(inner -> new Wrapped(inner) {
            private boolean isClosed;

            @Override
            public void close() {
                if (isClosed) {
                    throw new IllegalStateException("closed");
                }
                isClosed = true;
                inner.close();
            }
        }));
    }

    @Test
    void aClosedTransportFailsToSend() {
        assertCaught(TransportContract.FREED, "there came java.lang.IllegalStateException", with(inner -> new Wrapped(inner) {
            private volatile boolean isClosed;

            @Override
            public void send(Message message) {
                if (isClosed) {
                    throw new IllegalStateException("closed");
                }
                inner.send(message);
            }

            @Override
            public void close() {
                isClosed = true;
                inner.close();
            }
        }));
    }

    @Test
    void anAddressIsKeptAfterClose() {
        Set<String> taken = ConcurrentHashMap.newKeySet();
        assertCaught(TransportContract.FREED, "memory:1 is taken", with(inner -> new Wrapped(inner) {
            @Override
            public void start(Local local, Map<Integer, String> peers, Receiver receiver) {
                inner.start(local, peers, receiver);
                if (!taken.add(inner.advertisedAddress())) {
                    throw new TransportException(inner.advertisedAddress() + " is taken");
                }
            }
        }));
    }

    @Test
    void aSecondStartIsIgnored() {
        assertCaught(TransportContract.STARTED_ONCE, "it was started again", with(inner -> new Wrapped(inner) {
            private boolean isStarted;

            @Override
            public void start(Local local, Map<Integer, String> peers, Receiver receiver) {
                if (!isStarted) {
                    inner.start(local, peers, receiver);
                }
                isStarted = true;
            }
        }));
    }

    // ------------------------------------------------------------------------------------------------------------------- clients

    /** Passes everything on; each test overrides what it breaks. */
    private static class WrappedClient implements ClientTransport {

        final ClientTransport inner;

        WrappedClient(ClientTransport inner) {
            this.inner = inner;
        }

        @Override
        public CompletableFuture<ClientResponse> call(String address, ClientRequest request, long timeoutNanos) {
            return inner.call(address, request, timeoutNanos);
        }

        @Override
        public int epoch() {
            return inner.epoch();
        }

        @Override
        public void close() {
            inner.close();
        }
    }

    @Test
    void aRequestLosesAField() {
        assertCaught(TransportContract.REQUESTS, "there came [Read", withClient(inner -> new WrappedClient(inner) {
            @Override
            public CompletableFuture<ClientResponse> call(String address, ClientRequest request, long timeoutNanos) {
                return inner.call(address, !(request instanceof ClientRequest.Read read) ? request
                    : new ClientRequest.Read(read.query(), read.freshness().notBefore(0)), timeoutNanos);
            }
        }));
    }

    @Test
    void anAnswerIsTakenForAnother() {
        assertCaught(TransportContract.REQUESTS, "answered was Unknown", withClient(inner -> new WrappedClient(inner) {
            @Override
            public CompletableFuture<ClientResponse> call(String address, ClientRequest request, long timeoutNanos) {
                return inner.call(address, request, timeoutNanos).thenApply(answer ->
                    answer instanceof ClientResponse.Unknown unknown ? new ClientResponse.Failed(unknown.why()) : answer);
            }
        }));
    }

    @Test
    void theSecondAnswerCounts() {
        TransportContract contract = TransportContract.of((nodeId, address) -> new Wrapped(network.transport()) {
            @Override
            public void start(Local local, Map<Integer, String> peers, Receiver receiver) {
                inner.start(local, peers, new WrappedReceiver(receiver) {
                    @Override
                    public void onClientRequest(ClientRequest request, long timeoutNanos, Consumer<ClientResponse> reply) {
                        AtomicInteger answers = new AtomicInteger();
                        receiver.onClientRequest(request, timeoutNanos, answer -> {
                            if (answers.incrementAndGet() == 2) {
                                reply.accept(answer);
                            }
                        });
                    }
                });
            }
        }).withClients(network::clientTransport);
        ContractBroken broken = assertThrows(ContractBroken.class, () -> contract.check(TransportContract.FIRST_ANSWER));
        assertTrue(broken.getMessage().contains("second 1"), broken.getMessage());
    }

    @Test
    void theTimeOfARequestIsForgotten() {
        TransportContract contract = TransportContract.of((nodeId, address) -> new Wrapped(network.transport()) {
            @Override
            public void start(Local local, Map<Integer, String> peers, Receiver receiver) {
                inner.start(local, peers, new WrappedReceiver(receiver) {
                    @Override
                    public void onClientRequest(ClientRequest request, long timeoutNanos, Consumer<ClientResponse> reply) {
                        receiver.onClientRequest(request, Long.MAX_VALUE, reply);
                    }
                });
            }
        }).withClients(network::clientTransport);
        assertCaught(TransportContract.TIME, "there came " + Long.MAX_VALUE, contract);
    }

    @Test
    void whatWasNotSentIsSaidToBePerhapsDone() {
        assertCaught(TransportContract.NOT_SENT, "TransportException", withClient(inner -> new WrappedClient(inner) {
            @Override
            public CompletableFuture<ClientResponse> call(String address, ClientRequest request, long timeoutNanos) {
                return inner.call(address, request, timeoutNanos).exceptionallyCompose(e ->
                    CompletableFuture.failedFuture(new TransportException("lost")));
            }
        }));
    }

    @Test
    void whatWasSentIsSaidToBeUnsentWhenItsTimeIsOver() {
        assertCaught(TransportContract.TIMEOUT, "NotSentException", withClient(inner -> new WrappedClient(inner) {
            @Override
            public CompletableFuture<ClientResponse> call(String address, ClientRequest request, long timeoutNanos) {
                return inner.call(address, request, timeoutNanos).exceptionallyCompose(e ->
                    CompletableFuture.failedFuture(new NotSentException("late", e)));
            }
        }));
    }

    @Test
    void aCallNeverEnds() {
        assertInVain(TransportContract.TIMEOUT, "it does not end", withClient(inner -> new WrappedClient(inner) {
            @Override
            public CompletableFuture<ClientResponse> call(String address, ClientRequest request, long timeoutNanos) {
                return inner.call(address, request, TimeUnit.HOURS.toNanos(1));
            }
        }));
    }

    /** For each address a client of its own, which knows nothing of what the others have met. */
    private class Forgetful extends WrappedClient {

        private final Map<String, ClientTransport> clients = new ConcurrentHashMap<>();

        Forgetful(ClientTransport inner) {
            super(inner);
        }

        @Override
        public CompletableFuture<ClientResponse> call(String address, ClientRequest request, long timeoutNanos) {
            return clients.computeIfAbsent(address, any -> network.clientTransport()).call(address, request, timeoutNanos);
        }

        @Override
        public int epoch() {
            return clients.values().stream().mapToInt(ClientTransport::epoch).max().orElse(0);
        }
    }

    @Test
    void whoWasLeftBehindByARecoveryIsStillHeard() {
        assertCaught(TransportContract.LEFT_BEHIND, "it is answered Overloaded[why=late]", withClient(Forgetful::new));
    }

    @Test
    void whoWasLeftBehindByARecoveryIsStillAsked() {
        assertCaught(TransportContract.LEFT_BEHIND, "what was asked since ends with io.quorate.raft.TransportException",
            withClient(inner -> new Forgetful(inner) {
                private final AtomicInteger asked = new AtomicInteger();

                @Override
                public CompletableFuture<ClientResponse> call(String address, ClientRequest request, long timeoutNanos) {
                    int number = asked.incrementAndGet();
                    CompletableFuture<ClientResponse> answer = super.call(address, request, timeoutNanos);
                    CompletableFuture<ClientResponse> lost = CompletableFuture.failedFuture(new TransportException("left behind"));
                    return number == 2 ? answer.thenCompose(any -> lost) : number == 4 ? lost : answer;
                }
            }));
    }

    @Test
    void aRecoveryIsNotTold() {
        assertCaught(TransportContract.LEFT_BEHIND, "epoch 5 was met, and told 4", withClient(inner -> new WrappedClient(inner) {
            @Override
            public int epoch() {
                return Math.min(4, inner.epoch());
            }
        }));
    }

    @Test
    void aClosedClientLeavesItsCallsOpen() {
        assertInVain(TransportContract.CLIENT_CLOSED, "it does not end", withClient(inner -> new WrappedClient(inner) {
            @Override
            public void close() {
                // as if nobody waited
            }
        }));
    }

    // ----------------------------------------------------------------------------------------------------------------------- how

    private TransportContract with(UnaryOperator<Transport> wrapper) {
        return TransportContract.of((nodeId, address) -> wrapper.apply(network.transport()));
    }

    private TransportContract withClient(UnaryOperator<ClientTransport> wrapper) {
        return TransportContract.of((nodeId, address) -> network.transport()).withClients(() -> wrapper.apply(network.clientTransport()));
    }

    private static void assertInVain(String sentence, String seen, TransportContract contract) {
        assertCaught(sentence, seen, contract.withPatience(IMPATIENT));
    }

    private static void assertCaught(String sentence, String seen, TransportContract contract) {
        ContractBroken broken = assertThrows(ContractBroken.class, () -> contract.check(sentence));
        assertTrue(broken.getMessage().startsWith(sentence) && broken.getMessage().contains(seen), broken.getMessage());
    }
}
