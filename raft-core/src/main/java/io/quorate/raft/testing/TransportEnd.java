package io.quorate.raft.testing;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.Identity;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.Transport;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.ReplicaId;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/** One started transport while it is held against the contract, and everything that was delivered to it. */
final class TransportEnd implements Transport.Receiver {

    final Transport transport;
    final List<Message> messages = new CopyOnWriteArrayList<>();
    final List<FoundingMessage> foundings = new CopyOnWriteArrayList<>();
    final List<SnapshotMessage> snapshots = new CopyOnWriteArrayList<>();
    final List<RepairMessage> repairs = new CopyOnWriteArrayList<>();
    final List<Integer> lost = new CopyOnWriteArrayList<>();
    final List<Long> timeouts = new CopyOnWriteArrayList<>();
    final List<Long> youngerBoots = new CopyOnWriteArrayList<>();
    final AtomicInteger inside = new AtomicInteger();       // deliveries under way
    final AtomicInteger late = new AtomicInteger();         // deliveries that came when close had returned
    volatile boolean isOver;                                // close has returned
    volatile Consumer<Message> onMessage = message -> { };  // done besides
    volatile Consumer<SnapshotMessage> onSnapshot = message -> { };
    volatile BiConsumer<ClientRequest, Consumer<ClientResponse>> service =
        (request, reply) -> reply.accept(new ClientResponse.Unavailable("nobody serves"));
    private volatile Identity identity;

    TransportEnd(Identity identity, Transport transport) {
        this.identity = identity;
        this.transport = transport;
    }

    ReplicaId replica() {
        return identity.replica();
    }

    int nodeId() {
        return identity.replica().nodeId();
    }

    Identity identity() {
        return identity;
    }

    void founded(Identity founded) {
        identity = founded;
        transport.founded(new Transport.Local(founded));
    }

    /** Whether anything came from this node. */
    boolean hasHeard(int nodeId) {
        return messages.stream().anyMatch(message -> message.from().nodeId() == nodeId)
            || foundings.stream().anyMatch(message -> message.from() == nodeId);
    }

    @Override
    public void onMessage(Message message) {
        enter();
        try {
            messages.add(message);
            onMessage.accept(message);
        } finally {
            inside.decrementAndGet();
        }
    }

    @Override
    public void onFounding(FoundingMessage message) {
        enter();
        foundings.add(message);
        inside.decrementAndGet();
    }

    @Override
    public void onSnapshot(SnapshotMessage message) {
        enter();
        try {
            snapshots.add(message);
            onSnapshot.accept(message);
        } finally {
            inside.decrementAndGet();
        }
    }

    @Override
    public void onRepair(RepairMessage message) {
        enter();
        repairs.add(message);
        inside.decrementAndGet();
    }

    @Override
    public void onClientRequest(ClientRequest request, long timeoutNanos, Consumer<ClientResponse> reply) {
        enter();
        try {
            timeouts.add(timeoutNanos);
            service.accept(request, reply);
        } finally {
            inside.decrementAndGet();
        }
    }

    @Override
    public void onPeerLost(int nodeId) {
        enter();
        lost.add(nodeId);
        inside.decrementAndGet();
    }

    @Override
    public void onYoungerBoot(int reporter, long boot) {
        youngerBoots.add(boot);
    }

    private void enter() {
        inside.incrementAndGet();
        if (isOver) {
            late.incrementAndGet();
        }
    }
}
