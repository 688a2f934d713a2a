package io.quorate.raft.runtime;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/**
 * What the server writes before the user's state in every snapshot.
 *
 * <pre>
 *   byte  format, 1; a higher one is refused
 *   long  index of the last entry by which the machine was told anything, a command or the time
 * </pre>
 * A snapshot ends with an entry of any kind, but a machine that keeps its state on disk knows of its last command alone. So it is this
 * index, and not the snapshot's, which tells whether such a machine has as much as the snapshot.
 *
 * @param lastToldIndex 0 if there was none
 */
record StateHeader(long lastToldIndex) {

    private static final byte FORMAT = 1;

    void writeTo(OutputStream out) throws IOException {
        DataOutputStream data = new DataOutputStream(out);
        data.writeByte(FORMAT);
        data.writeLong(lastToldIndex);
        data.flush();
    }

    static StateHeader readFrom(InputStream in) throws IOException {
        DataInputStream data = new DataInputStream(in);
        byte format = data.readByte();
        if (format != FORMAT) {
            throw new IOException("The state is of format " + format + "; this version knows " + FORMAT);
        }
        return new StateHeader(data.readLong());
    }
}
