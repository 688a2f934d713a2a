package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.id;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** A disk that no longer has what it acknowledged, as after damage to its very last write: the one hole of docs/storage-format.md. */
class LostEntriesTest {

    @Test
    void aPeerThatHasLostWhatItAcknowledgedIsFoundOutAndGivenItAgain() {
        Cluster c = committed();
        assertFalse(peer(c).hasLostEntries());
        loseTheLastEntryOf3(c);
        c.heartbeat(1, 2, 3);
        c.settle();
        c.heartbeat(1, 2, 3);
        c.settle();
        assertEquals("1 1", c.log(3));
        assertEquals("1 1", c.disk(3));
        assertEquals(2, peer(c).matchIndex());
        assertTrue(peer(c).hasLostEntries(), "healed, but not forgotten");
    }

    @Test
    void whatWasSaidBeforeTheLossIsNotBelieved() {
        Cluster c = committed();
        Message.AppendAccepted before = last(c.history(Message.AppendAccepted.class, 3, 1));
        assertEquals(2, before.matchIndex());
        loseTheLastEntryOf3(c);
        c.tick(1);
        c.pass(RaftConfig.DEFAULT.heartbeatNanos());
        c.tick(1);
        Message.AppendEntries heartbeat = last(c.sent(Message.AppendEntries.class, 1, 3));
        c.dropAll();
        c.deliver(heartbeat);
        c.deliver(Message.AppendRejected.class, 3, 1);
        assertEquals(0, peer(c).matchIndex());
        c.deliver(before);
        assertEquals(0, peer(c).matchIndex());
    }

    /** One heartbeat, delivered twice: accepted before the loss, rejected after it, and the acceptance comes last. */
    @Test
    void whatWasSaidInTheVeryRoundOfTheLossIsNotBelieved() {
        Cluster c = committed();
        c.pass(RaftConfig.DEFAULT.heartbeatNanos());
        c.tick(1);
        Message.AppendEntries heartbeat = last(c.sent(Message.AppendEntries.class, 1, 3));
        c.dropAll();
        c.deliver(heartbeat);
        Message.AppendAccepted before = c.take(Message.AppendAccepted.class, 3, 1);
        assertEquals(2, before.matchIndex());
        assertEquals(heartbeat.round(), before.round());
        loseTheLastEntryOf3(c);
        c.deliver(heartbeat);
        c.deliver(Message.AppendRejected.class, 3, 1);
        c.deliver(before);
        assertEquals(0, peer(c).matchIndex());
    }

    /** Its round counts that term's rounds, and may be far ahead of this one's. */
    @Test
    void theAnswerToALateAppendOfTheLeadersEarlierTermIsNoLoss() {
        Cluster c = committed();
        for (int i = 0; i < 5; i++) {
            c.heartbeat(1, 2, 3);
        }
        Message.AppendEntries late = last(c.history(Message.AppendEntries.class, 1, 3));
        c.leadAgain(1, 2, 3);
        assertEquals(3, peer(c).matchIndex());
        c.deliver(late);
        c.deliver(Message.AppendRejected.class, 3, 1);
        assertFalse(peer(c).hasLostEntries());
        assertEquals(3, peer(c).matchIndex());
    }

    @Test
    void aRejectionFromBeforeTheMatchIsNoLoss() {
        Cluster c = committed();
        long round = last(c.history(Message.AppendEntries.class, 1, 3)).round();
        c.deliver(new Message.AppendRejected(id(3), id(1), 1, new EntryId(1, 2), EntryId.ZERO, round));
        assertFalse(peer(c).hasLostEntries());
        assertEquals(2, peer(c).matchIndex());
    }

    /** Leader 1 of term 1 with entries 1 and 2, committed and durable on all three. */
    private static Cluster committed() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.propose(1);
        c.settle();
        c.dropAll();
        assertEquals("1 1", c.disk(3));
        assertEquals(2, peer(c).matchIndex());
        return c;
    }

    private static void loseTheLastEntryOf3(Cluster c) {
        HardState kept = c.hardState(3);
        c.crash(3);
        c.restartWith(3, new HardState(kept.term(), kept.votedFor(), 1), "1");
    }

    private static NodeStatus.Peer peer(Cluster c) {
        return c.node(1).status().peers().get(1);   // of 1 and 2, the others of node 1, the second: node 3
    }

    private static <M> M last(List<M> messages) {
        return messages.get(messages.size() - 1);
    }
}
