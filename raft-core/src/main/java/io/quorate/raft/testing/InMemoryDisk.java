package io.quorate.raft.testing;

import io.quorate.raft.EntryDamagedException;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Identity;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.DiskRoom;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.LogView;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.core.TermTable;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What one data directory holds, kept in memory and apart from any opened {@link InMemoryStorage}, so that a test can stop a server, or
 * crash it, and start it again on the same disk.
 *
 * <p>What a returned {@code write} has written stays, and so does a snapshot whose {@code commit} or {@code complete} has returned, and what
 * was received of one; but an entry can be {@linkplain #damage damaged}. A write can be made to fail or to wait; a {@link #crash} decides
 * what becomes of one that waits. Opening the disk once more cuts off who had it open before, as if its process had died.
 *
 * <p>All methods may be called from any thread.
 */
public final class InMemoryDisk implements SimulatedDisk {

    /** What becomes of a write that had not returned when its process died: either may happen on a real disk. */
    public enum Unreturned {
        KEPT,
        LOST
    }

    private static final int HELPED_FACTOR = 4;

    private final ReplicaId replica;
    private final int tailEntriesMax;
    private final int keptEntries;

    private long boot;
    private @Nullable FoundingRecord founding;
    private HardState hardState = HardState.INITIAL;
    private TermTable terms = new TermTable(EntryId.ZERO);
    private final List<Entry> log = new ArrayList<>();    // the last entries; the first of them stands at firstIndex
    private long firstIndex = 1;
    private @Nullable InMemorySnapshot snapshot;            // the newest
    private @Nullable InMemorySnapshot received;            // complete, and not installed yet
    private @Nullable SnapshotId receiving;               // which is being received
    private final ByteArrayOutputStream receivedBytes = new ByteArrayOutputStream();    // of it
    private final TreeSet<Long> damaged = new TreeSet<>();   // indexes of entries that cannot be read
    private long scrubbedTo;                              // the last entry that was looked at
    private long bytesBehind;                             // of the entries behind the snapshot
    private long lastWriteId;                             // of the present boot
    private @Nullable InMemoryStorage open;
    private @Nullable String failure;                     // why the next write fails
    private DiskRoom room = DiskRoom.PLENTY;              // as it says; nothing is refused by it
    private boolean isHeld;
    private int waiting;                                  // writes that wait
    private @Nullable Unreturned fate;                    // of the writes that wait, once the process is dead
    private long writes;

    /**
     * A blank disk.
     *
     * @param nodeId      the node whose disk it is
     * @param incarnation tells this disk from all others the node has had or will have; not 0
     */
    public InMemoryDisk(int nodeId, long incarnation) {
        this(nodeId, incarnation, Integer.MAX_VALUE);
    }

    /**
     * A blank disk that hands over only the last entries of its log on recovery, so that the others must be read.
     *
     * @param tailEntriesMax how many entries a recovery hands over at most; the last one it hands over always
     */
    public InMemoryDisk(int nodeId, long incarnation, int tailEntriesMax) {
        this(nodeId, incarnation, tailEntriesMax, 0);
    }

    /**
     * A blank disk that keeps a part of what its snapshots cover.
     *
     * @param keptEntries how many entries before the end of the newest snapshot {@code compact} leaves for replicas that lag; for one that
     *                    is being helped, {@value #HELPED_FACTOR} times as many
     */
    public InMemoryDisk(int nodeId, long incarnation, int tailEntriesMax, int keptEntries) {
        replica = new ReplicaId(nodeId, incarnation);
        this.tailEntriesMax = tailEntriesMax;
        this.keptEntries = keptEntries;
    }

    /** Opens the disk, under the next boot number. Who had it open fails from now on. */
    @Override
    public synchronized InMemoryStorage open() {
        boot++;
        lastWriteId = 0;
        failure = null;
        open = new InMemoryStorage(this, boot);
        return open;
    }

    /**
     * The process that has the disk open dies: nothing it asks for from now on is done, and all of it fails. Open the disk again to
     * restart.
     *
     * @param unreturned what becomes of a write that waits; see {@link #holdWrites}
     */
    public synchronized void crash(Unreturned unreturned) {
        if (waiting > 0) {
            fate = unreturned;
        }
        open = null;
        isHeld = false;
        notifyAll();
        while (waiting > 0) {
            await();
        }
        fate = null;
    }

    /** {@inheritDoc} What was being written is one frame: it is there wholly or not at all. */
    @Override
    public synchronized long crash(List<Storage.Write> writing, boolean keepsWrite) {
        long kept = 0;
        InMemoryStorage by = open;
        if (keepsWrite && by != null && !writing.isEmpty()) {
            try {
                write(by, writing);
                kept = writing.get(writing.size() - 1).id();
            } catch (StorageException e) {
                kept = 0;       // it was to fail, and nobody will ever know
            }
        }
        crash(Unreturned.LOST);
        return kept;
    }

    /** From now on writes wait, as on a disk that does not answer, until {@link #releaseWrites} or {@link #crash}. */
    public synchronized void holdWrites() {
        isHeld = true;
    }

    /** Writes go on. */
    public synchronized void releaseWrites() {
        isHeld = false;
        notifyAll();
    }

    /** Returns once a write waits; at once if one does. */
    public synchronized void awaitHeldWrite() {
        while (waiting == 0) {
            await();
        }
    }

    /**
     * The next write, or founding, fails, and so does all that follows until the disk is opened again.
     *
     * @param why the exception's message
     */
    @Override
    public synchronized void failWrites(String why) {
        failure = why;
    }

    /**
     * The entry at this index cannot be read from now on, and only its name is left of it, until the same entry is put back or another one
     * takes its place.
     *
     * @return which it is; null if nothing happened, for the log holds none, or the newest snapshot covers it
     */
    public synchronized @Nullable EntryId damage(long index) {
        long covered = snapshot == null ? 0 : snapshot.id().index();
        if (index < firstIndex || index <= covered || index > terms.lastIndex()) {
            return null;
        }
        damaged.add(index);
        return new EntryId(terms.termAt(index), index);
    }

    @Override
    public synchronized @Nullable EntryId damageAny(long dice) {
        long covered = snapshot == null ? 0 : snapshot.id().index();
        long first = Math.max(firstIndex, covered + 1);
        long count = terms.lastIndex() - first + 1;
        return count < 1 ? null : damage(first + Math.floorMod(dice, count));
    }

    @Override
    public synchronized void undamage(List<EntryId> entries) {
        for (EntryId entry : entries) {
            if (entry.index() <= terms.lastIndex() && terms.termAt(entry.index()) == entry.term()) {
                damaged.remove(entry.index());
            }
        }
    }

    /** The entries behind the newest snapshot that are damaged, rising. */
    @Override
    public synchronized List<EntryId> damaged() {
        return damaged.stream().map(index -> new EntryId(terms.termAt(index), index)).toList();
    }

    /** Says from now on that it has so much room. What is written all the same is written. */
    @Override
    public synchronized void room(DiskRoom now) {
        room = now;
    }

    synchronized DiskRoom room() {
        return room;
    }

    /** The next write does not fail after all, unless one has failed already; and the disk has room. */
    @Override
    public synchronized void mend() {
        failure = null;
        room = DiskRoom.PLENTY;
    }

    /** Another disk with what is on this one now: a backup, or a clone. Nobody has it open. */
    @Override
    public synchronized InMemoryDisk copy() {
        InMemoryDisk copy = new InMemoryDisk(replica.nodeId(), replica.incarnation(), tailEntriesMax, keptEntries);
        copy.boot = boot;
        copy.founding = founding;
        copy.hardState = hardState;
        copy.terms = new TermTable(terms);
        copy.log.addAll(log);
        copy.firstIndex = firstIndex;
        copy.snapshot = snapshot;
        copy.received = received;
        copy.receiving = receiving;
        copy.receivedBytes.writeBytes(receivedBytes.toByteArray());
        copy.bytesBehind = bytesBehind;
        copy.damaged.addAll(damaged);
        copy.room = room;
        return copy;
    }

    /** Whose disk this is. */
    @Override
    public ReplicaId replica() {
        return replica;
    }

    /** How the group began, or null while the disk is blank. */
    @Override
    public synchronized @Nullable FoundingRecord founding() {
        return founding;
    }

    /** The last durable hard state. */
    @Override
    public synchronized HardState hardState() {
        return hardState;
    }

    /**
     * All entries that are there, as they were written, damaged ones too: the whole durable log, until some of it was let go of behind a
     * snapshot.
     */
    @Override
    public synchronized List<Entry> log() {
        return List.copyOf(log);
    }

    /** Where the durable log ends. */
    @Override
    public synchronized long lastIndex() {
        return terms.lastIndex();
    }

    /** Whether exactly this entry is durable: in the log, or covered by the snapshot it stands on. */
    @Override
    public synchronized boolean contains(EntryId entry) {
        return entry.index() >= 1 && isIn(terms, entry);
    }

    /** The entry that stands or stood here, whether in the log or covered by the snapshot it stands on; null if nobody knows. */
    @Override
    public synchronized @Nullable EntryId entryAt(long index) {
        return terms.covers(index) ? new EntryId(terms.termAt(index), index) : null;
    }

    /** The newest snapshot, or null if there is none. */
    @Override
    public synchronized @Nullable SnapshotId snapshotId() {
        return snapshot == null ? null : snapshot.id();
    }

    /** How many batches have become durable. */
    public synchronized long writes() {
        return writes;
    }

    // ------------------------------------------------------------------------------------------------ called by the opened storage

    synchronized Identity identity(long atBoot) {
        return new Identity(replica, atBoot, founding);
    }

    synchronized Storage.Recovered recover(InMemoryStorage by) {
        check(by);
        FoundingRecord record = founding;
        if (record == null) {
            throw new IllegalStateException("The disk of " + replica + " is blank; found it first");
        }
        SnapshotId base = snapshot == null ? SnapshotId.ofFounding(record.membership()) : snapshot.id();
        if (!holds(base)) {         // what a log without entries was given to begin with
            standOn(base);
            if (hardState.term() < base.last().term()) {
                hardState = new HardState(base.last().term(), null, hardState.commitIndex());
            }
        }
        forgetCoveredDamage();
        TermTable whole = new TermTable(terms);
        List<Entry> entries = log;
        if (!damaged.isEmpty()) {
            whole.truncate(damaged.first());
            entries = log.subList(0, (int) (damaged.first() - firstIndex));
        }
        List<Entry> tail = entries.subList(Math.max(0, entries.size() - Math.max(1, tailEntriesMax)), entries.size());
        List<Entry> memberships = entries.stream()
            .filter(entry -> entry.kind() == Entry.Kind.MEMBERSHIP && entry.index() > base.index()).toList();
        return new Storage.Recovered(hardState, new LogView(base, whole, tail, memberships), damaged());
    }

    synchronized void found(InMemoryStorage by, FoundingRecord record) {
        if (founding != null) {
            throw new IllegalStateException("The disk of " + replica + " already belongs to group " + founding.clusterId());
        }
        if (mayWrite(by)) {
            founding = record;
        }
        check(by);
    }

    synchronized void write(InMemoryStorage by, List<Storage.Write> batch) {
        if (mayWrite(by)) {
            requirePossible(batch);
            for (Storage.Write write : batch) {
                replace(write);
            }
            writes++;
        }
        check(by);
    }

    synchronized List<Entry> read(InMemoryStorage by, long first, long lastIndex, int bytesMax) {
        check(by);
        if (first < 1 || lastIndex < first) {
            throw new IllegalArgumentException("No entries are " + first + " to " + lastIndex);
        }
        List<Entry> entries = new ArrayList<>();
        long bytes = 0;
        for (long index = first; first >= firstIndex && index <= Math.min(lastIndex, terms.lastIndex()); index++) {
            Entry entry = log.get((int) (index - firstIndex));
            if (damaged.contains(index)) {
                if (entries.isEmpty()) {
                    throw new EntryDamagedException(entry.id(), "Entry " + entry.id() + " on the disk of " + replica + " is damaged");
                }
                break;
            }
            if (!entries.isEmpty() && bytes + entry.size() > bytesMax) {
                break;
            }
            bytes += entry.size();
            entries.add(entry);
        }
        return entries;
    }

    synchronized List<EntryId> repair(InMemoryStorage by, List<Entry> entries) {
        List<EntryId> repaired = new ArrayList<>();
        if (mayWrite(by)) {
            for (Entry entry : entries) {
                if (damaged.contains(entry.index()) && entry.equals(log.get((int) (entry.index() - firstIndex)))) {
                    damaged.remove(entry.index());
                    repaired.add(entry.id());
                }
            }
        }
        check(by);
        return repaired;
    }

    synchronized Storage.Scrubbed scrub(InMemoryStorage by, int bytesMax) {
        check(by);
        List<EntryId> found = new ArrayList<>();
        long bytes = 0;
        long index = Math.max(scrubbedTo + 1, firstIndex);
        for (; index <= terms.lastIndex() && bytes < bytesMax; index++) {
            bytes += log.get((int) (index - firstIndex)).size();
            if (damaged.contains(index)) {
                found.add(new EntryId(terms.termAt(index), index));
            }
        }
        boolean isRoundDone = index > terms.lastIndex();
        scrubbedTo = isRoundDone ? 0 : index - 1;
        return new Storage.Scrubbed(bytes, found, false, isRoundDone);
    }

    synchronized Storage.@Nullable StoredSnapshot snapshot(InMemoryStorage by) {
        check(by);
        return snapshot == null ? null : snapshot.open();
    }

    synchronized Storage.SnapshotOutput beginSnapshot(InMemoryStorage by, SnapshotId id) {
        check(by);
        if (snapshot != null && snapshot.id().index() >= id.index()) {
            throw new IllegalArgumentException("A snapshot of " + id.last() + " is no newer than " + snapshot.id().last());
        }
        requireOwn(id);
        return new Storage.SnapshotOutput() {

            private final ByteArrayOutputStream state = new ByteArrayOutputStream();

            @Override
            public OutputStream state() {
                return state;
            }

            @Override
            public void commit() {
                keep(by, id, state.toByteArray());
            }

            @Override
            public void close() {
                // What was not committed is nowhere but here.
            }
        };
    }

    private synchronized void keep(InMemoryStorage by, SnapshotId id, byte[] state) {
        check(by);
        if (snapshot != null && snapshot.id().index() >= id.index()) {
            return;     // a newer one was installed meanwhile
        }
        requireOwn(id);
        TermTable covered = new TermTable(id.last());
        if (holds(id)) {
            covered = new TermTable(terms);
            covered.truncate(id.index() + 1);
        }
        snapshot = InMemorySnapshot.of(id, covered, state);
        forgetCoveredDamage();
        countBytesBehind();
    }

    /** A replica takes snapshots of what its log says, but for one that has no log yet and shall begin with a state. */
    private void requireOwn(SnapshotId id) {
        if (founding == null || !holds(id) && (terms.lastIndex() > 0 || id.index() == 0)) {
            throw new IllegalStateException(id.last() + " is not in the log, " + terms);
        }
    }

    synchronized Storage.SnapshotInput receiveSnapshot(InMemoryStorage by, SnapshotId id) {
        check(by);
        if (founding == null) {
            throw new IllegalStateException("The disk of " + replica + " is blank; found it first");
        }
        if (!id.equals(receiving)) {
            receiving = id;
            receivedBytes.reset();
            if (received != null && received.id().equals(id)) {
                receivedBytes.writeBytes(received.bytes());
            }
        }
        return new Storage.SnapshotInput() {

            @Override
            public long received() {
                return receivedOf(by, id);
            }

            @Override
            public void write(long offset, byte[] bytes) {
                receive(by, id, offset, bytes);
            }

            @Override
            public boolean complete() {
                return completeReceived(by, id);
            }

            @Override
            public void close() {
                // What was received stays.
            }
        };
    }

    private synchronized long receivedOf(InMemoryStorage by, SnapshotId id) {
        checkReceiving(by, id);
        return receivedBytes.size();
    }

    private synchronized void receive(InMemoryStorage by, SnapshotId id, long offset, byte[] bytes) {
        checkReceiving(by, id);
        if (offset != receivedBytes.size()) {
            throw new IllegalArgumentException("Bytes for offset " + offset + " came where " + receivedBytes.size() + " are here");
        }
        receivedBytes.writeBytes(bytes);
    }

    private synchronized boolean completeReceived(InMemoryStorage by, SnapshotId id) {
        checkReceiving(by, id);
        InMemorySnapshot complete = InMemorySnapshot.decode(id, receivedBytes.toByteArray());
        receiving = null;
        receivedBytes.reset();
        if (complete == null) {
            return false;
        }
        received = complete;
        return true;
    }

    private void checkReceiving(InMemoryStorage by, SnapshotId id) {
        check(by);
        if (!id.equals(receiving)) {
            throw new StorageException("The snapshot of " + id.last() + " is not being received any more");
        }
    }

    synchronized long logBytes() {
        return bytesBehind;
    }

    synchronized long firstIndex() {
        return firstIndex;
    }

    synchronized void compact(InMemoryStorage by, long wantedIndex) {
        check(by);
        if (snapshot == null) {
            return;
        }
        long behind = snapshot.id().index() + 1;
        long kept = Math.min(behind - keptEntries, Math.max(wantedIndex, behind - (long) HELPED_FACTOR * keptEntries));
        long first = Math.max(firstIndex, Math.min(behind, kept));
        log.subList(0, (int) (first - firstIndex)).clear();
        firstIndex = first;
    }

    synchronized void close(InMemoryStorage by) {
        if (open == by) {
            open = null;
            notifyAll();
        }
    }

    /** Waits while writes are held; whether to write then, which for a dead process is a matter of fate. */
    private boolean mayWrite(InMemoryStorage by) {
        check(by);
        if (isHeld) {
            waiting++;
            notifyAll();
            while (isHeld && open == by) {
                await();
            }
            waiting--;
            notifyAll();
        }
        if (open != by) {
            return fate == Unreturned.KEPT;
        }
        String why = failure;
        if (why != null) {
            open = null;       // final, as every failure is
            throw new StorageException(why);
        }
        return true;
    }

    /** Looks at all of it before anything is changed. */
    private void requirePossible(List<Storage.Write> batch) {
        if (batch.isEmpty()) {
            throw new IllegalArgumentException("A batch has at least one write");
        }
        if (founding == null) {
            throw new IllegalStateException("The disk of " + replica + " is blank; found it first");
        }
        long id = lastWriteId;
        long covered = snapshot == null ? 0 : snapshot.id().index();
        TermTable after = new TermTable(terms);      // what the log would be
        for (Storage.Write write : batch) {
            if (write.id() <= id) {
                throw new IllegalArgumentException("Write " + write.id() + " comes behind " + id);
            }
            id = write.id();
            SnapshotId install = write.install();
            if (install != null) {
                after = afterInstall(after, install, covered);
                covered = install.index();
                continue;
            }
            if (write.firstIndex() <= covered || write.firstIndex() > after.lastIndex() + 1) {
                throw new IllegalArgumentException("A write from index " + write.firstIndex() + " on leaves a hole, or replaces what a"
                    + " snapshot covers: the log ends at " + after.lastIndex() + ", the snapshot at " + covered);
            }
            after.truncate(write.firstIndex());
            for (Entry entry : write.entries()) {
                requireNext(entry, after.last());
                after.append(entry.term(), entry.index());
            }
        }
    }

    private TermTable afterInstall(TermTable before, SnapshotId install, long covered) {
        InMemorySnapshot complete = received;
        if (complete == null || !complete.id().equals(install) || install.index() <= covered) {
            throw new IllegalStateException("The snapshot of " + install.last() + " cannot be installed: complete is "
                + (complete == null ? "none" : complete.id().last()) + ", and there is one up to " + covered);
        }
        return isIn(before, install.last()) ? before : complete.terms();
    }

    private static void requireNext(Entry entry, EntryId last) {
        if (entry.index() != last.index() + 1 || entry.term() < last.term()) {
            throw new IllegalArgumentException("Entry " + entry.id() + " cannot stand behind " + last);
        }
    }

    private void replace(Storage.Write write) {
        lastWriteId = write.id();
        hardState = write.hardState();
        if (write.install() != null) {
            install(write.install());
            return;
        }
        List<Entry> replaced = log.subList((int) (write.firstIndex() - firstIndex), log.size());
        replaced.forEach(entry -> bytesBehind -= entry.size());
        replaced.clear();
        terms.truncate(write.firstIndex());
        damaged.tailSet(write.firstIndex()).clear();
        for (Entry entry : write.entries()) {
            log.add(entry);
            terms.append(entry.term(), entry.index());
            bytesBehind += entry.size();
        }
    }

    private void install(SnapshotId id) {
        snapshot = received;
        received = null;
        if (!holds(id)) {
            standOn(id);
        }
        forgetCoveredDamage();
        countBytesBehind();
    }

    /** What is covered and damaged cannot be read, nor what is before it, and nobody will miss it. */
    private void forgetCoveredDamage() {
        Long last = snapshot == null ? null : damaged.floor(snapshot.id().index());
        if (last != null) {
            damaged.headSet(last, true).clear();
            log.subList(0, (int) (last + 1 - firstIndex)).clear();
            firstIndex = last + 1;
        }
    }

    /** The whole log goes: not one of its entries is known to belong to the history that the snapshot is of. */
    private void standOn(SnapshotId id) {
        log.clear();
        damaged.clear();
        firstIndex = id.index() + 1;
        terms = snapshot == null ? new TermTable(id.last()) : snapshot.terms();
    }

    private boolean holds(SnapshotId id) {
        return isIn(terms, id.last());
    }

    private static boolean isIn(TermTable terms, EntryId id) {
        return terms.covers(id.index()) && terms.termAt(id.index()) == id.term();
    }

    private void countBytesBehind() {
        long covered = snapshot == null ? 0 : snapshot.id().index();
        bytesBehind = log.stream().filter(entry -> entry.index() > covered).mapToLong(Entry::size).sum();
    }

    private void check(InMemoryStorage by) {
        if (open != by) {
            throw new StorageException("The disk of " + replica + " is closed, failed, or was opened by another process");
        }
    }

    private void await() {
        boolean isInterrupted = false;
        try {
            wait();
        } catch (InterruptedException e) {
            isInterrupted = true;
        }
        if (isInterrupted) {
            Thread.currentThread().interrupt();
            throw new StorageException("Interrupted while waiting for the disk of " + replica);
        }
    }
}
