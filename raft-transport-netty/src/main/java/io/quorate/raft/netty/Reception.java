package io.quorate.raft.netty;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.quorate.raft.Identity;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.netty.wire.Hello;
import io.quorate.raft.netty.wire.RefusedCode;
import io.quorate.raft.netty.wire.Role;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Takes in who connects: hears the handshake, then serves a peer or a client, and never the one as the other. */
final class Reception extends ChannelInitializer<Channel> {

    /** Connections that have not said who they are; more are closed at once. */
    static final int HALF_OPEN_MAX = 64;
    /** Connections of clients; more are refused. */
    static final int CLIENTS_MAX = 1024;
    /** Connections of peers; more are refused. A group has far fewer. */
    static final int PEERS_MAX = 128;

    private final Endpoint endpoint;
    private final Set<Guest> guests = ConcurrentHashMap.newKeySet();
    private final Map<ReplicaId, Guest> peers = new ConcurrentHashMap<>();
    private final AtomicInteger halfOpen = new AtomicInteger();
    private final AtomicInteger clients = new AtomicInteger();
    private final Quota halfReadBytes = new Quota(ClientDesk.ALL_HALF_READ_BYTES_MAX);
    private final Quota clientBytes = new Quota(ClientDesk.ALL_BYTES_MAX);
    private final Quota answerBytes = new Quota(ClientDesk.ALL_ANSWER_BYTES_MAX);
    private volatile boolean isClosed;

    Reception(Endpoint endpoint) {
        this.endpoint = endpoint;
    }

    @Override
    protected void initChannel(Channel channel) {
        Guest guest = new Guest(channel);
        guests.add(guest);
        int waiting = halfOpen.incrementAndGet();
        Pipelines.fill(channel.pipeline(), guest.connection);
        if (isClosed) {
            guest.connection.close("closed");
        } else if (waiting > HALF_OPEN_MAX) {
            endpoint.tally.connectionsRefused.increment();
            endpoint.patientLog.warn("Reception", "closes connections at once, for " + HALF_OPEN_MAX + " have not said who they are");
            guest.connection.close("too many connections without a handshake");
        }
    }

    /** Where to send what is for exactly this replica, if it is connected to this end. Any thread. */
    @Nullable PeerOutbox outbox(ReplicaId replica) {
        Guest guest = peers.get(replica);
        return guest == null ? null : guest.outbox;
    }

    /** Where to send what is for any replica of this node, if one is connected to this end. Any thread. */
    @Nullable PeerOutbox outbox(int nodeId) {
        for (Map.Entry<ReplicaId, Guest> each : peers.entrySet()) {
            if (each.getKey().nodeId() == nodeId) {
                return each.getValue().outbox;
            }
        }
        return null;
    }

    /** This replica has been founded: what was said to it as a blank is over. */
    void founded() {
        for (Guest guest : guests) {
            if (guest.isFoundingOnly) {
                guest.connection.close("founded");
            }
        }
    }

    /** Closes all connections; they are closed when the futures are done. */
    List<ChannelFuture> close() {
        isClosed = true;
        List<ChannelFuture> ends = new ArrayList<>();
        for (Guest guest : guests) {
            guest.connection.close("closed");
            ends.add(guest.connection.channel().closeFuture());
        }
        return ends;
    }

    /** One connection that came in. */
    private final class Guest implements Connection.Conversation {

        private final Connection connection;
        private @Nullable Greeting peer;        // null until a peer's handshake is done
        private volatile @Nullable PeerOutbox outbox;   // of a peer
        private @Nullable ClientDesk desk;      // null until a client's handshake is done
        private boolean isHalfOpen = true;
        private volatile boolean isFoundingOnly;

        Guest(Channel channel) {
            this.connection = new Connection(channel, this, endpoint.tally, endpoint.patientLog, endpoint.timing, false, FrameType.FIRST);
        }

        @Override
        public void onOpen(Connection opened) {
            // Who connects speaks first.
        }

        @Override
        public void onFrame(Connection from, Frame frame) {
            if (desk != null) {
                desk.onRequest(frame);
            } else if (peer == null) {
                onHello(frame);
            } else if (frame.type() == FrameType.REFUSED) {
                Refusal refusal = Refusal.of(frame);
                endpoint.onRefused(replica().nodeId(), refusal);
                from.close("refused: " + refusal.reason());
            } else {
                endpoint.deliver(replica(), frame);
            }
        }

        @Override
        public void onWritable() {
            PeerOutbox waiting = outbox;
            if (desk != null) {
                desk.onWritable();
            } else if (waiting != null) {
                waiting.drain();
            }
        }

        @Override
        public void onClosed(String why, boolean isByOther) {
            guests.remove(this);
            settled();
            if (desk != null) {
                clients.decrementAndGet();
                desk.close();
            }
            if (peer != null) {
                peers.remove(replica(), this);
            }
            PeerOutbox waiting = outbox;
            if (waiting != null) {
                waiting.close();
                endpoint.callers.onCallEnded(replica().nodeId(), isByOther);
            }
        }

        private void onHello(Frame frame) {
            Hello hello = Parts.parse(Hello.parser(), frame);
            if (hello.getMagic() != Greeting.MAGIC) {
                throw new MalformedFrameException("a hello of another protocol");
            }
            int version = HandshakeRules.version(hello);
            if (version == 0) {
                refuse("A connection", HandshakeRules.versionsDoNotOverlap(hello));
                return;
            }
            Greeting greeting = Greeting.of(frame, hello);
            if (greeting.role() == Role.ROLE_PEER) {
                onPeer(greeting, version);
            } else {
                onClient(greeting, version);
            }
        }

        private void onClient(Greeting greeting, int version) {
            Identity local = endpoint.identity();
            Greeting own = Greeting.ofPeer(local, 0, "");
            // A client of a lower epoch is not refused: it learns the new one from the welcome.
            Refusal refusal = HandshakeRules.judgeGroup(own.clusterId(), 0, greeting);
            boolean isAdmin = greeting.role() == Role.ROLE_ADMIN;
            if (refusal != null) {
                refuse("A client", refusal);
            } else if (isAdmin && !endpoint.hasAdministration) {
                refuse("An administrator", new Refusal(RefusedCode.REFUSED_ADMINISTRATION, "Nothing happened: this node serves no"
                    + " administrators; build its transport with administration(true), or ask a node that does"));
            } else if (clients.incrementAndGet() > CLIENTS_MAX) {
                clients.decrementAndGet();
                refuse("A client", new Refusal(RefusedCode.REFUSED_BUSY, "this node serves " + CLIENTS_MAX + " clients already"));
            } else {
                desk = new ClientDesk(connection, endpoint, local.isBlank(), clientBytes, answerBytes);
                welcome(own, version, isAdmin ? FrameType.FROM_ADMIN : FrameType.FROM_CLIENT, halfReadBytes);
                desk.open();
            }
        }

        private void onPeer(Greeting greeting, int version) {
            Identity local = endpoint.identity();
            Refusal refusal = endpoint.rules.judgeHello(local, greeting);
            if (refusal == null && peers.size() >= PEERS_MAX) {
                refusal = new Refusal(RefusedCode.REFUSED_BUSY, "this node hears " + PEERS_MAX + " peers already");
            }
            ReplicaId replica = Objects.requireNonNull(greeting.replica());
            if (refusal != null) {
                refuse("Node " + replica.nodeId() + " at " + greeting.advertisedAddress(), refusal);
                return;
            }
            peer = greeting;
            Guest previous = peers.put(replica, this);
            if (previous != null) {
                previous.replacedBy(greeting.boot());
            }
            boolean isBlankTalk = local.isBlank() || greeting.isBlank();
            isFoundingOnly = isBlankTalk;
            if (endpoint.identity() != local) {
                connection.close("founded");    // just now; founded() may have passed before it could see this guest
                return;
            }
            welcome(Greeting.ofPeer(local, 0, ""), version, isBlankTalk ? FrameType.FROM_BLANK : FrameType.FROM_PEER, null);
            PeerOutbox answers = new PeerOutbox(replica.nodeId(), endpoint.tally);
            answers.open(connection.channel(), isBlankTalk);
            outbox = answers;
            endpoint.callers.onCall(replica.nodeId());
        }

        private void welcome(Greeting own, int version, Set<FrameType> allowed, @Nullable Quota quota) {
            settled();
            endpoint.tally.connectionsAccepted.increment();
            connection.establish(allowed, quota);
            connection.send(FrameType.WELCOME, own.toWelcome(version));
        }

        /** Two connections of one replica: bytes of the older must not come behind those of the younger. Any thread. */
        private void replacedBy(long boot) {
            Greeting greeting = Objects.requireNonNull(peer);
            if (boot > greeting.boot()) {
                connection.refuse(Refusal.ofOlderBoot(replica(), greeting.boot(), boot));
            } else {
                connection.close("replaced by a newer connection");
            }
        }

        private void refuse(String who, Refusal refusal) {
            endpoint.patientLog.warn(who, "is refused: " + refusal.reason());
            connection.refuse(refusal);
        }

        private void settled() {
            if (isHalfOpen) {
                isHalfOpen = false;
                halfOpen.decrementAndGet();
            }
        }

        private ReplicaId replica() {
            return Objects.requireNonNull(Objects.requireNonNull(peer).replica());
        }
    }
}
