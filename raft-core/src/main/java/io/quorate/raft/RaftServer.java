package io.quorate.raft;

import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.MembershipCodec;
import io.quorate.raft.core.Message;
import io.quorate.raft.core.RaftConfig;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.runtime.Applier;
import io.quorate.raft.runtime.ClientService;
import io.quorate.raft.runtime.Completion;
import io.quorate.raft.runtime.Limits;
import io.quorate.raft.runtime.PassiveServer;
import io.quorate.raft.runtime.SnapshotCompletion;
import io.quorate.raft.runtime.Waker;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One replica of a group, running: it keeps your {@link StateMachine} a copy of the others', and takes commands and queries for it.
 *
 * <pre>{@code
 * RaftServer server = RaftServer.builder()
 *     .members(Map.of(1, "a:4000", 2, "b:4000", 3, "c:4000"))     // the same on all three
 *     .storage(storage)                                           // says which of them this is
 *     .transport(transport)
 *     .stateMachine(machine)
 *     .start();
 * byte[] result = server.propose(command).get();
 * }</pre>
 *
 * <p><b>Outcomes.</b> Every future completes: with the result, or with an exception that tells whether anything happened. Only an
 * {@link OutcomeUnknownException} means "perhaps"; after every other one nothing happened, and nothing will. All calls have a deadline
 * ({@link Builder#callTimeout}, or the one given with the call). It is noticed a few milliseconds late; while your state machine is
 * inside a method, up to a tenth of a second.
 *
 * <p><b>Threads.</b> Six: {@code quorate-<node>-raft}, {@code -disk} and {@code -apply}, and three that mostly sleep: {@code -snapshot}, on
 * which your state is written out, {@code -transfer}, which moves snapshots between replicas, and {@code -late}, which completes calls at
 * their deadline while the apply thread is held up. While it stops, a seventh, {@code -stop}.
 * They are not daemons: a replica that others count on ends by {@link #close}, not because {@code main} returned. Your state machine
 * and, mostly, what you chain to the futures run on the apply thread: be quick there, and never wait there for another call of this
 * server. What fails at once is completed before it is returned, what a stop leaves open is completed on the stop thread, and what is
 * over while the apply thread is held up, on the late thread.
 *
 * <p><b>Failure.</b> When the disk fails, the state machine throws, a thread dies or an invariant is broken, the server stops: it says why
 * at ERROR, in {@link #status} and in {@link #stopped}, and completes all calls. Nothing is retried; start a new server on the same
 * directory when the cause is gone.
 *
 * <p>All methods may be called from any thread.
 */
public final class RaftServer implements AutoCloseable {

    /** How long a call may take unless it says otherwise. */
    public static final Duration CALL_TIMEOUT = Duration.ofSeconds(10);

    /** How much of what was written long ago is read again per second unless the builder says otherwise. */
    public static final long SCRUB_BYTES_PER_SECOND = 1 << 20;

    private static final Logger LOG = LoggerFactory.getLogger(RaftServer.class);
    private static final long FAR_NANOS = Duration.ofHours(1).toNanos();
    private static final long STOP_LOG_MILLIS = 10_000;

    private final ReplicaId replica;
    private final Storage storage;
    private final Transport transport;
    private final RaftObserver observer;
    private final long callTimeoutNanos;
    private final long handOverNanos;       // how long a leader that is closed may take to hand over
    private final PassiveServer parts;
    private final ClientService clients;
    private final Thread raftThread;
    private final Thread diskThread;
    private final Thread applyThread;
    private final Thread snapshotThread;
    private final Thread transferThread;
    private final Thread lateThread;
    private final Thread stopThread;        // there from the start: when the server must stop, the system may have no thread to give
    private final Waker lateWaker = new Waker();
    private final CompletableFuture<Optional<Throwable>> stopping = new CompletableFuture<>();
    private final CompletableFuture<Optional<Throwable>> stopped = new CompletableFuture<>();
    private final AtomicBoolean isClosing = new AtomicBoolean();      // from outside: hands over, and then stops
    private final AtomicBoolean isStopping = new AtomicBoolean();
    private volatile boolean raftRuns = true;
    private volatile boolean diskRuns = true;
    private volatile boolean applyRuns = true;
    private volatile boolean snapshotRuns = true;
    private volatile boolean transferRuns = true;
    private volatile boolean lateRuns = true;
    private volatile @Nullable ServerStatus lastStatus;     // set when everything has ended

    private RaftServer(Builder builder, Map<Integer, String> members, Storage storage, Transport transport, StateMachine machine) {
        this.storage = storage;
        this.transport = transport;
        observer = builder.observer;
        callTimeoutNanos = builder.callTimeout.toNanos();
        handOverNanos = Math.min(callTimeoutNanos, builder.config.electionTimeoutNanos());
        replica = storage.identity().replica();
        parts = new PassiveServer(members, builder.config, builder.snapshots, builder.scrubBytesPerSecond, storage, transport, machine,
            observer, new SecureRandom(), System::nanoTime);
        clients = new ClientService(replica, parts, callTimeoutNanos, builder.isAdministered);
        raftThread = thread("raft", this::runRaft);
        diskThread = thread("disk", this::runDisk);
        applyThread = thread("apply", this::runApply);
        snapshotThread = thread("snapshot", this::runSnapshot);
        transferThread = thread("transfer", this::runTransfer);
        lateThread = thread("late", this::runLate);
        stopThread = thread("stop", this::runStop);
    }

    /** What a server is made of. */
    public static Builder builder() {
        return new Builder();
    }

    /** Which replica this is. */
    public ReplicaId replica() {
        return replica;
    }

    /** Where others reach this replica. */
    public String address() {
        return transport.advertisedAddress();
    }

    /**
     * Replicates a command, and completes with what the state machine returned for it on this replica.
     *
     * <p>Fails with {@link NotLeaderException} (ask the leader it names), {@link OverloadedException} (try again later), {@link
     * CommandTooLargeException}, {@link ServerStoppedException}: nothing happened. With {@link OutcomeUnknownException}: perhaps it did.
     *
     * @param command at most 32 MiB; not changed until the future completes
     */
    public CompletableFuture<byte[]> propose(byte[] command) {
        return propose(command, callTimeoutNanos);
    }

    /** The same, with a deadline of its own. */
    public CompletableFuture<byte[]> propose(byte[] command, Duration timeout) {
        return propose(command, nanosOf(timeout));
    }

    /**
     * Replicates a command likewise, and tells the callback what the future would have completed with. A command that is refused at once
     * is so before this returns, on the caller's thread.
     *
     * @param command at most 32 MiB; not changed until the callback is told
     */
    public void propose(byte[] command, Callback callback) {
        RuntimeException refused = parts.propose(command, callTimeoutNanos, Objects.requireNonNull(callback, "callback"));
        if (refused != null) {
            callback.failed(refused);
        }
    }

    /**
     * Settles an unknown outcome: completes with true if this entry was applied, with false if it was not and never will be, as soon as
     * one of the two is certain at this replica. Any replica can tell; what they say is the same.
     *
     * <p>An exception says nothing about the entry: {@link OutcomeUnknownException} (not certain in time: wait again; or this replica has
     * that part of the log from a snapshot: ask another), {@link NotLeaderException} (this replica is blank), {@link
     * OverloadedException}, {@link ServerStoppedException}.
     *
     * @param entry as {@link OutcomeUnknownException#entry} named it
     */
    public CompletableFuture<Boolean> awaitOutcome(EntryId entry) {
        return awaitOutcome(entry, callTimeoutNanos);
    }

    /** The same, with a deadline of its own. */
    public CompletableFuture<Boolean> awaitOutcome(EntryId entry, Duration timeout) {
        return awaitOutcome(entry, nanosOf(timeout));
    }

    /**
     * Answers a query from a state that includes everything that was acknowledged to anybody before this call. No entry is written. The
     * state machine may be asked more than once.
     *
     * <p>Fails as {@link #propose}, but never with {@link OutcomeUnknownException}; or with whatever {@link StateMachine#query} threw.
     *
     * @param query not changed until the future completes
     */
    public CompletableFuture<byte[]> read(byte[] query) {
        return read(query, callTimeoutNanos);
    }

    /** The same, with a deadline of its own. */
    public CompletableFuture<byte[]> read(byte[] query, Duration timeout) {
        return read(query, nanosOf(timeout));
    }

    /**
     * Answers a query from a state as new as is asked for, and says how new it is. Any replica can: one that does not lead asks the leader
     * what the answer must hold, unless {@link Freshness#local} is enough, or {@link Freshness#atMost} and it has asked a moment ago. With
     * {@link Freshness#notBefore} the answer waits until that index is applied here.
     *
     * <p>Fails as {@link #read(byte[])}; with {@link OverloadedException} also if this replica had not applied enough in time.
     *
     * @param query not changed until the future completes
     */
    public CompletableFuture<Answer> read(byte[] query, Freshness freshness) {
        return read(query, freshness, callTimeoutNanos);
    }

    /** The same, with a deadline of its own. */
    public CompletableFuture<Answer> read(byte[] query, Freshness freshness, Duration timeout) {
        return read(query, freshness, nanosOf(timeout));
    }

    /**
     * States what the group is to become. Only the leader can take that. The future completes with the membership in which the goal stands
     * once that is committed, so that it will not be forgotten. The group then goes there by itself, over changes of the leader and
     * restarts: new voters receive the log first and count as soon as they have caught up. {@link #membership} tells when the goal is
     * reached (it has none any more then), {@link #explain} at the leader what it waits for. Until then another goal may be stated, which
     * replaces it; the present voters as a goal give it up.
     *
     * <p>A replica that is to come in runs already, on a blank data directory, and was started with the address of at least one member:
     * {@link ServerStatus#strangers} of any member names it. A disk that was lost is replaced in the same way: name the node with its new
     * incarnation.
     *
     * <p>Fails with {@link NotLeaderException}, {@link RequestRefusedException} (somebody else has changed it, or the previous step is
     * not committed yet, or leadership moves: its reason tells), {@link RequestFailedException} (no group can become that), {@link
     * ServerStoppedException}: nothing happened. With {@link OutcomeUnknownException}: perhaps it was stated; the membership's version
     * tells.
     *
     * @param expectedVersion of the membership that the goal was made from
     * @param goal            see {@link MembershipTarget}
     */
    public CompletableFuture<Membership> changeMembership(long expectedVersion, Membership.Goal goal) {
        return changeMembership(expectedVersion, goal, callTimeoutNanos);
    }

    /** The same, with a deadline of its own. */
    public CompletableFuture<Membership> changeMembership(long expectedVersion, Membership.Goal goal, Duration timeout) {
        return changeMembership(expectedVersion, goal, nanosOf(timeout));
    }

    /** The same, for a target that knows which membership it was made from. */
    public CompletableFuture<Membership> changeMembership(MembershipTarget target) {
        return changeMembership(target.version(), target.goal());
    }

    /** Who belongs to the group, as this replica's log has it; null while it belongs to none. Waits as {@link #status} does. */
    public @Nullable Membership membership() {
        return status().membership();
    }

    /**
     * Hands leadership over to whoever is best: a voter that has the whole log, or nearly. The future completes when another term has
     * begun. Commands that come meanwhile wait, and are then taken or refused.
     *
     * <p>Fails with {@link NotLeaderException}, {@link RequestRefusedException} (its reason tells: a transfer is under way, nobody can
     * lead, or the one that was to did not catch up in time), {@link ServerStoppedException}: nothing happened, and this
     * replica leads on unless it was deposed. With {@link OutcomeUnknownException}: another was told to lead, and what came of it is not known
     * here; he may lead, or a third, or this replica again, so see who leads before you ask for another transfer.
     */
    public CompletableFuture<Void> transferLeadership() {
        return transfer(0, callTimeoutNanos);
    }

    /** The same, to this node. */
    public CompletableFuture<Void> transferLeadership(int nodeId) {
        return transferLeadership(nodeId, Duration.ofNanos(callTimeoutNanos));
    }

    /** The same, with a deadline of its own. */
    public CompletableFuture<Void> transferLeadership(int nodeId, Duration timeout) {
        if (nodeId < 1) {
            throw new IllegalArgumentException("A node id is 1 or more, not " + nodeId);
        }
        return transfer(nodeId, nanosOf(timeout));
    }

    /**
     * Takes a snapshot of this replica's state now, whatever the length of its log, and completes when it is durable. Any replica can. It
     * covers at least what is applied here by now; if the newest does already, that one is the answer.
     *
     * <p>Fails with whatever the state machine threw, with an {@link UnsupportedOperationException} if that has no snapshots, with an
     * {@link IllegalStateException} if nothing has been applied yet, with {@link OverloadedException} if none was begun in time or too many
     * wait for one, or with {@link ServerStoppedException}; all is as it was then. With {@link OutcomeUnknownException} if it was still
     * being written when the time was up: it may become durable yet.
     */
    public CompletableFuture<SnapshotInfo> takeSnapshot() {
        return takeSnapshot(callTimeoutNanos);
    }

    /** The same, with a deadline of its own: writing a large state takes long. */
    public CompletableFuture<SnapshotInfo> takeSnapshot(Duration timeout) {
        return takeSnapshot(nanosOf(timeout));
    }

    /**
     * Takes a snapshot likewise and copies it to a file, with all that belongs to it: the index, the membership, replicated time. The file
     * is written under a temporary name beside it, forced to disk and then renamed, so what stands under its name is whole. {@link Backup}
     * says what can be done with it.
     *
     * <p>Fails as {@link #takeSnapshot()}. With {@link OutcomeUnknownException} the copy is given up, unless it had just been finished: see
     * whether the file is there.
     *
     * @param file must not exist
     */
    public CompletableFuture<SnapshotInfo> backup(Path file) {
        return backup(file, callTimeoutNanos);
    }

    /** The same, with a deadline of its own: writing and copying a large state takes long. */
    public CompletableFuture<SnapshotInfo> backup(Path file, Duration timeout) {
        return backup(file, nanosOf(timeout));
    }

    /**
     * How this replica is. Waits for the raft thread, which waits for nothing but your {@link RaftObserver}.
     *
     * @throws OverloadedException if that thread did not answer for as long as a call may take: the observer holds it up, or the process
     *     stands still
     */
    public ServerStatus status() {
        if (Thread.currentThread() == raftThread) {
            return parts.loop().status();
        }
        CompletableFuture<ServerStatus> answer = new CompletableFuture<>();
        if (parts.ask(answer::complete)) {
            return awaitRaftThread(answer);
        }
        return Objects.requireNonNull(lastStatus, "set before the mailbox is closed");
    }

    /** What holds this replica and its group up, as it sees that: {@link Explanation#of} its {@link #status}. Waits, and fails, as that. */
    public Explanation explain() {
        return Explanation.of(status());
    }

    /** Who leads the group, as this replica knows it, without waiting for anything. */
    public Helm helm() {
        return parts.helm();
    }

    /** What this server has counted and measured since it started. Waits, and fails, as {@link #status} does. */
    public Metrics metrics() {
        if (Thread.currentThread() == raftThread) {
            return parts.metrics();
        }
        CompletableFuture<Metrics> answer = new CompletableFuture<>();
        return parts.askMetrics(answer::complete) ? awaitRaftThread(answer) : parts.stoppedMetrics();
    }

    /** What the raft thread answers. An interrupt is kept for later: whoever asks waits for one turn of it, usually. */
    private <T> T awaitRaftThread(CompletableFuture<T> answer) {
        long endNanos = System.nanoTime() + callTimeoutNanos;
        boolean isInterrupted = false;
        try {
            for (;;) {
                try {
                    return answer.get(Math.max(0, endNanos - System.nanoTime()), TimeUnit.NANOSECONDS);
                } catch (InterruptedException e) {
                    isInterrupted = true;
                } catch (TimeoutException e) {
                    throw new OverloadedException("Nothing happened: the raft thread of replica " + replica + " did not answer in time;"
                        + " see whether a RaftObserver blocks it, or the process is starved of processor time");
                } catch (ExecutionException e) {
                    throw new IllegalStateException("The raft thread only ever completes this", e);
                }
            }
        } finally {
            if (isInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /**
     * Completes when the server has stopped, all its calls are completed and its threads have ended: with the cause, or empty if it was
     * closed. What is chained to it runs on the stop thread.
     */
    public CompletionStage<Optional<Throwable>> stopped() {
        return stopped.minimalCompletionStage();
    }

    /**
     * Stops the server and returns when it has stopped. A leader first hands over to the best of the others, so that the group need not
     * wait until it misses its leader; that takes one election timeout at most, and nothing if nobody else is there. Then end the
     * transport, the threads and the storage, in this order. Calls that are open complete. It waits for a state machine that is inside a
     * method; a snapshot that is being written ends where it writes next.
     *
     * <p>Called from one of the server's own threads (by the state machine, an observer, or what is chained to a future) it returns at
     * once, hands nothing over, and the server stops when that thread is free.
     */
    @Override
    public void close() {
        if (isOwnThread(Thread.currentThread())) {
            stop(null);
            return;
        }
        if (isClosing.compareAndSet(false, true)) {
            handOver();
            stop(null);
        }
        stopped.join();
    }

    /** If this replica leads, lets another lead; comes back in an election timeout at the latest. */
    private void handOver() {
        long endNanos = System.nanoTime() + handOverNanos;
        try {
            CompletableFuture<ServerStatus> status = new CompletableFuture<>();
            if (parts.ask(status::complete) && mayHandOver(status.get(handOverNanos, TimeUnit.NANOSECONDS))) {
                transfer(0, handOverNanos).get(Math.max(0, endNanos - System.nanoTime()), TimeUnit.NANOSECONDS);
                LOG.info("Replica {} has handed leadership over", replica);
            }
        } catch (ExecutionException | TimeoutException e) {
            LOG.info("Replica {} could not hand leadership over before it stops: {}", replica,
                e instanceof TimeoutException ? "there was no time" : String.valueOf(e.getCause().getMessage()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static boolean mayHandOver(ServerStatus status) {
        Membership membership = status.membership();
        return status.state() == ServerStatus.State.LEADER && membership != null && !membership.isSingleVoter();
    }

    @Override
    public String toString() {
        return "RaftServer[" + replica + "]";
    }

    private CompletableFuture<Boolean> awaitOutcome(EntryId entry, long timeoutNanos) {
        return call((result, index) -> PassiveServer.isApplied(result), completion -> parts.awaitOutcome(entry, timeoutNanos, completion));
    }

    private CompletableFuture<SnapshotInfo> takeSnapshot(long timeoutNanos) {
        FutureSnapshot future = new FutureSnapshot();
        return future.unless(parts.takeSnapshot(timeoutNanos, future));
    }

    private CompletableFuture<SnapshotInfo> backup(Path file, long timeoutNanos) {
        FutureSnapshot future = new FutureSnapshot();
        return future.unless(parts.backup(Objects.requireNonNull(file, "file"), timeoutNanos, future));
    }

    private CompletableFuture<byte[]> propose(byte[] command, long timeoutNanos) {
        FutureCompletion<byte[]> future = new FutureCompletion<>((result, index) -> result);
        return future.unless(parts.propose(command, timeoutNanos, future));
    }

    private CompletableFuture<byte[]> read(byte[] query, long timeoutNanos) {
        return this.<byte[]>call((result, index) -> result, completion -> parts.read(query, timeoutNanos, completion));
    }

    private CompletableFuture<Answer> read(byte[] query, Freshness freshness, long timeoutNanos) {
        return call(Answer::new, completion -> parts.read(query, freshness, timeoutNanos, completion));
    }

    private CompletableFuture<Membership> changeMembership(long expectedVersion, Membership.Goal goal, long timeoutNanos) {
        return call((result, index) -> MembershipCodec.decode(result),
            completion -> parts.changeMembership(expectedVersion, goal, timeoutNanos, completion));
    }

    private CompletableFuture<Void> transfer(int nodeId, long timeoutNanos) {
        return this.<@Nullable Void>call((result, index) -> null, completion -> parts.transfer(nodeId, timeoutNanos, completion));
    }

    private <T extends @Nullable Object> CompletableFuture<T> call(Reading<T> reading,
                                                                       Function<Completion, @Nullable RuntimeException> start) {
        FutureCompletion<T> future = new FutureCompletion<>(reading);
        return future.unless(start.apply(future));
    }

    private static long nanosOf(Duration timeout) {
        if (timeout.isNegative() || timeout.compareTo(Duration.ofDays(365)) > 0) {
            throw new IllegalArgumentException("A timeout is between 0 and 365 days, not " + timeout);
        }
        return timeout.toNanos();
    }

    // ------------------------------------------------------------------------------------------------------------------- the threads

    private void runRaft() {
        try {
            while (raftRuns) {
                parts.loop().turn(System::nanoTime);
                parts.mailbox().sleep(parts.loop().nanosUntilDeadline(System.nanoTime()));
            }
        } catch (Throwable e) {
            stop(e);        // closes the transport, which is what the next line waits for
        }
        parts.mailbox().leave();
    }

    private void runDisk() {
        while (diskRuns) {
            parts.gatherWrites();
            if (!parts.turnDisk()) {
                parts.sleepDisk(Math.min(FAR_NANOS, parts.nanosUntilDisk()));
            }
        }
    }

    private void runApply() {
        while (applyRuns) {
            parts.applier().turn(System.nanoTime());
            parts.applier().sleep(Math.min(FAR_NANOS, parts.applier().nanosUntilDeadline(System.nanoTime())));
        }
    }

    private void runSnapshot() {
        while (snapshotRuns) {
            parts.taker().turn();
            parts.taker().sleep(FAR_NANOS);
        }
    }

    private void runTransfer() {
        while (transferRuns) {
            parts.transfer().turn(System.nanoTime());
            parts.transfer().sleep(Math.min(FAR_NANOS, parts.transfer().nanosUntilDeadline(System.nanoTime())));
        }
    }

    private void runLate() {
        while (lateRuns) {
            parts.applier().relieve(System.nanoTime());
            lateWaker.sleep(Applier.LOOK_NANOS, () -> false);
        }
    }

    private void runStop() {
        end(stopping.join().orElse(null));
    }

    private Thread thread(String name, Runnable work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (Throwable e) {       // whatever it is: a server with a dead thread only looks alive
                stop(e);
            }
        }, "quorate-" + replica.nodeId() + "-" + name);
        thread.setDaemon(false);
        return thread;
    }

    private boolean isOwnThread(Thread thread) {
        return thread == stopThread || workers().contains(thread);
    }

    private List<Thread> workers() {
        return List.of(raftThread, diskThread, applyThread, snapshotThread, transferThread, lateThread);
    }

    private void start() {
        try {
            stopThread.start();
            if (!parts.loop().isBlank()) {
                // One turn here, before there is a raft thread: what is known as committed is applied while the transport starts, which
                // takes long when it is a process's first. A follower that is started again on a long log was back in 0.93 of the time.
                parts.loop().turn(System::nanoTime);
            }
            Map<Integer, String> addresses = parts.loop().addresses();
            applyThread.start();
            snapshotThread.start();
            transferThread.start();
            lateThread.start();
            diskThread.start();
            transport.start(new Transport.Local(storage.identity()), addresses, new Deliverer());
            LOG.info("Replica {} starts, boot {}, at {}", replica, storage.identity().boot(), transport.advertisedAddress());
            raftThread.start();
        } catch (Throwable e) {
            if (isStopping.compareAndSet(false, true)) {
                if (stopThread.isAlive()) {
                    stopping.complete(Optional.of(e));
                    stopped.join();
                } else {
                    end(e);
                }
                throw e;
            }
            Throwable cause = stopped.join().orElse(e);     // it has stopped while it started, and that is why this failed
            workers().forEach(this::join);                  // the last of them may have been started when all was over
            throw new ServerStoppedException("The replica stopped while it was started: " + cause, cause);
        }
    }

    // ------------------------------------------------------------------------------------------------------------------- stopping

    private void stop(@Nullable Throwable cause) {
        if (!isStopping.compareAndSet(false, true)) {
            if (cause != null) {
                LOG.warn("Replica {}: while it stopped, this failed too", replica, cause);
            }
            return;
        }
        if (cause != null) {
            LOG.error("Replica {} stops: {}", replica, cause, cause);
        }
        stopping.complete(Optional.ofNullable(cause));
    }

    private void end(@Nullable Throwable cause) {
        try {
            carefully("closing the transport", transport::close);
            raftRuns = false;
            parts.mailbox().endSleep();
            join(raftThread);
            // Now, not at the end: the apply thread may be waiting for the status, in a callback.
            lastStatus = parts.loop().stoppedStatus(cause);
            carefully("completing the calls that came last", () -> parts.closeLoop(cause));
            diskRuns = false;
            parts.endDiskSleep();
            join(diskThread);
            snapshotRuns = false;
            parts.taker().cancel();       // what is being written ends at its next byte
            join(snapshotThread);
            transferRuns = false;
            parts.transfer().endSleep();
            join(transferThread);
            applyRuns = false;
            parts.applier().endSleep();
            join(applyThread);
            lateRuns = false;             // not before: until then the calls that are open have their deadlines
            lateWaker.end();
            join(lateThread);
            lastStatus = parts.loop().stoppedStatus(cause);
            carefully("completing the open calls", () -> parts.closeApplier(cause));
            carefully("letting go of snapshots", () -> parts.closeSnapshots(cause));
            carefully("closing the storage", storage::close);
            LOG.info("Replica {} has stopped", replica);
            carefully("telling the observer", () -> observer.onStopped(cause));
        } finally {
            stopped.complete(Optional.ofNullable(cause));
        }
    }

    private void carefully(String what, Runnable step) {
        try {
            step.run();
        } catch (Throwable e) {
            LOG.warn("Replica {}: {} failed; the rest is stopped all the same", replica, what, e);
        }
    }

    private void join(Thread thread) {
        boolean isInterrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join(STOP_LOG_MILLIS);
                if (thread.isAlive()) {
                    LOG.warn("Replica {} cannot stop yet: its thread {} is still at {}", replica, thread.getName(),
                        thread.getStackTrace().length == 0 ? "an unknown place" : thread.getStackTrace()[0]);
                }
            } catch (InterruptedException e) {
                isInterrupted = true;
            }
        }
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    // ------------------------------------------------------------------------------------------------------------------- callers

    /** What a caller is given for the bytes and the index that his call ended with. */
    private interface Reading<T extends @Nullable Object> {
        T of(byte[] result, long index);
    }

    /** A caller's future. */
    private static final class FutureCompletion<T extends @Nullable Object> extends CompletableFuture<T> implements Completion {

        private final Reading<T> reading;

        FutureCompletion(Reading<T> reading) {
            this.reading = reading;
        }

        @Override
        public void done(byte[] result, long index) {
            complete(reading.of(result, index));
        }

        @Override
        public void failed(Throwable why) {
            completeExceptionally(why);
        }

        CompletableFuture<T> unless(@Nullable RuntimeException refused) {
            if (refused != null) {
                completeExceptionally(refused);
            }
            return this;
        }
    }

    /** Likewise, of a snapshot. */
    private static final class FutureSnapshot extends CompletableFuture<SnapshotInfo> implements SnapshotCompletion {

        @Override
        public void done(SnapshotInfo snapshot) {
            complete(snapshot);
        }

        @Override
        public void failed(Throwable why) {
            completeExceptionally(why);
        }

        CompletableFuture<SnapshotInfo> unless(@Nullable RuntimeException refused) {
            if (refused != null) {
                completeExceptionally(refused);
            }
            return this;
        }
    }

    private final class Deliverer implements Transport.Receiver {

        @Override
        public void onMessage(Message message) {
            parts.mailbox().post(message);
        }

        @Override
        public void onFounding(FoundingMessage message) {
            parts.mailbox().post(message);
        }

        @Override
        public void onSnapshot(SnapshotMessage message) {
            parts.transfer().post(message);
        }

        @Override
        public void onRepair(RepairMessage message) {
            parts.mailbox().post(message);
        }

        @Override
        public void onClientRequest(ClientRequest request, long timeoutNanos, Consumer<ClientResponse> reply) {
            clients.serve(request, timeoutNanos, reply);
        }

        @Override
        public void onPeerLost(int nodeId) {
            parts.mailbox().peerLost(nodeId);
        }

        @Override
        public void onYoungerBoot(int reporter, long boot) {
            stop(new IllegalStateException("Node " + reporter + " says that boot " + boot + " of this very replica " + replica
                + " is running, and this is boot " + storage.identity().boot() + ": the data directory was copied, or this process should "
                + "be dead. Run one of them only; a copy must start with a blank directory"));
        }
    }

    /** What a server is made of. Members, storage, transport and state machine are required. */
    public static final class Builder {

        private @Nullable Map<Integer, String> members;
        private @Nullable Storage storage;
        private @Nullable Transport transport;
        private @Nullable StateMachine stateMachine;
        private RaftConfig config = RaftConfig.DEFAULT;
        private SnapshotPolicy snapshots = SnapshotPolicy.DEFAULT;
        private RaftObserver observer = RaftObserver.NONE;
        private Duration callTimeout = CALL_TIMEOUT;
        private boolean isAdministered = true;
        private long scrubBytesPerSecond = SCRUB_BYTES_PER_SECOND;

        private Builder() { }

        /**
         * Only a blank directory needs these, to find its group: nodes' addresses by node id, this one's included. For a group that is to
         * be founded: all its first members, the same on each. For a node that is to come into a group that lives: itself, and at least one
         * member; it waits until a change of the membership names it (see {@link ServerStatus#strangers}). Never itself alone then, for
         * that founds a group of one. A founded replica knows its group from its own log, whatever is given here.
         */
        public Builder members(Map<Integer, String> initialMembers) {
            members = Map.copyOf(initialMembers);
            return this;
        }

        /** The opened data directory. It is the server's from {@link #start} on, which closes it whatever happens. */
        public Builder storage(Storage opened) {
            storage = opened;
            return this;
        }

        /** Not started yet. It is the server's from {@link #start} on. */
        public Builder transport(Transport unstarted) {
            transport = unstarted;
            return this;
        }

        /**
         * Your state: empty, so that every start restores the newest snapshot to it and applies the log behind that again, or what a
         * machine that keeps its state on disk {@linkplain StateMachine#appliedIndex says} it has.
         */
        public Builder stateMachine(StateMachine machine) {
            stateMachine = machine;
            return this;
        }

        public Builder config(RaftConfig raftConfig) {
            config = raftConfig;
            return this;
        }

        /** When snapshots are taken, and how fast they are fetched; {@link SnapshotPolicy#DEFAULT} unless this is called. */
        public Builder snapshots(SnapshotPolicy policy) {
            snapshots = policy;
            return this;
        }

        public Builder observer(RaftObserver raftObserver) {
            observer = raftObserver;
            return this;
        }

        /** How long a call may take that brings no timeout of its own; 10 s unless this is called. */
        public Builder callTimeout(Duration timeout) {
            nanosOf(timeout);
            callTimeout = timeout;
            return this;
        }

        /**
         * How much of what was written long ago the disk thread reads again per second while it has nothing else to do, to find damage while
         * others still have what was damaged; {@link RaftServer#SCRUB_BYTES_PER_SECOND} unless this is called, 0 for nothing. Once all has
         * been read, the next round begins an hour after this one began, at the earliest.
         */
        public Builder scrubbing(long bytesPerSecond) {
            if (bytesPerSecond < 0) {
                throw new IllegalArgumentException("Bytes per second are 0 or more, not " + bytesPerSecond);
            }
            scrubBytesPerSecond = bytesPerSecond;
            return this;
        }

        /**
         * Serves no administrators who come over the network: nobody who reaches the port can change the membership, move leadership or
         * copy the state by that. The methods of the server itself do it still.
         */
        public Builder withoutAdministration() {
            isAdministered = false;
            return this;
        }

        /**
         * Starts the server. It returns at once; that the group is founded, or has a leader, the observer tells, whose first calls may
         * come on this thread.
         *
         * @throws IllegalStateException    if something required was not set
         * @throws IllegalArgumentException if the directory is blank and the members do not include this node
         * @throws TransportException       if the transport cannot be started; nothing runs then, and everything is closed. What the log
         *                                  knows as committed may have been applied by then
         * @throws ServerStoppedException   if the state machine or the disk failed meanwhile; likewise
         * @throws StorageException         if the log cannot be read
         */
        public RaftServer start() {
            Map<Integer, String> initial = required("members", members);
            Storage opened = required("storage", storage);
            Transport unstarted = required("transport", transport);
            StateMachine machine = required("stateMachine", stateMachine);
            Limits.check(config, Runtime.getRuntime().maxMemory()).forEach(LOG::warn);
            RaftServer server;
            try {
                server = new RaftServer(this, initial, opened, unstarted, machine);
            } catch (Throwable e) {
                unstarted.close();
                opened.close();
                throw e;
            }
            server.start();
            return server;
        }

        private static <T> T required(String name, @Nullable T value) {
            if (value == null) {
                throw new IllegalStateException("Set " + name + "(...) before start()");
            }
            return value;
        }
    }
}
