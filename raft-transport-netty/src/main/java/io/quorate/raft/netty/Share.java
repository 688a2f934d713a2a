package io.quorate.raft.netty;

/**
 * What one connection takes of a {@link Quota}. Its first bytes are its own and always there, so that it gets what is small though others
 * have taken everything. Any thread.
 */
final class Share {

    private final Quota all;
    private final long ownBytes;
    private long taken;

    Share(Quota all, long ownBytes) {
        this.all = all;
        this.ownBytes = ownBytes;
    }

    /** Takes so many, or none; whether there were as many. */
    synchronized boolean take(long bytes) {
        if (!all.take(beyond(taken + bytes) - beyond(taken))) {
            return false;
        }
        taken += bytes;
        return true;
    }

    /** They are free again. */
    synchronized void give(long bytes) {
        all.give(beyond(taken) - beyond(taken - bytes));
        taken -= bytes;
    }

    private long beyond(long bytes) {
        return Math.max(0, bytes - ownBytes);
    }
}
