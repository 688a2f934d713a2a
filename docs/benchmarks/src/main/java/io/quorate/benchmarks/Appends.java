package io.quorate.benchmarks;

import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.HardState;
import io.quorate.raft.storage.FileStorage;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * How fast batches of entries become durable, against a bare loop that writes the bytes of the same batches, each at once, into zeros that
 * are there already, and forces them. Both run on this thread, by turns, a few writes each; what is timed is the writing alone: entries are
 * made before, as the thread does that leads a group, and the next segment is prepared in between, as a disk thread does that has nothing
 * to write.
 */
final class Appends implements Closeable {

    private static final int ENTRY_BYTES = 256;
    private static final int FILE_BYTES = 64 << 20;
    private static final int ZEROED_BYTES = 1 << 20;
    private static final int WARM_UPS = 600;
    private static final int WRITES = 16;               // in a round, on each side
    private static final HardState HARD_STATE = new HardState(1, null, 0);

    private final FileStorage storage;
    private final FileChannel bare;
    private final ByteBuffer bareBytes;        // those of all writes of a round, laid out before it
    private final int entriesPerWrite;
    private final int bytesPerWrite;
    private final byte[] payload = new byte[ENTRY_BYTES];
    private long index = 1;
    private long writeId = 1;
    private int bareAt;

    private Appends(Path directory, int entriesPerWrite) throws IOException {
        this.entriesPerWrite = entriesPerWrite;
        storage = Logs.founded(directory.resolve("storage"));
        bytesPerWrite = entriesPerWrite * (Entry.HEADER_BYTES + ENTRY_BYTES);
        bareBytes = ByteBuffer.allocateDirect(WRITES * bytesPerWrite);
        bare = FileChannel.open(directory.resolve("bare"), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        ByteBuffer zeros = ByteBuffer.allocateDirect(ZEROED_BYTES);
        for (int at = 0; at < FILE_BYTES; at += ZEROED_BYTES) {
            bare.write(zeros.clear(), at);
        }
        bare.force(true);
    }

    /**
     * Measures, and prints a line.
     *
     * @return whether the target was reached
     */
    static boolean measure(Path directory, int bytesPerWrite, double target, int rounds) throws IOException {
        int entriesPerWrite = Math.max(1, bytesPerWrite / (Entry.HEADER_BYTES + ENTRY_BYTES));
        Rounds result = new Rounds("append entry_bytes=" + ENTRY_BYTES + " entries_per_write=" + entriesPerWrite,
            WRITES, target, rounds);
        try (Appends appends = new Appends(directory, entriesPerWrite)) {
            for (int i = -WARM_UPS; i < rounds; i++) {
                List<List<Storage.Write>> batches = appends.batches();
                Clock time = appends.append(batches);
                Clock bareTime = appends.writeBare(batches);
                if (i >= 0) {
                    result.add(time, bareTime);
                }
            }
        }
        return result.print("writes_per_s");
    }

    private List<List<Storage.Write>> batches() {
        List<List<Storage.Write>> batches = new ArrayList<>();
        for (int i = 0; i < WRITES; i++) {
            batches.add(List.of(new Storage.Write(writeId++, HARD_STATE, index, entries())));
            index += entriesPerWrite;
        }
        return batches;
    }

    private Clock append(List<List<Storage.Write>> batches) {
        while (storage.maintain()) {
            continue;
        }
        Clock begin = Clock.now();
        for (List<Storage.Write> batch : batches) {
            storage.write(batch);
        }
        return begin.elapsed();
    }

    private Clock writeBare(List<List<Storage.Write>> batches) throws IOException {
        bareBytes.clear();
        for (List<Storage.Write> batch : batches) {
            for (Entry entry : batch.get(0).entries()) {
                bareBytes.put(entry.array(), entry.offset(), entry.size());
            }
        }
        Clock begin = Clock.now();
        for (int i = 0; i < WRITES; i++) {
            if (bareAt + bytesPerWrite > FILE_BYTES) {
                bareAt = 0;
            }
            bareBytes.limit((i + 1) * bytesPerWrite).position(i * bytesPerWrite);
            while (bareBytes.hasRemaining()) {
                bareAt += bare.write(bareBytes, bareAt);
            }
            bare.force(false);
        }
        return begin.elapsed();
    }

    private List<Entry> entries() {
        List<Entry> entries = new ArrayList<>();
        for (int i = 0; i < entriesPerWrite; i++) {
            entries.add(Entry.of(index + i, 1, Entry.Kind.COMMAND, 0, payload));
        }
        return entries;
    }

    @Override
    public void close() throws IOException {
        try (bare) {
            storage.close();
        }
    }
}
