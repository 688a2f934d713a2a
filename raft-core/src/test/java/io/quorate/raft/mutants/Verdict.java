package io.quorate.raft.mutants;

/**
 * What became of one mutant.
 *
 * @param kind what it means for the build
 * @param text what is said about it
 */
record Verdict(Kind kind, String text) {

    enum Kind {
        /** A test has noticed, the one that the list names. */
        KILLED(true),
        /** No test has noticed, and the list says why none can. */
        REDUNDANT(true),
        /** No test has noticed. */
        SURVIVED(false),
        /** It could not be made or run, or the list is wrong about it. */
        WRONG(false);

        private final boolean isGood;

        Kind(boolean isGood) {
            this.isGood = isGood;
        }

        boolean isGood() {
            return isGood;
        }
    }

    static Verdict wrong(String text) {
        return new Verdict(Kind.WRONG, text);
    }

    /** Of a mutant that compiles and was run. */
    static Verdict of(Mutant mutant, Outcome outcome) {
        if (outcome instanceof Outcome.Broken broken) {
            return wrong("NOT RUN: " + broken.why());
        }
        if (outcome instanceof Outcome.Passed passed) {
            return mutant.redundant() == null
                ? new Verdict(Kind.SURVIVED, "SURVIVED " + passed.tests() + " tests")
                : new Verdict(Kind.REDUNDANT, "redundant: " + mutant.redundant());
        }
        String killer = outcome instanceof Outcome.Failed failed ? failed.test() : "timeout";
        if (mutant.redundant() != null) {
            return wrong("NOT REDUNDANT: killed by " + killer);
        }
        return isNamed(mutant, outcome)
            ? new Verdict(Kind.KILLED, "killed by " + killer)
            : wrong("THE LIST NAMES ANOTHER TEST: killed by " + killer + ", not by " + mutant.test());
    }

    /** Whether it is the test of the list that has noticed. A test that hangs is not asked for its name. */
    private static boolean isNamed(Mutant mutant, Outcome outcome) {
        return !(outcome instanceof Outcome.Failed failed) || failed.test().equals(mutant.test())
            || failed.test().startsWith(mutant.test() + ".");
    }
}
