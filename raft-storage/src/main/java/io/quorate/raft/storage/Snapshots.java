package io.quorate.raft.storage;

import io.quorate.raft.StorageException;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.InvariantViolation;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.core.TermTable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The snapshots of a directory: the newest, which the log stands on; one that is being received; one that is complete and not yet
 * installed; and older ones, until nobody reads them any more.
 *
 * <p>Which is the newest changes with one rename, of a manifest whose parts are all durable. So every crash leaves the old one or the new
 * one. The methods may be called from any thread; writing and receiving go on outside of the lock.
 */
final class Snapshots {

    private static final Logger LOG = LoggerFactory.getLogger(Snapshots.class);

    private final FileSystem files;
    private final long incarnation;
    private final int partBytes;
    private final Runnable usable;
    private long lastNumber;
    private @Nullable Stored newest;
    private volatile long newestIndex;      // who writes must not wait for who publishes
    private @Nullable SnapshotName damaged; // found to be, as last looked at
    private final List<SnapshotReceiver> earlier = new ArrayList<>();   // received in earlier runs, oldest first; none once it is settled
    private @Nullable UnreadableException unreadable;   // why it is not known of one what it is
    private @Nullable SnapshotReceiver receiving;
    private @Nullable SnapshotReceiver complete;
    private final Map<SnapshotName, Integer> readers = new HashMap<>();
    private Function<EntryId, @Nullable TermTable> termsUpTo = last -> null;

    /** One that was taken or installed. */
    record Stored(SnapshotName name, SnapshotManifest manifest) { }

    /** @param usable throws if nothing may be written any more */
    Snapshots(FileSystem files, long incarnation, int partBytes, Runnable usable) {
        this.files = files;
        this.incarnation = incarnation;
        this.partBytes = partBytes;
        this.usable = usable;
    }

    /** Whether the directory holds any. */
    static boolean hasAny(FileSystem files) throws IOException {
        return files.list().stream().anyMatch(file -> SnapshotName.of(file) != null);
    }

    // ------------------------------------------------------------------------------------------------------------- at opening

    /**
     * Finds out what there is. Nothing is changed.
     *
     * @throws StorageCorruptException if the newest manifest is damaged: it had its name only when it was durable
     */
    synchronized void open() throws IOException {
        SnapshotName taken = null;
        List<SnapshotName> received = new ArrayList<>();
        for (String file : files.list()) {
            SnapshotName name = SnapshotName.of(file);
            if (name == null) {
                continue;
            }
            lastNumber = Math.max(lastNumber, name.number());
            if (file.equals(name.manifest()) && (taken == null || name.compareTo(taken) > 0)) {
                taken = name;
            } else if (file.equals(name.received())) {
                received.add(name);
            }
        }
        if (taken != null) {
            SnapshotManifest manifest = SnapshotManifest.read(files, taken.manifest(), incarnation);
            if (manifest.id().index() != taken.index()) {
                throw new StorageCorruptException(files.pathOf(taken.manifest()), 0, "it is the manifest of the snapshot "
                    + manifest.id().last() + " under the name of another");
            }
            newest = new Stored(taken, manifest);
            newestIndex = taken.index();
        }
        received.sort(Comparator.comparingLong(SnapshotName::number));
        for (SnapshotName name : received) {
            addEarlier(name);
        }
    }

    private void addEarlier(SnapshotName name) throws IOException {
        try {
            SnapshotManifest manifest = SnapshotManifest.read(files, name.received(), incarnation);
            earlier.add(new SnapshotReceiver(files, this, name, manifest, incarnation));
        } catch (StorageCorruptException e) {    // and not of one that a newer version wrote
            LOG.warn("What was received of the snapshot {} is dropped: {}", name, e.getMessage());
        } catch (UnreadableException e) {
            LOG.warn("What was received of the snapshot {} is dropped, unless the log stands on it: {}", name, e.getMessage());
            unreadable = e;
        }
    }

    /**
     * The log stands on this entry, so there must be a snapshot that covers it. An installation that a crash cut short is carried to its
     * end.
     *
     * @throws StorageCorruptException if there is none
     * @throws UnreadableException     if there may be one
     */
    synchronized void settle(EntryId base, String missing) throws IOException {
        SnapshotReceiver received = toInstall(base, missing);
        if (received != null) {
            LOG.info("Carrying on the installation of the snapshot {}", base);
            install(received);
        }
    }

    /** The same without doing it: the snapshot whose installation is to be carried to its end, or null if there is none. */
    synchronized @Nullable SnapshotReceiver toInstall(EntryId base, String missing) throws UnreadableException {
        Stored stored = newest;
        if (base.index() <= (stored == null ? 0 : stored.name().index())) {
            return null;
        }
        // Another one may have been begun since this one was complete.
        SnapshotReceiver received = earlier.stream().filter(each -> each.id().last().equals(base) && each.isWhole()).findFirst()
            .orElse(null);
        UnreadableException untold = unreadable;
        if (received == null && untold != null) {
            throw untold;       // this may be the one
        }
        if (received == null) {
            throw new StorageCorruptException(files.pathOf(missing), 0, "the log begins behind " + base + ", so this segment is missing,"
                + " or a snapshot of what it held: the newest " + (stored == null ? "is none" : "ends at " + stored.manifest().id().last()));
        }
        return received;
    }

    /** Deletes what nobody needs: the leftovers of earlier runs. Of what was being received, the last one can be gone on with. */
    synchronized void cleanUp() throws IOException {
        Stored stored = newest;
        SnapshotReceiver received = earlier.isEmpty() ? null : earlier.get(earlier.size() - 1);
        if (received != null && received.name().index() <= newestIndex()) {
            received = null;
        }
        earlier.clear();
        receiving = received;
        for (String file : files.list()) {
            SnapshotName name = SnapshotName.of(file);
            boolean needed = name == null || stored != null && name.equals(stored.name())
                || received != null && name.equals(received.name()) && received.owns(file);
            if (!needed) {
                files.delete(file);
            }
        }
    }

    /** From now on the log tells its terms: up to this entry, or null if it does not hold it. */
    synchronized void follow(Function<EntryId, @Nullable TermTable> terms) {
        termsUpTo = terms;
    }

    // --------------------------------------------------------------------------------------------------------------- reading

    synchronized @Nullable Stored newest() {
        return newest;
    }

    /** Where the newest ends; 0 if there is none. */
    long newestIndex() {
        return newestIndex;
    }

    synchronized @Nullable SnapshotReader read() {
        Stored stored = newest;
        if (stored == null) {
            return null;
        }
        SnapshotName name = stored.name();
        readers.merge(name, 1, Integer::sum);
        return new SnapshotReader(files, name, stored.manifest(), this);
    }

    /** Somebody has looked at this one: if it is the newest, and damaged, another one of the same state may take its place. */
    synchronized void onLookedAt(SnapshotName name, boolean isDamaged) {
        Stored stored = newest;
        if (stored != null && stored.name().equals(name)) {
            damaged = isDamaged ? name : null;
        }
    }

    synchronized void release(SnapshotName name) {
        readers.merge(name, -1, (count, one) -> count + one == 0 ? null : count + one);
        deleteUnread(name);
    }

    // ---------------------------------------------------------------------------------------------------------------- taking

    void requireUsable() {
        usable.run();
    }

    synchronized SnapshotWriter begin(SnapshotId id) {
        if (!isWanted(id)) {
            throw new IllegalArgumentException("A snapshot of " + id.last() + " is no newer than the one that is there, which ends at "
                + newestIndex());
        }
        requireTerms(id);
        return new SnapshotWriter(files, this, new SnapshotName(id.index(), ++lastNumber), id, partBytes);
    }

    /** Whether it covers more than the newest, or as much, where that one cannot be relied on. */
    private boolean isWanted(SnapshotId id) {
        Stored stored = newest;
        return stored == null || id.index() > stored.name().index()
            || stored.name().equals(damaged) && id.last().equals(stored.manifest().id().last());
    }

    private TermTable requireTerms(SnapshotId id) {
        TermTable terms = termsUpTo.apply(id.last());
        if (terms == null) {
            throw new IllegalStateException("No snapshot can be taken of " + id.last() + ": the log does not hold it");
        }
        return terms;
    }

    /** All parts are durable, names and all. */
    synchronized void commit(SnapshotName name, SnapshotId id, int blockBytes, List<SnapshotManifest.Part> parts) throws IOException {
        requireUsable();
        if (!isWanted(id)) {
            giveUp(name, null);   // a newer one was installed meanwhile
            return;
        }
        SnapshotManifest manifest = new SnapshotManifest(id, requireTerms(id), blockBytes, parts);
        manifest.write(files, name.manifest(), incarnation);
        replace(new Stored(name, manifest));
    }

    // ------------------------------------------------------------------------------------------------------------- receiving

    synchronized SnapshotReceiver receive(SnapshotId id) {
        SnapshotReceiver whole = complete;
        if (whole != null && whole.id().equals(id)) {
            return whole;
        }
        SnapshotReceiver before = receiving;
        if (before != null && before.id().equals(id)) {
            return before;
        }
        if (before != null) {
            before.abandon();
        }
        SnapshotReceiver begun = new SnapshotReceiver(files, this, new SnapshotName(id.index(), ++lastNumber), id, incarnation);
        receiving = begun;
        return begun;
    }

    /** All of it is here, checked and durable. */
    synchronized void completed(SnapshotReceiver received) {
        received.requireGoing();    // a newer one may have come while this one was checked
        SnapshotReceiver before = complete;
        if (before != null && before != received) {
            before.abandon();
        }
        complete = received;
        if (receiving == received) {
            receiving = null;
        }
    }

    synchronized void forget(SnapshotReceiver abandoned) {
        if (receiving == abandoned) {
            receiving = null;
        }
        if (complete == abandoned) {
            complete = null;
        }
    }

    /**
     * The manifest of the snapshot that is to be installed.
     *
     * @throws InvariantViolation if it is not complete, or no newer than the one that is there
     */
    synchronized SnapshotManifest installable(SnapshotId id, long coveredIndex) {
        SnapshotReceiver received = complete;
        if (received == null || !received.id().equals(id) || id.index() <= Math.max(coveredIndex, newestIndex())) {
            throw new InvariantViolation("the snapshot " + id.last() + " cannot be installed: complete is "
                + (received == null ? "none" : received.id().last()) + ", and the newest ends at " + newestIndex());
        }
        return received.manifest();
    }

    /** The log stands on the one that is complete, or holds all of it: makes it the newest. */
    synchronized void install() throws IOException {
        SnapshotReceiver received = complete;
        if (received == null) {
            throw new InvariantViolation("no snapshot is complete");
        }
        complete = null;
        install(received);
    }

    private void install(SnapshotReceiver received) throws IOException {
        SnapshotName name = received.name();
        received.handOver();
        files.rename(name.received(), name.manifest());
        files.syncDirectory();
        replace(new Stored(name, received.manifest()));
    }

    // -------------------------------------------------------------------------------------------------------------- deleting

    private void replace(Stored stored) {
        Stored before = newest;
        newest = stored;
        newestIndex = stored.name().index();
        abandonUpTo(newestIndex, complete);
        abandonUpTo(newestIndex, receiving);
        if (before != null) {
            deleteUnread(before.name());
        }
    }

    private static void abandonUpTo(long index, @Nullable SnapshotReceiver received) {
        if (received != null && received.name().index() <= index) {
            received.abandon();
        }
    }

    private void deleteUnread(SnapshotName name) {
        if (!readers.containsKey(name) && (newest == null || !newest.name().equals(name))) {
            giveUp(name, null);
        }
    }

    /**
     * Deletes all files of a snapshot, the manifest first, so that no manifest names parts that are gone. What cannot be deleted now is at
     * the next opening.
     */
    void giveUp(SnapshotName name, @Nullable FileHandle open) {
        try {
            if (open != null) {
                open.close();
            }
            usable.run();     // who has closed the directory, or failed, leaves it alone
            List<String> all = files.list().stream().filter(file -> isOf(name, file)).toList();
            for (String file : all) {
                if (!file.contains(".part")) {
                    files.delete(file);
                }
            }
            for (String file : all) {
                if (file.contains(".part")) {
                    files.delete(file);
                }
            }
        } catch (IOException | StorageException e) {
            LOG.warn("The files of the snapshot {} could not all be deleted; the next opening deletes them: {}", name, e.toString());
        }
    }

    private static boolean isOf(SnapshotName name, String file) {
        String finished = file.endsWith(Spare.UNFINISHED) ? file.substring(0, file.length() - Spare.UNFINISHED.length()) : file;
        return name.equals(SnapshotName.of(finished));
    }
}
