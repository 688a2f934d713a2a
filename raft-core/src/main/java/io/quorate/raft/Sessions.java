package io.quorate.raft;

import io.quorate.raft.SessionResult.Reason;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Your state machine, with each command of a session taking effect at most once however often it is proposed.
 *
 * <p>A client whose leader dies before it has answered cannot know whether its command was done. To repeat it may do it twice; not to,
 * never. In a session it may repeat: it numbers its commands, and this machine, which stands around yours, remembers the reply to each
 * number until the client says that it has it. A repeated command gets the same reply, byte for byte, and yours is not asked again. {@link
 * io.quorate.raft.client.Session} is the client's half.
 *
 * <pre>{@code
 * RaftServer.builder().stateMachine(Sessions.around(new Bank())) ...                      // on every replica
 *
 * Session session = Session.open(client, Session.Options.DEFAULT).get();                  // in a client
 * byte[] result = session.propose(transfer).get();                                        // exactly once, whoever dies
 * }</pre>
 *
 * <p><b>What is promised.</b> A command of a session takes effect at most once, whatever is lost, repeated or reordered, and over changes
 * of leader, restarts and snapshots. Several commands of a session may be outstanding; in which order they take effect is not promised, so
 * who cares waits for one before he proposes the next. A command that was acknowledged, or whose session is gone, is {@linkplain
 * SessionResult.Refused refused} and never executed: a copy that was long on its way does no harm. Queries and plain commands are yours as
 * ever.
 *
 * <p><b>Restored groups.</b> A backup holds the sessions of its moment, and a group restored from it goes on with them. A session that was
 * opened later is none of its own, though it may have another at the same index: {@link SessionId} tells them apart.
 *
 * <p><b>Expiry.</b> A session of which nothing was heard for its timeout is forgotten, and what it was said to be for too: on every replica
 * before the same command, for it goes by {@linkplain Command#timeNanos replicated time}. By a clock on the wall that is never earlier than
 * the timeout, and may be much later.
 *
 * <p><b>Bounds.</b> {@link Options} says how many bytes of replies are kept. At the bound commands are refused as {@link
 * SessionResult.Reason#FULL}: nothing has happened, and acknowledgements make room. The options are part of the machine: give the same to
 * all replicas, and change them only while none of them runs.
 *
 * <p><b>Snapshots</b> hold the sessions and then your machine's snapshot; without yours there are none. Your machine must keep its state in
 * memory: one that keeps it on a disk of its own would have been told what the sessions have not, so it is refused.
 *
 * @param <M> your state machine
 */
public final class Sessions<M extends StateMachine> implements StateMachine {

    /**
     * What is kept, and for how long.
     *
     * @param timeoutMax           no session lives for longer without a sign of its client, whatever timeout it asks for
     * @param sessionReplyBytesMax how many bytes of replies are kept for one session. When they are as many, of its commands only the first
     *                             that is not acknowledged is taken; so there are at most two replies more
     * @param bytesMax             how many bytes all sessions may take, their replies included. When they do, no session is opened, and of
     *                             each session only the first command that is not acknowledged is taken
     */
    public record Options(Duration timeoutMax, long sessionReplyBytesMax, long bytesMax) {

        /** A day; 1 MiB for a session; 64 MiB in all. */
        public static final Options DEFAULT = new Options(Duration.ofDays(1), 1 << 20, 64L << 20);

        public Options {
            if (timeoutMax.isNegative() || timeoutMax.isZero() || timeoutMax.compareTo(Duration.ofDays(3650)) > 0) {
                throw new IllegalArgumentException("timeoutMax is more than 0 and at most 3650 days, not " + timeoutMax);
            }
            if (sessionReplyBytesMax < 1 || bytesMax < 1) {
                throw new IllegalArgumentException("Some bytes must be kept, not " + sessionReplyBytesMax + " for a session and " + bytesMax
                    + " in all");
            }
        }
    }

    private static final byte FORMAT = 2;     // of snapshots
    private static final byte[] DONE = new SessionResult.Done(new byte[0]).encode();

    private final M machine;
    private final Options options;
    private SessionTable table = new SessionTable();

    private Sessions(M machine, Options options) {
        this.machine = machine;
        this.options = options;
    }

    /** This machine with sessions, and {@link Options#DEFAULT}. */
    public static <M extends StateMachine> Sessions<M> around(M machine) {
        return around(machine, Options.DEFAULT);
    }

    /**
     * This machine with sessions.
     *
     * @throws IllegalArgumentException if the machine keeps its state on a disk of its own: it overrides {@link
     *     StateMachine#appliedIndex}
     */
    public static <M extends StateMachine> Sessions<M> around(M machine, Options options) {
        if (machine.appliedIndex() != IN_MEMORY) {
            throw new IllegalArgumentException("The machine keeps its state on a disk of its own, up to command " + machine.appliedIndex()
                + " so far, for it overrides StateMachine.appliedIndex(); its sessions would begin empty at each start, and commands that"
                + " are repeated would be done twice. Only a machine that keeps its state in memory can have sessions");
        }
        return new Sessions<>(machine, options);
    }

    /** The machine inside; as with all its methods, look at it on the apply thread only. */
    public M machine() {
        return machine;
    }

    /** How many sessions are open. */
    public int openSessions() {
        return table.size();
    }

    /** How many bytes they take, as {@link Options#bytesMax} counts them. */
    public long sessionBytes() {
        return table.bytes();
    }

    // -------------------------------------------------------------------------------------------------------------------- commands

    @Override
    public byte[] apply(Command command) {
        SessionCommand said;
        try {
            said = SessionCommand.decode(command.payload());
        } catch (IllegalArgumentException e) {
            return refused(Reason.UNREADABLE);
        }
        if (said instanceof SessionCommand.Call call) {
            return call(command, call);
        } else if (said instanceof SessionCommand.Plain plain) {
            return execute(command.withPayload(plain.command()));
        } else if (said instanceof SessionCommand.Open open) {
            return open(command, open);
        } else if (said instanceof SessionCommand.KeepAlive keepAlive) {
            return keepAlive(command, keepAlive);
        } else {
            return close((SessionCommand.Close) said);
        }
    }

    private byte[] call(Command command, SessionCommand.Call call) {
        SessionTable.Session session = heard(call.session(), command.timeNanos());
        if (session == null) {
            return refused(Reason.NO_SUCH_SESSION);
        }
        table.acknowledge(session, call.acknowledged());
        if (call.sequence() <= session.acknowledged()) {
            return refused(Reason.ACKNOWLEDGED);
        }
        byte[] known = session.reply(call.sequence());
        if (known != null) {
            return known;
        }
        if (call.sequence() > session.acknowledged() + 1 && isFull(session)) {
            // The first that is not acknowledged always passes: until it is done, no reply behind it can be acknowledged and make room.
            return refused(Reason.FULL);
        }
        byte[] reply = execute(command.withPayload(call.command()));
        table.keep(session, call.sequence(), reply);
        return reply;
    }

    /** There is one command at an index, so no two sessions of this group have one id. */
    private byte[] open(Command command, SessionCommand.Open open) {
        if (table.bytes() >= options.bytesMax) {
            return refused(Reason.FULL);
        }
        SessionId id = new SessionId(command.index(), open.number());
        long timeoutNanos = Math.min(open.timeoutNanos(), options.timeoutMax.toNanos());
        table.open(id, timeoutNanos, command.timeNanos());
        return new SessionResult.Opened(id, timeoutNanos).encode();
    }

    private byte[] keepAlive(Command command, SessionCommand.KeepAlive keepAlive) {
        SessionTable.Session session = heard(keepAlive.session(), command.timeNanos());
        if (session == null) {
            return refused(Reason.NO_SUCH_SESSION);
        }
        table.acknowledge(session, keepAlive.acknowledged());
        return DONE;
    }

    private byte[] close(SessionCommand.Close close) {
        SessionTable.Session session = table.find(close.session());
        if (session == null) {
            return refused(Reason.NO_SUCH_SESSION);
        }
        table.close(session);
        return DONE;
    }

    private SessionTable.@Nullable Session heard(SessionId id, long nowNanos) {
        SessionTable.Session session = table.find(id);
        if (session != null) {
            table.renew(session, nowNanos);
        }
        return session;
    }

    private boolean isFull(SessionTable.Session session) {
        return session.replyBytes() >= options.sessionReplyBytesMax || table.bytes() >= options.bytesMax;
    }

    private byte[] execute(Command command) {
        byte[] result = machine.apply(command);
        if (result == null) {
            throw new IllegalStateException("StateMachine.apply returned null for the command at " + command.index()
                + "; return an empty array for no result");
        }
        return new SessionResult.Done(result).encode();
    }

    private static byte[] refused(Reason reason) {
        return new SessionResult.Refused(reason).encode();
    }

    @Override
    public byte[] query(byte[] query) {
        return machine.query(query);
    }

    // ------------------------------------------------------------------------------------------------------------------------ time

    @Override
    public long wakeUpNanos() {
        return Math.min(table.firstExpiryNanos(), machine.wakeUpNanos());
    }

    /** Sessions expire here and nowhere else: before a command of that time or a later one, which therefore finds none that is due. */
    @Override
    public void onTime(long index, long timeNanos) {
        table.expire(timeNanos);
        if (machine.wakeUpNanos() <= timeNanos) {
            machine.onTime(index, timeNanos);
        }
    }

    // ------------------------------------------------------------------------------------------------------------------- snapshots

    @Override
    public @Nullable Snapshot snapshot() {
        Snapshot machines = machine.snapshot();
        if (machines == null) {
            return null;
        }
        SessionTable captured = table.copy();
        return out -> {
            DataOutputStream data = new DataOutputStream(new BufferedOutputStream(out));
            data.writeByte(FORMAT);
            captured.writeTo(data);
            data.flush();
            machines.writeTo(out);
        };
    }

    @Override
    public void restore(InputStream in) throws IOException {
        BufferedInputStream buffered = new BufferedInputStream(in);     // for both: it reads ahead
        DataInputStream data = new DataInputStream(buffered);
        byte format = data.readByte();
        if (format != FORMAT) {
            throw new IOException("The snapshot's sessions are of format " + format + "; this version knows " + FORMAT);
        }
        SessionTable read = SessionTable.readFrom(data);
        machine.restore(buffered);
        table = read;
    }

    @Override
    public String toString() {
        return "Sessions" + table;
    }
}
