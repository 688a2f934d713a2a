package io.quorate.raft.storage;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quorate.raft.core.Entry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

/** What is handed over in whole blocks can go to the disk without another copy. */
class StagingTest {

    private final List<Boolean> whole = new ArrayList<>();
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private int written;

    /** Looks at what it is given. */
    private final class Witness implements FileHandle {

        @Override
        public int read(ByteBuffer target, long position) {
            return 0;
        }

        @Override
        public void write(ByteBuffer source, long position) {
            whole.add(Blocks.areWhole(source, position));
            written += source.remaining();
            while (source.hasRemaining()) {
                bytes.write(source.get());
            }
        }

        @Override
        public void force() {
            return;
        }

        @Override
        public void drain() {
            return;
        }

        @Override
        public long size() {
            return 0;
        }

        @Override
        public void close() {
            return;
        }
    }

    @Test
    void aFrameThatBeginsWhereABlockDoesIsHandedOverInWholeBlocks() throws IOException {
        int segmentBytes = 64 << 10;
        Staging staging = new Staging(segmentBytes);
        byte[] frame = new byte[100_000];
        staging.begin(new Witness(), 2 * Blocks.BYTES);
        staging.put(frame, 0, frame.length);
        staging.fillLastBlock(4 * segmentBytes);
        staging.flush();
        assertEquals(List.of(true, true), whole);
        assertEquals(25 * Blocks.BYTES, written);
    }

    @Test
    void onlyTheEndOfAFileMayBeLessThanABlock() throws IOException {
        Staging staging = new Staging(Blocks.BYTES);
        staging.begin(new Witness(), 0);
        staging.put(new byte[10], 0, 10);
        staging.fillLastBlock(100);
        staging.flush();
        assertEquals(List.of(false), whole);
        assertEquals(100, written);
    }

    @Test
    void entriesThatShareAnArrayAreCopiedWhereverTheyStandInIt() throws IOException {
        List<Entry> made = new ArrayList<>();
        ByteArrayOutputStream message = new ByteArrayOutputStream();
        for (int i = 0; i < 12; i++) {
            Entry entry = Entry.of(i + 1, 1, Entry.Kind.COMMAND, 0, new byte[i]);
            made.add(entry);
            message.write(entry.array(), entry.offset(), entry.size());
        }
        byte[] shared = message.toByteArray();
        List<Entry> came = new ArrayList<>();
        for (int at = 0; at < shared.length; at += came.get(came.size() - 1).size()) {
            came.add(Entry.decode(shared, at, shared.length));
        }
        // All of them; one left out; the one before once more; one in an array of its own; and one of the shared array behind that.
        List<Entry> entries = new ArrayList<>(came);
        entries.addAll(List.of(came.get(2), came.get(4), came.get(3), came.get(4), made.get(5), came.get(6), came.get(7)));
        ByteArrayOutputStream expected = new ByteArrayOutputStream();
        entries.forEach(entry -> expected.write(entry.array(), entry.offset(), entry.size()));
        Staging staging = new Staging(1);
        staging.begin(new Witness(), 0);
        staging.put(entries);
        staging.flush();
        assertArrayEquals(expected.toByteArray(), bytes.toByteArray());
    }

    @Test
    void whatIsKnownOfEntriesIsThatOfTheLastFrame() {
        EntryTable table = new EntryTable();
        for (int count : new int[] {3, 200, 70_000, 5}) {
            List<Entry> entries = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                entries.add(Entry.of(i + 1, 1 + i / 2, Entry.Kind.COMMAND, 0, new byte[i % 3]));
            }
            int at = table.fill(entries, 164);
            CRC32C sum = new CRC32C();
            int end = 164;
            for (int i = 0; i < count; i++) {
                assertEquals(1 + i / 2, table.terms()[i]);
                assertEquals(end, table.offsets()[i]);
                sum.update(entries.get(i).array(), 0, Segment.ENTRY_HEAD_BYTES);
                end += entries.get(i).size();
            }
            assertEquals(end, at);
            assertEquals((int) sum.getValue(), table.sum(count));
        }
        assertTrue(table.terms().length <= 1 << 16, "room for the largest frame there ever was is not kept");
    }

    @Test
    void memoryThatWasAskedForBeginsWhereABlockDoes() {
        ByteBuffer memory = Blocks.allocate(3 * Blocks.BYTES);
        assertEquals(3 * Blocks.BYTES, memory.capacity());
        assertTrue(Blocks.areWhole(memory, 0));
        assertFalse(Blocks.areWhole(memory, 1));
        assertFalse(Blocks.areWhole(memory.duplicate().position(1), 0));
        assertFalse(Blocks.areWhole(memory.duplicate().limit(1), 0));
        assertFalse(Blocks.areWhole(memory.duplicate().position(512).limit(512 + Blocks.BYTES), 0));
        assertFalse(Blocks.areWhole(ByteBuffer.allocate(Blocks.BYTES), 0));
    }
}
