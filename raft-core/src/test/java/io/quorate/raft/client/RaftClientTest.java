package io.quorate.raft.client;

import static io.quorate.raft.Cluster.bytes;
import static io.quorate.raft.Cluster.get;
import static io.quorate.raft.Cluster.text;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Answer;
import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.Cluster;
import io.quorate.raft.CommandTooLargeException;
import io.quorate.raft.Freshness;
import io.quorate.raft.MembershipTarget;
import io.quorate.raft.NotLeaderException;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.OverloadedException;
import io.quorate.raft.RaftServer;
import io.quorate.raft.RequestFailedException;
import io.quorate.raft.RequestRefusedException;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.ServerStoppedException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.Refusal;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.testing.InMemoryNetwork;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class RaftClientTest {

    private static final ClientResponse DONE = new ClientResponse.Done(bytes("ok"), 7);

    private final Script script = new Script().members(null);
    private RaftClient client = client(Duration.ofSeconds(20), "a", "b", "c");

    @AfterEach
    void close() {
        client.close();
        assertTrue(script.isClosed);
    }

    // ---- one answer at a time

    @Test
    void aHintIsFollowedAndTheLeaderIsRemembered() {
        script.at("a", new ClientResponse.NotLeader(2, "b")).at("c", new ClientResponse.NotLeader(2, "b")).at("b", DONE);
        assertEquals("ok", text(get(client.propose(bytes("x")))));
        assertTrue(script.asked().size() <= 2, script.asked().toString());
        int before = script.asked().size();
        assertEquals("ok", text(get(client.propose(bytes("y")))));
        assertEquals("b", script.asked().get(before));
        assertEquals(before + 1, script.asked().size());
    }

    @Test
    void aHintIsFollowedAtOnceHoweverManyAddressesThereAre() {
        String[] addresses = {"a", "b", "c", "d", "e", "f", "g", "h"};
        List.of(addresses).forEach(address -> script.at(address, address.equals("h") ? DONE : new ClientResponse.NotLeader(8, "h")));
        for (int i = 0; i < 10; i++) {
            client.close();
            client = client(Duration.ofSeconds(20), addresses);
            int before = script.asked().size();
            get(client.propose(bytes("x")));
            assertTrue(script.asked().size() <= before + 2, script.asked().toString());
        }
    }

    @Test
    void aLeaderThatIsNotInTheListIsFoundByItsHint() {
        client = client(Duration.ofSeconds(20), "a");
        script.at("a", new ClientResponse.NotLeader(9, "elsewhere")).at("elsewhere", DONE);
        assertEquals("ok", text(get(client.propose(bytes("x")))));
        assertEquals(List.of("a", "elsewhere"), script.asked());
    }

    @Test
    void addressesAreAskedInTurnUntilALeaderIsFound() {
        script.at("a", new ClientResponse.NotLeader(0, null)).at("b", new ClientResponse.Unavailable("blank")).at("c", DONE);
        assertEquals("ok", text(get(client.propose(bytes("x")))));
        assertEquals("c", script.asked().get(script.asked().size() - 1));
    }

    @Test
    void aLeaderWhoseDiskIsFullMayHandOverToOneWhoseDiskIsNot() {
        client = client(Duration.ofSeconds(20), "a");
        List<ClientResponse> answers = new ArrayList<>(List.of(new ClientResponse.Refused(Refusal.Reason.DISK_FULL, "full"),
            new ClientResponse.Refused(Refusal.Reason.DISK_FULL, "full"), new ClientResponse.NotLeader(2, "b")));
        script.at("a", request -> CompletableFuture.completedFuture(answers.remove(0))).at("b", DONE);
        assertEquals("ok", text(get(client.propose(bytes("x")))));
        assertEquals(List.of("a", "a", "a", "b"), script.asked());
    }

    @Test
    void aFullDiskIsSaidSoonAndNotWhenTheTimeIsUp() {
        client = client(Duration.ofMinutes(10), "a");
        script.at("a", new ClientResponse.Refused(Refusal.Reason.DISK_FULL, "Nothing happened: the disk of 1#a is nearly full"));
        RequestRefusedException refused = assertThrows(RequestRefusedException.class, () -> get(client.propose(bytes("x"))));
        assertEquals(Refusal.Reason.DISK_FULL, refused.reason());
        assertEquals("Nothing happened: the disk of 1#a is nearly full", refused.getMessage());
        assertEquals(Calls.FULL_ATTEMPTS, script.asked().size());
    }

    @Test
    void hintsThatGoRoundInACircleEndInAPauseAndNotInALoop() {
        client = client(Duration.ofMillis(300), "a", "b");
        script.at("a", new ClientResponse.NotLeader(2, "b")).at("b", new ClientResponse.NotLeader(1, "a"));
        NotLeaderException thrown = assertThrows(NotLeaderException.class, () -> get(client.propose(bytes("x"))));
        assertTrue(thrown.getMessage().contains("a=says that node 2 leads, at b"), thrown.getMessage());
        assertTrue(script.asked().size() < 60, "asked " + script.asked().size() + " times in 300 ms");
    }

    @Test
    void whatWasNotSentIsTriedElsewhere() {
        client = client(Duration.ofSeconds(20), "a", "b");
        script.at("b", DONE);                   // a refuses the connection
        for (int i = 0; i < 5; i++) {
            assertEquals("ok", text(get(client.propose(bytes("x")))));
        }
    }

    @Test
    void anOverloadedLeaderIsAskedAgainAfterAPause() {
        client = client(Duration.ofSeconds(20), "a");
        script.at("a", new ClientResponse.Overloaded("full")).at("a", new ClientResponse.Overloaded("full")).at("a", DONE);
        assertEquals("ok", text(get(client.propose(bytes("x")))));
        assertEquals(3, script.asked().size());
    }

    @Test
    void aGroupThatStaysOverloadedIsReportedAsSuch() {
        client = client(Duration.ofMillis(100), "a");
        script.at("a", new ClientResponse.Overloaded("full"));
        OverloadedException thrown = assertThrows(OverloadedException.class, () -> get(client.propose(bytes("x"))));
        assertTrue(thrown.getMessage().contains("a=full"), thrown.getMessage());
    }

    @Test
    void aCommandWhoseOutcomeIsUnknownIsNeverSentAgain() {
        for (Throwable failure : List.of(new TimeoutException(), new IllegalStateException("connection reset"))) {
            int before = script.asked().size();
            client.close();
            client = client(Duration.ofSeconds(20), "z" + before);
            script.failing("z" + before, failure).at("z" + before, DONE);
            assertThrows(OutcomeUnknownException.class, () -> get(client.propose(bytes("x"))));
            assertEquals(before + 1, script.asked().size());
        }
        client.close();
        client = client(Duration.ofSeconds(20), "y");
        script.at("y", new ClientResponse.Unknown("I lost my office", null)).at("y", DONE);
        OutcomeUnknownException thrown = assertThrows(OutcomeUnknownException.class, () -> get(client.propose(bytes("x"))));
        assertTrue(thrown.getMessage().contains("I lost my office"), thrown.getMessage());
        assertEquals(3, script.asked().size());
    }

    @Test
    void aReadIsRepeatedWhateverHappened() {
        client = client(Duration.ofSeconds(20), "a");
        script.failing("a", new TimeoutException()).at("a", new ClientResponse.Unknown("?", null))
            .failing("a", new IllegalStateException("reset")).at("a", DONE);
        assertEquals("ok", text(get(client.read(bytes("x")))));
        assertEquals(4, script.asked().size());
    }

    @Test
    void aBadRequestIsNotRepeated() {
        client = client(Duration.ofSeconds(20), "a");
        script.at("a", new ClientResponse.Failed("no such query"));
        RequestFailedException thrown = assertThrows(RequestFailedException.class, () -> get(client.read(bytes("x"))));
        assertTrue(thrown.getMessage().contains("no such query"), thrown.getMessage());
        assertEquals(1, script.asked().size());
    }

    @Test
    void withoutALeaderTheErrorNamesEachAddressAndWhatItSaid() {
        client = client(Duration.ofMillis(300), "a", "b", "c");
        script.at("a", new ClientResponse.NotLeader(0, null)).at("b", new ClientResponse.Unavailable("stopping"));
        NotLeaderException thrown = assertThrows(NotLeaderException.class, () -> get(client.propose(bytes("x"))));
        assertTrue(thrown.getMessage().contains("no leader answered within 300 ms"), thrown.getMessage());
        assertTrue(thrown.getMessage().contains("a=knows no leader"), thrown.getMessage());
        assertTrue(thrown.getMessage().contains("b=stopping"), thrown.getMessage());
        assertTrue(thrown.getMessage().contains("c=refused"), thrown.getMessage());
        assertTrue(script.asked().size() < 100, "asked " + script.asked().size() + " times in 300 ms");
    }

    @Test
    void aTransportThatThrowsIsTakenForATransportThatFails() {
        client = client(Duration.ofSeconds(20), "a");
        script.at("a", request -> {
            throw new IllegalStateException("broken");
        });
        assertThrows(OutcomeUnknownException.class, () -> get(client.propose(bytes("x"))));
    }

    @Test
    void anAnswerOfTheWrongKindIsAnError() {
        client = client(Duration.ofSeconds(20), "a");
        script.at("a", new ClientResponse.Status(new ServerStatus(new io.quorate.raft.core.ReplicaId(1, 1), 1, null,
            ServerStatus.State.BLANK, 0, null, null, 0, 0, 0, 0, 0, List.of(), null)));
        assertThrows(RequestFailedException.class, () -> get(client.propose(bytes("x"))));
    }

    @Test
    void aCommandThatIsTooLargeNeverLeaves() {
        assertThrows(CommandTooLargeException.class, () -> get(client.propose(new byte[Entry.PAYLOAD_BYTES_MAX + 1])));
        assertEquals(List.of(), script.asked());
    }

    @Test
    void tooManyOpenBytesAreRefusedAtOnce() {
        client = client(Duration.ofSeconds(20), "a");
        script.at("a", request -> new CompletableFuture<>());
        byte[] large = new byte[Entry.PAYLOAD_BYTES_MAX];
        List<CompletableFuture<byte[]>> open = new ArrayList<>();
        while (open.isEmpty() || !open.get(open.size() - 1).isDone()) {
            open.add(client.propose(large));
            assertTrue(open.size() < 10, "there is no bound");
        }
        assertThrows(OverloadedException.class, () -> get(open.get(open.size() - 1)));
    }

    @Test
    void aReadOfAnyAgeAsksForWhatThisClientHasSeen() {
        client = client(Duration.ofSeconds(20), "a");
        script.at("a", DONE);
        get(client.read(bytes("q"), Freshness.local()));
        assertEquals(7, client.lastIndex());
        get(client.read(bytes("q"), Freshness.atMost(Duration.ofSeconds(3))));
        get(client.read(bytes("q"), Freshness.local().notBefore(99)));
        get(client.read(bytes("q"), Freshness.lease()));
        assertEquals(List.of(Freshness.local(), Freshness.atMost(Duration.ofSeconds(3)).notBefore(7), Freshness.local().notBefore(99),
            Freshness.lease()), script.requests().stream().map(request -> ((ClientRequest.Read) request).freshness()).toList());
    }

    @Test
    void anAnswerSaysFromWhichStateItIs() {
        client = client(Duration.ofSeconds(20), "a");
        script.at("a", DONE);
        Answer answer = get(client.read(bytes("q"), Freshness.linearizable()));
        assertEquals("ok", text(answer.result()));
        assertEquals(7, answer.index());
    }

    @Test
    void aReadOfAnyAgeIsNotTheLeadersBusiness() {
        client = client(Duration.ofSeconds(20), "a", "b", "c");
        script.at("a", DONE).at("b", DONE).at("c", DONE);
        for (int i = 0; i < 3; i++) {
            get(client.propose(bytes("x")));
        }
        assertEquals(1, script.asked().stream().distinct().count());
        for (int i = 0; i < 30; i++) {
            get(client.read(bytes("q"), Freshness.local()));
        }
        assertTrue(script.asked().stream().distinct().count() > 1, script.asked().toString());
    }

    @Test
    void anUnknownOutcomeNamesItsEntryAndCanBeWaitedFor() {
        client = client(Duration.ofSeconds(20), "a");
        EntryId entry = new EntryId(3, 44);
        script.at("a", new ClientResponse.Unknown("my time was up", entry)).at("a", new ClientResponse.Unknown("not yet", null))
            .failing("a", new IllegalStateException("reset")).at("a", new ClientResponse.Settled(true))
            .at("a", new ClientResponse.Settled(false));
        OutcomeUnknownException unknown = assertThrows(OutcomeUnknownException.class, () -> get(client.propose(bytes("x"))));
        assertEquals(entry, unknown.entry());
        assertEquals(true, get(client.awaitOutcome(entry)));
        assertEquals(false, get(client.awaitOutcome(entry)));
        assertEquals(new ClientRequest.AwaitOutcome(entry), script.requests().get(4));
    }

    @Test
    void anOutcomeThatIsNotCertainInTimeIsStillUnknown() {
        EntryId entry = new EntryId(3, 44);
        script.at("a", new ClientResponse.Unknown("not yet", null));
        OutcomeUnknownException unknown = assertThrows(OutcomeUnknownException.class,
            () -> get(client.awaitOutcome(entry, Duration.ofMillis(500))));
        assertEquals(entry, unknown.entry());
        assertTrue(unknown.getMessage().contains("a=not yet"), unknown.getMessage());
    }

    @Test
    void aCallMayHaveADeadlineOfItsOwn() {
        client = client(Duration.ofMinutes(5), "a");
        script.at("a", new ClientResponse.NotLeader(0, null));
        assertThrows(NotLeaderException.class, () -> get(client.propose(bytes("x"), Duration.ofMillis(30))));
        assertThrows(NotLeaderException.class, () -> get(client.read(bytes("x"), Freshness.lease(), Duration.ofMillis(30))));
        assertThrows(IllegalArgumentException.class, () -> client.propose(bytes("x"), Duration.ZERO));
    }

    @Test
    void closingCompletesEveryCallAndSaysInWhichWorldItIs() {
        client = client(Duration.ofMinutes(5), "a");
        script.at("a", request -> new CompletableFuture<>());
        CompletableFuture<byte[]> proposing = client.propose(bytes("x"));
        CompletableFuture<byte[]> reading = client.read(bytes("x"));
        client.close();
        assertThrows(OutcomeUnknownException.class, () -> get(proposing));
        assertThrows(ServerStoppedException.class, () -> get(reading));
        assertThrows(ServerStoppedException.class, () -> get(client.propose(bytes("y"))));
        assertThrows(ServerStoppedException.class, () -> get(client.status("a")));
        client.close();
    }

    @Test
    void closingBetweenTwoAttemptsMeansThatNothingHappened() {
        client = client(Duration.ofMinutes(5), "a");
        script.at("a", new ClientResponse.Overloaded("full"));
        CompletableFuture<byte[]> proposing = client.propose(bytes("x"));
        while (script.asked().size() < 4) {
            Thread.onSpinWait();
        }
        client.close();
        // The answers come at once, so the call is between two attempts but for an instant in which it cannot be certain.
        RuntimeException thrown = assertThrows(RuntimeException.class, () -> get(proposing));
        assertTrue(thrown instanceof ServerStoppedException || thrown instanceof OutcomeUnknownException, thrown.toString());
        int asked = script.asked().size();
        assertThrows(ServerStoppedException.class, () -> get(client.propose(bytes("y"))));
        assertEquals(asked, script.asked().size());
    }

    @Test
    void whatIsChainedToACallMayCloseTheClient() {
        client = client(Duration.ofSeconds(20), "a");
        CompletableFuture<ClientResponse> answer = new CompletableFuture<>();
        script.at("a", request -> answer);
        CompletableFuture<Void> chained = client.propose(bytes("x")).thenAccept(result -> client.close());
        CompletableFuture<byte[]> other = client.read(bytes("x"));
        answer.complete(DONE);
        get(chained);
        assertTrue(other.isDone());
    }

    @Test
    void whoDoesNotAnswerIsLeftAloneAndComesBackByItself() {
        client = client(Duration.ofSeconds(20), "a", "b");
        script.at("a", DONE).failing("b", new IllegalStateException("reset"));
        for (int i = 0; i < 300; i++) {
            get(client.read(bytes("q"), Freshness.local()));
        }
        long asked = script.asked().stream().filter("b"::equals).count();
        assertTrue(asked <= 1, "b was asked " + asked + " times, and looked at: " + script.looked());
        script.gone("b");
        script.at("b", DONE);
        Cluster.get(until(() -> {
            get(client.read(bytes("q"), Freshness.local()));
            return script.asked().stream().filter("b"::equals).count() > asked;
        }));
        assertTrue(script.looked().contains("b"), "nobody who waits should have been the first to ask");
    }

    @Test
    void theOnlyReplicaIsAskedAsLongAsThereIsTime() {
        client = client(Duration.ofMillis(1500), "a");
        NotLeaderException thrown = assertThrows(NotLeaderException.class, () -> get(client.propose(bytes("x"))));     // refuses
        assertTrue(thrown.getMessage().contains("a=refused"), thrown.getMessage());
        int asked = script.asked().size();
        assertTrue(asked >= 4 && asked < 60, "asked " + asked + " times in 1.5 s");
        script.at("a", DONE);
        assertEquals("ok", text(get(client.propose(bytes("x")))));
    }

    @Test
    void aCallThatIsTooShortToAskAnybodySaysWhyNobodyWasAsked() {
        client = client(Duration.ofMillis(1), "a");
        NotLeaderException thrown = assertThrows(NotLeaderException.class, () -> {
            for (int i = 0; i < 50; i++) {
                get(client.propose(bytes("x")));
            }
        });
        assertTrue(thrown.getMessage().contains("a=refused"), thrown.getMessage());
    }

    @Test
    void aCallerWithoutPatienceSaysNothingAboutAReplica() {
        client = client(Duration.ofSeconds(20), "a", "b");
        script.at("a", request -> new CompletableFuture<ClientResponse>().orTimeout(5, TimeUnit.MILLISECONDS)).at("b", DONE);
        for (int i = 0; i < 20; i++) {
            client.read(bytes("q"), Freshness.local(), Duration.ofMillis(5)).handle((answer, failure) -> answer).join();
        }
        assertTrue(script.asked().stream().filter("a"::equals).count() >= 5, script.asked().toString());
    }

    @Test
    void aClientOfOneAddressOutlivesThatMachineAndItsFirstLeader() {
        client = client(Duration.ofSeconds(20), "a");
        script.members(members(5, "b", "c", "d")).at("a", new ClientResponse.NotLeader(2, "b")).at("b", DONE);
        get(client.propose(bytes("x")));
        script.gone("a");
        script.gone("b");
        script.at("c", new ClientResponse.NotLeader(0, null)).at("d", DONE);
        assertEquals("ok", text(get(client.propose(bytes("x")))));
        assertEquals("d", script.asked().get(script.asked().size() - 1));
    }

    @Test
    void readsStayWithTheGivenReplicasAsLongAsTheyAnswer() {
        client = client(Duration.ofSeconds(20), "a", "b");
        script.members(members(5, "a", "b", "c", "d"));
        List.of("a", "b", "c", "d").forEach(address -> script.at(address, DONE));
        for (int i = 0; i < 50; i++) {
            get(client.read(bytes("q"), Freshness.local()));
        }
        assertEquals(List.of("a", "b"), script.asked().stream().distinct().sorted().toList());
        script.gone("a");
        script.gone("b");
        for (int i = 0; i < 50; i++) {
            get(client.read(bytes("q"), Freshness.local()));
        }
        assertTrue(script.asked().containsAll(List.of("c", "d")), script.asked().toString());
    }

    @Test
    void theMembersAreAskedForWhenThereIsNewsAndSeldomOtherwise() {
        client = client(Duration.ofSeconds(20), "a");
        script.members(members(5, "a", "b")).at("a", DONE);
        for (int i = 0; i < 100; i++) {
            get(client.propose(bytes("x")));
        }
        assertEquals(List.of("a"), script.looked());
    }

    /** What it has seen may be more than the recovered group has; to wait for as much again could take days. */
    @Test
    void whatWasSeenOfAGroupBeforeItsRecoveryIsNotWaitedForAfterIt() {
        client = client(Duration.ofSeconds(20), "a");
        script.at("a", DONE);
        get(client.read(bytes("q"), Freshness.local()));
        script.epoch(1);
        assertEquals(0, client.lastIndex());
        get(client.read(bytes("q"), Freshness.local()));
        get(client.read(bytes("q"), Freshness.local()));
        assertEquals(List.of(Freshness.local(), Freshness.local(), Freshness.local().notBefore(7)),
            script.requests().stream().map(request -> ((ClientRequest.Read) request).freshness()).toList());
        assertEquals(7, client.lastIndex());
    }

    @Test
    void theEpochIsTheTransports() {
        assertEquals(0, client.epoch());
        script.epoch(3);
        assertEquals(3, client.epoch());
    }

    @Test
    void aBuilderTurnsNonsenseAway() {
        assertThrows(IllegalArgumentException.class, () -> RaftClient.builder(script, List.of()));
        assertThrows(IllegalArgumentException.class, () -> RaftClient.builder(script, List.of("a")).callTimeout(Duration.ZERO));
    }

    // ---- with a real group

    @Test
    void itFollowsTheLeaderOfARealGroupFromOneToTheNext() {
        try (Cluster cluster = new Cluster(3);
             RaftClient real = RaftClient.builder(cluster.network.clientTransport(), List.copyOf(cluster.members.values())).build()) {
            cluster.startAll();
            assertEquals("did a", text(get(real.propose(bytes("a")))));
            assertEquals("a", text(get(real.read(bytes("all")))));
            int leader = cluster.awaitLeader().replica().nodeId();
            cluster.stop(leader);
            assertEquals("did b", text(get(real.propose(bytes("b")))));
            assertEquals("a,b", text(get(real.read(bytes("all"), Freshness.local())).result()));
            int next = cluster.awaitLeader().replica().nodeId();
            assertEquals(next, get(real.status(InMemoryNetwork.address(next))).replica().nodeId());
            RequestFailedException thrown = assertThrows(RequestFailedException.class,
                () -> get(real.status(InMemoryNetwork.address(leader))));
            assertTrue(thrown.getMessage().contains("Nothing runs at memory:" + leader), thrown.getMessage());
            assertFalse(cluster.servers.containsKey(leader));
        }
    }

    @Test
    void itOutlivesARestartOfTheWholeGroup() {
        try (Cluster cluster = new Cluster(3);
             RaftClient real = RaftClient.builder(cluster.network.clientTransport(), List.copyOf(cluster.members.values()))
                 .callTimeout(Duration.ofSeconds(30)).build()) {
            cluster.startAll();
            assertEquals("did a", text(get(real.propose(bytes("a")))));
            cluster.members.keySet().forEach(cluster::stop);
            CompletableFuture<byte[]> proposing = real.propose(bytes("b"));
            CompletableFuture<byte[]> reading = real.read(bytes("all"));
            assertThrows(NotLeaderException.class, () -> get(real.propose(bytes("c"), Duration.ofMillis(300))));
            cluster.startAll();
            assertEquals("did b", text(get(proposing)));
            assertTrue(text(get(reading)).startsWith("a"));
            assertEquals("a,b", text(get(real.read(bytes("all")))));
        }
    }

    @Test
    void itFindsTheGroupWhenTheOnlyReplicaThatItWasToldOfIsRemoved() {
        try (Cluster cluster = new Cluster(4);
             RaftClient real = RaftClient.builder(cluster.network.clientTransport(), List.of(InMemoryNetwork.address(1)))
                 .callTimeout(Duration.ofSeconds(30)).build()) {
            cluster.startAllPatient();
            assertEquals("did a", text(get(real.propose(bytes("a")))));
            cluster.await(() -> cluster.members.values().stream().allMatch(real.toString()::contains));
            if (cluster.awaitLeader().replica().nodeId() == 1) {
                get(cluster.servers.get(1).transferLeadership(2));
            }
            RaftServer leader = cluster.awaitLeader();
            get(leader.propose(bytes("moved")));      // who is new in office takes no change of the membership
            get(leader.changeMembership(MembershipTarget.from(leader.membership()).without(1)));
            cluster.await(() -> leader.membership().goal() == null && leader.membership().members().size() == 3);
            cluster.stop(1);
            cluster.stop(cluster.awaitLeader().replica().nodeId());
            assertEquals("did b", text(get(real.propose(bytes("b")))));
        }
    }

    private static Membership members(long version, String... addresses) {
        List<Member> members = new ArrayList<>();
        for (String address : addresses) {
            members.add(new Member(new ReplicaId(members.size() + 1, 1), address));
        }
        return Membership.of(version, members);
    }

    /** Asks again and again until it holds. */
    private static CompletableFuture<Boolean> until(BooleanSupplier condition) {
        return CompletableFuture.supplyAsync(() -> {
            while (!condition.getAsBoolean()) {
                Thread.onSpinWait();
            }
            return true;
        });
    }

    private RaftClient client(Duration timeout, String... addresses) {
        return RaftClient.builder(script, List.of(addresses)).callTimeout(timeout).build();
    }
}
