package io.quorate.raft.netty;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.quorate.raft.Identity;
import io.quorate.raft.core.ReplicaId;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The way to one peer: a connection that this end opens, and opens again whenever it is lost. What the peer says comes on the connection
 * that the peer opened, or on this one while it cannot open its own.
 *
 * <p>While no connection stands or is being made, messages are dropped. All state belongs to one event loop; {@link #send} is for any
 * thread.
 */
final class PeerLink {

    /** A connection that lasted this long was a good one, and its loss is the first failure. */
    private static final long GOOD_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Endpoint endpoint;
    private final int nodeId;
    private final EventLoop loop;
    private volatile @Nullable Attempt current;     // null while waiting before the next, and when stopped
    private volatile @Nullable String trouble;
    private @Nullable Future<?> retry;
    private volatile @Nullable ReplicaId reached;   // with whom a connection stands, or null
    private String address;
    private int failures;
    private boolean isProbing;              // the peer has closed a connection; if it does not take the next, it is lost
    private boolean isLost;                 // and that was told
    private boolean isStopped;

    PeerLink(Endpoint endpoint, int nodeId, String address) {
        this.endpoint = endpoint;
        this.nodeId = nodeId;
        this.address = address;
        this.loop = endpoint.io.loops().next();
        Attempt first = new Attempt(endpoint.identity());   // here, so that what is sent at once waits for it
        this.current = first;
        loop.execute(first::begin);
    }

    /** Where to send what is for this peer, or null if it would be dropped. Any thread. */
    @Nullable PeerOutbox outbox() {
        Attempt attempt = current;
        return attempt == null ? null : attempt.outbox;
    }

    /** With whom a connection stands, or null. Any thread. */
    @Nullable ReplicaId reached() {
        return reached;
    }

    /** Why the peer is not connected, or null. Any thread. */
    @Nullable String trouble() {
        return trouble;
    }

    /** The peer has another address. Any thread. */
    void moveTo(String newAddress) {
        loop.execute(() -> {
            if (!newAddress.equals(address)) {
                address = newAddress;
                redial("the peer's address is now " + newAddress);
            }
        });
    }

    /** The peer has connected to this end. Any thread. */
    void onCall() {
        loop.execute(() -> {
            isLost = false;
            if (current == null) {
                redial("the peer has connected");       // it lives, so there is nothing to wait for
            }
        });
    }

    /** The peer's host has closed the connection that the peer opened. Any thread. */
    void onCallEnded() {
        loop.execute(() -> {
            Attempt attempt = current;
            if (!isStopped && !isLost && (attempt == null || !attempt.isEstablished)) {    // else its own end tells more
                if (attempt == null) {
                    redial("the peer has closed its connection");
                }
                isProbing = true;
            }
        });
    }

    /** This replica has been founded: what was said in a blank's name is over. Any thread. */
    void founded() {
        loop.execute(() -> {
            Attempt attempt = current;
            if (attempt == null || attempt.isFoundingOnly || attempt.hello.isBlank()) {
                redial("founded");
            }
        });
    }

    /** No connection any more. The future is done when the last one is closed. Any thread. */
    io.netty.util.concurrent.Future<?> stop() {
        return loop.submit(() -> {
            isStopped = true;
            abandon("closed");
        });
    }

    private void redial(String why) {
        abandon(why);
        failures = 0;
        isProbing = false;
        dial();
    }

    private void abandon(String why) {
        if (retry != null) {
            retry.cancel(false);
            retry = null;
        }
        Attempt attempt = current;
        current = null;
        reached = null;
        if (attempt != null) {
            attempt.abandon(why);
        }
    }

    private void dial() {
        retry = null;
        if (isStopped || current != null) {
            return;
        }
        Attempt attempt = new Attempt(endpoint.identity());
        current = attempt;
        attempt.begin();
    }

    private void retryLater() {
        long base = Math.min(endpoint.timing.retryMaxNanos(), endpoint.timing.retryMinNanos() << Math.min(failures, 16));
        failures++;
        // Half fixed, half drawn: peers that lost each other together do not come back together.
        long waitNanos = base / 2 + ThreadLocalRandom.current().nextLong(base / 2 + 1);
        retry = loop.schedule(this::dial, waitNanos, TimeUnit.NANOSECONDS);
    }

    /** One attempt, and the connection it leads to. */
    private final class Attempt implements Connection.Conversation {

        private final Greeting hello;
        private final PeerOutbox outbox;
        private @Nullable Channel channel;
        private @Nullable Connection connection;
        private @Nullable Greeting peer;        // who answered
        private boolean isFoundingOnly;
        private boolean isOver;
        private long establishedNanos;
        private boolean isEstablished;

        Attempt(Identity identity) {
            this.hello = Greeting.ofPeer(identity, nodeId, endpoint.advertisedAddress());
            this.outbox = new PeerOutbox(nodeId, endpoint.tally);
        }

        void begin() {
            if (isOver) {
                return;
            }
            HostPort parsed;
            try {
                parsed = HostPort.of(address);
            } catch (IllegalArgumentException e) {
                end(e.getMessage(), false);
                return;
            }
            endpoint.io.resolve(parsed, loop, (found, failure) -> {
                if (isOver) {
                    return;
                }
                if (found == null) {
                    end("no address is known for " + parsed.host() + (failure == null ? "" : " (" + failure.getMessage() + ")"), false);
                } else {
                    connect(found);
                }
            });
        }

        private void connect(InetSocketAddress found) {
            Bootstrap bootstrap = new Bootstrap().group(loop).channel(endpoint.io.channel())
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) TimeUnit.NANOSECONDS.toMillis(endpoint.timing.connectNanos()))
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel fresh) {
                        connection = new Connection(fresh, Attempt.this, endpoint.tally, endpoint.patientLog, endpoint.timing, true,
                            FrameType.ANSWERS_TO_HELLO);
                        Pipelines.fill(fresh.pipeline(), connection);
                    }
                });
            setAll(bootstrap, endpoint.io.options(endpoint.timing));
            ChannelFuture connecting = bootstrap.connect(found);
            channel = connecting.channel();
            connecting.addListener(done -> {
                if (!done.isSuccess()) {
                    end(ConnectFailure.of(address, done.cause()), ConnectFailure.isRefusal(done.cause()));
                }
            });
        }

        void abandon(String why) {
            isOver = true;
            outbox.close();
            if (connection != null) {
                connection.close(why);
            } else if (channel != null) {
                channel.close();
            }
        }

        void end(String why, boolean isByOther) {
            if (isOver) {
                return;
            }
            isOver = true;
            outbox.close();
            if (current != this) {
                return;
            }
            current = null;
            reached = null;
            trouble = why;
            endpoint.patientLog.warn("Node " + nodeId + " at " + address, why);
            if (isEstablished && System.nanoTime() - establishedNanos > GOOD_NANOS) {
                failures = 0;
            }
            if (isEstablished && isByOther) {
                isProbing = true;
                if (failures == 0) {                // else it closes one after the other, and is not to be hurried
                    failures = 1;
                    retry = loop.schedule(PeerLink.this::dial, 0, TimeUnit.NANOSECONDS);
                    return;
                }
            } else if (isProbing) {
                isProbing = false;
                if (isByOther) {
                    isLost = true;
                    endpoint.onLost(nodeId);
                }
            }
            retryLater();
        }

        @Override
        public void onOpen(Connection opened) {
            opened.send(FrameType.HELLO, hello.toHello());
        }

        @Override
        public void onFrame(Connection from, Frame frame) {
            if (frame.type() == FrameType.WELCOME) {
                onWelcome(from, Greeting.ofWelcome(frame));
            } else if (frame.type() != FrameType.REFUSED && peer != null) {
                Refusal refusal = endpoint.rules.judgeStill(peer);
                if (refusal != null) {
                    from.refuse(refusal);
                } else {
                    endpoint.deliver(Objects.requireNonNull(peer.replica()), frame);
                }
            } else {
                Refusal refusal = Refusal.of(frame);
                endpoint.tally.connectionsRefused.increment();
                endpoint.onRefused(nodeId, refusal);
                from.close("handshake refused: " + refusal.reason());
            }
        }

        private void onWelcome(Connection from, Greeting welcome) {
            Refusal refusal = endpoint.rules.judgeWelcome(hello, welcome);
            if (refusal != null) {
                from.refuse(refusal);
                return;
            }
            isFoundingOnly = hello.isBlank() || welcome.isBlank();
            isEstablished = true;
            establishedNanos = System.nanoTime();
            isProbing = false;
            isLost = false;
            trouble = null;
            peer = welcome;
            reached = welcome.replica();
            from.establish(isFoundingOnly ? FrameType.TO_BLANK : FrameType.TO_PEER, null);
            outbox.open(from.channel(), isFoundingOnly);
        }

        @Override
        public void onWritable() {
            outbox.drain();
        }

        @Override
        public void onClosed(String why, boolean isByOther) {
            end(why, isByOther);
        }
    }

    @SuppressWarnings("unchecked")
    static void setAll(Bootstrap bootstrap, Map<ChannelOption<?>, Object> options) {
        options.forEach((option, value) -> bootstrap.option((ChannelOption<Object>) option, value));
    }
}
