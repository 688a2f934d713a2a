package io.quorate.raft;

import java.nio.ByteBuffer;

/**
 * A committed command on its way into the state machine.
 *
 * @param index   where it stands in the log; grows by at least one from command to command
 * @param payload as it was proposed; read-only, valid during the call only (copy what is to stay)
 */
public record Command(long index, ByteBuffer payload) {

    /** A copy of the payload. */
    public byte[] bytes() {
        byte[] bytes = new byte[payload.remaining()];
        payload.duplicate().get(bytes);
        return bytes;
    }
}
