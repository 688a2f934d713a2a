package io.quorate.raft;

/** Nothing happened, and nothing will if the same is asked again: the request is bad, or the state machine's query failed. */
public final class RequestFailedException extends RaftException {

    private static final long serialVersionUID = 1;

    public RequestFailedException(String message) {
        super(message);
    }
}
