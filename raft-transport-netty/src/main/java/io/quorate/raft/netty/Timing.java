package io.quorate.raft.netty;

import java.time.Duration;

/**
 * How patient connections are.
 *
 * @param connectNanos   for a connection to come about, and again for its handshake
 * @param pingNanos      between two pings of who opened a connection
 * @param stallNanos     for queued bytes of which the other end's host takes none
 * @param silenceNanos   for a connection on which nothing is heard, not even pings or their answers; several times {@code pingNanos},
 *                       and long enough for a slow line to carry what the kernel has taken
 * @param retryMinNanos  before the first new attempt to connect; doubled with each that fails
 * @param retryMaxNanos  between two attempts at most
 */
record Timing(long connectNanos, long pingNanos, long stallNanos, long silenceNanos, long retryMinNanos, long retryMaxNanos) {

    static final Timing DEFAULT = new Timing(seconds(5), seconds(2), seconds(10), seconds(30), Duration.ofMillis(20).toNanos(), seconds(1));

    private static long seconds(int seconds) {
        return Duration.ofSeconds(seconds).toNanos();
    }
}
