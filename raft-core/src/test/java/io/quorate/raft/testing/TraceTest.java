package io.quorate.raft.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.testing.Trace.Link;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** What happened, as a value: its order, its lines, and what is left of it when there is too much. */
class TraceTest {

    private static final ReplicaId ONE = new ReplicaId(1, 0xA1);
    private static final ReplicaId TWO = new ReplicaId(2, 0xA2);

    @Test
    void anEventIsOneLineThatTellsTimeAndPlace() {
        Trace trace = new Trace(7, 2, "", 0, List.of(
            new Trace.Started(0, 1, 1),
            Trace.Sent.of(12_345_000, 5, new Message.Vote(ONE, TWO, 3, null)),
            new Trace.Arrived(12_400_000, 2, 5),
            new Trace.Became(12_400_001, 2, RoleName.PRE_CANDIDATE, 3)));
        assertEquals(List.of(
            "         0.000 ms  node 1 starts, boot 1",
            "        12.345 ms  node 1 -> 2 #5 Vote[from=1#00a1, to=2#00a2, term=3, denial=null]",
            "        12.400 ms  node 2 <- #5 (Vote of 1 to 2)",
            "        12.400 ms  node 2 is pre-candidate in term 3"), trace.lines());
        assertEquals(String.join("\n", trace.lines()), trace.toString());
    }

    @Test
    void anAppendWithoutEntriesIsAHeartbeat() {
        Message heartbeat = new Message.AppendEntries(ONE, TWO, 3, new EntryId(2, 9), List.of(), 4, 4, 1);
        assertEquals(Trace.Sent.HEARTBEAT, Trace.Sent.of(0, 1, heartbeat).kind());
        assertEquals("Vote", Trace.Sent.of(0, 1, new Message.Vote(ONE, TWO, 3, null)).kind());
    }

    @Test
    void eventsStandInTheirOrderAndBelongToTheGroup() {
        assertThrows(IllegalArgumentException.class,
            () -> new Trace(1, 3, "", 0, List.of(new Trace.Paused(5, 1), new Trace.Resumed(4, 1))));
        assertThrows(IllegalArgumentException.class, () -> new Trace(1, 3, "", 0, List.of(new Trace.Paused(5, 4))));
    }

    @Test
    void aRecorderKeepsTheLastEventsAndCountsTheOthers() {
        Trace.Recorder recorder = new Trace.Recorder(2);
        for (int i = 1; i <= 5; i++) {
            recorder.record(new Trace.Applied(i, 1, i));
        }
        Trace trace = recorder.trace(1, 1, "plan");
        assertEquals(List.of(new Trace.Applied(4, 1, 4), new Trace.Applied(5, 1, 5)), trace.events());
        assertEquals(3, trace.dropped());
        assertTrue(trace.lines().get(0).contains("3 earlier events"), trace.toString());
    }

    /** Without this, a picture that begins in the middle could not tell a leader from a node that is down. */
    @Test
    void aRecorderKeepsWhatStillStandsOfTheEventsThatItDrops() {
        Trace.Recorder recorder = new Trace.Recorder(1);
        Trace.Cut halves = new Trace.Cut(6, List.of(new Link(1, 2), new Link(2, 1)));
        List.of(
            new Trace.Started(0, 1, 1), new Trace.Became(1, 1, RoleName.FOLLOWER, 1), new Trace.Started(2, 2, 1),
            new Trace.Became(3, 1, RoleName.LEADER, 2), new Trace.Became(4, 2, RoleName.FOLLOWER, 2), new Trace.Paused(5, 1), halves,
            new Trace.Healed(7, List.of(new Link(2, 1))), new Trace.Crashed(8, 2, ""), new Trace.Paused(9, 3), new Trace.Resumed(10, 3),
            new Trace.Applied(11, 1, 1), new Trace.Applied(12, 1, 2)).forEach(recorder::record);
        assertEquals(List.of(
            new Trace.Started(0, 1, 1), new Trace.Became(3, 1, RoleName.LEADER, 2), new Trace.Paused(5, 1),
            new Trace.Cut(6, List.of(new Link(1, 2))), new Trace.Crashed(8, 2, ""), new Trace.Applied(12, 1, 2)),
            recorder.trace(1, 3, "").events());
    }

    @Test
    void whatIsHealedAltogetherIsCutNoLonger() {
        Trace.Recorder recorder = new Trace.Recorder(1);
        List.of(new Trace.Cut(1, List.of(new Link(1, 2))), new Trace.Healed(2), new Trace.Applied(3, 1, 1)).forEach(recorder::record);
        assertEquals(List.of(new Trace.Applied(3, 1, 1)), recorder.trace(1, 2, "").events());
    }

    @Test
    void aNewProcessIsNeitherPausedNorHasItARole() {
        Trace.Recorder recorder = new Trace.Recorder(1);
        List.of(new Trace.Started(0, 1, 1), new Trace.Became(1, 1, RoleName.LEADER, 1), new Trace.Paused(2, 1),
            new Trace.Crashed(3, 1, ""), new Trace.Started(4, 1, 2), new Trace.Applied(5, 1, 1)).forEach(recorder::record);
        assertEquals(List.of(new Trace.Started(4, 1, 2), new Trace.Applied(5, 1, 1)), recorder.trace(1, 1, "").events());
    }

    // ---- the network over time

    @Test
    void aCutLastsUntilItIsHealedOrItsTimeIsOver() {
        Link there = new Link(1, 2);
        Link back = new Link(2, 1);
        Trace trace = new Trace(1, 2, "", 0, List.of(new Trace.Cut(10, 30, List.of(there)), new Trace.Cut(20, List.of(back)),
            new Trace.Paused(35, 1), new Trace.Healed(40), new Trace.Paused(50, 2)));
        assertEquals(List.of(new TraceNetwork.Span(10, 20, Set.of(there)), new TraceNetwork.Span(20, 30, Set.of(there, back)),
            new TraceNetwork.Span(30, 40, Set.of(back))), TraceNetwork.spans(trace));
    }

    @Test
    void aCutIsToldInFewWords() {
        Set<Link> halves = Set.of(new Link(1, 2), new Link(2, 1), new Link(1, 3), new Link(3, 1));
        assertEquals("1 | 2 3", TraceNetwork.describe(halves, 3));
        assertEquals(Set.of(1), TraceNetwork.estranged(halves, 3));
        Set<Link> deaf = Set.of(new Link(1, 2), new Link(3, 2));
        assertEquals("2 hears nobody", TraceNetwork.describe(deaf, 3));
        assertEquals(Set.of(2), TraceNetwork.estranged(deaf, 3));
        Set<Link> mute = Set.of(new Link(2, 1), new Link(2, 3));
        assertEquals("2 is not heard", TraceNetwork.describe(mute, 3));
        Set<Link> chain = Set.of(new Link(1, 3), new Link(3, 1));
        assertEquals("1\u21943", TraceNetwork.describe(chain, 3));
        assertEquals(Set.of(), TraceNetwork.estranged(chain, 3));
        assertEquals("1\u21923", TraceNetwork.describe(Set.of(new Link(1, 3)), 3));
    }

    @Test
    void aSplitWithoutAMajorityEstrangesEverybody() {
        Set<Link> halves = Set.of(new Link(1, 3), new Link(3, 1), new Link(1, 4), new Link(4, 1), new Link(2, 3), new Link(3, 2),
            new Link(2, 4), new Link(4, 2));
        assertEquals("1 2 | 3 4", TraceNetwork.describe(halves, 4));
        assertEquals(Set.of(1, 2, 3, 4), TraceNetwork.estranged(halves, 4));
    }

    @Test
    void aSplitWithACutOnOneSideIsNotTakenForACleanOne() {
        Set<Link> links = Set.of(new Link(1, 2), new Link(2, 1), new Link(1, 3), new Link(3, 1), new Link(2, 3));
        assertEquals("1\u21942 1\u21943 2\u21923", TraceNetwork.describe(new TreeSet<>(links), 3));
        assertEquals(Set.of(1, 2, 3), TraceNetwork.estranged(links, 3), "3 hears nobody, and nobody hears 2");
    }
}
