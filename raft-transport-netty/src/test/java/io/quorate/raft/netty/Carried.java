package io.quorate.raft.netty;

import io.quorate.raft.FoundingMessage;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.Transport;
import io.quorate.raft.core.Message;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A transport without threads of its own, and the thread that carries it, as a server's raft thread does. */
final class Carried implements Transport {

    private static final long LONG_NANOS = TimeUnit.HOURS.toNanos(1);

    private final NettyTransport transport;
    private final Poller poller;
    private final Thread thread;
    private volatile boolean isClosed;

    Carried(NettyTransport transport) {
        this.transport = transport;
        poller = Objects.requireNonNull(transport.poller());
        thread = new Thread(this::run, "carrier");
    }

    Thread thread() {
        return thread;
    }

    private void run() {
        while (!isClosed) {
            poller.poll(LONG_NANOS);
        }
        poller.leave();
    }

    @Override
    public void start(Local local, Map<Integer, String> peers, Receiver receiver) {
        transport.start(local, peers, receiver);
        thread.start();
    }

    @Override
    public void founded(Local local) {
        transport.founded(local);
    }

    @Override
    public void peers(Map<Integer, String> peers) {
        transport.peers(peers);
    }

    @Override
    public void send(Message message) {
        transport.send(message);
    }

    @Override
    public void send(FoundingMessage message) {
        transport.send(message);
    }

    @Override
    public void send(SnapshotMessage message) {
        transport.send(message);
    }

    @Override
    public void send(RepairMessage message) {
        transport.send(message);
    }

    @Override
    public String advertisedAddress() {
        return transport.advertisedAddress();
    }

    @Override
    public @Nullable String trouble(int nodeId) {
        return transport.trouble(nodeId);
    }

    @Override
    public long messagesUnsent() {
        return transport.messagesUnsent();
    }

    @Override
    public void close() {
        transport.close();
        isClosed = true;
        poller.wake();
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
