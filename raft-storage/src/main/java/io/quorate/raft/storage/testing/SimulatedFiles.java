package io.quorate.raft.storage.testing;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.random.RandomGenerator;

/**
 * A directory in memory that knows what of it is durable, and can fail or lose power at any operation.
 *
 * <p>A file has the bytes that a reader sees and the bytes that are on the disk; in between, sectors are dirty. A failed fsync marks them
 * clean without writing them, as Linux does. Files may be read on other threads beside the one that writes.
 */
public final class SimulatedFiles {

    private static final int SECTOR = 512;

    /** What a loss of power leaves of what was not yet durable. */
    public enum Loss {
        /** Nothing: the power stayed on, and only the process died. */
        NONE,
        /** All of it, as after an orderly shutdown of the machine. */
        KEEPS_ALL,
        /** None of it. */
        LOSES_ALL,
        /** Some sectors and some renames. */
        TEARS
    }

    private static final class Inode {
        private byte[] seen = new byte[0];
        private byte[] durable = new byte[0];
        private final BitSet dirty = new BitSet();
    }

    private Map<String, Inode> names = new TreeMap<>();
    private List<Map<String, Inode>> pending = new ArrayList<>(List.of(names));   // durable names first, then after each change
    private boolean locked;
    private int operations;
    private int failAt = Integer.MAX_VALUE;
    private boolean goesOnAfterFailure;
    private int forces;
    private final List<String> held = new ArrayList<>();     // the names of the files that are open
    private Runnable afterRead = () -> { };

    /** An empty directory. */
    public SimulatedFiles() {
        // names are added by create
    }

    /** The operation with this number, counted from now, fails, and each one after it: the process is as good as dead. */
    public void dieAt(int operation) {
        failAt = operations + operation;
        goesOnAfterFailure = false;
    }

    /** The operation with this number, counted from now, fails, and no other. */
    public void failOnceAt(int operation) {
        failAt = operations + operation;
        goesOnAfterFailure = true;
    }

    /** How many operations that can change something were tried. */
    public int operations() {
        return operations;
    }

    /** Does this once, as soon as something has been read. */
    public void afterRead(Runnable action) {
        afterRead = action;
    }

    /** How many fsyncs of files were tried. */
    public int forces() {
        return forces;
    }

    /** Which files are open: a name for each handle that was not closed. */
    public synchronized List<String> held() {
        return List.copyOf(held);
    }

    /** What the next process finds. */
    public SimulatedFiles restart(Loss loss, RandomGenerator random) {
        SimulatedFiles next = new SimulatedFiles();
        if (loss == Loss.NONE) {
            next.names = names;
            next.pending = pending;
            return next;
        }
        Map<String, Inode> kept = switch (loss) {
            case LOSES_ALL -> pending.get(0);
            case TEARS -> pending.get(random.nextInt(pending.size()));
            default -> names;
        };
        kept.forEach((name, inode) -> next.names.put(name, lose(inode, loss, random)));
        next.pending = new ArrayList<>(List.of(new TreeMap<>(next.names)));
        return next;
    }

    private static Inode lose(Inode inode, Loss loss, RandomGenerator random) {
        boolean keepsSize = loss == Loss.KEEPS_ALL || loss == Loss.TEARS && random.nextBoolean();
        Inode left = new Inode();
        left.durable = Arrays.copyOf(inode.durable, keepsSize ? inode.seen.length : inode.durable.length);
        inode.dirty.stream().forEach(sector -> {
            int from = sector * SECTOR;
            int to = Math.min(left.durable.length, from + SECTOR);
            if (from < to && (loss == Loss.KEEPS_ALL || loss == Loss.TEARS && random.nextBoolean())) {
                System.arraycopy(inode.seen, from, left.durable, from, Math.min(inode.seen.length, to) - from);
            }
        });
        left.seen = left.durable.clone();
        return left;
    }

    /** An independent copy, all of it durable. */
    public SimulatedFiles copy() {
        return restart(Loss.KEEPS_ALL, new SplittableRandom(0));
    }

    /** What a reader of this file sees now. */
    public byte[] bytes(String name) {
        return Objects.requireNonNull(names.get(name), name).seen;
    }

    /** Puts these bytes in place of the file's, durably. */
    public void put(String name, byte[] bytes) {
        Inode inode = new Inode();
        inode.seen = bytes.clone();
        inode.durable = bytes.clone();
        names.put(name, inode);
        pending = new ArrayList<>(List.of(new TreeMap<>(names)));
    }

    /** Takes a file away, durably. */
    public void remove(String name) {
        names.remove(name);
        pending = new ArrayList<>(List.of(new TreeMap<>(names)));
    }

    private Inode inode(String name) throws NoSuchFileException {
        Inode inode = names.get(name);
        if (inode == null) {
            throw new NoSuchFileException(name);
        }
        return inode;
    }

    private void operation(String what) throws IOException {
        operations++;
        if (goesOnAfterFailure ? operations == failAt : operations >= failAt) {
            throw new IOException("simulated failure: " + what);
        }
    }

    private void changed() {
        pending.add(new TreeMap<>(names));
    }

    // ------------------------------------------------------------------------------------------------------- what a program does

    /** A name for messages. */
    public String pathOf(String name) {
        return "/simulated/" + name;
    }

    /** The names of all files, sorted. */
    public synchronized List<String> list() {
        return List.copyOf(names.keySet());
    }

    /** Begins a new, empty file. */
    public synchronized OpenFile create(String name) throws IOException {
        operation("create " + name);
        if (names.containsKey(name)) {
            throw new IOException(name + " exists");
        }
        names.put(name, new Inode());
        changed();
        return new OpenFile(name, inode(name));
    }

    /** Opens a file that is there. */
    public synchronized OpenFile open(String name) throws IOException {
        return new OpenFile(name, inode(name));
    }

    /** Renames a file; one that has the new name is replaced in the same step. */
    public synchronized void rename(String from, String to) throws IOException {
        operation("rename " + from + " to " + to);
        names.put(to, inode(from));
        names.remove(from);
        changed();
    }

    /** Deletes a file; who has it open may go on with it. */
    public synchronized void delete(String name) throws IOException {
        operation("delete " + name);
        inode(name);
        names.remove(name);
        changed();
    }

    /** Makes all names durable. */
    public synchronized void syncDirectory() throws IOException {
        operation("sync directory");
        pending = new ArrayList<>(List.of(new TreeMap<>(names)));
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

    /** An open file. */
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
            int length;
            synchronized (SimulatedFiles.this) {
                length = (int) Math.max(0, Math.min(target.remaining(), inode.seen.length - position));
                target.put(inode.seen, (int) Math.min(position, inode.seen.length), length);
            }
            Runnable action = afterRead;
            afterRead = () -> { };
            action.run();
            return length;
        }

        /** Writes all that remains in the source. */
        public void write(ByteBuffer source, long position) throws IOException {
            synchronized (SimulatedFiles.this) {
                IOException failure = null;
                int length = source.remaining();
                try {
                    operation("write " + length + " bytes to " + name + " at " + position);
                } catch (IOException e) {
                    failure = e;
                    length /= 2;   // it died half way
                }
                int to = (int) position + length;
                if (to > inode.seen.length) {
                    inode.seen = Arrays.copyOf(inode.seen, to);
                }
                source.get(inode.seen, (int) position, length);
                if (length > 0) {
                    inode.dirty.set((int) position / SECTOR, (to - 1) / SECTOR + 1);
                }
                if (failure != null) {
                    throw failure;
                }
            }
        }

        /** Makes the contents durable. */
        public void force() throws IOException {
            synchronized (SimulatedFiles.this) {
                forces++;
                try {
                    operation("fsync " + name);
                    inode.durable = Arrays.copyOf(inode.durable, inode.seen.length);
                    inode.dirty.stream().forEach(sector -> {
                        int from = sector * SECTOR;
                        System.arraycopy(inode.seen, from, inode.durable, from, Math.min(SECTOR, inode.seen.length - from));
                    });
                    inode.dirty.clear();
                } catch (IOException e) {
                    if (goesOnAfterFailure) {
                        inode.dirty.clear();   // clean, but not written
                    }
                    throw e;
                }
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
