package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.id;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.core.Refusal.Reason;
import io.quorate.raft.testing.RecordedEffects.Readable;
import io.quorate.raft.testing.RecordedEffects.Refuse;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Linearizable reads without the log (section 8 of the paper, thesis 6.4). */
class ReadTest {

    @Test
    void aReadIsAnsweredWithTheCommitIndexOnceAQuorumHasEchoedItsRound() {
        Cluster c = leaderOfThree();
        long read = c.read(1);
        assertEquals(List.of(), c.takeEffects(1, Readable.class));
        c.settle(1, 2);
        assertEquals(List.of(new Readable(read, 1, Long.MAX_VALUE)), c.takeEffects(1, Readable.class));
    }

    /** Before that, the commit index of a new leader may lie behind what earlier leaders have acknowledged. */
    @Test
    void noReadIsAnsweredBeforeAnEntryOfTheOwnTermIsCommitted() {
        Cluster c = leaderOfThree();
        c.propose(1);
        c.writeAll(1);
        for (int peer = 2; peer <= 3; peer++) {
            c.deliver(Message.AppendEntries.class, 1, peer);
            c.writeAll(peer);
        }
        c.settle(1);
        c.deliver(Message.AppendAccepted.class, 2, 1);
        assertEquals(2, c.commit(1));   // acknowledged; nobody else knows
        c.crash(1);
        c.dropAll();
        c.elect(2, 3);
        assertEquals(1, c.commit(2));
        long read = c.read(2);
        // Every round is echoed, but the entry of the own term reaches no second disk.
        for (int i = 0; i < 30; i++) {
            List<Message> messages = c.network();
            c.dropAll();
            messages.stream().filter(m -> m.from().equals(id(2))).forEach(c::deliver);
            messages.stream().filter(m -> m.from().equals(id(3))).forEach(c::deliver);
            c.timeout(2);
        }
        assertEquals(RoleName.LEADER, c.role(2));
        assertTrue(c.node(2).toString().contains("confirmed"), c::toString);
        assertEquals(List.of(), c.takeEffects(2, Readable.class));
        c.settle(2, 3);
        assertEquals(List.of(new Readable(read, 3, Long.MAX_VALUE)), c.takeEffects(2, Readable.class));
    }

    /** An echo of what was said before the read arrived proves nothing of the time after it. */
    @Test
    void aReadIsNotConfirmedByTheEchoOfAnEarlierRound() {
        Cluster c = leaderOfThree();
        c.timeout(1);
        c.deliver(Message.AppendEntries.class, 1, 2);
        Message.AppendAccepted echo = c.take(Message.AppendAccepted.class, 2, 1);
        c.read(1);
        c.deliver(echo);
        assertEquals(List.of(), c.takeEffects(1, Readable.class));
        c.settle(1, 2);
        assertEquals(1, c.takeEffects(1, Readable.class).size());
    }

    /** The execution that rule is there for: the old leader's last echo is late, and the new leader has acknowledged meanwhile. */
    @Test
    void aDeposedLeaderAnswersNoReadThatArrivesAfterItsSuccessorHasCommitted() {
        Cluster c = leaderOfThree();
        c.timeout(1);
        c.deliver(Message.AppendEntries.class, 1, 2);
        c.deliver(Message.AppendEntries.class, 1, 3);
        List<Message> echoes = c.network();
        c.dropAll();
        c.elect(2, 3);
        c.propose(2);
        c.settle(2, 3);
        assertEquals(3, c.commit(2));
        c.read(1);
        echoes.forEach(c::deliver);
        c.tick(1);
        assertEquals(List.of(), c.takeEffects(1, Readable.class));
        c.settle();
        assertEquals(List.of(), c.takeEffects(1, Readable.class));
        assertEquals(1, c.takeEffects(1, Refuse.class).size());
    }

    /** A read sees what was committed when its round began: no more is promised, and no less. */
    @Test
    void whatIsCommittedWhenTheRoundBeginsIsWhatTheReadMustSee() {
        Cluster c = leaderOfThree();
        c.propose(1);
        c.settle();
        long read = c.read(1);
        c.propose(1);
        c.settle();
        assertEquals(List.of(new Readable(read, 2, Long.MAX_VALUE)), c.takeEffects(1, Readable.class));
    }

    /** The commit may go on while the round is under way: the read does not wait for that to be applied. */
    @Test
    void whatIsCommittedBehindTheBeginOfTheRoundIsNotWaitedFor() {
        Cluster c = leaderOfThree();
        long read = c.read(1);
        c.take(Message.AppendEntries.class, 1, 2);      // what carries the round is lost, but the next append carries it too
        c.propose(1);
        c.writeAll(1);
        c.deliver(Message.AppendEntries.class, 1, 2);
        c.take(Message.AppendAccepted.class, 2, 1);     // lost as well
        c.writeAll(2);
        c.deliver(Message.AppendAccepted.class, 2, 1);  // confirms and commits at once
        assertEquals(2, c.commit(1));
        assertEquals(List.of(new Readable(read, 1, Long.MAX_VALUE)), c.takeEffects(1, Readable.class));
    }

    /** The round on its way began before this read arrived, so its echo does not answer it. */
    @Test
    void aReadThatArrivesWhileARoundIsUnderWayIsNotAnsweredByIt() {
        Cluster c = leaderOfThree();
        long first = c.read(1);
        c.deliver(Message.AppendEntries.class, 1, 2);
        long second = c.read(1);
        c.deliver(Message.AppendAccepted.class, 2, 1);
        assertEquals(List.of(new Readable(first, 1, Long.MAX_VALUE)), c.takeEffects(1, Readable.class));
        c.settle(1, 2);   // it has its own round by now, and waits for no heartbeat
        assertEquals(List.of(new Readable(second, 1, Long.MAX_VALUE)), c.takeEffects(1, Readable.class));
    }

    @Test
    void allWaitingReadsShareARoundAndThoseBehindThemOneMore() {
        Cluster c = leaderOfThree();
        c.batch(1, new Event.Read(101), new Event.Read(102));
        c.read(1);
        c.read(1);
        int before = c.history(Message.AppendEntries.class, 1, 2).size();
        c.settle();
        assertEquals(4, c.takeEffects(1, Readable.class).size());
        assertEquals(before + 1, c.history(Message.AppendEntries.class, 1, 2).size());
    }

    /** What carries the round may be lost: the next heartbeat's round is later, and serves as well. */
    @Test
    void aLostRoundIsMadeUpForByTheNextHeartbeat() {
        Cluster c = leaderOfThree();
        c.read(1);
        c.dropAll();
        c.heartbeat(1);
        assertEquals(1, c.takeEffects(1, Readable.class).size());
    }

    /** Also who rejects an append has followed this leader since the round began. */
    @Test
    void aRejectionEchoesItsRoundToo() {
        Cluster c = Cluster.of("1 1", "", "1 1");
        c.elect(1, 3);
        c.settle(1, 3);
        c.dropAll();
        c.deliver(new Message.AppendRejected(id(2), id(1), 2, new EntryId(1, 2), EntryId.ZERO, 1));
        long read = c.read(1);
        c.dropAll();
        c.deliver(new Message.AppendRejected(id(2), id(1), 2, new EntryId(1, 2), EntryId.ZERO, 2));
        assertEquals(List.of(new Readable(read, 3, Long.MAX_VALUE)), c.takeEffects(1, Readable.class));
    }

    /** What echoes a round that was never begun is not believed, or it would confirm those to come. */
    @Test
    void theEchoOfARoundThatWasNeverBegunCountsForNothing() {
        Cluster c = leaderOfThree();
        c.deliver(new Message.AppendAccepted(id(2), id(1), 1, 1, 1, 99, 0, 0));
        c.read(1);
        assertEquals(List.of(), c.takeEffects(1, Readable.class));
    }

    /** Echoes may come out of order: a late one takes nothing back. */
    @Test
    void aLateEchoTakesNothingBack() {
        Cluster c = Cluster.of(5);
        c.elect(1, 2, 3, 4, 5);
        c.settle();
        c.timeout(1);
        c.deliver(Message.AppendEntries.class, 1, 2);
        Message.AppendAccepted late = c.take(Message.AppendAccepted.class, 2, 1);
        c.read(1);
        c.deliver(Message.AppendEntries.class, 1, 2);
        c.deliver(Message.AppendAccepted.class, 2, 1);
        c.deliver(late);
        assertEquals(List.of(), c.takeEffects(1, Readable.class));
        c.settle(1, 3);
        assertEquals(1, c.takeEffects(1, Readable.class).size());
    }

    @Test
    void aSingleVoterAnswersAtOnce() {
        Cluster c = Cluster.of(1);
        c.timeout(1);
        c.writeAll(1);
        long read = c.read(1);
        assertEquals(List.of(new Readable(read, 1, Long.MAX_VALUE)), c.takeEffects(1, Readable.class));
    }

    /** A round that was echoed in an earlier term of the same leader is not echoed in this one. */
    @Test
    void anEchoOfAnEarlierTermCountsForNothing() {
        Cluster c = leaderOfThree();
        c.timeout(1);
        c.deliver(Message.AppendEntries.class, 1, 2);
        Message.AppendAccepted late = c.take(Message.AppendAccepted.class, 2, 1);
        c.dropAll();
        while (c.role(1) == RoleName.LEADER) {
            c.timeout(1);
            c.dropAll();
        }
        c.elect(1, 3);
        c.settle(1, 3);
        assertEquals(2, c.term(1));
        c.read(1);
        c.deliver(late);
        assertEquals(List.of(), c.takeEffects(1, Readable.class));
    }

    /** Its round counts another term's rounds: here the answer is older than the read, and its round is not. */
    @Test
    void theAnswerToALateAppendOfTheLeadersEarlierTermConfirmsNoRound() {
        Cluster c = leaderOfThree();
        for (int i = 0; i < 8; i++) {
            c.heartbeat(1, 2, 3);
        }
        List<Message.AppendEntries> appends = c.history(Message.AppendEntries.class, 1, 2);
        Message.AppendEntries late = appends.get(appends.size() - 1);
        c.leadAgain(1, 2, 3);
        c.deliver(late);
        Message.AppendRejected answer = c.take(Message.AppendRejected.class, 2, 1);
        c.read(1);
        long round = 0;
        while (round < late.round()) {   // nobody hears it any more
            c.timeout(1);
            List<Message.AppendEntries> sent = c.sent(Message.AppendEntries.class, 1, 2);
            round = sent.get(sent.size() - 1).round();
            c.dropAll();
        }
        assertEquals(RoleName.LEADER, c.role(1));
        c.deliver(answer);
        assertEquals(List.of(), c.takeEffects(1, Readable.class));
    }

    @Test
    void whenLeadershipEndsTheReadsThatWaitAreRefused() {
        Cluster c = leaderOfThree();
        long first = c.read(1);
        long second = c.read(1);
        c.deliver(new Message.AppendRejected(id(2), id(1), 9, EntryId.ZERO, EntryId.ZERO, 0));
        Refusal why = new Refusal(Reason.NOT_LEADER, null);
        assertEquals(List.of(new Refuse(first, why), new Refuse(second, why)), c.takeEffects(1, Refuse.class));
    }

    /** Confirmed and deposed in one batch: deposed wins. */
    @Test
    void anEchoAndAHigherTermInOneBatchRefuseTheRead() {
        Cluster c = leaderOfThree();
        c.read(1);
        c.deliver(Message.AppendEntries.class, 1, 2);
        c.batch(1, c.take(Message.AppendAccepted.class, 2, 1),
            new Message.AppendRejected(id(3), id(1), 9, EntryId.ZERO, EntryId.ZERO, 0));
        assertEquals(List.of(), c.takeEffects(1, Readable.class));
        assertEquals(1, c.takeEffects(1, Refuse.class).size());
    }

    @Test
    void readsBeyondTheBoundAreRefusedAsOverload() {
        Cluster c = leaderOfThree();
        List<Event> reads = new ArrayList<>();
        for (int i = 0; i <= ReadQueue.WAITING_MAX; i++) {
            reads.add(new Event.Read(1000 + i));
        }
        c.batch(1, reads.toArray(Event[]::new));
        assertEquals(List.of(new Refuse(1000 + ReadQueue.WAITING_MAX, new Refusal(Reason.OVERLOADED, null))),
            c.takeEffects(1, Refuse.class));
        c.settle();
        assertEquals(ReadQueue.WAITING_MAX, c.takeEffects(1, Readable.class).size());
    }

    private static Cluster leaderOfThree() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        return c;
    }
}
