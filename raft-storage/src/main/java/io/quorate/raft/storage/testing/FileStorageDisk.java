package io.quorate.raft.storage.testing;

import io.quorate.raft.EntryDamagedException;
import io.quorate.raft.FoundingRecord;
import io.quorate.raft.Identity;
import io.quorate.raft.Storage;
import io.quorate.raft.StorageException;
import io.quorate.raft.core.DiskRoom;
import io.quorate.raft.core.Entry;
import io.quorate.raft.core.EntryId;
import io.quorate.raft.core.HardState;
import io.quorate.raft.core.ReplicaId;
import io.quorate.raft.core.SnapshotId;
import io.quorate.raft.core.TermTable;
import io.quorate.raft.storage.FileStorage;
import io.quorate.raft.storage.StorageCorruptException;
import io.quorate.raft.storage.testing.SimulatedFiles.Loss;
import io.quorate.raft.storage.testing.SimulatedFiles.Operation;
import io.quorate.raft.testing.SimulatedDisk;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/**
 * A simulated node's disk on which the real {@link FileStorage} runs, with small segments, over {@link SimulatedFiles}:
 * {@code simulation.disks(FileStorageDisk.maker())}.
 *
 * <p>A process that dies, dies at some operation of the disk; often power is lost with it, and then what was not synced is lost or kept at
 * random. While a disk takes its time for a write, that has mostly begun, and hangs in one of its operations: other threads read and take
 * snapshots meanwhile, and the process may die there. Where the simulation makes the disk fail, an operation fails that the disk draws, or all from there on, or there is no more room.
 *
 * <p>Beside it stands a model of what was promised. After each death the storage is opened, on a copy, and held to that: what was reported
 * as written is there, what was not is there wholly or not at all, write by write in their order, and the term, the vote and the commit
 * index are those of the last write that is there. If not, {@link StorageBroken} is thrown, and the run fails.
 */
public final class FileStorageDisk implements SimulatedDisk {

    private static final FileStorage.Options OPTIONS = FileStorage.Options.defaults().withSegmentBytes(4 << 10).withTailBytesMax(8 << 10)
        .withLogTailBytes(2 << 10).withPartBytes(1 << 10);
    /** Of every second disk: larger than what is overwritten of one that is used again, so that something stays that was there before. */
    private static final int LARGER_SEGMENT_BYTES = 10 << 10;
    private static final int CRAMPED_BYTES_MAX = 200;
    private static final int OPERATIONS_TO_DIE_IN = 12;
    private static final int OPERATIONS_TO_HANG_IN = 8;
    private static final int OPERATIONS_OF_AN_OPENING = 24;
    private static final int ROOM_BYTES_MAX = 6 << 10;

    private final ReplicaId replica;
    private final FileStorage.Options options;
    private final SplittableRandom random;
    private final Consumer<SimulatedFiles> setup;
    private final Map<String, Long> happenings = new TreeMap<>();      // of earlier processes
    private SimulatedFiles files;
    private Promised promised = Promised.BLANK;
    private Promised heard = Promised.BLANK;                // by a process that has recovered it, or written it
    private List<SnapshotId> unsettled = List.of();         // that were being made durable when that failed
    private List<Storage.Write> failed = List.of();         // the batch that has not returned, until a process has recovered
    private @Nullable FoundingRecord founding;              // likewise
    private List<HonestLog.Frame> standing = List.of();     // the frames that the last process had recovered
    private @Nullable Opened running;
    private @Nullable String refusal;               // see refusal()
    private boolean isMended;
    private final Set<Long> rotten = new TreeSet<>();       // that were damaged in this process's time, perhaps written over since

    private FileStorageDisk(ReplicaId replica, FileStorage.Options options, SplittableRandom random, Consumer<SimulatedFiles> setup,
                            SimulatedFiles files) {
        this.replica = replica;
        this.options = options;
        this.random = random;
        this.setup = setup;
        this.files = files;
        setup.accept(files);
    }

    /** Makes such disks. */
    public static Maker maker() {
        return maker(files -> { });
    }

    /** The same, with something done to the directory that each process finds. */
    static Maker maker(Consumer<SimulatedFiles> setup) {
        return (nodeId, incarnation, isCramped) -> {
            FileStorage.Options options = incarnation % 2 == 0 ? OPTIONS : OPTIONS.withSegmentBytes(LARGER_SEGMENT_BYTES);
            return new FileStorageDisk(new ReplicaId(nodeId, incarnation), isCramped ? options.withTailBytesMax(CRAMPED_BYTES_MAX) : options,
                new SplittableRandom(incarnation), setup, new SimulatedFiles());
        };
    }

    // ------------------------------------------------------------------------------------------------------------- birth and death

    @Override
    public Storage open() {
        if (refusal != null) {
            throw new StorageException("No process can run on the disk of " + replica + ": " + refusal);
        }
        if (!isMended && random.nextInt(10) == 0) {
            failOpening();
        }
        Opened opened = new Opened(open(files));
        running = opened;
        return opened;
    }

    /** What a process could not read is as good as damaged to it. */
    private static boolean isRefusedByDisk(SimulatedFiles found) {
        return found.happenings().containsKey(Operation.READ + "_FAILED");
    }

    private void failOpening() {
        int operation = random.nextInt(OPERATIONS_OF_AN_OPENING);
        switch (random.nextInt(4)) {
            case 0 -> files.fail(Operation.READ, operation);
            case 1 -> files.dieAt(1 + operation);
            default -> files.failOnceAt(1 + operation);
        }
    }

    private FileStorage open(SimulatedFiles found) {
        try {
            return FileStorage.open(found, replica.nodeId(), replica.incarnation(), options);
        } catch (StorageCorruptException e) {
            if (isRefusedByDisk(found)) {
                throw e;
            }
            throw new StorageBroken("The directory of " + replica + " is refused: " + e.getMessage(), e);
        }
    }

    /** The directory with room for all that a look at it writes. */
    private static SimulatedFiles toLookAt(SimulatedFiles found) {
        SimulatedFiles copy = found.copy();
        copy.limit(Long.MAX_VALUE);
        return copy;
    }

    @Override
    public long crash(List<Storage.Write> writing, boolean keepsWrite) {
        Opened dying = running;
        if (dying != null && !writing.isEmpty() && (failed.isEmpty() || dying.hasBegun(writing))) {
            if (!keepsWrite) {
                boolean isAtOnce = dying.isHanging() && random.nextBoolean();
                files.dieAt(isAtOnce ? 1 : 1 + random.nextInt(OPERATIONS_TO_DIE_IN));
                if (dying.isHanging()) {
                    count("DIED_WHILE_DISK_HANGS");
                }
            }
            try {
                dying.write(writing);
            } catch (StorageException e) {
                count(keepsWrite ? "WRITE_FAILED_AND_PROCESS_DIED" : "DIED_WRITING");
            }
        }
        running = null;
        losePower();
        boolean isNews = dying != null && dying.isRecovered;
        long written = failed.isEmpty() && !writing.isEmpty() && dying != null ? writing.get(writing.size() - 1).id() : 0;
        long kept = Math.max(written, settle());
        return isNews ? kept : 0;
    }

    /** {@inheritDoc} Mostly it gets to some operation, and hangs there. */
    @Override
    public void begin(List<Storage.Write> writing) {
        Opened opened = running;
        if (opened != null && failed.isEmpty() && random.nextInt(4) > 0) {
            opened.begin(writing);
        }
    }

    /** {@inheritDoc} Or may fail yet, where the last segment cannot be read: a part of a sector may be written to there. */
    @Override
    public boolean hasFailed() {
        Opened opened = running;
        String last = files.list().stream().filter(name -> name.startsWith("log-")).reduce("", (one, other) -> other);
        return opened != null && (opened.begunFailure != null
            || !last.isEmpty() && files.isUnreadable(last, 0, Integer.MAX_VALUE));
    }

    @Override
    public void end() {
        Opened opened = running;
        if (opened != null && opened.isHanging()) {
            files.dieAt(1);
            opened.goOn();
        }
    }

    private void losePower() {
        rotten.clear();
        files.happenings().forEach((what, often) -> happenings.merge(what, often, Long::sum));
        Loss loss = List.of(isMended ? Loss.TEARS : Loss.NONE, Loss.TEARS, Loss.TEARS, Loss.LOSES_ALL).get(random.nextInt(4));
        if (loss != Loss.NONE && !files.unsynced().isEmpty()) {
            count(loss == Loss.TEARS ? "UNSYNCED_TORN" : "UNSYNCED_LOST");
        } else if (!files.unsynced().isEmpty()) {
            count("UNSYNCED_SEEN_BY_NEXT_PROCESS");
        }
        files = files.restart(loss, random);
        if (isMended || random.nextBoolean()) {
            files.limit(Long.MAX_VALUE);
        }
        setup.accept(files);
    }

    /**
     * Finds out what is there, of the batch too whose end nobody heard; returns the last write of that which is. That batch counts for
     * nothing yet: as long as no process has recovered it, a loss of power or damage may still take it away.
     *
     * <p>If the disk has lied, what it should have is held to the promises as ever, and then what it has: it is that, but for entries that
     * are named as damaged, and are; or it is refused; or it has forgotten its end, in the one way in which no log can tell.
     */
    private long settle() {
        Set<String> damaged = files.damaged();
        if (damaged.isEmpty()) {
            return settle(new Look(files), failed);
        }
        Look look;
        try {
            look = new Look(files);
        } catch (StorageException e) {
            count("DIRECTORY_REFUSED");
            if (e.getCause() instanceof IOException) {
                count("DIRECTORY_REFUSED_FOR_LOST_SECTOR");
            }
            refusal = e.toString();
            return settleHonestly();
        }
        HonestLog honest = new HonestLog(files.honest(), replica.incarnation());
        String differences = look.differences(failed, index -> honest.isDamaged(index, files));
        if (differences != null) {
            String hole = differenceFromHole(look, honest);
            if (hole != null) {
                throw new StorageBroken("The directory of " + replica + ", with damage in " + damaged + ", should be what it was"
                    + differences + hole);
            }
            count("LAST_WRITE_FORGOTTEN");
            refusal = "it has forgotten its last write, and does not know";
            return settleHonestly();
        }
        judge(look);
        return look.settle(failed);
    }

    /** What an honest disk would have is what counts as promised. */
    private long settleHonestly() {
        return settle(new Look(files.honest()), failed);
    }

    private long settle(Look look, List<Storage.Write> writes) {
        String differences = look.differences(writes, index -> false);
        if (differences != null) {
            throw new StorageBroken("The directory of " + replica + " should be what it was" + differences);
        }
        return look.settle(writes);
    }

    /** Damage that does not keep a directory from being opened. */
    private void judge(Look look) {
        if (!look.damaged().isEmpty()) {
            count("DAMAGED_ENTRIES_NAMED");
            HonestLog honest = honestLog();
            if (look.damaged().stream().anyMatch(entry -> honest.isUnreadable(entry.index(), files))) {
                count("ENTRIES_NAMED_FOR_LOST_SECTOR");
            }
        } else if (look.hasWholeSnapshot()) {
            count("DAMAGE_DOES_NO_HARM");
        }
        if (!look.hasWholeSnapshot()) {
            count("SNAPSHOT_REFUSED");
            refusal = "the newest snapshot is damaged";
        }
    }

    /**
     * Null if the log ends where that of an honest disk would if the frames were gone that {@link HonestLog#hole} tells; and neither the term
     * nor the vote goes back, nor what the last process stood on, unless the disk has taken more than one frame.
     */
    private @Nullable String differenceFromHole(Look look, HonestLog honest) {
        List<HonestLog.Frame> hole = honest.hole(files);
        if (hole.isEmpty()) {
            return "\nand none of its last frames is damaged";
        }
        if (hole.size() == 1 && hole.get(0).count() > 0 && standing.contains(hole.get(0))) {
            return "\nand one damaged frame " + hole.get(0) + " takes back what the last process had recovered";
        }
        SimulatedFiles shorter = files.honest();
        HonestLog.Frame first = hole.get(0);
        shorter.damage(first.file(), first.from(), new byte[shorter.bytes(first.file()).length - first.from()]);
        Look shortened = new Look(shorter);
        Promised left = shortened.promised();
        HardState state = left.hardState();
        HardState before = heard.hardState();
        if (hole.size() == 1 && (state.term() < before.term() || state.term() == before.term()
            && !Objects.equals(state.votedFor(), before.votedFor()))) {
            return "\nand one damaged frame " + first + " takes back a term or a vote: " + state;
        }
        String difference = look.difference(left, index -> honest.isDamaged(index, files));
        return difference == null ? null : "\nnor what it was without " + hole + ": " + difference;
    }

    /** What a process would find that opened the directory now. */
    private final class Look {

        private final FileStorage storage;
        private final Storage.@Nullable Recovered recovered;      // null while blank
        private int matching;                   // how many of the writes are there, once that was asked

        Look(SimulatedFiles found) {
            this(found == files ? files.damaged().isEmpty() : true, toLookAt(found));
        }

        private Look(boolean isHonest, SimulatedFiles copy) {
            this(isHonest, isHonest ? FileStorageDisk.this.open(copy)
                : FileStorage.open(copy, replica.nodeId(), replica.incarnation(), options));
        }

        /** What this one finds. */
        Look(boolean isHonest, FileStorage storage) {
            this.storage = storage;
            if (!storage.identity().replica().equals(replica) && promised != Promised.BLANK) {
                throw new StorageBroken("The directory of " + replica + " has become that of " + storage.identity().replica());
            }
            FoundingRecord record = storage.identity().founding();
            if (record == null && heard.founding() != null
                || record != null && !record.equals(heard.founding() == null ? founding : heard.founding())) {
                throw new StorageBroken("The directory of " + replica + " was founded as " + heard.founding() + ", or perhaps as "
                    + founding + ", and is now " + record);
            }
            recovered = record == null ? null : isHonest ? recover(storage) : storage.recover();
        }

        List<EntryId> damaged() {
            return recovered == null ? List.of() : recovered.damaged();
        }

        boolean hasWholeSnapshot() {
            try (Storage.StoredSnapshot snapshot = recovered == null ? null : storage.snapshot()) {
                if (snapshot != null) {
                    snapshot.state().transferTo(OutputStream.nullOutputStream());
                }
                return true;
            } catch (IOException | StorageException e) {
                return false;
            }
        }

        /** What was promised, if it is this. */
        Promised promised() {
            Storage.Recovered found = recovered;
            if (found == null) {
                return Promised.BLANK;
            }
            SnapshotId snapshot = found.log().snapshot();
            List<Entry> entries = new ArrayList<>();
            for (long index = snapshot.index() + 1; index <= found.log().terms().lastIndex(); index++) {
                entries.addAll(storage.read(index, index, Integer.MAX_VALUE));
            }
            return new Promised(storage.identity().founding(), found.hardState(), found.log().terms(), entries,
                snapshot.index() == 0 ? null : snapshot);
        }

        @Nullable String difference(Promised one, LongPredicate isDamaged) {
            Storage.Recovered found = recovered;
            return found == null ? null : one.difference(found, storage, unsettled, isDamaged);
        }

        /** In what it is neither what was promised nor that with some of these writes; null if it is. */
        @Nullable String differences(List<Storage.Write> writes, LongPredicate isDamaged) {
            StringBuilder differences = new StringBuilder();
            List<Promised> possible = possible(writes);
            for (int some = writes.size(); some >= 0; some--) {
                String difference = difference(possible.get(some), isDamaged);
                if (difference == null) {
                    matching = some;
                    return null;
                }
                differences.append("\n  after ").append(some).append(" more writes ").append(possible.get(some)).append(", but ")
                    .append(difference);
            }
            return differences.toString();
        }

        private List<Promised> possible(List<Storage.Write> writes) {
            FoundingRecord record = storage.identity().founding();
            List<Promised> possible = new ArrayList<>(List.of(record == null ? heard : heard.founded(record)));
            for (Storage.Write write : writes) {
                possible.add(possible.get(possible.size() - 1).after(write));
            }
            return possible;
        }

        /** What is there is promised from now on; returns the last of these writes that is, after {@link #differences} found none. */
        long settle(List<Storage.Write> writes) {
            Storage.Recovered found = recovered;
            if (found == null || running == null && !isMended) {
                promised = heard;
                return 0;
            }
            promised = possible(writes).get(matching);
            if (found.damaged().isEmpty()) {
                promised = promised.learning(found.log().terms());
            }
            if (found.log().snapshot().index() > 0) {
                promised = promised.with(found.log().snapshot());
            }
            return matching == 0 ? 0 : writes.get(matching - 1).id();
        }
    }

    private Storage.Recovered recover(FileStorage storage) {
        try {
            return storage.recover();
        } catch (StorageCorruptException e) {
            if (isRefusedByDisk(files)) {
                throw e;
            }
            throw new StorageBroken("The log of " + replica + " is refused, and was " + promised + ": " + e.getMessage(), e);
        }
    }

    // ---------------------------------------------------------------------------------------------------------------------- faults

    /** {@inheritDoc} Which operation, how soon, and whether it is the only one, is drawn. */
    @Override
    public void failWrites(String why) {
        switch (random.nextInt(8)) {
            case 0, 1 -> files.fail(Operation.WRITE, random.nextInt(4));
            case 2, 3 -> files.fail(Operation.FORCE, random.nextInt(4));
            case 4 -> files.fail(random.nextBoolean() ? Operation.CREATE : Operation.SYNC_DIRECTORY, 0);
            case 5 -> files.fail(List.of(Operation.RENAME, Operation.READ, Operation.OPEN).get(random.nextInt(3)), 0);
            case 6 -> files.dieAt(1 + random.nextInt(OPERATIONS_TO_DIE_IN));
            default -> files.limit(used() + random.nextInt(ROOM_BYTES_MAX));
        }
    }

    /** {@inheritDoc} A bit of it turns; not in the last frame, of which nobody can tell whether it was ever written. */
    @Override
    public @Nullable EntryId damageAny(long dice) {
        long covered = promised.snapshot() == null ? 0 : promised.snapshot().index();
        List<Entry> behind = promised.from(covered + 1);
        HonestLog log = honestLog();
        if (refusal != null || isMended || behind.isEmpty() || log.frames().isEmpty()) {
            return null;
        }
        SplittableRandom drawn = new SplittableRandom(dice);
        Entry entry = behind.get(drawn.nextInt(behind.size()));
        HonestLog.Frame frame = log.lastOf(entry.index());
        Opened opened = running;
        int last = opened != null && !opened.begun.isEmpty() ? 2 : 1;      // the one that is being written may be there, and go again
        if (frame == null || log.frames().indexOf(frame) >= log.frames().size() - last) {
            return null;
        }
        int[] place = frame.placeOf(entry.index(), files.honest().bytes(frame.file()));
        files.keepHonest();
        files.flip(frame.file(), drawn.nextInt(place[0], place[1]), drawn.nextInt(Byte.SIZE));
        rememberDamage();
        settleIfDown();
        return entry.id();
    }

    @Override
    public boolean damageBytes(long dice) {
        if (refusal != null || isMended || promised.founding() == null) {
            return false;
        }
        files.keepHonest();
        SplittableRandom drawn = new SplittableRandom(dice);
        switch (drawn.nextInt(12)) {
            case 0, 1 -> flip("log-", "BIT_TURNED_IN_LOG", drawn);
            case 2, 3, 4 -> flip("snapshot-", "BIT_TURNED_IN_SNAPSHOT", drawn);
            case 5 -> flip("", "BIT_TURNED", drawn);
            case 6 -> makeUnreadable("log-", "SECTOR_LOST_IN_LOG", drawn);
            case 7 -> makeEntriesUnreadable(drawn);
            case 8 -> makeUnreadable("snapshot-", "SECTOR_LOST_IN_SNAPSHOT", drawn);
            case 9 -> makeUnreadable("", "SECTOR_LOST", drawn);
            case 10 -> files.loseWrite();
            default -> {
                List<String> names = files.list();
                String name = names.get(drawn.nextInt(names.size()));
                files.misdirectWrite(name, drawn.nextInt(1 + files.bytes(name).length / SimulatedMedium.SECTOR));
            }
        }
        rememberDamage();
        settleIfDown();
        return true;
    }

    /** Who has found that does not see that it is over when what is damaged is written once more with what comes behind it. */
    private void rememberDamage() {
        HonestLog log = honestLog();
        promised.entries().stream().map(Entry::index).filter(index -> log.isDamaged(index, files)).forEach(rotten::add);
    }

    private interface Mishap {
        void at(String name, int offset);
    }

    private void flip(String prefix, String what, SplittableRandom drawn) {
        strike(prefix, what, drawn, (name, at) -> files.flip(name, at, drawn.nextInt(Byte.SIZE)));
    }

    /** One sector or two are not given back any more, however often they are asked for, until they are written over. */
    private void makeUnreadable(String prefix, String what, SplittableRandom drawn) {
        strike(prefix, what, drawn, (name, at) -> files.makeUnreadable(name, at, 1 + drawn.nextInt(SimulatedMedium.SECTOR)));
    }

    /** The same of a sector in which there is nothing but entries, so that it can be told which these are. */
    private void makeEntriesUnreadable(SplittableRandom drawn) {
        List<HonestLog.Frame> frames = honestLog().frames().stream().filter(frame -> frame.sectorOfEntries() > 0).toList();
        if (!frames.isEmpty()) {
            HonestLog.Frame frame = frames.get(drawn.nextInt(frames.size()));
            files.makeUnreadable(frame.file(), frame.sectorOfEntries(), 1);
            count("SECTOR_LOST_IN_ENTRIES");
        }
    }

    /** Mostly where something stands. */
    private void strike(String prefix, String what, SplittableRandom drawn, Mishap mishap) {
        List<String> names = files.list().stream().filter(name -> name.startsWith(prefix) && files.bytes(name).length > 0).toList();
        if (names.isEmpty()) {
            return;
        }
        String name = names.get(drawn.nextInt(names.size()));
        byte[] bytes = files.bytes(name);
        int at = drawn.nextInt(bytes.length);
        for (int again = 0; bytes[at] == 0 && again < 10; again++) {
            at = drawn.nextInt(bytes.length);
        }
        mishap.at(name, at);
        count(what);
    }

    private HonestLog honestLog() {
        return new HonestLog(files.honest(), replica.incarnation());
    }

    private void settleIfDown() {
        if (running == null) {
            settle();
        }
    }

    /** {@inheritDoc} Whoever runs is asked, or whoever would. */
    @Override
    public List<EntryId> damaged() {
        if (refusal != null || promised.founding() == null || files.damaged().isEmpty()) {
            return List.of();
        }
        Opened open = running;
        return open == null ? new Look(files).damaged() : open.damaged();
    }

    /** {@inheritDoc} So is all else that is damaged. */
    @Override
    public void undamage(List<EntryId> entries) {
        files.undoDamage();
        refusal = null;
        settle();
    }

    @Override
    public boolean isSuspect() {
        return !files.damaged().isEmpty();
    }

    @Override
    public boolean isSnapshotSuspect() {
        return files.damaged().stream().anyMatch(name -> name.startsWith("snapshot-"));
    }

    @Override
    public @Nullable String refusal() {
        return refusal;
    }

    /** {@inheritDoc} The disk takes nothing more, or so little more; what the storage makes of that is its affair. */
    @Override
    public void room(DiskRoom room) {
        files.limit(switch (room) {
            case PLENTY -> Long.MAX_VALUE;
            case LOW -> used() + random.nextInt(ROOM_BYTES_MAX);
            case NONE -> used();
        });
    }

    private long used() {
        return files.list().stream().mapToLong(name -> files.bytes(name).length).sum();
    }

    /** {@inheritDoc} Of what nobody has recovered yet it is decided now whether it is there: it may tell who belongs to the group. */
    @Override
    public void mend() {
        isMended = true;
        files.mend();
        if (running == null) {
            if (!files.isDurable()) {
                losePower();
            }
            settle();
        }
    }

    @Override
    public FileStorageDisk copy() {
        FileStorageDisk copy = new FileStorageDisk(replica, options, random.split(), setup, files.copy());
        copy.heard = heard;
        copy.unsettled = unsettled;
        copy.failed = failed;
        copy.founding = founding;
        copy.standing = standing;
        copy.refusal = refusal;
        copy.settle();
        return copy;
    }

    private void count(String what) {
        happenings.merge(what, 1L, Long::sum);
    }

    @Override
    public Map<String, Long> happenings() {
        Map<String, Long> all = new TreeMap<>();
        happenings.forEach((what, often) -> all.merge("FILES_" + what, often, Long::sum));
        files.happenings().forEach((what, often) -> all.merge("FILES_" + what, often, Long::sum));
        return all;
    }

    // ------------------------------------------------------------------------------------------------------------- what is durable

    @Override
    public ReplicaId replica() {
        return replica;
    }

    @Override
    public @Nullable FoundingRecord founding() {
        return promised.founding();
    }

    @Override
    public HardState hardState() {
        return promised.hardState();
    }

    @Override
    public List<Entry> log() {
        return promised.entries();
    }

    @Override
    public long lastIndex() {
        return promised.terms().lastIndex();
    }

    @Override
    public @Nullable EntryId entryAt(long index) {
        return promised.entryAt(index);
    }

    @Override
    public @Nullable SnapshotId snapshotId() {
        return promised.snapshot();
    }

    @Override
    public String toString() {
        return replica + " " + promised;
    }

    /** The storage as one process has it: what it returns from is promised. */
    private final class Opened implements Storage {

        private final FileStorage storage;
        private boolean isRecovered;
        private List<Write> begun = List.of();                  // and not asked for yet
        private @Nullable HungTask hanging;                     // that, unless it is over
        private @Nullable RuntimeException begunFailure;        // what has become of it

        Opened(FileStorage storage) {
            this.storage = storage;
        }

        // ------------------------------------------------------------------------------------------------ a disk that does not answer

        /** An installation ends with names that change one after the other under a lock, so that one stands still before that or not at all. */
        void begin(List<Write> batch) {
            boolean isInstalling = batch.stream().anyMatch(write -> write.install() != null);
            failed = batch;
            begun = batch;
            HungTask task = new HungTask(files, random.nextInt(isInstalling ? 2 : OPERATIONS_TO_HANG_IN), () -> storage.write(batch));
            hanging = task;
            if (task.hangsIn() == null) {
                count("WRITTEN_BEFORE_DISK_ANSWERS");
                goOn();
            } else {
                count(task.hangsIn() + "_HANGS");
            }
        }

        boolean hasBegun(List<Write> batch) {
            return begun == batch;
        }

        boolean isHanging() {
            return hanging != null;
        }

        /** What others do while the disk hangs in a write. */
        private void meanwhile(String what) {
            if (hanging != null) {
                count(what + "_WHILE_DISK_HANGS");
            }
        }

        /** The disk thread does one thing after the other: what it had begun comes to its end before it does anything else. */
        void goOn() {
            HungTask task = hanging;
            if (task == null) {
                return;
            }
            hanging = null;
            try {
                task.end();
            } catch (StorageException e) {
                begunFailure = e;
            }
        }

        /** It is heard what has become of what was begun; before, nobody was promised anything. */
        private void endBegun() {
            goOn();
            List<Write> batch = begun;
            RuntimeException why = begunFailure;
            begun = List.of();
            begunFailure = null;
            if (why != null) {
                throw why;
            }
            onWritten(batch);
        }

        /** Whether this was written, as far as that is known of a write that has not come to its end. */
        private boolean isWritten(Entry entry) {
            List<Entry> known = entry.index() < promised.firstIndex() ? List.of() : promised.from(entry.index());
            return known.isEmpty() || known.get(0).equals(entry) || mayBe(entry.id());
        }

        private boolean mayBe(EntryId id) {
            return begun.stream().anyMatch(write -> write.entries().stream().anyMatch(entry -> entry.id().equals(id)));
        }

        @Override
        public Identity identity() {
            return storage.identity();
        }

        @Override
        public Recovered recover() {
            Look look = new Look(files.damaged().isEmpty(), storage);
            Recovered recovered = Objects.requireNonNull(look.recovered, "a blank directory");
            String differences = look.differences(failed, this::isDamaged);
            if (differences != null) {
                throw new StorageBroken("The directory of " + replica + " is another one than a moment ago: it should be what it was"
                    + differences);
            }
            look.settle(failed);
            standing = honestLog().frames();
            isRecovered = true;
            failed = List.of();
            unsettled = List.of();
            founding = null;
            promise(promised);
            return recovered;
        }

        private void promise(Promised now) {
            promised = now;
            heard = now;
        }

        List<EntryId> damaged() {
            List<EntryId> damaged = new ArrayList<>();
            StoredSnapshot newest = storage.snapshot();
            long covered = newest == null ? 0 : newest.id().index();
            if (newest != null) {
                newest.close();
            }
            for (Entry entry : promised.from(covered + 1)) {
                try {
                    storage.read(entry.index(), entry.index(), Integer.MAX_VALUE);
                } catch (EntryDamagedException e) {
                    damaged.add(e.entry());
                }
            }
            return damaged;
        }

        @Override
        public void found(FoundingRecord record) {
            founding = record;
            storage.found(record);
            founding = null;
            promise(promised.founded(record));
        }

        @Override
        public void write(List<Write> batch) {
            if (hasBegun(batch)) {
                endBegun();
                return;
            }
            if (!begun.isEmpty()) {
                throw new IllegalStateException("One disk thread writes " + batch + " while it has begun " + begun);
            }
            failed = batch;
            if (random.nextInt(4) == 0) {
                storage.maintain();     // as the disk thread does while no write waits
            }
            storage.write(batch);
            onWritten(batch);
        }

        private void onWritten(List<Write> batch) {
            failed = List.of();
            Promised after = promised;
            for (Write write : batch) {
                after = after.after(write);
            }
            promise(batch.stream().anyMatch(write -> write.install() != null) ? after.learning(terms()) : after);
        }

        /** Of what an installed snapshot covers, nobody else knows the terms. */
        private TermTable terms() {
            return FileStorageDisk.this.recover(FileStorageDisk.this.open(toLookAt(files.honest()))).log().terms();
        }

        @Override
        public List<Entry> read(long firstIndex, long lastIndex, int bytesMax) {
            List<Entry> entries;
            try {
                entries = storage.read(firstIndex, lastIndex, bytesMax);
            } catch (EntryDamagedException e) {
                requireDamaged(List.of(e.entry()));
                throw e;
            }
            for (Entry entry : entries) {
                if (!isWritten(entry)) {
                    throw new StorageBroken(replica + " reads " + entry.id() + " where " + promised.entryAt(entry.index()) + " was written");
                }
            }
            meanwhile("READ");
            return entries;
        }

        @Override
        public @Nullable StoredSnapshot snapshot() {
            return storage.snapshot();
        }

        @Override
        public SnapshotOutput beginSnapshot(SnapshotId snapshot) {
            SnapshotOutput output = storage.beginSnapshot(snapshot);
            return new SnapshotOutput() {

                @Override
                public OutputStream state() {
                    return output.state();
                }

                @Override
                public void commit() {
                    List<SnapshotId> before = unsettled;
                    unsettled = new ArrayList<>(before);
                    unsettled.add(snapshot);
                    output.commit();
                    unsettled = before;
                    promise(promised.with(snapshot));
                    meanwhile("SNAPSHOT_TAKEN");
                }

                @Override
                public void close() {
                    output.close();
                }
            };
        }

        @Override
        public SnapshotInput receiveSnapshot(SnapshotId snapshot) {
            return storage.receiveSnapshot(snapshot);
        }

        @Override
        public long logBytes() {
            return storage.logBytes();
        }

        @Override
        public long firstIndex() {
            return storage.firstIndex();
        }

        @Override
        public void compact(long wantedIndex) {
            goOn();
            storage.compact(wantedIndex);
        }

        @Override
        public boolean maintain() {
            goOn();
            return storage.maintain();
        }

        /** Who says that an entry is damaged must be right, by name: others may be asked for it, and may replace it. */
        private void requireDamaged(List<EntryId> named) {
            for (EntryId entry : named) {
                boolean isNamed = entry.equals(promised.entryAt(entry.index())) || mayBe(entry);
                if (!isNamed || !isDamaged(entry.index())) {
                    throw new StorageBroken(replica + " says that entry " + entry + " is damaged, which it is not: it was " + promised);
                }
            }
            if (!named.isEmpty()) {
                count("DAMAGE_FOUND_WHILE_RUNNING");
            }
        }

        private boolean isDamaged(long index) {
            return isRefusedByDisk(files) || rotten.contains(index) || honestLog().isDamaged(index, files);
        }

        @Override
        public List<EntryId> repair(List<Entry> entries) {
            goOn();
            HonestLog honest = honestLog();
            List<Entry> lost = entries.stream().filter(entry -> honest.isUnreadable(entry.index(), files)).toList();
            List<EntryId> repaired = storage.repair(entries);
            if (!repaired.isEmpty() && files.unsynced().stream().anyMatch(change -> change.startsWith("log-"))) {
                throw new StorageBroken(replica + " has put back " + repaired + ", and a loss of power may damage them again");
            }
            for (EntryId entry : repaired) {
                if (!storage.read(entry.index(), entry.index(), Integer.MAX_VALUE).equals(promised.from(entry.index()).subList(0, 1))) {
                    throw new StorageBroken(replica + " has not got back entry " + entry + ", though it says so");
                }
                count("DAMAGED_ENTRY_REPAIRED");
            }
            if (lost.stream().anyMatch(entry -> repaired.contains(entry.id()))) {
                count("LOST_SECTOR_REPAIRED");
            }
            return repaired;
        }

        @Override
        public Scrubbed scrub(int bytesMax) {
            goOn();
            Scrubbed found = storage.scrub(bytesMax);
            requireDamaged(found.damaged());
            if (isRefusedByDisk(files)) {
                return found;
            }
            if (found.isSnapshotDamaged()) {
                requireSomeDamage("snapshot", "snapshot-");
                count("DAMAGED_SNAPSHOT_FOUND");
            }
            if (found.problem() != null) {
                requireSomeDamage(found.problem(), "log-");
                count("DAMAGE_BEYOND_REPAIR_FOUND");
            }
            return found;
        }

        private void requireSomeDamage(String what, String prefix) {
            if (files.damaged().stream().noneMatch(name -> name.startsWith(prefix))) {
                throw new StorageBroken(replica + " finds damage where there is none: " + what);
            }
        }

        @Override
        public DiskRoom room() {
            return storage.room();
        }

        @Override
        public void close() {
            goOn();
            storage.close();
        }
    }
}
