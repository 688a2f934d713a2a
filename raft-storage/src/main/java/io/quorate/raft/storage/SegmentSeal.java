package io.quorate.raft.storage;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The last bytes of a segment that is full: the identity and the place of every entry in it, so that an entry that is damaged one day is
 * still known by its name.
 *
 * <p>It is written only when the next segment is durable, so a sealed segment without a successor has lost it. Grows with the segment
 * while that is written or read. An entry that was damaged when the seal was written, and of which not all was certain, is in it as
 * unknown: with its index, and no more.
 */
final class SegmentSeal {

    /** Bytes for one entry: index, term, checksum, offset. */
    static final int ENTRY_BYTES = 24;
    /** Bytes behind the last entry's. */
    static final int TRAILER_BYTES = 40;
    private static final int MAGIC = 0x51454E44;   // "QEND"
    private static final int CRC_BYTES = 4;
    private static final int ENTRIES_MIN = 64;

    // One record for each entry, so what is done with them is done for all entries of the log at each opening.
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    private byte[] identities;      // one for each entry, and room for the trailer behind them
    private int count;

    /** Without entries. */
    SegmentSeal() {
        this(0);
    }

    /** Without entries; there will be about so many. */
    SegmentSeal(int countExpected) {
        identities = new byte[(int) bytes(Math.max(ENTRIES_MIN, countExpected + countExpected / 8))];
    }

    /** How many bytes the seal of a segment with so many entries takes. */
    static long bytes(long count) {
        return count * ENTRY_BYTES + TRAILER_BYTES;
    }

    /** Begins with the memory of another one, which is not needed any more; none of what is in that. */
    void takeOver(SegmentSeal done) {
        if (count == 0 && done.identities.length > identities.length) {
            identities = done.identities;
        }
    }

    void add(long index, long term, int checksum, int offset) {
        makeRoomFor(1);
        put(identities, count * ENTRY_BYTES, index, term, checksum, offset);
        count++;
    }

    /**
     * Adds the entries of one frame.
     *
     * @param added how many these are; of the table, so many places count
     */
    void add(long firstIndex, int added, EntryTable table) {
        makeRoomFor(added);
        byte[] array = identities;
        long[] terms = table.terms();
        int[] offsets = table.offsets();
        byte[] heads = table.heads();   // of each, the last four bytes are its checksum
        int at = count * ENTRY_BYTES;
        for (int i = 0; i < added; i++, at += ENTRY_BYTES) {
            put(array, at, firstIndex + i, terms[i], (int) INT.get(heads, i * Segment.ENTRY_HEAD_BYTES + 4), offsets[i]);
        }
        count += added;
    }

    private void makeRoomFor(int added) {
        long needed = bytes((long) count + added);
        if (needed > identities.length) {
            identities = Arrays.copyOf(identities, (int) Math.max(needed, Math.min(2 * needed, Integer.MAX_VALUE - 64)));
        }
    }

    private static void put(byte[] array, int at, long index, long term, int checksum, int offset) {
        LONG.set(array, at, index);
        LONG.set(array, at + 8, term);
        INT.set(array, at + 16, checksum);
        INT.set(array, at + 20, offset);
    }

    /** Whether these are the next records in these bytes: of the entries of a frame, so many from this one on. */
    static boolean areAt(byte[] array, int at, long firstIndex, int first, int wanted, EntryTable table) {
        long[] terms = table.terms();
        int[] offsets = table.offsets();
        byte[] heads = table.heads();
        int position = at;
        for (int i = first; i < first + wanted; i++, position += ENTRY_BYTES) {
            long checksum = (int) INT.get(heads, i * Segment.ENTRY_HEAD_BYTES + 4);
            if ((long) LONG.get(array, position) != firstIndex + i || (long) LONG.get(array, position + 8) != terms[i]
                || (long) LONG.get(array, position + 16) != (checksum << 32 | offsets[i])) {
                return false;
            }
        }
        return true;
    }

    /** An entry of which nothing else is certain. */
    void addUnknown(long index) {
        add(index, 0, 0, 0);
    }

    int count() {
        return count;
    }

    /** Whether it has so many entries from here on, none of them unknown. */
    boolean knows(int first, int wanted) {
        for (int i = first; i < first + wanted; i++) {
            if (i >= count || offset(i) == 0) {
                return false;
            }
        }
        return true;
    }

    long index(int record) {
        return ByteBuffer.wrap(identities).getLong(record * ENTRY_BYTES);
    }

    long term(int record) {
        return ByteBuffer.wrap(identities).getLong(record * ENTRY_BYTES + 8);
    }

    int checksum(int record) {
        return ByteBuffer.wrap(identities).getInt(record * ENTRY_BYTES + 16);
    }

    /** Where in the segment an entry begins; 0 of one that is unknown. */
    int offset(int record) {
        return ByteBuffer.wrap(identities).getInt(record * ENTRY_BYTES + 20);
    }

    /** The entry that begins here, or -1. */
    int recordAt(int offset) {
        for (int i = 0; i < count; i++) {
            if (offset(i) == offset) {
                return i;
            }
        }
        return -1;
    }

    /** Where the next entry begins behind this one that is not unknown; 0 if there is none. */
    int offsetBehind(int record) {
        for (int i = record + 1; i < count; i++) {
            if (offset(i) != 0) {
                return offset(i);
            }
        }
        return 0;
    }

    /** The seal of a segment, or null if it has none that is whole. */
    static @Nullable SegmentSeal read(SegmentReader reader, long incarnation, long segmentId) throws IOException {
        int count = claimedCount(reader, segmentId);
        if (count < 0) {
            return null;
        }
        int from = reader.size() - (int) bytes(count);
        SegmentSeal seal = ofRecords(reader, from, count);
        int position = reader.load(reader.size() - TRAILER_BYTES, TRAILER_BYTES);
        reader.piece().get(position, seal.identities, count * ENTRY_BYTES, TRAILER_BYTES);
        return seal.isIntact(incarnation) ? seal : null;
    }

    /** How many entries a segment's seal claims to have; -1 if there is nothing that may be one, or they would not fit. */
    static int claimedCount(SegmentReader reader, long segmentId) throws IOException {
        int position = reader.load(reader.size() - TRAILER_BYTES, TRAILER_BYTES);
        int count = claimedCount(reader.piece(), position, segmentId);
        return count < 0 || bytes(count) > reader.size() - SegmentHeader.BYTES ? -1 : count;
    }

    /** One with so many entries, as they stand in the segment from there on. */
    static SegmentSeal ofRecords(SegmentReader reader, int from, int count) throws IOException {
        SegmentSeal seal = new SegmentSeal(count);
        int bytes = count * ENTRY_BYTES;
        for (int done = 0; done < bytes; ) {
            int position = reader.load(from + done, 1);
            int some = Math.min(bytes - done, reader.loaded(from + done));
            reader.piece().get(position, seal.identities, done, some);
            done += some;
        }
        seal.count = count;
        return seal;
    }

    /** Reads where all entries of a segment begin; returns whether its seal, which claims to have so many, is whole. */
    static boolean readOffsets(SegmentReader reader, long incarnation, int[] offsets) throws IOException {
        Crc crc = new Crc(incarnation);
        int at = reader.size() - (int) bytes(offsets.length);
        for (int record = 0; record < offsets.length; ) {
            int position = reader.load(at, ENTRY_BYTES);
            int some = Math.min(offsets.length - record, reader.loaded(at) / ENTRY_BYTES);
            offsetsAt(reader.array(), position, offsets, record, some);
            crc.add(reader.piece(), position, position + some * ENTRY_BYTES);
            at += some * ENTRY_BYTES;
            record += some;
        }
        int position = reader.load(at, TRAILER_BYTES);
        int crcAt = position + TRAILER_BYTES - CRC_BYTES;
        return crc.add(reader.piece(), position, crcAt).value() == reader.piece().getInt(crcAt);
    }

    /**
     * Takes the offsets out of so many records. A method of its own, since this alone is done for each entry: while the compiler had all
     * of the reading around it in hand, which took 0.2 s, what applies the log after a restart had to wait for it.
     */
    private static void offsetsAt(byte[] array, int at, int[] offsets, int from, int wanted) {
        int position = at + 20;
        for (int i = from; i < from + wanted; i++, position += ENTRY_BYTES) {
            offsets[i] = (int) INT.get(array, position);
        }
    }

    /** Takes over what another seal of the segment says of entries that are unknown to one of both. */
    void agreeOnUnknown(SegmentSeal other) {
        for (int i = 0; i < Math.min(count, other.count); i++) {
            if ((offset(i) == 0 || other.offset(i) == 0) && index(i) == other.index(i)) {
                System.arraycopy(other.identities, i * ENTRY_BYTES, identities, i * ENTRY_BYTES, ENTRY_BYTES);
            }
        }
    }

    /**
     * The seal as it stands at the very end of the file; good until something is added.
     *
     * @param end       where the frames end
     * @param lastFrame the number of the last
     * @param lastCrc   its checksum
     */
    ByteBuffer encode(long incarnation, long segmentId, int end, long lastFrame, int lastCrc) {
        ByteBuffer bytes = ByteBuffer.wrap(identities).position(count * ENTRY_BYTES);
        putTrailer(bytes, new Crc(incarnation).add(identities, 0, bytes.position()), count, segmentId, end, lastFrame, lastCrc);
        return bytes.flip();
    }

    /** Puts what stands behind the records, of which the sum is given. */
    static void putTrailer(ByteBuffer bytes, Crc ofRecords, int count, long segmentId, int end, long lastFrame, int lastCrc) {
        int from = bytes.position();
        bytes.putInt(MAGIC).putInt(count).putLong(segmentId).putLong(lastFrame).putInt(lastCrc).putInt(end).putInt(0);
        bytes.putInt(ofRecords.add(bytes, from, bytes.position()).value());
    }

    /** How many entries the seal claims whose trailer begins here, or -1 if it is not one of this segment. */
    static int claimedCount(ByteBuffer bytes, int at, long segmentId) {
        return bytes.getInt(at) == MAGIC && bytes.getLong(at + 8) == segmentId ? bytes.getInt(at + 4) : -1;
    }

    /** Whether the records, and the trailer that was read with them, are what was written. */
    private boolean isIntact(long incarnation) {
        int crcAt = (int) bytes(count) - CRC_BYTES;
        return (int) INT.get(identities, crcAt) == new Crc(incarnation).add(identities, 0, crcAt).value();
    }
}
