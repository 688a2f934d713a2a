package io.quorate.raft.runtime;

/** Lets so many bytes through per second. What was not used is kept for a tenth of a second, or for one piece. One thread. */
final class RateLimit {

    private static final long SECOND_NANOS = 1_000_000_000L;

    private final long bytesPerSecond;
    private final long bytesMax;
    private long bytes;               // may be taken at once; never less than 0
    private long filledNanos;

    /** @param pieceBytes what is taken at once at most */
    RateLimit(long bytesPerSecond, int pieceBytes, long nowNanos) {
        this.bytesPerSecond = bytesPerSecond;
        bytesMax = Math.max(pieceBytes, bytesPerSecond / 10);
        bytes = bytesMax;
        filledNanos = nowNanos;
    }

    /** Takes this many bytes; false, and nothing is taken, if there are not so many yet. */
    boolean take(int wanted, long nowNanos) {
        fill(nowNanos);
        if (bytes < wanted) {
            return false;
        }
        bytes -= wanted;
        return true;
    }

    /** After how many nanoseconds this many bytes may be taken. */
    long nanosUntil(int wanted, long nowNanos) {
        fill(nowNanos);
        long lacking = Math.max(0, wanted - bytes);
        return (long) Math.ceil((double) lacking * SECOND_NANOS / bytesPerSecond);
    }

    private void fill(long nowNanos) {
        long passed = Math.min(nowNanos - filledNanos, SECOND_NANOS);
        long more = (long) ((double) bytesPerSecond * passed / SECOND_NANOS);
        if (more > 0) {       // else the time goes on to count
            bytes = Math.min(bytesMax, bytes + more);
            filledNanos = nowNanos;
        } else if (passed < 0) {
            filledNanos = nowNanos;      // a clock that leaps back
        }
    }
}
