package io.quorate.raft.election;

import io.quorate.raft.NotLeaderException;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.RaftServer;
import io.quorate.raft.runtime.Waker;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the leader of a group the leader of the application: of the processes that each run a {@link RaftServer} of one group, one does the
 * work.
 *
 * <pre>{@code
 * GroupElection election = GroupElection.start(server, new LeaderTask<>() {
 *     public void start(GroupLeadership leadership) { scheduler.begin(leadership); }
 *     public void stop(GroupLeadership leadership, Leadership.Reason why) { scheduler.end(); }
 * }, executor);
 * ...
 * election.close();       // before the server: hands over at once
 * server.close();
 * }</pre>
 *
 * <p><b>When it starts.</b> {@link LeaderTask#start} is called when this replica leads, a quorum has promised to elect nobody else for a
 * while, and everything of earlier terms is applied to the state machine here: whatever an earlier leader of the application has put into
 * the group's log, the next one finds in its own state.
 *
 * <p><b>How long it lasts.</b> As long as the lease that {@link io.quorate.raft.core.RaftConfig#withLeases} asks for; the group must be
 * configured so, on each of its replicas, with the most by which any two of their clocks may differ in how fast they run. Each heartbeat
 * renews it, for about an election timeout. When it runs out, because the others cannot be reached or this process stood still, {@link
 * Leadership#isValid} is false from that moment on, and {@link LeaderTask#stop} follows. After a pause of this process that did not outlast
 * the lease, validity is in doubt until the others have answered; if they do in time nothing is stopped.
 *
 * <p><b>Who is told what.</b> All calls of the task, and of subscribers, are made on the executor that was given for them: never on a
 * thread of the server. The election has one thread of its own, {@code quorate-<node>-election}, which ends with {@link #close}.
 *
 * <p>A replica that was elected and cannot do the work ({@code start} throws, or does not return in time) hands the group's lead over, and
 * waits before it does the work again: a second first, up to a minute in the end. If there is nobody else, it leads the group meanwhile,
 * and nobody the application.
 *
 * <p>One election for one server. Thread-safe.
 */
public final class GroupElection implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(GroupElection.class);
    private static final long FAR_NANOS = Duration.ofHours(1).toNanos();

    /**
     * How long the task may take.
     *
     * @param startTimeout when {@link LeaderTask#start} has not returned by then, somebody else is to lead
     * @param stopTimeout  when {@link LeaderTask#stop} has not returned by then, the office that was given back goes to somebody else all
     *                     the same
     */
    public record Options(Duration startTimeout, Duration stopTimeout) {

        /** Half a minute for each. */
        public static final Options DEFAULT = new Options(Duration.ofSeconds(30), Duration.ofSeconds(30));

        public Options {
            if (startTimeout.isNegative() || startTimeout.isZero() || stopTimeout.isNegative() || stopTimeout.isZero()) {
                throw new IllegalArgumentException("A task has more than no time, not " + startTimeout + " to start and " + stopTimeout
                    + " to stop");
            }
        }
    }

    private final RaftServer server;
    private final Executor executor;
    private final Options options;
    private final Waker waker = new Waker();
    private final Candidacy candidacy;
    private final Thread thread;
    private final AtomicBoolean isWoken = new AtomicBoolean();
    private final CompletableFuture<Void> closed = new CompletableFuture<>();
    private volatile boolean isEnding;

    private GroupElection(RaftServer server, LeaderTask<? super GroupLeadership> task, Executor executor, Options options) {
        this.server = server;
        this.executor = executor;
        this.options = options;
        candidacy = new Candidacy(server.replica(), server.helm(), this::handOver, this::wake, task, executor,
            new Office.Patience(options.startTimeout(), options.stopTimeout()), bound -> ThreadLocalRandom.current().nextLong(bound),
            System::nanoTime);
        thread = new Thread(this::run, "quorate-" + server.replica().nodeId() + "-election");
        thread.setDaemon(true);      // the server keeps the process alive
    }

    /** Stands for election from now on, with {@link Options#DEFAULT}. */
    public static GroupElection start(RaftServer server, LeaderTask<? super GroupLeadership> task, Executor executor) {
        return start(server, task, executor, Options.DEFAULT);
    }

    /**
     * Stands for election from now on.
     *
     * @param server   started, and configured with leases
     * @param task     the leader's work
     * @param executor runs the task, and tells subscribers; where the task can take long or hang, subscribers need a thread beside it
     * @throws IllegalArgumentException if the server has no leases: then nothing would tell a leader in time that it leads no more
     */
    public static GroupElection start(RaftServer server, LeaderTask<? super GroupLeadership> task, Executor executor, Options options) {
        Objects.requireNonNull(task, "task");
        Objects.requireNonNull(executor, "executor");
        if (!server.helm().hasLeases()) {
            throw new IllegalArgumentException("An election needs leases: give each replica of the group a configuration with "
                + "RaftConfig.withLeases(driftPermille), where that is the most by which any two of their clocks differ in how fast they "
                + "run");
        }
        GroupElection election = new GroupElection(server, task, executor, options);
        election.thread.start();
        server.stopped().whenComplete((cause, failure) -> election.wake());
        return election;
    }

    /** Who leads, as is known here by now. */
    public LeaderState state() {
        return candidacy.board().state();
    }

    /**
     * Tells who leads: the present state first, then each other that follows, one at a time. A subscriber that is slower than the changes
     * misses those between, never the last.
     *
     * @param subscriber told on the executor of this election
     * @return ends that when it is closed
     */
    public AutoCloseable subscribe(Consumer<? super LeaderState> subscriber) {
        return candidacy.board().subscribe(Objects.requireNonNull(subscriber, "subscriber"), executor);
    }

    /**
     * Stands for election no more. If the office is held here, it is given back: {@link LeaderTask#stop} is awaited, then the group's lead
     * goes to another replica. Returns when that is done, or when the task has used up its time. Called by the task itself it returns at
     * once.
     *
     * <p>The replica goes on being one, and may be elected again later if its server is not closed too; it then leads the group, and nobody
     * the application.
     */
    @Override
    public void close() {
        CompletionStage<Void> left = candidacy.close();
        left.whenComplete((nothing, failure) -> end());
        if (candidacy.isCallingFrom(Thread.currentThread()) || Thread.currentThread() == thread) {
            return;
        }
        boolean isInterrupted = false;
        long deadline = System.nanoTime() + options.startTimeout().toNanos() + options.stopTimeout().toNanos()
            + RaftServer.CALL_TIMEOUT.toNanos();
        while (!closed.isDone()) {
            try {
                closed.get(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
            } catch (InterruptedException e) {
                isInterrupted = true;
            } catch (TimeoutException e) {
                LOG.warn("The leader's work of replica {} has not stopped in its time, and its election is closed all the same",
                    server.replica());
                end();
                closed.join();
            } catch (ExecutionException e) {
                throw new IllegalStateException("Nothing fails this", e);
            }
        }
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public String toString() {
        return "GroupElection[" + server.replica() + ", " + state() + "]";
    }

    private void end() {
        isEnding = true;
        wake();
    }

    private void wake() {
        isWoken.set(true);
        waker.wake();
    }

    private void run() {
        try {
            while (!isEnding) {
                isWoken.set(false);
                candidacy.turn();
                waker.sleep(Math.min(FAR_NANOS, candidacy.nanosUntilDeadline()), isWoken::get);
            }
        } catch (RuntimeException | Error e) {
            LOG.error("The election of replica {} has failed; it stands no more", server.replica(), e);
            candidacy.close();
        } finally {
            candidacy.end();
            closed.complete(null);
        }
    }

    /** Whoever leads no more has handed over already, and whoever was told to lead may have begun. */
    private CompletionStage<?> handOver(int toNode) {
        CompletableFuture<Void> handedOver = toNode == 0 ? server.transferLeadership() : server.transferLeadership(toNode);
        return handedOver.exceptionally(failure -> {
            Throwable cause = failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
            if (cause instanceof NotLeaderException || cause instanceof OutcomeUnknownException) {
                return null;
            }
            throw new CompletionException(cause);
        });
    }
}
