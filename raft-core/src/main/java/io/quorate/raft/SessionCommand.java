package io.quorate.raft;

import java.nio.ByteBuffer;

/**
 * What a state machine that {@link Sessions} stands around is commanded: the user's command and which command of which session it is, or
 * something about the session itself. This is the payload of log entries, so each form stays readable for ever; a new one gets a new kind.
 *
 * <pre>
 *   kind 0  PLAIN       command...                                             outside any session, as often as it is proposed
 *   kind 1  OPEN        long timeoutNanos
 *   kind 2  CALL        long session, long sequence, long acknowledged, command...
 *   kind 3  KEEP_ALIVE  long session, long acknowledged
 *   kind 4  CLOSE       long session
 * </pre>
 * The kind is one byte, numbers are big-endian, a command fills the rest. {@link SessionResult} says how each is answered.
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
     */
    record Open(long timeoutNanos) implements SessionCommand {

        public Open {
            if (timeoutNanos < 1) {
                throw new IllegalArgumentException("A session lives for longer than " + timeoutNanos + " ns");
            }
        }

        @Override
        public byte[] encode() {
            return SessionBytes.of(SessionBytes.OPEN, SessionBytes.NOTHING, timeoutNanos);
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
    record Call(long session, long sequence, long acknowledged, ByteBuffer command) implements SessionCommand {

        public Call {
            if (session < 1 || sequence < 1 || acknowledged < 0) {
                throw new IllegalArgumentException("No call has session " + session + ", sequence " + sequence + ", acknowledged "
                    + acknowledged);
            }
        }

        @Override
        public byte[] encode() {
            return SessionBytes.of(SessionBytes.CALL, command, session, sequence, acknowledged);
        }
    }

    /**
     * The client is still there.
     *
     * @param session      whose
     * @param acknowledged as in {@link Call}
     */
    record KeepAlive(long session, long acknowledged) implements SessionCommand {

        public KeepAlive {
            if (session < 1 || acknowledged < 0) {
                throw new IllegalArgumentException("No client keeps session " + session + " alive, acknowledged " + acknowledged);
            }
        }

        @Override
        public byte[] encode() {
            return SessionBytes.of(SessionBytes.KEEP_ALIVE, SessionBytes.NOTHING, session, acknowledged);
        }
    }

    /**
     * The client needs the session no more; nothing of it takes effect from now on.
     *
     * @param session which
     */
    record Close(long session) implements SessionCommand {

        public Close {
            if (session < 1) {
                throw new IllegalArgumentException("There is no session " + session);
            }
        }

        @Override
        public byte[] encode() {
            return SessionBytes.of(SessionBytes.CLOSE, SessionBytes.NOTHING, session);
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
            case SessionBytes.OPEN -> new Open(SessionBytes.last(bytes));
            case SessionBytes.CALL -> new Call(SessionBytes.next(bytes), SessionBytes.next(bytes), SessionBytes.next(bytes), bytes.slice());
            case SessionBytes.KEEP_ALIVE -> new KeepAlive(SessionBytes.next(bytes), SessionBytes.last(bytes));
            case SessionBytes.CLOSE -> new Close(SessionBytes.last(bytes));
            default -> throw new IllegalArgumentException("a command of kind " + kind + " is unknown to this version");
        };
    }
}
