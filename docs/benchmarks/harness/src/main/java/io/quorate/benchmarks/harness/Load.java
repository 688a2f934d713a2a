package io.quorate.benchmarks.harness;

import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * An application that proposes commands from one thread, as fast as a fixed number of them are acknowledged, or at a fixed rate whether
 * they are or not.
 *
 * <p><b>Time.</b> A command's latency runs from the moment it was due until the library said that it is done. With a number outstanding it
 * is due when it is proposed. At a rate it is due by the clock: if the application or the library is late, that counts (there is no
 * coordinated omission).
 *
 * <p><b>Allocation.</b> The load allocates nothing for a command. Commands are made before, of random bytes, and never changed, so any
 * library may keep them; what is allocated for an operation is the library's own doing.
 */
final class Load {

    private static final int COMMANDS = 1024;
    private static final int OPEN_MAX = 1 << 17;            // at a rate: so many may wait; those that come after are late
    private static final long FAILURE_PAUSE_NANOS = 1_000_000;
    private static final int DIGITS = 3;

    /** What came of a measured time. */
    record Result(long nanos, long operations, long failures, Histogram latencies, Usage begin, Usage end,
                  @Nullable Throwable lastFailure) { }

    private final Group group;
    private final byte[][] commands = new byte[COMMANDS][];
    private final AtomicReferenceArray<@Nullable Slot> completed;        // a ring; no more than its length are ever under way
    private final AtomicLong completedTail = new AtomicLong();
    private long completedHead;
    private final Slot[] free;
    private int freeCount;
    private final long ratePerSecond;       // 0: as fast as they are acknowledged
    private volatile @Nullable Thread sleeper;
    private int nextCommand;
    private long sent;          // since the load began: at a rate it tells what is due
    private long failures;      // in this run, as the next
    private @Nullable Throwable lastFailure;
    private long acknowledged;  // in all runs
    private long @Nullable [] timeline;     // if one is wanted: what was done, slice by slice
    private long timelineBegin;
    private long timelineSliceNanos;

    private Load(Group group, int commandBytes, int outstanding, long ratePerSecond) {
        this.group = group;
        this.ratePerSecond = ratePerSecond;
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < COMMANDS; i++) {
            commands[i] = new byte[commandBytes];
            random.nextBytes(commands[i]);
        }
        completed = new AtomicReferenceArray<>(Integer.highestOneBit(Math.max(1, outstanding * 2 - 1)));
        free = new Slot[outstanding];
        for (int i = 0; i < outstanding; i++) {
            free[i] = new Slot();
        }
        freeCount = outstanding;
    }

    /** Keeps so many commands outstanding. */
    static Load closed(Group group, int commandBytes, int outstanding) {
        return new Load(group, commandBytes, outstanding, 0);
    }

    /** Proposes so many a second. */
    static Load open(Group group, int commandBytes, long ratePerSecond) {
        return new Load(group, commandBytes, OPEN_MAX, ratePerSecond);
    }

    /** A place for a command under way; used again and again, by one command at a time. */
    private final class Slot implements Group.Completion {

        private long dueNanos;      // this and below: handed over by the ring
        private long doneNanos;
        private @Nullable Throwable failure;

        @Override
        public void done() {
            complete(null);
        }

        @Override
        public void failed(Throwable why) {
            complete(why);
        }

        private void complete(@Nullable Throwable why) {
            failure = why;
            doneNanos = System.nanoTime();
            long at = completedTail.getAndIncrement();
            completed.set((int) at & completed.length() - 1, this);
            Thread waiting = sleeper;
            if (waiting != null) {
                sleeper = null;         // those that are completed right after need not wake it again
                LockSupport.unpark(waiting);
            }
        }
    }

    /**
     * Loads the group, first for a time that does not count, then for the one that is measured, and waits until nothing is under way any
     * more.
     */
    Result run(long rampNanos, long measuredNanos) {
        long begin = begin();
        loadUntil(begin, begin + rampNanos, null);
        Histogram latencies = new Histogram(DIGITS);
        Usage before = Usage.now();
        long measuredBegin = System.nanoTime();
        loadUntil(begin, measuredBegin + measuredNanos, latencies);
        if (ratePerSecond > 0) {
            drain(latencies);       // what was due in time counts, also if it is late: else a stall at the end would not
        }
        long measuredEnd = System.nanoTime();
        Usage after = Usage.now();
        drain(null);
        return new Result(measuredEnd - measuredBegin, latencies.getTotalCount(), failures, latencies, before, after, lastFailure);
    }

    /** Loads the group for so many slices of time, and counts what was done in each. */
    long[] timeline(long sliceNanos, int slices) {
        long[] done = new long[slices];
        long begin = begin();
        timelineBegin = begin;
        timelineSliceNanos = sliceNanos;
        timeline = done;
        loadUntil(begin, begin + slices * sliceNanos, null);
        drain(null);
        timeline = null;
        return done;
    }

    /** How many commands were acknowledged in all that this load did. */
    long acknowledged() {
        return acknowledged;
    }

    private long begin() {
        sent = 0;
        failures = 0;
        lastFailure = null;
        return System.nanoTime();
    }

    /** Until nothing is under way any more. */
    private void drain(@Nullable Histogram latencies) {
        while (freeCount < free.length) {
            await(Long.MAX_VALUE);
            collect(latencies);
        }
    }

    /** Proposes all that is due before then. */
    private void loadUntil(long begin, long endNanos, @Nullable Histogram latencies) {
        for (;;) {
            long now = System.nanoTime();
            long due = ratePerSecond == 0 ? now : dueNanos(begin);
            if (due - endNanos >= 0) {
                return;
            }
            collect(latencies);
            if (freeCount == 0) {
                await(ratePerSecond == 0 ? endNanos - now : Long.MAX_VALUE);
            } else if (due - now > 0) {
                await(due - now);
            } else {
                Slot slot = free[--freeCount];
                slot.dueNanos = due;
                sent++;
                group.propose(commands[nextCommand++ & COMMANDS - 1], slot);
            }
        }
    }

    private long dueNanos(long begin) {
        return begin + (long) (sent * (1e9 / ratePerSecond));
    }

    /** Takes back what is completed; counts it if there is where. Who is told to come back later does not come back at once. */
    private void collect(@Nullable Histogram latencies) {
        long failuresBefore = failures;
        takeBack(latencies);
        if (failures > failuresBefore && ratePerSecond == 0) {
            LockSupport.parkNanos(FAILURE_PAUSE_NANOS);
        }
    }

    private void takeBack(@Nullable Histogram latencies) {
        for (;;) {
            int at = (int) completedHead & completed.length() - 1;
            Slot slot = completed.get(at);
            if (slot == null) {
                return;
            }
            completed.lazySet(at, null);
            completedHead++;
            free[freeCount++] = slot;
            if (slot.failure != null) {
                failures++;
                lastFailure = slot.failure;
                continue;
            }
            acknowledged++;
            if (latencies != null) {
                latencies.recordValue(Math.max(0, slot.doneNanos - slot.dueNanos));
            }
            if (timeline != null) {
                int slice = (int) ((slot.doneNanos - timelineBegin) / timelineSliceNanos);
                if (slice < timeline.length) {
                    timeline[slice]++;
                }
            }
        }
    }

    /** Sleeps until something is completed, or for so long. */
    private void await(long nanos) {
        sleeper = Thread.currentThread();
        if (completed.get((int) completedHead & completed.length() - 1) == null) {
            if (nanos == Long.MAX_VALUE) {
                LockSupport.park(this);
            } else {
                LockSupport.parkNanos(this, nanos);
            }
        }
        sleeper = null;
    }
}
