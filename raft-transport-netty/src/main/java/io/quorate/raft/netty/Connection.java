package io.quorate.raft.netty;

import com.google.protobuf.MessageLite;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundBuffer;
import io.quorate.raft.netty.wire.Ping;
import io.quorate.raft.netty.wire.Pong;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One TCP connection: frames come out of its bytes, and whatever goes wrong closes it and is counted.
 *
 * <p>It also notices when the other end is gone without a word: who opened the connection pings, who accepted answers, and both close
 * what has been silent, or has not taken a byte, for too long. Everything runs on the channel's event loop unless it says otherwise.
 */
final class Connection extends ChannelInboundHandlerAdapter {

    /** What a connection is for. Called on the channel's event loop. */
    interface Conversation {

        /** The connection stands; nothing has been said. */
        void onOpen(Connection connection);

        /** A frame of an allowed type. May throw {@link MalformedFrameException} or {@link ForbiddenFrameException}. */
        void onFrame(Connection connection, Frame frame);

        /** The socket takes more again. */
        void onWritable();

        /**
         * It is over; called once, also if it never opened.
         *
         * @param isByOther whether the other end's host closed or reset it, rather than this end, or time
         */
        void onClosed(String why, boolean isByOther);
    }

    private static final Logger LOG = LoggerFactory.getLogger(Connection.class);

    private final Channel channel;
    private final Conversation conversation;
    private final Tally tally;
    private final PatientLog patientLog;
    private final Timing timing;
    private final boolean isOpener;
    private final FrameReader reader;
    private final Deque<ByteBuf> unread = new ArrayDeque<>();   // what came while reading was paused
    private boolean isPaused;
    private boolean isClosing;
    private boolean isReset;
    private @Nullable String why;
    private @Nullable Future<?> timer;
    private long heardNanos;
    private long watchedNanos;
    private long pingedNanos;
    private long movedNanos;        // when the socket last took bytes, or had none to take
    private long pendingBytes;
    private long pendingProgress;
    private long pings;

    /**
     * @param isOpener whether this end opened the connection
     * @param first    what may come first
     */
    Connection(Channel channel, Conversation conversation, Tally tally, PatientLog patientLog, Timing timing, boolean isOpener,
               Set<FrameType> first) {
        this.channel = channel;
        this.conversation = conversation;
        this.tally = tally;
        this.patientLog = patientLog;
        this.timing = timing;
        this.isOpener = isOpener;
        this.reader = new FrameReader(first);
    }

    Channel channel() {
        return channel;
    }

    /**
     * The handshake is done: from the next frame on, only these may come, and silence is judged.
     *
     * @param quota of what may be half read; null for no bound but that of a frame
     */
    void establish(Set<FrameType> allowed, @Nullable Quota quota) {
        reader.allow(allowed, quota);
        stopTimer();
        long now = System.nanoTime();
        heardNanos = now;
        watchedNanos = now;
        movedNanos = now;
        pingedNanos = now;
        long periodNanos = Math.max(1, timing.pingNanos() / 2);
        timer = channel.eventLoop().scheduleWithFixedDelay(this::watch, periodNanos, periodNanos, TimeUnit.NANOSECONDS);
    }

    /** Sends a frame at once, past every queue. */
    void send(FrameType type, MessageLite head) {
        ByteBuf out = encode(type, head);
        tally.bytesOut.add(out.readableBytes());
        channel.writeAndFlush(out, channel.voidPromise());
    }

    /** Tells the other end why, then closes. Any thread. */
    void refuse(Refusal refusal) {
        if (!channel.eventLoop().inEventLoop()) {
            channel.eventLoop().execute(() -> refuse(refusal));
        } else if (!isClosing) {
            tally.connectionsRefused.increment();
            isClosing = true;
            because("refused: " + refusal.reason());
            channel.writeAndFlush(encode(FrameType.REFUSED, refusal.toFrame())).addListener(ChannelFutureListener.CLOSE);
        }
    }

    /** Closes. Any thread. */
    void close(String reason) {
        if (!channel.eventLoop().inEventLoop()) {
            channel.eventLoop().execute(() -> close(reason));
            return;
        }
        isClosing = true;
        because(reason);
        channel.close();
    }

    /** Stops reading, so that the other end is slowed down. */
    void pause() {
        isPaused = true;
        channel.config().setAutoRead(false);
    }

    /** Goes on reading. */
    void resume() {
        isPaused = false;
        while (!isPaused && !unread.isEmpty()) {
            ByteBuf next = unread.poll();
            try {
                read(next);
            } finally {
                next.release();
            }
        }
        if (!isPaused) {
            heardNanos = System.nanoTime();
            channel.config().setAutoRead(true);
        }
    }

    boolean isPaused() {
        return isPaused;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        if (channel.remoteAddress() == null || channel.remoteAddress().equals(channel.localAddress())) {
            close("no connection");     // to a free port of one's own host, TCP can connect a socket with itself
            return;
        }
        timer = channel.eventLoop().schedule(() -> close("no handshake within " + seconds(timing.connectNanos())),
            timing.connectNanos(), TimeUnit.NANOSECONDS);
        conversation.onOpen(this);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ByteBuf in = (ByteBuf) message;
        tally.bytesIn.add(in.readableBytes());
        heardNanos = System.nanoTime();
        if (isPaused) {
            unread.add(in);
            return;
        }
        try {
            read(in);
        } finally {
            in.release();
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        if (channel.isWritable()) {
            conversation.onWritable();
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        isClosing = true;
        stopTimer();
        reader.close();
        for (ByteBuf rest = unread.poll(); rest != null; rest = unread.poll()) {
            rest.release();
        }
        conversation.onClosed(why == null ? "the other end closed the connection" : why, why == null || isReset);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (!(cause instanceof IOException)) {
            LOG.error("Connection {} fails", channel, cause);
        }
        isReset = why == null && isReset(cause);
        close("connection lost: " + cause.getMessage());
    }

    /** Whether the other end's host has answered that it knows nothing of the connection any more. The words are the kernel's. */
    private static boolean isReset(Throwable cause) {
        String message = String.valueOf(cause.getMessage());
        return cause instanceof IOException && (message.contains("reset") || message.contains("Broken pipe"));
    }

    private void read(ByteBuf in) {
        try {
            while (!isClosing && !isPaused) {
                Frame frame = reader.read(in);
                if (frame == null) {
                    return;
                }
                onFrame(frame);
            }
            if (!isClosing && in.isReadable()) {
                unread.addFirst(in.readRetainedSlice(in.readableBytes()));    // before what came later
            }
        } catch (MalformedFrameException e) {
            tally.damagedFrames.increment();
            closeFor(e);
        } catch (ForbiddenFrameException e) {
            tally.forbiddenFrames.increment();
            closeFor(e);
        } catch (RuntimeException e) {
            LOG.error("Connection {} is closed, for what came could not be delivered", channel, e);
            close("delivery failed: " + e);
        }
    }

    private void onFrame(Frame frame) {
        if (frame.type() == FrameType.PING) {
            onPing(Parts.parse(Ping.parser(), frame));
        } else if (frame.type() == FrameType.PONG) {
            Parts.parse(Pong.parser(), frame);      // that it came is all that counts
        } else {
            conversation.onFrame(this, frame);
        }
    }

    private void onPing(Ping ping) {
        // What the other end has not taken yet says as well that this end lives; and who takes nothing must not pile up answers here.
        if (channel.isWritable()) {
            send(FrameType.PONG, Pong.newBuilder().setNumber(ping.getNumber()).build());
        }
    }

    private void closeFor(RuntimeException e) {
        patientLog.warn("Connection with " + host(), "closed for " + e.getMessage());
        close("closed for " + e.getMessage());
    }

    private void watch() {
        long now = System.nanoTime();
        if (now - watchedNanos > timing.silenceNanos() / 2) {
            heardNanos = now;       // this process stood still; what came meanwhile has not been read yet
            movedNanos = now;
        }
        watchedNanos = now;
        ChannelOutboundBuffer buffer = channel.unsafe().outboundBuffer();
        if (buffer == null) {
            return;
        }
        if (buffer.isEmpty() || buffer.totalPendingWriteBytes() != pendingBytes || buffer.currentProgress() != pendingProgress) {
            movedNanos = now;
        }
        pendingBytes = buffer.totalPendingWriteBytes();
        pendingProgress = buffer.currentProgress();
        if (now - movedNanos > timing.stallNanos()) {
            close("the other end has not taken a byte for " + seconds(timing.stallNanos()));
        } else if (now - heardNanos > timing.silenceNanos() && !isPaused) {
            close("nothing heard for " + seconds(timing.silenceNanos()));
        } else if (isOpener && now - pingedNanos >= timing.pingNanos() && channel.isWritable()) {
            pingedNanos = now;
            send(FrameType.PING, Ping.newBuilder().setNumber(++pings).build());
        }
    }

    private ByteBuf encode(FrameType type, MessageLite head) {
        ByteBuf out = channel.alloc().ioBuffer(Frame.HEADER_BYTES + head.getSerializedSize());
        Frame.write(out, type, head);
        return out;
    }

    /** The first reason is the one that counts. */
    private void because(String reason) {
        if (why == null) {
            why = reason;
        }
    }

    private String host() {
        return channel.remoteAddress() instanceof java.net.InetSocketAddress address ? address.getHostString()
            : String.valueOf(channel.remoteAddress());
    }

    private void stopTimer() {
        if (timer != null) {
            timer.cancel(false);
        }
    }

    private static String seconds(long nanos) {
        return nanos / 1_000_000 / 1000.0 + " s";
    }
}
