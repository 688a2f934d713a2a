package io.quorate.raft;

/** Nothing happened: the command is larger than an entry may be. */
public final class CommandTooLargeException extends RaftException {

    private static final long serialVersionUID = 1;

    public CommandTooLargeException(String message) {
        super(message);
    }
}
