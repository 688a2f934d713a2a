package io.quorate.raft.storage;

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
import java.util.Random;
import java.util.TreeMap;

/**
 * A directory in memory that knows what of it is durable, and can fail or lose power at any operation.
 *
 * <p>A file has the bytes that a reader sees and the bytes that are on the disk; in between, sectors are dirty. A failed fsync marks them
 * clean without writing them, as Linux does. Files may be read on other threads beside the one that writes.
 */
final class SimulatedFileSystem implements FileSystem {

    private static final int SECTOR = 512;

    /** What a loss of power leaves of what was not yet durable. */
    enum Loss {
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

    /** The operation with this number, counted from now, fails, and each one after it: the process is as good as dead. */
    void dieAt(int operation) {
        failAt = operations + operation;
        goesOnAfterFailure = false;
    }

    /** The operation with this number, counted from now, fails, and no other. */
    void failOnceAt(int operation) {
        failAt = operations + operation;
        goesOnAfterFailure = true;
    }

    /** How many operations that can change something were tried. */
    int operations() {
        return operations;
    }

    /** Does this once, as soon as something has been read. */
    void afterRead(Runnable action) {
        afterRead = action;
    }

    int forces() {
        return forces;
    }

    /** Which files are open: a name for each handle that was not closed. */
    synchronized List<String> held() {
        return List.copyOf(held);
    }

    /** What the next process finds. */
    SimulatedFileSystem restart(Loss loss, Random random) {
        SimulatedFileSystem next = new SimulatedFileSystem();
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

    private static Inode lose(Inode inode, Loss loss, Random random) {
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
    SimulatedFileSystem copy() {
        return restart(Loss.KEEPS_ALL, new Random(0));
    }

    byte[] bytes(String name) {
        return Objects.requireNonNull(names.get(name), name).seen;
    }

    /** Puts these bytes in place of the file's, durably. */
    void put(String name, byte[] bytes) {
        Inode inode = new Inode();
        inode.seen = bytes.clone();
        inode.durable = bytes.clone();
        names.put(name, inode);
        pending = new ArrayList<>(List.of(new TreeMap<>(names)));
    }

    void remove(String name) {
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

    @Override
    public String pathOf(String name) {
        return "/simulated/" + name;
    }

    @Override
    public synchronized List<String> list() {
        return List.copyOf(names.keySet());
    }

    @Override
    public synchronized FileHandle create(String name) throws IOException {
        operation("create " + name);
        if (names.containsKey(name)) {
            throw new IOException(name + " exists");
        }
        names.put(name, new Inode());
        changed();
        return new Handle(name, inode(name));
    }

    @Override
    public synchronized FileHandle open(String name) throws IOException {
        return new Handle(name, inode(name));
    }

    @Override
    public synchronized FileHandle openToRead(String name) throws IOException {
        return new Handle(name, inode(name));
    }

    @Override
    public synchronized void rename(String from, String to) throws IOException {
        operation("rename " + from + " to " + to);
        names.put(to, inode(from));
        names.remove(from);
        changed();
    }

    @Override
    public synchronized void delete(String name) throws IOException {
        operation("delete " + name);
        inode(name);
        names.remove(name);
        changed();
    }

    @Override
    public synchronized void syncDirectory() throws IOException {
        operation("sync directory");
        pending = new ArrayList<>(List.of(new TreeMap<>(names)));
    }

    @Override
    public Closeable lock() {
        if (locked) {
            throw new StorageLockedException("locked");
        }
        locked = true;
        return () -> locked = false;
    }

    private final class Handle implements FileHandle {

        private final String name;
        private final Inode inode;
        private boolean isClosed;

        Handle(String name, Inode inode) {
            this.name = name;
            this.inode = inode;
            held.add(name);
        }

        @Override
        public int read(ByteBuffer target, long position) {
            int length;
            synchronized (SimulatedFileSystem.this) {
                length = (int) Math.max(0, Math.min(target.remaining(), inode.seen.length - position));
                target.put(inode.seen, (int) Math.min(position, inode.seen.length), length);
            }
            Runnable action = afterRead;
            afterRead = () -> { };
            action.run();
            return length;
        }

        @Override
        public void write(ByteBuffer source, long position) throws IOException {
            synchronized (SimulatedFileSystem.this) {
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

        @Override
        public void force() throws IOException {
            synchronized (SimulatedFileSystem.this) {
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

        @Override
        public long size() {
            synchronized (SimulatedFileSystem.this) {
                return inode.seen.length;
            }
        }

        @Override
        public void close() {
            synchronized (SimulatedFileSystem.this) {
                if (!isClosed) {
                    isClosed = true;
                    held.remove(name);
                }
            }
        }
    }
}
