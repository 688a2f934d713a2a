package io.quorate.raft.runtime;

import io.quorate.raft.Callback;
import io.quorate.raft.CommandTooLargeException;
import io.quorate.raft.Freshness;
import io.quorate.raft.Helm;
import io.quorate.raft.MembershipTarget;
import io.quorate.raft.Metrics;
import io.quorate.raft.OverloadedException;
import io.quorate.raft.RaftObserver;
import io.quorate.raft.RequestFailedException;
import io.quorate.raft.ServerStatus;
import io.quorate.raft.ServerStoppedException;
import io.quorate.raft.SnapshotPolicy;
import io.quorate.raft.StateMachine;
import io.quorate.raft.Storage;
import io.quorate.raft.Transport;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.RaftConfig;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A server without threads: its parts, put together, for whoever turns them.
 *
 * <pre>
 *   raft      loop().turn(now)                              then sleep in mailbox() for loop().nanosUntilDeadline(now), which is where a
 *                                                           transport without threads of its own does its work
 *   disk      turnDisk(), or its parts                      then sleepDisk() if there was nothing to do; a thread that may wait
 *                                                           calls gatherWrites() first
 *   apply     applier().turn(now)                           then sleep for applier().nanosUntilDeadline(now)
 *   snapshot  taker().turn()                                then sleep
 *   transfer  transfer().turn(now)                          then sleep for transfer().nanosUntilDeadline(now)
 *   late      applier().relieve(now)                        then sleep for Applier.LOOK_NANOS
 * </pre>
 * They may be turned by six threads or, in any order, by one, which cannot relieve itself. Calls and messages may come from any thread.
 */
public final class PassiveServer {

    /** How many bytes of calls may be open at once: submitted, and not yet completed. */
    public static final long CALL_BYTES_MAX = 128L << 20;

    /** How many bytes of administrative calls may be open at once: apart from the others, for an overloaded group is administered too. */
    static final long CONTROL_BYTES_MAX = 1 << 20;

    private final Storage storage;
    private final LongSupplier nanoClock;
    private final Waker diskWaker = new Waker();
    private final Mailbox mailbox;
    private final Meters meters = new Meters();
    private final Budget callBytes;
    private final Budget controlBytes = new Budget(CONTROL_BYTES_MAX);
    private final LogWriter writer;
    private final LogReader reader;
    private final LogCompactor compactor;
    private final Mender mender;
    private final Scrubber scrubber;
    private final RoomWatch roomWatch;
    private final SnapshotTaker taker;
    private final SnapshotTransfer transfer;
    private final EventLoop loop;
    private final Applier applier;
    private volatile @Nullable Throwable stopCause;
    private long bytesMaintained;      // of those written, when the busy disk thread last did a piece of storage's own work

    /**
     * @param members   the initial members' addresses by node id, this node included
     * @param config    what an operator may choose
     * @param storage   opened
     * @param transport started before the first turn
     * @param machine   the user's
     * @param observer  told on the raft thread
     * @param random    for election timeouts and, on founding, the cluster id
     * @param nanoClock the clock of all turns
     */
    public PassiveServer(Map<Integer, String> members, RaftConfig config, Storage storage, Transport transport, StateMachine machine,
                         RaftObserver observer, RandomGenerator random, LongSupplier nanoClock) {
        this(members, config, SnapshotPolicy.DEFAULT, storage, transport, machine, observer, random, nanoClock);
    }

    /** The same, and when snapshots are taken. */
    public PassiveServer(Map<Integer, String> members, RaftConfig config, SnapshotPolicy snapshots, Storage storage, Transport transport,
                         StateMachine machine, RaftObserver observer, RandomGenerator random, LongSupplier nanoClock) {
        this(members, config, snapshots, storage, transport, machine, observer, random, nanoClock, CALL_BYTES_MAX,
            Scrubber.BYTES_PER_SECOND);
    }

    /** The same, and how much of what was written long ago is read again per second; 0 for nothing. */
    public PassiveServer(Map<Integer, String> members, RaftConfig config, SnapshotPolicy snapshots, long scrubBytesPerSecond,
                         Storage storage, Transport transport, StateMachine machine, RaftObserver observer, RandomGenerator random,
                         LongSupplier nanoClock) {
        this(members, config, snapshots, storage, transport, machine, observer, random, nanoClock, CALL_BYTES_MAX, scrubBytesPerSecond);
    }

    PassiveServer(Map<Integer, String> members, RaftConfig config, SnapshotPolicy policy, Storage storage, Transport transport,
                  StateMachine machine, RaftObserver observer, RandomGenerator random, LongSupplier nanoClock, long callBytesMax,
                  long scrubBytesPerSecond) {
        this.storage = storage;
        this.nanoClock = nanoClock;
        mailbox = new Mailbox(new Waker(transport.poller()));
        callBytes = new Budget(callBytesMax);
        writer = new LogWriter(storage, mailbox, diskWaker, meters, nanoClock);
        reader = new LogReader(storage, mailbox, diskWaker);
        compactor = new LogCompactor(storage, diskWaker);
        mender = new Mender(storage, transport, mailbox, diskWaker);
        taker = new SnapshotTaker(storage, mailbox);
        transfer = new SnapshotTransfer(policy, config, storage, transport, mailbox, observer, nanoClock);
        loop = new EventLoop(members, config, storage, transport, observer, random, mailbox, writer, reader, compactor, mender,
            transfer, meters, callBytes, nanoClock.getAsLong());
        // Apart from the loop's chance, which belongs to its thread; another for each replica and each of its boots.
        RandomGenerator jitter = new SplittableRandom(storage.identity().replica().incarnation() + storage.identity().boot());
        applier = new Applier(machine, storage, mailbox, nanoClock, loop::notLeader,
            new SnapshotDesk(policy, jitter, storage, taker, observer), new Waker());
        scrubber = new Scrubber(storage, mailbox, meters, applier::add, scrubBytesPerSecond, nanoClock.getAsLong());
        roomWatch = new RoomWatch(storage, mailbox, applier::add);
        taker.answerTo(applier);
        transfer.tell(applier::add);
        loop.handTo(applier);
    }

    public Mailbox mailbox() {
        return mailbox;
    }

    public EventLoop loop() {
        return loop;
    }

    /** Who leads, for any thread. */
    public Helm helm() {
        return loop.bridge();
    }

    public LogWriter writer() {
        return writer;
    }

    public LogReader reader() {
        return reader;
    }

    public LogCompactor compactor() {
        return compactor;
    }

    public Mender mender() {
        return mender;
    }

    public Applier applier() {
        return applier;
    }

    public SnapshotTaker taker() {
        return taker;
    }

    public SnapshotTransfer transfer() {
        return transfer;
    }

    /** How many bytes of calls are open. */
    public long callBytes() {
        return callBytes.taken();
    }

    /**
     * Replicates a command.
     *
     * @return null if the caller will be told; otherwise why the command was turned away at once, and he is told nothing
     */
    public @Nullable RuntimeException propose(byte[] command, long timeoutNanos, Callback caller) {
        if (command.length > Entry.PAYLOAD_BYTES_MAX) {
            return new CommandTooLargeException("Nothing happened: the command has " + command.length + " bytes, and at most "
                + Entry.PAYLOAD_BYTES_MAX + " are possible");
        }
        long now = nanoClock.getAsLong();
        return submit(new Call(Call.Kind.PROPOSE, command, now + timeoutNanos, callBytes, caller).measured(meters, nanoClock, now),
            callBytes);
    }

    /** Answers a query from a state that includes everything acknowledged before; returns as {@link #propose}. */
    public @Nullable RuntimeException read(byte[] query, long timeoutNanos, Completion completion) {
        return read(query, Freshness.linearizable(), timeoutNanos, completion);
    }

    /** Answers a query from a state as new as is asked for; returns as {@link #propose}. */
    public @Nullable RuntimeException read(byte[] query, Freshness freshness, long timeoutNanos, Completion completion) {
        long now = nanoClock.getAsLong();
        Call call = Call.read(query, freshness, now + timeoutNanos, callBytes, completion).measured(meters, nanoClock, now);
        if (freshness.mode() == Freshness.Mode.LOCAL) {
            call.readable(0, Long.MAX_VALUE);
            return submitToApplier(call);
        }
        return submit(call, callBytes);
    }

    /**
     * Tells whether this entry was applied, or never will be, as soon as that is certain; returns as {@link #propose}. {@link
     * #isApplied} reads the result.
     */
    public @Nullable RuntimeException awaitOutcome(EntryId entry, long timeoutNanos, Completion completion) {
        return submitToApplier(Call.await(entry, nanoClock.getAsLong() + timeoutNanos, callBytes, completion));
    }

    /** What the result of {@link #awaitOutcome} says. */
    public static boolean isApplied(byte[] result) {
        return Outcomes.isApplied(result);
    }

    /**
     * States what the group is to become; returns as {@link #propose}. The result is the membership in which that stands, as {@link
     * io.quorate.raft.core.MembershipCodec} lays it out.
     */
    public @Nullable RuntimeException changeMembership(long expectedVersion, Membership.Goal goal, long timeoutNanos,
                                                       Completion completion) {
        String impossible = impossible(goal);
        if (impossible != null) {
            return new RequestFailedException("Nothing happened: " + impossible);
        }
        return submit(Call.change(new Call.Change(expectedVersion, goal), nanoClock.getAsLong() + timeoutNanos, controlBytes, completion),
            controlBytes);
    }

    /**
     * Hands leadership over; returns as {@link #propose}.
     *
     * @param nodeId to whom; 0 for whoever is best
     */
    public @Nullable RuntimeException transfer(int nodeId, long timeoutNanos, Completion completion) {
        return submit(Call.transfer(nodeId, nanoClock.getAsLong() + timeoutNanos, controlBytes, completion), controlBytes);
    }

    /**
     * Takes a snapshot that covers all that is applied here by now, unless the newest does already; returns as {@link #propose}. What is
     * being written when the time is up is written all the same.
     */
    public @Nullable RuntimeException takeSnapshot(long timeoutNanos, SnapshotCompletion completion) {
        return wish(null, timeoutNanos, completion);
    }

    /** Takes a snapshot likewise, and copies it to this file, where nothing may be yet; returns as {@link #propose}. */
    public @Nullable RuntimeException backup(Path target, long timeoutNanos, SnapshotCompletion completion) {
        return wish(target, timeoutNanos, completion);
    }

    private @Nullable RuntimeException wish(@Nullable Path target, long timeoutNanos, SnapshotCompletion completion) {
        Wish wish = applier.snapshots().wish(target, nanoClock.getAsLong() + timeoutNanos, completion);
        if (wish == null) {
            mailbox.countRefusedCall();
            return new OverloadedException("Nothing happened: " + SnapshotDesk.WISHES_MAX + " wait for a snapshot of this replica, or for a"
                + " copy of one, and no more are let in; try again later, and see why none is finished");
        }
        if (!applier.add(List.of(new Work.TakeSnapshot(wish)))) {
            ServerStoppedException stopped = stopped();
            return wish.fail(stopped) ? stopped : null;
        }
        return null;
    }

    /** Asks how the server is; the answer comes on the raft thread and must return quickly. False if the server has stopped. */
    public boolean ask(Consumer<ServerStatus> answer) {
        return mailbox.ask(answer);
    }

    /** Asks what has been counted and measured; as {@link #ask}. */
    public boolean askMetrics(Consumer<Metrics> answer) {
        return mailbox.askMetrics(answer);
    }

    /** What has been counted and measured. On the raft thread. */
    public Metrics metrics() {
        return loop.metrics();
    }

    /** What had been counted and measured when the server stopped. When nobody turns any more. */
    public Metrics stoppedMetrics() {
        return loop.stoppedMetrics();
    }

    /** Before its round, the disk thread may wait a moment for more to write ({@link LogWriter#gather}), if it has nothing else to do. */
    public void gatherWrites() {
        if (!reader.hasWork() && !compactor.hasWork() && !mender.hasWork()) {
            writer.gather();
        }
    }

    /** One round of the disk thread; whether there may be more to do. */
    public boolean turnDisk() {
        reader.turn();
        List<Storage.Write> batch = writer.take();
        if (!batch.isEmpty()) {
            writer.write(batch);
        }
        compactor.turn();     // not only when no write waits: under a steady load one always does, and the log would grow for ever
        boolean isMending = mender.turn();
        if (batch.isEmpty()) {
            boolean hasMore = isMending || maintain();
            watchRoom();
            if (!hasMore) {
                scrub();
            }
            return hasMore;
        }
        watchRoom();
        maintainAsMuchAs(meters.bytesWritten.read());      // likewise
        return true;
    }

    /** Of batches that are large, one brings several pieces: whatever their size, the storage keeps up with what is written. */
    private void maintainAsMuchAs(long bytesWritten) {
        while (bytesWritten - bytesMaintained >= Storage.MAINTAINED_BYTES) {
            bytesMaintained = maintain() ? bytesMaintained + Storage.MAINTAINED_BYTES : bytesWritten;
        }
    }

    /** Reads again a piece of what was written long ago, if it is time for that. On the disk thread, while no write waits. */
    public void scrub() {
        if (!loop.isBlank()) {
            scrubber.turn(nanoClock.getAsLong());
        }
    }

    /** Reads all of it again, however long that takes: for simulations. On the disk thread, while no write waits. */
    public void scrubAll() {
        if (!loop.isBlank()) {
            scrubber.readAll();
        }
    }

    /** After how many nanoseconds there is something to read again; {@link Long#MAX_VALUE} if never. */
    public long nanosUntilScrub() {
        return loop.isBlank() ? Long.MAX_VALUE : scrubber.nanosUntil(nanoClock.getAsLong());
    }

    /** Looks how much room the disk has. On the disk thread, after each piece of its work. */
    public void watchRoom() {
        if (!loop.isBlank()) {
            roomWatch.turn(nanoClock.getAsLong());
        }
    }

    /** After how many nanoseconds to turn the disk though there is no work; {@link Long#MAX_VALUE} if there is no need. */
    public long nanosUntilDisk() {
        return Math.min(nanosUntilScrub(), roomWatch.nanosUntilLook());
    }

    /** One bounded piece of storage's own work. On the disk thread, while no write waits. */
    public boolean maintain() {
        return !loop.isBlank() && storage.maintain();
    }

    /** Whether there is work for the disk thread. */
    public boolean hasDiskWork() {
        return writer.hasWork() || reader.hasWork() || compactor.hasWork() || mender.hasWork();
    }

    /** The disk thread sleeps until there is work, until woken, or for this long. */
    public void sleepDisk(long nanos) {
        diskWaker.sleep(nanos, this::hasDiskWork);
    }

    /** Wakes the disk thread for good. */
    public void endDiskSleep() {
        diskWaker.end();
    }

    /**
     * Nobody turns the loop any more, and nobody will: completes the calls that have come so far, refuses all that come later, and answers
     * whoever asks for the status.
     *
     * @param cause why the server stops, or null if it is closed
     */
    public void closeLoop(@Nullable Throwable cause) {
        stopCause = cause;
        loop.close(cause);
    }

    /** Likewise for the applier; after {@link #closeLoop}. Every call is completed then. */
    public void closeApplier(@Nullable Throwable cause) {
        applier.close(cause);
    }

    /** Likewise for taking and moving snapshots; after {@link #closeApplier}. What was half done is let go of. */
    public void closeSnapshots(@Nullable Throwable cause) {
        taker.close(cause);
        transfer.close();
    }

    private @Nullable RuntimeException submit(Call call, Budget budget) {
        if (!budget.take(call.bytes())) {
            return overloaded(budget);
        }
        if (!mailbox.submit(call)) {
            budget.give(call.bytes());
            return stopped();
        }
        return null;
    }

    /** Nobody else is asked, so the raft thread is not either. */
    private @Nullable RuntimeException submitToApplier(Call call) {
        if (loop.isBlank()) {
            return stopCause == null ? loop.notLeader() : stopped();
        }
        if (!callBytes.take(call.bytes())) {
            return overloaded(callBytes);
        }
        if (!applier.add(List.of(call))) {
            callBytes.give(call.bytes());
            return stopped();
        }
        return null;
    }

    /** Why no group may become this; null if one may. */
    private static @Nullable String impossible(Membership.Goal goal) {
        List<Member> all = goal.members();
        if (all.size() > MembershipTarget.MEMBERS_MAX) {
            return "a group of " + all.size() + " members is wanted, and at most " + MembershipTarget.MEMBERS_MAX + " are possible";
        }
        for (Member member : all) {
            int bytes = member.address().getBytes(StandardCharsets.UTF_8).length;
            if (bytes == 0 || bytes > MembershipTarget.ADDRESS_BYTES_MAX) {
                return "the address of " + member.id() + " has " + bytes + " bytes, and 1 to " + MembershipTarget.ADDRESS_BYTES_MAX
                    + " are possible";
            }
        }
        return null;
    }

    private OverloadedException overloaded(Budget budget) {
        mailbox.countRefusedCall();
        return new OverloadedException("Nothing happened: " + budget.taken() + " bytes of requests are open at this replica, and "
            + budget.bytesMax() + " is the most; try again after a pause");
    }

    private ServerStoppedException stopped() {
        return new ServerStoppedException("Nothing happened: this server has stopped", stopCause);
    }
}
