package io.quorate.raft.storage.testing;

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
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A simulated node's disk on which the real {@link FileStorage} runs, with small segments, over {@link SimulatedFiles}:
 * {@code simulation.disks(FileStorageDisk.maker())}.
 *
 * <p>A process that dies, dies at some operation of the disk; often power is lost with it, and then what was not synced is lost or kept at
 * random. Where the simulation makes the disk fail, an operation fails that the disk draws, or all from there on, or there is no more room.
 *
 * <p>Beside it stands a model of what was promised. After each death the storage is opened, on a copy, and held to that: what was reported
 * as written is there, what was not is there wholly or not at all, write by write in their order, and the term, the vote and the commit
 * index are those of the last write that is there. If not, {@link StorageBroken} is thrown, and the run fails.
 */
public final class FileStorageDisk implements SimulatedDisk {

    private static final FileStorage.Options OPTIONS = FileStorage.Options.defaults().withSegmentBytes(4 << 10).withTailBytesMax(8 << 10)
        .withLogTailBytes(2 << 10).withPartBytes(1 << 10);
    private static final int CRAMPED_BYTES_MAX = 200;
    private static final int OPERATIONS_TO_DIE_IN = 12;
    private static final int ROOM_BYTES_MAX = 6 << 10;

    private final ReplicaId replica;
    private final FileStorage.Options options;
    private final SplittableRandom random;
    private final Consumer<SimulatedFiles> setup;
    private final Map<String, Long> happenings = new TreeMap<>();      // of earlier processes
    private SimulatedFiles files;
    private Promised promised = Promised.BLANK;
    private List<SnapshotId> unsettled = List.of();         // that were being made durable when that failed
    private List<Storage.Write> failed = List.of();         // the batch that has not returned
    private @Nullable FoundingRecord founding;              // likewise
    private @Nullable Opened running;
    private boolean isMended;

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
        return (nodeId, incarnation, isCramped) -> new FileStorageDisk(new ReplicaId(nodeId, incarnation),
            isCramped ? OPTIONS.withTailBytesMax(CRAMPED_BYTES_MAX) : OPTIONS, new SplittableRandom(incarnation), setup,
            new SimulatedFiles());
    }

    // ------------------------------------------------------------------------------------------------------------- birth and death

    @Override
    public Storage open() {
        // What the last process has left unsynced counts as kept, and a force that fails now could still lose it: single tests do that.
        if (!isMended && files.unsynced().isEmpty() && random.nextInt(20) == 0) {
            files.failOnceAt(1 + random.nextInt(OPERATIONS_TO_DIE_IN));
        }
        Opened opened = new Opened(open(files));
        running = opened;
        return opened;
    }

    private FileStorage open(SimulatedFiles found) {
        try {
            return FileStorage.open(found, replica.nodeId(), replica.incarnation(), options);
        } catch (StorageCorruptException e) {
            throw new StorageBroken("The directory of " + replica + " is refused: " + e.getMessage(), e);
        }
    }

    @Override
    public long crash(List<Storage.Write> writing, boolean keepsWrite) {
        Opened dying = running;
        if (dying != null && failed.isEmpty() && !writing.isEmpty()) {
            if (!keepsWrite) {
                files.dieAt(1 + random.nextInt(OPERATIONS_TO_DIE_IN));
            }
            try {
                dying.write(writing);
            } catch (StorageException e) {
                count(keepsWrite ? "WRITE_FAILED_AND_PROCESS_DIED" : "DIED_WRITING");
            }
        }
        running = null;
        losePower();
        long written = failed.isEmpty() && !writing.isEmpty() && dying != null ? writing.get(writing.size() - 1).id() : 0;
        long kept = Math.max(written, settle());
        failed = List.of();
        founding = null;
        unsettled = List.of();
        return kept;
    }

    private void losePower() {
        files.happenings().forEach((what, often) -> happenings.merge(what, often, Long::sum));
        Loss loss = List.of(Loss.NONE, Loss.TEARS, Loss.TEARS, Loss.LOSES_ALL).get(random.nextInt(4));
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

    /** Finds out what is there, of the batch too whose end nobody heard; returns the last write of that which is. */
    private long settle() {
        SimulatedFiles copy = files.copy();
        copy.limit(Long.MAX_VALUE);
        FileStorage found = open(copy);
        if (!found.identity().replica().equals(replica) && promised != Promised.BLANK) {
            throw new StorageBroken("The directory of " + replica + " has become that of " + found.identity().replica());
        }
        FoundingRecord record = found.identity().founding();
        if (record == null && promised.founding() == null) {
            return 0;
        }
        if (record == null || !record.equals(promised.founding() == null ? founding : promised.founding())) {
            throw new StorageBroken("The directory of " + replica + " was founded as " + promised.founding() + ", or perhaps as " + founding
                + ", and is now " + record);
        }
        Storage.Recovered recovered = recover(found);
        List<Promised> possible = new ArrayList<>(List.of(promised.founded(record)));
        for (Storage.Write write : failed) {
            possible.add(possible.get(possible.size() - 1).after(write));
        }
        StringBuilder differences = new StringBuilder();
        for (int writes = possible.size() - 1; writes >= 0; writes--) {
            String difference = possible.get(writes).difference(recovered, found, unsettled);
            if (difference == null) {
                promised = possible.get(writes).learning(recovered.log().terms());
                if (recovered.log().snapshot().index() > 0) {
                    promised = promised.with(recovered.log().snapshot());
                }
                return writes == 0 ? 0 : failed.get(writes - 1).id();
            }
            differences.append("\n  after ").append(writes).append(" more writes ").append(possible.get(writes)).append(", but ")
                .append(difference);
        }
        throw new StorageBroken("The directory of " + replica + " should be what it was" + differences);
    }

    private Storage.Recovered recover(FileStorage storage) {
        try {
            return storage.recover();
        } catch (StorageCorruptException e) {
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
            case 5 -> files.fail(random.nextBoolean() ? Operation.RENAME : Operation.READ, 0);
            case 6 -> files.dieAt(1 + random.nextInt(OPERATIONS_TO_DIE_IN));
            default -> files.limit(used() + random.nextInt(ROOM_BYTES_MAX));
        }
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

    @Override
    public void mend() {
        isMended = true;
        files.mend();
    }

    @Override
    public FileStorageDisk copy() {
        FileStorageDisk copy = new FileStorageDisk(replica, options, random.split(), setup, files.copy());
        copy.promised = promised;
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

        Opened(FileStorage storage) {
            this.storage = storage;
        }

        @Override
        public Identity identity() {
            return storage.identity();
        }

        @Override
        public Recovered recover() {
            Recovered recovered = FileStorageDisk.this.recover(storage);
            String difference = promised.difference(recovered, storage, List.of());
            if (difference != null) {
                throw new StorageBroken("The directory of " + replica + " is another one than a moment ago: it was " + promised + ", but "
                    + difference);
            }
            return recovered;
        }

        @Override
        public void found(FoundingRecord record) {
            founding = record;
            storage.found(record);
            founding = null;
            promised = promised.founded(record);
        }

        @Override
        public void write(List<Write> batch) {
            failed = batch;
            if (random.nextInt(4) == 0) {
                storage.maintain();     // as the disk thread does while no write waits
            }
            storage.write(batch);
            failed = List.of();
            for (Write write : batch) {
                promised = promised.after(write);
            }
            if (batch.stream().anyMatch(write -> write.install() != null)) {
                promised = promised.learning(terms());
            }
        }

        /** Of what an installed snapshot covers, nobody else knows the terms. */
        private TermTable terms() {
            SimulatedFiles copy = files.copy();
            copy.limit(Long.MAX_VALUE);
            return FileStorageDisk.this.recover(FileStorageDisk.this.open(copy)).log().terms();
        }

        @Override
        public List<Entry> read(long firstIndex, long lastIndex, int bytesMax) {
            List<Entry> entries = storage.read(firstIndex, lastIndex, bytesMax);
            for (Entry entry : entries) {
                List<Entry> known = entry.index() < promised.firstIndex() ? List.of() : promised.from(entry.index());
                if (!known.isEmpty() && !known.get(0).equals(entry)) {
                    throw new StorageBroken(replica + " reads " + entry.id() + " where " + known.get(0).id() + " was written");
                }
            }
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
                    promised = promised.with(snapshot);
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
            storage.compact(wantedIndex);
        }

        @Override
        public boolean maintain() {
            return storage.maintain();
        }

        @Override
        public List<EntryId> repair(List<Entry> entries) {
            return storage.repair(entries);
        }

        @Override
        public Scrubbed scrub(int bytesMax) {
            return storage.scrub(bytesMax);
        }

        @Override
        public DiskRoom room() {
            return storage.room();
        }

        @Override
        public void close() {
            storage.close();
        }
    }
}
