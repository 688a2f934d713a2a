package io.quorate.benchmarks.harness;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.HashMap;
import java.util.Map;

/**
 * What this process has used up to a moment: processor time, that of the collector and the compiler included, and bytes allocated by each
 * thread. A thread that ended between two moments is missing in what was allocated between them.
 */
record Usage(long nanos, long cpuNanos, Map<Long, Long> bytesByThread) {

    private static final OperatingSystemMXBean SYSTEM = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    static Usage now() {
        long[] threads = THREADS.getAllThreadIds();
        long[] bytes = THREADS.getThreadAllocatedBytes(threads);
        Map<Long, Long> byThread = new HashMap<>();
        for (int i = 0; i < threads.length; i++) {
            byThread.put(threads[i], Math.max(0, bytes[i]));
        }
        return new Usage(System.nanoTime(), SYSTEM.getProcessCpuTime(), byThread);
    }

    /** Allocated since then. */
    long bytesSince(Usage then) {
        long sum = 0;
        for (Map.Entry<Long, Long> thread : bytesByThread.entrySet()) {
            sum += thread.getValue() - then.bytesByThread.getOrDefault(thread.getKey(), 0L);
        }
        return sum;
    }

    /** Processor time since then as a share of the time that has passed. */
    double cpuShareSince(Usage then) {
        return nanos == then.nanos ? 0 : (double) (cpuNanos - then.cpuNanos) / (nanos - then.nanos);
    }
}
