package io.quorate.raft.storage;

import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.TermTable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the whole log once at opening, and decides what a frame that is not valid means.
 *
 * <p>Frame k + 1 is begun only when frame k is durable. So a valid header anywhere behind a damaged frame proves that the damaged one was
 * durable once: the disk lost it. If its header is whole, and the names of the damaged entries are certain, these are marked, so that they
 * can be repaired; else the log is refused. A damaged frame with nothing valid behind it is what a crash leaves of a write that was never
 * reported as done; it is dropped whole, and zeros are written where it began before anything else is. (Or it was the very last frame
 * written before a crash, and was damaged later: no log can tell, and {@link LogWriter} sees to it that no vote depends on it.) What else
 * stands behind the last frame is zeros, or of an earlier segment in the same file, which each header there says.
 *
 * <p>What cannot be read is not what a crash leaves. An entry of which that is so is marked if one that is damaged in its place would be;
 * anything else, also where perhaps nothing was ever written, is refused.
 */
final class Recovery {

    private static final Logger LOG = LoggerFactory.getLogger(Recovery.class);
    /** Read at once. The kernel puts it where it is summed, outside of the heap: a copy less, and as many bytes for each call as pay. */
    private static final int PIECE_BYTES = 1 << 20;

    /**
     * So many segments are announced before they are read. With a log that all had to come from the disk, since it had been written past the
     * kernel's cache, a replica was back in 0.87 to 0.91 of the time.
     */
    private static final int ANNOUNCED = 3;

    private final FileSystem files;
    private final long incarnation;
    private final @Nullable TermTable covered;
    private final @Nullable EntryId beginning;
    private final int tailBytesMax;
    private Tail tail = Tail.none();
    private FrameEntries entries = new FrameEntries(tail);
    private LogState state = new LogState();
    private int damagedAt = -1;     // where in its segment the last frame is that holds damaged entries
    private final List<Long> memberships = new ArrayList<>();   // where the log has membership entries
    private @Nullable ByteBuffer piece;     // the segments are read into, one after the other
    private boolean isReadOnly;
    private @Nullable UnreadableException unreadable;   // why the entries of the last frame are not known to be intact

    /** Of a log without a snapshot. */
    Recovery(FileSystem files, long incarnation) {
        this(files, incarnation, null, null, 0);
    }

    /**
     * Of any log.
     *
     * @param covered      the terms up to the end of the newest snapshot, or null if there is none
     * @param beginning    the entry with which the group begins anew in it, or began; null if it never did
     * @param tailBytesMax how many bytes of the newest entries are kept, to be handed over
     */
    Recovery(FileSystem files, long incarnation, @Nullable TermTable covered, @Nullable EntryId beginning, int tailBytesMax) {
        this.files = files;
        this.incarnation = incarnation;
        this.covered = covered;
        this.beginning = beginning;
        this.tailBytesMax = tailBytesMax;
        state.setBeginning(beginning);
    }

    /** What was found in one segment. */
    private record Scanned(Source source, int end, int lastFrameAt, long frames) {

        String name() {
            return source.name();
        }

        SegmentHeader header() {
            return source.header();
        }

        FileHandle file() {
            return source.file();
        }

        /** Good until the next segment is read. */
        SegmentReader reader() {
            return source.reader();
        }

        SealWalk seal() {
            return source.seal();
        }
    }

    /** A segment, and what goes along with its reading. */
    private record Source(String name, SegmentHeader header, FileHandle file, SegmentReader reader, SealWalk seal) { }

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
     * @throws UnreadableException     if it cannot be told
     */
    LogWriter run(HeadRoom headRoom) throws IOException {
        Scanned last = readAll();
        boolean done = false;
        try {
            judgeEnd(last);
            LogWriter writer = goOn(last, headRoom);
            done = true;
            return writer;
        } finally {
            if (!done) {
                last.file().close();
            }
        }
    }

    /**
     * Reads everything and judges it as {@link #run} does, but changes nothing; what was found is in {@link #state()} and
     * {@link #memberships()}, also if it ends in an exception.
     *
     * @return where an unfinished write begins in the last segment, or -1 if none can be told
     * @throws StorageCorruptException if something that was durable is damaged or missing
     * @throws UnreadableException     if it cannot be told
     */
    int survey() throws IOException {
        isReadOnly = true;
        Scanned last = readAll();
        try {
            judgeEnd(last);
            return hasUnfinished(last) ? last.end() : -1;
        } finally {
            last.file().close();
        }
    }

    /** What the frames that were read add up to. */
    LogState state() {
        return state;
    }

    /** The newest entries, or none, once the log was read. */
    List<Entry> tail() {
        return tail.entries();
    }

    /** Reads all segments; returns the last, open. */
    private Scanned readAll() throws IOException {
        List<Long> ids = ids(files);
        tail = Tail.of(files, incarnation, ids, tailBytesMax);
        entries = new FrameEntries(tail);
        Scanned last = null;
        boolean done = false;
        try {
            long announced = 0;
            long expected = ids.isEmpty() ? 1 : ids.get(0);   // earlier ones may have been let go of behind a snapshot
            for (long id : ids) {
                String name = SegmentHeader.fileName(id);
                if (id != expected) {
                    throw corrupt(SegmentHeader.fileName(expected), 0, "the segment is missing, though " + name + " is there");
                }
                expected++;
                while (announced < Math.min(id + ANNOUNCED, ids.get(ids.size() - 1))) {
                    announced = Math.max(announced, id) + 1;
                    files.willRead(SegmentHeader.fileName(announced));
                }
                last = next(last, name, id, id == ids.get(ids.size() - 1));
            }
            if (last == null) {
                throw corrupt(SegmentHeader.fileName(1), 0, "the log's first segment is missing, though the replica was founded");
            }
            done = true;
            return last;
        } finally {
            if (!done && last != null) {
                last.file().close();
            }
        }
    }

    private Scanned next(@Nullable Scanned previous, String name, long id, boolean isLast) throws IOException {
        FileHandle file = isReadOnly ? files.openToRead(name) : files.openForLog(name);
        boolean done = false;
        try {
            SegmentHeader header = SegmentHeader.read(files, name, id, incarnation, file);
            if (previous == null && id > 1) {
                state = new LogState(header);
                state.setBeginning(beginning);
            } else {
                follows(previous, name, header);
            }
            // Before the next one is read: what was read of this one is still at hand then.
            boolean isSealed = previous != null && previous.seal().isOnDisk(previous.end(), header.firstFrame() - 1, header.previousCrc());
            SealWalk seal = isLast ? SealWalk.ofOpen(file, header, incarnation, previous == null ? 0 : previous.seal().count())
                : SealWalk.ofSealed(file, header, incarnation);
            Scanned scanned = scan(new Source(name, header, file, new SegmentReader(file, header.size(), piece(header.size())), seal));
            if (scanned.frames() == 0) {
                throw corrupt(name, SegmentHeader.BYTES, "the segment's first frame is damaged");
            }
            if (previous != null) {
                checkSeal(previous, scanned, isSealed, isLast && scanned.frames() == 1);
                previous.file().close();
            }
            if (scanned.reader().isSuspect()) {
                state.damage().hasMet(id);
            }
            done = true;
            return scanned;
        } finally {
            if (!done) {
                file.close();
            }
        }
    }

    private ByteBuffer piece(int segmentBytes) {
        ByteBuffer last = piece;
        if (last == null || last.capacity() < Math.min(PIECE_BYTES, segmentBytes)) {
            last = ByteBuffer.allocateDirect(Math.min(PIECE_BYTES, segmentBytes));
            piece = last;
        }
        return last;
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

    private Scanned scan(Source source) throws IOException {
        int end = SegmentHeader.BYTES;
        int lastFrameAt = end;
        long frames = 0;
        damagedAt = -1;
        while (true) {
            int length = frame(source, end);
            if (length == 0) {
                return new Scanned(source, end, lastFrameAt, frames);
            }
            lastFrameAt = end;
            end += length;
            frames++;
        }
    }

    /** Takes in the frame at this offset; returns its length in bytes, or 0 if there is no valid one. */
    private int frame(Source source, int offset) throws IOException {
        String name = source.name();
        SegmentHeader header = source.header();
        SegmentReader reader = source.reader();
        if (reader.size() - offset < FrameHeader.BYTES) {
            return 0;
        }
        int position = reader.load(offset, FrameHeader.BYTES);
        FrameHeader frame = FrameHeader.decode(reader.piece(), position, incarnation, header.id(), offset);
        if (frame == null) {
            return 0;
        }
        int crc = FrameHeader.crcOf(reader.piece(), position);
        String objection = state.objectionTo(frame);
        if (!objection.isEmpty()) {   // a crash leaves no such thing
            throw corrupt(name, offset, objection);
        }
        DamagedFrame damaged = null;
        if (!entriesAreIntact(reader, frame)) {
            UnreadableException why = unreadable;
            damaged = damaged(source, frame, crc);
            if (why != null && (damaged == null || !damaged.hasDamage())) {
                throw why;      // it may have been durable; or it can be read the second time, and nobody knows the third
            }
            if (damaged == null) {
                return 0;
            }
        }
        if (state.frames() + 1 == header.firstFrame() && frame.firstIndex() != header.firstIndex()) {
            throw corrupt(name, offset, "the segment's first frame begins at " + frame.firstIndex() + ", its header says "
                + header.firstIndex());
        }
        state.apply(frame, crc, damaged == null ? entries.table().terms() : damaged.terms(),
            damaged == null ? entries.table().offsets() : damaged.offsets());
        memberships.removeIf(index -> frame.isReset() || index >= frame.firstIndex());
        memberships.addAll(damaged == null ? entries.memberships() : damaged.memberships());
        if (damaged != null) {
            damagedAt = offset;
            source.seal().add(damaged);
            damaged.addTo(state.damage());
            tail.clear();
            return FrameHeader.BYTES + frame.length();
        }
        source.seal().add(frame.firstIndex(), frame.count(), entries.table());
        tail.end(frame);
        return FrameHeader.BYTES + frame.length();
    }

    /**
     * What can be told of a frame that is damaged in its entries only; null if it is not that. It is not if no other frame was begun behind
     * it, since then it may never have been durable.
     */
    private @Nullable DamagedFrame damaged(Source source, FrameHeader frame, int crc) throws IOException {
        SegmentHeader header = source.header();
        SegmentReader reader = new SegmentReader(source.file(), header.size());     // for a look here and there
        FrameHeader next = frame.fits(reader.size()) && frame.count() > 0 ? following(header, reader, frame, crc) : null;
        if (next == null) {
            return null;
        }
        SegmentSeal seal = SegmentSeal.read(reader, incarnation, header.id());
        DamagedFrame damaged = DamagedFrame.tell(reader, frame, seal, source.seal().count(), next, covered);
        if (damaged == null || !damaged.hasDamage() && unreadable == null) {
            throw corrupt(source.name(), frame.offset(), "frame " + frame.number() + " and what the segment's index and the next frame say"
                + " of it contradict each other");
        }
        return damaged;
    }

    /** The header of the frame that was begun when this one was durable, or null if there is none. */
    private @Nullable FrameHeader following(SegmentHeader header, SegmentReader reader, FrameHeader frame, int crc) throws IOException {
        int end = frame.offset() + FrameHeader.BYTES + frame.length();
        FrameHeader next = null;
        if (reader.size() - end >= FrameHeader.BYTES) {
            int position = reader.load(end, FrameHeader.BYTES);
            next = FrameHeader.decode(reader.piece(), position, incarnation, header.id(), end);
        }
        if (next == null) {
            next = firstFrameOf(header.id() + 1);
        }
        return next != null && next.number() == frame.number() + 1 && next.previousCrc() == crc ? next : null;
    }

    private @Nullable FrameHeader firstFrameOf(long id) throws IOException {
        String name = SegmentHeader.fileName(id);
        if (!files.list().contains(name)) {
            return null;
        }
        byte[] bytes = new byte[FrameHeader.BYTES];
        try (FileHandle file = files.openToRead(name)) {
            file.read(ByteBuffer.wrap(bytes), SegmentHeader.BYTES);
        }
        return FrameHeader.decode(bytes, 0, incarnation, id, SegmentHeader.BYTES);
    }

    private boolean entriesAreIntact(SegmentReader reader, FrameHeader frame) throws IOException {
        unreadable = null;
        try {
            return entries.areIntact(reader, frame);
        } catch (UnreadableException e) {
            unreadable = e;
            return false;
        }
    }

    /**
     * A segment that has a successor ends in its seal. Only a successor that holds nothing yet may have been begun without it: then the
     * seal is written again in any case, for a failed fsync may have left it where it can be read and is not durable.
     */
    private void checkSeal(Scanned segment, Scanned successor, boolean isSealed, boolean mayBeUnfinished) throws IOException {
        EntryIndex index = state.index();
        if (isSealed && !mayBeUnfinished) {
            index.sealed(segment.header().id(), segment.header().size());
            return;
        }
        ByteBuffer expected = sealOf(segment, successor);
        int from = segment.header().size() - expected.remaining();
        if (from < segment.end()) {
            throw corrupt(segment.name(), segment.end(), "there is no room for the segment's index");
        }
        SegmentSeal stored = segment.seal().read();
        if (stored != null) {
            segment.seal().seal().agreeOnUnknown(stored);
            expected = sealOf(segment, successor);
        }
        if (mayBeUnfinished && isReadOnly) {
            return;
        }
        if (mayBeUnfinished) {
            segment.file().write(expected, from);
            segment.file().force();
        } else {
            int difference = segment.seal().differenceFrom(from, expected);
            if (difference >= 0) {
                throw corrupt(segment.name(), from + difference, "the segment's index does not match its entries");
            }
        }
        SegmentSeal seal = segment.seal().seal();
        if (seal.knows(0, seal.count())) {
            index.sealed(segment.header().id(), segment.header().size());
        }
    }

    private ByteBuffer sealOf(Scanned segment, Scanned successor) throws IOException {
        return segment.seal().seal().encode(incarnation, segment.header().id(), segment.end(), successor.header().firstFrame() - 1,
            successor.header().previousCrc());
    }

    /** Behind the last valid frame there is nothing that was durable once. */
    private void judgeEnd(Scanned last) throws IOException {
        refuseLater(last);
        if (damagedAt == last.lastFrameAt()) {
            // To drop what is behind would be to drop the proof; to leave it would be to build on a write that was never finished.
            throw corrupt(last.name(), damagedAt, "frame " + state.frames() + " is damaged, and a crash cut off the one behind it, which"
                + " proves that this one was durable");
        }
        refuseNameless();
    }

    /**
     * Whether a frame was begun behind the last one: its header is there, or something in the block in which the last one ends, which is
     * always written up to its end. Of one that has left no more than what is behind, nobody can tell, nor has to.
     */
    private boolean hasUnfinished(Scanned last) throws IOException {
        int end = last.end();
        return beginningBehind(last) != null || !last.reader().isBlank(end, Math.min(Blocks.upTo(end), last.header().size()));
    }

    private @Nullable FrameHeader beginningBehind(Scanned last) throws IOException {
        int end = last.end();
        if (last.header().size() - end < FrameHeader.BYTES) {
            return null;
        }
        int position = last.reader().load(end, FrameHeader.BYTES);
        return FrameHeader.decode(last.reader().piece(), position, incarnation, last.header().id(), end);
    }

    /**
     * Writes zeros where the next frame begins, and over all that is known of a frame that was dropped. Also where there are zeros already:
     * after a failed fsync they may be nowhere but in the cache.
     */
    private void zeroBehind(Scanned last) throws IOException {
        int end = last.end();
        FrameHeader dropped = beginningBehind(last);
        int size = last.header().size();
        long known = (long) end + FrameHeader.BYTES + (dropped == null ? 0 : Math.max(0, dropped.length()));
        Spare.zero(last.file(), end, Math.min(size, Blocks.upTo((int) Math.min(size, known))));
    }

    private void refuseLater(Scanned last) throws IOException {
        String name = last.name();
        long id = last.header().id();
        FrameHeader later = last.reader().findFrame(last.end() + 1, incarnation, id);
        if (later != null) {
            throw corrupt(name, last.end(), "no valid frame " + (state.frames() + 1) + " is here, though frame " + later.number()
                + " is at offset " + later.offset() + ", and was begun only when this one was durable");
        }
        if (SegmentSeal.read(last.reader(), incarnation, id) != null) {
            throw corrupt(SegmentHeader.fileName(id + 1), 0, "the segment is missing, though " + name + " was closed for it");
        }
    }

    private LogWriter goOn(Scanned last, HeadRoom headRoom) throws IOException {
        if (hasUnfinished(last)) {
            LOG.warn("Dropping what a crash left of an unfinished write: {} behind offset {}, where frame {} would be",
                files.pathOf(last.name()), last.end(), state.frames() + 1);
        }
        zeroBehind(last);
        writeAgain(last);
        Staging staging = new Staging(last.header().size());
        Segment segment = new Segment(last.header(), last.file(), last.seal().seal(), incarnation, staging, last.end());
        LogWriter writer = new LogWriter(files, incarnation, state, headRoom, staging, segment);
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

    /** Of an entry that no snapshot covers, the name must be known: nobody can be asked for it otherwise. */
    private void refuseNameless() {
        long coveredIndex = covered == null ? 0 : covered.lastIndex();
        List<Damage.Mark> needed = state.damage().marks().stream().filter(mark -> mark.id().index() > coveredIndex).toList();
        for (Damage.Mark mark : needed) {
            if (!mark.isCertain()) {
                throw corrupt(SegmentHeader.fileName(mark.segment()), mark.offset(), "entry " + mark.id().index() + " is damaged, and all"
                    + " that can be told of its term is that it is between " + mark.id().term() + " and " + mark.termMax());
            }
        }
        if (!needed.isEmpty()) {
            Damage.Mark first = needed.get(0);
            LOG.warn("{} entries of the log are damaged, the first is {} in {} at offset {}: they are fetched from other replicas. Check"
                + " the disk.", needed.size(), first.id(), files.pathOf(SegmentHeader.fileName(first.segment())), first.offset());
        }
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
            last.file().write(reader.piece().slice(position, length), at);
            at += length;
        }
        last.file().force();
    }

    private StorageCorruptException corrupt(String name, long offset, String what) {
        return new StorageCorruptException(files.pathOf(name), offset, what);
    }
}
