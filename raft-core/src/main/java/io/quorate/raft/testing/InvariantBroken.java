package io.quorate.raft.testing;

import org.jspecify.annotations.Nullable;

/** An invariant does not hold: its name, and what was seen. */
final class InvariantBroken extends AssertionError {

    private static final long serialVersionUID = 1;

    private final String invariant;
    private final int node;
    private final String seen;

    InvariantBroken(String invariant, String seen) {
        this(invariant, 0, seen, null);
    }

    InvariantBroken(String invariant, int node, String seen, @Nullable Throwable cause) {
        super(invariant + ": " + seen, cause);
        this.invariant = invariant;
        this.node = node;
        this.seen = seen;
    }

    /** At which node it was seen, or 0. */
    int node() {
        return node;
    }

    /** What was seen instead. */
    String seen() {
        return seen;
    }

    /** Its name. */
    String invariant() {
        return invariant;
    }
}
