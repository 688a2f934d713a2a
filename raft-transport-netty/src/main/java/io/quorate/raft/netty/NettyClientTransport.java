package io.quorate.raft.netty;

import io.netty.util.concurrent.Future;
import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.ClusterId;
import io.quorate.raft.client.ClientTransport;
import io.quorate.raft.core.Entry;
import io.quorate.raft.netty.wire.Role;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * Requests over TCP: one connection to each address, made with the first request and shared by all. Answers complete their futures on
 * event loops, so what is chained to them returns quickly. Nothing is encrypted. Any thread.
 *
 * <p>It speaks with one group: nothing is sent to a replica of another, and the failure says which group was wanted and which was found. A
 * group that is restored from a backup, or founded anew, is another group, and wants another transport.
 */
public final class NettyClientTransport implements ClientTransport {

    /** Connections that a client has at one time; requests that need more are not sent. */
    static final int ADDRESSES_MAX = 256;
    /** A call that finds its connection just lost tries this often to get another. */
    private static final int TRIES = 3;

    private final ClientGroup group;
    private final Timing timing;
    private final Tally tally = new Tally();
    private final PatientLog patientLog = new PatientLog(LoggerFactory.getLogger(NettyClientTransport.class));
    private final IoThreads io;
    private final Map<ClientLink.Way, ClientLink> links = new ConcurrentHashMap<>();
    private final AtomicBoolean isClosed = new AtomicBoolean();

    /** For a client of the first group that it meets; from then on, replicas of another are refused. */
    public NettyClientTransport() {
        this(null, 0, Timing.DEFAULT);
    }

    /** For a client of this group; replicas of another are refused. */
    public NettyClientTransport(ClusterId expected) {
        this(expected, 0);
    }

    /**
     * For a client of this group, in this recovery epoch or a higher one: for who has kept the {@link #epoch} of an earlier process, so
     * that also the first replica that this one meets is none that a recovery has left behind.
     */
    public NettyClientTransport(ClusterId expected, int epoch) {
        this(expected, epoch, Timing.DEFAULT);
    }

    NettyClientTransport(@Nullable ClusterId expected, int epoch, Timing timing) {
        if (epoch < 0 || epoch > Greeting.EPOCH_MAX) {
            throw new IllegalArgumentException("A recovery epoch is 0 to " + Greeting.EPOCH_MAX + ", not " + epoch);
        }
        this.group = new ClientGroup(expected, epoch, risen -> links.values().forEach(link -> link.onRisen(risen)));
        this.timing = timing;
        this.io = new IoThreads("quorate-client", IoThreads.LOOPS);     // last: a refused argument leaves no threads behind
    }

    /**
     * {@inheritDoc}
     *
     * <p>A command or query that is larger than any replica takes is answered {@link ClientResponse.Failed} at once. What administrators
     * ask goes over a connection of its own, and is answered {@link ClientResponse.Failed} by a server that does not serve them.
     */
    @Override
    public CompletableFuture<ClientResponse> call(String address, ClientRequest request, long timeoutNanos) {
        int size = ClientFrames.block(request).length;
        if (size > Entry.PAYLOAD_BYTES_MAX) {
            return CompletableFuture.completedFuture(new ClientResponse.Failed("the request has " + size + " bytes; at most "
                + Entry.PAYLOAD_BYTES_MAX + " are possible"));
        }
        if (timeoutNanos <= 0) {
            return notSent(address, "the time for it has passed");
        }
        try {
            ClientLink.Way way =
                new ClientLink.Way(address, request instanceof ClientRequest.Admin ? Role.ROLE_ADMIN : Role.ROLE_CLIENT);
            for (int i = 0; i < TRIES && !isClosed.get(); i++) {
                ClientLink link = links.get(way);
                boolean isFresh = link == null;     // what becomes of such a one, even by now, is this call's answer
                if (link == null) {
                    if (links.size() >= ADDRESSES_MAX) {
                        return notSent(address, "connections to " + ADDRESSES_MAX + " addresses are open already");
                    }
                    link = connect(way);
                }
                if (isFresh || !link.isOver()) {
                    ClientLink.Call call = new ClientLink.Call(request, timeoutNanos);
                    link.send(call, timeoutNanos);
                    return call.answer();
                }
            }
        } catch (RejectedExecutionException e) {
            return notSent(address, "the client was closed");
        }
        return notSent(address, isClosed.get() ? "the client was closed" : "the connection is lost each time");
    }

    @Override
    public int epoch() {
        return group.epoch();
    }

    @Override
    public void close() {
        if (!isClosed.compareAndSet(false, true)) {
            return;
        }
        List<Future<?>> ends = new ArrayList<>();
        for (ClientLink link : links.values()) {
            ends.add(link.close());
        }
        boolean mayWait = !io.isOnLoop();
        if (mayWait) {
            io.awaitClosed(ends);
        }
        io.close(mayWait);
        links.values().forEach(ClientLink::discard);
    }

    private ClientLink connect(ClientLink.Way way) {
        ClientLink fresh = new ClientLink(way, group, io, tally, patientLog, timing, over -> links.remove(over.way(), over));
        ClientLink other = links.putIfAbsent(way, fresh);
        if (other != null) {
            return other;
        }
        fresh.start();
        return fresh;
    }

    private static CompletableFuture<ClientResponse> notSent(String address, String why) {
        return CompletableFuture.failedFuture(new NotSentException("Nothing was sent to " + address + ": " + why, null));
    }
}
