package io.quorate.raft.election;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.LongSupplier;

/**
 * One term of office: what its holder is given. {@link Office} alone says when it is over; how long it is valid, the layer below.
 *
 * <p>Nothing is waited for here and nothing is locked, so the question whether it is still valid costs two reads of memory and one of the
 * clock.
 */
final class Term implements Leadership {

    private final Office<?> office;
    private final long fencingToken;
    private final Validity validity;
    private final LongSupplier nanoClock;
    private final CompletableFuture<Reason> revoked = new CompletableFuture<>();
    private final CompletableFuture<Void> gone = new CompletableFuture<>();   // given to others, or lost
    private final CompletionStage<Reason> revokedToSee = revoked.minimalCompletionStage();
    private final CompletionStage<Void> goneToSee = gone.minimalCompletionStage();
    private volatile boolean isOver;

    Term(Office<?> office, long fencingToken, Validity validity, LongSupplier nanoClock) {
        this.office = office;
        this.fencingToken = fencingToken;
        this.validity = validity;
        this.nanoClock = nanoClock;
    }

    @Override
    public long fencingToken() {
        return fencingToken;
    }

    @Override
    public boolean isValid() {
        return remainingNanos() > 0;
    }

    @Override
    public Duration remaining() {
        return Duration.ofNanos(remainingNanos());
    }

    @Override
    public CompletionStage<Reason> revoked() {
        return revokedToSee;
    }

    @Override
    public CompletionStage<Void> resign() {
        office.resign(this);
        return goneToSee;
    }

    @Override
    public String toString() {
        return "Leadership[" + FencingToken.toString(fencingToken) + (isOver ? ", over" : isValid() ? "" : ", not valid") + "]";
    }

    private long remainingNanos() {
        if (isOver) {
            return 0;
        }
        long endNanos = validity.endNanos();     // before the clock: a pause between the two must count against it
        return Validity.remainingNanos(endNanos, nanoClock.getAsLong());
    }

    /** For how much longer it is not lost by the time alone. */
    long nanosUntilLost() {
        long endNanos = validity.endNanos();
        long lastEndNanos = validity.lastEndNanos();
        long now = nanoClock.getAsLong();
        return Math.max(Validity.remainingNanos(endNanos, now), Validity.remainingNanos(lastEndNanos, now));
    }

    /** It is not valid any more, and never will be again. */
    void end() {
        isOver = true;
    }

    boolean isOver() {
        return isOver;
    }

    CompletableFuture<Reason> whenRevoked() {
        return revoked;
    }

    CompletableFuture<Void> whenGone() {
        return gone;
    }
}
