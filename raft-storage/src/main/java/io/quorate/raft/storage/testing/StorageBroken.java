package io.quorate.raft.storage.testing;

/** A storage has not kept what it had promised: the message says what, and what is there instead. */
public final class StorageBroken extends AssertionError {

    private static final long serialVersionUID = 1;

    StorageBroken(String message) {
        super(message);
    }

    StorageBroken(String message, Throwable cause) {
        super(message, cause);
    }
}
