package io.quorate.raft.storage;

import io.quorate.raft.core.EntryId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.NavigableSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The entries of the log that are damaged on the disk. They are known by their names, so that other replicas can be asked for them.
 *
 * <p>Who opens, reads or scrubs puts marks here; who repairs, replaces or covers an entry takes its mark away. Any thread.
 */
final class Damage {

    private final NavigableMap<Long, Mark> marks = new TreeMap<>();
    private volatile boolean isEmpty = true;    // asked for each entry that is read
    private long repairs;
    private final NavigableSet<Long> brokenSegments = new TreeSet<>();
    private final NavigableSet<Long> met = new TreeSet<>();     // segments in which anything was ever found, whatever became of it

    /**
     * One damaged entry.
     *
     * @param id      its name; while {@code termMax} is higher, the lowest it may be
     * @param termMax the highest its term may be
     * @param segment where it is
     * @param offset  where in the segment it begins; or, if it is not known apart, where the run of damaged entries begins that it is in
     * @param isApart whether it is known where it begins and ends
     * @param isStuck whether it cannot be written over in its place
     */
    record Mark(EntryId id, long termMax, long segment, int offset, boolean isApart, boolean isStuck) {

        /** One that was not yet tried to write over. */
        Mark(EntryId id, long termMax, long segment, int offset, boolean isApart) {
            this(id, termMax, segment, offset, isApart, false);
        }

        /** Whether no other entry can have been here. */
        boolean isCertain() {
            return termMax == id.term();
        }

        /** The same, but not to be put back in its place. */
        Mark stuck() {
            return new Mark(id, termMax, segment, offset, isApart, true);
        }

        /** Whether these two can only be told apart when both are known. */
        boolean isOfRunOf(Mark other) {
            return !isApart && !other.isApart && segment == other.segment && offset == other.offset;
        }
    }

    synchronized void add(Mark mark) {
        marks.put(mark.id().index(), mark);
        met.add(mark.segment());
        isEmpty = false;
    }

    /** Whether anything was ever marked in this segment or behind it, also if nobody needs it any more. */
    synchronized boolean hasBeenFrom(long segment) {
        return !met.tailSet(segment, true).isEmpty();
    }

    /** Something in this segment was not what had been written, or not given back: its file is not one to write into again. */
    synchronized void hasMet(long segment) {
        met.add(segment);
    }

    /** Whether that was ever so, in whatever of it. */
    synchronized boolean hasBeenIn(long segment) {
        return met.contains(segment);
    }

    /** Damage to the entry at this index, or null. */
    @Nullable Mark at(long index) {
        return isEmpty ? null : lookAt(index);
    }

    private synchronized @Nullable Mark lookAt(long index) {
        return marks.get(index);
    }

    /** All of it, by index. */
    synchronized List<Mark> marks() {
        return new ArrayList<>(marks.values());
    }

    /** What is behind this index, by name. */
    List<EntryId> idsBehind(long index) {
        return marks().stream().map(Mark::id).filter(id -> id.index() > index).toList();
    }

    /** The entry is there again. */
    synchronized void repaired(EntryId id) {
        repairs++;
        marks.remove(id.index());
        isEmpty = marks.isEmpty();
    }

    /** Rises with each repair: what was read before it may be what it has put right. */
    synchronized long repairs() {
        return repairs;
    }

    /** The log has other entries from here on, or none. */
    synchronized void forgetFrom(long index) {
        marks.tailMap(index, true).clear();
        isEmpty = marks.isEmpty();
    }

    /** A snapshot covers these; returns the last of them, or 0 if there was none. */
    synchronized long forgetUpTo(long index) {
        Map.Entry<Long, Mark> last = marks.floorEntry(index);
        marks.headMap(index, true).clear();
        isEmpty = marks.isEmpty();
        return last == null ? 0 : last.getKey();
    }

    /** Whether the next opening would refuse this segment, though its entries can be read. */
    synchronized void setBroken(long segment, boolean isBroken) {
        if (isBroken) {
            brokenSegments.add(segment);
            met.add(segment);
        } else {
            brokenSegments.remove(segment);
        }
    }

    /** The segments that the next opening would refuse. */
    synchronized List<Long> brokenSegments() {
        return List.copyOf(brokenSegments);
    }
}
