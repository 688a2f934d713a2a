package io.quorate.raft.testing;

/** A simulated run broke an invariant. The message holds the seed that repeats it, the last things that happened, and each node. */
public final class SimulationFailure extends AssertionError {

    private static final long serialVersionUID = 1;

    public SimulationFailure(String message, Throwable cause) {
        super(message, cause);
    }
}
