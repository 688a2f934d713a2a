package io.quorate.raft.netty;

import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.DefaultSelectStrategyFactory;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
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
import io.netty.util.concurrent.Future;
import java.io.IOException;
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
     * that saved a tenth of all processor time under 256 outstanding commands. (A server has none there, unless told otherwise: see
     * {@link Carrier}. So this is what clients and observers have.)
     */
    static final int LOOPS = areProcessorsFew() ? 1 : 2;
    /** So many connections at most have their turn before the raft thread goes on with its own work: a bound, and not a measured one. */
    private static final int CARRIED_AT_ONCE = 64;
    private static final int RESOLVERS = 2;
    private static final int CLOSE_SECONDS = 5;
    private static final int JOIN_MILLIS = 1000;
    private static final int RESOLUTIONS_MAX = 256;
    private static final int UNWRITTEN_LOW_BYTES = 256 << 10;
    private static final int UNWRITTEN_HIGH_BYTES = 1 << 20;

    private static final Logger LOG = LoggerFactory.getLogger(IoThreads.class);

    private final boolean isEpoll;
    private final EventLoopGroup acceptors;
    private final EventLoopGroup loops;
    private final @Nullable Carrier carrier;
    private final List<Thread> threads = new CopyOnWriteArrayList<>();
    private final ThreadPoolExecutor resolvers;

    /**
     * Event loops with threads of their own.
     *
     * @param name  begins the names of all threads
     * @param count of the loops
     */
    IoThreads(String name, int count) {
        this(name, count, null);
    }

    /** One event loop for all connections, which somebody else's thread carries; a thread beside it takes them in. */
    IoThreads(String name, Carrier carrier) {
        this(name, 1, carrier);
    }

    private IoThreads(String name, int count, @Nullable Carrier carrier) {
        this.carrier = carrier;
        isEpoll = Epoll.isAvailable();
        acceptors = new MultiThreadIoEventLoopGroup(count, remembering(new DefaultThreadFactory(name, true)), handlers());
        loops = carrier == null ? acceptors : carrier.loop();
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

    static boolean areProcessorsFew() {
        return Runtime.getRuntime().availableProcessors() < 4;
    }

    /** What looks after the sockets of an event loop. */
    private static IoHandlerFactory handlers() {
        return Epoll.isAvailable() ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
    }

    /**
     * Likewise, of one that another thread carries beside work of its own: so many connections at once and no more, or a thousand clients
     * with a thousand requests each would keep it from that for a second. Those that are left are the first the next time.
     */
    static IoHandlerFactory handlersOfCarrier() {
        return Epoll.isAvailable() ? EpollIoHandler.newFactory(CARRIED_AT_ONCE, DefaultSelectStrategyFactory.INSTANCE)
            : NioIoHandler.newFactory();
    }

    /** Who takes connections in. */
    EventLoopGroup acceptors() {
        return acceptors;
    }

    /** Whose the connections are. */
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
            resolvers.execute(() -> ask(where, executor, then));
        } catch (UnknownHostException | RejectedExecutionException e) {
            executor.execute(() -> then.accept(null, e));
        } catch (OutOfMemoryError e) {      // also if there is no thread to have
            executor.execute(() -> then.accept(null, new IOException(e.toString(), e)));
        }
    }

    private static void ask(HostPort where, Executor executor, BiConsumer<@Nullable InetSocketAddress, @Nullable Exception> then) {
        InetSocketAddress found;
        try {
            found = new InetSocketAddress(InetAddress.getByName(where.host()), where.port());
        } catch (UnknownHostException | RuntimeException e) {
            executor.execute(() -> then.accept(null, e));
            return;
        } catch (Error e) {
            executor.execute(() -> then.accept(null, new IOException(e.toString(), e)));    // whoever waits for it would do so for ever
            throw e;
        }
        executor.execute(() -> then.accept(found, null));
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

    /**
     * Ends all threads.
     *
     * @param mayWait for them: false on one of the event loops
     */
    void close(boolean mayWait) {
        resolvers.shutdownNow();
        Future<?> accepting = acceptors.shutdownGracefully(0, CLOSE_SECONDS, TimeUnit.SECONDS);
        Future<?> serving = loops.shutdownGracefully(0, CLOSE_SECONDS, TimeUnit.SECONDS);
        if (mayWait) {
            awaitAll(List.of(accepting, serving), TimeUnit.SECONDS.toNanos(2 * CLOSE_SECONDS));
            threads.forEach(IoThreads::join);       // what they ran is done a moment before they are
        }
    }

    /** Waits until connections are closed. Not on a loop's thread. */
    void awaitClosed(List<Future<?>> ends) {
        awaitAll(ends, TimeUnit.SECONDS.toNanos(CLOSE_SECONDS));
    }

    /** For so long in all, and not for each: a delivery that never returns must not keep the caller. Not on a loop's thread. */
    void awaitAll(List<Future<?>> futures, long nanos) {
        long end = System.nanoTime() + nanos;
        for (Future<?> each : futures) {
            long left = Math.max(0, end - System.nanoTime());
            if (carrier == null) {
                each.awaitUninterruptibly(left, TimeUnit.NANOSECONDS);
            } else {
                carrier.await(each, left);
            }
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
