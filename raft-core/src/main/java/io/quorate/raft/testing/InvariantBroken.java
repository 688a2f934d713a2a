package io.quorate.raft.testing;

/** An invariant does not hold: its name, and what was seen. */
final class InvariantBroken extends AssertionError {

    private static final long serialVersionUID = 1;

    InvariantBroken(String invariant, String seen) {
        super(invariant + ": " + seen);
    }
}
