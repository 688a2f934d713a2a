package io.quorate.raft.netty;

import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.NetUtil;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.EventExecutor;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads of one transport: event loops over epoll where Linux and the native library allow, else over NIO; and, apart from them, who
 * asks for the addresses of names, for that can block.
 */
final class IoThreads {

    /**
     * Two event loops keep one large append from delaying every other peer; the machine's other cores are for the service. Where cores are
     * few, one delays nobody whom the lack of a core does not, and what is for all peers wakes one thread instead of two: on two cores
     * that saved a tenth of all processor time under 256 outstanding commands.
     */
    private static final int LOOPS = Runtime.getRuntime().availableProcessors() < 4 ? 1 : 2;
    private static final int RESOLVERS = 2;
    private static final int CLOSE_SECONDS = 5;
    private static final int JOIN_MILLIS = 1000;
    private static final int RESOLUTIONS_MAX = 256;
    private static final int UNWRITTEN_LOW_BYTES = 256 << 10;
    private static final int UNWRITTEN_HIGH_BYTES = 1 << 20;

    private static final Logger LOG = LoggerFactory.getLogger(IoThreads.class);

    private final boolean isEpoll;
    private final EventLoopGroup loops;
    private final List<Thread> threads = new CopyOnWriteArrayList<>();
    private final ThreadPoolExecutor resolvers;

    /** @param name begins the names of all threads */
    IoThreads(String name) {
        isEpoll = Epoll.isAvailable();
        loops = new MultiThreadIoEventLoopGroup(LOOPS, remembering(new DefaultThreadFactory(name, true)),
            isEpoll ? EpollIoHandler.newFactory() : NioIoHandler.newFactory());
        resolvers = new ThreadPoolExecutor(RESOLVERS, RESOLVERS, 1, TimeUnit.SECONDS, new LinkedBlockingQueue<>(RESOLUTIONS_MAX),
            remembering(new DefaultThreadFactory(name + "-names", true)));
        resolvers.allowCoreThreadTimeOut(true);
        if (isEpoll) {
            LOG.info("{}: sockets over epoll", name);
        } else {
            LOG.info("{}: sockets over NIO, for epoll is not available (on a module path, Linux wants --add-modules"
                + " io.netty.transport.epoll.linux.x86_64, or aarch_64): {}", name, String.valueOf(Epoll.unavailabilityCause()));
        }
    }

    EventLoopGroup loops() {
        return loops;
    }

    Class<? extends ServerChannel> serverChannel() {
        return isEpoll ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
    }

    Class<? extends Channel> channel() {
        return isEpoll ? EpollSocketChannel.class : NioSocketChannel.class;
    }

    /** What every connection is set to. */
    Map<ChannelOption<?>, Object> options(Timing timing) {
        Map<ChannelOption<?>, Object> options = new HashMap<>();
        options.put(ChannelOption.TCP_NODELAY, true);
        options.put(ChannelOption.SO_KEEPALIVE, true);
        options.put(ChannelOption.WRITE_BUFFER_WATER_MARK, new WriteBufferWaterMark(UNWRITTEN_LOW_BYTES, UNWRITTEN_HIGH_BYTES));
        if (isEpoll) {
            // The kernel alone knows of bytes that it has sent and nobody has acknowledged. Later than a stall seen from here, which has
            // the better words.
            options.put(EpollChannelOption.TCP_USER_TIMEOUT, (int) TimeUnit.NANOSECONDS.toMillis(2 * timing.stallNanos()));
        }
        return options;
    }

    /** Finds the address and hands it, or the failure, to {@code then} on the executor. */
    void resolve(HostPort where, Executor executor, BiConsumer<@Nullable InetSocketAddress, @Nullable Exception> then) {
        byte[] literal = NetUtil.createByteArrayFromIpAddressString(where.host());
        try {
            if (literal != null) {
                InetSocketAddress found = new InetSocketAddress(InetAddress.getByAddress(literal), where.port());
                executor.execute(() -> then.accept(found, null));
                return;
            }
            resolvers.execute(() -> {
                InetSocketAddress found = null;
                UnknownHostException failure = null;
                try {
                    found = new InetSocketAddress(InetAddress.getByName(where.host()), where.port());
                } catch (UnknownHostException e) {
                    failure = e;
                }
                InetSocketAddress address = found;
                UnknownHostException cause = failure;
                executor.execute(() -> then.accept(address, cause));
            });
        } catch (UnknownHostException | RejectedExecutionException e) {
            executor.execute(() -> then.accept(null, e));
        }
    }

    /** Whether the calling thread is one of the event loops, and so must not wait for them. */
    boolean isOnLoop() {
        for (EventExecutor loop : loops) {
            if (loop.inEventLoop()) {
                return true;
            }
        }
        return false;
    }

    /** Ends all threads, and waits for them unless the caller is one of them. */
    void close() {
        resolvers.shutdownNow();
        var done = loops.shutdownGracefully(0, CLOSE_SECONDS, TimeUnit.SECONDS);
        if (!isOnLoop()) {
            done.awaitUninterruptibly(2 * CLOSE_SECONDS, TimeUnit.SECONDS);     // a delivery that never returns must not keep the caller
            threads.forEach(IoThreads::join);       // what they ran is done a moment before they are
        }
    }

    private ThreadFactory remembering(ThreadFactory factory) {
        return work -> {
            Thread thread = factory.newThread(work);
            threads.removeIf(old -> old.getState() == Thread.State.TERMINATED);
            threads.add(thread);
            return thread;
        };
    }

    private static void join(Thread thread) {
        try {
            thread.join(JOIN_MILLIS);   // a question for a name cannot be interrupted; its thread ends by itself
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();     // the caller is in a hurry, and the thread ends without being waited for
        }
    }
}
