package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.T;
import static io.quorate.raft.core.Cluster.id;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.testing.RecordedEffects.ReadEntries;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A leader whose log no longer holds what a peer needs next (§7): when it offers a snapshot, and how it gets back to entries. */
class SnapshotOfferTest {

    static final RaftConfig NOTHING_CACHED = Cluster.config(1 << 20, 1 << 20, 1 << 20, 1 << 20, 1);

    @Test
    void whoNeedsWhatWasDroppedIsOfferedTheNewestSnapshot() {
        Cluster c = lagging(10);
        SnapshotId snapshot = c.compact(1, 8);
        askedForOldEntries(c);
        c.answerReads(1);
        assertEquals("snapshot", peer(c, 3).replication());
        Message.SnapshotOffer offer = c.take(Message.SnapshotOffer.class, 1, 3);
        assertEquals(new Message.SnapshotOffer(id(1), id(3), 1, snapshot, offer.round()), offer);
        assertEquals(8, c.node(1).status().snapshotIndex());
    }

    /** What is dropped but still in memory needs no snapshot, and what is kept longer than needed needs none either. */
    @Test
    void whoNeedsWhatIsKeptIsSentEntries() {
        Cluster c = lagging(10);
        c.snapshot(1, 8);
        c.drop(1, 1);
        askedForOldEntries(c);
        c.answerReads(1);
        assertEquals(List.of(), c.sent(Message.SnapshotOffer.class, 1, 3));
        c.settle(1, 3);
        assertEquals(c.log(1), c.disk(3));
    }

    @Test
    void anOfferIsRepeatedWithTheHeartbeatOnlyAndNothingElseIsSentMeanwhile() {
        Cluster c = offered();
        c.dropAll();
        c.propose(1);
        assertEquals(List.of(), to3(c));
        c.settle(1, 2);
        assertEquals(List.of(), to3(c));
        for (int i = 0; i < 3; i++) {
            c.timeout(1);
            List<Message> sent = to3(c);
            assertEquals(2, sent.size());
            Message.AppendEntries heartbeat = (Message.AppendEntries) sent.get(0);
            assertEquals(List.of(), heartbeat.entries());
            assertEquals(heartbeat.round(), ((Message.SnapshotOffer) sent.get(1)).round());
            c.dropAll();
        }
    }

    /** The peer is heard of all the time: rounds go on, and its answers keep a leader in office that needs them. */
    @Test
    void whoIsOfferedASnapshotAnswersHeartbeatsAllTheTime() {
        Cluster c = offered();
        c.crash(2);
        for (int i = 0; i < 50; i++) {
            c.heartbeat(1, 3);
        }
        assertEquals(RoleName.LEADER, c.role(1));
        assertEquals(RoleName.FOLLOWER, c.role(3));
        assertEquals(id(1), c.node(3).leader());
        assertEquals(8, c.fetching(3).index());
    }

    @Test
    void theNewestSnapshotIsTheOneThatIsOffered() {
        Cluster c = offered();
        c.dropAll();
        SnapshotId newer = c.snapshot(1, 10);
        c.timeout(1);
        assertEquals(newer, c.take(Message.SnapshotOffer.class, 1, 3).snapshot());
    }

    @Test
    void whoSaysThatItHasWhatWasMissingIsSentEntriesAgain() {
        Cluster c = offered();
        c.settle(1, 3);
        c.fetch(3);
        c.heartbeat(1, 3);
        assertEquals("replicate", peer(c, 3).replication());
        c.answerReads(1);
        c.settle(1, 3);
        assertEquals(10, peer(c, 3).matchIndex());
        assertEquals(10, c.commit(3));
    }

    /** The acceptance that ends the wait may come while the install still waits for the disk: then entries follow already. */
    @Test
    void entriesFollowASnapshotThatIsNotDurableYet() {
        Cluster c = offered();
        c.settle(1, 3);
        c.fetch(3);
        c.timeout(1);
        c.deliver(Message.AppendEntries.class, 1, 3);
        c.deliver(Message.SnapshotOffer.class, 1, 3);
        Message.AppendAccepted accepted = c.take(Message.AppendAccepted.class, 3, 1);
        assertEquals(1, accepted.matchIndex());
        accepted = c.take(Message.AppendAccepted.class, 3, 1);
        assertEquals(8, accepted.verifiedIndex());
        assertEquals(1, accepted.matchIndex());
        c.deliver(accepted);
        assertEquals(1, peer(c, 3).matchIndex(), "nothing counts before it is durable");
        assertEquals("replicate", peer(c, 3).replication());
        c.answerReads(1);
        c.deliver(Message.AppendEntries.class, 1, 3);
        assertEquals(List.of(8L), c.pendingInstalls(3).stream().map(SnapshotId::index).toList());
        assertEquals(1, c.pending(3).size());
        c.writeAll(3);
        c.settle(1, 3);
        assertEquals(10, peer(c, 3).matchIndex());
    }

    /** An old acceptance, of less than what is missing, ends nothing. */
    @Test
    void anAcceptanceOfLessThanWhatIsMissingDoesNotEndTheWait() {
        Cluster c = offered();
        c.dropAll();
        c.deliver(new Message.AppendAccepted(id(3), id(1), 1, 1, 1, 1, 0, 0));
        assertEquals("snapshot", peer(c, 3).replication());
        assertEquals(List.of(), to3(c));
        assertEquals(List.of(), c.takeEffects(1, ReadEntries.class));
    }

    /** A late answer to a question from before the wait. */
    @Test
    void aRejectionNeitherEndsTheWaitNorBringsAnotherOffer() {
        Cluster c = onlySnapshots();
        c.elect(1, 2);
        c.settle();
        assertEquals("snapshot", peer(c, 3).replication());
        c.deliver(new Message.AppendRejected(id(3), id(1), 2, new EntryId(1, 9), new EntryId(1, 1), 1));
        assertEquals("snapshot", peer(c, 3).replication());
        assertEquals(List.of(), to3(c));
    }

    /** What is in a snapshot that nobody could install is not waited for: without one that helps, the log is asked again. */
    @Test
    void noPeerWaitsForASnapshotThatDoesNotBringWhatIsMissing() {
        Cluster c = lagging(10);
        c.compact(1, 8);
        c.drop(1, 8);
        askedForOldEntries(c);
        ReadEntries asked = c.takeEffects(1, ReadEntries.class).get(0);
        c.deliver(new Message.AppendAccepted(id(3), id(1), 1, 9, 9, 2, 0, 0));   // it has got so far by other means
        c.step(1, new Event.EntriesRead(id(3), 1, 10, List.of()), 0);
        assertEquals(1, asked.term());
        assertEquals(List.of(), c.sent(Message.SnapshotOffer.class, 1, 3));
        c.dropAll();
        c.timeout(1);
        assertEquals("probe", peer(c, 3).replication());
    }

    // ---- logs that begin behind a snapshot

    /** EL-11: the end of a log without entries is the end of its snapshot, whatever votes are asked for. */
    @Test
    void aReplicaWithNothingButASnapshotWinsElectionsAndReplicates() {
        Cluster c = onlySnapshots();
        c.crash(3);
        c.elect(1, 2);
        c.settle(1, 2);
        assertEquals("2", c.log(1));
        assertEquals(11, c.commit(1));
        assertEquals(11, c.commit(2));
        assertEquals("2", c.disk(2));
        assertTrue(c.history(Message.AppendEntries.class, 1, 2).stream()
            .filter(append -> append.term() == 2 && !append.entries().isEmpty())
            .allMatch(append -> append.prev().equals(new EntryId(1, 10))));
    }

    @Test
    void aLogThatEndsBeforeASnapshotIsNotVotedFor() {
        Cluster c = onlySnapshots();
        c.timeout(3);   // its log ends at 1
        c.deliver(Message.PreVote.class, 3, 1);
        assertEquals(Message.Denial.LOG_IS_NEWER, c.take(Message.PreVoteAnswer.class, 1, 3).denial());
    }

    /** RP-07: where a term is not known, there is no term to compare: a heartbeat stands on nothing at all, and says nothing of commits. */
    @Test
    void aHeartbeatToWhoIsBehindTheLogStandsOnNothing() {
        Cluster c = onlySnapshots();
        c.elect(1, 2);
        c.settle(1, 2);
        c.dropAll();
        c.timeout(1);
        Message.AppendEntries heartbeat = c.take(Message.AppendEntries.class, 1, 3);
        assertEquals(EntryId.ZERO, heartbeat.prev());
        assertEquals(11, heartbeat.commitIndex());
        c.deliver(heartbeat);
        assertEquals(1, c.node(3).status().lastIndex());
        assertEquals(0, c.commit(3));
    }

    /** The search ends where the log begins: there is nothing to ask about before. */
    @Test
    void whoPartsFromTheLogBeforeItsBeginningIsOfferedTheSnapshot() {
        Cluster c = onlySnapshots();
        c.elect(1, 2);
        c.settle();
        assertEquals(10, c.fetching(3).index());
        c.applyAll(3);
        c.fetch(3);
        servedFromDisk(c);
        assertEquals(11, c.commit(3));
        assertEquals("2", c.disk(3));
    }

    /** A match that the log cannot name can carry no commit; it must not be tried again and again. */
    @Test
    void aMatchBeforeTheLogIsToldNoCommits() {
        Cluster c = onlySnapshots();
        c.elect(1, 2);
        c.settle(1, 2);
        c.deliver(new Message.AppendAccepted(id(3), id(1), 2, 1, 1, 1, 0, 0));
        assertEquals(1, peer(c, 3).matchIndex());
        c.dropAll();
        c.propose(1);
        c.settle(1, 2);
        assertEquals(List.of(), to3(c).stream().filter(Message.AppendEntries.class::isInstance).toList());
    }

    /** RP-09: an old leader that has the snapshot, and behind it only what nobody else has. */
    @Test
    void aLogThatPartsRightBehindTheSnapshotIsOverwrittenFromThere() {
        Cluster c = onlySnapshots();
        c.elect(1, 2);
        c.dropAll();
        c.writeAll(1);   // its no-op is on no other disk
        assertEquals("2", c.disk(1));
        c.crash(1);
        c.elect(2, 3);
        c.settle(2, 3);
        c.applyAll(3);
        c.fetch(3);
        c.heartbeat(2, 3);
        c.restart(1);
        c.heartbeat(2, 1, 3);
        c.answerReads(2);
        c.settle();
        assertEquals("3", c.disk(1));
        assertEquals(11, c.commit(1));
    }

    // ---- what storage should keep

    @Test
    void entriesAreWantedForWhoIsHelpedAndNotForWhoIsSilent() {
        Cluster c = lagging(10);
        assertEquals(Long.MAX_VALUE, c.node(2).wantedIndex(), "a follower helps nobody");
        c.crash(3);
        c.pass(T / 2);
        c.heartbeat(1, 2);
        c.pass(T / 2);
        c.heartbeat(1, 2);
        assertEquals(11, c.node(1).wantedIndex());
        c.restart(3);
        c.heartbeat(1, 2, 3);
        assertEquals(2, c.node(1).wantedIndex());
    }

    /** It may be fetching the first it was offered, and will need what follows that one, however many newer ones there are. */
    @Test
    void whatFollowsTheFirstOfferedSnapshotIsWanted() {
        Cluster c = offered();
        c.heartbeat(1, 2, 3);
        assertEquals(9, c.node(1).wantedIndex());
        c.receive(3);
        c.snapshot(1, 10);
        c.heartbeat(1, 2, 3);
        assertEquals(9, c.node(1).wantedIndex());
        c.fetch(3);
        servedFromDisk(c);
        assertEquals(11, c.node(1).wantedIndex());
    }

    // ---- the own snapshots

    @Test
    void anOlderSnapshotThanTheOneThatIsThereIsForgotten() {
        Cluster c = lagging(10);
        SnapshotId older = c.snapshot(1, 5);
        c.snapshot(1, 8);
        c.step(1, new Event.SnapshotTaken(older), 0);
        assertEquals(8, c.node(1).status().snapshotIndex());
    }

    @Test
    void aSnapshotOfWhatTheLogDoesNotHaveStopsTheNode() {
        Cluster c = lagging(10);
        for (EntryId end : List.of(new EntryId(2, 8), new EntryId(1, 11))) {
            SnapshotId wrong = new SnapshotId(end, Cluster.voters(3), 0);
            assertThrows(InvariantViolation.class, () -> c.step(1, new Event.SnapshotTaken(wrong), 0));
        }
    }

    @Test
    void aSnapshotIsKnownAfterARestart() {
        Cluster c = lagging(10);
        c.compact(1, 8);
        c.restart(1);
        NodeStatus status = c.node(1).status();
        assertEquals(8, status.snapshotIndex());
        assertEquals(Math.max(8, c.hardState(1).commitIndex()), c.commit(1));
        assertEquals(8, c.node(1).appliedIndex());
        assertEquals(1, status.firstIndex(), "terms are known from the begin");
        c.elect(1, 2);
        c.settle(1, 2);
        assertEquals(11, c.applied(1).size());
        assertFalse(c.sent(Message.AppendEntries.class, 1, 3).isEmpty());
        c.settle();
        servedFromDisk(c);
        assertEquals(8, c.fetching(3).index());
    }

    // ---- what these tests begin with

    /** Leader 1 has entries up to this one committed with 2; 3 was down, and has come back with the first alone. Nothing is on its way. */
    static Cluster lagging(int lastIndex) {
        Cluster c = Cluster.of(NOTHING_CACHED, Cluster.voters(3), 0, "", "", "");
        c.elect(1, 2, 3);
        c.settle();
        c.applyAll(3);
        c.crash(3);
        while (c.commit(1) < lastIndex) {
            c.propose(1);
            c.settle(1, 2);
        }
        c.applyAll(1);
        c.applyAll(2);
        c.dropAll();
        c.restart(3);
        return c;
    }

    /** The same, and 3 has been asked how far it is. */
    static void askedForOldEntries(Cluster c) {
        c.heartbeat(1, 2, 3);
    }

    /** The same, and what it lacks, or an offer if that is not there any more, has come from the leader's disk. */
    static void servedFromDisk(Cluster c) {
        askedForOldEntries(c);
        c.answerReads(1);
        c.settle();
    }

    /** The same, its log compacted up to 8, the first offer on its way to 3. */
    static Cluster offered() {
        Cluster c = lagging(10);
        c.compact(1, 8);
        askedForOldEntries(c);
        c.answerReads(1);
        c.applyAll(3);
        assertNull(c.fetching(3));
        assertEquals(1, c.sent(Message.SnapshotOffer.class, 1, 3).size());
        return c;
    }

    /** Replicas 1 and 2 have a snapshot up to 10 of term 1 and nothing else, not even the terms before; 3 has one entry. */
    static Cluster onlySnapshots() {
        Cluster c = lagging(10);
        for (int n = 1; n <= 2; n++) {
            c.heartbeat(1, 2);
            c.applyAll(n);
            c.compact(n, 10);
        }
        c.crash(1, 2);
        c.dropTerms(1);
        c.dropTerms(2);
        c.restart(1, 2, 3);
        c.dropAll();
        c.pass(T);
        assertEquals("", c.log(1));
        return c;
    }

    static NodeStatus.Peer peer(Cluster c, int n) {
        return c.node(1).status().peers().stream().filter(peer -> peer.member().id().equals(id(n))).findFirst().orElseThrow();
    }

    private static List<Message> to3(Cluster c) {
        return c.network().stream().filter(message -> message.to().equals(id(3))).toList();
    }
}
