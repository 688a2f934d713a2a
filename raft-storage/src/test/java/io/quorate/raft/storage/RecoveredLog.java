package io.quorate.raft.storage;

import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.LogView;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Writes a log, opens and recovers it, and reads it all: a program whose heap its starter bounds. Its arguments are a directory and how many
 * MiB the log has.
 */
final class RecoveredLog {

    private static final int TAIL_BYTES = 2 << 20;
    private static final int ENTRIES_PER_WRITE = 1000;
    private static final int PAYLOAD = 100;
    private static final FileStorage.Options OPTIONS = FileStorage.Options.defaults().withSegmentBytes(4 << 20)
        .withTailBytesMax(TAIL_BYTES);

    private RecoveredLog() { }

    public static void main(String[] args) throws IOException {
        Path directory = Path.of(args[0], "log");
        long bytes = Long.parseLong(args[1]) << 20;
        long last = write(directory, bytes);
        try (FileStorage storage = FileStorage.open(directory, 1, OPTIONS)) {
            LogView log = storage.recover().log();
            require(log.terms().lastIndex() == last, "it ends at " + log.terms().lastIndex() + ", not at " + last);
            List<Entry> tail = log.tail();
            long tailBytes = tail.stream().mapToLong(Entry::size).sum();
            require(tail.get(tail.size() - 1).index() == last && tailBytes <= TAIL_BYTES, tailBytes + " bytes are handed over");
            for (long next = 1; next <= last; ) {
                for (Entry entry : storage.read(next, last, 1 << 16)) {
                    require(entry.equals(Logs.entry(next++, 1, PAYLOAD)), "entry " + entry.index() + " is another");
                }
            }
            System.out.printf("recovered: %d MiB, %d MiB of them at once, with a heap of %d MiB%n", bytes >> 20,
                tailBytes + (1 << 19) >> 20, Runtime.getRuntime().maxMemory() >> 20);
        }
    }

    private static long write(Path directory, long bytes) throws IOException {
        try (FileStorage storage = FileStorage.open(directory, 1, OPTIONS)) {
            storage.found(Logs.founding(storage));
            storage.recover();
            long last = 0;
            for (long written = 0, id = 1; written < bytes; id++) {
                storage.write(List.of(Logs.append(id, last + 1, last + ENTRIES_PER_WRITE, 1, PAYLOAD)));
                last += ENTRIES_PER_WRITE;
                written += (long) ENTRIES_PER_WRITE * (Entry.HEADER_BYTES + PAYLOAD);
            }
            return last;
        }
    }

    private static void require(boolean isSo, String otherwise) {
        if (!isSo) {
            throw new IllegalStateException(otherwise);
        }
    }
}
