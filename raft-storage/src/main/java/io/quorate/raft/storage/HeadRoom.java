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
 * <p>The next segment gets the file of one that the log needs no more, if there is one: no zeros have to be written then. Since that is let
 * go of later than the next one is needed, one more is kept, for the segment behind the next, as long as the disk has room for it. See
 * docs/decisions/0004.
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
    /** Once in so many calls with nothing to do it is looked whether there is still room for the second file: that takes a while. */
    private static final int CALLS_BETWEEN_LOOKS = 16;
    /** Of a segment, so much is to spare where there is room again; where there is less in all, the second file is given up. */
    private static final int PART_TO_SPARE = 4;
    private static final List<String> NO_SPACE = List.of("No space left on device", "Disk quota exceeded", "not enough space on the disk");

    private final FileSystem files;
    private final Spare spare;
    private final Spare second;     // never filled with zeros: the file of a segment that was let go of, or nothing
    private final Discarded discarded;
    private boolean isReserved;
    private boolean isLow;
    private int patience;
    private int calls;

    /** With whatever files an earlier run has left. */
    HeadRoom(FileSystem files, int segmentBytes) throws IOException {
        this.files = files;
        spare = new Spare(files, Spare.NAME, segmentBytes);
        second = new Spare(files, Spare.SECOND, segmentBytes);
        discarded = new Discarded(files);
        boolean done = false;
        try {
            spare.reuse();
            second.reuse();
            isReserved = hasReserve(files);
            look();
            done = true;
        } finally {
            if (!done) {
                close();
            }
        }
    }

    /** How large a segment is. */
    int segmentBytes() {
        return spare.size();
    }

    /** The next segment's file; it is there, or can be made now. */
    Spare next() {
        return isThere(spare) || !isThere(second) ? spare : second;
    }

    /** Whether it is there. */
    boolean isReady() {
        return isThere(spare) || isThere(second);
    }

    private static boolean isThere(Spare file) {
        return file.isReady() || file.isRecycled();
    }

    /**
     * Lets go of a segment's file: it is for a segment to come, or deleted if enough of these are there, or too little room. In either case
     * it is no segment any more on return, and for good.
     *
     * @param isSound whether nothing that was ever found in it speaks against writing into it again
     */
    void letGo(String segment, boolean isSound) throws IOException {
        if (!isSound || !mayBeKept() || !spare.recycle(segment) && !second.recycle(segment)) {
            discarded.begin(segment);
        }
    }

    /** Whether a file is being given back: another one can be let go of when that is done. */
    boolean isDiscarding() {
        return discarded.isBegun();
    }

    /** Gives back a piece of a file that was let go of; returns whether there was one. */
    boolean discard() throws IOException {
        return discarded.step();
    }

    /** Makes a file ready that was let go of and is kept; returns whether there was one. */
    boolean prepare() throws IOException {
        for (Spare each : List.of(spare, second)) {
            if (each.isRecycled() && !each.isReady()) {
                each.step();
                isLow = false;
                return true;
            }
        }
        return false;
    }

    /** As if its bytes were free, and asked for again: whether there is another file or not, so much has to be left beside it. */
    private boolean mayBeKept() {
        long usable = files.usableBytes();
        return usable < 0 || usable >= toSpare() + (isReady() ? spare.size() : 0) || !isReady() && !isLow;
    }

    private int toSpare() {
        return spare.size() / PART_TO_SPARE;
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
        if (prepare()) {
            return true;
        }
        if (isReady() && isReserved) {
            isLow = false;
            giveUpSecondIfLow();
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
            if (!isReady() && spare.step()) {
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

    private void giveUpSecondIfLow() throws IOException {
        if (!spare.isReady() || !second.isReady()) {
            return;
        }
        calls = (calls + 1) % CALLS_BETWEEN_LOOKS;
        if (calls > 0) {
            return;
        }
        long usable = files.usableBytes();
        if (usable >= 0 && usable < toSpare()) {
            second.delete();
            files.syncDirectory();
        }
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
        return usable < 0 || usable >= needed() + toSpare();
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

    private static void deleteReserve(FileSystem files) throws IOException {
        if (files.list().contains(RESERVE)) {
            files.delete(RESERVE);
        }
    }

    private void giveUp() throws IOException {
        spare.giveUp();
        if (!isReserved) {
            deleteReserve(files);
        }
        files.syncDirectory();
    }

    /**
     * At an opening for which there is no room: gives up the file for the segment behind the next; if that is not there, the reserve; and
     * if that is not there either, the next segment's.
     *
     * @param unfinished the file for which there was none; what is there of it goes first
     * @return whether there is any room now
     */
    static boolean makeRoom(FileSystem files, String unfinished) throws IOException {
        if (files.list().contains(unfinished)) {
            files.delete(unfinished);
        }
        boolean isMade = false;
        for (String name : List.of(Spare.SECOND, RESERVE, Spare.NAME)) {
            if (!isMade && files.list().contains(name)) {
                files.delete(name);
                isMade = true;
            }
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
        try {
            discarded.close();
        } finally {
            try {
                spare.close();
            } finally {
                second.close();
            }
        }
    }
}
