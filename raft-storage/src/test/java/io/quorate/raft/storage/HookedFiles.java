package io.quorate.raft.storage;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * A directory in which something happens between the opening of a file by a reader and each of its reads, and which tells what it has open
 * for the log.
 */
final class HookedFiles implements FileSystem {

    private final FileSystem inner;
    private final Runnable beforeRead;
    private final List<String> openForLog = new ArrayList<>();
    private Predicate<String> refused = name -> false;

    HookedFiles(FileSystem inner, Runnable beforeRead) {
        this.inner = inner;
        this.beforeRead = beforeRead;
    }

    /** From now on the files with these names cannot be opened for the log. */
    void refuseToOpenForLog(Predicate<String> names) {
        refused = names;
    }

    /** The names under which files were opened for the log that have not been closed. */
    List<String> openForLog() {
        return openForLog;
    }

    @Override
    public String pathOf(String name) {
        return inner.pathOf(name);
    }

    @Override
    public long usableBytes() {
        return inner.usableBytes();
    }

    @Override
    public List<String> list() throws IOException {
        return inner.list();
    }

    @Override
    public FileHandle create(String name) throws IOException {
        return inner.create(name);
    }

    @Override
    public FileHandle open(String name) throws IOException {
        return inner.open(name);
    }

    @Override
    public FileHandle openForLog(String name) throws IOException {
        if (refused.test(name)) {
            throw new IOException("too many open files");
        }
        FileHandle file = inner.openForLog(name);
        openForLog.add(name);
        return new Hooked(file, () -> { }, () -> openForLog.remove(name));
    }

    @Override
    public FileHandle openToRead(String name) throws IOException {
        return new Hooked(inner.openToRead(name), beforeRead, () -> { });
    }

    @Override
    public void rename(String from, String to) throws IOException {
        inner.rename(from, to);
    }

    @Override
    public void delete(String name) throws IOException {
        inner.delete(name);
    }

    @Override
    public void syncDirectory() throws IOException {
        inner.syncDirectory();
    }

    @Override
    public Closeable lock() throws IOException {
        return inner.lock();
    }

    private record Hooked(FileHandle file, Runnable beforeRead, Runnable onClosed) implements FileHandle {

        @Override
        public int read(ByteBuffer target, long position) throws IOException {
            beforeRead.run();
            return file.read(target, position);
        }

        @Override
        public void write(ByteBuffer source, long position) throws IOException {
            file.write(source, position);
        }

        @Override
        public void force() throws IOException {
            file.force();
        }

        @Override
        public void drain() throws IOException {
            file.drain();
        }

        @Override
        public void shrink(long size) throws IOException {
            file.shrink(size);
        }

        @Override
        public long size() throws IOException {
            return file.size();
        }

        @Override
        public void close() throws IOException {
            file.close();
            onClosed.run();
        }
    }
}
