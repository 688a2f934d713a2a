package io.quorate.raft.storage;

import io.quorate.raft.core.DiskRoom;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.TermTable;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Appends frames to the last segment, and begins the next one when it is full. */
final class LogWriter implements Closeable {

    static final String LARGE = "large.seg";

    private static final Logger LOG = LoggerFactory.getLogger(LogWriter.class);

    private final FileSystem files;
    private final long incarnation;
    private final LogState state;
    private final HeadRoom headRoom;
    private final Staging staging;
    private Segment segment;
    private volatile DiskRoom room;
    private long oldest;      // segment that may be there; those before the log's first are not needed any more

    /** Goes on behind the last frame of this segment. */
    LogWriter(FileSystem files, long incarnation, LogState state, HeadRoom headRoom, Staging staging, Segment segment) {
        this.files = files;
        this.incarnation = incarnation;
        this.state = state;
        this.headRoom = headRoom;
        this.staging = staging;
        this.segment = segment;
        oldest = state.index().firstSegment();
        room = headRoom.room(segment);
    }

    /** Reads what the next frame shares a block with, and is written again with it: no append depends on what the disk gives back. */
    void prepare() throws IOException {
        segment.readLastBlock(state);
    }

    LogState state() {
        return state;
    }

    /** The last segment, which is not sealed. */
    long openSegment() {
        return segment.id();
    }

    /** How much room there is for entries. Any thread. */
    DiskRoom room() {
        return room;
    }

    /** Where the last segment's frames end. */
    int end() {
        return segment.end();
    }

    /** Makes the content, which was checked, durable as one frame; if a term or a vote hangs on that, another one follows. */
    void write(Content content) throws IOException {
        HardState before = state.hardState();
        HardState after = content.hardState();
        append(content);
        if (after.term() != before.term() || !Objects.equals(after.votedFor(), before.votedFor())) {
            // Damage to the very last frame passes for a crash. A vote must not be forgotten so.
            append(Content.nothingAfter(state));
        }
    }

    /** Makes the last frame one that nothing hangs on, unless it already is. */
    void closeOff() throws IOException {
        if (!state.isLastEmpty()) {
            append(Content.nothingAfter(state));
        }
    }

    /**
     * The same, of content that goes with a snapshot: if the log begins anew, it does behind that.
     *
     * @param before the terms up to the snapshot's last entry
     */
    void write(Content content, TermTable before) throws IOException {
        write(content);
        if (content.base() != null) {
            state.putBefore(before);
        }
    }

    /** See {@link io.quorate.raft.Storage#repair}. */
    List<EntryId> repair(List<Entry> entries) throws IOException {
        EntryRepair repair = new EntryRepair(files, incarnation, state, segment);
        List<EntryId> repaired = new ArrayList<>(repair.inPlace(entries));
        for (Content content = repair.onceMore(); content != null; content = repair.onceMore()) {
            List<EntryId> again = state.damage().idsBehind(content.firstIndex() - 1);
            if (!hasRoomToRepeat(content)) {
                LOG.warn("There is too little room on the disk to write entries once more that are damaged, from {} on: that waits",
                    content.firstIndex());
                break;
            }
            append(content);
            closeOff();     // they were acknowledged long ago, so they must not hang on the last frame
            repaired.addAll(again);
        }
        repaired.sort(Comparator.comparingLong(EntryId::index));
        return repaired;
    }

    /**
     * Makes sure that what is written once more fits into the last segment, with the empty frame behind it; or says that it cannot. There is
     * no haste: so it takes nothing of the room that is kept for new entries and for votes, which must not fail. The next segment's file is
     * there before and after, and what is too large for this one gets a file of its own.
     */
    private boolean hasRoomToRepeat(Content content) throws IOException {
        while (headRoom.step()) {
            continue;
        }
        room = headRoom.room(segment);
        long frames = 2L * FrameHeader.BYTES + content.length();
        int count = content.entries().size();
        if (!headRoom.isReady()) {
            return false;
        }
        if (segment.hasRoom(frames, count)) {
            return true;
        }
        int bytes = (int) Math.max(headRoom.segmentBytes(), Segment.sizeFor(frames, count));
        try (Spare own = new Spare(files, LARGE, bytes)) {
            if (!isMade(own)) {
                return false;
            }
            roll(own);
        }
        return true;
    }

    /** Makes this file; if there is no room for it, nothing of it stays. */
    private boolean isMade(Spare file) throws IOException {
        long usable = files.usableBytes();
        if (usable >= 0 && usable < file.size()) {
            return false;
        }
        try {
            while (file.step()) {
                continue;
            }
            return true;
        } catch (IOException e) {
            if (!HeadRoom.isForLackOfRoom(e, files, file.size() - file.filled())) {
                throw e;
            }
            file.giveUp();
            files.syncDirectory();
            return false;
        }
    }

    /**
     * Forgets the segments of which the log needs nothing any more. Their files go one by one, by {@link #maintain}: there may be hundreds,
     * and no write should wait for more than one.
     *
     * @param firstKept the first entry that must stay
     */
    void compact(long firstKept) {
        EntryIndex index = state.index();
        long first = index.firstSegment();
        long kept = Math.min(index.segmentOfEntry(Math.max(firstKept, index.firstIndex())), segment.id());
        if (first == kept) {
            return;
        }
        index.forgetBefore(index.firstFrom(kept), kept);   // before the files go, so that nobody begins to read them
    }

    /**
     * Does one step: what makes the next segment's file ready comes first, then the file of a forgotten segment, piece by piece. Returns
     * whether there may be more to do.
     */
    boolean maintain() throws IOException {
        boolean hasMore = headRoom.prepare() || isStepDone();
        room = headRoom.room(segment);
        return hasMore;
    }

    /** Another file is let go of only when the one before is given back, and zeros are made only if there is none to let go of. */
    private boolean isStepDone() throws IOException {
        if (headRoom.isReady() && headRoom.discard()) {
            return true;
        }
        return isOneLetGo() || headRoom.step() || headRoom.discard();
    }

    /** The oldest goes first, and its name for good before the next one goes, so that what a crash leaves has no hole. */
    private boolean isOneLetGo() throws IOException {
        if (oldest >= state.index().firstSegment() || headRoom.isDiscarding()) {
            return false;
        }
        headRoom.letGo(SegmentHeader.fileName(oldest), !state.damage().hasBeenIn(oldest));
        oldest++;
        return true;
    }

    @Override
    public void close() throws IOException {
        try {
            segment.close();
        } finally {
            headRoom.close();
        }
    }

    private void append(Content content) throws IOException {
        long frameBytes = (long) FrameHeader.BYTES + content.length();
        int count = content.entries().size();
        int kept = count == 0 ? 0 : headRoom.keptForHardStates(segment.size());
        if (!segment.hasRoom(frameBytes + kept, count)) {
            roll(Segment.sizeFor(frameBytes, count));
            headRoom.look();
        }
        segment.append(content, state);
        room = headRoom.room(segment);
    }

    private void roll(long bytesMin) throws IOException {
        if (bytesMin <= headRoom.segmentBytes()) {
            roll(headRoom.next());
            return;
        }
        try (Spare large = new Spare(files, LARGE, Math.toIntExact(bytesMin))) {
            roll(large);
        }
    }

    /**
     * Begins the next segment, then seals this one. In this order a sealed segment always has a successor, so one that went missing is
     * missed; a crash between the two leaves a segment without a seal, and the next opening writes it.
     */
    private void roll(Spare from) throws IOException {
        ByteBuffer sealed = segment.sealed(state);
        Segment full = segment;
        segment = Segment.begin(files, from, full.id() + 1, incarnation, state, full.end(), staging);
        try {
            full.writeSeal(sealed);
        } finally {
            full.close();
        }
        if (full.seal().knows(0, full.seal().count())) {
            state.index().sealed(full.id(), full.size());
        }
        segment.seal().takeOver(full.seal());
    }
}
