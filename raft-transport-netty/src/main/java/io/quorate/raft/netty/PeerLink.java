package io.quorate.raft.netty;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.Identity;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.core.Message;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The way to one peer: a connection that this end opens, and opens again whenever it is lost. What the peer says comes on the connection
 * that the peer opened.
 *
 * <p>While no connection stands or is being made, messages are dropped. All state belongs to one event loop; {@link #send} is for any
 * thread.
 */
final class PeerLink {

    /** Entries are dropped when this much waits for the peer; what is small still passes. */
    static final long BULK_BYTES_MAX = 8 << 20;
    /** Everything is dropped when this much waits. */
    static final long BYTES_MAX = 16 << 20;
    /** Pieces of snapshots are dropped when as many wait; they are asked for again. */
    static final int PIECES_MAX = 2;
    /** A connection that lasted this long was a good one, and its loss is the first failure. */
    private static final long GOOD_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Endpoint endpoint;
    private final int nodeId;
    private final EventLoop loop;
    private volatile @Nullable Attempt current;     // null while waiting before the next, and when stopped
    private volatile @Nullable String trouble;
    private @Nullable Future<?> retry;
    private String address;
    private int failures;
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

    /** Sends, or drops. Any thread. */
    void send(Message message) {
        boolean isBulk = message instanceof Message.AppendEntries append && !append.entries().isEmpty();
        offer(message, PeerFrames.sizeOf(message), isBulk ? BULK_BYTES_MAX : BYTES_MAX);
    }

    /** Sends, or drops. Any thread. */
    void send(FoundingMessage message) {
        offer(message, PeerFrames.sizeOf(message), BYTES_MAX);
    }

    /** Sends, or drops; a piece goes behind all else that waits. Any thread. */
    void send(SnapshotMessage message) {
        if (!(message instanceof SnapshotMessage.Piece)) {
            offer(message, SnapshotFrames.sizeOf(message), BYTES_MAX);
            return;
        }
        Attempt attempt = current;
        if (attempt == null || !attempt.outbox.offerLast(message, PIECES_MAX)) {
            endpoint.tally.dropped(nodeId);
        }
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

    private void offer(Object message, long bytes, long bytesMax) {
        Attempt attempt = current;
        // A single message larger than the budget passes alone; counted in full, it would keep the small ones behind it from passing.
        long counted = Math.min(bytes, BULK_BYTES_MAX);
        if (attempt == null || !attempt.outbox.offer(message, counted, bytesMax)) {
            endpoint.tally.dropped(nodeId);
        }
    }

    private void redial(String why) {
        abandon(why);
        failures = 0;
        dial();
    }

    private void abandon(String why) {
        if (retry != null) {
            retry.cancel(false);
            retry = null;
        }
        Attempt attempt = current;
        current = null;
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
    private final class Attempt implements Connection.Conversation, Outbox.Writer<Object> {

        private final Greeting hello;
        private final Outbox<Object> outbox;
        private @Nullable Channel channel;
        private @Nullable Connection connection;
        private boolean isFoundingOnly;
        private boolean isOver;
        private long establishedNanos;
        private boolean isEstablished;

        Attempt(Identity identity) {
            this.hello = Greeting.ofPeer(identity, nodeId, endpoint.advertisedAddress());
            this.outbox = new Outbox<>(this, endpoint.tally);
        }

        void begin() {
            if (isOver) {
                return;
            }
            HostPort where;
            try {
                where = HostPort.of(address);
            } catch (IllegalArgumentException e) {
                end(e.getMessage());
                return;
            }
            endpoint.io.resolve(where, loop, (found, failure) -> {
                if (isOver) {
                    return;
                }
                if (found == null) {
                    end("no address is known for " + where.host() + (failure == null ? "" : " (" + failure.getMessage() + ")"));
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
                    end(ConnectFailure.of(address, done.cause()));
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

        void end(String why) {
            if (isOver) {
                return;
            }
            isOver = true;
            outbox.close();
            if (current == this) {
                current = null;
                trouble = why;
                endpoint.patientLog.warn("Node " + nodeId + " at " + address, why);
                if (isEstablished && System.nanoTime() - establishedNanos > GOOD_NANOS) {
                    failures = 0;
                }
                retryLater();
            }
        }

        @Override
        public void onOpen(Connection opened) {
            opened.send(FrameType.HELLO, hello.toHello());
        }

        @Override
        public void onFrame(Connection from, Frame frame) {
            if (frame.type() == FrameType.WELCOME) {
                onWelcome(from, Greeting.ofWelcome(frame));
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
            trouble = null;
            from.establish(FrameType.TO_PEER);
            outbox.open(from.channel());
        }

        @Override
        public void onWritable() {
            outbox.drain();
        }

        @Override
        public void onClosed(String why) {
            end(why);
        }

        @Override
        public void write(ByteBuf out, Object item) {
            if (item instanceof FoundingMessage founding) {
                PeerFrames.write(out, founding);
            } else if (isFoundingOnly) {
                onDiscarded(item);
            } else if (item instanceof SnapshotMessage snapshot) {
                SnapshotFrames.write(out, snapshot);
            } else {
                PeerFrames.write(out, (Message) item);
            }
        }

        @Override
        public void onDiscarded(Object item) {
            endpoint.tally.dropped(nodeId);
        }
    }

    @SuppressWarnings("unchecked")
    static void setAll(Bootstrap bootstrap, Map<ChannelOption<?>, Object> options) {
        options.forEach((option, value) -> bootstrap.option((ChannelOption<Object>) option, value));
    }
}
