package io.quorate.raft.runtime;

import java.util.concurrent.TimeUnit;

/** Tells what wakes a thread, without one that sleeps. */
final class Wakers {

    private Wakers() { }

    /**
     * Whether this wakes who sleeps here. It is done when the sleeper can be seen already and looks for work a last time; then there is
     * work, so that it does not sleep at all.
     */
    static boolean isWoken(Waker waker, Runnable work) {
        boolean[] isWoken = new boolean[1];
        waker.sleep(TimeUnit.HOURS.toNanos(1), () -> {
            work.run();
            isWoken[0] = !waker.hasSleeper();
            return true;
        });
        return isWoken[0];
    }
}
