package io.quorate.raft.client;

import static io.quorate.raft.Cluster.get;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Backup;
import io.quorate.raft.Cluster;
import io.quorate.raft.CommandTooLargeException;
import io.quorate.raft.NotLeaderException;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.OverloadedException;
import io.quorate.raft.RaftServer;
import io.quorate.raft.ServerStoppedException;
import io.quorate.raft.SessionCommand;
import io.quorate.raft.SessionEndedException;
import io.quorate.raft.Sessions;
import io.quorate.raft.client.SessionGroup.Counts;
import io.quorate.raft.client.SessionGroup.Fate;
import io.quorate.raft.core.Entry;
import io.quorate.raft.testing.InMemoryDisk;
import io.quorate.raft.testing.InMemoryNetwork;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The client's half of a session: it repeats what it may, until it is done or its time is up, and says which. */
@Timeout(120)
class SessionTest {

    private final SessionGroup group = new SessionGroup(new Sessions.Options(Duration.ofHours(1), 1000, 100_000));
    private final Session session = group.open(Duration.ofMinutes(1));

    // ------------------------------------------------------------------------------------------------------------------- exactly once

    @Test
    void aCommandWhoseAnswerIsLostIsProposedAgainAndHappensOnce() {
        group.fates.addAll(List.of(Fate.ANSWER_LOST, Fate.LOST, Fate.LATE, Fate.REFUSED, Fate.OVERLOADED));
        CompletableFuture<byte[]> future = propose(7);
        group.pass(Duration.ofSeconds(9));
        assertEquals(-7, ByteBuffer.wrap(future.join()).getLong());
        group.pass(Duration.ofSeconds(60));
        assertEquals(1, group.sessions.machine().of(7));
    }

    @Test
    void severalAreOutstandingAndDoNotWaitForEachOther() {
        group.fates.add(Fate.LOST);
        CompletableFuture<byte[]> slow = propose(1);
        CompletableFuture<byte[]> fast = propose(2);
        group.pass(Duration.ofMillis(10));
        assertTrue(fast.isDone());
        assertFalse(slow.isDone());
        group.pass(Duration.ofSeconds(3));
        assertTrue(slow.isDone());
        assertEquals(1, group.sessions.machine().of(1));
    }

    @Test
    void whatIsSettledIsAcknowledgedWithWhatFollows() {
        long empty = group.sessions.sessionBytes();
        for (int i = 0; i < 50; i++) {
            propose(i);
            group.pass(Duration.ofMillis(10));
        }
        assertTrue(group.sessions.sessionBytes() < empty + 2 * 200, "at most the last reply is kept");
        group.pass(Duration.ofMinutes(1));
        assertEquals(empty, group.sessions.sessionBytes(), "and that until the session shows that it is there");
    }

    @Test
    void whereRepliesFillTheSessionCommandsWaitUntilTheyAreAcknowledged() {
        List<CompletableFuture<byte[]>> all = new ArrayList<>();
        group.fates.add(Fate.LOST);       // holds up the acknowledgement of all that follow
        for (int i = 0; i < 50; i++) {
            all.add(propose(i));
        }
        group.pass(Duration.ofSeconds(1));
        assertEquals(10, all.stream().filter(CompletableFuture::isDone).count(), "1000 bytes are no more replies");
        group.pass(Duration.ofSeconds(9));
        assertTrue(all.stream().allMatch(future -> future.isDone() && !future.isCompletedExceptionally()));
        assertTrue(group.sessions.machine().times.values().stream().allMatch(times -> times == 1));
    }

    // ----------------------------------------------------------------------------------------------------------------------- outcomes

    @Test
    void aCommandThatWasRefusedUntilItsTimeWasUpHasNotHappened() {
        refuseAll(Fate.REFUSED);
        CompletableFuture<byte[]> future = propose(1);
        group.pass(Duration.ofSeconds(11));
        assertInstanceOf(NotLeaderException.class, failure(future));
        group.fates.clear();
        refuseAll(Fate.OVERLOADED);
        CompletableFuture<byte[]> other = propose(1);
        group.pass(Duration.ofSeconds(11));
        assertInstanceOf(OverloadedException.class, failure(other));
        assertEquals(0, group.sessions.machine().of(1));
    }

    @Test
    void aCommandWithOneUnknownOutcomeIsUnknownWhenItsTimeIsUp() {
        for (Fate fate : List.of(Fate.LOST, Fate.ANSWER_LOST)) {
            group.fates.add(fate);
            refuseAll(Fate.REFUSED);
            CompletableFuture<byte[]> future = propose(1);
            group.pass(Duration.ofSeconds(11));
            assertInstanceOf(OutcomeUnknownException.class, failure(future));
            group.fates.clear();
        }
    }

    @Test
    void aProposalThatIsNeverAnsweredIsUnknownALittleAfterItsDeadline() {
        group.fates.add(Fate.SILENT);
        CompletableFuture<byte[]> future = session.propose(command(1), Duration.ofSeconds(3));
        group.pass(Duration.ofSeconds(3));
        assertFalse(future.isDone());
        group.pass(Duration.ofNanos(Session.SLACK_NANOS));
        assertInstanceOf(OutcomeUnknownException.class, failure(future));
    }

    /** The number of a command that was given up is acknowledged as any other, or no reply would be forgotten any more. */
    @Test
    void aCommandThatWasGivenUpTakesNoEffectOnceTheGroupHasHeardOfIt() {
        group.fates.add(Fate.LATE);
        group.tripNanos = () -> Duration.ofSeconds(5).toNanos();
        CompletableFuture<byte[]> future = session.propose(command(1), Duration.ofSeconds(1));
        group.pass(Duration.ofSeconds(2));
        assertInstanceOf(OutcomeUnknownException.class, failure(future));
        group.tripNanos = () -> 1_000_000;
        propose(2);
        group.pass(Duration.ofSeconds(20));
        assertEquals(0, group.sessions.machine().of(1));
        assertEquals(1, group.sessions.machine().of(2));
    }

    @Test
    void aCommandThatIsTooLargeIsRefusedAndSoIsOneTooMany() {
        assertInstanceOf(CommandTooLargeException.class, failure(session.propose(new byte[Entry.PAYLOAD_BYTES_MAX - 24])));
        byte[] large = new byte[Entry.PAYLOAD_BYTES_MAX - 33];
        refuseAll(Fate.LOST);
        CompletableFuture<byte[]> one = session.propose(large);
        assertInstanceOf(OverloadedException.class, failure(Collections.nCopies(3, large).stream().map(session::propose).toList().get(2)));
        group.pass(Duration.ofSeconds(11));
        assertInstanceOf(OutcomeUnknownException.class, failure(one));
        group.fates.clear();
        CompletableFuture<byte[]> again = session.propose(large);
        group.pass(Duration.ofSeconds(1));
        assertTrue(again.isDone() && !again.isCompletedExceptionally(), "there is room again");
    }

    @Test
    void aGroupWithoutSessionsIsNoticed() {
        Session.Proposer plain = (command, timeout) -> CompletableFuture.completedFuture(new byte[] {77});
        CompletableFuture<Session> opened = Session.open(plain, Session.Options.DEFAULT, group, bound -> 0, SessionGroup.NUMBER);
        OutcomeUnknownException unknown = assertInstanceOf(OutcomeUnknownException.class, failure(opened));
        assertTrue(unknown.getMessage().contains("Sessions.around"), unknown::getMessage);
    }

    @Test
    void aClosedClientEndsTheSession() {
        Session.Proposer closed = (command, timeout) ->
            CompletableFuture.failedFuture(new ServerStoppedException("Nothing happened", null));
        assertInstanceOf(ServerStoppedException.class,
            failure(Session.open(closed, Session.Options.DEFAULT, group, bound -> 0, SessionGroup.NUMBER)));
        Session.Proposer throwing = (command, timeout) -> {
            throw new ServerStoppedException("Nothing happened", null);
        };
        assertInstanceOf(ServerStoppedException.class, failure(Session.open(throwing, Session.Options.DEFAULT,
            group, bound -> 0, SessionGroup.NUMBER)));
        CompletableFuture<byte[]> open = new CompletableFuture<>();
        Session.Proposer closing = (command, timeout) -> open.isDone() ? closed.propose(command, timeout) : group.propose(command, timeout);
        CompletableFuture<Session> opened = Session.open(closing, Session.Options.DEFAULT, group, bound -> 0, SessionGroup.NUMBER);
        group.pass(Duration.ofSeconds(1));
        open.complete(new byte[0]);
        group.pass(Duration.ofSeconds(30));
        assertFalse(opened.join().isOpen(), "its sign of life was refused");
        assertInstanceOf(SessionEndedException.class, failure(opened.join().propose(command(1))));
    }

    @Test
    void aSessionThatTwoClientsUseIsNotTrusted() {
        group.apply(new SessionCommand.KeepAlive(session.id(), 5).encode());
        CompletableFuture<byte[]> future = propose(1);
        group.pass(Duration.ofSeconds(1));
        assertInstanceOf(OutcomeUnknownException.class, failure(future));
    }

    // ------------------------------------------------------------------------------------------------------------------- life and end

    @Test
    void anIdleSessionIsKeptAlive() {
        group.pass(Duration.ofMinutes(30));
        CompletableFuture<byte[]> future = propose(1);
        group.pass(Duration.ofSeconds(1));
        assertTrue(future.isDone() && !future.isCompletedExceptionally());
        int proposals = group.befell.size();
        assertTrue(proposals > 80 && proposals < 100, "every third of the timeout: " + proposals);
    }

    /** It asks for more than the group allows, and must know what it got: else it would be silent for too long. */
    @Test
    void aSessionIsKeptAliveForTheTimeoutThatTheGroupAllows() {
        Session longer = group.open(Duration.ofDays(1));
        group.pass(Duration.ofHours(5));
        assertTrue(longer.isOpen());
        assertEquals(2, group.sessions.openSessions());
    }

    @Test
    void aBusySessionNeedsNoOtherSignOfLife() {
        for (int i = 0; i < 30; i++) {
            propose(i);
            group.pass(Duration.ofSeconds(15));
        }
        assertEquals(31, group.befell.size(), "one to open it, and the commands");
        assertTrue(session.isOpen());
    }

    @Test
    void signsOfLifeThatAreLostAreSentAgainInTime() {
        for (int i = 0; i < 100; i++) {
            group.fates.addAll(List.of(Fate.LOST, Fate.REFUSED, Fate.LOST, Fate.DONE));
        }
        group.pass(Duration.ofMinutes(10));
        assertTrue(session.isOpen());
        assertEquals(1, group.sessions.openSessions());
    }

    @Test
    void aSessionThatTheGroupHasForgottenIsNotGoneOnWith() {
        group.pause(Duration.ofMinutes(2));
        group.fates.addAll(List.of(Fate.DONE, Fate.LOST));     // the sign of life, which is due, tells nothing
        CompletableFuture<byte[]> future = propose(1);
        group.pass(Duration.ofSeconds(1));
        assertInstanceOf(SessionEndedException.class, failure(future));
        assertFalse(session.isOpen());
        assertInstanceOf(SessionEndedException.class, failure(propose(2)));
        assertEquals(0, group.sessions.machine().of(1) + group.sessions.machine().of(2));
    }

    @Test
    void anIdleSessionLearnsThatItIsForgotten() {
        group.pause(Duration.ofMinutes(2));
        group.pass(Duration.ofSeconds(30));
        assertFalse(session.isOpen());
    }

    /** An earlier copy may have been done before; who says "nothing happened" would be wrong then. */
    @Test
    void whatMayHaveBeenDoneBeforeTheSessionWasForgottenIsUnknown() {
        group.fates.addAll(List.of(Fate.ANSWER_LOST, Fate.LOST));     // the second is the sign of life, which is due
        CompletableFuture<byte[]> future = session.propose(command(1), Duration.ofMinutes(5));
        group.pass(Duration.ofMillis(100));
        group.pause(Duration.ofMinutes(2));
        group.pass(Duration.ofSeconds(1));
        assertInstanceOf(OutcomeUnknownException.class, failure(future));
        assertEquals(1, group.sessions.machine().of(1));
    }

    @Test
    void anAnswerThatIsOnItsWayWhenTheSessionIsForgottenIsWaitedFor() {
        group.pause(Duration.ofMinutes(2));
        group.fates.addAll(List.of(Fate.REFUSED, Fate.DONE));
        group.tripNanos = () -> Duration.ofMillis(1500).toNanos();
        CompletableFuture<byte[]> slow = propose(1);
        group.tripNanos = () -> 1;
        CompletableFuture<byte[]> quick = propose(2);
        group.pass(Duration.ofSeconds(1));
        assertInstanceOf(SessionEndedException.class, failure(quick));
        assertFalse(slow.isDone());
        group.pass(Duration.ofSeconds(1));
        assertInstanceOf(SessionEndedException.class, failure(slow));
    }

    @Test
    void closingCompletesWhatIsOpenAndFreesTheGroupsMemory() {
        group.fates.addAll(List.of(Fate.SILENT, Fate.REFUSED));
        CompletableFuture<byte[]> out = propose(1);
        CompletableFuture<byte[]> refused = propose(2);
        group.pass(Duration.ofMillis(2));
        session.close();
        assertInstanceOf(OutcomeUnknownException.class, failure(out));
        assertInstanceOf(SessionEndedException.class, failure(refused));
        assertInstanceOf(SessionEndedException.class, failure(propose(3)));
        group.pass(Duration.ofSeconds(1));
        assertEquals(0, group.sessions.openSessions());
        int proposals = group.befell.size();
        session.close();
        group.pass(Duration.ofMinutes(10));
        assertEquals(proposals, group.befell.size(), "and all is quiet");
    }

    @Test
    void openingIsTriedAgainToo() {
        group.fates.addAll(List.of(Fate.REFUSED, Fate.LOST, Fate.ANSWER_LOST));
        CompletableFuture<Session> opened =
            Session.open(group, new Session.Options(Duration.ofSeconds(30), Duration.ofSeconds(10)),
                group, bound -> bound / 2, SessionGroup.NUMBER);
        group.pass(Duration.ofSeconds(9));
        assertTrue(opened.join().isOpen());
        assertEquals(3, group.sessions.openSessions(), "one that nobody knows of, which expires");
        group.pass(Duration.ofSeconds(40));
        assertEquals(2, group.sessions.openSessions());
    }

    @Test
    void timeoutsAreChecked() {
        assertThrows(IllegalArgumentException.class, () -> new Session.Options(Duration.ZERO, Duration.ofSeconds(1)));
        assertThrows(IllegalArgumentException.class, () -> new Session.Options(Duration.ofSeconds(1), Duration.ofDays(366)));
        assertThrows(IllegalArgumentException.class, () -> session.propose(command(1), Duration.ofSeconds(-1)));
    }

    // -------------------------------------------------------------------------------------------------------------------- real servers

    /** Whoever leads when a command is repeated, it has happened once. */
    @Test
    void overAClientCommandsHappenOnceThoughLeadersStop() {
        List<Counts> machines = Collections.synchronizedList(new ArrayList<>());
        try (Cluster cluster = new Cluster(3)) {
            for (int node = 1; node <= 3; node++) {
                start(cluster, node, machines);
            }
            cluster.awaitLeader();
            try (RaftClient client = RaftClient.builder(cluster.network.clientTransport(), List.copyOf(cluster.members.values())).build()) {
                Session mine = get(Session.open(client, new Session.Options(Duration.ofMinutes(1), Duration.ofSeconds(20))));
                List<CompletableFuture<byte[]>> all = new ArrayList<>();
                for (int i = 0; i < 60; i++) {
                    all.add(mine.propose(command(i)));
                    if (i % 20 == 10) {
                        int leader = cluster.awaitLeader().replica().nodeId();
                        cluster.stop(leader);
                        start(cluster, leader, machines);
                    }
                }
                for (int i = 0; i < 60; i++) {
                    assertEquals(-i, ByteBuffer.wrap(get(all.get(i))).getLong());
                }
                mine.close();
            }
        }
        for (Counts machine : machines) {
            assertTrue(machine.times.values().stream().allMatch(times -> times == 1), machine.times::toString);
        }
    }

    @Test
    void overAServerASessionIsTheLeaders() {
        try (Cluster cluster = new Cluster(1)) {
            RaftServer server = start(cluster, 1, new ArrayList<>());
            Session mine = get(Session.open(server, Session.Options.DEFAULT));
            assertEquals(-5, ByteBuffer.wrap(get(mine.propose(command(5)))).getLong());
            cluster.stop(1);
            assertThrows(ServerStoppedException.class, () -> get(mine.propose(command(6))));
        }
    }

    /** The new group's first sessions are opened at the indexes at which the old one's last were. */
    @Test
    void aSessionOfTheOldGroupIsEndedInTheOneThatIsRestoredFromItsBackup(@TempDir Path directory) throws Exception {
        try (Cluster old = new Cluster(1); Cluster restored = new Cluster(0)) {
            RaftServer before = start(old, 1, new ArrayList<>());
            AtomicReference<RaftServer> now = new AtomicReference<>(before);
            Session.Proposer proposer = (command, timeout) -> now.get().propose(command, timeout);
            Session kept = get(Session.open(proposer, Session.Options.DEFAULT));
            get(kept.propose(command(1)));
            get(before.backup(directory.resolve("backup")));
            for (int i = 2; i <= 4; i++) {
                get(kept.propose(command(i)));     // more entries than the new group's leader needs for itself
            }
            Session mine = get(Session.open(proposer, Session.Options.DEFAULT));

            InMemoryDisk disk = new InMemoryDisk(9, 999);
            Backup.open(directory.resolve("backup")).restore(disk.open(), InMemoryNetwork.address(9));
            restored.disks.put(9, disk);
            restored.members.put(9, InMemoryNetwork.address(9));
            List<Counts> machines = new ArrayList<>();
            now.set(start(restored, 9, machines));
            restored.awaitLeader();
            Session others = get(Session.open(proposer, Session.Options.DEFAULT));
            while (others.id().index() < mine.id().index()) {
                others = get(Session.open(proposer, Session.Options.DEFAULT));
            }
            assertEquals(mine.id().index(), others.id().index());
            assertEquals(-5, ByteBuffer.wrap(get(others.propose(command(5)))).getLong());
            SessionEndedException ended = assertThrows(SessionEndedException.class, () -> get(mine.propose(command(7))));
            assertTrue(ended.getMessage().contains("Nothing happened") && ended.getMessage().contains("restored from a backup"),
                ended.getMessage());
            assertThrows(SessionEndedException.class, () -> get(mine.propose(command(8))));
            assertEquals(-6, ByteBuffer.wrap(get(kept.propose(command(6)))).getLong(), "what the backup knows goes on");
            assertEquals(Map.of(5L, 1, 6L, 1), machines.get(0).times);
        }
    }

    private static RaftServer start(Cluster cluster, int node, List<Counts> machines) {
        Counts counts = new Counts();
        machines.add(counts);
        return cluster.start(node, builder -> builder.stateMachine(Sessions.around(counts)));
    }

    // -------------------------------------------------------------------------------------------------------------------------- steps

    private CompletableFuture<byte[]> propose(long what) {
        return session.propose(command(what));
    }

    private static byte[] command(long what) {
        return ByteBuffer.allocate(8).putLong(what).array();
    }

    private void refuseAll(Fate fate) {
        group.fates.addAll(Collections.nCopies(300, fate));
    }

    private static Throwable failure(CompletableFuture<?> future) {
        assertTrue(future.isDone(), "still open");
        return assertThrows(CompletionException.class, future::join).getCause();
    }
}
