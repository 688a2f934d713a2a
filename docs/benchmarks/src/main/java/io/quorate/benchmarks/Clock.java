package io.quorate.benchmarks;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;

/** What this thread has spent on something: time, and of that what it was at work itself. */
record Clock(long nanos, long cpuNanos) {

    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    static final Clock ZERO = new Clock(0, 0);

    static Clock now() {
        return new Clock(System.nanoTime(), THREADS.getCurrentThreadCpuTime());
    }

    /** From then to now. */
    Clock elapsed() {
        Clock now = now();
        return new Clock(now.nanos - nanos, now.cpuNanos - cpuNanos);
    }

    Clock plus(Clock other) {
        return new Clock(nanos + other.nanos, cpuNanos + other.cpuNanos);
    }
}
