package io.quorate.examples.election;

import io.quorate.raft.election.Leadership;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Notices that this process stood still, and asks the leadership at once whether it is valid: a call that certainly began after the pause.
 * This is for the proof that the answer is right; a service asks before each step of its work, and need not know of pauses.
 */
public final class PauseWatch {

    private static final long LOOK_MILLIS = 20;

    /** Is told of a pause. */
    @FunctionalInterface
    public interface Teller {

        /**
         * This process stood still while this leadership lasted, or was thought to.
         *
         * @param isValid what the first call of {@link Leadership#isValid} said that began after the pause
         */
        void woke(Leadership leadership, long pausedMillis, boolean isValid);
    }

    private final AtomicReference<@Nullable Leadership> current = new AtomicReference<>();
    private final long pauseMinNanos;
    private final Teller teller;

    /**
     * Watches from now on, until this process ends.
     *
     * @param pauseMin shorter ones are not told
     */
    public PauseWatch(Duration pauseMin, Teller teller) {
        pauseMinNanos = pauseMin.toNanos();
        this.teller = teller;
        Thread thread = new Thread(this::watch, "pause-watch");
        thread.setDaemon(true);
        thread.start();
    }

    /** This leadership is the one to ask from now on, also when it is over. */
    public void watch(Leadership leadership) {
        current.set(leadership);
    }

    private void watch() {
        long before = System.nanoTime();
        while (true) {
            try {
                TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
            } catch (InterruptedException e) {
                return;
            }
            long begin = System.nanoTime();         // a pause up to here came before the call
            Leadership asked = current.get();
            boolean isValid = asked != null && asked.isValid();
            if (asked != null && begin - before >= pauseMinNanos) {
                teller.woke(asked, TimeUnit.NANOSECONDS.toMillis(begin - before), isValid);
            }
            before = begin;                          // a pause within the call is told after the next one, which begins after it
        }
    }
}
