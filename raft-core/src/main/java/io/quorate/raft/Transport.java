package io.quorate.raft;

import io.quorate.raft.core.Message;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Carries messages between the replicas of one group, and requests of clients to this replica.
 *
 * <p>Sending never blocks: what cannot be queued is dropped, and Raft copes; it copes with a message that comes twice, too. A peer that
 * was lost is reached again by itself once it is back. The transport refuses connections from another cluster, from a lower recovery
 * epoch, for another node, and from an older boot of a replica; it does not judge incarnations. While either end is blank, only founding
 * messages pass.
 *
 * <p>{@link io.quorate.raft.testing.TransportContract} holds an implementation against all this.
 */
public interface Transport extends AutoCloseable {

    /**
     * Who this end is, in every handshake.
     *
     * @param identity the replica, its boot, and its group if it has one
     */
    record Local(Identity identity) { }

    /**
     * Where a transport delivers. Every method returns quickly. Called on the transport's threads; within one process that may be the
     * thread that sends. A receiver that fails costs a connection at most: neither the sender nor later messages suffer.
     */
    interface Receiver {

        /** A message from a peer of the same cluster, in one piece, its entries intact. */
        void onMessage(Message message);

        /** A message from a node that is blank, or to one. */
        void onFounding(FoundingMessage message);

        /** A question for a piece of a snapshot, or the answer to one. */
        void onSnapshot(SnapshotMessage message);

        /** A question for entries that are damaged at the asker, or the answer to one, its entries intact. */
        void onRepair(RepairMessage message);

        /**
         * A client asks.
         *
         * @param request      what
         * @param timeoutNanos for how long it will wait for the answer; more than 0, and {@link Long#MAX_VALUE} if it did not say
         * @param reply        takes the answer, once, on any thread
         */
        void onClientRequest(ClientRequest request, long timeoutNanos, Consumer<ClientResponse> reply);

        /**
         * The process at this node has ended, as far as this end can tell: a connection that stood was closed or reset by its host, and a
         * new one is not accepted. A hint: it may be wrong, and its absence says nothing (a host that is down does not answer).
         */
        default void onPeerLost(int nodeId) {
            // Silence tells the same, only later.
        }

        /**
         * A younger boot of this very replica is running: a copy of the data directory, or a process that should be dead. This
         * server stops.
         *
         * @param reporter the node that says so
         * @param boot     the younger boot's number
         */
        void onYoungerBoot(int reporter, long boot);
    }

    /**
     * A transport that has no threads of its own for what comes and goes: one thread of its user's carries it, between two turns of its own
     * work. So a message needs no thread to be woken on its way to that work, and none on its way out.
     */
    interface Poller {

        /**
         * Sends what waits to be sent, and delivers what has come; if there is nothing to deliver, waits for it. Always called by one
         * thread, which is the one that {@link Receiver} is told on, and again and again, also while it has other work.
         *
         * @param nanos how long to wait at most; 0 for not at all
         */
        void poll(long nanos);

        /** Lets the present wait return, or else the next. Any thread. */
        void wake();

        /** Polls until the transport is closed: the last that its thread does here. Somebody else closes it, or has done so. */
        void leave();
    }

    /**
     * How the transport is carried, if it wants to be. Asked at most once, before {@link #start}; who asks must poll from then on, or the
     * transport neither sends nor delivers.
     *
     * @return null if it has threads of its own
     */
    default @Nullable Poller poller() {
        return null;
    }

    /**
     * Binds, accepts, and connects to the peers. Called once.
     *
     * @param local    who this end is
     * @param peers    the other nodes' addresses, by node id
     * @param receiver where to deliver
     * @throws TransportException if the address cannot be bound
     */
    void start(Local local, Map<Integer, String> peers, Receiver receiver);

    /** This replica has been founded: connections are made again, in the group's name. */
    void founded(Local local);

    /** The other nodes' addresses have changed. Before the start and after the end, nothing. */
    void peers(Map<Integer, String> peers);

    /**
     * Sends to a peer, or drops. Any thread, also before the start and after the end, when everything is dropped. Order is kept per thread
     * and peer while the connection lasts.
     */
    void send(Message message);

    /** Sends to a node, or drops. Any thread, at any time. */
    void send(FoundingMessage message);

    /**
     * Sends to a peer, or drops. Pieces go out behind everything else that waits for that peer, and few are queued: they are asked for
     * again. Any thread.
     */
    void send(SnapshotMessage message);

    /** Sends to a peer, or drops. Any thread. */
    void send(RepairMessage message);

    /** The address that others should connect to, as {@code host:port}; known after {@code start} when the port was 0. */
    String advertisedAddress();

    /** Why the peer cannot be reached at the moment, for people; null if it is connected or was never tried. */
    @Nullable String trouble(int nodeId);

    /** How many messages for peers were dropped so far, for whatever reason. Any thread, also after the end. */
    default long messagesUnsent() {
        return 0;
    }

    /**
     * Closes all connections and frees the port before it returns; nothing is delivered afterwards. May be called twice, and while another
     * thread starts the transport, which then fails or is closed. Called from within a delivery, it cannot wait for that delivery.
     */
    @Override
    void close();
}
