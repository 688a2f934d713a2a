package io.quorate.raft.testing;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.Transport;
import io.quorate.raft.TransportException;
import io.quorate.raft.client.ClientTransport;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.ReplicaId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Connects the servers of one process, for tests with real threads: no sockets, no ports. A message is delivered at once, on the thread
 * that sends it, or dropped: links can be cut and healed, one way or both.
 *
 * <p>Whoever could hear an end that is closed is told that it is lost, as a host tells of its processes' connections.
 *
 * <p>Like every transport it refuses what comes from another group, from another recovery epoch, and from an older boot of a replica,
 * which is told. A receiver that fails harms nobody else: its exception is logged. {@code close} waits for deliveries under way, but for
 * one that it is called from.
 *
 * <p>All methods may be called from any thread.
 */
public final class InMemoryNetwork {

    private record Link(int from, int to) { }

    private static final Logger LOG = LoggerFactory.getLogger(InMemoryNetwork.class);
    private static final long CLOSE_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final Map<Integer, End> ends = new ConcurrentHashMap<>();     // of the running servers, by node
    private final Map<ReplicaId, Long> youngest = new ConcurrentHashMap<>();   // boot that was ever started, of each replica
    private final Set<Link> cuts = ConcurrentHashMap.newKeySet();

    /** A network without anybody on it, and without cuts. */
    public InMemoryNetwork() { }

    /** A server's end of the network. The node is known when the server starts it; no two ends of one node run at a time. */
    public Transport transport() {
        return new End();
    }

    /** A client's end of the network. It reaches every server by its {@link #address}. */
    public ClientTransport clientTransport() {
        return new Client();
    }

    /** The address of a node in this network. */
    public static String address(int nodeId) {
        return "memory:" + nodeId;
    }

    /** From now on nothing that {@code from} sends reaches {@code to}. */
    public void cutOneWay(int from, int to) {
        cuts.add(new Link(from, to));
    }

    /** From now on nothing passes between the two, either way. */
    public void cut(int one, int other) {
        cutOneWay(one, other);
        cutOneWay(other, one);
    }

    /** Cuts this node off from all nodes that run, and from clients. */
    public void isolate(int nodeId) {
        cuts.add(new Link(0, nodeId));
        for (int other : ends.keySet()) {
            if (other != nodeId) {
                cut(nodeId, other);
            }
        }
    }

    /** Heals every cut. */
    public void heal() {
        cuts.clear();
    }

    private @Nullable End reach(int from, int to) {
        return cuts.contains(new Link(from, to)) ? null : ends.get(to);
    }

    private final class End implements Transport {

        private final List<Thread> inside = new ArrayList<>();     // deliveries under way
        private volatile @Nullable Local local;
        private volatile @Nullable Receiver receiver;
        private volatile boolean isClosed;
        private final LongAdder unsent = new LongAdder();

        @Override
        public void start(Local self, Map<Integer, String> peers, Receiver theReceiver) {
            if (isClosed || receiver != null) {
                throw new TransportException("A transport is started once");
            }
            local = self;
            receiver = theReceiver;
            int nodeId = self.identity().replica().nodeId();
            long boot = self.identity().boot();
            long youngestBoot = youngest.merge(self.identity().replica(), boot, Math::max);
            if (youngestBoot > boot) {
                deliver(told -> told.onYoungerBoot(nodeId, youngestBoot));
                return;
            }
            End before = ends.put(nodeId, this);
            if (before != null && before.isOver()) {
                before.deliver(told -> told.onYoungerBoot(nodeId, boot));
            }
        }

        @Override
        public void founded(Local self) {
            local = self;
        }

        @Override
        public void peers(Map<Integer, String> peers) {
            // Every node of the network is found by its id.
        }

        @Override
        public void send(Message message) {
            End to = isClosed ? null : reach(message.from().nodeId(), message.to().nodeId());
            if (to != null && foundingOf(this) != null && foundingOf(to) != null && refusal(to) == null) {
                to.deliver(target -> target.onMessage(message));
            } else {
                unsent.increment();
            }
        }

        @Override
        public void send(FoundingMessage message) {
            End to = isClosed || local == null ? null : reach(message.from(), message.to());
            if (to != null && refusal(to) == null) {
                to.deliver(target -> target.onFounding(message));
            } else {
                unsent.increment();
            }
        }

        @Override
        public void send(SnapshotMessage message) {
            End to = isClosed ? null : reach(message.from().nodeId(), message.to().nodeId());
            if (to != null && foundingOf(this) != null && foundingOf(to) != null && refusal(to) == null) {
                to.deliver(target -> target.onSnapshot(message));
            } else {
                unsent.increment();
            }
        }

        @Override
        public void send(RepairMessage message) {
            End to = isClosed ? null : reach(message.from().nodeId(), message.to().nodeId());
            if (to != null && foundingOf(this) != null && foundingOf(to) != null && refusal(to) == null) {
                to.deliver(target -> target.onRepair(message));
            }
        }

        @Override
        public String advertisedAddress() {
            Local self = local;
            if (self == null) {
                throw new IllegalStateException("The address is known after the start");
            }
            return address(self.identity().replica().nodeId());
        }

        @Override
        public @Nullable String trouble(int nodeId) {
            Local self = local;
            if (self == null || self.identity().replica().nodeId() == nodeId) {
                return null;
            }
            int here = self.identity().replica().nodeId();
            End to = ends.get(nodeId);
            if (to == null) {
                return "node " + nodeId + " does not run";
            }
            return cuts.contains(new Link(here, nodeId)) ? "the link from " + here + " to " + nodeId + " is cut" : refusal(to);
        }

        @Override
        public long messagesUnsent() {
            return unsent.sum();
        }

        @Override
        public void close() {
            isClosed = true;
            Local self = local;
            boolean wasRunning = self != null && ends.remove(self.identity().replica().nodeId(), this);
            receiver = null;
            awaitDeliveries();
            if (wasRunning) {
                int nodeId = self.identity().replica().nodeId();
                ends.forEach((peer, end) -> {
                    if (reach(nodeId, peer) == end && refusal(end) == null) {
                        end.deliver(told -> told.onPeerLost(nodeId));
                    }
                });
            }
        }

        /** Hands something to the receiver, unless this end is closed. Answers whether it did. */
        private boolean deliver(Consumer<Receiver> what) {
            Receiver target;
            synchronized (inside) {
                target = receiver;
                if (target == null) {
                    return false;
                }
                inside.add(Thread.currentThread());
            }
            try {
                what.accept(target);
            } catch (RuntimeException e) {
                LOG.error("A receiver fails", e);
            } finally {
                synchronized (inside) {
                    inside.remove(Thread.currentThread());
                    inside.notifyAll();
                }
            }
            return true;
        }

        private void awaitDeliveries() {
            long start = System.nanoTime();
            boolean isInterrupted = false;
            synchronized (inside) {
                // Bounded, for two deliveries may close each other's ends.
                for (long left = CLOSE_NANOS; left > 0 && isAnotherInside(); left = CLOSE_NANOS - (System.nanoTime() - start)) {
                    try {
                        TimeUnit.NANOSECONDS.timedWait(inside, left);
                    } catch (InterruptedException e) {
                        isInterrupted = true;
                        break;
                    }
                }
            }
            if (isInterrupted) {
                Thread.currentThread().interrupt();
            }
        }

        private boolean isAnotherInside() {
            for (Thread thread : inside) {
                if (thread != Thread.currentThread()) {
                    return true;
                }
            }
            return false;
        }

        /** Why the two ends will not talk, whichever of them refuses, or null. */
        private @Nullable String refusal(End to) {
            FoundingRecord here = foundingOf(this);
            FoundingRecord there = foundingOf(to);
            if (isOver()) {
                return "a younger boot of this replica has been seen";
            }
            if (here == null || there == null || here.clusterId().equals(there.clusterId()) && here.epoch() == there.epoch()) {
                return null;
            }
            return "this is cluster " + here.clusterId() + " in epoch " + here.epoch() + ", the other is " + there.clusterId()
                + " in epoch " + there.epoch();
        }

        private boolean isOver() {
            Local self = local;
            return self != null && youngest.getOrDefault(self.identity().replica(), 0L) > self.identity().boot();
        }

        private static @Nullable FoundingRecord foundingOf(End end) {
            Local known = end.local;
            return known == null ? null : known.identity().founding();
        }
    }

    private final class Client implements ClientTransport {

        private final Map<CompletableFuture<ClientResponse>, End> open = new ConcurrentHashMap<>();     // and who is to answer
        private final AtomicInteger epoch = new AtomicInteger();      // the highest met
        private volatile boolean isClosed;

        @Override
        public CompletableFuture<ClientResponse> call(String address, ClientRequest request, long timeoutNanos) {
            End end = isClosed ? null : endAt(address);
            if (end == null) {
                return CompletableFuture.failedFuture(new NotSentException("Nothing runs at " + address, new TimeoutException()));
            }
            if (isLeftBehind(end)) {
                return CompletableFuture.failedFuture(new NotSentException("The group was recovered, and who runs at " + address
                    + " left behind", null));
            }
            CompletableFuture<ClientResponse> answer = new CompletableFuture<>();
            open.put(answer, end);
            answer.whenComplete((response, failure) -> open.remove(answer));
            answer.orTimeout(timeoutNanos, TimeUnit.NANOSECONDS);
            if (!end.deliver(target -> target.onClientRequest(request, ClientTransport.toldNanos(timeoutNanos), response -> {
                if (isLeftBehind(end)) {
                    answer.completeExceptionally(leftBehind());
                } else {
                    answer.complete(response);
                }
            }))) {
                answer.completeExceptionally(new NotSentException("Nothing runs at " + address, new TimeoutException()));
            }
            if (isClosed) {
                close();
            }
            return answer;
        }

        @Override
        public int epoch() {
            return epoch.get();
        }

        /** Whether this end is of a lower epoch than was met; a higher one is met herewith. */
        private boolean isLeftBehind(End end) {
            FoundingRecord founding = End.foundingOf(end);
            if (founding == null) {
                return false;
            }
            int before = epoch.getAndAccumulate(founding.epoch(), Math::max);
            if (before < founding.epoch()) {
                open.forEach((call, other) -> {
                    if (isLeftBehind(other)) {
                        call.completeExceptionally(leftBehind());
                    }
                });
            }
            return founding.epoch() < before;
        }

        private static TransportException leftBehind() {
            return new TransportException("The group was recovered, and who was asked left behind, before the answer came");
        }

        @Override
        public void close() {
            isClosed = true;
            for (CompletableFuture<ClientResponse> call : open.keySet()) {
                call.completeExceptionally(new TransportException("The client was closed before the answer came"));
            }
        }

        private @Nullable End endAt(String address) {
            for (Map.Entry<Integer, End> each : ends.entrySet()) {
                if (address(each.getKey()).equals(address)) {
                    return reach(0, each.getKey());
                }
            }
            return null;
        }
    }
}
