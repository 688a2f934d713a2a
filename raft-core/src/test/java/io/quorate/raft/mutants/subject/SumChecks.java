package io.quorate.raft.mutants.subject;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** Not named as a test, so that the ordinary build leaves it to {@link io.quorate.raft.mutants.MutantsTest}. */
class SumChecks {

    @Test
    void aSumIsTheSumOfItsParts() {
        assertEquals(55, Sum.upTo(10));
    }

    @Test
    void nothingAddsUpToNothing() {
        assertEquals(0, Sum.upTo(0));
    }
}
