package io.quorate.raft.storage.testing;

import io.quorate.raft.storage.testing.SimulatedMedium.Inode;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A directory in memory that knows what of it is durable, and whose disk can fail, lie, fill up and lose power at any operation.
 *
 * <p>One object is what one process finds; {@link #restart} and {@link #restarts} give what the next one does. In between lies the disk:
 * <ul>
 * <li>What was written and not synced is lost at a loss of power, wholly or in part, by sectors of 512 bytes and in no order; so are
 *     names that were made, changed or deleted since the directory was synced.
 * <li>An operation can fail ({@link #dieAt}, {@link #failOnceAt}, {@link #fail}): a write has then come half way, and what an fsync should
 *     have made durable counts as clean, is still seen, and is gone at the next loss of power, as on Linux.
 * <li>There can be too little room ({@link #limit}): a write fills that, and fails.
 * <li>The disk can lie: {@link #loseWrite}, {@link #misdirectWrite}, {@link #flip}. It can refuse to give something back: {@link
 *     #makeUnreadable}.
 * <li>Any operation can take its time, hang or fail by a hook of the test's own, {@link #before}.
 * </ul>
 *
 * <p>Files may be read on other threads beside the one that writes.
 */
public final class SimulatedFiles {

    /** What a loss of power leaves of what was not yet durable. */
    public enum Loss {
        /** Nothing is lost: the power stayed on, and only the process died. */
        NONE,
        /** All of it, as after an orderly shutdown of the machine. */
        KEEPS_ALL,
        /** None of it. */
        LOSES_ALL,
        /** Some of it: sectors, sizes and names, each for itself. */
        TEARS
    }

    /** What can be asked of a disk. */
    public enum Operation {
        CREATE, OPEN, RENAME, DELETE, SYNC_DIRECTORY, READ, WRITE, FORCE
    }

    private final SimulatedMedium medium;
    private @Nullable SimulatedMedium honest;                // see keepHonest()
    private Map<Inode, Inode> twins = new IdentityHashMap<>();      // the files of that one
    private final Map<Operation, Integer> failing = new EnumMap<>(Operation.class);     // after so many that succeed
    private boolean locked;
    private int operations;
    private int failAt = Integer.MAX_VALUE;
    private boolean goesOnAfterFailure;
    private int forces;
    private long limit = Long.MAX_VALUE;
    private String fullMessage = "No space left on device";
    private boolean tellsRoom = true;
    private boolean losesWrite;
    private boolean misdirectsWrite;
    private String misdirectedTo = "";
    private int misdirectedSector;
    private final Map<String, Long> happenings = new TreeMap<>();
    private @Nullable Operation ignored;
    private final List<String> held = new ArrayList<>();     // the names of the files that are open
    private Consumer<Operation> before = operation -> { };
    private Runnable afterRead = () -> { };

    /** An empty directory. */
    public SimulatedFiles() {
        this(new SimulatedMedium());
    }

    private SimulatedFiles(SimulatedMedium medium) {
        this.medium = medium;
    }

    // ------------------------------------------------------------------------------------------------------------------ what fails

    /**
     * The operation with this number, counted from now and without reads and openings, fails, and each one after it: the process is as good
     * as dead.
     */
    public synchronized void dieAt(int operation) {
        failAt = operations + operation;
        goesOnAfterFailure = false;
    }

    /** The operation with this number, counted from now, without reads and openings, fails, and no other. */
    public synchronized void failOnceAt(int operation) {
        failAt = operations + operation;
        goesOnAfterFailure = true;
    }

    /** One operation of this kind fails, after so many that succeed. */
    public synchronized void fail(Operation kind, int afterSuccesses) {
        failing.put(kind, afterSuccesses);
    }

    /** All files together have at most so many bytes: the write that would need more fills them up, and fails. */
    public synchronized void limit(long bytes) {
        limit = bytes;
    }

    /**
     * How that is said. The next process's directory says it likewise.
     *
     * @param message   the exception's: operating systems have their own words, in the language of whoever started the process
     * @param tellsRoom whether the file system tells how much room there is; of a quota it may know nothing
     */
    public synchronized void sayFull(String message, boolean tellsRoom) {
        fullMessage = message;
        this.tellsRoom = tellsRoom;
    }

    /** How many bytes the file system says there is room for. */
    public synchronized long room() {
        return tellsRoom ? left() : Long.MAX_VALUE;
    }

    private long left() {
        return Math.max(0, limit - medium.bytes());
    }

    /** The next write never gets to the disk, though its fsync says so: a disk's cache that lies. Until power is lost nobody sees that. */
    public synchronized void loseWrite() {
        losesWrite = true;
    }

    /**
     * The next write gets to another place of the disk, and what belongs where it was meant for stays as it was. Until power is lost nobody
     * sees that.
     *
     * @param name   of the file that it gets to
     * @param sector the first that it is put into there
     */
    public synchronized void misdirectWrite(String name, int sector) {
        misdirectsWrite = true;
        misdirectedTo = name;
        misdirectedSector = sector;
    }

    /** One bit turns, on the disk and for all who read it. */
    public synchronized void flip(String name, int offset, int bit) {
        damage(name, offset, new byte[] {(byte) (known(name).seen[offset] ^ 1 << bit)});
    }

    /**
     * The disk does not give back the sectors of these bytes any more: who reads any of one fails, and so does who writes a part of one,
     * since the rest of it is to stay. One that is written over as a whole can be read again.
     */
    public synchronized void makeUnreadable(String name, int offset, int length) {
        SimulatedMedium.makeUnreadable(known(name), offset, length);
    }

    /** These bytes stand there from now on, on the disk and for all who read it. */
    public synchronized void damage(String name, int offset, byte[] bytes) {
        Inode inode = known(name);
        System.arraycopy(bytes, 0, inode.seen, offset, bytes.length);
        if (offset < inode.durable.length) {
            System.arraycopy(bytes, 0, inode.durable, offset, Math.min(bytes.length, inode.durable.length - offset));
        }
    }

    /** One bit turns somewhere; returns where, or the empty text if there is not a byte. */
    public synchronized String flip(RandomGenerator random) {
        List<String> some = medium.names().stream().filter(name -> known(name).seen.length > 0).toList();
        if (some.isEmpty()) {
            return "";
        }
        String name = some.get(random.nextInt(some.size()));
        int offset = random.nextInt(known(name).seen.length);
        flip(name, offset, random.nextInt(Byte.SIZE));
        return name + " at " + offset;
    }

    /**
     * From now on it is known beside what the disk has become what it would be if it had not lied since: {@link #honest}, {@link #isDamaged}.
     * The next process's directory knows it too.
     */
    synchronized void keepHonest() {
        if (honest == null) {
            honest = medium.twin(twins);
        }
    }

    /** What would be seen if the disk had not lied since {@link #keepHonest}; a copy. */
    synchronized SimulatedFiles honest() {
        SimulatedFiles next = new SimulatedFiles((honest == null ? medium : honest).copy());
        next.limit = limit;
        return next;
    }

    /** The files of which something else is seen than would be if the disk had not lied, or something is not given back. */
    synchronized SortedSet<String> damaged() {
        SortedSet<String> damaged = new TreeSet<>();
        if (honest != null) {
            for (String name : medium.names()) {
                if (isDamaged(name, 0, Integer.MAX_VALUE)) {
                    damaged.add(name);
                }
            }
        }
        return damaged;
    }

    /** Whether that is so of some byte between these two, the second exclusive. */
    synchronized boolean isDamaged(String name, int from, int to) {
        return isUnreadable(name, from, to) || isChanged(name, from, to);
    }

    /** Whether one of them is not given back. */
    synchronized boolean isUnreadable(String name, int from, int to) {
        return known(name).isUnreadable(from, (long) to - from);
    }

    /** Whether one of them is another one than would be there if the disk had not lied. */
    synchronized boolean isChanged(String name, int from, int to) {
        Inode inode = known(name);
        Inode twin = twins.get(inode);
        return honest != null && twin != null && !Arrays.equals(inode.seen, from, Math.min(to, inode.seen.length), twin.seen, from,
            Math.min(to, twin.seen.length));
    }

    /** Each byte is as it would be if the disk had not lied, or will be at the next loss of power, and is given back. */
    synchronized void undoDamage() {
        twins.forEach((inode, twin) -> {
            inode.unreadable.clear();
            inode.durablyUnreadable.clear();
            inode.seen = twin.seen.clone();
            inode.durable = twin.durable.clone();
        });
    }

    /** The faults that were asked for and have not occurred do not occur. */
    public synchronized void mend() {
        failAt = Integer.MAX_VALUE;
        failing.clear();
        limit = Long.MAX_VALUE;
        losesWrite = false;
        misdirectsWrite = false;
    }

    /**
     * Does this before each operation: it may let virtual time pass, for a disk that is slow; wait, for one that hangs; or throw an {@link
     * UncheckedIOException}, and the operation fails with its cause. Nothing of the directory is locked meanwhile.
     */
    public synchronized void before(Consumer<Operation> action) {
        before = action;
    }

    /** Does this once, as soon as something has been read. */
    public synchronized void afterRead(Runnable action) {
        afterRead = action;
    }

    /** From now on this does nothing, and says that it is done: what becomes of a program that forgets to ask for it. */
    synchronized void ignore(Operation kind) {
        ignored = kind;
    }

    // -------------------------------------------------------------------------------------------------------------- what one can see

    /** How often each fault has occurred, by a name. */
    public synchronized Map<String, Long> happenings() {
        return new TreeMap<>(happenings);
    }

    private void count(String what) {
        happenings.merge(what, 1L, Long::sum);
    }

    /** How many operations that can change something were tried. */
    public synchronized int operations() {
        return operations;
    }

    /** How many fsyncs of files were tried. */
    public synchronized int forces() {
        return forces;
    }

    /** Which files are open: a name for each handle that was not closed. */
    public synchronized List<String> held() {
        return List.copyOf(held);
    }

    /** What a reader of this file sees now. */
    public synchronized byte[] bytes(String name) {
        return known(name).seen.clone();
    }

    /** Puts these bytes in place of the file's, durably. */
    public synchronized void put(String name, byte[] bytes) {
        medium.put(name, bytes);
        if (honest != null) {
            honest.put(name, bytes);
            adopt(honest);
        }
    }

    /** Takes a file away, durably. */
    public synchronized void remove(String name) {
        medium.remove(name);
        if (honest != null) {
            honest.remove(name);
        }
    }

    private Inode known(String name) {
        return medium.known(name);
    }

    // -------------------------------------------------------------------------------------------------------------- the next process

    /** The changes that are not durable yet, oldest first: a sector each, a size, or a name. */
    public synchronized List<String> unsynced() {
        return medium.unsynced();
    }

    /** Whether a loss of power would change nothing that is seen; by what an honest disk would have, if that is known. */
    synchronized boolean isDurable() {
        return (honest == null ? medium : honest).isDurable();
    }

    /** What the next process finds. */
    public SimulatedFiles restart(Loss loss, RandomGenerator random) {
        return switch (loss) {
            case NONE -> nextOnTheSame();
            case KEEPS_ALL -> restart(change -> true);
            case LOSES_ALL -> restart(change -> false);
            case TEARS -> tear(random);
        };
    }

    /** In an order that holds, for once; or most, or few of them, or each by the toss of a coin. */
    private SimulatedFiles tear(RandomGenerator random) {
        int changes = unsynced().size();
        int first = random.nextInt(changes + 1);
        int permille = List.of(50, 500, 500, 950).get(random.nextInt(4));
        boolean isInOrder = random.nextInt(4) == 0;
        boolean[] kept = new boolean[changes];
        for (int i = 0; i < changes; i++) {
            kept[i] = isInOrder ? i < first : random.nextInt(1000) < permille;
        }
        return restart(change -> kept[change]);
    }

    /** What the next process finds if of the changes in {@link #unsynced} exactly these have got to the disk when power is lost. */
    public synchronized SimulatedFiles restart(IntPredicate kept) {
        return next(medium.left(kept)).adopt(honest == null ? null : honest.left(kept));
    }

    private synchronized SimulatedFiles nextOnTheSame() {
        SimulatedFiles next = next(medium);
        next.honest = honest;
        next.twins = twins;
        return next;
    }

    /** What an honest disk would have, with the same names. */
    private SimulatedFiles adopt(@Nullable SimulatedMedium twin) {
        honest = twin;
        if (twin != null) {
            for (String name : medium.names()) {
                twins.put(known(name), twin.known(name));
            }
        }
        return this;
    }

    private synchronized SimulatedFiles next(SimulatedMedium found) {
        SimulatedFiles next = new SimulatedFiles(found);
        next.limit = limit;     // the disk has not grown
        next.fullMessage = fullMessage;
        next.tellsRoom = tellsRoom;
        return next;
    }

    /**
     * All that the next process may find after a loss of power: one for each subset of the unsynced changes.
     *
     * @param changesMax if there are more, neighbours are lost or kept together, so that there are so many groups of them; up to 20
     */
    public Stream<SimulatedFiles> restarts(int changesMax) {
        int changes = unsynced().size();
        int groups = Math.min(changes, changesMax);
        return IntStream.range(0, 1 << groups)
            .mapToObj(subset -> restart(change -> (subset >> (int) ((long) change * groups / changes) & 1) == 1));
    }

    /** An independent copy of what is seen, all of it durable. */
    public synchronized SimulatedFiles copy() {
        return next(medium.copy()).adopt(honest == null ? null : honest.copy());
    }

    // ---------------------------------------------------------------------------------------------------------- what a program does

    /** A name for messages. */
    public String pathOf(String name) {
        return "/simulated/" + name;
    }

    /** The names of all files, sorted. */
    public synchronized List<String> list() {
        return medium.names();
    }

    /** Begins a new, empty file. */
    public OpenFile create(String name) throws IOException {
        begin(Operation.CREATE);
        synchronized (this) {
            change(Operation.CREATE, "create " + name);
            if (medium.has(name)) {
                throw new IOException(name + " exists");
            }
            Inode created = medium.create(name);
            if (honest != null) {
                twins.put(created, honest.create(name));
            }
            return new OpenFile(name, created);
        }
    }

    /** Opens a file that is there. */
    public OpenFile open(String name) throws IOException {
        begin(Operation.OPEN);
        synchronized (this) {
            failIfAsked(Operation.OPEN, "open " + name + ": Too many open files");
            return new OpenFile(name, medium.inode(name));
        }
    }

    /** Renames a file; one that has the new name is replaced in the same step. */
    public void rename(String from, String to) throws IOException {
        begin(Operation.RENAME);
        synchronized (this) {
            change(Operation.RENAME, "rename " + from + " to " + to);
            medium.rename(from, to);
            if (honest != null) {
                honest.rename(from, to);
            }
        }
    }

    /** Deletes a file; who has it open may go on with it. */
    public void delete(String name) throws IOException {
        begin(Operation.DELETE);
        synchronized (this) {
            change(Operation.DELETE, "delete " + name);
            medium.delete(name);
            if (honest != null) {
                honest.delete(name);
            }
        }
    }

    /** Makes all names durable. */
    public void syncDirectory() throws IOException {
        begin(Operation.SYNC_DIRECTORY);
        synchronized (this) {
            change(Operation.SYNC_DIRECTORY, "sync directory");
            if (ignored != Operation.SYNC_DIRECTORY) {
                medium.syncNames();
                if (honest != null) {
                    honest.syncNames();
                }
            }
        }
    }

    /** Claims the directory; false if somebody else has. */
    public synchronized boolean lock() {
        boolean isFree = !locked;
        locked = true;
        return isFree;
    }

    /** Lets go of it. */
    public synchronized void unlock() {
        locked = false;
    }

    private void begin(Operation kind) throws IOException {
        Consumer<Operation> action;
        synchronized (this) {
            action = before;
        }
        try {
            action.accept(kind);
        } catch (UncheckedIOException e) {
            throw new IOException(e.getCause().getMessage(), e);
        }
    }

    private void change(Operation kind, String what) throws IOException {
        operations++;
        if (goesOnAfterFailure ? operations == failAt : operations >= failAt) {
            count(goesOnAfterFailure ? kind + "_FAILED" : "DEAD");
            throw new IOException("simulated failure: " + what);
        }
        failIfAsked(kind, what);
    }

    private void failIfAsked(Operation kind, String what) throws IOException {
        Integer left = failing.remove(kind);
        if (left != null && left > 0) {
            failing.put(kind, left - 1);
        } else if (left != null) {
            count(kind + "_FAILED");
            throw new IOException("simulated failure: " + what);
        }
    }

    private void failIf(boolean isSo, String happening, String what) throws IOException {
        if (isSo) {
            count(happening);
            throw new IOException("simulated failure: " + what);
        }
    }

    /** A file that is open. */
    public final class OpenFile implements Closeable {

        private final String name;
        private final Inode inode;
        private boolean isClosed;

        OpenFile(String name, Inode inode) {
            this.name = name;
            this.inode = inode;
            held.add(name);
        }

        /** Fills the target from this position on, unless the file ends before; returns how many bytes that were. */
        public int read(ByteBuffer target, long position) throws IOException {
            begin(Operation.READ);
            int length;
            Runnable action;
            synchronized (SimulatedFiles.this) {
                failIfAsked(Operation.READ, "read " + name + " at " + position);
                length = (int) Math.max(0, Math.min(target.remaining(), inode.seen.length - position));
                failIf(inode.isUnreadable(position, length), "READ_REFUSED", "read " + name + " at " + position);
                target.put(inode.seen, (int) Math.min(position, inode.seen.length), length);
                action = afterRead;
                afterRead = () -> { };
            }
            action.run();
            return length;
        }

        /** Writes all that remains in the source. */
        public void write(ByteBuffer source, long position) throws IOException {
            begin(Operation.WRITE);
            synchronized (SimulatedFiles.this) {
                byte[] bytes = new byte[source.remaining()];
                source.get(bytes);
                int at = Math.toIntExact(position);
                try {
                    change(Operation.WRITE, "write " + bytes.length + " bytes to " + name + " at " + position);
                } catch (IOException e) {
                    put(at, Arrays.copyOf(bytes, bytes.length / 2));    // it has come half way
                    throw e;
                }
                failIf(inode.isUnwritable(position, bytes.length), "WRITE_REFUSED", "write " + name + " at " + position);
                long growth = Math.max(0, position + bytes.length - inode.seen.length);
                if (growth > left()) {
                    count("DISK_FULL");
                    put(at, Arrays.copyOf(bytes, (int) Math.max(0, bytes.length - growth + left())));
                    throw new IOException(fullMessage);
                }
                put(at, bytes);
            }
        }

        private void put(int position, byte[] bytes) throws IOException {
            Inode twin = twins.get(inode);
            if (honest != null && twin != null) {
                honest.write(twin, name, position, bytes);
            }
            if (bytes.length > 0 && losesWrite) {
                losesWrite = false;
                count("WRITE_LOST");
                medium.write(inode, name, position, bytes, null, 0);
            } else if (bytes.length > 0 && misdirectsWrite) {
                misdirectsWrite = false;
                count("WRITE_MISDIRECTED");
                Inode target = medium.has(misdirectedTo) ? medium.inode(misdirectedTo) : null;      // it may be gone by now
                medium.write(inode, name, position, bytes, target, misdirectedSector);
            } else {
                medium.write(inode, name, position, bytes);
            }
        }

        /** Makes the contents durable. */
        public void force() throws IOException {
            begin(Operation.FORCE);
            synchronized (SimulatedFiles.this) {
                forces++;
                try {
                    change(Operation.FORCE, "fsync " + name);
                } catch (IOException e) {
                    if (goesOnAfterFailure || operations < failAt) {     // who is dead asks for nothing
                        forget(inode);   // clean, but not written
                    }
                    throw e;
                }
                if (ignored != Operation.FORCE) {
                    medium.sync(inode);
                    Inode twin = twins.get(inode);
                    if (honest != null && twin != null) {
                        honest.sync(twin);
                    }
                }
            }
        }

        private void forget(Inode inode) {
            medium.forget(inode);
            Inode twin = twins.get(inode);
            if (honest != null && twin != null) {
                honest.forget(twin);
            }
        }

        /** How many bytes it has. */
        public long size() {
            synchronized (SimulatedFiles.this) {
                return inode.seen.length;
            }
        }

        @Override
        public void close() {
            synchronized (SimulatedFiles.this) {
                if (!isClosed) {
                    isClosed = true;
                    held.remove(name);
                }
            }
        }
    }
}
