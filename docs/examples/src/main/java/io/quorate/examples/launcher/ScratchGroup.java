package io.quorate.examples.launcher;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A temporary directory and the group in it, both gone when this process has ended, however it ends: its replicas remove the directory if
 * it is killed. Made and removed one after the other, so that an interruption finds both or neither. Thread-safe.
 */
public final class ScratchGroup {

    private volatile @Nullable Path directory;
    private volatile boolean isRemoved;
    private @Nullable LocalGroup group;

    /** Nothing is there yet. */
    public ScratchGroup() {
        // Runs at every end but a SIGKILL; then the replicas, if any run yet, do the same.
        Runtime.getRuntime().addShutdownHook(new Thread(this::remove, "clean-up"));
    }

    /**
     * Makes the directory and the group.
     *
     * @param prefix of the directory's name
     * @param maker  makes a group in it that is worth nothing without this process
     * @throws IOException if that failed, or this process is ending
     */
    public synchronized LocalGroup make(String prefix, Function<Path, LocalGroup> maker) throws IOException {
        if (isRemoved) {
            throw new IOException("interrupted");
        }
        Path made = Files.createTempDirectory(prefix);
        directory = made;
        LocalGroup blank = maker.apply(made);
        group = blank;
        return blank;
    }

    /** The directory; null before it is made. */
    public @Nullable Path directory() {
        return directory;
    }

    /** Whether all was removed because this process is ending. */
    public boolean isRemoved() {
        return isRemoved;
    }

    private synchronized void remove() {
        isRemoved = true;
        if (group != null) {
            group.close();
        }
        if (directory != null) {
            Directories.deleteQuietly(directory);
        }
    }
}
