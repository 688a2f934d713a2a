package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.entry;
import static io.quorate.raft.core.Cluster.id;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.testing.RecordedEffects;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Section 5.3 of the paper, sentence by sentence, and its figures 6 and 7. */
class Section53ReplicationTest {

    /** "The leader appends the command to its log as a new entry, then issues AppendEntries RPCs in parallel to each of the others." */
    @Test
    void theLeaderAppendsACommandAndSendsItToAllBesideItsOwnDisk() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        long request = c.propose(1);
        assertEquals(List.of(new RecordedEffects.Accepted(request, new EntryId(1, 2))), c.takeEffects(1, RecordedEffects.Accepted.class));
        assertEquals("1", c.disk(1));   // its own disk has not answered yet
        assertEquals(new EntryId(1, 2), c.take(Message.AppendEntries.class, 1, 2).entries().get(0).id());
        assertEquals(new EntryId(1, 2), c.take(Message.AppendEntries.class, 1, 3).entries().get(0).id());
    }

    /** "When the entry has been safely replicated, the leader applies the entry to its state machine." */
    @Test
    void theLeaderAppliesAnEntryWhenAMajorityHasIt() {
        Cluster c = Cluster.of(5);
        c.elect(1, 2, 3, 4, 5);
        c.settle();
        c.propose(1);
        c.writeAll(1);
        c.settle(1, 2);
        assertEquals(1, c.commit(1));
        c.settle(1, 2, 3);
        assertEquals(2, c.commit(1));
        assertEquals(2, c.applied(1).size());
    }

    /** "If followers crash or run slowly, or if network packets are lost, the leader retries AppendEntries RPCs indefinitely." */
    @Test
    void theLeaderRetriesUntilALateFollowerHasEverything() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.crash(3);
        for (int i = 0; i < 5; i++) {
            c.propose(1);
            c.settle(1, 2);
            c.heartbeat(1, 2);
        }
        assertEquals(6, c.commit(1));
        c.dropAll();
        c.restart(3);
        c.heartbeat(1);
        assertEquals(c.log(1), c.log(3));
        assertEquals(6, c.commit(3));
    }

    /** The same, where only the newest append is lost and nothing behind it tells of the loss. */
    @Test
    void theLossOfTheLastAppendIsNoticedByTheNextRound() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.propose(1);
        c.take(Message.AppendEntries.class, 1, 2);
        c.take(Message.AppendEntries.class, 1, 3);
        c.settle();
        assertEquals(1, c.commit(1));
        c.heartbeat(1);
        assertEquals("1 1", c.log(2));
        assertEquals("1 1", c.log(3));
        assertEquals(2, c.commit(1));
    }

    /** The same for the answer: what was lost on the way back is said again. */
    @Test
    void theLossOfTheLastAnswerIsMadeUpForByTheNextRound() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2);
        c.settle(1, 2);
        c.dropAll();
        c.propose(1);
        c.writeAll(1);
        c.deliver(Message.AppendEntries.class, 1, 2);
        c.writeAll(2);
        c.dropAll();
        c.heartbeat(1, 2);
        assertEquals(2, c.commit(1));
    }

    /** "The leader decides when it is safe to apply a log entry": a follower that has it waits until it is told. */
    @Test
    void aFollowerAppliesNothingBeforeTheLeaderSaysThatItIsCommitted() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.propose(1);
        c.deliver(Message.AppendEntries.class, 1, 2);
        c.writeAll(2);
        assertEquals("1 1", c.disk(2));
        assertEquals(1, c.applied(2).size());
        c.settle();
        assertEquals(2, c.applied(2).size());
    }

    /** "Raft guarantees that committed entries are durable and will eventually be executed by all of the available state machines." */
    @Test
    void everyAvailableReplicaAppliesTheSameEntriesInTheSameOrder() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        for (int i = 0; i < 10; i++) {
            c.propose(1, i);
        }
        c.settle();
        assertEquals(11, c.applied(1).size());
        assertEquals(c.applied(1), c.applied(2));
        assertEquals(c.applied(1), c.applied(3));
    }

    /** "This also commits all preceding entries in the leader's log, including entries created by previous leaders." */
    @Test
    void aCommitCoversAllPrecedingEntriesOfPreviousLeaders() {
        Cluster c = Cluster.of("1 2 2", "1 2", "1");
        c.elect(1, 2);
        c.settle(1, 2);
        assertEquals("1 2 2 3", c.log(2));
        assertEquals(4, c.commit(1));
        assertEquals(4, c.applied(1).size());
    }

    /** "The leader keeps track of the highest index it knows to be committed, and it includes that index in future AppendEntries RPCs." */
    @Test
    void aCommitThatNothingElseCarriesIsToldAtOnceAndOnce() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.propose(1);
        int before = c.history(Message.AppendEntries.class, 1, 2).size();
        c.settle();   // no heartbeat is due
        assertEquals(2, c.commit(2));
        assertEquals(2, c.commit(3));
        List<Message.AppendEntries> told = c.history(Message.AppendEntries.class, 1, 2);
        assertEquals(before + 1, told.size());
        assertTrue(told.get(before).entries().isEmpty());
        assertEquals(2, told.get(before).commitIndex());
        c.step(1, new Event.Tick(c.now()), 0);
        assertEquals(List.of(), c.network());
    }

    /** More will be committed when they have come, and one message tells of both; if they are lost, no more than a heartbeat is waited. */
    @Test
    void whileEntriesAreOnTheirWayACommitWaitsForTheirsOrForAHeartbeat() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.propose(1);
        c.deliver(Message.AppendEntries.class, 1, 2);
        c.deliver(Message.AppendEntries.class, 1, 3);
        for (int n = 1; n <= 3; n++) {
            c.writeAll(n);
        }
        c.propose(1);
        c.deliver(Message.AppendAccepted.class, 2, 1);
        c.deliver(Message.AppendAccepted.class, 3, 1);
        assertEquals(2, c.commit(1));
        Message.AppendEntries second = c.take(Message.AppendEntries.class, 1, 2);
        assertEquals(1, second.entries().size());
        c.take(Message.AppendEntries.class, 1, 3);   // is lost
        assertEquals(List.of(), c.network());

        c.deliver(second);
        c.settle(1, 2);
        assertEquals(3, c.commit(2));
        assertEquals(1, c.commit(3));
        c.timeout(1);
        c.deliver(Message.AppendEntries.class, 1, 3);
        assertEquals(2, c.commit(3));
    }

    /** A heartbeat stands where the peer is known to match, so what it says of later commits proves nothing there: it is said again. */
    @Test
    void aCommitIsToldAgainWhereTheFirstMessageCouldNotProveIt() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.propose(1);
        Message.AppendEntries slow = c.take(Message.AppendEntries.class, 1, 3);
        c.settle(1, 2);
        c.timeout(1);
        Message.AppendEntries heartbeat = c.take(Message.AppendEntries.class, 1, 3);
        assertEquals(2, heartbeat.commitIndex());
        assertEquals(1, heartbeat.lastIndex());
        c.deliver(slow);
        c.deliver(heartbeat);
        assertEquals(1, c.commit(3));
        c.settle();   // no further heartbeat is due
        assertEquals(2, c.commit(3));
    }

    /** What is echoed is the newest round that was heard, whichever message is being answered. */
    @Test
    void anOlderRoundThatComesLateIsNotWhatIsEchoed() {
        Cluster c = Cluster.of("1", "1", "1");
        Message.AppendEntries append = new Message.AppendEntries(id(2), id(1), 2, new EntryId(1, 1), List.of(entry(2, 2)), 0, 0, 3);
        c.deliver(append);
        c.writeAll(1);
        c.deliver(new Message.AppendEntries(id(2), id(1), 2, new EntryId(2, 2), List.of(), 0, 0, 5));
        c.dropAll();
        c.deliver(append);
        assertEquals(5, c.take(Message.AppendAccepted.class, 1, 2).round());
    }

    /** "If the follower does not find an entry in its log with the same index and term, then it refuses the new entries." */
    @ParameterizedTest
    @CsvSource({"4, 2, 1 1 2", "3, 3, 1 1 2", "9, 5, 1 1 2", "1, 1, ''"})
    void anAppendWhosePredecessorIsNotInTheLogIsRefused(long prevIndex, long prevTerm, String log) {
        Cluster c = Cluster.of(log, "", "");
        c.deliver(new Message.AppendEntries(id(2), id(1), 5, new EntryId(prevTerm, prevIndex), List.of(entry(prevIndex + 1, 5)), 9, 0, 3));
        c.writeAll(1);
        assertEquals(log, c.log(1));
        assertEquals(0, c.commit(1));
        Message.AppendRejected answer = c.take(Message.AppendRejected.class, 1, 2);
        assertEquals(new EntryId(prevTerm, prevIndex), answer.rejected());
        assertEquals(3, answer.round());
        assertTrue(c.network().isEmpty());
    }

    /** "In Raft, the leader handles inconsistencies by forcing the followers' logs to duplicate its own." */
    @Test
    void conflictingEntriesInAFollowersLogAreOverwritten() {
        Cluster c = Cluster.of("1 1 3", "1 1 2 2 2", "1 1 3");
        c.elect(1, 3);
        c.settle();
        assertEquals("1 1 3 4", c.log(2));
        assertEquals("1 1 3 4", c.disk(2));
    }

    /** "If an existing entry conflicts with a new one, delete the existing entry and all that follow it": and only then (figure 2). */
    @Test
    void aLateAppendThatIsShorterThanTheLogCutsNothing() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2);
        c.settle(1, 2);
        c.dropAll();
        c.propose(1);
        Message.AppendEntries first = c.take(Message.AppendEntries.class, 1, 2);
        c.propose(1);
        Message.AppendEntries second = c.take(Message.AppendEntries.class, 1, 2);
        c.deliver(first);
        c.deliver(second);
        c.writeAll(2);
        assertEquals("1 1 1", c.disk(2));
        c.deliver(first);
        c.deliver(new Message.AppendEntries(id(1), id(2), 1, EntryId.ZERO, List.of(), 0, 0, 1));
        assertEquals("1 1 1", c.log(2));
        assertEquals(List.of(), c.pending(2));
    }

    /** "A leader never overwrites or deletes entries in its log; it only appends new entries" (Leader Append-Only, figure 3). */
    @Test
    void aLeaderNeverOverwritesOrDeletesEntriesInItsLog() {
        Cluster c = Cluster.of("1 1", "1 1", "1 1");
        c.elect(1, 2, 3);
        c.settle();
        assertEquals("1 1 2", c.log(1));
        c.deliver(new Message.AppendEntries(id(3), id(1), 2, new EntryId(1, 1), List.of(entry(2, 2)), 0, 0, 1));
        assertEquals(RoleName.LEADER, c.role(1));
        assertEquals("1 1 2", c.log(1));
        assertEquals(List.of(), c.network());
    }

    /** What claims to lead a term that another leads is not followed: it gets neither an answer nor a place in the log. */
    @Test
    void aSecondLeaderOfOneTermIsNotFollowed() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.deliver(new Message.AppendEntries(id(3), id(2), 1, EntryId.ZERO, List.of(entry(1, 1)), 1, 0, 9));
        assertEquals(id(1), c.node(2).leader());
        assertEquals(List.of(), c.network());
    }

    /** Figure 6: entries up to 7 of 8 are on three of five, so they are committed; who has less learns as much as it has. */
    @Test
    void figure6() {
        Cluster c = Cluster.of("1 1 1 2", "1 1 1 2", "1 1 1 2", "1 1", "1 1 1 2");
        c.elect(1, 2, 3, 5);
        for (int peer : new int[] {2, 3, 5}) {
            c.deliver(Message.AppendEntries.class, 1, peer);            // the first heartbeat
            c.deliver(Message.AppendEntries.class, 1, peer);            // the probe
            c.deliver(Message.AppendAccepted.class, peer, 1);
            c.deliver(Message.AppendAccepted.class, peer, 1);
            c.deliver(Message.AppendEntries.class, 1, peer);            // entry 5
        }
        for (int i = 6; i <= 8; i++) {
            c.propose(1);
        }
        assertEquals("1 1 1 2 3 3 3 3", c.log(1));
        for (int i = 6; i <= 8; i++) {
            c.deliver(Message.AppendEntries.class, 1, 3);
        }
        for (int i = 6; i <= 7; i++) {
            c.deliver(Message.AppendEntries.class, 1, 5);
        }
        for (int n : new int[] {1, 2, 3, 5}) {
            c.writeAll(n);
        }
        c.take(Message.AppendEntries.class, 1, 5);   // entry 8 is lost on its way there
        for (int i = 6; i <= 8; i++) {
            c.take(Message.AppendEntries.class, 1, 2);
        }
        for (int peer : new int[] {2, 3, 5}) {
            while (!c.sent(Message.AppendAccepted.class, peer, 1).isEmpty()) {
                c.deliver(Message.AppendAccepted.class, peer, 1);
            }
        }
        assertEquals("1 1 1 2 3", c.disk(2));
        assertEquals("1 1 1 2 3 3 3 3", c.disk(3));
        assertEquals("1 1", c.disk(4));
        assertEquals("1 1 1 2 3 3 3", c.disk(5));
        assertEquals(7, c.commit(1));
        c.timeout(1);   // whom entries are still on their way to is told of the commit by the heartbeat
        for (int peer : new int[] {2, 3, 5}) {
            while (!c.sent(Message.AppendEntries.class, 1, peer).isEmpty()) {
                c.deliver(Message.AppendEntries.class, 1, peer);
            }
        }
        assertEquals(5, c.commit(2));
        assertEquals(7, c.commit(3));
        assertEquals(0, c.commit(4));
        assertEquals(7, c.commit(5));
    }

    /**
     * Figure 7: "it is possible that any of scenarios (a-f) could occur in follower logs". Each comes to agree with the leader, and each
     * rejection does away with a whole term, as the end of the section proposes.
     */
    @ParameterizedTest(name = "({0}) {1}")
    @CsvSource({
        "a, 1 1 1 4 4 5 5 6 6, 1",
        "b, 1 1 1 4, 1",
        "c, 1 1 1 4 4 5 5 6 6 6 6, 0",
        "d, 1 1 1 4 4 5 5 6 6 6 7 7, 0",
        "e, 1 1 1 4 4 4 4, 2",
        "f, 1 1 1 2 2 2 3 3 3 3 3, 2"})
    void figure7(String name, String followersLog, int rejectionsMax) {
        String leadersLog = "1 1 1 4 4 5 5 6 6 6";
        Cluster c = Cluster.of(leadersLog, followersLog, leadersLog);
        c.restartWith(1, new HardState(7, null, 0), leadersLog);
        c.elect(1, 3);
        c.settle();
        assertEquals(leadersLog + " 8", c.log(2), name);
        assertEquals(leadersLog + " 8", c.disk(2), name);
        assertEquals(11, c.commit(2), name);
        int rejections = c.history(Message.AppendRejected.class, 2, 1).size();
        assertTrue(rejections <= rejectionsMax, () -> name + " took " + rejections + " rejections");
        List<Message.AppendEntries> appends = c.history(Message.AppendEntries.class, 1, 2);
        assertEquals(11 - c.history(Message.AppendEntries.class, 1, 2).stream().filter(m -> !m.entries().isEmpty())
            .findFirst().orElseThrow().prev().index(), appends.stream().mapToInt(m -> m.entries().size()).sum(), name + ": sent once");
    }

    /** All of figure 7 at once, in one group of seven, as drawn. */
    @Test
    void figure7AsDrawn() {
        String leadersLog = "1 1 1 4 4 5 5 6 6 6";
        Cluster c = Cluster.of(leadersLog, "1 1 1 4 4 5 5 6 6", "1 1 1 4", "1 1 1 4 4 5 5 6 6 6 6", "1 1 1 4 4 5 5 6 6 6 7 7",
            "1 1 1 4 4 4 4", "1 1 1 2 2 2 3 3 3 3 3");
        c.restartWith(1, new HardState(7, null, 0), leadersLog);
        c.elect(1, 2, 3, 6, 7);   // the votes that it can get
        c.settle();
        for (int n = 1; n <= 7; n++) {
            assertEquals(leadersLog + " 8", c.disk(n));
            assertEquals(11, c.commit(n));
        }
    }

    /** The search ends with an answer even where it ends at something that was answered before: no heartbeat is waited for. */
    @Test
    void theSearchForAgreementWaitsForNoHeartbeat() {
        Cluster c = Cluster.of("1 1", "", "1 1");
        c.elect(1, 3);
        c.settle();   // no time passes
        assertEquals("1 1 2", c.disk(2));
    }

    /** The same where an append is lost in the middle of the pipeline: the next one tells, and the rest follows in two round trips. */
    @Test
    void theLossOfAnAppendInThePipelineIsMadeUpForAtOnce() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.propose(1);
        c.take(Message.AppendEntries.class, 1, 2);
        c.propose(1);
        c.settle();
        assertEquals("1 1 1", c.disk(2));
        assertEquals(1, c.history(Message.AppendRejected.class, 2, 1).size());
    }

    /** "One slow follower will not impact performance": a commit needs a majority only, even if the rest never answers. */
    @Test
    void aSlowMinorityDoesNotHoldUpCommits() {
        Cluster c = Cluster.of(5);
        c.elect(1, 2, 3);
        for (int i = 0; i < 3; i++) {
            c.propose(1);
        }
        c.settle(1, 2, 3);
        assertEquals(4, c.commit(1));
        assertEquals("", c.log(4));
    }
}
