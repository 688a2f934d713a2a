package io.quorate.raft;

/**
 * Something went wrong, and the type tells in which of two worlds the caller is: unless it is an {@link OutcomeUnknownException},
 * nothing happened.
 */
public abstract sealed class RaftException extends RuntimeException
    permits NotLeaderException, OverloadedException, CommandTooLargeException, OutcomeUnknownException, RequestFailedException,
            RequestRefusedException, ServerStoppedException, SessionEndedException, StorageException, TransportException {

    private static final long serialVersionUID = 1;

    RaftException(String message) {
        super(message);
    }

    RaftException(String message, Throwable cause) {
        super(message, cause);
    }
}
