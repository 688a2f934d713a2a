package io.quorate.raft.storage;

import io.quorate.raft.Storage;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.Member;
import io.quorate.raft.core.Membership;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.storage.testing.SimulatedFiles;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.Objects;

/** Snapshots to test with: taken, moved and installed. */
final class Snapshot {

    private Snapshot() { }

    static SnapshotId at(long index, long term) {
        return new SnapshotId(new EntryId(term, index), Membership.of(index, List.of(new Member(Logs.OTHER, "x:" + index))), 10 * index);
    }

    static void take(Storage storage, SnapshotId id, byte[] state) throws IOException {
        try (Storage.SnapshotOutput output = storage.beginSnapshot(id)) {
            output.state().write(state);
            output.commit();
        }
    }

    static Storage.StoredSnapshot open(Storage storage) {
        return Objects.requireNonNull(storage.snapshot(), "no snapshot");
    }

    static byte[] state(Storage storage) throws IOException {
        try (Storage.StoredSnapshot stored = open(storage)) {
            return stored.state().readAllBytes();
        }
    }

    /** All bytes that are moved, read in pieces of odd sizes. */
    static byte[] transfer(Storage.StoredSnapshot stored) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        while (bytes.size() < stored.transferBytes()) {
            bytes.writeBytes(stored.read(bytes.size(), 1 + bytes.size() % 1500));
        }
        return bytes.toByteArray();
    }

    /** What another replica of the group sends. */
    static byte[] transferOf(SnapshotId id, byte[] state) throws IOException {
        SimulatedFiles disk = new SimulatedFiles();
        FileStorage other = Logs.start(disk, Logs.TINY.withPartBytes(1 << 10));
        other.recover();
        take(other, id, state);
        try (Storage.StoredSnapshot stored = open(other)) {
            return transfer(stored);
        }
    }

    static void receive(Storage storage, SnapshotId id, byte[] state) throws IOException {
        byte[] transfer = transferOf(id, state);
        try (Storage.SnapshotInput input = storage.receiveSnapshot(id)) {
            int from = (int) input.received();
            input.write(from, java.util.Arrays.copyOfRange(transfer, from, transfer.length));
            if (!input.complete()) {
                throw new AssertionError("not complete");
            }
        }
    }

    /** Lets go of old entries, and of the files they stood in. */
    static void compact(Storage storage, long wantedIndex) {
        storage.compact(wantedIndex);
        boolean isMore = true;
        while (isMore) {
            isMore = storage.maintain();
        }
    }

    static Storage.Write install(long writeId, SnapshotId id) {
        return new Storage.Write(writeId, new HardState(Math.max(9, id.last().term()), null, 0), id.index() + 1, List.of(), id);
    }
}
