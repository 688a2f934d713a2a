package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.goal;
import static io.quorate.raft.core.Cluster.id;
import static io.quorate.raft.core.Cluster.members;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Which membership is in force as the log grows, is cut, and is replaced by a snapshot. */
class MembershipsTest {

    private static final Membership FIRST = Membership.of(1, members(1, 2, 3));
    private static final Membership SECOND = FIRST.withGoal(goal(4));
    private static final Membership THIRD = SECOND.enterJoint();
    private static final Membership FOURTH = THIRD.leaveJoint();

    private final Memberships memberships = new Memberships(SnapshotId.ofFounding(FIRST), List.of(entry(3, SECOND), entry(5, THIRD)));

    @Test
    void theLastOneInTheLogIsInForceFromTheStart() {
        assertEquals(THIRD, memberships.active());
        assertEquals(5, memberships.activeIndex());
        assertEquals(FIRST, memberships.committed());
        assertFalse(memberships.isActiveCommitted());
    }

    @Test
    void whatIsCutOffIsNoLongerInForce() {
        assertFalse(memberships.truncate(6));
        assertEquals(THIRD, memberships.active());
        assertTrue(memberships.truncate(5));
        assertEquals(SECOND, memberships.active());
        assertTrue(memberships.truncate(1));
        assertEquals(FIRST, memberships.active());
    }

    @Test
    void whatIsCommittedIsNeverGoneBackBehind() {
        memberships.commit(4);
        assertEquals(SECOND, memberships.committed());
        assertEquals(THIRD, memberships.active());
        memberships.commit(5);
        assertTrue(memberships.isActiveCommitted());
        assertEquals(THIRD, memberships.committed());
    }

    /** Whoever counts in one that may have to come back may still be needed; who counted only before that is not. */
    @Test
    void whoCountsInOneThatMayComeBackMayLead() {
        memberships.append(entry(6, FOURTH));
        assertTrue(memberships.mayCount(id(1)));
        assertTrue(memberships.mayCount(id(4)));
        assertFalse(memberships.mayCount(id(5)));
        memberships.commit(6);
        assertFalse(memberships.mayCount(id(1)));
    }

    @Test
    void nobodyIsAloneAsLongAsAnotherMayHaveBeenPromisedSomething() {
        memberships.append(entry(6, FOURTH));
        assertFalse(memberships.isAlone(id(4)));
        memberships.commit(6);
        assertTrue(memberships.isAlone(id(4)));
        assertFalse(memberships.isAlone(id(1)));
    }

    @Test
    void aSnapshotInPlaceOfTheLogReplacesAll() {
        memberships.install(new SnapshotId(new EntryId(1, 4), SECOND, 0));
        assertEquals(SECOND, memberships.active());
        assertEquals(4, memberships.activeIndex());
        assertTrue(memberships.isActiveCommitted());
    }

    @Test
    void versionsFollowEachOther() {
        assertThrows(InvariantViolation.class, () -> memberships.append(entry(6, THIRD)));
        assertThrows(InvariantViolation.class, () -> memberships.append(entry(6, Membership.of(5, members(4)))));
    }

    /** A newer version's membership, say: to go on by the one before would be to count by the wrong rule. */
    @Test
    void anEntryThatHoldsNoMembershipStops() {
        Entry unknown = Entry.of(6, 1, Entry.Kind.MEMBERSHIP, 0, new byte[] {99});
        assertTrue(assertThrows(InvariantViolation.class, () -> memberships.append(unknown)).getMessage().contains("format 99"));
    }

    private static Entry entry(long index, Membership membership) {
        return Entry.of(index, 1, Entry.Kind.MEMBERSHIP, 0, MembershipCodec.encode(membership));
    }
}
