package io.quorate.raft.storage;

import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.TermTable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * What can still be told of a frame whose header is valid, and whose entries are not all what was written: the name of each entry, and
 * mostly its place.
 *
 * <p>The places are told by the segment's index, or by the sizes that stand in the entries; in both cases the header's checksum over
 * sizes and checksums vouches for all of them. If neither is whole, not one entry of the frame can be told from what a command may hold
 * or a misdirected write may bring, and all of them are taken for damaged. Their terms are told by the index, or else lie between those of
 * the neighbours: of the entry before the frame, of the entries that are whole, and of the last one, which the next frame names.
 */
final class DamagedFrame {

    private final FrameHeader frame;
    private final int from;         // where the entries begin
    private final int count;
    private final long[] terms;
    private final long[] termsMax;  // 0 while unknown, like terms
    private final int[] offsets;
    private final int[] checksums;
    private final boolean[] isDamaged;
    private final boolean[] isCertain;  // its name
    private final List<Long> memberships = new ArrayList<>();
    private boolean isApart;

    private DamagedFrame(FrameHeader frame) {
        this.frame = frame;
        from = frame.offset() + FrameHeader.BYTES;
        count = frame.count();
        terms = new long[count];
        termsMax = new long[count];
        offsets = new int[count];
        checksums = new int[count];
        isDamaged = new boolean[count];
        isCertain = new boolean[count];
    }

    /**
     * Finds out.
     *
     * @param reader      of the segment, all of whose bytes the frame's are
     * @param seal        the segment's index, or null if it has none
     * @param firstRecord where in the index the frame's entries begin
     * @param next        the frame behind this one
     * @param covered     the terms up to the end of the newest snapshot, or null if there is none
     * @return null if what is there contradicts itself
     */
    static @Nullable DamagedFrame tell(SegmentReader reader, FrameHeader frame, @Nullable SegmentSeal seal, int firstRecord,
                                       FrameHeader next, @Nullable TermTable covered) throws IOException {
        DamagedFrame told = new DamagedFrame(frame);
        boolean isIndexed = seal != null && seal.knows(firstRecord, told.count);
        if (isIndexed && seal != null) {
            if (!told.placesFrom(seal, firstRecord)) {
                return null;
            }
        } else {
            told.isApart = FrameWitness.tellsApart(reader, frame, told.offsets, told.checksums);
        }
        told.look(reader, isIndexed);
        return told.boundTerms(next, covered) ? told : null;
    }

    private boolean placesFrom(SegmentSeal seal, int firstRecord) {
        isApart = true;
        CRC32C heads = new CRC32C();
        for (int i = 0; i < count; i++) {
            if (seal.index(firstRecord + i) != frame.firstIndex() + i) {
                return false;
            }
            terms[i] = seal.term(firstRecord + i);
            checksums[i] = seal.checksum(firstRecord + i);
            offsets[i] = seal.offset(firstRecord + i);
        }
        for (int i = 0; i < count; i++) {
            heads.update(ByteBuffer.allocate(Segment.ENTRY_HEAD_BYTES).putInt(size(i)).putInt(checksums[i]).flip());
        }
        return offsets[0] == from && (int) heads.getValue() == frame.entriesCrc();
    }

    private int size(int i) {
        return (i + 1 < count ? offsets[i + 1] : from + frame.length()) - offsets[i];
    }

    /** Which entries are whole. */
    private void look(SegmentReader reader, boolean isIndexed) throws IOException {
        if (!isApart) {
            Arrays.fill(isDamaged, true);
            Arrays.fill(offsets, from);
            return;
        }
        for (int i = 0; i < count; i++) {
            Entry entry = entryIfReadable(reader, offsets[i], offsets[i] + size(i));
            isDamaged[i] = entry == null || entry.size() != size(i) || entry.checksum() != checksums[i]
                || entry.index() != frame.firstIndex() + i || isIndexed && entry.term() != terms[i];
            if (entry != null && !isDamaged[i]) {
                terms[i] = entry.term();
                if (entry.kind() == Entry.Kind.MEMBERSHIP) {
                    memberships.add(entry.index());
                }
            }
            if (isIndexed || !isDamaged[i]) {
                termsMax[i] = terms[i];
            }
        }
    }

    /** The entry here, or null if there is none that is whole; as good as that is one that cannot be read, if it is known to be here. */
    static @Nullable Entry entryIfReadable(SegmentReader reader, int at, int end) throws IOException {
        try {
            return entryAt(reader, at, end);
        } catch (UnreadableException e) {
            return null;
        }
    }

    /**
     * The entry here, or null if there is none that is whole.
     *
     * @throws UnreadableException if that cannot be told
     */
    static @Nullable Entry entryAt(SegmentReader reader, int at, int end) throws IOException {
        if (end - at < Entry.HEADER_BYTES) {
            return null;
        }
        int size = reader.intAt(at);
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

    /** Narrows down the terms that are not known; false if they cannot be in order. */
    private boolean boundTerms(FrameHeader next, @Nullable TermTable covered) {
        // What the next frame replaces is not in the log, and needs no name.
        int needed = next.isReset() ? 0 : (int) Math.max(0, Math.min(count, next.firstIndex() - frame.firstIndex()));
        if (needed > 0 && termsMax[needed - 1] == 0) {
            terms[needed - 1] = next.previousTerm();
            termsMax[needed - 1] = next.previousTerm();
        }
        long highest = frame.hardState().term();
        for (int i = count - 1; i >= 0; i--) {
            if (termsMax[i] == 0) {
                termsMax[i] = highest;
                terms[i] = 0;
            }
            highest = termsMax[i];
        }
        long lowest = Math.max(1, frame.previousTerm());
        long told = lowest;     // by the frames alone
        for (int i = 0; i < count; i++) {
            told = terms[i] == 0 ? told : terms[i];
            isCertain[i] = told == termsMax[i];
            if (terms[i] == 0) {
                terms[i] = lowest;
                long index = frame.firstIndex() + i;
                if (covered != null && covered.covers(index) && covered.termAt(index) >= lowest && covered.termAt(index) <= termsMax[i]) {
                    terms[i] = covered.termAt(index);
                }
            }
            if (terms[i] < lowest || terms[i] > termsMax[i]) {
                return false;
            }
            lowest = terms[i];
        }
        return true;
    }

    long[] terms() {
        return terms;
    }

    int[] offsets() {
        return offsets;
    }

    /** Which of its intact entries are of a membership. */
    List<Long> memberships() {
        return memberships;
    }

    /** Puts its entries into the index of the segment, those of which not all is certain as unknown. */
    void addTo(SegmentSeal seal) {
        for (int i = 0; i < count; i++) {
            if (isApart && isCertain[i]) {
                seal.add(frame.firstIndex() + i, terms[i], checksums[i], offsets[i]);
            } else {
                seal.addUnknown(frame.firstIndex() + i);
            }
        }
    }

    /** Marks what is damaged. */
    void addTo(Damage damage) {
        for (int i = 0; i < count; i++) {
            if (isDamaged[i]) {
                damage.add(new Damage.Mark(new EntryId(terms[i], frame.firstIndex() + i), termsMax[i],
                    frame.segmentId(), offsets[i], isApart));
            }
        }
    }

    /** Whether anything is. */
    boolean hasDamage() {
        for (boolean each : isDamaged) {
            if (each) {
                return true;
            }
        }
        return false;
    }
}
