package io.quorate.raft.storage;

import io.quorate.raft.StorageException;
import java.io.IOException;

/**
 * A part of a file that is there and that the disk does not give back.
 *
 * <p>It says nothing of what stands there. So it never counts as the absence of something: not as the end of the log, nor as the trace of a
 * crash. An entry that is known by its name all the same is damaged like any other; all else is refused.
 */
final class UnreadableException extends IOException {

    private static final long serialVersionUID = 1;

    private final String file;
    private final long offset;

    /**
     * A read that failed.
     *
     * @param file   its full path
     * @param offset from where on it was to be read
     */
    UnreadableException(String file, long offset, IOException cause) {
        super(file + " cannot be read at offset " + offset + ": " + cause, cause);
        this.file = file;
        this.offset = offset;
    }

    /** For who lists what is wrong. */
    StorageCorruptException damage() {
        return StorageCorruptException.unreadable(file, offset, this);
    }

    /** For an opening that cannot go on without what stands there, which the next one may be able to read. */
    StorageException refusal() {
        return new StorageException(String.valueOf(damage().getMessage()), this);
    }
}
