package io.quorate.raft.runtime;

import io.quorate.raft.Transport;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Lets one thread sleep until there is work, and lets others wake it at the price of one read while it is awake.
 *
 * <p>Nothing is missed: the sleeper shows itself first and looks for work once more before it sleeps; who brings work adds it first
 * and looks for a sleeper after. The first who finds it takes it away: a thread that has been woken may take long to run, and while it
 * did, everybody who brought something paid for another unpark. Under load that was one for nearly every command.
 */
public final class Waker {

    private final AtomicReference<@Nullable Thread> sleeper = new AtomicReference<>();
    private final Transport.@Nullable Poller poller;
    private volatile boolean isOver;

    public Waker() {
        this(null);
    }

    /** @param poller what the thread does in its sleep; null for nothing */
    Waker(Transport.@Nullable Poller poller) {
        this.poller = poller;
    }

    /** Wakes the sleeper, if there is one. Any thread, after it has added its work. */
    public void wake() {
        Thread thread = sleeper.get();
        if (thread != null && sleeper.compareAndSet(thread, null)) {
            if (poller == null) {
                LockSupport.unpark(thread);
            } else {
                poller.wake();
            }
        }
    }

    /** Whether a thread sleeps here, or is about to, that nobody has woken. */
    boolean hasSleeper() {
        return sleeper.get() != null;
    }

    /** Wakes the sleeper for good: nobody sleeps here any more. */
    public void end() {
        isOver = true;
        wake();
    }

    /** The sleeper sleeps here no more, and is gone when what it carried in its sleep needs it no more. */
    void leave() {
        if (poller != null) {
            poller.leave();
        }
    }

    /**
     * Sleeps until woken, or for this long, or not at all if there is work. May return early. An interrupt ends one sleep and is
     * forgotten: this library's threads end when they are told to, and an interrupt left standing would break the next file channel.
     *
     * @param nanos   for how long at most
     * @param hasWork looked at once the sleeper can be seen
     */
    public void sleep(long nanos, BooleanSupplier hasWork) {
        sleeper.set(Thread.currentThread());
        try {
            boolean mayRest = nanos > 0 && !isOver && !hasWork.getAsBoolean();
            if (poller != null) {
                poller.poll(mayRest ? nanos : 0);       // also without any rest: what it carries must not wait for ever
            } else if (mayRest) {
                LockSupport.parkNanos(this, nanos);
            }
        } finally {
            sleeper.set(null);
            Thread.interrupted();
        }
    }
}
