package io.quorate.raft.storage;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/** An open file. Positions and sizes are in bytes. Used by one thread at a time. */
interface FileHandle extends Closeable {

    /**
     * Fills the target from this position on, unless the file ends before.
     *
     * @return how many bytes were read
     * @throws UnreadableException if the disk does not give back some of these bytes
     */
    int read(ByteBuffer target, long position) throws IOException;

    /** Writes all that remains in the source; durable after the next {@code force}, in no promised order until then. */
    void write(ByteBuffer source, long position) throws IOException;

    /** Makes everything written through this or any other handle of the file durable. Never tried again after it failed. */
    void force() throws IOException;

    /** Hands over to the disk what the kernel still has in its cache, so that {@code force} need not pay for all of it; promises nothing. */
    void drain() throws IOException;

    /** Gives back what is behind this size, which is less than the file's, if the file can be given back in pieces; promises nothing. */
    default void shrink(long size) throws IOException { }

    long size() throws IOException;
}
