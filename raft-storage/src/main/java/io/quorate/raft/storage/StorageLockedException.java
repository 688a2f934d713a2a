package io.quorate.raft.storage;

import io.quorate.raft.StorageException;

/** The data directory is in use by another storage, in this process or another; the message says which. Nothing was changed. */
public final class StorageLockedException extends StorageException {

    private static final long serialVersionUID = 1;

    StorageLockedException(String message) {
        super(message);
    }
}
