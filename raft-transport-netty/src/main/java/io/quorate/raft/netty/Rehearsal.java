package io.quorate.raft.netty;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.ReplicaId;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a process does for its first connection, done once before it has any: some 700 classes are loaded, most of them Netty's, and a native
 * library. Whoever has built a transport mostly has a log to recover before he starts it, and there is a processor left for this meanwhile:
 * with two, and a log of 1,000,000 entries, starting the transport took 0.02 s instead of 0.19, and all that was to be done 0.9 of the time.
 *
 * <p>Sockets are made and not connected, no port is bound, and all is gone at the end. If something fails, it will fail again where somebody
 * wants to know.
 */
final class Rehearsal {

    private static final Logger LOG = LoggerFactory.getLogger(Rehearsal.class);
    static final String NAME = "quorate-net-rehearsal";
    private static final int END_SECONDS = 5;
    private static final String FLIGHT_RECORDER = "io.netty.jfr.enabled";
    private static final AtomicBoolean HAS_BEGUN = new AtomicBoolean();

    private Rehearsal() { }

    /** Begins it, on a thread of its own, if it has not begun in this process. Before anything else of Netty is used. */
    static void begin() {
        if (!HAS_BEGUN.compareAndSet(false, true)) {
            return;
        }
        // Netty asks the JDK's flight recorder with its first buffer whether anybody wants to know of it, and to answer this the recorder
        // starts: that took a seventh of the processor time from opening a directory until 1,000,000 entries were applied again. Whoever
        // wants to see Netty's buffers there says so by this property.
        if (System.getProperty(FLIGHT_RECORDER) == null) {
            System.setProperty(FLIGHT_RECORDER, "false");
        }
        Thread thread = new Thread(() -> {
            try {
                rehearse();
            } catch (Exception | LinkageError e) {
                LOG.debug("The first connection will take longer", e);
            }
        }, NAME);
        thread.setDaemon(true);
        thread.start();
    }

    static void rehearse() throws InterruptedException {
        boolean isEpoll = Epoll.isAvailable();
        EventLoopGroup loops = new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory(NAME, true),
            isEpoll ? EpollIoHandler.newFactory() : NioIoHandler.newFactory());
        try {
            ChannelHandler handler = new ChannelInboundHandlerAdapter();
            Channel listener = new ServerBootstrap().group(loops).childHandler(handler)
                .channel(isEpoll ? EpollServerSocketChannel.class : NioServerSocketChannel.class).register().sync().channel();
            Channel channel = new Bootstrap().group(loops).handler(handler)
                .channel(isEpoll ? EpollSocketChannel.class : NioSocketChannel.class).register().sync().channel();
            channel.eventLoop().submit(() -> exchange(channel)).sync();
            channel.close().sync();
            listener.close().sync();
        } finally {
            loops.shutdownGracefully(0, END_SECONDS, TimeUnit.SECONDS);
        }
    }

    /** What a leader and a follower say to each other. */
    private static void exchange(Channel channel) {
        ReplicaId leader = new ReplicaId(1, 1);
        ReplicaId follower = new ReplicaId(2, 2);
        List<Entry> entries = List.of(Entry.of(1, 1, Entry.Kind.NO_OP, 0, new byte[0]));
        FrameReader reader = new FrameReader(FrameType.FROM_PEER);
        for (Message message : List.of(new Message.AppendEntries(leader, follower, 1, EntryId.ZERO, entries, 0, 0, 1),
                new Message.AppendAccepted(follower, leader, 1, 1, 1, 1, 0, 0))) {
            ByteBuf bytes = channel.alloc().ioBuffer();
            try {
                PeerFrames.write(bytes, message);
                PeerFrames.message(Objects.requireNonNull(reader.read(bytes)));
            } finally {
                bytes.release();
            }
        }
    }
}
