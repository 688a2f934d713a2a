package io.quorate.raft;

import org.jspecify.annotations.Nullable;

/** Nothing happened: this server has stopped, or is stopping; the cause says why unless it was closed. */
public final class ServerStoppedException extends RaftException {

    private static final long serialVersionUID = 1;

    public ServerStoppedException(String message, @Nullable Throwable cause) {
        super(message);
        if (cause != null) {
            initCause(cause);
        }
    }
}
