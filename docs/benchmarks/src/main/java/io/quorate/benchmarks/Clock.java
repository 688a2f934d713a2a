package io.quorate.benchmarks;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;

/** What this thread, or this process, has spent on something: time, and of that what it was at work itself. */
record Clock(long nanos, long cpuNanos) {

    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private static final OperatingSystemMXBean PROCESS = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    static final Clock ZERO = new Clock(0, 0);

    static Clock now() {
        return new Clock(System.nanoTime(), THREADS.getCurrentThreadCpuTime());
    }

    /** The same for all threads of this process. */
    static Clock ofProcess() {
        return new Clock(System.nanoTime(), PROCESS.getProcessCpuTime());
    }

    /** From then to now, both of the process. */
    Clock elapsedOfProcess() {
        Clock now = ofProcess();
        return new Clock(now.nanos - nanos, now.cpuNanos - cpuNanos);
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
