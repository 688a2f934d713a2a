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
    private static final int PLACES_AT_ONCE = 4096;

    private final FileSystem files;
    private final LogState state;
    private final EntryIndex index;
    private long repairs;          // when the window was filled, or before
    private boolean isMended;      // something was repaired while this looked for damage
    private long segmentId;
    private @Nullable FileHandle file;
    private byte[] window = new byte[0];   // never written to again: the entries share it
    private int windowFrom;

    EntryReader(FileSystem files, LogState state) {
        this.files = files;
        this.state = state;
        index = state.index();
    }

    /** See {@link io.quorate.raft.Storage#read}; empty also if the log does not reach so far. */
    List<Entry> read(long firstIndex, long lastIndex, long bytesMax) {
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
        while (places.places().length > 0 && places.replacements() == replacements) {
            for (long place : places.places()) {
                Entry entry = entry(next, place, bytesMax - bytes, entries.isEmpty());
                if (entry == null) {
                    return entries;
                }
                entries.add(entry);
                bytes += entry.size();
                next++;
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

    /** The entry at this place, or null if it is larger than what is left and need not be read all the same, or is not there any more. */
    private @Nullable Entry entry(long wanted, long place, long bytesLeft, boolean needed) {
        long id = EntryIndex.segmentOf(place);
        int offset = EntryIndex.offsetOf(place);
        Damage.Mark known = state.damage().at(wanted);
        if (known != null) {
            return damaged(wanted, place, needed, "is not what was written: it was found to be damaged before");
        }
        try {
            if (!holds(id, offset, Entry.HEADER_BYTES)) {
                fill(id, offset, Entry.HEADER_BYTES, (int) Math.max(WINDOW_BYTES_MIN, Math.min(WINDOW_BYTES_MAX, bytesLeft)));
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
            if (entry.index() != wanted) {
                throw new IllegalArgumentException("entry " + entry.id() + " is where " + wanted + " was written");
            }
            return entry;
        } catch (IllegalArgumentException e) {
            return damaged(wanted, place, needed, "is not what was written: " + e.getMessage());
        } catch (UnreadableException e) {
            return damaged(wanted, place, needed, "cannot be read: " + e.getCause());
        } catch (ClosedByInterruptException e) {
            throw new StorageException("Reading entry " + wanted + " was interrupted; nothing is wrong with it.", e);
        } catch (NoSuchFileException e) {
            if (wanted < index.firstIndex()) {
                return null;    // it was let go of since its place was asked for
            }
            throw new StorageCorruptException(pathOf(id), 0, "the segment is missing, though entry " + wanted + " is in it");
        } catch (IOException e) {
            throw new StorageException("Entry " + wanted + " cannot be read from " + pathOf(id) + " at offset " + offset + ": " + e
                + ". Check the disk.", e);
        }
    }

    /** Ends what is read, before an entry that is damaged. */
    private @Nullable Entry damaged(long wanted, long place, boolean needed, String how) {
        EntryId id = state.mark(wanted, place, repairs);
        isMended = id == null && state.damage().repairs() != repairs;
        if (id == null || !needed) {
            return null;
        }
        throw new EntryDamagedException(id, "Damage in " + pathOf(EntryIndex.segmentOf(place)) + " at offset " + EntryIndex.offsetOf(place)
            + ": entry " + id + " " + how + ". It is fetched from another replica; check the disk.");
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
