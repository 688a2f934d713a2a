package io.quorate.raft.storage;

import io.quorate.raft.EntryDamagedException;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Identity;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.DiskRoom;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.InvariantViolation;
import io.quorate.raft.core.LogView;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.core.TermTable;
import io.quorate.raft.storage.testing.SimulatedFiles;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A replica's data directory on a local disk: the identity file, and the log with the hard state in it as one stream of checksummed
 * frames (docs/storage-format.md).
 *
 * <p>A write is durable when {@code write} returns: it costs one write and one fsync, and one more of each if it changes the term or the
 * vote. At opening, what a crash cut off is dropped. Entries that are damaged are named, so that other replicas can be asked for them;
 * anything else that is damaged, short or missing is refused with a {@link StorageCorruptException} that names the file and the offset.
 *
 * <p>One batch brings at most 256 MiB of entries.
 *
 * <p>Threads: as {@link Storage} says; what must be called on one thread at a time is {@code found}, {@code recover}, {@code write},
 * {@code compact}, {@code maintain}, {@code repair}, {@code scrub} and {@code close}. That one must not be interrupted inside a call, since
 * an interrupt closes the file being written, which is a failed write.
 */
public final class FileStorage implements Storage {

    private static final Logger LOG = LoggerFactory.getLogger(FileStorage.class);
    private static final int READ_AGAIN_BYTES = 4 << 20;

    private final FileSystem files;
    private final Options options;
    private final Closeable lock;
    private final IdentityFile identityFile;
    private final StoredIdentity opened;            // as the file was when this was opened
    private volatile Identity identity;
    private volatile @Nullable LogWriter log;       // null until recovered, like the next
    private volatile @Nullable Snapshots snapshots;
    private volatile @Nullable Throwable failure;   // the first; final
    private volatile boolean closed;
    private @Nullable List<Long> memberships;       // where the log had some when its files were looked through; null once it was asked for
    private List<Entry> readTail = List.of();       // the newest entries when its files were looked through; none once it was asked for
    private @Nullable Scrubber scrubber;            // null until recovered
    private boolean isHandedOver;                   // a log that is whole
    private long lastWriteId;                       // of this opening

    /**
     * How to store. Each method gives a changed copy.
     *
     * @param segmentBytes how large a file of the log is; a frame that needs more gets a larger one
     * @param tailBytesMax how many bytes of the newest entries {@code recover} hands over at once
     * @param logTailBytes how many bytes of log before the end of the newest snapshot {@code compact} keeps, in whole segments, for
     *                     replicas that lag: up to this, and the rest of the segment where it begins. For one that is being helped,
     *                     it keeps {@value #HELPED_FACTOR} times as much
     * @param partBytes    how large a file of a snapshot is at most
     * @param fsync        whether anything is made durable
     */
    public record Options(int segmentBytes, int tailBytesMax, long logTailBytes, int partBytes, boolean fsync) {

        /** How many times {@code logTailBytes} stay while a replica is being helped. */
        public static final int HELPED_FACTOR = 4;

        private static final int SEGMENT_BYTES_MIN = 1 << 10;
        private static final int SEGMENT_BYTES_MAX = 1 << 30;
        private static final int PART_BYTES_MIN = 1 << 10;

        public Options {
            if (segmentBytes < SEGMENT_BYTES_MIN || segmentBytes > SEGMENT_BYTES_MAX) {
                throw new IllegalArgumentException("A segment has between " + SEGMENT_BYTES_MIN + " and " + SEGMENT_BYTES_MAX
                    + " bytes, not " + segmentBytes);
            }
            if (tailBytesMax < 0) {
                throw new IllegalArgumentException("The tail cannot have " + tailBytesMax + " bytes");
            }
            if (logTailBytes < 0 || logTailBytes > Long.MAX_VALUE / HELPED_FACTOR) {
                throw new IllegalArgumentException("The kept log cannot have " + logTailBytes + " bytes");
            }
            if (partBytes < PART_BYTES_MIN || partBytes > SEGMENT_BYTES_MAX) {
                throw new IllegalArgumentException("A part of a snapshot has between " + PART_BYTES_MIN + " and " + SEGMENT_BYTES_MAX
                    + " bytes, not " + partBytes);
            }
        }

        /** Segments of 64 MiB, a tail of 32 MiB, 64 MiB of log kept behind a snapshot, parts of 32 MiB, and everything durable. */
        public static Options defaults() {
            return new Options(64 << 20, 32 << 20, 64 << 20, 32 << 20, true);
        }

        public Options withSegmentBytes(int bytes) {
            return new Options(bytes, tailBytesMax, logTailBytes, partBytes, fsync);
        }

        public Options withTailBytesMax(int bytes) {
            return new Options(segmentBytes, bytes, logTailBytes, partBytes, fsync);
        }

        public Options withLogTailBytes(long bytes) {
            return new Options(segmentBytes, tailBytesMax, bytes, partBytes, fsync);
        }

        public Options withPartBytes(int bytes) {
            return new Options(segmentBytes, tailBytesMax, logTailBytes, bytes, fsync);
        }

        /**
         * Makes nothing durable: a power failure or a crash of the operating system may take back votes and acknowledged entries, and so
         * lose or fork what the group acknowledged. For tests and measurements only.
         */
        public Options unsafeNoFsync() {
            return new Options(segmentBytes, tailBytesMax, logTailBytes, partBytes, false);
        }
    }

    private FileStorage(FileSystem files, Options options, Closeable lock, IdentityFile identityFile, StoredIdentity stored) {
        this.files = files;
        this.options = options;
        this.lock = lock;
        this.identityFile = identityFile;
        identity = stored.identity();
        opened = stored;
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
            return open(new LocalFileSystem(directory, options.fsync()), nodeId, newIncarnation(), options);
        } catch (IOException e) {
            throw new StorageException("The data directory " + directory + " cannot be opened: " + e
                + ". It must be a directory that this process may read and write.", e);
        }
    }

    /**
     * For tests: opens a directory on a simulated disk. Its replica is told from others by what is drawn from a random source, so two runs
     * of one test differ in that.
     */
    static FileStorage open(SimulatedFiles files, int nodeId, Options options) throws IOException {
        return open(new SimulatedFileSystem(files), nodeId, newIncarnation(), options);
    }

    /**
     * Opens a directory on a simulated disk: for tests of what stands on a storage.
     *
     * @param incarnation tells the replica from all others the node has had or will have, if the directory is empty; not 0
     * @throws StorageException as {@link #open(Path, int, Options)}
     */
    public static FileStorage open(SimulatedFiles files, int nodeId, long incarnation, Options options) {
        try {
            return open(new SimulatedFileSystem(files), nodeId, incarnation, options);
        } catch (IOException e) {
            throw new StorageException("The simulated directory cannot be opened: " + e, e);
        }
    }

    static FileStorage open(FileSystem files, int nodeId, long incarnation, Options options) throws IOException {
        if (nodeId < 1) {
            throw new IllegalArgumentException("A node id is 1 or more, not " + nodeId);
        }
        Closeable lock = files.lock();
        boolean opened = false;
        try {
            deleteUnfinished(files);
            IdentityFile identityFile = new IdentityFile(files);
            StoredIdentity stored = next(files, identityFile.read(), nodeId, incarnation);
            // The fsync of the directory in it also keeps what the last run renamed and had no time to sync.
            begin(files, identityFile, stored);
            opened = true;
            return new FileStorage(files, options, lock, identityFile, stored);
        } catch (UnreadableException e) {
            throw e.refusal();
        } finally {
            if (!opened) {
                lock.close();
            }
        }
    }

    /** On a full disk this is what the reserve was for; and if there is none, there may be a spare segment that can be done without. */
    private static void begin(FileSystem files, IdentityFile identityFile, StoredIdentity stored) throws IOException {
        try {
            identityFile.write(stored);
        } catch (IOException e) {
            if (!HeadRoom.isForLackOfRoom(e, files, HeadRoom.RESERVE_BYTES)) {
                throw e;
            }
            if (!HeadRoom.makeRoom(files, IdentityFile.UNFINISHED)) {
                throw new StorageException("The disk of " + files.pathOf(IdentityFile.NAME) + " is full, so that the directory cannot even"
                    + " be opened: " + e + ". Nothing is lost; free " + HeadRoom.RESERVE_BYTES + " bytes or more there, and start again.", e);
            }
            identityFile.write(stored);
            HeadRoom.reserveIfThereIsRoom(files);
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

    private static StoredIdentity next(FileSystem files, @Nullable StoredIdentity stored, int nodeId, long incarnation)
            throws IOException {
        if (stored == null) {
            if (Recovery.hasSegments(files) || Snapshots.hasAny(files)) {
                throw new StorageException("There is a " + (Recovery.hasSegments(files) ? "log" : "snapshot")
                    + " but no identity with it: " + files.pathOf(IdentityFile.NAME) + " is missing. Put it back if it was moved; else keep the directory for inspection and start this node on an empty one.");
            }
            return new StoredIdentity(new Identity(new ReplicaId(nodeId, incarnation), 1, null));
        }
        Identity last = stored.identity();
        if (last.replica().nodeId() != nodeId) {
            throw new StorageException("The directory with " + files.pathOf(IdentityFile.NAME) + " belongs to node "
                + last.replica().nodeId() + ", and node " + nodeId + " was to be started on it. Correct the node id or the path.");
        }
        return new StoredIdentity(new Identity(last.replica(), last.boot() + 1, last.founding()), stored.recovered(),
            stored.isCut());
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
            HeadRoom.reserve(files);        // a group is not founded on a disk that could not be opened again
            // The log is begun first, so that a founded replica without one has lost it.
            beginLog();
            Identity founded = new Identity(identity.replica(), identity.boot(), record);
            identityFile.write(new StoredIdentity(founded));
            identity = founded;
            return null;
        });
    }

    private void beginLog() throws IOException {
        LogState state = new LogState();
        if (Recovery.hasSegments(files)) {   // a crash came between this and the identity
            try (LogWriter begun = recoverLog(new Recovery(files, identity.replica().incarnation()))) {
                if (begun.state().frames() > 1) {
                    throw new StorageException("There is a log, but " + files.pathOf(IdentityFile.NAME) + " says that the replica belongs"
                        + " to no group: it is not the identity of this log. Put the right one back, or start this node on an empty"
                        + " directory.");
                }
                return;
            }
        }
        try (HeadRoom headRoom = new HeadRoom(files, options.segmentBytes())) {
            Segment.begin(files, headRoom.next(), 1, identity.replica().incarnation(), state, 0, new Staging(options.segmentBytes())).close();
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
        if (isHandedOver) {
            throw new IllegalStateException("What was recovered is handed over once");
        }
        return run("recover", () -> {
            if (log == null) {
                readFiles(founding);
            }
            beginAloneIfDecided(founding, recovered(), snapshots());
            return handOver(founding, recovered().state(), snapshots());
        });
    }

    private void readFiles(FoundingRecord founding) throws IOException {
        try {
            recoverFiles(founding);
        } catch (UnreadableException e) {
            throw e.refusal();
        }
    }

    private void recoverFiles(FoundingRecord founding) throws IOException {
        Snapshots found = new Snapshots(files, identity.replica().incarnation(), options.partBytes(), this::requireUsable);
        found.open();
        Snapshots.Stored before = found.newest();
        Recovery recovery =
            new Recovery(files, identity.replica().incarnation(), before == null ? null : before.manifest().terms(), opened.recovered(),
                options.tailBytesMax());
        LogWriter recovered = recoverLog(recovery);
        log = recovered;
        recovered.prepare();
        LogState state = recovered.state();
        found.settle(state.terms().base(), Recovery.beforeFirstSegment(files));
        Snapshots.Stored newest = found.newest();
        if (newest != null) {
            standOn(newest, recovered);
        }
        found.cleanUp();
        found.follow(state::termsUpTo);
        snapshots = found;
        memberships = recovery.memberships();
        readTail = recovery.tail();
        scrubber = new Scrubber(files, identity.replica().incarnation(), state, found);
    }

    /**
     * Of a log in which something is damaged, that is what is whole before it; when all of it is there again, this is asked for again. What
     * is met by reading that is damaged by now, though it was whole at the opening, is handed over as damaged like the rest.
     */
    private Recovered handOver(FoundingRecord founding, LogState state, Snapshots known) {
        List<Damage.Mark> before;
        do {
            state.cover(known.newestIndex());
            before = state.damage().marks();
            try {
                Recovered recovered = whole(founding, state, known);
                if (recovered != null) {
                    isHandedOver = recovered.damaged().isEmpty();
                    return recovered;
                }
            } catch (EntryDamagedException e) {
                LOG.warn("Met while the log was handed over: {}", e.getMessage());
            }
        } while (!state.damage().marks().equals(before));
        throw new InvariantViolation("no damage is known, but the log " + state.terms() + " cannot be read to its end");
    }

    /** Null if it cannot be read up to where the first known damage is. */
    private @Nullable Recovered whole(FoundingRecord founding, LogState state, Snapshots known) {
        List<EntryId> damaged = state.damage().idsBehind(known.newestIndex());
        TermTable terms = new TermTable(state.terms());
        if (!damaged.isEmpty()) {
            terms.truncate(damaged.get(0).index());
        }
        Snapshots.Stored newest = known.newest();
        SnapshotId snapshot = newest == null ? SnapshotId.ofFounding(founding.membership()) : newest.manifest().id();
        List<Entry> found = membershipsBetween(snapshot.index(), terms.lastIndex(), state);
        List<Entry> tail = tail(state, terms.last());
        boolean isWhole = tail.isEmpty() || tail.get(tail.size() - 1).index() == terms.lastIndex();
        return isWhole ? new Recovered(state.recoveredHardState(), new LogView(snapshot, terms, tail, found), damaged) : null;
    }

    private List<Entry> membershipsBetween(long snapshotIndex, long lastIndex, LogState state) {
        List<Entry> found = new ArrayList<>();
        List<Long> known = memberships;
        memberships = null;
        if (known != null) {
            for (long index : known) {
                if (index > snapshotIndex && index <= lastIndex) {
                    found.addAll(read(state, index, index, Long.MAX_VALUE));
                }
            }
            return found;
        }
        // What has been repaired or written since the files were looked through may be one too.
        for (long next = Math.max(snapshotIndex + 1, state.index().firstIndex()); next <= lastIndex; ) {
            List<Entry> some = read(state, next, lastIndex, READ_AGAIN_BYTES);
            some.stream().filter(entry -> entry.kind() == Entry.Kind.MEMBERSHIP).forEach(found::add);
            next += some.size();
        }
        return found;
    }

    /** What the snapshot covers is committed for ever: of a log that does not hold its last entry nothing is worth keeping. */
    private void standOn(Snapshots.Stored newest, LogWriter recovered) throws IOException {
        LogState state = recovered.state();
        SnapshotManifest manifest = newest.manifest();
        EntryId last = manifest.id().last();
        if (!state.holds(last)) {
            LOG.warn("The log {} does not hold the last entry of the snapshot {}, so it begins anew behind that", state.terms(), last);
            HardState before = state.hardState();
            HardState after = before.term() >= last.term() ? before : new HardState(last.term(), null, before.commitIndex());
            recovered.write(Content.reset(state.lastWriteId(), after, last), manifest.terms());
            recovered.closeOff();
            return;
        }
        try {
            state.putBefore(manifest.terms());
        } catch (IllegalArgumentException e) {
            throw new StorageCorruptException(files.pathOf(newest.name().manifest()), 0, "its terms " + manifest.terms()
                + " are not those of the log, " + state.terms() + ": " + e.getMessage());
        }
    }

    /**
     * The group begins anew after its quorum was lost, if the identity file says so and that has not been done yet: it names the entry with
     * which it does. All that is before that counts as committed from here on; what the log has in its place or behind goes with the frame
     * that brings it, if that was decided too.
     */
    private void beginAloneIfDecided(FoundingRecord founding, LogWriter writer, Snapshots known) throws IOException {
        EntryId with = opened.recovered();
        LogState state = writer.state();
        if (with == null || !opened.isPendingFor(state.terms().last())) {
            return;
        }
        EntryId last = state.lastBefore(with.index());
        if (state.damage().idsBehind(known.newestIndex()).stream().anyMatch(id -> id.index() <= last.index())) {
            return;
        }
        Snapshots.Stored newest = known.newest();
        SnapshotId snapshot = newest == null ? SnapshotId.ofFounding(founding.membership()) : newest.manifest().id();
        List<Entry> changes = membershipsBetween(snapshot.index(), last.index(), state);
        Membership before = changes.isEmpty() ? snapshot.membership() : Membership.of(changes.get(changes.size() - 1));
        long timeNanos = last.index() == snapshot.index() ? snapshot.timeNanos()
            : read(state, last.index(), last.index(), Long.MAX_VALUE).get(0).timeNanos();
        writer.write(LostQuorum.beginning(with, last, state, Membership.of(before.version() + 1, founding.membership().voters()), timeNanos,
            files.pathOf(IdentityFile.NAME)));
    }

    /**
     * Decides that this replica's group begins anew with it alone. It is only closed then; the next opening carries it out.
     *
     * @param next how the group then began
     * @param with  the entry that will say so in the log: the one behind the last that stays, in a new term
     * @param isCut whether others are there in its place
     */
    void decideToBeginAlone(FoundingRecord next, EntryId with, boolean isCut) {
        requireUsable();
        recovered();
        run("recover", () -> {
            identityFile.write(new StoredIdentity(new Identity(identity.replica(), identity.boot(), next), with, isCut));
            return null;
        });
    }

    private List<Entry> tail(LogState state, EntryId last) {
        List<Entry> read = readTail;
        readTail = List.of();
        long first = state.index().firstIndex();
        if (!read.isEmpty() && read.get(read.size() - 1).id().equals(last) && read.get(0).index() >= first) {
            return read;    // with the last entry, all before it are those of the log
        }
        Deque<Entry> tail = new ArrayDeque<>();
        long bytes = 0;
        // Roughly: where that turns out to be more, the first ones are dropped again.
        first = Math.max(first, Math.min(last.index(), state.index().firstWithin(options.tailBytesMax(), last.index() + 1)));
        for (long next = first; next <= last.index(); ) {
            List<Entry> some = read(state, next, last.index(), EntryReader.MUCH);
            for (Entry entry : some) {
                tail.add(entry);
                bytes += entry.size();
                while (bytes > options.tailBytesMax() && tail.size() > 1) {
                    bytes -= tail.remove().size();
                }
            }
            next = some.isEmpty() ? last.index() + 1 : next + some.size();
        }
        return List.copyOf(tail);
    }

    private LogWriter recoverLog(Recovery recovery) throws IOException {
        HeadRoom headRoom = new HeadRoom(files, options.segmentBytes());
        boolean done = false;
        try {
            LogWriter recovered = recovery.run(headRoom);
            done = true;
            return recovered;
        } finally {
            if (!done) {
                headRoom.close();
            }
        }
    }

    @Override
    public void write(List<Write> batch) {
        requireUsable();
        LogWriter writer = recovered();
        run("write to", () -> {
            requireRisingIds(batch);
            for (WritePlan.Step step : WritePlan.of(batch, writer.state(), snapshots())) {
                write(writer, step);
            }
            return null;
        });
    }

    private void write(LogWriter writer, WritePlan.Step step) throws IOException {
        SnapshotManifest install = step.install();
        if (install == null) {
            writer.write(step.content());
            return;
        }
        // The frame decides. If a crash comes before the snapshot has its name, the next opening gives it that.
        writer.write(step.content(), install.terms());
        snapshots().install();
    }

    @Override
    public @Nullable StoredSnapshot snapshot() {
        requireOpen();
        return snapshots().read();
    }

    /** {@inheritDoc} What fails while it is taken fails the snapshot, and not the storage. */
    @Override
    public SnapshotOutput beginSnapshot(SnapshotId snapshot) {
        requireUsable();
        return snapshots().begin(snapshot);
    }

    /** {@inheritDoc} What fails while it is received fails the snapshot, and not the storage. */
    @Override
    public SnapshotInput receiveSnapshot(SnapshotId snapshot) {
        requireUsable();
        return snapshots().receive(snapshot);
    }

    /** {@inheritDoc} It is low when there is none for the next segment. */
    @Override
    public DiskRoom room() {
        LogWriter writer = log;
        return writer == null ? DiskRoom.PLENTY : writer.room();
    }

    /** {@inheritDoc} What the file system says that this process could still write. */
    @Override
    public long usableBytes() {
        return files.usableBytes();
    }

    /** {@inheritDoc} Counted as it stands on disk, frames and all; 0 before {@link #recover}. */
    @Override
    public long logBytes() {
        LogWriter writer = log;
        return writer == null ? 0 : writer.state().index().bytesFrom(snapshots().newestIndex() + 1);
    }

    @Override
    public long firstIndex() {
        return recovered().state().index().firstIndex();
    }

    /** {@inheritDoc} Here that is whole segments, as {@link Options#logTailBytes} says; their files go by {@link #maintain}. */
    @Override
    public void compact(long wantedIndex) {
        requireUsable();
        LogWriter writer = recovered();
        long covered = snapshots().newestIndex();
        if (covered == 0) {
            return;
        }
        run("compact", () -> {
            writer.state().cover(covered);
            EntryIndex index = writer.state().index();
            long tailFirst = index.firstWithin(options.logTailBytes(), covered + 1);
            long helpedFirst = index.firstWithin(Options.HELPED_FACTOR * options.logTailBytes(), covered + 1);
            writer.compact(Math.min(tailFirst, Math.max(helpedFirst, wantedIndex)));
            writer.state().forgetTerms(covered);
            return null;
        });
    }

    private Snapshots snapshots() {
        Snapshots known = snapshots;
        if (known == null) {
            throw new IllegalStateException("Nothing can be read or written before recover()");
        }
        return known;
    }

    private void requireRisingIds(List<Write> batch) {
        for (Write write : batch) {
            if (write.id() <= lastWriteId) {
                throw new InvariantViolation("write " + write.id() + " comes behind write " + lastWriteId);
            }
            lastWriteId = write.id();
        }
    }

    /**
     * Deletes a file that {@link #compact} let go of, or fills a part of the next segment's with zeros; see {@link Storage#maintain()}. If
     * there is no room for that, it is no failure, but tried again when there is. Does nothing before {@code recover}.
     */
    @Override
    public boolean maintain() {
        requireUsable();
        LogWriter writer = log;
        return writer != null && run("prepare a file in", writer::maintain);
    }

    /** {@inheritDoc} Their bytes are written where they were, or, if it is not known where that is, once more at the end of the log. */
    @Override
    public List<EntryId> repair(List<Entry> entries) {
        requireUsable();
        LogWriter writer = recovered();
        return run("repair", () -> {
            writer.state().cover(snapshots().newestIndex());
            return writer.repair(entries);
        });
    }

    /** {@inheritDoc} That is the segments that are full, and the newest snapshot. Does nothing before {@code recover}. */
    @Override
    public Scrubbed scrub(int bytesMax) {
        requireUsable();
        LogWriter writer = log;
        Scrubber going = scrubber;
        return writer == null || going == null ? Scrubbed.NOTHING
            : run("scrub", () -> going.next(Math.max(1, bytesMax), writer.openSegment()));
    }

    @Override
    public List<Entry> read(long firstIndex, long lastIndex, int bytesMax) {
        if (firstIndex < 1 || lastIndex < firstIndex) {
            throw new IllegalArgumentException("No entries are " + firstIndex + " to " + lastIndex);
        }
        requireOpen();
        LogState state = recovered().state();
        try {
            return read(state, firstIndex, lastIndex, bytesMax);
        } catch (EntryDamagedException e) {
            long covered = snapshots().newestIndex();
            if (e.entry().index() > covered) {
                throw e;
            }
            state.cover(covered);
            return List.of();
        }
    }

    private List<Entry> read(LogState state, long firstIndex, long lastIndex, long bytesMax) {
        try (EntryReader reader = new EntryReader(files, identity.replica().incarnation(), state)) {
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

    private void requireOpen() {
        if (closed) {
            throw new StorageException("This storage is closed.");
        }
    }

    private void requireUsable() {
        requireOpen();
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
