package io.quorate.raft.storage;

import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Identity;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.InvariantViolation;
import io.quorate.raft.core.LogView;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.core.TermTable;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A replica's data directory on a local disk: the identity file, and the log with the hard state in it as one stream of checksummed
 * frames (docs/storage-format.md).
 *
 * <p>A write is durable when {@code write} returns: it costs one write and one fsync, and one more of each if it changes the term or the
 * vote. At opening, what a crash cut off is dropped, and anything else that is damaged, short or missing is refused with a
 * {@link StorageCorruptException} that names the file and the offset.
 *
 * <p>One batch brings at most 256 MiB of entries.
 *
 * <p>Threads: {@code read} and {@code identity} on any; all others on one at a time. That one must not be interrupted inside a call,
 * since an interrupt closes the file being written, which is a failed write.
 */
public final class FileStorage implements Storage {

    private static final Logger LOG = LoggerFactory.getLogger(FileStorage.class);

    private final FileSystem files;
    private final Options options;
    private final Closeable lock;
    private final IdentityFile identityFile;
    private volatile Identity identity;
    private volatile @Nullable LogWriter log;       // null until recovered
    private volatile @Nullable Throwable failure;   // the first; final
    private volatile boolean closed;
    private long lastWriteId;                       // of this opening

    /**
     * How to store. Each method gives a changed copy.
     *
     * @param segmentBytes how large a file of the log is; a frame that needs more gets a larger one
     * @param tailBytesMax how many bytes of the newest entries {@code recover} hands over at once
     * @param fsync        whether anything is made durable
     */
    public record Options(int segmentBytes, int tailBytesMax, boolean fsync) {

        private static final int SEGMENT_BYTES_MIN = 1 << 10;
        private static final int SEGMENT_BYTES_MAX = 1 << 30;

        public Options {
            if (segmentBytes < SEGMENT_BYTES_MIN || segmentBytes > SEGMENT_BYTES_MAX) {
                throw new IllegalArgumentException("A segment has between " + SEGMENT_BYTES_MIN + " and " + SEGMENT_BYTES_MAX
                    + " bytes, not " + segmentBytes);
            }
            if (tailBytesMax < 0) {
                throw new IllegalArgumentException("The tail cannot have " + tailBytesMax + " bytes");
            }
        }

        /** Segments of 64 MiB, a tail of 32 MiB, and everything durable. */
        public static Options defaults() {
            return new Options(64 << 20, 32 << 20, true);
        }

        public Options withSegmentBytes(int bytes) {
            return new Options(bytes, tailBytesMax, fsync);
        }

        public Options withTailBytesMax(int bytes) {
            return new Options(segmentBytes, bytes, fsync);
        }

        /**
         * Makes nothing durable: a power failure or a crash of the operating system may take back votes and acknowledged entries, and so
         * lose or fork what the group acknowledged. For tests and measurements only.
         */
        public Options unsafeNoFsync() {
            return new Options(segmentBytes, tailBytesMax, false);
        }
    }

    private FileStorage(FileSystem files, Options options, Closeable lock, IdentityFile identityFile, Identity identity) {
        this.files = files;
        this.options = options;
        this.lock = lock;
        this.identityFile = identityFile;
        this.identity = identity;
    }

    /** Opens a data directory with the default options; see {@link #open(Path, int, Options)}. */
    public static FileStorage open(Path directory, int nodeId) {
        return open(directory, nodeId, Options.defaults());
    }

    /**
     * Opens a data directory, and claims it until it is closed. A missing or empty one becomes the directory of a new replica, readable
     * by its owner alone.
     *
     * @param nodeId whose directory it must be
     * @throws StorageLockedException  if it is open elsewhere; nothing was changed
     * @throws StorageCorruptException if the identity file is damaged
     * @throws StorageException        if it belongs to another node, comes from a newer version, or cannot be read or written
     */
    public static FileStorage open(Path directory, int nodeId, Options options) {
        if (!options.fsync()) {
            LOG.warn("fsync is off for {}: a power failure may take back votes and acknowledged entries. Never use this in production.",
                directory);
        }
        try {
            return open(new LocalFileSystem(directory, options.fsync()), nodeId, options);
        } catch (IOException e) {
            throw new StorageException("The data directory " + directory + " cannot be opened: " + e
                + ". It must be a directory that this process may read and write.", e);
        }
    }

    static FileStorage open(FileSystem files, int nodeId, Options options) throws IOException {
        if (nodeId < 1) {
            throw new IllegalArgumentException("A node id is 1 or more, not " + nodeId);
        }
        Closeable lock = files.lock();
        boolean opened = false;
        try {
            deleteUnfinished(files);
            IdentityFile identityFile = new IdentityFile(files);
            Identity identity = next(files, identityFile.read(), nodeId);
            // The fsync of the directory in it also keeps what the last run renamed and had no time to sync.
            identityFile.write(identity);
            opened = true;
            return new FileStorage(files, options, lock, identityFile, identity);
        } finally {
            if (!opened) {
                lock.close();
            }
        }
    }

    private static void deleteUnfinished(FileSystem files) throws IOException {
        boolean deleted = false;
        for (String name : files.list()) {
            if (name.endsWith(Spare.UNFINISHED) || name.equals(LogWriter.LARGE)) {
                files.delete(name);
                deleted = true;
            }
        }
        if (deleted) {
            files.syncDirectory();
        }
    }

    private static Identity next(FileSystem files, @Nullable Identity last, int nodeId) throws IOException {
        if (last == null) {
            if (Recovery.hasSegments(files)) {
                throw new StorageException("There is a log but no identity with it: " + files.pathOf(IdentityFile.NAME) + " is missing."
                    + " Put it back if it was moved; else keep the directory for inspection and start this node on an empty one.");
            }
            return new Identity(new ReplicaId(nodeId, newIncarnation()), 1, null);
        }
        if (last.replica().nodeId() != nodeId) {
            throw new StorageException("The directory with " + files.pathOf(IdentityFile.NAME) + " belongs to node "
                + last.replica().nodeId() + ", and node " + nodeId + " was to be started on it. Correct the node id or the path.");
        }
        return new Identity(last.replica(), last.boot() + 1, last.founding());
    }

    private static long newIncarnation() {
        SecureRandom random = new SecureRandom();
        long incarnation = random.nextLong();
        while (incarnation == 0) {
            incarnation = random.nextLong();
        }
        return incarnation;
    }

    @Override
    public Identity identity() {
        return identity;
    }

    @Override
    public void found(FoundingRecord record) {
        requireUsable();
        if (!identity.isBlank()) {
            throw new IllegalStateException("Replica " + identity.replica() + " was founded before, as a member of "
                + identity.founding());
        }
        run("found", () -> {
            // The log is begun first, so that a founded replica without one has lost it.
            beginLog();
            Identity founded = new Identity(identity.replica(), identity.boot(), record);
            identityFile.write(founded);
            identity = founded;
            return null;
        });
    }

    private void beginLog() throws IOException {
        LogState state = new LogState();
        if (Recovery.hasSegments(files)) {   // a crash came between this and the identity
            try (LogWriter begun = recoverLog()) {
                if (begun.state().frames() > 1) {
                    throw new StorageException("There is a log, but " + files.pathOf(IdentityFile.NAME) + " says that the replica belongs"
                        + " to no group: it is not the identity of this log. Put the right one back, or start this node on an empty"
                        + " directory.");
                }
                return;
            }
        }
        try (Spare spare = newSpare()) {
            Segment.begin(files, spare, 1, identity.replica().incarnation(), state, 0, new Staging(options.segmentBytes())).close();
        }
    }

    @Override
    public Recovered recover() {
        requireUsable();
        FoundingRecord founding = identity.founding();
        if (founding == null) {
            throw new IllegalStateException("Replica " + identity.replica() + " belongs to no group yet, so there is nothing to recover:"
                + " found it first");
        }
        if (log != null) {
            throw new IllegalStateException("What was recovered is handed over once");
        }
        return run("recover", () -> {
            LogWriter recovered = recoverLog();
            log = recovered;
            LogState state = recovered.state();
            long last = state.nextIndex() - 1;
            long first = Math.min(last, state.index().firstOfLast(options.tailBytesMax(), Entry.SIZE_MAX, recovered.end()));
            List<Entry> tail = last < 1 ? List.of() : read(state.index(), first, last, Long.MAX_VALUE);
            return new Recovered(state.recoveredHardState(),
                new LogView(SnapshotId.ofFounding(founding.membership()), new TermTable(state.terms()), tail, List.of()));
        });
    }

    private LogWriter recoverLog() throws IOException {
        Spare spare = newSpare();
        boolean done = false;
        try {
            LogWriter recovered = new Recovery(files, identity.replica().incarnation()).run(spare);
            done = true;
            return recovered;
        } finally {
            if (!done) {
                spare.close();
            }
        }
    }

    private Spare newSpare() throws IOException {
        Spare spare = new Spare(files, Spare.NAME, options.segmentBytes());
        spare.reuse();
        return spare;
    }

    @Override
    public void write(List<Write> batch) {
        requireUsable();
        LogWriter writer = recovered();
        run("write to", () -> {
            requireRisingIds(batch);
            writer.write(Content.merge(batch, writer.state().nextIndex()));
            return null;
        });
    }

    private void requireRisingIds(List<Write> batch) {
        for (Write write : batch) {
            if (write.id() <= lastWriteId) {
                throw new InvariantViolation("write " + write.id() + " comes behind write " + lastWriteId);
            }
            lastWriteId = write.id();
        }
    }

    /** Fills a part of the next segment's file with zeros; see {@link Storage#maintain()}. Does nothing before {@code recover}. */
    @Override
    public boolean maintain() {
        requireUsable();
        LogWriter writer = log;
        return writer != null && run("prepare a file in", writer::maintain);
    }

    /** {@inheritDoc} Also empty if the log ends before {@code firstIndex}, which a replacement may have brought about meanwhile. */
    @Override
    public List<Entry> read(long firstIndex, long lastIndex, int bytesMax) {
        if (firstIndex < 1 || lastIndex < firstIndex) {
            throw new IllegalArgumentException("No entries are " + firstIndex + " to " + lastIndex);
        }
        if (closed) {
            throw new StorageException("This storage is closed.");
        }
        return read(recovered().state().index(), firstIndex, lastIndex, bytesMax);
    }

    private List<Entry> read(EntryIndex index, long firstIndex, long lastIndex, long bytesMax) {
        try (EntryReader reader = new EntryReader(files, index)) {
            return reader.read(firstIndex, lastIndex, bytesMax);
        } catch (IOException e) {   // of close: what was read is verified
            throw new StorageException("A file could not be closed after reading: " + e, e);
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            closeLog();
        } catch (IOException e) {
            throw new StorageException("The data directory could not be closed properly: " + e + ". Everything reported as written is safe;"
                + " the next opening tells.", e);
        }
    }

    private void closeLog() throws IOException {
        LogWriter writer = log;
        boolean interrupted = Thread.interrupted();
        try {
            if (writer != null && failure == null) {
                writer.closeOff();
            }
        } finally {
            try {
                if (writer != null) {
                    writer.close();
                }
            } finally {
                lock.close();
                if (interrupted) {
                    Thread.currentThread().interrupt();
                }
            }
        }
    }

    private LogWriter recovered() {
        LogWriter writer = log;
        if (writer == null) {
            throw new IllegalStateException("Nothing can be read or written before recover()");
        }
        return writer;
    }

    private void requireUsable() {
        if (closed) {
            throw new StorageException("This storage is closed.");
        }
        Throwable first = failure;
        if (first != null) {
            throw new StorageException("This storage has failed before and writes nothing any more: " + first.getMessage()
                + " Restart the replica; what became of its last write is learned then.", first);
        }
    }

    private interface Work<T extends @Nullable Object> {
        T run() throws IOException;
    }

    /** Runs something that changes the directory. If it fails, nothing is tried again: only a new opening can find out what is there. */
    private <T extends @Nullable Object> T run(String what, Work<T> work) {
        // An interrupt that came before must not close the file; one that comes in between does, and is a failed write.
        boolean interrupted = Thread.interrupted();
        try {
            return work.run();
        } catch (IOException e) {
            StorageException failed = new StorageException("Failed to " + what + " the data directory with "
                + files.pathOf(IdentityFile.NAME) + ": " + e + ". Nothing more is written to it; check the disk, then restart the replica.",
                e);
            failure = failed;
            throw failed;
        } catch (RuntimeException | Error e) {
            failure = e;
            throw e;
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
