package io.quorate.raft.core;

/**
 * Something happened that Raft rules out: a bug, or a disk that forgot. The server stops and says so; going on could lose or
 * fork acknowledged data.
 */
public final class InvariantViolation extends IllegalStateException {

    private static final long serialVersionUID = 1;

    public InvariantViolation(String message) {
        super(message);
    }
}
