package io.quorate.examples.election;

import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** What several say, in the order in which they say it; others can wait for it. Thread-safe. */
final class Talk {

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final PrintStream out;
    private final List<String> lines = new ArrayList<>();      // guarded by this, which is notified of each

    Talk(PrintStream out) {
        this.out = out;
    }

    synchronized void say(String line) {
        lines.add(line);
        out.println(line);
        out.flush();
        notifyAll();
    }

    /** How much has been said. */
    synchronized int size() {
        return lines.size();
    }

    /**
     * Waits until somebody says this, or has said it after the first so many lines.
     *
     * @return what was said
     */
    synchronized String await(int after, String what, Predicate<String> isIt) {
        long until = System.nanoTime() + PATIENCE.toNanos();
        for (int seen = after;;) {
            for (; seen < lines.size(); seen++) {
                if (isIt.test(lines.get(seen))) {
                    return lines.get(seen);
                }
            }
            long left = TimeUnit.NANOSECONDS.toMillis(until - System.nanoTime());
            if (left <= 0) {
                throw new IllegalStateException("Nobody said within " + PATIENCE + ": " + what);
            }
            try {
                wait(left);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted", e);
            }
        }
    }
}
