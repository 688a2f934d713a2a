package io.quorate.raft.netty;

import io.netty.channel.EventLoop;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ManualIoEventLoop;
import io.netty.util.concurrent.Future;
import io.quorate.raft.Transport;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * An event loop that the thread of whoever uses the transport carries, between its own pieces of work.
 *
 * <p>Where processors are few it saves a tenth of their time, and is docs/decisions/0009.
 *
 * <p>That is the first that polls. If none has when the transport is closed, it is the one that closes it.
 */
final class Carrier implements Transport.Poller {

    private static final long FAR_NANOS = TimeUnit.HOURS.toNanos(1);

    private final AtomicReference<@Nullable Thread> owner = new AtomicReference<>();
    private final ManualIoEventLoop loop;
    private volatile boolean isWoken;       // since the loop was run last
    private volatile @Nullable Thread idler;        // who polls though there is no loop for him any more
    private volatile boolean isIdlerWoken;

    Carrier(IoHandlerFactory factory) {
        loop = new ManualIoEventLoop(null, factory) {
            @Override
            protected boolean canBlock() {
                return !isWoken;            // looked at when the wait can already be ended by a wake-up
            }
        };
    }

    EventLoop loop() {
        return loop;
    }

    @Override
    public void poll(long nanos) {
        if (isOwner() && !loop.isTerminated()) {
            run(nanos);
            return;
        }
        idler = Thread.currentThread();
        if (!isIdlerWoken) {
            LockSupport.parkNanos(this, nanos);
        }
        isIdlerWoken = false;
    }

    private void run(long nanos) {
        loop.runNonBlockingTasks(0);        // what was sent since goes out before anything is waited for
        loop.run(nanos > 0 ? nanos : -1);
        isWoken = false;        // and not before: a wake-up may also come between what its thread looked at last and the wait
    }

    @Override
    public void wake() {
        isWoken = true;
        isIdlerWoken = true;
        LockSupport.unpark(idler);
        loop.wakeup();
    }

    @Override
    public void leave() {
        while (isOwner() && !loop.isTerminated()) {
            run(FAR_NANOS);
        }
    }

    /** Waits for something that happens on the loop, or on another. Not within the loop. */
    void await(Future<?> future, long nanos) {
        long end = System.nanoTime() + nanos;
        if (isOwner()) {
            future.addListener(done -> wake());
            long left = nanos;
            while (left > 0 && !future.isDone() && !loop.isTerminated()) {
                run(left);
                left = end - System.nanoTime();
            }
        }
        future.awaitUninterruptibly(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS);
    }

    /** Closes one that was never used. */
    void close() {
        Future<?> end = loop.shutdownGracefully(0, 0, TimeUnit.SECONDS);
        await(end, TimeUnit.SECONDS.toNanos(1));
    }

    /** Whether the calling thread carries the loop: it does if no other came before it. */
    private boolean isOwner() {
        Thread thread = Thread.currentThread();
        if (owner.get() == null && owner.compareAndSet(null, thread)) {
            loop.setOwningThread(thread);
        }
        return owner.get() == thread;
    }
}
