package io.quorate.raft.client;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import java.util.concurrent.CompletableFuture;

/** Carries a client's requests to replicas. */
public interface ClientTransport extends AutoCloseable {

    /** For how long an answer may be on its way that says that the time is up, at most. */
    long ANSWER_NANOS = 50_000_000;

    /**
     * Sends a request to the replica at this address, connecting if need be.
     *
     * <p>The replica is told that it has {@link #toldNanos a little less} than the timeout.
     *
     * <p>The future completes with the answer; with {@link NotSentException} if the request certainly never left this process; or with
     * another exception if the connection broke, or the timeout passed, so that perhaps it was done. It completes within the timeout, and
     * on close.
     *
     * @param address      {@code host:port}
     * @param request      what
     * @param timeoutNanos for how long to wait
     */
    CompletableFuture<ClientResponse> call(String address, ClientRequest request, long timeoutNanos);

    /**
     * The highest recovery epoch of its group that this has met; 0 if it has met none.
     *
     * <p>Who is of a lower one was left behind when the group was recovered, and knows nothing of what has happened since. So it is not
     * asked; and what it answers is not delivered any more once a higher epoch was met: the call fails, as if the connection had broken.
     * When a call completes, the epoch of whoever answered it is counted here already. So an answer is certainly of this epoch if it was
     * the same before the call and after its answer.
     */
    int epoch();

    /**
     * For how long a replica is told that its client waits, if that waits so long: a little less. A replica that cannot do in time what it
     * was asked for says so, and why, and which entry may be waited for; that must come before the client has given up. So a replica from
     * which nothing comes until then is in trouble, or cannot be reached.
     */
    static long toldNanos(long timeoutNanos) {
        return timeoutNanos == Long.MAX_VALUE ? timeoutNanos : timeoutNanos - Math.min(timeoutNanos / 10, ANSWER_NANOS);
    }

    /** Closes all connections; open calls complete. */
    @Override
    void close();

    /** The request certainly never left this process; it may be sent elsewhere. */
    final class NotSentException extends RuntimeException {

        private static final long serialVersionUID = 1;

        public NotSentException(String message, Throwable cause) {
            super(message, cause);
        }
    }
}
