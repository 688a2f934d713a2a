package io.quorate.raft.storage;

import java.io.Closeable;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * The file of a segment that is neither needed any more nor used again: given back piece by piece, for as a whole that keeps the disk's
 * thread, and so a write, as long as a hundred writes take (docs/decisions/0004).
 *
 * <p>It has a name meanwhile that the next opening deletes.
 */
final class Discarded implements Closeable {

    static final int STEP_BYTES = 4 << 20;

    private final FileSystem files;
    private String name = "";
    private @Nullable FileHandle file;
    private long left;

    Discarded(FileSystem files) {
        this.files = files;
    }

    /** Begins with this one; it is not a segment any more on return, for good. What was begun before is ended. */
    void begin(String segment) throws IOException {
        while (step()) {
            continue;
        }
        String next = segment + Spare.UNFINISHED;
        files.rename(segment, next);
        files.syncDirectory();
        name = next;
        FileHandle opened = files.open(next);
        file = opened;
        left = opened.size();
    }

    /** Whether there is one of which something is left. */
    boolean isBegun() {
        return file != null;
    }

    /** Gives back a piece; returns whether there was any. */
    boolean step() throws IOException {
        FileHandle shrinking = file;
        if (shrinking == null) {
            return false;
        }
        left -= STEP_BYTES;
        if (left > 0) {
            shrinking.shrink(left);
            return true;
        }
        file = null;
        shrinking.close();
        files.delete(name);     // the directory need not be forced for that: under this name nobody looks for it
        return true;
    }

    @Override
    public void close() throws IOException {
        if (file != null) {
            file.close();
        }
    }
}
