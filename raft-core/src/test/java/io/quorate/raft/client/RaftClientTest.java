package io.quorate.raft.client;

import static io.quorate.raft.Cluster.bytes;
import static io.quorate.raft.Cluster.get;
import static io.quorate.raft.Cluster.text;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.ClientRequest;
import io.quorate.raft.ClientResponse;
import io.quorate.raft.Cluster;
import io.quorate.raft.CommandTooLargeException;
import io.quorate.raft.NotLeaderException;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.OverloadedException;
import io.quorate.raft.RequestFailedException;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.ServerStoppedException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.testing.InMemoryNetwork;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class RaftClientTest {

    /** Answers as told, address by address; the last answer stays. */
    private static final class Script implements ClientTransport {

        private final Map<String, Queue<Function<ClientRequest, CompletableFuture<ClientResponse>>>> answers = new HashMap<>();
        private final List<String> asked = new ArrayList<>();
        private final List<ClientRequest> requests = new ArrayList<>();
        private boolean isClosed;

        Script at(String address, ClientResponse response) {
            return at(address, request -> CompletableFuture.completedFuture(response));
        }

        Script failing(String address, Throwable failure) {
            return at(address, request -> CompletableFuture.failedFuture(failure));
        }

        synchronized Script at(String address, Function<ClientRequest, CompletableFuture<ClientResponse>> answer) {
            answers.computeIfAbsent(address, key -> new ArrayDeque<>()).add(answer);
            return this;
        }

        synchronized List<String> asked() {
            return List.copyOf(asked);
        }

        synchronized List<ClientRequest> requests() {
            return List.copyOf(requests);
        }

        @Override
        public CompletableFuture<ClientResponse> call(String address, ClientRequest request, long timeoutNanos) {
            Function<ClientRequest, CompletableFuture<ClientResponse>> answer;
            synchronized (this) {
                asked.add(address);
                requests.add(request);
                Queue<Function<ClientRequest, CompletableFuture<ClientResponse>>> queue = answers.get(address);
                if (queue == null) {
                    return CompletableFuture.failedFuture(new NotSentException("refused", new TimeoutException()));
                }
                answer = queue.size() > 1 ? queue.remove() : queue.element();
            }
            return answer.apply(request);
        }

        @Override
        public synchronized void close() {
            isClosed = true;
        }
    }

    private static final ClientResponse DONE = new ClientResponse.Done(bytes("ok"), 7);

    private final Script script = new Script();
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
    void hintsThatGoRoundInACircleEndInAPauseAndNotInALoop() {
        client = client(Duration.ofMillis(300), "a", "b");
        script.at("a", new ClientResponse.NotLeader(2, "b")).at("b", new ClientResponse.NotLeader(1, "a"));
        NotLeaderException thrown = assertThrows(NotLeaderException.class, () -> get(client.propose(bytes("x"))));
        assertTrue(thrown.getMessage().contains("a=says that node 2 leads, at b"), thrown.getMessage());
        assertTrue(script.asked().size() < 200, "asked " + script.asked().size() + " times in 300 ms");
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
    void aLocalReadAsksForWhatThisClientHasSeen() {
        client = client(Duration.ofSeconds(20), "a");
        script.at("a", DONE);
        get(client.localRead(bytes("q")));
        get(client.propose(bytes("x")));
        get(client.localRead(bytes("q")));
        List<ClientRequest> requests = script.requests();
        assertEquals(0, assertInstanceOf(ClientRequest.Read.class, requests.get(0)).freshness().minIndex());
        assertEquals(7, assertInstanceOf(ClientRequest.Read.class, requests.get(2)).freshness().minIndex());
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
            assertEquals("a,b", text(get(real.localRead(bytes("all")))));
            int next = cluster.awaitLeader().replica().nodeId();
            assertEquals(next, get(real.status(InMemoryNetwork.address(next))).replica().nodeId());
            RequestFailedException thrown = assertThrows(RequestFailedException.class,
                () -> get(real.status(InMemoryNetwork.address(leader))));
            assertTrue(thrown.getMessage().contains("Nothing runs at memory:" + leader), thrown.getMessage());
            assertFalse(cluster.servers.containsKey(leader));
        }
    }

    private RaftClient client(Duration timeout, String... addresses) {
        return RaftClient.builder(script, List.of(addresses)).callTimeout(timeout).build();
    }
}
