package io.quorate.raft;

/**
 * The data directory cannot be used: it is locked, damaged, of another cluster, or its disk failed. The message names the file and what
 * to do.
 */
public non-sealed class StorageException extends RaftException {

    private static final long serialVersionUID = 1;

    public StorageException(String message) {
        super(message);
    }

    public StorageException(String message, Throwable cause) {
        super(message, cause);
    }
}
