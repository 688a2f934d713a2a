package io.quorate.raft.netty;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.netty.util.concurrent.Future;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.Transport;
import io.quorate.raft.TransportException;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.ReplicaId;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Peers and clients over TCP, on one port.
 *
 * <p>To each peer this end opens a connection for what it has to say, and opens it again when it is lost; what the peer says comes on the
 * connection that the peer opened. Only while this end cannot open its own does it answer on the peer's. Messages, founding messages and
 * requests are delivered on event loops. Nothing is encrypted and nobody is asked for credentials: who reaches the port can speak in any
 * member's name. Therefore it listens on loopback, unless told {@linkplain Builder#insecure() otherwise}.
 *
 * <p>Where processors are few, or if it is {@linkplain Builder#ioThreads told} so, a server's raft thread does the work of the event loop.
 */
public final class NettyTransport implements Transport {

    /**
     * What happened since the transport was built.
     *
     * @param connectionsAccepted handshakes of others that were answered with a welcome
     * @param connectionsRefused  connections that either end refused
     * @param damagedFrames       connections closed for bytes that were no frame, or said something impossible
     * @param forbiddenFrames     connections closed for a frame that the other end had no right to send
     * @param droppedMessages     messages not sent, by the node they were for; those for further nodes than 256 by 0
     * @param bytesIn             read from sockets
     * @param bytesOut            written to sockets
     */
    public record Counters(long connectionsAccepted, long connectionsRefused, long damagedFrames, long forbiddenFrames,
                           Map<Integer, Long> droppedMessages, long bytesIn, long bytesOut) {
        public Counters {
            droppedMessages = Map.copyOf(droppedMessages);
        }
    }

    private static final Logger LOG = LoggerFactory.getLogger(NettyTransport.class);
    private static final int BACKLOG = 256;
    private static final int IO_THREADS_MAX = 64;

    private final HostPort bind;
    private final @Nullable HostPort advertise;
    private final Timing timing;
    private final boolean hasAdministration;
    private final int ioThreads;
    private final Tally tally = new Tally();
    private @Nullable Carrier carrier;
    private @Nullable IoThreads io;
    private @Nullable Endpoint endpoint;
    private volatile @Nullable Reception reception;
    private @Nullable Channel listener;
    private volatile Map<Integer, PeerLink> links = Map.of();      // replaced, never changed
    private volatile @Nullable String advertisedAddress;
    private volatile boolean isClosed;

    private NettyTransport(Builder builder, boolean administration) {
        this.bind = builder.bind;
        this.advertise = builder.advertise;
        this.timing = builder.timing;
        this.hasAdministration = administration;
        this.ioThreads = builder.ioThreads;
    }

    /** A transport that listens on a free port of the loopback address, until told otherwise. */
    public static Builder builder() {
        return new Builder();
    }

    /** Where a transport listens. */
    public static final class Builder {

        private HostPort bind = new HostPort("127.0.0.1", 0);
        private @Nullable HostPort advertise;
        private boolean isInsecure;
        private @Nullable Boolean administration;
        private int ioThreads = IoThreads.areProcessorsFew() ? 0 : IoThreads.LOOPS;
        private Timing timing = Timing.DEFAULT;

        private Builder() { }

        /**
         * Where to listen.
         *
         * @param address {@code host:port}; port 0 takes a free one
         * @throws IllegalArgumentException if it is no address
         */
        public Builder bind(String address) {
            bind = HostPort.of(address);
            return this;
        }

        /**
         * Where others should connect to, if that is not where this end listens.
         *
         * @param address {@code host:port}; port 0 stands for the port it listens on
         * @throws IllegalArgumentException if it is no address
         */
        public Builder advertise(String address) {
            advertise = HostPort.of(address);
            return this;
        }

        /** Listens also where others than this host can connect, though nothing is encrypted and nobody is asked who he is. */
        public Builder insecure() {
            isInsecure = true;
            return this;
        }

        /**
         * Whether clients may also administer: change the membership, hand over leadership, take and fetch snapshots, look inside. Unless
         * this is called they may if it listens on a loopback address, and may not if others than this host can connect.
         */
        public Builder administration(boolean isServed) {
            administration = isServed;
            return this;
        }

        /**
         * How many threads of its own the transport has for its connections. With 0 the raft thread of the server that uses it reads and
         * writes between its turns: so nobody has to be woken between a socket and the algorithm, but what takes one of them long keeps the
         * other. Unless this is called it is 0 where there are fewer than four processors, and else 2.
         *
         * @throws IllegalArgumentException unless it is from 0 to 64
         */
        public Builder ioThreads(int count) {
            if (count < 0 || count > IO_THREADS_MAX) {
                throw new IllegalArgumentException("A transport has 0 to " + IO_THREADS_MAX + " threads for its connections, not " + count);
            }
            ioThreads = count;
            return this;
        }

        Builder timing(Timing other) {
            timing = other;
            return this;
        }

        /**
         * The transport, not yet listening.
         *
         * @throws TransportException if the address is open to others and {@link #insecure()} was not said, or if it cannot be advertised
         */
        public NettyTransport build() {
            InetAddress address;
            try {
                address = InetAddress.getByName(bind.host());
            } catch (UnknownHostException e) {
                throw new TransportException("Cannot listen on " + bind + ": no address is known for " + bind.host() + "; name an address"
                    + " of this host", e);
            }
            if (!address.isLoopbackAddress()) {
                if (!isInsecure) {
                    throw new TransportException("Will not listen on " + bind + ": it is open to other hosts, nothing is encrypted, and who"
                        + " reaches the port can speak in any member's name; bind a loopback address, or call insecure() on the builder if"
                        + " the network keeps strangers out");
                }
                LOG.warn("Listening on {} without encryption or authentication, as insecure() allows: whoever reaches the port can speak in"
                    + " any member's name", bind);
            }
            if (address.isAnyLocalAddress() && advertise == null) {
                throw new TransportException("Others cannot connect to " + bind + ": say with advertise(\"host:port\") where they can");
            }
            return new NettyTransport(this, administration == null ? address.isLoopbackAddress() : administration);
        }
    }

    /** {@inheritDoc} It does if it has no {@linkplain Builder#ioThreads threads of its own}. */
    @Override
    public synchronized @Nullable Poller poller() {
        if (isClosed || io != null || carrier != null) {
            throw new IllegalStateException("It is asked before the start, and once, by whom this transport is carried");
        }
        if (ioThreads == 0) {
            carrier = new Carrier(IoThreads.handlersOfCarrier());
        }
        return carrier;
    }

    @Override
    public synchronized void start(Local local, Map<Integer, String> peers, Receiver receiver) {
        if (isClosed || io != null) {
            throw new IllegalStateException(isClosed ? "This transport is closed" : "This transport has been started already");
        }
        String name = "quorate-net-" + local.identity().replica().nodeId();
        IoThreads threads = carrier == null ? new IoThreads(name, Math.max(1, ioThreads)) : new IoThreads(name, carrier);
        io = threads;
        try {
            InetAddress host = InetAddress.getByName(bind.host());
            LateInitializer late = new LateInitializer();
            ServerBootstrap bootstrap = new ServerBootstrap().group(threads.acceptors(), threads.loops()).channel(threads.serverChannel())
                .option(ChannelOption.SO_REUSEADDR, true).option(ChannelOption.SO_BACKLOG, BACKLOG)
                .option(ChannelOption.AUTO_READ, false).childHandler(late);
            setAll(bootstrap, threads.options(timing));
            ChannelFuture bound = bootstrap.bind(new InetSocketAddress(host, bind.port())).awaitUninterruptibly();
            if (!bound.isSuccess()) {
                throw new TransportException("Cannot listen on " + bind + ": " + bound.cause().getMessage()
                    + "; is another process using the port? Stop it, or bind another address", bound.cause());
            }
            listener = bound.channel();
            int port = ((InetSocketAddress) listener.localAddress()).getPort();
            HostPort others = advertise == null ? bind : advertise;
            String address = (others.port() == 0 ? others.withPort(port) : others).toString();
            advertisedAddress = address;
            endpoint = new Endpoint(local.identity(), address, receiver, threads, tally, timing, hasAdministration, callers());
            reception = new Reception(endpoint);
            late.reception = reception;
            listener.config().setAutoRead(true);
            LOG.info("Node {} listens on {}, advertised as {}", local.identity().replica().nodeId(), listener.localAddress(), address);
            peers(peers);
        } catch (UnknownHostException e) {
            close();
            throw new TransportException("Cannot listen on " + bind + ": no address is known for " + bind.host(), e);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private Endpoint.Callers callers() {
        return new Endpoint.Callers() {
            @Override
            public void onCall(int nodeId) {
                PeerLink link = links.get(nodeId);
                if (link != null) {
                    link.onCall();
                }
            }

            @Override
            public void onCallEnded(int nodeId, boolean isByOther) {
                PeerLink link = links.get(nodeId);
                if (link != null && isByOther) {
                    link.onCallEnded();
                }
            }
        };
    }

    @Override
    public synchronized void founded(Local local) {
        if (endpoint == null || reception == null || isClosed) {
            return;
        }
        endpoint.founded(local.identity());
        reception.founded();
        links.values().forEach(PeerLink::founded);
    }

    @Override
    public synchronized void peers(Map<Integer, String> peers) {
        if (endpoint == null || isClosed) {
            return;
        }
        Map<Integer, PeerLink> kept = new HashMap<>();
        for (Map.Entry<Integer, String> peer : peers.entrySet()) {
            int nodeId = peer.getKey();
            if (nodeId == endpoint.nodeId()) {
                continue;
            }
            PeerLink link = links.get(nodeId);
            if (link == null) {
                link = new PeerLink(endpoint, nodeId, peer.getValue());
            } else {
                link.moveTo(peer.getValue());
            }
            kept.put(nodeId, link);
        }
        for (Map.Entry<Integer, PeerLink> link : links.entrySet()) {
            if (!kept.containsKey(link.getKey())) {
                link.getValue().stop();
            }
        }
        links = Map.copyOf(kept);
    }

    @Override
    public void send(Message message) {
        PeerOutbox outbox = way(message.to());
        if (outbox == null) {
            tally.dropped(message.to().nodeId());
        } else {
            outbox.send(message);
        }
    }

    @Override
    public void send(FoundingMessage message) {
        PeerOutbox outbox = message.toIncarnation() == 0 ? anyWay(message.to())
            : way(new ReplicaId(message.to(), message.toIncarnation()));
        if (outbox == null) {
            tally.dropped(message.to());
        } else {
            outbox.send(message);
        }
    }

    @Override
    public void send(SnapshotMessage message) {
        PeerOutbox outbox = way(message.to());
        if (outbox == null) {
            tally.dropped(message.to().nodeId());
        } else {
            outbox.send(message);
        }
    }

    @Override
    public void send(RepairMessage message) {
        PeerOutbox outbox = way(message.to());
        if (outbox == null) {
            tally.dropped(message.to().nodeId());
        } else {
            outbox.send(message);
        }
    }

    /**
     * On the connection that this end has opened to that very replica; else on the one that the replica has opened; else to whoever lives
     * at the node's address. A follower must be able to answer a leader of whom, or of whose new address, it has not heard yet; a blank
     * replica is known to nobody; and the old and the new disk of one node may both be there.
     */
    private @Nullable PeerOutbox way(ReplicaId to) {
        PeerLink link = links.get(to.nodeId());
        if (link == null || !to.equals(link.reached())) {
            Reception callers = reception;
            PeerOutbox back = callers == null ? null : callers.outbox(to);
            if (back != null) {
                return back;
            }
        }
        return anyWay(to.nodeId());
    }

    private @Nullable PeerOutbox anyWay(int nodeId) {
        PeerLink link = links.get(nodeId);
        if (link == null || link.reached() == null) {
            Reception callers = reception;
            PeerOutbox back = callers == null ? null : callers.outbox(nodeId);
            if (back != null) {
                return back;
            }
        }
        return link == null ? null : link.outbox();
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalStateException if the transport has not been started
     */
    @Override
    public String advertisedAddress() {
        String address = advertisedAddress;
        if (address == null) {
            throw new IllegalStateException("The address is known once the transport has been started");
        }
        return address;
    }

    @Override
    public @Nullable String trouble(int nodeId) {
        PeerLink link = links.get(nodeId);
        Reception callers = reception;
        return link == null || (callers != null && callers.outbox(nodeId) != null) ? null : link.trouble();
    }

    @Override
    public long messagesUnsent() {
        return tally.dropped();
    }

    /** What happened so far. Any thread. */
    public Counters counters() {
        return tally.read();
    }

    /**
     * {@inheritDoc}
     *
     * <p>Called from within a delivery, that is on an event loop, it cannot wait for the event loops: the port is freed soon after it
     * returns.
     */
    @Override
    public void close() {
        IoThreads threads;
        Carrier unused;
        Map<Integer, PeerLink> closing;
        synchronized (this) {
            if (isClosed) {
                return;
            }
            isClosed = true;
            threads = io;
            unused = carrier;
            closing = links;
            links = Map.of();
        }
        if (threads == null) {
            if (unused != null) {
                unused.close();
            }
            return;
        }
        // Not under the lock: a delivery under way may call in here, and the event loops that are waited for wait for it.
        boolean mayWait = !threads.isOnLoop();
        try {
            List<Future<?>> ends = new ArrayList<>();
            if (listener != null) {
                ends.add(listener.close());
            }
            closing.values().forEach(link -> ends.add(link.stop()));
            if (reception != null) {
                ends.addAll(reception.close());
            }
            if (mayWait) {
                threads.awaitClosed(ends);
            }
        } finally {
            threads.close(mayWait);     // or else whoever carries an event loop would do so for ever
        }
    }

    /** Lets the listener be bound, and its port be known, before there is anybody to receive. */
    private static final class LateInitializer extends io.netty.channel.ChannelInitializer<Channel> {

        private volatile @Nullable Reception reception;

        @Override
        protected void initChannel(Channel channel) {
            Reception ready = reception;
            if (ready == null) {
                channel.close();
            } else {
                channel.pipeline().addLast(ready);
            }
        }
    }

    @SuppressWarnings("unchecked")
    private static void setAll(ServerBootstrap bootstrap, Map<ChannelOption<?>, Object> options) {
        options.forEach((option, value) -> bootstrap.childOption((ChannelOption<Object>) option, value));
    }
}
