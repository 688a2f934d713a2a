package io.quorate.examples;

/** A program was not called as it must be. The message is one line for the user: what was wrong, and what to do. */
public final class UsageException extends Exception {

    private static final long serialVersionUID = 1;

    UsageException(String message) {
        super(message);
    }
}
