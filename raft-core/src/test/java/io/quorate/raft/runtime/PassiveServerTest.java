package io.quorate.raft.runtime;

import static io.quorate.raft.runtime.Recorder.bytes;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.CommandTooLargeException;
import io.quorate.raft.Explanation;
import io.quorate.raft.Finding;
import io.quorate.raft.ForwardingStorage;
import io.quorate.raft.FoundingMessage;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Freshness;
import io.quorate.raft.MembershipTarget;
import io.quorate.raft.Metrics;
import io.quorate.raft.NotLeaderException;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.OverloadedException;
import io.quorate.raft.RaftObserver;
import io.quorate.raft.RepairMessage;
import io.quorate.raft.RequestFailedException;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.ServerStoppedException;
import io.quorate.raft.SnapshotMessage;
import io.quorate.raft.SnapshotPolicy;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.Transport;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.MembershipCodec;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.testing.InMemoryDisk;
import io.quorate.raft.testing.InMemoryStorage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** One server, turned step by step from one thread in virtual time, its peers played by the test. */
class PassiveServerTest {

    private static final long T = RaftConfig.DEFAULT.electionTimeoutNanos();
    private static final Map<Integer, String> ALONE = Map.of(1, "a");
    private static final Map<Integer, String> TWO = Map.of(1, "a", 2, "b");
    private static final ReplicaId PEER = new ReplicaId(2, 22);

    /** Keeps what was sent. */
    private static final class Wire implements Transport {
        final List<Message> sent = new ArrayList<>();
        final List<FoundingMessage> founding = new ArrayList<>();
        final List<String> log = new ArrayList<>();
        final List<Map<Integer, String>> peers = new ArrayList<>();
        boolean isBroken;

        @Override
        public void start(Local local, Map<Integer, String> peers, Receiver receiver) { }

        @Override
        public void founded(Local local) {
            log.add("founded " + (local.identity().founding() != null));
        }

        @Override
        public void peers(Map<Integer, String> peers) {
            this.peers.add(Map.copyOf(peers));
        }

        @Override
        public void send(Message message) {
            sent.add(message);
        }

        @Override
        public void send(FoundingMessage message) {
            founding.add(message);
            if (message.founding() != null) {
                log.add("told");
            }
        }

        @Override
        public void send(SnapshotMessage message) { }

        @Override
        public void send(RepairMessage message) { }

        @Override
        public String advertisedAddress() {
            return "a";
        }

        @Override
        public @Nullable String trouble(int nodeId) {
            if (isBroken) {
                throw new IllegalStateException("the transport broke");
            }
            return null;
        }

        @Override
        public void close() { }
    }

    private final InMemoryDisk disk = new InMemoryDisk(1, 11);
    private final Wire wire = new Wire();
    private final Recorder.Journal journal = new Recorder.Journal();
    private final List<String> observed = new ArrayList<>();
    private final List<Long> memberships = new ArrayList<>();
    private long now = Long.MAX_VALUE - T;       // the clock wraps around in most tests
    private InMemoryStorage storage = disk.open();
    private PassiveServer server = server(ALONE, PassiveServer.CALL_BYTES_MAX);

    @Test
    void oneThreadCanTurnItAll() {
        Recorder caller = lead();
        propose("a", caller);
        settle();
        assertEquals("did a at 2", caller.outcome());
        Recorder reader = new Recorder();
        assertNull(server.read(bytes("all"), T, reader));
        settle();
        assertEquals("2:a at 2", reader.outcome());
        assertEquals(0, server.callBytes());
        assertEquals(List.of("founded", "LEADER 1 1"), distinct(observed));
    }

    @Test
    void aReadAlsoWaitsForTheIndexItsCallerHasSeen() {
        lead();
        Recorder reader = new Recorder();
        assertNull(server.read(bytes("all"), Freshness.linearizable().notBefore(2), T, reader));
        settle();
        assertEquals("open", reader.outcome());
        propose("a", new Recorder());
        settle();
        assertEquals("2:a at 2", reader.outcome());
    }

    @Test
    void whatNoGroupMayBecomeIsTurnedAwayAtOnce() {
        lead();
        Member first = new Member(new ReplicaId(1, 11), "a");
        List<Member> crowd = new ArrayList<>();
        for (int nodeId = 1; nodeId <= 65; nodeId++) {
            crowd.add(new Member(new ReplicaId(nodeId, 7), "x"));
        }
        for (Membership.Goal goal : List.of(new Membership.Goal(crowd, List.of()), new Membership.Goal(List.of(first),
            crowd.subList(1, 65)), new Membership.Goal(List.of(new Member(first.id(), "")), List.of()),
            new Membership.Goal(List.of(new Member(first.id(), "x".repeat(301))), List.of()))) {
            assertInstanceOf(RequestFailedException.class, server.changeMembership(1, goal, T, new Recorder()));
        }
        assertEquals(0, server.callBytes());
    }

    @Test
    void nothingIsAppliedBeforeItIsDurable() {
        Recorder caller = lead();
        propose("a", caller);
        server.loop().turn(now);
        server.applier().turn(now);
        assertEquals("open", caller.outcome());
        List<Storage.Write> batch = server.writer().take();
        server.loop().turn(now);
        server.applier().turn(now);
        assertEquals("open", caller.outcome());
        server.writer().write(batch);
        server.loop().turn(now);
        server.applier().turn(now);
        assertEquals("did a at 2", caller.outcome());
    }

    /** A leader's message that came after the clock was read would be promised less time than the leader's lease counts on. */
    @Test
    void whatComesAfterTheClockWasReadIsOfTheNextBatch() {
        lead();
        Recorder caller = new Recorder();
        server.loop().turn(() -> {
            propose("a", caller);
            return now;
        });
        assertEquals(List.of(), server.writer().take());
        assertTrue(server.mailbox().hasMail());
        settle();
        assertEquals("did a at 2", caller.outcome());
    }

    @Test
    void allThatCameWhileABatchWasWrittenIsTheNextBatch() {
        lead();
        Recorder first = new Recorder();
        propose("a", first);
        server.loop().turn(now);
        List<Storage.Write> writing = server.writer().take();
        List<Recorder> others = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            Recorder other = new Recorder();
            propose("b" + i, other);
            server.loop().turn(now);
            others.add(other);
        }
        long before = disk.writes();
        server.writer().write(writing);
        server.writer().write(server.writer().take());
        assertEquals(before + 2, disk.writes());
        settle();
        assertEquals("did a at 2", first.outcome());
        assertEquals("did b9 at 12", others.get(9).outcome());
    }

    @Test
    void aTurnTakesABoundedPartOfALongQueue() {
        lead();
        byte[] half = new byte[(int) EventLoop.TURN_BYTES / 2];
        for (int i = 0; i < 6; i++) {
            assertNull(server.propose(half, T, new Recorder()));
        }
        server.loop().turn(now);
        assertEquals(2, server.writer().take().get(0).entries().size());
        assertEquals(0, server.loop().nanosUntilDeadline(now), "there is more to do at once");
    }

    @Test
    void aBlankServerTurnsCallersAwayAndDropsItsPeersMessages() {
        server = server(TWO, PassiveServer.CALL_BYTES_MAX);
        Recorder caller = new Recorder();
        propose("a", caller);
        server.mailbox().post(new Message.Vote(PEER, disk.replica(), 1, null));
        settle();
        assertEquals("NotLeaderException", caller.outcome());
        assertTrue(caller.failure().getMessage().contains("blank"), caller.failure().getMessage());
        assertEquals(List.of(), wire.sent);
        assertInstanceOf(NotLeaderException.class, server.read(bytes("q"), Freshness.local().notBefore(0), T, new Recorder()));
        assertTrue(server.loop().isBlank());
        assertFalse(server.maintain());
    }

    @Test
    void aBlankServerThatNeverAskedAnsweredOrMovedIsStillCheap() {
        server = server(TWO, PassiveServer.CALL_BYTES_MAX);
        server.loop().turn(now);
        assertEquals(1, wire.founding.size());
        long pause = server.loop().nanosUntilDeadline(now);
        assertTrue(pause >= Founding.ASK_NANOS, "" + pause);
    }

    @Test
    void theRecordIsDurableBeforeTheTransportAndThePeersHearOfIt() {
        server = server(TWO, PassiveServer.CALL_BYTES_MAX);
        server.loop().turn(now);
        FoundingMessage answer = new FoundingMessage(2, 22, 1, 11, Founding.digest(TWO), null, false);
        disk.failWrites("EIO");
        server.mailbox().post(answer);
        assertThrows(StorageException.class, () -> server.loop().turn(now));
        assertEquals(List.of(), wire.log);

        storage = disk.open();
        server = server(TWO, PassiveServer.CALL_BYTES_MAX);
        server.mailbox().post(answer);
        server.loop().turn(now);
        assertEquals(List.of("founded true", "told"), wire.log);
        assertNotNull(disk.founding());
        assertEquals(List.of("founded", "FOLLOWER 0 null"), distinct(observed));
    }

    @Test
    void aFollowersCallersAreToldWhoLeadsInTheVeryTurnInWhichItLearnsIt() {
        ReplicaId self = foundTwo();
        now += 2 * T;
        server.loop().turn(now);
        server.mailbox().post(new Message.AppendEntries(PEER, self, 7, EntryId.ZERO, List.of(), 0, 0, 1));
        Recorder caller = new Recorder();
        propose("a", caller);
        server.loop().turn(now);
        server.applier().turn(now);
        NotLeaderException why = assertInstanceOf(NotLeaderException.class, caller.failure());
        assertEquals(2, why.leaderNodeId());
        assertEquals("b", why.leaderAddress());
    }

    @Test
    void aRequestThatWaitedTooLongForTheRaftThreadDoesNotHappen() {
        lead();
        Recorder caller = new Recorder();
        assertNull(server.propose(bytes("a"), 100, caller));
        now += 100;
        settle();
        assertEquals("OverloadedException", caller.outcome());
        assertEquals(List.of(), journal.commands);
    }

    @Test
    void aReadThatNoQuorumConfirmsFailsInTime() {
        leadTwo();
        Recorder reader = new Recorder();
        assertNull(server.read(bytes("q"), T / 4, reader));
        server.loop().turn(now);
        server.applier().turn(now);
        assertEquals("open", reader.outcome());
        assertTrue(server.loop().nanosUntilDeadline(now) <= T / 4);
        now += T / 4;
        server.loop().turn(now);
        server.applier().turn(now);
        assertEquals("NotLeaderException", reader.outcome());
        assertEquals(0, server.callBytes());
    }

    @Test
    void callsAreBoundedInBytesAndCountedWhenTheyAreRefused() {
        server = server(ALONE, 1000);
        lead();
        List<RuntimeException> refused = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            RuntimeException why = server.propose(new byte[100], T, new Recorder());
            if (why != null) {
                refused.add(why);
            }
        }
        assertEquals(8, refused.size());
        assertInstanceOf(OverloadedException.class, refused.get(0));
        assertInstanceOf(OverloadedException.class, server.read(new byte[900], Freshness.local().notBefore(0), T, new Recorder()));
        assertEquals(9, server.mailbox().refusedCalls());
        settle();
        assertEquals(0, server.callBytes());
        assertNull(server.propose(new byte[100], T, new Recorder()));
    }

    @Test
    void aCommandThatIsTooLargeIsRefusedAtOnce() {
        assertInstanceOf(CommandTooLargeException.class, server.propose(new byte[Entry.PAYLOAD_BYTES_MAX + 1], T, new Recorder()));
        assertEquals(0, server.callBytes());
    }

    @Test
    void aLocalReadWaitsForTheIndexItNames() {
        lead();
        Recorder reader = new Recorder();
        assertNull(server.read(bytes("all"), Freshness.local().notBefore(2), T, reader));
        settle();
        assertEquals("open", reader.outcome());
        propose("a", new Recorder());
        settle();
        assertEquals("2:a at 2", reader.outcome());
    }

    @Test
    void aFailureInTheMiddleOfATurnLeavesTheProposalsOfThatTurnUnknown() {
        lead();
        Recorder stepped = new Recorder();
        propose("a", stepped);
        server.mailbox().fill();
        Mail mail = server.mailbox().poll();
        mail.deliver(server.loop());          // and then the turn breaks off
        Recorder waiting = new Recorder();
        propose("b", waiting);
        Recorder reading = new Recorder();
        assertNull(server.read(bytes("q"), T, reading));

        RuntimeException cause = new RuntimeException("broken");
        close(cause);
        assertEquals("OutcomeUnknownException", stepped.outcome());
        assertSame(cause, stepped.failure().getCause());
        assertEquals("ServerStoppedException", waiting.outcome());
        assertEquals("ServerStoppedException", reading.outcome());
        assertEquals(0, server.callBytes());
    }

    @Test
    void whatOneTurnHadToSayAndCouldNotHandOverIsSaidAtTheEnd() {
        lead();
        Recorder accepted = new Recorder();
        propose("a", accepted);
        server.loop().turn(now);
        close(null);
        assertEquals("OutcomeUnknownException", accepted.outcome());
        assertInstanceOf(ServerStoppedException.class, server.propose(bytes("x"), T, new Recorder()));
        assertInstanceOf(ServerStoppedException.class, server.read(bytes("x"), T, new Recorder()));
        assertInstanceOf(ServerStoppedException.class, server.read(bytes("x"), Freshness.local().notBefore(0), T, new Recorder()));
        assertEquals(0, server.callBytes());
    }

    @Test
    void whoAsksForTheStatusIsAnsweredEvenAtTheEnd() {
        lead();
        List<ServerStatus> answers = new ArrayList<>();
        assertTrue(server.ask(answers::add));
        server.loop().turn(now);
        assertEquals(ServerStatus.State.LEADER, answers.get(0).state());
        assertTrue(server.ask(answers::add));
        close(new RuntimeException("broken"));
        assertEquals(ServerStatus.State.STOPPED, answers.get(1).state());
        assertTrue(answers.get(1).problem().contains("broken"), answers.get(1).problem());
        assertEquals(1, answers.get(1).term());
        assertFalse(server.ask(answers::add));
    }

    @Test
    void whoAsksForAStatusThatCannotBeToldIsNotLeftWaiting() {
        foundTwo();
        wire.isBroken = true;
        List<ServerStatus> answers = new ArrayList<>();
        assertTrue(server.ask(answers::add));
        assertThrows(IllegalStateException.class, () -> server.loop().turn(now));
        assertEquals(ServerStatus.State.STOPPED, answers.get(0).state());
        assertTrue(answers.get(0).problem().contains("the transport broke"), answers.get(0).problem());
    }

    @Test
    void whoAsksIsNotLeftWaitingThoughAnErrorKeepsTheNodeFromTelling() {
        Broken broken = new Broken(storage);
        server = new PassiveServer(ALONE, RaftConfig.DEFAULT, SnapshotPolicy.DEFAULT, broken, wire, journal, RaftObserver.NONE,
            new SplittableRandom(1), () -> now);
        lead();
        broken.error = new StackOverflowError();
        List<ServerStatus> statuses = new ArrayList<>();
        assertTrue(server.ask(statuses::add));
        assertThrows(StackOverflowError.class, () -> server.loop().turn(now));
        assertEquals(ServerStatus.State.STOPPED, statuses.get(0).state());
        assertEquals(1, statuses.get(0).term());

        List<Metrics> metrics = new ArrayList<>();
        assertTrue(server.askMetrics(metrics::add));
        assertThrows(StackOverflowError.class, () -> server.loop().turn(now));
        assertEquals(1, metrics.get(0).electionsWon());
    }

    /** A storage that cannot even tell how long its log is. */
    private static final class Broken extends ForwardingStorage {

        private @Nullable Error error;

        Broken(Storage inner) {
            super(inner);
        }

        @Override
        public long logBytes() {
            if (error != null) {
                throw error;
            }
            return inner.logBytes();
        }
    }

    @Test
    void storageIsMaintainedOnceTheReplicaIsFounded() {
        Busy busy = new Busy(storage);
        server = new PassiveServer(ALONE, RaftConfig.DEFAULT, SnapshotPolicy.DEFAULT, busy, wire, journal, RaftObserver.NONE,
            new SplittableRandom(1), () -> now);
        assertFalse(server.maintain());
        assertEquals(0, busy.maintained);
        lead();
        assertTrue(server.maintain());
        assertEquals(1, busy.maintained);
    }

    @Test
    void theLogIsLetGoOfThoughTheDiskAlwaysHasSomethingToWrite() {
        Busy busy = new Busy(storage);
        server = new PassiveServer(ALONE, RaftConfig.DEFAULT, SnapshotPolicy.DEFAULT, busy, wire, journal, RaftObserver.NONE,
            new SplittableRandom(1), () -> now);
        lead();
        server.compactor().add(Long.MAX_VALUE);
        Recorder caller = new Recorder();
        propose("a", caller);
        server.loop().turn(now);
        assertTrue(server.turnDisk());
        assertEquals(1, busy.compacted);
        assertEquals(0, busy.maintained, "that waits until no write does");
        settle();
        assertEquals("did a at 2", caller.outcome());
    }

    @Test
    void storageIsMaintainedOnceForSoManyBytesThoughTheDiskAlwaysHasSomethingToWrite() {
        Busy busy = new Busy(storage);
        server = new PassiveServer(ALONE, RaftConfig.DEFAULT, SnapshotPolicy.DEFAULT, busy, wire, journal, RaftObserver.NONE,
            new SplittableRandom(1), () -> now);
        lead();
        busy.maintained = 0;
        String quarter = "a".repeat((int) Storage.MAINTAINED_BYTES / 4);
        for (int i = 0; i < 8; i++) {
            propose(quarter, new Recorder());
            server.loop().turn(now);
            assertTrue(server.turnDisk());
            server.loop().turn(now);
        }
        assertEquals(2, busy.maintained);
        propose("a".repeat(3 * (int) Storage.MAINTAINED_BYTES), new Recorder());
        server.loop().turn(now);
        assertTrue(server.turnDisk());
        assertEquals(5, busy.maintained, "a large batch brings as many pieces as several small ones");
        settle();
    }

    /** A storage that always has something to prepare. */
    private static final class Busy extends ForwardingStorage {

        private int maintained;
        private int compacted;

        Busy(Storage inner) {
            super(inner);
        }

        @Override
        public boolean maintain() {
            maintained++;
            return true;
        }

        @Override
        public void compact(long wantedIndex) {
            compacted++;
            inner.compact(wantedIndex);
        }
    }

    // ---- membership, transfer, status

    @Test
    void theTransportFollowsTheMembershipBeforeItIsCommitted() {
        leadTwo();
        wire.peers.clear();
        Membership present = server.loop().node().membership();
        Member third = new Member(new ReplicaId(3, 33), "c");
        Recorder caller = new Recorder();
        assertNull(server.changeMembership(1, MembershipTarget.from(present).readdressed(2, "b2").withVoter(third).goal(), T, caller));
        server.loop().turn(now);
        assertEquals(List.of(Map.of(2, "b2", 3, "c")), wire.peers);
        assertEquals("open", caller.outcome());
        assertFalse(server.loop().status().elections().isMembershipCommitted());
        assertEquals(2, server.loop().status().membership().version());
    }

    @Test
    void aChangeIsDoneWhenItsEntryIsAppliedAndToldAsTheMembershipThatStatesIt() {
        lead();
        List<Membership> told = new ArrayList<>();
        Member learner = new Member(new ReplicaId(3, 33), "c");
        assertNull(server.changeMembership(1, MembershipTarget.from(server.loop().node().membership()).withLearner(learner).goal(), T,
            new Completion() {
                @Override
                public void done(byte[] result, long index) {
                    assertEquals(2, index);
                    told.add(MembershipCodec.decode(result));
                }

                @Override
                public void failed(Throwable why) {
                    throw new AssertionError(why);
                }
            }));
        settle();
        assertEquals(List.of(server.loop().node().membership()), told);
        assertEquals(List.of(learner), told.get(0).learners());
        assertEquals(List.of(1L, 2L), memberships);
        assertEquals(Map.of(3, "c"), server.loop().addresses());
    }

    @Test
    void aLeaderThatIsHeardBeforeItIsKnownIsNamedWithItsAddressAsSoonAsThatIsKnown() {
        ReplicaId self = foundTwo();
        ReplicaId stranger = new ReplicaId(5, 55);
        server.mailbox().post(new Message.AppendEntries(stranger, self, 7, EntryId.ZERO, List.of(), 0, 0, 1));
        settle();
        assertEquals(stranger, server.loop().node().leader());
        assertNull(server.loop().notLeader().leaderAddress());
        Membership present = server.loop().node().membership();
        Membership next = new Membership(2, present.voters(), List.of(), List.of(new Member(stranger, "e")));
        server.mailbox().post(new Message.AppendEntries(stranger, self, 7, EntryId.ZERO,
            List.of(Entry.of(1, 7, Entry.Kind.MEMBERSHIP, 0, MembershipCodec.encode(next))), 0, 0, 1));
        settle();
        assertEquals(5, server.loop().notLeader().leaderNodeId());
        assertEquals("e", server.loop().notLeader().leaderAddress());
        assertEquals(Map.of(2, "b", 5, "e"), server.loop().addresses());
    }

    @Test
    void whoAsksForTheLeadIsToldWhenItsTimeIsUpThatPerhapsItHappens() {
        leadTwo();
        Recorder impatient = new Recorder();
        assertNull(server.transfer(2, T / 10, impatient));
        server.loop().turn(now);
        assertEquals(PEER, server.loop().status().elections().successor());
        now += T / 5;
        settle();
        OutcomeUnknownException why = assertInstanceOf(OutcomeUnknownException.class, impatient.failure());
        assertTrue(why.getMessage().contains("see who leads"), why.getMessage());
        assertEquals(0, server.callBytes());
    }

    @Test
    void administrationPassesWhenCallersHaveUsedUpEverything() {
        server = server(ALONE, 1000);
        lead();
        disk.holdWrites();
        assertNull(server.propose(new byte[900], T, new Recorder()));
        assertInstanceOf(OverloadedException.class, server.propose(new byte[900], T, new Recorder()));
        assertNull(server.transfer(0, T, new Recorder()));
        assertNull(server.changeMembership(1, MembershipTarget.from(server.loop().node().membership()).goal(), T, new Recorder()));
        disk.releaseWrites();
    }

    @Test
    void aPauseIsCountedAndTold() {
        lead();
        long before = server.metrics().pauses();
        now += 20 * T;
        settle();
        assertEquals(before + 1, server.metrics().pauses());
        assertTrue(observed.contains("paused"), observed::toString);
        assertEquals(1, server.loop().status().elections().pauses() - before);
        assertTrue(server.loop().status().elections().pausedNanosAgo() < T);
    }

    @Test
    void aLostConnectionToTheLeaderIsToldToTheNode() {
        ReplicaId self = foundTwo();
        server.mailbox().post(new Message.AppendEntries(PEER, self, 7, EntryId.ZERO, List.of(), 0, 0, 1));
        settle();
        assertEquals(PEER, server.loop().node().leader());
        long patience = server.loop().nanosUntilDeadline(now);
        server.mailbox().peerLost(9);
        server.loop().turn(now);
        assertEquals(patience, server.loop().nanosUntilDeadline(now), "that was nobody's leader");
        server.mailbox().peerLost(2);
        server.loop().turn(now);
        assertTrue(server.loop().nanosUntilDeadline(now) < T / 2, "" + server.loop().nanosUntilDeadline(now));
    }

    @Test
    void whoRefusedAVoteIsToldUntilALeaderIsKnown() {
        ReplicaId self = foundTwo();
        for (int i = 0; i < 50 && server.loop().status().elections().denials().isEmpty(); i++) {
            now += T / 10;
            settle();
            for (Message message : List.copyOf(wire.sent)) {
                if (message instanceof Message.PreVote question) {
                    server.mailbox().post(new Message.PreVoteAnswer(PEER, self, question.term(), Message.Denial.LOG_IS_NEWER,
                        question.round(), 0));
                }
            }
            wire.sent.clear();
            server.loop().turn(now);
        }
        assertTrue(Explanation.of(server.loop().status()).findings().contains(new Finding.VoteRefused(PEER, Message.Denial.LOG_IS_NEWER)),
            () -> Explanation.of(server.loop().status()).toString());
        server.mailbox().post(new Message.AppendEntries(PEER, self, 7, EntryId.ZERO, List.of(), 0, 0, 1));
        settle();
        assertEquals(List.of(), server.loop().status().elections().denials());
    }

    @Test
    void aDiskThatHangsIsExplained() {
        leadTwo();
        propose("a", new Recorder());
        server.loop().turn(now);
        for (int i = 0; i < 30; i++) {
            now += T / 20;
            server.loop().turn(now);
        }
        assertTrue(server.loop().status().disk().oldestWriteNanos() >= T);
        assertTrue(Explanation.of(server.loop().status()).findings().stream().anyMatch(Finding.DiskStalls.class::isInstance),
            () -> Explanation.of(server.loop().status()).toString());
    }

    // ---- help

    private PassiveServer server(Map<Integer, String> members, long callBytesMax) {
        return new PassiveServer(members, RaftConfig.DEFAULT, SnapshotPolicy.DEFAULT, storage, wire, journal, new RaftObserver() {
            @Override
            public void onChange(ServerStatus.State state, long term, @Nullable ReplicaId leader) {
                observed.add(state + " " + term + " " + (leader == null ? null : leader.nodeId()));
            }

            @Override
            public void onFounded(FoundingRecord record) {
                observed.add("founded");
            }

            @Override
            public void onMembership(Membership membership) {
                memberships.add(membership.version());
            }

            @Override
            public void onPause(long nanos) {
                observed.add("paused");
            }
        }, new SplittableRandom(1), () -> now, callBytesMax, 0);
    }

    /** The changes that were seen, without the steps of candidacies. */
    private static List<String> distinct(List<String> observed) {
        return observed.stream().filter(change -> !change.contains("CANDIDATE")).toList();
    }

    private Recorder lead() {
        for (int i = 0; i < 50 && (server.loop().node() == null || server.loop().node().commitIndex() == 0); i++) {
            settle();
            now += T / 10;
        }
        settle();
        assertEquals(1, server.applier().appliedIndex());
        return new Recorder();
    }

    private ReplicaId foundTwo() {
        server = server(TWO, PassiveServer.CALL_BYTES_MAX);
        server.loop().turn(now);
        server.mailbox().post(new FoundingMessage(2, 22, 1, 11, Founding.digest(TWO), null, false));
        settle();
        assertFalse(server.loop().isBlank());
        return disk.replica();
    }

    /** Leads a group of two whose other member votes for it, takes its no-op, and then says nothing more. */
    private void leadTwo() {
        ReplicaId self = foundTwo();
        boolean hasVoted = false;
        for (int i = 0; i < 100; i++) {
            settle();
            for (Message message : List.copyOf(wire.sent)) {
                if (message instanceof Message.PreVote question) {
                    server.mailbox().post(new Message.PreVoteAnswer(PEER, self, question.term(), null, question.round(), 0));
                } else if (message instanceof Message.RequestVote request) {
                    server.mailbox().post(new Message.Vote(PEER, self, request.term(), null));
                    hasVoted = true;
                } else if (hasVoted && message instanceof Message.AppendEntries append) {
                    server.mailbox().post(new Message.AppendAccepted(PEER, self, append.term(), append.lastIndex(), append.lastIndex(),
                        append.round(), T, 0));
                }
            }
            wire.sent.clear();
            settle();
            if (server.applier().appliedIndex() == 1) {
                return;
            }
            now += T / 10;
        }
        throw new AssertionError("no leader: " + server.loop().node());
    }

    private void propose(String command, Recorder caller) {
        assertNull(server.propose(bytes(command), T, caller));
    }

    private void settle() {
        for (int i = 0; i < 10; i++) {
            server.loop().turn(now);
            server.reader().turn();
            List<Storage.Write> batch = server.writer().take();
            if (!batch.isEmpty()) {
                server.writer().write(batch);
            }
            server.applier().turn(now);
        }
    }

    private void close(@Nullable Throwable cause) {
        server.closeLoop(cause);
        server.closeApplier(cause);
    }
}
