package io.quorate.raft;

/** Nothing happened: as much is waiting as the configuration allows. Try again after a pause. */
public final class OverloadedException extends RaftException {

    private static final long serialVersionUID = 1;

    public OverloadedException(String message) {
        super(message);
    }
}
