package io.quorate.raft.testing;

import io.quorate.raft.SessionCommand;
import io.quorate.raft.SessionId;
import io.quorate.raft.SessionResult;
import io.quorate.raft.SessionResult.Reason;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The sessions of a group's clients, and what they say about them. Two clients share one, and those who flood a node take any, so that a
 * session has several commands outstanding. Clients are slow to acknowledge, send copies of what was answered long ago, close a session that another still uses, or open a new one and leave the old one to expire.
 */
final class SimulatedSessions {

    private static final int CLIENTS_PER_SESSION = 2;
    /** Of answered commands, so many of each session may be sent once more. */
    private static final int ANSWERED_MAX = 6;
    /** Sessions live for 4 to 64 election timeouts. */
    private static final int TIMEOUT_BITS_MIN = 2;
    private static final int TIMEOUT_BITS_MAX = 6;

    private static final class Session {
        private @Nullable SessionId id;                                   // null while there is none
        private long last;                                                // number of a command
        private final TreeSet<Long> unsettled = new TreeSet<>();
        private final ArrayDeque<Call> answered = new ArrayDeque<>();

        private void lose() {
            id = null;
            last = 0;
            unsettled.clear();
            answered.clear();
        }

        private long settled() {
            return unsettled.isEmpty() ? last : unsettled.first() - 1;
        }
    }

    /** A command of a session, which may be said as often as its client likes. */
    final class Call {
        private final Session user;
        private final SessionId session;
        private final long sequence;
        private final byte[] command;

        private Call(Session user, SessionId session, byte[] command) {
            this.user = user;
            this.command = command;
            this.session = session;
            sequence = ++user.last;
            user.unsettled.add(sequence);
        }

        byte[] encode(RandomGenerator random) {
            return encode(session.equals(user.id) ? Math.max(0, user.settled() - random.nextInt(4)) : 0);
        }

        private byte[] encode(long acknowledged) {
            return new SessionCommand.Call(session, sequence, acknowledged, ByteBuffer.wrap(command)).encode();
        }

        /** Its client wants nothing more of it. */
        void settle(boolean isAnswered) {
            if (!session.equals(user.id)) {
                return;
            }
            user.unsettled.remove(sequence);
            if (isAnswered) {       // another may be given up for certain: no copy of that may ever take effect
                user.answered.add(this);
                if (user.answered.size() > ANSWERED_MAX) {
                    user.answered.remove();
                }
            }
        }

        /** There is no room for its reply, or its session is gone. Nobody has acknowledged it. */
        void refused(Reason reason) {
            if (reason == Reason.NO_SUCH_SESSION) {
                lose(user, session);
            } else if (reason != Reason.FULL) {
                throw new InvariantBroken("SessionRefusals", "command " + sequence + " of session " + session + ", which is not settled, "
                    + "is refused as " + reason);
            }
        }
    }

    private final SimulatedGroup group;
    private final long timeoutNanosMax;
    private final List<Session> sessions = new ArrayList<>();

    SimulatedSessions(SimulatedGroup group, Setup.InSessions inSessions) {
        this.group = group;
        timeoutNanosMax = inSessions.options().timeoutMax().toNanos();
        for (int i = 0; i < group.setup().clients(); i += CLIENTS_PER_SESSION) {
            sessions.add(new Session());
        }
    }

    private Session of(int client) {
        return sessions.get(client / CLIENTS_PER_SESSION % sessions.size());
    }

    /** A command of this client's session; null if there is no session. */
    @Nullable Call call(int client, byte[] command) {
        Session session = of(client);
        SessionId id = session.id;
        if (id == null) {
            return null;
        }
        if (!session.unsettled.isEmpty()) {
            group.count(Happening.SESSION_OUTSTANDING);
        }
        return new Call(session, id, command);
    }

    /** What a client has to say about its session before it commands anything; null if there is nothing. */
    byte @Nullable [] affairs(int client, RandomGenerator random) {
        Session session = of(client);
        SessionId id = session.id;
        int kind = random.nextInt(400);
        if (id == null) {
            return open(random);
        } else if (kind < 3) {
            lose(session, id);
            return kind == 0 ? new SessionCommand.Close(id).encode() : open(random);
        } else if (kind < 20) {
            return new SessionCommand.KeepAlive(id, session.settled()).encode();
        } else if (kind < 50 && !session.answered.isEmpty()) {
            List<Call> answered = List.copyOf(session.answered);
            return answered.get(random.nextInt(answered.size())).encode(0);
        }
        return null;
    }

    private byte[] open(RandomGenerator random) {
        long timeoutNanos = group.plan().electionTimeoutNanos() << random.nextInt(TIMEOUT_BITS_MIN, TIMEOUT_BITS_MAX + 1);
        return new SessionCommand.Open(Math.min(timeoutNanos, timeoutNanosMax), random.nextLong()).encode();
    }

    /** How that was answered. */
    void onAffairs(int client, SessionResult result) {
        if (result instanceof SessionResult.Opened opened) {
            Session session = of(client);
            session.lose();
            session.id = opened.session();
        }
    }

    /** Commands that are outstanding in it may still be said. */
    private static void lose(Session session, SessionId id) {
        if (id.equals(session.id)) {
            session.lose();
        }
    }
}
