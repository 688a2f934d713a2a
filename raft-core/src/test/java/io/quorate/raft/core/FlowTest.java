package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.config;
import static io.quorate.raft.core.Cluster.id;
import static io.quorate.raft.core.Cluster.voters;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.core.Refusal.Reason;
import io.quorate.raft.testing.RecordedEffects;
import io.quorate.raft.testing.RecordedEffects.Accepted;
import io.quorate.raft.testing.RecordedEffects.Apply;
import io.quorate.raft.testing.RecordedEffects.ReadEntries;
import io.quorate.raft.testing.RecordedEffects.Refuse;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Everything is bounded in bytes, and what does not fit at once comes later. */
class FlowTest {

    private static final int ENTRY = Entry.HEADER_BYTES + 10;   // what a command of ten bytes takes
    private static final int IN_MEMORY = ENTRY + Entry.OBJECT_BYTES;
    private static final long MUCH = 1 << 20;

    @Test
    void proposalsBeyondTheUncommittedBytesAreRefusedAndNothingHappens() {
        Cluster c = leaderOfThree(config(2 * IN_MEMORY, MUCH, MUCH, 1 << 20, MUCH));
        c.propose(1);
        c.propose(1);
        long third = c.propose(1);
        assertEquals(List.of(new Refuse(third, new Refusal(Reason.OVERLOADED, null))), c.takeEffects(1, Refuse.class));
        assertEquals("1 1 1", c.log(1));
        c.settle();   // committed: there is room again
        c.propose(1);
        assertEquals(List.of(), c.takeEffects(1, Refuse.class));
        assertEquals("1 1 1 1", c.log(1));
    }

    /** However small commands are, no more of them wait than there is memory for. */
    @Test
    void smallProposalsCountAsWhatTheyTakeOfMemory() {
        Cluster c = leaderOfThree(config(10 * (Entry.HEADER_BYTES + Entry.OBJECT_BYTES), MUCH, MUCH, 1 << 20, MUCH));
        for (int i = 0; i < 20; i++) {
            c.propose(1, 0);
        }
        assertEquals(10, c.takeEffects(1, Accepted.class).size());
        assertEquals(10, c.takeEffects(1, Refuse.class).size());
        c.settle();
        assertEquals(0, c.node(1).status().backlog().uncommittedBytes());
    }

    @Test
    void oneOversizedProposalPassesAnEmptyBudget() {
        Cluster c = leaderOfThree(config(IN_MEMORY, MUCH, MUCH, 1 << 20, MUCH));
        long large = c.propose(1, 5000);
        long small = c.propose(1, 1);
        assertEquals(large, c.takeEffects(1, Accepted.class).get(0).requestId());
        assertEquals(small, c.takeEffects(1, Refuse.class).get(0).requestId());
        c.settle();
        c.propose(1, 1);
        assertEquals(1, c.takeEffects(1, Accepted.class).size());
    }

    /** What a leader inherits is not of its budget, and the budget of one term does not follow it into the next. */
    @Test
    void inheritedEntriesAndTheFirstEntryPassEveryBudget() {
        Cluster c = Cluster.of(config(IN_MEMORY, MUCH, MUCH, 1 << 20, MUCH), voters(3), 0, "1 1 1 1 1", "1", "1");
        c.elect(1, 2, 3);
        assertEquals("1 1 1 1 1 2", c.log(1));
        long request = c.propose(1);
        assertEquals(request, c.takeEffects(1, Accepted.class).get(0).requestId());
        c.settle();
        c.propose(1);
        c.propose(1);
        assertEquals(1, c.takeEffects(1, Accepted.class).size());
        assertEquals(1, c.takeEffects(1, Refuse.class).size());
    }

    /** Nor does its first entry give a leader room that it has not. */
    @Test
    void theFirstEntryOfATermLeavesTheBudgetAsItIs() {
        Cluster c = leaderOfThree(config(2 * IN_MEMORY, MUCH, MUCH, 1 << 20, MUCH));
        c.propose(1);
        c.propose(1);
        c.takeEffects(1, Accepted.class);
        c.propose(1, 0);
        assertEquals(List.of(), c.takeEffects(1, Accepted.class));
        assertEquals(1, c.takeEffects(1, Refuse.class).size());
    }

    @Test
    void aCommandLargerThanAnEntryMayBeIsRefused() {
        Cluster c = leaderOfThree(RaftConfig.DEFAULT);
        long request = c.propose(1, Entry.PAYLOAD_BYTES_MAX + 1);
        assertEquals(List.of(new Refuse(request, new Refusal(Reason.TOO_LARGE, null))), c.takeEffects(1, Refuse.class));
        c.propose(1, Entry.PAYLOAD_BYTES_MAX);
        assertEquals(1, c.takeEffects(1, Accepted.class).size());
    }

    @Test
    void anAppendCarriesNoMoreThanItsBytesButAtLeastOneEntry() {
        Cluster c = leaderOfThree(config(MUCH, MUCH, MUCH, 2 * ENTRY, MUCH));
        c.batch(1, propose(1, 10), propose(2, 10), propose(3, 10), propose(4, 500), propose(5, 10));
        assertEquals(List.of(2, 1, 1, 1),
            c.sent(Message.AppendEntries.class, 1, 2).stream().map(m -> m.entries().size()).toList());
        c.settle();
        assertEquals(6, c.commit(3));
    }

    @Test
    void noMoreThanTheWindowIsOnItsWayToAPeer() {
        Cluster c = leaderOfThree(config(MUCH, MUCH, 2 * ENTRY, ENTRY, MUCH));
        for (int i = 0; i < 5; i++) {
            c.propose(1);
        }
        assertEquals(2, c.sent(Message.AppendEntries.class, 1, 2).size());
        c.deliver(Message.AppendEntries.class, 1, 2);
        c.writeAll(2);
        c.deliver(Message.AppendAccepted.class, 2, 1);
        assertEquals(2, c.sent(Message.AppendEntries.class, 1, 2).size());   // one has come back, one more has left
        c.settle();
        assertEquals(6, c.commit(2));
    }

    @Test
    void anEntryLargerThanTheWindowPassesAnEmptyOne() {
        Cluster c = leaderOfThree(config(MUCH, MUCH, ENTRY, ENTRY, MUCH));
        c.propose(1, 5000);
        c.propose(1, 5000);
        assertEquals(1, c.sent(Message.AppendEntries.class, 1, 2).size());
        c.settle();
        assertEquals(3, c.commit(2));
    }

    /** A full window to a silent peer is found to be lost by the rounds, and sent again. */
    @Test
    void aLostWindowIsSentAgain() {
        Cluster c = leaderOfThree(config(MUCH, MUCH, 2 * ENTRY, ENTRY, MUCH));
        for (int i = 0; i < 5; i++) {
            c.propose(1);
        }
        c.dropAll();
        c.heartbeat(1);
        assertEquals(6, c.commit(2));
    }

    /** An answer given before the newest append left cannot know of it: nothing was lost, and nothing is sent again. */
    @Test
    void whatIsStillOnItsWayIsNotSentAgain() {
        Cluster c = leaderOfThree(RaftConfig.DEFAULT);
        c.timeout(1);
        c.deliver(Message.AppendEntries.class, 1, 2);
        c.propose(1);
        c.deliver(Message.AppendAccepted.class, 2, 1);
        assertEquals(1, c.sent(Message.AppendEntries.class, 1, 2).size());
    }

    @Test
    void aProbeCarriesNoPayload() {
        Cluster c = Cluster.of("1 2 2 2", "1 1 1 1", "1 2 2 2");
        c.elect(1, 3);
        c.settle();
        List<Message.AppendEntries> appends = c.history(Message.AppendEntries.class, 1, 2);
        int rejected = c.history(Message.AppendRejected.class, 2, 1).size();
        assertEquals(1, rejected);
        assertTrue(appends.subList(0, rejected + 2).stream().allMatch(m -> m.entries().isEmpty()));
        assertEquals("1 2 2 2 3", c.disk(2));
    }

    /** One question at a time: a probe that is not answered is asked again with the next heartbeat, not before. */
    @Test
    void aProbeIsRepeatedWithTheHeartbeatOnly() {
        Cluster c = Cluster.of("1 1", "1 1", "1 1");
        c.elect(1, 3);
        assertEquals(2, c.sent(Message.AppendEntries.class, 1, 2).size());   // heartbeat and probe
        c.dropAll();
        c.propose(1);
        assertEquals(List.of(), c.sent(Message.AppendEntries.class, 1, 2));
        c.timeout(1);
        assertEquals(List.of(0L, 2L), c.sent(Message.AppendEntries.class, 1, 2).stream().map(m -> m.prev().index()).toList());
    }

    @Test
    void entriesThatHaveLeftMemoryAreReadFromStorageForASlowPeer() {
        Cluster c = slowPeer();
        ReadEntries question = c.takeEffects(1, ReadEntries.class).get(0);
        assertEquals(new ReadEntries(id(3), 1, 2, 3, 8 * ENTRY), question);   // four messages
        assertEquals(List.of(), c.sent(Message.AppendEntries.class, 1, 3));
        c.step(1, new Event.EntriesRead(id(3), 1, 2, c.applied(1).subList(1, 3)), 0);
        c.settle(1, 3);
        assertEquals(c.log(1), c.disk(3));
    }

    /** What was read was not all: the next entries follow as usual. */
    @Test
    void aPeerThatWasGivenOldEntriesIsGivenNewOnes() {
        Cluster c = slowPeer();
        c.step(1, new Event.EntriesRead(id(3), 1, 2, c.applied(1).subList(1, 3)), 0);
        c.settle(1, 3);
        c.propose(1);
        c.settle(1, 3);   // no heartbeat is due
        assertEquals("1 1 1 1", c.disk(3));
    }

    /** Memory moves on while the disk reads: a peer that was brought to where it began would be as far behind as before. */
    @Test
    void oldEntriesAreReadPastWhereMemoryBegins() {
        Cluster c = leaderOfThree(config(MUCH, MUCH, MUCH, 2 * ENTRY, 2 * IN_MEMORY));
        fallBehind(c, 4);
        assertEquals(4, c.node(1).log().firstInMemory());
        assertEquals(new ReadEntries(id(3), 1, 2, 5, 8 * ENTRY), c.takeEffects(1, ReadEntries.class).get(0));
    }

    /** Another leader may cut it off, and storage may be asked after that. */
    @Test
    void whatIsNotCommittedIsNotReadFromStorage() {
        Cluster c = leaderOfThree(config(MUCH, MUCH, MUCH, 2 * ENTRY, 1));
        lose(c, 2, 3);
        c.propose(1);
        c.writeAll(1);
        c.dropAll();
        c.heartbeat(1, 3);
        assertEquals(3, c.commit(1));
        assertEquals(4, c.node(1).durableIndex());
        assertEquals(3, c.takeEffects(1, ReadEntries.class).get(0).lastIndex());
    }

    /** The others have made it durable, and it is committed, before this disk has it. */
    @Test
    void whatIsNotDurableIsNotReadFromStorage() {
        Cluster c = Cluster.of(config(MUCH, MUCH, MUCH, 2 * ENTRY, 1), 5);
        c.elect(1, 2, 3, 4, 5);
        c.settle();
        lose(c, 2, 5);
        c.hangs(1, true);
        c.propose(1);
        lose(c, 0, 5);
        assertEquals(4, c.commit(1));
        assertEquals(3, c.node(1).durableIndex());
        c.dropAll();
        c.heartbeat(1, 2, 3, 4, 5);
        assertEquals(3, c.takeEffects(1, ReadEntries.class).get(0).lastIndex());
    }

    @Test
    void whatAStartHasLeftOnTheDiskIsReadBeforeItIsKnownToBeCommitted() {
        Cluster c = Cluster.of(config(MUCH, MUCH, MUCH, 1 << 20, MUCH), voters(3), 0, "1 1 1 1 1", "1", "1");
        c.restartWithTail(1, 2);
        c.elect(1, 2, 3);
        c.settle();
        assertEquals(0, c.commit(1));
        while (c.answerReads(1)) {
            c.settle();
        }
        assertEquals("1 1 1 1 1 2", c.disk(2));
        assertEquals(6, c.commit(1));
    }

    @Test
    void whatWasReadGoesOutInMessages() {
        Cluster c = leaderOfThree(config(MUCH, MUCH, MUCH, 2 * ENTRY, 1));
        fallBehind(c, 5);
        assertTrue(c.answerReads(1));
        assertEquals(List.of(2, 2, 1), c.sent(Message.AppendEntries.class, 1, 3).stream().map(m -> m.entries().size()).toList());
        c.settle();
        assertEquals(c.log(1), c.disk(3));
    }

    /** Each read is a turn of the disk: it waits until there is room for all it may bring. */
    @Test
    void oldEntriesAreReadWhenThereIsRoomForAllOfThem() {
        Cluster c = leaderOfThree(config(MUCH, MUCH, 4 * ENTRY, ENTRY, 1));
        fallBehind(c, 8);
        assertTrue(c.answerReads(1));                         // two entries
        assertTrue(c.answerReads(1));                         // and two, while those are on their way
        assertFalse(c.answerReads(1));
        bringOne(c);
        assertFalse(c.answerReads(1), "one has come back");
        bringOne(c);
        assertTrue(c.answerReads(1), "two have");
        c.settle();
        while (c.answerReads(1)) {
            c.settle();
        }
        assertEquals(c.log(1), c.disk(3));
    }

    @Test
    void anOldEntryLargerThanTheWindowIsReadForAnEmptyOne() {
        Cluster c = leaderOfThree(config(MUCH, MUCH, 1, ENTRY, 1));
        fallBehind(c, 2);
        assertTrue(c.answerReads(1));
        assertFalse(c.answerReads(1));
        c.settle();
        assertTrue(c.answerReads(1));
        c.settle();
        assertEquals(c.log(1), c.disk(3));
    }

    private static void bringOne(Cluster c) {
        c.deliver(Message.AppendEntries.class, 1, 3);
        c.writeAll(3);
        c.deliver(Message.AppendAccepted.class, 3, 1);
    }

    /** So many are committed without the last peer, which is heard again. */
    private static void fallBehind(Cluster c, int count) {
        lose(c, count, 3);
        c.timeout(1);
        c.settle();
        assertEquals(1 + count, c.commit(1));
    }

    /** So many are proposed and settle among all but this last peer; what goes there is lost. */
    private static void lose(Cluster c, int count, int last) {
        for (int i = 0; i < count; i++) {
            c.propose(1);
        }
        c.sent(Message.AppendEntries.class, 1, last).forEach(c::lose);
        c.settle(IntStream.range(1, last).toArray());
        c.sent(Message.AppendEntries.class, 1, last).forEach(c::lose);
    }

    /** Storage has nothing, and no snapshot covers what is missing: with the next heartbeat the leader finds out if that is still so. */
    @Test
    void aReadThatBroughtNothingIsAskedForAgainWithTheNextHeartbeat() {
        Cluster c = slowPeer();
        List<ReadEntries> asked = c.takeEffects(1, ReadEntries.class);
        c.step(1, new Event.EntriesRead(id(3), 1, 2, List.of()), 0);
        assertEquals(List.of(), c.takeEffects(1, ReadEntries.class));
        assertEquals(List.of(), c.sent(Message.AppendEntries.class, 1, 3));
        c.heartbeat(1, 2, 3);
        assertEquals(asked, c.takeEffects(1, ReadEntries.class));
    }

    @Test
    void entriesReadForAnEarlierTermOrForNobodyAreDropped() {
        Cluster c = slowPeer();
        List<Entry> entries = c.applied(1).subList(1, 3);
        c.step(1, new Event.EntriesRead(id(3), 0, 2, entries), 0);
        c.step(1, new Event.EntriesRead(id(9), 1, 2, entries), 0);
        c.step(1, new Event.EntriesRead(id(2), 1, 2, entries), 0);
        c.step(1, new Event.EntriesRead(id(3), 1, 3, c.applied(1).subList(2, 3)), 0);
        assertEquals(List.of(), c.network());
        c.step(2, new Event.EntriesRead(id(3), 1, 2, entries), 0);   // and by who does not lead
        assertEquals(List.of(), c.network());
        c.step(1, new Event.EntriesRead(id(3), 1, 2, entries), 0);
        assertFalse(c.sent(Message.AppendEntries.class, 1, 3).isEmpty());
    }

    /** While one question is at the disk, no second is asked. */
    @Test
    void onlyOneReadIsOutForAPeer() {
        Cluster c = slowPeer();
        c.takeEffects(1, ReadEntries.class);
        c.heartbeat(1, 2);
        c.tick(1);
        assertEquals(List.of(), c.takeEffects(1, ReadEntries.class));
    }

    /**
     * Appends were slow, not lost: a round overtook them, so the leader goes back, to entries that have left memory; while these are
     * being read the late acceptance arrives. The read has become useless; the peer must not wait for it for ever.
     */
    @Test
    void aReadThatHasBecomeUselessDoesNotParkThePeer() {
        Cluster c = uselessRead();
        c.step(1, new Event.EntriesRead(id(3), 1, 2, c.applied(1).subList(1, 3)), 0);
        assertEquals(List.of(), c.network(), "it is there already");
        c.propose(1);
        c.settle();
        for (int i = 0; i < 5; i++) {
            c.heartbeat(1);
        }
        assertEquals("1 1 1 1", c.disk(3));
    }

    /** The same before the read has ended: a disk may be slow, and nothing is expected of it any more. */
    @Test
    void aPeerDoesNotWaitForAReadThatHasBecomeUseless() {
        Cluster c = uselessRead();
        c.propose(1);
        c.settle();
        assertEquals("1 1 1 1", c.disk(3));
    }

    /** A leader whose question to storage has been overtaken: peer 3 has acknowledged the entries that are being read for it. */
    private static Cluster uselessRead() {
        Cluster c = leaderOfThree(config(MUCH, MUCH, MUCH, 2 * ENTRY, 1));
        c.propose(1);
        c.propose(1);
        List<Message> late = List.copyOf(c.sent(Message.AppendEntries.class, 1, 3));
        late.forEach(message -> c.take(Message.AppendEntries.class, 1, 3));
        c.settle(1, 2);                                       // committed and durable: they leave memory
        while (!c.sent(Message.AppendEntries.class, 1, 3).isEmpty()) {
            c.take(Message.AppendEntries.class, 1, 3);
        }
        c.timeout(1);
        c.settle();                                           // the round overtakes them
        assertEquals(1, c.takeEffects(1, ReadEntries.class).size());
        late.forEach(c::deliver);
        c.settle();
        assertEquals(3, c.node(1).status().peers().get(1).matchIndex());
        return c;
    }

    /** Only what is committed and durable here may leave memory: all else may have to be written, sent or counted. */
    @Test
    void whatIsNotCommittedOrNotDurableStaysInMemory() {
        Cluster c = leaderOfThree(config(MUCH, MUCH, MUCH, 1 << 20, 1));
        c.propose(1);
        assertTrue(c.node(1).log().isInMemory(2));
        c.settle(2, 3);
        for (int peer = 2; peer <= 3; peer++) {
            c.deliver(Message.AppendEntries.class, 1, peer);
            c.writeAll(peer);
            c.deliver(Message.AppendAccepted.class, peer, 1);
        }
        assertEquals(2, c.commit(1));
        assertTrue(c.node(1).log().isInMemory(2));   // not durable here
        c.write(1);
        assertFalse(c.node(1).log().isInMemory(2));
        c.propose(1);
        c.writeAll(1);
        assertTrue(c.node(1).log().isInMemory(3));   // not committed
    }

    @Test
    void noMoreThanTheUnappliedBytesIsHandedOutUntilTheStateMachineHasApplied() {
        Cluster c = leaderOfThree(config(MUCH, 2 * IN_MEMORY, MUCH, ENTRY, MUCH));
        c.applied(1, 1);
        c.takeEffects(1, Apply.class);
        for (int i = 0; i < 5; i++) {
            c.propose(1);
        }
        c.settle();
        assertEquals(6, c.commit(1));
        assertEquals(3, c.applied(1).size());
        assertTrue(c.node(1).awaitsApplying());
        c.applied(1, 2);
        assertEquals(4, c.applied(1).size());
        assertTrue(c.node(1).awaitsApplying());
        c.applied(1, 4);
        assertEquals(6, c.applied(1).size());
        assertFalse(c.node(1).awaitsApplying());   // nothing is left to hand out
    }

    @Test
    void aSingleEntryLargerThanTheUnappliedBytesIsHandedOutAlone() {
        Cluster c = leaderOfThree(config(MUCH, 1, MUCH, 1 << 20, MUCH));
        c.applied(1, 1);
        c.propose(1, 5000);
        c.settle();
        assertEquals(2, c.applied(1).size());
    }

    /** What has left memory before it was applied is read from storage by the applier. */
    @Test
    void committedEntriesThatHaveLeftMemoryAreAppliedFromStorage() {
        Cluster c = leaderOfThree(config(MUCH, ENTRY, MUCH, 1 << 20, 1));
        c.takeEffects(1, Apply.class);
        for (int i = 0; i < 3; i++) {
            c.propose(1);
        }
        c.settle();
        c.applied(1, 1);
        c.applied(1, 2);
        c.applied(1, 4);
        assertEquals(4, c.applied(1).size());
        assertTrue(c.takeEffects(1, Apply.class).stream().anyMatch(apply -> apply.entries().isEmpty()));
    }

    /** After a restart nothing is in memory that storage did not hand over, and all that is known to be committed is applied again. */
    @Test
    void afterARestartCommittedEntriesAreAppliedAgainOnceAndInOrder() {
        Cluster c = leaderOfThree(RaftConfig.DEFAULT);
        c.propose(1);
        c.settle();
        c.restart(1, 2, 3);
        c.elect(2, 1, 3);
        c.settle();
        assertEquals(List.of("1@1", "2@1", "3@2"), c.applied(1).stream().map(entry -> entry.id().toString()).toList());
        assertEquals(c.applied(1), c.applied(2));
    }

    /** The same where the log goes on: storage has what is not committed too, and it is not for the state machine yet. */
    @Test
    void afterARestartWhatIsNotKnownToBeCommittedIsNotApplied() {
        TermTable terms = new TermTable(EntryId.ZERO);
        for (long index = 1; index <= 4; index++) {
            terms.append(1, index);
        }
        LogView log = new LogView(SnapshotId.ofFounding(voters(3)), terms, List.of(Cluster.entry(4, 1)), List.of());
        RaftNode node = new RaftNode(RaftConfig.DEFAULT, id(1), 1, new HardState(1, null, 2), log, () -> 0, 0);
        assertEquals(List.of(new Apply(1, 2, List.of())), new RecordedEffects().flush(node));
    }

    /** Reports of what was applied may overtake each other; what was applied stays so. */
    @Test
    void anAppliedIndexThatComesLateTakesNothingBack() {
        Cluster c = leaderOfThree(RaftConfig.DEFAULT);
        c.propose(1);
        c.settle();
        c.applied(1, 2);
        c.applied(1, 1);
        c.propose(1);
        assertEquals(2, c.take(Message.AppendEntries.class, 1, 2).appliedIndex());
    }

    @Test
    void anAppliedIndexThatWasNeverHandedOutStopsTheNode() {
        Cluster c = leaderOfThree(RaftConfig.DEFAULT);
        assertThrows(InvariantViolation.class, () -> c.applied(1, 2));
    }

    private static Event propose(long requestId, int bytes) {
        return new Event.Propose(requestId, new byte[bytes]);
    }

    private static Cluster leaderOfThree(RaftConfig config) {
        Cluster c = Cluster.of(config, 3);
        c.elect(1, 2, 3);
        c.settle();
        assertEquals(RoleName.LEADER, c.role(1));
        return c;
    }

    /** A leader whose committed entries have left memory, with peer 3 behind: at entry 1 of 3. */
    private static Cluster slowPeer() {
        Cluster c = leaderOfThree(config(MUCH, MUCH, MUCH, 2 * ENTRY, 1));
        c.propose(1);
        c.propose(1);
        while (!c.sent(Message.AppendEntries.class, 1, 3).isEmpty()) {
            c.take(Message.AppendEntries.class, 1, 3);
        }
        c.settle(1, 2);
        c.dropAll();
        assertEquals(3, c.commit(1));
        c.timeout(1);
        c.settle();
        return c;
    }
}
