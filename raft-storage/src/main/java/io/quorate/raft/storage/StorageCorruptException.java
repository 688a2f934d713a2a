package io.quorate.raft.storage;

import io.quorate.raft.StorageException;
import org.jspecify.annotations.Nullable;

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
        this(file, offset, what, "This is not the trace of a crash: it was durable once. Change nothing in this directory, keep it for"
            + " inspection and check the disk.", null);
    }

    private StorageCorruptException(String file, long offset, String what, String meaning, @Nullable Throwable cause) {
        super("Damage in " + file + " at offset " + offset + ": " + what + ". " + meaning + " The group goes on without this node as long"
            + " as a majority runs; do not put an older copy in its place, which would forget what this one has promised.", cause);
        this.file = file;
        this.offset = offset;
        this.what = what;
    }

    /** What the disk does not give back may be anything that this replica has promised. */
    static StorageCorruptException unreadable(String file, long offset, UnreadableException why) {
        return new StorageCorruptException(file, offset, "it cannot be read: " + why.getCause(), "Nobody can tell what stands there, so it"
            + " is not passed over, and nothing was changed. Check the disk and its cables. If it can be read again, start again; if not,"
            + " keep this directory for inspection, and let the node in again with a blank one.", why);
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
