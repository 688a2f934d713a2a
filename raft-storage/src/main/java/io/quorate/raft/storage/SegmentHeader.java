package io.quorate.raft.storage;

import io.quorate.raft.StorageException;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * The first bytes of a segment: which it is, and behind what it continues.
 *
 * <p>A file gets a segment's name only when its header and its first frame are durable, so a named segment without a valid header is
 * damaged.
 *
 * @param id               counts the segments of a directory from 1; never used twice
 * @param size             the file's size, in bytes: all of it was there when the segment began
 * @param firstIndex       the index behind the last entry when the segment began
 * @param firstFrame       the number of its first frame
 * @param previousCrc      the checksum of the frame before that; 0 in the first segment
 * @param previousEnd      where that frame ends in the previous segment; 0 in the first
 */
record SegmentHeader(long id, int size, long firstIndex, long firstFrame, int previousCrc, int previousEnd) {

    static final int BYTES = 64;
    static final int VERSION = 1;
    private static final int MAGIC = 0x51534547;   // "QSEG"
    private static final int CRC_AT = 60;

    static String fileName(long id) {
        return String.format("log-%016x.seg", id);
    }

    /** The id in a segment's file name, or 0 if it is the name of something else. */
    static long idOf(String fileName) {
        return fileName.matches("log-[0-9a-f]{16}\\.seg") ? Long.parseUnsignedLong(fileName, 4, 20, 16) : 0;
    }

    byte[] encode(long incarnation) {
        ByteBuffer bytes = ByteBuffer.allocate(BYTES);
        bytes.putInt(MAGIC).putInt(VERSION).putLong(id).putLong(incarnation).putLong(size).putLong(firstIndex).putLong(firstFrame)
            .putInt(previousCrc).putInt(previousEnd).putInt(0);
        bytes.putInt(new Crc(incarnation).add(bytes.array(), 0, CRC_AT).value());
        return bytes.array();
    }

    /**
     * Reads a header.
     *
     * @throws IllegalArgumentException if there is none that belongs here; the message says why
     */
    static SegmentHeader decode(byte[] array, long incarnation, long id) {
        ByteBuffer bytes = ByteBuffer.wrap(array, 0, BYTES);
        if (bytes.getInt() != MAGIC) {
            throw new IllegalArgumentException("it does not begin as a segment does");
        }
        bytes.getInt();   // the version was judged before
        long ownId = bytes.getLong();
        long owner = bytes.getLong();
        if (bytes.getInt(CRC_AT) != new Crc(owner).add(array, 0, CRC_AT).value()) {
            throw new IllegalArgumentException("the segment's header has a wrong checksum");
        }
        if (owner != incarnation) {
            throw new IllegalArgumentException(String.format("it is a segment of another replica, of incarnation %016x", owner));
        }
        if (ownId != id) {
            throw new IllegalArgumentException("it is segment " + ownId + " under the name of another");
        }
        long size = bytes.getLong();
        if (size < BYTES || size > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("it records an impossible size of " + size);
        }
        return new SegmentHeader(id, (int) size, bytes.getLong(), bytes.getLong(), bytes.getInt(), bytes.getInt());
    }

    /**
     * Reads the header of a segment's file, and looks whether that is as long as it says.
     *
     * @throws StorageCorruptException if it is damaged
     * @throws StorageException        if it is of a newer version
     */
    static SegmentHeader read(FileSystem files, String name, long id, long incarnation, FileHandle file) throws IOException {
        byte[] bytes = new byte[BYTES];
        long fileSize = file.size();
        if (file.read(ByteBuffer.wrap(bytes), 0) < bytes.length) {
            throw new StorageCorruptException(files.pathOf(name), fileSize, "the file is only " + fileSize
                + " bytes long, too short for a segment's header");
        }
        if (version(bytes) > VERSION) {
            throw new StorageException(files.pathOf(name) + " has format version " + version(bytes) + ", and this version of"
                + " Quorate reads up to " + VERSION + ": run the version that wrote it, or a newer one.");
        }
        SegmentHeader header;
        try {
            header = decode(bytes, incarnation, id);
        } catch (IllegalArgumentException e) {
            throw new StorageCorruptException(files.pathOf(name), 0, String.valueOf(e.getMessage()));
        }
        if (fileSize != header.size()) {
            throw new StorageCorruptException(files.pathOf(name), Math.min(fileSize, header.size()), "the file is " + fileSize
                + " bytes long, but was " + header.size() + " when it was begun");
        }
        return header;
    }

    /** The format version of what may be a segment, or of what may be none: the other fields tell. */
    static int version(byte[] array) {
        ByteBuffer bytes = ByteBuffer.wrap(array);
        return bytes.getInt(0) == MAGIC ? bytes.getInt(4) : VERSION;
    }
}
