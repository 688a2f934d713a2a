package io.quorate.raft.storage;

import io.quorate.raft.EntryDamagedException;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.storage.FrameWitness.Verdict;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts damaged entries back, as other replicas have them.
 *
 * <p>The same term at the same index is the same entry, byte for byte. So where its place is known, the bytes are written over what is
 * there: a crash in between leaves it damaged, as it was, or repaired, and nothing else is touched. Where the places are not known, or can
 * be neither read nor written, the entries are written once more, at the end of the log, with all that is behind them, as one frame that
 * replaces what is there by the same: after a crash there is the old frame, or this one.
 */
final class EntryRepair {

    private static final Logger LOG = LoggerFactory.getLogger(EntryRepair.class);

    private final FileSystem files;
    private final long incarnation;
    private final LogState state;
    private final Segment open;
    private final Map<Long, Entry> given = new TreeMap<>();
    private final List<EntryId> repaired = new ArrayList<>();

    /** For the log that ends in this segment. */
    EntryRepair(FileSystem files, long incarnation, LogState state, Segment open) {
        this.files = files;
        this.incarnation = incarnation;
        this.state = state;
        this.open = open;
    }

    /** Takes these, but for what was not written here, and writes those over whose places are known; returns which. */
    List<EntryId> inPlace(List<Entry> entries) throws IOException {
        Map<Long, List<Damage.Mark>> bySegment = new TreeMap<>();
        for (Entry entry : entries) {
            Damage.Mark mark = state.damage().at(entry.index());
            if (mark == null || !mark.id().equals(entry.id())) {
                continue;
            }
            if (!entry.isIntact()) {
                LOG.warn("Entry {} was damaged on its way here, and is not used to repair anything", entry.id());
                continue;
            }
            given.put(entry.index(), entry);
            bySegment.computeIfAbsent(mark.segment(), id -> new ArrayList<>()).add(mark);
        }
        for (Map.Entry<Long, List<Damage.Mark>> segment : bySegment.entrySet()) {
            inSegment(segment.getKey(), segment.getValue());
        }
        return repaired;
    }

    private void inSegment(long id, List<Damage.Mark> marks) throws IOException {
        String name = SegmentHeader.fileName(id);
        try (FileHandle file = files.open(name)) {
            SegmentReader reader = new SegmentReader(file, Math.toIntExact(file.size()));
            SegmentSeal seal = id == open.id() ? open.seal() : sealIfReadable(reader, id);
            List<Damage.Mark> written = new ArrayList<>();
            for (Damage.Mark mark : marks) {
                Entry entry = given.get(mark.id().index());
                if (entry == null) {
                    continue;       // with another one of its run
                }
                if (!mark.isApart()) {
                    checkRun(reader, mark);
                } else if (!belongs(reader, seal, entry, mark)) {
                    given.remove(entry.index());
                } else if (!mark.isStuck() && isWritten(file, entry, mark)) {
                    written.add(mark);
                }
            }
            if (written.isEmpty()) {
                return;
            }
            file.force();
            SegmentReader afterwards = new SegmentReader(file, reader.size());
            for (Damage.Mark mark : written) {
                Entry entry;
                try {
                    entry = DamagedFrame.entryAt(afterwards, mark.offset(), reader.size());
                } catch (UnreadableException e) {
                    LOG.warn("Entry {} was written over in its place and cannot be read there, and so is written once more: {}", mark.id(),
                        e.getMessage());
                    state.damage().add(mark.stuck());
                    continue;
                }
                if (entry == null || !entry.equals(given.get(mark.id().index()))) {
                    throw new IOException("entry " + mark.id() + " was written to " + files.pathOf(name) + " at offset " + mark.offset()
                        + ", and is not what can be read there");
                }
                state.damage().repaired(mark.id());
                repaired.add(mark.id());
                LOG.info("Entry {} in {} at offset {} is repaired", mark.id(), files.pathOf(name), mark.offset());
            }
        }
    }

    /** The segment's index; null also if the disk does not give it back, for then there are other ways to tell. */
    private @Nullable SegmentSeal sealIfReadable(SegmentReader reader, long id) throws IOException {
        try {
            return SegmentSeal.read(reader, incarnation, id);
        } catch (UnreadableException e) {
            LOG.warn("The index of a segment cannot be read: {}", e.getMessage());
            return null;
        }
    }

    /**
     * Writes an entry over what is in its place. A kernel has to read the rest of a block of which it is given a part: where it cannot, the
     * entry is left to be written once more. It is damaged still, whatever has come of the write.
     */
    private boolean isWritten(FileHandle file, Entry entry, Damage.Mark mark) throws IOException {
        try {
            file.write(ByteBuffer.wrap(entry.array(), entry.offset(), entry.size()), mark.offset());
            return true;
        } catch (IOException e) {
            if (isReadable(file, entry.size(), mark.offset())) {
                throw e;
            }
            LOG.warn("Entry {} in {} at offset {} can be neither read nor written in its place, and so is written once more", mark.id(),
                files.pathOf(SegmentHeader.fileName(mark.segment())), mark.offset());
            state.damage().add(mark.stuck());
            return false;
        }
    }

    private static boolean isReadable(FileHandle file, int length, int offset) throws IOException {
        try {
            file.read(ByteBuffer.allocate(length), offset);
            return true;
        } catch (UnreadableException e) {
            return false;
        }
    }

    /** Whether this is what was written here. It is, unless two replicas have different entries of one name. */
    private boolean belongs(SegmentReader reader, @Nullable SegmentSeal seal, Entry entry, Damage.Mark mark) throws IOException {
        int record = seal == null ? -1 : seal.recordAt(mark.offset());
        // The index says it all. What is behind the entry may be damaged like the entry, so it is not asked for more than it must.
        Verdict verdict = seal != null && record >= 0 ? byIndex(seal, record, entry, mark) : bySurroundings(reader, seal, entry, mark);
        if (verdict == Verdict.WRITTEN) {
            return true;
        }
        tellOf(verdict, List.of(entry), mark);
        return false;
    }

    private void tellOf(Verdict verdict, List<Entry> entries, Damage.Mark mark) {
        String which = entries.stream().map(entry -> String.format("%s of %d bytes with the checksum %08x", entry.id(), entry.size(),
            entry.checksum())).collect(Collectors.joining(", "));
        String path = files.pathOf(SegmentHeader.fileName(mark.segment()));
        if (verdict == Verdict.OTHER) {
            LOG.error("Of another replica, {}: that is not what was written to {} at offset {}. Two replicas have different entries of one"
                + " name.", which, path, mark.offset());
        } else {
            LOG.warn("Not put back: {}. Nobody can tell whether that is what was written to {} at offset {}, for what would say so is damaged"
                + " too.", which, path, mark.offset());
        }
    }

    /** Whether this is the entry of which the segment's index says so, and reaches into nothing that it says of others. */
    private Verdict byIndex(SegmentSeal seal, int record, Entry entry, Damage.Mark mark) {
        int next = seal.offsetBehind(record);
        int room = (next == 0 ? state.index().endOf(mark.segment()) : next) - mark.offset();
        return seal.checksum(record) == entry.checksum() && entry.size() <= room ? Verdict.WRITTEN : Verdict.OTHER;
    }

    /** Whether something was written that begins where the entry would end, or else the entry's frame says that this is it. */
    private Verdict bySurroundings(SegmentReader reader, @Nullable SegmentSeal seal, Entry entry, Damage.Mark mark) throws IOException {
        int end = mark.offset() + entry.size();
        if (end > reader.size()) {
            return Verdict.OTHER;
        }
        if (end == state.index().endOf(mark.segment()) || seal != null && seal.recordAt(end) >= 0) {
            return Verdict.WRITTEN;
        }
        PlaceFinder.Place next = new PlaceFinder(files, incarnation, state).find(mark.id().index() + 1);
        if (next != null && next.segment() == mark.segment() && next.offset() == end) {
            return Verdict.WRITTEN;
        }
        if (FrameWitness.header(reader, incarnation, mark.segment(), end) != null) {
            return Verdict.WRITTEN;
        }
        FrameHeader frame = FrameWitness.frameAt(reader, incarnation, mark.segment(), mark.offset());
        return frame == null ? Verdict.UNKNOWN : FrameWitness.ask(reader, frame, index -> index == entry.index() ? entry : null);
    }

    /**
     * Keeps of a run that is given as a whole what was written, and nothing if it is something else: the header before it knows.
     *
     * @param mark of one of its entries
     */
    private void checkRun(SegmentReader reader, Damage.Mark mark) throws IOException {
        Map<Long, Entry> run = new TreeMap<>();
        for (Damage.Mark each : state.damage().marks()) {
            Entry entry = given.get(each.id().index());
            if (each.isOfRunOf(mark) && entry == null) {
                return;     // without all of them, none is used
            }
            if (each.isOfRunOf(mark) && entry != null) {
                run.put(entry.index(), entry);
            }
        }
        FrameHeader frame = FrameWitness.header(reader, incarnation, mark.segment(), mark.offset() - FrameHeader.BYTES);
        Verdict verdict = frame == null ? Verdict.UNKNOWN : FrameWitness.ask(reader, frame, run::get);
        // Where others of the frame were replaced or covered since, nobody gives these back, and the header says no more than this.
        if (verdict == Verdict.OTHER || frame == null) {
            tellOf(verdict, List.copyOf(run.values()), mark);
            given.keySet().removeAll(run.keySet());
        }
    }

    /**
     * The entries that must be written once more, the last of the log behind them, so that one run is repaired whose entries are not known
     * apart; null if there is none of which all were given. What was given for the log behind it is used too.
     */
    @Nullable Content onceMore() throws IOException {
        List<Damage.Mark> marks = state.damage().marks();
        for (int end = marks.size(); end > 0; ) {
            Damage.Mark last = marks.get(end - 1);
            int begin = end - 1;
            while (begin > 0 && marks.get(begin - 1).isOfRunOf(last)) {
                begin--;
            }
            boolean isGiven = marks.subList(begin, end).stream().allMatch(mark -> given.containsKey(mark.id().index()));
            if (isGiven && (!last.isApart() || last.isStuck())) {
                return contentFrom(marks.get(begin).id().index());
            }
            end = begin;
        }
        return null;
    }

    private @Nullable Content contentFrom(long firstIndex) throws IOException {
        List<Entry> entries = new ArrayList<>();
        long bytes = 0;
        try (EntryReader reader = new EntryReader(files, incarnation, state)) {
            for (long index = firstIndex; index < state.nextIndex(); index++) {
                Damage.Mark mark = state.damage().at(index);
                Entry entry = mark == null ? reader.read(index, index, Entry.SIZE_MAX).stream().findFirst().orElse(null) : given.get(index);
                bytes += entry == null ? 0 : entry.size();
                if (entry == null || bytes > Content.LENGTH_MAX) {
                    LOG.warn("Entry {} cannot be repaired before what is damaged behind it, or has so much log behind it that it cannot be"
                        + " written once more", firstIndex);
                    return null;
                }
                entries.add(entry);
            }
        } catch (EntryDamagedException e) {
            LOG.warn("Entry {} cannot be repaired before {}", firstIndex, e.entry());
            return null;
        }
        return new Content(state.lastWriteId(), state.hardState(), firstIndex, entries);
    }
}
