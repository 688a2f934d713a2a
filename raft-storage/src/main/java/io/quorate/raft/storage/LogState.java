package io.quorate.raft.storage;

import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.TermTable;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What all frames so far add up to, and so what the next one must follow. Owned by the thread that recovers, then by the one that writes;
 * only {@link #index()}, {@link #damage()}, {@link #termsUpTo}, {@link #mark} and {@link #cover} are for others too.
 */
final class LogState {

    private final EntryIndex index = new EntryIndex();
    private final Damage damage = new Damage();
    private TermTable terms = new TermTable(EntryId.ZERO);
    private boolean isBaseUnknown;     // what the log stands on is told by the first frame to come
    private boolean isBaseFixed;       // nothing can replace what is there or before
    private HardState hardState = HardState.INITIAL;
    private long commitIndexMax;
    private @Nullable EntryId beginning;    // of the group, when its quorum was lost: what was known of commits before is void
    private long frames;      // the number of the last one
    private int lastCrc;
    private long lastWriteId;
    private boolean lastEmpty = true;

    /** Of a log without a frame. */
    LogState() {
        isBaseFixed = true;
    }

    /** Of a log whose first segments are gone, before the first frame that is there. */
    LogState(SegmentHeader first) {
        frames = first.firstFrame() - 1;
        lastCrc = first.previousCrc();
        isBaseUnknown = true;
    }

    /** For a log in which the group begins anew with this entry, or began. */
    void setBeginning(@Nullable EntryId entry) {
        beginning = entry;
    }

    TermTable terms() {
        return terms;
    }

    EntryIndex index() {
        return index;
    }

    Damage damage() {
        return damage;
    }

    /**
     * The entry that was read from this place is damaged. Any thread.
     *
     * @param record  which one it is in its segment
     * @param offset  where it begins; less than 1 if nobody knows, as {@link PlaceFinder} says
     * @param repairs how many there had been when it was read
     * @return its name; null if it is not in the log any more, or may have been repaired meanwhile
     */
    synchronized @Nullable EntryId mark(long at, long segment, int record, int offset, long repairs) {
        if (!index.isAt(at, segment, record) || damage.repairs() != repairs) {
            return null;
        }
        Damage.Mark known = damage.at(at);
        if (known != null) {
            return known.id();
        }
        EntryId id = new EntryId(terms.termAt(at), at);
        damage.add(new Damage.Mark(id, id.term(), segment, Math.abs(offset), offset > 0));
        return id;
    }

    /**
     * Whether the log has another entry of this index, and it was written to this place. (Where a write got lost there may be one that was
     * replaced, of an earlier segment in the same file.) Any thread.
     */
    synchronized boolean isOther(EntryId read, long segment, int record) {
        return index.isAt(read.index(), segment, record) && terms.covers(read.index()) && terms.termAt(read.index()) != read.term();
    }

    /** A snapshot covers the log up to here: damage in that is none any more, but it cannot be read, nor what is before it. Any thread. */
    synchronized void cover(long coveredIndex) {
        long last = damage.forgetUpTo(coveredIndex);
        if (last > 0) {
            index.raiseFirst(last + 1);
        }
        for (long broken : damage.brokenSegments()) {
            long next = index.firstFrom(broken + 1);
            if (next <= coveredIndex + 1) {     // so that the segment goes, however much of the log is kept for others
                index.raiseFirst(next);
                damage.setBroken(broken, false);
            }
        }
    }

    long nextIndex() {
        return terms.lastIndex() + 1;
    }

    /** Whether the log has exactly this entry, or stands on it. */
    boolean holds(EntryId id) {
        return terms.covers(id.index()) && terms.termAt(id.index()) == id.term();
    }

    /** The last entry, or the one before this index if the log goes further. */
    EntryId lastBefore(long index) {
        EntryId last = terms.last();
        return last.index() < index || !terms.covers(index - 1) ? last : new EntryId(terms.termAt(index - 1), index - 1);
    }

    /**
     * The newest terms up to this entry, or null if the log does not hold it. (A log without entries may be given any entry to begin
     * behind.) Any thread.
     */
    synchronized @Nullable TermTable termsUpTo(EntryId last) {
        if (terms.lastIndex() == 0 && last.index() > 0) {
            return new TermTable(last);
        }
        if (!holds(last)) {
            return null;
        }
        TermTable copy = new TermTable(terms);
        copy.truncate(last.index() + 1);
        forgetOld(copy, Long.MAX_VALUE);
        return copy;
    }

    /** Forgets the terms that are older than a snapshot would keep, if a snapshot up to this index covers them. */
    synchronized void forgetTerms(long coveredIndex) {
        forgetOld(terms, coveredIndex);
    }

    private static void forgetOld(TermTable terms, long indexMax) {
        List<EntryId> starts = terms.starts();
        if (starts.size() > SnapshotManifest.TERMS_MAX) {
            long first = starts.get(starts.size() - SnapshotManifest.TERMS_MAX).index();
            if (first <= indexMax) {
                terms.forgetBefore(first);
            }
        }
    }

    /** The terms before the log begins, as the snapshot knows them that it stands on. */
    synchronized void putBefore(TermTable earlier) {
        terms = join(earlier, terms);
    }

    /**
     * One table of both, of which the later one begins in the earlier one or where that ends.
     *
     * @throws IllegalArgumentException if they contradict each other
     */
    static TermTable join(TermTable earlier, TermTable later) {
        long base = later.base().index();
        if (base <= earlier.base().index()) {
            earlier.starts().forEach(start -> requireSame(later, start));
            requireSame(later, earlier.last());
            return later;
        }
        requireSame(earlier, later.base());
        for (EntryId start : later.starts()) {
            if (start.index() <= earlier.lastIndex()) {
                requireSame(earlier, start);
            }
        }
        for (EntryId start : earlier.starts()) {
            if (start.index() >= base) {
                requireSame(later, start);
            }
        }
        TermTable joined = new TermTable(earlier);
        joined.truncate(base + 1);
        List<EntryId> starts = new ArrayList<>(joined.starts());
        starts.addAll(later.starts().subList(1, later.starts().size()));
        return TermTable.of(starts, later.lastIndex());
    }

    private static void requireSame(TermTable terms, EntryId id) {
        if (!terms.covers(id.index()) || terms.termAt(id.index()) != id.term()) {
            throw new IllegalArgumentException(id + " is not in " + terms);
        }
    }

    /** As last written. */
    HardState hardState() {
        return hardState;
    }

    /** As a restarted node may use it: no commit index is ever unlearned, nor does one point behind the log. */
    HardState recoveredHardState() {
        return new HardState(hardState.term(), hardState.votedFor(), Math.min(commitIndexMax, terms.lastIndex()));
    }

    long frames() {
        return frames;
    }

    int lastCrc() {
        return lastCrc;
    }

    long lastWriteId() {
        return lastWriteId;
    }

    /** Whether nothing would be missed if the last frame were lost. */
    boolean isLastEmpty() {
        return lastEmpty;
    }

    /** Why a frame cannot follow, or an empty string if it can. */
    String objectionTo(FrameHeader frame) {
        if (frame.number() != frames + 1 || frame.previousCrc() != lastCrc) {
            return "frame " + frame.number() + " does not follow frame " + frames;
        }
        EntryId previous = frame.previous();
        boolean begins = frame.isReset() || isBaseUnknown || previous.index() < terms.base().index() && !isBaseFixed;
        if (!begins && !holds(previous)) {
            return "entries behind " + previous + " cannot follow a log of " + terms;
        }
        if (frame.isReset() && frame.count() != 0) {
            return "a log that begins anew with entries";
        }
        return objection(hardState, frame.hardState());
    }

    /** Why a hard state cannot follow another, or an empty string if it can. */
    static String objection(HardState before, HardState next) {
        if (next.term() < before.term()) {
            return "term " + next.term() + " after term " + before.term();
        }
        if (next.term() == before.term() && before.votedFor() != null && !before.votedFor().equals(next.votedFor())) {
            return "a second vote in term " + next.term() + ": " + next.votedFor() + " after " + before.votedFor();
        }
        return "";
    }

    /**
     * The frame is durable.
     *
     * @param crc          its checksum
     * @param entryTerms   the terms of its entries, in the first {@code count} places
     * @param entryOffsets where in the segment they begin, likewise
     */
    synchronized void apply(FrameHeader frame, int crc, long[] entryTerms, int[] entryOffsets) {
        lastEmpty = frame.count() == 0 && frame.firstIndex() == nextIndex() && frame.hardState().equals(hardState) && !frame.isReset();
        long firstIndex = frame.firstIndex();
        if (frame.isReset() || isBaseUnknown || firstIndex <= terms.base().index()) {
            // What came before is not there, or nothing to the log any more. (It may begin further in front again where segments that
            // are gone held entries which this one replaces.)
            terms = new TermTable(frame.previous());
            isBaseUnknown = false;
            isBaseFixed |= frame.isReset();
            damage.forgetFrom(0);
            index.reset(firstIndex);
        } else if (firstIndex < nextIndex()) {
            terms.truncate(firstIndex);
            damage.forgetFrom(firstIndex);
        }
        for (int from = 0; from < frame.count(); ) {
            int to = frame.count() - 1;
            if (entryTerms[to] != entryTerms[from]) {   // which is rare; they never fall, so otherwise all between are the same
                for (to = from; entryTerms[to + 1] == entryTerms[from]; ) {
                    to++;
                }
            }
            terms.append(entryTerms[from], firstIndex + from, firstIndex + to);
            from = to + 1;
        }
        index.replace(firstIndex, frame.segmentId(), entryOffsets, frame.count(), frame.offset() + FrameHeader.BYTES + frame.length());
        hardState = frame.hardState();
        boolean isBeginning = beginning != null && frame.count() > 0 && new EntryId(entryTerms[0], firstIndex).equals(beginning);
        commitIndexMax = isBeginning ? hardState.commitIndex() : Math.max(commitIndexMax, hardState.commitIndex());
        frames = frame.number();
        lastCrc = crc;
        lastWriteId = frame.writeId();
    }
}
