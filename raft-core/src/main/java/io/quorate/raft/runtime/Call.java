package io.quorate.raft.runtime;

import io.quorate.raft.core.EntryId;
import org.jspecify.annotations.Nullable;

/**
 * A caller's request on its way through the server: submitted, stepped by the raft thread, handed to the applier, completed there.
 *
 * <p>One thread owns it at a time, each hand-over going through a queue, so nothing in it is shared. Completing it gives its bytes back
 * to the budget and tells the caller, once.
 */
final class Call implements Mail, Work {

    enum Kind { PROPOSE, READ, LOCAL_READ }

    /** How the applier should go on with it. */
    enum State { SUBMITTED, ACCEPTED, READABLE, REFUSED, COMPLETED }

    /** What a call costs besides its payload. */
    static final int CALL_BYTES = 250;

    private final Kind kind;
    private final long deadlineNanos;
    private final Completion completion;
    private final Budget budget;
    private final int bytes;
    private byte @Nullable [] payload;      // null once a proposal has been stepped: the core has its own copy

    private State state = State.SUBMITTED;
    private long requestId;
    private long index;                     // where the proposal stands in the log; what a read waits for
    private long term;                      // of the accepted entry
    private long validUntilNanos = Long.MAX_VALUE;
    private @Nullable Throwable failure;

    Call(Kind kind, byte[] payload, long deadlineNanos, Budget budget, Completion completion) {
        this.kind = kind;
        this.payload = payload;
        this.deadlineNanos = deadlineNanos;
        this.budget = budget;
        this.completion = completion;
        bytes = bytesOf(payload);
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

    long deadlineNanos() {
        return deadlineNanos;
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
        index = readIndex;
        validUntilNanos = validUntil;
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

    void done(byte[] result, long at) {
        complete();
        completion.done(result, at);
    }

    void fail(Throwable why) {
        complete();
        completion.failed(why);
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
