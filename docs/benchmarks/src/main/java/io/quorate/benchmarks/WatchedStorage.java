package io.quorate.benchmarks;

import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Identity;
import io.quorate.raft.Storage;
import io.quorate.raft.core.DiskRoom;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.SnapshotId;
import java.util.List;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;
import org.jspecify.annotations.Nullable;

/** A storage that remembers how many bytes of entries each write brought, which one fsync made durable; everything else passes through. */
final class WatchedStorage implements Storage {

    private static final int DIGITS = 3;

    private final Storage storage;
    private final Recorder bytesPerWrite = new Recorder(DIGITS);

    WatchedStorage(Storage storage) {
        this.storage = storage;
    }

    /** Of the writes since this was last asked; those without entries are left out. */
    Histogram takeBytesPerWrite() {
        return bytesPerWrite.getIntervalHistogram();
    }

    @Override
    public void write(List<Write> batch) {
        storage.write(batch);
        long bytes = 0;
        for (int i = 0; i < batch.size(); i++) {
            List<Entry> entries = batch.get(i).entries();
            for (int j = 0; j < entries.size(); j++) {
                bytes += entries.get(j).size();
            }
        }
        if (bytes > 0) {
            bytesPerWrite.recordValue(bytes);
        }
    }

    @Override
    public Identity identity() {
        return storage.identity();
    }

    @Override
    public Recovered recover() {
        return storage.recover();
    }

    @Override
    public void found(FoundingRecord record) {
        storage.found(record);
    }

    @Override
    public List<Entry> read(long firstIndex, long lastIndex, int bytesMax) {
        return storage.read(firstIndex, lastIndex, bytesMax);
    }

    @Override
    public @Nullable StoredSnapshot snapshot() {
        return storage.snapshot();
    }

    @Override
    public SnapshotOutput beginSnapshot(SnapshotId snapshot) {
        return storage.beginSnapshot(snapshot);
    }

    @Override
    public SnapshotInput receiveSnapshot(SnapshotId snapshot) {
        return storage.receiveSnapshot(snapshot);
    }

    @Override
    public long logBytes() {
        return storage.logBytes();
    }

    @Override
    public long firstIndex() {
        return storage.firstIndex();
    }

    @Override
    public void compact(long wantedIndex) {
        storage.compact(wantedIndex);
    }

    @Override
    public boolean maintain() {
        return storage.maintain();
    }

    @Override
    public List<EntryId> repair(List<Entry> entries) {
        return storage.repair(entries);
    }

    @Override
    public Scrubbed scrub(int bytesMax) {
        return storage.scrub(bytesMax);
    }

    @Override
    public DiskRoom room() {
        return storage.room();
    }

    @Override
    public long usableBytes() {
        return storage.usableBytes();
    }

    @Override
    public void close() {
        storage.close();
    }
}
