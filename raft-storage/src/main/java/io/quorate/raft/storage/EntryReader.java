package io.quorate.raft.storage;

import io.quorate.raft.EntryDamagedException;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads a run of entries for one caller, who may be any thread.
 *
 * <p>Each read opens the files it needs for itself: a thread that is interrupted while it reads closes no file but its own.
 */
final class EntryReader implements AutoCloseable {

    private static final int WINDOW_BYTES_MIN = 4 << 10;
    private static final int WINDOW_BYTES_MAX = 256 << 10;   // small enough not to be an object of its own region
    /** Of who reads so much, and keeps it, the windows are objects of their own regions, in a small heap: no collection moves them. */
    static final int MUCH = 8 << 20;
    private static final int WINDOW_BYTES_OF_MUCH = (1 << 20) - 64;
    private static final int PLACES_AT_ONCE = 4096;

    private final FileSystem files;
    private final LogState state;
    private final EntryIndex index;
    private final PlaceFinder finder;
    private long repairs;          // when the window was filled, or before
    private long checkedTerm;      // the log has entries of this term here, so others of it need not be asked for one by one
    private boolean isMended;      // something was repaired while this looked for damage
    private long segmentId;
    private @Nullable FileHandle file;
    private int windowBytes = WINDOW_BYTES_MAX;
    private byte[] window = new byte[0];   // never written to again: the entries share it
    private int windowFrom;

    EntryReader(FileSystem files, long incarnation, LogState state) {
        this.files = files;
        this.state = state;
        index = state.index();
        finder = new PlaceFinder(files, incarnation, state);
    }

    /** See {@link io.quorate.raft.Storage#read}; empty also if the log does not reach so far. */
    List<Entry> read(long firstIndex, long lastIndex, long bytesMax) {
        windowBytes = bytesMax < MUCH ? WINDOW_BYTES_MAX : WINDOW_BYTES_OF_MUCH;
        List<Entry> entries;
        do {
            isMended = false;
            entries = readOnce(firstIndex, lastIndex, bytesMax);
        } while (entries.isEmpty() && isMended);
        return entries;
    }

    private List<Entry> readOnce(long firstIndex, long lastIndex, long bytesMax) {
        List<Entry> entries = new ArrayList<>();
        long bytes = 0;
        long next = firstIndex;
        EntryIndex.Places places = placesFrom(next, lastIndex);
        long replacements = places.replacements();
        // A place taken after a replacement might continue another log than the one before.
        while (!places.stretches().isEmpty() && places.replacements() == replacements) {
            for (EntryIndex.Stretch stretch : places.stretches()) {
                if (!entries.isEmpty() && bytesMax - bytes < Entry.HEADER_BYTES) {
                    return entries;     // before it is looked where the next ones are
                }
                int[] offsets = offsets(next, stretch);
                for (int i = 0; i < offsets.length; i++) {
                    Entry entry = entry(next, stretch, offsets, i, bytesMax - bytes, entries.isEmpty());
                    if (entry == null) {
                        return entries;
                    }
                    entries.add(entry);
                    bytes += entry.size();
                    next++;
                }
                if (offsets.length < stretch.count()) {
                    return entries;
                }
            }
            places = placesFrom(next, lastIndex);
        }
        return entries;
    }

    private EntryIndex.Places placesFrom(long firstIndex, long lastIndex) {
        // What was read before may end in zeros where there are entries by now.
        window = new byte[0];
        repairs = state.damage().repairs();
        return index.places(firstIndex, lastIndex, PLACES_AT_ONCE);
    }

    /** Where these begin; none if they are not there any more. */
    private int[] offsets(long first, EntryIndex.Stretch stretch) {
        try {
            return finder.offsets(stretch);
        } catch (IOException e) {
            failIfWanted(first, stretch.segment(), "it cannot be told where in " + pathOf(stretch.segment()) + " that is", e);
            return new int[0];
        }
    }

    /** Returns only if the entry was let go of since its place was asked for. */
    private void failIfWanted(long wanted, long id, String what, IOException e) {
        if (e instanceof ClosedByInterruptException) {
            throw new StorageException("Reading entry " + wanted + " was interrupted; nothing is wrong with it.", e);
        }
        if (wanted < index.firstIndex()) {
            return;     // the file is deleted, or cut, or another segment's by now
        }
        if (!(e instanceof NoSuchFileException)) {
            throw new StorageException("Entry " + wanted + " cannot be read: " + what + ": " + e + ". Check the disk.", e);
        }
        throw new StorageCorruptException(pathOf(id), 0, "the segment is missing, though entry " + wanted + " is in it");
    }

    /** One of these entries, or null if it is larger than what is left and need not be read all the same, or is not there any more. */
    private @Nullable Entry entry(long wanted, EntryIndex.Stretch stretch, int[] offsets, int i, long bytesLeft, boolean needed) {
        long id = stretch.segment();
        int record = stretch.record() + i;
        int offset = offsets[i];
        Damage.Mark known = state.damage().at(wanted);
        if (known != null) {
            return damaged(wanted, id, record, offset, needed, "is not what was written: it was found to be damaged before");
        }
        if (offset < 1) {
            return damaged(wanted, id, record, offset, needed, "is not to be found: neither the segment's index nor its frames tell where");
        }
        try {
            if (!holds(id, offset, Entry.HEADER_BYTES)) {
                // Not much more than up to the last of these: what is behind is read afresh.
                int upToLast = Math.max(0, offsets[offsets.length - 1] - offset) + WINDOW_BYTES_MIN;
                int wantedBytes = (int) Math.min(Math.min(windowBytes, upToLast), bytesLeft);
                fill(id, offset, Entry.HEADER_BYTES, Math.max(WINDOW_BYTES_MIN, wantedBytes));
            }
            int size = ByteBuffer.wrap(window).getInt(offset - windowFrom);
            if (size > bytesLeft && !needed) {
                return null;
            }
            if (!holds(id, offset, size)) {
                int whole = Math.max(0, Math.min(size, Entry.SIZE_MAX));
                fill(id, offset, whole, whole);
            }
            Entry entry = Entry.decode(window, offset - windowFrom, window.length);
            if (entry.index() != wanted || entry.term() != checkedTerm && state.isOther(entry.id(), id, record)) {
                throw new IllegalArgumentException("entry " + entry.id() + " is where " + wanted + " was written");
            }
            checkedTerm = entry.term();
            return entry;
        } catch (IllegalArgumentException e) {
            return damaged(wanted, id, record, offset, needed, "is not what was written: " + e.getMessage());
        } catch (UnreadableException e) {
            return damaged(wanted, id, record, offset, needed, "cannot be read: " + e.getCause());
        } catch (StorageCorruptException e) {
            if (wanted < index.firstIndex()) {
                return null;    // likewise
            }
            throw e;
        } catch (IOException e) {
            failIfWanted(wanted, id, "from " + pathOf(id) + " at offset " + offset, e);
            return null;
        }
    }

    /** Ends what is read, before an entry that is damaged. */
    private @Nullable Entry damaged(long wanted, long segment, int record, int offset, boolean needed, String how) {
        EntryId id = state.mark(wanted, segment, record, offset, repairs);
        isMended = id == null && state.damage().repairs() != repairs;
        if (id == null || !needed) {
            return null;
        }
        throw new EntryDamagedException(id, "Damage in " + pathOf(segment) + " at offset " + Math.abs(offset) + ": entry " + id + " " + how
            + ". It is fetched from another replica; check the disk.");
    }

    private String pathOf(long id) {
        return files.pathOf(SegmentHeader.fileName(id));
    }

    private boolean holds(long id, int offset, int length) {
        return id == segmentId && offset >= windowFrom && (long) offset + length <= (long) windowFrom + window.length;
    }

    private void fill(long id, int offset, int needed, int wanted) throws IOException {
        FileHandle open = file;
        if (open == null || id != segmentId) {
            close();
            open = files.openToRead(SegmentHeader.fileName(id));
            file = open;
            segmentId = id;
        }
        long left = open.size() - offset;
        if (left < Entry.HEADER_BYTES) {
            throw new StorageCorruptException(pathOf(id), open.size(), "the file ends here, though an entry begins at " + offset);
        }
        try {
            fill(open, offset, (int) Math.min(Math.max(wanted, Entry.HEADER_BYTES), left));
        } catch (UnreadableException e) {
            state.damage().hasMet(id);
            fill(open, offset, (int) Math.min(Math.max(needed, Entry.HEADER_BYTES), left));     // it may have been something behind that
        }
    }

    private void fill(FileHandle open, int offset, int length) throws IOException {
        byte[] bytes = new byte[length];
        if (open.read(ByteBuffer.wrap(bytes), offset) < length) {
            throw new StorageCorruptException(pathOf(segmentId), offset, "the file became shorter while it was read");
        }
        window = bytes;
        windowFrom = offset;
    }

    @Override
    public void close() throws IOException {
        if (file != null) {
            file.close();
            file = null;
        }
    }
}
