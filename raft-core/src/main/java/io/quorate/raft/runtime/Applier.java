package io.quorate.raft.runtime;

import io.quorate.raft.Command;
import io.quorate.raft.EntryDamagedException;
import io.quorate.raft.NotLeaderException;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.OverloadedException;
import io.quorate.raft.ServerStoppedException;
import io.quorate.raft.SnapshotInfo;
import io.quorate.raft.StateMachine;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Event;
import io.quorate.raft.core.InvariantViolation;
import io.quorate.raft.core.SnapshotId;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Applies committed entries in order, completes the proposals they were, and answers reads.
 *
 * <p>All that the raft thread has for the caller of a request comes through here, refusals too: a caller's code may run when his future
 * completes, and it must not run on the raft thread. What one flush has to say comes in one piece and in its order, so that a proposal is
 * known here before its entry is.
 *
 * <p>One thread at a time turns it. While that is held up outside, by the state machine or by a caller's code, another may {@link #relieve}
 * it of the calls whose time is up.
 */
public final class Applier {

    /** How many bytes of entries one turn applies, and one read from storage asks for. */
    static final int CHUNK_BYTES = 1 << 20;
    /** How often to look whether the apply thread is held up. One that is, is relieved after two looks. */
    public static final long LOOK_NANOS = 25_000_000;

    private static final byte[] NOTHING = new byte[0];

    private final Custody custody;                                // of all below
    private final StateMachine machine;
    private final Storage storage;
    private final Mailbox mailbox;
    private final LongSupplier nanoClock;
    private final Supplier<NotLeaderException> notLeader;
    private final Waker waker;
    private final Inbox<List<Work>> inbox;

    private final Queue<Work> batch = new ArrayDeque<>();         // what has been handed over and is not begun
    private final PendingProposals proposals = new PendingProposals();
    private final PriorityQueue<Call> reads =                     // those that wait for an index
        new PriorityQueue<>(Comparator.comparingLong(Call::index).thenComparingLong(Call::requestId));
    private final Consumer<Call> onFailed = call -> call.fail(notLeader());
    private final Consumer<Call> onSwallowed = this::failSwallowed;
    private final Sweep sweep = new Sweep();
    private final Outcomes outcomes = new Outcomes();
    private final SnapshotDesk snapshots;
    private final AppliedState state = new AppliedState();
    private long machineIndex;                                    // the machine has been told all up to here; may be far behind applied
    private @Nullable Call inHand;                                // polled from the batch, and perhaps nowhere else yet
    private @Nullable Call asking;                                // whose query the machine is answering
    private Work.@Nullable Apply apply;                           // the range being applied
    private List<Entry> chunk = List.of();                        // the part of it that is in memory
    private int position;                                         // of the next entry in the chunk
    private boolean isStuck;                                      // the next entry is damaged on the disk
    private boolean isGivingBack;                                 // what is to be applied is no more, until the node has heard of it
    private long applied;                                         // the last applied entry's index
    private long told;                                            // what the node knows of it
    private long timeWantedNanos = Long.MAX_VALUE;                // what the node knows of the machine's wish to be told the time
    private volatile long published;                              // what other threads know of it
    private volatile long lookNanos;                              // when it looks by itself, as of going to sleep

    /** @param applyThread woken when there is work */
    Applier(StateMachine machine, Storage storage, Mailbox mailbox, LongSupplier nanoClock, Supplier<NotLeaderException> notLeader,
            SnapshotDesk snapshots, Waker applyThread) {
        waker = applyThread;
        inbox = new Inbox<>(waker);
        custody = snapshots.custody();
        this.machine = custody.outside(machine);
        this.storage = storage;
        this.mailbox = mailbox;
        this.nanoClock = nanoClock;
        this.notLeader = notLeader;
        this.snapshots = snapshots;
    }

    /**
     * Hands over what one flush has to say, or one local read; false if the server has stopped. Any thread.
     *
     * <p>Proposals that have become entries wake nobody: they are looked at when an entry is applied, or when the first deadline comes.
     * With {@link Mailbox#applied}, that makes it 12.3 wake-ups instead of 17 for each of a leader's writes under 256 outstanding commands.
     */
    boolean add(List<Work> work) {
        Call first = firstDueOfProposals(work);
        if (!inbox.addQuietly(work)) {
            return false;
        }
        if (first == null || first.deadlineNanos() - lookNanos < 0) {
            waker.wake();
        }
        return true;
    }

    /** If all of these are proposals that have become entries, the one whose time is up first; else null. */
    private static @Nullable Call firstDueOfProposals(List<Work> work) {
        Call first = null;
        for (int i = 0; i < work.size(); i++) {
            if (!(work.get(i) instanceof Call call) || call.state() != Call.State.ACCEPTED) {
                return null;
            }
            first = first == null || call.deadlineNanos() - first.deadlineNanos() < 0 ? call : first;
        }
        return first;
    }

    /** How much has been applied. Any thread. */
    public long appliedIndex() {
        return published;
    }

    /** Works on what waits: until nothing does, or until about {@link #CHUNK_BYTES} have been applied. */
    public void turn(long nowNanos) {
        takeIn();
        if (sweep.isDue(nowNanos)) {
            expire(nowNanos);
            custody.tellAll();
        }
        boolean isChunkApplied = false;
        while (!isChunkApplied) {
            if (apply != null && !isStuck) {
                applyChunk();
                isChunkApplied = true;
            } else {
                Work next = isStuck ? nextBesides() : next();
                if (next == null) {
                    break;
                }
                next.run(this);
                custody.tellAll();
            }
        }
        if (applied != told) {
            told = applied;
            published = applied;
            mailbox.applied(applied);
            tellTimeWanted();
            outcomes.tell();
            custody.tellAll();
            answerReads();
        }
        if (!isAhead()) {
            snapshots.look(machine, state, nowNanos);
            custody.tellAll();
        }
    }

    /**
     * If whoever turns is held up outside since this was called last, at least: gives up the calls whose time is up, and tells the
     * callers of all that have ended. Another thread than the one that turns, and always the same.
     */
    public void relieve(long nowNanos) {
        if (!custody.takeIfOut()) {
            return;
        }
        List<Told> ended;
        try {
            if (!custody.isOutStill()) {
                return;
            }
            takeIn();
            if (sweep.isDue(nowNanos)) {
                expire(nowNanos);
            }
            ended = custody.takeWaiting();
        } finally {
            custody.give();
        }
        Told.tellAll(ended);
    }

    /** Whether a turn would find something to do but timeouts. */
    public boolean hasWork() {
        return !isStuck && (apply != null || !batch.isEmpty()) || inbox.hasMore();
    }

    /** After how many nanoseconds to turn for the sake of timeouts; {@link Long#MAX_VALUE} if nothing waits. */
    public long nanosUntilDeadline(long nowNanos) {
        return Math.min(sweep.nanosUntil(nowNanos), isAhead() ? Long.MAX_VALUE : snapshots.nanosUntil(nowNanos));
    }

    /** Wakes the apply thread for good. */
    public void endSleep() {
        waker.end();
    }

    /** Sleeps until there is work, until woken, or for this long. */
    public void sleep(long nanos) {
        willLookIn(nanos);
        waker.sleep(nanos, this::hasWork);
    }

    /** It looks by itself then, so nothing that can wait for so long need wake it. */
    void willLookIn(long nanos) {
        lookNanos = nanoClock.getAsLong() + nanos;
    }

    // ---------------------------------------------------------------------------------------------------------- called by the work

    /** What is the matter with snapshots, in words, or null. Any thread. */
    @Nullable String snapshotProblem() {
        return snapshots.problem();
    }

    SnapshotDesk snapshots() {
        return snapshots;
    }

    void begin(Work.Begin start) {
        machineIndex = Math.max(0, machine.appliedIndex());
        if (machineIndex > start.lastIndex()) {
            throw new InvariantViolation("The state machine says that it has applied command " + machineIndex + ", but the log ends at "
                + start.lastIndex() + ": its state is another replica's, or the log has been lost; remove the state, and it is restored");
        }
        applied = start.snapshot().index();
        told = applied;
        published = applied;
        outcomes.reset(start.terms(), applied);
        state.reset(start.snapshot(), Math.min(machineIndex, applied));
        if (applied > 0) {
            restoreNewest(start.snapshot());
        }
        tellTimeWanted();
    }

    void restore(SnapshotId snapshot) {
        if (apply != null || snapshot.index() <= applied) {
            throw new InvariantViolation("asked to restore " + snapshot.last() + " behind " + applied);
        }
        restoreNewest(snapshot);
        applied = snapshot.index();
        outcomes.onRestored(snapshot.last());
        proposals.onRestored(snapshot.last(), onFailed, onSwallowed);
    }

    /** What was damaged may be there again. */
    void retry() {
        isStuck = false;
    }

    /** If the next entry is damaged: it and all that follows is given back, and the next to come may be a snapshot. */
    void giveUp() {
        if (isStuck) {
            isStuck = false;
            isGivingBack = true;
            apply = null;
            batch.removeIf(Work.Apply.class::isInstance);
            mailbox.handedBack(applied);
        }
    }

    /** Whatever is to be applied from now on was handed out with the knowledge of what was given back. */
    void handedBack() {
        isGivingBack = false;
    }

    void ended(Work.SnapshotEnded end) {
        snapshots.onEnded(end.newest(), end.isReplaced(), end.failure(), nanoClock.getAsLong());
    }

    void begin(Work.Apply range) {
        if (isGivingBack) {
            return;      // handed out before the node heard of it
        }
        if (range.firstIndex() != applied + 1 || range.lastIndex() < range.firstIndex()) {
            throw new InvariantViolation("asked to apply " + range.firstIndex() + ".." + range.lastIndex() + " behind " + applied);
        }
        apply = range;
        chunk = range.entries();
        position = 0;
    }

    void call(Call call) {
        inHand = call;
        take(call);
        inHand = null;
    }

    private void take(Call call) {
        switch (call.state()) {
            case ACCEPTED -> {
                if (call.index() <= applied) {
                    throw new InvariantViolation(call + " was accepted where " + applied + " is applied already");
                }
                proposals.add(call);
                sweep.include(call.deadlineNanos());
            }
            case AWAITING -> {
                sweep.include(call.deadlineNanos());
                outcomes.ask(call);
            }
            case REFUSED -> call.fail(call.failure());
            case CONCLUDED -> call.done(NOTHING, applied);
            case READABLE -> {
                if (call.index() <= applied) {
                    answer(call);
                } else {
                    reads.add(call);
                    sweep.include(call.deadlineNanos());
                }
            }
            default -> throw new IllegalStateException(call + " is not for the applier");
        }
    }

    // --------------------------------------------------------------------------------------------------------------------- restoring

    /** Whether the machine holds more than what counts as applied: what was captured now would be labelled with too low an index. */
    private boolean isAhead() {
        return machineIndex > applied;
    }

    /**
     * Makes the machine's state at least that of this snapshot. What is stored may be newer already, if another has been installed since
     * and waits in the queue; the machine is then ahead of what is applied for a while.
     */
    private void restoreNewest(SnapshotId snapshot) {
        try (Storage.StoredSnapshot stored = storage.snapshot()) {
            if (stored == null || stored.id().index() < snapshot.index()
                || stored.id().index() == snapshot.index() && !stored.id().last().equals(snapshot.last())) {
                throw new InvariantViolation("asked to restore " + snapshot.last() + ", but the storage has "
                    + (stored == null ? "no snapshot" : stored.id().last()));
            }
            InputStream in = new BufferedInputStream(stored.state());
            long lastToldIndex = StateHeader.readFrom(in).lastToldIndex();
            if (lastToldIndex > machineIndex) {
                machine.restore(in);
                // What the machine had no use for is read all the same: the storage may not have seen yet that something is damaged.
                in.transferTo(OutputStream.nullOutputStream());
                machineIndex = lastToldIndex;
            }
            state.reset(snapshot, Math.min(machineIndex, snapshot.index()));
            snapshots.onStored(new SnapshotInfo(stored.id().last(), stored.transferBytes()));
        } catch (IOException e) {
            throw new StorageException("The snapshot " + snapshot.last() + " could not be restored: it is damaged, or no snapshot of such "
                + "a state machine. Restart this replica if the cause is gone; else remove its data, and have it admitted again", e);
        }
    }

    private void failSwallowed(Call call) {
        call.fail(new OutcomeUnknownException("Perhaps it happened: this replica was given a snapshot that covers entry " + call.index()
            + " of term " + call.term() + ", and did not see what was applied there; read the state before you repeat the command",
            new EntryId(call.term(), call.index())));
    }

    // ---------------------------------------------------------------------------------------------------------------------- applying

    private @Nullable Work next() {
        if (batch.isEmpty()) {
            takeIn();
        }
        return batch.poll();
    }

    /** Takes everything that has been handed over. A call's time also passes while it stands behind work that takes long. */
    private void takeIn() {
        inbox.fill();
        for (List<Work> handed = inbox.poll(); handed != null; handed = inbox.poll()) {
            for (int i = 0; i < handed.size(); i++) {
                Work work = handed.get(i);
                batch.add(work);
                if (work instanceof Call call) {
                    call.heldIn(custody);
                    sweep.include(call.deadlineNanos());
                } else if (work instanceof Work.TakeSnapshot asked) {
                    sweep.include(asked.wish().deadlineNanos());
                }
            }
        }
    }

    /**
     * The next entry is damaged, and whatever changes the state waits until it has been put back. All else goes on: calls that need no more
     * than is applied are answered, and the others wait for as long as they have time.
     */
    private @Nullable Work nextBesides() {
        for (Iterator<Work> all = batch.iterator(); all.hasNext(); ) {
            Work work = all.next();
            if (!(work instanceof Work.Apply) && !(work instanceof Work.Restore)) {
                all.remove();
                return work;
            }
        }
        return null;
    }

    private void applyChunk() {
        Work.Apply range = apply;
        if (range == null) {
            return;
        }
        if (position == chunk.size()) {
            try {
                chunk = read(range);
            } catch (EntryDamagedException e) {
                chunk = List.of();
                position = 0;
                isStuck = true;
                mailbox.damaged(List.of(e.entry()));
                return;
            }
            position = 0;
            if (chunk.isEmpty()) {
                throw new InvariantViolation("entry " + (applied + 1) + " is committed, not yet applied, and gone from storage");
            }
        }
        for (int bytes = 0; position < chunk.size() && bytes < CHUNK_BYTES; position++) {
            Entry entry = chunk.get(position);
            apply(entry);
            custody.tellAll();
            bytes += entry.size();
        }
        if (applied == range.lastIndex()) {
            apply = null;
            chunk = List.of();
            position = 0;
        }
    }

    /** Old entries are on the disk, which may hang. */
    private List<Entry> read(Work.Apply range) {
        custody.goOut();
        try {
            return storage.read(applied + 1, range.lastIndex(), CHUNK_BYTES);
        } finally {
            custody.comeBack();
        }
    }

    private void apply(Entry entry) {
        if (entry.index() != applied + 1) {
            throw new InvariantViolation("entry " + entry.id() + " came to be applied behind " + applied);
        }
        // The checksum was good when the entry arrived; what is not what the leader sealed would make this replica another state.
        if (!entry.isIntact()) {
            throw new InvariantViolation("entry " + entry.id() + " was damaged in memory before it was applied; restart this replica, "
                + "and have the machine's memory tested");
        }
        boolean isForMachine = entry.index() > machineIndex;
        if (isForMachine && entry.timeNanos() >= machine.wakeUpNanos()) {
            machine.onTime(entry.index(), entry.timeNanos());
            state.onTold(entry.index());
        }
        byte[] result = switch (entry.kind()) {
            case COMMAND -> isForMachine ? command(entry) : NOTHING;
            case MEMBERSHIP -> entry.payload();     // who asked for it hears what it has become
            default -> NOTHING;
        };
        applied = entry.index();
        state.onApplied(entry);
        outcomes.onApplied(entry);
        Call call = proposals.onApplied(entry, onFailed);
        if (call != null) {
            published = applied;     // whoever hears of his command's success finds it in the status
            call.done(result, applied);
        }
    }

    private byte[] command(Entry entry) {
        ByteBuffer payload = ByteBuffer.wrap(entry.array(), entry.payloadOffset(), entry.payloadSize()).slice().asReadOnlyBuffer();
        byte[] result = machine.apply(new Command(entry.index(), payload, entry.timeNanos()));
        if (result == null) {
            throw new IllegalStateException("StateMachine.apply returned null for the command at " + entry.index()
                + "; return an empty array for no result");
        }
        return result;
    }

    /** Each replica's node is told, for each may come to lead. Only when something has been applied, for only then is there a node. */
    private void tellTimeWanted() {
        long wanted = machine.wakeUpNanos();
        if (wanted != timeWantedNanos) {
            timeWantedNanos = wanted;
            mailbox.complete(new Event.TimeWanted(wanted));
        }
    }

    private NotLeaderException notLeader() {
        return notLeader.get();
    }

    // ----------------------------------------------------------------------------------------------------------------------- reading

    private void answerReads() {
        for (Call call = reads.peek(); call != null && call.index() <= applied; call = reads.peek()) {
            reads.poll();
            answer(call);
            custody.tellAll();
        }
    }

    private void answer(Call call) {
        byte[] result;
        asking = call;
        try {
            result = machine.query(call.payload());
        } catch (Exception e) {       // of any kind: not all languages declare what they throw
            if (isStillWanted(call)) {
                call.fail(e);
            }
            return;
        } catch (Error e) {           // the server stops by it, and the call waits nowhere any more
            if (isStillWanted(call)) {
                call.fail(e);
                custody.tellAll();
            }
            throw e;
        }
        if (!isStillWanted(call)) {
            return;
        }
        if (result == null) {
            call.fail(new IllegalStateException("StateMachine.query returned null; return an empty array for no result"));
        } else if (call.isValid(nanoClock.getAsLong())) {
            call.done(result, Math.max(applied, machineIndex));     // the machine may be ahead of what is applied
        } else {                      // the lease ran out while the query ran: ask for another one
            call.heldIn(null);
            if (!mailbox.submit(call)) {
                call.fail(new ServerStoppedException("Nothing happened: this server is stopping", null));
            }
        }
    }

    /** The query has come back: false if the call was given up meanwhile. */
    private boolean isStillWanted(Call call) {
        boolean isWanted = asking == call;
        asking = null;
        return isWanted;
    }

    // ----------------------------------------------------------------------------------------------------------------------- timeouts

    private void expire(long nowNanos) {
        sweep.begin();
        batch.removeIf(work -> work instanceof Call call && isExpired(call, nowNanos)
            || work instanceof Work.TakeSnapshot asked && snapshots.isExpired(asked.wish(), nowNanos, sweep));
        proposals.removeIf(call -> isExpired(call, nowNanos));
        outcomes.removeIf(call -> isExpired(call, nowNanos));
        reads.removeIf(call -> isExpired(call, nowNanos));
        if (asking != null && isExpired(asking, nowNanos)) {
            asking = null;
        }
        snapshots.expire(nowNanos, sweep);
        sweep.end(nowNanos);
    }

    private boolean isExpired(Call call, long nowNanos) {
        if (!call.isExpired(nowNanos)) {
            sweep.include(call.deadlineNanos());
            return false;
        }
        if (call.state() == Call.State.REFUSED) {
            call.fail(call.failure());
            return true;
        }
        if (call.state() == Call.State.CONCLUDED) {
            call.done(NOTHING, applied);
            return true;
        }
        call.fail(switch (call.state()) {
            case ACCEPTED -> new OutcomeUnknownException("Perhaps it happened: entry " + call.index() + " of term " + call.term()
                + " was not applied here in time, and may be applied yet; wait for its outcome, or read the state, before you repeat the "
                + "request", call.entry());
            case AWAITING -> new OutcomeUnknownException("Perhaps it happened: what becomes of entry " + call.index() + " of term "
                + call.term() + " is not certain yet, and this replica has applied " + applied + " so far; wait again", call.entry());
            default -> new OverloadedException("Nothing happened: the read waits for entry " + call.index()
                + ", and this replica has applied " + applied + " so far, or its state machine is busy; try again, or ask another replica");
        });
        return true;
    }

    /** Completes everything that waits, each as exactly as is known. Not beside any other method; nothing can be added from now on. */
    void close(@Nullable Throwable cause) {
        for (List<Work> left : inbox.close()) {
            batch.addAll(left);
        }
        for (Work work = batch.poll(); work != null; work = batch.poll()) {
            if (work instanceof Call call) {
                stop(call, cause);
            } else if (work instanceof Work.TakeSnapshot asked) {
                snapshots.ask(asked.wish());
            }
        }
        snapshots.close(cause);
        proposals.removeIf(call -> stop(call, cause));
        outcomes.removeIf(call -> stop(call, cause));
        reads.removeIf(call -> stop(call, cause));
        if (inHand != null && inHand.state() != Call.State.COMPLETED) {     // the turn broke while it was taken in
            stop(inHand, cause);
        }
        Told.tellAll(custody.takeWaiting());
    }

    static boolean stop(Call call, @Nullable Throwable cause) {
        switch (call.state()) {
            case REFUSED -> call.fail(call.failure());
            case CONCLUDED -> call.done(NOTHING, 0);
            case ACCEPTED -> {
                OutcomeUnknownException unknown = new OutcomeUnknownException("Perhaps it happened: this server stopped before entry "
                    + call.index() + " of term " + call.term() + " was applied; wait for its outcome at another replica, or read the state "
                    + "there, before you repeat the request", call.entry());
                if (cause != null) {
                    unknown.initCause(cause);
                }
                call.fail(unknown);
            }
            case AWAITING -> call.fail(new ServerStoppedException("This server has stopped, and tells nothing about entry " + call.index()
                + " of term " + call.term() + "; ask another replica", cause));
            default -> call.fail(new ServerStoppedException("Nothing happened: this server has stopped", cause));
        }
        return true;
    }
}
