package io.quorate.raft;

/**
 * Nothing happened: the session is closed, or the group does not know it, because nothing was heard of it for its timeout or the group was
 * restored from a backup of before it was opened. Open another.
 */
public final class SessionEndedException extends RaftException {

    private static final long serialVersionUID = 1;

    /** @param message says that nothing happened, why, and what to do */
    public SessionEndedException(String message) {
        super(message);
    }
}
