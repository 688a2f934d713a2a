package io.quorate.raft;

/**
 * Your replicated state. Every replica applies the same commands in the same order, so {@code apply} must be deterministic: its
 * result and its effect on the state depend on nothing but the commands so far. No clock, no randomness, no I/O that can differ.
 *
 * <p>All methods are called on one thread, the apply thread, never two at a time, so the state needs no locks. A method that
 * blocks holds up applying and reading on this replica, not replication.
 *
 * <p>An exception from {@code apply} stops the server: a replica that skipped a command would no longer be a copy. Report
 * what a user did wrong in the result instead.
 */
public interface StateMachine {

    /**
     * Applies a committed command.
     *
     * @return the result, for the caller of {@code propose}; not changed afterwards by either side
     */
    byte[] apply(Command command);

    /**
     * Answers a query from the present state without changing it. An exception goes to the caller of {@code read} and has no other
     * effect.
     *
     * @param query as the caller gave it
     * @return the answer; not changed afterwards by either side
     */
    byte[] query(byte[] query);
}
