package io.quorate.raft.storage;

import io.quorate.raft.StorageException;
import io.quorate.raft.core.Entry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the whole log once at opening, and decides what a frame that is not valid means.
 *
 * <p>Frame k + 1 is begun only when frame k is durable. So a valid header anywhere behind a damaged frame proves that the damaged one was
 * durable once: the disk lost it, and the log is refused. A damaged frame with nothing valid behind it is what a crash leaves of a write
 * that was never reported as done; it is dropped whole, and zeros are written where it stood before anything else is. (Or it was the very
 * last frame written before a crash, and was damaged later: no log can tell, and {@link LogWriter} sees to it that no vote depends on it.)
 */
final class Recovery {

    private static final Logger LOG = LoggerFactory.getLogger(Recovery.class);

    private final FileSystem files;
    private final long incarnation;
    private LogState state = new LogState();
    private final List<Long> memberships = new ArrayList<>();   // where the log has membership entries
    private final List<Long> found = new ArrayList<>();         // the same, of one frame
    private long[] terms = new long[64];
    private int[] offsets = new int[64];
    private int[] checksums = new int[64];

    Recovery(FileSystem files, long incarnation) {
        this.files = files;
        this.incarnation = incarnation;
    }

    /** What was found in one segment. */
    private record Scanned(String name, SegmentHeader header, FileHandle file, SegmentReader reader, SegmentSeal seal, int end,
                           int lastFrameAt, long frames) { }

    /** Whether the directory holds any segment. */
    static boolean hasSegments(FileSystem files) throws IOException {
        return !ids(files).isEmpty();
    }

    private static List<Long> ids(FileSystem files) throws IOException {
        List<Long> ids = new ArrayList<>();
        for (String name : files.list()) {
            long id = SegmentHeader.idOf(name);
            if (id != 0) {
                ids.add(id);
            }
        }
        return ids;
    }

    /** Where the log has membership entries, once it was read. */
    List<Long> memberships() {
        return memberships;
    }

    /** The segment before the first one that is there. */
    static String beforeFirstSegment(FileSystem files) throws IOException {
        return SegmentHeader.fileName(Math.max(1, ids(files).get(0) - 1));
    }

    /**
     * Reads everything, and makes the log ready to be continued: what may have been in flight when the last run ended is durable on
     * return, or gone for ever.
     *
     * @throws StorageCorruptException if something that was durable is damaged or missing
     */
    LogWriter run(Spare spare) throws IOException {
        List<Long> ids = ids(files);
        Scanned last = null;
        boolean done = false;
        try {
            long expected = ids.isEmpty() ? 1 : ids.get(0);   // earlier ones may have been let go of behind a snapshot
            for (long id : ids) {
                String name = SegmentHeader.fileName(id);
                if (id != expected) {
                    throw corrupt(SegmentHeader.fileName(expected), 0, "the segment is missing, though " + name + " is there");
                }
                expected++;
                last = next(last, name, id, id == ids.get(ids.size() - 1));
            }
            if (last == null) {
                throw corrupt(SegmentHeader.fileName(1), 0, "the log's first segment is missing, though the replica was founded");
            }
            LogWriter writer = goOn(last, spare);
            done = true;
            return writer;
        } finally {
            if (!done && last != null) {
                last.file().close();
            }
        }
    }

    private Scanned next(@Nullable Scanned previous, String name, long id, boolean isLast) throws IOException {
        FileHandle file = files.open(name);
        boolean done = false;
        try {
            SegmentHeader header = header(name, id, file);
            if (previous == null && id > 1) {
                state = new LogState(header);
            } else {
                follows(previous, name, header);
            }
            Scanned scanned = scan(name, header, file);
            if (scanned.frames() == 0) {
                throw corrupt(name, SegmentHeader.BYTES, "the segment's first frame is damaged");
            }
            if (previous != null) {
                checkSeal(previous, scanned, isLast && scanned.frames() == 1);
                previous.file().close();
            }
            done = true;
            return scanned;
        } finally {
            if (!done) {
                file.close();
            }
        }
    }

    private SegmentHeader header(String name, long id, FileHandle file) throws IOException {
        byte[] bytes = new byte[SegmentHeader.BYTES];
        long size = file.size();
        if (file.read(ByteBuffer.wrap(bytes), 0) < bytes.length) {
            throw corrupt(name, size, "the file is only " + size + " bytes long, too short for a segment's header");
        }
        if (SegmentHeader.version(bytes) > SegmentHeader.VERSION) {
            throw new StorageException(files.pathOf(name) + " has format version " + SegmentHeader.version(bytes) + ", and this version of"
                + " Quorate reads up to " + SegmentHeader.VERSION + ": run the version that wrote it, or a newer one.");
        }
        SegmentHeader header;
        try {
            header = SegmentHeader.decode(bytes, incarnation, id);
        } catch (IllegalArgumentException e) {
            throw corrupt(name, 0, String.valueOf(e.getMessage()));
        }
        if (size != header.size()) {
            throw corrupt(name, Math.min(size, header.size()), "the file is " + size + " bytes long, but was " + header.size()
                + " when it was begun");
        }
        return header;
    }

    private void follows(@Nullable Scanned previous, String name, SegmentHeader header) {
        if (header.firstFrame() == state.frames() + 1 && header.previousCrc() == state.lastCrc()
            && header.previousEnd() == (previous == null ? 0 : previous.end()) && header.firstIndex() == state.nextIndex()) {
            return;
        }
        if (previous == null) {
            throw corrupt(name, 0, "the first segment continues another");
        }
        throw corrupt(previous.name(), previous.end(), "no valid frame " + (state.frames() + 1) + " is here, though "
            + files.pathOf(name) + " begins behind frame " + (header.firstFrame() - 1));
    }

    private Scanned scan(String name, SegmentHeader header, FileHandle file) throws IOException {
        SegmentReader reader = new SegmentReader(file, header.size());
        SegmentSeal seal = new SegmentSeal();
        int end = SegmentHeader.BYTES;
        int lastFrameAt = end;
        long frames = 0;
        while (true) {
            int length = frame(name, header, reader, seal, end);
            if (length == 0) {
                return new Scanned(name, header, file, reader, seal, end, lastFrameAt, frames);
            }
            lastFrameAt = end;
            end += length;
            frames++;
        }
    }

    /** Takes in the frame at this offset; returns its length in bytes, or 0 if there is no valid one. */
    private int frame(String name, SegmentHeader header, SegmentReader reader, SegmentSeal seal, int offset) throws IOException {
        if (reader.size() - offset < FrameHeader.BYTES) {
            return 0;
        }
        int position = reader.load(offset, FrameHeader.BYTES);
        FrameHeader frame = FrameHeader.decode(reader.array(), position, incarnation, header.id(), offset);
        if (frame == null) {
            return 0;
        }
        int crc = FrameHeader.crcOf(reader.array(), position);
        String objection = state.objectionTo(frame);
        if (!objection.isEmpty()) {   // a crash leaves no such thing
            throw corrupt(name, offset, objection);
        }
        if (!entriesAreIntact(reader, frame, offset + FrameHeader.BYTES)) {
            return 0;
        }
        if (state.frames() + 1 == header.firstFrame() && frame.firstIndex() != header.firstIndex()) {
            throw corrupt(name, offset, "the segment's first frame begins at " + frame.firstIndex() + ", its header says "
                + header.firstIndex());
        }
        state.apply(frame, crc, terms, offsets);
        memberships.removeIf(index -> frame.isReset() || index >= frame.firstIndex());
        memberships.addAll(found);
        for (int i = 0; i < frame.count(); i++) {
            seal.add(frame.firstIndex() + i, terms[i], checksums[i], offsets[i]);
        }
        return FrameHeader.BYTES + frame.length();
    }

    private boolean entriesAreIntact(SegmentReader reader, FrameHeader frame, int from) throws IOException {
        int count = frame.count();
        int length = frame.length();
        if (count < 0 || length < 0 || length > reader.size() - from || (long) count * Entry.HEADER_BYTES > length) {
            return false;
        }
        if (count > offsets.length) {
            offsets = new int[Math.max(count, 2 * offsets.length)];
            terms = new long[offsets.length];
            checksums = new int[offsets.length];
        }
        int at = from;
        int end = from + frame.length();
        long term = frame.previousTerm();
        found.clear();
        CRC32C heads = new CRC32C();
        for (int i = 0; i < count; i++) {
            Entry entry = entryAt(reader, at, end);
            if (entry == null || entry.index() != frame.firstIndex() + i || entry.term() < term) {
                return false;
            }
            heads.update(entry.array(), entry.offset(), Segment.ENTRY_HEAD_BYTES);
            if (entry.kind() == Entry.Kind.MEMBERSHIP) {
                found.add(entry.index());
            }
            term = entry.term();
            terms[i] = term;
            offsets[i] = at;
            checksums[i] = entry.checksum();
            at += entry.size();
        }
        return at == end && (int) heads.getValue() == frame.entriesCrc();
    }

    private static @Nullable Entry entryAt(SegmentReader reader, int at, int end) throws IOException {
        if (end - at < Entry.HEADER_BYTES) {
            return null;
        }
        int size = ByteBuffer.wrap(reader.array()).getInt(reader.load(at, Entry.HEADER_BYTES));
        if (size < Entry.HEADER_BYTES || size > Entry.SIZE_MAX || size > end - at) {
            return null;
        }
        int position = reader.load(at, size);
        try {
            return Entry.decode(reader.array(), position, position + size);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    /**
     * A segment that has a successor ends in its seal. Only a successor that holds nothing yet may have been begun without it: then the
     * seal is written again in any case, for a failed fsync may have left it where it can be read and is not durable.
     */
    private void checkSeal(Scanned segment, Scanned successor, boolean mayBeUnfinished) throws IOException {
        byte[] expected = segment.seal().encode(incarnation, segment.header().id(), segment.end(), successor.header().firstFrame() - 1,
            successor.header().previousCrc());
        int from = segment.header().size() - expected.length;
        if (from < segment.end()) {
            throw corrupt(segment.name(), segment.end(), "there is no room for the segment's index");
        }
        if (mayBeUnfinished) {
            segment.file().write(ByteBuffer.wrap(expected), from);
            segment.file().force();
            return;
        }
        int at = segment.reader().load(from, expected.length);
        int difference = Arrays.mismatch(segment.reader().array(), at, at + expected.length, expected, 0, expected.length);
        if (difference >= 0) {
            throw corrupt(segment.name(), from + difference, "the segment's index does not match its entries");
        }
    }

    private LogWriter goOn(Scanned last, Spare spare) throws IOException {
        String name = last.name();
        long id = last.header().id();
        FrameHeader later = last.reader().findFrame(last.end() + 1, incarnation, id);
        if (later != null) {
            throw corrupt(name, last.end(), "no valid frame " + (state.frames() + 1) + " is here, though frame " + later.number()
                + " is at offset " + later.offset() + ", and was begun only when this one was durable");
        }
        if (isSealed(last)) {
            throw corrupt(SegmentHeader.fileName(id + 1), 0, "the segment is missing, though " + name + " was closed for it");
        }
        if (!last.reader().isBlankFrom(last.end())) {
            LOG.warn("Dropping what a crash left of an unfinished write: {} behind offset {}, where frame {} would be",
                files.pathOf(name), last.end(), state.frames() + 1);
            Spare.zero(last.file(), last.end(), last.header().size());
        }
        writeAgain(last);
        Staging staging = new Staging(last.header().size());
        Segment segment = new Segment(last.header(), last.file(), last.seal(), incarnation, staging, last.end());
        LogWriter writer = new LogWriter(files, incarnation, state, spare, staging, segment);
        boolean done = false;
        try {
            // From here on the replica may promise things that rest on the last frame.
            writer.closeOff();
            done = true;
            return writer;
        } finally {
            if (!done) {
                writer.close();     // a segment may have been begun behind the last one
            }
        }
    }

    private boolean isSealed(Scanned segment) throws IOException {
        SegmentReader reader = segment.reader();
        int trailerAt = reader.size() - SegmentSeal.TRAILER_BYTES;
        int position = reader.load(trailerAt, SegmentSeal.TRAILER_BYTES);
        int count = SegmentSeal.claimedCount(reader.array(), position, segment.header().id());
        if (count < 0 || SegmentSeal.bytes(count) > reader.size() - SegmentHeader.BYTES) {
            return false;
        }
        int length = (int) SegmentSeal.bytes(count);
        position = reader.load(reader.size() - length, length);
        return SegmentSeal.isIntact(reader.array(), position, length, incarnation);
    }

    /**
     * Writes the last frame over itself and forces it. Whoever wrote it may have died before its fsync, or of it; after a failed one the
     * kernel may hold the frame, believe it clean, and never write it.
     */
    private void writeAgain(Scanned last) throws IOException {
        SegmentReader reader = last.reader();
        for (int at = last.lastFrameAt(); at < last.end(); ) {
            int position = reader.load(at, 1);
            int length = Math.min(reader.loaded(at), last.end() - at);
            last.file().write(ByteBuffer.wrap(reader.array(), position, length), at);
            at += length;
        }
        last.file().force();
    }

    private StorageCorruptException corrupt(String name, long offset, String what) {
        return new StorageCorruptException(files.pathOf(name), offset, what);
    }
}
