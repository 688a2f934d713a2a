package io.quorate.raft.netty;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.util.collection.LongObjectHashMap;
import io.netty.util.collection.LongObjectMap;
import io.netty.util.concurrent.Future;
import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.client.ClientTransport;
import io.quorate.raft.client.ClientTransport.NotSentException;
import io.quorate.raft.netty.wire.RefusedCode;
import io.quorate.raft.netty.wire.Role;
import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A client's connection to one address; when it is lost it is over, and the next call makes another.
 *
 * <p>A call that was never encoded has certainly not been sent. From then on nobody knows, until it is answered.
 */
final class ClientLink implements Connection.Conversation, Outbox.Writer<ClientLink.Call> {

    /** Bytes of requests that may wait to be sent; more are not sent. */
    static final long BYTES_MAX = 64 << 20;

    /** One request and who waits for its answer. Everything but the future belongs to the event loop. */
    static final class Call {

        private final ClientRequest request;
        private final long deadlineNanos;
        private final CompletableFuture<ClientResponse> answer = new CompletableFuture<>();
        private long id;                        // 0 until it is encoded
        private @Nullable Future<?> timeout;

        Call(ClientRequest request, long timeoutNanos) {
            this.request = request;
            this.deadlineNanos = System.nanoTime() + timeoutNanos;
        }

        CompletableFuture<ClientResponse> answer() {
            return answer;
        }
    }

    /** Whom a link goes to, and in which role its client speaks there. */
    record Way(String address, Role role) { }

    private static final AtomicLong IDS = new AtomicLong();

    private final Way way;
    private final String address;
    private final ClientGroup group;
    private final IoThreads io;
    private final Tally tally;
    private final PatientLog patientLog;
    private final Timing timing;
    private final Consumer<ClientLink> onOver;
    private final EventLoop loop;
    private final Outbox<Call> outbox;
    private final LongObjectMap<Call> open = new LongObjectHashMap<>();
    private @Nullable Channel channel;
    private @Nullable Connection connection;
    private boolean isToBlank;                  // whoever welcomed it belonged to no group
    private int epoch = Integer.MAX_VALUE;      // of whoever welcomed it into a group: nobody else is left behind
    private volatile @Nullable String over;     // why, once it is
    private volatile boolean isForbidden;       // the other end serves no administrators, which will not change

    /** @param onOver is told, before anybody can see it, that this link takes no more calls */
    ClientLink(Way way, ClientGroup group, IoThreads io, Tally tally, PatientLog patientLog, Timing timing,
               Consumer<ClientLink> onOver) {
        this.way = way;
        this.address = way.address();
        this.group = group;
        this.io = io;
        this.tally = tally;
        this.patientLog = patientLog;
        this.timing = timing;
        this.onOver = onOver;
        this.loop = io.loops().next();
        this.outbox = new Outbox<>(this, tally);
    }

    Way way() {
        return way;
    }

    /** Connects. Any thread. */
    void start() {
        loop.execute(this::dial);
    }

    /** Whether this link takes no more calls. Any thread. */
    boolean isOver() {
        return over != null;
    }

    /** Sends the request, or fails the call. Any thread. */
    void send(Call call, long timeoutNanos) {
        call.timeout = loop.schedule(() -> onTimeout(call), timeoutNanos, TimeUnit.NANOSECONDS);
        if (!outbox.offer(call, ClientFrames.sizeOf(call.request), BYTES_MAX)) {
            String why = over;
            notSent(call, why == null ? BYTES_MAX + " bytes wait to be sent to " + address + " already" : why);
        }
    }

    /** Ends it; open calls complete. Any thread. */
    Future<?> close() {
        return loop.submit(() -> end("the client was closed"));
    }

    /** Ends it if whoever is at its other end was left behind by a recovery into this epoch. Any thread. */
    void onRisen(int risen) {
        loop.execute(() -> endIfLeftBehind(risen));
    }

    private boolean endIfLeftBehind(int risen) {
        if (epoch < risen) {
            end("it is of recovery epoch " + epoch + ", and the group was recovered into epoch " + risen);
        }
        return epoch < risen;
    }

    /** What was never sent completes, after the event loops have ended. Any thread. */
    void discard() {
        outbox.close();
    }

    private void dial() {
        if (over != null) {
            return;
        }
        HostPort where;
        try {
            where = HostPort.of(address);
        } catch (IllegalArgumentException e) {
            end(e.getMessage());
            return;
        }
        io.resolve(where, loop, (found, failure) -> {
            if (found == null) {
                end("no address is known for " + where.host() + (failure == null ? "" : " (" + failure.getMessage() + ")"));
            } else if (over == null) {
                connect(found);
            }
        });
    }

    private void connect(InetSocketAddress found) {
        Bootstrap bootstrap = new Bootstrap().group(loop).channel(io.channel())
            .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) TimeUnit.NANOSECONDS.toMillis(timing.connectNanos()))
            .handler(new ChannelInitializer<>() {
                @Override
                protected void initChannel(Channel fresh) {
                    connection = new Connection(fresh, ClientLink.this, tally, patientLog, timing, true, FrameType.ANSWERS_TO_HELLO);
                    Pipelines.fill(fresh.pipeline(), connection);
                }
            });
        PeerLink.setAll(bootstrap, io.options(timing));
        ChannelFuture connecting = bootstrap.connect(found);
        channel = connecting.channel();
        connecting.addListener(done -> {
            if (!done.isSuccess()) {
                end(ConnectFailure.of(address, done.cause()));
            }
        });
    }

    private void end(String why) {
        if (over != null) {
            return;
        }
        onOver.accept(this);    // first: whoever finds that it is over must not find it again
        over = why;
        outbox.close();
        if (connection != null) {
            connection.close(why);
        } else if (channel != null) {
            channel.close();
        }
        for (Call call : open.values()) {
            settle(call).completeExceptionally(new OutcomeUnknownException("Perhaps it was done: the connection to " + address
                + " was lost before the answer came (" + why + ")"));
        }
        open.clear();
    }

    private void onTimeout(Call call) {
        if (call.id == 0) {
            notSent(call, "not connected in time");
        } else if (open.remove(call.id) != null) {
            call.answer.completeExceptionally(new OutcomeUnknownException("Perhaps it was done: " + address + " has not answered in time"));
        }
    }

    private void notSent(Call call, String why) {
        if (isForbidden) {
            settle(call).complete(new ClientResponse.Failed(why));
            return;
        }
        settle(call).completeExceptionally(new NotSentException("Nothing was sent to " + address + ": " + why, null));
    }

    private static CompletableFuture<ClientResponse> settle(Call call) {
        if (call.timeout != null) {
            call.timeout.cancel(false);
        }
        return call.answer;
    }

    @Override
    public void onOpen(Connection opened) {
        opened.send(FrameType.HELLO, group.greeting(way.role()).toHello());
    }

    @Override
    public void onFrame(Connection from, Frame frame) {
        if (frame.type() == FrameType.WELCOME) {
            Greeting welcome = Greeting.ofWelcome(frame);
            Refusal refusal = group.judge(welcome);
            if (refusal != null) {
                from.refuse(refusal);
                end("refused it: " + group.explain(refusal));
                return;
            }
            isToBlank = welcome.isBlank();
            epoch = isToBlank ? Integer.MAX_VALUE : welcome.epoch();
            from.establish(way.role() == Role.ROLE_ADMIN ? FrameType.TO_ADMIN : FrameType.TO_CLIENT, null);
            outbox.open(from.channel());
        } else if (frame.type() == FrameType.REFUSED) {
            Refusal refusal = Refusal.of(frame);
            String why = group.explain(refusal);
            patientLog.warn(address, "refuses this client: " + why);
            isForbidden = refusal.code() == RefusedCode.REFUSED_ADMINISTRATION;
            end("it refused this client: " + why);
        } else if (!endIfLeftBehind(group.epoch())) {
            ClientFrames.Response response = ClientFrames.response(frame);
            Call call = open.remove(response.id());
            if (isToBlank && open.isEmpty() && outbox.bytes() == 0) {
                end("it belonged to no group");     // and may belong to any by now: the caller's next call finds out
            }
            if (call != null) {     // else its caller has stopped waiting
                settle(call).complete(response.response());
            }
        }
    }

    @Override
    public void onWritable() {
        outbox.drain();
    }

    @Override
    public void onClosed(String why, boolean isByOther) {
        end(why);
    }

    @Override
    public void write(ByteBuf out, Call call) {
        if (call.answer.isDone()) {
            return;     // its time has passed, or its caller has gone; it has not been sent and will not be
        }
        call.id = IDS.incrementAndGet();
        open.put(call.id, call);
        // Of what is left of its time: waiting for the connection has cost some.
        long told = ClientTransport.toldNanos(Math.max(1, call.deadlineNanos - System.nanoTime()));
        ClientFrames.write(out, new ClientFrames.Request(call.id, call.request, told));
    }

    @Override
    public void onDiscarded(Call call) {
        if (call.id != 0) {
            open.remove(call.id);   // it failed while it was encoded, so this is the event loop
        }
        String why = over;
        notSent(call, why == null ? "it could not be made a frame; the log says why" : why);
    }
}
