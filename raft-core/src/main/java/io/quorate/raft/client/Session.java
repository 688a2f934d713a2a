package io.quorate.raft.client;

import io.quorate.raft.CommandTooLargeException;
import io.quorate.raft.NotLeaderException;
import io.quorate.raft.OutcomeUnknownException;
import io.quorate.raft.OverloadedException;
import io.quorate.raft.RaftServer;
import io.quorate.raft.RequestFailedException;
import io.quorate.raft.ServerStoppedException;
import io.quorate.raft.SessionCommand;
import io.quorate.raft.SessionEndedException;
import io.quorate.raft.SessionId;
import io.quorate.raft.SessionResult;
import io.quorate.raft.Sessions;
import io.quorate.raft.core.Entry;
import io.quorate.raft.runtime.Budget;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongFunction;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Commands that take effect exactly once, to a group whose state machine stands in {@link Sessions}.
 *
 * <p>A command is proposed again whenever its outcome is unknown, or nothing has happened, until its deadline: in the session it cannot
 * take effect twice. Several may be outstanding. In which order they take effect is not promised; wait for one before you propose the next
 * if you care. While nothing is proposed, the session tells the group now and then that it is still there.
 *
 * <p><b>Outcomes.</b> Every future completes, a little after the deadline at the latest. With the result: the command has taken effect,
 * once. With an {@link OutcomeUnknownException}: it was proposed, the time is up, and it has taken effect once or not at all; it may yet,
 * until the group hears of this session again. With any other exception nothing has happened, and nothing will: {@link
 * SessionEndedException} (open another), {@link NotLeaderException}, {@link OverloadedException}, {@link CommandTooLargeException}, {@link
 * RequestFailedException}, {@link ServerStoppedException}.
 *
 * <p><b>The end.</b> A session ends when it is closed, or when the group has not heard of it for its timeout, because it could not be
 * reached or this process stood still, or when the group was restored from a backup of before it was opened. What was proposed and not
 * answered is then unknown for good, and nothing of it takes effect once the group has forgotten the session.
 *
 * <p>Thread-safe. Futures complete on the threads of the client or server, or on one that all sessions share: what is chained to them must
 * not block.
 */
public final class Session implements AutoCloseable {

    /** How many bytes of commands may be open at once. */
    public static final long COMMAND_BYTES_MAX = 64L << 20;

    /** For how long after its deadline a command waits for the outcome of its last proposal, whose own time was up then too. */
    static final long SLACK_NANOS = Duration.ofMillis(100).toNanos();

    /** For how long one proposal is waited for before it is made again. */
    static final long ATTEMPT_NANOS = Duration.ofSeconds(2).toNanos();

    private static final long PAUSE_MIN_NANOS = Duration.ofMillis(10).toNanos();
    private static final long PAUSE_MAX_NANOS = Duration.ofMillis(500).toNanos();
    private static final SessionId UNOPENED = new SessionId(1, 0);           // of what opens one; said to nobody
    private static final SecureRandom NUMBERS = new SecureRandom();          // no two processes draw alike, however they are started
    private static final int KEEP_ALIVES_PER_TIMEOUT = 3;
    private static final int CALL_BYTES = 500;
    private static final int ENVELOPE_BYTES = 33;

    /**
     * What a session is opened with.
     *
     * @param timeout     after so long without a sign of it the group forgets the session; it gets what {@link Sessions.Options} allow if
     *                    that is less
     * @param callTimeout how long a command may take that brings no timeout of its own
     */
    public record Options(Duration timeout, Duration callTimeout) {

        /** One minute, and 10 s for a command. */
        public static final Options DEFAULT = new Options(Duration.ofMinutes(1), Duration.ofSeconds(10));

        public Options {
            require("timeout", timeout);
            require("callTimeout", callTimeout);
        }
    }

    /** How commands reach the group; it may be a {@link RaftClient}, a {@link RaftServer}, or whatever your service speaks. */
    @FunctionalInterface
    public interface Proposer {

        /**
         * Proposes once. The future completes with what the state machine returned; or with an {@link OutcomeUnknownException}, or one of
         * the other exceptions that say that nothing happened. Whatever else it completes with is taken as an unknown outcome.
         */
        CompletableFuture<byte[]> propose(byte[] command, Duration timeout);
    }

    private final Proposer proposer;
    private final SessionTimer timer;
    private final LongUnaryOperator random;
    private final Options options;
    private final SessionId id;
    private final long timeoutNanos;              // as the group allows it
    private final Budget budget = new Budget(COMMAND_BYTES_MAX);

    // Guarded by this.
    private final SessionWindow window = new SessionWindow();
    private final Set<Call> open = new LinkedHashSet<>();
    private @Nullable String ended;               // why; null while it lives
    private long heardNanos;                      // when something was last proposed that the group has answered

    private Session(Proposer proposer, SessionTimer timer, LongUnaryOperator random, Options options, SessionId id,
                    long timeoutNanos) {
        this.proposer = proposer;
        this.timer = timer;
        this.random = random;
        this.options = options;
        this.id = id;
        this.timeoutNanos = timeoutNanos;
        heardNanos = timer.nanoTime();
    }

    /** Opens a session from outside the group. Fails as {@link #propose(byte[])}; an unknown outcome leaves nothing that would matter. */
    public static CompletableFuture<Session> open(RaftClient client, Options options) {
        return open(client::propose, options);
    }

    /** Opens a session of a process that is itself a replica. Its commands succeed while this replica leads, and wait while it does not. */
    public static CompletableFuture<Session> open(RaftServer server, Options options) {
        return open(server::propose, options);
    }

    /** Opens a session by other means. */
    public static CompletableFuture<Session> open(Proposer proposer, Options options) {
        return open(proposer, options, SessionTimer.OF_THE_JDK, bound -> ThreadLocalRandom.current().nextLong(bound), NUMBERS.nextLong());
    }

    static CompletableFuture<Session> open(Proposer proposer, Options options, SessionTimer timer, LongUnaryOperator random, long number) {
        Session unopened = new Session(proposer, timer, random, options, UNOPENED, options.timeout.toNanos());
        CompletableFuture<Session> opened = new CompletableFuture<>();
        byte[] command = new SessionCommand.Open(options.timeout.toNanos(), number).encode();
        unopened.new Call(0, command.length, acknowledged -> command, options.callTimeout.toNanos(), (result, failure) -> {
            if (result != null) {
                SessionResult.Opened granted = (SessionResult.Opened) SessionResult.decode(result);
                Session numbered = new Session(proposer, timer, random, options, granted.session(), granted.timeoutNanos());
                numbered.keepAliveLater();
                opened.complete(numbered);
            } else {
                opened.completeExceptionally(failure);
            }
        }).start();
        return opened;
    }

    /** Which session: no other has this id, also of groups that are restored from this one's backups. */
    public SessionId id() {
        return id;
    }

    /** Whether the session is neither closed nor, as far as this client knows, forgotten by the group. */
    public synchronized boolean isOpen() {
        return ended == null;
    }

    /**
     * Has the command take effect once, and completes with what the state machine returned for it.
     *
     * @param command at most 33 bytes less than a command may have otherwise (32 MiB); not changed until the future completes
     */
    public CompletableFuture<byte[]> propose(byte[] command) {
        return propose(command, options.callTimeout);
    }

    /** The same, with a deadline of its own. */
    public CompletableFuture<byte[]> propose(byte[] command, Duration timeout) {
        require("timeout", timeout);
        if (command.length > Entry.PAYLOAD_BYTES_MAX - ENVELOPE_BYTES) {
            return CompletableFuture.failedFuture(new CommandTooLargeException("Nothing happened: the command has " + command.length
                + " bytes, and at most " + (Entry.PAYLOAD_BYTES_MAX - ENVELOPE_BYTES) + " are possible in a session"));
        }
        int bytes = CALL_BYTES + command.length;
        if (!budget.take(bytes)) {
            return CompletableFuture.failedFuture(new OverloadedException("Nothing happened: " + budget.taken()
                + " bytes of commands are open in this session, and " + COMMAND_BYTES_MAX + " is the most; try again after a pause"));
        }
        CompletableFuture<byte[]> future = new CompletableFuture<>();
        Call call;
        synchronized (this) {
            if (ended != null) {
                budget.give(bytes);
                return CompletableFuture.failedFuture(new SessionEndedException("Nothing happened: " + ended));
            }
            long sequence = window.next();
            call = new Call(sequence, bytes,
                acknowledged -> new SessionCommand.Call(id, sequence, acknowledged, ByteBuffer.wrap(command)).encode(), timeout.toNanos(),
                (result, failure) -> {
                    if (result != null) {
                        future.complete(result);
                    } else {
                        future.completeExceptionally(failure);
                    }
                });
            open.add(call);
        }
        call.start();
        return future;
    }

    /**
     * Ends the session: open commands complete, as unknown if they were proposed, and the group is told to forget it. Returns at once;
     * should the group not hear it, the session expires there.
     */
    @Override
    public void close() {
        if (end("this session is closed", true)) {
            propose(new SessionCommand.Close(id).encode(), ATTEMPT_NANOS, (result, failure) -> { });
        }
    }

    @Override
    public synchronized String toString() {
        return "Session[" + id + ", " + window + (ended == null ? "" : ", " + ended) + "]";
    }

    // ------------------------------------------------------------------------------------------------------------------- keeping alive

    private synchronized void keepAliveLater() {
        if (ended == null) {
            long period = Math.max(1, timeoutNanos / KEEP_ALIVES_PER_TIMEOUT);
            long quiet = timer.nanoTime() - heardNanos;
            timer.after(Math.max(Math.min(period, PAUSE_MAX_NANOS), period - quiet), this::keepAlive);
        }
    }

    private void keepAlive() {
        long period = timeoutNanos / KEEP_ALIVES_PER_TIMEOUT;
        long begun;
        byte[] command;
        synchronized (this) {
            begun = timer.nanoTime();
            if (ended != null) {
                return;
            }
            if (begun - heardNanos < period) {
                keepAliveLater();
                return;
            }
            command = new SessionCommand.KeepAlive(id, window.acknowledged()).encode();
        }
        propose(command, Math.min(period, ATTEMPT_NANOS), (result, failure) -> {
            if (result instanceof SessionResult.Refused refused && refused.reason() == SessionResult.Reason.NO_SUCH_SESSION) {
                end(expired(), false);
            } else if (result != null) {
                heard(begun);
            } else if (failure instanceof ServerStoppedException) {
                end("the client or server that it spoke through is closed", false);
            }
            keepAliveLater();
        });
    }

    /** The group has heard of the session: not before this was proposed. */
    private synchronized void heard(long begunNanos) {
        if (begunNanos - heardNanos > 0) {
            heardNanos = begunNanos;
        }
    }

    private String expired() {
        return "the group does not know session " + id + ": it has heard nothing of it for its timeout, or was restored from a backup of "
            + "before it was opened; open another";
    }

    private boolean end(String why, boolean isFinal) {
        List<Call> left;
        synchronized (this) {
            if (ended != null) {
                return false;
            }
            ended = why;
            left = new ArrayList<>(open);
        }
        left.forEach(call -> call.onEnded(isFinal));
        return true;
    }

    // ----------------------------------------------------------------------------------------------------------------------- commands

    @FunctionalInterface
    private interface Answer {
        void accept(@Nullable SessionResult result, @Nullable Throwable failure);
    }

    @FunctionalInterface
    private interface Completion {
        void accept(byte @Nullable [] result, @Nullable Throwable failure);
    }

    private void propose(byte[] command, long timeoutNanos, Answer answer) {
        CompletableFuture<byte[]> proposed;
        try {
            proposed = proposer.propose(command, Duration.ofNanos(timeoutNanos));
        } catch (RuntimeException e) {
            proposed = CompletableFuture.failedFuture(e);
        }
        proposed.whenComplete((result, failure) -> {
            if (failure != null) {
                answer.accept(null, failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure);
                return;
            }
            SessionResult decoded;
            try {
                decoded = SessionResult.decode(result);
            } catch (IllegalArgumentException e) {
                answer.accept(null, new NoSessionsException(e));
                return;
            }
            answer.accept(decoded, null);
        });
    }

    /** What the state machine returned is none of {@link Sessions}. */
    private static final class NoSessionsException extends RuntimeException {

        private static final long serialVersionUID = 1;

        private NoSessionsException(IllegalArgumentException cause) {
            super("the group's state machine does not stand in Sessions.around(...): " + cause.getMessage(), cause);
        }
    }

    /**
     * One command, from proposal to proposal; there is one at a time. Whatever the last one brings is waited for a little longer than its
     * deadline, since only that tells what is certain.
     */
    private final class Call {

        private final long sequence;                       // 0 for the one that opens the session
        private final int bytes;
        private final LongFunction<byte[]> encoded;        // with what is acknowledged by then
        private final Completion completion;
        private final long deadlineNanos;

        // Guarded by the session.
        private boolean isComplete;
        private boolean isOut;                             // a proposal is on its way
        private boolean isPerhapsDone;                     // an earlier one may have been applied
        private @Nullable RuntimeException refusal;        // the last one, after which nothing had happened
        private long pauseNanos = PAUSE_MIN_NANOS;
        private Runnable deadlineTimer = () -> { };

        Call(long sequence, int bytes, LongFunction<byte[]> encoded, long timeoutNanos, Completion completion) {
            this.sequence = sequence;
            this.bytes = bytes;
            this.encoded = encoded;
            this.completion = completion;
            deadlineNanos = timer.nanoTime() + timeoutNanos;
        }

        void start() {
            Runnable onDeadline = timer.after(deadlineNanos + SLACK_NANOS - timer.nanoTime(), this::onDeadline);
            boolean isAlreadyComplete;
            synchronized (Session.this) {
                deadlineTimer = onDeadline;
                isAlreadyComplete = isComplete;
            }
            if (isAlreadyComplete) {
                onDeadline.run();
            }
            attempt();
        }

        private void attempt() {
            long begun = timer.nanoTime();
            long left = deadlineNanos - begun;
            byte[] command = null;
            boolean isEnded;
            synchronized (Session.this) {
                if (isComplete) {
                    return;
                }
                isEnded = ended != null;
                if (!isEnded && left > 0) {
                    isOut = true;
                    command = encoded.apply(window.acknowledged());
                }
            }
            if (isEnded) {
                onEnded(false);
                return;
            } else if (command == null) {
                onDeadline();
                return;
            }
            propose(command, Math.min(left, ATTEMPT_NANOS), (result, failure) -> {
                if (result != null) {
                    heard(begun);
                    onResult(result);
                } else if (failure != null) {
                    onFailure(failure);
                }
            });
        }

        private void onResult(SessionResult result) {
            if (result instanceof SessionResult.Done done) {
                complete(done.result(), null);
            } else if (result instanceof SessionResult.Opened opened && sequence == 0) {
                complete(opened.encode(), null);
            } else if (result instanceof SessionResult.Refused refused) {
                switch (refused.reason()) {
                    case FULL -> again(false, new OverloadedException("Nothing happened: the group keeps as many replies as it may until "
                        + "they are acknowledged; try again after a pause"));
                    case NO_SUCH_SESSION -> {
                        onRefusedForGood(new SessionEndedException("Nothing happened: " + expired()));
                        end(expired(), false);
                    }
                    case UNREADABLE -> onRefusedForGood(new RequestFailedException("Nothing happened: the group's version of sessions "
                        + "cannot read the command; upgrade it first"));
                    // Only what is settled is acknowledged, and this is not; so somebody else uses the session.
                    case ACKNOWLEDGED -> onUnknown("another client has acknowledged command " + sequence + " of session " + id);
                }
            } else {
                onUnknown("the answer was " + result);
            }
        }

        private void onFailure(Throwable failure) {
            if (failure instanceof NotLeaderException || failure instanceof OverloadedException) {
                again(false, (RuntimeException) failure);
            } else if (failure instanceof ServerStoppedException || failure instanceof CommandTooLargeException
                || failure instanceof RequestFailedException) {
                onRefusedForGood((RuntimeException) failure);
            } else if (failure instanceof NoSessionsException) {
                onUnknown(String.valueOf(failure.getMessage()));
            } else {
                again(true, null);
            }
        }

        /** Proposes once more after a pause that grows and is drawn at random. */
        private void again(boolean isPerhaps, @Nullable RuntimeException why) {
            long nanos;
            synchronized (Session.this) {
                isOut = false;
                isPerhapsDone |= isPerhaps;
                if (why != null) {
                    refusal = why;
                }
                if (isComplete) {
                    return;
                }
                nanos = pauseNanos / 2 + random.applyAsLong(pauseNanos);
                pauseNanos = Math.min(2 * pauseNanos, PAUSE_MAX_NANOS);
            }
            timer.after(Math.min(nanos, deadlineNanos - timer.nanoTime()), this::attempt);
        }

        private void onRefusedForGood(RuntimeException why) {
            boolean isCertain;
            synchronized (Session.this) {
                isCertain = !isPerhapsDone;
            }
            if (isCertain) {
                complete(null, why);
            } else {
                onUnknown(String.valueOf(why.getMessage()));
            }
        }

        private void onUnknown(String why) {
            complete(null, new OutcomeUnknownException("Perhaps it happened, once: the command was proposed, and then: " + why
                + "; read the state before you repeat it"));
        }

        /** @param isFinal whether not even the answer that is on its way is waited for */
        private void onEnded(boolean isFinal) {
            String why;
            boolean isCertain;
            synchronized (Session.this) {
                if (isOut && !isFinal) {
                    return;
                }
                why = ended == null ? "the session ended" : ended;
                isCertain = !isPerhapsDone && !isOut;
            }
            if (isCertain) {
                complete(null, new SessionEndedException("Nothing happened: " + why));
            } else {
                onUnknown(why);
            }
        }

        private void onDeadline() {
            boolean isCertain;
            RuntimeException why;
            synchronized (Session.this) {
                isCertain = !isPerhapsDone && !isOut;
                why = refusal != null ? refusal
                    : new NotLeaderException("Nothing happened: the time was up before the command was proposed");
            }
            if (isCertain) {
                complete(null, why);
            } else {
                onUnknown("its time was up before it was answered");
            }
        }

        private void complete(byte @Nullable [] result, @Nullable Throwable failure) {
            synchronized (Session.this) {
                if (isComplete) {
                    return;
                }
                isComplete = true;
                deadlineTimer.run();
                if (sequence > 0) {
                    open.remove(this);
                    window.settle(sequence);     // also of one that is unknown: nobody will ask for it any more
                    budget.give(bytes);
                }
            }
            completion.accept(result, failure);
        }
    }

    private static void require(String name, Duration timeout) {
        if (timeout.isNegative() || timeout.isZero() || timeout.compareTo(Duration.ofDays(365)) > 0) {
            throw new IllegalArgumentException(name + " is more than 0 and at most 365 days, not " + timeout);
        }
    }
}
