package io.quorate.raft.storage.testing;

import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * What a kernel shows of a directory, what its disk has of it, and the changes in between that are not on the disk yet.
 *
 * <p>A change is a sector, or a size, or a name: each of them may reach the disk alone, and before others that are older. A sector that was
 * written twice is two changes, for the disk may have got it either time.
 */
final class SimulatedMedium {

    static final int SECTOR = 512;

    /** A file. */
    static final class Inode {
        byte[] seen = new byte[0];
        byte[] durable = new byte[0];
        final Set<Integer> unreadable = new TreeSet<>();            // sectors, each by where it begins
        final Set<Integer> durablyUnreadable = new TreeSet<>();     // likewise, until what was written over them is on the disk

        /** Whether any of these bytes are in a sector that the disk does not give back. */
        boolean isUnreadable(long from, long length) {
            return unreadable.stream().anyMatch(at -> at < from + length && from < at + SECTOR);
        }

        /** Whether a part of such a sector would be written, and the kernel would first have to read the rest. */
        boolean isUnwritable(long from, long length) {
            return unreadable.stream().anyMatch(at -> at < from + length && from < at + SECTOR
                && (from > at || from + length < Math.min(at + SECTOR, seen.length)));
        }
    }

    /** What has not reached the disk yet. */
    private sealed interface Change { }

    /** The name {@code from} goes, and {@code to} is this file from now on; either may be null. */
    private record Name(@Nullable String from, @Nullable String to, Inode inode) implements Change {

        @Override
        public String toString() {
            return from == null ? "create " + to : to == null ? "delete " + from : "rename " + from + " to " + to;
        }
    }

    /** What lies behind a file's size is not there, whatever the disk has got of it. */
    private record Size(Inode inode, String name, int size) implements Change {

        @Override
        public String toString() {
            return name + " grows to " + size;
        }
    }

    /** The bytes that a sector had when it was written, and where the disk puts them: where they belong, elsewhere, or nowhere. */
    private record Sector(Inode inode, String name, int at, byte[] bytes, @Nullable Inode target, int targetAt) implements Change {

        @Override
        public String toString() {
            return name + " at " + at;
        }
    }

    private final Map<String, Inode> names = new TreeMap<>();
    private final Map<String, Inode> durableNames = new TreeMap<>();
    private final List<Change> unsynced = new ArrayList<>();      // oldest first

    /** An empty directory. */
    SimulatedMedium() { }

    // ----------------------------------------------------------------------------------------------------------------------- names

    List<String> names() {
        return List.copyOf(names.keySet());
    }

    boolean has(String name) {
        return names.containsKey(name);
    }

    Inode inode(String name) throws NoSuchFileException {
        Inode inode = names.get(name);
        if (inode == null) {
            throw new NoSuchFileException(name);
        }
        return inode;
    }

    Inode known(String name) {
        try {
            return inode(name);
        } catch (NoSuchFileException e) {
            throw new IllegalArgumentException("There is no file " + name, e);
        }
    }

    long bytes() {
        return names.values().stream().mapToLong(inode -> inode.seen.length).sum();
    }

    Inode create(String name) {
        Inode inode = new Inode();
        change(new Name(null, name, inode));
        return inode;
    }

    void rename(String from, String to) throws NoSuchFileException {
        change(new Name(from, to, inode(from)));
    }

    void delete(String name) throws NoSuchFileException {
        change(new Name(name, null, inode(name)));
    }

    private void change(Name name) {
        apply(name, names);
        unsynced.add(name);
    }

    private static void apply(Name change, Map<String, Inode> to) {
        if (change.from != null) {
            to.remove(change.from);
        }
        if (change.to != null) {
            to.put(change.to, change.inode);
        }
    }

    void syncNames() {
        unsynced.removeIf(change -> change instanceof Name);
        durableNames.clear();
        durableNames.putAll(names);
    }

    /** As if it had always been there. */
    void put(String name, byte[] bytes) {
        putUnsynced(name, bytes.clone(), Set.of());
        syncNames();
    }

    private void putUnsynced(String name, byte[] bytes, Set<Integer> unreadable) {
        Inode inode = new Inode();
        inode.seen = bytes;
        inode.durable = bytes.clone();
        inode.unreadable.addAll(unreadable);
        inode.durablyUnreadable.addAll(unreadable);
        names.put(name, inode);
    }

    /** As if it had never been there. */
    void remove(String name) {
        names.remove(name);
        syncNames();
    }

    // -------------------------------------------------------------------------------------------------------------------- contents

    /** The disk does not give back the sectors of these bytes any more, until they are written over as a whole. */
    static void makeUnreadable(Inode inode, int offset, int length) {
        for (int at = offset / SECTOR * SECTOR; at < Math.min(offset + length, inode.seen.length); at += SECTOR) {
            inode.unreadable.add(at);
            inode.durablyUnreadable.add(at);
        }
    }

    /** Writes these bytes. */
    void write(Inode inode, String name, int position, byte[] bytes) {
        write(inode, name, position, bytes, inode, position / SECTOR);
    }

    /** Writes these bytes, but the disk puts them into other sectors, from this one of the target on; or nowhere, if that is null. */
    void write(Inode inode, String name, int position, byte[] bytes, @Nullable Inode target, int targetSector) {
        if (bytes.length == 0) {
            return;
        }
        int end = position + bytes.length;
        if (end > inode.seen.length) {
            unsynced.add(new Size(inode, name, end));
        }
        show(inode, position, bytes);
        int first = position / SECTOR;
        for (int sector = first; sector * SECTOR < end; sector++) {
            int at = sector * SECTOR;
            boolean wasUnreadable = inode.unreadable.remove(at);
            byte[] content = Arrays.copyOfRange(inode.seen, at, Math.min(inode.seen.length, at + SECTOR));
            Sector change = new Sector(inode, name, at, content, target, (targetSector + sector - first) * SECTOR);
            if (wasUnreadable || !isAsGoodAsThere(change)) {
                unsynced.add(change);
            }
        }
    }

    /** Whether the same stands there already, or will by an earlier change: then it makes no difference whether this one is lost. */
    private boolean isAsGoodAsThere(Sector written) {
        Inode target = written.target;
        if (target == null) {
            return false;
        }
        for (int i = unsynced.size() - 1; i >= 0; i--) {
            if (unsynced.get(i) instanceof Sector earlier && earlier.target == target && earlier.targetAt == written.targetAt) {
                return Arrays.equals(earlier.bytes, written.bytes);
            }
        }
        int end = written.targetAt + written.bytes.length;
        return end <= target.durable.length
            && Arrays.equals(written.bytes, 0, written.bytes.length, target.durable, written.targetAt, end);
    }

    private static void show(Inode inode, int position, byte[] bytes) {
        if (bytes.length > 0) {
            inode.seen = grown(inode.seen, position + bytes.length);
            System.arraycopy(bytes, 0, inode.seen, position, bytes.length);
        }
    }

    void sync(Inode inode) {
        inode.durable = grown(inode.durable, inode.seen.length);
        for (Change change : unsynced) {
            if (change instanceof Sector sector && sector.inode == inode && sector.target != null) {
                put(sector, sector.target.durable);
                sector.target.durablyUnreadable.remove(sector.targetAt);
            }
        }
        forget(inode);
    }

    private static void put(Sector sector, byte[] durable) {
        int length = Math.min(sector.bytes.length, durable.length - sector.targetAt);
        if (length > 0) {
            System.arraycopy(sector.bytes, 0, durable, sector.targetAt, length);
        }
    }

    /** What of this file is not on the disk yet never will be, and nobody remembers that. */
    void forget(Inode inode) {
        unsynced.removeIf(change -> isOf(change, inode));
    }

    private static boolean isOf(Change change, Inode inode) {
        return change instanceof Size size && size.inode == inode || change instanceof Sector sector && sector.inode == inode;
    }

    // --------------------------------------------------------------------------------------------------------------- loss of power

    List<String> unsynced() {
        return unsynced.stream().map(Change::toString).toList();
    }

    /** Whether a loss of power would change nothing that is seen. */
    boolean isDurable() {
        return names.equals(durableNames) && names.values().stream().allMatch(inode -> Arrays.equals(inode.seen, inode.durable));
    }

    /** What is left if of the changes that are not on the disk exactly these got there. */
    SimulatedMedium left(IntPredicate kept) {
        Map<String, Inode> keptNames = new TreeMap<>(durableNames);
        for (int i = 0; i < unsynced.size(); i++) {
            if (unsynced.get(i) instanceof Name name && kept.test(i)) {
                apply(name, keptNames);
            }
        }
        Map<Inode, byte[]> contents = new IdentityHashMap<>();
        Map<Inode, Set<Integer>> unreadable = new IdentityHashMap<>();
        for (Inode inode : keptNames.values()) {
            contents.put(inode, inode.durable);
            unreadable.put(inode, new TreeSet<>(inode.durablyUnreadable));
        }
        for (int i = 0; i < unsynced.size(); i++) {
            if (unsynced.get(i) instanceof Size change && contents.containsKey(change.inode) && kept.test(i)) {
                contents.put(change.inode, grown(contents.get(change.inode), change.size));
            }
        }
        contents.replaceAll((inode, bytes) -> bytes.clone());
        for (int i = 0; i < unsynced.size(); i++) {
            if (unsynced.get(i) instanceof Sector sector && sector.target != null && contents.containsKey(sector.target) && kept.test(i)) {
                put(sector, contents.get(sector.target));
                unreadable.get(sector.target).remove(sector.targetAt);
            }
        }
        SimulatedMedium left = new SimulatedMedium();
        keptNames.forEach((name, inode) -> left.putUnsynced(name, contents.get(inode), unreadable.get(inode)));
        left.syncNames();
        return left;
    }

    /** Another one, on which all that is seen of this one is durable. */
    SimulatedMedium copy() {
        SimulatedMedium copy = new SimulatedMedium();
        names.forEach((name, inode) -> copy.putUnsynced(name, inode.seen.clone(), inode.unreadable));
        copy.syncNames();
        return copy;
    }

    /**
     * Another one, equal in all, also in the changes that are not on the disk yet.
     *
     * @param twins is told which file of the other one is which of this
     */
    SimulatedMedium twin(Map<Inode, Inode> twins) {
        SimulatedMedium twin = new SimulatedMedium();
        names.forEach((name, inode) -> twin.names.put(name, twinOf(inode, twins)));
        durableNames.forEach((name, inode) -> twin.durableNames.put(name, twinOf(inode, twins)));
        for (Change change : unsynced) {
            if (change instanceof Name name) {
                twin.unsynced.add(new Name(name.from, name.to, twinOf(name.inode, twins)));
            } else if (change instanceof Size size) {
                twin.unsynced.add(new Size(twinOf(size.inode, twins), size.name, size.size));
            } else if (change instanceof Sector sector) {
                Inode target = sector.target == null ? null : twinOf(sector.target, twins);
                twin.unsynced.add(new Sector(twinOf(sector.inode, twins), sector.name, sector.at, sector.bytes, target, sector.targetAt));
            }
        }
        return twin;
    }

    private static Inode twinOf(Inode inode, Map<Inode, Inode> twins) {
        return twins.computeIfAbsent(inode, original -> {
            Inode twin = new Inode();
            twin.seen = original.seen.clone();
            twin.durable = original.durable.clone();
            return twin;
        });
    }

    private static byte[] grown(byte[] bytes, int size) {
        return size > bytes.length ? Arrays.copyOf(bytes, size) : bytes;
    }
}
