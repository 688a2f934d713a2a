package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What goes past the kernel's cache and what goes through it is one file. */
class LocalFileTest {

    private static final int BLOCKS = 16;
    private static final int STEPS = 400;
    private static final Path REFUSES = Path.of("/dev/full");
    private static final Path TAKES_ALL = Path.of("/dev/null");
    private static final long BEYOND_ANY_FILE = 1L << 60;

    @TempDir
    private Path directory;

    private Path path;

    @BeforeEach
    void name() {
        path = directory.resolve("file");
    }

    @Test
    void whateverIsWrittenPastTheCacheAndThroughItIsReadThroughIt() throws IOException {
        SplittableRandom random = new SplittableRandom(1);
        byte[] expected = new byte[BLOCKS * Blocks.BYTES];
        ByteBuffer memory = Blocks.allocate(expected.length);
        try (FileHandle file = LocalFile.openForLog(path, true, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ,
                StandardOpenOption.WRITE);
                FileHandle reader = LocalFile.open(path, true, StandardOpenOption.READ)) {
            file.write(memory.clear(), 0);
            for (int i = 0; i < STEPS; i++) {
                boolean isWhole = random.nextInt(3) > 0;
                int unit = isWhole ? Blocks.BYTES : 1;
                int from = random.nextInt(expected.length / unit) * unit;
                int to = from + unit * (1 + random.nextInt((expected.length - from) / unit));
                byte[] bytes = new byte[to - from];
                random.nextBytes(bytes);
                System.arraycopy(bytes, 0, expected, from, bytes.length);
                ByteBuffer source = memory.clear().limit(bytes.length).put(bytes).flip();
                file.write(source, from);
                assertFalse(source.hasRemaining());
                byte[] read = new byte[expected.length];
                assertEquals(read.length, (i % 2 == 0 ? file : reader).read(ByteBuffer.wrap(read), 0));
                assertArrayEquals(expected, read, "after step " + i);
            }
            file.force();
        }
        assertArrayEquals(expected, Files.readAllBytes(path));
    }

    @Test
    void whereTheSystemRefusesItIsWrittenThroughTheCache() throws IOException {
        assumeTrue(Files.exists(REFUSES), "nothing here refuses what is written to it");
        FileChannel channel = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
        FileChannel refuses = FileChannel.open(REFUSES, StandardOpenOption.WRITE);
        byte[] expected = new byte[3 * Blocks.BYTES];
        Arrays.fill(expected, (byte) 7);
        ByteBuffer source = Blocks.allocate(expected.length).put(expected).flip();
        try (LocalFile file = new LocalFile(path, true, channel, refuses)) {
            file.write(source.limit(2 * Blocks.BYTES), 0);
            file.write(source.limit(expected.length), 2L * Blocks.BYTES);
            file.force();
        }
        assertFalse(refuses.isOpen());
        assertArrayEquals(expected, Files.readAllBytes(path));
    }

    @Test
    void aWritePastTheCacheThatFailsWhereOthersDidNotIsNotTriedAgain() throws IOException {
        assumeTrue(Files.exists(TAKES_ALL), "nothing here takes whatever is written to it");
        FileChannel channel = FileChannel.open(TAKES_ALL, StandardOpenOption.READ, StandardOpenOption.WRITE);
        FileChannel uncached = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        ByteBuffer source = Blocks.allocate(Blocks.BYTES);
        try (LocalFile file = new LocalFile(path, true, channel, uncached)) {
            file.write(source, 0);
            assertThrows(IOException.class, () -> file.write(source.clear(), BEYOND_ANY_FILE));
        }
        assertEquals(Blocks.BYTES, Files.size(path));
    }

    @Test
    void whoIsInterruptedWhileItIsWrittenPastTheCacheLosesTheFile() throws IOException {
        FileChannel channel = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
        FileChannel uncached = FileChannel.open(path, StandardOpenOption.WRITE);
        try (LocalFile file = new LocalFile(path, true, channel, uncached)) {
            ByteBuffer source = Blocks.allocate(Blocks.BYTES);
            Thread.currentThread().interrupt();
            assertThrows(IOException.class, () -> file.write(source, 0));
        } finally {
            assertTrue(Thread.interrupted());
        }
        assertEquals(0, Files.size(path));
    }
}
