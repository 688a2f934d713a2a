package io.quorate.raft;

/** Perhaps it happened, perhaps not: the caller's deadline or the server's end came before the outcome was known. */
public final class OutcomeUnknownException extends RaftException {

    private static final long serialVersionUID = 1;

    public OutcomeUnknownException(String message) {
        super(message);
    }
}
