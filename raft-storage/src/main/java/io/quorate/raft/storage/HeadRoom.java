package io.quorate.raft.storage;

import io.quorate.raft.core.DiskRoom;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * Keeps the disk's room for what comes next: the next segment, and a small file whose place the next opening can have.
 *
 * <p>If there is too little room for these, that is no failure, but said: then nothing new should be begun. What is under way still fits
 * into the segment that has just been begun; and frames without entries, which change a term or a vote, have a part of each segment for
 * themselves as long as the next one is not there. It is tried again when the disk says that there is enough, and something to spare, or
 * else the group would stop and go at each file that comes and goes.
 *
 * <p>The small file is there for the next opening, which has to write the identity file, also on a disk on which there is not a byte left:
 * it makes room for that, and is made again when the one before has gone.
 */
final class HeadRoom implements Closeable {

    static final String RESERVE = "reserve";
    static final int RESERVE_BYTES = 8 << 10;

    /** Of a segment, this part is for frames without entries. */
    private static final int PART_FOR_HARD_STATES = 64;
    /** After an attempt that has failed though the disk had said that there is room, so many calls pass before the next. */
    private static final int PATIENCE = 30;
    private static final List<String> NO_SPACE = List.of("No space left on device", "Disk quota exceeded", "not enough space on the disk");

    private final FileSystem files;
    private final Spare spare;
    private boolean isReserved;
    private boolean isLow;
    private int patience;

    /** With whatever spare an earlier run has left. */
    HeadRoom(FileSystem files, int segmentBytes) throws IOException {
        this.files = files;
        spare = new Spare(files, Spare.NAME, segmentBytes);
        spare.reuse();
        isReserved = hasReserve(files);
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
        if (isReady() && isReserved) {
            isLow = false;
            return false;
        }
        if (isLow && !spare.isBegun() && !mayTryAgain()) {
            return false;
        }
        try {
            if (!isReserved) {
                reserve(files);
                isReserved = true;      // first: without it, a full disk could not be opened any more
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
        return (isReady() ? 0 : spare.size()) + (isReserved ? 0 : RESERVE_BYTES);
    }

    private static boolean hasReserve(FileSystem files) throws IOException {
        if (!files.list().contains(RESERVE)) {
            return false;
        }
        try (FileHandle file = files.openToRead(RESERVE)) {
            return file.size() == RESERVE_BYTES;
        }
    }

    /** Makes the reserve, if it is not there. */
    static void reserve(FileSystem files) throws IOException {
        if (hasReserve(files)) {
            return;
        }
        deleteReserve(files);       // half of one, of an attempt that failed
        try (FileHandle file = files.create(RESERVE)) {
            file.write(ByteBuffer.allocate(RESERVE_BYTES), 0);
            file.force();
        }
    }

    private static boolean deleteReserve(FileSystem files) throws IOException {
        boolean isThere = files.list().contains(RESERVE);
        if (isThere) {
            files.delete(RESERVE);
        }
        return isThere;
    }

    private void giveUp() throws IOException {
        spare.giveUp();
        if (!isReserved) {
            deleteReserve(files);
        }
        files.syncDirectory();
    }

    /**
     * At an opening for which there is no room: gives up the reserve; if that is not there, the spare segment.
     *
     * @param unfinished the file for which there was none; what is there of it goes first
     * @return whether there is any room now
     */
    static boolean makeRoom(FileSystem files, String unfinished) throws IOException {
        if (files.list().contains(unfinished)) {
            files.delete(unfinished);
        }
        boolean isMade = deleteReserve(files);
        if (!isMade && files.list().contains(Spare.NAME)) {
            files.delete(Spare.NAME);
            isMade = true;
        }
        files.syncDirectory();
        return isMade;
    }

    /** Makes the reserve again after such an opening, if there is room; else {@link #step} does when there is. */
    static void reserveIfThereIsRoom(FileSystem files) throws IOException {
        try {
            reserve(files);
        } catch (IOException e) {
            if (!isForLackOfRoom(e, files, RESERVE_BYTES)) {
                throw e;
            }
            deleteReserve(files);
        }
    }

    /** Whether it was for want of room that something failed that needed so many bytes more. */
    static boolean isForLackOfRoom(IOException e, FileSystem files, long bytes) {
        String message = String.valueOf(e.getMessage());
        long usable = files.usableBytes();
        return NO_SPACE.stream().anyMatch(message::contains) || usable >= 0 && usable < bytes;
    }

    @Override
    public void close() throws IOException {
        spare.close();
    }
}
