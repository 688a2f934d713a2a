package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.entry;
import static io.quorate.raft.core.Cluster.id;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.quorate.raft.testing.RecordedEffects;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What may be counted, and how far a follower may follow: commits, acknowledgements, conflicts. */
class CommitRulesTest {

    /** A follower whose tail is of a deposed leader: an empty append proves nothing of that tail. */
    @Test
    void aFollowerCommitsNoFurtherThanThisVeryMessageHasProved() {
        Cluster c = Cluster.of("1 1 1 1", "1 1", "1 1");
        c.deliver(new Message.AppendEntries(id(2), id(1), 2, new EntryId(1, 2), List.of(), 4, 4, 1));
        c.writeAll(1);
        assertEquals(2, c.commit(1));
        c.deliver(new Message.AppendEntries(id(2), id(1), 2, new EntryId(1, 2), List.of(entry(3, 2)), 4, 4, 1));
        c.writeAll(1);
        assertEquals(3, c.commit(1));
        assertEquals("1 1 2", c.log(1));
    }

    @Test
    void aFollowersCommitIsAlsoNoFurtherThanTheLeaders() {
        Cluster c = Cluster.of("1 1 1", "1 1 1", "1 1 1");
        c.deliver(new Message.AppendEntries(id(2), id(1), 2, new EntryId(1, 3), List.of(entry(4, 2)), 1, 1, 1));
        assertEquals(1, c.commit(1));
    }

    /** An older message, or a leader that has yet to learn the commit, does not take it back. */
    @Test
    void theCommitIndexNeverGoesBack() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.deliver(new Message.AppendEntries(id(3), id(1), 2, new EntryId(1, 1), List.of(), 0, 0, 1));
        assertEquals(1, c.commit(1));
        c.elect(2, 3);
        assertEquals(1, c.commit(2));
    }

    /** The acceptance of a heartbeat covers what the heartbeat has shown to match, not the follower's own last entry. */
    @Test
    void anAcceptanceCoversOnlyWhatTheMessageHasShownToMatch() {
        Cluster c = Cluster.of("1 1 2 2", "1 1 3 3", "1 1");
        c.deliver(new Message.AppendEntries(id(2), id(1), 4, new EntryId(1, 1), List.of(), 0, 0, 1));
        c.writeAll(1);
        Message.AppendAccepted answer = c.take(Message.AppendAccepted.class, 1, 2);
        assertEquals(1, answer.matchIndex());
        assertEquals(1, answer.verifiedIndex());
        c.deliver(new Message.AppendEntries(id(2), id(1), 4, new EntryId(1, 1), List.of(entry(2, 1)), 0, 0, 2));
        c.writeAll(1);
        answer = c.take(Message.AppendAccepted.class, 1, 2);
        assertEquals(2, answer.matchIndex());
        assertEquals("1 1 2 2", c.log(1));
    }

    /** What one leader has shown to match does not vouch for the next leader's log. */
    @Test
    void whatOneLeaderHasVerifiedDoesNotCountForTheNext() {
        Cluster c = Cluster.of("1 1", "1 1", "1");
        c.deliver(new Message.AppendEntries(id(2), id(1), 2, new EntryId(1, 2), List.of(entry(3, 2)), 0, 0, 5));
        c.writeAll(1);
        c.deliver(new Message.AppendEntries(id(3), id(1), 3, new EntryId(1, 1), List.of(), 0, 0, 1));
        c.writeAll(1);
        Message.AppendAccepted answer = c.take(Message.AppendAccepted.class, 1, 3);
        assertEquals(1, answer.matchIndex());
        assertEquals(1, answer.verifiedIndex());
        assertEquals(1, answer.round());
    }

    /** What is committed stands in every leader's log, so an append that begins before it matches: what is here already is skipped. */
    @Test
    void anAppendThatBeginsAtOrBelowTheCommitMatches() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.propose(1);
        c.propose(1);
        c.settle();
        assertEquals(3, c.commit(2));
        c.deliver(new Message.AppendEntries(id(1), id(2), 1, new EntryId(1, 1), List.of(c.applied(1).get(1)), 3, 3, 9));
        Message.AppendAccepted answer = c.take(Message.AppendAccepted.class, 2, 1);
        assertEquals(3, answer.verifiedIndex());
        assertEquals("1 1 1", c.log(2));
        assertEquals(List.of(), c.pending(2));
    }

    /** The same for a log that begins behind a snapshot: what stands before it is committed, though no longer known. */
    @Test
    void anAppendThatBeginsBelowTheLogMatches() {
        EntryId base = new EntryId(2, 5);
        LogView log = new LogView(new SnapshotId(base, Cluster.voters(3), 0), new TermTable(base), List.of(), List.of());
        RaftNode node = new RaftNode(RaftConfig.DEFAULT, id(1), 1, new HardState(3, null, 5), log, () -> 0, 0);
        RecordedEffects effects = new RecordedEffects();
        node.step(new Message.AppendEntries(id(2), id(1), 3, new EntryId(1, 3),
            List.of(entry(4, 1), entry(5, 2), entry(6, 3)), 6, 6, 1));
        List<RecordedEffects.Effect> asked = effects.flush(node);
        assertEquals(new RecordedEffects.Write(1, new HardState(3, null, 6), 6, List.of(entry(6, 3))), asked.get(0));
        node.step(new Event.Written(1));
        asked = effects.flush(node);
        assertEquals(new RecordedEffects.Send(new Message.AppendAccepted(id(1), id(2), 3, 6, 6, 1, 0, 5)),
            asked.get(0));
        assertEquals(new RecordedEffects.Apply(6, 6, List.of(entry(6, 3))), asked.get(1));
    }

    /** A snapshot holds only what is committed, so whoever has lost its commit index knows as much. */
    @Test
    void whatTheLogStandsOnIsCommitted() {
        EntryId base = new EntryId(2, 5);
        LogView log = new LogView(new SnapshotId(base, Cluster.voters(3), 0), new TermTable(base), List.of(), List.of());
        assertEquals(5, new RaftNode(RaftConfig.DEFAULT, id(1), 1, new HardState(3, null, 0), log, () -> 0, 0).commitIndex());
    }

    /** The disk has lost entries, and perhaps acknowledged ones: such a replica must not vote as if it had what it has lost. */
    @Test
    void aLogThatEndsBeforeTheRecoveredCommitStopsTheNodeAtItsStart() {
        Cluster c = Cluster.of(3);
        assertThrows(InvariantViolation.class, () -> c.restartWith(1, new HardState(2, null, 3), "1 2"));
    }

    @Test
    void aConflictAtOrBelowTheCommitStopsTheNode() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.propose(1);
        c.settle();
        assertEquals(2, c.commit(2));
        assertThrows(InvariantViolation.class, () -> c.deliver(
            new Message.AppendEntries(id(3), id(2), 5, new EntryId(1, 1), List.of(entry(2, 5)), 0, 0, 1)));
    }

    /**
     * A majority has lost its disks and elects a leader without a committed entry. Its probe stands at an index that is committed here
     * with another term: to accept it would be to acknowledge an entry that this replica does not hold.
     */
    @Test
    void anAppendBehindAnotherEntryAtOrBelowTheCommitStopsTheNode() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.propose(1);
        c.settle();
        assertEquals(2, c.commit(2));
        assertThrows(InvariantViolation.class, () -> c.deliver(
            new Message.AppendEntries(id(3), id(2), 5, new EntryId(5, 2), List.of(), 0, 0, 1)));
    }

    /** Above the commit the same conflict is Raft's daily work. */
    @Test
    void aConflictAboveTheCommitReplacesTheTail() {
        Cluster c = Cluster.of("1 1 2 2", "1 1", "1 1");
        c.deliver(new Message.AppendEntries(id(2), id(1), 3, new EntryId(1, 2), List.of(entry(3, 3)), 2, 0, 1));
        c.writeAll(1);
        assertEquals("1 1 3", c.disk(1));
        assertEquals(2, c.commit(1));
    }

    /** Acknowledgements may come in any order and twice: what is known of a peer never shrinks. */
    @Test
    void reorderedAcknowledgementsDoNotShrinkTheMatch() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.propose(1);
        c.propose(1);
        c.deliver(Message.AppendEntries.class, 1, 2);
        c.writeAll(2);
        Message.AppendAccepted first = c.take(Message.AppendAccepted.class, 2, 1);
        c.deliver(Message.AppendEntries.class, 1, 2);
        c.writeAll(2);
        c.deliver(Message.AppendAccepted.class, 2, 1);
        c.deliver(first);
        assertEquals(3, c.node(1).status().peers().get(0).matchIndex());
        c.writeAll(1);
        assertEquals(3, c.commit(1));
    }

    /** A rejection that comes after the peer has matched is old news. */
    @Test
    void aLateRejectionDoesNotRewindAPeer() {
        Cluster c = Cluster.of("1 1 1", "1", "1 1 1");
        c.elect(1, 3);
        c.take(Message.AppendEntries.class, 1, 2);
        c.deliver(Message.AppendEntries.class, 1, 2);
        c.writeAll(2);
        Message.AppendRejected rejection = c.take(Message.AppendRejected.class, 2, 1);
        c.deliver(rejection);
        c.settle();
        assertEquals("replicate match 4 next 5", progress(c, 0));
        c.deliver(rejection);
        assertEquals("replicate match 4 next 5", progress(c, 0));
        assertEquals(List.of(), c.network());
    }

    /** While probing, only the answer to the question that is out moves the search. */
    @Test
    void aRejectionOfAnEarlierProbeDoesNotMoveTheSearch() {
        Cluster c = Cluster.of("1 1 3 3 5 5", "1 2 2 4 4 4", "1 1 3 3 5 5");
        c.elect(1, 3);
        c.take(Message.AppendEntries.class, 1, 2);
        c.deliver(Message.AppendEntries.class, 1, 2);
        c.writeAll(2);
        Message.AppendRejected first = c.deliver(Message.AppendRejected.class, 2, 1);
        assertEquals("probe match 0 next 5", progress(c, 0));
        c.deliver(Message.AppendEntries.class, 1, 2);
        c.deliver(Message.AppendRejected.class, 2, 1);
        assertEquals("probe match 0 next 3", progress(c, 0));
        c.deliver(first);   // would widen the search again
        assertEquals("probe match 0 next 3", progress(c, 0));
    }

    /** The same where the earlier question was about an entry that the search has come to below, by another answer. */
    @Test
    void aLateRejectionOfAnEarlierEntryDoesNotTakeTheSearchBack() {
        Cluster c = leaderWithTheTailOnItsWay();
        c.deliver(rejection(5, 3));
        assertEquals("probe match 1 next 4", progress(c, 0));
        c.deliver(rejection(2, 1));
        assertEquals("probe match 1 next 4", progress(c, 0));
    }

    /** While replicating, a rejection of something that is to be sent again anyway tells nothing new. */
    @Test
    void aRejectionOfWhatIsSentNoMoreDoesNotMoveTheSearch() {
        Cluster c = Cluster.of(Cluster.config(1 << 20, 1 << 20, 1, 1, 1 << 20), 3);
        c.elect(1, 2, 3);
        c.settle();
        for (int i = 0; i < 4; i++) {
            c.propose(1);
        }
        assertEquals("replicate match 1 next 3 inflight 46", progress(c, 0));
        c.deliver(rejection(4, 3));
        assertEquals("replicate match 1 next 3 inflight 46", progress(c, 0));
    }

    /** Whatever a rejection hints at, what it rejects is not asked about again: each exchange narrows the search. */
    @Test
    void aHintThatPromisesTooMuchStillNarrowsTheSearch() {
        Cluster c = leaderWithTheTailOnItsWay();
        c.deliver(rejection(5, 5));
        assertEquals("probe match 1 next 5", progress(c, 0));
    }

    /** Nor is anything asked about that is known to match, however old the hint is. */
    @Test
    void aSearchDoesNotGoBackOverWhatHasMatched() {
        Cluster c = leaderWithTheTailOnItsWay();
        c.deliver(new Message.AppendRejected(id(2), id(1), 1, new EntryId(1, 5), EntryId.ZERO, 1));
        assertEquals("probe match 1 next 2", progress(c, 0));
    }

    /** Who claims to have verified more than was ever made is not believed at all. */
    @Test
    void anAcceptanceBeyondTheLeadersLogCountsForNothing() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.writeAll(1);
        c.deliver(new Message.AppendAccepted(id(2), id(1), 1, 7, 7, 1, 0, 0));
        assertEquals(0, c.commit(1));
    }

    /** Entry 1 is everywhere, entries 2 to 6 have left for both peers. */
    private static Cluster leaderWithTheTailOnItsWay() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        for (int i = 2; i <= 6; i++) {
            c.propose(1);
        }
        c.dropAll();
        return c;
    }

    private static Message rejection(long rejectedIndex, long hintIndex) {
        return new Message.AppendRejected(id(2), id(1), 1, new EntryId(1, rejectedIndex), new EntryId(1, hintIndex), 1);
    }

    private static String progress(Cluster c, int peer) {
        NodeStatus.Peer status = c.node(1).status().peers().get(peer);
        String text = c.node(1).toString();
        int begin = text.indexOf("{" + status.member().id()) + status.member().id().toString().length() + 2;
        return text.substring(begin, text.indexOf('}', begin));
    }
}
