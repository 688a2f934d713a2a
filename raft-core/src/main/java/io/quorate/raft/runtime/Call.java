package io.quorate.raft.runtime;

import io.quorate.raft.Callback;
import io.quorate.raft.Freshness;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.Membership;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A caller's request on its way through the server: submitted, stepped by the raft thread, handed to the applier, completed there.
 *
 * <p>One thread owns it at a time, each hand-over going through a queue, so nothing in it is shared. Completing it gives its bytes back
 * to the budget and tells the caller, once; while it is the applier's, as soon as the applier has time for callers.
 */
final class Call implements Mail, Work, Told {

    enum Kind { PROPOSE, READ, LOCAL_READ, AWAIT, CHANGE, TRANSFER }

    /** How the applier should go on with it. */
    enum State { SUBMITTED, ACCEPTED, READABLE, AWAITING, CONCLUDED, REFUSED, COMPLETED }

    /** What the group is to become, and of which membership the caller knew. */
    record Change(long expectedVersion, Membership.Goal goal) { }

    /** What a call costs besides its payload. */
    static final int CALL_BYTES = 250;

    private static final Logger LOG = LoggerFactory.getLogger(Call.class);
    private static final byte[] NOTHING = new byte[0];

    private final Kind kind;
    private final long deadlineNanos;
    private final Callback caller;
    private final Budget budget;
    private final int bytes;
    private final Freshness freshness;      // of a read
    private final @Nullable Change change;
    private final int transferTo;           // a node, or 0 for whoever is best
    private @Nullable Meters meters;        // null if nobody measures
    private @Nullable LongSupplier clock;   // with them
    private long begunNanos;                // likewise
    private byte @Nullable [] payload;      // null once a proposal has been stepped: the core has its own copy

    private State state = State.SUBMITTED;
    private long requestId;
    private long index;                     // where the proposal stands in the log, or the entry that is asked about; what a read waits for
    private long term;                      // of that entry
    private long validUntilNanos = Long.MAX_VALUE;
    private @Nullable Throwable failure;
    private byte @Nullable [] result;       // of a call that is done
    private long resultIndex;               // with it
    private @Nullable Custody custody;      // of whose tables it is part; null while it is in nobody's

    /** A command, or a linearizable read. */
    Call(Kind kind, byte[] payload, long deadlineNanos, Budget budget, Callback caller) {
        this(kind, payload, Freshness.linearizable(), null, 0, deadlineNanos, budget, caller);
    }

    private Call(Kind kind, byte[] payload, Freshness freshness, @Nullable Change change, int transferTo, long deadlineNanos, Budget budget,
                 Callback caller) {
        this.kind = kind;
        this.payload = payload;
        this.freshness = freshness;
        this.change = change;
        this.transferTo = transferTo;
        this.deadlineNanos = deadlineNanos;
        this.budget = budget;
        this.caller = caller;
        bytes = bytesOf(payload);
    }

    static Call read(byte[] query, Freshness freshness, long deadlineNanos, Budget budget, Completion completion) {
        Kind kind = freshness.mode() == Freshness.Mode.LOCAL ? Kind.LOCAL_READ : Kind.READ;
        return new Call(kind, query, freshness, null, 0, deadlineNanos, budget, completion);
    }

    /** Somebody wants to know what has become of an entry: the applier's business alone. */
    static Call await(EntryId entry, long deadlineNanos, Budget budget, Completion completion) {
        Call call = new Call(Kind.AWAIT, NOTHING, Freshness.local(), null, 0, deadlineNanos, budget, completion);
        call.state = State.AWAITING;
        call.term = entry.term();
        call.index = entry.index();
        return call;
    }

    static Call change(Change change, long deadlineNanos, Budget budget, Completion completion) {
        return new Call(Kind.CHANGE, NOTHING, Freshness.linearizable(), change, 0, deadlineNanos, budget, completion);
    }

    static Call transfer(int nodeId, long deadlineNanos, Budget budget, Completion completion) {
        return new Call(Kind.TRANSFER, NOTHING, Freshness.linearizable(), null, nodeId, deadlineNanos, budget, completion);
    }

    /** Measures how long it takes until it is done, from now. */
    Call measured(Meters by, LongSupplier nanoClock, long nowNanos) {
        meters = by;
        clock = nanoClock;
        begunNanos = nowNanos;
        return this;
    }

    static int bytesOf(byte[] payload) {
        return CALL_BYTES + payload.length;
    }

    Kind kind() {
        return kind;
    }

    State state() {
        return state;
    }

    long requestId() {
        return requestId;
    }

    long index() {
        return index;
    }

    long term() {
        return term;
    }

    /** The entry that an accepted proposal has become, or that is asked about. */
    EntryId entry() {
        return new EntryId(term, index);
    }

    long deadlineNanos() {
        return deadlineNanos;
    }

    Freshness freshness() {
        return freshness;
    }

    Change change() {
        if (change == null) {
            throw new IllegalStateException(this + " changes nothing");
        }
        return change;
    }

    /** The node that is to lead, or 0 for whoever is best. */
    int transferTo() {
        return transferTo;
    }

    boolean isExpired(long nowNanos) {
        return nowNanos - deadlineNanos >= 0;
    }

    /** Whether what was read is still valid at this time. */
    boolean isValid(long nowNanos) {
        return validUntilNanos == Long.MAX_VALUE || nowNanos - validUntilNanos < 0;
    }

    byte[] payload() {
        if (payload == null) {
            throw new IllegalStateException("The payload of " + this + " has been given away");
        }
        return payload;
    }

    /** The command, which is the core's from now on. */
    byte[] takePayload() {
        byte[] taken = payload();
        payload = null;
        return taken;
    }

    void stepped(long id) {
        requestId = id;
    }

    void accepted(EntryId at) {
        state = State.ACCEPTED;
        term = at.term();
        index = at.index();
    }

    void readable(long readIndex, long validUntil) {
        state = State.READABLE;
        index = Math.max(readIndex, freshness.minIndex());
        validUntilNanos = validUntil;
    }

    void concluded() {
        state = State.CONCLUDED;
    }

    void refused(Throwable why) {
        state = State.REFUSED;
        failure = why;
    }

    Throwable failure() {
        if (failure == null) {
            throw new IllegalStateException(this + " has not failed");
        }
        return failure;
    }

    /** It is in these tables from now on: who ends it there does not tell its caller in the middle of that. Null: in none. */
    void heldIn(@Nullable Custody tables) {
        custody = tables;
    }

    void done(byte[] bytesOfResult, long at) {
        complete();
        if (meters != null && clock != null) {
            measure(meters, clock.getAsLong() - begunNanos);
        }
        result = bytesOfResult;
        resultIndex = at;
        tellOrLater();
    }

    void fail(Throwable why) {
        complete();
        failure = why;
        tellOrLater();
    }

    private void tellOrLater() {
        if (custody == null) {
            tell();
        } else {
            custody.tellLater(this);
        }
    }

    @Override
    public void tell() {
        try {
            if (result != null) {
                caller.done(result, resultIndex);
            } else {
                caller.failed(failure());
            }
        } catch (Exception e) {      // of any kind: not all languages declare what they throw
            LOG.warn("A caller's callback failed; nothing else is affected", e);
        }
    }

    private void measure(Meters by, long nanos) {
        if (kind == Kind.PROPOSE) {
            by.commit.record(nanos);
        } else if (kind == Kind.READ || kind == Kind.LOCAL_READ) {
            by.read.record(nanos);
        }
    }

    private void complete() {
        if (state == State.COMPLETED) {
            throw new IllegalStateException("Completed twice: " + this);
        }
        state = State.COMPLETED;
        budget.give(bytes);
    }

    @Override
    public void deliver(EventLoop loop) {
        loop.call(this);
    }

    @Override
    public void run(Applier applier) {
        applier.call(this);
    }

    @Override
    public int bytes() {
        return bytes;
    }

    @Override
    public String toString() {
        return kind + "[" + requestId + ", " + state + ", " + index + "@" + term + "]";
    }
}
