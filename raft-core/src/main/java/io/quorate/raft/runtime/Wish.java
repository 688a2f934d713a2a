package io.quorate.raft.runtime;

import io.quorate.raft.SnapshotInfo;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Somebody's wish for a snapshot, or for a copy of one in a file. It ends once, whatever comes first: its fulfilment, a failure, its
 * deadline, the server's end. Whoever ends it tells its caller.
 */
final class Wish implements Told {

    private final @Nullable Path target;     // of the copy; null if none is wanted
    private final long deadlineNanos;
    private final SnapshotCompletion completion;
    private final AtomicInteger open;        // how many wishes are; this one is until it ends
    private final AtomicBoolean isEnded = new AtomicBoolean();
    private @Nullable SnapshotInfo snapshot;        // set by who ends it
    private @Nullable Throwable failure;            // likewise

    Wish(@Nullable Path target, long deadlineNanos, SnapshotCompletion completion, AtomicInteger open) {
        this.target = target;
        this.deadlineNanos = deadlineNanos;
        this.completion = completion;
        this.open = open;
    }

    @Nullable Path target() {
        return target;
    }

    long deadlineNanos() {
        return deadlineNanos;
    }

    boolean isExpired(long nowNanos) {
        return nowNanos - deadlineNanos >= 0;
    }

    boolean isEnded() {
        return isEnded.get();
    }

    /** It is fulfilled; true if it had not ended before, and the caller is to be told. Any thread. */
    boolean fulfil(SnapshotInfo by) {
        if (!end()) {
            return false;
        }
        snapshot = by;
        return true;
    }

    /** It is not; true as {@link #fulfil}. Any thread. */
    boolean fail(Throwable why) {
        if (!end()) {
            return false;
        }
        failure = why;
        return true;
    }

    private boolean end() {
        if (!isEnded.compareAndSet(false, true)) {
            return false;
        }
        open.decrementAndGet();
        return true;
    }

    @Override
    public void tell() {
        SnapshotInfo info = snapshot;
        if (info != null) {
            completion.done(info);
        } else if (failure != null) {
            completion.failed(failure);
        }
    }
}
