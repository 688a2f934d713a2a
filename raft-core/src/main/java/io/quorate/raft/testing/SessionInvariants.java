package io.quorate.raft.testing;

import io.quorate.raft.Command;
import io.quorate.raft.SessionCommand;
import io.quorate.raft.SessionCommand.Call;
import io.quorate.raft.SessionId;
import io.quorate.raft.SessionResult;
import io.quorate.raft.SessionResult.Reason;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What must hold of sessions: each of their commands takes effect once, each copy gets the first reply, and they end in their time. */
final class SessionInvariants {

    private SessionInvariants() { }

    static List<Invariant> all() {
        return List.of(new SessionCommandsTakeEffectOnce(), new CopiesGetTheFirstReply(), new OnlySettledCommandsAreForgotten(),
            new SessionsEndByReplicatedTime());
    }

    /** A command of a session; a number stands for one command for ever. */
    private record Name(SessionId session, long sequence) {

        static Name of(Call call) {
            return new Name(call.session(), call.sequence());
        }

        @Override
        public String toString() {
            return "command " + sequence + " of session " + session;
        }
    }

    private static boolean isRefused(byte[] result, Reason reason) {
        return SessionResult.decode(result) instanceof SessionResult.Refused refused && refused.reason() == reason;
    }

    /** I23: of all copies of a command the one at one index takes effect, on every replica and in every process, and no other. */
    static final class SessionCommandsTakeEffectOnce extends Invariant {
        private final Map<Name, Long> indexes = new HashMap<>();        // of those that have taken effect
        private final NumberedLongs effects = new NumberedLongs();      // by index: 1 if that copy has taken effect, 0 if not

        @Override
        void onSession(ReplicaView replica, Command command, SessionCommand said, boolean hasTakenEffect, byte[] result) {
            if (!(said instanceof Call call)) {
                return;
            }
            long index = command.index();
            if (hasTakenEffect) {
                Long known = indexes.putIfAbsent(Name.of(call), index);
                if (known != null && known != index) {
                    throw broken("%s lets %s take effect at %d, but it did at %d", replica.id(), Name.of(call), index, known);
                }
            }
            long effect = hasTakenEffect ? 1 : 0;
            if (!effects.has(index)) {
                effects.put(index, effect);
            } else if (effects.get(index) != effect) {
                throw broken("%s takes effect at %d %s %s", Name.of(call), index, hasTakenEffect ? "only on" : "but not on", replica.id());
            }
        }
    }

    /** I23: what took effect is answered, and each later copy as the first was or by a refusal; nothing else is answered as done. */
    static final class CopiesGetTheFirstReply extends Invariant {
        private final Map<Name, byte[]> replies = new HashMap<>();

        @Override
        void onSession(ReplicaView replica, Command command, SessionCommand said, boolean hasTakenEffect, byte[] result) {
            if (!(said instanceof Call call)) {
                return;
            }
            boolean isDone = SessionResult.decode(result) instanceof SessionResult.Done;
            byte[] first = hasTakenEffect ? replies.putIfAbsent(Name.of(call), result) : replies.get(Name.of(call));
            if (hasTakenEffect && !isDone || isDone && !hasTakenEffect && first == null) {
                throw broken("%s answers %s at %d by %s, and it %s", replica.id(), Name.of(call), command.index(),
                    SessionResult.decode(result), hasTakenEffect ? "takes effect" : "has not taken effect yet");
            }
            if (isDone && first != null && !Arrays.equals(first, result)) {
                throw broken("%s answers %s at %d by %s, but the first reply was %s", replica.id(), Name.of(call), command.index(),
                    Operation.text(result), Operation.text(first));
            }
        }
    }

    /** Looks at each index once: where a replica applies it that has, as all have, applied what is before. The others must answer alike. */
    private abstract static class AtEachIndex extends Invariant {
        private long lastIndex;

        @Override
        final void onSession(ReplicaView replica, Command command, SessionCommand said, boolean hasTakenEffect, byte[] result) {
            if (command.index() > lastIndex) {
                lastIndex = command.index();
                onFirst(replica, command, said, result);
            }
        }

        abstract void onFirst(ReplicaView replica, Command command, SessionCommand said, byte[] result);
    }

    /** I23: a command is refused as acknowledged if and only if its client has acknowledged it, and is not executed from then on. */
    static final class OnlySettledCommandsAreForgotten extends AtEachIndex {
        private final Map<SessionId, Long> acknowledged = new HashMap<>();   // by session; those that are gone do no harm

        @Override
        void onFirst(ReplicaView replica, Command command, SessionCommand said, byte[] result) {
            if (said instanceof SessionCommand.KeepAlive keepAlive) {
                acknowledged.merge(keepAlive.session(), keepAlive.acknowledged(), Math::max);
            } else if (said instanceof Call call) {
                long settled = acknowledged.merge(call.session(), call.acknowledged(), Math::max);
                boolean isRefused = isRefused(result, Reason.ACKNOWLEDGED);
                if (isRefused != call.sequence() <= settled && !isRefused(result, Reason.NO_SUCH_SESSION)) {
                    throw broken("%s answers %s at %d by %s, but its client has acknowledged up to %d", replica.id(), Name.of(call),
                        command.index(), SessionResult.decode(result), settled);
                }
            }
        }
    }

    /** I23: a session is there until it is closed, or nothing was heard of it for its timeout of replicated time, no longer. */
    static final class SessionsEndByReplicatedTime extends AtEachIndex {

        private static final class Expected {
            private final long timeoutNanos;
            private long endNanos;

            private Expected(long timeoutNanos) {
                this.timeoutNanos = timeoutNanos;
            }
        }

        private final Map<SessionId, Expected> sessions = new HashMap<>();

        @Override
        void onFirst(ReplicaView replica, Command command, SessionCommand said, byte[] result) {
            if (said instanceof SessionCommand.Open open) {
                if (SessionResult.decode(result) instanceof SessionResult.Opened opened) {
                    Expected session = new Expected(open.timeoutNanos());
                    session.endNanos = command.timeNanos() + session.timeoutNanos;
                    if (sessions.put(opened.session(), session) != null) {
                        throw broken("%s opens session %s at %d, which there was before", replica.id(), opened.session(), command.index());
                    }
                }
            } else if (said instanceof Call call) {
                onNamed(replica, command, call.session(), result, false);
            } else if (said instanceof SessionCommand.KeepAlive keepAlive) {
                onNamed(replica, command, keepAlive.session(), result, false);
            } else if (said instanceof SessionCommand.Close close) {
                onNamed(replica, command, close.session(), result, true);
            }
        }

        private void onNamed(ReplicaView replica, Command command, SessionId id, byte[] result, boolean closes) {
            Expected session = sessions.get(id);
            boolean isGone = session == null || command.timeNanos() >= session.endNanos;
            if (isGone != isRefused(result, Reason.NO_SUCH_SESSION)) {
                throw broken("%s answers at %d, stamped %d, by %s, but session %s %s", replica.id(), command.index(), command.timeNanos(),
                    SessionResult.decode(result), id, end(session));
            }
            if (session != null && !isGone) {
                session.endNanos = closes ? 0 : command.timeNanos() + session.timeoutNanos;
            }
        }

        private static String end(@Nullable Expected session) {
            return session == null ? "was never opened" : session.endNanos == 0 ? "was closed" : "ends at " + session.endNanos;
        }
    }
}
