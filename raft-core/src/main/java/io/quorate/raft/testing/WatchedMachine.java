package io.quorate.raft.testing;

import io.quorate.raft.Command;
import io.quorate.raft.SessionCommand;
import io.quorate.raft.SessionResult;
import io.quorate.raft.Sessions;
import io.quorate.raft.StateMachine;
import io.quorate.raft.core.Entry;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Stands around the user's state machine on one node and tells the group what is applied. Commands and queries travel in an envelope of the
 * kit's own: a command's says which one it is, whatever its bytes, and an answer's from which state it was read.
 */
final class WatchedMachine implements StateMachine {

    /** What stands before each command, and before each answer to a query. */
    static final int ENVELOPE_BYTES = 8;
    /** The table of sessions is looked at so often, for that takes its time; where it differs once it differs for long. */
    private static final int INDEXES_PER_TABLE = 4;

    private final SimulatedGroup group;
    private final SimulatedReplica replica;
    private final Ailments ailments;
    private final StateMachine users;
    private final StateMachine machine;         // the user's, or around it what makes the sessions
    private final Effects effects;
    private long lastIndex;      // the last command's
    private long toldIndex;      // where the machine was told the time last

    /** What a state machine under {@link Fault.ThrowInApply} throws. */
    static final class ThrownInApply extends RuntimeException {

        private static final long serialVersionUID = 1;

        private ThrownInApply() {
            super("the simulation makes this apply fail");
        }
    }

    /** Stands between sessions and the user's machine, and knows what comes through to it. */
    private static final class Effects implements StateMachine {

        private final StateMachine users;
        private final Set<List<Object>> own = new HashSet<>();     // sessions and numbers, since this machine began or was restored
        private boolean hasTaken;                                // of the present command

        private Effects(StateMachine users) {
            this.users = users;
        }

        /** Whether it has taken effect here, now or before, and not only in a snapshot. */
        private boolean isOwn(SessionCommand.Call call, boolean isNow) {
            List<Object> name = List.of(call.session(), call.sequence());
            return isNow ? own.add(name) : own.contains(name);
        }

        @Override
        public byte[] apply(Command command) {
            hasTaken = true;
            return users.apply(command);
        }

        @Override
        public byte[] query(byte[] query) {
            return users.query(query);
        }

        @Override
        public long wakeUpNanos() {
            return users.wakeUpNanos();
        }

        @Override
        public void onTime(long index, long timeNanos) {
            users.onTime(index, timeNanos);
        }

        @Override
        public @Nullable Snapshot snapshot() {
            return users.snapshot();
        }

        @Override
        public void restore(InputStream in) throws IOException {
            users.restore(in);
        }
    }

    WatchedMachine(SimulatedGroup group, SimulatedReplica replica, Ailments ailments) {
        this.group = group;
        this.replica = replica;
        this.ailments = ailments;
        users = group.setup().machines().get();
        effects = new Effects(users);
        Setup.InSessions inSessions = group.setup().sessions();
        machine = inSessions == null ? users : inSessions.around().apply(effects);
    }

    /** A user's command. */
    static byte[] wrapCommand(long call, byte[] command) {
        if (command.length > Entry.PAYLOAD_BYTES_MAX) {
            return command;     // will be refused, and is too large to be copied for that
        }
        return ByteBuffer.allocate(ENVELOPE_BYTES + command.length).putLong(call).put(command).array();
    }

    /** A command that the user's machine does not see. */
    static byte[] wrapProbe(long call) {
        return ByteBuffer.allocate(ENVELOPE_BYTES).putLong(-call).array();
    }

    /** A user's query. */
    static byte[] wrapQuery(byte[] query) {
        byte[] enveloped = new byte[1 + query.length];
        enveloped[0] = 1;
        System.arraycopy(query, 0, enveloped, 1, query.length);
        return enveloped;
    }

    /** A query that the user's machine does not see. */
    static byte[] probe() {
        return new byte[] {0};
    }

    /** Up to where commands were applied in the state that gave this answer. */
    static long indexOf(byte[] answer) {
        return ByteBuffer.wrap(answer).getLong();
    }

    /** The user's part of an answer. */
    static byte[] answerOf(byte[] answer) {
        return Arrays.copyOfRange(answer, ENVELOPE_BYTES, answer.length);
    }

    @Override
    public byte[] apply(Command command) {
        if (ailments.throwsInApply()) {
            throw new ThrownInApply();
        }
        long call = command.payload().getLong(0);
        if (command.index() != toldIndex) {
            reportTold();
        }
        GroupInvariants invariants = group.invariants();
        invariants.onApply(replica, command.index(), command.bytes());
        invariants.onCallApplied(replica, Math.abs(call), command.index());
        lastIndex = command.index();
        byte[] result = call < 0 ? new byte[0] : applyUsers(command);
        invariants.onApplied(replica, command.index(), result);
        reportState(command.index());
        group.onApplied(replica, command.index(), result);
        return result;
    }

    private byte[] applyUsers(Command command) {
        ByteBuffer payload = command.payload().duplicate();
        payload.position(payload.position() + ENVELOPE_BYTES);
        byte[] result;
        effects.hasTaken = false;
        try {
            result = machine.apply(command.withPayload(payload.slice()));
        } catch (RuntimeException | Error e) {
            throw new MachineFailed("apply threw " + at(command, payload) + ": " + e, e);
        }
        if (result == null) {
            throw new MachineFailed("apply returned null " + at(command, payload), null);
        }
        if (group.setup().sessions() != null) {
            onSession(command.withPayload(payload.slice()), result);
        }
        group.setup().check(users, replica.nodeId(), () -> at(command, payload));
        return result;
    }

    private void onSession(Command command, byte[] result) {
        SessionCommand said = SessionCommand.decode(command.payload());
        group.invariants().onSession(replica, command, said, effects.hasTaken, result);
        SessionResult answer = SessionResult.decode(result);
        if (answer instanceof SessionResult.Opened) {
            group.count(Happening.SESSION_OPENED);
        } else if (answer instanceof SessionResult.Refused refused) {
            group.count(switch (refused.reason()) {
                case NO_SUCH_SESSION -> Happening.SESSION_GONE;
                case ACKNOWLEDGED -> Happening.SESSION_ACKNOWLEDGED;
                case FULL -> Happening.SESSION_FULL;
                case UNREADABLE -> throw new MachineFailed("a command of a session is unreadable at node " + replica.nodeId(), null);
            });
        } else if (said instanceof SessionCommand.Close) {
            group.count(Happening.SESSION_CLOSED);
        } else if (said instanceof SessionCommand.Call call) {
            boolean isOwn = effects.isOwn(call, effects.hasTaken);
            if (!effects.hasTaken) {
                group.count(isOwn ? Happening.SESSION_REPEATED : Happening.SESSION_REPEATED_AFTER_RESTORE);
            }
        }
    }

    private int openSessions() {
        return machine instanceof Sessions<?> sessions ? sessions.openSessions() : 0;
    }

    @Override
    public long wakeUpNanos() {
        try {
            return machine.wakeUpNanos();
        } catch (RuntimeException | Error e) {
            throw new MachineFailed("wakeUpNanos threw at node " + replica.nodeId() + ": " + e, e);
        }
    }

    @Override
    public void onTime(long index, long timeNanos) {
        Supplier<String> where = () -> "at node " + replica.nodeId() + ", before index " + index + ", at the replicated time " + timeNanos;
        reportTold();
        toldIndex = index;
        group.invariants().onTime(replica, index, timeNanos);
        int open = openSessions();
        try {
            machine.onTime(index, timeNanos);
        } catch (RuntimeException | Error e) {
            throw new MachineFailed("onTime threw " + where.get() + ": " + e, e);
        }
        if (openSessions() < open) {
            group.count(Happening.SESSION_EXPIRED);
        }
        group.setup().check(users, replica.nodeId(), where);
    }

    /** If the machine was last told the time by an entry that was no command: the state as that has left it. */
    private void reportTold() {
        if (toldIndex > lastIndex) {
            reportState(toldIndex);
        }
    }

    private void reportState(long index) {
        ToLongFunction<StateMachine> digest = group.setup().digest();
        boolean hasSessions = group.setup().sessions() != null && index % INDEXES_PER_TABLE == 0;
        if (digest != null || hasSessions) {
            long usersDigest = digest == null ? 0 : digest.applyAsLong(users);
            group.invariants().onState(replica, index, hasSessions ? 31 * usersDigest + machine.toString().hashCode() : usersDigest);
        }
    }

    @Override
    public byte[] query(byte[] query) {
        byte[] answer = query[0] == 0 ? new byte[0] : queryUsers(Arrays.copyOfRange(query, 1, query.length));
        return ByteBuffer.allocate(ENVELOPE_BYTES + answer.length).putLong(lastIndex).put(answer).array();
    }

    private byte[] queryUsers(byte[] query) {
        byte[] answer;
        try {
            answer = machine.query(query);
        } catch (RuntimeException e) {
            group.count(Happening.QUERY_THREW);     // which is allowed, and goes to the caller
            throw e;
        }
        if (answer == null) {
            throw new MachineFailed("query returned null at node " + replica.nodeId() + " for " + Operation.text(query), null);
        }
        return answer;
    }

    @Override
    public @Nullable Snapshot snapshot() {
        Snapshot captured;
        try {
            captured = machine.snapshot();
        } catch (RuntimeException | Error e) {
            throw new MachineFailed("snapshot threw at node " + replica.nodeId() + ", after index " + lastIndex + ": " + e, e);
        }
        long index = lastIndex;
        long told = toldIndex;
        return captured == null ? null : out -> {
            out.write(ByteBuffer.allocate(2 * Long.BYTES).putLong(index).putLong(told).array());
            captured.writeTo(out);
        };
    }

    @Override
    public void restore(InputStream in) throws IOException {
        ByteBuffer indexes = ByteBuffer.wrap(in.readNBytes(2 * Long.BYTES));
        lastIndex = indexes.getLong();
        toldIndex = indexes.getLong();
        Supplier<String> where = () -> "at node " + replica.nodeId() + ", with the snapshot of the state after index " + lastIndex;
        try {
            machine.restore(in);
        } catch (RuntimeException | Error | IOException e) {
            throw new MachineFailed("restore threw " + where.get() + ": " + e, e);
        }
        effects.own.clear();
        group.setup().check(users, replica.nodeId(), where);
        group.count(Happening.SNAPSHOT_RESTORED);
        group.invariants().onRestored(replica, lastIndex);
        long stateIndex = Math.max(lastIndex, toldIndex);
        if (stateIndex > 0) {
            reportState(stateIndex);
        }
    }

    private String at(Command command, ByteBuffer payload) {
        byte[] bytes = new byte[payload.remaining()];
        payload.duplicate().get(bytes);
        return "at node " + replica.nodeId() + ", index " + command.index() + ", with the command " + Operation.text(bytes);
    }
}
