package io.quorate.raft;

import java.nio.ByteBuffer;

/**
 * What a state machine that {@link Sessions} stands around is commanded: the user's command and which command of which session it is, or
 * something about the session itself. This is the payload of log entries, so each form stays readable for ever; a new one gets a new kind.
 *
 * <pre>
 *   kind 0  PLAIN       command...                                             outside any session, as often as it is proposed
 *   kind 1  OPEN        long timeoutNanos, long number
 *   kind 2  CALL        session, long sequence, long acknowledged, command...
 *   kind 3  KEEP_ALIVE  session, long acknowledged
 *   kind 4  CLOSE       session
 * </pre>
 * The kind is one byte, numbers are big-endian, a session is {@code long index, long number}, a command fills the rest. {@link
 * SessionResult} says how each is answered.
 */
public sealed interface SessionCommand {

    /** As the payload of a command. */
    byte[] encode();

    /**
     * A command of no session, for which nothing is remembered: what is repeated happens again.
     *
     * @param command for the user's machine
     */
    record Plain(ByteBuffer command) implements SessionCommand {

        @Override
        public byte[] encode() {
            return SessionBytes.of(SessionBytes.PLAIN, command);
        }
    }

    /**
     * A new session, please. Repeated it makes another one; those that nobody uses expire.
     *
     * @param timeoutNanos after so much replicated time without a sign of its client it expires
     * @param number       drawn by the client, for the {@link SessionId}
     */
    record Open(long timeoutNanos, long number) implements SessionCommand {

        public Open {
            if (timeoutNanos < 1) {
                throw new IllegalArgumentException("A session lives for longer than " + timeoutNanos + " ns");
            }
        }

        @Override
        public byte[] encode() {
            return SessionBytes.of(SessionBytes.OPEN, SessionBytes.NOTHING, timeoutNanos, number);
        }
    }

    /**
     * A command of a session: takes effect once, however often it is proposed and in whatever order it comes with others.
     *
     * @param session      whose
     * @param sequence     which, from 1 on; a number stands for one command for ever
     * @param acknowledged all commands of the session up to this number are settled, as far as the client is concerned: their replies need
     *                     not be kept, and none of them may take effect from now on
     * @param command      for the user's machine
     */
    record Call(SessionId session, long sequence, long acknowledged, ByteBuffer command) implements SessionCommand {

        public Call {
            if (sequence < 1 || acknowledged < 0) {
                throw new IllegalArgumentException("No call has sequence " + sequence + ", acknowledged " + acknowledged);
            }
        }

        @Override
        public byte[] encode() {
            return SessionBytes.of(SessionBytes.CALL, command, session.index(), session.number(), sequence, acknowledged);
        }
    }

    /**
     * The client is still there.
     *
     * @param session      whose
     * @param acknowledged as in {@link Call}
     */
    record KeepAlive(SessionId session, long acknowledged) implements SessionCommand {

        public KeepAlive {
            if (acknowledged < 0) {
                throw new IllegalArgumentException("No client keeps session " + session + " alive, acknowledged " + acknowledged);
            }
        }

        @Override
        public byte[] encode() {
            return SessionBytes.of(SessionBytes.KEEP_ALIVE, SessionBytes.NOTHING, session.index(), session.number(), acknowledged);
        }
    }

    /**
     * The client needs the session no more; nothing of it takes effect from now on.
     *
     * @param session which
     */
    record Close(SessionId session) implements SessionCommand {

        @Override
        public byte[] encode() {
            return SessionBytes.of(SessionBytes.CLOSE, SessionBytes.NOTHING, session.index(), session.number());
        }
    }

    /**
     * What was encoded. The user's command shares the payload's bytes, and lasts as long as these.
     *
     * @throws IllegalArgumentException if this is no such command; the message says why not
     */
    static SessionCommand decode(ByteBuffer payload) {
        ByteBuffer bytes = payload.slice();
        if (!bytes.hasRemaining()) {
            throw new IllegalArgumentException("an empty payload is no command of a session");
        }
        byte kind = bytes.get();
        return switch (kind) {
            case SessionBytes.PLAIN -> new Plain(bytes.slice());
            case SessionBytes.OPEN -> new Open(SessionBytes.next(bytes), SessionBytes.last(bytes));
            case SessionBytes.CALL -> new Call(session(bytes), SessionBytes.next(bytes), SessionBytes.next(bytes), bytes.slice());
            case SessionBytes.KEEP_ALIVE -> new KeepAlive(session(bytes), SessionBytes.last(bytes));
            case SessionBytes.CLOSE -> new Close(new SessionId(SessionBytes.next(bytes), SessionBytes.last(bytes)));
            default -> throw new IllegalArgumentException("a command of kind " + kind + " is unknown to this version");
        };
    }

    private static SessionId session(ByteBuffer bytes) {
        return new SessionId(SessionBytes.next(bytes), SessionBytes.next(bytes));
    }
}
