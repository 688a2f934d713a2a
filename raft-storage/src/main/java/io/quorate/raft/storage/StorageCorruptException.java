package io.quorate.raft.storage;

import io.quorate.raft.StorageException;

/**
 * Something that was durable is damaged or gone. It is not passed over in silence: a replica that forgot what it acknowledged could help
 * to elect a leader that lacks it.
 */
public final class StorageCorruptException extends StorageException {

    private static final long serialVersionUID = 1;

    /** The damaged or missing file's full path. */
    private final String file;
    /** Where in it the damage begins. */
    private final long offset;
    /** What is wrong there. */
    private final String what;

    StorageCorruptException(String file, long offset, String what) {
        super("Damage in " + file + " at offset " + offset + ": " + what + ". This is not the trace of a crash: it was durable once. Change"
            + " nothing in this directory, keep it for inspection and check the disk. The group goes on without this node as long as"
            + " a majority runs; do not put an older copy in its place, which would forget what this one has promised.");
        this.file = file;
        this.offset = offset;
        this.what = what;
    }

    /** What is wrong there, for people. */
    public String what() {
        return what;
    }

    /** The damaged or missing file, as a full path. */
    public String file() {
        return file;
    }

    /** Where in the file the damage begins, in bytes; 0 if the file is missing or damaged as a whole. */
    public long offset() {
        return offset;
    }
}
