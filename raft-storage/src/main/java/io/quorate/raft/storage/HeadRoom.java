package io.quorate.raft.storage;

import io.quorate.raft.core.DiskRoom;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the disk's room for what comes next: the next segment, and a small file whose place the next opening can have.
 *
 * <p>If there is too little room for these, that is no failure, but said: then nothing new should be begun. What is under way still fits
 * into the segment that has just been begun; and frames without entries, which change a term or a vote, have a part of each segment for
 * themselves as long as the next one is not there. It is tried again when the disk says that there is enough, and something to spare, or
 * else the group would stop and go at each file that comes and goes.
 *
 * <p>The reserve has the name of an unfinished file, and so goes first of all at each opening: that has to write the identity file, also
 * on a disk on which there is not a byte left.
 */
final class HeadRoom implements Closeable {

    static final String RESERVE = "reserve" + Spare.UNFINISHED;
    static final int RESERVE_BYTES = 8 << 10;

    /** Of a segment, this part is for frames without entries. */
    private static final int PART_FOR_HARD_STATES = 64;
    /** After an attempt that has failed though the disk had said that there is room, so many calls pass before the next. */
    private static final int PATIENCE = 30;
    private static final List<String> NO_SPACE = List.of("No space left on device", "Disk quota exceeded", "not enough space on the disk");

    private final FileSystem files;
    private final Spare spare;
    private @Nullable FileHandle reserve;
    private boolean isLow;
    private int patience;

    /** With whatever spare an earlier run has left. */
    HeadRoom(FileSystem files, int segmentBytes) throws IOException {
        this.files = files;
        spare = new Spare(files, Spare.NAME, segmentBytes);
        spare.reuse();
        look();
    }

    /** The next segment's file. */
    Spare spare() {
        return spare;
    }

    /** Whether it is there. */
    boolean isReady() {
        return spare.isReady();
    }

    /** How much room there is for entries, by how full the last segment is. */
    DiskRoom room(Segment last) {
        if (!isLow) {
            return DiskRoom.PLENTY;
        }
        return last.isHalfFull() ? DiskRoom.NONE : DiskRoom.LOW;
    }

    /** How many bytes at the end of a segment of this size are for frames without entries alone. */
    int keptForHardStates(int segmentBytes) {
        return isReady() ? 0 : segmentBytes / PART_FOR_HARD_STATES;
    }

    /** The spare has become a segment: whether there can be another is looked at now, while what is under way fits into that. */
    void look() {
        long usable = files.usableBytes();
        isLow = isLow || !isReady() && usable >= 0 && usable < needed();
    }

    /** Does one step, if there is one left to do and room for it; returns whether there is another. */
    boolean step() throws IOException {
        if (isReady() && reserve != null) {
            isLow = false;
            return false;
        }
        if (isLow && !spare.isBegun() && !mayTryAgain()) {
            return false;
        }
        try {
            if (reserve == null) {
                makeReserve();      // first: without it, a full disk could not be opened any more
            }
            if (spare.step()) {
                return true;
            }
            isLow = false;
        } catch (IOException e) {
            if (!isForLackOfRoom(e, files, needed() - spare.filled())) {
                throw e;
            }
            giveUp();
            isLow = true;
            patience = isEnough() ? PATIENCE : 0;
        }
        return false;
    }

    private boolean mayTryAgain() {
        if (patience > 0) {
            patience--;
            return false;
        }
        return isEnough();
    }

    private boolean isEnough() {
        long usable = files.usableBytes();
        return usable < 0 || usable >= needed() + spare.size() / 4;
    }

    private long needed() {
        return (isReady() ? 0 : spare.size()) + (reserve == null ? RESERVE_BYTES : 0);
    }

    private void makeReserve() throws IOException {
        if (files.list().contains(RESERVE)) {       // half of one, of an attempt that failed
            files.delete(RESERVE);
        }
        FileHandle made = files.create(RESERVE);
        boolean done = false;
        try {
            made.write(ByteBuffer.allocate(RESERVE_BYTES), 0);
            made.force();
            done = true;
        } finally {
            if (!done) {
                made.close();
            }
        }
        reserve = made;
    }

    private void giveUp() throws IOException {
        spare.giveUp();
        if (reserve == null && files.list().contains(RESERVE)) {
            files.delete(RESERVE);
        }
        files.syncDirectory();
    }

    /** At an opening: gives up the spare, if there is one, and what is unfinished of this file; returns whether that has made any room. */
    static boolean makeRoom(FileSystem files, String unfinished) throws IOException {
        List<String> names = files.list();
        if (names.contains(unfinished)) {
            files.delete(unfinished);
        }
        boolean hasSpare = names.contains(Spare.NAME);
        if (hasSpare) {
            files.delete(Spare.NAME);
        }
        files.syncDirectory();
        return hasSpare;
    }

    /** Whether it was for want of room that something failed that needed so many bytes more. */
    static boolean isForLackOfRoom(IOException e, FileSystem files, long bytes) {
        String message = String.valueOf(e.getMessage());
        long usable = files.usableBytes();
        return NO_SPACE.stream().anyMatch(message::contains) || usable >= 0 && usable < bytes;
    }

    @Override
    public void close() throws IOException {
        FileHandle made = reserve;
        reserve = null;
        try {
            if (made != null) {
                made.close();
            }
        } finally {
            spare.close();
        }
    }
}
