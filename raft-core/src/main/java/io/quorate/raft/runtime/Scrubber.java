package io.quorate.raft.runtime;

import io.quorate.raft.Storage;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads what was written long ago, a little at a time and only while the disk thread has nothing else to do, so that damage is found while
 * others still have what was damaged.
 *
 * <p>A small log is not read over and over: rounds begin {@link #ROUND_NANOS_MIN} apart at least.
 *
 * <p>The disk thread's.
 */
final class Scrubber {

    /** How much is read unless the server's builder says otherwise. */
    static final long BYTES_PER_SECOND = 1 << 20;
    /** How much is read at once: so little that a write that comes meanwhile hardly waits. */
    static final int PIECE_BYTES = 64 << 10;
    /** How long after its beginning a round is followed by the next, at least. */
    static final long ROUND_NANOS_MIN = 3_600_000_000_000L;

    private static final Logger LOG = LoggerFactory.getLogger(Scrubber.class);

    private final Storage storage;
    private final Mailbox mailbox;
    private final Meters meters;
    private final Consumer<List<Work>> applier;
    private final boolean isOn;
    private final RateLimit limit;
    private long roundNanos;                // when the present round began, or the next may begin
    private boolean isBetweenRounds;
    private @Nullable String problem;       // that no other replica can put right, as last told
    private boolean hasProblem;             // one was found in this round

    /** @param bytesPerSecond 0 if nothing is to be read */
    Scrubber(Storage storage, Mailbox mailbox, Meters meters, Consumer<List<Work>> applier, long bytesPerSecond, long nowNanos) {
        this.storage = storage;
        this.mailbox = mailbox;
        this.meters = meters;
        this.applier = applier;
        isOn = bytesPerSecond > 0;
        limit = new RateLimit(Math.max(1, bytesPerSecond), PIECE_BYTES, nowNanos);
        roundNanos = nowNanos;
    }

    /** Reads a piece, if it is time. */
    void turn(long nowNanos) {
        if (nanosUntil(nowNanos) > 0 || !limit.take(PIECE_BYTES, nowNanos)) {
            return;
        }
        if (isBetweenRounds) {
            isBetweenRounds = false;
            roundNanos = nowNanos;
        }
        read();
    }

    /** Reads all of it, however long that takes. */
    void readAll() {
        isBetweenRounds = false;
        while (!isBetweenRounds) {
            read();
        }
    }

    private void read() {
        Storage.Scrubbed found = storage.scrub(PIECE_BYTES);
        meters.bytesScrubbed.add(found.bytes());
        if (!found.damaged().isEmpty()) {
            mailbox.damaged(found.damaged());
        }
        if (found.isSnapshotDamaged()) {
            LOG.error("The newest snapshot is damaged on the disk; another one is taken in its place");
            meters.snapshotsDamaged.add(1);
            applier.accept(List.of(new Work.RenewSnapshot(true)));
        }
        if (found.problem() != null && !found.problem().equals(problem)) {
            problem = found.problem();
            mailbox.diskProblem(problem);
            applier.accept(List.of(new Work.RenewSnapshot(false)));      // what a snapshot covers is let go of
        }
        hasProblem |= found.problem() != null;
        if (found.isRoundDone()) {
            if (problem != null && !hasProblem) {
                problem = null;
                mailbox.diskProblem(null);
            }
            hasProblem = false;
            isBetweenRounds = true;
            roundNanos += ROUND_NANOS_MIN;
        }
    }

    /** After how many nanoseconds there is something to read; {@link Long#MAX_VALUE} if never. */
    long nanosUntil(long nowNanos) {
        if (!isOn) {
            return Long.MAX_VALUE;
        }
        return Math.max(isBetweenRounds ? roundNanos - nowNanos : 0, limit.nanosUntil(PIECE_BYTES, nowNanos));
    }
}
