package io.quorate.raft.election;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Cluster;
import io.quorate.raft.RaftServer;
import io.quorate.raft.RequestRefusedException;
import io.quorate.raft.core.RaftConfig;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The group's lead as the application's, on real servers. */
@Timeout(60)
class GroupElectionTest {

    private static final RaftConfig CONFIG = RaftConfig.DEFAULT.withElectionTimeout(Duration.ofSeconds(1)).withLeases(10);
    private static final long WAIT_SECONDS = 30;

    private final Map<Integer, Worker> workers = new TreeMap<>();
    private final Map<Integer, GroupElection> elections = new TreeMap<>();
    private final List<ExecutorService> executors = new ArrayList<>();
    private @Nullable Cluster cluster;

    /** Remembers what it was told, and by which thread; told to, its start throws, and its stop waits. */
    private final class Worker implements LeaderTask<GroupLeadership> {

        private final int nodeId;
        private final List<String> told = new ArrayList<>();       // guarded by this, for tests look in from outside
        private final List<String> threads = new ArrayList<>();    // likewise
        private volatile @Nullable GroupLeadership leadership;
        private volatile boolean isValidInStop;
        private volatile int failures;
        private volatile @Nullable CompletableFuture<Void> stopGate;
        private volatile long appliedAtStart;

        private Worker(int nodeId) {
            this.nodeId = nodeId;
        }

        @Override
        public void start(GroupLeadership begun) {
            appliedAtStart = cluster().servers.get(nodeId).status().appliedIndex();
            leadership = begun;
            note("start " + begun.fencingToken());
            if (failures > 0) {
                failures--;
                throw new IllegalStateException("the work cannot be done");
            }
        }

        @Override
        public void stop(GroupLeadership ended, Leadership.Reason why) {
            isValidInStop = ended.isValid();
            note("stop " + ended.fencingToken() + " " + why);
            CompletableFuture<Void> gate = stopGate;
            if (gate != null) {
                gate.join();
            }
        }

        private void note(String what) {
            synchronized (this) {
                told.add(what);
                threads.add(Thread.currentThread().getName());
            }
            cluster().changed();
        }

        private synchronized List<String> told() {
            return List.copyOf(told);
        }

        private synchronized List<String> threads() {
            return List.copyOf(threads);
        }

        private boolean leads() {
            GroupLeadership begun = leadership;
            return begun != null && begun.isValid();
        }

        private GroupLeadership leadership() {
            GroupLeadership begun = leadership;
            if (begun == null) {
                throw new AssertionError("node " + nodeId + " has not led");
            }
            return begun;
        }
    }

    @AfterEach
    void closeAll() {
        workers.values().forEach(worker -> worker.stopGate = null);
        elections.values().forEach(GroupElection::close);
        if (cluster != null) {
            cluster.close();
        }
        executors.forEach(ExecutorService::shutdownNow);
    }

    private Cluster cluster() {
        Cluster present = cluster;
        if (present == null) {
            throw new AssertionError("begin first");
        }
        return present;
    }

    private void begin(int size) {
        Cluster begun = new Cluster(size);
        cluster = begun;
        for (int nodeId : begun.members.keySet()) {
            begun.start(nodeId, builder -> builder.config(CONFIG));
            stand(nodeId);
        }
    }

    private void stand(int nodeId) {
        ExecutorService executor = Executors.newSingleThreadExecutor(task -> new Thread(task, "worker-" + nodeId));
        executors.add(executor);
        workers.put(nodeId, new Worker(nodeId));
        elections.put(nodeId, GroupElection.start(cluster().servers.get(nodeId), workers.get(nodeId), executor));
    }

    private Worker awaitLeader() {
        cluster().await(() -> workers.values().stream().anyMatch(Worker::leads));
        return workers.values().stream().filter(Worker::leads).findFirst().orElseThrow();
    }

    private static <T> T get(CompletionStage<T> stage) {
        try {
            return stage.toCompletableFuture().get(WAIT_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void whoLeadsTheGroupIsStartedAndTheOthersFollowIt() {
        begin(3);

        Worker leader = awaitLeader();

        GroupLeadership leadership = leader.leadership();
        assertEquals(List.of("start " + leadership.fencingToken()), leader.told());
        assertEquals(new LeaderState.Leader(leadership), elections.get(leader.nodeId).state());
        String address = cluster().members.get(leader.nodeId);
        for (GroupElection each : elections.values()) {
            if (each != elections.get(leader.nodeId)) {
                cluster().await(() -> each.state().equals(new LeaderState.Follower(address)));
            }
        }
        assertTrue(leadership.remaining().compareTo(CONFIG.electionTimeoutNanos() > 0 ? Duration.ofSeconds(1) : Duration.ZERO) <= 0,
            "a lease is no longer than the promises it rests on");
    }

    @Test
    void everythingOfEarlierTermsIsAppliedBeforeTheWorkStarts() {
        begin(3);
        Worker first = awaitLeader();
        for (int i = 0; i < 20; i++) {
            cluster().propose("command " + i);
        }

        get(first.leadership().resign());

        Worker second = awaitLeader();
        assertTrue(second.appliedAtStart >= FencingToken.index(second.leadership().fencingToken()), "its own first entry is applied");
        assertEquals(20, cluster().machines.get(second.nodeId).commands().size());
    }

    @Test
    void aResignationAwaitsTheStopAndTheNextTokenIsHigher() {
        begin(3);
        Worker first = awaitLeader();
        GroupLeadership leadership = first.leadership();
        CompletableFuture<Void> gate = new CompletableFuture<>();
        first.stopGate = gate;

        CompletionStage<Void> resigned = leadership.resign();

        cluster().await(() -> first.told().size() == 2);
        assertTrue(first.isValidInStop, "it may still tidy up");
        assertTrue(leadership.isValid(), "nobody else leads before the stop has returned");
        assertTrue(workers.values().stream().noneMatch(each -> each != first && each.leadership != null));
        gate.complete(null);
        get(resigned);
        assertFalse(leadership.isValid());
        assertEquals(Leadership.Reason.RESIGNED, get(leadership.revoked()));
        cluster().await(() -> workers.values().stream().anyMatch(each -> each != first && each.leads()));
        Worker second = awaitLeader();
        assertTrue(second.leadership().fencingToken() > leadership.fencingToken());
        assertEquals(List.of("start " + leadership.fencingToken(), "stop " + leadership.fencingToken() + " RESIGNED"), first.told());
    }

    @Test
    void thePreferredSuccessorLeadsNext() {
        begin(3);
        Worker first = awaitLeader();
        int preferred = first.nodeId % 3 + 1;

        get(first.leadership().resign(preferred));

        cluster().await(() -> workers.get(preferred).leads());
        assertEquals(1, workers.get(preferred).told().size());
    }

    @Test
    void aSuccessorWhoCannotBeIsTold() {
        begin(1);
        GroupLeadership leadership = awaitLeader().leadership();

        ExecutionException failure = assertThrows(ExecutionException.class,
            () -> leadership.resign(7).toCompletableFuture().get(WAIT_SECONDS, TimeUnit.SECONDS));

        assertInstanceOf(RequestRefusedException.class, failure.getCause());
        assertFalse(leadership.isValid(), "it is over all the same");
    }

    @Test
    void aGroupOfOneGoesOnWithAHigherTokenAfterAResignation() {
        begin(1);
        Worker only = awaitLeader();
        GroupLeadership first = only.leadership();

        first.resign();

        cluster().await(() -> only.told().size() == 3 && only.leads());
        assertTrue(only.leadership().fencingToken() > first.fencingToken());
        assertEquals(first.term(), only.leadership().term(), "nobody else was there to lead another");
    }

    @Test
    void closingHandsOverAfterTheStop() {
        begin(3);
        Worker first = awaitLeader();

        elections.get(first.nodeId).close();

        assertEquals(2, first.told().size());
        assertTrue(first.told().get(1).endsWith("CLOSED"));
        assertFalse(first.leadership().isValid());
        cluster().await(() -> workers.values().stream().anyMatch(each -> each != first && each.leads()));
        assertEquals(new LeaderState.Unknown(), elections.get(first.nodeId).state());
    }

    @Test
    void aServerThatStopsLosesItsOffice() {
        begin(3);
        Worker first = awaitLeader();

        cluster().stop(first.nodeId);

        assertFalse(first.leadership().isValid());
        cluster().await(() -> first.told().size() == 2);
        assertTrue(first.told().get(1).endsWith("LOST"));
        cluster().await(() -> workers.values().stream().anyMatch(each -> each != first && each.leads()));
    }

    @Test
    void whoCannotStartHandsTheLeadToSomebodyElse() {
        begin(3);
        Worker first = awaitLeader();
        int next = first.nodeId % 3 + 1;
        workers.get(next).failures = 1;

        first.leadership().resign(next);

        cluster().await(() -> workers.get(next).told().size() >= 2);
        assertTrue(workers.get(next).told().get(1).endsWith("START_FAILED"), workers.get(next).told().toString());
        cluster().await(() -> workers.values().stream().anyMatch(each -> each.nodeId != next && each.leads()));
    }

    @Test
    void whoCannotStartAndIsAloneTriesAgainWithAHigherToken() {
        cluster = new Cluster(1);
        cluster().start(1, builder -> builder.config(CONFIG));
        workers.put(1, new Worker(1));
        Worker only = workers.get(1);
        only.failures = 1;
        ExecutorService executor = Executors.newSingleThreadExecutor();
        executors.add(executor);
        elections.put(1, GroupElection.start(cluster().servers.get(1), only, executor));

        cluster().await(() -> only.told().size() == 3);

        assertTrue(only.told().get(1).endsWith("START_FAILED"));
        assertTrue(only.leadership().fencingToken() > Long.parseLong(only.told().get(0).substring("start ".length())));
    }

    @Test
    void theTaskIsNeverCalledOnAThreadOfTheServer() {
        begin(3);
        Worker first = awaitLeader();

        get(first.leadership().resign());
        awaitLeader();

        for (Worker each : workers.values()) {
            assertTrue(each.threads().stream().allMatch(("worker-" + each.nodeId)::equals), each.threads().toString());
        }
    }

    @Test
    void aLateSubscriberIsToldThePresentStateFirst() throws Exception {
        begin(3);
        Worker leader = awaitLeader();
        CompletableFuture<LeaderState> first = new CompletableFuture<>();

        AutoCloseable subscription = elections.get(leader.nodeId).subscribe(first::complete);

        assertEquals(new LeaderState.Leader(leader.leadership()), get(first));
        subscription.close();
    }

    @Test
    void withoutLeasesThereIsNoElection() {
        cluster = new Cluster(1);
        RaftServer server = cluster().start(1);

        IllegalArgumentException refused = assertThrows(IllegalArgumentException.class,
            () -> GroupElection.start(server, new Worker(1), Runnable::run));

        assertTrue(refused.getMessage().contains("withLeases"));
    }
}
