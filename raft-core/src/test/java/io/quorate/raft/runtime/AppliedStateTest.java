package io.quorate.raft.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.MembershipCodec;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import java.util.List;
import org.junit.jupiter.api.Test;

class AppliedStateTest {

    private static final Membership FIRST = Membership.of(1, List.of(new Member(new ReplicaId(1, 11), "a")));
    private static final Membership SECOND = Membership.of(2, List.of(new Member(new ReplicaId(1, 11), "elsewhere")));

    private final AppliedState state = new AppliedState();

    @Test
    void beforeTheLogIsRecoveredThereIsNothingToCapture() {
        assertNull(state.snapshotId());
    }

    /** The second snapshot finds no membership entry behind the first: the log that held it is gone. */
    @Test
    void aSnapshotIsLabelledWithTheMembershipInForceWhereverItsEntryWent() {
        state.reset(SnapshotId.ofFounding(FIRST), 0);
        state.onApplied(entry(1, Entry.Kind.MEMBERSHIP, 10, MembershipCodec.encode(SECOND)));
        state.onApplied(entry(2, Entry.Kind.COMMAND, 20, new byte[1]));
        SnapshotId snapshot = new SnapshotId(new EntryId(1, 2), SECOND, 20);
        assertEquals(snapshot, state.snapshotId());

        AppliedState restarted = new AppliedState();
        restarted.reset(snapshot, 2);
        restarted.onApplied(entry(3, Entry.Kind.COMMAND, 30, new byte[1]));
        assertEquals(new SnapshotId(new EntryId(1, 3), SECOND, 30), restarted.snapshotId());
    }

    @Test
    void replicatedTimeIsPartOfTheLabelAndNeverGoesBack() {
        state.reset(new SnapshotId(new EntryId(1, 5), FIRST, 100), 5);
        state.onApplied(entry(6, Entry.Kind.COMMAND, 40, new byte[1]));
        assertEquals(100, state.snapshotId().timeNanos());
        state.onApplied(entry(7, Entry.Kind.TIME, 140, new byte[0]));
        assertEquals(140, state.snapshotId().timeNanos());
    }

    @Test
    void whatTheMachineWasToldLastIsACommandOrTheTime() {
        state.reset(SnapshotId.ofFounding(FIRST), 0);
        state.onApplied(entry(1, Entry.Kind.NO_OP, 0, new byte[0]));
        assertEquals(0, state.lastToldIndex());
        state.onApplied(entry(2, Entry.Kind.COMMAND, 0, new byte[1]));
        state.onApplied(entry(3, Entry.Kind.NO_OP, 0, new byte[0]));
        assertEquals(2, state.lastToldIndex());
        state.onTold(4);
        state.onApplied(entry(4, Entry.Kind.TIME, 9, new byte[0]));
        assertEquals(4, state.lastToldIndex());
    }

    private static Entry entry(long index, Entry.Kind kind, long timeNanos, byte[] payload) {
        return Entry.of(index, 1, kind, timeNanos, payload);
    }
}
