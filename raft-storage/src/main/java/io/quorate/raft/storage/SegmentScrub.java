package io.quorate.raft.storage;

import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at all of one sealed segment, as the next opening would: its header, each frame and its place in the chain, each entry, and the
 * index at the end.
 *
 * <p>An entry that is not what was written is marked, and can be fetched from another replica. The index can be written again, for if all
 * else is whole it says nothing that is not known. A header cannot: it alone says which vote and which commit index came with a frame. So
 * that is a problem to be told; the entries themselves can be read all the same, since it is known where they are.
 */
final class SegmentScrub {

    private static final Logger LOG = LoggerFactory.getLogger(SegmentScrub.class);

    private final FileSystem files;
    private final long incarnation;
    private final LogState state;
    private final long id;
    private final String name;
    private int at;                         // the next frame, or the next entry of this one; 0 before the segment's header
    private @Nullable SegmentHeader header;
    private @Nullable SegmentHeader successor;
    private final SegmentSeal seal = new SegmentSeal();
    private @Nullable FrameHeader frame;    // whose entries are being read
    private int entry;                      // the next of them
    private CRC32C heads = new CRC32C();
    private long frames;                    // the number of the last one
    private int lastCrc;
    private boolean hasDamage;
    private boolean isWriting;
    private boolean isDone;
    private @Nullable String problem;

    SegmentScrub(FileSystem files, long incarnation, LogState state, long id) {
        this.files = files;
        this.incarnation = incarnation;
        this.state = state;
        this.id = id;
        name = SegmentHeader.fileName(id);
    }

    long id() {
        return id;
    }

    boolean isDone() {
        return isDone;
    }

    /** What the next opening would refuse; null if nothing. */
    @Nullable String problem() {
        return problem;
    }

    /**
     * Reads about so many bytes, and adds to what is damaged; returns how many it were.
     *
     * @throws IOException if something cannot be written again
     */
    long next(int bytesMax, List<EntryId> damaged) throws IOException {
        long bytes = 0;
        try (FileHandle file = files.open(name)) {
            SegmentReader reader = new SegmentReader(file, sizeOf(file), bytesMax);
            while (bytes < bytesMax && !isDone) {
                int before = at;
                step(file, reader, damaged);
                bytes += at - before;
            }
            if (reader.isSuspect()) {
                state.damage().hasMet(id);      // perhaps where nobody needed it
            }
        } catch (UnreadableException | NoSuchFileException e) {
            if (isWriting) {
                throw e;
            }
            fail(name, at, "it cannot be read: " + e);
        } catch (IOException e) {
            if (isWriting) {
                throw e;
            }
            LOG.warn("{} cannot be looked at now: {}. That says nothing of what is in it; the next round looks again.", files.pathOf(name),
                e.toString());
            isDone = true;
            problem = state.damage().brokenSegments().contains(id) ? "Damage was found in " + files.pathOf(name) + " before, and it cannot"
                + " be looked at now: " + e : null;
        }
        return bytes;
    }

    private static int sizeOf(FileHandle file) throws IOException {
        return (int) Math.min(file.size(), Integer.MAX_VALUE);
    }

    private void step(FileHandle file, SegmentReader reader, List<EntryId> damaged) throws IOException {
        FrameHeader current = frame;
        SegmentHeader next = successor;
        if (header == null || next == null) {
            begin(reader);
        } else if (current != null && entry < current.count()) {
            entry(reader, current, damaged);
        } else if (current != null) {
            endFrame(reader, current, damaged);
        } else if (at < next.previousEnd()) {
            frame(reader);
        } else {
            end(file, reader, next);
        }
    }

    private void fail(String file, int offset, String what) {
        isDone = true;
        problem = "Damage in " + files.pathOf(file) + " at offset " + offset + ": " + what + ". No other replica can put this right, and"
            + " the next start of this one would be refused; until then it goes on. Take a snapshot now: once it covers this part of the log,"
            + " the file is deleted. Check the disk.";
    }

    private void begin(SegmentReader reader) throws IOException {
        try {
            header = SegmentHeader.decode(bytesOf(reader), incarnation, id);
        } catch (IllegalArgumentException e) {
            fail(name, 0, String.valueOf(e.getMessage()));
            return;
        }
        if (header.size() != reader.size()) {
            fail(name, Math.min(reader.size(), header.size()), "the file is " + reader.size() + " bytes long, but was " + header.size()
                + " when it was begun");
            return;
        }
        String nextName = SegmentHeader.fileName(id + 1);
        try (FileHandle file = files.openToRead(nextName)) {
            successor = SegmentHeader.decode(bytesOf(new SegmentReader(file, sizeOf(file), SegmentHeader.BYTES)), incarnation, id + 1);
        } catch (IllegalArgumentException e) {
            fail(nextName, 0, String.valueOf(e.getMessage()));     // it says where this one ends
            return;
        }
        frames = header.firstFrame() - 1;
        lastCrc = header.previousCrc();
        at = SegmentHeader.BYTES;
    }

    private static byte[] bytesOf(SegmentReader reader) throws IOException {
        if (reader.size() < SegmentHeader.BYTES) {
            throw new IllegalArgumentException("the file is only " + reader.size() + " bytes long");
        }
        int position = reader.load(0, SegmentHeader.BYTES);
        return Arrays.copyOfRange(reader.array(), position, position + SegmentHeader.BYTES);
    }

    private void frame(SegmentReader reader) throws IOException {
        FrameHeader found = null;
        if (reader.size() - at >= FrameHeader.BYTES) {
            int position = reader.load(at, FrameHeader.BYTES);
            found = FrameHeader.decode(reader.array(), position, incarnation, id, at);
            if (found != null && found.number() == frames + 1 && found.previousCrc() == lastCrc) {
                lastCrc = FrameHeader.crcOf(reader.array(), position);
            } else {
                found = null;
            }
        }
        if (found == null || found.length() < 0 || found.length() > reader.size() - at - FrameHeader.BYTES) {
            fail(name, at, "no valid frame " + (frames + 1) + " is here");
            return;
        }
        frames++;
        frame = found;
        entry = 0;
        heads = new CRC32C();
        at += FrameHeader.BYTES;
    }

    private void entry(SegmentReader reader, FrameHeader current, List<EntryId> damaged) throws IOException {
        long index = current.firstIndex() + entry;
        Entry found = DamagedFrame.entryIfReadable(reader, at, endOf(current));
        if (found == null || found.index() != index) {
            lookAtEach(reader, current, damaged);
            return;
        }
        heads.update(found.array(), found.offset(), Segment.ENTRY_HEAD_BYTES);
        seal.add(index, found.term(), found.checksum(), at);
        at += found.size();
        entry++;
    }

    private void endFrame(SegmentReader reader, FrameHeader current, List<EntryId> damaged) throws IOException {
        if (at != endOf(current) || (int) heads.getValue() != current.entriesCrc()) {
            lookAtEach(reader, current, damaged);
            return;
        }
        frame = null;
    }

    private static int endOf(FrameHeader frame) {
        return frame.offset() + FrameHeader.BYTES + frame.length();
    }

    /**
     * Something in this frame is not what was written. It is known where each entry is that the log still has, and the segment's index says
     * what it is: those that are not are marked.
     */
    private void lookAtEach(SegmentReader reader, FrameHeader current, List<EntryId> damaged) throws IOException {
        hasDamage = true;
        SegmentSeal written = SegmentSeal.read(reader, incarnation, id);
        long repairs = state.damage().repairs();
        PlaceFinder places = new PlaceFinder(files, incarnation, state);
        for (long index = current.firstIndex(); index < current.firstIndex() + current.count(); index++) {
            PlaceFinder.Place place = places.find(index);
            int offset = place == null || place.segment() != id ? 0 : place.offset();
            if (place == null || Math.abs(offset) < current.offset() || Math.abs(offset) >= endOf(current)) {
                continue;   // replaced, or covered
            }
            Entry found = offset < 0 ? null : DamagedFrame.entryIfReadable(reader, offset, endOf(current));
            int record = place.record();     // not looked for: there may be a million, and as many entries in the frame
            boolean isWhole = found != null && found.index() == index && written != null && record < written.count()
                && written.offset(record) == offset && written.checksum(record) == found.checksum()
                && written.term(record) == found.term();
            EntryId named = isWhole ? null : state.mark(index, id, place.record(), offset, repairs);
            if (named != null) {
                LOG.warn("Entry {} in {} at offset {} is damaged", named, files.pathOf(name), offset);
                damaged.add(named);
            }
        }
        frame = null;
        at = endOf(current);
    }

    /** All frames have been seen; what is left is the index. */
    private void end(FileHandle file, SegmentReader reader, SegmentHeader next) throws IOException {
        isDone = true;
        if (frames != next.firstFrame() - 1 || lastCrc != next.previousCrc() || at != next.previousEnd()) {
            fail(name, at, "the frames end with " + frames + ", and the next segment begins behind frame " + (next.firstFrame() - 1));
            return;
        }
        if (reader.size() - at >= FrameHeader.BYTES) {
            reader.load(at, FrameHeader.BYTES);     // the next opening looks for another frame here
        }
        SegmentSeal stored = SegmentSeal.read(reader, incarnation, id);
        if (hasDamage) {
            if (stored == null) {
                fail(name, at, "the segment's index is damaged, and entries are too");
            }
            return;
        }
        if (stored != null) {
            seal.agreeOnUnknown(stored);
        }
        ByteBuffer expected = seal.encode(incarnation, id, at, frames, lastCrc);
        int from = reader.size() - expected.remaining();
        if (from < at) {
            fail(name, at, "there is no room for the segment's index");
            return;
        }
        at += expected.remaining();
        if (reader.differenceFrom(from, expected) >= 0) {
            LOG.warn("The index of {} at offset {} is damaged. All entries are whole, so it is written again. Check the disk.",
                files.pathOf(name), from);
            state.damage().hasMet(id);
            isWriting = true;
            file.write(expected, from);
            file.force();
        }
    }
}
