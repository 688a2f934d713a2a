package io.quorate.raft.storage;

import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.HardState;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Measures how long a log of a million entries takes to recover, and how many frames a second become durable. A program, not a test:
 * its argument is a directory on the disk to be measured.
 */
final class Measure {

    private static final int ENTRIES = 1_000_000;
    private static final HardState HARD_STATE = new HardState(1, null, 0);

    private Measure() { }

    public static void main(String[] args) throws IOException {
        Path parent = Path.of(args[0]);
        for (int round = 0; round < 3; round++) {
            recovery(parent.resolve("recovery" + round));
        }
        for (int round = 0; round < 2; round++) {
            bare(parent.resolve("bareSmall" + round), 4 << 10, 20_000);
            frames(parent.resolve("small" + round), 4 << 10, 20_000);
            bare(parent.resolve("bareMedium" + round), 64 << 10, 8_000);
            frames(parent.resolve("medium" + round), 64 << 10, 8_000);
        }
    }

    private static FileStorage founded(Path directory) {
        FileStorage storage = FileStorage.open(directory, 1);
        storage.found(Logs.founding(storage));
        storage.recover();
        return storage;
    }

    private static void recovery(Path directory) throws IOException {
        FileStorage storage = founded(directory);
        byte[] payload = new byte[256];
        long start = System.nanoTime();
        for (int first = 1; first <= ENTRIES; first += 1000) {
            List<Entry> entries = new ArrayList<>();
            for (int i = 0; i < 1000; i++) {
                entries.add(Entry.of(first + i, 1, Entry.Kind.COMMAND, 0, payload));
            }
            storage.write(List.of(new Storage.Write(first, HARD_STATE, first, entries)));
        }
        long written = System.nanoTime();
        storage.close();
        long closed = System.nanoTime();
        FileStorage again = FileStorage.open(directory, 1);
        Storage.Recovered recovered = again.recover();
        long opened = System.nanoTime();
        int read = 0;
        for (long next = 1; next <= ENTRIES; ) {
            List<Entry> entries = again.read(next, ENTRIES, 1 << 20);
            next += entries.size();
            read += entries.size();
        }
        long end = System.nanoTime();
        again.close();
        System.out.printf("%,d x 256 B in frames of 1000: written in %d ms (rolling inline), recovered in %d ms (%,d in the tail),"
            + " %,d read in pieces of 1 MiB in %d ms%n", ENTRIES, (written - start) / 1_000_000, (opened - closed) / 1_000_000,
            recovered.log().tail().size(), read, (end - opened) / 1_000_000);
        delete(directory);
    }

    private static void frames(Path directory, int bytes, int count) throws IOException {
        FileStorage storage = founded(directory);
        int perFrame = bytes / (256 + Entry.HEADER_BYTES);
        byte[] payload = new byte[256];
        long[] nanos = new long[count];
        long index = 1;
        long busy = 0;
        for (int i = 0; i < count; i++) {
            List<Entry> entries = new ArrayList<>();
            for (int k = 0; k < perFrame; k++) {
                entries.add(Entry.of(index + k, 1, Entry.Kind.COMMAND, 0, payload));
            }
            List<Storage.Write> batch = List.of(new Storage.Write(i, HARD_STATE, index, entries));
            long start = System.nanoTime();
            storage.write(batch);
            nanos[i] = System.nanoTime() - start;
            busy += nanos[i];
            index += perFrame;
            storage.maintain();   // as the disk thread does between writes
        }
        storage.close();
        Arrays.sort(nanos);
        System.out.printf("frames of %d KiB (%d entries): %,d/s, %,.0f MB/s; p50 %d us, p99 %d us, p99.9 %d us, max %d us%n", bytes >> 10,
            perFrame, count * 1_000_000_000L / busy, count * (double) bytes * 1000 / busy, nanos[count / 2] / 1000,
            nanos[(int) (count * 0.99)] / 1000, nanos[(int) (count * 0.999)] / 1000, nanos[count - 1] / 1000);
        delete(directory);
    }

    /** What the disk and the JDK allow: the same bytes at once, into zeros that are there. */
    private static void bare(Path directory, int bytes, int count) throws IOException {
        Files.createDirectories(directory);
        LocalFileSystem files = new LocalFileSystem(directory, true);
        long[] nanos = new long[count];
        long busy = 0;
        try (FileHandle file = files.create("bare")) {
            int size = 64 << 20;
            Spare.zero(file, 0, size);
            file.force();
            ByteBuffer source = ByteBuffer.allocateDirect(bytes);
            for (int i = 0, at = 0; i < count; i++, at = (at + bytes) % (size - bytes)) {
                long start = System.nanoTime();
                file.write(source.clear(), at);
                file.force();
                nanos[i] = System.nanoTime() - start;
                busy += nanos[i];
            }
        }
        Arrays.sort(nanos);
        System.out.printf("bare writes of %d KiB: %,d/s; p50 %d us, p99 %d us%n", bytes >> 10, count * 1_000_000_000L / busy,
            nanos[count / 2] / 1000, nanos[(int) (count * 0.99)] / 1000);
        delete(directory);
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
