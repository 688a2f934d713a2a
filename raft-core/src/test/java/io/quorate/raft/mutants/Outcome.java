package io.quorate.raft.mutants;

/** How a run of the tests ended. */
sealed interface Outcome {

    /** This test failed, the first that did. */
    record Failed(String test) implements Outcome { }

    /** All passed, so many. */
    record Passed(int tests) implements Outcome { }

    /** It went on for longer than any run does. */
    record Hung() implements Outcome { }

    /** It ended without a result: proves nothing. */
    record Broken(String why) implements Outcome { }
}
