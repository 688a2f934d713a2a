package io.quorate.raft.storage;

import io.quorate.raft.core.Entry;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Reads every byte of a directory that has a checksum, and lists all that is wrong.
 *
 * <p>Opening a directory ends at the first damage that leaves open what was written. This goes on behind it, at the next thing that is
 * valid, so that an operator learns the extent. Whether a write that was not finished is damage is decided as at opening: it is not if
 * nothing that was written later can be found.
 */
final class ChecksumWalk {

    private static final int TRIES_MAX = 8;

    /**
     * One damage.
     *
     * @param file   its full path
     * @param offset where it begins
     * @param what   is wrong there
     */
    record Wrong(String file, long offset, String what) { }

    private final Inspection inspection;
    private final FileSystem files;
    private final long incarnation;
    private final Set<Wrong> wrong = new LinkedHashSet<>();
    private long segments;
    private long frames;
    private long entries;
    private long blocks;
    private long bytes;

    private ChecksumWalk(Inspection inspection, long incarnation) {
        this.inspection = inspection;
        files = inspection.files();
        this.incarnation = incarnation;
    }

    /** Looks at all of a directory; what seems wrong is looked at again, until twice the same is found. */
    static ChecksumWalk of(FileSystem files) throws IOException {
        ChecksumWalk before = walk(Inspection.of(files));
        for (int i = 1; i < TRIES_MAX && !before.wrong.isEmpty(); i++) {
            ChecksumWalk now = walk(Inspection.of(files));
            boolean isStable = now.wrong.equals(before.wrong);
            now.wrong.retainAll(before.wrong);      // what a writer was in the middle of is not there twice
            before = now;
            if (isStable) {
                break;
            }
        }
        return before;
    }

    private static ChecksumWalk walk(Inspection inspection) throws IOException {
        StoredIdentity known = inspection.stored();
        ChecksumWalk walk = new ChecksumWalk(inspection, known == null ? 0 : known.identity().replica().incarnation());
        if (known != null && !known.identity().isBlank()) {
            walk.log();
            walk.snapshot();
        }
        StorageCorruptException damage = inspection.damage();
        if (damage != null && walk.wrong.isEmpty()) {
            walk.add(damage);
        }
        return walk;
    }

    Inspection inspection() {
        return inspection;
    }

    List<Wrong> wrong() {
        return List.copyOf(wrong);
    }

    /** What was looked at. */
    Report extent() {
        return new Report().put("segments", segments).put("frames", frames).put("entries", entries).put("snapshot blocks", blocks)
            .put("bytes", bytes);
    }

    private void add(StorageCorruptException e) {
        wrong.add(new Wrong(e.file(), e.offset(), e.what()));
    }

    private void add(UnreadableException e) {
        add(e.damage());
    }

    private void add(String name, long offset, String what) {
        wrong.add(new Wrong(files.pathOf(name), offset, what));
    }

    // ------------------------------------------------------------------------------------------------------------------- the log

    private void log() throws IOException {
        List<String> names = inspection.segments();
        for (int i = 0; i < names.size(); i++) {
            String name = names.get(i);
            long id = SegmentHeader.idOf(name);
            String next = i + 1 < names.size() ? names.get(i + 1) : null;
            try (FileHandle file = files.openToRead(name)) {
                segment(name, id, file, next);
            } catch (NoSuchFileException e) {
                add(name, 0, "it was there a moment ago");      // a server let go of it; the next look will not find it
            } catch (EOFException e) {
                add(name, 0, "it became shorter while it was read");    // likewise
            } catch (UnreadableException e) {
                add(e);
            }
            if (next != null && SegmentHeader.idOf(next) != id + 1) {
                add(SegmentHeader.fileName(id + 1), 0, "the segment is missing, though " + next + " is there");
            }
        }
    }

    private void segment(String name, long id, FileHandle file, @Nullable String next) throws IOException {
        segments++;
        int size = (int) Math.min(file.size(), Integer.MAX_VALUE);
        try {
            SegmentHeader.read(files, name, id, incarnation, file);
        } catch (StorageCorruptException e) {
            add(e);
            if (size < SegmentHeader.BYTES + FrameHeader.BYTES) {
                return;
            }
        }
        bytes += size;
        SegmentReader reader = new SegmentReader(file, size);
        int end = frames(name, id, reader, next != null);
        SegmentHeader successor = next == null ? null : headerOf(next);
        if (successor == null || successor.id() != id + 1) {
            return;
        }
        if (end < successor.previousEnd()) {
            add(name, end, "no valid frame is here, though " + next + " continues behind offset " + successor.previousEnd());
        }
        if (!hasOneFrame(next, successor) && SegmentSeal.read(reader, incarnation, id) == null) {
            add(name, size - SegmentSeal.TRAILER_BYTES, "the segment's index at the end of the file is damaged");
        }
    }

    /** Looks at all frames; returns where the last one ends. */
    private int frames(String name, long id, SegmentReader reader, boolean hasNext) throws IOException {
        int at = SegmentHeader.BYTES;
        while (reader.size() - at >= FrameHeader.BYTES) {
            int position = reader.load(at, FrameHeader.BYTES);
            FrameHeader frame = FrameHeader.decode(reader.array(), position, incarnation, id, at);
            int length = frame == null ? 0 : frame.length();
            boolean isPlausible = frame != null && length >= 0 && frame.count() >= 0 && length <= reader.size() - at - FrameHeader.BYTES;
            if (frame != null && isPlausible) {
                frames++;
                entries(name, frame, reader, hasNext);
                at += FrameHeader.BYTES + length;
                continue;
            }
            FrameHeader later = reader.findFrame(at + 1, incarnation, id);
            if (later == null) {
                return at;
            }
            add(name, at, "no valid frame is here, though frame " + later.number() + " is at offset " + later.offset());
            at = later.offset();
        }
        return at;
    }

    private void entries(String name, FrameHeader frame, SegmentReader reader, boolean hasNext) throws IOException {
        try {
            readableEntries(name, frame, reader, hasNext);
        } catch (UnreadableException e) {
            add(e);     // what is behind it in the frame is not looked at
        }
    }

    private void readableEntries(String name, FrameHeader frame, SegmentReader reader, boolean hasNext) throws IOException {
        int at = frame.offset() + FrameHeader.BYTES;
        int end = at + frame.length();
        List<Wrong> found = new ArrayList<>();
        CRC32C heads = new CRC32C();
        for (int i = 0; i < frame.count(); i++) {
            long index = frame.firstIndex() + i;
            int size = end - at < Entry.HEADER_BYTES ? -1 : ByteBuffer.wrap(reader.array()).getInt(reader.load(at, Entry.HEADER_BYTES));
            if (size < Entry.HEADER_BYTES || size > Entry.SIZE_MAX || size > end - at) {
                found.add(new Wrong(files.pathOf(name), at, "entry " + index + " and the rest of frame " + frame.number()
                    + ", up to entry " + (frame.firstIndex() + frame.count() - 1) + ", are not what was written"));
                break;
            }
            int position = reader.load(at, size);
            heads.update(reader.array(), position, Segment.ENTRY_HEAD_BYTES);
            String objection = objection(reader.array(), position, size, index);
            if (!objection.isEmpty()) {
                found.add(new Wrong(files.pathOf(name), at, "entry " + index + " is not what was written: " + objection));
            }
            entries++;
            at += size;
        }
        if (found.isEmpty() && (at != end || (int) heads.getValue() != frame.entriesCrc())) {
            found.add(new Wrong(files.pathOf(name), frame.offset(), "the entries are not those of frame " + frame.number()));
        }
        // The last frame of all, with nothing behind it, is what a crash leaves.
        if (!found.isEmpty() && (hasNext || reader.findFrame(end, incarnation, frame.segmentId()) != null)) {
            wrong.addAll(found);
        }
    }

    private static String objection(byte[] array, int position, int size, long index) {
        try {
            Entry entry = Entry.decode(array, position, position + size);
            return entry.index() == index ? "" : "it is entry " + entry.id();
        } catch (IllegalArgumentException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private @Nullable SegmentHeader headerOf(String name) throws IOException {
        try (FileHandle file = files.openToRead(name)) {
            return SegmentHeader.read(files, name, SegmentHeader.idOf(name), incarnation, file);
        } catch (StorageCorruptException | NoSuchFileException | UnreadableException e) {
            return null;
        }
    }

    /** A segment that was only begun may have come before the index of the one before. */
    private boolean hasOneFrame(String name, SegmentHeader header) throws IOException {
        try (FileHandle file = files.openToRead(name)) {
            return !files.list().contains(SegmentHeader.fileName(header.id() + 1)) && new SegmentReader(file, header.size())
                .findFrame(SegmentHeader.BYTES + FrameHeader.BYTES, incarnation, header.id()) == null;
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    // -------------------------------------------------------------------------------------------------------------- the snapshot

    private void snapshot() throws IOException {
        Snapshots.Stored snapshot = inspection.snapshot();
        if (snapshot == null) {
            return;
        }
        SnapshotManifest manifest = snapshot.manifest();
        for (int i = 0; i < manifest.parts().size(); i++) {
            try (PartReader reader = new PartReader(files, snapshot.name(), manifest, i)) {
                part(reader, manifest.blockBytes());
            } catch (StorageCorruptException e) {
                add(e);
            } catch (UnreadableException e) {
                add(e);
            }
        }
    }

    private void part(PartReader reader, int blockBytes) throws IOException {
        CRC32C sum = new CRC32C();
        boolean isWhole = true;
        for (int at = 0; at < reader.bytes(); at += blockBytes) {
            blocks++;
            try {
                byte[] block = reader.read(at, blockBytes);
                bytes += block.length;
                reader.sum(block, sum);
            } catch (StorageCorruptException e) {
                add(e);
                isWhole = false;
            } catch (UnreadableException e) {
                add(e);
                isWhole = false;
            }
        }
        if (isWhole) {
            reader.check(sum);
        }
    }
}
