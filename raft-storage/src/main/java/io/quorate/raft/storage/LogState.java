package io.quorate.raft.storage;

import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.TermTable;

/**
 * What all frames so far add up to, and so what the next one must follow. Owned by the thread that recovers, then by the one that writes;
 * only {@link #index()} is for others too.
 */
final class LogState {

    private final TermTable terms = new TermTable(EntryId.ZERO);
    private final EntryIndex index = new EntryIndex();
    private HardState hardState = HardState.INITIAL;
    private long commitIndexMax;
    private long frames;      // the number of the last one
    private int lastCrc;
    private long lastWriteId;
    private boolean lastEmpty = true;

    TermTable terms() {
        return terms;
    }

    EntryIndex index() {
        return index;
    }

    long nextIndex() {
        return terms.lastIndex() + 1;
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
        HardState next = frame.hardState();
        if (frame.number() != frames + 1 || frame.previousCrc() != lastCrc) {
            return "frame " + frame.number() + " does not follow frame " + frames;
        }
        if (frame.firstIndex() < 1 || frame.firstIndex() > nextIndex()) {
            return "entries from " + frame.firstIndex() + " on cannot follow a log of " + terms;
        }
        return objectionTo(next);
    }

    /** Why a hard state cannot follow, or an empty string if it can. */
    String objectionTo(HardState next) {
        if (next.term() < hardState.term()) {
            return "term " + next.term() + " after term " + hardState.term();
        }
        if (next.term() == hardState.term() && hardState.votedFor() != null && !hardState.votedFor().equals(next.votedFor())) {
            return "a second vote in term " + next.term() + ": " + next.votedFor() + " after " + hardState.votedFor();
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
    void apply(FrameHeader frame, int crc, long[] entryTerms, int[] entryOffsets) {
        lastEmpty = frame.count() == 0 && frame.firstIndex() == nextIndex() && frame.hardState().equals(hardState);
        long firstIndex = frame.firstIndex();
        if (firstIndex < nextIndex()) {
            terms.truncate(firstIndex);
        }
        for (int i = 0; i < frame.count(); i++) {
            terms.append(entryTerms[i], firstIndex + i);
        }
        index.replace(firstIndex, frame.segmentId(), entryOffsets, frame.count());
        hardState = frame.hardState();
        commitIndexMax = Math.max(commitIndexMax, hardState.commitIndex());
        frames = frame.number();
        lastCrc = crc;
        lastWriteId = frame.writeId();
    }
}
