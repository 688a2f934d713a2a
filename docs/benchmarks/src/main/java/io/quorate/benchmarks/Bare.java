package io.quorate.benchmarks;

import io.quorate.benchmarks.harness.Report;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32C;
import org.HdrHistogram.Histogram;

/**
 * What the machine allows with nothing around it: files forced to disk, bytes over loopback, bytes copied and summed. A process that does
 * one of them at a time as it is told, beside the libraries and in the same minutes, since a machine is not the same an hour later.
 */
public final class Bare {

    private static final int FILE_BYTES = 64 << 20;
    private static final int ZEROED_BYTES = 1 << 20;
    private static final int COPY_BUFFER_BYTES = 64 << 10;
    private static final int COPIES_PER_LOOK = 1000;
    private static final int SOURCES = 256;
    private static final int DIGITS = 3;

    private final Path directory;
    private final Map<Integer, FileChannel> files = new TreeMap<>();

    private Bare(Path directory) {
        this.directory = directory;
    }

    /**
     * Runs it: {@code disk files bytes millis}, {@code echo bytes millis}, {@code stream bytes millis}, {@code copy bytes millis}.
     *
     * @param arguments the directory, which is on the disk that is measured
     */
    public static void main(String[] arguments) throws Exception {
        Bare bare = new Bare(Files.createDirectories(Path.of(arguments[0])));
        Report.print(Map.of("transport", Epoll.isAvailable() ? "epoll" : "nio"));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split(" ");
            long nanos = TimeUnit.MILLISECONDS.toNanos(Long.parseLong(words[words.length - 1]));
            int bytes = Integer.parseInt(words[words.length - 2]);
            Report.print(switch (words[0]) {
                case "disk" -> bare.disk(Integer.parseInt(words[1]), bytes, nanos);
                case "echo" -> echo(bytes, nanos);
                case "stream" -> stream(bytes, nanos);
                case "copy" -> copy(bytes, nanos);
                default -> throw new IOException("What is \"" + line + "\"?");
            });
        }
    }

    /** Appends to so many files at once, a thread each, and forces after each write; the rate is that of all together. */
    private Map<String, Object> disk(int count, int bytes, long nanos) throws Exception {
        for (int i = files.size(); i < count; i++) {
            files.put(i, zeroed(directory.resolve("bare" + i)));
        }
        ExecutorService threads = Executors.newFixedThreadPool(count);
        try {
            Clock begin = Clock.ofProcess();
            List<Future<Histogram>> parts = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                FileChannel file = files.get(i);
                parts.add(threads.submit(() -> append(file, bytes, nanos)));
            }
            Histogram all = new Histogram(DIGITS);
            for (Future<Histogram> part : parts) {
                all.add(part.get());
            }
            return values(all, all.getTotalCount(), begin.elapsedOfProcess());
        } finally {
            threads.shutdownNow();
        }
    }

    private static FileChannel zeroed(Path path) throws IOException {
        FileChannel file = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        ByteBuffer zeros = ByteBuffer.allocateDirect(ZEROED_BYTES);
        for (int at = 0; at < FILE_BYTES; at += ZEROED_BYTES) {
            file.write(zeros.clear(), at);
        }
        file.force(true);
        return file;
    }

    private static Histogram append(FileChannel file, int bytes, long nanos) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocateDirect(bytes);
        Histogram latencies = new Histogram(DIGITS);
        long begin = System.nanoTime();
        long at = 0;
        for (long now = begin; now - begin < nanos;) {
            if (at + bytes > FILE_BYTES) {
                at = 0;
            }
            buffer.clear();
            while (buffer.hasRemaining()) {
                at += file.write(buffer, at);
            }
            file.force(false);
            long then = now;
            now = System.nanoTime();
            latencies.recordValue(now - then);
        }
        return latencies;
    }

    /** Copies records one after the other into a buffer outside the heap, and sums each, on one thread. */
    private static Map<String, Object> copy(int bytes, long nanos) {
        byte[][] sources = new byte[SOURCES][bytes];
        ByteBuffer buffer = ByteBuffer.allocateDirect(Math.max(COPY_BUFFER_BYTES, bytes));
        CRC32C sum = new CRC32C();
        Clock begin = Clock.ofProcess();
        long end = begin.nanos() + nanos;
        long count = 0;
        long folded = 0;
        while (System.nanoTime() - end < 0) {
            for (int i = 0; i < COPIES_PER_LOOK; i++) {
                if (buffer.remaining() < bytes) {
                    buffer.clear();
                }
                byte[] source = sources[(int) count & SOURCES - 1];
                sum.reset();
                sum.update(source, 0, bytes);
                folded += sum.getValue();
                buffer.put(source);
                count++;
            }
        }
        Clock took = begin.elapsedOfProcess();
        Histogram latencies = new Histogram(DIGITS);
        latencies.recordValue(took.nanos() / count);
        Map<String, Object> values = values(latencies, count, took);
        values.put("folded", folded);
        return values;
    }

    /** One message to and fro, again and again. */
    private static Map<String, Object> echo(int bytes, long nanos) throws Exception {
        Histogram latencies = new Histogram(DIGITS);
        try (Wire wire = new Wire(new Echo(), new Asker(bytes, nanos, latencies))) {
            Clock begin = Clock.ofProcess();
            wire.awaitEnd();
            return values(latencies, latencies.getTotalCount(), begin.elapsedOfProcess());
        }
    }

    /** Messages one way, each flushed, as many as the socket takes; counted where they arrive. */
    private static Map<String, Object> stream(int bytes, long nanos) throws Exception {
        Sink sink = new Sink();
        try (Wire wire = new Wire(sink, new Source(bytes, nanos))) {
            Clock begin = Clock.ofProcess();
            wire.awaitEnd();
            Clock took = begin.elapsedOfProcess();
            long messages = sink.received.get() / bytes;
            Histogram latencies = new Histogram(DIGITS);
            latencies.recordValue(took.nanos() / Math.max(1, messages));
            return values(latencies, messages, took);
        }
    }

    private static Map<String, Object> values(Histogram latencies, long count, Clock took) {
        Map<String, Object> values = new TreeMap<>();
        values.put("opsPerSecond", Math.round(count * 1e9 / took.nanos()));
        values.put("p50Micros", latencies.getValueAtPercentile(50) / 1e3);
        values.put("p99Micros", latencies.getValueAtPercentile(99) / 1e3);
        values.put("p999Micros", latencies.getValueAtPercentile(99.9) / 1e3);
        values.put("cpuSecondsPer100k", took.cpuNanos() / 1e9 / Math.max(1, count) * 1e5);
        values.put("bytesPerOp", 0);
        return values;
    }

    /** Two ends of a connection over loopback, each with an event loop of its own. */
    private static final class Wire implements AutoCloseable {

        private final EventLoopGroup loops = new MultiThreadIoEventLoopGroup(2,
            Epoll.isAvailable() ? EpollIoHandler.newFactory() : NioIoHandler.newFactory());
        private final Channel client;

        private Wire(ChannelInboundHandlerAdapter served, ChannelInboundHandlerAdapter asking) throws InterruptedException {
            Channel server = new ServerBootstrap().group(loops)
                .channel(Epoll.isAvailable() ? EpollServerSocketChannel.class : NioServerSocketChannel.class)
                .childOption(ChannelOption.TCP_NODELAY, true).childHandler(new Holder(served))
                .bind(InetAddress.getLoopbackAddress(), 0).sync().channel();
            client = new Bootstrap().group(loops).channel(Epoll.isAvailable() ? EpollSocketChannel.class : NioSocketChannel.class)
                .option(ChannelOption.TCP_NODELAY, true).handler(new Holder(asking)).connect(server.localAddress()).sync().channel();
        }

        private void awaitEnd() throws InterruptedException {
            client.closeFuture().sync();
        }

        @Override
        public void close() throws ExecutionException {
            loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
        }
    }

    private static final class Holder extends ChannelInitializer<SocketChannel> {

        private final ChannelInboundHandlerAdapter held;

        private Holder(ChannelInboundHandlerAdapter held) {
            this.held = held;
        }

        @Override
        protected void initChannel(SocketChannel channel) {
            channel.pipeline().addLast(held);
        }
    }

    private static final class Echo extends ChannelInboundHandlerAdapter {

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            context.writeAndFlush(message, context.voidPromise());
        }
    }

    private static final class Asker extends ChannelInboundHandlerAdapter {

        private final int bytes;
        private final long nanos;
        private final Histogram latencies;
        private long begin;
        private long asked;
        private int missing;

        private Asker(int bytes, long nanos, Histogram latencies) {
            this.bytes = bytes;
            this.nanos = nanos;
            this.latencies = latencies;
        }

        @Override
        public void channelActive(ChannelHandlerContext context) {
            begin = System.nanoTime();
            ask(context, begin);
        }

        private void ask(ChannelHandlerContext context, long now) {
            asked = now;
            missing = bytes;
            context.writeAndFlush(context.alloc().directBuffer(bytes).writeZero(bytes), context.voidPromise());
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            missing -= ((ByteBuf) message).readableBytes();
            ((ByteBuf) message).release();
            if (missing == 0) {
                long now = System.nanoTime();
                latencies.recordValue(now - asked);
                if (now - begin >= nanos) {
                    context.close();
                } else {
                    ask(context, now);
                }
            }
        }
    }

    private static final class Sink extends ChannelInboundHandlerAdapter {

        private final AtomicLong received = new AtomicLong();

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            received.lazySet(received.getPlain() + ((ByteBuf) message).readableBytes());
            ((ByteBuf) message).release();
        }
    }

    private static final class Source extends ChannelInboundHandlerAdapter {

        private final int bytes;
        private final long nanos;
        private long begin;

        private Source(int bytes, long nanos) {
            this.bytes = bytes;
            this.nanos = nanos;
        }

        @Override
        public void channelActive(ChannelHandlerContext context) {
            begin = System.nanoTime();
            send(context);
        }

        @Override
        public void channelWritabilityChanged(ChannelHandlerContext context) {
            if (context.channel().isWritable()) {
                context.executor().execute(() -> send(context));
            }
        }

        private void send(ChannelHandlerContext context) {
            while (context.channel().isActive() && context.channel().isWritable()) {
                if (System.nanoTime() - begin >= nanos) {
                    context.close();
                    return;
                }
                context.writeAndFlush(context.alloc().directBuffer(bytes).writeZero(bytes), context.voidPromise());
            }
        }
    }
}
