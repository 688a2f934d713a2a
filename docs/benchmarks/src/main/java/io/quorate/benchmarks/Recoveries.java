package io.quorate.benchmarks;

import io.quorate.raft.Storage;
import io.quorate.raft.core.Entry;
import io.quorate.raft.storage.FileStorage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/**
 * How fast a log is recovered, against a bare loop that reads the same files and checks the checksum of each entry in them, and does
 * nothing else. All of it is in the operating system's cache: what is compared is the work, not the disk.
 *
 * <p>The bare loop is as fast as such a loop can be made here: the bytes are summed where the kernel puts them, outside of the heap, and so
 * many are read at once as was fastest in the rounds that are not counted.
 *
 * <p>To sum all bytes at once, without a look at what they are, is faster than that loop: a checksum over a few hundred bytes takes about
 * twice as long, byte by byte, as one over a megabyte. That is printed beside it.
 */
final class Recoveries {

    private static final int WARM_UPS = 16;
    private static final List<Integer> PIECES = List.of(1 << 20, 1 << 16, 1 << 18, 1 << 22);
    private static final int SEGMENT_HEADER_BYTES = 64;      // this and the next: docs/storage-format.md
    private static final int FRAME_HEADER_BYTES = 100;
    private static final int FRAME_MAGIC = 0x5146524D;
    private static final int FRAME_LENGTH_AT = 80;
    private static final int CHECKED_FROM = 8;               // of an entry: behind its size and its checksum

    private final int pieceBytes;
    private long entriesSeen;
    private long sum;        // so that no compiler finds that nobody wants to know

    private Recoveries(int pieceBytes) {
        this.pieceBytes = pieceBytes;
    }

    /** Measures, and prints a line for the first time, and one for the others; whether the target was reached. */
    static boolean measure(Path directory, int entries, int entryBytes, double target, int rounds) throws IOException {
        String what = "recover entries=" + entries + " entry_bytes=" + entryBytes;
        for (int i = 0; i < WARM_UPS; i++) {
            Clock time = recover(directory, entries);
            if (i == 0) {
                Clock bareTime = new Recoveries(PIECES.get(0)).checkAll(directory, entries);
                System.out.println(String.format(Locale.ROOT, "bench: %s once ms=%.0f bare_ms=%.0f", what, time.nanos() / 1e6,
                    bareTime.nanos() / 1e6));
            }
        }
        int piece = fastest(directory, entries);
        Rounds result = new Rounds(what + " bare_piece_kib=" + (piece >> 10), entries, target, rounds);
        Rounds unchecked = new Rounds(what + " bare=sum", entries, 0, rounds);
        for (int i = 0; i < rounds; i++) {
            Recoveries bare = new Recoveries(piece);
            Clock time = recover(directory, entries);
            Clock bareTime = bare.checkAll(directory, entries);
            Clock sumTime = bare.sum(directory);
            result.add(time, bareTime);
            unchecked.add(time, sumTime);
        }
        unchecked.print("entries_per_s");
        return result.print("entries_per_s");
    }

    /** How many bytes the bare loop reads at once with the least of the processor's time. */
    private static int fastest(Path directory, int entries) throws IOException {
        long[] least = new long[PIECES.size()];
        Arrays.fill(least, Long.MAX_VALUE);
        for (int i = 0; i < WARM_UPS; i++) {
            for (int size = 0; size < PIECES.size(); size++) {
                least[size] = Math.min(least[size], new Recoveries(PIECES.get(size)).checkAll(directory, entries).cpuNanos());
            }
        }
        int fastest = 0;
        for (int size = 1; size < PIECES.size(); size++) {
            fastest = least[size] < least[fastest] ? size : fastest;
        }
        return PIECES.get(fastest);
    }

    private Clock checkAll(Path directory, int entries) throws IOException {
        Clock time = check(directory);
        if (entriesSeen != entries) {
            throw new IllegalStateException("the bare loop found " + entriesSeen + " entries, sum " + sum);
        }
        return time;
    }

    private static Clock recover(Path directory, int entries) {
        Clock begin = Clock.now();
        try (FileStorage storage = Logs.open(directory)) {
            Storage.Recovered recovered = storage.recover();
            Clock time = begin.elapsed();
            if (recovered.log().terms().lastIndex() != entries) {
                throw new IllegalStateException("recovered " + recovered.log().terms() + " of " + entries + " entries");
            }
            return time;
        }
    }

    private Clock check(Path directory) throws IOException {
        List<Path> segments = segments(directory);
        Clock begin = Clock.now();
        ByteBuffer piece = ByteBuffer.allocateDirect(pieceBytes);
        CRC32C crc = new CRC32C();
        for (Path segment : segments) {
            try (FileChannel channel = FileChannel.open(segment, StandardOpenOption.READ)) {
                piece.clear().limit(0);
                skip(channel, piece, SEGMENT_HEADER_BYTES);
                while (has(channel, piece, FRAME_HEADER_BYTES) && piece.getInt(piece.position()) == FRAME_MAGIC) {
                    int left = piece.getInt(piece.position() + FRAME_LENGTH_AT);
                    skip(channel, piece, FRAME_HEADER_BYTES);
                    while (left > 0) {
                        left -= checkEntry(channel, piece, crc);
                    }
                }
                while (has(channel, piece, 1)) {     // the rest is read, too
                    piece.position(piece.limit());
                }
            }
        }
        return begin.elapsed();
    }

    private int checkEntry(FileChannel channel, ByteBuffer piece, CRC32C crc) throws IOException {
        has(channel, piece, Entry.HEADER_BYTES);
        int size = piece.getInt(piece.position());
        has(channel, piece, size);
        int at = piece.position();
        int limit = piece.limit();
        crc.reset();
        crc.update(piece.limit(at + size).position(at + CHECKED_FROM));     // which moves it behind the entry
        if ((int) crc.getValue() != piece.getInt(at + 4)) {
            throw new IllegalStateException("an entry is damaged");
        }
        piece.limit(limit);
        entriesSeen++;
        return size;
    }

    private static void skip(FileChannel channel, ByteBuffer piece, int bytes) throws IOException {
        has(channel, piece, bytes);
        piece.position(piece.position() + bytes);
    }

    /** Whether there are so many bytes more; they are in the piece then. */
    private static boolean has(FileChannel channel, ByteBuffer piece, int bytes) throws IOException {
        if (piece.remaining() >= bytes) {
            return true;
        }
        piece.compact();
        while (piece.position() < bytes && channel.read(piece) >= 0) {
            continue;
        }
        piece.flip();
        return piece.remaining() >= bytes;
    }

    private Clock sum(Path directory) throws IOException {
        List<Path> segments = segments(directory);
        Clock begin = Clock.now();
        ByteBuffer piece = ByteBuffer.allocateDirect(pieceBytes);
        CRC32C crc = new CRC32C();
        for (Path segment : segments) {
            try (FileChannel channel = FileChannel.open(segment, StandardOpenOption.READ)) {
                while (channel.read(piece.clear()) >= 0) {
                    crc.update(piece.flip());
                }
            }
        }
        sum = crc.getValue();
        return begin.elapsed();
    }

    private static List<Path> segments(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> file.getFileName().toString().startsWith("log-")).sorted().toList();
        }
    }
}
