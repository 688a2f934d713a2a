package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.T;
import static io.quorate.raft.core.Cluster.entry;
import static io.quorate.raft.core.Cluster.id;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.RoleName;
import java.util.List;
import org.junit.jupiter.api.Test;

/** No promise before its disk. */
class DurabilityTest {

    @Test
    void aGrantedVoteWaitsForTheDisk() {
        Cluster c = Cluster.of(3);
        c.deliver(new Message.RequestVote(id(2), id(1), 1, EntryId.ZERO, 0));
        assertEquals(List.of(), c.network());
        c.crash(1);
        c.restart(1);
        c.pass(T);
        c.deliver(new Message.RequestVote(id(3), id(1), 1, EntryId.ZERO, 0));   // nothing was said, so this vote is free
        c.write(1);
        assertEquals(List.of(new Message.Vote(id(1), id(3), 1, null)), c.network());
        assertEquals(new HardState(1, id(3), 0), c.hardState(1));
    }

    /** Not only a raised term is waited for: also the vote alone, in a term that is durable. */
    @Test
    void aVoteInATermThatIsDurableWaitsToo() {
        Cluster c = Cluster.of("1 2", "1 2", "1 2");
        c.deliver(new Message.RequestVote(id(2), id(1), 2, new EntryId(2, 2), 0));
        assertEquals(List.of(), c.network());
        c.write(1);
        assertEquals(new Message.Vote(id(1), id(2), 2, null), c.take(Message.Vote.class, 1, 2));
    }

    @Test
    void aCandidateAsksForVotesOnlyWhenItsOwnIsDurable() {
        Cluster c = Cluster.of(3);
        c.timeout(1);
        c.deliver(Message.PreVote.class, 1, 2);
        c.dropAll();
        c.deliver(new Message.PreVoteAnswer(id(2), id(1), 0, null, 1, 0));
        assertEquals(RoleName.CANDIDATE, c.role(1));
        assertEquals(List.of(), c.network());
        c.write(1);
        assertEquals(2, c.network().size());
    }

    /** A slow disk must not eat up the time in which the others answer. */
    @Test
    void theTimeOfACandidacyBeginsWhenItsRequestsLeave() {
        Cluster c = Cluster.of(3);
        c.timeout(1);
        c.deliver(Message.PreVote.class, 1, 2);
        c.deliver(Message.PreVoteAnswer.class, 2, 1);
        assertTrue(c.node(1).deadline() - c.now() > 1000 * T);   // nothing to wake up for
        c.pass(3 * T);
        c.tick(1);
        assertEquals(RoleName.CANDIDATE, c.role(1));
        c.write(1);
        assertEquals(c.now() + T, c.node(1).deadline());
    }

    @Test
    void theOwnVoteCountsOnlyWhenDurableAlsoIfItIsTheOnlyOne() {
        Cluster c = Cluster.of(1);
        c.timeout(1);
        assertEquals(RoleName.CANDIDATE, c.role(1));
        c.write(1);
        assertEquals(RoleName.LEADER, c.role(1));
        assertEquals(new HardState(1, id(1), 0), c.hardState(1));
    }

    /** In a group of two the candidate's own vote is needed, and the other's can come first only by mistake: it does not help. */
    @Test
    void theOwnVoteCountsOnlyWhenDurableAmongOthers() {
        Cluster c = Cluster.of(2);
        c.timeout(1);
        c.deliver(Message.PreVote.class, 1, 2);
        c.deliver(Message.PreVoteAnswer.class, 2, 1);
        c.deliver(new Message.Vote(id(2), id(1), 1, null));
        assertEquals(RoleName.CANDIDATE, c.role(1));
        c.write(1);
        assertEquals(RoleName.LEADER, c.role(1));
    }

    @Test
    void theOwnLogCountsOnlyWhenDurableAlsoForASingleVoter() {
        Cluster c = Cluster.of(1);
        c.timeout(1);
        c.write(1);
        assertEquals(0, c.commit(1));
        c.write(1);
        assertEquals(1, c.commit(1));
        c.propose(1);
        assertEquals(1, c.commit(1));
        assertEquals(1, c.applied(1).size());
        c.write(1);
        assertEquals(2, c.commit(1));
        assertEquals(2, c.applied(1).size());
    }

    @Test
    void theOwnLogCountsOnlyWhenDurableAmongOthers() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.propose(1);
        c.settle(2);
        c.deliver(Message.AppendEntries.class, 1, 2);
        c.writeAll(2);
        c.deliver(Message.AppendAccepted.class, 2, 1);
        assertEquals(1, c.commit(1));   // on one disk of three
        c.write(1);
        assertEquals(2, c.commit(1));
    }

    /** The leader's disk is one vote among the others: two others suffice. But it applies only what it has itself. */
    @Test
    void othersMayCommitBeforeTheLeadersOwnDiskButItAppliesOnlyWhatItHasItself() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.propose(1);
        for (int peer = 2; peer <= 3; peer++) {
            c.deliver(Message.AppendEntries.class, 1, peer);
            c.writeAll(peer);
            c.deliver(Message.AppendAccepted.class, peer, 1);
        }
        assertEquals(2, c.commit(1));
        assertEquals(1, c.applied(1).size());
        c.write(1);
        assertEquals(2, c.applied(1).size());
    }

    @Test
    void aFollowerAppliesOnlyWhatIsDurableHere() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.deliver(new Message.AppendEntries(id(1), id(2), 1, new EntryId(1, 1), List.of(entry(2, 1)), 2, 2, 9));
        assertEquals(2, c.commit(2));
        assertEquals(1, c.applied(2).size());
        c.write(2);
        assertEquals(2, c.applied(2).size());
    }

    @Test
    void aFollowerAcknowledgesOnlyWhatIsDurable() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.propose(1);
        c.deliver(Message.AppendEntries.class, 1, 2);
        assertTrue(c.sent(Message.AppendAccepted.class, 2, 1).isEmpty());
        c.write(2);
        assertEquals(2, c.take(Message.AppendAccepted.class, 2, 1).matchIndex());
    }

    /** A heartbeat is answered though the disk stalls; but what is said of the log is what the disk holds. */
    @Test
    void aHeartbeatsAnswerWaitsForNoDiskAndAcknowledgesNothingNew() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.propose(1);
        Message.AppendEntries append = c.deliver(Message.AppendEntries.class, 1, 2);
        c.timeout(1);
        c.deliver(Message.AppendEntries.class, 1, 2);
        Message.AppendAccepted answer = c.take(Message.AppendAccepted.class, 2, 1);
        assertEquals(1, answer.matchIndex());
        assertEquals(2, answer.verifiedIndex());
        c.deliver(append);   // sent again: still no more than the disk holds
        c.deliver(answer);
        assertEquals(1, c.commit(1));
        c.write(2);
        assertEquals(2, c.take(Message.AppendAccepted.class, 2, 1).matchIndex());
    }

    /** An append of a new term is acknowledged only when its term is durable, however durable its entries are. */
    @Test
    void anAcceptanceWaitsForItsTermEvenIfTheEntriesAreOnDisk() {
        Cluster c = Cluster.of("1 1", "1 1", "1 1");
        c.deliver(new Message.AppendEntries(id(2), id(1), 4, new EntryId(1, 2), List.of(), 0, 0, 1));
        assertEquals(List.of(), c.network());
        c.write(1);
        assertEquals(2, c.take(Message.AppendAccepted.class, 1, 2).matchIndex());
    }

    /** A stalled disk keeps everything of a new term back; of each kind only the newest message to a peer. */
    @Test
    void whileTheDiskStallsTheNewestAnswerReplacesTheOneBefore() {
        Cluster c = Cluster.of(3);
        c.deliver(new Message.PreVote(id(2), id(1), 5, EntryId.ZERO, 7));
        c.deliver(new Message.PreVote(id(3), id(1), 5, EntryId.ZERO, 8));
        c.deliver(new Message.PreVote(id(2), id(1), 5, EntryId.ZERO, 9));
        c.deliver(new Message.RequestVote(id(2), id(1), 5, EntryId.ZERO, 0));
        assertEquals(List.of(), c.network());
        c.writeTogether(1);
        assertEquals(List.of(
            new Message.PreVoteAnswer(id(1), id(3), 5, null, 8, 0),
            new Message.PreVoteAnswer(id(1), id(2), 5, null, 9, 0),
            new Message.Vote(id(1), id(2), 5, null)), c.network());
    }

    /** The term stands in the same write as the first entries of it, or in an earlier one. */
    @Test
    void theTermIsDurableNoLaterThanItsEntries() {
        Cluster c = Cluster.of(3);
        c.deliver(new Message.AppendEntries(id(2), id(1), 4, EntryId.ZERO, List.of(entry(1, 4)), 0, 0, 1));
        assertEquals(1, c.pending(1).size());
        assertEquals(4, c.pending(1).get(0).hardState().term());
        assertEquals(List.of(entry(1, 4)), c.pending(1).get(0).entries());
    }

    /**
     * The hazard of asynchronous completions, in nine steps: (1) leader 2 of term 1 appends at 12; (2) leader 3 of term 2 replaces it;
     * (3) leader 4 of term 3 is heard; (4) it replaces the entry again; (5) to (8) the four writes complete, one by one; (9) only the
     * last vouches for the entry that now stands at 12.
     */
    @Test
    void aLateWriteDoesNotCountForTheEntryThatReplacedItsOwn() {
        String eleven = "1 1 1 1 1 1 1 1 1 1 1";
        Cluster c = Cluster.of(eleven, eleven, eleven, eleven, eleven, eleven, eleven);
        EntryId prev = new EntryId(1, 11);
        c.deliver(new Message.AppendEntries(id(2), id(1), 1, prev, List.of(entry(12, 1)), 0, 0, 1));
        c.deliver(new Message.AppendEntries(id(3), id(1), 2, prev, List.of(entry(12, 2)), 0, 0, 1));
        c.deliver(new Message.AppendEntries(id(4), id(1), 3, prev, List.of(), 0, 0, 1));
        c.deliver(new Message.AppendEntries(id(4), id(1), 3, prev, List.of(entry(12, 3)), 0, 0, 1));
        assertEquals(4, c.pending(1).size());
        for (int write = 1; write <= 3; write++) {
            c.write(1);
            assertEquals(11, c.node(1).status().durableIndex(), "after write " + write);
        }
        assertEquals(11, c.take(Message.AppendAccepted.class, 1, 4).matchIndex());
        c.write(1);
        assertEquals(12, c.node(1).status().durableIndex());
        assertEquals(12, c.take(Message.AppendAccepted.class, 1, 4).matchIndex());
    }

    /** The same for what was durable already: it is no longer, once it has been replaced. */
    @Test
    void aDurableEntryThatIsReplacedIsNoLongerDurable() {
        Cluster c = Cluster.of("1 2 2", "1", "1");
        c.deliver(new Message.AppendEntries(id(2), id(1), 3, new EntryId(1, 1), List.of(entry(2, 3), entry(3, 3)), 0, 0, 1));
        assertEquals(1, c.node(1).status().durableIndex());
        assertEquals(List.of(), c.network());
        c.write(1);
        assertEquals(3, c.take(Message.AppendAccepted.class, 1, 2).matchIndex());
    }

    /** A write completes for all before it; telling it again, or late, changes nothing. */
    @Test
    void completionsAreCumulativeAndMayBeRepeated() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.deliver(new Message.AppendEntries(id(1), id(2), 1, new EntryId(1, 1), List.of(entry(2, 1)), 0, 0, 2));
        c.deliver(new Message.AppendEntries(id(1), id(2), 1, new EntryId(1, 2), List.of(entry(3, 1)), 0, 0, 2));
        long first = c.pending(2).get(0).writeId();
        c.writeTogether(2);
        assertEquals(3, c.node(2).status().durableIndex());
        c.step(2, new Event.Written(first), 0);
        assertEquals(3, c.node(2).status().durableIndex());
    }

    @Test
    void aCompletionOfAWriteThatWasNeverGivenStopsTheNode() {
        Cluster c = Cluster.of(3);
        assertThrows(InvariantViolation.class, () -> c.step(1, new Event.Written(1), 0));
    }

    /** An acknowledged entry is there after any crash; one that was not acknowledged may be lost, and nobody has counted it. */
    @Test
    void aCrashLosesNothingThatWasAcknowledged() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.propose(1);
        c.settle(1, 2);
        assertEquals(2, c.commit(1));
        c.propose(1);
        c.deliver(Message.AppendEntries.class, 1, 2);   // not on any disk
        c.crash(1, 2, 3);
        c.dropAll();
        c.restart(1, 2, 3);
        assertEquals("1 1", c.log(1));
        assertEquals("1 1", c.log(2));
        c.elect(2, 1, 3);
        c.settle();
        assertEquals("1 1 2", c.log(3));
        assertEquals(3, c.commit(3));
    }

    /** Leadership does not outlive a restart: it would begin again in a term whose unwritten entries others may hold. */
    @Test
    void aLeaderRestartsAsFollower() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.propose(1);
        c.restart(1);
        assertEquals(RoleName.FOLLOWER, c.role(1));
        assertNull(c.node(1).leader());
        assertEquals(1, c.commit(1) + 1, "the commit index is lazy: known again from the leader, or from a later write");
    }

    /** The commit index that rides along with a write lets a replica apply after a restart before it has heard anybody. */
    @Test
    void aCommitIndexThatWasWrittenIsKnownAfterARestart() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.propose(1);
        c.settle();
        c.restart(2);
        c.tick(2);
        assertEquals(1, c.commit(2));
        assertEquals(1, c.applied(2).size());
    }
}
