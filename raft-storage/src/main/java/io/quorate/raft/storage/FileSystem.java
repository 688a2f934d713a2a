package io.quorate.raft.storage;

import java.io.Closeable;
import java.io.IOException;
import java.util.List;

/**
 * The few things that storage does to a directory; all of them go through here, so that a test can fail, tear and lose each of them.
 *
 * <p>A name that was created, renamed or deleted is durable after the next {@link #syncDirectory()}, which says nothing of the contents.
 * Any thread may call {@link #open} and {@link #usableBytes}; the others are called on one thread at a time.
 */
interface FileSystem {

    /** The name as an operator finds it. */
    String pathOf(String name);

    /** How many bytes could still be written, more or less; -1 if that is not known. Any thread. */
    long usableBytes();

    /** The names of all files, sorted. */
    List<String> list() throws IOException;

    /** Opens a new, empty file for reading and writing; there must be none of that name. */
    FileHandle create(String name) throws IOException;

    /** Opens an existing file for reading and writing. */
    FileHandle open(String name) throws IOException;

    /**
     * As {@link #create}, for a file of the log: what is written to it in {@linkplain Blocks whole blocks} need not go through the kernel's
     * cache.
     */
    default FileHandle createForLog(String name) throws IOException {
        return create(name);
    }

    /** As {@link #open}, likewise. */
    default FileHandle openForLog(String name) throws IOException {
        return open(name);
    }

    /** Opens an existing file for reading. */
    FileHandle openToRead(String name) throws IOException;

    /** All of this file will be read soon, from front to back. Nothing follows from it, but it may be brought nearer meanwhile. */
    default void willRead(String name) { }

    /** Renames a file; one that has the new name is replaced in the same step. */
    void rename(String from, String to) throws IOException;

    void delete(String name) throws IOException;

    void syncDirectory() throws IOException;

    /**
     * Claims the directory until the result is closed or the process ends.
     *
     * @throws StorageLockedException if someone else has
     */
    Closeable lock() throws IOException;
}
