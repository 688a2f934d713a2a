package io.quorate.raft.storage;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file for a segment to come, made ahead of need in bounded steps: of a segment that the log needs no more, or else of zeros.
 *
 * <p>While it is being filled with zeros it has a name that the next opening deletes; it gets its own name when all of it is durable. Of a
 * segment's file only the first block is filled with zeros: what stands behind that tells by itself that it is of another segment. Either
 * is kept over a restart if it is all zeros where a segment begins. What that gives is told in docs/decisions/0004.
 */
final class Spare implements Closeable {

    /** Names that end so are deleted at opening. */
    static final String UNFINISHED = ".tmp";
    static final String NAME = "spare.seg";
    /** Of the one for the segment behind the next. */
    static final String SECOND = "recycled.seg";
    private static final Logger LOG = LoggerFactory.getLogger(Spare.class);
    /**
     * A write may wait for one step, and does not wait noticeably longer for this one than for another write: with steps of 1 MiB
     * operations were 0.86, and p99 1.3, with 4 KiB and 256 outstanding. More than a segment takes for
     * {@link io.quorate.raft.Storage#MAINTAINED_BYTES} of the smallest entries, if a write has four of them or more; so it is ready in time.
     * If each has fewer, and another always waits, a part of the zeros is left to the write that needs the file.
     */
    static final int STEP_BYTES = 128 << 10;
    private static final int LOOKED_AT_BYTES = Blocks.BYTES;
    private static final ByteBuffer ZEROS = Blocks.allocate(STEP_BYTES).asReadOnlyBuffer();

    private final FileSystem files;
    private final String name;
    private final int size;
    private @Nullable FileHandle file;
    private int filled;
    private boolean isRecycled;     // the file of a segment, in which its beginning still stands
    private boolean ready;

    /** A spare of so many bytes, of which nothing exists yet. */
    Spare(FileSystem files, String name, int size) {
        this.files = files;
        this.name = name;
        this.size = size;
    }

    /** Takes over the spare that an earlier run left, if there is one of the right size that was never begun. */
    void reuse() throws IOException {
        if (!files.list().contains(name)) {
            return;
        }
        FileHandle left = files.openForLog(name);
        if (left.size() == size && isBlank(left)) {
            file = left;
            filled = size;
            ready = true;
        } else {
            left.close();
            files.delete(name);
            files.syncDirectory();
        }
    }

    private boolean isBlank(FileHandle left) throws IOException {
        byte[] start = new byte[Math.min(LOOKED_AT_BYTES, size)];
        try {
            left.read(ByteBuffer.wrap(start), 0);
        } catch (UnreadableException e) {
            LOG.warn("A file in which there is nothing yet is made once more: {}", e.getMessage());     // no reason to refuse what is whole
            return false;
        }
        for (byte b : start) {
            if (b != 0) {
                return false;
            }
        }
        return true;
    }

    /** Whether all of it is there. */
    boolean isReady() {
        return ready;
    }

    /** Whether some of it is, and not all. */
    boolean isBegun() {
        return file != null && !ready;
    }

    /** Whether the next step makes it ready, and takes no room. */
    boolean isRecycled() {
        return isRecycled;
    }

    /**
     * Takes over the file of a segment that nobody needs any more, if nothing was begun and it has the right size. It is not a segment any
     * more on return, whatever comes: only then something is written into it, by {@link #step}.
     *
     * @return false if it stays a segment's
     */
    boolean recycle(String segment) throws IOException {
        if (file != null) {
            return false;
        }
        FileHandle left = openIfOfThisSize(segment);
        if (left == null) {
            return false;
        }
        boolean isTaken = false;
        try {
            files.rename(segment, name);
            files.syncDirectory();
            isTaken = true;
        } finally {
            if (!isTaken) {
                left.close();
            }
        }
        file = left;
        isRecycled = true;
        return true;
    }

    /** How many bytes of it are. */
    int filled() {
        return filled;
    }

    /** Null if it is of another size, or cannot be opened: nothing hangs on it. */
    private @Nullable FileHandle openIfOfThisSize(String segment) throws IOException {
        FileHandle left;
        try {
            left = files.openForLog(segment);
        } catch (IOException e) {
            LOG.warn("{} is deleted instead of being used again: {}", files.pathOf(segment), e.toString());
            return null;
        }
        if (left.size() != size) {
            left.close();
            return null;
        }
        return left;
    }

    /** Deletes what is there of one that is not ready. */
    void giveUp() throws IOException {
        if (!ready) {
            delete();
        }
    }

    /** Deletes what is there of it. */
    void delete() throws IOException {
        FileHandle begun = file;
        forget();
        if (begun != null) {
            begun.close();
        }
        for (String each : files.list()) {
            if (each.equals(name) || each.equals(name + UNFINISHED)) {
                files.delete(each);
            }
        }
    }

    /** Does one step, if there is one left to do; returns whether there is another. */
    boolean step() throws IOException {
        if (ready) {
            return false;
        }
        FileHandle filling = file;
        if (isRecycled && filling != null) {
            zero(filling, 0, Math.min(LOOKED_AT_BYTES, size));
            filling.force();
            ready = true;
            return false;
        }
        if (filling == null) {
            filling = files.createForLog(name + UNFINISHED);
            file = filling;
        }
        int length = Math.min(STEP_BYTES, size - filled);
        zero(filling, filled, filled + length);
        filled += length;
        if (filled < size) {
            filling.drain();
            return true;
        }
        filling.force();
        files.rename(name + UNFINISHED, name);
        files.syncDirectory();
        ready = true;
        return false;
    }

    /** Hands over the finished file and its name; there is no spare after that. */
    FileHandle take() throws IOException {
        while (step()) {
            continue;
        }
        FileHandle taken = file;
        if (taken == null) {
            throw new IllegalStateException("A spare that is ready has a file");
        }
        forget();
        return taken;
    }

    private void forget() {
        file = null;
        filled = 0;
        isRecycled = false;
        ready = false;
    }

    String name() {
        return name;
    }

    int size() {
        return size;
    }

    static void zero(FileHandle file, int from, int to) throws IOException {
        for (int at = from; at < to; at += STEP_BYTES) {
            file.write(ZEROS.duplicate().limit(Math.min(STEP_BYTES, to - at)), at);
        }
    }

    @Override
    public void close() throws IOException {
        if (file != null) {
            file.close();
        }
    }
}
