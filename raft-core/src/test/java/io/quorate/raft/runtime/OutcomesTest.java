package io.quorate.raft.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.TermTable;
import io.quorate.raft.runtime.Outcomes.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/** What is said of an entry is true of every log that is committed in the end, and is said as soon as it can be. */
class OutcomesTest {

    @Example
    void ofALogThatIsRecoveredOnlyWhatIsAppliedCounts() {
        TermTable log = new TermTable(EntryId.ZERO);
        long[] terms = {1, 1, 2, 2, 3};
        for (int i = 0; i < terms.length; i++) {
            log.append(terms[i], i + 1);
        }
        Outcomes outcomes = new Outcomes();
        outcomes.reset(log, 3);
        assertEquals(Verdict.APPLIED, outcomes.of(new EntryId(1, 2)));
        assertEquals(Verdict.APPLIED, outcomes.of(new EntryId(2, 3)));
        assertEquals(Verdict.OPEN, outcomes.of(new EntryId(2, 4)), "it is in the log, and may be cut off");
        assertEquals(Verdict.NEVER, outcomes.of(new EntryId(1, 4)));
        assertEquals(5, log.lastIndex(), "the log's own table stays as it is");
        outcomes.onApplied(Entry.of(4, 3, Entry.Kind.NO_OP, 0, new byte[0]));
        assertEquals(Verdict.NEVER, outcomes.of(new EntryId(2, 4)));
    }

    @Example
    void whatAnotherReplicasSnapshotCoversIsKnownIfItCanOnlyBeOfOneTerm() {
        Outcomes outcomes = new Outcomes();
        outcomes.onApplied(Entry.of(1, 4, Entry.Kind.NO_OP, 0, new byte[0]));
        outcomes.onRestored(new EntryId(4, 9));
        assertEquals(Verdict.APPLIED, outcomes.of(new EntryId(4, 5)));
        assertEquals(Verdict.NEVER, outcomes.of(new EntryId(3, 5)));
        outcomes.onRestored(new EntryId(6, 20));
        assertEquals(Verdict.APPLIED, outcomes.of(new EntryId(6, 20)));
        assertEquals(Verdict.NEVER, outcomes.of(new EntryId(5, 20)));
        assertEquals(Verdict.FORGOTTEN, outcomes.of(new EntryId(5, 15)));
        assertEquals(Verdict.NEVER, outcomes.of(new EntryId(7, 15)), "no later term stands before the last");
        assertEquals(Verdict.OPEN, outcomes.of(new EntryId(7, 21)));
    }

    /** A log that grows, entry by entry or by snapshots of it; what is said of any entry stays true whatever comes. */
    @Property(tries = 300)
    void whatIsSaidIsTrueAndIsSaidInTime(@ForAll long seed) {
        Random random = new Random(seed);
        List<Long> log = new ArrayList<>();      // the terms of what is committed in the end
        long term = 1;
        for (int i = 0; i < 60; i++) {
            term += random.nextInt(6) == 0 ? 1 + random.nextInt(2) : 0;
            log.add(term);
        }
        Outcomes outcomes = new Outcomes();
        int applied = 0;
        boolean isWhole = true;
        while (applied < log.size()) {
            if (random.nextInt(10) == 0) {
                applied = applied + 1 + random.nextInt(log.size() - applied);
                outcomes.onRestored(new EntryId(log.get(applied - 1), applied));
                isWhole = false;
            } else {
                applied++;
                outcomes.onApplied(Entry.of(applied, log.get(applied - 1), Entry.Kind.NO_OP, 0, new byte[0]));
            }
            for (int i = 0; i < 20; i++) {
                EntryId id = new EntryId(1 + random.nextInt((int) term + 1), 1 + random.nextInt(log.size()));
                boolean isCommitted = log.get((int) id.index() - 1) == id.term();
                Verdict verdict = outcomes.of(id);
                if (verdict == Verdict.APPLIED || verdict == Verdict.NEVER) {
                    assertEquals(isCommitted, verdict == Verdict.APPLIED, () -> id + " of " + log);
                }
                if (id.index() <= applied) {
                    assertNotEquals(Verdict.OPEN, verdict);
                    if (isWhole) {
                        assertNotEquals(Verdict.FORGOTTEN, verdict);
                    }
                } else {
                    assertNotEquals(Verdict.APPLIED, verdict);
                    assertEquals(id.term() < log.get(applied - 1), verdict == Verdict.NEVER);
                }
            }
        }
    }
}
