package io.quorate.raft;

import io.quorate.raft.core.Entry;
import io.quorate.raft.core.SnapshotId;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Passes everything on; a test overrides what it breaks or counts. */
public class ForwardingStorage implements Storage {

    protected final Storage inner;

    public ForwardingStorage(Storage inner) {
        this.inner = inner;
    }

    @Override
    public Identity identity() {
        return inner.identity();
    }

    @Override
    public Recovered recover() {
        return inner.recover();
    }

    @Override
    public void found(FoundingRecord record) {
        inner.found(record);
    }

    @Override
    public void write(List<Write> batch) {
        inner.write(batch);
    }

    @Override
    public List<Entry> read(long firstIndex, long lastIndex, int bytesMax) {
        return inner.read(firstIndex, lastIndex, bytesMax);
    }

    @Override
    public @Nullable StoredSnapshot snapshot() {
        return inner.snapshot();
    }

    @Override
    public SnapshotOutput beginSnapshot(SnapshotId snapshot) {
        return inner.beginSnapshot(snapshot);
    }

    @Override
    public SnapshotInput receiveSnapshot(SnapshotId snapshot) {
        return inner.receiveSnapshot(snapshot);
    }

    @Override
    public long logBytes() {
        return inner.logBytes();
    }

    @Override
    public long firstIndex() {
        return inner.firstIndex();
    }

    @Override
    public void compact(long wantedIndex) {
        inner.compact(wantedIndex);
    }

    @Override
    public boolean maintain() {
        return inner.maintain();
    }

    @Override
    public void close() {
        inner.close();
    }
}
