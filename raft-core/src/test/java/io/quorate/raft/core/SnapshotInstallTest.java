package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.T;
import static io.quorate.raft.core.Cluster.entry;
import static io.quorate.raft.core.Cluster.id;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.testing.RecordedEffects.Apply;
import io.quorate.raft.testing.RecordedEffects.FetchSnapshot;
import io.quorate.raft.testing.RecordedEffects.Install;
import io.quorate.raft.testing.RecordedEffects.Restore;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A follower that is offered a snapshot (§7): when it fetches it, when it installs it, and what becomes of its log. */
class SnapshotInstallTest {

    @Test
    void aSnapshotIsFetchedInstalledRestoredAndEntriesAreAppliedBehindIt() {
        Cluster c = SnapshotOfferTest.offered();
        c.settle();
        SnapshotId snapshot = c.fetching(3);
        assertEquals(List.of(new FetchSnapshot(snapshot, id(1))), c.takeEffects(3, FetchSnapshot.class));
        assertEquals(8, c.node(3).status().fetchIndex());
        c.fetch(3);
        assertEquals(List.of(snapshot), c.pendingInstalls(3));
        assertEquals(List.of(), c.takeEffects(3, Restore.class));
        c.write(3);
        assertEquals(List.of(new Restore(snapshot)), c.takeEffects(3, Restore.class));
        assertEquals(0, c.node(3).status().fetchIndex());
        assertEquals(8, c.node(3).status().snapshotIndex());
        SnapshotOfferTest.servedFromDisk(c);
        assertEquals(c.applied(1), c.applied(3));
        assertEquals("1 1", c.disk(3));
        c.applyAll(3);
        assertEquals(10, c.node(3).appliedIndex());
    }

    // ---- offers

    /** SN-08: however often it is offered, and whatever else is: one is fetched, from where it was first offered. */
    @Test
    void whileOneIsFetchedNoOtherIs() {
        Cluster c = SnapshotOfferTest.offered();
        c.settle();
        c.heartbeat(1, 2, 3);
        c.snapshot(1, 10);
        c.heartbeat(1, 2, 3);
        assertEquals(1, c.takeEffects(3, FetchSnapshot.class).size());
        assertEquals(8, c.fetching(3).index());
    }

    /** Also between its arrival and its end. */
    @Test
    void whileOneIsInstalledNoOtherIsFetched() {
        Cluster c = applying();
        c.fetch(3);
        SnapshotId newer = c.snapshot(1, 10);
        c.deliver(new Message.SnapshotOffer(id(1), id(3), 1, newer, 90));   // waits for the machine
        c.applyAll(3);
        assertEquals(1, c.pendingInstalls(3).size());
        c.deliver(new Message.SnapshotOffer(id(1), id(3), 1, newer, 91));   // waits for the disk
        assertEquals(1, c.takeEffects(3, FetchSnapshot.class).size());
        c.writeAll(3);
        c.deliver(new Message.SnapshotOffer(id(1), id(3), 1, newer, 92));
        assertEquals(newer, c.fetching(3));
    }

    /** SN-12: a leader that offers is a leader that is heard. */
    @Test
    void anOfferIsHeardLikeAnAppend() {
        Cluster c = SnapshotOfferTest.lagging(10);
        SnapshotId snapshot = c.snapshot(1, 8);
        c.pass(T / 2);
        c.deliver(new Message.SnapshotOffer(id(1), id(3), 1, snapshot, 7));
        assertEquals(id(1), c.node(3).leader());
        assertEquals(c.now() + T, c.node(3).deadline());
        Message.AppendAccepted answer = c.take(Message.AppendAccepted.class, 3, 1);
        assertEquals(7, answer.round());
        assertEquals(0, answer.matchIndex());
        c.deliver(new Message.PreVote(id(2), id(3), 1, new EntryId(1, 10), 1));
        assertEquals(Message.Denial.HEARS_LEADER, c.take(Message.PreVoteAnswer.class, 3, 2).denial());
    }

    @Test
    void whoseTermHasALeaderFetchesFromNobodyElse() {
        Cluster c = SnapshotOfferTest.offered();
        SnapshotId snapshot = c.take(Message.SnapshotOffer.class, 1, 3).snapshot();
        c.deliver(new Message.SnapshotOffer(id(2), id(3), 1, snapshot, 7));
        assertNull(c.fetching(3));
        assertEquals(List.of(), c.sent(Message.AppendAccepted.class, 3, 2));
    }

    /** SN-01: what it covers is here, and more: the log stays as it is, and the leader hears how far it reaches. */
    @Test
    void aSnapshotOlderThanTheLogChangesNothing() {
        Cluster c = SnapshotOfferTest.lagging(10);
        SnapshotId snapshot = c.snapshot(1, 5);
        c.heartbeat(1, 2, 3);
        assertEquals(10, c.commit(2));
        c.deliver(new Message.SnapshotOffer(id(1), id(2), 1, snapshot, 70));
        assertNull(c.fetching(2));
        assertEquals("1 1 1 1 1 1 1 1 1 1", c.log(2));
        Message.AppendAccepted answer = c.take(Message.AppendAccepted.class, 2, 1);
        assertEquals(10, answer.matchIndex());
        assertEquals(70, answer.round());
        c.deliver(new Message.SnapshotOffer(id(1), id(2), 1, snapshot, 70));   // comes twice, and is answered twice
        assertEquals(10, c.take(Message.AppendAccepted.class, 2, 1).matchIndex());
    }

    /** What stands in the log and is not known to be committed is, when a snapshot ends there. */
    @Test
    void aSnapshotWhoseEndStandsInTheLogCommitsIt() {
        Cluster c = Cluster.of("1 1 1 1", "1 1 1 1", "1 1 1 1");
        SnapshotId snapshot = new SnapshotId(new EntryId(1, 3), Cluster.voters(3), 0);
        c.deliver(new Message.SnapshotOffer(id(2), id(1), 1, snapshot, 1));
        assertNull(c.fetching(1));
        assertEquals(3, c.commit(1));
        assertEquals(3, c.applied(1).size());
        assertEquals(3, c.take(Message.AppendAccepted.class, 1, 2).matchIndex(), "what follows may be another's");
    }

    /** What is acknowledged is what the disk has, also then. */
    @Test
    void theAnswerToAnOfferAcknowledgesOnlyWhatIsDurable() {
        Cluster c = Cluster.of("1", "1", "1");
        c.deliver(new Message.AppendEntries(id(2), id(1), 1, new EntryId(1, 1), List.of(entry(2, 1), entry(3, 1)), 1, 1, 1));
        SnapshotId snapshot = new SnapshotId(new EntryId(1, 3), Cluster.voters(3), 0);
        c.dropAll();
        c.deliver(new Message.SnapshotOffer(id(2), id(1), 1, snapshot, 2));
        Message.AppendAccepted answer = c.take(Message.AppendAccepted.class, 1, 2);
        assertEquals(1, answer.matchIndex());
        assertEquals(3, answer.verifiedIndex());
        c.writeAll(1);
        assertEquals(3, c.take(Message.AppendAccepted.class, 1, 2).matchIndex());
    }

    /** RP-19: two histories have been committed; nobody may choose one. */
    @Test
    void aSnapshotOfAnotherHistoryThanTheCommittedOneStopsTheNode() {
        Cluster c = SnapshotOfferTest.lagging(10);
        c.heartbeat(1, 2);
        SnapshotId other = new SnapshotId(new EntryId(2, 9), Cluster.voters(3), 0);
        assertThrows(InvariantViolation.class, () -> c.deliver(new Message.SnapshotOffer(id(3), id(2), 2, other, 1)));
    }

    /** As an append of an old term: its sender learns that it leads no longer. */
    @Test
    void anOfferOfAnOldTermIsAnsweredByTheTerm() {
        Cluster c = SnapshotOfferTest.offered();
        c.deliver(new Message.RequestVote(id(2), id(3), 5, new EntryId(1, 10), 0));   // refused: hears a leader
        c.pass(2 * T);
        c.deliver(new Message.RequestVote(id(2), id(3), 5, new EntryId(1, 10), 0));
        c.writeAll(3);
        c.deliver(Message.SnapshotOffer.class, 1, 3);
        assertNull(c.fetching(3));
        Message.AppendRejected answer = c.take(Message.AppendRejected.class, 3, 1);
        assertEquals(5, answer.term());
        assertEquals(0, answer.round());
        c.deliver(answer);
        assertEquals(RoleName.FOLLOWER, c.role(1));
    }

    /** SN-18. */
    @Test
    void aLeaderThatIsOfferedASnapshotOfAHigherTermFollows() {
        Cluster c = SnapshotOfferTest.lagging(10);
        SnapshotId snapshot = new SnapshotId(new EntryId(1, 10), Cluster.voters(3), 0);
        c.deliver(new Message.SnapshotOffer(id(2), id(1), 4, snapshot, 1));
        assertEquals(RoleName.FOLLOWER, c.role(1));
        assertEquals(id(2), c.node(1).leader());
        assertEquals(4, c.term(1));
    }

    @Test
    void aLeaderIsOfferedNothingInItsOwnTerm() {
        Cluster c = SnapshotOfferTest.lagging(10);
        SnapshotId snapshot = new SnapshotId(new EntryId(1, 20), Cluster.voters(3), 0);
        c.deliver(new Message.SnapshotOffer(id(2), id(1), 1, snapshot, 1));
        assertEquals(RoleName.LEADER, c.role(1));
        assertNull(c.fetching(1));
    }

    @Test
    void whoCampaignsAndIsOfferedASnapshotFollows() {
        for (boolean isCandidate : new boolean[] {false, true}) {
            Cluster c = SnapshotOfferTest.lagging(10);
            SnapshotId snapshot = c.snapshot(1, 8);
            c.pass(T);
            c.timeout(3);
            if (isCandidate) {
                c.deliver(new Message.PreVoteAnswer(id(2), id(3), 1, null, 1, 0));
            }
            assertEquals(isCandidate ? RoleName.CANDIDATE : RoleName.PRE_CANDIDATE, c.role(3));
            c.deliver(new Message.SnapshotOffer(id(1), id(3), c.term(3), snapshot, 1));
            assertEquals(RoleName.FOLLOWER, c.role(3));
            assertEquals(id(1), c.node(3).leader());
            assertEquals(snapshot, c.fetching(3));
        }
    }

    // ---- fetching

    @Test
    void aFetchThatFailedIsTriedAgainWithTheNextOffer() {
        Cluster c = SnapshotOfferTest.offered();
        c.settle();
        c.failFetch(3);
        assertEquals(0, c.node(3).status().fetchIndex());
        SnapshotId newer = c.snapshot(1, 10);
        c.heartbeat(1, 2, 3);
        assertEquals(newer, c.fetching(3));
    }

    /** What comes late, of a fetch that was given up or of another life, is not what is waited for. */
    @Test
    void whatWasNotAskedForIsNotInstalled() {
        Cluster c = SnapshotOfferTest.offered();
        c.settle();
        SnapshotId other = new SnapshotId(new EntryId(1, 7), Cluster.voters(3), 0);
        c.step(3, new Event.SnapshotFetched(other), 0);
        c.step(3, new Event.FetchFailed(other), 0);
        assertEquals(8, c.node(3).status().fetchIndex());
        c.failFetch(3);
        c.step(3, new Event.SnapshotFetched(other), 0);
        assertEquals(List.of(), c.pendingInstalls(3));
        assertEquals("1", c.log(3));
    }

    /** SN-09: what is in a snapshot is committed for ever, whoever leads when it has arrived. */
    @Test
    void aFetchGoesOnWhenItsSourceLeadsNoLonger() {
        Cluster c = SnapshotOfferTest.offered();
        c.settle();
        c.applyAll(2);
        c.compact(2, 9);
        stepDown(c);
        c.elect(2, 1);
        c.settle();
        c.heartbeat(2, 1, 3);
        assertEquals(id(2), c.node(3).leader());
        assertEquals(8, c.fetching(3).index());
        c.applyAll(3);
        c.fetch(3);
        c.settle();
        assertEquals(8, c.node(3).status().snapshotIndex());
        c.heartbeat(2, 1, 3);
        c.answerReads(2);
        c.heartbeat(2, 1, 3);
        assertEquals(9, c.fetching(3).index(), "what follows 8 has been dropped there");
        c.applyAll(3);
        c.fetch(3);
        c.settle();
        c.heartbeat(2, 1, 3);
        c.serve();
        assertEquals(c.applied(2), c.applied(3));
    }

    /** The log has caught up while the snapshot was on its way. */
    @Test
    void aSnapshotThatComesTooLateIsForgotten() {
        Cluster c = SnapshotOfferTest.offered();
        c.settle();
        c.deliver(new Message.AppendEntries(id(1), id(3), 1, new EntryId(1, 1), c.applied(1).subList(1, 10), 9, 9, 1));
        c.writeAll(3);
        c.fetch(3);
        assertEquals(List.of(), c.pendingInstalls(3));
        assertEquals(0, c.node(3).status().fetchIndex());
        assertEquals(9, c.commit(3));
        assertEquals(9, c.applied(3).size());
        assertEquals(10, c.node(3).log().lastIndex());
    }

    /** The same, though the node does not know yet that so much is committed: now it does. */
    @Test
    void aSnapshotWhoseEndHasComeAsAnEntryCommitsIt() {
        Cluster c = SnapshotOfferTest.offered();
        c.settle();
        c.deliver(new Message.AppendEntries(id(1), id(3), 1, new EntryId(1, 1), c.applied(1).subList(1, 10), 1, 1, 1));
        c.writeAll(3);
        c.fetch(3);
        assertEquals(List.of(), c.pendingInstalls(3));
        assertEquals(8, c.commit(3));
        assertEquals(8, c.applied(3).size());
    }

    /** A leader has all that was ever committed; its own log is not replaced by anything. */
    @Test
    void whoHasCaughtUpAndWonAnElectionInstallsNothing() {
        Cluster c = SnapshotOfferTest.offered();
        c.settle();
        c.deliver(new Message.AppendEntries(id(1), id(3), 1, new EntryId(1, 1), c.applied(1).subList(1, 10), 1, 1, 1));
        c.writeAll(3);
        c.dropAll();
        stepDown(c);
        c.elect(3, 2);
        assertEquals(RoleName.LEADER, c.role(3));
        assertEquals(1, c.commit(3));
        c.fetch(3);
        assertEquals(1, c.commit(3), "a leader commits by counting its own entries");
        assertEquals(List.of(), c.pendingInstalls(3));
        c.settle();
        assertEquals(11, c.commit(3));
        assertEquals(11, c.applied(3).size());
    }

    // ---- the log under it

    /** SN-03: the log has an entry where the snapshot ends, but another one: all of it goes, whatever stands behind. */
    @Test
    void aConflictingSuffixGoesWithTheWholeLog() {
        Cluster c = conflicting();
        assertEquals("1 2 2 2 2 2 2 2 2 2 2 2", c.log(3));
        c.fetch(3);
        assertEquals("", c.log(3));
        assertEquals(new EntryId(3, 8), c.node(3).log().last());
        assertEquals(new EntryId(3, 8), c.node(3).entryAt(8));
        assertNull(c.node(3).entryAt(7));
        c.writeAll(3);
        assertEquals("", c.disk(3));
        SnapshotOfferTest.servedFromDisk(c);
        assertEquals(c.applied(1), c.applied(3));
    }

    /** SN-02: until its write is durable a snapshot is nowhere; the log is as it was, all of it, and its old commit index fits it. */
    @Test
    void aCrashBeforeTheInstallIsDurableLeavesTheOldLog() {
        Cluster c = conflicting();
        c.fetch(3);
        HardState written = c.takeEffects(3, Install.class).get(0).hardState();
        assertEquals(1, written.commitIndex(), "no commit that the disk's log may not have");
        c.restart(3);
        assertEquals("1 2 2 2 2 2 2 2 2 2 2 2", c.log(3));
        c.heartbeat(1, 2, 3);
        assertEquals(8, c.fetching(3).index());
        c.applyAll(3);
        c.fetch(3);   // the bytes are still there
        SnapshotOfferTest.servedFromDisk(c);
        assertEquals(c.applied(1), c.applied(3));
    }

    @Test
    void aCrashBetweenArrivalAndInstallForgetsTheSnapshotUntilItIsOfferedAgain() {
        Cluster c = SnapshotOfferTest.offered();
        c.settle();
        c.receive(3);
        c.restart(3);
        assertEquals(0, c.node(3).status().fetchIndex());
        SnapshotOfferTest.servedFromDisk(c);
        assertEquals(8, c.fetching(3).index());
        c.applyAll(3);
        c.fetch(3);
        c.settle();
        assertEquals(8, c.applied(3).size());
    }

    @Test
    void aCrashBehindTheInstallBeginsWithTheSnapshot() {
        Cluster c = conflicting();
        c.fetch(3);
        c.persist(3);
        c.restart(3);
        assertEquals(8, c.commit(3));
        assertEquals(8, c.node(3).appliedIndex());
        assertEquals(8, c.applied(3).size());
        assertEquals(new EntryId(3, 8), c.node(3).log().last());
        SnapshotOfferTest.servedFromDisk(c);
        assertEquals(c.applied(1), c.applied(3));
    }

    /** AS-09: writes of the old log are still under way when the log goes: they vouch for nothing of the new one. */
    @Test
    void lateWritesDoNotVouchForTheSnapshot() {
        Cluster c = SnapshotOfferTest.offered();
        c.settle();
        c.deliver(new Message.AppendEntries(id(1), id(3), 1, new EntryId(1, 1), c.applied(1).subList(1, 6), 1, 1, 50));
        c.fetch(3);
        c.deliver(new Message.AppendEntries(id(1), id(3), 1, new EntryId(1, 8), c.applied(1).subList(8, 10), 10, 10, 51));
        assertEquals(1, c.node(3).status().durableIndex());
        c.write(3);   // the entries up to 6
        assertEquals(1, c.node(3).status().durableIndex(), "2 to 6 are not known to be those of the snapshot");
        c.write(3);   // the snapshot
        assertEquals(8, c.node(3).status().durableIndex());
        c.write(3);
        assertEquals(10, c.node(3).status().durableIndex());
        assertEquals(10, c.applied(3).size());
    }

    /** Entries that were never given to the disk go, too. */
    @Test
    void whatWasDurableAndIsReplacedIsDurableNoLonger() {
        Cluster c = conflicting();
        assertEquals(12, c.node(3).status().durableIndex());
        c.fetch(3);
        assertEquals(1, c.node(3).status().durableIndex());
        assertEquals(8, c.commit(3));
        c.write(3);
        assertEquals(8, c.node(3).status().durableIndex());
    }

    // ---- the state machine over it

    /** SN-10: what was handed out may still have to be read from the log that goes. */
    @Test
    void anInstallWaitsForWhatIsBeingApplied() {
        Cluster c = applying();
        assertFalse(c.node(3).awaitsApplying());
        c.fetch(3);
        assertEquals(List.of(), c.pendingInstalls(3));
        assertTrue(c.node(3).awaitsApplying());
        assertEquals("1 1 1", c.log(3));
        c.applied(3, 2);
        assertEquals(List.of(), c.pendingInstalls(3));
        c.applied(3, 3);
        assertEquals(8, c.pendingInstalls(3).get(0).index());
    }

    /** It could otherwise never begin: there is always more to apply. */
    @Test
    void aSnapshotThatHasArrivedHoldsBackWhatIsToBeAppliedNext() {
        Cluster c = applying();
        c.fetch(3);
        c.takeEffects(3, Apply.class);
        c.deliver(new Message.AppendEntries(id(1), id(3), 1, new EntryId(1, 3), c.applied(1).subList(3, 5), 5, 5, 60));
        c.writeAll(3);
        assertEquals(5, c.commit(3));
        assertEquals(List.of(), c.takeEffects(3, Apply.class));
        c.applied(3, 3);
        c.writeAll(3);
        assertEquals(8, c.applied(3).size());
        assertEquals(List.of(), c.takeEffects(3, Apply.class));
    }

    @Test
    void nothingIsAppliedBeforeTheSnapshotIsDurable() {
        Cluster c = SnapshotOfferTest.offered();
        c.settle();
        c.takeEffects(3, Apply.class);
        c.fetch(3);
        c.deliver(new Message.AppendEntries(id(1), id(3), 1, new EntryId(1, 8), c.applied(1).subList(8, 10), 10, 10, 60));
        assertEquals(10, c.commit(3));
        assertEquals(List.of(), c.takeEffects(3, Apply.class));
        assertEquals(List.of(), c.takeEffects(3, Restore.class));
        c.write(3);
        assertEquals(1, c.takeEffects(3, Restore.class).size());
        assertEquals(List.of(), c.takeEffects(3, Apply.class));
        c.write(3);
        assertEquals(List.of(new Apply(9, 10, c.applied(1).subList(8, 10))), c.takeEffects(3, Apply.class));
    }

    /** One after the other: while the machine is restored it is given entries, but its log is not taken away. */
    @Test
    void theNextSnapshotWaitsUntilTheMachineIsRestored() {
        Cluster c = SnapshotOfferTest.offered();
        c.settle();
        c.fetch(3);
        c.writeAll(3);
        c.propose(1);
        c.settle(1, 2);
        c.applyAll(1);
        SnapshotId newer = c.snapshot(1, 11);
        c.deliver(new Message.SnapshotOffer(id(1), id(3), 1, newer, 90));
        assertNull(c.fetching(3), "the leader hears first that the log reaches up to 8: it may have what follows");
        assertEquals(8, c.take(Message.AppendAccepted.class, 3, 1).verifiedIndex());
        c.deliver(new Message.SnapshotOffer(id(1), id(3), 1, newer, 90));
        c.fetch(3);
        assertEquals(List.of(), c.pendingInstalls(3));
        c.applied(3, 8);
        assertEquals(List.of(newer), c.pendingInstalls(3));
    }

    /** It was begun on the old log and is durable now; the new log knows nothing before the newer one, which is not durable yet. */
    @Test
    void aSnapshotThatWasBeingTakenWhenAnotherIsInstalledIsForgotten() {
        Cluster c = applying();
        c.fetch(3);
        c.applyAll(3);
        assertEquals(1, c.pendingInstalls(3).size());
        c.step(3, new Event.SnapshotTaken(new SnapshotId(new EntryId(1, 2), Cluster.voters(3), 0)), 0);
        assertEquals(0, c.node(3).status().snapshotIndex());
        c.writeAll(3);
        assertEquals(8, c.node(3).status().snapshotIndex());
    }

    // ---- terms and roles

    /** What has arrived is installed whatever the term is by then, and the write says which. */
    @Test
    void anInstallGoesOnWhenTheTermChanges() {
        Cluster c = applying();
        c.fetch(3);
        c.pass(2 * T);
        c.deliver(new Message.RequestVote(id(2), id(3), 4, new EntryId(1, 10), 0));
        assertEquals(4, c.term(3));
        c.applyAll(3);
        Install install = c.takeEffects(3, Install.class).get(0);
        assertEquals(new HardState(4, id(2), 3), install.hardState());
        c.deliver(new Message.RequestVote(id(1), id(3), 6, new EntryId(1, 10), 0));
        c.write(3);   // the vote of term 4
        c.write(3);   // the snapshot
        assertEquals(8, c.applied(3).size());
        c.write(3);
        assertEquals(new HardState(6, id(1), 8), c.hardState(3));
    }

    /** A candidate has told, or is about to tell, how its log ends, when that is durable: not before. */
    @Test
    void aCandidateInstallsNothing() {
        Cluster c = SnapshotOfferTest.offered();
        c.settle();
        c.pass(T);
        c.timeout(3);
        c.deliver(new Message.PreVoteAnswer(id(2), id(3), 1, null, 1, 0));
        assertEquals(RoleName.CANDIDATE, c.role(3));
        c.fetch(3);
        assertEquals(List.of(), c.pendingInstalls(3));
        c.write(3);
        assertEquals(new EntryId(1, 1), c.take(Message.RequestVote.class, 3, 1).last());
        assertEquals(List.of(), c.pendingInstalls(3));
        c.timeout(3);   // a pre-candidate's question can be asked again
        assertEquals(1, c.pendingInstalls(3).size());
        assertEquals(RoleName.FOLLOWER, c.role(3));
    }

    /** It asked with the old log; the new one, and the membership that comes with it, may be worth more. */
    @Test
    void aPreCandidateThatInstallsASnapshotBeginsAnew() {
        Cluster c = SnapshotOfferTest.offered();
        c.settle();
        c.pass(T);
        c.timeout(3);
        assertEquals(RoleName.PRE_CANDIDATE, c.role(3));
        c.fetch(3);
        assertEquals(RoleName.FOLLOWER, c.role(3));
        c.writeAll(3);
        c.timeout(3);
        assertEquals(new EntryId(1, 8), c.sent(Message.PreVote.class, 3, 1).get(1).last());
    }

    /** SN-04: who belongs to the group is part of what a snapshot brings, and so is the time. Also after two snapshots in a row. */
    @Test
    void membershipAndTimeComeWithTheSnapshot() {
        Cluster c = SnapshotOfferTest.lagging(5);
        c.change(1, new Membership.Goal(Cluster.members(1, 2, 3), Cluster.members(4)));
        c.settle(1, 2);
        Membership larger = c.node(1).membership();
        assertEquals(2, larger.version());
        c.heartbeat(1, 2);
        c.applyAll(1);
        c.compact(1, 6);
        c.propose(1);
        c.settle(1, 2);
        c.applyAll(1);
        SnapshotId snapshot = c.compact(1, 7);
        assertTrue(snapshot.timeNanos() > 0);
        c.heartbeat(1, 2, 3);
        c.answerReads(1);
        c.settle(1, 3);
        c.applyAll(3);
        c.fetch(3);
        assertEquals(larger, c.node(3).membership());
        assertTrue(c.node(3).status().change().isCommitted());
        assertEquals(snapshot.timeNanos(), c.node(3).log().newestNanos());
        c.writeAll(3);
        c.restart(3);
        assertEquals(larger, c.node(3).membership());
        assertEquals(snapshot.timeNanos(), c.node(3).log().newestNanos());
    }

    /** A membership that went with the log is in force no longer. */
    @Test
    void anUncommittedMembershipGoesWithTheLog() {
        Cluster c = Cluster.of(SnapshotOfferTest.NOTHING_CACHED, 3);
        c.elect(3, 1, 2);
        c.settle();
        c.change(3, new Membership.Goal(Cluster.members(1, 2, 3), Cluster.members(4)));
        c.writeAll(3);
        c.dropAll();
        assertEquals(2, c.node(3).membership().version());
        c.elect(1, 2);
        while (c.commit(1) < 10) {
            c.propose(1);
            c.settle(1, 2);
        }
        c.applyAll(1);
        c.compact(1, 8);
        c.dropAll();
        SnapshotOfferTest.servedFromDisk(c);
        c.applyAll(3);
        assertEquals(2, c.node(3).membership().version());
        c.fetch(3);
        assertEquals(1, c.node(3).membership().version());
        assertTrue(c.node(3).status().change().isCommitted());
    }

    // ---- appends to a log on a snapshot

    /** RP-05, RP-06: late appends that begin before what the log stands on, or at the very beginning, change nothing. */
    @Test
    void lateAppendsFromBeforeTheSnapshotMatchAndChangeNothing() {
        Cluster c = SnapshotOfferTest.onlySnapshots();
        List<Entry> old = c.applied(1);
        for (int first = 0; first <= 9; first++) {
            EntryId prev = first == 0 ? EntryId.ZERO : new EntryId(1, first);
            c.deliver(new Message.AppendEntries(id(3), id(1), 1, prev, old.subList(first, 10), 3, 3, 1 + first));
            assertEquals(10, c.take(Message.AppendAccepted.class, 1, 3).matchIndex());
            assertEquals(10, c.node(1).log().lastIndex());
            assertEquals("", c.log(1));
        }
        assertEquals(List.of(), c.pending(1));
    }

    /** Also where the log begins it is compared, with what is committed there. */
    @Test
    void anAppendThatContradictsTheSnapshotStopsTheNode() {
        Cluster c = SnapshotOfferTest.onlySnapshots();
        Cluster d = SnapshotOfferTest.onlySnapshots();
        assertThrows(InvariantViolation.class, () -> c.deliver(
            new Message.AppendEntries(id(3), id(1), 2, new EntryId(2, 10), List.of(), 0, 0, 1)));
        assertThrows(InvariantViolation.class, () -> d.deliver(
            new Message.AppendEntries(id(3), id(1), 2, new EntryId(1, 9), List.of(entry(10, 2)), 0, 0, 1)));
        assertNotNull(d.toString());
    }

    // ---- what these tests begin with

    /** Replica 3 has entries 1 to 3, handed to its machine, which has not said that it is done; it has been offered a snapshot up to 8. */
    private static Cluster applying() {
        Cluster c = SnapshotOfferTest.offered();
        c.settle();
        c.deliver(new Message.AppendEntries(id(1), id(3), 1, new EntryId(1, 1), c.applied(1).subList(1, 3), 3, 3, 50));
        c.writeAll(3);
        assertEquals(3, c.applied(3).size());
        c.dropAll();
        return c;
    }

    /** Replica 3 led term 2 alone, and has 12 entries of which only the first is anybody else's; it is fetching a snapshot up to 8. */
    private static Cluster conflicting() {
        Cluster c = Cluster.of(SnapshotOfferTest.NOTHING_CACHED, Cluster.voters(3), 0, "1", "1", "1 2 2 2 2 2 2 2 2 2 2 2");
        c.crash(3);
        c.restartWith(1, new HardState(2, null, 0), "1");
        c.elect(1, 2);
        c.settle(1, 2);
        while (c.commit(1) < 10) {
            c.propose(1);
            c.settle(1, 2);
        }
        c.applyAll(1);
        c.applyAll(2);
        c.compact(1, 8);
        c.dropAll();
        c.restart(3);
        SnapshotOfferTest.servedFromDisk(c);
        c.applyAll(3);
        assertEquals(8, c.fetching(3).index());
        return c;
    }

    /** Leader 1 is heard by nobody until it leads no longer. */
    private static void stepDown(Cluster c) {
        while (c.role(1) == RoleName.LEADER) {
            c.timeout(1);
            c.dropAll();
        }
    }
}
