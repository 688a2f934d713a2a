package io.quorate.raft.core;

import static io.quorate.raft.core.Cluster.T;
import static io.quorate.raft.core.Cluster.id;
import static io.quorate.raft.core.Cluster.members;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.NodeStatus.RoleName;
import io.quorate.raft.testing.RecordedEffects.Readable;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Reads that ask nobody, as long as nobody else can have been elected (thesis 6.4.1). */
class LeaseTest {

    private static final int DRIFT_PERMILLE = 10;
    private static final RaftConfig LEASED = RaftConfig.DEFAULT.withLeases(DRIFT_PERMILLE);
    private static final long MARGIN = T / Lease.MARGIN_DIVISOR;
    private static final long LENGTH = T * (1000 - DRIFT_PERMILLE) / 1000 - MARGIN;   // if a promise is given for T

    @Test
    void aReadByLeaseAsksNobodyAndSaysUntilWhenItHolds() {
        Cluster c = leaderOfThree();
        long begun = c.now();
        c.pass(T / 3);
        long read = c.readByLease(1);
        assertEquals(List.of(new Readable(read, 1, begun + LENGTH)), c.takeEffects(1, Readable.class));
        assertEquals(List.of(), c.network());
        assertEquals(begun + LENGTH - c.now(), c.node(1).status().office().leaseNanos());
    }

    @Test
    void whenTheLeaseIsOverAQuorumIsAsked() {
        Cluster c = leaderOfThree();
        c.pass(LENGTH);
        long read = c.readByLease(1);
        assertEquals(List.of(), c.takeEffects(1, Readable.class));
        assertEquals(0, c.node(1).status().office().leaseNanos());
        c.settle();
        assertEquals(List.of(new Readable(read, 1, Long.MAX_VALUE)), c.takeEffects(1, Readable.class));
    }

    @Test
    void whoeverDoesNotAskForItIsNotServedByLease() {
        Cluster c = leaderOfThree();
        c.read(1);
        assertEquals(List.of(), c.takeEffects(1, Readable.class));
    }

    @Test
    void leasesAreOffUnlessTheyAreConfigured() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.heartbeat(1);
        c.readByLease(1);
        assertEquals(List.of(), c.takeEffects(1, Readable.class));
        assertEquals(0, c.history(Message.AppendAccepted.class, 2, 1).get(0).holdsNanos());
    }

    /** Also where others have them: configurations may differ while they are being changed. */
    @Test
    void withoutLeasesNoPromiseMakesOne() {
        Cluster c = Cluster.of(3);
        c.elect(1, 2, 3);
        c.settle();
        c.timeout(1);
        long round = c.take(Message.AppendEntries.class, 1, 2).round();
        c.deliver(new Message.AppendAccepted(id(2), id(1), 1, 1, 1, round, T, 1));
        c.readByLease(1);
        assertEquals(List.of(), c.takeEffects(1, Readable.class));
    }

    /** An answer may be long on its way: the promise that it tells of began when its round did, or later, and nobody knows by how much. */
    @Test
    void theLeaseCountsFromTheBeginOfTheRound() {
        Cluster c = leaderOfThree();
        c.timeout(1);
        long begun = c.now();
        c.deliver(Message.AppendEntries.class, 1, 2);
        Message.AppendAccepted echo = c.take(Message.AppendAccepted.class, 2, 1);
        c.dropAll();
        c.pass(T / 2);
        c.deliver(echo);
        long read = c.readByLease(1);
        assertEquals(List.of(new Readable(read, 1, begun + LENGTH)), c.takeEffects(1, Readable.class));
    }

    /** A disk may take long: then the promise that goes with the answer is as old as what was heard. */
    @Test
    void anAnswerThatWaitedForADiskPromisesSoMuchLess() {
        Cluster c = leaderOfThree();
        c.heartbeat(1);
        c.propose(1);
        c.deliver(Message.AppendEntries.class, 1, 2);
        c.pass(T / 4);
        c.write(2);
        Message.AppendAccepted late = c.take(Message.AppendAccepted.class, 2, 1);
        assertEquals(T - T / 4, late.holdsNanos());
        long end = leaseEnd(c, 1);
        c.deliver(late);   // its round was echoed before, with more
        assertEquals(end, leaseEnd(c, 1));
    }

    /** What one voter promised in an earlier round is not added to a later round's begin. */
    @Test
    void aPromiseCountsWithTheRoundThatItWasGivenIn() {
        Cluster c = Cluster.of(LEASED, 5);
        c.elect(1, 2, 3, 4, 5);
        c.settle();
        c.heartbeat(1);
        long begun = c.now();
        c.heartbeat(1, 2);   // a later round, of which only one other has told
        c.dropAll();
        assertEquals(begun + LENGTH, leaseEnd(c, 1));
        c.timeout(1);
        long later = c.now();
        c.deliver(Message.AppendEntries.class, 1, 2);
        c.deliver(Message.AppendAccepted.class, 2, 1);
        Message.AppendEntries append = c.take(Message.AppendEntries.class, 1, 3);
        c.deliver(new Message.AppendAccepted(id(3), id(1), 1, 1, 1, append.round(), T / 2, 1));   // which promises less
        c.dropAll();
        assertEquals(later + T / 2 * (1000 - DRIFT_PERMILLE) / 1000 - MARGIN, leaseEnd(c, 1));
    }

    /** It is confirmed by the others; what this one said was of an earlier time. */
    @Test
    void whoHasNotEchoedTheRoundHoldsNothingFromItsBeginOn() {
        Quorum quorum = new Quorum(Cluster.voters(5));
        Rounds rounds = new Rounds(quorum, id(1), 0);
        long first = rounds.begin(0);
        for (int peer = 2; peer <= 5; peer++) {
            rounds.onEcho(quorum.position(id(peer)), first, T);
        }
        assertEquals(T, rounds.heldNanos());
        long second = rounds.begin(T / 2);
        rounds.onEcho(quorum.position(id(2)), second, T);
        assertEquals(T, rounds.heldNanos());   // of the first, still
        rounds.onEcho(quorum.position(id(3)), second, T / 4);
        assertEquals(T / 2, rounds.confirmedNanos());
        assertEquals(T / 4, rounds.heldNanos());
    }

    @Test
    void aRejectionPromisesNothing() {
        Cluster c = leaderOfThree();
        long end = leaseEnd(c, 1);
        c.timeout(1);
        Message.AppendEntries append = c.take(Message.AppendEntries.class, 1, 2);
        c.deliver(new Message.AppendRejected(id(2), id(1), 1, new EntryId(1, 5), EntryId.ZERO, append.round()));
        assertTrue(leaseEnd(c, 1) <= end);
    }

    @Test
    void learnersDoNotCountForALease() {
        Cluster c = Cluster.of(LEASED, new Membership(1, members(1, 2, 3), List.of(), members(4, 5)), 0, "", "", "", "", "");
        c.elect(1, 2, 3);
        c.settle();
        c.heartbeat(1);
        long end = leaseEnd(c, 1);
        c.heartbeat(1, 4, 5);
        c.dropAll();
        assertEquals(end, leaseEnd(c, 1));
        assertTrue(c.history(Message.AppendAccepted.class, 4, 1).get(0).holdsNanos() > 0);   // though they promise, too
    }

    @Test
    void aJointMembershipNeedsThePromisesOfBothHalves() {
        Quorum quorum = new Quorum(new Membership(1, members(1, 2, 3), members(1, 4, 5), List.of()));
        Rounds rounds = new Rounds(quorum, id(1), 0);
        long round = rounds.begin(0);
        for (int peer : new int[] {2, 3}) {   // all of the one half
            rounds.onEcho(quorum.position(id(peer)), round, T);
        }
        assertEquals(0, rounds.heldNanos());
        rounds.onEcho(quorum.position(id(4)), round, T / 2);
        assertEquals(T / 2, rounds.heldNanos());
        rounds.onEcho(quorum.position(id(5)), round, T);
        assertEquals(T, rounds.heldNanos());
    }

    /** Who stays has promised what it has promised; who is new has promised nothing. */
    @Test
    void aPromiseOutlivesAChangeOfTheMembership() {
        Quorum before = new Quorum(Membership.of(1, members(1, 2, 3)));
        Rounds rounds = new Rounds(before, id(1), 0);
        long round = rounds.begin(0);
        rounds.onEcho(before.position(id(3)), round, T);
        assertEquals(T, rounds.heldNanos());
        rounds.enter(new Quorum(Membership.of(2, members(1, 3, 4))));
        assertEquals(T, rounds.heldNanos());
        rounds.enter(new Quorum(Membership.of(3, members(1, 4, 5))));
        assertEquals(0, rounds.heldNanos());
    }

    /** It may lie behind what earlier leaders have acknowledged. */
    @Test
    void thereIsNoLeaseBeforeAnEntryOfTheOwnTermIsCommitted() {
        Cluster c = leaderOfThree();
        c.propose(1);
        c.settle(1, 2);
        assertEquals(2, c.commit(1));
        c.crash(1);
        c.dropAll();
        c.elect(2, 3);
        c.timeout(2);   // a round that is echoed, while the disk has nothing yet
        for (Message message : c.network()) {
            c.deliver(message);
        }
        c.sent(Message.AppendAccepted.class, 3, 2).forEach(c::deliver);
        assertTrue(c.node(2).toString().contains("confirmed 2"), c::toString);
        c.readByLease(2);
        assertEquals(List.of(), c.takeEffects(2, Readable.class));
        assertEquals(0, c.node(2).status().office().leaseNanos());
    }

    // ---- what ends it

    /** Its clock may not have counted all of it. */
    @Test
    void aPauseVoidsTheLease() {
        Cluster c = leaderOfThree();
        c.timeout(1);
        c.deliver(Message.AppendEntries.class, 1, 2);
        Message.AppendAccepted echo = c.take(Message.AppendAccepted.class, 2, 1);
        c.dropAll();
        c.pass(T / 10 + T / 2 + 1);   // so much later than it wanted to be woken
        c.deliver(echo);
        c.readByLease(1);
        assertEquals(List.of(), c.takeEffects(1, Readable.class));
        c.settle();
        assertEquals(1, c.takeEffects(1, Readable.class).size());   // a round that began after it
        c.heartbeat(1);
        c.readByLease(1);
        assertEquals(1, c.takeEffects(1, Readable.class).size());
    }

    /** The one who was told campaigns whatever was promised to this leader. */
    @Test
    void onceTheTargetOfATransferWasToldThereIsNoLeaseForTheRestOfTheTerm() {
        Cluster c = leaderOfThree();
        c.transfer(1, 2);
        c.take(Message.TimeoutNow.class, 1, 2);
        c.readByLease(1);
        assertEquals(List.of(), c.takeEffects(1, Readable.class));
        c.settle(1, 3);
        assertEquals(1, c.takeEffects(1, Readable.class).size());   // a quorum was asked
        c.heartbeat(1, 3);
        c.readByLease(1);
        assertEquals(List.of(), c.takeEffects(1, Readable.class));
    }

    /** Nobody may campaign yet. */
    @Test
    void aTransferThatIsGivenUpBeforeThatCostsNoLease() {
        Cluster c = leaderOfThree();
        c.propose(1);
        c.settle(1, 3);
        c.dropAll();
        c.transfer(1, 2);
        for (int i = 0; i < 12; i++) {
            c.heartbeat(1, 3);
            c.dropAll();
        }
        c.readByLease(1);
        assertEquals(1, c.takeEffects(1, Readable.class).size());
    }

    /** The execution that rule is there for: the target commits while the old leader, cut off, could still believe in its lease. */
    @Test
    void aLeaderThatHasHandedOverReadsNothingOldByItsLease() {
        Cluster c = leaderOfThree();
        c.transfer(1, 2);
        c.deliver(Message.TimeoutNow.class, 1, 2);
        c.settle(2, 3);
        assertEquals(RoleName.LEADER, c.role(2));
        c.propose(2);
        c.settle(2, 3);
        assertEquals(3, c.commit(2));
        c.readByLease(1);
        assertEquals(RoleName.LEADER, c.role(1));
        assertEquals(List.of(), c.takeEffects(1, Readable.class));
    }

    /**
     * Who is left alone keeps no promise over a restart, because there is nobody to whom it could have given one: so the leader that has
     * removed itself, and leads on for a moment, may not rely on it.
     */
    @Test
    void aLeaderThatHasRemovedItselfHasNoLeaseOnWhoIsAloneNow() {
        Cluster c = Cluster.of(LEASED, 2);
        c.elect(1, 2);
        c.settle();
        c.change(1, Cluster.goal(2));
        c.settleUntil(() -> c.node(1).membership().version() == 4);
        c.settle();
        c.propose(1);   // that the membership is committed becomes durable with the next entry
        c.settle();
        assertEquals(RoleName.LEADER, c.role(1));
        c.restart(2);
        c.tick(2);
        c.settle(2);
        assertEquals(RoleName.LEADER, c.role(2));
        c.propose(2);
        c.settle(2);
        assertTrue(c.commit(2) > c.commit(1));
        c.readByLease(1);
        assertEquals(List.of(), c.takeEffects(1, Readable.class));
    }

    // ---- what the others keep

    /** It has forgotten whom it promised what; so it makes the same promise to everybody. */
    @Test
    void aVoterThatStartsAgainKeepsThePromiseThatItHasForgotten() {
        Cluster c = leaderOfThree();
        long end = leaseEnd(c, 1);
        c.restart(2, 3);
        while (c.now() < end - 1) {
            c.pass(Math.min(T / 10, end - 1 - c.now()));
            c.tick(1);
            c.dropAll();
        }
        c.deliver(new Message.RequestVote(id(3), id(2), 2, new EntryId(1, 1), 0));
        assertEquals(Message.Denial.HEARS_LEADER, c.take(Message.Vote.class, 2, 3).denial());
        c.readByLease(1);
        assertEquals(1, c.takeEffects(1, Readable.class).size());
    }

    /** Not even if the connection to the leader broke: it may have broken for another reason than its death. */
    @Test
    void whoHasLostTheLeaderKeepsItsPromise() {
        Cluster c = leaderOfThree();
        c.step(2, new Event.PeerLost(id(1)), 0);
        c.deliver(new Message.RequestVote(id(3), id(2), 2, new EntryId(1, 1), 0));
        assertEquals(Message.Denial.HEARS_LEADER, c.take(Message.Vote.class, 2, 3).denial());
        assertEquals(c.now() + T, c.node(2).deadline());   // then it need not wait any longer
        assertEquals(RoleName.LEADER, c.role(1));
    }

    @Test
    void whoIsAloneNeedsNobodysPromise() {
        Cluster c = Cluster.of(LEASED, 1);
        c.timeout(1);
        c.writeAll(1);
        long read = c.readByLease(1);
        assertEquals(List.of(new Readable(read, 1, Long.MAX_VALUE)), c.takeEffects(1, Readable.class));
    }

    // ---- clocks

    /**
     * The leader is cut off; the others' promises end, they elect one of themselves and commit. The leader's clock is slower than theirs by
     * just what is allowed for: at every moment until then it either reads what is true or asks.
     */
    @Test
    void clocksWithinTheBoundLetNoLeaseOutliveThePromises() {
        assertTrue(staleReads(1000 - DRIFT_PERMILLE) == 0);
    }

    /** That test has teeth: a clock that is slower than allowed for makes a lease read old. Whoever states a bound must mean it. */
    @Test
    void aClockBeyondTheBoundMakesALeaseReadStale() {
        assertTrue(staleReads(1000 - 5 * DRIFT_PERMILLE) > 0);
    }

    /** How many of the cut-off leader's reads miss what its successor has committed. */
    private static int staleReads(long leadersClockPermille) {
        Cluster c = leaderOfThree();
        c.clockRuns(1, leadersClockPermille);
        c.heartbeat(1);
        c.dropAll();
        long silentSince = c.now();
        for (int i = 0; i < 2000 && c.role(2) == RoleName.FOLLOWER; i++) {
            c.pass(T / 1000);
            c.tick(1);
            c.tick(2);   // campaigns as early as it may
            c.network().stream().filter(message -> message.from().equals(id(1))).forEach(c::lose);
        }
        assertEquals(silentSince + T, c.now());
        c.settle(2, 3);
        assertEquals(RoleName.LEADER, c.role(2));
        int stale = 0;
        c.propose(2);
        c.settle(2, 3);
        for (int i = 0; i < 100; i++) {
            c.readByLease(1);
            for (Readable readable : c.takeEffects(1, Readable.class)) {
                boolean isStillTaken = readable.validUntilNanos() - c.clock(1) > 0;
                stale += isStillTaken && readable.index() < c.commit(2) ? 1 : 0;
            }
            c.pass(T / 1000);
            c.tick(1);
            c.dropAll();
        }
        return stale;
    }

    @Test
    void theBoundOnClocksIsCheckedWhenItIsStated() {
        assertEquals(0, RaftConfig.DEFAULT.leaseDriftPermille());
        assertFalse(RaftConfig.DEFAULT.hasLeases());
        assertTrue(LEASED.hasLeases());
        assertEquals(DRIFT_PERMILLE, LEASED.withElectionTimeout(java.time.Duration.ofMillis(150)).leaseDriftPermille());
        for (int permille : new int[] {-1, RaftConfig.LEASE_DRIFT_PERMILLE_MAX + 1}) {
            String message = assertThrows(IllegalArgumentException.class, () -> RaftConfig.DEFAULT.withLeases(permille)).getMessage();
            assertEquals("leaseDriftPermille is between 0 and 100, not " + permille, message);
        }
    }

    private static long leaseEnd(Cluster c, int n) {
        c.tick(n);
        return c.clock(n) + c.node(n).status().office().leaseNanos();
    }

    private static Cluster leaderOfThree() {
        Cluster c = Cluster.of(LEASED, 3);
        c.elect(1, 2, 3);
        c.settle();
        c.heartbeat(1);
        return c;
    }
}
