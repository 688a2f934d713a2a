package io.quorate.raft.testing;

import org.jspecify.annotations.Nullable;

/** The user's state machine did what none may do, or one of his checks failed. */
final class MachineFailed extends AssertionError {

    private static final long serialVersionUID = 1;

    MachineFailed(String what, @Nullable Throwable cause) {
        super(what, cause);
    }
}
