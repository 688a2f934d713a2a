package io.quorate.raft.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.fail;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.ClusterId;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Identity;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.Transport;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.ReplicaId;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A transport on a free port of loopback, and what was delivered to it. */
final class Node implements Transport.Receiver, AutoCloseable {

    static final long PATIENCE_SECONDS = 20;
    static final ClusterId CLUSTER = new ClusterId(7, 8);
    static final Timing QUICK = new Timing(millis(2000), millis(50), millis(400), millis(400), millis(5), millis(50));

    record YoungerBoot(int reporter, long boot) { }

    final NettyTransport transport;
    final Identity identity;
    final BlockingQueue<Message> messages = new LinkedBlockingQueue<>();
    final BlockingQueue<FoundingMessage> foundings = new LinkedBlockingQueue<>();
    final BlockingQueue<SnapshotMessage> snapshots = new LinkedBlockingQueue<>();
    final BlockingQueue<RepairMessage> repairs = new LinkedBlockingQueue<>();
    final BlockingQueue<Long> timeouts = new LinkedBlockingQueue<>();
    final BlockingQueue<Integer> lost = new LinkedBlockingQueue<>();
    final CompletableFuture<YoungerBoot> youngerBoot = new CompletableFuture<>();
    volatile BiConsumer<ClientRequest, Consumer<ClientResponse>> service =
        (request, reply) -> reply.accept(new ClientResponse.Unavailable("nobody serves"));
    volatile Consumer<Message> onMessage = messages::add;

    Node(Identity identity, NettyTransport transport) {
        this.identity = identity;
        this.transport = transport;
        transport.start(new Transport.Local(identity), Map.of(), this);
    }

    static Node start(Identity identity) {
        return new Node(identity, NettyTransport.builder().build());
    }

    static Node start(Identity identity, Timing timing) {
        return new Node(identity, NettyTransport.builder().timing(timing).build());
    }

    static Identity member(int nodeId) {
        return member(nodeId, 1, CLUSTER, 0);
    }

    static Identity member(int nodeId, long boot, ClusterId cluster, int epoch) {
        return new Identity(replica(nodeId), boot, founding(cluster, epoch));
    }

    static Identity blank(int nodeId) {
        return new Identity(replica(nodeId), 1, null);
    }

    static FoundingRecord founding(ClusterId cluster, int epoch) {
        List<Member> members = List.of(new Member(replica(1), "one:1"), new Member(replica(2), "two:2"));
        return new FoundingRecord(cluster, epoch, Membership.of(1, members));
    }

    static ReplicaId replica(int nodeId) {
        return new ReplicaId(nodeId, 0x1000L + nodeId);
    }

    String address() {
        return transport.advertisedAddress();
    }

    int port() {
        return HostPort.of(address()).port();
    }

    void peers(Node... others) {
        Map<Integer, String> addresses = new HashMap<>();
        for (Node other : others) {
            addresses.put(other.identity.replica().nodeId(), other.address());
        }
        transport.peers(addresses);
    }

    Message vote(Node to, long round) {
        return new Message.PreVote(identity.replica(), to.identity.replica(), 3, EntryId.ZERO, round);
    }

    FoundingMessage question(Node to) {
        return new FoundingMessage(identity.replica().nodeId(), identity.replica().incarnation(), to.identity.replica().nodeId(), 0, 99,
            identity.founding(), true);
    }

    /** Sends until something arrives, as Raft does; then what was on the way is thrown away. */
    void reach(Node to) {
        until("a message from " + identity + " to " + to.identity, () -> {
            transport.send(vote(to, 0));
            return poll(to.messages) != null;
        });
        Message last = vote(to, 1);
        transport.send(last);
        until("the last message", () -> last.equals(poll(to.messages)));
    }

    /** Polls what is asked, for as long as a test may take. */
    static void until(String what, BooleanSupplier condition) {
        long start = System.nanoTime();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - start > TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS)) {
                fail("Waited in vain for " + what);
            }
            LockSupport.parkNanos(1_000_000);
        }
    }

    static <T> @Nullable T poll(BlockingQueue<T> queue) {
        try {
            return queue.poll(20, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    static <T> T take(BlockingQueue<T> queue) {
        try {
            T taken = queue.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
            assertNotNull(taken, "nothing came");
            return taken;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    static long millis(int millis) {
        return Duration.ofMillis(millis).toNanos();
    }

    @Override
    public void onMessage(Message message) {
        onMessage.accept(message);
    }

    @Override
    public void onFounding(FoundingMessage message) {
        foundings.add(message);
    }

    @Override
    public void onSnapshot(SnapshotMessage message) {
        snapshots.add(message);
    }

    @Override
    public void onRepair(RepairMessage message) {
        repairs.add(message);
    }

    @Override
    public void onClientRequest(ClientRequest request, long timeoutNanos, Consumer<ClientResponse> reply) {
        timeouts.add(timeoutNanos);
        service.accept(request, reply);
    }

    @Override
    public void onPeerLost(int nodeId) {
        lost.add(nodeId);
    }

    @Override
    public void onYoungerBoot(int reporter, long boot) {
        assertEquals(true, youngerBoot.complete(new YoungerBoot(reporter, boot)) || youngerBoot.isDone());
    }

    @Override
    public void close() {
        transport.close();
    }
}
