package io.quorate.raft;

import java.nio.ByteBuffer;

/**
 * A committed command on its way into the state machine.
 *
 * @param index     where it stands in the log; grows by at least one from command to command
 * @param payload   as it was proposed; read-only, valid during the call only (copy what is to stay)
 * @param timeNanos replicated time when the leader took it in: the same on every replica, never less than at an earlier index. It is no
 *                  date but a duration, counted since the group began: of two of them the difference says how much time has passed, or less
 *                  than has passed, never more
 */
public record Command(long index, ByteBuffer payload, long timeNanos) {

    /** Of a group that is as young as can be: for tests of machines to whom the time is all one. */
    public Command(long index, ByteBuffer payload) {
        this(index, payload, 0);
    }

    /** The same place and time with another payload, for a machine inside this one: what is left when an envelope is opened. */
    public Command withPayload(ByteBuffer inner) {
        return new Command(index, inner, timeNanos);
    }

    /** A copy of the payload. */
    public byte[] bytes() {
        byte[] bytes = new byte[payload.remaining()];
        payload.duplicate().get(bytes);
        return bytes;
    }
}
