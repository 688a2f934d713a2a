package io.quorate.raft.testing;

import org.jspecify.annotations.Nullable;

/**
 * A simulated run broke an invariant or a check. The message says which, what was seen, what happened last at each node, and how to repeat
 * it.
 */
public final class SimulationFailure extends AssertionError {

    private static final long serialVersionUID = 1;

    private final long seed;
    private final transient FaultPlan plan;
    private final String invariant;
    private final transient Trace trace;

    SimulationFailure(String message, @Nullable Throwable cause, long seed, FaultPlan plan, String invariant, Trace trace) {
        super(message, cause);
        this.seed = seed;
        this.plan = plan;
        this.invariant = invariant;
        this.trace = trace;
    }

    /** The seed that repeats it, together with {@link #plan}. */
    public long seed() {
        return seed;
    }

    /** The faults that it needs: what the seed had drawn, cut down. */
    public FaultPlan plan() {
        return plan;
    }

    /** The name of what is broken; {@code Replay} if the run cannot be repeated. */
    public String invariant() {
        return invariant;
    }

    /** What happened in the small run, up to the violation. {@link TracePicture} draws it. */
    public Trace trace() {
        return trace;
    }
}
