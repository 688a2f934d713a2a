package io.quorate.raft.core;

import java.util.ArrayDeque;

/**
 * Numbers the writes given to storage and knows how much of the log is durable.
 *
 * <p>Writes complete in order, so a completion is one number. Each pending write claims the log up to an index; cutting the log lowers
 * what earlier writes may claim, so that a late completion never vouches for the entries that replaced its own. A snapshot that replaces
 * the log is a cut behind what was known to be committed, the same in both, and a write that claims all the snapshot covers.
 */
final class WriteLedger {

    private static final class Pending {
        private final long id;
        private long lastIndex;   // what will be durable when this write is

        private Pending(long id, long lastIndex) {
            this.id = id;
            this.lastIndex = lastIndex;
        }
    }

    private final ArrayDeque<Pending> pending = new ArrayDeque<>();
    private long lastId;
    private long durableIndex;
    private long progressNanos;   // when storage was last given something to do, having had nothing, or last did some of it

    /** Of a log that is durable up to here. */
    WriteLedger(long durableIndex) {
        this(durableIndex, 0);
    }

    /** The same, if storage was given writes up to this number before, and has done them. */
    WriteLedger(long durableIndex, long lastId) {
        this.durableIndex = durableIndex;
        this.lastId = lastId;
    }

    /** Every entry up to here is durable, as the log now stands. */
    long durableIndex() {
        return durableIndex;
    }

    boolean isDurable(long writeId) {
        return writeId <= lastId && (pending.isEmpty() || writeId < pending.peekFirst().id);
    }

    /** Numbers the next write, after which the log on disk will end at {@code lastIndex}. */
    long issue(long lastIndex, long nowNanos) {
        if (pending.isEmpty()) {
            progressNanos = nowNanos;
        }
        lastId++;
        pending.addLast(new Pending(lastId, lastIndex));
        return lastId;
    }

    /** The log was cut: what was written from {@code firstIndex} on, or still is being written, is no longer part of it. */
    void truncate(long firstIndex) {
        durableIndex = Math.min(durableIndex, firstIndex - 1);
        for (Pending write : pending) {
            write.lastIndex = Math.min(write.lastIndex, firstIndex - 1);
        }
    }

    /** This write and all earlier ones are durable. Telling it again changes nothing. */
    void written(long writeId, long nowNanos) {
        if (writeId > lastId) {
            throw new InvariantViolation("Storage completed write " + writeId + ", but only " + lastId + " were given to it");
        }
        while (!pending.isEmpty() && pending.peekFirst().id <= writeId) {
            durableIndex = Math.max(durableIndex, pending.removeFirst().lastIndex);
            progressNanos = nowNanos;
        }
    }

    /** For how long storage has had something to do and completed nothing; 0 if it has nothing to do. */
    long silentNanos(long nowNanos) {
        return pending.isEmpty() ? 0 : nowNanos - progressNanos;
    }

    /** The process was paused: the time meanwhile does not count. */
    void onPause(long nowNanos) {
        progressNanos = nowNanos;
    }

    @Override
    public String toString() {
        return "durable " + durableIndex + (pending.isEmpty() ? "" : " (" + pending.size() + " writes pending)");
    }
}
