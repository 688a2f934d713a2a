package io.quorate.raft.storage;

import io.quorate.raft.Storage;
import io.quorate.raft.core.SnapshotId;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.zip.CRC32C;

/**
 * Takes a snapshot, reads it back, moves it to another directory as over a network, installs it there and reads it again: a program whose
 * heap its starter bounds. Its arguments are a directory and how many MiB the state has.
 */
final class MovedSnapshot {

    private static final int CHUNK_BYTES = 256 << 10;
    private static final FileStorage.Options OPTIONS = FileStorage.Options.defaults().withSegmentBytes(1 << 20);
    private static final SnapshotId ID = Snapshot.at(1, 1);

    private MovedSnapshot() { }

    public static void main(String[] args) throws IOException {
        long bytes = Long.parseLong(args[1]) << 20;
        try (FileStorage from = opened(Path.of(args[0], "from")); FileStorage to = opened(Path.of(args[0], "to"))) {
            from.write(List.of(Logs.append(1, 1, 1, 1, 10)));
            long begin = System.nanoTime();
            long sum = take(from, bytes);
            long taken = System.nanoTime();
            require(sum == sumOf(from), "read back, it is another");
            long read = System.nanoTime();
            move(from, to);
            long moved = System.nanoTime();
            to.write(List.of(Snapshot.install(1, ID)));
            require(sum == sumOf(to), "moved, it is another");
            System.out.printf("moved: %d MiB, taken in %d ms, read in %d ms, sent and received in %d ms, with a heap of %d MiB%n",
                bytes >> 20, (taken - begin) / 1_000_000, (read - taken) / 1_000_000, (moved - read) / 1_000_000,
                Runtime.getRuntime().maxMemory() >> 20);
        }
    }

    private static FileStorage opened(Path directory) {
        FileStorage storage = FileStorage.open(directory, 1, OPTIONS);
        storage.found(Logs.founding(storage));
        storage.recover();
        return storage;
    }

    private static long take(FileStorage storage, long bytes) throws IOException {
        CRC32C sum = new CRC32C();
        byte[] piece = new byte[10_000];
        try (Storage.SnapshotOutput output = storage.beginSnapshot(ID)) {
            OutputStream state = output.state();
            for (long at = 0; at < bytes; at += piece.length) {
                for (int i = 0; i < piece.length; i += Long.BYTES) {
                    ByteBuffer.wrap(piece).putLong(i, (at + i) * 0x9E3779B97F4A7C15L);
                }
                int length = (int) Math.min(piece.length, bytes - at);
                state.write(piece, 0, length);
                sum.update(piece, 0, length);
            }
            output.commit();
        }
        return sum.getValue();
    }

    private static long sumOf(FileStorage storage) throws IOException {
        CRC32C sum = new CRC32C();
        byte[] piece = new byte[10_000];
        try (Storage.StoredSnapshot stored = Snapshot.open(storage); InputStream state = stored.state()) {
            for (int length = state.read(piece); length >= 0; length = state.read(piece)) {
                sum.update(piece, 0, length);
            }
        }
        return sum.getValue();
    }

    private static void move(FileStorage from, FileStorage to) {
        try (Storage.StoredSnapshot stored = Objects.requireNonNull(from.snapshot());
             Storage.SnapshotInput input = to.receiveSnapshot(stored.id())) {
            while (input.received() < stored.transferBytes()) {
                input.write(input.received(), stored.read(input.received(), CHUNK_BYTES));
            }
            require(input.complete(), "what was moved is not complete");
        }
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }
}
