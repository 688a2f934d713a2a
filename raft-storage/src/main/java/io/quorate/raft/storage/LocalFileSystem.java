package io.quorate.raft.storage;

import io.quorate.raft.StorageException;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A directory of this machine.
 *
 * <p>{@code Thread.interrupt()} closes the channel that the interrupted thread is using. A channel here is never shared between threads
 * for that reason: an interrupted reader loses only what it had opened for itself.
 */
final class LocalFileSystem implements FileSystem {

    static final String LOCK = "lock";
    private static final int LOCK_TEXT_BYTES_MAX = 4096;
    /** The locked byte lies behind the text, so that others can read the text where locks forbid reading. */
    private static final long LOCKED_BYTE = 1L << 40;
    private static final boolean WINDOWS = System.getProperty("os.name", "").toLowerCase(Locale.ROOT).startsWith("windows");

    /**
     * The directories this process has locked. POSIX drops a process's locks on a file when it closes any descriptor of it, so a second
     * opener in this process must be sent away before it so much as opens the lock file.
     */
    private static final Set<Path> LOCKED_HERE = new HashSet<>();

    private static final Logger LOG = LoggerFactory.getLogger(LocalFileSystem.class);

    private final Path directory;
    private final boolean fsync;
    private final ReadAhead readAhead = new ReadAhead();

    /**
     * The directory at this path, which is created, for its owner's eyes only, if there is none.
     *
     * @param fsync false if nothing is to be made durable
     */
    LocalFileSystem(Path path, boolean fsync) throws IOException {
        this.fsync = fsync;
        Path absolute = path.toAbsolutePath();
        if (!Files.isDirectory(absolute)) {
            createDirectory(absolute);
        }
        directory = absolute.toRealPath();
        syncEntry();
    }

    /** Whoever made the directory, and however that ended: its own name must be durable before anything in it is worth something. */
    private void syncEntry() throws IOException {
        Path parent = directory.getParent();
        if (parent == null) {
            return;
        }
        try {
            sync(parent);
        } catch (AccessDeniedException e) {
            LOG.warn("{} may not be read, so it is left to whoever made {} that this name is durable", parent, directory);
        }
    }

    private void createDirectory(Path absolute) throws IOException {
        Path parent = absolute.getParent();
        if (parent != null && !Files.isDirectory(parent)) {
            createDirectory(parent);
        }
        boolean posix = parent != null && Files.getFileStore(parent).supportsFileAttributeView("posix");
        FileAttribute<Set<PosixFilePermission>> ownerOnly =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
        try {
            if (posix) {
                Files.createDirectory(absolute, ownerOnly);
            } else {
                Files.createDirectory(absolute);
            }
        } catch (FileAlreadyExistsException e) {
            if (!Files.isDirectory(absolute)) {
                throw e;
            }
            LOG.debug("{} was made by another process at the same time", absolute);    // replicas may share a parent that is not there yet
        }
        if (parent != null) {
            sync(parent);
        }
    }

    @Override
    public String pathOf(String name) {
        return directory.resolve(name).toString();
    }

    @Override
    public long usableBytes() {
        try {
            return Files.getFileStore(directory).getUsableSpace();
        } catch (IOException e) {
            LOG.debug("It cannot be told how much room there is for {}", directory, e);
            return -1;
        }
    }

    @Override
    public List<String> list() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> String.valueOf(file.getFileName())).sorted().toList();
        } catch (UncheckedIOException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    @Override
    public FileHandle create(String name) throws IOException {
        return LocalFile.open(directory.resolve(name), fsync, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    }

    @Override
    public FileHandle open(String name) throws IOException {
        return LocalFile.open(directory.resolve(name), fsync, StandardOpenOption.READ, StandardOpenOption.WRITE);
    }

    @Override
    public FileHandle openToRead(String name) throws IOException {
        return LocalFile.open(directory.resolve(name), fsync, StandardOpenOption.READ);
    }

    @Override
    public void willRead(String name) {
        readAhead.add(directory.resolve(name));
    }

    @Override
    public FileHandle createForLog(String name) throws IOException {
        return LocalFile.openForLog(directory.resolve(name), fsync, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    }

    @Override
    public FileHandle openForLog(String name) throws IOException {
        return LocalFile.openForLog(directory.resolve(name), fsync, StandardOpenOption.READ, StandardOpenOption.WRITE);
    }

    @Override
    public void rename(String from, String to) throws IOException {
        Files.move(directory.resolve(from), directory.resolve(to), StandardCopyOption.ATOMIC_MOVE);
    }

    @Override
    public void delete(String name) throws IOException {
        Files.delete(directory.resolve(name));
    }

    @Override
    public void syncDirectory() throws IOException {
        sync(directory);
    }

    private void sync(Path path) throws IOException {
        if (!fsync || WINDOWS) {   // Windows opens no directory, and journals its names by itself
            return;
        }
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    @Override
    public Closeable lock() throws IOException {
        synchronized (LOCKED_HERE) {
            if (!LOCKED_HERE.add(directory)) {
                throw new StorageLockedException("The data directory " + directory + " is already open in this very process (pid "
                    + ProcessHandle.current().pid() + "): close the other storage first, or give each node a directory of its own.");
            }
        }
        boolean locked = false;
        try {
            Closeable lock = lockAgainstOthers();
            locked = true;
            return lock;
        } finally {
            if (!locked) {
                forget();
            }
        }
    }

    private Closeable lockAgainstOthers() throws IOException {
        Path path = directory.resolve(LOCK);
        FileChannel channel = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        boolean kept = false;
        try {
            FileLock lock = channel.tryLock(LOCKED_BYTE, 1, false);
            if (lock == null) {
                throw new StorageLockedException("The data directory " + directory + " is in use by another process (" + text(channel)
                    + "): two processes on one directory would vote twice. Stop that process, or give each node a directory of its own.");
            }
            ProcessHandle self = ProcessHandle.current();
            String started = self.info().startInstant().map(at -> ", started " + at).orElse("");
            sign(channel, "pid " + self.pid() + started);
            kept = true;
            return () -> {
                channel.close();   // and with it the lock
                forget();
            };
        } catch (OverlappingFileLockException e) {
            kept = true;   // for ever: to close it would drop the lock that other code of this process holds
            throw new StorageLockedException("The data directory " + directory + " is already locked by other code in this very process"
                + " (pid " + ProcessHandle.current().pid() + "), perhaps by a second copy of this library.");
        } catch (IOException e) {
            throw new StorageException("The data directory " + directory + " cannot be locked: " + e
                + ". It must lie on a file system that supports locks.", e);
        } finally {
            if (!kept) {
                channel.close();
            }
        }
    }

    /** Says who has the lock. Nothing rests on that, and a full disk may have no room for it. */
    private void sign(FileChannel channel, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        try {
            channel.write(ByteBuffer.wrap(bytes), 0);
            channel.truncate(bytes.length);
        } catch (IOException e) {
            LOG.warn("The lock of {} does not say who has it: {}", directory, e.toString());
        }
    }

    /** Whether this very process has the directory open. Who only looks must then not open the lock file: closing it would unlock it. */
    static boolean isLockedHere(Path realPath) {
        synchronized (LOCKED_HERE) {
            return LOCKED_HERE.contains(realPath);
        }
    }

    /** Opens a file that is to be read only, in whichever directory. */
    static FileHandle openToRead(Path path) throws IOException {
        return LocalFile.open(path, false, StandardOpenOption.READ);
    }

    private void forget() {
        synchronized (LOCKED_HERE) {
            LOCKED_HERE.remove(directory);
        }
    }

    private static String text(FileChannel channel) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(LOCK_TEXT_BYTES_MAX);
        int length = channel.read(bytes, 0);
        return length <= 0 ? "it has not said which" : new String(bytes.array(), 0, length, StandardCharsets.UTF_8);
    }
}
