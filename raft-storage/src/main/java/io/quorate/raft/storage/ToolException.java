package io.quorate.raft.storage;

/** Why the tool does not do what it was asked to; nothing was changed. */
final class ToolException extends Exception {

    private static final long serialVersionUID = 1;

    ToolException(String message) {
        super(message);
    }
}
