package io.quorate.raft.testing;

import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Identity;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.LogView;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.core.TermTable;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one data directory holds, kept in memory and apart from any opened {@link InMemoryStorage}, so that a test can stop a server, or
 * crash it, and start it again on the same disk.
 *
 * <p>What a returned {@code write} has written stays. A write can be made to fail or to wait; a {@link #crash} decides what becomes of
 * one that waits. Opening the disk once more cuts off who had it open before, as if its process had died.
 *
 * <p>All methods may be called from any thread.
 */
public final class InMemoryDisk {

    /** What becomes of a write that had not returned when its process died: either may happen on a real disk. */
    public enum Unreturned {
        KEPT,
        LOST
    }

    private final ReplicaId replica;
    private final int tailEntriesMax;

    private long boot;
    private @Nullable FoundingRecord founding;
    private HardState hardState = HardState.INITIAL;
    private final List<Entry> log = new ArrayList<>();    // entry i stands at index i + 1
    private long lastWriteId;                             // of the present boot
    private @Nullable InMemoryStorage open;
    private @Nullable String failure;                     // why the next write fails
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
        replica = new ReplicaId(nodeId, incarnation);
        this.tailEntriesMax = tailEntriesMax;
    }

    /** Opens the disk, under the next boot number. Who had it open fails from now on. */
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
    public synchronized void failWrites(String why) {
        failure = why;
    }

    /** The next write does not fail after all, unless one has failed already. */
    synchronized void mend() {
        failure = null;
    }

    /** Another disk with what is on this one now: a backup, or a clone. Nobody has it open. */
    synchronized InMemoryDisk copy() {
        InMemoryDisk copy = new InMemoryDisk(replica.nodeId(), replica.incarnation(), tailEntriesMax);
        copy.boot = boot;
        copy.founding = founding;
        copy.hardState = hardState;
        copy.log.addAll(log);
        return copy;
    }

    /** Whose disk this is. */
    public ReplicaId replica() {
        return replica;
    }

    /** How the group began, or null while the disk is blank. */
    public synchronized @Nullable FoundingRecord founding() {
        return founding;
    }

    /** The last durable hard state. */
    public synchronized HardState hardState() {
        return hardState;
    }

    /** The whole durable log. */
    public synchronized List<Entry> log() {
        return List.copyOf(log);
    }

    /** Where the durable log ends. */
    public synchronized long lastIndex() {
        return log.size();
    }

    /** Whether exactly this entry is durable. */
    public synchronized boolean contains(EntryId entry) {
        return entry.index() >= 1 && entry.index() <= log.size() && log.get((int) entry.index() - 1).term() == entry.term();
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
        TermTable terms = new TermTable(EntryId.ZERO);
        for (Entry entry : log) {
            terms.append(entry.term(), entry.index());
        }
        List<Entry> tail = log.subList(Math.max(0, log.size() - Math.max(1, tailEntriesMax)), log.size());
        List<Entry> memberships = log.stream().filter(entry -> entry.kind() == Entry.Kind.MEMBERSHIP).toList();
        return new Storage.Recovered(hardState, new LogView(SnapshotId.ofFounding(record.membership()), terms, tail, memberships));
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

    synchronized List<Entry> read(InMemoryStorage by, long firstIndex, long lastIndex, int bytesMax) {
        check(by);
        if (firstIndex < 1 || lastIndex < firstIndex) {
            throw new IllegalArgumentException("No entries are " + firstIndex + " to " + lastIndex);
        }
        List<Entry> entries = new ArrayList<>();
        long bytes = 0;
        for (long index = firstIndex; index <= Math.min(lastIndex, log.size()); index++) {
            Entry entry = log.get((int) index - 1);
            if (!entries.isEmpty() && bytes + entry.size() > bytesMax) {
                break;
            }
            bytes += entry.size();
            entries.add(entry);
        }
        return entries;
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
        List<Entry> after = new ArrayList<>();      // what the log would hold from there on
        long from = log.size() + 1L;
        for (Storage.Write write : batch) {
            long firstIndex = write.firstIndex();
            if (write.id() <= id) {
                throw new IllegalArgumentException("Write " + write.id() + " comes behind " + id);
            }
            if (firstIndex < 1 || firstIndex > from + after.size()) {
                throw new IllegalArgumentException("A write from index " + firstIndex + " on leaves a hole: the log ends at "
                    + (from + after.size() - 1));
            }
            id = write.id();
            after.subList((int) Math.max(0, firstIndex - from), after.size()).clear();
            from = Math.min(from, firstIndex);
            for (Entry entry : write.entries()) {
                requireNext(entry, from + after.size(), after.isEmpty() ? termAt(from - 1) : after.get(after.size() - 1).term());
                after.add(entry);
            }
        }
    }

    private static void requireNext(Entry entry, long index, long termBefore) {
        if (entry.index() != index || entry.term() < termBefore) {
            throw new IllegalArgumentException("Entry " + entry.id() + " cannot stand at index " + index + " behind one of term "
                + termBefore);
        }
    }

    private long termAt(long index) {
        return index == 0 ? 0 : log.get((int) index - 1).term();
    }

    private void replace(Storage.Write write) {
        lastWriteId = write.id();
        hardState = write.hardState();
        log.subList((int) write.firstIndex() - 1, log.size()).clear();
        log.addAll(write.entries());
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
