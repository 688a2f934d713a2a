package io.quorate.examples.chaos;

import io.quorate.raft.Freshness;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.RaftException;
import io.quorate.raft.client.RaftClient;
import io.quorate.raft.client.Session;
import io.quorate.raft.testing.History;
import io.quorate.raft.testing.LinearizabilityChecker;
import io.quorate.raft.testing.Operation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A load of which nothing may be lost and nothing done twice, whatever happens to the replicas: so many operations over so many keys, by
 * workers that have one open at a time each. Commands go through a few sessions; reads are linearizable, and some are of any age.
 *
 * <p>The client is given time. Whatever happens, it is expected to bring each operation to its end by itself: one that it gives up is told
 * apart, and makes the load incomplete.
 */
final class MixedLoad implements AutoCloseable {

    /** For how long one operation may take: longer than any trouble that a scenario makes. */
    static final Duration PATIENCE = Duration.ofMinutes(3);

    private static final int SESSIONS = 4;
    private static final Session.Options OPTIONS = new Session.Options(Duration.ofMinutes(30), PATIENCE);
    private static final int KINDS = 10;

    private final RaftClient client;
    private final int operations;
    private final int keys;
    private final int workers;
    private final List<Session> sessions = new ArrayList<>();
    private final History history = new History();
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(work -> {
        Thread worker = new Thread(work, "mixed-load");
        worker.setDaemon(true);
        return worker;
    });
    // All below: guarded by this, which is notified of every answer.
    private final SplittableRandom random;
    private final long[] lastSeen;                            // by key: so that comparing and setting succeeds now and then
    private final Set<Long> acknowledged = new HashSet<>();   // ids of commands
    private final Set<Long> refused = new HashSet<>();
    private final Set<Long> unknown = new HashSet<>();
    private final Set<Integer> touched = new HashSet<>();     // keys
    private int begun;
    private int done;
    private int given;                                        // up, as refused or unknown
    private int nextClient;
    private long lastNanos = System.nanoTime();
    private long longestPauseNanos;
    private @Nullable Throwable lastFailure;
    private @Nullable Throwable defect;                       // of the client, or of this; the history is worth nothing then

    /** @param workers how many operations are open at a time */
    MixedLoad(RaftClient client, int operations, int keys, int workers, long seed) {
        this.client = client;
        this.operations = operations;
        this.keys = keys;
        this.workers = workers;
        lastSeen = new long[keys];
        random = new SplittableRandom(seed);
    }

    /** Opens the sessions, and begins. */
    void start() {
        for (int i = 0; i < SESSIONS; i++) {
            sessions.add(Session.open(client, OPTIONS).join());
        }
        for (int worker = 0; worker < workers; worker++) {
            Session session = sessions.get(worker % SESSIONS);
            int number = newClient();
            thread.execute(() -> operate(session, number));
        }
    }

    private synchronized int newClient() {
        return nextClient++;
    }

    private void operate(Session session, int number) {
        Tally.Request request;
        boolean isOfAnyAge;
        synchronized (this) {
            if (begun == operations) {
                return;
            }
            request = draw(++begun);
            isOfAnyAge = request.kind() == Tally.Kind.GET && random.nextInt(4) == 0;
            touched.add(request.key());
        }
        if (isOfAnyAge) {
            readAnyAge(session, number, request);
            return;
        }
        byte[] input = request.encode();
        boolean isRead = request.kind() == Tally.Kind.GET;
        long handle = history.invoke(number, isRead ? Operation.Kind.READ : Operation.Kind.PROPOSE, input);
        CompletableFuture<byte[]> answer = isRead
            ? client.read(input, Freshness.linearizable(), PATIENCE).thenApply(read -> read.result()) : session.propose(input);
        answer.handleAsync((output, failure) -> {
            int goesOnAs = number;
            if (failure == null) {
                history.done(handle, output);
            } else if (cause(failure) instanceof OutcomeUnknownException) {
                history.unknown(handle);
                goesOnAs = newClient();
            } else {
                history.failed(handle);
            }
            onAnswer(request, output, failure == null ? null : cause(failure));
            operate(session, goesOnAs);
            return true;
        }, thread).exceptionally(this::onDefect);
    }

    /** Such a read is no part of the history, for it may be answered with what was true before; but not before all that this client saw. */
    private void readAnyAge(Session session, int number, Tally.Request request) {
        long seen = client.lastIndex();
        client.read(request.encode(), Freshness.local(), PATIENCE).handleAsync((answer, failure) -> {
            if (answer != null && answer.index() < seen) {
                throw new IllegalStateException("it had seen index " + seen + ", and was answered from " + answer.index());
            }
            onAnswer(request, null, failure == null ? null : cause(failure));
            operate(session, number);
            return true;
        }, thread).exceptionally(this::onDefect);
    }

    private Tally.Request draw(long id) {
        int key = random.nextInt(keys);
        return switch (random.nextInt(KINDS)) {
            case 0, 1, 2, 3 -> new Tally.Request(Tally.Kind.GET, 0, key, 0, 0);
            case 4, 5, 6 -> new Tally.Request(Tally.Kind.ADD, id, key, 1 + random.nextInt(1000), 0);
            case 7 -> new Tally.Request(Tally.Kind.PUT, id, key, id << 20, 0);
            default -> new Tally.Request(Tally.Kind.COMPARE_AND_SET, id, key, id << 20, lastSeen[key]);
        };
    }

    private synchronized boolean onDefect(Throwable failure) {
        defect = cause(failure);
        notifyAll();
        return false;
    }

    private synchronized void onAnswer(Tally.Request request, byte @Nullable [] output, @Nullable Throwable failure) {
        if (failure != null && !(failure instanceof RaftException)) {
            throw new IllegalStateException("the client says neither that nothing happened nor that perhaps it did", failure);
        }
        boolean isCommand = request.kind() != Tally.Kind.GET;
        if (failure == null) {
            done++;
            long now = System.nanoTime();
            longestPauseNanos = Math.max(longestPauseNanos, now - lastNanos);
            lastNanos = now;
            if (output != null) {
                lastSeen[request.key()] = request.after(Tally.number(output));
            }
        } else {
            given++;
            lastFailure = failure;
        }
        if (isCommand) {
            (failure == null ? acknowledged : failure instanceof OutcomeUnknownException ? unknown : refused).add(request.id());
        }
        notifyAll();
    }

    /** Waits until so many more operations have ended than have now, or all. */
    synchronized void awaitMore(int wanted, long patienceMillis) throws ChaosException {
        int target = Math.min(operations, done + given + wanted);
        while (done + given < target) {
            if (defect != null) {
                throw new ChaosException("the load itself is broken: " + defect
                    + (defect.getCause() == null ? "" : ": " + defect.getCause()));
            }
            long left = patienceMillis - TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - lastNanos);
            if (left <= 0) {
                throw new ChaosException("nothing was answered for " + patienceMillis + " ms"
                    + (lastFailure == null ? "" : "; the last failure: " + lastFailure));
            }
            Monitors.await(this, left);
        }
    }

    synchronized boolean isOver() {
        return done + given == operations;
    }

    synchronized int ended() {
        return done + given;
    }

    synchronized long longestPauseMillis() {
        return TimeUnit.NANOSECONDS.toMillis(longestPauseNanos);
    }

    /**
     * What a replica's state says about the commands.
     *
     * @param lost    acknowledged, and not applied
     * @param twice   applied more than once
     * @param refuted applied, though the client had said that nothing happened
     * @param strange applied, and by none of these clients
     */
    record Effects(int lost, int twice, int refuted, int strange) {
        boolean areExactlyOnce() {
            return lost == 0 && twice == 0 && refuted == 0 && strange == 0;
        }
    }

    /** Compares what clients were told with how often each command was applied. */
    synchronized Effects effects(Map<Long, Integer> applied) {
        int twice = 0;
        int refuted = 0;
        int strange = 0;
        for (Map.Entry<Long, Integer> each : applied.entrySet()) {
            twice += each.getValue() > 1 ? 1 : 0;
            refuted += refused.contains(each.getKey()) ? 1 : 0;
            strange += acknowledged.contains(each.getKey()) || refused.contains(each.getKey()) || unknown.contains(each.getKey()) ? 0 : 1;
        }
        int lost = (int) acknowledged.stream().filter(id -> !applied.containsKey(id)).count();
        return new Effects(lost, twice, refuted, strange);
    }

    /** Whether one order explains what all clients did and heard. */
    LinearizabilityChecker.Verdict verdict() {
        return LinearizabilityChecker.check(new TallyModel(), history.operations());
    }

    /** What was done, in figures. */
    synchronized String figures() {
        return "operations=" + begun + " keys=" + touched.size() + " done=" + done + " commands=" + acknowledged.size() + " refused="
            + (given - unknown.size()) + " unknown=" + unknown.size();
    }

    /** Whether the client has brought each operation to its end. */
    synchronized boolean isComplete() {
        return done == operations;
    }

    @Override
    public void close() {
        sessions.forEach(Session::close);
        thread.shutdownNow();
    }

    private static Throwable cause(Throwable failure) {
        return failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
    }
}
