package io.quorate.raft.client;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import java.util.concurrent.CompletableFuture;

/** Carries a client's requests to replicas. */
public interface ClientTransport extends AutoCloseable {

    /**
     * Sends a request to the replica at this address, connecting if need be.
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
