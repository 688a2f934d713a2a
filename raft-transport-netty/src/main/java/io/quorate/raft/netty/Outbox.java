package io.quorate.raft.netty;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What waits to be written to one connection, in order and bounded in bytes; it dies with the connection.
 *
 * <p>Any thread offers and never waits. The connection's event loop takes everything that is there, encodes it, and flushes once. It
 * encodes only as much as the socket is likely to take, so that what a dead connection leaves behind is references rather than buffers.
 * What is large and not urgent waits in a second queue and goes only when nothing else does.
 */
final class Outbox<T> {

    /** Turns items into frames, on the event loop. */
    interface Writer<T> {

        /** Writes the item. An IllegalArgumentException means that it fits no frame, and nothing of it is sent. */
        void write(ByteBuf out, T item);

        /** The item is not sent, and never will be. Any thread. */
        void onDiscarded(T item);

        /** So many bytes of what {@link #offer} has taken wait no more, neither here nor for the kernel: each once. Any thread. */
        default void onReleased(long bytes) { }
    }

    /** Small items are written together up to this many bytes. */
    private static final int CHUNK_BYTES = 64 << 10;
    private static final int CHUNK_FIRST_BYTES = 512;

    private static final Logger LOG = LoggerFactory.getLogger(Outbox.class);

    private record Item<T>(T value, long bytes) { }

    private final Writer<T> writer;
    private final Tally tally;
    private final Queue<Item<T>> queue = new ConcurrentLinkedQueue<>();
    private final AtomicLong bytes = new AtomicLong();                  // queued here, or written and not yet taken by the kernel
    private final Queue<T> lasts = new ConcurrentLinkedQueue<>();
    private final AtomicInteger lastCount = new AtomicInteger();        // in that queue, or written and not yet taken by the kernel
    private final AtomicBoolean isDrainScheduled = new AtomicBoolean();
    private volatile @Nullable Channel channel;                         // null until frames may be sent
    private volatile boolean isClosed;
    private boolean isLastUnderWay;                                     // one of the last is written and not yet taken; event loop

    Outbox(Writer<T> writer, Tally tally) {
        this.writer = writer;
        this.tally = tally;
    }

    /**
     * Takes the item, unless more than {@code bytesMax} would wait then; one item of any size passes when none waits.
     *
     * @return whether it was taken; if not, the writer is not told
     */
    boolean offer(T value, long size, long bytesMax) {
        if (isClosed) {
            return false;
        }
        long before = bytes.getAndAdd(size);
        if (before > 0 && before + size > bytesMax) {
            bytes.addAndGet(-size);
            return false;
        }
        queue.add(new Item<>(value, size));
        if (isClosed) {
            discardAll();
        } else {
            schedule();
        }
        return true;
    }

    /**
     * Takes an item that is to wait behind all that the other method takes, also what it takes later: it is written only while nothing else
     * waits, not even for the kernel. Nothing is taken when {@code countMax} of these wait.
     *
     * @return whether it was taken; if not, the writer is not told
     */
    boolean offerLast(T value, int countMax) {
        if (isClosed) {
            return false;
        }
        if (lastCount.incrementAndGet() > countMax) {
            lastCount.decrementAndGet();
            return false;
        }
        lasts.add(value);
        if (isClosed) {
            discardAll();
        } else {
            schedule();
        }
        return true;
    }

    /** How much waits, of what is not to wait behind all else: here, and in the connection's own buffer. */
    long bytes() {
        return bytes.get();
    }

    /** From now on, items are sent. On the channel's event loop. */
    void open(Channel to) {
        channel = to;
        drain();
    }

    /** What still waits is discarded, and nothing more is taken. Any thread. */
    void close() {
        isClosed = true;
        discardAll();
    }

    /** Sends what the socket will take. On the channel's event loop. */
    void drain() {
        isDrainScheduled.set(false);    // before looking: who offers from here on schedules another
        Channel to = channel;
        if (to == null || isClosed) {
            return;
        }
        boolean hasWritten = false;
        while (to.isWritable() && !queue.isEmpty()) {
            writeChunk(to);
            hasWritten = true;
        }
        T last = !isLastUnderWay && bytes.get() == 0 ? lasts.poll() : null;
        if (last != null) {
            writeLast(to, last);
            hasWritten = true;
        }
        if (hasWritten) {
            to.flush();
        }
    }

    private void writeChunk(Channel to) {
        ByteBuf chunk = null;
        Item<T> item = null;
        long taken = 0;
        try {
            while (taken < CHUNK_BYTES && (item = queue.poll()) != null) {
                taken += item.bytes;
                if (chunk == null) {
                    chunk = to.alloc().ioBuffer((int) Math.max(CHUNK_FIRST_BYTES, Math.min(CHUNK_BYTES, item.bytes)));
                }
                int start = chunk.writerIndex();
                try {
                    writer.write(chunk, item.value);
                } catch (IllegalArgumentException e) {
                    LOG.error("Not sent, it fits no frame: {}", item.value, e);
                    chunk.writerIndex(start);
                    writer.onDiscarded(item.value);
                }
            }
        } catch (Throwable e) {     // most of all, no memory for buffers
            LOG.error("Cannot write to {}", to, e);
            release(taken);
            if (chunk != null) {
                chunk.release();
            }
            if (item != null) {
                writer.onDiscarded(item.value);     // those before it in the chunk were taken by the writer, and end with the connection
            }
            to.close();
            return;
        }
        if (chunk != null) {
            int size = chunk.readableBytes();
            long sent = taken;
            to.write(chunk).addListener(done -> {
                tally.bytesOut.add(done.isSuccess() ? size : 0);
                if (release(sent) == 0) {
                    scheduleLast();
                }
            });
        }
    }

    private void writeLast(Channel to, T last) {
        ByteBuf chunk = null;
        try {
            chunk = to.alloc().ioBuffer(CHUNK_FIRST_BYTES);
            writer.write(chunk, last);
        } catch (IllegalArgumentException e) {
            LOG.error("Not sent, it fits no frame: {}", last, e);
            discardLast(chunk, last);
            scheduleLast();
            return;
        } catch (Throwable e) {
            LOG.error("Cannot write to {}", to, e);
            discardLast(chunk, last);
            to.close();
            return;
        }
        int size = chunk.readableBytes();
        isLastUnderWay = true;
        to.write(chunk).addListener(done -> {
            isLastUnderWay = false;
            lastCount.decrementAndGet();
            tally.bytesOut.add(done.isSuccess() ? size : 0);
            scheduleLast();
        });
    }

    private void discardLast(@Nullable ByteBuf chunk, T last) {
        if (chunk != null) {
            chunk.release();
        }
        lastCount.decrementAndGet();
        writer.onDiscarded(last);
    }

    /** Returns how many are left. */
    private long release(long released) {
        long left = bytes.addAndGet(-released);
        writer.onReleased(released);
        return left;
    }

    private void scheduleLast() {
        if (!lasts.isEmpty()) {
            schedule();
        }
    }

    private void schedule() {
        Channel to = channel;
        if (to != null && !isDrainScheduled.get() && isDrainScheduled.compareAndSet(false, true)) {
            try {
                to.eventLoop().execute(this::drain);
            } catch (java.util.concurrent.RejectedExecutionException e) {
                close();    // the event loops have ended
            }
        }
    }

    private void discardAll() {
        Item<T> item;
        while ((item = queue.poll()) != null) {
            release(item.bytes);
            writer.onDiscarded(item.value);
        }
        T last;
        while ((last = lasts.poll()) != null) {
            lastCount.decrementAndGet();
            writer.onDiscarded(last);
        }
    }
}
