package io.quorate.raft.runtime;

import static io.quorate.raft.runtime.Recorder.command;
import static io.quorate.raft.runtime.Recorder.noOp;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PendingProposalsTest {

    private final PendingProposals pending = new PendingProposals();
    private final List<Call> failed = new ArrayList<>();

    @Test
    void aProposalIsDoneWhenExactlyItsEntryIsApplied() {
        Call first = accepted(1, 5);
        Call second = accepted(1, 6);
        assertSame(first, apply(command(5, 1, "a")));
        assertSame(second, apply(command(6, 1, "b")));
        assertEquals(List.of(), failed);
        assertTrue(pending.isEmpty());
    }

    @Test
    void anEntryOfAnotherTermAtItsIndexIsNotIt() {
        Call mine = accepted(1, 5);
        assertNull(apply(command(5, 2, "theirs")));
        assertEquals(List.of(mine), failed);
    }

    @Test
    void anEntryOfALaterTermBeforeItSettlesAllOlderProposals() {
        Call first = accepted(1, 7);
        Call second = accepted(1, 9);
        assertNull(apply(noOp(5, 3)));
        assertEquals(List.of(first, second), failed);
        assertTrue(pending.isEmpty());
    }

    @Test
    void anEntryOfAnEarlierTermBeforeItSettlesNothing() {
        Call mine = accepted(3, 7);
        assertNull(apply(command(6, 2, "old")));
        assertEquals(List.of(), failed);
        assertSame(mine, apply(command(7, 3, "mine")));
    }

    @Test
    void anEntryOfAnEarlierTermAtItsIndexIsItsEnd() {
        Call mine = accepted(3, 7);
        assertNull(apply(command(7, 2, "another")));
        assertEquals(List.of(mine), failed);
    }

    @Test
    void proposalsOfTwoTermsForOneIndexAreToldApart() {
        Call older = accepted(1, 7);
        Call newer = accepted(4, 7);
        assertSame(newer, apply(command(7, 4, "newer")));
        assertEquals(List.of(older), failed);
        assertTrue(pending.isEmpty());
    }

    @Test
    void theOlderOfTwoTermsMayStillWin() {
        Call older = accepted(1, 7);
        Call newer = accepted(4, 7);
        Call newest = accepted(4, 8);
        assertSame(older, apply(command(7, 1, "older")));
        assertEquals(List.of(newer), failed);
        apply(noOp(8, 5));
        assertEquals(List.of(newer, newest), failed);
        assertTrue(pending.isEmpty());
    }

    /** What the snapshot may hold, nobody here has seen; what it cannot hold, or the log behind it, will never be; the rest waits on. */
    @Test
    void aSnapshotSwallowsWhatItMayHoldAndSettlesWhatItCannot() {
        Call within = accepted(1, 8);
        Call behindAndOld = accepted(1, 12);
        Call last = accepted(3, 10);
        Call behind = accepted(3, 11);
        Call ofALaterTerm = accepted(4, 9);
        Call behindOfALaterTerm = accepted(4, 12);
        List<Call> swallowed = new ArrayList<>();
        pending.onRestored(new EntryId(3, 10), failed::add, swallowed::add);
        assertEquals(List.of(within, last), swallowed);
        assertEquals(List.of(behindAndOld, ofALaterTerm), failed);
        assertSame(behind, apply(command(11, 3, "behind")));
        assertSame(behindOfALaterTerm, apply(command(12, 4, "later")));
        assertTrue(pending.isEmpty());
    }

    @Test
    void whatIsAcceptedOutOfOrderIsABug() {
        accepted(2, 7);
        assertThrows(IllegalStateException.class, () -> accepted(2, 7));
        assertThrows(IllegalStateException.class, () -> accepted(1, 9));
    }

    @Test
    void theChosenAreTakenOut() {
        Call first = accepted(1, 7);
        Call second = accepted(2, 8);
        pending.removeIf(call -> call == first);
        assertSame(second, apply(command(8, 2, "x")));
        assertTrue(pending.isEmpty());
    }

    private Call accepted(long term, long index) {
        Call call = Recorder.call(Call.Kind.PROPOSE, Long.MAX_VALUE);
        call.accepted(new EntryId(term, index));
        pending.add(call);
        return call;
    }

    private Call apply(Entry entry) {
        return pending.onApplied(entry, failed::add);
    }
}
