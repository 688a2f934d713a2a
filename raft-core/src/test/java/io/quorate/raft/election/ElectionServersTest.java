package io.quorate.raft.election;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Cluster;
import io.quorate.raft.Sessions;
import io.quorate.raft.client.RaftClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Elections over real servers, clients and clocks, in this process. What simulation proves of rules, this shows of threads and sizes. */
class ElectionServersTest {

    private static final Elections.Options OPTIONS = Elections.Options.DEFAULT.withTtl(Duration.ofSeconds(20));

    private final Cluster cluster = new Cluster(3);
    private final List<RaftClient> clients = new ArrayList<>();
    private final List<Elections> all = new ArrayList<>();

    @BeforeEach
    void start() {
        cluster.members.keySet().forEach(id -> cluster.start(id, builder -> builder.stateMachine(Sessions.around(new LeasedKeys()))));
        cluster.awaitLeader();
    }

    @AfterEach
    void stop() {
        all.forEach(Elections::closeAsync);
        clients.forEach(RaftClient::close);
        cluster.close();
    }

    private Elections elections() {
        RaftClient client = RaftClient.builder(cluster.network.clientTransport(), List.copyOf(cluster.members.values())).build();
        clients.add(client);
        Elections elections = Elections.open(client, OPTIONS);
        all.add(elections);
        return elections;
    }

    @Test
    void closeHandsOverAtOnceAlsoWhenTheServerThatLedIsGone() {
        Elections one = elections();
        Elections other = elections();
        Leadership first = get(one.election("billing").campaign(new byte[] {1}));
        assertTrue(first.isValid());
        CompletableFuture<Leadership> next = other.election("billing").campaign(new byte[] {2});
        assertEquals(first.fencingToken(), get(other.election("billing").leader()).orElseThrow().fencingToken());
        cluster.servers.entrySet().stream().filter(each -> each.getValue() == cluster.awaitLeader()).findFirst()
            .ifPresent(each -> cluster.stop(each.getKey()));
        one.close();
        assertFalse(first.isValid());
        Leadership second = get(next);
        assertTrue(second.isValid());
        assertTrue(second.fencingToken() > first.fencingToken());
        assertTrue(first.remaining().isZero());
        assertTrue(second.remaining().compareTo(OPTIONS.ttl()) < 0);
    }

    @Test
    void aHundredCandidatesOfOneNameLeadOneAfterTheOther() {
        List<CompletableFuture<Leadership>> elected = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            elected.add(elections().election("billing").campaign(new byte[] {1}));
        }
        long last = 0;
        for (int turn = 0; turn < 100; turn++) {
            CompletableFuture<?>[] waiting = elected.toArray(CompletableFuture<?>[]::new);
            get(CompletableFuture.anyOf(waiting));
            List<CompletableFuture<Leadership>> done = elected.stream().filter(CompletableFuture::isDone).toList();
            assertEquals(1, done.size());
            Leadership leadership = done.get(0).join();
            assertTrue(leadership.isValid());
            assertTrue(leadership.fencingToken() > last);
            last = leadership.fencingToken();
            elected.removeAll(done);
            leadership.resign();
        }
    }

    @Test
    void aThousandNamesAreLedInOneGroupAndTheNextLeadsThemAllWhenTheirLeaderCloses() {
        Elections one = elections();
        Elections other = elections();
        List<CompletableFuture<Leadership>> first = new ArrayList<>();
        List<CompletableFuture<Leadership>> second = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            first.add(one.election("job " + i).campaign(new byte[] {1}));
        }
        first.forEach(each -> assertTrue(get(each).isValid()));
        for (int i = 0; i < 1000; i++) {
            second.add(other.election("job " + i).campaign(new byte[] {2}));
        }
        assertEquals(Optional.of(first.get(999).join().fencingToken()),
            get(other.election("job 999").leader()).map(Holder::fencingToken));
        one.close();
        second.forEach(each -> assertTrue(get(each).isValid()));
        first.forEach(each -> assertFalse(each.join().isValid()));
    }

    private static <T> T get(CompletableFuture<T> future) {
        return future.orTimeout(30, TimeUnit.SECONDS).join();
    }
}
