package io.quorate.examples;

/** A program that runs. */
public interface Running extends AutoCloseable {

    /** Waits until it has stopped, by {@link #close} or because it had to; returns what the process ends with. */
    int awaitStop();

    /** Stops it in good order, and returns when it has. */
    @Override
    void close();
}
