package io.quorate.raft.election;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.Cluster;
import io.quorate.raft.RaftServer;
import io.quorate.raft.RequestRefusedException;
import io.quorate.raft.ServerStatus;
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
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The group's lead as the application's, on real servers. A group of three serves one test after the other. */
@Timeout(60)
class GroupElectionTest {

    private static final RaftConfig CONFIG = RaftConfig.DEFAULT.withElectionTimeout(Duration.ofSeconds(1)).withLeases(10);
    private static final long WAIT_SECONDS = 30;
    private static final Group THREE = new Group(3);

    /** Remembers what it was told, and by which thread; told to, its start throws, and its stop waits. */
    private static final class Worker implements LeaderTask<GroupLeadership> {

        private final Cluster cluster;
        private final int nodeId;
        private final List<String> told = new ArrayList<>();       // guarded by this, for tests look in from outside
        private final List<String> threads = new ArrayList<>();    // likewise
        private volatile @Nullable GroupLeadership leadership;     // the last one that was started
        private volatile boolean isValidInStop;
        private volatile int failures;
        private volatile @Nullable CompletableFuture<Void> stopGate;
        private volatile long appliedAtStart;

        private Worker(Cluster cluster, int nodeId) {
            this.cluster = cluster;
            this.nodeId = nodeId;
        }

        @Override
        public void start(GroupLeadership begun) {
            appliedAtStart = cluster.servers.get(nodeId).status().appliedIndex();
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
            cluster.changed();
        }

        private synchronized List<String> told() {
            return List.copyOf(told);
        }

        private synchronized List<String> threads() {
            return List.copyOf(threads);
        }

        private synchronized void forget() {
            told.clear();
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

    /** Servers, each with an election. */
    private static final class Group implements AutoCloseable {

        private final Cluster cluster;
        private final Map<Integer, Worker> workers = new TreeMap<>();
        private final Map<Integer, GroupElection> elections = new TreeMap<>();
        private final List<ExecutorService> executors = new ArrayList<>();

        private Group(int size) {
            cluster = new Cluster(size);
        }

        private void start(int nodeId) {
            cluster.start(nodeId, builder -> builder.config(CONFIG));
            stand(nodeId, new Worker(cluster, nodeId));
        }

        private void stand(int nodeId, Worker worker) {
            ExecutorService executor = Executors.newSingleThreadExecutor(task -> new Thread(task, "worker-" + nodeId));
            executors.add(executor);
            workers.put(nodeId, worker);
            elections.put(nodeId, GroupElection.start(cluster.servers.get(nodeId), worker, executor));
        }

        /** As a candidate that has never failed. */
        private void standAnew(int nodeId) {
            elections.get(nodeId).close();
            stand(nodeId, new Worker(cluster, nodeId));
        }

        private Worker awaitLeader() {
            cluster.await(() -> workers.values().stream().anyMatch(Worker::leads));
            return workers.values().stream().filter(Worker::leads).findFirst().orElseThrow();
        }

        /** Who leads now, and is followed by all others, so that he can hand over to any; what was told before is forgotten. */
        private Worker begin() {
            cluster.await(() -> workers.values().stream().anyMatch(worker -> worker.leads() && isFollowedByAll(worker.nodeId)));
            Worker leader = awaitLeader();
            workers.values().forEach(Worker::forget);
            return leader;
        }

        private boolean isFollowedByAll(int nodeId) {
            ServerStatus status = cluster.servers.get(nodeId).status();
            return status.peers().stream().allMatch(peer -> peer.matchIndex() == status.lastIndex() && peer.heardNanosAgo() >= 0
                && peer.heardNanosAgo() < CONFIG.electionTimeoutNanos() / 2);
        }

        private Worker awaitAnother(Worker than) {
            cluster.await(() -> workers.values().stream().anyMatch(each -> each.nodeId != than.nodeId && each.leads()));
            return awaitLeader();
        }

        @Override
        public void close() {
            workers.values().forEach(worker -> worker.stopGate = null);
            elections.values().forEach(GroupElection::close);
            cluster.close();
            executors.forEach(ExecutorService::shutdownNow);
        }
    }

    @BeforeAll
    static void startThree() {
        for (int nodeId = 1; nodeId <= 3; nodeId++) {
            THREE.start(nodeId);
        }
    }

    @AfterAll
    static void stopThree() {
        THREE.close();
    }

    private static <T> T get(CompletionStage<T> stage) {
        try {
            return stage.toCompletableFuture().get(WAIT_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void whoLeadsTheGroupIsStartedAndTheOthersFollowIt() throws Exception {
        Worker leader = THREE.begin();

        GroupLeadership leadership = leader.leadership();
        assertEquals(new LeaderState.Leader(leadership), THREE.elections.get(leader.nodeId).state());
        assertTrue(leadership.remaining().compareTo(Duration.ofSeconds(1)) <= 0, "no longer than the promises it rests on");
        String address = THREE.cluster.members.get(leader.nodeId);
        for (GroupElection each : THREE.elections.values()) {
            if (each != THREE.elections.get(leader.nodeId)) {
                THREE.cluster.await(() -> each.state().equals(new LeaderState.Follower(address)));
            }
        }
        CompletableFuture<LeaderState> first = new CompletableFuture<>();
        AutoCloseable subscription = THREE.elections.get(leader.nodeId).subscribe(first::complete);
        assertEquals(new LeaderState.Leader(leadership), get(first), "a late subscriber is told the present state first");
        subscription.close();
    }

    @Test
    void aResignationAwaitsTheStopAndTheNextTokenIsHigher() {
        Worker first = THREE.begin();
        GroupLeadership leadership = first.leadership();
        CompletableFuture<Void> gate = new CompletableFuture<>();
        first.stopGate = gate;

        CompletionStage<Void> resigned = leadership.resign();

        THREE.cluster.await(() -> first.told().size() == 1);
        assertTrue(first.isValidInStop, "it may still tidy up");
        assertTrue(leadership.isValid(), "nobody else leads before the stop has returned");
        assertTrue(THREE.workers.values().stream().allMatch(each -> each == first || each.told().isEmpty()));
        gate.complete(null);
        get(resigned);
        first.stopGate = null;
        assertFalse(leadership.isValid());
        assertEquals(Leadership.Reason.RESIGNED, get(leadership.revoked()));
        assertEquals("stop " + leadership.fencingToken() + " RESIGNED", first.told().get(0));
        Worker second = THREE.awaitAnother(first);
        assertTrue(second.leadership().fencingToken() > leadership.fencingToken());
    }

    @Test
    void everythingOfEarlierTermsIsAppliedBeforeTheWorkStartsAndNoThreadOfTheServerDoesIt() {
        Worker first = THREE.begin();
        int before = THREE.cluster.machines.get(first.nodeId).commands().size();
        for (int i = 0; i < 20; i++) {
            THREE.cluster.propose("command " + i);
        }

        get(first.leadership().resign());

        Worker second = THREE.awaitAnother(first);
        assertTrue(second.appliedAtStart >= FencingToken.index(second.leadership().fencingToken()), "its own first entry is applied");
        assertEquals(before + 20, THREE.cluster.machines.get(second.nodeId).commands().size());
        for (Worker each : THREE.workers.values()) {
            assertTrue(each.threads().stream().allMatch(("worker-" + each.nodeId)::equals), each.threads().toString());
        }
    }

    @Test
    void thePreferredSuccessorLeadsNext() {
        Worker first = THREE.begin();
        Worker preferred = THREE.workers.get(first.nodeId % 3 + 1);

        get(first.leadership().resign(preferred.nodeId));

        THREE.cluster.await(preferred::leads);
    }

    @Test
    void whoCannotStartHandsTheLeadToSomebodyElse() {
        Worker first = THREE.begin();
        Worker next = THREE.workers.get(first.nodeId % 3 + 1);
        next.failures = 1;

        first.leadership().resign(next.nodeId);

        THREE.cluster.await(() -> next.told().size() >= 2);
        assertTrue(next.told().get(1).endsWith("START_FAILED"), next.told().toString());
        THREE.awaitAnother(next);
        THREE.standAnew(next.nodeId);      // it backs off, and would hand over what the next test gives it
    }

    @Test
    void closingHandsOverAfterTheStop() {
        Worker first = THREE.begin();

        THREE.elections.get(first.nodeId).close();

        assertEquals(List.of("stop " + first.leadership().fencingToken() + " CLOSED"), first.told());
        assertFalse(first.leadership().isValid());
        THREE.awaitAnother(first);
        assertEquals(new LeaderState.Unknown(), THREE.elections.get(first.nodeId).state());
        THREE.stand(first.nodeId, new Worker(THREE.cluster, first.nodeId));
    }

    @Test
    void aServerThatStopsLosesItsOffice() {
        Worker first = THREE.begin();

        THREE.cluster.stop(first.nodeId);

        assertFalse(first.leadership().isValid());
        THREE.cluster.await(() -> first.told().size() == 1);
        assertTrue(first.told().get(0).endsWith("LOST"), first.told().toString());
        THREE.awaitAnother(first);
        THREE.elections.get(first.nodeId).close();
        THREE.start(first.nodeId);
    }

    @Test
    void aGroupOfOneGoesOnWithAHigherTokenAfterAResignation() {
        try (Group one = new Group(1)) {
            one.start(1);
            Worker only = one.awaitLeader();
            GroupLeadership first = only.leadership();
            assertEquals(Duration.ofNanos(Long.MAX_VALUE), first.remaining(), "nobody else could be elected");

            ExecutionException failure = assertThrows(ExecutionException.class,
                () -> first.resign(7).toCompletableFuture().get(WAIT_SECONDS, TimeUnit.SECONDS));

            assertInstanceOf(RequestRefusedException.class, failure.getCause());
            assertFalse(first.isValid(), "it is over all the same");
            one.cluster.await(() -> only.told().size() == 3 && only.leads());
            assertTrue(only.leadership().fencingToken() > first.fencingToken());
            assertEquals(first.term(), only.leadership().term(), "nobody else was there to lead another");
        }
    }

    @Test
    void theNextElectionOfAServerGoesOnWithAHigherTokenInTheSameTerm() {
        try (Group one = new Group(1)) {
            one.start(1);
            GroupLeadership first = one.awaitLeader().leadership();

            one.elections.get(1).close();
            one.cluster.propose("while nobody watches");
            one.stand(1, new Worker(one.cluster, 1));

            GroupLeadership second = one.awaitLeader().leadership();
            assertEquals(first.term(), second.term());
            assertTrue(second.fencingToken() > first.fencingToken(), second + " after " + first);
        }
    }

    @Test
    void whoCannotStartAndIsAloneTriesAgainWithAHigherToken() {
        try (Group one = new Group(1)) {
            one.cluster.start(1, builder -> builder.config(CONFIG));
            Worker only = new Worker(one.cluster, 1);
            only.failures = 1;
            one.stand(1, only);

            one.cluster.await(() -> only.told().size() == 3);

            assertTrue(only.told().get(1).endsWith("START_FAILED"), only.told().toString());
            assertTrue(only.leadership().fencingToken() > Long.parseLong(only.told().get(0).substring("start ".length())));
        }
    }

    @Test
    void withoutLeasesThereIsNoElection() {
        try (Cluster cluster = new Cluster(1)) {
            RaftServer server = cluster.start(1);

            IllegalArgumentException refused = assertThrows(IllegalArgumentException.class,
                () -> GroupElection.start(server, new Worker(cluster, 1), Runnable::run));

            assertTrue(refused.getMessage().contains("withLeases"));
        }
    }
}
