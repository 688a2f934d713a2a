package io.quorate.raft.testing;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Transport;
import io.quorate.raft.TransportException;
import io.quorate.raft.client.ClientTransport;
import io.quorate.raft.core.Message;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Connects the servers of one process, for tests with real threads: no sockets, no ports. A message is delivered at once, on the thread
 * that sends it, or dropped: links can be cut and healed, one way or both.
 *
 * <p>Like every transport it refuses messages between different groups, and of two boots of one replica the older is told.
 *
 * <p>All methods may be called from any thread.
 */
public final class InMemoryNetwork {

    private record Link(int from, int to) { }

    private final Map<Integer, End> ends = new ConcurrentHashMap<>();     // of the running servers, by node
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

        private volatile @Nullable Local local;
        private volatile @Nullable Receiver receiver;
        private volatile boolean isClosed;

        @Override
        public void start(Local self, Map<Integer, String> peers, Receiver theReceiver) {
            if (isClosed || receiver != null) {
                throw new TransportException("A transport is started once");
            }
            local = self;
            receiver = theReceiver;
            int nodeId = self.identity().replica().nodeId();
            End before = ends.put(nodeId, this);
            Local older = before == null ? null : before.local;
            Receiver told = before == null ? null : before.receiver;
            if (older != null && told != null && older.identity().replica().equals(self.identity().replica())) {
                told.onYoungerBoot(nodeId, self.identity().boot());
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
            Receiver target = to == null ? null : to.receiver;
            if (to != null && target != null && isSameGroup(to)) {
                target.onMessage(message);
            }
        }

        @Override
        public void send(FoundingMessage message) {
            End to = isClosed ? null : reach(message.from(), message.to());
            Receiver target = to == null ? null : to.receiver;
            if (target != null) {
                target.onFounding(message);
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
            if (!ends.containsKey(nodeId)) {
                return "node " + nodeId + " does not run";
            }
            return cuts.contains(new Link(here, nodeId)) ? "the link from " + here + " to " + nodeId + " is cut" : null;
        }

        @Override
        public void close() {
            isClosed = true;
            Local self = local;
            if (self != null) {
                ends.remove(self.identity().replica().nodeId(), this);
            }
            receiver = null;
        }

        private boolean isSameGroup(End to) {
            FoundingRecord here = foundingOf(this);
            FoundingRecord there = foundingOf(to);
            return here != null && there != null && here.clusterId().equals(there.clusterId()) && here.epoch() == there.epoch();
        }

        private static @Nullable FoundingRecord foundingOf(End end) {
            Local known = end.local;
            return known == null ? null : known.identity().founding();
        }
    }

    private final class Client implements ClientTransport {

        private final Set<CompletableFuture<ClientResponse>> open = ConcurrentHashMap.newKeySet();
        private volatile boolean isClosed;

        @Override
        public CompletableFuture<ClientResponse> call(String address, ClientRequest request, long timeoutNanos) {
            Transport.Receiver target = isClosed ? null : receiverAt(address);
            if (target == null) {
                return CompletableFuture.failedFuture(new NotSentException("Nothing runs at " + address, new TimeoutException()));
            }
            CompletableFuture<ClientResponse> answer = new CompletableFuture<>();
            open.add(answer);
            answer.whenComplete((response, failure) -> open.remove(answer));
            answer.orTimeout(timeoutNanos, TimeUnit.NANOSECONDS);
            target.onClientRequest(request, answer::complete);
            if (isClosed) {
                close();
            }
            return answer;
        }

        @Override
        public void close() {
            isClosed = true;
            for (CompletableFuture<ClientResponse> call : open) {
                call.completeExceptionally(new TransportException("The client was closed before the answer came"));
            }
        }

        private Transport.@Nullable Receiver receiverAt(String address) {
            for (Map.Entry<Integer, End> each : ends.entrySet()) {
                if (address(each.getKey()).equals(address)) {
                    End end = reach(0, each.getKey());
                    return end == null ? null : end.receiver;
                }
            }
            return null;
        }
    }
}
