package io.quorate.raft;

import java.nio.ByteBuffer;

/**
 * What a state machine that {@link Sessions} stands around answers a {@link SessionCommand}.
 *
 * <pre>
 *   kind 0  DONE     result...
 *   kind 1  OPENED   long index, long number: the session; long timeout in nanoseconds
 *   kind 2  REFUSED  byte reason: 1 NO_SUCH_SESSION, 2 ACKNOWLEDGED, 3 FULL, 4 UNREADABLE
 * </pre>
 */
public sealed interface SessionResult {

    /** As the result of a command. */
    byte[] encode();

    /**
     * It was done, now or before.
     *
     * @param result of the user's machine; empty if there was nothing for it to do
     */
    record Done(byte[] result) implements SessionResult {

        @Override
        public byte[] encode() {
            return SessionBytes.of(SessionBytes.DONE, ByteBuffer.wrap(result));
        }

        @Override
        public String toString() {
            return "Done[" + result.length + " bytes]";
        }
    }

    /**
     * There is a new session.
     *
     * @param session      where it was opened, with the number that its client has drawn
     * @param timeoutNanos after so long without a sign of it the group forgets it: what was asked for, or the most that the group allows
     */
    record Opened(SessionId session, long timeoutNanos) implements SessionResult {

        @Override
        public byte[] encode() {
            return SessionBytes.of(SessionBytes.OPENED, SessionBytes.NOTHING, session.index(), session.number(), timeoutNanos);
        }
    }

    /** This time nothing has happened. What an earlier copy of the command has done is another matter. */
    record Refused(Reason reason) implements SessionResult {

        @Override
        public byte[] encode() {
            return new byte[] {SessionBytes.REFUSED, (byte) (reason.ordinal() + 1)};
        }
    }

    /** Why a command was refused. */
    enum Reason {

        /** It has expired, was closed, or never was, in this group. */
        NO_SUCH_SESSION,

        /** The client had acknowledged this number: it is settled, and what it did was forgotten. */
        ACKNOWLEDGED,

        /** As much as may be kept is kept: of replies for this session, or in all. Acknowledging makes room. */
        FULL,

        /** It is no {@link SessionCommand}, or one of a newer version. */
        UNREADABLE
    }

    /**
     * What was encoded.
     *
     * @throws IllegalArgumentException if this is no such result; the message says why not
     */
    static SessionResult decode(byte[] result) {
        ByteBuffer bytes = ByteBuffer.wrap(result);
        if (!bytes.hasRemaining()) {
            throw new IllegalArgumentException("an empty result is none of a session");
        }
        byte kind = bytes.get();
        return switch (kind) {
            case SessionBytes.DONE -> {
                byte[] users = new byte[bytes.remaining()];
                bytes.get(users);
                yield new Done(users);
            }
            case SessionBytes.OPENED -> new Opened(new SessionId(SessionBytes.next(bytes), SessionBytes.next(bytes)),
                SessionBytes.last(bytes));
            case SessionBytes.REFUSED -> {
                int reason = result.length == 2 ? result[1] : 0;
                if (reason < 1 || reason > Reason.values().length) {
                    throw new IllegalArgumentException("a refusal for no known reason");
                }
                yield new Refused(Reason.values()[reason - 1]);
            }
            default -> throw new IllegalArgumentException("a result of kind " + kind + " is unknown to this version");
        };
    }
}
