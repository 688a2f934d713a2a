package io.quorate.raft.testing;

import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Identity;
import io.quorate.raft.Storage;
import io.quorate.raft.core.DiskRoom;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.SnapshotId;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A storage that forgets everything with the process, for tests and trials. It is one opening of an {@link InMemoryDisk}, which keeps what
 * was written for the next.
 */
public final class InMemoryStorage implements Storage {

    private final InMemoryDisk disk;
    private final long boot;

    InMemoryStorage(InMemoryDisk disk, long boot) {
        this.disk = disk;
        this.boot = boot;
    }

    /** The first opening of a blank disk; the disk itself is had by {@link #disk}. */
    public static InMemoryStorage blank(int nodeId, long incarnation) {
        return new InMemoryDisk(nodeId, incarnation).open();
    }

    /** What this storage stands on: open it again for a restart. */
    public InMemoryDisk disk() {
        return disk;
    }

    @Override
    public Identity identity() {
        return disk.identity(boot);
    }

    @Override
    public Recovered recover() {
        return disk.recover(this);
    }

    @Override
    public void found(FoundingRecord record) {
        disk.found(this, record);
    }

    @Override
    public void write(List<Write> batch) {
        disk.write(this, batch);
    }

    @Override
    public List<Entry> read(long firstIndex, long lastIndex, int bytesMax) {
        return disk.read(this, firstIndex, lastIndex, bytesMax);
    }

    @Override
    public DiskRoom room() {
        return disk.room();
    }

    @Override
    public List<EntryId> repair(List<Entry> entries) {
        return disk.repair(this, entries);
    }

    @Override
    public Scrubbed scrub(int bytesMax) {
        return disk.scrub(this, bytesMax);
    }

    @Override
    public @Nullable StoredSnapshot snapshot() {
        return disk.snapshot(this);
    }

    @Override
    public SnapshotOutput beginSnapshot(SnapshotId snapshot) {
        return disk.beginSnapshot(this, snapshot);
    }

    @Override
    public SnapshotInput receiveSnapshot(SnapshotId snapshot) {
        return disk.receiveSnapshot(this, snapshot);
    }

    @Override
    public long logBytes() {
        return disk.logBytes();
    }

    @Override
    public long firstIndex() {
        return disk.firstIndex();
    }

    @Override
    public void compact(long wantedIndex) {
        disk.compact(this, wantedIndex);
    }

    @Override
    public void close() {
        disk.close(this);
    }
}
