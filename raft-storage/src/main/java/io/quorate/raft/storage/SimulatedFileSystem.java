package io.quorate.raft.storage;

import io.quorate.raft.storage.testing.SimulatedFiles;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/** A directory that is a model of one, so that tests run what stands on it over any failure of a disk. */
final class SimulatedFileSystem implements FileSystem {

    private final SimulatedFiles files;

    SimulatedFileSystem(SimulatedFiles files) {
        this.files = files;
    }

    @Override
    public String pathOf(String name) {
        return files.pathOf(name);
    }

    @Override
    public long usableBytes() {
        return files.room();
    }

    @Override
    public List<String> list() {
        return files.list();
    }

    @Override
    public FileHandle create(String name) throws IOException {
        return new SimulatedFile(files.pathOf(name), files.create(name));
    }

    @Override
    public FileHandle open(String name) throws IOException {
        return new SimulatedFile(files.pathOf(name), files.open(name));
    }

    @Override
    public FileHandle openToRead(String name) throws IOException {
        return new SimulatedFile(files.pathOf(name), files.open(name));
    }

    @Override
    public void rename(String from, String to) throws IOException {
        files.rename(from, to);
    }

    @Override
    public void delete(String name) throws IOException {
        files.delete(name);
    }

    @Override
    public void syncDirectory() throws IOException {
        files.syncDirectory();
    }

    @Override
    public Closeable lock() {
        if (!files.lock()) {
            throw new StorageLockedException("The simulated directory is open already");
        }
        return files::unlock;
    }

    private record SimulatedFile(String path, SimulatedFiles.OpenFile file) implements FileHandle {

        @Override
        public int read(ByteBuffer target, long position) throws IOException {
            try {
                return file.read(target, position);
            } catch (IOException e) {
                throw new UnreadableException(path, position, e);
            }
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
        public void drain() {
            return;
        }

        @Override
        public long size() {
            return file.size();
        }

        @Override
        public void close() {
            file.close();
        }
    }
}
