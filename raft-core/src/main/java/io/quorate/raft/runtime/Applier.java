package io.quorate.raft.runtime;

import io.quorate.raft.Command;
import io.quorate.raft.NotLeaderException;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.OverloadedException;
import io.quorate.raft.ServerStoppedException;
import io.quorate.raft.StateMachine;
import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.Event;
import io.quorate.raft.core.InvariantViolation;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Comparator;
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
 * <p>One thread at a time.
 */
public final class Applier {

    /** How many bytes of entries one turn applies, and one read from storage asks for. */
    static final int CHUNK_BYTES = 1 << 20;

    private static final byte[] NOTHING = new byte[0];

    private final StateMachine machine;
    private final Storage storage;
    private final Mailbox mailbox;
    private final LongSupplier nanoClock;
    private final Supplier<NotLeaderException> notLeader;
    private final Waker waker = new Waker();
    private final Inbox<List<Work>> inbox = new Inbox<>(waker);

    private final Queue<Work> batch = new ArrayDeque<>();         // what has been handed over and is not begun
    private final PendingProposals proposals = new PendingProposals();
    private final PriorityQueue<Call> reads =                     // those that wait for an index
        new PriorityQueue<>(Comparator.comparingLong(Call::index).thenComparingLong(Call::requestId));
    private final Consumer<Call> onFailed = call -> call.fail(notLeader());
    private final Sweep sweep = new Sweep();
    private Work.@Nullable Apply apply;                           // the range being applied
    private List<Entry> chunk = List.of();                        // the part of it that is in memory
    private int position;                                         // of the next entry in the chunk
    private long applied;                                         // the last applied entry's index
    private long told;                                            // what the node knows of it
    private long timeWantedNanos = Long.MAX_VALUE;                // what the node knows of the machine's wish to be told the time
    private volatile long published;                              // what other threads know of it

    Applier(StateMachine machine, Storage storage, Mailbox mailbox, LongSupplier nanoClock, Supplier<NotLeaderException> notLeader) {
        this.machine = machine;
        this.storage = storage;
        this.mailbox = mailbox;
        this.nanoClock = nanoClock;
        this.notLeader = notLeader;
    }

    /** Hands over what one flush has to say, or one local read; false if the server has stopped. Any thread. */
    boolean add(List<Work> work) {
        return inbox.add(work);
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
        }
        boolean isChunkApplied = false;
        while (!isChunkApplied) {
            if (apply != null) {
                applyChunk();
                isChunkApplied = true;
            } else {
                Work next = next();
                if (next == null) {
                    break;
                }
                next.run(this);
            }
        }
        if (applied != told) {
            told = applied;
            published = applied;
            mailbox.complete(new Event.Applied(applied));
            tellTimeWanted();
            answerReads();
        }
    }

    /** Whether a turn would find something to do but timeouts. */
    public boolean hasWork() {
        return apply != null || !batch.isEmpty() || inbox.hasMore();
    }

    /** After how many nanoseconds to turn for the sake of timeouts; {@link Long#MAX_VALUE} if nothing waits. */
    public long nanosUntilDeadline(long nowNanos) {
        return sweep.nanosUntil(nowNanos);
    }

    /** Wakes the apply thread for good. */
    public void endSleep() {
        waker.end();
    }

    /** Sleeps until there is work, until woken, or for this long. */
    public void sleep(long nanos) {
        waker.sleep(nanos, this::hasWork);
    }

    // ---------------------------------------------------------------------------------------------------------- called by the work

    void begin(Work.Apply range) {
        if (range.firstIndex() != applied + 1 || range.lastIndex() < range.firstIndex()) {
            throw new InvariantViolation("asked to apply " + range.firstIndex() + ".." + range.lastIndex() + " behind " + applied);
        }
        apply = range;
        chunk = range.entries();
        position = 0;
    }

    void call(Call call) {
        switch (call.state()) {
            case ACCEPTED -> {
                if (call.index() <= applied) {
                    throw new InvariantViolation(call + " was accepted where " + applied + " is applied already");
                }
                proposals.add(call);
                sweep.include(call.deadlineNanos());
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
                    sweep.include(call.deadlineNanos());
                }
            }
        }
    }

    private void applyChunk() {
        Work.Apply range = apply;
        if (range == null) {
            return;
        }
        if (position == chunk.size()) {
            chunk = storage.read(applied + 1, range.lastIndex(), CHUNK_BYTES);
            position = 0;
            if (chunk.isEmpty()) {
                throw new InvariantViolation("entry " + (applied + 1) + " is committed, not yet applied, and gone from storage");
            }
        }
        for (int bytes = 0; position < chunk.size() && bytes < CHUNK_BYTES; position++) {
            Entry entry = chunk.get(position);
            apply(entry);
            bytes += entry.size();
        }
        if (applied == range.lastIndex()) {
            apply = null;
            chunk = List.of();
            position = 0;
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
        if (entry.timeNanos() >= machine.wakeUpNanos()) {
            machine.onTime(entry.index(), entry.timeNanos());
        }
        byte[] result = switch (entry.kind()) {
            case COMMAND -> command(entry);
            case MEMBERSHIP -> entry.payload();     // who asked for it hears what it has become
            default -> NOTHING;
        };
        applied = entry.index();
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
        }
    }

    private void answer(Call call) {
        byte[] result;
        try {
            result = machine.query(call.payload());
        } catch (RuntimeException e) {
            call.fail(e);
            return;
        }
        if (result == null) {
            call.fail(new IllegalStateException("StateMachine.query returned null; return an empty array for no result"));
        } else if (call.isValid(nanoClock.getAsLong())) {
            call.done(result, applied);
        } else if (!mailbox.submit(call)) {     // the lease ran out while the query ran: ask for another one
            call.fail(new ServerStoppedException("Nothing happened: this server is stopping", null));
        }
    }

    // ----------------------------------------------------------------------------------------------------------------------- timeouts

    private void expire(long nowNanos) {
        sweep.begin();
        batch.removeIf(work -> work instanceof Call call && isExpired(call, nowNanos));
        proposals.removeIf(call -> isExpired(call, nowNanos));
        reads.removeIf(call -> isExpired(call, nowNanos));
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
        call.fail(call.state() == Call.State.ACCEPTED
            ? new OutcomeUnknownException("Perhaps it happened: entry " + call.index() + " of term " + call.term()
                + " was not applied here in time, and may be applied yet; read the state before you repeat the request")
            : new OverloadedException("Nothing happened: the read waits for entry " + call.index() + ", and this replica has applied "
                + applied + " so far; try again, or ask another replica"));
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
            }
        }
        proposals.removeIf(call -> stop(call, cause));
        reads.removeIf(call -> stop(call, cause));
    }

    static boolean stop(Call call, @Nullable Throwable cause) {
        switch (call.state()) {
            case REFUSED -> call.fail(call.failure());
            case CONCLUDED -> call.done(NOTHING, 0);
            case ACCEPTED -> {
                OutcomeUnknownException unknown = new OutcomeUnknownException("Perhaps it happened: this server stopped before entry "
                    + call.index() + " of term " + call.term() + " was applied; read the state at another replica before you repeat "
                    + "the request");
                if (cause != null) {
                    unknown.initCause(cause);
                }
                call.fail(unknown);
            }
            default -> call.fail(new ServerStoppedException("Nothing happened: this server has stopped", cause));
        }
        return true;
    }
}
